"""Two runs, epochs or sets of predictions side by side: what differs beyond noise, and in whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.diagnosis.pairing import FIRST, SECOND, pair
from whyloss.diagnosis.sources import source_of
from whyloss.diagnosis.tables import attribution_of
from whyloss.errors import DataError
from whyloss.evidence import Evidence
from whyloss.measures.change import Outcome
from whyloss.measures.unpaired import unpaired_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from whyloss.diagnosis.tables import Attribution
    from whyloss.evidence import Comparison, Snapshot
    from whyloss.measures.intervals import Estimate

TOP_SAMPLES = 50
MOST_NAMED = 100

METRICS = ("log_loss", "refinement", "calibration", "accuracy")

_AT = re.compile(r"(?P<path>.+)@(?P<epoch>\d{1,9})", re.DOTALL)

_OUTCOMES = {
    (True, True): Outcome.STAYED_RIGHT,
    (False, False): Outcome.STAYED_WRONG,
    (True, False): Outcome.BROKE,
    (False, True): Outcome.FIXED,
}

# Which number decides, by what the predictions are wanted for.
PURPOSES = {
    "labels": "accuracy",
    "probabilities as they are": "log_loss",
    "probabilities after a temperature": "refinement",
}


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes
    ----------
    name : str
        What it was called by.
    split : str
    epoch : int or None
    n_samples : int or None
    """

    name: str
    split: str
    epoch: int | None
    n_samples: int | None


@dataclass(frozen=True)
class Contrast:
    """One number on both sides.

    Attributes
    ----------
    metric : str
        "log_loss", "refinement", "calibration" or "accuracy".
    first, second : Estimate
    difference : Estimate
        Second minus first.
    """

    metric: str
    first: Estimate
    second: Estimate
    difference: Estimate

    @property
    def clear(self) -> bool:
        """Whether the 95 % interval of the difference leaves out 0."""
        d = self.difference
        return d.low is not None and d.high is not None and (d.low > 0.0 or d.high < 0.0)

    @property
    def better(self) -> str | None:
        """The better side, "A" or "B"; None where the difference may be chance."""
        if not self.clear:
            return None
        rose = self.difference.value > 0.0
        return "B" if rose == (self.metric == "accuracy") else "A"


@dataclass(frozen=True)
class ChangedSample:
    """A sample whose loss differs most.

    Attributes
    ----------
    id : int or str
    label : str
    predicted : (str, str)
    log_loss : (float, float)
        Nats.
    outcome : str
        What became of its label from A to B.
    text, path : str or None
        What either side knows of it.
    """

    id: int | str
    label: str
    predicted: tuple[str, str]
    log_loss: tuple[float, float]
    outcome: str
    text: str | None
    path: str | None


@dataclass(frozen=True)
class SideBySide:
    """Two sides and what differs.

    Attributes
    ----------
    first, second : Side
        A and B.
    n_common : int or None
        Samples that both were compared on, one by one; None where they are not paired.
    contrasts : tuple of Contrast
        The numbers that both sides have.
    attribution : Attribution or None
        Where the difference of the loss comes from, as for the change from A to B; None where they
        are not paired, or on fewer than 50 samples.
    samples : tuple of ChangedSample
        Those whose losses differ most.
    named : mapping of str to tuple of int or str
        Ids of the samples that "broke" and that were "fixed", the largest difference first.
    notes : tuple of str
    """

    first: Side
    second: Side
    n_common: int | None
    contrasts: tuple[Contrast, ...]
    attribution: Attribution | None
    samples: tuple[ChangedSample, ...]
    named: Mapping[str, tuple[int | str, ...]]
    notes: tuple[str, ...]

    @property
    def choices(self) -> dict[str, Contrast]:
        """The number that decides, by what the predictions are wanted for."""
        known = {contrast.metric: contrast for contrast in self.contrasts}
        return {purpose: known[name] for purpose, name in PURPOSES.items() if name in known}


def compare(a: Any, b: Any, *, split: str | None = None, **known: Any) -> SideBySide:  # noqa: ANN401
    """Put two runs, two epochs or two sets of predictions side by side.

    Where both hold predictions of the same split with the same ids, they are compared sample by
    sample, which sees far smaller differences.

    Parameters
    ----------
    a, b : str, Path, Predictions, Source or data frame
        As for :func:`whyloss.diagnose`; ``"runs/exp1@3"`` is epoch 3 of a run. Otherwise the last
        epoch counts.
    split : str, optional
        The validation split of each if left out.
    **known
        What is known of both beside, as for :func:`whyloss.diagnose`: ``n_classes``, ``scale``, …

    Raises
    ------
    WhylossError
        Input that cannot be read, or sides of different classes.

    Examples
    --------
    >>> import whyloss
    >>> a = whyloss.Predictions.from_arrays([0, 1, 1], probs=[[0.9, 0.1], [0.4, 0.6], [0.6, 0.4]])
    >>> b = whyloss.Predictions.from_arrays([0, 1, 1], probs=[[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> whyloss.compare(a, b).named["fixed"]
    (2,)
    """
    first, second = _opened(a, "A", split, known), _opened(b, "B", split, known)
    if not (first.evidence.epochs and second.evidence.epochs):
        return _apart(first, second, ("Not paired: that takes predictions on both sides.",))
    pairing = pair(first.evidence.last, second.evidence.last)
    if pairing.evidence is None:
        return _apart(first, second, pairing.notes)
    notes = pairing.notes
    if first.side.name == second.side.name and first.side.epoch != second.side.epoch:
        notes += ("An epoch that was picked because it is the best owes a part of that to chance.",)
    return _paired(first, second, pairing.evidence, notes)


