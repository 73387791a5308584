"""What trackers and libraries leave behind in folders and databases."""

import json
import sqlite3
import struct
import zlib

import pytest

from whyloss.errors import DataError, FormatError
from whyloss.readers import ReadOptions, read

LOSSES = (0.83, 0.61, 0.66)
SHARES = (0.52, 0.71, 0.7)


def loss_of(source, split="val"):
    return source.history.column(split, "loss").tolist()


def share_of(source, split="val"):
    return source.history.column(split, "accuracy").tolist()


@pytest.fixture
def written(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# --- a file per epoch or per metric -------------------------------------------------------------


def test_a_file_per_epoch_is_a_curve(written, tmp_path):
    for epoch in (2, 10, 0):
        numbers = {"epoch": epoch, "training_loss": 1 / (epoch + 1), "validation_loss": epoch + 0.5,
                   "validation_accuracy": 0.7, "best_epoch": 0}  # fmt: skip
        written(f"model/metrics_epoch_{epoch}.json", json.dumps(numbers))
    written("model/metrics.json", json.dumps({"epoch": 10, "validation_loss": 10.5}))
    got = read(tmp_path / "model")
    assert got.history.epochs.tolist() == [0, 2, 10]
    assert loss_of(got) == [0.5, 2.5, 10.5]
    assert share_of(got) == [0.7, 0.7, 0.7]


def test_a_table_per_metric_is_a_curve(written, tmp_path):
    for place, values in (
        ("loss/train", (0.9, 0.5, 0.2)),
        ("loss/val", LOSSES),
        ("acc/val", SHARES),
    ):
        split = place.rsplit("/", 1)[-1]
        lines = [f"{step}\t{value}" for step, value in enumerate(values)]
        written(f"live/plots/metrics/{place}.tsv", "\n".join([f"step\t{split}", *lines]) + "\n")
    got = read(tmp_path / "live")
    assert (loss_of(got), share_of(got)) == ([*LOSSES], [*SHARES])
    assert loss_of(got, "train") == [0.9, 0.5, 0.2]
    alone = read(tmp_path / "live/plots/metrics/loss/val.tsv")
    assert loss_of(alone) == [*LOSSES]


def test_the_folder_of_catboost(written, tmp_path):
    for file, scale in (("learn_error.tsv", 0.5), ("test_error.tsv", 1.0)):
        lines = [f"{at}\t{scale * loss}\t{share}" for at, (loss, share) in enumerate(zip(LOSSES, SHARES, strict=True))]  # fmt: skip
        written(f"catboost_info/{file}", "\n".join(["iter\tLogloss\tAccuracy", *lines]) + "\n")
    for folder in (tmp_path, tmp_path / "catboost_info"):
        got = read(folder)
        assert (loss_of(got), share_of(got)) == ([*LOSSES], [*SHARES])
        assert loss_of(got, "train") == [0.5 * loss for loss in LOSSES]


def test_the_last_checkpoint_of_a_trainer_holds_the_history(written, tmp_path):
    for step in (9, 10, 100):
        log = [
            {"epoch": e + 1, "step": step, "eval_loss": LOSSES[e]} for e in range(len(str(step)))
        ]
        written(f"out/checkpoint-{step}/trainer_state.json", json.dumps({"log_history": log}))
    assert loss_of(read(tmp_path / "out")) == [*LOSSES]


# --- databases ----------------------------------------------------------------------------------


def mlflow(path, runs):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE runs (run_uuid TEXT, name TEXT)")
        database.execute(
            "CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INT, run_uuid TEXT, step INT, is_nan INT)"
        )
        for run, (name, factor) in runs.items():
            database.execute("INSERT INTO runs VALUES (?, ?)", (run, name))
            for step, loss in enumerate(LOSSES):
                bad = step == 2
                row = ("val_loss", 0.0 if bad else factor * loss, step, run, step, bad)
                database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    database.close()
    return path


def trackio(path, runs):
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INT, metrics TEXT)"
        )
        for run, factor in runs.items():
            for step, loss in enumerate(LOSSES):
                text = json.dumps({"val/loss": factor * loss, "val/acc": SHARES[step]})
                database.execute(
                    "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('', ?, ?, ?)",
                    (run, step, text),
                )
    database.close()
    return path


def test_the_database_of_mlflow(tmp_path):
    path = mlflow(tmp_path / "mlflow.db", {"a1": ("calm-owl", 1.0)})
    for source in (path, path.parent):
        got = read(source)
        assert got.name == "calm-owl"
        assert loss_of(got)[:2] == [0.83, 0.61]
        assert got.history.not_numbers == {("val", "loss"): (2,)}


