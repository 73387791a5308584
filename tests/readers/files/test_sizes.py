"""Numbers of samples: worked out of what a trainer writes, or left open."""

import pytest

from whyloss.readers.files.sizes import sizes_of


def evaluation(n, seconds):
    return {
        "eval_loss": 0.5,
        "eval_runtime": round(seconds, 4),
        "eval_samples_per_second": round(n / seconds, 3),
    }


@pytest.mark.parametrize(("n", "seconds"), [(872, 1.7), (500, 0.14), (25_000, 61.2), (9_815, 8.4)])
def test_time_and_rate_of_an_evaluation_give_its_samples(n, seconds):
    sizes = sizes_of([evaluation(n, seconds), evaluation(n, 1.1 * seconds)])
    assert sizes.n_val == n
    assert sizes.n_train is None
    assert sizes.notes == (
        f"The validation split has {n:,} samples, from eval_runtime × eval_samples_per_second.",
    )


def test_time_and_rate_of_a_training_count_every_planned_epoch():
    # Stopped after 4 of 6 epochs: the Trainer's rate still counts the samples of all 6.
    row = {"train_runtime": 95.25, "train_samples_per_second": round(6 * 1340 / 95.25, 3)}
    assert sizes_of([row], 6).n_train == 1340
    assert sizes_of([row]).n_train is None  # how many epochs were planned is not known


def test_a_count_that_is_written_is_taken():
    sizes = sizes_of([{"eval_samples": 1043, "train_samples": 8551, "eval_loss": 0.4}])
    assert (sizes.n_train, sizes.n_val) == (8551, 1043)


def test_evaluations_of_different_data_give_no_count():
    assert sizes_of([evaluation(400, 0.9), evaluation(410, 0.9)]).n_val is None


def test_no_trainer_no_count():
    sizes = sizes_of([{"eval_loss": 0.5, "eval_runtime": 2.0}, {"eval_samples_per_second": "fast"}])
    assert (sizes.n_train, sizes.n_val, sizes.notes) == (None, None, ())
