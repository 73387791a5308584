"""The glossary: each term in a sentence or two, for the report and for docs/glossary.md.

Reporters only: add a term here, use it in a template by ``term("…")``, and run ``make docs``.
"""

from __future__ import annotations

TERMS = {
    "loss": (
        "Cross-entropy, also called log loss: the mean of −ln p over the samples, where p is the "
        "probability that the model gave to the true class. It measures how sure the model is, "
        "while accuracy only counts labels. It is not an error rate: a loss of 0.46 means that "
        "the model typically gives the true class a probability of exp(−0.46) = 63 %."
    ),
    "nats": (
        "The unit of cross-entropy with the natural logarithm. Guessing between two classes costs "
        "ln 2 = 0.693 nats per sample."
    ),
    "accuracy": "The share of samples whose most probable class is the true one.",
    "precision": "Of the samples predicted as a class, the share that is of that class.",
    "recall": "Of the samples of a class, the share that is predicted as that class.",
    "split": "A part of the data: training, validation or test.",
    "logits": "The raw outputs of a network, before the softmax makes probabilities of them.",
    "confidence": "The probability that the model gives to the class it predicts.",
    "calibration": (
        "A model is calibrated if, of all predictions made with 80 % confidence, 80 % are right. "
        "In nats: the part of the loss that the best temperature removes."
    ),
    "refinement": (
        "The part of the loss that no temperature removes: how well the predictions tell the "
        "classes apart. The same as the loss after calibration."
    ),
    "over-confidence": (
        "The confidence is larger than the share of right answers, so mistakes cost more than "
        "they need to. Under-confidence is the opposite. Neither changes a label."
    ),
    "temperature": (
        "One number that all logits are divided by before the softmax. Above 1 it makes every "
        "prediction less sure. It changes no label."
    ),
    "out of fold": (
        "Fitted on some of the samples and measured on the others, so that the measured effect "
        "holds for new samples of the same kind."
    ),
    "surprise gap": (
        "The loss minus the loss that the model expects going by its own probabilities (their "
        "mean entropy). It is 0 for a calibrated model and positive for an over-confident one."
    ),
    "Fano envelope": (
        "The smallest and the largest loss that a calibrated model of this accuracy can have, "
        "whatever the data. A loss above it proves miscalibration."
    ),
    "label noise": (
        "Labels that are wrong at random. The label-noise rate is the share of samples whose "
        "label says nothing about their class."
    ),
    "class bias": (
        "Some classes are predicted too often and others too rarely. One constant added to the "
        "logit of each class corrects it."
    ),
    "outlier": (
        "A sample whose loss is too large to be expected from the model's own probabilities, "
        "whatever the temperature."
    ),
    "95 % interval": (
        "A range computed so that, over many validation sets of this size, 95 of 100 such ranges "
        "contain the true value. It covers the choice of samples, not other data or another "
        "training."
    ),
    "reliability diagram": (
        "Groups of predictions with about the same confidence: the mean confidence against the "
        "share of right answers. Points below the diagonal are over-confident, points above it "
        "under-confident."
    ),
    "as good": (
        "Epochs whose difference from the best one may be chance. That the best one was chosen "
        "because it looked best is taken into account."
    ),
    "excess": "How much lower the whole loss would be if these samples were like the average.",
}
