"""Files of curves: each recognised by what it holds, its numbers in their places."""

import json
import math
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import require
from whyloss.errors import DataError, FormatError, WhylossError
from whyloss.readers import ReadOptions, frame, read
from whyloss.readers.files.events import masked_crc

NAN = math.nan


def curves(source):
    history = source.history
    found = {
        "_".join(role): [None if math.isnan(value) else round(value, 12) for value in values]
        for role, values in history.columns.items()
    }
    return {"epoch": history.epochs.tolist(), **found}


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


# --- tables -------------------------------------------------------------------------------------


def test_the_csv_of_keras(written):
    path = written(
        "log.csv",
        "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss\n"
        "0,0.5,0.001,0.9,0.4,1.1\n"
        "1,0.6,0.001,0.7,NA,nan\n",
    )
    got = read(path)
    assert got.name == "log"
    assert got.history.running_train is True
    assert got.history.epochs.tolist() == [0, 1]
    assert got.history.column("train", "accuracy").tolist() == [0.5, 0.6]
    assert got.history.column("val", "loss").tolist() == pytest.approx([1.1, NAN], nan_ok=True)
    assert got.history.not_numbers == {("val", "loss"): (1,)}  # NA is nothing, nan is a number


def test_the_csv_of_lightning_has_holes(written):
    path = written(
        "metrics.csv",
        "epoch,step,train_acc_epoch,train_acc_step,train_loss_epoch,train_loss_step,val_acc,val_loss\n"
        "0,49,,0.4,,1.09,,\n"
        "0,99,,0.5,,1.05,,\n"
        "0,99,,,,,0.45,1.0\n"
        "0,99,0.46,,1.07,,,\n"
        "1,149,,0.6,,0.9,,\n"
        "1,199,,,,,0.55,0.9\n",
    )
    got = read(path)
    assert curves(got) == {
        "epoch": [0, 1],
        "train_accuracy": [0.46, None],  # what one batch said is not what the epoch says
        "train_loss": [1.07, None],
        "val_accuracy": [0.45, 0.55],
        "val_loss": [1.0, 0.9],
    }


@pytest.mark.parametrize(
    "content",
    [
        "   epoch,    train/loss,   metrics/accuracy_top1,  val/loss\n  1,   0.9,   0.5,   1.0\n  2,   0.8,   0.6,   0.9\n",
        "epoch\ttrain_loss\tval_acc\tval_loss\n1\t0.9\t0.5\t1.0\n2\t0.8\t0.6\t0.9\n",
        "epoch;train_loss;val_acc;val_loss\n1;0,9;0,5;1,0\n2;0,8;0,6;0,9\n",
        '"epoch","train_loss","val_acc","val_loss"\n"1","0.9","50%","1.0"\n"2","0.8","60%","0.9"\n',
        "epoch,train_loss,val_acc,val_loss\n1,0.9,50.0,1.0\n2,0.8,60.0,0.9\n3,0.7\n",
        "\ufeffepoch,train_loss,val_acc,val_loss\r\n1,0.9,50.0,1.0\r\n2,0.8,60.0,0.9\r\n",
    ],
    ids=["padded", "tabs", "semicolons", "quoted", "cut short", "byte order mark"],
)
def test_tables_of_any_make(written, content):
    assert curves(read(written("anything.txt", content))) == {
        "epoch": [1, 2],
        "train_loss": [0.9, 0.8],
        "val_accuracy": [0.5, 0.6],
        "val_loss": [1.0, 0.9],
    }


def test_a_line_of_another_length_is_counted(written):
    path = written("a.csv", "epoch,val_loss\n1,0.5\n2,0.4,7\n3,0.3\n")
    got = read(path)
    assert got.history.epochs.tolist() == [1, 3]
    assert got.notes[-1] == "Passed over: 1 line with another number of cells."


def test_what_powershell_redirects(written):
    text = "epoch 1 val_loss=0.5 val_acc=0.7\nepoch 2 val_loss=0.4 val_acc=0.8\n"
    assert curves(read(written("log.txt", text.encode("utf-16"))))["val_loss"] == [0.5, 0.4]
    assert curves(read(written("old.txt", ("café\n" + text).encode("latin-1"))))["epoch"] == [1, 2]


