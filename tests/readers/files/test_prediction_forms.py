"""Prediction files that need a choice, or that are of another task: each says what it is."""

import json

import numpy as np
import pytest

from whyloss import diagnose
from whyloss.errors import DataError, FormatError
from whyloss.readers import ReadOptions, read
from whyloss.readers.files.predictions import read_predictions

N = 120
RNG = np.random.default_rng(7)
NAMES = np.array(["ash", "elm", "oak"])
Y = RNG.integers(3, size=N)
Z = 2 * np.eye(3)[Y] + RNG.normal(size=(N, 3))
P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
BEST = P.argmax(axis=1)
IDS = [f"img{k}.png" for k in range(N)]
Y2 = (Y > 0).astype(int)
ONE = 1 / (1 + np.exp(-(1.5 * (2 * Y2 - 1) + RNG.normal(size=N))))


def opened(named, **options):
    arrays = {name: np.asarray(values) for name, values in named.items()}
    return read_predictions(arrays, ReadOptions(**options), "file")


def only(source):
    (split,) = source.splits
    (epoch,) = source.epochs(split)
    return source.predictions(split, epoch)


def per_class(form="p_{}", names=NAMES):
    return {form.format(name): P[:, k] for k, name in enumerate(names)}


# --- several models ------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("logreg", "xgb"), ("a", "b", "c")])
def test_a_column_of_each_of_several_models_is_chosen_by_name(names):
    columns = {"label": Y2} | {f"p_{name}": ONE ** (k + 1) for k, name in enumerate(names)}
    with pytest.raises(DataError, match=f"several models.*{', '.join(names)}.*--model {names[0]}"):
        opened(columns)
    got = only(opened(columns, model=names[1]))
    np.testing.assert_array_equal(got.scores[:, 0], ONE**2)
    with pytest.raises(DataError, match="no model 'svm'"):
        opened(columns, model="svm")


def test_columns_of_each_class_of_several_models():
    columns = {"label": NAMES[Y]}
    columns |= {f"p_net_{name}": P[:, k] for k, name in enumerate(NAMES)}
    alone = only(opened(columns))
    assert alone.classes == tuple(NAMES)
    columns |= {f"p_tree_{name}": P[:, (k + 1) % 3] for k, name in enumerate(NAMES)}
    with pytest.raises(DataError, match=r"several models.*net, tree"):
        opened(columns)
    np.testing.assert_array_equal(only(opened(columns, model="net")).scores, P)


def test_arrays_of_several_models():
    columns = {"labels": Y, "probs_small": P, "probs_large": P[:, ::-1]}
    with pytest.raises(DataError, match=r"several models.*small, large"):
        opened(columns)
    np.testing.assert_array_equal(only(opened(columns, model="small")).scores, P)


@pytest.mark.parametrize("name", ["model", "run", "seed"])
def test_rows_of_several_models_are_never_pooled(name):
    columns = {"label": np.tile(Y, 2), name: np.repeat([3, 5], N)}
    columns |= {label: np.tile(values, 2) for label, values in per_class(names=range(3)).items()}
    with pytest.raises(DataError, match=r"expected one; got 3 .120 rows., 5 .120 rows.*--model 3"):
        opened(columns)
    assert only(opened(columns, model="5")).n_samples == N


def test_folds_that_share_no_sample_are_taken_together_and_said():
    columns = {"id": IDS, "fold": np.arange(N) % 5, "label": Y} | per_class(names=range(3))
    source = opened(columns)
    assert only(source).n_samples == N
    assert any("no sample comes twice" in note for note in source.notes)
    assert only(opened(columns, model="2")).n_samples == N // 5


def test_folds_that_repeat_samples_are_asked_about():
    columns = {"id": IDS * 2, "fold": np.repeat([0, 1], N), "label": np.tile(Y, 2)}
    columns |= {label: np.tile(values, 2) for label, values in per_class(names=range(3)).items()}
    with pytest.raises(DataError, match=r"expected one; got 0 .120 rows., 1 "):
        opened(columns)


