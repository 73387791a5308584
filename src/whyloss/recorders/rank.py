"""Which of several processes that train together this one is."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

# Rank and number of processes, as torchrun and accelerate, MPI and Slurm tell them.
_VARIABLES = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
)


class Rank(NamedTuple):
    """The place of this process among those that train together.

    Attributes
    ----------
    name : str
        A number, or ``<node>_<local rank>`` where only these are known.
    n_processes : int or None
        How many there are; None where that is not known.
    """

    name: str
    n_processes: int | None


def own_rank() -> Rank:
    """Find the rank of this process: that of ``torch.distributed``, or what a launcher has set."""
    known = settled_rank()
    if known is not None:
        return known
    local, node = _number("LOCAL_RANK"), _number("NODE_RANK") or 0
    if local is None:
        return Rank("0", 1)
    return Rank(f"{node}_{local}" if node else f"{local}", _number("WORLD_SIZE") or None)


def settled_rank() -> Rank | None:
    """Find the rank of this process; None where ``torch.distributed`` may still give another."""
    torch_loaded = "torch" in sys.modules
    if torch_loaded:
        from whyloss.recorders.torch import group  # noqa: PLC0415 - only where torch is loaded

        in_group = group()
        if in_group is not None:
            return Rank(f"{in_group[0]}", in_group[1])
    for rank, size in _VARIABLES:
        number = _number(rank)
        if number is not None:
            return Rank(f"{number}", _number(size) or None)
    return None if torch_loaded or "LOCAL_RANK" in os.environ else Rank("0", 1)


def world_size() -> int | None:
    """Find the number of processes that train together; None where nothing tells it."""
    size = own_rank().n_processes
    return None if size == 1 else size


def _number(variable: str) -> int | None:
    text = os.environ.get(variable, "")
    return int(text) if text.isascii() and text.isdecimal() else None
