"""What whyloss knows to look for: one file per rule."""

from whyloss.rules.base import SECTIONS, Finding, Rule, Severity, rule
from whyloss.rules.best_epochs_differ import best_epochs_differ
from whyloss.rules.chance_level import chance_level
from whyloss.rules.consistent import consistent
from whyloss.rules.double_softmax import double_softmax
from whyloss.rules.infinite_loss import infinite_loss
from whyloss.rules.non_finite import non_finite
from whyloss.rules.not_probabilities import not_probabilities
from whyloss.rules.overconfidence import overconfidence
from whyloss.rules.overfitting import overfitting
from whyloss.rules.underconfidence import underconfidence
from whyloss.rules.within_noise import within_noise

ALL: tuple[Rule, ...] = (
    non_finite,
    not_probabilities,
    double_softmax,
    chance_level,
    consistent,
    overconfidence,
    underconfidence,
    infinite_loss,
    overfitting,
    best_epochs_differ,
    within_noise,
)

# Where the first finding stands, the others are set aside: they would describe its symptoms.
SETS_ASIDE: dict[str, tuple[str, ...]] = {
    "not-probabilities": (
        "temperature",
        "overconfidence",
        "chance-level",
        "infinite-loss",
        "consistent",
    ),
    "double-softmax": (
        "underconfidence",
        "overconfidence",
        "chance-level",
        "consistent",
        "overfitting",
        "best-epochs-differ",
        "within-noise",
        # Remedies are set aside like findings: these would mend the symptom.
        "temperature",
        "epoch-for-probabilities",
        "epoch-after-calibration",
    ),
    "chance-level": ("consistent", "overconfidence"),
    "non-finite": ("consistent",),
    "infinite-loss": ("consistent",),
    "overconfidence": ("consistent",),
    "underconfidence": ("consistent",),
    "overfitting": ("consistent", "within-noise"),
}

__all__ = ["ALL", "SECTIONS", "SETS_ASIDE", "Finding", "Rule", "Severity", "rule"]