def test_columns_of_classes_that_sum_to_one_are_no_models():
    columns = {"label": Y2, "p_no": 1 - ONE, "p_yes": ONE}
    assert only(opened(columns)).classes == ("no", "yes")


# --- predicted classes, and the confidence in them ----------------------------------------------------


def test_predicted_classes_alone_give_what_they_can():
    metrics = pytest.importorskip("sklearn.metrics")
    source = opened({"path": IDS, "true": NAMES[Y], "pred": NAMES[BEST]})
    history = source.history
    assert history.n_val == N
    assert history.n_classes == 3
    assert history.class_shares == pytest.approx([np.mean(k == Y) for k in range(3)])
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(Y, BEST, average="macro")
    for metric, value in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert history.column("val", metric).tolist() == pytest.approx([value])
    right = int((Y == BEST).sum())
    assert history.column("val", "accuracy").tolist() == [right / N]
    notes = " ".join(source.notes)
    assert f"{right} of {N} predictions are right" in notes
    assert "The cross-entropy is not known" in notes
    table = metrics.confusion_matrix(Y, BEST)
    np.fill_diagonal(table, 0)
    true, predicted = np.unravel_index(table.argmax(), table.shape)
    assert f"{NAMES[true]} predicted as {NAMES[predicted]}, {table.max()} times" in notes


@pytest.mark.parametrize(
    ("head", "right"),
    [(("image", "true_label", "predicted_label"), 2), (("text", "gold", "prediction"), 1)],
)
def test_a_table_of_words_alone_is_read_if_it_names_labels_and_predictions(tmp_path, head, right):
    path = tmp_path / "words.csv"
    rows = [("a.png", "ash", "ash"), ("b.png", "elm", "oak"), ("c.png", "oak", "oak")]
    path.write_text("\n".join(",".join(row) for row in (head, *rows[: right + 1])))
    accuracy = read(path).history.column("val", "accuracy")
    assert accuracy.tolist() == [right / (right + 1)]


