"""Summaries on many machines: the workers of a Dask cluster share the parts of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.engines.local import Plan, n_groups, plan, summarise_part
from whyloss.measures.compiled.threads import at_most
from whyloss.measures.facts import Summary

if TYPE_CHECKING:
    from distributed import Client

    from whyloss.data import Run

GROUPS = 4  # groups of rows in a task, which makes the time to send it negligible


def summarise_run(
    run: Run, split: str, epoch: int, client: Client, *, temperature: bool = True
) -> Summary:
    """Summary of one split of a recorded run at one epoch, computed by a Dask cluster.

    Each worker returns a summary of at most 2 MB, however much it has read.

    Parameters
    ----------
    run : Run
        In a folder that every worker finds at the same path.
    split : str
    epoch : int
    client : distributed.Client
    temperature : bool, default True
        As in :class:`~whyloss.measures.facts.Summary`.

    Returns
    -------
    Summary

    Raises
    ------
    DataError
        The run has no such predictions, or a label is not one of its classes.
    """
    work = plan(run, split, epoch)
    [shared] = client.scatter([work], broadcast=True)
    futures = [
        client.submit(_part, shared, k, start, temperature, pure=False)
        for k, part in enumerate(work.parts)
        for start in range(0, n_groups(part), GROUPS)
    ]
    summary = Summary(work.n_classes, temperature=temperature)
    for future in futures:  # in the order of the rows: the same to the last bit every time
        summary.merge(Summary.from_bytes(future.result()))
        future.release()
    return summary


def _part(work: Plan, k: int, start: int, temperature: bool) -> bytes:
    with at_most(1):  # a worker runs as many tasks at once as it has threads
        found = summarise_part(work, k, range(start, start + GROUPS), temperature=temperature)
    return found.to_bytes()
