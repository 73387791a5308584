"""The scores as tables."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.diagnosis.alternatives import ALTERNATIVES
from benchmarks.diagnosis.partial import PARTIAL
from benchmarks.diagnosis.scores import confusions, macro_f1, score_labels, share
from benchmarks.diagnosis.trial import HEALTHY

from whyloss.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.diagnosis.trial import Outcome

ENOUGH = 1000  # samples
NOTICEABLE = 0.03  # nats
SHOWN = 25
MISSING = "–"
HOW_COUNTED = """\
- The true nats are those of the very samples drawn: their loss with the cause, less their loss without it.
  Of two causes at once they are the range over the order in which they are removed. Over-confidence seen
  in curves alone is a lower bound, right where it is not above the truth.
- Causes that are merely worth knowing come after "nothing is wrong"; they count as the verdict where they are
  the first such finding.
- Precision counts every trial of a single cause and the healthy ones, of which there are more than of any cause.
"""


def report(results: Mapping[str, Sequence[Outcome]]) -> str:
    """All tables of the parts that ran, in Markdown."""
    rows = [
        "# Known causes, planted and diagnosed",
        "",
        f"whyloss {__version__}, {datetime.now(UTC):%Y-%m-%d}. Written by `make bench-diagnosis`.",
        "",
    ]
    if simulated := results.get("simulated"):
        rows += ["## Simulated", "", HOW_COUNTED, *_simulated(simulated)]
    if trained := results.get("trained"):
        rows += ["## Trained", "", *_trained(trained)]
    return "\n".join(rows).rstrip() + "\n"


def shortfalls(results: Mapping[str, Sequence[Outcome]]) -> list[str]:
    """Every trial whose verdict or whose nats are wrong, in one line each."""
    lines = []
    for outcome in (one for part in results.values() for one in part):
        far = [
            f"{a.cause} {a.nats:.3f} not {a.truth.low:.3f}…{a.truth.high:.3f}"
            for a in outcome.attributed
            if not a.right
        ]
        if outcome.verdict != outcome.label or far:
            lines.append(
                f"{outcome.design} effect={outcome.effect:.3f}: {', '.join(outcome.found) or '(none)'}"
                + (f" [{'; '.join(far)}]" if far else "")
            )
    return lines


def clear(outcome: Outcome) -> bool:
    """Whether there are enough samples, and the cause costs what somebody would notice."""
    return outcome.design.n_samples >= ENOUGH and (
        not outcome.causes or outcome.effect > NOTICEABLE
    )


def alone(outcome: Outcome) -> bool:
    """Whether at most one cause was planted."""
    return len(outcome.causes) <= 1


def _simulated(outcomes: Sequence[Outcome]) -> list[str]:
    single, pairs = [o for o in outcomes if alone(o)], [o for o in outcomes if not alone(o)]
    rows = [*_targets(outcomes), ""]
    rows += ["### Each cause alone", "", *_by_cause(single), ""]
    rows += [
        "### Known in part",
        "",
        *_in_part([o for o in outcomes if o.design.name in PARTIAL]),
        "",
    ]
    rows += ["### In pairs", "", *_by_pair(pairs), ""]
    rows += ["### Healthy", "", *_healthy([o for o in outcomes if not o.causes]), ""]
    rows += ["### What was taken for what", "", *_confused([o for o in single if clear(o)]), ""]
    rows += ["### Nats", "", *_nats(outcomes), ""]
    rows += ["### Simple alternatives", "", *_alternatives([o for o in single if clear(o)]), ""]
    return rows


def _targets(outcomes: Sequence[Outcome]) -> list[str]:
    single = [o for o in outcomes if alone(o)]
    f1 = macro_f1(_scores([o for o in single if clear(o)]))
    alarms = share(o.alarm for o in outcomes if not o.causes)
    near = [a.right for o in outcomes if clear(o) for a in o.attributed]
    every = [a.right for o in outcomes for a in o.attributed]
    return [
        (
            f"{len(outcomes):,} trials. Clear ones have at least {ENOUGH:,} samples and an effect "
            f"above {NOTICEABLE} nats."
        ),
        "",
        "| What | Target | Measured |",
        "|---|--:|--:|",
        f"| Macro-F1 of the verdict, single causes, clear | ≥ 0.95 | {f1:.3f} |",
        f"| The same, all | | {macro_f1(_scores(single)):.3f} |",
        f"| False alarms on healthy evidence | ≤ 2 % | {_percent(alarms)} |",
        f"| Nats within ±10 % or ±.01, clear | ≥ 90 % | {_percent(share(near))} |",
        f"| The same, all | | {_percent(share(every))} |",
    ]


def _scores(outcomes: Sequence[Outcome]) -> dict[str, object]:
    return score_labels([o.label for o in outcomes], [o.verdict for o in outcomes])


def _by_cause(outcomes: Sequence[Outcome]) -> list[str]:
    sure, every = _scores([o for o in outcomes if clear(o)]), _scores(outcomes)
    rows = [
        "| Cause | clear trials | precision | recall | first or second | F1 | all trials | F1 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for label, whole in every.items():
        score = sure.get(label)
        among = share(
            label in o.found[:2] if o.causes else o.verdict == HEALTHY
            for o in outcomes
            if o.label == label and clear(o)
        )
        cells = (
            [MISSING] * 4
            if score is None
            else [_two(score.precision), _two(score.recall), _two(among), _two(score.f1)]
        )
        support = 0 if score is None else score.support
        rows.append(
            f"| {label} | {support} | {' | '.join(cells)} | {whole.support} | {_two(whole.f1)} |"
        )
    return rows


def _in_part(outcomes: Sequence[Outcome]) -> list[str]:
    """Curves with something missing, or with another term in the loss."""
    told = [o for o in outcomes if not o.open]
    rows = [
        "Open trials are those in which someone who knows how the data were made, and the error of the",
        "difference, is wrong in one case of twenty or more. Asked: nothing is claimed, and the planted",
        "cause is one of the first two suspects. Wrong and sure: a warning or an error with another cause.",
        "",
        "| What | Target | Measured |",
        "|---|--:|--:|",
        f"| Macro-F1 of the verdict, where it can be told | ≥ 0.95 | {macro_f1(_scores(told)):.3f} |",
        f"| The same, asked counted as right | | {macro_f1(_asked(told)):.3f} |",
        f"| The same, clear trials | | {macro_f1(_asked([o for o in told if clear(o)])):.3f} |",
        f"| Wrong and sure | ≤ 2 % | {_percent(share(_wrong_and_sure(o) for o in outcomes))} |",
        "",
        "| Planted | trials | open | right | asked | wrong and sure |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(o.design.name for o in outcomes):
        here = [o for o in outcomes if o.design.name == name]
        rows.append(
            f"| {name} | {len(here)} | {sum(o.open for o in here)} "
            f"| {_percent(share(o.verdict == o.label for o in here))} "
            f"| {_percent(share(o.asked for o in here))} "
            f"| {_percent(share(_wrong_and_sure(o) for o in here))} |"
        )
    return rows


def _asked(outcomes: Sequence[Outcome]) -> dict[str, object]:
    return score_labels(
        [o.label for o in outcomes], [o.label if o.asked else o.verdict for o in outcomes]
    )


def _wrong_and_sure(outcome: Outcome) -> bool:
    return outcome.alarm and outcome.verdict not in {outcome.label, *outcome.causes}


def _by_pair(outcomes: Sequence[Outcome]) -> list[str]:
    rows = [
        "Clear trials. The dearest is the one that costs more in the mean over both orders; they are often close.",
        "",
        "| Planted | trials | verdict is one of them | verdict is the dearest | both found |",
        "|---|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(o.design.name for o in outcomes):
        here = [o for o in outcomes if o.design.name == name and clear(o)]
        rows.append(
            f"| {name} | {len(here)} | {_percent(share(o.verdict in o.causes for o in here))} "
            f"| {_percent(share(o.verdict == o.causes[0] for o in here))} "
            f"| {_percent(share(set(o.causes) <= set(o.found) for o in here))} |"
        )
    return rows


def _healthy(outcomes: Sequence[Outcome]) -> list[str]:
    rows = ["| Level | trials | false alarms | as what |", "|---|--:|--:|---|"]
    for level in dict.fromkeys(o.level for o in outcomes):
        here = [o for o in outcomes if o.level == level]
        named = ", ".join(f"{given} {count}" for _, given, count in confusions(*_alarms(here)))
        rows.append(
            f"| {level} | {len(here)} | {_percent(share(o.alarm for o in here))} | {named or MISSING} |"
        )
    return rows


def _alarms(outcomes: Sequence[Outcome]) -> tuple[list[str], list[str]]:
    return [o.label for o in outcomes], [o.verdict if o.alarm else o.label for o in outcomes]


def _confused(outcomes: Sequence[Outcome]) -> list[str]:
    rows = ["Clear trials.", "", "| Planted | verdict | times |", "|---|---|--:|"]
    pairs = confusions([o.label for o in outcomes], [o.verdict for o in outcomes])
    rows += [f"| {true} | {given} | {count} |" for true, given, count in pairs[:SHOWN]]
    if len(pairs) > SHOWN:
        rows.append(f"| {len(pairs) - SHOWN} others | | {sum(c for *_, c in pairs[SHOWN:])} |")
    return rows


def _nats(outcomes: Sequence[Outcome]) -> list[str]:
    rows = [
        "| Cause | evidence | clear: findings | within ±10 % or ±.01 | median error | all: findings | within |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    every = [(o, a) for o in outcomes for a in o.attributed]
    for cause, level in sorted({(a.cause, o.level) for o, a in every}):
        here = [(o, a) for o, a in every if (a.cause, o.level) == (cause, level)]
        sure = [a for o, a in here if clear(o)]
        errors = sorted(a.truth.away(a.nats) for a in sure)
        median = f"{errors[len(errors) // 2]:.3f}" if errors else MISSING
        rows.append(
            f"| {cause} | {level} | {len(sure)} | {_percent(share(a.right for a in sure))} | {median} "
            f"| {len(here)} | {_percent(share(a.right for _, a in here))} |"
        )
    return rows


def _alternatives(outcomes: Sequence[Outcome]) -> list[str]:
    """Scored on everything, and on no more than the labels that any of them knows."""
    known = {"overconfidence", "underconfidence", "outliers", "overfitting", HEALTHY}
    few = [o for o in outcomes if o.label in known]
    rows = [
        (
            f"Clear single causes: macro-F1 over all labels, and over the {len(few):,} trials of the "
            "five labels that simple rules know."
        ),
        "",
        "| Who | all labels | five labels | false alarms on healthy |",
        "|---|--:|--:|--:|",
    ]
    who: dict[str, Callable[[Outcome], str]] = {"whyloss": lambda o: o.verdict}
    for name in ALTERNATIVES:
        who[name] = lambda o, name=name: o.alternatives[name]
    for name, say in who.items():
        cells = [
            macro_f1(score_labels([o.label for o in of], [say(o) for o in of]))
            for of in (outcomes, few)
        ]
        ill = (
            o.alarm if name == "whyloss" else say(o) != HEALTHY for o in outcomes if not o.causes
        )
        alarms = share(ill)
        rows.append(f"| {name} | {cells[0]:.2f} | {cells[1]:.2f} | {_percent(alarms)} |")
    return rows


def _trained(outcomes: Sequence[Outcome]) -> list[str]:
    faulty = [o for o in outcomes if o.causes]
    healthy = [o for o in outcomes if not o.causes]
    rows = [
        "| What | Target | Measured |",
        "|---|--:|--:|",
        f"| Planted cause is the verdict or the second finding | ≥ 90 % | {_percent(share(_second(o) for o in faulty))} |",
        f"| Planted cause is the verdict | | {_percent(share(o.verdict in o.causes for o in faulty))} |",
        f"| False alarms on healthy trainings | | {_percent(share(o.alarm for o in healthy))} |",
        "",
        "| Planted | cause | trials | verdict | first or second | verdicts otherwise |",
        "|---|---|--:|--:|--:|---|",
    ]
    for name in dict.fromkeys(o.design.name for o in outcomes):
        here = [o for o in outcomes if o.design.name == name]
        other = confusions([o.label for o in here], [o.verdict for o in here])
        named = ", ".join(f"{given} {count}" for _, given, count in other) or MISSING
        cause = " or ".join(here[0].causes) or HEALTHY
        rows.append(
            f"| {name} | {cause} | {len(here)} | {_percent(share(o.verdict == o.label for o in here))} "
            f"| {_percent(share(_second(o) for o in here))} | {named} |"
        )
    return [*rows, "", "### Simple alternatives on the trained part", "", *_alternatives(outcomes)]


def _second(outcome: Outcome) -> bool:
    if not outcome.causes:
        return outcome.verdict == HEALTHY
    return bool(set(outcome.causes) & set(outcome.found[:2]))


def _two(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:.2f}"


def _percent(value: float) -> str:
    return MISSING if math.isnan(value) else f"{100 * value:.1f} %"
