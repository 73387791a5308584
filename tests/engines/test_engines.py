"""Summaries out of core and on many workers are those of the samples in memory."""

import numpy as np
import pytest

import whyloss
from conftest import require
from whyloss.data import Predictions
from whyloss.data.run_writer import FIRST_WRITER, RunWriter
from whyloss.engines import local
from whyloss.errors import DataError
from whyloss.measures.facts import Summary
from whyloss.testing import known_cause

ARRAYS = (
    "status", "totals", "outcomes", "by_class", "confusion", "histogram", "reliability", "clipped",
    "grid", "fold_counts", "extremes", "top_losses", "top_ids",
)  # fmt: skip


def batch(seed=0, n_samples=300, *, ids=None, weights=None):
    found = known_cause(seed, temperature=1.8, n_samples=n_samples, n_classes=4)
    given = found.source.predictions("val", 0)
    scores = given.scores.copy()
    scores[:3] = np.nan
    return Predictions.from_arrays(given.y_true, logits=scores, ids=ids, weights=weights)


def summed(predictions):
    summary = Summary(predictions.n_classes)
    summary.update(predictions)
    return summary


def same(first, second):
    for name in ARRAYS:
        got, expected = getattr(first, name), getattr(second, name)
        if got.dtype.kind == "f":
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(got, expected, err_msg=name)


def recorded(path, given, *writers):
    """Record rows of `given`: a writer for each list of slices, a batch for each slice."""
    for k, slices in enumerate(writers):
        with RunWriter(path, writer=f"w{k}" if k else FIRST_WRITER) as writer:
            for rows in slices:
                more = {} if given.weights is None else {"weights": given.weights[rows]}
                writer.append(
                    "val",
                    3,
                    given.scores[rows],
                    "logits",
                    given.y_true[rows],
                    given.ids[rows],
                    **more,
                )
            writer.commit("val", 3)
    return whyloss.Run.open(path)


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of a few rows, on disk and in memory."""
    from whyloss.data import part_writer

    monkeypatch.setattr(part_writer, "BATCH_BYTES", 700)
    monkeypatch.setattr(local, "BATCH_BYTES", 1600)


@pytest.mark.usefixtures("small_batches")
def test_batches_of_a_mapped_file_are_the_whole(tmp_path):
    weights = np.linspace(0.5, 2, 500)
    whole = batch(8, 500, weights=weights)
    np.save(tmp_path / "logits.npy", whole.scores)
    logits = np.load(tmp_path / "logits.npy", mmap_mode="r")
    for w in (None, weights):
        mapped = Predictions.from_arrays(whole.y_true, logits=logits, weights=w)
        same(local.summarise(mapped), summed(batch(8, 500, weights=w)))


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_run_is_summed_group_by_group(tmp_path, weighted, text):
    ids = [f"s{k:03}" for k in range(300)] if text else None
    whole = batch(9, ids=ids, weights=np.linspace(0.1, 3, 300) if weighted else None)
    halves = [slice(k, k + 30) for k in range(0, 150, 30)], [slice(150, 210), slice(210, 300)]
    run = recorded(tmp_path / "run", whole, *halves)
    work = local.plan(run, "val", 3)
    assert work.fresh == (None, None)
    assert sum(local.n_groups(part) for part in work.parts) > 3
    same(local.summarise_run(run, "val", 3), summed(run.predictions("val", 3)))


@pytest.mark.usefixtures("small_batches")
def test_padding_counts_once(tmp_path):
    whole = batch(9)
    run = recorded(tmp_path / "run", whole, [slice(0, 200)], [slice(150, 300)])
    same(local.summarise_run(run, "val", 3), summed(run.predictions("val", 3)))
    twice = recorded(tmp_path / "twice", whole, [slice(0, 200), slice(100, 300)])
    same(local.summarise_run(twice, "val", 3), summed(twice.predictions("val", 3)))


@pytest.mark.usefixtures("small_batches")
def test_rows_in_any_order_and_ids_between_those_of_others(tmp_path):
    whole = batch(10, ids=np.random.default_rng(0).permutation(300))
    run = recorded(tmp_path / "run", whole, [slice(0, 100), slice(100, 140)], [slice(140, 300)])
    same(local.summarise_run(run, "val", 3), summed(run.predictions("val", 3)))


def test_groups_of_a_part_are_read_where_they_lie(tmp_path):
    whole = batch()
    run = recorded(tmp_path / "run", whole, [slice(0, 100), slice(100, 300)])
    [part] = local.plan(run, "val", 3).parts
    groups = list(part.open().groups(1))
    np.testing.assert_array_equal(
        np.concatenate([group.scores("logits") for group in groups]), whole.scores
    )
    assert not any(group.scores("logits").flags.owndata for group in groups)


def test_an_epoch_without_predictions_is_an_error(tmp_path):
    run = recorded(tmp_path / "run", batch(), [slice(0, 300)])
    with pytest.raises(DataError, match="no predictions of 'val' at epoch 4"):
        local.summarise_run(run, "val", 4)


@pytest.mark.usefixtures("small_batches")
def test_dask_workers_give_what_one_process_gives(tmp_path):
    distributed = require("distributed")
    whole = batch(11)
    run = recorded(tmp_path / "run", whole, [slice(0, 200)], [slice(150, 300)])
    from whyloss.engines.dask import summarise_run

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        found = summarise_run(run, "val", 3, client)
    same(found, summed(run.predictions("val", 3)))


def test_kernels_use_no_more_threads_than_they_may():
    from whyloss.measures.compiled.threads import at_most, processors

    usual = processors()
    with at_most(1):
        assert processors() == 1
        with at_most(10_000):
            assert processors() == usual
    assert processors() == usual
