"""The cases that whyloss was made for, as runnable demonstrations on real data."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from whyloss.diagnosis import diagnose
from whyloss.errors import DataError

if TYPE_CHECKING:
    from whyloss.diagnosis import Diagnosis


@dataclass(frozen=True)
class Case:
    """A question that people ask, with a real training that shows it.

    Attributes
    ----------
    code : str
    question : str
        As people put it.
    setting : str
        What was trained.
    run : str
        Folder of the recorded run inside ``cases/data``.
    """

    code: str
    question: str
    setting: str
    run: str

    @property
    def path(self) -> Path:
        """Where the recorded run lies."""
        return Path(str(files("whyloss.cases"))) / "data" / self.run

    def diagnose(self) -> Diagnosis:
        """Diagnose the recorded run."""
        return diagnose(self.path)


ALL: dict[str, Case] = {
    "C1": Case(
        code="C1",
        question="My validation loss keeps rising, but my accuracy stays at 0.9. Why?",
        setting=(
            "A small CNN with two output neurons tells even from odd digits (8 × 8 images), "
            "trained on few of them."
        ),
        run="c1",
    ),
}


def find(code: str) -> Case:
    """The case of that code.

    Raises
    ------
    DataError
        There is none.
    """
    found = ALL.get(code.upper())
    if found is None:
        raise DataError(f"There is no case {code!r}", expected=", ".join(ALL), got=code)
    return found
