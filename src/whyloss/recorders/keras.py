"""A callback that records a Keras 3 training, on any backend."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from whyloss.data.validation import SCALES, Scale
from whyloss.errors import DataError, MissingExtraError
from whyloss.recorders.loop import Recorder

try:
    import keras
except ImportError as error:
    raise MissingExtraError(
        "Keras cannot be imported",
        got=f"{error}",
        hint="pip install 'whyloss[keras]', and a backend: torch, jax or tensorflow.",
    ) from error

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import numpy.typing as npt

_ACCURACIES = {
    "acc", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
}  # fmt: skip
# Losses that take one-hot labels; of the others, a second dimension of y is an error.
_ONE_HOT = {"CategoricalCrossentropy", "CategoricalFocalCrossentropy"}
_INDICES = {"SparseCategoricalCrossentropy", "BinaryCrossentropy", "BinaryFocalCrossentropy"}


class WhylossCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Records predictions and scalars after each epoch of ``model.fit``.

    Logits are recorded where the model has any: as its output, or before the softmax or sigmoid
    of its last layer. Only creating the callback can raise; any later problem gives one
    :class:`~whyloss.recorders.RecorderWarning`, and the training continues.

    Parameters
    ----------
    path : str or path-like
        The folder of the run.
    validation_data : tuple (x, y) or (x, y, sample_weight), optional
        The input of ``model.predict``, and the labels: indices of shape (n_samples,) or
        (n_samples, 1), or one-hot where the loss requires it. Recorded as split "val". Without it
        only scalars are recorded. Weights are per sample, as ``model.fit`` takes them.
    train_data : tuple (x, y) or (x, y, sample_weight), optional
        The same for the training samples, recorded as split "train". Predicting them takes as
        long as validating as many samples.
    batch_size : int, optional
        For ``model.predict``.
    ids : array-like of shape (n_samples,), optional
        Ids of the validation samples; row numbers if left out.
    classes : sequence, optional
        One label per class, in the order of the outputs.
    scale : {"logits", "log_probs", "probs"}, optional
        What the outputs are. Required where neither the last layer nor the loss shows it.
    every : int, default 1
        Predict after every this many epochs. Scalars are recorded after each.
    overwrite, resume : bool, default False
        Replace, or continue, an existing run.

    Raises
    ------
    DataError, FormatError
        The run cannot be created, or the arguments do not match.

    Notes
    -----
    Epochs count from 1, as Keras prints them, and continue if ``fit`` is called again.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        validation_data: tuple[Any, ...] | None = None,
        train_data: tuple[Any, ...] | None = None,
        *,
        batch_size: int | None = None,
        ids: Any = None,  # noqa: ANN401
        classes: Sequence[Any] | None = None,
        scale: Scale | None = None,
        every: int = 1,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        super().__init__()
        self._data = {
            split: _checked_data(name, data)
            for split, name, data in (
                ("val", "validation_data", validation_data),
                ("train", "train_data", train_data),
            )
            if data is not None
        }
        if scale is not None and scale not in SCALES:
            raise DataError("Unknown scale", expected=f"one of {SCALES}", got=f"{scale!r:.80}")
        if every < 1:
            raise DataError("`every` must be an integer ≥ 1", expected="1 or more", got=f"{every}")
        self._batch_size = batch_size
        self._ids = ids
        self._scale = scale
        self._every = every
        self._outputs: _Outputs | None = None
        self._last_epoch = 0
        self._recorder = Recorder(path, classes=classes, overwrite=overwrite, resume=resume)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the epoch.

        Parameters
        ----------
        epoch : int
            From 0, as Keras counts.
        logs : mapping of str to float, optional
            What Keras reports.
        """
        self._last_epoch = max(epoch, self._last_epoch) + 1
        self._recorder.attempt(partial(self._record, self._last_epoch, logs or {}))

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """Wait until everything is in the run.

        Parameters
        ----------
        logs : mapping of str to float, optional
            Not used.
        """
        self._recorder.flush()

    def _record(self, epoch: int, logs: Mapping[str, Any]) -> None:
        for split, values in _by_split(logs).items():
            self._recorder.log_scalars(epoch=epoch, split=split, **values)
        if not self._data or epoch % self._every:
            return
        if self._outputs is None or self._outputs.model is not self.model:
            self._outputs = _Outputs(self.model, self._scale)
        for split, (x, y, weights) in self._data.items():
            with _preserve_random_state():
                scores = self._outputs.predict(x, self._batch_size)
            y_true = _indices(y, self.model.loss)
            given: dict[str, Any] = {self._outputs.scale: scores}
            ids = self._ids if split == "val" else None
            self._recorder.log(
                split=split, epoch=epoch, y_true=y_true, ids=ids, weights=weights, **given
            )


