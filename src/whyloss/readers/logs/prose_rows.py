"""The numbers that sentences give: their rows, and which of them are shares."""

from __future__ import annotations

from dataclasses import dataclass, replace

from whyloss.readers.logs.metric_names import recognise

_NO_SHARES = frozenset({"loss", "perplexity", "wer", "cer", "bleu", "entropy"})
_ENOUGH = 3  # values that make a list, which has one for each epoch


@dataclass(frozen=True)
class Statement:
    """A number that a sentence gives.

    Attributes
    ----------
    split : str or None
    label : str
        The name of the metric.
    value : float
    epoch : int or None
        None where the sentence names none.
    first : bool
        It is what another value of the same sentence came from.
    percent : bool
        It was written as a percentage, and divided by 100.
    """

    split: str | None
    label: str
    value: float
    epoch: int | None = None
    first: bool = False
    percent: bool = False


def rows_of(statements: list[Statement]) -> tuple[str, list[tuple[float, Statement]]]:
    """Give each statement its row.

    Returns
    -------
    {"epoch", "row"}
        What the keys of the rows count.
    list of (float, Statement)
        Those of which a row is known.
    """
    series: dict[tuple[str | None, str], list[Statement]] = {}
    for one in statements:
        series.setdefault((one.split, recognise(one.label).own), []).append(one)
    for role, values in series.items():
        loose = [one for one in values if one.epoch is None]
        if len(loose) >= _ENOUGH:  # a list, and a number that is named once more beside it
            series[role] = loose
    length = max(map(len, series.values()), default=0)
    lists = any(values[0].epoch is None and len(values) >= _ENOUGH for values in series.values())
    named = [one.epoch for one in statements if one.epoch is not None]
    placed: list[tuple[float, Statement]] = []
    for values in series.values():
        if lists or not named:
            first = length - len(values) + 1
            placed += [(float(at), one) for at, one in enumerate(values, start=first)]
        else:
            placed += _at_epochs(values, named)
    return ("row" if lists or not named else "epoch"), placed


def _at_epochs(values: list[Statement], named: list[int]) -> list[tuple[float, Statement]]:
    """Place the values of one metric where some sentence names an epoch."""
    known = [one for one in values if one.epoch is not None]
    # What a value came from stands before it; which epoch that was is not said.
    before = min(1, *named, *(one.epoch or 0 for one in known), 1)
    placed = [(float(before), one) for one in values if one.first and one.epoch is None]
    placed += [(float(one.epoch or 0), one) for one in known]
    if not known:
        placed.append((float(max(named)), values[-1]))
    return placed


def as_shares(statements: list[Statement]) -> list[Statement]:
    """Give scores above 1 as shares where others of their metric have a percent sign.

    Beside shares without a percent sign a score above 1 is no share, and is left out.
    """
    by_metric: dict[str, list[Statement]] = {}
    for one in statements:
        by_metric.setdefault(recognise(one.label).metric, []).append(one)
    found = []
    for one in statements:
        metric = recognise(one.label).metric
        peers = by_metric[metric]
        if metric not in _NO_SHARES and one.value > 1:
            if any(peer.percent for peer in peers):
                found.append(replace(one, value=one.value / 100, percent=True))
                continue
            if any(0 < peer.value < 1 for peer in peers):
                continue
        found.append(one)
    return found
