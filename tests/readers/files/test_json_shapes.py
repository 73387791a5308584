"""JSON in the shapes that people keep: nested, by epoch, with several trainings, as a notebook."""

import json

import pytest

from whyloss.errors import DataError, FormatError
from whyloss.readers import read

VAL_LOSS = [0.91, 0.74, 0.66, 0.61]
VAL_ACCURACY = [0.51, 0.63, 0.7, 0.72]
LISTS = {"loss": [0.9, 0.7, 0.5, 0.4], "val_loss": VAL_LOSS, "val_accuracy": VAL_ACCURACY}
ROWS = [
    {"train": {"loss": train}, "val": {"loss": loss, "accuracy": share}}
    for train, loss, share in zip(*LISTS.values(), strict=True)
]


@pytest.fixture
def read_value(tmp_path):
    def write_and_read(value):
        path = tmp_path / "kept.json"
        path.write_text(json.dumps(value))
        return read(path)

    return write_and_read


@pytest.mark.parametrize(
    "value",
    [
        {"training_history": LISTS, "seed": 3},
        {"model": {"name": "cnn", "curves": LISTS}, "epochs": 4},
        [{"name": "cnn", "history": LISTS}],
        {"epochs": [{"epoch": at} | row for at, row in enumerate(ROWS, 1)]},
        {str(at): row for at, row in enumerate(ROWS, 1)},
        {f"epoch_{at}": {"metrics": row} for at, row in enumerate(ROWS, 1)},
        {label: [[at, value] for at, value in enumerate(v, 1)] for label, v in LISTS.items()},
        {label: [[1.7e9 + at, at, x] for at, x in enumerate(v, 1)] for label, v in LISTS.items()},
        {"columns": list(LISTS), "index": [0, 1, 2, 3], "data": [*zip(*LISTS.values())]},  # noqa: B905
    ],
)
def test_one_training_is_found_wherever_it_lies(read_value, value):
    history = read_value(value).history
    assert history.epochs.tolist() == [1, 2, 3, 4]
    assert history.column("train", "loss").tolist() == LISTS["loss"]
    assert history.column("val", "loss").tolist() == VAL_LOSS
    assert history.column("val", "accuracy").tolist() == VAL_ACCURACY


@pytest.mark.parametrize(
    "names", [("phase1", "phase2"), ("frozen", "fine_tuning"), ("stage 1", "stage 2")]
)
def test_parts_of_one_training_are_read_one_after_the_other(read_value, names):
    later = {label: [value - 0.2 for value in values] for label, values in LISTS.items()}
    source = read_value({names[0]: LISTS, names[1]: later, "settings": {"lr": [0.1, 0.01]}})
    assert source.history.epochs.tolist() == list(range(1, 9))
    assert source.history.column("val", "loss").tolist() == VAL_LOSS + later["val_loss"]
    assert f"2 parts are read one after the other: {', '.join(names)}." in source.notes


@pytest.mark.parametrize(
    "value",
    [
        {"cnn": LISTS, "mlp": LISTS},
        {"cnn": {"history": LISTS, "test_accuracy": 0.7}, "mlp": {"history": LISTS}},
        [{"name": "cnn", "history": LISTS}, {"name": "mlp", "history": LISTS}],
    ],
)
def test_several_trainings_are_named_and_one_is_asked_for(read_value, value):
    with pytest.raises(DataError, match=r"several runs.*cnn, mlp.*--model cnn"):
        read_value(value)


def test_lists_by_split_are_one_training(read_value):
    history = read_value(
        {"train": {"loss": [0.9, 0.8, 0.7]}, "val": {"loss": [1.0, 0.9, 0.95]}}
    ).history
    assert history.column("train", "loss").tolist() == [0.9, 0.8, 0.7]
    assert history.column("val", "loss").tolist() == [1.0, 0.9, 0.95]


# --- notebooks ------------------------------------------------------------------------------------

PRINTED = [
    f"Epoch {at}/3\n 9/9 - 2s - loss: {loss} - val_loss: {val} - val_accuracy: {share}\n"
    for at, (loss, val, share) in enumerate([(0.9, 1.0, 0.5), (0.7, 0.8, 0.6), (0.5, 0.7, 0.7)], 1)
]
TABLE = (
    "<div><progress value='3'></progress></div><table border='1'><thead><tr><th>Epoch</th>"
    "<th>Training Loss</th><th>Validation Loss</th><th>Accuracy</th></tr></thead><tbody>"
    "<tr><td>1</td><td>0.9</td><td>1.0</td><td>0.5</td></tr>"
    "<tr><td>2</td><td>0.7</td><td>0.8</td><td>0.6</td></tr>"
    "<tr><td>3</td><td>0.5</td><td>0.7</td><td>0.7</td></tr></tbody></table><p>"
)


def _notebook(*outputs):
    cells = [
        {"cell_type": "markdown", "source": ["loss: 9.9 - val_loss: 9.8"]},
        {"cell_type": "code", "source": ["model.fit(x, y)  # loss: 8.8"], "outputs": list(outputs)},
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize(
    "notebook",
    [
        _notebook({"output_type": "stream", "name": "stdout", "text": PRINTED}),
        _notebook({"output_type": "stream", "name": "stdout", "text": "".join(PRINTED)}),
        _notebook(
            {
                "output_type": "display_data",
                "data": {
                    "text/html": [TABLE],
                    "text/plain": ["<IPython.core.display.HTML object>"],
                },
            }
        ),
        {
            "worksheets": [{"cells": [{"outputs": [{"text": PRINTED}]}]}],
            "nbformat": 3,
        },
    ],
    ids=["lines", "one text", "table", "old format"],
)
def test_what_the_cells_of_a_notebook_printed_is_read(read_value, notebook):
    history = read_value(notebook).history
    assert history.epochs.tolist() == [1, 2, 3]
    assert history.column("train", "loss").tolist() == [0.9, 0.7, 0.5]
    assert history.column("val", "loss").tolist() == [1.0, 0.8, 0.7]
    assert history.column("val", "accuracy").tolist() == [0.5, 0.6, 0.7]


def test_a_notebook_without_outputs_says_what_to_do(read_value):
    with pytest.raises(
        FormatError, match=r"No cell of the notebook kept has printed anything.*Run it"
    ):
        read_value(_notebook())