def test_a_table_of_words_without_predictions_is_no_table_of_classes(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("label,remark\nash,tall\nelm,low\n")
    with pytest.raises(FormatError):
        read(path)


def test_the_verdict_of_predicted_classes_says_what_they_tell():
    found = diagnose(opened({"label": NAMES[Y], "pred": NAMES[BEST]}))
    assert found.verdict.title == "Better than guessing"
    share = 100 * np.mean(Y == BEST)
    assert f"The accuracy of {share:.1f} % (95 %:" in found.verdict.text
    assert "mean recall" in found.verdict.text
    assert "What confidence is due is not known." in found.verdict.text


@pytest.mark.parametrize("form", ["{}_pred", "pred_{}", "{} prediction"])
def test_predicted_classes_of_several_models_are_told_apart(form):
    columns = {"id": IDS, "label": NAMES[Y]}
    columns |= {form.format("net"): NAMES[BEST], form.format("tree"): NAMES[Y]}
    with pytest.raises(DataError, match=rf"several models.*net \(.* of {N} right\), tree \(100"):
        opened(columns)
    right = opened(columns, model="tree").history.column("val", "accuracy")
    assert right.tolist() == [1.0]


def test_classes_alone_are_labels_without_predictions():
    with pytest.raises(DataError, match="labels, but no scores"):
        opened({"image_id": IDS, "label": NAMES[Y]})


def test_boxes_are_declined_as_those_of_a_detector(tmp_path):
    path = tmp_path / "boxes.json"
    rows = [{"image_id": k, "category_id": 1, "bbox": [0, 1, 2, 3], "score": 0.9} for k in range(3)]
    path.write_text(json.dumps(rows))
    with pytest.raises(DataError, match=r"object detector.*Save a row per object"):
        read(path)


def test_the_scores_of_two_classes_are_those_of_the_second():
    metrics = pytest.importorskip("sklearn.metrics")
    guess = (ONE > 0.5).astype(int)
    history = opened({"label": Y2, "y_pred": guess}).history
    assert history.task == "binary"
    assert history.column("val", "recall")[0] == pytest.approx(metrics.recall_score(Y2, guess))
    assert history.column("val", "f1")[0] == pytest.approx(metrics.f1_score(Y2, guess))


@pytest.mark.parametrize(("scale", "said"), [(1.0, ""), (100.0, "is in percent")])
def test_the_confidence_in_the_predicted_class_is_compared_with_the_accuracy(scale, said):
    source = opened({"label": NAMES[Y], "pred": NAMES[BEST], "confidence": scale * P.max(axis=1)})
    assert source.history.column("val", "confidence")[0] == pytest.approx(P.max(axis=1).mean())
    notes = " ".join(source.notes)
    assert said in notes
    assert f"The mean confidence is {100 * P.max(axis=1).mean():.1f} %" in notes
    # The bound holds, and is reached where the other classes have nothing.
    right = Y == BEST
    bound = -np.log(np.where(right, P.max(axis=1), 1 - P.max(axis=1))).mean()
    assert f"The cross-entropy is {bound:.3f} nats or more" in notes
    assert bound < -np.log(P[np.arange(N), Y]).mean()


@pytest.mark.parametrize(
    ("shift", "words"), [(0.0, "agree within chance"), (0.3, "more confident than it is right")]
)
def test_confidence_and_accuracy_apart_are_told_from_chance(shift, words):
    n = 400
    right = np.arange(n) % 10 < 6  # 60 % right
    columns = {
        "label": np.where(right, "a", np.where(np.arange(n) % 2, "b", "c")),
        "pred": np.full(n, "a"),
        "confidence": np.clip(0.6 + shift + 0.05 * np.sin(np.arange(n)), 0, 1),
    }
    assert any(words in note for note in opened(columns).notes)


def test_of_two_classes_the_confidence_gives_the_whole_prediction():
    names = np.array(["no", "yes"])
    guess = (ONE > 0.5).astype(int)
    top = np.maximum(ONE, 1 - ONE)
    source = opened({"id": IDS, "label": names[Y2], "pred": names[guess], "confidence": top})
    got = only(source)
    np.testing.assert_allclose(got.scores[:, 0], ONE)
    assert got.classes == ("no", "yes")
    assert got.ids.tolist() == IDS


def test_the_probability_of_one_class_beside_predictions_is_no_confidence():
    names = np.array(["no", "yes"])
    columns = {"label": names[Y2], "pred": names[(ONE > 0.5).astype(int)], "prob": ONE}
    got = only(opened(columns))
    assert got.classes == ("no", "yes")
    np.testing.assert_array_equal(got.scores[:, 0], ONE)


def test_predictions_under_other_names_than_the_labels_are_refused():
    with pytest.raises(DataError, match=r"no value in common.*--map"):
        opened({"label": NAMES[Y], "pred": BEST})


def test_predicted_classes_of_several_epochs_are_a_curve():
    columns = {"epoch": np.repeat([1, 2], N), "label": np.tile(Y, 2), "pred": np.r_[Y, BEST]}
    history = opened(columns).history
    assert history.epochs.tolist() == [1, 2]
    assert history.column("val", "accuracy").tolist() == [1.0, np.mean(Y == BEST)]


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [None, np.nan, "", -100])
def test_rows_without_a_label_are_left_out_and_counted(missing):
    labels = Y.astype(object)
    labels[[3, 8]] = missing
    source = opened({"id": IDS, "label": labels, "logits": Z})
    got = only(source)
    kept = np.delete(np.arange(N), [3, 8])
    np.testing.assert_array_equal(got.y_true, Y[kept])
    np.testing.assert_array_equal(got.scores, Z[kept])
    assert got.ids.tolist() == [IDS[k] for k in kept]
    assert f"2 rows of {N} without a label left out." in source.notes


def test_no_label_at_all_is_refused():
    with pytest.raises(DataError, match=r"No row of .* has a label"):
        opened({"label": np.full(4, np.nan), "logits": Z[:4]})


