"""Records of curves: their order, their splits, and what stands in their cells."""

import json
import math

import numpy as np
import pytest

from whyloss.errors import DataError
from whyloss.readers import ReadOptions, read
from whyloss.readers.files.records import from_records, number_of

VAL = {1: 0.91, 2: 0.74, 3: 0.69, 4: 0.72, 5: 0.8, 10: 1.1}


def history_of(records, **options):
    return from_records(records, ReadOptions(**options), "test").history


def notes_of(records, **options):
    return from_records(records, ReadOptions(**options), "test").notes


def rows(epochs):
    return [{"epoch": e, "train_loss": 1 / e, "val_loss": VAL[e], "val_acc": 0.6} for e in epochs]


# --- order --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epochs", "said"),
    [
        ([10, 5, 4, 3, 2, 1], "came newest first"),
        ([1, 10, 2, 3, 4, 5], "were not in order"),
        ([4, 1, 10, 3, 5, 2], "were not in order"),
    ],
    ids=["newest first", "as text", "shuffled"],
)
def test_rows_are_sorted_by_their_epoch(epochs, said):
    got = history_of(rows(epochs))
    assert got.epochs.tolist() == sorted(VAL)
    assert got.column("val", "loss").tolist() == [VAL[e] for e in sorted(VAL)]
    assert any(said in note for note in notes_of(rows(epochs)))


def test_rows_in_order_are_left_as_they_are():
    assert not any("sorted" in note for note in notes_of(rows(sorted(VAL))))


def test_newest_first_is_seen_with_two_rows_per_epoch():
    records = []
    for e in (3, 2, 1):
        records.append({"epoch": e, "val_loss": VAL[e]})
        records.append({"epoch": e, "train_loss": 1 / e})
    got = history_of(records)
    assert got.column("val", "loss").tolist() == [VAL[1], VAL[2], VAL[3]]
    assert got.column("train", "loss").tolist() == [1, 1 / 2, 1 / 3]


def test_a_training_that_starts_over_is_not_sorted_but_read_alone():
    got = from_records(rows([1, 2, 3, 1, 2]), ReadOptions(), "test")
    assert got.history.column("val", "loss").tolist() == [VAL[1], VAL[2]]
    assert any("The training starts over" in note for note in got.notes)
    assert not any("sorted" in note for note in got.notes)


# --- splits and runs ----------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("Train", "Val"), ("training", "dev"), ("TRAIN", "valid")])
def test_a_column_that_names_the_split_is_used(names):
    records = []
    for e in (1, 2, 3):
        records.append({"epoch": e, "phase": names[0], "loss": 1 / e, "acc": 0.7})
        records.append({"epoch": None, "phase": names[1], "loss": VAL[e], "acc": 0.6})
    got = history_of(records)
    assert got.epochs.tolist() == [1, 2, 3]
    assert got.column("train", "loss").tolist() == [1, 1 / 2, 1 / 3]
    assert got.column("val", "loss").tolist() == [VAL[1], VAL[2], VAL[3]]
    assert got.column("val", "accuracy").tolist() == [0.6, 0.6, 0.6]


def test_lines_of_a_logger_with_a_mode(tmp_path):
    path = tmp_path / "20250102.log.json"
    lines = []
    for e in (1, 2):
        lines.append({"mode": "train", "epoch": e, "loss": 0.8 / e, "lr": 0.1})
        lines.append({"mode": "val", "epoch": e, "loss": 0.9 / e, "acc": 0.5 + e / 10})
    path.write_text("\n".join(map(json.dumps, lines)))
    got = read(path).history
    assert got.column("train", "loss").tolist() == [0.8, 0.4]
    assert got.column("val", "loss").tolist() == [0.9, 0.45]
    assert got.column("val", "accuracy").tolist() == [0.6, 0.7]


def two_runs():
    return [
        {"run": run, "epoch": e, "val_loss": VAL[e] * by, "val_acc": 0.6}
        for run, by in (("wide", 1.0), ("deep", 2.0))
        for e in (1, 2, 3)
    ]


def test_several_runs_in_one_table_are_named():
    with pytest.raises(
        DataError, match=r"several runs: expected one; got wide, deep.*--model wide"
    ):
        history_of(two_runs())
    got = history_of(two_runs(), model="deep")
    assert got.column("val", "loss").tolist() == [2 * VAL[e] for e in (1, 2, 3)]
    with pytest.raises(DataError, match=r"no run 'tall': expected one of wide, deep"):
        history_of(two_runs(), model="tall")


def test_folds_are_never_taken_for_one_training():
    records = [{"fold": f, "epoch": e, "val_loss": VAL[e] + f} for f in (0, 1) for e in (1, 2, 3)]
    with pytest.raises(DataError, match=r"expected one; got 0, 1.*--model 0"):
        history_of(records)
    assert history_of(records, model="1").column("val", "loss").tolist() == [
        VAL[e] + 1 for e in (1, 2, 3)
    ]


def test_the_name_of_the_only_run_changes_nothing():
    got = history_of([row for row in two_runs() if row["run"] == "wide"])
    assert got.column("val", "loss").tolist() == [VAL[e] for e in (1, 2, 3)]


