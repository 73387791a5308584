"""The cases that whyloss was made for, as runnable demonstrations."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyloss.api import diagnose
from whyloss.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from whyloss.api import Diagnosis


@dataclass(frozen=True)
class Case:
    """A question that people ask, with something real that shows the answer.

    Attributes
    ----------
    code : str
    question : str
        As people put it.
    setting : str
        What was trained, computed or pasted.
    source : callable
        Gives what is diagnosed: a path, text, or predictions.
    known : mapping of str to object
        Facts about it, as :func:`whyloss.diagnose` takes them.
    lines : callable
        Gives sentences with numbers that belong before the diagnosis.
    page : callable or None
        Writes an interactive page of the case to a path.
    trained_by : str
        Module that trains it anew; empty where nothing is trained.
    """

    code: str
    question: str
    setting: str
    source: Callable[[], Any]
    known: Mapping[str, Any] = field(default_factory=dict)
    lines: Callable[[], list[str]] = list
    page: Callable[[Path], None] | None = None
    trained_by: str = ""

    def diagnose(self) -> Diagnosis:
        """Diagnose it."""
        return diagnose(self.source(), **self.known)


# The recorded runs among them are packed into one Parquet file each: see docs/run-format.md.
def _shipped(name: str) -> Callable[[], Path]:
    return lambda: Path(str(files("whyloss.cases"))) / "data" / name


def _late(module: str, name: str) -> Callable[..., Any]:
    """A function of one of the cases, whose module is loaded only where that case is run."""

    def call(*arguments: Any) -> Any:  # noqa: ANN401 - as the function has them
        return getattr(import_module(f"whyloss.cases.{module}"), name)(*arguments)

    return call


_CASES = (
    Case(
        code="C1",
        question="My validation loss keeps rising, but my accuracy stays at 0.9. Why?",
        setting=(
            "A small CNN with two output neurons tells even from odd digits (8 × 8 images), "
            "trained on few of them."
        ),
        source=_shipped("c1"),
        trained_by="whyloss.cases.c1_training",
    ),
    Case(
        code="C2",
        question="Is this good? High loss, yet good accuracy: does that mean anything?",
        setting="One line of a log: two classes, somebody's first network.",
        source=lambda: "loss: 0.4011 - acc: 0.8224 - val_loss: 0.4577 - val_acc: 0.7826",
        known={"n_classes": 2},
    ),
    Case(
        code="C3",
        question="Why is the best loss not where the best accuracy is?",
        setting=(
            "A logistic regression p = σ(ax + b) on 5, 100 and 10,000 points, over the whole grid "
            "of "
            "a and b. Diagnosed: the fit to 100 points."
        ),
        source=_late("c3_logistic", "fitted"),
        lines=_late("c3_logistic", "lines"),
        page=_late("c3_page", "write_page"),
    ),
    Case(
        code="C4",
        question="Test loss rises for hundreds of epochs, test accuracy gets better. Which epoch?",
        setting="A small network on all ten digits, a thousand epochs; only its curves are known.",
        source=_shipped("c4.csv"),
        known={"n_classes": 10, "n_val": 597},
        trained_by="whyloss.cases.c4_training",
    ),
    Case(
        code="C5",
        question="One outlier hijacks my loss. How do I see that?",
        setting=(
            "Twenty points on a line, two classes; one test point of class one lies inside class "
            "zero. A network of three hidden neurons, trained with Keras."
        ),
        source=_shipped("c5"),
        trained_by="whyloss.cases.c5_training",
    ),
    Case(
        code="C6",
        question="What does guessing cost, and why does the loss not care about accuracy?",
        setting="A model that says the class shares (70, 20 and 10 %), whatever it sees.",
        source=_late("c6_guessing", "guesser"),
        lines=_late("c6_guessing", "lines"),
    ),
    Case(
        code="C7",
        question="My binary cross-entropy is greater than 1. Is that possible?",
        setting="One line of a log of a network with one sigmoid output.",
        source=lambda: "loss: 2.3026 - acc: 0.5",
        known={"n_classes": 2},
    ),
)

ALL: dict[str, Case] = {case.code: case for case in _CASES}


def find(code: str) -> Case:
    """The case of that code.

    Parameters
    ----------
    code : str
        Such as C1, in either case.

    Raises
    ------
    DataError
        There is none.
    """
    found = ALL.get(code.upper())
    if found is None:
        raise DataError(f"There is no case {code!r}", expected=", ".join(ALL), got=code)
    return found
