"""What a recorded run lacks, and which of its rows count: the sentences of `Run.notes`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from whyloss.data.writers import read_writers
from whyloss.errors import WhylossError
from whyloss.formatting import format_ranges, pluralize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from whyloss.data.part import PartFile
    from whyloss.data.run_files import RunFiles

MOST_EPOCHS = 200  # whose rows are counted, from the last one back


def notes_on(run: RunFiles) -> tuple[str, ...]:
    """Say what a run lacks, and which of its rows count.

    Parameters
    ----------
    run : RunFiles

    Returns
    -------
    tuple of str
        One sentence or two each; empty where the run is whole. A file that cannot be read is not
        noted: reading its epoch raises.
    """
    notes = list(_on_writers(run))
    for split in run.splits:
        recorded = run.recorded(split)
        if not recorded:
            continue
        notes += _on_resume(run, split)
        notes += _on_missing(run, split, recorded)
        try:
            notes += _on_rows(run, split, recorded)
        except (WhylossError, OSError):
            continue
    return tuple(notes)


def _on_writers(run: RunFiles) -> Iterator[str]:
    info = run.info
    records = [record for record in read_writers(run.path) if record.launch == info.launch]
    for record in records:
        if record.state == "stopped":
            yield (
                f"The recording of rank {record.writer} has stopped before the training: "
                f"{record.reason.rstrip('.')}. What it would have recorded since then is missing."
            )
        elif record.state == "recording" and not record.running:
            yield (
                f"The recording of rank {record.writer} was not closed, as after a kill: its last "
                "epoch may lack samples."
            )
    for name, n in Counter(record.writer for record in records).items():
        if n > 1:
            yield (
                f"{n} processes have recorded as rank {name} at the same time. Where they have the "
                "same sample, one of them counts. Pass rank= to the recorder of each process."
            )


def _on_resume(run: RunFiles, split: str) -> Iterator[str]:
    last = run.last_epoch(split)
    later = [epoch for epoch in run.epochs(split) if last is not None and epoch > last]
    if later:
        yield (
            f"{_epochs(later)} of {split}: recorded before the training was resumed at an earlier "
            f"epoch, and left out. The last epoch is {last}."
        )


def _on_missing(
    run: RunFiles, split: str, recorded: dict[int, tuple[PartFile, ...]]
) -> Iterator[str]:
    last = run.last_epoch(split)
    if last not in recorded:
        return
    names = [part.name for part in recorded[last]]
    n_writers = run.info.n_writers or 0
    writers = {name.writer for name in names}
    if len(writers) < n_writers:
        yield (
            f"The run holds only a part of the samples: at epoch {last} of {split}, "
            f"{len(writers)} of {n_writers} processes recorded some."
        )
    newest = max(name.launch for name in names)
    earlier = sorted({name.writer for name in names if name.launch < newest})
    if earlier:
        yield (
            f"At epoch {last} of {split}, the samples of rank {', '.join(earlier)} are from an "
            "earlier launch of the training than the others."
        )


def _on_rows(run: RunFiles, split: str, recorded: dict[int, tuple[PartFile, ...]]) -> Iterator[str]:
    counted = sorted(recorded)[-MOST_EPOCHS:]
    n_rows = {epoch: sum(part.count() for part in recorded[epoch]) for epoch in counted}
    fewest = min(n_rows.values())
    repeated = {}
    for epoch in counted:
        # An epoch that was logged twice has more rows than the others, or is the only one.
        if n_rows[epoch] > fewest or epoch == counted[-1]:
            repeated[epoch] = run.repeated(split, epoch)
            n_rows[epoch] -= repeated[epoch]
    twice = [epoch for epoch, n in repeated.items() if n]
    if twice:
        n = sum(repeated.values())
        yield (
            f"{_epochs(twice)} of {split}: {pluralize(n, 'row')} were logged again by the same "
            "process; of every sample, the last row counts."
        )
    most = max(n_rows.values())
    fewer = [epoch for epoch, n in n_rows.items() if n < most]
    last = run.last_epoch(split)
    if last in fewer:
        yield (
            f"Epoch {last}, the last one of {split}, has {pluralize(n_rows[last], 'row')}, "
            f"and others have {most:,}."
        )
        fewer.remove(last)
    if fewer:
        least = min(n_rows[epoch] for epoch in fewer)
        yield f"{_epochs(fewer)} of {split}: {least:,} rows or more, and others have {most:,}."


def _epochs(epochs: list[int]) -> str:
    return f"{'Epochs' if len(epochs) > 1 else 'Epoch'} {format_ranges(epochs)}"
