"""Files that are damaged, or made to do harm: each ends in one sentence, and in bounded memory."""

import contextlib
import io
import json
import os
import struct
import time
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest

from whyloss.errors import DataError, FormatError
from whyloss.readers import ReadOptions, frame, read
from whyloss.readers.files import limits
from whyloss.readers.files.files import _chunks
from whyloss.readers.files.json import parse_printed

Y = np.arange(60) % 3
Z = np.random.default_rng(0).normal(size=(60, 3))


def npy(header, body=bytes(64)):
    text = header.encode("latin-1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def zipped(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


# --- arrays of NumPy ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "{",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (",
        "'''",
        "[" * 5000,
        "{'descr': 5, 'fortran_order': False, 'shape': (3,), }",
        "{'descr': [('a', '<f8'), ('a', '<f8')], 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 10), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
        "{'descr': '|S1', 'fortran_order': False, 'shape': (100000000000,), }",
    ],
)
def test_headers_of_arrays_that_are_none_or_promise_too_much_are_refused(tmp_path, header):
    (tmp_path / "logits.npy").write_bytes(npy(header))
    with pytest.raises(FormatError, match=r"logits\.npy cannot be read"):
        read(tmp_path / "logits.npy")
    path = zipped(tmp_path / "a.npz", {"logits.npy": npy(header), "y_true.npy": saved(Y)})
    with pytest.raises(FormatError, match=r"a\.npz cannot be read"):
        read(path)


def test_strings_with_codes_that_are_no_characters_are_refused(tmp_path):
    for code in (0x110000, 0xFFFFFFFF, 0xD800):
        names = np.array(["cat", "dog", "eel"])[Y]
        names.view(np.uint32)[4] = code
        np.savez(tmp_path / "a.npz", y_true=names, logits=Z)
        with pytest.raises(FormatError, match="no characters"):
            read(tmp_path / "a.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_whose_bytes_are_damaged_are_refused(tmp_path, method):
    members = {"y_true.npy": saved(Y), "logits.npy": saved(Z)}
    whole = zipped(tmp_path / "a.npz", members, method).read_bytes()
    for at in range(40, len(whole) - 60, 50):
        (tmp_path / "a.npz").write_bytes(whole[:at] + b"\xff" * 30 + whole[at + 30 :])
        with pytest.raises(FormatError, match=r"a\.npz cannot be read"):
            read(tmp_path / "a.npz")


def test_archives_of_unknown_compression_or_with_a_password_are_refused(tmp_path):
    whole = zipped(tmp_path / "a.npz", {"y_true.npy": saved(Y)}).read_bytes()
    entry = whole.index(b"PK\x01\x02")
    unknown, locked = bytearray(whole), bytearray(whole)
    unknown[8:10] = unknown[entry + 10 : entry + 12] = b"\x63\x00"
    locked[6] |= 1
    locked[entry + 8] |= 1
    for content, said in ((unknown, "compression method"), (locked, "encrypted")):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(FormatError, match=said):
            read(tmp_path / "a.npz")


def test_an_archive_without_arrays_is_refused_by_what_it_may_be(tmp_path):
    path = zipped(
        tmp_path / "model.pt", {"archive/data.pkl": b"\x80\x02}.", "archive/version": "3"}
    )
    with pytest.raises(FormatError, match="such as a checkpoint of PyTorch"):
        read(path)
    path = zipped(tmp_path / "a.npz", {"y_true.npy": "hello", "logits.npy": "x" * 99})
    with pytest.raises(FormatError, match="no array"):
        read(path)


def test_an_unreadable_neighbour_of_an_array_is_left_out_and_named(tmp_path):
    np.save(tmp_path / "logits.npy", Z)
    np.save(tmp_path / "labels.npy", Y)
    np.save(tmp_path / "vocab.npy", np.array([{}], dtype=object), allow_pickle=True)
    source = read(tmp_path / "logits.npy")
    assert len(source.predictions("val", None or source.epochs("val")[0])) == 60
    assert any("vocab.npy, which lies beside it, was left out" in note for note in source.notes)


# --- safetensors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        [1, 2],
        {"a": 5},
        {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}},
        {"a": {"dtype": "F32", "shape": [-1, -16], "data_offsets": [0, 64]}},
        {"a": {"dtype": "F32", "shape": [4.0], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": "abcd", "data_offsets": ["0", "16"]}},
        {"a": {"dtype": ["x"], "shape": [4], "data_offsets": [0, 16]}},
        {"a": {"dtype": "F32", "shape": [1] * 70, "data_offsets": [0, 4]}},
    ],
)
def test_hostile_headers_of_safetensors_are_refused(tmp_path, header):
    text = json.dumps(header).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(64))
    with pytest.raises(FormatError, match=r"a\.safetensors"):
        read(path)


