"""Tiny trainings, one per framework, each with what it printed and the numbers that it had."""

from __future__ import annotations

import math
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.logs.reading import captured

if TYPE_CHECKING:
    from collections.abc import Callable

    Printed = tuple[str, dict[str, list[float]]]

EPOCHS = 4
N_CLASSES = 3


def task(seed: int = 0) -> tuple[Any, ...]:
    """Make 300 training and 120 validation samples of three overlapping classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, N_CLASSES, 420)
    features = rng.normal(size=(420, 8))
    features[np.arange(420), labels] += 1.0
    features = features.astype(np.float32)
    return features[:300], labels[:300], features[300:], labels[300:]


def keras_training(verbose: int) -> Printed:
    """Fit a dense network, with bars (1) or a line per epoch (2)."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    keras.utils.set_random_seed(0)
    x, y, x_val, y_val = task()
    model = keras.Sequential([keras.layers.Dense(N_CLASSES, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with captured() as text:
        fitted = model.fit(
            x, y, epochs=EPOCHS, verbose=verbose, validation_data=(x_val, y_val)
        ).history
    return text.getvalue(), {
        "train_loss": fitted["loss"],
        "train_accuracy": fitted["accuracy"],
        "val_loss": fitted["val_loss"],
        "val_accuracy": fitted["val_accuracy"],
    }


def torch_training(form: str) -> Printed:
    """Train a linear model by hand, and print each epoch as `form` says."""
    import torch

    torch.manual_seed(0)
    x, y, x_val, y_val = (torch.as_tensor(part) for part in task())
    model = torch.nn.Linear(8, N_CLASSES)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    numbers: dict[str, list[float]] = {
        name: [] for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    }
    with captured() as text:
        for epoch in range(1, EPOCHS + 1):
            logits = model(x)
            loss = torch.nn.functional.cross_entropy(logits, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                held_out = model(x_val)
                row = (
                    loss.item(),
                    (logits.argmax(1) == y).float().mean().item(),
                    torch.nn.functional.cross_entropy(held_out, y_val).item(),
                    (held_out.argmax(1) == y_val).float().mean().item(),
                )
            for name, value in zip(numbers, row, strict=True):
                numbers[name].append(value)
            print(form.format(epoch, EPOCHS, *row))
    return text.getvalue(), numbers


def mlp_training() -> Printed:
    """Fit the perceptron of scikit-learn, which holds out its own validation samples."""
    from sklearn.neural_network import MLPClassifier

    x, y, _, _ = task()
    model = MLPClassifier(
        (8,),
        max_iter=EPOCHS,
        early_stopping=True,
        n_iter_no_change=99,
        verbose=True,
        random_state=0,
    )
    with captured() as text, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    return text.getvalue(), {
        "train_loss": model.loss_curve_,
        "val_accuracy": model.validation_scores_,
    }


def xgboost_training() -> Printed:
    """Boost trees with XGBoost, and print every round."""
    import xgboost

    x, y, x_val, y_val = task()
    sets = [(xgboost.DMatrix(x, y), "train"), (xgboost.DMatrix(x_val, y_val), "eval")]
    options = {
        "objective": "multi:softprob",
        "num_class": N_CLASSES,
        "eval_metric": ["merror", "mlogloss"],
    }
    result: dict[str, Any] = {}
    with captured() as text:
        xgboost.train(options, sets[0][0], EPOCHS, evals=sets, evals_result=result)
    return text.getvalue(), _of_boosting(result["train"], result["eval"], "mlogloss", "merror")


def lightgbm_training() -> Printed:
    """Boost trees with LightGBM, stop early, and let it print the best round once more."""
    import lightgbm

    x, y, x_val, y_val = task()
    train = lightgbm.Dataset(x, y)
    options = {
        "objective": "multiclass",
        "num_class": N_CLASSES,
        "metric": ["multi_logloss", "multi_error"],
        "verbose": -1,
    }
    result: dict[str, Any] = {}
    with captured() as text:
        lightgbm.train(
            options,
            train,
            EPOCHS,
            valid_sets=[train, lightgbm.Dataset(x_val, y_val, reference=train)],
            valid_names=["train", "valid"],
            callbacks=[
                lightgbm.log_evaluation(1),
                lightgbm.record_evaluation(result),
                lightgbm.early_stopping(EPOCHS - 1),
            ],
        )
    return text.getvalue(), _of_boosting(
        result["train"], result["valid"], "multi_logloss", "multi_error"
    )


def catboost_training() -> Printed:
    """Boost trees with CatBoost, which does not name its loss."""
    import catboost

    x, y, x_val, y_val = task()
    model = catboost.CatBoostClassifier(
        iterations=EPOCHS, random_seed=0, allow_writing_files=False, loss_function="MultiClass"
    )
    with captured() as text:
        model.fit(x, y, eval_set=(x_val, y_val), log_cout=text, log_cerr=text)
    losses = model.get_evals_result()
    return text.getvalue(), {
        "train_loss": losses["learn"]["MultiClass"],
        "test_loss": losses["validation"]["MultiClass"],
    }


def skorch_training() -> Printed:
    """Fit a linear model with skorch, which prints a table."""
    import skorch  # as optional as all frameworks here
    import torch
    from skorch.helper import predefined_split

    torch.manual_seed(0)
    x, y, x_val, y_val = task()
    net = skorch.NeuralNetClassifier(
        torch.nn.Linear(8, N_CLASSES),
        criterion=torch.nn.CrossEntropyLoss,
        max_epochs=EPOCHS,
        lr=0.1,
        train_split=predefined_split(skorch.dataset.Dataset(x_val, y_val)),
    )
    with captured() as text:
        net.fit(x, y)
    return text.getvalue(), {
        "train_loss": net.history[:, "train_loss"],
        "val_loss": net.history[:, "valid_loss"],
        "val_accuracy": net.history[:, "valid_acc"],
    }


def trainer_training() -> Printed:
    """Train a tiny classifier with the Trainer, which loads its best epoch and evaluates again."""
    import tempfile

    import torch
    import transformers

    torch.manual_seed(0)
    x, y, x_val, y_val = task()

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(8, N_CLASSES)

        def forward(self, features: Any, labels: Any) -> dict[str, Any]:  # noqa: ANN401 - of the framework
            logits = self.layer(features)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    def rows(features: Any, labels: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - of the framework
        return [
            {"features": one, "labels": int(label)}
            for one, label in zip(features, labels, strict=True)
        ]

    def accuracy(made: Any) -> dict[str, float]:  # noqa: ANN401 - of the framework
        return {"accuracy": float((made.predictions.argmax(1) == made.label_ids).mean())}

    with tempfile.TemporaryDirectory() as folder, captured() as text:
        trainer = transformers.Trainer(
            Model(),
            transformers.TrainingArguments(
                folder,
                num_train_epochs=EPOCHS,
                learning_rate=0.5,
                eval_strategy="epoch",
                save_strategy="epoch",
                logging_strategy="epoch",
                load_best_model_at_end=True,
                disable_tqdm=True,
                report_to=[],
                use_cpu=True,
            ),
            train_dataset=rows(x, y),
            eval_dataset=rows(x_val, y_val),
            compute_metrics=accuracy,
        )
        trainer.train()
        told = list(trainer.state.log_history)
        after = trainer.evaluate()
    nothing = [math.nan] * (EPOCHS - 1)
    return text.getvalue(), {
        "train_loss": [row["loss"] for row in told if "loss" in row],
        "val_loss": [row["eval_loss"] for row in told if "eval_loss" in row],
        "val_accuracy": [row["eval_accuracy"] for row in told if "eval_accuracy" in row],
        "evaluation_loss": [*nothing, after["eval_loss"]],
        "evaluation_accuracy": [*nothing, after["eval_accuracy"]],
    }


def lightning_training() -> Printed:
    """Train a linear model with Lightning, whose bar shows the numbers of each epoch."""
    import tempfile

    import pytorch_lightning
    import torch

    pytorch_lightning.seed_everything(0, verbose=False)
    x, y, x_val, y_val = (torch.as_tensor(part) for part in task())
    kept: dict[str, list[float]] = {}

    class Model(pytorch_lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(8, N_CLASSES)

        def _step(self, batch: Any, split: str) -> Any:  # noqa: ANN401 - of the framework
            features, labels = batch
            logits = self.layer(features)
            loss = torch.nn.functional.cross_entropy(logits, labels)
            hits = (logits.argmax(1) == labels).float().mean()
            self.log(f"{split}_loss", loss, prog_bar=True, on_step=False, on_epoch=True)
            self.log(f"{split}_acc", hits, prog_bar=True, on_step=False, on_epoch=True)
            return loss

        def training_step(self, batch: Any) -> Any:  # noqa: ANN401 - of the framework
            return self._step(batch, "train")

        def validation_step(self, batch: Any) -> Any:  # noqa: ANN401 - of the framework
            return self._step(batch, "val")

        def configure_optimizers(self) -> Any:  # noqa: ANN401 - of the framework
            return torch.optim.Adam(self.parameters(), lr=0.1)

    class Keep(pytorch_lightning.Callback):
        def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:  # noqa: ANN401 - of the framework
            for name, value in trainer.callback_metrics.items():
                kept.setdefault(name.replace("acc", "accuracy"), []).append(float(value))

    def batches(*tensors: Any) -> Any:  # noqa: ANN401 - of the framework
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), batch_size=30)

    with tempfile.TemporaryDirectory() as folder, captured() as text, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pytorch_lightning.Trainer(
            max_epochs=EPOCHS,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            num_sanity_val_steps=0,
            default_root_dir=folder,
            callbacks=[Keep(), pytorch_lightning.callbacks.TQDMProgressBar(refresh_rate=1)],
        )
        trainer.fit(Model(), batches(x, y), batches(x_val, y_val))
    return text.getvalue(), kept


def _of_boosting(
    train: dict[str, list[float]], held_out: dict[str, list[float]], loss: str, error: str
) -> dict[str, list[float]]:
    return {
        "train_loss": train[loss],
        "train_accuracy": [1 - value for value in train[error]],
        "val_loss": held_out[loss],
        "val_accuracy": [1 - value for value in held_out[error]],
    }


FRAMEWORKS: dict[str, tuple[str, Callable[[], Printed]]] = {
    "Keras, bars": ("keras", lambda: keras_training(1)),
    "Keras, a line per epoch": ("keras", lambda: keras_training(2)),
    "PyTorch, one line": (
        "torch",
        lambda: torch_training(
            "Epoch {}/{} - loss: {:.4f} - acc: {:.4f} - val_loss: {:.4f} - val_acc: {:.4f}"
        ),
    ),
    "PyTorch, phases": (
        "torch",
        lambda: torch_training(
            "Epoch {}/{}\n----------\ntrain Loss: {:.4f} Acc: {:.4f}\nval Loss: {:.4f} Acc: "
            "{:.4f}\n"
        ),
    ),
    "PyTorch, percentages": (
        "torch",
        lambda: torch_training(
            "[{}/{}] train loss {:.4f}, train accuracy {:.4%} | validation loss {:.4f}, validation "
            "accuracy {:.4%}"
        ),
    ),
    "scikit-learn, MLPClassifier": ("sklearn", mlp_training),
    "skorch": ("skorch", skorch_training),
    "Trainer of Hugging Face": ("transformers", trainer_training),
    "Lightning": ("pytorch_lightning", lightning_training),
    "XGBoost": ("xgboost", xgboost_training),
    "LightGBM": ("lightgbm", lightgbm_training),
    "CatBoost": ("catboost", catboost_training),
}
PRINTED_DIGITS = {"Lightning": 3}  # where it is fewer than four
