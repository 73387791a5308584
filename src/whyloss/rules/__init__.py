"""What whyloss knows to look for: one file per rule."""

from whyloss.results.finding import Finding, Severity
from whyloss.rules.base import SECTIONS, Rule, rule
from whyloss.rules.best_epochs_differ import best_epochs_differ
from whyloss.rules.binary_loss_for_classes import binary_loss_for_classes
from whyloss.rules.chance_level import chance_level
from whyloss.rules.class_bias import class_bias
from whyloss.rules.clipped_loss import clipped_loss
from whyloss.rules.consistent import consistent
from whyloss.rules.distribution_shift import distribution_shift
from whyloss.rules.double_softmax import double_softmax
from whyloss.rules.impossible_pair import impossible_pair
from whyloss.rules.infinite_loss import infinite_loss
from whyloss.rules.label_encoding import label_encoding
from whyloss.rules.label_noise import label_noise
from whyloss.rules.last_batch_skew import last_batch_skew
from whyloss.rules.loss_mismatch import loss_mismatch
from whyloss.rules.majority_class import majority_class
from whyloss.rules.non_finite import non_finite
from whyloss.rules.not_probabilities import not_probabilities
from whyloss.rules.outliers import outliers
from whyloss.rules.overconfidence import overconfidence
from whyloss.rules.overfitting import overfitting
from whyloss.rules.permuted_classes import permuted_classes
from whyloss.rules.saturated import saturated
from whyloss.rules.small_validation_set import small_validation_set
from whyloss.rules.smoothing_or_weights import smoothing_or_weights
from whyloss.rules.train_mode_gap import train_mode_gap
from whyloss.rules.underconfidence import underconfidence
from whyloss.rules.underfitting import underfitting
from whyloss.rules.unstable_training import unstable_training
from whyloss.rules.validation_too_easy import validation_too_easy
from whyloss.rules.within_noise import within_noise

ALL: tuple[Rule, ...] = (
    non_finite,
    not_probabilities,
    double_softmax,
    clipped_loss,
    impossible_pair,
    loss_mismatch,
    label_encoding,
    permuted_classes,
    saturated,
    binary_loss_for_classes,
    chance_level,
    train_mode_gap,  # says why it looks as if something were wrong; before the next, which does not
    consistent,
    majority_class,
    overconfidence,
    underconfidence,
    class_bias,
    infinite_loss,
    outliers,
    label_noise,
    overfitting,
    best_epochs_differ,
    within_noise,
    unstable_training,
    underfitting,
    small_validation_set,
    smoothing_or_weights,
    last_batch_skew,
    distribution_shift,
    validation_too_easy,
)

# Where the first finding stands, the others are set aside: they would describe its symptoms, or
# mend them. Remedies are set aside like findings.
_LEVELS = ("chance-level", "majority-class", "consistent")
_DYNAMICS = (
    "overfitting",
    "best-epochs-differ",
    "within-noise",
    "underfitting",
    "unstable-training",
)
_SAMPLES = ("outliers", "label-noise", "class-bias")
_CALIBRATION = ("overconfidence", "underconfidence")
_MENDS = ("temperature", "epoch-for-probabilities", "epoch-after-calibration")

SETS_ASIDE: dict[str, tuple[str, ...]] = {
    # Broken numbers come before everything that is read from them.
    "not-probabilities": (
        *_CALIBRATION,
        *_SAMPLES,
        *_LEVELS,
        "infinite-loss",
        "clipped-loss",
        "loss-mismatch",
        "temperature",
    ),
    "double-softmax": (*_CALIBRATION, *_SAMPLES, *_LEVELS, *_DYNAMICS, *_MENDS),
    "impossible-pair": ("chance-level", "consistent", *_CALIBRATION, "train-mode-gap"),
    "label-encoding": (
        *_LEVELS,
        *_CALIBRATION,
        *_SAMPLES,
        *_DYNAMICS,
        "impossible-pair",
        "permuted-classes",
        "distribution-shift",
        "train-mode-gap",
        "temperature",
    ),
    "permuted-classes": (
        *_CALIBRATION,
        *_SAMPLES,
        *_LEVELS,
        "distribution-shift",
        "overfitting",
        "temperature",
    ),
    "saturated": (
        "consistent",
        *_CALIBRATION,
        *_SAMPLES,
        "loss-mismatch",
        "clipped-loss",
        "underfitting",
    ),
    "binary-loss-for-classes": (*_LEVELS, "overconfidence", "train-mode-gap", "impossible-pair"),
    "loss-mismatch": ("consistent", "overfitting", "impossible-pair"),
    "non-finite": ("consistent",),
    # The kind of fault that explains the more general one.
    "distribution-shift": (*_LEVELS, *_CALIBRATION, "overfitting", "best-epochs-differ"),
    "majority-class": ("chance-level", "consistent", *_CALIBRATION, "underfitting"),
    "chance-level": ("consistent", *_CALIBRATION, "underfitting", "train-mode-gap"),
    "unstable-training": ("overfitting", *_CALIBRATION, "best-epochs-differ", "consistent"),
    # Lapses before a temperature: it mistakes them for over- or under-confidence.
    "infinite-loss": ("consistent", "underconfidence"),
    "outliers": ("consistent", "underconfidence"),
    "label-noise": ("consistent", "outliers"),
    "class-bias": ("consistent", "chance-level"),
    "overconfidence": ("consistent",),
    "underconfidence": ("consistent", "underfitting"),
    "overfitting": ("consistent", "within-noise"),
    "clipped-loss": ("consistent", "outliers"),
    "validation-too-easy": ("consistent",),
}

__all__ = ["ALL", "SECTIONS", "SETS_ASIDE", "Finding", "Rule", "Severity", "rule"]
