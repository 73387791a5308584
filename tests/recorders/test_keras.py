"""The callback of Keras records logits where there are any, and never harms ``fit``."""

import os

import numpy as np
import pytest

from conftest import require
from whyloss.data import Run
from whyloss.errors import DataError, WhylossError
from whyloss.recorders import Recorder, RecorderWarning

# Without a choice of one's own: Keras asks for TensorFlow, which is seldom there.
os.environ.setdefault("KERAS_BACKEND", "torch")
if os.environ["KERAS_BACKEND"] == "torch":
    require("torch")
keras = require("keras")
from whyloss.recorders.keras import WhylossCallback  # noqa: E402 - needs Keras

pytestmark = pytest.mark.keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 90)
ONE_HOT = np.eye(3)[Y]
Dense, layers = keras.layers.Dense, keras.layers


@pytest.fixture(autouse=True)
def _seeded(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    keras.utils.set_random_seed(0)


def fit(model, loss, path, *, x=X, y=Y, epochs=2, metrics=("accuracy",), **options):
    """Train a little with the callback, and give the run and the model."""
    model.compile("sgd", loss, metrics=list(metrics))
    callback = WhylossCallback(path, (x, y), **options)
    model.fit(x, y, epochs=epochs, verbose=0, callbacks=[callback], validation_data=(x, y))
    return Run.open(path)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def functional(*last):
    inputs = outputs = keras.Input((4,))
    for layer in (Dense(6, activation="relu"), *last):
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


SOFTMAX_MODELS = {
    "sequential": lambda: keras.Sequential([Dense(6), Dense(3, activation="softmax")]),
    "functional": lambda: functional(Dense(3, activation="softmax")),
    "without bias": lambda: functional(Dense(3, activation="softmax", use_bias=False)),
    "activation layer": lambda: functional(Dense(3), layers.Activation("softmax")),
    "softmax layer": lambda: functional(Dense(3), layers.Softmax()),
    "with dropout": lambda: functional(layers.Dropout(0.5), Dense(3, activation="softmax")),
    "16-bit features": lambda: functional(Dense(3, activation="softmax", dtype="mixed_float16")),
}


@pytest.mark.parametrize("name", SOFTMAX_MODELS)
def test_given_a_softmax_at_the_end_then_what_goes_into_it_is_recorded(tmp_path, name):
    model = SOFTMAX_MODELS[name]()
    run = fit(model, "sparse_categorical_crossentropy", tmp_path)
    assert run.epochs("val") == (1, 2)
    read = run.predictions("val", 2)
    assert read.scale == "logits"
    tolerance = 2e-3 if name == "16-bit features" else 1e-6
    outputs = model.predict(X, verbose=0)
    np.testing.assert_allclose(softmax(read.scores), outputs, atol=tolerance)
    # Not the logarithm of the outputs, which would be shifted by a constant.
    assert np.abs(np.log(outputs) - read.scores).max() > 0.1
    np.testing.assert_array_equal(read.y_true, Y)
    assert not np.array_equal(read.scores, run.predictions("val", 1).scores)


def test_given_a_saturated_softmax_then_the_logits_are_still_exact(tmp_path):
    model = functional(Dense(3, activation="softmax", kernel_initializer="zeros", name="last"))
    model.get_layer("last").bias.assign([200.0, 0.0, -300.0])
    model.get_layer("last").trainable = False
    run = fit(model, "sparse_categorical_crossentropy", tmp_path, epochs=1)
    np.testing.assert_array_equal(run.predictions("val", 1).scores, [[200.0, 0.0, -300.0]] * 90)


@pytest.mark.parametrize("shape", [(90,), (90, 1)])
def test_given_one_sigmoid_then_its_logit_is_recorded(tmp_path, shape):
    model = functional(Dense(1, activation="sigmoid"))
    labels = (Y == 1).astype(np.float32).reshape(shape)
    run = fit(model, "binary_crossentropy", tmp_path, y=labels)
    read = run.predictions("val", 2)
    assert (read.scale, read.scores.shape, read.n_classes) == ("logits", (90, 1), 2)
    outputs = model.predict(X, verbose=0)
    np.testing.assert_allclose(1 / (1 + np.exp(-read.scores)), outputs, atol=1e-6)
    assert read.y_true.tolist() == (Y == 1).tolist()
    assert set(run.history.columns) == {
        (split, metric) for split in ("train", "val") for metric in ("loss", "accuracy")
    }


def test_given_a_loss_that_takes_logits_then_the_outputs_are_recorded(tmp_path):
    model = functional(Dense(3))
    run = fit(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True), tmp_path)
    read = run.predictions("val", 2)
    assert read.scale == "logits"
    np.testing.assert_allclose(read.scores, model.predict(X, verbose=0), rtol=1e-6)


