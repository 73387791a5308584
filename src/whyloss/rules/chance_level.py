"""WL201: the model does no better than guessing."""

from __future__ import annotations

import math

from whyloss.evidence import Evidence, Level
from whyloss.measures.intervals import Estimate
from whyloss.rules.base import Finding, Severity, rule
from whyloss.testing import known_cause
from whyloss.words import nats, percent


@rule(
    "WL201",
    name="chance-level",
    needs=Level.NUMBERS,
    since="0.1",
    fires=lambda seed: known_cause(seed, signal=0.0),
    near_misses={
        "max_gain": lambda seed: known_cause(seed, signal=0.3, n_classes=2, n_samples=10_000),
        "max_skill": lambda seed: known_cause(seed, signal=1.5, n_classes=2, shares=(0.93, 0.07)),
    },
)
def chance_level(
    evidence: Evidence, *, max_gain: float = 0.05, max_skill: float = 0.05
) -> Finding | None:
    """The model does no better than guessing by the class shares.

    ## What it means
    Whoever knows nothing but how frequent the classes are has a loss equal to the entropy of the
    class shares (ln K for K balanced classes: 0.693, 1.099, 2.303 for 2, 3, 10) and is right as
    often as the largest class is frequent. This model does no better on either count.

    ## Signature
    Accuracy no higher than the share of the largest class, loss no lower than the entropy of the
    shares, both within their errors.

    ## Statistic and threshold
    Skill = 1 − loss / entropy of the shares. The rule needs the upper end of the 95 % interval of
    the accuracy to stay within `max_gain` = 0.05 of the largest share, and the skill to stay below
    `max_skill` = 0.05 at the lower end of the loss. Both are claims of equivalence: with few
    samples the intervals are wide and the rule stays silent.

    ## Not to be confused with
    `overconfidence`, where the loss is as high and the accuracy is not. A model that has learnt to
    rank but never crosses the threshold on a rare class has the accuracy of the majority and real
    skill.

    ## Remedy
    First suspect the pipeline: labels shuffled against inputs, inputs not normalised, a learning
    rate too high or too low, a loss that does not fit the output. Then a model too small for the
    task, or features that carry no information. Try to overfit 50 samples: a pipeline that works
    can.

    ## References
    Loss relative to the entropy of the shares: doi:10.1145/2648584.2648589 (He et al. 2014,
    normalised entropy).
    """
    numbers = evidence.numbers
    if numbers is None or numbers.prior_entropy is None or numbers.majority is None:
        return None
    if numbers.prior_entropy == 0.0 or numbers.accuracy.high is None:
        return None
    gain = numbers.accuracy.high - numbers.majority
    loss = numbers.log_loss
    best_case = loss.value if loss.low is None else loss.low
    skill = 1.0 - best_case / numbers.prior_entropy
    if not (gain <= max_gain and skill <= max_skill):
        return None
    return Finding(
        severity=Severity.WARNING,
        headline="No better than guessing",
        message=(
            f"A loss of {nats(loss.value)} at an accuracy of {percent(numbers.accuracy.value)} is "
            f"no better than guessing by the class shares, which costs "
            f"{nats(numbers.prior_entropy)} and is right in {percent(numbers.majority)}."
        ),
        evidence={
            "log_loss": loss,
            "accuracy": numbers.accuracy,
            "prior_entropy": Estimate(numbers.prior_entropy, note="of the observed class shares"),
            "chance": Estimate(
                math.log(numbers.n_classes) if numbers.n_classes else math.nan, note="ln K, exact"
            ),
            "skill": Estimate(1.0 - loss.value / numbers.prior_entropy, note="from the loss above"),
        },
        nats=max(0.0, loss.value - numbers.prior_entropy),
        epochs=() if numbers.epoch is None else (numbers.epoch,),
    )
