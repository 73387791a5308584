"""What is said from reported numbers and curves alone."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

import whyloss
from conftest import run_cli
from whyloss import History, diagnose
from whyloss.errors import WhylossError
from whyloss.evidence import Evidence, best_of_curve, envelope_gap
from whyloss.measures.envelope import fano_envelope
from whyloss.readers import ReadOptions, read

BEGINNER = "loss: 0.4011 - acc: 0.8224 - val_loss: 0.4577 - val_acc: 0.7826"


def names(found):
    return [finding.name for finding in found.findings]


# One line of a log: is this good?


def test_a_beginners_line_is_what_calibrated_models_show():
    found = diagnose(BEGINNER, n_classes=2)
    assert found.verdict.name == "consistent"
    val, train = found.reference_losses
    assert (val.metrics.split, train.metrics.split) == ("val", "train")
    assert val.metrics.prior_entropy == pytest.approx(math.log(2))
    assert val.metrics.envelope == pytest.approx((0.3014, 0.5236), abs=5e-5)
    assert train.metrics.envelope == pytest.approx((0.2462, 0.4677), abs=5e-5)
    assert val.provable == train.provable == 0.0
    assert "gap of +0.057 nats" in found.verdict.text
    assert found.open_questions[0].snippet.startswith("rec = whyloss.Recorder")


def test_without_the_number_of_classes_the_answer_says_so():
    found = diagnose(BEGINNER)
    assert found.verdict.name == "consistent"
    assert "whatever their number" in found.verdict.text
    assert found.reference_losses[0].skill is None


def test_same_numbers_as_arguments_as_history_and_as_text():
    text = diagnose(BEGINNER, n_classes=2)
    numbers = diagnose(
        loss=0.4011, accuracy=0.8224, val_loss=0.4577, val_accuracy=0.7826, n_classes=2
    )
    keras = diagnose(
        history={
            "loss": [0.4011],
            "accuracy": [0.8224],
            "val_loss": [0.4577],
            "val_accuracy": [0.7826],
        },
        n_classes=2,
    )
    assert text.reference_losses == numbers.reference_losses == keras.reference_losses
    assert text.verdict == numbers.verdict == keras.verdict


def test_a_loss_above_one_is_possible_and_worse_than_guessing():
    found = diagnose("loss: 2.3026 - acc: 0.5")
    assert found.verdict.name == "chance-level"
    for words in ("possible", "no upper bound", "worse than guessing", "Check the labels"):
        assert words in found.verdict.text


@pytest.mark.parametrize(
    ("k", "accuracy", "loss", "least"),
    [(2, 0.90, 2.40, 2.075), (2, 0.90, 0.80, 0.475), (3, 0.9022, 0.4243, 0.036)],
)
def test_nats_beyond_every_calibrated_model_are_proven(k, accuracy, loss, least):
    found = diagnose(val_loss=loss, val_accuracy=accuracy, n_classes=k)
    assert found.verdict.name == "overconfidence"
    assert found.findings[0].nats == pytest.approx(loss - fano_envelope(accuracy, k)[1])
    assert found.findings[0].nats == pytest.approx(least, abs=6e-4)


def test_known_sample_size_weakens_the_proof():
    few = diagnose(val_loss=0.60, val_accuracy=0.80, n_classes=2, n_val=50)
    many = diagnose(val_loss=0.60, val_accuracy=0.80, n_classes=2, n_val=50_000)
    assert "overconfidence" not in names(few)
    assert many.verdict.name == "overconfidence"


def test_a_high_loss_in_both_splits_below_guessing_is_doubt():
    found = diagnose(loss=0.670, accuracy=0.80, val_loss=0.672, val_accuracy=0.79, n_classes=2)
    assert found.verdict.name == "underconfidence"


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ({"val_loss": 0.0111, "val_accuracy": 0.7034}, "impossible-pair"),
        ({"val_loss": 0.7688, "val_accuracy": 0.0851, "n_classes": 10}, "impossible-pair"),
        ({"val_loss": 14.5063, "val_accuracy": 0.1}, "saturated"),
        ({"val_loss": 8.059, "val_accuracy": 0.5}, "saturated"),
        ({"val_loss": -55.1, "val_accuracy": 0.1088}, "label-encoding"),
        ({"val_loss": 2.3026, "val_accuracy": 0.1}, "chance-level"),
        ({"val_loss": 0.6931, "val_accuracy": 0.5}, "chance-level"),
        ({"val_loss": 0.3251, "val_accuracy": 0.9, "n_classes": 10}, "binary-loss-for-classes"),
        ({"val_loss": 4e16, "val_accuracy": 0.88}, "unstable-training"),
        ({"val_loss": math.nan, "val_accuracy": 0.88}, "non-finite"),
        (
            {"val_loss": 0.79, "val_accuracy": 0.96, "n_classes": 4},
            "double-softmax",
        ),
        (
            {"loss": 0.1132, "accuracy": 0.9623, "val_loss": 12.7359, "val_accuracy": 0.0492},
            "distribution-shift",
        ),
        ({"val_loss": 40.0, "val_accuracy": 0.7}, "loss-mismatch"),
        ({"loss": 13.58, "accuracy": 0.8558}, "not-probabilities"),
        ({"val_loss": 0.5, "val_accuracy": 0.8, "n_val": 40}, "small-validation-set"),
    ],
)
def test_signatures_of_one_line(numbers, verdict):
    assert diagnose(**numbers).verdict.name == verdict


# Curves


def rising(accuracy):
    epochs = np.arange(1, 21)
    return {
        "loss": 0.7 * np.exp(-epochs / 6),
        "accuracy": 1 - 0.4 * np.exp(-epochs / 6),
        "val_loss": 0.45 + 0.4 * np.exp(-epochs / 2) + 0.02 * np.maximum(0, epochs - 6),
        "val_accuracy": accuracy(epochs),
    }


def test_rising_loss_beside_held_accuracy_is_most_likely_confidence():
    found = diagnose(**rising(lambda e: 0.85 - 0.1 * np.exp(-e / 2)))
    assert found.verdict.name == "overconfidence"
    assert "Curves alone cannot prove it" in found.verdict.text
    assert found.best_epochs["log_loss"].epoch in range(5, 9)


def test_rising_loss_beside_falling_accuracy_is_overfitting():
    found = diagnose(**rising(lambda e: 0.85 - 0.1 * np.exp(-e / 2) - 0.005 * np.maximum(0, e - 6)))
    assert found.verdict.name == "overfitting"


def test_rising_loss_without_accuracy_leaves_it_open():
    curves = rising(lambda e: e)
    found = diagnose(loss=curves["loss"], val_loss=curves["val_loss"])
    assert found.verdict.name == "overfitting"
    assert "Without the accuracy or another score it stays open" in found.verdict.text


def test_one_bad_last_epoch_is_no_rise():
    loss = [0.7, 0.6, 0.5, 0.45, 0.42, 0.40, 0.39, 0.60]
    found = diagnose(val_loss=loss, val_accuracy=[0.8] * 8, n_classes=2)
    assert not {"overconfidence", "overfitting"} & set(names(found))


def test_best_epochs_of_a_noisy_curve_are_many():
    rng = np.random.default_rng(1)
    flat = History.from_columns(val_loss=rng.normal(0.5, 0.02, 30))
    steep = History.from_columns(val_loss=np.linspace(0.9, 0.3, 30) + rng.normal(0, 0.002, 30))
    for history, least, most in ((flat, 25, 30), (steep, 1, 3)):
        found = best_of_curve(Evidence(whyloss.data.InMemorySource(history=history)).curve())
        assert least <= len(found["log_loss"].as_good) <= most


def test_excess_has_a_direction():
    def direction(**columns):
        history = History.from_columns(n_classes=2, **columns)
        return envelope_gap(Evidence(whyloss.data.InMemorySource(history=history))).direction

    assert direction(val_loss=[0.9], val_accuracy=[0.9]) == "over"
    assert direction(val_loss=[0.5], val_accuracy=[0.9]) == "likely over"
    sure = {"train_loss": [0.01], "train_accuracy": [1.0]}
    assert direction(val_loss=[0.5], val_accuracy=[0.9], **sure) == "likely over"
    doubt = {"train_loss": [0.5], "train_accuracy": [0.9]}
    assert direction(val_loss=[0.5], val_accuracy=[0.9], **doubt) == "under"


# The doors


def test_numbers_given_with_a_source_are_refused():
    with pytest.raises(WhylossError, match="given with a source"):
        diagnose(BEGINNER, val_loss=0.4)
    with pytest.raises(TypeError, match="unexpected keyword argument 'val_los'"):
        diagnose(val_los=0.4)
    with pytest.raises(WhylossError, match="different lengths"):
        diagnose(val_loss=[0.4, 0.3], val_accuracy=[0.5])
    with pytest.raises(WhylossError, match="nothing to diagnose"):
        diagnose()


def test_terminal_reads_text_options_and_stdin(tmp_path):
    file = tmp_path / "train.log"
    file.write_text(BEGINNER + "\n", encoding="utf-8")
    answers = [
        run_cli("diagnose", BEGINNER, "--classes", 2),
        run_cli("diagnose", file, "--classes", 2),
        run_cli("diagnose", "-", "--classes", 2, given=BEGINNER),
    ]
    for answer in answers:
        assert answer.returncode == 0, answer.stderr
        assert "Nothing looks wrong" in answer.stdout
        assert "0.301 … 0.524" in answer.stdout
        assert 'val_loss ← "val_loss"' in answer.stdout


def test_flags_settle_what_a_log_leaves_open():
    answer = run_cli(
        "diagnose", "vl: 0.62 va: 0.7", "--map", "vl=val.loss", "--map", "va=val.accuracy",
        "--class-shares", "70,30", "--n-val", "5000", "--format", "json",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["verdict"]["name"] == "chance-level"
    (row,) = found["reference_losses"]
    assert row["metrics"]["prior_entropy"] == pytest.approx(0.6109, abs=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--map", "vl"),
        ("--class-shares", "1"),
        ("--class-shares", "a,b"),
        ("--classes", "1"),
        ("--n-val", "0"),
        ("--scale", "percent"),
    ],
)
def test_wrong_flags_say_what_was_expected(wrong):
    answer = run_cli("diagnose", BEGINNER, *wrong)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr


def test_growing_log_is_told_about_when_the_verdict_changes():
    lines = [
        f"Epoch {e} - loss: {1 / e:.4f} - acc: 0.99 - val_loss: {0.4 + 0.05 * abs(e - 4):.4f} "
        "- val_acc: 0.85\n"
        for e in range(1, 30)
    ]
    process = run_cli("diagnose", "-", "--format", "json", given="".join(lines))
    assert json.loads(process.stdout)["verdict"]["name"] == "overconfidence"
    said = process.stderr.splitlines()
    assert said
    assert len(said) < 6
    assert all(line.startswith("epoch ") for line in said)


def test_reading_says_how_and_diagnosis_repeats_it():
    source = read(BEGINNER, options=ReadOptions(n_classes=2))
    assert source.notes[0] in diagnose(source).notes


def test_pasted_text_waits_for_no_large_library():
    code = (
        "import sys, whyloss; "
        f"whyloss.diagnose({BEGINNER!r}, n_classes=2).render('terminal'); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'scipy', 'pyarrow', 'numba', 'narwhals', 'altair', 'jinja2', 'pandas', 'torch', 'keras'}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


# Rules of reported numbers, beyond their own examples.


def test_an_impossible_pair_counts_at_whatever_epoch_it_stands():
    early = diagnose(
        history=History.from_columns(val_loss=[0.05, 0.30, 0.28], val_accuracy=[0.4, 0.88, 0.9])
    )
    assert early.verdict.name == "impossible-pair"
    assert early.findings[0].epochs == (1,)


def test_a_small_loss_at_100_percent_is_nothing_wrong_and_a_large_one_is_doubt():
    def verdict(loss):
        return diagnose(history=History.from_columns(val_loss=[loss], val_accuracy=[1.0])).verdict

    assert verdict(0.02).name == "consistent"
    assert verdict(0.35).name == "underconfidence"
    assert verdict(0.0).name == "cannot-tell"


def test_too_much_confidence_is_proved_for_every_number_of_classes():
    history = History.from_columns(val_loss=[1.3], val_accuracy=[0.9])
    found = diagnose(history=history).findings[0]
    assert found.name == "overconfidence"
    assert "any number of classes up to 1,000" in found.message
    assert found.nats == pytest.approx(1.3 - fano_envelope(0.9, 1000)[1])
    inside = History.from_columns(val_loss=[0.9], val_accuracy=[0.9])
    assert "overconfidence" not in names(diagnose(history=inside))


def test_a_constant_accuracy_of_two_splits_with_equal_shares_is_no_number_twice():
    found = diagnose(
        history=History.from_columns(
            train_loss=[0.64, 0.63, 0.62, 0.63],
            val_loss=[0.63, 0.64, 0.62, 0.625],
            train_accuracy=[0.6512] * 4,
            val_accuracy=[0.6512] * 4,
        )
    )
    assert found.verdict.name == "majority-class"


def test_overfitting_does_not_claim_what_is_provably_miscalibration():
    at = np.arange(12)
    history = History.from_columns(
        n_classes=2,
        n_val=5000,
        val_loss=0.35 + 0.5 * np.exp(-at) + 0.15 * np.maximum(0, at - 3),
        val_accuracy=0.88 - 0.03 * np.maximum(0, at - 3) / 8,
    )
    found = next(f for f in diagnose(history=history).findings if f.name == "overfitting")
    rise = found.evidence["rise"].value
    assert found.nats < rise
    assert "are miscalibration" in found.message


def test_with_a_free_number_of_classes_a_training_below_the_floor_is_no_double_softmax():
    at = np.arange(8)
    history = History.from_columns(
        train_loss=0.12 + 0.01 * (at % 3),
        train_accuracy=[0.97] * 8,
        val_loss=1.03 + 0.01 * (at % 2),
        val_accuracy=[0.72] * 8,
    )
    found = diagnose(history=history)
    assert "double-softmax" not in names(found)
    assert found.verdict.name == "generalisation-gap"


def test_60_percent_is_no_guessing_where_the_number_of_classes_is_not_known():
    history = History.from_columns(
        train_loss=[0.02], train_accuracy=[0.99], val_loss=[1.15], val_accuracy=[0.61]
    )
    assert diagnose(history=history).verdict.name == "generalisation-gap"


@pytest.mark.parametrize(
    "text",
    [
        "iter 900: train loss 0.021, train acc 0.99\niter 920: test accuracy = 0.512",
        (
            "Step 71: accuracy 81.0%, cross entropy 0.61\nStep 72: accuracy 79.0%, cross entropy 0.66\n"
            "validation accuracy: 0.22"
        ),
    ],
)
def test_a_held_out_accuracy_counts_though_only_training_has_a_loss(text):
    assert diagnose(text).verdict.name == "generalisation-gap"


def test_training_and_held_out_accuracies_that_agree_are_no_gap():
    text = "iter 900: train loss 0.21, train acc 0.93\niter 920: test accuracy = 0.912"
    assert "generalisation-gap" not in [found.name for found in diagnose(text).findings]


def test_a_held_out_loss_of_another_order_beside_a_score_that_gains_is_a_sum():
    found = diagnose(
        history=History.from_columns(
            train_loss=[1.52, 1.21], test_loss=[311.0, 254.0], test_accuracy=[0.42, 0.55]
        )
    )
    assert found.verdict.name == "loss-mismatch"
    assert "unstable-training" not in [each.name for each in found.findings]
    guessing = diagnose(
        history=History.from_columns(
            train_loss=[1.52, 1.21], test_loss=[254.0, 311.0], test_accuracy=[0.1, 0.1]
        )
    )
    assert guessing.verdict.name == "unstable-training"


def test_a_loss_that_was_above_the_clipping_limit_is_not_clipped():
    above = History.from_columns(train_loss=[31.0, 18.2, 12.4], train_accuracy=[0.84, 0.88, 0.92])
    assert "not-probabilities" not in [each.name for each in diagnose(history=above).findings]
    below = History.from_columns(train_loss=[15.1, 14.8, 14.5], train_accuracy=[0.68, 0.69, 0.7])
    assert diagnose(history=below).verdict.name == "not-probabilities"


@pytest.mark.parametrize(
    ("text", "n_classes"),
    [
        ("val_loss: 0.689 - val_acc: 0.512", 2),
        ("loss: 2.2961 - acc: 0.112 - val_loss: 2.2993 - val_acc: 0.109", None),
        ("val_loss: 1.3795 - val_acc: 0.268", 4),
    ],
)
def test_numbers_near_those_of_guessing_are_never_called_fine(text, n_classes):
    assert "consistent" not in [each.name for each in diagnose(text, n_classes=n_classes).findings]


def test_numbers_of_a_model_that_learnt_a_little_are_fine():
    assert diagnose("val_loss: 0.602 - val_acc: 0.661", n_classes=2).verdict.name == "consistent"