def test_steps_finer_than_evaluations_are_gathered(written):
    # As trackers export a history: training numbers at many steps, evaluations at few.
    rows = ["_step,train/loss,val/loss,val/accuracy"]
    rows += [f"{at},{2 - at / 100},," for at in range(0, 50, 10)]
    rows += ["50,,1.4,0.5"]
    rows += [f"{at},{2 - at / 100},," for at in range(60, 100, 10)]
    rows += ["100,,1.2,0.6"]
    got = curves(read(written("export.csv", "\n".join(rows) + "\n")))
    assert got == {
        "epoch": [50, 100],
        "train_loss": [1.6, 1.1],
        "val_loss": [1.4, 1.2],
        "val_accuracy": [0.5, 0.6],
    }


def test_one_row_per_number(written):
    path = written(
        "mlflow.csv",
        "key,value,timestamp,step\n"
        "train_loss,0.9,1,1\nval_loss,1.0,2,1\nval_acc,0.5,3,1\n"
        "train_loss,0.8,4,2\nval_loss,0.9,5,2\nval_acc,0.6,6,2\n",
    )
    assert curves(read(path)) == {
        "epoch": [1, 2],
        "train_loss": [0.9, 0.8],
        "val_loss": [1.0, 0.9],
        "val_accuracy": [0.5, 0.6],
    }


def test_the_folder_of_a_run_of_mlflow(written):
    for name, values in (
        ("train_loss", (0.9, 0.8)),
        ("val/loss", (1.0, 0.9)),
        ("val/acc", (0.5, 0.6)),
    ):
        lines = [f"17000000000{at} {value} {at}" for at, value in enumerate(values)]
        written(f"run/metrics/{name}", "\n".join(lines) + "\n")
    path = written("run/meta.yaml", "run_id: 7\n").parent
    assert curves(read(path)) == {
        "epoch": [0, 1],
        "train_loss": [0.9, 0.8],
        "val_accuracy": [0.5, 0.6],
        "val_loss": [1.0, 0.9],
    }


def test_a_chart_of_one_run_of_weights_and_biases(written):
    path = written(
        "chart.csv",
        '"Step","apt-fog-1 - val_loss","apt-fog-1 - val_loss__MIN","apt-fog-1 - val_loss__MAX"\n'
        '"1","0.5","0.5","0.5"\n"2","0.4","0.4","0.4"\n',
    )
    assert curves(read(path)) == {"epoch": [1, 2], "val_loss": [0.5, 0.4]}


def test_a_chart_of_several_runs_is_asked_about(written):
    path = written("chart.csv", "Step,one - val_loss,two - val_loss\n1,0.5,0.6\n2,0.4,0.5\n")
    with pytest.raises(DataError, match="Several columns could be val_loss"):
        read(path)
    chosen = read(path, options=ReadOptions(columns={"two - val_loss": "val.loss"}))
    assert curves(chosen)["val_loss"] == [0.6, 0.5]


