"""Results that show themselves: the frozen rows of a verb, with the ways to show them."""

from __future__ import annotations

import textwrap
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from whyloss.errors import WhylossError
from whyloss.reporters.encoding import clean
from whyloss.results import check as check_results
from whyloss.results import comparison, diagnosis
from whyloss.results import review as review_results

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Self

    from whyloss.reporters.charts.accessor import Charts


LONGEST_REPR = 190  # characters


class Shown:
    """Ways to show a result; a class names the reporter that knows it."""

    FORMATS: ClassVar[tuple[str, ...]] = ("terminal", "markdown", "json")

    @classmethod
    def of(cls, result: Any) -> Self:  # noqa: ANN401 - the frozen result that `cls` extends
        """The same result, with the ways to show it.

        Parameters
        ----------
        result : Diagnosis, Comparison, Review or CheckResult
            The frozen rows of a verb.
        """
        values = {field.name: getattr(result, field.name) for field in fields(result)}
        return cls(**values)

    @staticmethod
    def _reporter() -> ModuleType:
        raise NotImplementedError  # each class names its own

    def render(self, output_format: str) -> str:
        """The result as text.

        Parameters
        ----------
        output_format : str
            One of ``FORMATS``.

        Raises
        ------
        WhylossError
            There is no such format.
        """
        if output_format not in self.FORMATS:
            raise WhylossError(
                f"Unknown format {output_format!r}",
                expected=f"one of {', '.join(self.FORMATS)}",
                got=output_format,
            )
        text: str = self._reporter().render(self, output_format)
        return clean(text) if output_format == "markdown" else text

    def show(self) -> None:
        """Print the result, in colour where the terminal has it and NO_COLOR is not set."""
        self._reporter().show(self)

    def to_dict(self) -> dict[str, object]:
        """The result as plain dictionaries, lists, strings and numbers, as in its JSON form."""
        from whyloss.reporters import json  # noqa: PLC0415 - as the other reporters

        return json.to_dict(self)

    def to_json(self) -> str:
        """The result as JSON."""
        return self.render("json")

    def to_markdown(self) -> str:
        """The result as Markdown."""
        return self.render("markdown")

    def __repr__(self) -> str:
        """Say the answer in one line of less than 200 characters."""
        answer = " ".join(clean(self._reporter().one_line(self)).split())
        room = LONGEST_REPR - len(type(self).__name__)
        return f"<{type(self).__name__}: {textwrap.shorten(answer, room, placeholder=' …')}>"


class Notebook(Shown):
    """A result that shows itself as the last expression of a notebook's cell."""

    def _repr_html_(self) -> str:
        html: str = self._reporter().to_notebook(self)
        return html


class Diagnosis(Notebook, diagnosis.Diagnosis):  # noqa: D101 - that of the result
    __doc__ = diagnosis.Diagnosis.__doc__
    FORMATS = ("terminal", "markdown", "json", "html")

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import diagnose  # noqa: PLC0415 - rich is slow to import

        return diagnose

    def show(self, *, brief: bool = False) -> None:
        """Print the diagnosis, in colour where the terminal has it and NO_COLOR is not set.

        Parameters
        ----------
        brief : bool, default False
            Print the answer alone, in five lines at most.
        """
        from whyloss.reporters.diagnose import show  # noqa: PLC0415 - rich is slow to import

        show(self, brief=brief)

    @property
    def charts(self) -> Charts:
        """The charts of the report one by one: ``d.charts.waterfall().save("waterfall.png")``."""
        from whyloss.reporters.charts.accessor import Charts  # noqa: PLC0415 - altair is slow

        return Charts(self)

    def to_html(self, path: str | Path) -> Path:
        """Write the report, one self-contained HTML file.

        Parameters
        ----------
        path : str or Path
            File to write; an existing one is replaced.

        Returns
        -------
        Path
        """
        target = Path(path)
        target.write_text(self.render("html"), encoding="utf-8")
        return target


class Comparison(Notebook, comparison.Comparison):  # noqa: D101 - that of the result
    __doc__ = comparison.Comparison.__doc__

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import compare as reporter  # noqa: PLC0415 - rich is slow to import

        return reporter


class Review(Notebook, review_results.Review):  # noqa: D101 - that of the result
    __doc__ = review_results.Review.__doc__

    TABLE_FORMATS: ClassVar[tuple[str, ...]] = ("csv", "jsonl", "parquet")

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import review as reporter  # noqa: PLC0415 - rich is slow to import

        return reporter

    def write(self, file: BinaryIO, table_format: str) -> None:
        """Write the list as a table for labelling tools.

        Parameters
        ----------
        file : binary file
        table_format : str
            One of ``TABLE_FORMATS``.
        """
        from whyloss.reporters.review.tables import write  # noqa: PLC0415 - as the others

        write(self, table_format, file)


class CheckResult(Shown, check_results.CheckResult):  # noqa: D101 - that of the result
    __doc__ = check_results.CheckResult.__doc__
    FORMATS = ("terminal", "markdown", "json", "junit")

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import check as reporter  # noqa: PLC0415 - rich is slow to import

        return reporter
