"""Which of several processes a recorder belongs to."""

import sys

import pytest

from whyloss.recorders.rank import Rank, own_rank, settled_rank, world_size

VARIABLES = (
    "RANK", "WORLD_SIZE", "LOCAL_RANK", "NODE_RANK", "SLURM_PROCID", "SLURM_NTASKS",
    "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_launcher(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "torch", raising=False)


@pytest.mark.parametrize(
    ("variables", "rank"),
    [
        ({}, Rank("0", 1)),
        ({"RANK": "2", "WORLD_SIZE": "4"}, Rank("2", 4)),
        ({"RANK": "2"}, Rank("2", None)),
        ({"RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}, Rank("2", 4)),
        ({"RANK": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, Rank("1", None)),  # torchrun
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "8"}, Rank("3", 8)),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, Rank("1", 2)),
        ({"RANK": "", "SLURM_PROCID": "two"}, Rank("0", 1)),
        # Lightning's own launcher tells the first process nothing, and the others this:
        ({"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2"}, Rank("1", 2)),
        ({"LOCAL_RANK": "1", "NODE_RANK": "1", "WORLD_SIZE": "4"}, Rank("1_1", 4)),
    ],
)
def test_the_rank_is_what_a_launcher_has_set(monkeypatch, variables, rank):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert own_rank() == rank


def test_given_a_local_rank_alone_then_the_rank_is_not_settled_yet(monkeypatch):
    assert settled_rank() == Rank("0", 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert settled_rank() is None
    monkeypatch.setenv("RANK", "5")
    assert settled_rank() == Rank("5", None)


def test_the_number_of_processes_is_known_only_where_something_tells_it(monkeypatch):
    assert world_size() is None  # a rank may have been passed without a launcher
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("RANK", "0")
    assert world_size() == 4