# --- sizes --------------------------------------------------------------------------------------


def test_what_unpacks_to_a_thousand_times_its_size_is_refused_before_it_is_unpacked(tmp_path):
    rows = 3_500_000
    head = npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, 10), }}", b"")
    path = tmp_path / "a.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("logits.npy", "w") as member,
    ):
        member.write(head)
        for _ in range(20):
            member.write(bytes(rows * 4))
    began = time.process_time()
    with pytest.raises(
        FormatError, match=r"too large to be read: expected at most 268 MB .* got 280 MB"
    ):
        read(path)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("suffix", ["npz", "npy", "parquet", "arrow", "csv", "json", "safetensors"])
def test_the_limit_holds_for_every_format_and_a_larger_one_lets_the_same_file_pass(
    tmp_path, suffix
):
    columns = {"y_true": Y} | {f"logit_{k}": Z[:, k] for k in range(3)}
    table = pa.table(columns)
    path = tmp_path / f"logits.{suffix}"
    if suffix == "npz":
        np.savez(path, **columns)
    elif suffix == "npy":
        np.save(path, Z)
        np.save(tmp_path / "labels.npy", Y)
    elif suffix == "parquet":
        pa_parquet.write_table(table, path)
    elif suffix == "arrow":
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    elif suffix == "csv":
        pa_csv.write_csv(table, path)
    elif suffix == "json":
        path.write_text(json.dumps({name: column.tolist() for name, column in columns.items()}))
    else:
        body = Y.astype("<i8").tobytes() + Z.astype("<f8").tobytes()
        header = json.dumps(
            {
                "y_true": {"dtype": "I64", "shape": [60], "data_offsets": [0, 480]},
                "logits": {"dtype": "F64", "shape": [60, 3], "data_offsets": [480, 1920]},
            }
        ).encode()
        path.write_bytes(struct.pack("<Q", len(header)) + header + body)
    with pytest.raises(FormatError, match="--max-bytes"):
        read(path, options=ReadOptions(max_bytes=1000))
    source = read(path, options=ReadOptions(max_bytes=1_000_000))
    assert len(source.predictions("val", source.epochs("val")[0])) == 60


def test_a_long_text_that_a_file_repeats_is_kept_once(tmp_path):
    text = "x" * 200_000
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(5000, np.int32)), pa.array([text]))
    table = pa.table({"y_true": np.arange(5000) % 2, "p": np.full(5000, 0.5), "text": column})
    pa_parquet.write_table(table, tmp_path / "a.parquet")
    path = str(tmp_path / "a.arrow")
    with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    for name in ("a.parquet", "a.arrow"):  # a gigabyte if each row had its own copy
        source = read(tmp_path / name)
        assert len(source.predictions("val", source.epochs("val")[0])) == 5000


