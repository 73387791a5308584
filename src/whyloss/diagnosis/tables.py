"""The tables inside a diagnosis: computed once here, drawn by every reporter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.evidence import Comparison, Evidence, Held, Level, Snapshot
from whyloss.measures.envelope import fano_envelope
from whyloss.measures.intervals import Estimate, wilson
from whyloss.measures.per_sample import RowStatus

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.data import Sample
    from whyloss.measures.change import Cell, Top

TOP_SAMPLES = 50


@dataclass(frozen=True)
class Part:
    """One part of the change of the loss, in nats."""

    name: str
    nats: float
    se: float | None


@dataclass(frozen=True)
class CellRow:
    """Samples with one outcome (of one class): how many, and what they add to the change."""

    outcome: str
    class_name: str | None
    samples: int
    total: Estimate
    refinement: Estimate
    calibration: Estimate


@dataclass(frozen=True)
class Attribution:
    """Where the change of the loss between two epochs comes from.

    Attributes
    ----------
    from_epoch, to_epoch : int
    n_samples : int
        Samples with a finite loss at both.
    before, after, total : Estimate
        Mean loss at both epochs over those samples, and the difference; nats.
    parts : tuple of Part
        Refinement and calibration; they sum to the total.
    cells, class_cells : tuple of CellRow
        By outcome, and by outcome and true class; each sums to the total.
    top : tuple of Top
        What the samples that changed most carry of the total.
    inflation : float or None
        Size of the logits at the end over that at the start.
    scale_parts : tuple of Part
        Another split of the same total: the size of the logits, and their direction.
    accuracy : Estimate
        Change of the accuracy, paired.
    held : Held
        What became of the accuracy.
    """

    from_epoch: int
    to_epoch: int
    n_samples: int
    before: float
    after: float
    total: Estimate
    parts: tuple[Part, ...]
    cells: tuple[CellRow, ...]
    class_cells: tuple[CellRow, ...]
    top: tuple[Top, ...]
    inflation: float | None
    scale_parts: tuple[Part, ...]
    accuracy: Estimate
    held: Held


@dataclass(frozen=True)
class EpochRow:
    """One epoch of one split.

    `refinement`, `temperature` and the envelope are None where they cannot be had; precision and
    recall are those of class 1 of a binary task and None otherwise.
    """

    split: str
    epoch: int
    n_samples: int | None
    log_loss: Estimate
    accuracy: Estimate
    refinement: Estimate | None = None
    temperature: Estimate | None = None
    precision: Estimate | None = None
    recall: Estimate | None = None
    envelope: tuple[float, float] | None = None


@dataclass(frozen=True)
class ClassRow:
    """Precision and recall of one class at the last epoch."""

    name: str
    samples: int
    predicted: int
    precision: Estimate
    recall: Estimate
    log_loss: Estimate


@dataclass(frozen=True)
class SampleRow:
    """One of the samples that carry most of the loss.

    Attributes
    ----------
    id : int or str
    label, predicted : str
        Class names.
    confidence : float
        Probability of the predicted class.
    log_loss : float
        Nats; inf where the true class got probability 0.
    share : float
        Of the summed loss of all samples.
    before : float or None
        Its loss at the start of the change in question.
    outcome : str or None
        What became of its label since then.
    sample : Sample
        Text, path or thumbnail, where the run has them.
    """

    id: int | str
    label: str
    predicted: str
    confidence: float
    log_loss: float
    share: float
    before: float | None
    outcome: str | None
    sample: Sample


def attribution_of(found: Comparison) -> Attribution:
    """Table of the change between two epochs."""
    change = found.change
    first, second = found.first, found.second

    def row(cell: Cell) -> CellRow:
        name = None if cell.class_index is None else first.predictions.classes[cell.class_index]
        return CellRow(
            cell.outcome, name, cell.samples, cell.total, cell.refinement, cell.calibration
        )

    def part(name: str, estimate: Estimate) -> Part:
        return Part(name, estimate.value, estimate.se)

    scale = found.scale
    return Attribution(
        from_epoch=first.epoch,
        to_epoch=second.epoch,
        n_samples=change.n_samples,
        before=found.loss_before,
        after=found.loss_after,
        total=change.total,
        parts=(
            part("refinement", change.refinement),
            part("calibration", change.calibration),
        ),
        cells=tuple(row(cell) for cell in change.cells),
        class_cells=tuple(row(cell) for cell in change.class_cells),
        top=change.top,
        inflation=scale.inflation if scale else None,
        scale_parts=(part("scale", scale.scale), part("direction", scale.direction))
        if scale
        else (),
        accuracy=change.accuracy,
        held=found.accuracy,
    )


def epoch_rows(evidence: Evidence) -> tuple[EpochRow, ...]:
    """Every epoch of the explained split, and loss and accuracy of the others."""
    rows = [_full_row(evidence.split, evidence.at(epoch)) for epoch in evidence.epochs]
    for split in evidence.splits:
        recorded = evidence.source.epochs(split) if split in evidence.source.splits else ()
        if split != evidence.split:
            rows += [
                EpochRow(split, epoch, shot.n_predicted, shot.log_loss, shot.accuracy)
                for epoch in recorded
                if not evidence.epochs or epoch <= evidence.epochs[-1]
                for shot in [evidence.at(epoch, split)]
            ]
        if not recorded:
            rows += _reported_rows(evidence, split)
    return tuple(rows)


def _full_row(split: str, shot: Snapshot) -> EpochRow:
    binary = shot.predictions.n_classes == 2 and shot.n_predicted > 0
    positive = shot.class_scores[1] if binary else None
    calibrated = shot.calibrated
    return EpochRow(
        split=split,
        epoch=shot.epoch,
        n_samples=shot.n_predicted,
        log_loss=shot.log_loss,
        accuracy=shot.accuracy,
        refinement=calibrated.refinement if calibrated else None,
        temperature=calibrated.fit.estimate if calibrated else None,
        precision=positive.precision if positive else None,
        recall=positive.recall if positive else None,
        envelope=fano_envelope(shot.accuracy.value, shot.predictions.n_classes)
        if shot.n_predicted
        else None,
    )


def _reported_rows(evidence: Evidence, split: str) -> list[EpochRow]:
    history = evidence.history
    loss, accuracy = history.column(split, "loss"), history.column(split, "accuracy")
    unknown = np.full(len(history.epochs), np.nan)
    n = history.n_val if split == evidence.split else None
    k = evidence.n_classes
    rows = []
    for epoch, value, share in zip(
        history.epochs.tolist(),
        (unknown if loss is None else loss).tolist(),
        (unknown if accuracy is None else accuracy).tolist(),
        strict=True,
    ):
        if np.isnan(value) and np.isnan(share):
            continue
        rows.append(
            EpochRow(
                split,
                epoch,
                n,
                Estimate(value, note="as reported, without its spread"),
                wilson(share * n, n) if n else Estimate(share, note="n is not known"),
                envelope=fano_envelope(share, k) if k and k > 1 and share >= 0 else None,
            )
        )
    return rows


def class_rows(evidence: Evidence) -> tuple[ClassRow, ...]:
    """Precision, recall and loss of every class at the last epoch."""
    if not evidence.epochs:
        return ()
    shot = evidence.last
    return tuple(
        ClassRow(name, scores.support, scores.predicted, scores.precision, scores.recall, loss)
        for name, scores, loss in zip(
            shot.predictions.classes, shot.class_scores, shot.class_losses, strict=True
        )
    )


def sample_rows(evidence: Evidence) -> tuple[SampleRow, ...]:
    """The samples that carry most of the loss at the last epoch, largest first."""
    if not evidence.epochs:
        return ()
    costs = evidence.last.costs
    costs = np.where(np.isnan(costs), -np.inf, costs)
    order = np.argsort(-costs, kind="stable")[:TOP_SAMPLES]
    return rows_of(evidence, order[costs[order] > 0])


def rows_of(evidence: Evidence, order: npt.NDArray[np.intp]) -> tuple[SampleRow, ...]:
    """What is to be told of some samples of the last epoch.

    Parameters
    ----------
    evidence : Evidence
    order : ndarray of int, shape (n_rows,)
        Their rows, in the order in which to tell of them.
    """
    shot = evidence.last
    costs = shot.costs
    total = float(costs[shot.scored].sum())
    names = shot.predictions.classes
    ids = shot.predictions.ids[order].tolist()
    known = evidence.source.samples(evidence.split, ids)
    before = _losses_before(evidence, ids)
    rows = []
    for row, sample_id, sample in zip(order.tolist(), ids, known, strict=True):
        cost, earlier = float(costs[row]), before.get(sample_id)
        rows.append(
            SampleRow(
                id=sample_id,
                label=names[shot.predictions.y_true[row]],
                predicted=names[shot.samples.y_pred[row]],
                confidence=float(shot.samples.confidence[row]),
                log_loss=float(shot.samples.log_loss[row]),
                share=cost / total if np.isfinite(cost) and total > 0 else float("nan"),
                before=earlier[0] if earlier else None,
                outcome=_outcome(now=bool(shot.right[row]), then=earlier[1]) if earlier else None,
                sample=sample,
            )
        )
    return tuple(rows)


def _losses_before(evidence: Evidence, ids: list[Any]) -> dict[Any, tuple[float, bool]]:
    """Loss, and whether it was right, of these samples at the start of the change in question."""
    found = evidence.comparison
    if found is None:
        return {}
    first = found.first
    wanted = set(ids)
    return {
        sample_id: (float(first.samples.log_loss[row]), bool(first.right[row]))
        for row, sample_id in enumerate(first.predictions.ids.tolist())
        if sample_id in wanted
    }


def _outcome(*, now: bool, then: bool) -> str:
    if now:
        return "stayed right" if then else "fixed"
    return "broke" if then else "stayed wrong"


def numbers_of(evidence: Evidence) -> dict[str, Estimate | float | int | str | None]:
    """Everything that was measured at the epoch in question, by name."""
    numbers = evidence.numbers
    if numbers is None:
        return {}
    out: dict[str, Estimate | float | int | str | None] = {
        "split": evidence.split,
        "epoch": numbers.epoch,
        "n_samples": numbers.n_samples,
        **({} if numbers.n_eff is None else {"n_eff": numbers.n_eff}),
        "n_classes": numbers.n_classes,
        "log_loss": numbers.log_loss,
        "accuracy": numbers.accuracy,
        "prior_entropy": numbers.prior_entropy,
        "largest_class_share": numbers.majority,
    }
    if numbers.n_classes:
        out["chance"] = float(np.log(numbers.n_classes))
        low, high = fano_envelope(numbers.accuracy.value, numbers.n_classes)
        out["envelope_low"], out["envelope_high"] = low, high
    if numbers.prior_entropy:
        out["skill"] = 1.0 - numbers.log_loss.value / numbers.prior_entropy
    if evidence.supports(Level.SNAPSHOT):
        shot = evidence.last
        out["surprise_gap"] = shot.gap.gap
        out["surprise_z"] = shot.gap.z
        if shot.calibrated is not None:
            out["refinement"] = shot.calibrated.refinement
            out["calibration"] = shot.calibrated.calibration
            out["temperature"] = shot.calibrated.fit.estimate
        for status in (RowStatus.NON_FINITE, RowStatus.NOT_A_DISTRIBUTION, RowStatus.INFINITE_LOSS):
            out[f"rows_{status.name.lower()}"] = shot.samples.count(status)
        loss = np.sort(shot.costs[shot.scored])[::-1]
        for share in (0.01, 0.05):
            top = max(1, round(share * len(loss)))
            total = float(loss.sum())
            out[f"loss_share_of_top_{share:.0%}"] = (
                float(loss[:top].sum()) / total if total else None
            )
    return out