class OwnModel(keras.Model):
    def __init__(self, activation):
        super().__init__()
        self.last = Dense(3, activation=activation)

    def call(self, inputs):
        return self.last(inputs)


@pytest.mark.parametrize(
    ("from_logits", "activation", "scale"), [(True, None, "logits"), (False, "softmax", "probs")]
)
def test_given_a_model_of_ones_own_then_the_loss_says_what_its_outputs_are(
    tmp_path, from_logits, activation, scale
):
    model = OwnModel(activation)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    read = fit(model, loss, tmp_path).predictions("val", 2)
    assert read.scale == scale
    np.testing.assert_allclose(read.scores, model.predict(X, verbose=0), rtol=1e-6)


ONE_HOT_LOSSES = {
    "by name": "categorical_crossentropy",
    "by class name": "CategoricalCrossentropy",
    "as a function": keras.losses.categorical_crossentropy,
    "as an object": keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    "focal": keras.losses.CategoricalFocalCrossentropy(),
}


@pytest.mark.parametrize("name", ONE_HOT_LOSSES)
def test_given_a_loss_of_one_hot_labels_then_they_become_indices(tmp_path, name):
    model = functional(Dense(3, activation="softmax"))
    run = fit(model, ONE_HOT_LOSSES[name], tmp_path, y=ONE_HOT, epochs=1)
    assert run.predictions("val", 1).y_true.tolist() == Y.tolist()
    assert run.scale == "logits"


@pytest.mark.parametrize(
    "metric",
    ["acc", "accuracy", "sparse_categorical_accuracy", keras.metrics.SparseCategoricalAccuracy()],
)
def test_given_any_name_of_accuracy_then_it_is_found_under_one(tmp_path, metric):
    model = functional(Dense(3, activation="softmax"))
    run = fit(model, "sparse_categorical_crossentropy", tmp_path, metrics=[metric])
    read = run.predictions("val", 2)
    accuracy = np.mean(read.scores.argmax(axis=1) == Y)
    log_loss = -np.log(softmax(read.scores)[np.arange(90), Y]).mean()
    assert run.history.column("val", "accuracy")[1] == pytest.approx(accuracy, abs=1e-6)
    assert run.history.column("val", "loss")[1] == pytest.approx(log_loss, abs=1e-5)
    assert run.history.column("train", "accuracy") is not None


def test_given_options_then_they_are_followed(tmp_path):
    names = [f"sample {k}" for k in range(90)]
    model = functional(Dense(3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = WhylossCallback(
        tmp_path, (X, Y), (X[:40], Y[:40]), batch_size=7, ids=names, classes="abc", every=2
    )
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[callback])
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[callback])
    run = Run.open(tmp_path)
    assert run.epochs("val") == run.epochs("train") == (2, 4)
    assert run.history.epochs.tolist() == [1, 2, 3, 4]
    assert run.classes == ("a", "b", "c")
    assert run.predictions("val", 4).ids.tolist() == names
    assert run.predictions("train", 4).ids.tolist() == list(range(40))