@dataclass(frozen=True)
class _Opened:
    """One side, and what is known of it."""

    side: Side
    evidence: Evidence


def _opened(
    source: Any,  # noqa: ANN401 - whatever can be diagnosed
    letter: str,
    split: str | None,
    known: Mapping[str, Any],
) -> _Opened:
    path, epoch = _at(str(source)) if isinstance(source, str | Path) else (None, None)
    opened = source_of(source if path is None else path, split=split, given=known)
    evidence = Evidence(opened, split=split, to_epoch=epoch)
    numbers = evidence.numbers
    if numbers is None:
        raise DataError(
            f"Side {letter} has nothing to compare",
            expected="predictions that can be scored, or a loss and an accuracy",
            got=f"neither in {opened.name}",
        )
    called = opened.name if path is None or not _exists(path) else path
    at = evidence.last.predictions.epoch if evidence.epochs else numbers.epoch
    return _Opened(Side(called, evidence.split, at, numbers.n_samples), evidence)


def _at(text: str) -> tuple[str, int | None]:
    """Path and epoch of ``path@epoch``; what is there as it stands has none."""
    found = _AT.fullmatch(text)
    if found is None or _exists(text) or not _exists(found["path"]):
        return text, None
    return found["path"], int(found["epoch"])


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # the text of a log: too long for a name, or with a zero byte
        return False


def _apart(a: _Opened, b: _Opened, notes: tuple[str, ...]) -> SideBySide:
    """Compare the means of both sides."""
    first, second = _numbers(a.evidence), _numbers(b.evidence)
    return SideBySide(
        a.side,
        b.side,
        n_common=None,
        contrasts=tuple(
            Contrast(
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


def _paired(a: _Opened, b: _Opened, both: Evidence, notes: tuple[str, ...]) -> SideBySide:
    """Compare both sides sample by sample."""
    first, second = both.at(FIRST), both.at(SECOND)
    change = both.compare(FIRST, SECOND)
    differences = {
        "log_loss": both.loss_difference(FIRST, SECOND),
        "accuracy": both.accuracy_difference(FIRST, SECOND),
    }
    values = {
        "log_loss": (first.log_loss, second.log_loss),
        "accuracy": (first.accuracy, second.accuracy),
    }
    if change is not None and first.calibrated and second.calibrated:
        for name in ("refinement", "calibration"):
            differences[name] = getattr(change.change, name)
            values[name] = getattr(first.calibrated, name), getattr(second.calibrated, name)
    order = np.argsort(-np.abs(second.costs - first.costs), kind="stable")
    return SideBySide(
        a.side,
        b.side,
        n_common=len(order),
        contrasts=tuple(
            Contrast(name, *values[name], differences[name]) for name in METRICS if name in values
        ),
        attribution=None if change is None else _attribution(change, a.side, b.side),
        samples=_samples(a, b, (first, second), order[:TOP_SAMPLES]),
        named={
            Outcome.BROKE: _ids(first, order, first.right & ~second.right),
            Outcome.FIXED: _ids(first, order, ~first.right & second.right),
        },
        notes=notes,
    )


def _attribution(change: Comparison, a: Side, b: Side) -> Attribution:
    return replace(attribution_of(change), from_epoch=a.epoch or 0, to_epoch=b.epoch or 0)


def _ids(
    shot: Snapshot, order: npt.NDArray[np.intp], which: npt.NDArray[np.bool_]
) -> tuple[int | str, ...]:
    rows = order[which[order]][:MOST_NAMED]
    return tuple(shot.predictions.ids[rows].tolist())


def _samples(
    a: _Opened, b: _Opened, shots: tuple[Snapshot, Snapshot], rows: npt.NDArray[np.intp]
) -> tuple[ChangedSample, ...]:
    first, second = shots
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
            outcome=_OUTCOMES[bool(first.right[row]), bool(second.right[row])],
            text=here.text or there.text,
            path=here.path or there.path,
        )
        for row, sample_id, here, there in zip(rows.tolist(), ids, *known, strict=True)
    )
