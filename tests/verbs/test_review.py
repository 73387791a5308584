"""The review list: who is on it, in which order and why; and as files of three kinds."""

import numpy as np
import pytest

import whyloss
from whyloss.data import InMemorySource, Predictions
from whyloss.errors import DataError
from whyloss.testing import known_cause, rule_out_truth, spoil


def three_epochs(right, *, ids=("a", "b", "c", "d"), odds=4.0):
    """Samples of class 0, right or wrong at each epoch by these odds (in nats)."""
    return InMemorySource(
        Predictions.from_arrays(
            np.zeros(len(ids), dtype=int),
            logits=np.where(np.asarray(row)[:, None], [[odds, 0.0]], [[0.0, odds]]),
            ids=list(ids),
            epoch=epoch,
        )
        for epoch, row in enumerate(right, start=5)
    )


# --- who is on the list, and why ----------------------------------------------------------------


def test_scores_are_the_mean_margins_of_the_epochs():
    known = known_cause(3, signal=3.0, blur=(0.5, 0.4, 0.3), n_samples=300).source
    found = whyloss.review(known)
    assert found.score == "margin"
    assert found.epochs == (1, 2, 3)
    margins = []
    for epoch in found.epochs:
        p = known.predictions("val", epoch)
        label = np.take_along_axis(p.scores, p.y_true[:, None].astype(int), axis=1)[:, 0]
        others = p.scores.copy()
        others[np.arange(len(p)), p.y_true] = -np.inf
        margins.append(others.max(axis=1) - label)
    mean = np.mean(margins, axis=0)
    for row in found.rows:
        assert row.score == pytest.approx(mean[row.id])
    assert [row.score for row in found.rows] == sorted((r.score for r in found.rows), reverse=True)


def test_below_85_percent_the_score_is_one_minus_the_probability_of_the_label():
    known = known_cause(1, signal=1.0, n_samples=300).source
    found = whyloss.review(known)
    assert found.score == "self_confidence"
    for row in found.rows:
        assert row.score == pytest.approx(1.0 - np.exp(-row.log_loss))


def test_every_mistake_is_on_the_list_and_nothing_that_is_right():
    known = known_cause(2, n_samples=500).source
    p = known.predictions("val", 0)
    found = whyloss.review(known)
    assert found.n_samples == 500
    assert {row.id for row in found.rows} == set(
        np.flatnonzero(p.scores.argmax(axis=1) != p.y_true).tolist()
    )


def test_the_course_of_a_sample_is_told():
    rows = [[True, True, False, False], [True, False, False, False], [True, False, False, True]]
    found = whyloss.review(three_epochs(rows))
    reasons = {row.id: row.reason for row in found.rows}
    assert reasons == {
        "b": "sure and wrong; broke after epoch 5",
        "c": "sure and wrong; wrong at every epoch",
        "d": "right now, but wrong at 2 of 3 epochs",
    }


def test_an_epoch_can_be_chosen():
    rows = [[True, True, False, False], [True, False, False, False], [True, False, False, True]]
    found = whyloss.review(three_epochs(rows), epoch=6)
    assert (found.epoch, found.epochs) == (6, (5, 6))
    assert {row.id for row in found.rows} == {"b", "c", "d"}


def test_epochs_may_list_the_samples_in_another_order_or_lack_some():
    first = Predictions.from_arrays(
        [0, 1, 0], logits=[[3.0, 0.0], [3.0, 0.0], [0.0, 2.0]], ids=["x", "y", "z"], epoch=1
    )
    second = Predictions.from_arrays(
        [0, 0, 1], logits=[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]], ids=["z", "new", "y"], epoch=2
    )
    found = whyloss.review(InMemorySource([first, second]))
    (row,) = found.rows
    assert (row.id, row.reason) == ("z", "wrong; wrong at every epoch")
    assert row.score == pytest.approx(
        1.0 - (0.1192029 + 0.2689414) / 2
    )  # 1 / (1 + e²), 1 / (1 + e)


def test_a_label_of_probability_0_comes_first_and_a_row_without_numbers_not_at_all():
    known = spoil(rule_out_truth(known_cause(0, n_samples=300), rows=3), rows=1, value=np.nan)
    found = whyloss.review(known.source)
    assert {row.id for row in found.rows[:2]} == {1, 2}
    assert found.rows[0].confidence >= found.rows[1].confidence
    assert all(row.reason.startswith("label has probability 0") for row in found.rows[:2])
    assert found.rows[0].log_loss == np.inf
    assert 0 not in {row.id for row in found.rows}
    assert found.notes == ("1 row is no prediction, and left out.",)


def test_planted_label_errors_are_named_and_come_first():
    known = known_cause(1, noise=0.01, signal=5.0, n_samples=1500)
    p = known.source.predictions("val", 0)
    found = whyloss.review(known.source)
    assert found.rows[0].reason == "outlier; more likely mislabelled than not; sure and wrong"
    named = [row for row in found.rows if "more likely mislabelled" in row.reason]
    flipped = int(np.count_nonzero(p.scores.argmax(axis=1) != p.y_true))
    assert 5 <= len(named) <= flipped
    assert [row.id for row in found.rows[: len(named)]] == [row.id for row in named]


def test_top_keeps_the_most_suspect():
    known = known_cause(2, n_samples=500).source
    every = whyloss.review(known)
    assert whyloss.review(known, top=7).rows == every.rows[:7]
    assert whyloss.review(known, top=7).n_found == len(every.rows)


def test_reported_numbers_hold_no_samples():
    with pytest.raises(DataError, match=r"expected predictions .* Record them"):
        whyloss.review(history={"val_loss": [0.4], "val_accuracy": [0.8]})
