"""Statistics of any number of predictions in bounded memory: sums that can be merged."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from whyloss.errors import DataError, FormatError, TooFewSamplesError
from whyloss.measures import backend
from whyloss.measures.calibration.surprise_gap import SurpriseGap, gap_z
from whyloss.measures.calibration.temperature import N_FOLDS, TemperatureFit, fit_temperature
from whyloss.measures.calibration.temperature_grid import GRID, GridObjective, grid_sums
from whyloss.measures.classification.class_scores import confusion_counts
from whyloss.measures.compiled.layout import MOMENTS, WORST
from whyloss.measures.estimates.intervals import wilson
from whyloss.measures.losses import per_sample
from whyloss.measures.losses.clipping_limits import CLIPPING_LIMITS
from whyloss.measures.losses.logits import RowStatus, logit_blocks
from whyloss.measures.samples.folds import fold_of
from whyloss.results.estimate import Estimate
from whyloss.results.metrics import MIN_CALIBRATION_SAMPLES

if TYPE_CHECKING:
    from whyloss.data import Predictions
    from whyloss.measures.estimates.intervals import FloatVector
    from whyloss.measures.losses.logits import PerSample

FORMAT = 2
TOP = 1000  # samples of the largest loss that are kept by name
RELIABILITY_BINS = 15
CONFUSION_CLASSES = 256  # beyond, the counts alone would pass the bound of 2 MB
PER_CLASS = 16_384  # beyond, sums by class would
HISTOGRAM_EDGES = np.concatenate([[0.0], np.logspace(-8, 3, 89), [np.inf]])  # nats
LIMITS = np.sort([limit.log_loss for limit in CLIPPING_LIMITS])
LIMIT_WIDTH = 1e-4

# Rows of `totals`: weighted sums over the scored samples.
_W, _W2, _LOSS, _LOSS2, _ENTROPY, _VARIANCE, _EXCESS2, _BRIER = range(8)


class Summary:
    """Sums over the samples of one split at one epoch.

    Shards give what the whole gives, to rounding, in any order. Memory is bounded by 2 MB.

    Parameters
    ----------
    n_classes : int
    temperature : bool, default True
        Whether to keep what a temperature is fitted from: most of the work of an update.

    Attributes
    ----------
    status : ndarray of int64, shape (4,)
        Rows by :class:`~whyloss.measures.losses.RowStatus`. Scored rows are those that are
        OK; all that follows is summed over them, with their weights.
    totals : ndarray of float64, shape (8,)
        Weights, squared weights, and weighted sums of loss, squared loss, entropy, entropy
        variance, squared loss minus entropy, Brier score.
    outcomes : ndarray of float64, shape (2, 3)
        Wrong and right predictions: samples, weights, weighted losses.
    by_class : ndarray of float64, shape (3, n_classes), or (3, 0) beyond 16,384 classes
        By true class: weights and weighted losses; and the weighted probabilities of each class.
    confusion : ndarray of int64, shape (n_classes, n_classes), or (0, 0) beyond 256 classes
        Counts by true class (rows) and predicted class (columns).
    histogram : ndarray of int64, shape (2, n_bins)
        Counts of wrong and right predictions by their loss, between ``HISTOGRAM_EDGES``.
    reliability : ndarray of float64, shape (3, 15)
        By confidence, in bins of equal width: weights, weighted confidences, weighted hits.
    clipped : ndarray of int64, shape (n_limits,)
        Samples whose loss lies within 1e-4 of one of ``LIMITS``.
    grid : ndarray of float64, shape (n_temperatures, n_folds, n_moments)
        Sums of the loss and its derivatives at fixed temperatures, by fold.
    fold_counts : ndarray of int64, shape (n_folds,)
        Zeros where no temperatures are kept.
    extremes : ndarray of float64, shape (2,)
        Smallest and largest finite loss.
    top_losses, top_ids : ndarrays of shape (n_top,)
        The 1000 samples of the largest finite loss, largest first.
    """

    def __init__(self, n_classes: int, *, temperature: bool = True) -> None:
        if n_classes < 2:
            raise DataError("A summary needs classes", expected="at least 2", got=f"{n_classes}")
        self.n_classes = n_classes
        small = n_classes if n_classes <= CONFUSION_CLASSES else 0
        self.status = np.zeros(len(RowStatus), dtype=np.int64)
        self.totals = np.zeros(8)
        self.outcomes = np.zeros((2, 3))
        self.by_class = np.zeros((3, n_classes if n_classes <= PER_CLASS else 0))
        self.confusion = np.zeros((small, small), dtype=np.int64)
        self.histogram = np.zeros((2, len(HISTOGRAM_EDGES) - 1), dtype=np.int64)
        self.reliability = np.zeros((3, RELIABILITY_BINS))
        self.clipped = np.zeros(len(LIMITS), dtype=np.int64)
        self.grid = np.zeros((len(GRID) if temperature else 0, N_FOLDS, MOMENTS))
        self.fold_counts = np.zeros(N_FOLDS, dtype=np.int64)
        self.extremes = np.array([np.inf, -np.inf])
        self.top_losses: FloatVector = np.empty(0)
        self.top_ids: npt.NDArray[Any] = np.empty(0, dtype=np.int64)

    def update(self, batch: Predictions) -> None:
        """Add samples.

        Parameters
        ----------
        batch : Predictions
            With as many classes. Its weights count, or each sample once.

        Raises
        ------
        DataError
            Another number of classes.
        """
        if batch.n_classes != self.n_classes:
            raise self._different(f"{batch.n_classes} classes")
        weights = batch.weights
        if backend.use_compiled(batch.scores.size, weighted=weights is not None):
            status = self._add_large(batch)
        else:
            status = self._add_small(batch)
        if len(self.grid):
            scored = status == RowStatus.OK
            fold = np.full(len(batch), -1, dtype=np.int8)
            fold[scored] = fold_of(batch.ids[scored], N_FOLDS)
            self.fold_counts += np.bincount(fold[scored], minlength=N_FOLDS)
            moments = grid_sums(batch.y_true, batch.scores, batch.scale, fold=fold, weights=weights)
            self._add_grid(moments)

    def _add_large(self, batch: Predictions) -> npt.NDArray[np.uint8]:
        """Add by the compiled kernel; the status of every row."""
        from whyloss.measures.compiled.summing import add_all  # noqa: PLC0415 - loads a compiler

        found = add_all(
            batch,
            HISTOGRAM_EDGES,
            LIMITS,
            limit_width=LIMIT_WIDTH,
            n_reliability=RELIABILITY_BINS,
            by_class=self.by_class.size > 0,
            confusion=self.confusion.size > 0,
            n_top=TOP,
            smallest_top=float(self.top_losses[-1]) if len(self.top_losses) == TOP else 0.0,
        )
        for name in _SUMS:
            if name != "fold_counts":
                mine = getattr(self, name)
                mine += getattr(found, name)
        self._add_extremes(*found.extremes)
        self._keep_top(found.losses, batch.ids[found.rows])
        return found.row_status

    def _add_small(self, batch: Predictions) -> npt.NDArray[np.uint8]:
        """Add in plain NumPy, weighted or not; the status of every row."""
        samples = per_sample.per_sample(batch.y_true, batch.scores, batch.scale)
        scored = samples.scored
        self.status += np.bincount(samples.status, minlength=len(RowStatus))
        w = np.ones(int(scored.sum())) if batch.weights is None else batch.weights[scored]
        self._add_sums(batch, samples, w)
        self._keep_top(samples.log_loss[scored], batch.ids[scored])
        return samples.status

    def _add_sums(self, batch: Predictions, samples: PerSample, w: FloatVector) -> None:
        scored = samples.scored
        loss, entropy = samples.log_loss[scored], samples.entropy[scored]
        y_true, y_pred = batch.y_true[scored], samples.y_pred[scored]
        right = y_true == y_pred
        self.totals += [
            w.sum(),
            (w * w).sum(),
            w @ loss,
            w @ loss**2,
            w @ entropy,
            w @ samples.entropy_variance[scored],
            w @ (loss - entropy) ** 2,
            w @ samples.brier[scored],
        ]
        for row, values in enumerate((np.ones_like(w), w, w * loss)):
            self.outcomes[:, row] += np.bincount(right, weights=values, minlength=2)
        if self.by_class.size:
            self.by_class[0] += np.bincount(y_true, weights=w, minlength=self.n_classes)
            self.by_class[1] += np.bincount(y_true, weights=w * loss, minlength=self.n_classes)
            self.by_class[2] += _probabilities(batch, samples, w)
        if self.confusion.size:
            self.confusion += confusion_counts(y_true, y_pred, self.n_classes)
        bins = np.searchsorted(HISTOGRAM_EDGES, loss, side="right") - 1
        bins = np.clip(bins, 0, self.histogram.shape[1] - 1)
        for outcome in (0, 1):
            self.histogram[outcome] += np.bincount(
                bins[right == outcome], minlength=self.histogram.shape[1]
            )
        confidence = samples.confidence[scored]
        bins = np.minimum((confidence * RELIABILITY_BINS).astype(np.intp), RELIABILITY_BINS - 1)
        for row, values in enumerate((w, w * confidence, w * right)):
            self.reliability[row] += np.bincount(bins, weights=values, minlength=RELIABILITY_BINS)
        large = loss[loss > LIMITS[0] - LIMIT_WIDTH, None]
        self.clipped += np.count_nonzero(np.abs(large - LIMITS) < LIMIT_WIDTH, axis=0)
        if len(loss):
            self._add_extremes(loss.min(), loss.max())

    def _add_extremes(self, smallest: float, largest: float) -> None:
        self.extremes = np.array([min(self.extremes[0], smallest), max(self.extremes[1], largest)])

    def _keep_top(self, losses: FloatVector, ids: npt.NDArray[Any]) -> None:
        if len(self.top_ids) and len(ids) and self.top_ids.dtype.kind != ids.dtype.kind:
            raise self._different("ids of another kind")
        if len(losses) > TOP:  # all that tie with the last one: the ids decide between them
            some = losses >= np.partition(losses, -TOP)[-TOP]
            losses, ids = losses[some], ids[some]
        both = [losses, self.top_losses], [ids, self.top_ids]
        losses, ids = (
            np.concatenate([part for part in parts if len(part)] or parts[:1]) for parts in both
        )
        order = np.lexsort((ids, -losses))[:TOP]
        self.top_losses, self.top_ids = losses[order], ids[order]

    def _add_grid(self, moments: FloatVector) -> None:
        worst = np.maximum(self.grid[:, :, WORST], moments[:, :, WORST])
        self.grid += moments
        self.grid[:, :, WORST] = worst

    def merge(self, other: Summary) -> None:
        """Add the samples of another summary.

        Parameters
        ----------
        other : Summary
            With as many classes and temperatures.

        Raises
        ------
        DataError
            Another number of classes, or only one of them keeps a temperature.
        """
        if other.n_classes != self.n_classes or other.grid.shape != self.grid.shape:
            raise self._different(f"{other.n_classes} classes, {len(other.grid)} temperatures")
        for name in _SUMS:
            mine = getattr(self, name)
            mine += getattr(other, name)
        self._add_grid(other.grid)
        self._add_extremes(*other.extremes)
        self._keep_top(other.top_losses, other.top_ids)

    def _different(self, got: str) -> DataError:
        return DataError(
            "These do not go into one summary",
            expected=f"{self.n_classes} classes, {len(self.grid)} temperatures, ids of one kind",
            got=got,
        )

    def to_bytes(self) -> bytes:
        """Arrow IPC stream with one row; a column of lists for each attribute."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        arrays = {name: getattr(self, name) for name in _STATE}
        columns = [_listed(array) for array in arrays.values()]
        about = {"format": FORMAT, "n_classes": self.n_classes, "temperature": len(self.grid) > 0}
        batch = pa.RecordBatch.from_arrays(columns, names=list(arrays)).replace_schema_metadata(
            {"whyloss.summary": json.dumps(about)}
        )
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue().to_pybytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Summary:
        """Read the bytes of :meth:`to_bytes`.

        Parameters
        ----------
        data : bytes

        Returns
        -------
        Summary

        Raises
        ------
        FormatError
            The bytes are no summary, or one of a newer whyloss.
        """
        import pyarrow as pa  # noqa: PLC0415 - slow to import

        try:
            table = pa.ipc.open_stream(data).read_all()
            about = json.loads((table.schema.metadata or {})[b"whyloss.summary"])
            if about["format"] != FORMAT:
                raise FormatError(
                    "The summary has another format",
                    expected=f"format {FORMAT}",
                    got=f"{about['format']}",
                    hint="Update whyloss.",
                )
            summary = cls(about["n_classes"], temperature=about["temperature"])
            for name in _STATE:
                values = table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
                values = values.astype(np.str_) if values.dtype.kind == "O" else values.copy()
                if name not in {"top_losses", "top_ids"}:
                    values = values.reshape(getattr(summary, name).shape)
                setattr(summary, name, values)
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            if isinstance(error, FormatError):
                raise
            raise FormatError(
                "These bytes are no summary", expected="what to_bytes gave", got=f"{error}"[:120]
            ) from None
        return summary

    @property
    def n_scored(self) -> int:
        """Number of rows with a finite loss."""
        return int(self.status[RowStatus.OK])

    @property
    def effective_n(self) -> float:
        """``(sum w)^2 / sum w^2``: so many unweighted samples would tell as much."""
        weights, squares = self.totals[_W], self.totals[_W2]
        return float(weights**2 / squares) if squares else 0.0

    @property
    def log_loss(self) -> Estimate:
        """Mean cross-entropy, nats."""
        return self._mean(self.totals[_LOSS], self.totals[_LOSS2])

    @property
    def accuracy(self) -> Estimate:
        """Share of right predictions."""
        n = self.effective_n
        share = self.outcomes[1, 1] / self.totals[_W] if n else math.nan
        return wilson(share * n, n)

    @property
    def gap(self) -> SurpriseGap:
        """Loss minus the loss that the predictions expect."""
        total = float(self.totals[_LOSS] - self.totals[_ENTROPY])
        z = gap_z(total, float(self.totals[_VARIANCE]))
        return SurpriseGap(self._mean(total, self.totals[_EXCESS2]), z)

    def _mean(self, total: float, squares: float) -> Estimate:
        n, weights = self.effective_n, self.totals[_W]
        if not n:
            return Estimate(math.nan, note="no samples")
        mean = float(total / weights)
        variance = max(0.0, float(squares / weights) - mean**2)
        return Estimate.normal(mean, math.sqrt(variance / (n - 1)) if n > 1 else math.nan)

    def temperature(self) -> TemperatureFit:
        """One temperature for all samples.

        Raises
        ------
        TooFewSamplesError
            Fewer than 50 scored rows, or the summary keeps no temperatures.
        """
        return self._fit(np.ones(N_FOLDS, dtype=np.bool_))

    def refinement(self) -> Estimate:
        """Mean loss under the temperature that was fitted without the sample's own fold, nats.

        Raises
        ------
        TooFewSamplesError
            As :meth:`temperature`.
        """
        everyone = self.temperature()
        total = squares = 0.0
        for k in np.flatnonzero(self.fold_counts).tolist():
            mine = np.arange(N_FOLDS) == k
            alone = int(self.fold_counts[k]) == self.n_scored
            fit = everyone if alone else self._fit(~mine)
            fold = GridObjective(self.grid[:, mine], int(self.fold_counts[k]))
            total += fold.derivatives(fit.log_beta).loss
            squares += fold.loss_squared(fit.log_beta)
        return self._mean(total, squares)

    def _fit(self, folds: npt.NDArray[np.bool_]) -> TemperatureFit:
        if self.n_scored < MIN_CALIBRATION_SAMPLES or not len(self.grid):
            raise TooFewSamplesError(
                "No temperature from this summary",
                expected=f"at least {MIN_CALIBRATION_SAMPLES} scored samples, and temperature=True",
                got=f"{self.n_scored} samples, {len(self.grid)} temperatures",
            )
        return fit_temperature(
            GridObjective(self.grid[:, folds], int(self.fold_counts[folds].sum()))
        )