def test_parquet_and_arrow(tmp_path):
    table = pa.table({"epoch": [1, 2], "val_loss": [0.5, None], "val_acc": [0.7, 0.8]})
    pa_parquet.write_table(table, tmp_path / "a.parquet")
    with (
        pa.OSFile(str(tmp_path / "b.arrow"), "wb") as file,
        pa.ipc.new_file(file, table.schema) as out,
    ):
        out.write_table(table)
    with (
        pa.OSFile(str(tmp_path / "c.arrows"), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as out,
    ):
        out.write_table(table)
    for name in ("a.parquet", "b.arrow", "c.arrows"):
        got = read(tmp_path / name).history
        assert got.column("val", "loss").tolist() == pytest.approx([0.5, NAN], nan_ok=True)
        assert got.column("val", "accuracy").tolist() == [0.7, 0.8]
        assert got.not_numbers == {}


# --- JSON ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {
            "loss": [0.9, 0.8],
            "accuracy": [0.5, 0.6],
            "val_loss": [1.0, 0.9],
            "val_accuracy": [0.4, 0.5],
        },
        {
            "history": {
                "loss": [0.9, 0.8],
                "accuracy": [0.5, 0.6],
                "val_loss": [1.0, 0.9],
                "val_accuracy": [0.4, 0.5],
            }
        },
        {
            "loss": {"0": 0.9, "1": 0.8},
            "accuracy": {"0": 0.5, "1": 0.6},
            "val_loss": {"0": 1.0, "1": 0.9},
            "val_accuracy": {"0": 0.4, "1": 0.5},
        },
        [
            {"train": {"loss": 0.9, "acc": 0.5}, "val": {"loss": 1.0, "acc": 0.4}},
            {"train": {"loss": 0.8, "acc": 0.6}, "val": {"loss": 0.9, "acc": 0.5}},
        ],
        {
            "training": {"logloss": [0.9, 0.8], "error": [0.5, 0.4]},
            "validation_0": {"logloss": [1.0, 0.9], "error": [0.6, 0.5]},
        },
    ],
    ids=["Keras", "nested", "pandas", "records", "boosting"],
)
def test_json_in_the_forms_of_frameworks(written, value):
    assert curves(read(written("history.json", json.dumps(value)))) == {
        "epoch": [1, 2],
        "train_loss": [0.9, 0.8],
        "train_accuracy": [0.5, 0.6],
        "val_loss": [1.0, 0.9],
        "val_accuracy": [0.4, 0.5],
    }


TRAINER_STATE = {
    "best_metric": 0.7,
    "global_step": 20,
    "log_history": [
        {"epoch": 0.5, "step": 5, "loss": 0.9, "learning_rate": 1e-5, "grad_norm": 2.0},
        {"epoch": 1.0, "step": 10, "loss": 0.8, "learning_rate": 5e-6, "grad_norm": 2.0},
        {"epoch": 1.0, "step": 10, "eval_loss": 0.85, "eval_accuracy": 0.6, "eval_runtime": 1.0},
        {"epoch": 2.0, "step": 20, "eval_loss": 0.83, "eval_accuracy": 0.65, "eval_runtime": 1.0},
        {"epoch": 2.0, "step": 20, "total_flos": 1e9, "train_loss": 0.85, "train_runtime": 9.0},
    ],
}


def test_the_state_of_the_trainer(written):
    path = written("run/trainer_state.json", json.dumps(TRAINER_STATE))
    for source in (path, path.parent):
        got = curves(read(source))
        assert got["epoch"] == [1, 2]
        assert got["val_loss"] == [0.85, 0.83]
        assert got["val_accuracy"] == [0.6, 0.65]
        assert got["train_loss"] == [0.8, None]


def test_lines_of_json_of_which_the_last_is_cut(written):
    path = written(
        "log.jsonl",
        '{"epoch": 1, "val_loss": 0.5, "val_acc": 0.7}\n{"epoch": 2, "val_loss": NaN}\n{"epoch": 3, "v',
    )
    got = read(path).history
    assert got.epochs.tolist() == [1, 2]
    assert got.not_numbers == {("val", "loss"): (2,)}


def test_one_record_is_one_epoch(written):
    got = curves(read(written("summary.json", '{"val_loss": 0.5, "val_acc": 0.7, "note": "x"}')))
    assert got == {"epoch": [1], "val_loss": [0.5], "val_accuracy": [0.7]}


# --- event files --------------------------------------------------------------------------------


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def packed(number, kind, content):
    return varint(number << 3 | kind) + (varint(len(content)) + content if kind == 2 else content)


def record(data):
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked_crc(head)) + data + struct.pack("<I", masked_crc(data))


def event(step, tag, value, *, tensor=False):
    number = struct.pack("<f", value)
    scalar = packed(2, 5, number)
    if tensor:  # as TensorFlow 2 does
        scalar = packed(8, 2, packed(1, 0, varint(1)) + packed(4, 2, number))
    summary = packed(1, 2, packed(1, 2, tag.encode()) + scalar)
    return record(
        packed(1, 1, struct.pack("<d", 1e9)) + packed(2, 0, varint(step)) + packed(5, 2, summary)
    )


