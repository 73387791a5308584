"""A training for the tests of ``whyloss watch``."""

import numpy as np

import whyloss
from whyloss.testing import known_cause

N_EPOCHS = 8
KNOWN = known_cause(
    1, temperature=np.linspace(0.8, 3.0, N_EPOCHS), blur=0.4, n_classes=2, n_samples=300
).source


def record(path, epochs, **keywords):
    with whyloss.Recorder(path, **keywords) as recorder:
        for epoch in epochs:
            one = KNOWN.predictions("val", epoch)
            recorder.log(split="val", epoch=epoch, y_true=one.y_true, logits=one.scores)