def test_one_of_several_runs_of_mlflow_is_chosen_by_name_or_id(tmp_path):
    path = mlflow(tmp_path / "x.sqlite", {"a1": ("calm-owl", 1.0), "b2": ("sly-fox", 2.0)})
    with pytest.raises(DataError, match=r"several runs.*calm-owl, sly-fox.*--model calm-owl"):
        read(path)
    for wanted in ("sly-fox", "b2"):
        got = read(path, options=ReadOptions(model=wanted))
        assert loss_of(got)[:2] == [2 * 0.83, 2 * 0.61]


def test_the_database_of_trackio(tmp_path):
    path = trackio(tmp_path / "project.db", {"one": 1.0, "two": 3.0})
    with pytest.raises(DataError, match=r"several runs.*one, two"):
        read(path)
    got = read(path, options=ReadOptions(model="one"))
    assert (loss_of(got), share_of(got)) == ([*LOSSES], [*SHARES])


def test_a_database_is_not_changed_by_reading_it(tmp_path):
    path = trackio(tmp_path / "project.db", {"one": 1.0})
    before = path.read_bytes()
    read(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["project.db"]


def test_other_databases_say_what_is_missing(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    database.close()
    with pytest.raises(FormatError, match=r"of no tracker that whyloss knows.*got no such table"):
        read(tmp_path / "a.db")
    (tmp_path / "b.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 200)
    with pytest.raises(FormatError, match=r"b.db cannot be read"):
        read(tmp_path / "b.db")


# --- Weights & Biases -------------------------------------------------------------------------------


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, content):
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def history(step, **cells):
    items = b"".join(
        field(1, field(1, key.encode()) + field(16, json.dumps(cell).encode()))
        for key, cell in cells.items()
    )
    return field(1, step) + field(2, items + field(2, field(1, step)))


def wandb_file(records):
    """The format of LevelDB's log: records cut where a block of 32 KiB ends."""
    out = bytearray(struct.pack("<4sHB", b":W&B", 0xBEE1, 0))
    for whole in records:
        record, first = whole, True
        while True:
            left = 32768 - len(out) % 32768
            if left < 7:
                out += bytes(left)
                left = 32768
            part, record = record[: left - 7], record[left - 7 :]
            kind = (1 if first else 4) if not record else (2 if first else 3)
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            first = False
            if not record:
                break
    return bytes(out)


def wandb_records(extra=0):
    for step, (loss, share) in enumerate(zip(LOSSES, SHARES, strict=True)):
        note = {"note": "x" * extra} if extra else {}
        yield field(17, b"run")  # of another kind
        yield history(step, **{"val/loss": loss, "val/acc": share}, **note)


@pytest.mark.parametrize("extra", [0, 5, 32_700, 80_000], ids=["small", "few", "edge", "parts"])
def test_an_offline_run_of_weights_and_biases(written, extra):
    path = written("offline-run-1/run-ab12.wandb", wandb_file(wandb_records(extra)))
    for source in (path, path.parent, path.parents[1]):
        got = read(source)
        assert (loss_of(got), share_of(got)) == ([*LOSSES], [*SHARES])


def test_several_offline_runs_are_named(written):
    for run in ("aa", "bb"):
        path = written(f"wandb/offline-run-{run}/run-{run}.wandb", wandb_file(wandb_records()))
    with pytest.raises(DataError, match=r"several runs.*run-aa, run-bb"):
        read(path.parents[1])
    assert loss_of(read(path.parents[1], options=ReadOptions(model="run-bb"))) == [*LOSSES]


def test_a_run_that_is_still_written_ends_early(written):
    whole = wandb_file(wandb_records())
    got = read(written("run-a.wandb", whole[:-4]))
    assert loss_of(got) == [*LOSSES[:2]]
    assert "run-a.wandb ends within a record, which was left out." in got.notes


def test_a_damaged_run_is_refused(written):
    whole = bytearray(wandb_file(wandb_records()))
    whole[30] ^= 1
    with pytest.raises(FormatError, match="is damaged: expected records whose checksums are right"):
        read(written("run-a.wandb", bytes(whole)))


# --- MLflow's folders -------------------------------------------------------------------------------


def test_runs_below_a_folder_are_named(written, tmp_path):
    for run, factor in (("0a", 1.0), ("0b", 2.0)):
        lines = [f"17 {factor * loss} {step}" for step, loss in enumerate(LOSSES)]
        written(f"mlruns/0/{run}/metrics/val_loss", "\n".join(lines))
        written(f"mlruns/0/{run}/tags/mlflow.runName", f"name-{run}")
    for folder in (tmp_path / "mlruns", tmp_path / "mlruns" / "0"):
        with pytest.raises(DataError, match=r"several runs.*name-0a, name-0b"):
            read(folder)
    got = read(tmp_path / "mlruns", options=ReadOptions(model="name-0b"))
    assert loss_of(got) == [2 * loss for loss in LOSSES]
    assert loss_of(read(tmp_path / "mlruns/0/0a")) == [*LOSSES]