def test_given_initial_epoch_and_resume_then_the_numbers_go_on(tmp_path):
    model = functional(Dense(3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    for first, last in ((0, 2), (2, 3)):
        callback = WhylossCallback(tmp_path, (X, Y), resume=first > 0)
        model.fit(X, Y, initial_epoch=first, epochs=last, verbose=0, callbacks=[callback])
    assert Run.open(tmp_path).epochs("val") == (1, 2, 3)


def test_given_no_data_then_scalars_alone_are_recorded(tmp_path):
    model = functional(Dense(3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[WhylossCallback(tmp_path)])
    run = Run.open(tmp_path)
    assert run.splits == ()
    assert run.history.epochs.tolist() == [1, 2]


@pytest.mark.parametrize("named", [True, False])
def test_given_several_inputs_then_they_are_predicted_from(tmp_path, named):
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    outputs = Dense(3, activation="softmax")(layers.Concatenate()([left, right]))
    model = keras.Model({"left": left, "right": right} if named else [left, right], outputs)
    x = {"left": X, "right": -X} if named else [X, -X]
    run = fit(model, "sparse_categorical_crossentropy", tmp_path, x=x)
    outputs = model.predict(x, verbose=0)
    np.testing.assert_allclose(softmax(run.predictions("val", 2).scores), outputs, atol=1e-6)


def test_the_callback_changes_nothing_in_the_training(tmp_path):
    weights = []
    for callbacks in ([], [WhylossCallback(tmp_path, (X, Y), (X, Y))]):
        keras.utils.set_random_seed(1)
        model = functional(
            layers.BatchNormalization(), layers.Dropout(0.5), Dense(3), layers.Softmax()
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, Y, epochs=3, verbose=0, callbacks=callbacks)
        weights.append(model.get_weights())
    for without, with_callback in zip(*weights, strict=True):
        np.testing.assert_array_equal(without, with_callback)


def own_loss(y_true, y_pred):
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


CONTRADICTIONS = {
    "logits, and a loss of probabilities": (None, "sparse_categorical_crossentropy"),
    "probabilities, and a loss of logits": (
        "softmax",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ),
    "a loss of one's own": (None, own_loss),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_given_outputs_that_nothing_tells_of_then_one_warning_asks_for_the_scale(tmp_path, name):
    activation, loss = CONTRADICTIONS[name]
    with pytest.warns(
        RecorderWarning, match='outputs logits or probabilities is not clear.*Pass scale="logits"'
    ) as caught:
        run = fit(functional(Dense(3, activation=activation)), loss, tmp_path)
    assert [warning.category for warning in caught].count(RecorderWarning) == 1
    assert run.splits == ()


def test_given_the_scale_then_the_outputs_are_recorded_as_such(tmp_path):
    model = functional(Dense(3))
    read = fit(model, own_loss, tmp_path, scale="logits").predictions("val", 2)
    assert read.scale == "logits"
    np.testing.assert_allclose(read.scores, model.predict(X, verbose=0), rtol=1e-6)


def two_outputs():
    inputs = keras.Input((4,))
    return keras.Model(inputs, [Dense(3, activation="softmax")(inputs) for _ in range(2)])


BAD_TRAININGS = {
    "soft labels": (
        lambda: functional(Dense(3, activation="softmax")),
        {"loss": "categorical_crossentropy", "y": np.full((90, 3), 1 / 3)},
        "The labels are not one-hot",
    ),
    "several labels per sample": (
        lambda: functional(Dense(3, activation="sigmoid")),
        {"loss": "binary_crossentropy", "y": (RNG.random((90, 3)) < 0.5).astype(np.float32)},
        "The outputs of the model are not probabilities of classes.*a sigmoid of 3",
    ),
    "targets of a regression": (
        lambda: functional(Dense(1)),
        {"loss": "mse", "y": X[:, 0], "scale": "logits"},
        "y_true contains values that are not class indices",
    ),
    "ids that do not fit": (
        lambda: functional(Dense(3, activation="softmax")),
        {"loss": "sparse_categorical_crossentropy", "ids": [1, 2]},
        "the same number of rows in each",
    ),
}


@pytest.mark.parametrize("name", BAD_TRAININGS)
def test_given_a_training_that_cannot_be_recorded_then_it_goes_on_with_one_warning(tmp_path, name):
    make, options, message = BAD_TRAININGS[name]
    model = make()
    before = model.get_weights()
    with pytest.warns(RecorderWarning, match=message) as caught:
        run = fit(model, path=tmp_path, metrics=(), **options)
    assert [warning.category for warning in caught].count(RecorderWarning) == 1
    assert run.splits == ()
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_given_several_outputs_then_the_training_goes_on_with_one_warning(tmp_path):
    model = two_outputs()
    model.compile("sgd", ["sparse_categorical_crossentropy"] * 2)
    callback = WhylossCallback(tmp_path, (X, Y), scale="probs")
    with pytest.warns(RecorderWarning, match="The model has several outputs"):
        model.fit(X, [Y, Y], epochs=2, verbose=0, callbacks=[callback])


def test_given_an_early_failure_of_predict_then_it_does_not_reach_fit(tmp_path, monkeypatch):
    model = functional(Dense(3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    monkeypatch.setattr(model, "predict", None)
    with pytest.warns(RecorderWarning, match="TypeError: 'NoneType' object is not callable"):
        fit(model, loss, tmp_path)


def test_given_sample_weights_beside_the_data_then_they_are_recorded(tmp_path):
    model = functional(Dense(3, activation="softmax"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    weights = RNG.uniform(1, 2, 90)
    data = (X, Y, keras.ops.convert_to_tensor(weights))
    callback = WhylossCallback(tmp_path, data, (X[:9], Y[:9]))
    model.fit(X, Y, epochs=1, verbose=0, callbacks=[callback], validation_data=data)
    run = Run.open(tmp_path)
    np.testing.assert_allclose(run.predictions("val", 1).weights, weights, rtol=1e-6)
    assert run.predictions("train", 1).weights is None


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((X,), {}),
        (((X, Y, Y, Y),), {}),
        (((X, Y), "train"), {}),
        ((), {"scale": "logit"}),
        ((), {"every": 0}),
        ((), {"classes": ["only"]}),
    ],
)
def test_given_bad_arguments_then_making_the_callback_raises(tmp_path, arguments, options):
    with pytest.raises(DataError):
        WhylossCallback(tmp_path, *arguments, **options)


def test_given_a_run_that_exists_then_making_the_callback_raises(tmp_path):
    Recorder(tmp_path, rank=0).close()
    with pytest.raises(WhylossError, match="exists already"):
        WhylossCallback(tmp_path)
    WhylossCallback(tmp_path, overwrite=True)
