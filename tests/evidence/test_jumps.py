"""Epochs at which a curve jumps, beyond what its samples do by chance."""

import numpy as np
import pytest

import whyloss

CALM = [0.5, 0.7, 0.8, 0.84, 0.86, 0.87, 0.88, 0.885, 0.89, 0.892, 0.893, 0.894]
RESTLESS = [0.5, 0.7, 0.55, 0.81, 0.86, 0.62, 0.88, 0.60, 0.87, 0.66, 0.89, 0.71]
EARLY = [0.5, 0.3, 0.75, 0.45, 0.85, 0.86, 0.87, 0.875, 0.88, 0.884, 0.886, 0.887]


def names(**columns):
    found = whyloss.diagnose(history=columns)
    return [finding.name for finding in found.findings]


@pytest.mark.parametrize("score", ["val_accuracy", "val_f1", "test_accuracy"])
def test_a_score_that_jumps_to_the_end_is_unstable_without_a_loss(score):
    assert names(**{score: RESTLESS})[0] == "unstable-training"


@pytest.mark.parametrize("values", [CALM, EARLY])
def test_jumps_that_died_out_are_how_a_training_begins(values):
    assert "unstable-training" not in names(val_accuracy=values)


def test_forty_samples_jump_by_chance():
    right = np.array([20, 26, 29, 34, 31, 36, 31, 35, 30, 34, 36, 32]) / 40
    assert "unstable-training" not in names(val_accuracy=right.tolist())


def test_an_overlap_that_jumps_is_unstable_beside_any_loss():
    losses = np.linspace(0.5, 0.3, len(RESTLESS)).tolist()
    assert names(val_loss=losses, val_dice=RESTLESS)[0] == "unstable-training"


FIRST = [0.9, 0.7, 0.55, 0.47, 0.42, 0.40]


@pytest.mark.parametrize(("last", "said"), [(0.42, True), (0.58, False)])
def test_a_last_epoch_that_is_far_up_alone_is_not_called_noise(last, said):
    assert ("within-noise" in names(val_loss=[*FIRST, last])) is said


def test_a_last_epoch_that_is_up_as_earlier_ones_were_is_noise():
    losses = [0.9, 0.7, 0.55, 0.47, 0.60, 0.44, 0.57, 0.42, 0.40, 0.55]
    assert "within-noise" in names(val_loss=losses)


def test_an_accuracy_of_pixels_is_not_held_against_the_loss():
    overlap = [0.3, 0.45, 0.55, 0.6, 0.62]
    columns = {
        "loss": [0.5, 0.42, 0.36, 0.33, 0.31],
        "val_loss": [0.52, 0.45, 0.4, 0.36, 0.34],
        "val_accuracy": [0.96, 0.975, 0.985, 0.988, 0.99],
    }
    assert names(**columns) != ["consistent"]
    assert names(**columns, val_iou=overlap) == ["consistent"]
    assert names(**columns, val_dice=overlap) == ["consistent"]


@pytest.mark.parametrize("k", [2, 5])
def test_a_model_that_hardly_learns_is_underfitted_and_not_in_order(k):
    at = np.linspace(0, 1, 8)
    losses = (np.log(k) * (1.0 - 0.012 * at)).tolist()
    shares = ((1.0 + 0.1 * at) / k).tolist()
    better = [0.99 * loss for loss in losses]
    found = names(
        loss=better, accuracy=[*shares[1:], 1.11 / k], val_loss=losses, val_accuracy=shares
    )
    assert found[0] in {"underfitting", "chance-level"}


def test_one_sample_of_sixteen_is_neither_a_fall_nor_a_better_epoch():
    found = names(
        val_loss=[0.32, 0.27, 0.24, 0.21, 0.19, 0.18, 0.17],
        val_accuracy=[0.8125, 0.9375, 0.875, 0.875, 0.875, 0.875, 0.875],
    )
    assert not {"overfitting", "best-epochs-differ"} & set(found)


def test_forty_classes_at_a_seventh_right_are_no_guessing():
    at = np.linspace(0, 1, 12)
    found = names(
        loss=(4.5 - 2.0 * at).tolist(),
        accuracy=(0.03 + 0.4 * at).tolist(),
        val_loss=(3.9 + 0.3 * at).tolist(),
        val_accuracy=(0.05 + 0.09 * at).tolist(),
    )
    assert "distribution-shift" not in found
