"""Jupyter notebooks: what their cells printed is read as the text of a log."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from whyloss.data import InMemorySource
from whyloss.errors import FormatError
from whyloss.readers.logs.text_log import TextLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from whyloss.readers.options import ReadOptions


def is_notebook(value: Any) -> bool:  # noqa: ANN401 - what JSON may hold
    """Tell whether the content of a JSON file is a notebook.

    Parameters
    ----------
    value : dict, list, str, number or None
    """
    return (
        isinstance(value, dict)
        and "nbformat" in value
        and bool({"cells", "worksheets"} & value.keys())
    )


def read_notebook(notebook: Mapping[str, Any], options: ReadOptions, name: str) -> InMemorySource:
    """Read the curves that the cells of a notebook printed.

    Parameters
    ----------
    notebook : mapping
        As JSON has it, of any version of the format.
    options : ReadOptions
    name : str
        What to call the source.

    Raises
    ------
    FormatError
        No cell has any output, or none with a loss or a score.
    """
    printed = "\n".join(_outputs(notebook))
    if not printed.strip():
        raise FormatError(
            f"No cell of the notebook {name} has printed anything",
            expected="a notebook that was saved with its outputs",
            got="cells without outputs",
            hint="Run it and save it, or write the history as CSV or JSON.",
        )
    log = TextLog(options)
    log.feed(printed)
    log.close()
    history, notes = log.history()
    return InMemorySource(history=history, name=name, notes=notes)


def _outputs(notebook: Mapping[str, Any]) -> Iterator[str]:
    """The printed texts, in their order; tables in HTML as lines with bars."""
    sheets = notebook.get("worksheets") or [notebook]
    cells = [cell for sheet in sheets for cell in sheet.get("cells", ())]
    for cell in cells:
        for output in cell.get("outputs", ()):
            shown = output.get("data", output)
            if "text/html" in shown and (rows := _table_lines(_joined(shown["text/html"]))):
                yield "\n".join(rows)
            elif "text" in output:
                yield _joined(output["text"])
            elif "text/plain" in shown:
                yield _joined(shown["text/plain"])


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _table_lines(html: str) -> list[str]:
    parser = _Rows()
    parser.feed(html)
    rows = [row for row in parser.rows if any(row)]
    if not rows:
        return []
    width = max(map(len, rows))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|" + "---|" * width, *lines[1:], ""]


class _Rows(HTMLParser):
    """The texts of the cells of all tables, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag in {"td", "th"} and bool(self.rows)
        if self._in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()