def test_the_limit_is_a_hundred_times_the_file_and_never_more_than_half_of_the_memory(
    tmp_path, monkeypatch
):
    path = tmp_path / "a"
    path.write_bytes(bytes(10_000_000))
    monkeypatch.setattr(limits, "_memory", lambda: 1 << 40)
    assert limits.byte_limit(path, ReadOptions()) == 1_000_000_000
    monkeypatch.setattr(limits, "_memory", lambda: 1_000_000_000)
    assert limits.byte_limit(path, ReadOptions()) == 500_000_000
    path.write_bytes(b"1")
    assert limits.byte_limit(path, ReadOptions()) == 1 << 28
    assert limits.byte_limit(path, ReadOptions(max_bytes=7)) == 7


# --- Arrow --------------------------------------------------------------------------------------


def read_damaged(path, whole, rng, *, first, last, most):
    """Turn up to `most` bits round between two places, and read or refuse the file."""
    damaged = bytearray(whole)
    for at in rng.integers(first, last, size=rng.integers(1, most + 1)):
        damaged[at] ^= 1 << int(rng.integers(8))
    path.write_bytes(damaged)
    with contextlib.suppress(FormatError, DataError):
        read(path)


def test_damaged_arrow_files_are_refused_and_never_read_outside_of_the_file(tmp_path):
    rng = np.random.default_rng(3)
    table = pa.table({"y_true": [f"class {k}" for k in Y], "logits": Z.tolist()})
    path = tmp_path / "a.arrow"
    for new in (pa.ipc.new_file, pa.ipc.new_stream):
        with pa.OSFile(str(path), "wb") as file, new(file, table.schema) as writer:
            writer.write_table(table)
        whole = path.read_bytes()
        for _ in range(150):
            read_damaged(path, whole, rng, first=0, last=len(whole), most=5)


def test_damaged_metadata_of_parquet_files_are_refused(tmp_path):
    rng = np.random.default_rng(4)
    path = tmp_path / "a.parquet"
    pa_parquet.write_table(pa.table({"epoch": range(7), "val_loss": np.linspace(1, 0.5, 7)}), path)
    whole = path.read_bytes()
    length = int.from_bytes(whole[-8:-4], "little")
    for _ in range(300):
        read_damaged(path, whole, rng, first=len(whole) - 8 - length, last=len(whole) - 8, most=3)


def test_numbers_that_a_parquet_file_repeats_are_counted_while_they_are_unpacked(tmp_path):
    path = tmp_path / "a.parquet"
    column = np.zeros(20_000_000)
    pa_parquet.write_table(pa.table({"epoch": column, "val_loss": column}), path)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(FormatError, match="too large to be read: expected at most 268 MB"):
        read(path)


def test_columns_of_neither_numbers_nor_text_are_left_out_and_named(tmp_path):
    table = pa.table(
        {
            "y_true": Y,
            "logits": Z.tolist(),
            "image": [b"\x00\xff"] * 60,
            "boxes": [[[1.0, 2.0]]] * 60,
            "nothing": pa.nulls(60),
        }
    )
    pa_parquet.write_table(table, tmp_path / "a.parquet")
    source = read(tmp_path / "a.parquet")
    assert "Left out: 3 columns of neither numbers nor text: image, boxes, nothing." in source.notes


# --- text ---------------------------------------------------------------------------------------


def test_whole_numbers_of_hundreds_of_digits_are_no_fault(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"val_loss": [' + "9" * 400 + ', 0.5], "val_accuracy": [0.5, 0.6]}')
    assert read(path).history.columns["val", "loss"].tolist() == [np.inf, 0.5]
    path.write_text('{"val_loss": {"²": 0.5, "³": 0.4}, "val_accuracy": [0.5, 0.6]}')
    read(path)


def test_a_cut_last_line_of_records_is_said(tmp_path):
    lines = [json.dumps({"label": k % 2, "logits": [1.0, 2.0 + k % 2]}) for k in range(100)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(lines)[:-9])
    source = read(path)
    assert len(source.predictions("val", source.epochs("val")[0])) == 99
    assert any("the last line, which is no whole record" in note for note in source.notes)
    path.write_text("\n".join(lines))
    assert not any("last line" in note for note in read(path).notes)


