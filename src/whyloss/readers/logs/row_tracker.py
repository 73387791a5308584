"""Which row a line of a log belongs to: an epoch, a step, or a count of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from whyloss.readers.logs.log_table import AFTERWARDS, MAX_ROWS
from whyloss.readers.logs.metric_names import SPLIT_WORDS

_ENOUGH_NAMES = 3

if TYPE_CHECKING:
    from whyloss.readers.logs.line import Line, Pair
    from whyloss.readers.logs.log_table import LogTable


class RowTracker:
    """Follows a log from row to row, and writes the numbers of each line into the table.

    Parameters
    ----------
    table : LogTable

    Attributes
    ----------
    heading : float or None
        The epoch that a heading named and no line has used yet.
    repeats : int
        Lines that repeat an earlier row word for word, as after an early stop.
    restarts : list of (float, float)
        The rows at which the count of epochs began again, and the numbers that stood there.
    inner : list of list of Pair
        The evaluations of the only epoch so far, one for each line.
    """

    def __init__(self, table: LogTable) -> None:
        self._table = table
        self._key: float | None = None
        self.heading: float | None = None
        self.repeats = 0
        self.restarts: list[tuple[float, float]] = []
        self.inner: list[list[Pair]] = []
        self._words_of: dict[float, str] = {}
        self._repeating = False
        self._offset = 0.0
        self._highest: float | None = None
        self._inline = False
        self._bar: tuple[int, int] | None = None
        self._partial = False
        self._within: tuple[int, int] | None = None
        self._means: set[tuple[str | None, str]] = set()
        self._afterwards = False
        self._early: list[Pair] = []
        self._second: list[Pair] = []

    @property
    def of_categories(self) -> list[str]:
        """What tells the lines apart, where each has a name of its own: no row is an epoch."""
        every = self._words_of.keys() == set(self._table.keys) and self._table.kind == "row"
        lines = [head.split() for head in self._words_of.values()]
        if not every or len(lines) < _ENOUGH_NAMES:
            return []
        common = set(lines[0]).intersection(*lines)
        names = [" ".join(word for word in line if word not in common) for line in lines]
        differ = all(names) and len(set(names)) == len(names)
        splits = any(word in SPLIT_WORDS for name in names for word in name.casefold().split())
        return names if differ and not splits else []

    @property
    def current(self) -> float | None:
        """The row of the line that came last, or of the heading since."""
        return self._key if self.heading is None else self.heading + self._offset

    @property
    def unfinished(self) -> float | None:
        """The last row, if a bar in it was not finished and other rows stand before it."""
        began = self._partial and self._bar is not None and len(self._table) > 1
        if not began or self._key is None or self._table.evaluated(self._key):
            return None
        return self._key

    def take(self, line: Line, pairs: list[Pair], *, eta: bool) -> None:
        """Write the numbers of a line where they belong.

        Parameters
        ----------
        line : Line
        pairs : list of Pair
            Its numbers.
        eta : bool
            The line tells how long the epoch will still take.
        """
        if self._is_next(line):
            self._begin(line)
            self.write(pairs)
            return
        if line.within and not line.within[1] and self._counts_batches(line):
            line = replace(line, step=float(line.within[0]), within=None)
        placed = line.epoch is not None or self.heading is not None
        if not placed and (self._ended(line, pairs) or self._goes_on_after(line, pairs)):
            if line.step is None:
                self._afterwards = True
                self.write(pairs, AFTERWARDS)
            else:
                self._early = pairs
            return
        self._afterwards = False
        if self._is_second_evaluation(line, pairs):
            self._second = pairs
            return
        if self._second and (line.epoch is None or line.epoch + self._offset == self._key):
            self.write(self._second)
        self._second = []
        self._keep_inner(line, pairs)
        if not self._place(line, pairs):
            return
        self._bar = line.bar or self._bar
        self._partial = line.bar is not None and (line.bar[0] < line.bar[1] or eta)
        self._within = line.within or self._within
        step = line.step if line.step is not None and self._table.kind == "epoch" else None
        if step is None and line.within:
            step = line.within[0]
        self.write(pairs, step=step, summary=line.summary)
        if self._table.kind == "row" and self._key is not None and pairs:
            self._words_of.setdefault(self._key, line.words)

    def add(self, epoch: float | None, step: float | None, pairs: list[Pair]) -> None:
        """Write a row of a table."""
        self._go_to(epoch, step, pairs)
        self.write(pairs)

    def name_epoch(self, epoch: float, *, of_evaluation: bool) -> None:
        """Remember that a heading named an epoch.

        Parameters
        ----------
        epoch : float
        of_evaluation : bool
            It is one of an evaluation, so that the training before it was of the same epoch.
        """
        self.heading = epoch
        if self._table.kind != "epoch":
            last = self._table.last
            same = of_evaluation and last is not None and not self._table.evaluated(last)
            self._count_epochs(epoch, [], same=same)

    def name_step(self, step: float) -> None:
        """Go to a step that a line named which holds no number itself."""
        if self._table.kind == "epoch":
            return
        if self._table.kind == "row":
            self._count_steps(step, [])
        self._go(step, [], again=False)

    def finish(self) -> None:
        """Write what waits: an evaluation after the last epoch, which is not one of its own."""
        if self._second:
            self.write(self._second, AFTERWARDS, forced=True)

    def write(
        self,
        pairs: list[Pair],
        split: str | None = None,
        *,
        forced: bool = False,
        step: float | None = None,
        summary: bool = False,
    ) -> None:
        """Write numbers into the present row.

        Parameters
        ----------
        pairs : list of Pair
        split : str, optional
            The split of those that name none.
        forced : bool
            It overrules also what the names say.
        step : float, optional
            The step within the row.
        summary : bool
            They sum up lines above them.
        """
        for pair in pairs:
            at = pair.split, pair.label
            if pair.mean:
                self._means.add(at)
            elif self._within and not summary and at in self._means:
                continue  # the number of one batch says less than the mean so far
            self._table.add(
                self._key or 0.0,
                pair.label,
                pair.value,
                split=split or pair.split,
                forced=forced,
                percent=pair.percent,
                step=step,
            )

    def _is_next(self, line: Line) -> bool:
        """Whether a line is that of the next epoch and nothing waits, as in a log of one line each."""
        return (
            line.epoch is not None
            and self._table.kind == "epoch"
            and self._highest is not None
            and line.epoch + self._offset > self._highest
            and (line.step is None and line.within is None and line.bar is None)
            and not (self._second or self._early or self.heading is not None)
        )

    def _begin(self, line: Line) -> None:
        self._key = self._highest = (line.epoch or 0.0) + self._offset
        self._within = None
        self._inline, self._partial, self._afterwards, self._repeating = True, False, False, False
        self._means.clear()
        self.inner.clear()

    def _keep_inner(self, line: Line, pairs: list[Pair]) -> None:
        """Keep the evaluations of one epoch: they are all there is where no second one comes."""
        if line.epoch is not None or len(self._table) > 1:
            self.inner.clear()
            return
        inside = line.step is not None or line.within or line.bar
        held_out = any(pair.split in {"val", "test"} for pair in pairs)
        if held_out and not inside and len(self.inner) < MAX_ROWS:
            self.inner.append(pairs)

    def _counts_batches(self, line: Line) -> bool:
        """Whether batches are counted over the whole training, as where no epoch is named."""
        named = line.epoch is not None or self.heading is not None
        return line.step is None and not named and self._table.kind != "epoch"

    # --- where it belongs -------------------------------------------------------------------------

    def _ended(self, line: Line, pairs: list[Pair]) -> bool:
        """Whether the epoch is over, and these numbers come from after it."""
        table, key = self._table, self._key
        if table.kind != "epoch" or key is None or self._partial:
            return False
        if any(pair.split not in {None, "train"} for pair in pairs) or not self._holds(key, pairs):
            return False
        other = line.bar is not None and self._bar is not None and line.bar[1] != self._bar[1]
        said = self._inline and line.step is None and line.bar is None and not self._within
        return table.evaluated(key) or other or said

    def _goes_on_after(self, line: Line, pairs: list[Pair]) -> bool:
        """Whether a line goes on with the evaluation after the last epoch."""
        inside = line.step is not None or line.bar or line.within
        return self._afterwards and not inside and all(pair.split is None for pair in pairs)

    def _is_second_evaluation(self, line: Line, pairs: list[Pair]) -> bool:
        """Whether an evaluation comes once more in its epoch, as after the best one was loaded."""
        if line.epoch is None or line.step is not None or line.bar or line.within:
            return False
        return (
            self._table.kind == "epoch"
            and line.epoch + self._offset == self._key
            and bool(pairs)
            and all(pair.name.split not in {None, "train"} for pair in pairs)
            and self._holds(self._key, pairs)
        )

    def _holds(self, key: float | None, pairs: list[Pair]) -> bool:
        """Whether the row has such numbers; beside known metrics the others say nothing of rows."""
        known = [pair for pair in pairs if pair.name.kind == "metric"]
        return key is not None and any(
            self._table.has(key, pair.label, pair.split)
            for pair in (known if self._table.has_metrics else pairs)
        )

    def _place(self, line: Line, pairs: list[Pair]) -> bool:
        """Go to the row that a line belongs to; False where it only repeats an earlier one."""
        if self._repeats_earlier(line, pairs):
            self.repeats += 1
            return False
        inside = line.summary or (self._within is not None and _goes_on(self._within, line.within))
        self._go_to(line.epoch, line.step, pairs, inside=inside, single=not line.within)
        return True

    def _repeats_earlier(self, line: Line, pairs: list[Pair]) -> bool:
        """Whether a line says again what an earlier row holds, as after "best iteration is"."""
        number = line.epoch if line.epoch is not None else line.step
        if number is None or not pairs or self._key is None or line.within or line.bar:
            return False
        key = number + self._offset
        # The last epoch once more is a repeat only where those before it were repeated.
        earlier = key < self._key or (key == self._key and self._repeating)
        self._repeating = earlier and all(
            self._table.value(key, pair.label, pair.split, percent=pair.percent) == pair.value
            for pair in pairs
        )
        return self._repeating

    def _go_to(
        self,
        epoch: float | None,
        step: float | None,
        pairs: list[Pair],
        *,
        inside: bool = False,
        single: bool = False,
    ) -> None:
        table = self._table
        named, self.heading = self.heading, None
        self._inline = epoch is not None
        if epoch is not None:
            if table.kind != "epoch":
                self._count_epochs(epoch, pairs)
            # A training number once more, without a step, after the epoch was evaluated.
            again = (
                single
                and step is None
                and self._key == epoch + self._offset
                and table.evaluated(self._key)
                and any(pair.split in {None, "train"} for pair in pairs)
            )
            self._go(epoch, pairs, again=again)
        elif named is not None:
            self._go(named, pairs, again=True)
        elif table.kind == "epoch":
            return
        elif step is not None:
            if table.kind == "row":
                self._count_steps(step, pairs)
            self._go(step, pairs, again=False)
        elif table.kind == "row":
            if self._key is None:
                self._key = 1.0
            elif self._holds(self._key, pairs) and not self._partial and not inside:
                self._key += 1.0
                self._means.clear()

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
        known = key in self._table
        if self._highest is not None and key <= self._highest:
            backward = key != self._key and (not known or self._holds(key, pairs))
            repeated = key == self._key and again and not self._partial and self._holds(key, pairs)
            if backward or repeated:
                self._offset = self._highest + 1 - number
                key = self._highest + 1
                self.restarts.append((key, number))
        if key != self._key:
            self._key = key
            self._partial = False
            self._within = None
            self._means.clear()
            early, self._early = self._early, []
            self.write(early)
        self._highest = key if self._highest is None else max(key, self._highest)

    def _count_epochs(self, epoch: float, pairs: list[Pair], *, same: bool = False) -> None:
        """Begin to count epochs: the first is named, and what came before it gets its place."""
        table = self._table
        keys = table.keys
        if table.kind == "step":
            table.renumber(dict.fromkeys(keys, epoch))
        elif keys and (same or self._partial or (pairs and not self._holds(keys[-1], pairs))):
            table.renumber({keys[-1]: epoch})
        else:
            before = {key: epoch - len(keys) + at for at, key in enumerate(keys)}
            table.renumber({key: new for key, new in before.items() if new >= 0})
        table.kind = "epoch"
        self._highest = self._key = table.last

    def _count_steps(self, step: float, pairs: list[Pair]) -> None:
        """Begin to count steps; what came last before the first step belongs to it."""
        table = self._table
        keys = table.keys
        own = 1 if keys and not self._holds(keys[-1], pairs) else 0
        before = {key: step - len(keys) + own + at for at, key in enumerate(keys)}
        table.renumber({key: new for key, new in before.items() if new >= 0})
        table.kind = "step"
        self._highest = self._key = table.last


def _goes_on(before: tuple[int, int], now: tuple[int, int] | None) -> bool:
    """Whether a line continues the pass over the batches that the line before it was in."""
    if now is None:
        return before[0] + 1 < before[1]
    return now[1] == before[1] and now[0] > before[0]