VERSION = record(packed(3, 2, b"brain.Event:2"))
GRAPH = record(packed(4, 2, b"\0" * 100_000))


def test_the_checksum_is_that_of_rfc_3720():
    # Four examples of its appendix, unmasked: rotate back what masking rotated.
    for data, expected in (
        (b"\0" * 32, 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ):
        rotated = (masked_crc(data) - 0xA282EAD8) & 0xFFFFFFFF
        assert (rotated >> 17 | rotated << 15) & 0xFFFFFFFF == expected


@pytest.mark.parametrize("tensor", [False, True], ids=["number", "tensor"])
def test_an_event_file(written, tensor):
    content = VERSION + GRAPH
    for step in (1, 2):
        content += event(step, "train/loss", 1 / step, tensor=tensor)
        content += event(step, "val/loss", 1.5 / step, tensor=tensor)
        content += event(step, "metrics/accuracy_top1", step / 4, tensor=tensor)
    path = written("events.out.tfevents.1.host", content)
    for source in (path, path.parent):
        assert curves(read(source)) == {
            "epoch": [1, 2],
            "train_loss": [1.0, 0.5],
            "val_accuracy": [0.25, 0.5],
            "val_loss": [1.5, 0.75],
        }


def test_event_files_of_lightning_count_epochs(written):
    content = VERSION
    for epoch in (0, 1):
        step = 100 * (epoch + 1)
        for tag, value in (("val_loss", 0.5), ("epoch", epoch), ("train_loss", 0.25)):
            content += event(step, tag, value)
    got = curves(read(written("tb/events.out.tfevents.1", content)))
    assert got == {"epoch": [0, 1], "train_loss": [0.25, 0.25], "val_loss": [0.5, 0.5]}


def test_folders_of_event_files_name_the_split(written):
    for split, loss in (("train", 0.5), ("validation", 0.75)):
        content = VERSION + event(0, "epoch_loss", loss) + event(0, "epoch_accuracy", 0.5)
        path = written(f"logs/{split}/events.out.tfevents.1", content)
    assert curves(read(path.parents[1])) == {
        "epoch": [0],
        "train_loss": [0.5],
        "train_accuracy": [0.5],
        "val_loss": [0.75],
        "val_accuracy": [0.5],
    }


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("loss", ("train", "val")),
        ("Loss", ("Training", "Validation")),
        ("Training vs. Validation Loss", ("training", "validation")),
        ("epoch/loss", ("train", "valid")),
    ],
)
def test_curves_of_add_scalars_are_of_the_split_that_each_is_called(written, tag, names):
    folder = tag.replace("/", "_")
    for name, factor in zip(names, (1.0, 2.0), strict=True):
        content = VERSION + b"".join(event(step, tag, factor / (step + 1)) for step in range(2))
        path = written(f"run/{folder}_{name}/events.out.tfevents.1", content)
    got = read(path.parents[1])
    assert got.history.column("train", "loss").tolist() == [1.0, 0.5]
    assert got.history.column("val", "loss").tolist() == [2.0, 1.0]


def test_folders_of_several_trainings_are_named(written):
    for run, loss in (("wide", 0.5), ("deep", 0.75)):
        path = written(f"logs/{run}/events.out.tfevents.1", VERSION + event(1, "val_loss", loss))
    with pytest.raises(DataError, match=r"several runs: expected one; got deep, wide"):
        read(path.parents[1])
    got = read(path.parents[1], options=ReadOptions(model="wide"))
    assert curves(got) == {"epoch": [1], "val_loss": [0.5]}


def test_an_event_file_that_is_still_written_ends_early(written):
    content = VERSION + event(1, "val_loss", 0.5) + event(2, "val_loss", 0.25)
    got = read(written("events.out.tfevents.1", content[:-5]))
    assert curves(got) == {"epoch": [1], "val_loss": [0.5]}
    assert got.notes[-1] == "events.out.tfevents.1 ends within a record, which was left out."


