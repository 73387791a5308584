"""Files of predictions: labels, scores and their scale by name, never by guess."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from conftest import require
from whyloss.errors import DataError, FormatError, WhylossError
from whyloss.readers import ReadOptions, frame, read
from whyloss.readers.files.predictions import read_predictions

Y = np.array([0, 2, 1, 2])
Z = np.array([[2.0, 0.5, -1.0], [0.0, 0.25, 1.5], [0.5, 0.75, 0.0], [1.0, 0.0, 0.5]])
P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)


def only(source):
    (split,) = source.splits
    (epoch,) = source.epochs(split)
    return source.predictions(split, epoch)


# --- tables -------------------------------------------------------------------------------------


def csv_of(path, columns):
    rows = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("names", "scale"),
    [
        ("logit_{}", "logits"),
        ("logits_{}", "logits"),
        ("Logit {}", "logits"),
        ("p_{}", "probs"),
        ("prob_{}", "probs"),
        ("proba{}", "probs"),
        ("class_{}_probability", "probs"),
        ("log_prob_{}", "log_probs"),
        ("logprobs.{}", "log_probs"),
    ],
)
def test_columns_per_class_tell_their_scale(tmp_path, names, scale):
    columns = {"id": range(10, 14), "label": Y}
    columns |= {names.format(k): Z[:, k] for k in range(3)}
    got = only(read(csv_of(tmp_path / "a.csv", columns)))
    assert got.scale == scale
    np.testing.assert_array_equal(got.scores, Z)
    np.testing.assert_array_equal(got.y_true, Y)
    assert got.ids.tolist() == [10, 11, 12, 13]
    assert got.split == "val"


def test_names_of_classes_come_from_the_columns(tmp_path):
    columns = {"y_true": np.array(["cat", "dog", "eel"])[Y]}
    columns |= {f"p_{name}": P[:, k] for k, name in enumerate(["cat", "dog", "eel"])}
    source = read(csv_of(tmp_path / "a.csv", columns))
    got = only(source)
    assert got.classes == ("cat", "dog", "eel")
    np.testing.assert_array_equal(got.y_true, Y)
    assert source.notes == ('Read as: y_true ← "y_true", probs ← "p_cat" … "p_eel".',)


def test_columns_out_of_order_and_classes_from_one(tmp_path):
    columns = {"target": Y + 1} | {f"p_{k + 1}": P[:, k] for k in (2, 0, 1)}
    got = only(read(csv_of(tmp_path / "a.csv", columns)))
    assert got.classes == ("1", "2", "3")
    np.testing.assert_array_equal(got.y_true, Y)
    np.testing.assert_allclose(got.scores, P)


def test_one_column_is_the_second_of_two_classes(tmp_path):
    path = csv_of(tmp_path / "a.csv", {"y": [0, 1, 1, 0], "prob": [0.2, 0.7, 0.4, 0.1]})
    got = only(read(path))
    assert got.scale == "probs"
    assert got.scores.shape == (4, 1)
    assert got.n_classes == 2


def test_logits_are_taken_where_probabilities_lie_beside_them(tmp_path):
    columns = {"label": Y} | {f"p_{k}": P[:, k] for k in range(3)}
    columns |= {f"logit_{k}": Z[:, k] for k in range(3)}
    path = csv_of(tmp_path / "a.csv", columns)
    assert only(read(path)).scale == "logits"
    assert only(read(path, options=ReadOptions(scale="probs"))).scale == "probs"


@pytest.mark.parametrize("names", ["score_{}", "output_{}", "{}"])
def test_a_scale_that_no_name_tells_is_asked_for(tmp_path, names):
    columns = {"label": Y} | {names.format(k): Z[:, k] for k in range(3)}
    path = csv_of(tmp_path / "a.csv", columns)
    with pytest.raises(DataError, match=r"logits or probabilities\? .* Add --scale logits"):
        read(path)
    assert only(read(path, options=ReadOptions(scale="logits"))).scale == "logits"


def test_rows_of_several_splits_and_epochs(tmp_path):
    columns = {
        "split": ["train", "validation", "train", "validation"],
        "epoch": [3, 3, 4, 4],
        "label": Y,
        "weight": [1.0, 2.0, 1.0, 2.0],
    } | {f"logit_{k}": Z[:, k] for k in range(3)}
    got = read(csv_of(tmp_path / "a.csv", columns))
    assert set(got.splits) == {"train", "val"}
    assert got.epochs("val") == (3, 4)
    np.testing.assert_array_equal(got.predictions("val", 4).scores, Z[3:])
    assert got.predictions("val", 4).y_true.tolist() == [2]


def test_parquet_with_lists(tmp_path):
    table = pa.table({"guid": ["a", "b", "c", "d"], "gold": Y, "log_probs": np.log(P).tolist()})
    pa_parquet.write_table(table, tmp_path / "test.parquet")
    got = only(read(tmp_path / "test.parquet"))
    assert (got.scale, got.split) == ("log_probs", "test")
    assert got.ids.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_allclose(got.scores, np.log(P))


def test_json_lines_of_training_dynamics(tmp_path):
    path = tmp_path / "dynamics.jsonl"
    path.write_text(
        "".join(
            json.dumps({"guid": k + 5, "logits_epoch_1": list(row), "gold": int(y)}) + "\n"
            for k, (row, y) in enumerate(zip(Z, Y, strict=True))
        )
    )
    got = read(path)
    assert got.epochs("val") == (1,)
    np.testing.assert_array_equal(only(got).scores, Z)
    assert only(got).ids.tolist() == [5, 6, 7, 8]


def test_frames_of_any_library():
    columns = {"label": Y, "logits": Z.tolist()}
    pandas = require("pandas")
    for made in (pa.table(columns), pandas.DataFrame(columns)):
        np.testing.assert_array_equal(only(frame(made)).scores, Z)
    wide = pandas.DataFrame({"label": Y, **{f"p_{k}": P[:, k] for k in range(3)}})
    np.testing.assert_array_equal(only(frame(wide)).scores, P)


# --- arrays -------------------------------------------------------------------------------------


def test_npz(tmp_path):
    np.savez(tmp_path / "a.npz", labels=Y, probs=P, guid=[7, 8, 9, 10])
    got = only(read(tmp_path / "a.npz"))
    np.testing.assert_array_equal(got.scores, P)
    assert got.ids.tolist() == [7, 8, 9, 10]


def test_npz_with_names_of_classes(tmp_path):
    names = np.array(["cat", "dog", "eel"])
    np.savez(tmp_path / "a.npz", y_true=names[Y], logits=Z, classes=names)
    assert only(read(tmp_path / "a.npz")).y_true.tolist() == Y.tolist()


def test_npz_of_several_epochs(tmp_path):
    np.savez(tmp_path / "a.npz", labels=Y, logits=np.stack([Z, 2 * Z]), epochs=[2, 5])
    got = read(tmp_path / "a.npz")
    assert got.epochs("val") == (2, 5)
    np.testing.assert_array_equal(got.predictions("val", 5).scores, 2 * Z)


def test_npz_of_several_splits(tmp_path):
    np.savez(tmp_path / "a.npz", train_labels=Y[:2], train_logits=Z[:2], val_labels=Y, val_logits=Z)
    got = read(tmp_path / "a.npz")
    assert got.predictions("train", 0).y_true.tolist() == Y[:2].tolist()
    assert got.predictions("val", 0).y_true.tolist() == Y.tolist()


def test_npy_with_its_labels_beside_it(tmp_path):
    np.save(tmp_path / "logits.npy", Z)
    with pytest.raises(DataError, match="There are predictions, but no labels"):
        read(tmp_path / "logits.npy")
    np.save(tmp_path / "labels.npy", Y)
    np.save(tmp_path / "unrelated.npy", np.zeros(9))
    np.testing.assert_array_equal(only(read(tmp_path / "logits.npy")).y_true, Y)


def test_npy_with_fields(tmp_path):
    rows = np.zeros(4, dtype=[("label", "i4"), ("probs", "f4", (3,))])
    rows["label"], rows["probs"] = Y, P
    np.save(tmp_path / "a.npy", rows)
    np.testing.assert_array_equal(only(read(tmp_path / "a.npy")).y_true, Y)


def safetensors_of(arrays):
    kinds = {"float64": "F64", "float32": "F32", "int64": "I64", "uint16": "BF16"}
    header, at = {"__metadata__": {"format": "np"}}, 0
    for name, array in arrays.items():
        end = at + array.nbytes
        header[name] = {
            "dtype": kinds[str(array.dtype)],
            "shape": array.shape,
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(a.tobytes() for a in arrays.values())


def test_safetensors(tmp_path):
    path = tmp_path / "val.safetensors"
    path.write_bytes(safetensors_of({"labels": Y, "logits": Z}))
    np.testing.assert_array_equal(only(read(path)).scores, Z)
    halves = (Z.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)  # exact for these
    path.write_bytes(safetensors_of({"labels": Y, "logits": halves}))
    np.testing.assert_array_equal(only(read(path)).scores, Z)


def test_safetensors_as_their_own_library_writes_them(tmp_path):
    save = require("safetensors.numpy").save_file
    save({"labels": Y, "logits": Z}, tmp_path / "a.safetensors")
    np.testing.assert_array_equal(only(read(tmp_path / "a.safetensors")).scores, Z)


# --- what does not fit --------------------------------------------------------------------------


def test_nothing_is_unpickled(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was run",))

    np.savez(tmp_path / "a.npz", labels=np.array([Harmful()], dtype=object), logits=Z)
    with pytest.raises(FormatError, match=r"arrays of numbers or strings.*numpy\.savez"):
        read(tmp_path / "a.npz")


def test_a_cut_file_says_so(tmp_path):
    whole = safetensors_of({"labels": Y, "logits": Z})
    path = tmp_path / "a.safetensors"
    for end in (7, 20, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(FormatError, match="is damaged or cut short"):
            read(path)
    np.savez(tmp_path / "b.npz", labels=Y, logits=Z)
    (tmp_path / "b.npz").write_bytes((tmp_path / "b.npz").read_bytes()[:-30])
    with pytest.raises(FormatError, match=r"b.npz cannot be read"):
        read(tmp_path / "b.npz")


def test_labels_that_do_not_fit_say_so(tmp_path):
    path = csv_of(tmp_path / "a.csv", {"label": Y + 3} | {f"p_{k}": P[:, k] for k in range(3)})
    with pytest.raises(DataError, match="lie outside the 3 classes"):
        read(path)


NAMES = st.sampled_from(
    ["label", "y_true", "logits", "probs", "p_a", "p_b", "logit_0", "logits_epoch_2", "val_probs", "id",
     "epoch", "epochs", "split", "classes", "weight", "0", "1", "score", "train_labels", "x"]
)  # fmt: skip
ARRAYS = st_np.arrays(
    st.sampled_from(["f8", "i8", "U2", "?"]), st_np.array_shapes(min_dims=0, max_dims=3, max_side=3)
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, ARRAYS, max_size=6), st.sampled_from([None, "logits", "probs"]))
def test_arrays_of_any_shape_give_predictions_or_one_clear_error(arrays, scale):
    try:
        got = read_predictions(arrays, ReadOptions(scale=scale), "test")
    except WhylossError:
        return
    assert got.splits