def test_a_chart_of_several_runs_is_read_run_by_run():
    records = [{"Step": e, "one - val_loss": VAL[e], "two - val_loss": 1.0} for e in (1, 2, 3)]
    got = history_of(records, model="one")
    assert got.column("val", "loss").tolist() == [VAL[e] for e in (1, 2, 3)]


def test_evaluations_of_several_splits_keep_theirs():
    records = [
        {"epoch": e, "loss": 1 / e, "eval_val_loss": VAL[e], "eval_test_loss": 2.0, "eval_test_accuracy": 0.5}
        for e in (1, 2)
    ]  # fmt: skip
    got = history_of(records)
    assert got.column("val", "loss").tolist() == [VAL[1], VAL[2]]
    assert got.column("test", "loss").tolist() == [2.0, 2.0]
    assert got.column("test", "accuracy").tolist() == [0.5, 0.5]


# --- evaluations after the end ------------------------------------------------------------------


def trained(*after):
    records = []
    for e in (1, 2, 3, 4):
        records.append({"epoch": float(e), "step": 20 * e, "loss": 1 / e})
        records.append(
            {"epoch": float(e), "step": 20 * e, "eval_loss": VAL[e], "eval_accuracy": 0.6}
        )
    return [*records, *after]


def test_the_best_weights_evaluated_once_more_are_not_the_last_epoch():
    best = {"epoch": 4.0, "step": 80, "eval_loss": VAL[3], "eval_accuracy": 0.6}
    source = from_records(trained(best), ReadOptions(), "test")
    assert source.history.column("val", "loss").tolist() == [VAL[e] for e in (1, 2, 3, 4)]
    assert any("repeats epoch 3, whose weights were restored" in note for note in source.notes)


def test_another_evaluation_after_the_end_is_named_and_not_dated():
    other = {"epoch": 4.0, "step": 80, "eval_loss": 0.31, "eval_accuracy": 0.9}
    source = from_records(trained(other), ReadOptions(), "test")
    assert source.history.column("val", "loss")[-1] == VAL[4]
    assert any("may be of other weights or other data" in note for note in source.notes)


def test_a_test_evaluation_after_the_end_is_of_the_test_split():
    source = from_records(
        trained({"epoch": 4.0, "step": 80, "test_loss": 0.9, "test_accuracy": 0.5}),
        ReadOptions(),
        "test",
    )
    assert source.history.column("test", "loss").tolist()[-1] == 0.9
    assert source.history.column("val", "loss").tolist() == [VAL[e] for e in (1, 2, 3, 4)]


def test_a_loss_among_hundreds_of_other_numbers_is_read():
    others = {f"sensor {k} reading": 0.5 for k in range(900)}
    records = [{"epoch": e} | others | {"val_loss": VAL[e], "val_acc": 0.6} for e in (1, 2, 3)]
    got = from_records(records, ReadOptions(), "test")
    assert got.history.column("val", "loss").tolist() == [VAL[1], VAL[2], VAL[3]]
    assert "Left out: 900 columns of other numbers." in got.notes


# --- cells --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (0.25, 0.25), (np.float32(0.5), 0.5), ("0.25", 0.25), ("81 %", 81.0), ("0,43", 0.43),
        ("tensor(0.43, device='cuda:0')", 0.43), ("[0.43]", 0.43), ("0.43 ± 0.02", 0.43),
        ("0.43 +/- 0.02", 0.43), ("np.float64(1e-3)", 1e-3),
    ],
)  # fmt: skip
def test_numbers_in_the_forms_that_people_keep(cell, number):
    assert number_of(cell) == pytest.approx(number)


@pytest.mark.parametrize(
    "cell", [None, True, "", "best", "2025-01-02", "1,2,3", "0.4 or so", [0.4]]
)
def test_what_is_no_number_is_none(cell):
    assert number_of(cell) is None


def test_nan_is_a_number_that_was_reported():
    assert math.isnan(number_of("nan"))


def test_a_loss_that_cannot_be_read_is_named():
    records = [{"epoch": e, "val_loss": "see log", "val_acc": 0.7} for e in (1, 2)]
    assert "\"val_loss\" holds what is no number and was left out: 'see log'." in notes_of(records)


# --- other tasks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        ("total_loss", "loss_cls", "loss_box_reg", "rcnn/cls_accuracy"),
        ("train/box_loss", "train/cls_loss", "train/dfl_loss"),
        ("loss", "rpn_loss", "accuracy"),
    ],
)
def test_detectors_are_declined_with_the_reason(labels):
    with pytest.raises(DataError, match="is of an object detector; whyloss explains classifiers"):
        history_of([dict.fromkeys(labels, 0.5)])


def test_the_head_of_a_detector_that_classifies_can_be_mapped():
    records = [{"epoch": e, "loss_cls": 1 / e, "loss_box_reg": 0.5} for e in (1, 2)]
    got = history_of(records, columns={"loss_cls": "train.loss"})
    assert got.column("train", "loss").tolist() == [1.0, 0.5]
