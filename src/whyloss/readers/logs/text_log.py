"""The text that a training printed, read line by line in bounded memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from whyloss.formatting import pluralize
from whyloss.readers.logs.line_parser import MAX_LINE, Line, Pair, parse_line, split_pieces
from whyloss.readers.logs.log_table import AFTERWARDS, LogTable
from whyloss.readers.logs.metric_names import recognise
from whyloss.readers.logs.table_parser import Table, heading, is_rule
from whyloss.readers.options import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Container

    from whyloss.data import History

_DIGITS = re.compile(r"\d+")
_MOST_SHAPES = 5000
_LONGEST_SHAPE = 300
_BAR = re.compile(r"\s*(?P<done>\d{1,12})/(?P<all>\d{1,12}) *(?:\[[=>.]*\]|[━╸╺])")


class TextLog:
    """A log as it grows: feed it text, ask for the history at any time.

    Parameters
    ----------
    options : ReadOptions, optional
        What the caller knows beside the text.
    """

    def __init__(self, options: ReadOptions | None = None) -> None:
        self._options = options or ReadOptions()
        self._log_table = LogTable()
        self._tail = ""
        self._held = ""
        self._above = ""
        # Lines that say nothing, with their numbers blotted out: programs repeat them.
        self._idle: set[str] = set()
        self._section: str | None = None
        self._table: Table | None = None
        self._key: float | None = None
        self._heading: float | None = None
        self._offset = 0.0
        self._highest: float | None = None
        self._last_split: str | None = None
        self._inline = False
        self._partial = False
        self._bar: int | None = None
        self._early: list[Pair] = []
        self._skipped = 0
        self._cut = 0
        self._restarts = 0

    def feed(self, text: str) -> None:
        """Read more text; a line counts once its end has come.

        Parameters
        ----------
        text : str
            Any piece of the log, cut anywhere.
        """
        text = self._tail + text
        end = max(text.rfind("\n"), text.rfind("\r", 0, -1))
        self._tail = text[end + 1 :]
        for line in text[: end + 1].splitlines():
            self._take(line)
        if len(self._tail) > 2 * MAX_LINE:
            self._tail = self._tail[: MAX_LINE + 1]

    def close(self) -> None:
        """Read the last line, whose end will not come."""
        tail, self._tail = self._tail, ""
        self._take(tail)

    def add(self, row: list[tuple[str, float, bool]]) -> None:
        """Take a row of a table: labels, numbers, and whether they have a percent sign."""
        index, pairs = {}, []
        for label, value, percent in row:
            name = recognise(label)
            if name.kind == "index":
                index[name.metric] = value
            else:
                pairs.append(Pair(label, name, value, name.split, percent))
        pairs = _without_repeats(pairs, {label for label, _, _ in row})
        if pairs:
            self._place(index.get("epoch"), index.get("step"), pairs)
            self._write(pairs)

    @property
    def n_epochs(self) -> int:
        """Number of epochs, or of rows, so far; the last one may still be growing."""
        return len(self._log_table)

    def history(self) -> tuple[History, tuple[str, ...]]:
        """Make a history of the lines so far.

        Returns
        -------
        History
        tuple of str
            How names were mapped, what was changed, and what was passed over.

        Raises
        ------
        WhylossError
            There is nothing to read, or it is no log of a classifier.
        """
        self._release()
        history, notes = self._log_table.to_history(self._options)
        more = list(notes)
        if self._restarts:
            more.append(
                f"The count of epochs starts again {pluralize(self._restarts, 'time')}: it is "
                "counted on, as if one training had gone on."
            )
        if self._skipped:
            more.append(f"Passed over: {pluralize(self._skipped, 'line')} of other text.")
        if self._cut:
            more.append(f"Cut at {MAX_LINE:,} characters: {pluralize(self._cut, 'line')}.")
        return history, tuple(more)

    # --- one line -------------------------------------------------------------------------------

    def _take(self, text: str) -> None:
        for piece in split_pieces(text):
            if len(piece) > MAX_LINE:
                self._cut += 1
            stripped = piece[:MAX_LINE].rstrip()
            if not stripped or is_rule(stripped):
                continue
            bar = _BAR.match(stripped)
            if not bar:
                self._release()
            # Of the many states of a bar only the last one counts, so the others are not read.
            if bar and bar["done"] != bar["all"]:
                self._held = stripped
            else:
                self._held = ""
                self._take_piece(stripped)

    def _release(self) -> None:
        """Read the last state of a bar that was not finished."""
        held, self._held = self._held, ""
        if held:
            self._take_piece(held)

    def _take_piece(self, text: str) -> None:
        above, self._above = self._above, text
        if self._table and (row := self._table.row(text)):
            self.add(row)
            return
        shape = _DIGITS.sub("0", text)
        if shape in self._idle:
            self._skipped += 1
            return
        if table := heading(text, above):
            self._table = table
            return
        # A line that begins with a star sums up the lines above it.
        split = self._last_split if text.lstrip().startswith("* ") else None
        line = parse_line(text, split or self._section)
        self._note(line)
        if line.section:
            self._section = line.section
        elif line.epoch is not None and not line.pairs:
            self._section = None
            self._heading = line.epoch
            if self._log_table.kind != "epoch":
                self._count_epochs(line.epoch, [])
        elif line.pairs:
            self._take_pairs(line, text)
        elif not (line.sizes or line.n_classes):
            self._skipped += 1
            if len(self._idle) < _MOST_SHAPES and len(shape) < _LONGEST_SHAPE:
                self._idle.add(shape)

    def _note(self, line: Line) -> None:
        """Remember what a line says of the whole log."""
        table = self._log_table
        table.n_samples |= line.sizes
        table.n_classes = line.n_classes or table.n_classes
        table.by_global_step |= line.by_global_step
        table.boosting |= line.boosting
        if line.boosting:
            table.running = False
        elif table.running is None and line.pairs and (line.running or line.bar or line.means):
            table.running = True

    def _take_pairs(self, line: Line, text: str) -> None:
        """Write the numbers of a line where they belong."""
        pairs = _without_repeats(line.pairs, text)
        self._last_split = pairs[-1].split if pairs else None
        if line.epoch is None and self._heading is None and self._ended(line, pairs):
            if line.step is None:
                self._write(pairs, AFTERWARDS)
            else:
                self._early = pairs
            return
        self._place(line.epoch, line.step, pairs)
        if line.bar:
            self._bar = line.bar[1]
        self._partial = line.bar is not None and (line.bar[0] < line.bar[1] or "ETA" in text)
        self._write(pairs)

    def _ended(self, line: Line, pairs: list[Pair]) -> bool:
        """Whether the epoch is over, and these numbers come from after it."""
        table, key = self._log_table, self._key
        if table.kind != "epoch" or key is None or self._partial:
            return False
        if any(pair.split not in {None, "train"} for pair in pairs) or not self._holds(key, pairs):
            return False
        other = line.bar is not None and self._bar is not None and line.bar[1] != self._bar
        said = self._inline and line.step is None and line.bar is None
        return table.evaluated(key) or other or said

    def _holds(self, key: float, pairs: list[Pair]) -> bool:
        return any(self._log_table.has(key, pair.label, pair.split) for pair in pairs)

    def _write(self, pairs: list[Pair], split: str | None = None) -> None:
        for pair in pairs:
            self._log_table.add(
                self._key or 0.0,
                pair.label,
                pair.value,
                split=split or pair.split,
                percent=pair.percent,
            )
            if pair.n_samples:
                self._log_table.n_samples[split or pair.split or "train"] = pair.n_samples

    # --- which row ------------------------------------------------------------------------------

    def _place(self, epoch: float | None, step: float | None, pairs: list[Pair]) -> None:
        """Go to the row that numbers belong to."""
        table = self._log_table
        named, self._heading = self._heading, None
        self._inline = epoch is not None
        if epoch is not None:
            if table.kind != "epoch":
                self._count_epochs(epoch, pairs)
            self._go(epoch, pairs, again=False)
        elif named is not None:
            self._go(named, pairs, again=True)
        elif table.kind == "epoch":
            return
        elif step is not None:
            if table.kind == "row":
                self._count_steps(step)
            self._go(step, pairs, again=False)
        elif table.kind == "row":
            if self._key is None:
                self._key = 1.0
            elif self._holds(self._key, pairs) and not self._partial:
                self._key += 1.0

    def _go(self, number: float, pairs: list[Pair], *, again: bool) -> None:
        """Go to an epoch or step, or count on where the log starts again.

        Parameters
        ----------
        number : float
            As it stands in the log.
        pairs : list of Pair
            What comes there.
        again : bool
            A heading said the number: if the row has these numbers already, it is another one.
        """
        key = number + self._offset
        known = key in self._log_table
        if self._highest is not None and key <= self._highest:
            backward = key != self._key and (not known or self._holds(key, pairs))
            repeated = key == self._key and again and not self._partial and self._holds(key, pairs)
            if backward or repeated:
                self._offset = self._highest + 1 - number
                key = self._highest + 1
                self._restarts += 1
        if key != self._key:
            self._key = key
            self._partial = False
            early, self._early = self._early, []
            self._write(early)
        self._highest = key if self._highest is None else max(key, self._highest)

    def _count_epochs(self, epoch: float, pairs: list[Pair]) -> None:
        """Begin to count epochs: the first is named, and what came before it gets its place."""
        table = self._log_table
        keys = table.keys
        if table.kind == "step":
            table.renumber(dict.fromkeys(keys, epoch))
        elif keys and (self._partial or (pairs and not self._holds(keys[-1], pairs))):
            table.renumber({keys[-1]: epoch})
        else:
            before = {key: epoch - len(keys) + at for at, key in enumerate(keys)}
            table.renumber({key: new for key, new in before.items() if new >= 0})
        table.kind = "epoch"
        self._highest = table.last
        self._key = table.last

    def _count_steps(self, step: float) -> None:
        """Begin to count steps."""
        keys = self._log_table.keys
        self._log_table.renumber({key: step - len(keys) + at for at, key in enumerate(keys)})
        self._log_table.kind = "step"
        self._highest = self._log_table.last


def _without_repeats(pairs: list[Pair], place: Container[str]) -> list[Pair]:
    """Drop numbers that a line gives in another form, or for the whole training."""
    labels = {pair.label.casefold() for pair in pairs}
    dropped = set()
    if "average_loss" in labels:  # an estimator's plain loss is a sum over the batch
        dropped.add("loss")
    if "train_runtime" in place:  # a Trainer's last line: means over all epochs
        dropped.add("train_loss")
    return [pair for pair in pairs if pair.label.casefold() not in dropped]
