"""The tables inside a diagnosis: computed once here, drawn by every reporter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.measures.attribution import outcome_of
from whyloss.measures.envelope import fano_envelope
from whyloss.measures.losses.logits import RowStatus
from whyloss.measures.samples.alignment import rows_of_ids
from whyloss.results.attribution import Attribution, ChangePart, OutcomeRow
from whyloss.results.level import Level
from whyloss.results.metrics import ClassRow, Metrics
from whyloss.results.samples import SampleRow

if TYPE_CHECKING:
    import numpy.typing as npt

    from whyloss.evidence import EpochChange, EpochFacts, Evidence
    from whyloss.measures.attribution import Cell
    from whyloss.results.estimate import Estimate

TOP_SAMPLES = 50


def attribution_of(found: EpochChange) -> Attribution:
    """Table of the change between two epochs.

    Parameters
    ----------
    found : EpochChange

    Returns
    -------
    Attribution
    """
    change = found.change
    first, second = found.first, found.second

    def row(cell: Cell) -> OutcomeRow:
        name = None if cell.class_index is None else first.predictions.classes[cell.class_index]
        return OutcomeRow(
            cell.outcome, name, cell.samples, cell.total, cell.refinement, cell.calibration
        )

    def part(name: str, estimate: Estimate) -> ChangePart:
        return ChangePart(name, estimate.value, estimate.se)

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


def epoch_rows(evidence: Evidence) -> tuple[Metrics, ...]:
    """Every epoch of the explained split, and loss and accuracy of the others.

    Parameters
    ----------
    evidence : Evidence
    """
    rows = [_full_row(evidence.at(epoch)) for epoch in evidence.epochs]
    for split in evidence.splits:
        recorded = evidence.source.epochs(split) if split in evidence.source.splits else ()
        if split != evidence.split:
            rows += [
                facts.numbers
                for epoch in recorded
                if not evidence.epochs or epoch <= evidence.epochs[-1]
                for facts in [evidence.at(epoch, split)]
            ]
        curve = None if recorded else evidence.reported(split)
        if curve is not None:
            rows += evidence.metrics_of(curve)
    return tuple(rows)


def _full_row(facts: EpochFacts) -> Metrics:
    binary = facts.predictions.n_classes == 2 and facts.n_predicted > 0
    positive = facts.class_scores[1] if binary else None
    calibrated = facts.calibrated
    return replace(
        facts.numbers,
        refinement=calibrated.refinement if calibrated else None,
        calibration=calibrated.calibration if calibrated else None,
        temperature=calibrated.fit.estimate if calibrated else None,
        precision=positive.precision if positive else None,
        recall=positive.recall if positive else None,
    )


def class_rows(evidence: Evidence) -> tuple[ClassRow, ...]:
    """Precision, recall and loss of every class at the last epoch.

    Parameters
    ----------
    evidence : Evidence
    """
    if not evidence.epochs:
        return ()
    facts = evidence.last
    return tuple(
        ClassRow(name, scores.support, scores.predicted, scores.precision, scores.recall, loss)
        for name, scores, loss in zip(
            facts.predictions.classes, facts.class_scores, facts.class_losses, strict=True
        )
    )


def sample_rows(evidence: Evidence) -> tuple[SampleRow, ...]:
    """The samples that carry most of the loss at the last epoch, largest first.

    Parameters
    ----------
    evidence : Evidence
    """
    if not evidence.epochs:
        return ()
    costs = evidence.last.costs
    costs = np.where(np.isnan(costs), -np.inf, costs)
    order = np.argsort(-costs, kind="stable")[:TOP_SAMPLES]
    return rows_of(evidence, order[costs[order] > 0])


def rows_of(evidence: Evidence, order: npt.NDArray[np.intp]) -> tuple[SampleRow, ...]:
    """Rows about some samples of the last epoch.

    Parameters
    ----------
    evidence : Evidence
    order : ndarray of int, shape (n_rows,)
        Their rows, in the order of the table.

    Returns
    -------
    tuple of SampleRow
    """
    facts = evidence.last
    costs = facts.costs
    total = float(costs[facts.scored].sum())
    names = facts.predictions.classes
    ids = facts.predictions.ids[order].tolist()
    known = evidence.source.samples(evidence.split, ids)
    before = _losses_before(evidence, facts.predictions.ids[order])
    rows = []
    for row, sample_id, sample, earlier in zip(order.tolist(), ids, known, before, strict=True):
        cost, right = float(costs[row]), bool(facts.right[row])
        rows.append(
            SampleRow(
                id=sample_id,
                label=names[facts.predictions.y_true[row]],
                predicted=names[facts.samples.y_pred[row]],
                confidence=float(facts.samples.confidence[row]),
                log_loss=float(facts.samples.log_loss[row]),
                share=cost / total if np.isfinite(cost) and total > 0 else float("nan"),
                before=earlier[0] if earlier else None,
                outcome=outcome_of(before=earlier[1], after=right) if earlier else None,
                sample=sample,
            )
        )
    return tuple(rows)


def _losses_before(evidence: Evidence, ids: npt.NDArray[Any]) -> list[tuple[float, bool] | None]:
    """Loss, and whether it was right, of each sample at the start of the change in question."""
    change = evidence.comparison
    if change is None:
        return [None] * len(ids)
    first = change.first
    rows = rows_of_ids(ids, first.predictions.ids)
    return [
        (float(first.samples.log_loss[row]), bool(first.right[row])) if row >= 0 else None
        for row in rows.tolist()
    ]


def numbers_of(evidence: Evidence) -> dict[str, Estimate | float | int | str | None]:
    """Everything that was measured at the epoch in question, by name.

    Parameters
    ----------
    evidence : Evidence

    Returns
    -------
    dict of str to Estimate, float, int, str or None
        Losses in nats, accuracies as shares; empty where nothing was measured.
    """
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
        facts = evidence.last
        out["surprise_gap"] = facts.gap.gap
        out["surprise_z"] = facts.gap.z
        if facts.calibrated is not None:
            out["refinement"] = facts.calibrated.refinement
            out["calibration"] = facts.calibrated.calibration
            out["temperature"] = facts.calibrated.fit.estimate
        for status in (RowStatus.NON_FINITE, RowStatus.NOT_A_DISTRIBUTION, RowStatus.INFINITE_LOSS):
            out[f"rows_{status.name.lower()}"] = facts.samples.count(status)
        loss = np.sort(facts.costs[facts.scored])[::-1]
        for share in (0.01, 0.05):
            top = max(1, round(share * len(loss)))
            total = float(loss.sum())
            out[f"loss_share_of_top_{share:.0%}"] = (
                float(loss[:top].sum()) / total if total else None
            )
    return out
