"""Results that show themselves: the frozen rows of a verb, with the ways to show them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from whyloss.errors import WhylossError
from whyloss.results import check as check_results
from whyloss.results import comparison, diagnosis
from whyloss.results import review as review_results

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Self

    from whyloss.reporters.charts.accessor import Charts


class Shown:
    """Ways to show a result; a class names the reporter that knows it."""

    FORMATS: ClassVar[tuple[str, ...]] = ("terminal", "markdown", "json")

    @classmethod
    def of(cls, result: Any) -> Self:  # noqa: ANN401 - the frozen result that `cls` extends
        """The same result, with the ways to show it."""
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
        return text

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
        """Say the answer in one line."""
        return f"<{type(self).__name__}: {self._reporter().one_line(self)}>"


class Diagnosis(Shown, diagnosis.Diagnosis):
    __doc__ = diagnosis.Diagnosis.__doc__
    FORMATS = ("terminal", "markdown", "json", "html")
    __repr__ = Shown.__repr__

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import diagnose  # noqa: PLC0415 - rich is slow to import

        return diagnose

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

    def _repr_html_(self) -> str:
        from whyloss.reporters.diagnose.notebook import render  # noqa: PLC0415 - altair is slow

        return render(self)


class Comparison(Shown, comparison.Comparison):
    __doc__ = comparison.Comparison.__doc__
    __repr__ = Shown.__repr__

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import compare as reporter  # noqa: PLC0415 - rich is slow to import

        return reporter


class Review(Shown, review_results.Review):
    __doc__ = review_results.Review.__doc__
    __repr__ = Shown.__repr__

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import review as reporter  # noqa: PLC0415 - rich is slow to import

        return reporter


class CheckResult(Shown, check_results.CheckResult):
    __doc__ = check_results.CheckResult.__doc__
    FORMATS = ("terminal", "markdown", "json", "junit")
    __repr__ = Shown.__repr__

    @staticmethod
    def _reporter() -> ModuleType:
        from whyloss.reporters import check as reporter  # noqa: PLC0415 - rich is slow to import

        return reporter
