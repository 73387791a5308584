"""The score that the caller wants the loss to be judged by."""

import pytest

from whyloss import diagnose
from whyloss.errors import DataError
from whyloss.readers import ReadOptions, read

LOG = "".join(
    f"epoch {epoch} val_loss={loss} val_profit={profit} val_f1={f1}\n"
    for epoch, loss, profit, f1 in [
        (1, 0.5, 30, 0.6),
        (2, 0.4, 35, 0.62),
        (3, 0.6, 40, 0.65),
        (4, 0.7, 45, 0.7),
    ]
)


@pytest.mark.parametrize(
    ("metric", "score"),
    [("profit:max", ("profit", False)), ("val_profit:min", ("profit", True)), ("f1", ("f1", None))],
)
def test_the_metric_is_found_by_its_name_with_and_without_the_split(metric, score):
    assert read(LOG, options=ReadOptions(metric=metric)).history.score == score


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("profit", "It is not known whether a larger or a smaller 'profit' is better"),
        ("loss per head", "There is no metric 'loss per head'"),
        ("profit:up", "The direction of the metric is unknown"),
        (":max", "The metric has no name"),
    ],
)
def test_a_metric_without_a_name_or_a_direction_is_asked_about(metric, words):
    with pytest.raises(DataError, match=words):
        read(LOG, options=ReadOptions(metric=metric))


def test_a_rising_loss_beside_a_chosen_score_that_gets_better_is_told_by_that_score():
    found = diagnose(LOG, metric="profit:max")
    assert found.verdict.name == "best-epochs-differ"
    assert "profit" in found.verdict.explanation
    assert diagnose(LOG, metric="profit:min").verdict.name == "overfitting"
