"""Words of a report that not everybody knows, each explained in a sentence or two."""

from __future__ import annotations

TERMS = {
    "nats": (
        "The unit of cross-entropy with the natural logarithm. A loss of 0.693 nats is a coin "
        "toss; a prediction that gives the truth the probability p costs −ln p."
    ),
    "loss": (
        "Cross-entropy: the mean of −ln p over the samples, where p is the probability that was "
        "given to the true class. It asks how sure a model is, where accuracy only counts labels."
    ),
    "accuracy": "The share of samples whose most probable class is the true one.",
    "precision": "Of the samples predicted as a class, the share that is of that class.",
    "recall": "Of the samples of a class, the share that is predicted as that class.",
    "confidence": "The probability that the model gives to the class it predicts.",
    "calibration": (
        "A model is calibrated if, of all predictions made with 80 % confidence, 80 % are right. "
        "In nats: the part of the loss that the right temperature takes away."
    ),
    "refinement": (
        "The part of the loss that no temperature takes away: how well the predictions tell the "
        "classes apart. The same as the loss after calibration."
    ),
    "temperature": (
        "One number that all logits are divided by before the softmax. Above 1 it makes every "
        "prediction less sure and changes no label."
    ),
    "logits": "The raw outputs of a network, before the softmax makes probabilities of them.",
    "Fano envelope": (
        "The smallest and the largest loss that a calibrated model of that accuracy can have, "
        "whatever the data. A loss above it proves miscalibration."
    ),
    "95 % interval": (
        "Where the number would lie in 95 of 100 such validation sets. It knows nothing of other "
        "data or of another training."
    ),
    "reliability diagram": (
        "Predictions of about the same confidence in one point: how sure the model is against how "
        "often it is right. Below the diagonal it is too sure, above it too modest."
    ),
    "as good": (
        "Epochs that these samples do not tell from the best one: the difference is within what "
        "chance and the choice of the best explain."
    ),
    "excess": "How much lower the whole loss would be if these samples were like the average.",
}
