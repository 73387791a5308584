"""The training of case C5: twenty points on a line, one of them where it does not belong.

``python -m whyloss.cases.c5_training FOLDER`` records it into a new run; needs Keras 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from whyloss.errors import MissingExtraError

CLASSES = ("zero", "one")
SEED_OF_DATA = 0
OUTLIER = 3  # place of the test point of class "one" that lies among those of class "zero"
EPOCHS = 300
BATCH = 20
LEARNING_RATE = 0.05
# Seeds 0 to 39: three networks never learn; in the others the loss on the test points rises after
# its minimum, and the outlier costs more than all the others together. It costs 4.9 to 14 nats.
SEED = 16


def points() -> tuple[npt.NDArray[np.float64], ...]:
    """The points, with the labels.

    Class "zero" lies between 0.5 and 1, class "one" between -1 and 0.5; one test point of class
    "one" lies inside class "zero".

    Returns
    -------
    x_train, y_train, x_test, y_test : ndarrays of shape (20,)
    """
    rng = np.random.RandomState(SEED_OF_DATA)

    def draw() -> npt.NDArray[np.float64]:
        zero = 0.5 + 0.5 * rng.random_sample(10)
        one = 0.5 - 1.5 * rng.random_sample(10)
        return np.concatenate([zero, one])

    x_train, x_test = draw(), draw()
    y_train = np.repeat([0.0, 1.0], 10)
    y_test = y_train.copy()
    y_test[OUTLIER] = 1.0
    return x_train, y_train, x_test, y_test


def train(folder: Path, *, seed: int = SEED, epochs: int = EPOCHS) -> dict[str, list[float]]:
    """Train a network of three hidden neurons, and record the test points at every epoch.

    Parameters
    ----------
    folder : Path
        Of the new run.
    seed : int, default 16
        Of the weights.
    epochs : int, default 300

    Returns
    -------
    dict of str to list of float
        What Keras reports per epoch.

    Raises
    ------
    MissingExtraError
        Keras 3 is not installed, or has no backend.
    """
    try:
        import keras  # noqa: PLC0415 - an extra

        from whyloss.recorders.keras import WhylossCallback  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(
            "Case C5 cannot be trained",
            expected="Keras 3 with a backend",
            got=f"{error}",
            hint='pip install "whyloss[keras]" torch, and set KERAS_BACKEND=torch',
        ) from error
    x_train, y_train, x_test, y_test = points()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(3, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE),
        loss="binary_crossentropy",
        metrics=["accuracy"],
    )
    fitted: Any = model.fit(
        x_train[:, None],
        y_train,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(x_test[:, None], y_test),
        callbacks=[WhylossCallback(folder, (x_test[:, None], y_test), classes=CLASSES)],
        verbose=0,
    )
    history: dict[str, list[float]] = fitted.history
    return history


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", default=SEED, show_default=True, help="Of the weights.")
def main(folder: Path, seed: int) -> None:
    """Record the training into a new FOLDER."""
    train(folder, seed=seed)


if __name__ == "__main__":
    main()
