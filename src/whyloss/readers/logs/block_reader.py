"""Blocks of several lines in a log: each is taken from its first line to its last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whyloss.formatting import pluralize
from whyloss.readers.logs.evaluation_blocks import (
    ClassScores,
    LabelledMatrix,
    Matrix,
    Report,
    called,
    evaluated_pair,
    list_of_values,
    lone_values,
)
from whyloss.readers.logs.line import Pair
from whyloss.readers.logs.metric_names import recognise

if TYPE_CHECKING:
    from whyloss.readers.logs.facts import TextFacts
    from whyloss.readers.logs.log_table import LogTable
    from whyloss.readers.logs.row_tracker import RowTracker


class BlockReader:
    """Reads the block that a log is in, and writes what it says into the table and the facts.

    Parameters
    ----------
    table : LogTable
    rows : RowTracker
    facts : TextFacts

    Attributes
    ----------
    of_classes : dict of str to (str, float)
        By split the score that the accuracies of single classes make together, and its name.
    """

    def __init__(self, table: LogTable, rows: RowTracker, facts: TextFacts) -> None:
        self._table = table
        self._rows = rows
        self._facts = facts
        self.of_classes: dict[str, tuple[str, float]] = {}
        self._split: str | None = None
        self._matrix: Matrix | LabelledMatrix | None = None
        self._report: Report | None = None
        self._classes: ClassScores | None = None
        self._list: str | None = None
        self._list_length = 0

    @property
    def inside(self) -> bool:
        """Whether a block has begun and may go on."""
        return not (
            self._matrix is None
            and self._report is None
            and self._classes is None
            and self._list is None
        )

    def take(self, text: str, split: str | None) -> bool:
        """Take a line of the block that has begun; False where it belongs to none.

        Parameters
        ----------
        text : str
        split : str or None
            The split that a heading above it named.
        """
        if not self.inside:
            return False
        self._split = split
        return (
            self._take_matrix(text)
            or self._take_report(text)
            or self._take_class(text)
            or self._take_list(text)
        )

    def begins(self, text: str, above: str, split: str | None) -> bool:
        """Whether a block begins with the line, which is then taken.

        Parameters
        ----------
        text, above : str
            The line, and the one before it.
        split : str or None
        """
        self._split = split
        if Matrix.begins(text):
            self._matrix = Matrix()
            self._take_matrix(text)
        elif (matrix := LabelledMatrix.begun(text, above)) is not None:
            self._matrix = matrix
            self._close_matrix()
        elif Report.begins(text):
            self._report = Report()
        elif (classes := ClassScores.begun(text)) is not None:
            self._classes = classes
        elif pair := evaluated_pair(text):
            self._facts.notes.append(
                "Two numbers in brackets are read as the loss and the accuracy of an evaluation."
            )
            self._add([("val loss", pair[0], False), ("val accuracy", pair[1], False)])
        elif result := called(text, above):
            self._add([(*result, False)])
        elif (values := list_of_values(text)) is not None:
            self._begin_list(*values)
        else:
            return False
        return True

    def close(self) -> None:
        """End what may go on: a report, or scores of classes."""
        self._close_report()
        self._close_classes()

    def scores_of_classes(self, row: float) -> dict[str, dict[float, float]]:
        """Give the scores that those of single classes make together, as columns of one row."""
        return {label: {row: value} for label, value in self.of_classes.values()}

    # --- each kind ------------------------------------------------------------------------------------

    def _take_matrix(self, text: str) -> bool:
        if self._matrix is None:
            return False
        taken = self._matrix.add(text)
        self._close_matrix()
        return taken

    def _close_matrix(self) -> None:
        """Take a confusion matrix whose last row has come; other matrices are left out."""
        if self._matrix is None or not self._matrix.done:
            return
        counts, self._matrix = self._matrix.counts(), None
        if counts is None:
            return
        total = sum(map(sum, counts))
        split = self._split or "val"
        self._facts.note_classes(len(counts))
        self._facts.sizes[split] = total
        self._facts.class_shares = tuple(sum(row) / total for row in counts)
        self._facts.notes.append(
            f"A confusion matrix of {pluralize(total, 'sample')} is read with the true classes as rows."
        )
        right = sum(row[at] for at, row in enumerate(counts))
        self._add([(f"{split} accuracy", right / total, False)])

    def _take_report(self, text: str) -> bool:
        if self._report is None:
            return False
        row = self._report.row(text)
        if row is None:
            self._close_report()
            return False
        self._add([(f"{self._split or 'val'} {name}", value, False) for name, value in row])
        return True

    def _close_report(self) -> None:
        """Take what a classification report says of the classes as a whole."""
        report, self._report = self._report, None
        total = sum(report.supports) if report is not None else 0
        if report is not None and total:
            self._facts.note_classes(len(report.supports))
            self._facts.sizes[self._split or "val"] = total
            self._facts.class_shares = tuple(n / total for n in report.supports)

    def _take_class(self, text: str) -> bool:
        if self._classes is None:
            return False
        if self._classes.add(text):
            return True
        self._close_classes()
        return False

    def _close_classes(self) -> None:
        """Take the scores of single classes: together they are the accuracy, or its mean."""
        classes, self._classes = self._classes, None
        if classes is None or len(classes.shares) < 2:
            return
        split = classes.split or self._split or "val"
        if split in self.of_classes:
            return  # the same classes once more, over other samples
        self._facts.note_classes(len(classes.shares))
        if classes.counts is None:
            mean = sum(classes.shares.values()) / len(classes.shares)
            self.of_classes[split] = f"{split} balanced accuracy", mean
            return
        total = sum(n for _, n in classes.counts)
        self._facts.sizes[split] = total
        self._facts.class_shares = tuple(n / total for _, n in classes.counts)
        right = sum(right for right, _ in classes.counts)
        self.of_classes[split] = f"{split} accuracy", right / total

    def _begin_list(self, label: str, cells: list[tuple[float, bool]]) -> None:
        self._list = None if cells else label
        self._list_length = 0
        for value, percent in cells:
            self._add_to_list(label, value, percent=percent)

    def _take_list(self, text: str) -> bool:
        if self._list is None:
            return False
        values = lone_values(text)
        for value, percent in values:
            self._add_to_list(self._list, value, percent=percent)
        if not values:
            self._list = None
        return bool(values)

    def _add(self, values: list[tuple[str, float, bool]]) -> None:
        pairs = [
            Pair(label, name, value, name.split or self._split, percent)
            for label, value, percent in values
            for name in [recognise(label)]
        ]
        self._rows.add(None, None, pairs)

    def _add_to_list(self, label: str, value: float, *, percent: bool) -> None:
        """Write the next value of a list, which has one for each epoch."""
        self._list_length += 1
        self._table.add(float(self._list_length), label, value, split=self._split, percent=percent)
