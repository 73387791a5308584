"""Two runs, epochs or sets of predictions side by side: what differs beyond noise, and in whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from whyloss.errors import DataError
from whyloss.measures.attribution import members_by_outcome, outcome_of
from whyloss.measures.estimates.unpaired_differences import unpaired_difference
from whyloss.results.attribution import Outcome
from whyloss.results.comparison import METRICS, ChangedSample, Comparison, MetricDifference, Side
from whyloss.verbs.compare.pairing import FIRST, SECOND, pair
from whyloss.verbs.diagnose.tables import attribution_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import EpochChange, EpochFacts, Evidence
    from whyloss.results.attribution import Attribution
    from whyloss.results.estimate import Estimate

TOP_SAMPLES = 50
MOST_NAMED = 100


def compare(first: Evidence, second: Evidence, *, names: tuple[str, str]) -> Comparison:
    """Compare two sources; sample by sample where both hold predictions with the same ids.

    Parameters
    ----------
    first, second : Evidence
        Sides A and B.
    names : (str, str)
        What to call them.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        One side holds nothing to compare, or the two hold different classes.
    """
    a, b = _opened(first, "A", names[0]), _opened(second, "B", names[1])
    if not (first.epochs and second.epochs):
        return _compare_unpaired(a, b, ("Not paired: that takes predictions on both sides.",))
    pairing = pair(first.last, second.last)
    if pairing.evidence is None:
        return _compare_unpaired(a, b, pairing.notes)
    notes = pairing.notes
    if a.side.name == b.side.name and a.side.epoch != b.side.epoch:
        notes += ("An epoch that was picked because it is the best owes a part of that to chance.",)
    return _paired(a, b, pairing.evidence, notes)


@dataclass(frozen=True)
class _Opened:
    """One side, and its evidence."""

    side: Side
    evidence: Evidence


def _opened(evidence: Evidence, letter: str, name: str) -> _Opened:
    numbers = evidence.numbers
    if numbers is None:
        raise DataError(
            f"Side {letter} contains nothing to compare",
            expected="predictions that can be scored, or a loss and an accuracy",
            got=f"neither in {evidence.source.name}",
        )
    at = evidence.last.predictions.epoch if evidence.epochs else numbers.epoch
    return _Opened(Side(name, evidence.split, at, numbers.n_samples), evidence)


def _compare_unpaired(a: _Opened, b: _Opened, notes: tuple[str, ...]) -> Comparison:
    """Compare the means of both sides."""
    first, second = _numbers(a.evidence), _numbers(b.evidence)
    return Comparison(
        a.side,
        b.side,
        n_common=None,
        differences=tuple(
            MetricDifference(
                name, first[name], second[name], unpaired_difference(first[name], second[name])
            )
            for name in first
            if name in second
        ),
        attribution=None,
        samples=(),
        named={},
        notes=notes,
    )


def _numbers(evidence: Evidence) -> dict[str, Estimate]:
    numbers = evidence.numbers
    if numbers is None:
        return {}
    found = {"log_loss": numbers.log_loss, "accuracy": numbers.accuracy}
    calibrated = evidence.last.calibrated if evidence.epochs else None
    if calibrated is not None:
        found |= {"refinement": calibrated.refinement, "calibration": calibrated.calibration}
    return {name: found[name] for name in METRICS if name in found}


def _paired(a: _Opened, b: _Opened, both: Evidence, notes: tuple[str, ...]) -> Comparison:
    """Compare both sides sample by sample."""
    first, second = both.at(FIRST), both.at(SECOND)
    change = both.run.compare(FIRST, SECOND)
    differences = {
        "log_loss": both.run.loss_difference(FIRST, SECOND),
        "accuracy": both.run.accuracy_difference(FIRST, SECOND),
    }
    values = {
        "log_loss": (first.log_loss, second.log_loss),
        "accuracy": (first.accuracy, second.accuracy),
    }
    if change is not None and first.calibrated and second.calibrated:
        for name in ("refinement", "calibration"):
            differences[name] = getattr(change.change, name)
            values[name] = getattr(first.calibrated, name), getattr(second.calibrated, name)
    members = members_by_outcome(first.right, second.right)
    order = np.argsort(-np.abs(second.costs - first.costs), kind="stable")
    return Comparison(
        a.side,
        b.side,
        n_common=len(order),
        differences=tuple(
            MetricDifference(name, *values[name], differences[name])
            for name in METRICS
            if name in values
        ),
        attribution=None if change is None else _attribution(change, a.side, b.side),
        samples=_samples(a, b, (first, second), order[:TOP_SAMPLES]),
        named={
            outcome: _ids(first, order, members[outcome])
            for outcome in (Outcome.BROKE, Outcome.FIXED)
        },
        notes=notes,
    )


def _attribution(change: EpochChange, a: Side, b: Side) -> Attribution:
    return replace(attribution_of(change), from_epoch=a.epoch or 0, to_epoch=b.epoch or 0)


def _ids(
    facts: EpochFacts, order: npt.NDArray[np.intp], which: npt.NDArray[np.bool_]
) -> tuple[int | str, ...]:
    rows = order[which[order]][:MOST_NAMED]
    return tuple(facts.predictions.ids[rows].tolist())


def _samples(
    a: _Opened, b: _Opened, facts: tuple[EpochFacts, EpochFacts], rows: npt.NDArray[np.intp]
) -> tuple[ChangedSample, ...]:
    first, second = facts
    names = b.evidence.last.predictions.classes
    if all(name.isdecimal() for name in names):  # the other side may know them by name
        names = first.predictions.classes
    ids = first.predictions.ids[rows].tolist()
    known = [side.evidence.source.samples(side.side.split, ids) for side in (a, b)]
    return tuple(
        ChangedSample(
            id=sample_id,
            label=names[first.predictions.y_true[row]],
            predicted=(names[first.samples.y_pred[row]], names[second.samples.y_pred[row]]),
            log_loss=(float(first.samples.log_loss[row]), float(second.samples.log_loss[row])),
            outcome=outcome_of(before=bool(first.right[row]), after=bool(second.right[row])),
            text=here.text or there.text,
            path=here.path or there.path,
        )
        for row, sample_id, here, there in zip(rows.tolist(), ids, *known, strict=True)
    )
