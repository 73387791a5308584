"""What is timed: whyloss and its peers at the same tasks, each as a call without arguments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from whyloss import diagnose as diagnose_source
from whyloss.data import InMemorySource, Predictions
from whyloss.evidence import Evidence
from whyloss.measures.calibration.refinement import calibrate
from whyloss.measures.calibration.reliability import reliability_bins
from whyloss.measures.facts import Summary
from whyloss.measures.losses.per_sample import per_sample
from whyloss.verbs.diagnose import diagnose

if TYPE_CHECKING:
    from collections.abc import Callable

    from workloads import Workload

THREADS = 2
# Peers that would need more memory than a small machine has.
LARGE_VALUES = 400_000_000


@njit(cache=True, nogil=True)
def _read(values: Any) -> int:  # noqa: ANN401 - arrays or tensors
    total = np.int32(0)
    for k in range(len(values)):
        total ^= values[k]
    return total


def tasks(work: Workload) -> dict[str, dict[str, Callable[[], Any]]]:
    """Calls by task and by who does it; what comes first is what the others are compared with."""
    found = {"read": {"read the logits once": _reader(work)}, **_ours(work)}
    for make in (_torch, _sklearn, _torchmetrics, _cleanlab, _probmetrics):
        if find_spec(make.__name__[1:] if make is not _sklearn else "sklearn") is None:
            continue
        for task, calls in make(work).items():
            found.setdefault(task, {}).update(calls)
    return found


def _reader(work: Workload) -> Callable[[], Any]:
    flat = work.logits.reshape(-1).view(np.int32)
    parts = np.array_split(flat, 8 * THREADS)

    def read() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(_read, parts))

    return read


def _epochs(work: Workload) -> list[Predictions]:
    rows = len(work.y_true) // work.n_epochs
    return [
        Predictions.from_arrays(
            work.y_true[:rows], logits=work.logits[k * rows : (k + 1) * rows], epoch=k
        )
        for k in range(work.n_epochs)
    ]


def _ours(work: Workload) -> dict[str, dict[str, Callable[[], Any]]]:
    y_true, logits = work.y_true.astype(np.int32), work.logits
    predictions = Predictions.from_arrays(y_true, logits=logits)
    epochs = _epochs(work)

    def loss() -> float:
        samples = per_sample(y_true, logits, "logits")
        return float(samples.log_loss.mean()) + float((samples.y_pred == y_true).mean())

    def summary(*, temperature: bool) -> Summary:
        found = Summary(max(2, logits.shape[1]), temperature=temperature)
        found.update(predictions)
        return found

    def error() -> float:
        samples = per_sample(y_true, logits, "logits")
        bins = reliability_bins(samples.confidence, samples.y_pred == y_true)
        return sum(one.samples * abs(one.right - one.confidence) for one in bins) / len(y_true)

    def temperature() -> None:
        samples = per_sample(y_true, logits, "logits")
        calibrate(predictions, samples.scored, samples=samples)

    def whole() -> None:
        if work.n_epochs == 1:
            diagnose_source(y_true, logits=logits)
        else:
            diagnose(Evidence(InMemorySource(epochs)))

    found = {
        "all statistics of every sample": {"whyloss": lambda: per_sample(y_true, logits, "logits")},
        "log loss and accuracy": {"whyloss": loss},
        "calibration error": {"whyloss": error},
        "mergeable summary, without temperatures": {
            "whyloss": lambda: summary(temperature=False),
        },
        "mergeable summary": {"whyloss": lambda: summary(temperature=True)},
        "temperature": {"whyloss (and cross-fitted refinement)": temperature},
        "label quality": {"whyloss": lambda: per_sample(y_true, logits, "logits")},
    }
    if work.name in "AD":
        found["whole diagnosis"] = {"whyloss": whole}
    return found


def _torch(work: Workload) -> dict[str, dict[str, Callable[[], Any]]]:
    import torch

    torch.set_num_threads(THREADS)
    z, y = torch.from_numpy(work.logits), torch.from_numpy(work.y_true)
    binary = z.shape[1] == 1
    y_float = y.to(torch.float32)

    def cross_entropy(logits: torch.Tensor) -> torch.Tensor:
        if binary:
            return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], y_float)
        return torch.nn.functional.cross_entropy(logits, y)

    def loss() -> float:
        hits = (z[:, 0] > 0) == (y > 0) if binary else z.argmax(1) == y
        return float(cross_entropy(z)) + float(hits.float().mean())

    def temperature() -> float:
        log_t = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.LBFGS([log_t], max_iter=20, line_search_fn="strong_wolfe")

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            value = cross_entropy(z / log_t.exp())
            value.backward()
            return value

        optimizer.step(closure)
        return float(log_t.detach())

    calls = {"log loss and accuracy": {"torch": loss}}
    if work.logits.size < LARGE_VALUES:
        calls["temperature"] = {"torch (L-BFGS)": temperature}
    if work.name in "AD":
        calls["whole diagnosis"] = {"torch, loss and accuracy alone": loss}
    return calls


def _sklearn(work: Workload) -> dict[str, dict[str, Callable[[], Any]]]:
    from scipy.special import expit, softmax
    from sklearn.metrics import accuracy_score, log_loss

    if work.logits.size >= LARGE_VALUES:
        return {}
    z, y = work.logits, work.y_true

    def loss() -> float:
        p = expit(z[:, 0]) if z.shape[1] == 1 else softmax(z, axis=1)
        y_pred = p > 0.5 if z.shape[1] == 1 else p.argmax(1)
        labels = [0, 1] if z.shape[1] == 1 else np.arange(z.shape[1])
        p = p.astype(np.float64)
        if z.shape[1] > 1:
            p /= p.sum(axis=1, keepdims=True)
        return log_loss(y, p, labels=labels) + accuracy_score(y, y_pred)

    return {"log loss and accuracy": {"scikit-learn": loss}}


def _torchmetrics(work: Workload) -> dict[str, dict[str, Callable[[], Any]]]:
    import torch
    from torchmetrics.functional.classification import (
        binary_calibration_error,
        multiclass_calibration_error,
    )

    if work.logits.size >= LARGE_VALUES:
        return {}
    z, y = torch.from_numpy(work.logits), torch.from_numpy(work.y_true)

    def error() -> float:
        if z.shape[1] == 1:
            return float(binary_calibration_error(z[:, 0], y, n_bins=15))
        return float(multiclass_calibration_error(z, y, num_classes=z.shape[1], n_bins=15))

    return {"calibration error": {"torchmetrics": error}}


def _cleanlab(work: Workload) -> dict[str, dict[str, Callable[[], Any]]]:
    from cleanlab.rank import get_label_quality_scores
    from scipy.special import expit, softmax

    if work.logits.size >= LARGE_VALUES:
        return {}
    z, y = work.logits, work.y_true

    def scores() -> Any:  # noqa: ANN401 - whatever the peer gives
        p = np.stack([expit(-z[:, 0]), expit(z[:, 0])], 1) if z.shape[1] == 1 else softmax(z, 1)
        return get_label_quality_scores(y, p, method="self_confidence")

    return {"label quality": {"cleanlab": scores}}


def _probmetrics(work: Workload) -> dict[str, dict[str, Callable[[], Any]]]:
    import torch
    from probmetrics.distributions import CategoricalLogits
    from probmetrics.metrics import Metrics

    # Minutes elsewhere, A included; and it wants samples of every class in every fold.
    if work.name != "B" or len(work.y_true) < 20 * work.logits.shape[1]:
        return {}
    z, y = torch.from_numpy(work.logits), torch.from_numpy(work.y_true)
    metrics = Metrics.from_names(["refinement_logloss_ts-mix_cv-5"])

    def refinement() -> Any:  # noqa: ANN401 - whatever the peer gives
        return metrics.compute_all_from_labels_logits(y, CategoricalLogits(z).logits)

    return {"temperature": {"probmetrics (refinement alone)": refinement}}
