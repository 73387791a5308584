"""What one line of a log says: numbers with their names, and where in the training they belong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from whyloss.readers.logs.metric_names import Name


@dataclass(slots=True)
class Pair:
    """A number with its name.

    Attributes
    ----------
    label : str
        The name as it stands.
    name : Name
        What it means.
    value : float
    split : str or None
        The split that the place in the line says.
    percent : bool
        It has a percent sign.
    n_samples : int or None
        What it was counted over, where it is written as a fraction.
    mean : bool
        It is the mean that stands in brackets behind the number of one batch.
    """

    label: str
    name: Name
    value: float
    split: str | None = None
    percent: bool = False
    n_samples: int | None = None
    mean: bool = False


@dataclass(slots=True)
class Line:
    """What one line says.

    Attributes
    ----------
    pairs : list of Pair
    epoch, step : float or None
        Where it belongs.
    section : str or None
        The split that the line names as a heading of those below.
    bar : tuple of (int, int) or None
        Batches done and of all, of a progress bar that is drawn again and again.
    within : tuple of (int, int) or None
        Batches or samples done and of all (0 where that is not said), of a line that stays.
    running : bool
        A framework wrote it whose training numbers are means over the epoch.
    means : bool
        A number is followed by its running mean.
    by_global_step, boosting : bool
    sizes : dict of str to int
        Numbers of samples by split.
    improved : tuple of (float, str, float) or None
        The epoch, the metric and its value of a callback that saves the best.
    summary : bool
        It sums up lines above it.
    of : str or None
        The split that a heading with an epoch names.
    words : str
        Its letters, without the numbers.
    """

    pairs: list[Pair] = field(default_factory=list)
    epoch: float | None = None
    step: float | None = None
    section: str | None = None
    bar: tuple[int, int] | None = None
    within: tuple[int, int] | None = None
    running: bool = False
    means: bool = False
    by_global_step: bool = False
    boosting: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    improved: tuple[float, str, float] | None = None
    summary: bool = False
    of: str | None = None
    words: str = ""
