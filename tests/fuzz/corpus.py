"""Small files of every format that whyloss reads, made here: what the fuzzing starts from."""

import io
import json
import sqlite3
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from whyloss import Recorder
from whyloss.readers.files.events import masked_crc

N = 48
RNG = np.random.default_rng(5)
Y = RNG.integers(3, size=N)
Z = np.round(2 * (RNG.normal(size=(N, 3)) + 1.5 * np.eye(3)[Y]), 3).astype(np.float32)
IDS = [f"s{k:03d}" for k in range(N)]
LOSSES = [0.9, 0.62, 0.51, 0.47, 0.49, 0.55, 0.63]
SCORES = [0.61, 0.7, 0.77, 0.8, 0.81, 0.81, 0.8]


@dataclass(frozen=True)
class Seed:
    """A file, and the others that lie beside it.

    `name` is the path of the file; `source` what is passed to whyloss: the file, or its folder.
    """

    name: str
    content: bytes
    source: str
    others: tuple[tuple[str, bytes], ...] = ()


def corpus():
    """Make every seed; the same ones each time."""
    seeds = [
        Seed(name, content, name)
        for name, content in {**_arrays(), **_tables(), **_texts()}.items()
    ]
    seeds.append(Seed("events.out.tfevents.1", _events(), "events.out.tfevents.1"))
    seeds.append(Seed("run-1.wandb", _wandb(), "run-1.wandb"))
    with TemporaryDirectory() as folder:
        seeds += _folders(Path(folder))
        seeds += _databases(Path(folder))
    return seeds


def _saved(save, *arguments, **keywords):
    file = io.BytesIO()
    save(file, *arguments, **keywords)
    return file.getvalue()


def _arrays():
    fields = np.zeros(N, dtype=[("y_true", "i4"), ("logits", "f4", 3), ("id", "U4")])
    fields["y_true"], fields["logits"], fields["id"] = Y, Z, IDS
    header = json.dumps(
        {
            "y_true": {"dtype": "I64", "shape": [N], "data_offsets": [0, 8 * N]},
            "logits": {"dtype": "F32", "shape": [N, 3], "data_offsets": [8 * N, 20 * N]},
        }
    ).encode()
    body = Y.astype("<i8").tobytes() + Z.astype("<f4").tobytes()
    return {
        "stored.npz": _saved(np.savez, y_true=Y, logits=Z, ids=IDS),
        "zipped.npz": _saved(np.savez_compressed, y_true=Y, logits=Z, ids=IDS),
        "curves.npz": _saved(np.savez, val_loss=LOSSES, val_accuracy=SCORES),
        "fields.npy": _saved(np.save, fields),
        "a.safetensors": struct.pack("<Q", len(header)) + header + body,
    }


def _tables():
    lists = pa.table(
        {"id": IDS, "y_true": Y, "logits": pa.array(Z.tolist(), pa.list_(pa.float32()))}
    )
    curves = pa.table(
        {
            "epoch": range(7),
            "val_loss": LOSSES,
            "val_acc": SCORES,
            "name": pa.array(["a"] * 7).dictionary_encode(),
        }
    )

    def stream(table, new):
        sink = pa.BufferOutputStream()
        with new(sink, table.schema) as writer:
            writer.write_table(table)
        return sink.getvalue().to_pybytes()

    return {
        "lists.parquet": _saved(lambda file: pa_parquet.write_table(lists, file)),
        "plain.parquet": _saved(
            lambda file: pa_parquet.write_table(curves, file, compression="none")
        ),
        "lists.arrow": stream(lists, pa.ipc.new_file),
        "curves.arrow": stream(curves, pa.ipc.new_file),
        "lists.arrows": stream(lists, pa.ipc.new_stream),
    }


