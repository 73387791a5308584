"""Write the example files of the documentation: a history and predictions, made up from a seed.

Usage: ``python tools/example_files.py docs/examples``.
"""

import sys
from pathlib import Path

import numpy as np

from whyloss.testing import known_cause

CLASSES = ("cat", "dog", "owl")
N_EPOCHS = 30


def history() -> str:
    """A training whose validation loss rises while its accuracy stays."""
    rng = np.random.default_rng(0)
    rows = ["epoch,loss,accuracy,val_loss,val_accuracy"]
    for epoch in range(1, N_EPOCHS + 1):
        learnt = 1 - np.exp(-epoch / 5)
        loss = 0.65 * np.exp(-epoch / 7) + 0.02
        val_loss = 0.68 - 0.36 * learnt + 0.02 * max(epoch - 8, 0) + rng.normal(0, 0.004)
        accuracy, val_accuracy = 0.6 + 0.39 * learnt, 0.6 + 0.29 * learnt + rng.normal(0, 0.004)
        rows.append(f"{epoch},{loss:.4f},{accuracy:.4f},{val_loss:.4f},{val_accuracy:.4f}")
    return "\n".join([*rows, ""])


def predictions() -> str:
    """Probabilities of an over-confident model, with labels."""
    made = known_cause(0, n_samples=600, n_classes=len(CLASSES), temperature=1.8)
    one = made.source.predictions("val", made.source.epochs("val")[0])
    z = one.scores - one.scores.max(axis=1, keepdims=True)
    probs = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    rows = [",".join(["id", "label", *(f"prob_{name}" for name in CLASSES)])]
    rows += [
        ",".join([f"img_{row:03d}", CLASSES[one.y_true[row]], *(f"{p:.6g}" for p in probs[row])])
        for row in range(len(probs))
    ]
    return "\n".join([*rows, ""])


def main() -> None:
    """Write the files into the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "history.csv").write_text(history(), encoding="utf-8")
    (folder / "predictions.csv").write_text(predictions(), encoding="utf-8")


if __name__ == "__main__":
    main()
