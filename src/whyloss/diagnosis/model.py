"""The frozen result of a diagnosis, which every reporter reads and none changes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyloss.errors import WhylossError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whyloss.diagnosis.confusion import Confusion
    from whyloss.diagnosis.epoch_views import EpochViews
    from whyloss.diagnosis.sample_pool import SamplePool
    from whyloss.diagnosis.slice_rows import SliceRow
    from whyloss.diagnosis.tables import (
        Attribution,
        ClassRow,
        EpochRow,
        SampleRow,
    )
    from whyloss.diagnosis.verdict import Verdict
    from whyloss.diagnosis.yardsticks import Yardstick
    from whyloss.evidence import Level
    from whyloss.measures.intervals import Estimate
    from whyloss.measures.selection import BestEpoch
    from whyloss.remedies import Remedy
    from whyloss.rules import Finding

FORMATS = ("terminal", "markdown", "json", "html")


@dataclass(frozen=True)
class NotChecked:
    """Something that was not checked, and why."""

    code: str
    name: str
    reason: str


@dataclass(frozen=True)
class OpenQuestion:
    """What these data cannot tell, and the lines that would log what is missing."""

    text: str
    snippet: str


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """Why the loss is what it is, or changed as it did.

    Attributes
    ----------
    source : str
        Name of what was diagnosed.
    split : str
    level : Level
        How much was known.
    verdict : Verdict
    findings : tuple of Finding
        By severity, then by the nats that they explain.
    attribution : Attribution or None
        Where the change of the loss comes from; None with fewer than two epochs.
    best_epochs : mapping of str to BestEpoch
        "accuracy", "log_loss", "refinement"; those that can be told.
    remedies : tuple of Remedy
    not_checked : tuple of NotChecked
    numbers : mapping of str to number or Estimate
        What was measured at the epoch in question.
    epochs, classes, samples
        The tables behind the charts.
    slices : tuple of SliceRow
        Loss and accuracy by the columns that were given to split them by; in each of them what
        costs most beyond its share comes first.
    confusion : Confusion or None
        Which classes are taken for which.
    views : EpochViews or None
        What the samples looked like, epoch by epoch; None without predictions.
    pool : SamplePool or None
        The samples to look through: more of them than `samples`, with their losses at each view.
    yardsticks : tuple of Yardstick
        What reported numbers are to be measured against; empty where predictions are at hand.
    notes : tuple of str
        What was left out or set aside while reading.
    open_questions : tuple of OpenQuestion
        What more evidence would settle.
    """

    source: str
    split: str
    level: Level
    verdict: Verdict
    findings: tuple[Finding, ...]
    attribution: Attribution | None
    best_epochs: Mapping[str, BestEpoch]
    remedies: tuple[Remedy, ...]
    not_checked: tuple[NotChecked, ...]
    numbers: Mapping[str, Estimate | float | int | str | None]
    epochs: tuple[EpochRow, ...]
    classes: tuple[ClassRow, ...]
    samples: tuple[SampleRow, ...]
    slices: tuple[SliceRow, ...]
    confusion: Confusion | None
    views: EpochViews | None
    pool: SamplePool | None
    yardsticks: tuple[Yardstick, ...]
    notes: tuple[str, ...]
    open_questions: tuple[OpenQuestion, ...]

    def render(self, form: str) -> str:
        """The diagnosis as text in one of the formats "terminal", "markdown", "json", "html"."""
        if form not in FORMATS:
            raise WhylossError(
                f"There is no format {form!r}", expected=", ".join(FORMATS), got=form
            )
        # A reporter is found by name, so that this room does not know those above it.
        text: str = import_module(f"whyloss.reporters.{form}").render(self)
        return text

    def show(self) -> None:
        """Print the diagnosis to the terminal."""
        import_module("whyloss.reporters.terminal").show(self)

    @property
    def charts(self) -> Any:  # noqa: ANN401 - its type is of a room above this one
        """The charts of the report one by one, as :class:`whyloss.reporters.charts_alone.Charts`.

        ``d.charts.waterfall().save("waterfall.png")``
        """
        return import_module("whyloss.reporters.charts_alone").Charts(self)

    def to_dict(self) -> dict[str, object]:
        """The diagnosis as plain dictionaries and lists, as in its JSON form."""
        content: dict[str, object] = import_module("whyloss.reporters.json").to_dict(self)
        return content

    def to_json(self) -> str:
        """The diagnosis as JSON."""
        return self.render("json")

    def to_markdown(self) -> str:
        """The diagnosis as Markdown."""
        return self.render("markdown")

    def _repr_html_(self) -> str:
        return self._in_notebook()

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002 - what notebooks ask for; they take what they need
        exclude: object = None,  # noqa: ARG002
    ) -> dict[str, str]:
        plain = f"{self.verdict.title}. {self.verdict.text}"
        return {"text/plain": plain, "text/html": self._in_notebook()}

    def _in_notebook(self) -> str:
        text: str = import_module("whyloss.reporters.notebook").render(self)
        return text

    def to_html(self, path: str | Path) -> Path:
        """Write the report, one self-contained HTML file, and give its path."""
        target = Path(path)
        target.write_text(self.render("html"), encoding="utf-8")
        return target