def test_a_damaged_event_file_is_refused(written):
    content = bytearray(VERSION + event(1, "val_loss", 0.5))
    content[-10] ^= 1
    with pytest.raises(FormatError, match="is damaged: expected records whose checksums are right"):
        read(written("events.out.tfevents.1", bytes(content)))


# --- data frames --------------------------------------------------------------------------------


def test_frames_of_any_library():
    columns = {"epoch": [1, 2, 3], "train_loss": [0.9, None, 0.7], "val_acc": [0.5, 0.6, 0.7]}
    frames = [pa.table(columns), require("pandas").DataFrame(columns)]
    for made in frames:
        got = frame(made).history
        assert got.epochs.tolist() == [1, 2, 3]
        assert got.column("val", "accuracy").tolist() == [0.5, 0.6, 0.7]
        assert got.column("train", "loss").tolist() == pytest.approx([0.9, NAN, 0.7], nan_ok=True)
        assert got.not_numbers == {}


def test_options_reach_a_frame():
    made = pa.table({"epoch": [1], "vl": [0.5]})
    got = frame(made, options=ReadOptions(columns={"vl": "val.loss"}, n_val=10)).history
    assert got.column("val", "loss").tolist() == [0.5]
    assert got.n_val == 10


def test_what_is_no_frame_is_refused():
    with pytest.raises(DataError, match=r"This is no data frame.*got list"):
        frame([1, 2])


# --- what cannot be read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("h.pkl", b"\x80\x04\x95\x10\0\0\0", "got a pickle. Nothing is unpickled"),
        ("w.pt", b"PK\x03\x04" + b"\0" * 60, "cannot be read: expected arrays of numbers"),
        ("w.h5", b"\x89HDF\r\n\x1a\n", "got HDF5"),
        ("log.gz", b"\x1f\x8b\x08\0", "got a compressed file. Unpack it first."),
        ("a.bin", b"ab\0\0\1\2", "a binary file of no kind"),
        ("empty.csv", b"", "empty.csv is empty"),
        ("a.txt", b"nothing to see\n", "There is neither a loss nor a score"),
        ("a.csv", b"epoch,time\n1,2\n2,3\n", "There is neither a loss nor a score"),
        ("a.json", b"[1, 2]", "has no form that whyloss knows"),
        ("a.parquet", b"PAR1 and no more", "a.parquet cannot be read: expected a Parquet file"),
        ("a.arrow", b"ARROW1\0\0 and no more", "a.arrow cannot be read: expected an Arrow file"),
    ],
)
def test_what_cannot_be_read_says_so(written, name, content, words):
    with pytest.raises(FormatError) as caught:
        read(written(name, content))
    assert words in str(caught.value)


def test_a_folder_of_nothing_is_no_run(tmp_path):
    with pytest.raises(FormatError, match="is not a recorded run"):
        read(tmp_path)


SAMPLES = [
    b"epoch,val_loss,val_acc\n1,0.5,0.7\n2,0.4,0.8\n",
    json.dumps(TRAINER_STATE).encode(),
    VERSION + event(1, "val_loss", 0.5) + event(2, "val_loss", 0.25),
    b"y_true,p_a,p_b\na,0.5,0.5\nb,0.25,0.75\n",
    b"PAR1" + b"\x15\0" * 20 + b"PAR1",
    b"\x93NUMPY\x01\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }" + b" " * 60,
    b"epoch 1 loss=0.5\n" * 5,
]


@pytest.mark.parametrize("header", [b"\x0b{}", b"{", b" {\n  'a'", b"(((("])
def test_a_damaged_header_of_numpy_is_one_clear_error(tmp_path, header):
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(FormatError, match=r"a\.npy"):
        read(path)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_damaged_files_give_curves_or_one_clear_error(tmp_path, data):
    content = bytearray(data.draw(st.one_of(st.binary(max_size=200), st.sampled_from(SAMPLES))))
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    path = tmp_path / data.draw(st.sampled_from(["a.csv", "a.safetensors", "a.json"]))
    path.write_bytes(bytes(content))
    try:
        got = read(path)
    except WhylossError:
        return
    assert (np.diff(got.history.epochs) > 0).all()