def _texts():
    rows = [f"{i},{y},{','.join(map(str, z))}" for i, y, z in zip(IDS, Y, Z.tolist(), strict=True)]
    curves = list(zip(range(7), LOSSES, SCORES, strict=True))
    records = [
        json.dumps({"guid": i, "label": int(y), "logits": z})
        for i, y, z in zip(IDS, Y, Z.tolist(), strict=True)
    ]
    state = [{"epoch": e, "eval_loss": a, "eval_accuracy": b, "step": 10 * e} for e, a, b in curves]
    bars = [
        f"Epoch {e + 1}/7\n10/10 [====] - 1s - loss: {a:.3f} - val_loss: {a:.4f} - val_accuracy: {b}"
        for e, a, b in curves
    ]
    written = {
        "p.csv": "id,y_true,logit_0,logit_1,logit_2\n" + "\n".join(rows) + "\n",
        "h.csv": "epoch,val_loss,val_accuracy\n" + "".join(f"{e},{a},{b}\n" for e, a, b in curves),
        "p.jsonl": "\n".join(records) + "\n",
        "h.json": json.dumps({"val_loss": LOSSES, "val_accuracy": SCORES}),
        "h.txt": str({"val_loss": LOSSES, "val_accuracy": SCORES}),
        "state.json": json.dumps({"log_history": state, "num_train_epochs": 7}),
        "train.log": "\n".join(bars) + "\n",
        "lines.log": "".join(
            f"[12:0{e}] epoch {e} | val loss {a} | val acc {100 * b:.1f} %\n" for e, a, b in curves
        ),
    }
    return {name: text.encode() for name, text in written.items()}


# --- messages of Protocol Buffers ---------------------------------------------------------------


def _varint(number):
    digits = b""
    while number > 127:
        digits += bytes([number & 127 | 128])
        number >>= 7
    return digits + bytes([number])


def _field(number, content):
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _events():
    file = b""
    for step, (loss, score) in enumerate(zip(LOSSES, SCORES, strict=True)):
        for tag, value in (("val_loss", loss), ("val_accuracy", score)):
            scalar = _field(1, tag.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", value)
            event = _varint(2 << 3) + _varint(step) + _field(5, _field(1, scalar))
            head = struct.pack("<Q", len(event))
            file += head + struct.pack("<I", masked_crc(head))
            file += event + struct.pack("<I", masked_crc(event))
    return file


def _wandb():
    file = b":W&B" + bytes(3)
    for step, (loss, score) in enumerate(zip(LOSSES, SCORES, strict=True)):
        items = b"".join(
            _field(1, _field(1, key.encode()) + _field(16, json.dumps(value).encode()))
            for key, value in (("epoch", step), ("val_loss", loss), ("val_accuracy", score))
        )
        record = _field(2, items)
        file += (
            struct.pack("<IHB", zlib.crc32(record, zlib.crc32(b"\x01")), len(record), 1) + record
        )
    return file


# --- several files ------------------------------------------------------------------------------


def _folders(folder):
    """A recorded run, and arrays that lie beside each other: each of their files in turn."""
    with Recorder(folder / "run", classes=["a", "b", "c"]) as recorder:
        for epoch in range(2):
            recorder.log(
                split="val",
                epoch=epoch,
                logits=Z * (1 + epoch),
                y_true=Y,
                ids=IDS,
                slices={"site": [f"site {k % 2}" for k in range(N)]},
                weights=1 + 0.5 * (Y == 1),
            )
            recorder.log_scalars(epoch=epoch, loss=0.5, accuracy=0.8)
        recorder.log_samples("val", IDS, text=[f"text {k}" for k in range(N)])
    (folder / "beside").mkdir()
    np.save(folder / "beside" / "logits.npy", Z)
    np.save(folder / "beside" / "labels.npy", Y)
    for base, source in (("run", "run"), ("beside", "beside/logits.npy")):
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted((folder / base).rglob("*"))
            if path.is_file()
        }
        for name, content in files.items():
            others = tuple((other, text) for other, text in files.items() if other != name)
            yield Seed(name, content, source, others)


def _databases(folder):
    path = folder / "mlflow.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE runs (run_uuid TEXT, name TEXT)")
        database.execute(
            "CREATE TABLE metrics"
            " (key TEXT, value REAL, timestamp INT, run_uuid TEXT, step INT, is_nan INT)"
        )
        database.execute("INSERT INTO runs VALUES ('r1', 'first')")
        for step, (loss, score) in enumerate(zip(LOSSES, SCORES, strict=True)):
            for key, value in (("val_loss", loss), ("val_accuracy", score)):
                row = (key, value, step, "r1", step, 0)
                database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
    database.close()
    yield Seed("mlflow.db", path.read_bytes(), "mlflow.db")