def test_one_hot_labels_are_read():
    np.testing.assert_array_equal(only(opened({"y_true": np.eye(3)[Y], "logits": Z})).y_true, Y)
    columns = {f"true_{name}": (k == Y).astype(int) for k, name in enumerate(NAMES)}
    np.testing.assert_array_equal(only(opened(columns | per_class())).y_true, Y)


def test_labels_of_positions_count_as_samples():
    labels = Y.reshape(20, 6).copy()
    labels[:, 5] = -100
    got = only(opened({"labels": labels, "logits": Z.reshape(20, 6, 3)}))
    assert got.n_samples == 100
    np.testing.assert_array_equal(got.scores, Z.reshape(20, 6, 3)[:, :5].reshape(-1, 3))


def test_labels_from_one_and_of_two_signs():
    np.testing.assert_array_equal(only(opened({"label": Y + 1, "logits": Z})).y_true, Y)
    got = only(opened({"label": 2 * Y2 - 1, "prob": ONE}))
    np.testing.assert_array_equal(got.y_true, Y2)


def several(kind):
    rows = (RNG.random((N, 3)) < 0.5).astype(int)
    rows[0] = 1
    if kind == "lists":
        return {
            "path": IDS,
            "found": [str(row.tolist()) for row in rows],
            "rash": ONE,
            "cough": ONE,
        }
    if kind == "array":
        return {"y_true": rows, "logits": Z}
    return {f"true_{name}": rows[:, k] for k, name in enumerate(NAMES)} | per_class()


@pytest.mark.parametrize("kind", ["lists", "array", "columns"])
def test_multi_label_tasks_are_declined_with_the_reason(tmp_path, kind):
    columns = several(kind)
    with pytest.raises(DataError, match="labels of a multi-label task"):
        opened(columns)
    if kind == "lists":
        path = tmp_path / "a.csv"
        lines = [",".join(columns)]
        lines += [f'{a},"{b}",{c},{d}' for a, b, c, d in zip(*columns.values(), strict=True)]
        path.write_text("\n".join(lines) + "\n")
        with pytest.raises(DataError, match="labels of a multi-label task"):
            read(path)


def test_soft_labels_are_declined():
    with pytest.raises(DataError, match="are soft"):
        opened({"y_true": P, "logits": Z})


@pytest.mark.parametrize(
    "targets", [np.sin(np.arange(N)), 1000 + 37 * np.arange(N)], ids=["fractions", "prices"]
)
def test_regressions_are_declined(targets):
    for name in ("predictions", "prob"):
        with pytest.raises(DataError, match="as of a regression; whyloss explains classifiers"):
            opened({"targets": targets, name: targets + 0.1})


def test_few_different_whole_numbers_are_classes():
    with pytest.raises(DataError, match="logits or probabilities"):
        opened({"target": Y2, "score": ONE})


# --- files ----------------------------------------------------------------------------------------


def test_scores_without_labels_say_what_is_missing(tmp_path):
    for header in ("900,800", "filename,prob_ok"):
        path = tmp_path / "a.csv"
        rows = [f"{a:.4f},{b:.4f}" for a, b in zip(ONE, 1 - ONE, strict=True)]
        if header.startswith("file"):
            rows = [f"{name},{row.split(',')[0]}" for name, row in zip(IDS, rows, strict=True)]
        path.write_text("\n".join([header, *rows]) + "\n")
        with pytest.raises(DataError, match=r'no labels.*--map "its name=labels"'):
            read(path)


def test_predicted_classes_are_no_labels():
    with pytest.raises(DataError, match=r'no labels.*"pred_class" holds predicted classes'):
        opened({"filename": IDS, "prob_ok": ONE, "pred_class": NAMES[BEST]})


def test_text_with_line_breaks_does_not_cut_rows(tmp_path):
    path = tmp_path / "a.csv"
    lines = ["text,label,p_ash,p_elm,p_oak"]
    lines += [f'"First, {k}\n\n""second""",{NAMES[Y[k]]},{P[k, 0]},{P[k, 1]},{P[k, 2]}' for k in range(N)]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    np.testing.assert_allclose(only(read(path)).scores, P)