_SUMS = (
    "status", "totals", "outcomes", "by_class", "confusion", "histogram", "reliability", "clipped",
    "fold_counts",
)  # fmt: skip
_STATE = (*_SUMS, "grid", "extremes", "top_losses", "top_ids")


def _listed(array: npt.NDArray[Any]) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415

    flat = pa.array(array.reshape(-1).tolist() if array.dtype.kind == "U" else array.reshape(-1))
    return pa.ListArray.from_arrays(pa.array([0, len(flat)], pa.int32()), flat)


def _probabilities(batch: Predictions, samples: PerSample, w: FloatVector) -> FloatVector:
    """Weighted sum of the probabilities of each class."""
    weights = np.zeros(len(batch))
    weights[samples.scored] = w
    if batch.scores.shape[1] == 1:
        second = np.where(samples.y_pred == 1, samples.confidence, 1.0 - samples.confidence)
        ones = float(weights[samples.scored] @ second[samples.scored])
        return np.array([w.sum() - ones, ones])
    total = np.zeros(batch.n_classes)
    for rows, logits, _ in logit_blocks(batch.scores, batch.scale):
        kept = weights[rows] > 0
        prob = np.exp(logits[kept] - logits[kept].max(axis=1, keepdims=True))
        total += (weights[rows][kept] / prob.sum(axis=1)) @ prob
    return total
