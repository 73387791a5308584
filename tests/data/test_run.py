"""A run on disk: what is written is read back, and nothing bad gets in."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from whyloss.data import Run, Sample, opening
from whyloss.data.layout import PartName
from whyloss.data.part_writer import BATCH_BYTES
from whyloss.data.run_writer import RunWriter
from whyloss.errors import DataError, FormatError

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(6, 3)).astype(np.float32)
LABELS = np.array([0, 1, 2, 2, 1, 0])
IDS = np.arange(6)


def write(path, *, split="val", epochs=(1,), scores=SCORES, y_true=LABELS, ids=IDS, **options):
    extras = {name: options.pop(name) for name in ("weights", "slices") if name in options}
    with RunWriter(path, **options) as writer:
        for epoch in epochs:
            writer.append(split, epoch, scores, "logits", y_true, ids, **extras)
    return Run.open(path)


def only_part(path, split="split=val", epoch="epoch=00001"):
    (part,) = (path / "predictions" / split / epoch).iterdir()
    return part


# --- what is written is read back ---------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_given_any_arrays_when_written_in_batches_then_exactly_they_are_read(data):
    dtype = data.draw(st.sampled_from([np.float16, np.float32, np.float64]))
    n_rows, n_columns = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 4))
    scores = data.draw(hnp.arrays(dtype, (n_rows, n_columns)))
    y_true = data.draw(hnp.arrays(np.int32, n_rows, elements=st.integers(0, max(1, n_columns - 1))))
    names = st.integers(-(2**62), 2**62)
    if data.draw(st.booleans()):
        # NumPy's own strings end before a trailing NUL.
        names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
    ids = np.array(data.draw(st.lists(names, min_size=n_rows, max_size=n_rows, unique=True)))
    scale = data.draw(st.sampled_from(["logits", "log_probs", "probs"]))
    cuts = sorted(data.draw(st.lists(st.integers(0, n_rows), max_size=3)))
    with tempfile.TemporaryDirectory() as folder:
        with RunWriter(folder) as writer:
            for low, high in zip([0, *cuts], [*cuts, n_rows], strict=True):
                rows = slice(low, high)
                writer.append("val", 3, scores[rows], scale, y_true[rows], ids[rows])
        read = Run.open(folder).predictions("val", 3)
        assert read.scores.dtype == dtype
        np.testing.assert_array_equal(read.scores, scores)
        np.testing.assert_array_equal(read.y_true, y_true)
        np.testing.assert_array_equal(read.ids, ids)
        assert (read.scale, read.split, read.epoch) == (scale, "val", 3)


SLICES = {
    "site": list("aabbab"),
    "length": np.array([3, 1, 4, 1, 5, 9], dtype=np.int16),
    "ratio": [0.5, np.nan, 2.0, 3.0, -1.0, 0.0],
    "seen before": [True, False, True, True, False, False],
}


@pytest.mark.parametrize("cut", [0, 1, 4])
def test_given_weights_and_slices_when_written_in_batches_then_they_are_read(tmp_path, cut):
    weights = np.array([0.5, 2.0, 1.0, 0.0, 3.0, 1.0], dtype=np.float32)
    with RunWriter(tmp_path) as writer:
        for rows in (slice(cut), slice(cut, None)):
            writer.append(
                "val",
                1,
                SCORES[rows],
                "logits",
                LABELS[rows],
                IDS[rows],
                weights=weights[rows],
                slices={name: column[rows] for name, column in SLICES.items()},
            )
    read = Run.open(tmp_path).predictions("val", 1)
    kept = weights > 0  # a sample of weight 0 is none
    np.testing.assert_array_equal(read.ids, IDS[kept])
    np.testing.assert_array_equal(read.weights, weights[kept])
    assert list(read.slices) == list(SLICES)
    assert read.slices["site"].tolist() == list("aabab")
    assert read.slices["length"].tolist() == [3, 1, 4, 5, 9]
    np.testing.assert_array_equal(read.slices["ratio"], np.array(SLICES["ratio"])[kept])
    assert read.slices["seen before"].tolist() == ["True", "False", "True", "False", "False"]


def test_given_weights_and_slices_then_each_is_a_column_that_others_can_read(tmp_path):
    write(tmp_path, weights=IDS + 1, slices={"site": list("aabbab")})
    table = pa.dataset.dataset(tmp_path / "predictions", format="arrow").to_table()
    assert table["weight"].to_pylist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert table["slice_site"].to_pylist() == list("aabbab")
    part = only_part(tmp_path)
    pq.write_table(pa.ipc.open_file(part).read_all(), part.with_suffix(".parquet"))
    part.unlink()
    read = Run.open(tmp_path).predictions("val", 1)
    assert (read.weights[5], read.slices["site"][5]) == (6.0, "b")


def test_given_a_sample_that_two_writers_have_then_its_first_weight_and_slice_count(tmp_path):
    write(tmp_path, weights=IDS + 1, slices={"site": list("aabbab")})
    write(tmp_path, writer="1", weights=IDS + 7, slices={"site": list("cccccc")})
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.weights.tolist() == [1, 2, 3, 4, 5, 6]
    assert read.slices["site"].tolist() == list("aabbab")


@pytest.mark.parametrize("extra", [{"weights": IDS + 1}, {"slices": {"site": list("aabbab")}}])
def test_given_weights_or_slices_in_some_parts_only_then_the_error_names_the_part(tmp_path, extra):
    write(tmp_path)
    write(tmp_path, writer="1", ids=IDS + 6, **extra)
    with pytest.raises(FormatError, match=r"do not fit together.*no weights or slices.*part-1"):
        Run.open(tmp_path).predictions("val", 1)


def test_given_weights_for_some_rows_of_an_epoch_only_then_they_are_refused(tmp_path):
    with RunWriter(tmp_path) as writer:
        writer.append("val", 1, SCORES, "logits", LABELS, IDS)
        with pytest.raises(DataError, match="types differ from earlier rows"):
            writer.append("val", 1, SCORES, "logits", LABELS, IDS + 6, weights=IDS)


def test_given_more_than_a_batch_when_appended_in_pieces_then_it_is_gathered(tmp_path):
    scores = RNG.normal(size=(40_000, 10))  # 3 MiB
    y_true, ids = np.zeros(40_000, int), np.arange(40_000)
    with RunWriter(tmp_path) as writer:
        for k in range(0, 40_000, 100):
            rows = slice(k, k + 100)
            writer.append("val", 1, scores[rows], "logits", y_true[rows], ids[rows])
    with pa.ipc.open_file(only_part(tmp_path)) as file:
        sizes = [file.get_batch(k).num_rows * 80 for k in range(file.num_record_batches)]
    assert len(sizes) == 4
    assert all(BATCH_BYTES <= size < BATCH_BYTES + 8000 for size in sizes[:-1])
    np.testing.assert_array_equal(Run.open(tmp_path).predictions("val", 1).scores, scores)


def test_given_a_buffer_that_is_used_again_then_the_rows_keep_what_was_in_it(tmp_path):
    buffer = np.zeros((2, 3), np.float32)
    with RunWriter(tmp_path) as writer:
        for k in range(3):
            buffer[:] = k
            writer.append("val", 1, buffer, "logits", [0, 0], [2 * k, 2 * k + 1])
    assert Run.open(tmp_path).predictions("val", 1).scores[:, 0].tolist() == [0, 0, 1, 1, 2, 2]


def test_given_one_batch_when_read_then_nothing_is_copied(tmp_path):
    scores = write(tmp_path).predictions("val", 1).scores
    assert not scores.flags.owndata
    assert not scores.flags.writeable
    before = pa.total_allocated_bytes()
    again = Run.open(tmp_path).predictions("val", 1).scores
    assert pa.total_allocated_bytes() == before
    assert np.array_equal(again, scores)


def test_given_big_endian_scores_then_their_values_are_kept(tmp_path):
    read = write(tmp_path, scores=SCORES.astype(">f4")).predictions("val", 1)
    np.testing.assert_array_equal(read.scores, SCORES)


def test_given_class_names_then_labels_may_be_names_and_the_run_knows_them(tmp_path):
    labels = ["cat", "dog", "eel", "eel", "dog", "cat"]
    run = write(tmp_path, y_true=labels, classes=["cat", "dog", "eel"])
    assert run.classes == ("cat", "dog", "eel")
    assert run.predictions("val", 1).y_true.tolist() == [0, 1, 2, 2, 1, 0]
    assert run.predictions("val", 1).classes == ("cat", "dog", "eel")


def test_the_description_says_what_the_run_holds(tmp_path):
    run = write(tmp_path / "exp1", epochs=(2, 10, 1))
    described = json.loads((tmp_path / "exp1" / "run.json").read_text())
    assert described.pop("created").endswith("+00:00")
    assert described == {
        "format_version": 2,
        "task": "classification",
        "classes": ["0", "1", "2"],
        "scale": "logits",
        "n_columns": 3,
        "creator": "whyloss 0.1.0",
        "launch": 1,
        "first_launch": 0,
        "n_writers": 1,
    }
    assert (run.name, run.path, run.scale) == ("exp1", tmp_path / "exp1", "logits")
    assert run.splits == ("val",)
    assert run.epochs("val") == (1, 2, 10)
    assert run.epochs("no such split") == ()


def test_a_run_without_rows_opens_and_is_empty(tmp_path):
    run = write(tmp_path, epochs=())
    assert (run.splits, run.classes, run.scale) == ((), (), None)
    assert run.history.columns == {}
    assert run.samples("val", [1]) == [Sample()]


def test_an_append_without_rows_makes_no_epoch(tmp_path):
    run = write(tmp_path, scores=SCORES[:0], y_true=[], ids=[])
    assert run.splits == ()


def test_others_read_the_predictions_without_us(tmp_path):
    write(tmp_path, epochs=(1, 2))
    (tmp_path / "predictions" / "split=val" / "epoch=00002" / ".part-0.0a1b2c3d.tmp").touch()
    table = pa.dataset.dataset(tmp_path / "predictions", format="ipc", partitioning="hive")
    table = table.to_table(filter=pc.field("epoch") == 2)
    assert table["split"].to_pylist() == ["val"] * 6
    assert table["y_true"].to_pylist() == LABELS.tolist()
    assert np.array_equal(np.array(table["logits"].to_pylist(), np.float32), SCORES)
    assert str(table.schema.field("logits").type) == "fixed_size_list<item: float>[3]"


@pytest.mark.parametrize("fixed", [True, False])
def test_parquet_parts_are_read_too(tmp_path, fixed):
    write(tmp_path)
    part = only_part(tmp_path)
    table = pa.ipc.open_file(part).read_all()
    if not fixed:  # as Spark writes it
        lists = pa.array(table["logits"].to_pylist(), pa.list_(pa.float32()))
        table = table.set_column(2, "logits", lists)
    pq.write_table(table, part.with_suffix(".parquet"))
    part.unlink()
    read = Run.open(tmp_path).predictions("val", 1)
    np.testing.assert_array_equal(read.scores, SCORES)
    np.testing.assert_array_equal(read.ids, IDS)


# --- a run in one Parquet file -------------------------------------------------------------------


def pack(path, *, row_group_size=1000, change=lambda table: table):
    """Replace the recorded parts by one file, as docs/run-format.md shows it."""
    folder = path / "predictions"
    table = pa.dataset.dataset(folder, format="arrow", partitioning="hive").to_table()
    table = table.sort_by([("split", "ascending"), ("epoch", "ascending")])
    target = path / "predictions.parquet"
    pq.write_table(change(table), target, row_group_size=row_group_size)
    shutil.rmtree(folder)
    return target


def two_splits(path):
    weights, slices = np.arange(1.0, 7.0), {"site": list("ababab")}
    write(path, epochs=(3, 12), weights=weights, slices=slices)
    options = {"weights": weights, "slices": slices, "resume": True}
    return write(path, split="val/é", epochs=(3,), scores=SCORES + 1, **options)


@pytest.mark.parametrize("row_group_size", [1, 4, 6, 1000])
def test_given_a_packed_run_then_it_is_read_like_its_parts(tmp_path, row_group_size):
    run = two_splits(tmp_path / "parts")
    shutil.copytree(run.path, tmp_path / "packed")
    pack(tmp_path / "packed", row_group_size=row_group_size)
    packed = Run.open(tmp_path / "packed")
    assert packed.splits == run.splits == ("val", "val/é")
    for split in run.splits:
        assert packed.epochs(split) == run.epochs(split)
        for epoch in run.epochs(split):
            one, other = packed.predictions(split, epoch), run.predictions(split, epoch)
            assert one.scores.dtype == other.scores.dtype
            np.testing.assert_array_equal(one.scores, other.scores)
            np.testing.assert_array_equal(one.y_true, other.y_true)
            np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(packed.predictions("val", 12).weights, np.arange(1.0, 7.0))
    assert packed.predictions("val", 12).slices["site"].tolist() == list("ababab")


def test_given_a_packed_run_then_other_epochs_stay_on_the_disk(tmp_path):
    rows = np.zeros((3000, 100), np.float32)
    write(tmp_path, epochs=range(20), scores=rows, y_true=np.zeros(3000, int), ids=np.arange(3000))
    pack(tmp_path, row_group_size=3000)
    run = Run.open(tmp_path)
    before = pa.total_allocated_bytes()
    kept = run.predictions("val", 7)
    assert pa.total_allocated_bytes() - before < 3 * kept.scores.nbytes


def test_given_weights_of_one_split_only_then_the_other_has_none(tmp_path):
    write(tmp_path, weights=np.arange(1.0, 7.0))
    pack(tmp_path)
    path = tmp_path / "predictions.parquet"
    other = pq.read_table(path).drop_columns(["weight", "split"])
    other = other.append_column("split", [["train"] * 6])
    both = pa.concat_tables([pq.read_table(path), other], promote_options="default")
    pq.write_table(both, path)
    run = Run.open(tmp_path)
    np.testing.assert_array_equal(run.predictions("val", 1).weights, np.arange(1.0, 7.0))
    assert run.predictions("train", 1).weights is None


def test_given_an_epoch_recorded_after_packing_then_it_replaces_the_packed_one(tmp_path):
    write(tmp_path, epochs=(1, 2))
    pack(tmp_path)
    run = write(tmp_path, epochs=(2, 3), scores=SCORES + 1, resume=True)
    assert run.epochs("val") == (1, 2, 3)
    np.testing.assert_array_equal(run.predictions("val", 1).scores, SCORES)
    np.testing.assert_array_equal(run.predictions("val", 2).scores, SCORES + 1)


def test_given_a_packed_run_then_it_is_overwritten_only_when_asked(tmp_path):
    write(tmp_path)
    pack(tmp_path)
    with pytest.raises(DataError, match="exists already"):
        write(tmp_path)
    run = write(tmp_path, epochs=(5,), overwrite=True)
    assert run.epochs("val") == (5,)
    assert not (tmp_path / "predictions.parquet").exists()


def test_given_a_file_packed_anew_then_its_new_epochs_are_seen(tmp_path):
    run = write(tmp_path, epochs=(1,))
    path = pack(tmp_path)
    assert run.epochs("val") == (1,)
    table = pq.read_table(path)
    later = table.drop_columns(["epoch"]).append_column("epoch", [np.full(6, 9, np.int32)])
    pq.write_table(later, path)
    assert run.epochs("val") == (9,)


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("epoch", np.full(6, 1.0), "one column of integers; got double"),
        ("split", np.full(6, 1), "one column of strings; got int64"),
        ("epoch", None, "one column of integers; got the columns"),
    ],
)
def test_given_a_packed_run_without_split_or_epoch_then_the_error_says_so(
    tmp_path, column, values, expected
):
    def change(table):
        left = table.drop_columns([column])
        return left if values is None else left.append_column(column, [values])

    write(tmp_path)
    pack(tmp_path, change=change)
    with pytest.raises(FormatError, match=f"no usable column '{column}': expected {expected}"):
        _ = Run.open(tmp_path).splits


def test_given_a_torn_packed_file_then_the_error_names_it(tmp_path):
    write(tmp_path)
    path = pack(tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(FormatError, match=r"predictions.parquet cannot be read"):
        _ = Run.open(tmp_path).splits


# --- splits, whatever they are called -----------------------------------------------------------


@pytest.mark.parametrize(
    "split", ["../x", "..", "a=b", "val/é", "a\\b", "%2F", "epoch=1", " ", "a\nb"]
)
def test_given_a_hostile_split_then_it_stays_in_the_run_and_is_read_back(tmp_path, split):
    run = write(tmp_path / "run", split=split)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (folder,) = (tmp_path / "run" / "predictions").iterdir()
    assert folder.name.startswith("split=")
    assert run.splits == (split,)
    assert run.predictions(split, 1).split == split


@pytest.mark.parametrize("split", ["", "x" * 300, "\ud800", 3, None])
def test_given_a_split_that_is_no_name_then_it_is_refused(tmp_path, split):
    with pytest.raises(
        DataError, match="The name of the split cannot be used: expected a short name"
    ):
        write(tmp_path, split=split)


# --- several parts ------------------------------------------------------------------------------


def test_given_several_writers_then_all_rows_are_read_in_the_order_of_names(tmp_path):
    with RunWriter(tmp_path, writer="1") as second, RunWriter(tmp_path, writer="0") as first:
        second.append("val", 1, SCORES[:3], "logits", LABELS[:3], IDS[:3])
        first.append("val", 1, SCORES[3:], "logits", LABELS[3:], IDS[3:])
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.ids.tolist() == [3, 4, 5, 0, 1, 2]
    np.testing.assert_array_equal(read.scores, SCORES[read.ids])


def test_given_rows_after_the_commit_then_they_go_to_a_further_part(tmp_path):
    with RunWriter(tmp_path) as writer:
        for rows in (slice(2), slice(2, 3), slice(3, 6)):
            writer.append("val", 1, SCORES[rows], "logits", LABELS[rows], IDS[rows])
            writer.commit("val", 1)
    folder = tmp_path / "predictions" / "split=val" / "epoch=00001"
    parts = [PartName.of(path) for path in folder.iterdir()]
    assert sorted((part.writer, part.launch, part.number) for part in parts) == [
        ("0", 1, 0), ("0", 1, 1), ("0", 1, 2)
    ]  # fmt: skip
    assert len({part.token for part in parts}) == 1
    assert Run.open(tmp_path).predictions("val", 1).ids.tolist() == IDS.tolist()


def test_given_padding_of_samplers_then_the_first_row_of_each_id_is_kept(tmp_path):
    with RunWriter(tmp_path) as first, RunWriter(tmp_path, writer="1") as second:
        first.append("val", 1, SCORES[[0, 2, 4]], "logits", LABELS[[0, 2, 4]], [0, 2, 4])
        second.append("val", 1, -SCORES[[1, 0, 4]], "logits", LABELS[[1, 0, 4]], [1, 0, 4])
    run = Run.open(tmp_path)
    read = run.predictions("val", 1)
    assert read.ids.tolist() == [0, 2, 4, 1]
    np.testing.assert_array_equal(read.scores[:3], SCORES[[0, 2, 4]])
    assert run.duplicates("val", 1) == 2


@pytest.mark.parametrize("ids", [[5, 3, 1, 0, 2, 4], list("fdbace")])
def test_given_shuffled_ids_then_none_is_dropped(tmp_path, ids):
    run = write(tmp_path, ids=ids)
    assert run.duplicates("val", 1) == 0
    assert run.predictions("val", 1).ids.tolist() == ids


@pytest.mark.parametrize("ids", [[0, 1, 2, 3, 4, 1], list("abcdeb")])
def test_given_one_id_with_two_labels_then_ids_are_not_unique(tmp_path, ids):
    run = write(tmp_path, ids=ids)
    expected = (
        f"val at epoch 1: two samples have the same id.*labels 1 and 0 for id {ids[1]}.*Pass ids="
    )
    with pytest.raises(DataError, match=expected):
        run.predictions("val", 1)
    with pytest.raises(DataError, match="two samples have the same id"):
        run.duplicates("val", 1)


def test_given_writers_that_disagree_then_the_later_one_is_refused(tmp_path):
    write(tmp_path)
    cases = {
        "differ in scale": {"scale": "probs", "scores": SCORES},
        "differ in n_columns": {"scale": "logits", "scores": SCORES[:, :2]},
    }
    for message, case in cases.items():
        other = RunWriter(tmp_path, writer="1")
        with pytest.raises(DataError, match=message):
            other.append("val", 1, case["scores"], case["scale"], [0] * 6, IDS)
    with pytest.raises(
        DataError, match=r"differ in classes: expected.*'0', '1', '2'.*got.*'a', 'b', 'c'"
    ):
        write(tmp_path, writer="1", classes=["a", "b", "c"])
    assert Run.open(tmp_path).predictions("val", 1).n_samples == 6


def test_given_writers_that_come_to_disagree_then_a_commit_is_refused(tmp_path):
    first = RunWriter(tmp_path)
    first.append("val", 1, SCORES, "logits", LABELS, IDS)
    path = tmp_path / "run.json"  # which another one has changed at the same moment
    path.write_text(path.read_text().replace("logits", "probs"))
    with pytest.raises(DataError, match="differ in scale: expected 'probs'"):
        first.close()
    assert Run.open(tmp_path).splits == ()


# --- an existing run ----------------------------------------------------------------------------


def test_given_a_run_when_written_anew_then_it_is_refused_with_two_ways_out(tmp_path):
    write(tmp_path)
    with pytest.raises(
        DataError, match=r"exists already.*another folder, or pass overwrite=True or"
    ):
        RunWriter(tmp_path)
    with pytest.raises(DataError, match="exclude each other"):
        RunWriter(tmp_path, overwrite=True, resume=True)
    assert Run.open(tmp_path).epochs("val") == (1,)


def test_given_overwrite_then_the_run_goes_and_other_files_stay(tmp_path):
    write(tmp_path, epochs=(1, 2))
    RunWriter(tmp_path, resume=True).log_scalars(1, "val", loss=0.5)
    (tmp_path / "model.pt").write_bytes(b"weights")
    (tmp_path / "predictions" / "mine.csv").write_text("a,b")
    run = write(tmp_path, split="test", scores=SCORES[:, :2], y_true=[0] * 6, overwrite=True)
    assert (run.splits, run.info.n_columns, run.history.columns) == (("test",), 2, {})
    assert (tmp_path / "model.pt").exists()
    assert (tmp_path / "predictions" / "mine.csv").exists()


def test_given_overwrite_of_what_is_no_run_then_nothing_is_removed(tmp_path):
    part = tmp_path / "predictions" / "split=val" / "epoch=1" / "part-0.arrow"
    part.parent.mkdir(parents=True)
    part.touch()
    with pytest.raises(FormatError, match="is not a recorded run"):
        RunWriter(tmp_path, overwrite=True)
    assert part.exists()


def test_given_resume_then_epochs_written_again_are_replaced_and_others_stay(tmp_path):
    with RunWriter(tmp_path) as first, RunWriter(tmp_path, writer="1") as second:
        for epoch in (1, 2):
            for _ in range(2):  # two parts each
                first.append("val", epoch, SCORES[:3], "logits", LABELS[:3], IDS[:3])
                first.commit("val", epoch)
            second.append("val", epoch, SCORES[3:], "logits", LABELS[3:], IDS[3:])
        first.log_scalars(2, "val", loss=1.0)
    with RunWriter(tmp_path, resume=True, n_writers=1) as writer:  # now one process alone
        writer.append("val", 2, 2 * SCORES, "logits", LABELS, IDS + 100)
        writer.append("val", 3, 3 * SCORES, "logits", LABELS, IDS)
        writer.log_scalars(2, "val", loss=2.0)
    run = Run.open(tmp_path)
    assert run.epochs("val") == (1, 2, 3)
    assert run.predictions("val", 1).n_samples == 6
    assert run.predictions("val", 2).ids.tolist() == (IDS + 100).tolist()
    assert run.history.column("val", "loss").tolist() == [2.0]


def test_given_resume_with_ranks_then_a_new_part_of_another_rank_is_not_taken_for_an_old(tmp_path):
    for resume in (False, True):
        first = RunWriter(tmp_path, resume=resume)
        second = RunWriter(tmp_path, writer="1", resume=resume)
        second.append("val", 1, SCORES[3:], "logits", LABELS[3:], IDS[3:])
        second.close()
        first.append("val", 1, SCORES[:3], "logits", LABELS[:3], IDS[:3])
        first.close()
        assert Run.open(tmp_path).predictions("val", 1).ids.tolist() == IDS.tolist()


def test_given_a_second_run_of_another_rank_then_it_is_refused_too(tmp_path):
    write(tmp_path)
    write(tmp_path, writer="1")
    with pytest.raises(DataError, match="exists already"):
        RunWriter(tmp_path, writer="1")
    RunWriter(tmp_path, writer="12")


def test_given_a_rank_that_is_quicker_than_the_first_then_it_waits_for_the_run(tmp_path):
    second = RunWriter(tmp_path, writer="1")
    appending = threading.Thread(
        target=second.append, args=("val", 1, SCORES, "logits", LABELS, IDS)
    )
    appending.start()
    appending.join(0.2)
    assert list(tmp_path.iterdir()) == []
    RunWriter(tmp_path)  # finds no run that it would have to refuse
    appending.join(10)
    second.close()
    assert Run.open(tmp_path).predictions("val", 1).n_samples == 6


def test_given_no_first_rank_then_after_a_while_the_run_is_made_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "OPENING_SECONDS", 0.1)
    run = write(tmp_path / "run", writer="1")
    assert run.predictions("val", 1).n_samples == 6
    assert run.notes == (
        "The run holds only a part of the samples: at epoch 1 of val, 1 of 2 processes recorded some.",
    )


def test_given_overwrite_and_a_quicker_rank_then_what_is_new_stays_and_what_is_old_goes(tmp_path):
    old = {"scores": SCORES[:, :2], "y_true": [0] * 6}
    for writer in ("0", "1", "2"):
        write(tmp_path, epochs=(1, 2), writer=writer, **old)
    second = RunWriter(tmp_path, writer="1", overwrite=True)
    appending = threading.Thread(
        target=second.append, args=("val", 1, SCORES, "logits", LABELS, IDS)
    )
    appending.start()  # and waits, as the run that is there does not fit
    appending.join(0.2)
    first = RunWriter(tmp_path, overwrite=True)
    appending.join(10)
    second.commit("val", 1)
    first.close()
    run = Run.open(tmp_path)
    assert [PartName.of(path).writer for path in tmp_path.rglob("part-*")] == ["1"]
    assert run.predictions("val", 1).scores.shape == (6, 3)


def test_given_parts_of_an_overwritten_training_then_they_are_no_part_of_the_run(tmp_path):
    write(tmp_path, epochs=(1, 2))
    old = write(tmp_path, epochs=(1, 2), writer="1", ids=IDS + 10)
    kept = {part.path: part.path.read_bytes() for part in old.parts("val", 2)}
    run = write(tmp_path, overwrite=True)
    for path, content in kept.items():  # as a kill leaves them that comes before they are removed
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert run.epochs("val") == (1,)
    assert run.predictions("val", 1).ids.tolist() == IDS.tolist()
    assert all("which a later launch replaces" in done for done in run.repair())
    assert not any(path.exists() for path in kept)


def version_1(path, *, writers=("0", "1")):
    """A run as format version 1 had it: no launches, no writers' files."""
    for k, writer in enumerate(writers):
        rows = slice(3 * k, 3 * k + 3)
        with RunWriter(path, writer=writer) as each:
            for epoch in (1, 2):
                each.append("val", epoch, SCORES[rows], "logits", LABELS[rows], IDS[rows])
            each.log_scalars(2, "val", loss=0.5)
    for part in path.rglob("part-*.arrow"):
        part.rename(part.with_name(f"part-{PartName.of(part).writer}.arrow"))
    described = json.loads((path / "run.json").read_text())
    old = {key: described[key] for key in ("task", "classes", "scale", "n_columns")}
    (path / "run.json").write_text(json.dumps(old | {"format_version": 1}))
    lines = [json.loads(line) for line in (path / "scalars.jsonl").read_text().splitlines()]
    rows = [{key: cell for key, cell in line.items() if key != "launch"} for line in lines]
    (path / "scalars.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    shutil.rmtree(path / "writers")
    return Run.open(path)


def test_a_run_of_format_version_1_is_read(tmp_path):
    run = version_1(tmp_path)
    assert run.epochs("val") == (1, 2)
    np.testing.assert_array_equal(run.predictions("val", 2).scores, SCORES)
    assert run.history.column("val", "loss").tolist() == [0.5]
    assert run.notes == ()


def test_a_run_of_format_version_1_is_resumed_and_overwritten(tmp_path):
    run = version_1(tmp_path)
    write(tmp_path, epochs=(2, 3), scores=2 * SCORES, resume=True, n_writers=1)
    assert run.epochs("val") == (1, 2, 3)
    np.testing.assert_array_equal(run.predictions("val", 1).scores, SCORES)
    np.testing.assert_array_equal(run.predictions("val", 2).scores, 2 * SCORES)
    assert json.loads((tmp_path / "run.json").read_text())["format_version"] == 2
    write(tmp_path, epochs=(5,), overwrite=True)
    assert run.epochs("val") == (5,)
    assert len(list(tmp_path.rglob("part-*"))) == 1


def test_given_resume_then_an_old_part_stays_until_the_new_one_stands(tmp_path, monkeypatch):
    run = write(tmp_path)
    (old,) = run.parts("val", 1)
    replace = Path.replace

    def look(source, target):
        if target.name.startswith("part-"):
            assert old.path.exists()
            assert run.predictions("val", 1).n_samples == 6
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", look)
    write(tmp_path, scores=2 * SCORES, resume=True)
    assert not old.path.exists()
    np.testing.assert_array_equal(run.predictions("val", 1).scores, 2 * SCORES)


def test_given_a_writer_whose_run_was_overwritten_then_it_is_refused_and_harms_nothing(tmp_path):
    first = RunWriter(tmp_path)
    first.append("val", 1, SCORES, "logits", LABELS, IDS)
    run = write(tmp_path, epochs=(2,), overwrite=True)
    with pytest.raises(DataError, match="Another process has overwritten the run"):
        first.close()
    assert run.epochs("val") == (2,)


# --- what a kill leaves -------------------------------------------------------------------------


def test_given_leftovers_then_reading_passes_over_them_and_repair_removes_them(tmp_path):
    run = write(tmp_path)
    RunWriter(tmp_path, resume=True).log_scalars(1, "val", loss=0.5)
    epoch = only_part(tmp_path).parent
    leftovers = [epoch / ".part-0.0123abcd.tmp", tmp_path / ".run.json.0123abcd.tmp"]
    for path in leftovers:
        path.write_bytes(b"ARROW1\0\0")
    (epoch / ".mine.tmp").touch()
    with (tmp_path / "scalars.jsonl").open("ab") as file:
        file.write(b'{"epoch": 2, "split": "va')
    assert run.predictions("val", 1).n_samples == 6
    assert run.history.epochs.tolist() == [1]
    done = run.repair()
    assert len(done) == 3
    assert "Removed the unfinished .run.json.0123abcd.tmp." in done
    assert "Dropped the torn last line of scalars.jsonl." in done
    assert not any(path.exists() for path in leftovers)
    assert (epoch / ".mine.tmp").exists()
    assert (tmp_path / "scalars.jsonl").read_bytes().endswith(b"0.5}\n")
    assert run.repair() == ()


def test_given_scalars_cut_anywhere_then_the_whole_lines_are_read(tmp_path):
    with RunWriter(tmp_path) as writer:
        for epoch in (1, 2):
            writer.log_scalars(epoch, "a}é", loss=epoch / 10)
    path = tmp_path / "scalars.jsonl"
    content = path.read_bytes()
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        whole = content[: size + 1].count(b"\n")  # the line break itself may be missing
        assert len(Run.open(tmp_path).history.epochs) == whole


def test_given_a_torn_line_when_appended_to_then_only_the_torn_line_is_lost(tmp_path):
    write(tmp_path)
    (tmp_path / "scalars.jsonl").write_bytes(b'{"epoch": 1, "split": "val", "lo')
    RunWriter(tmp_path, writer="1").log_scalars(2, "val", loss=0.25)
    history = Run.open(tmp_path).history
    assert history.epochs.tolist() == [2]
    assert history.column("val", "loss").tolist() == [0.25]


def test_given_resume_then_a_writer_clears_away_what_it_had_in_work_and_nothing_else(tmp_path):
    write(tmp_path)
    epoch = only_part(tmp_path).parent
    killed = epoch / ".part-0-1-89abcdef-7.arrow.0123abcd.tmp"
    older = epoch / ".part-0.0123abcd.tmp"  # of format version 1
    running = epoch / ".part-1-2-89abcdef-7.arrow.0123abcd.tmp"
    for path in (killed, older, running):
        path.touch()
    RunWriter(tmp_path, resume=True)
    assert [path.exists() for path in (killed, older, running)] == [False, False, True]


# --- scalars and samples ------------------------------------------------------------------------


def test_scalars_are_read_as_they_were_logged_and_may_be_no_numbers(tmp_path):
    with RunWriter(tmp_path, classes=["a", "b"]) as writer:
        writer.log_scalars(1, "val", loss=float("nan"), accuracy=np.float32(0.5))
        writer.log_scalars(2, "val", loss=float("inf"), accuracy=np.array([1]))
        writer.log_scalars(np.int64(2), "train", loss=True)
    history = Run.open(tmp_path).history
    np.testing.assert_array_equal(history.column("val", "loss"), [np.nan, np.inf])
    np.testing.assert_array_equal(history.column("val", "accuracy"), [0.5, 1.0])
    np.testing.assert_array_equal(history.column("train", "loss"), [np.nan, 1.0])
    assert history.n_classes == 2


@pytest.mark.parametrize("value", ["0.5", None, [1, 2], np.zeros(2), 10**400, object()])
def test_given_a_scalar_that_is_no_number_then_it_is_refused(tmp_path, value):
    with pytest.raises(DataError, match="The value of loss is not a number: expected one number"):
        RunWriter(tmp_path).log_scalars(1, "val", loss=value)
    assert not (tmp_path / "scalars.jsonl").exists()


@pytest.mark.parametrize("ids", [[7, 8, 9], ["x", "y", "z"]])
def test_samples_are_found_by_id(tmp_path, ids):
    with RunWriter(tmp_path) as writer:
        writer.log_samples("val", ids[:2], text=["first", None], paths=[None, Path("b.png")])
        writer.log_samples("val", ids[1:], thumbnails=[b"other", b"\x89PNG"])
    run = Run.open(tmp_path)
    found = run.samples("val", [ids[2], ids[0], "nobody" if ids[0] == "x" else 99, ids[1]])
    assert found[0] == Sample(thumbnail=b"\x89PNG")
    assert found[1] == Sample(text="first")
    assert found[2] == Sample()
    assert found[3] == Sample(path="b.png")
    assert run.samples("train", ids) == [Sample()] * 3
    assert run.samples("val", [1] if ids[0] == "x" else ["x"]) == [Sample()]
    assert run.samples("val", []) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"text": ["a"]},
        {"text": [1, 2]},
        {"thumbnails": ["a", b""]},
        {"thumbnails": [3, b""]},
        {"text": ["\ud800", ""]},
    ],
)
def test_given_samples_that_do_not_fit_then_nothing_is_written(tmp_path, columns):
    with pytest.raises(DataError):
        RunWriter(tmp_path).log_samples("val", [1, 2], **columns)
    assert not (tmp_path / "samples").exists()