def test_a_thousand_columns_are_recognised(tmp_path):
    k = 1500
    rows = np.full((3, k), 1 / k)
    path = tmp_path / "wide.csv"
    header = ",".join(["label", *(f"probability_of_class_number_{j}" for j in range(k))])
    lines = [",".join(["7", *map(repr, row.tolist())]) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n")
    got = only(read(path, options=ReadOptions(scale="probs")))
    assert got.n_classes == k
    assert got.y_true.tolist() == [7, 7, 7]


@pytest.mark.parametrize(("factor", "divided"), [(0.988, True), (0.999, False), (0.9, False)])
def test_rounded_rows_are_divided_by_their_sum(factor, divided):
    source = opened({"label": Y, "probs": factor * P})
    expected = P if divided else factor * P
    np.testing.assert_allclose(only(source).scores, expected, rtol=1e-12)
    assert any("divided by their sum" in note for note in source.notes) == divided


def test_half_precision_is_scored_whole():
    p = P.astype(np.float16) * np.float16(0.99)
    d = diagnose(Y, probs=only(opened({"label": Y, "probs": p})).scores)
    assert d.verdict.name != "not-probabilities"
    assert d.numbers["accuracy"].value == pytest.approx(np.mean(p.argmax(1) == Y))


def test_scores_under_the_names_of_the_classes():
    columns = {"label": NAMES[Y]} | {name: P[:, k] for k, name in enumerate(NAMES)}
    with pytest.raises(DataError, match=r"--scale probs \(all values lie between 0 and 1\)"):
        opened(columns)
    assert only(opened(columns, scale="probs")).classes == tuple(NAMES)


def test_probabilities_by_class_in_json(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(
            json.dumps({"label": str(NAMES[y]), "probs": dict(zip(NAMES.tolist(), row, strict=True))}) + "\n"
            for y, row in zip(Y, P.tolist(), strict=True)
        )
    )  # fmt: skip
    np.testing.assert_array_equal(only(read(path)).scores, P)


# --- what the caller names ------------------------------------------------------------------------


def test_every_column_can_be_named():
    columns = {"a": NAMES[Y], "b": P[:, 0], "c": P[:, 1], "d": P[:, 2], "e": IDS,
               "f": np.arange(1.0, N + 1), "g": Y % 2, "label": np.zeros(N, dtype=int)}  # fmt: skip
    mapped = {"a": "labels", "b": "probs.ash", "c": "probs.elm", "d": "probs.oak", "e": "ids",
              "f": "weights", "g": "slice"}  # fmt: skip
    got = only(opened(columns, columns=mapped))
    np.testing.assert_array_equal(got.y_true, Y)
    np.testing.assert_array_equal(got.scores, P)
    assert got.ids.tolist() == IDS
    np.testing.assert_array_equal(got.weights, columns["f"])
    np.testing.assert_array_equal(got.slices["g"], Y % 2)


def test_the_class_of_a_lone_column_is_asked_for():
    names = np.array(["no", "yes"])
    columns = {"label": names[Y2], "prob": ONE}
    with pytest.raises(DataError, match=r'Of which class.*--map "prob=probs.yes"'):
        opened(columns)
    for class_name, expected in (("yes", ("no", "yes")), ("no", ("yes", "no"))):
        got = only(opened(columns, columns={"prob": f"probs.{class_name}"}))
        assert got.classes == expected
    assert only(opened({"label": names[Y2], "prob_yes": ONE})).classes == ("no", "yes")


def test_classes_and_confidence_can_be_named():
    source = opened(
        {"x": NAMES[Y], "q": NAMES[BEST], "r": P.max(axis=1)},
        columns={"x": "labels", "q": "predicted", "r": "confidence"},
    )
    assert source.history.column("val", "accuracy").tolist() == [np.mean(Y == BEST)]
    assert ("val", "confidence") in source.history.columns
