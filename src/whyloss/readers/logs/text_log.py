"""The text that a training printed, read line by line in bounded memory."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from whyloss.formatting import pluralize
from whyloss.readers.logs.block_reader import BlockReader
from whyloss.readers.logs.facts import TextFacts
from whyloss.readers.logs.history_builder import build_history
from whyloss.readers.logs.languages import to_english
from whyloss.readers.logs.line import Line, Pair
from whyloss.readers.logs.line_parser import parse_line, says_of_set
from whyloss.readers.logs.line_templates import Template, make_template
from whyloss.readers.logs.log_table import LogTable
from whyloss.readers.logs.metric_names import Name, recognise
from whyloss.readers.logs.pieces import MAX_LINE, split_pieces
from whyloss.readers.logs.prose import read_prose
from whyloss.readers.logs.prose_rows import rows_of
from whyloss.readers.logs.prose_words import is_prose
from whyloss.readers.logs.row_tracker import RowTracker
from whyloss.readers.logs.table_parser import Table, flattened, heading, is_rule
from whyloss.readers.options import ReadOptions

if TYPE_CHECKING:
    from collections.abc import Container

    from whyloss.data import History
    from whyloss.readers.logs.column_mapping import Column

_DIGITS = re.compile(r"\d+")
# No number of a training and no gap is so long; patterns that may begin anywhere in one take long.
_LONG_NUMBER = re.compile(r"\d{41,}")
_GAP = " " * 50
_LONG_GAP = re.compile(r"\s{200,}")
_MOST_SHAPES = 5000
_LONGEST_SHAPE = 300
_MOST_TEMPLATES = 6
_ENOUGH_ROWS = 3
_MOST_UNREAD = 100  # lines
_MOST_PROSE = 50_000  # characters
# "0.9 -> 0.4" gives a first and a last value, as a sentence does.
_ARROW = re.compile(r"\d\s*%?\s*(?:->|→)\s*\d")
# The line below it repeats the best round, which may not have been printed before.
_BEST_BELOW = re.compile(r"best iteration(?: is)?\s*:\s*$", re.IGNORECASE)
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
        self._rows = RowTracker(self._log_table)
        self._facts = TextFacts()
        self._tail = ""
        self._held = ""
        self._above = ""
        # Lines that say nothing, with their numbers blotted out: programs repeat them.
        self._idle: set[str] = set()
        # Shapes of lines with numbers: how often they came, until there is a template.
        self._shapes: dict[str, int] = {}
        self._templates: list[Template] = []
        self._newest: tuple[Template, re.Match[str]] | None = None
        self._last_template: Template | None = None
        self._epoch_text = ""
        self._section: str | None = None
        self._section_began = False
        self._best_below = False
        self._table: Table | None = None
        self._blocks = BlockReader(self._log_table, self._rows, self._facts)
        self._prose: list[str] = []
        self._prose_after: list[str] = []  # sentences below numbers of a program
        self._unread: list[str] = []
        self._improved: dict[str, dict[float, float]] = {}
        self._last_split: str | None = None
        self._skipped = 0
        self._cut = 0
        self._long = 0

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
        for original, value, percent in row:
            label, name = _english_name(original)
            if name.kind == "index":
                index[name.metric] = value
            else:
                pairs.append(Pair(label, name, value, name.split, percent))
        pairs = _without_repeats(pairs, {label for label, _, _ in row})
        if pairs:
            self._rows.add(index.get("epoch"), index.get("step"), pairs)

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
        self._read_newest()
        self._release()
        self._blocks.close()
        self._rows.finish()
        remarks: list[str] = []
        table, beside = self._with_sentences(self._by_rows(remarks), remarks)
        history, notes = build_history(
            table,
            self._facts,
            self._options,
            beside=beside,
            unfinished=self._rows.unfinished,
            restarts=self._rows.restarts,
        )
        return history, (*notes, *remarks, *self._passed_over())

    def _by_rows(self, remarks: list[str]) -> LogTable:
        """Give the numbers by what their lines are: epochs, evaluations of one epoch, or names."""
        table = self._log_table
        names = self._rows.of_categories
        if names and not table.has_losses:
            table = table.averaged()
            remarks.append(
                f"Lines of {', '.join(names[:4])}{' …' * (len(names) > 4)} are no epochs: the mean over them is read."
            )
        elif table.kind == "epoch" and len(table) == 1 and len(self._rows.inner) >= _ENOUGH_ROWS:
            table = LogTable.of_rows(self._rows.inner)
            remarks.append(
                f"One epoch is named, with {len(table)} evaluations: these are numbered."
            )
        return table

    def _with_sentences(self, table: LogTable, remarks: list[str]) -> tuple[LogTable, list[Column]]:
        """Give the numbers of sentences where a program printed none, else what they say beside it."""
        told = read_prose("\n".join(self._prose))
        if not table.has_metrics and not (told.statements or told.trends):
            told = read_prose("\n\n".join(self._unread))
        self._facts.trends = told.trends
        of_classes = self._blocks.scores_of_classes(table.last or 1.0)
        if table.has_metrics:
            after = read_prose("\n".join(self._prose_after))
            self._facts.trends = [*told.trends, *after.trends]
            unprinted = table.unprinted(self._improved | of_classes)
            said = table.beside([*told.statements, *after.statements])
            return table, [*said, *unprinted]
        if of_classes or not told.statements:
            return table, table.unprinted(of_classes)
        table = LogTable()
        if told.unnamed:
            remarks.append("A percentage without a name is read as an accuracy.")
        table.kind, placed = rows_of(told.statements)
        for key, one in placed:
            table.add(key, one.label, one.value, split=one.split)
        return table, []

    def _passed_over(self) -> list[str]:
        notes = []
        if self._rows.repeats:
            notes.append(
                f"Left out: {pluralize(self._rows.repeats, 'line')} that repeat an earlier epoch, as "
                "is printed of the best one at the end."
            )
        if self._skipped:
            notes.append(f"Passed over: {pluralize(self._skipped, 'line')} of other text.")
        if self._long:
            notes.append(f"Left out: {pluralize(self._long, 'number')} of more than 40 digits.")
        if self._cut:
            notes.append(f"Cut at {MAX_LINE:,} characters: {pluralize(self._cut, 'line')}.")
        return notes

    # --- one line -------------------------------------------------------------------------------

    def _take(self, text: str) -> None:
        if self._templates and self._take_known(text):
            return
        if self._table is not None and not (self._held or self._blocks.inside):
            row = self._table.plain_row(text)
            if row is not None:
                self.add(row)
                return
        self._read_newest()
        for piece in split_pieces(text):
            if len(piece) > MAX_LINE:
                self._cut += 1
            kept, long = _LONG_NUMBER.subn(" ", piece[:MAX_LINE])
            self._long += long
            stripped = _LONG_GAP.sub(_GAP, kept.rstrip())
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

    def _take_known(self, text: str) -> bool:
        """Read a line by the template of an earlier one; False where none fits."""
        if self._held or self._blocks.inside or self._best_below:
            return False
        for at, template in enumerate(self._templates):
            match = template.pattern.fullmatch(text)
            if match is None or template.section != self._section:
                continue
            if at:
                self._templates.insert(0, self._templates.pop(at))
            if not template.supersedes or self._log_table.kind != "epoch":
                self._read_newest()
                self._take_parsed(template.fill(match), text)
                return True
            # Of the lines of an epoch the first is read at once, then only the last.
            epoch = match[template.epoch or 0]
            if (
                self._newest is not None
                and self._newest[0] is template
                and epoch == self._epoch_text
            ):
                self._newest = template, match
                return True
            again = epoch == self._epoch_text and self._last_template is template
            self._read_newest()
            self._epoch_text = epoch
            if again:
                self._newest = template, match
            else:
                self._take_parsed(template.fill(match), text)
                self._last_template = template
            return True
        return False

    def _read_newest(self) -> None:
        """Read the last of several lines of one epoch that supersede each other."""
        newest, self._newest = self._newest, None
        self._last_template = None
        if newest is not None:
            self._take_parsed(newest[0].fill(newest[1]), newest[1].string)

    def _learn(self, text: str, shape: str, line: Line, section: str | None) -> None:
        """Make a template of a line whose shape comes the second time."""
        seen = self._shapes.get(shape, 0)
        if len(self._shapes) < _MOST_SHAPES and len(shape) < _LONGEST_SHAPE:
            self._shapes[shape] = seen + 1
        if seen != 1 or line.summary:
            return
        template = make_template(text, line, section)
        if template is not None:
            self._templates = [template, *self._templates[: _MOST_TEMPLATES - 1]]

    def _release(self) -> None:
        """Read the last state of a bar that was not finished."""
        held, self._held = self._held, ""
        if held:
            self._take_piece(held)

    def _take_piece(self, text: str) -> None:
        self._best_below = bool(_BEST_BELOW.search(text)) or self._best_below
        shape = _DIGITS.sub("0", text)
        if shape in self._idle:
            self._skipped += 1
            return
        text = to_english(text)
        if self._blocks.take(text, self._section):
            return
        above, self._above = self._above, text
        if self._table and (row := self._table.row(text)):
            self.add(row)
            return
        said = self._facts.read(text)
        if self._begins_block(text, above):
            return
        if self._is_prose(text):
            told = self._prose_after if self._log_table.has_metrics else self._prose
            if sum(map(len, told)) < _MOST_PROSE:
                told.append(text)
            return
        if table := heading(text, above):
            self._table = table
            self._templates = []
            return
        self._take_line(text, shape, said=said)

    def _is_prose(self, text: str) -> bool:
        if says_of_set(text):
            return False
        return is_prose(text) or (not self._log_table.has_metrics and bool(_ARROW.search(text)))

    def _begins_block(self, text: str, above: str) -> bool:
        if self._blocks.begins(text, above, self._section):
            return True
        if (flat := flattened(text)) is None:
            return False
        self._table, rows = flat
        for row in rows:
            self.add(self._table.row(row) or [])
        return True

    def _take_line(self, text: str, shape: str, *, said: bool) -> None:
        # A line that begins with a star sums up the lines above it.
        split = self._last_split if text.lstrip().startswith("* ") else None
        line = parse_line(text, split or self._section)
        self._note(line)
        if line.improved is not None:
            self._take_improved(*line.improved)
        if line.section:
            self._section, self._section_began = line.section, True
            return
        began, self._section_began = self._section_began, False
        if line.pairs or line.epoch is not None:
            section = self._section
            self._section_began = began
            self._take_parsed(line, text)
            self._learn(text, shape, line, section)
            if not any(pair.name.measures for pair in line.pairs):
                self._keep_unread(text)  # a sentence whose words were taken for names, perhaps
        elif line.step is not None:
            self._rows.name_step(line.step)
        elif not said:
            self._skipped += 1
            self._keep_unread(text)
            if len(self._idle) < _MOST_SHAPES and len(shape) < _LONGEST_SHAPE:
                self._idle.add(shape)

    def _take_improved(self, epoch: float, label: str, value: float) -> None:
        """Keep what a callback says of an epoch, should nothing else print that metric."""
        row = self._rows.current
        near = row is not None and abs(row - epoch) <= 1  # callbacks of old count from 0
        cells = self._improved.setdefault(label, {})
        cells[row if near and row is not None else epoch] = value

    def _keep_unread(self, text: str) -> None:
        if not self._log_table.has_metrics and len(self._unread) < _MOST_UNREAD:
            self._unread.append(text)

    def _take_parsed(self, line: Line, text: str) -> None:
        began, self._section_began = self._section_began, False
        if self._best_below and line.pairs:
            self._best_below = False
            if all(self._log_table.knows(pair.label, pair.split) for pair in line.pairs):
                self._rows.repeats += 1
                return
        if line.epoch is not None and not line.pairs:
            if not began:
                self._section = None
            self._rows.name_epoch(line.epoch, of_evaluation=line.of in {"val", "test"})
            return
        pairs = _without_repeats(line.pairs, text)
        self._last_split = pairs[-1].split if pairs else None
        self._rows.take(line, pairs, eta="ETA" in text)

    def _note(self, line: Line) -> None:
        """Remember what a line says of the whole log."""
        table = self._log_table
        self._facts.sizes |= line.sizes
        for pair in line.pairs:
            if pair.n_samples:
                self._facts.sizes[pair.split or "train"] = pair.n_samples
        table.by_global_step |= line.by_global_step
        table.boosting |= line.boosting
        if line.boosting:
            table.running = False
        elif table.running is None and line.pairs and (line.running or line.bar or line.means):
            table.running = True


@lru_cache(maxsize=1024)
def _english_name(name: str) -> tuple[str, Name]:
    english = to_english(name).strip()
    return english, recognise(english)


def _without_repeats(pairs: list[Pair], place: Container[str]) -> list[Pair]:
    """Drop numbers that a line gives in another form, or for the whole training."""
    if "average_loss" not in place and "train_runtime" not in place:
        return pairs
    labels = {pair.label.casefold() for pair in pairs}
    dropped = set()
    if "average_loss" in labels:  # an estimator's plain loss is a sum over the batch
        dropped.add("loss")
    if "train_runtime" in place:  # a Trainer's last line: means over all epochs
        dropped.add("train_loss")
    return [pair for pair in pairs if pair.label.casefold() not in dropped]
