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
