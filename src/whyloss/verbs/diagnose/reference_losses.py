"""What a reported loss can be compared with."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from whyloss.measures.envelope import fano_envelope, least_possible_loss, provable_limit
from whyloss.results.metrics import ReferenceLosses

if TYPE_CHECKING:
    from whyloss.evidence import Evidence
    from whyloss.results.metrics import Metrics


def reference_losses(evidence: Evidence) -> tuple[ReferenceLosses, ...]:
    """Compare the reported numbers of each split; empty where predictions say more.

    Parameters
    ----------
    evidence : Evidence
    """
    if evidence.epochs:
        return ()
    reported = (evidence.reported_numbers(split) for split in evidence.with_training)
    return tuple(
        _references(metrics)
        for metrics in reported
        if metrics is not None and metrics.log_loss.value >= 0.0
    )


def _references(metrics: Metrics) -> ReferenceLosses:
    loss, accuracy = metrics.log_loss.value, metrics.accuracy
    k = metrics.n_classes or max(2, math.ceil(1.0 / max(accuracy.value, 1e-3) - 1e-9))
    guessing = metrics.prior_entropy
    return ReferenceLosses(
        metrics=replace(metrics, envelope=fano_envelope(accuracy.value, k)),
        skill=1.0 - loss / guessing if guessing else None,
        least=least_possible_loss(accuracy.value),
        provable=max(0.0, loss - provable_limit(accuracy, k)) if metrics.n_classes else 0.0,
    )