# --- bad input ----------------------------------------------------------------------------------


BAD_ROWS = {
    "a label that is no class": ({"y_true": [0, 1, 2, 3, 1, 0]}, "1 of 6 labels lie outside"),
    "too few labels": ({"y_true": [0, 1]}, "differ in length: expected 6 labels.*got 2"),
    "too few ids": ({"ids": [0, 1]}, "number of ids does not match"),
    "ids that are fractions": ({"ids": IDS / 7}, "ids have an unsupported type"),
    "scores that are words": ({"scores": [["a"]] * 6}, "logits does not contain numbers"),
    "scores with three axes": ({"scores": np.zeros((6, 2, 2))}, "logits has the wrong shape"),
    "ids of another kind than before": ({"ids": list("abcdef")}, "types differ from earlier rows"),
    "scores of another precision": (
        {"scores": SCORES.astype(float)},
        "types differ from earlier rows",
    ),
    "a negative epoch": ({"epoch": -1}, "`epoch` must be an integer ≥ 0"),
    "an epoch that is a fraction": ({"epoch": 1.5}, "`epoch` must be an integer ≥ 0"),
    "a scale of one's own": ({"scale": "scores"}, "Unknown scale"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_given_bad_rows_then_they_are_refused_and_the_others_are_kept(tmp_path, name):
    bad, message = BAD_ROWS[name]
    row = {
        "split": "val", "epoch": 1, "scores": SCORES, "scale": "logits", "y_true": LABELS, "ids": IDS
    }  # fmt: skip
    with RunWriter(tmp_path) as writer:
        writer.append(**row)
        with pytest.raises(DataError, match=message):
            writer.append(**row | bad)
    assert Run.open(tmp_path).predictions("val", 1).n_samples == 6


@pytest.mark.parametrize(
    "options",
    [{"writer": "a/b"}, {"writer": "0-1"}, {"writer": ""}, {"classes": ["a"]}, {"classes": "aa"}],
)
def test_given_a_bad_option_then_no_run_is_made(tmp_path, options):
    with pytest.raises(DataError):
        RunWriter(tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_given_a_path_that_cannot_be_a_folder_then_the_error_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="The run cannot be written to"):
        RunWriter(tmp_path / "file")
    with pytest.raises(DataError, match="The run cannot be written to"):
        RunWriter(tmp_path / "file" / "run")


def test_given_nothing_then_it_is_no_run(tmp_path):
    with pytest.raises(
        FormatError, match=r"is not a recorded run: .*run.json; got nothing of that name"
    ):
        Run.open(tmp_path / "nowhere")


def test_given_a_file_then_it_is_no_run(tmp_path):
    (tmp_path / "log.txt").touch()
    with pytest.raises(FormatError, match=r"is not a recorded run: .*; got a file"):
        Run.open(tmp_path / "log.txt")


def test_given_some_folder_then_it_is_no_run_and_the_hint_says_what_makes_one(tmp_path):
    with pytest.raises(FormatError, match=r"a folder without run.json\. .*whyloss\.Recorder"):
        Run.open(tmp_path)


BAD_DESCRIPTIONS = {
    "empty": (b"", "cannot be read: expected a JSON object; got an empty file"),
    "no JSON": (b"\x80\x04K\x01.", "cannot be read"),
    "nested without end": (b"[" * 100_000, "cannot be read"),
    "a list": (b"[1]", "does not describe a run"),
    "no version": (b"{}", "does not describe a run"),
    "newer": (b'{"format_version": 3}', "written by a newer whyloss: .*; got 3. Upgrade"),
    "another task": (
        b'{"format_version": 1, "task": "regression"}',
        "has an invalid value of 'task'",
    ),
    "classes": (
        {"classes": [1, 2]},
        "has an invalid value of 'classes': expected a list of strings",
    ),
    "scale": ({"scale": ["logits"]}, "has an invalid value of 'scale'"),
    "n_columns": ({"n_columns": True}, "has an invalid value of 'n_columns'"),
}


@pytest.mark.parametrize("name", BAD_DESCRIPTIONS)
def test_given_a_bad_description_then_the_error_is_one_line(tmp_path, name):
    content, message = BAD_DESCRIPTIONS[name]
    write(tmp_path)
    path = tmp_path / "run.json"
    if isinstance(content, dict):
        content = json.dumps(json.loads(path.read_text()) | content).encode()
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        Run.open(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_a_later_minor_version_adds_to_the_description_is_no_harm(tmp_path):
    write(tmp_path)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "green"}))
    assert Run.open(tmp_path).scale == "logits"