def test_printed_arrays_without_an_end_are_looked_at_once():
    def seconds(n):
        text = "{'val_loss': [array(" + ", dtype=x" * n + "], 'val_acc': [0.5]}"
        began = time.process_time()
        assert parse_printed(text) is None
        return time.process_time() - began

    assert seconds(40_000) < 0.5


def test_many_columns_of_one_name_take_no_time_of_their_number_squared(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("epoch,val_loss," + ",".join(["x"] * 5_000) + "\n1,0.5" + ",1" * 5_000 + "\n")
    began = time.process_time()
    read(path)
    assert time.process_time() - began < 20


def test_a_log_that_grows_while_it_is_read_is_read_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "train.log"
    line = "epoch {} val_loss: 0.5 val_accuracy: 0.8\n"
    path.write_text("".join(map(line.format, range(3))))
    open_path = type(path).open

    def growing(self, *arguments, **keywords):
        with open_path(self, "a") as file:
            file.write(line.format(9) * 3)
        return open_path(self, *arguments, **keywords)

    size = path.stat().st_size
    monkeypatch.setattr(type(path), "open", growing)
    assert len("".join(_chunks(path, "utf-8", size))) == size


# --- data frames --------------------------------------------------------------------------------


def test_frames_whose_columns_have_no_single_name_are_refused():
    pandas = pytest.importorskip("pandas")
    twice = pandas.DataFrame(np.c_[Y, Z], columns=["y_true", "p_0", "p_0", "p_1"])
    with pytest.raises(DataError, match="same name"):
        frame(twice)
    levels = pandas.MultiIndex.from_tuples(
        [("a", "y_true"), ("a", "p_0"), ("a", "p_1"), ("b", "c")]
    )
    with pytest.raises(DataError, match="several levels"):
        frame(pandas.DataFrame(np.c_[Y, Z], columns=levels))


# --- places -------------------------------------------------------------------------------------


def test_a_name_that_is_no_utf8_is_as_good_as_another(tmp_path):
    written = {
        "c.csv": b"epoch,val_loss,val_accuracy\n1,0.5,0.7\n2,0.4,0.8\n",
        "a.json": b'{"val_loss": [0.5, 0.4], "val_accuracy": [0.7, 0.8]}',
    }
    table = pa.table({"epoch": [1, 2], "val_loss": [0.5, 0.4], "val_accuracy": [0.7, 0.8]})
    for name, write in (("a.parquet", pa_parquet.write_table), ("a.arrow", None)):
        sink = pa.BufferOutputStream()
        if write is not None:
            write(table, sink)
        else:
            with pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        written[name] = sink.getvalue().to_pybytes()
    for name, content in written.items():
        path = tmp_path / os.fsdecode(b"\xff" + name.encode())
        try:
            path.write_bytes(content)
        except OSError:
            pytest.skip("this file system takes no such names")
        assert len(read(path).history.epochs) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_folders_that_are_called_as_files_are_passed_over(tmp_path):
    os.mkfifo(tmp_path / "events.tfevents")
    (tmp_path / "tfevents").mkdir()
    with pytest.raises(FormatError):
        read(tmp_path)
    folder = tmp_path / "arrays"
    folder.mkdir()
    np.save(folder / "logits.npy", Z)
    np.save(folder / "labels.npy", Y)
    os.mkfifo(folder / "others.npy")
    assert read(folder / "logits.npy").splits == ("val",)


def test_a_header_that_numpy_warns_of_is_read_without_a_word(tmp_path):
    body = Y.astype("<i8").tobytes()
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({len(Y)}L,), }}"  # of Python 2
    path = zipped(tmp_path / "a.npz", {"y_true.npy": npy(header, body), "logits.npy": saved(Z)})
    assert read(path).splits == ("val",)