class _Outputs:
    """The outputs of a model, as logits where it has any."""

    def __init__(self, model: Any, scale: Scale | None) -> None:  # noqa: ANN401
        self.model = model
        self._predictor = model
        self._last_dense: Any = None
        if scale is not None:
            self.scale = scale
            return
        from_logits = _from_logits(model.loss)
        layer = _last_layer(model)
        activation = None if layer is None else _activation(layer)
        if activation in {"softmax", "sigmoid"} and not from_logits:
            self._look_before(layer, activation)
        elif from_logits and activation in {"linear", None}:
            self.scale = "logits"
        elif from_logits is False and activation is None:
            self.scale = "probs"
        else:
            setting = (
                "of unknown kind" if from_logits is None else f"with from_logits={from_logits}"
            )
            raise DataError(
                "Whether the model outputs logits or probabilities is not clear",
                expected="a last layer and a loss that agree",
                got=f"a last layer with activation {activation or 'unknown'}, and a loss {setting}",
                hint='Pass scale="logits" or scale="probs", or correct from_logits of the loss.',
            )

    def predict(self, x: Any, batch_size: int | None) -> npt.NDArray[Any]:  # noqa: ANN401
        """Predict the scores of all samples.

        Parameters
        ----------
        x : array-like
            Input of ``model.predict``.
        batch_size : int or None

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
        """
        outputs: Any = self._predictor.predict(x, batch_size=batch_size, verbose=0)
        if not isinstance(outputs, np.ndarray):
            raise DataError(
                "The model has several outputs", expected="one", got=f"{type(outputs).__name__}"
            )
        scores: npt.NDArray[Any] = outputs
        if self._last_dense is not None:
            # Mixed precision computes features in 16 bits, and stores weights in 32.
            scores = scores.astype(np.result_type(scores, np.float32)) @ _array(
                self._last_dense.kernel
            )
            if self._last_dense.bias is not None:
                scores = scores + _array(self._last_dense.bias)
        return scores

    def _look_before(self, layer: Any, activation: str) -> None:  # noqa: ANN401
        (output,) = self.model.outputs
        width = output.shape[-1]
        if (activation == "sigmoid") != (width == 1):
            raise DataError(
                "The outputs of the model are not probabilities of classes",
                expected="a softmax over two or more columns, or a sigmoid of one",
                got=f"a {activation} of {width}",
                hint="Several labels per sample are not supported.",
            )
        self.scale = "logits"
        # The layers are shared with the model, so the weights are always the current ones.
        self._predictor = keras.Model(self.model.inputs, layer.input)
        self._last_dense = layer if isinstance(layer, keras.layers.Dense) else None


def _preserve_random_state() -> AbstractContextManager[None]:
    """Keep ``predict`` from changing the later shuffling and dropout of the training."""
    if keras.backend.backend() != "torch":
        return nullcontext()  # only the PyTorch backend draws random numbers in predict
    from whyloss.recorders.torch import preserve_random_state  # noqa: PLC0415 - only with this backend

    return preserve_random_state()


def _last_layer(model: Any) -> Any:  # noqa: ANN401
    """The layer that computes the output; None where it cannot be found (a subclassed model)."""
    outputs: Any = getattr(model, "outputs", None) or ()
    if len(outputs) != 1:
        return None
    layers = [layer for layer in model.layers if _makes(layer, outputs[0])]
    return layers[0] if layers else None


def _makes(layer: Any, output: Any) -> bool:  # noqa: ANN401
    try:
        return layer.output is output
    except (AttributeError, ValueError):  # never called, or called at several places
        return False


def _activation(layer: Any) -> str | None:  # noqa: ANN401
    if isinstance(layer, keras.layers.Softmax):
        return "softmax" if layer.axis == -1 else None
    if not isinstance(layer, keras.layers.Dense | keras.layers.Activation):
        return None
    return getattr(layer.activation, "__name__", None)


def _is_one_of(names: set[str], loss: Any) -> bool:  # noqa: ANN401
    """Whether a loss is of one of these classes, in whatever form ``compile`` got it."""
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None)
    if name is None:
        return any(base.__name__ in names for base in type(loss).__mro__)
    return name in names or "".join(word.capitalize() for word in name.split("_")) in names


def _from_logits(loss: Any) -> bool | None:  # noqa: ANN401
    """Whether the loss takes logits; None where the loss is not known."""
    if not _is_one_of(_ONE_HOT | _INDICES, loss):
        return None
    return bool(getattr(loss, "from_logits", False))


def _indices(y: Any, loss: Any) -> npt.NDArray[Any]:  # noqa: ANN401
    """Convert one-hot labels to indices; other labels are returned unchanged."""
    labels = _array(y)
    if not _is_one_of(_ONE_HOT, loss) or labels.ndim != 2:
        return labels
    if np.any((labels != 0) & (labels != 1)) or np.any(labels.sum(axis=1) != 1):
        raise DataError(
            "The labels are not one-hot",
            expected="one 1 in each row",
            got="other rows",
            hint="Soft labels have no accuracy to compare the loss with.",
        )
    indices: npt.NDArray[Any] = labels.argmax(axis=1)
    return indices


def _array(values: Any) -> npt.NDArray[Any]:  # noqa: ANN401
    converted = keras.ops.convert_to_numpy(values) if keras.ops.is_tensor(values) else values
    return np.asarray(converted)


def _by_split(logs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Group the values that Keras reports by split, under the names that whyloss reads."""
    sorted_logs: dict[str, dict[str, Any]] = {}
    for key, value in logs.items():
        split = "val" if key.startswith("val_") else "train"
        metric = key.removeprefix("val_")
        name = "accuracy" if metric in _ACCURACIES else metric
        sorted_logs.setdefault(split, {})[name] = value
    return sorted_logs


def _checked_data(name: str, data: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401
    if not isinstance(data, tuple | list) or len(data) not in {2, 3}:
        raise DataError(
            f"{name} must be a tuple of two or three arrays",
            expected="(x, y) or (x, y, sample_weight) as arrays",
            got=f"{len(data)} items" if isinstance(data, tuple | list) else type(data).__name__,
            hint="Of a data set or generator, give the arrays of the samples to be recorded.",
        )
    weights = data[2] if len(data) == 3 else None
    return data[0], data[1], weights if weights is None else _array(weights)