def broken_parts():
    table = pa.table(
        {
            "id": IDS,
            "y_true": LABELS.astype(np.int32),
            "logits": pa.FixedSizeListArray.from_arrays(SCORES.ravel(), 3),
        }
    )

    def arrow(table):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as stream:
            stream.write_table(table)
        return sink.getvalue().to_pybytes()

    whole = arrow(table)
    ragged = pa.array([[1.0], [1.0, 2.0], *[[1.0, 2.0, 3.0]] * 4])
    words = pa.array([["a"]] * 6)
    gaps = pa.array([[1.0, None, 2.0]] * 6, pa.list_(pa.float32(), 3))
    return {
        "empty": (b"", "cannot be read"),
        "cut short": (whole[:-30], "cannot be read"),
        "something else": (b"PK\x03\x04 not an arrow file at all", "cannot be read"),
        "a pickle": (b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00K\x01.", "cannot be read"),
        "without labels": (arrow(table.drop_columns("y_true")), "no usable column 'y_true'"),
        "without scores": (arrow(table.drop_columns("logits")), "no usable column 'logits'"),
        "two ids": (arrow(table.append_column("id", [IDS])), "no usable column 'id'"),
        "labels missing": (
            arrow(table.set_column(1, "y_true", [pa.array([0, 1, None, 0, 0, 0])])),
            "no usable column 'y_true': expected a value in every row; got 1 without",
        ),
        "labels as floats": (arrow(table.set_column(1, "y_true", [LABELS / 2])), "of type integer"),
        "ragged": (arrow(table.set_column(2, "logits", [ragged])), "lists of one length"),
        "words": (arrow(table.set_column(2, "logits", [words])), "lists of floats"),
        "flat": (arrow(table.set_column(2, "logits", [LABELS])), "of type fixed_size_list"),
        "gaps": (arrow(table.set_column(2, "logits", [gaps])), "lists of floats without gaps"),
    }


@pytest.mark.parametrize("name", broken_parts())
def test_given_a_broken_part_then_the_error_names_the_file(tmp_path, name):
    content, message = broken_parts()[name]
    run = write(tmp_path)
    part = only_part(tmp_path)
    part.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        run.predictions("val", 1)
    assert str(part) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_given_a_part_whose_strings_point_outside_of_it_then_it_is_refused(tmp_path):
    run = write(tmp_path, ids=list("abcdef"))
    part = only_part(tmp_path)
    content = part.read_bytes()
    offsets = np.arange(7, dtype=np.int32).tobytes()
    assert content.count(offsets) == 1
    hostile = np.array([0, 1, 2**30, 3, 4, 5, 6], np.int32).tobytes()
    part.write_bytes(content.replace(offsets, hostile))
    with pytest.raises(FormatError, match="cannot be read"):
        run.predictions("val", 1)


def test_given_a_broken_parquet_part_then_the_error_names_the_file(tmp_path):
    run = write(tmp_path)
    only_part(tmp_path).with_name("part-1.parquet").write_bytes(b"PAR1")
    with pytest.raises(FormatError, match=r"part-1.parquet cannot be read"):
        run.predictions("val", 1)


def test_given_parts_that_do_not_fit_together_then_the_error_names_them(tmp_path):
    run = write(tmp_path)
    write(tmp_path / "other", ids=list("abcdef"))
    only_part(tmp_path / "other").rename(only_part(tmp_path).with_name("part-1.arrow"))
    with pytest.raises(FormatError, match=r"do not fit together.*part-0-1-.*part-1.arrow"):
        run.predictions("val", 1)


def test_given_labels_beyond_the_classes_on_disk_then_the_error_names_split_and_epoch(tmp_path):
    run = write(tmp_path, epochs=(7,))
    part = only_part(tmp_path, epoch="epoch=00007")
    table = pa.ipc.open_file(part).read_all()
    table = table.set_column(1, "y_true", [LABELS.astype(np.int32) + 1])
    with pa.OSFile(str(part), "wb") as file, pa.ipc.new_file(file, table.schema) as stream:
        stream.write_table(table)
    with pytest.raises(DataError, match="val at epoch 7: 2 of 6 labels lie outside the 3 classes"):
        run.predictions("val", 7)


def test_given_an_epoch_that_is_not_there_then_the_error_says_which_are(tmp_path):
    run = write(tmp_path, epochs=(1, 5))
    with pytest.raises(DataError, match=r"no predictions of 'val' at epoch 3.*the epochs 1, 5"):
        run.predictions("val", 3)
    with pytest.raises(DataError, match=r"no predictions of 'test' at epoch 1.*'val'"):
        run.predictions("test", 1)


@pytest.mark.parametrize("line", [b"[1, 2]", b"epoch,loss", b'{"epoch": 1,, }'])
def test_given_a_line_that_never_was_a_scalar_then_the_error_names_it(tmp_path, line):
    run = write(tmp_path)
    (tmp_path / "scalars.jsonl").write_bytes(b'{"epoch": 1, "loss": 0.5}\n' + line + b"\n")
    with pytest.raises(FormatError, match=r"Line 2 of .*scalars.jsonl cannot be read"):
        run.history  # noqa: B018 - reading it is the test


def test_given_a_scalar_without_bounds_then_the_error_names_the_file(tmp_path):
    run = write(tmp_path)
    (tmp_path / "scalars.jsonl").write_bytes(b'{"epoch": 1, "loss": 1%s}\n' % (b"0" * 400))
    with pytest.raises(FormatError, match=r"scalars.jsonl contains a number that is too large"):
        run.history  # noqa: B018 - reading it is the test


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_given_a_full_disk_then_what_was_committed_stays(tmp_path, monkeypatch):
    run = write(tmp_path)
    with RunWriter(tmp_path, resume=True) as writer:
        open_file = pa.OSFile
        monkeypatch.setattr(pa, "OSFile", lambda _path, mode: open_file("/dev/full", mode))
        writer.append("val", 2, SCORES, "logits", LABELS, IDS)
        with pytest.raises(OSError, match="No space left"):
            writer.commit("val", 2)
    assert run.epochs("val") == (1,)
    assert run.predictions("val", 1).n_samples == 6


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux to tell what is synced")
def test_given_a_commit_then_the_file_is_synced_before_its_name_and_the_name_after(
    tmp_path, monkeypatch
):
    with RunWriter(tmp_path) as writer:
        writer.append("val", 1, SCORES, "logits", LABELS, IDS)
        calls = []
        sync, replace = os.fsync, Path.replace

        def record_sync(number):
            calls.append(f"sync {Path(f'/proc/self/fd/{number}').readlink()}")
            sync(number)

        def record_rename(source, target):
            calls.append(f"rename to {target.name}")
            return replace(source, target)

        monkeypatch.setattr(os, "fsync", record_sync)
        monkeypatch.setattr(Path, "replace", record_rename)
        part = writer.commit("val", 1)
    (file,) = (k for k, call in enumerate(calls) if f"{part.parent}/.part-0-1-" in call)
    rename = calls.index(f"rename to {part.name}")
    assert file < rename < calls.index(f"sync {part.parent}")
    for parent in (tmp_path / "predictions" / "split=val", tmp_path / "predictions", tmp_path):
        assert rename < calls.index(f"sync {parent}")  # in which the epoch and the split are new


def test_given_two_first_writers_at_once_then_the_first_description_stands(tmp_path, monkeypatch):
    write(tmp_path, epochs=())
    before = (tmp_path / "run.json").read_bytes()
    # As processes are that have no rank, and look just before the other one writes.
    monkeypatch.setattr(Path, "exists", lambda _path: False)
    with pytest.raises(DataError, match="exists already"):
        RunWriter(tmp_path)
    assert (tmp_path / "run.json").read_bytes() == before


def test_given_no_hard_links_then_a_run_is_made_all_the_same(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    assert write(tmp_path).predictions("val", 1).n_samples == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "predictions",
        "run.json",
        "writers",
    ]


def test_a_run_is_written_and_read_where_pandas_is_not_installed(tmp_path):
    code = """
import sys
sys.modules["pandas"] = None
import numpy as np
import whyloss
scores = np.eye(3, dtype=np.float16)
with whyloss.Recorder(sys.argv[1]) as recorder:
    for epoch, kind in enumerate((np.float16, np.float32, np.float64)):
        recorder.log(split="val", epoch=epoch, y_true=[0, 1, 2], ids=[4, 5, 6], logits=scores.astype(kind))
run = whyloss.Run.open(sys.argv[1])
for epoch in range(3):
    rows = run.predictions("val", epoch)
    assert rows.ids.tolist() == [4, 5, 6] and rows.y_true.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(rows.scores, scores)
print("read")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "run"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "read\n", done.stderr
