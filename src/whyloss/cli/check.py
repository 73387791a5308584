"""``whyloss check``: an exit code for continuous integration."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from whyloss import api
from whyloss.api import CheckResult
from whyloss.cli.options import quiet_option, run_diagnosis, tee_option, what_is_known
from whyloss.cli.output import say
from whyloss.errors import DataError, FormatError

if TYPE_CHECKING:
    from typing import Unpack

    from whyloss.readers import KnownFacts

FAILED = 1
NOT_CHECKED = 2
DEFAULT = ("warning",)
TABLE = "tool.whyloss.check"

# What the table in a TOML file may say, and of which kind it is.
_KEYS: dict[str, tuple[type, str]] = {
    "fail-on": (list, "a list of conditions"),
    "strict": (bool, "true or false"),
    "split": (str, "the name of a split"),
    "epoch": (int, "a whole number"),
}


@click.command()
@click.argument("source")
@click.option(
    "--fail-on",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="A rule, a severity, or a number such as 'accuracy<0.9'. May be repeated.",
)
@click.option(
    "--strict", is_flag=True, help="Compare numbers by their value, not by their interval."
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"TOML file with [{TABLE}]; the pyproject.toml here or above if left out.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(CheckResult.FORMATS),
    default="terminal",
    show_default=True,
    help="What to print.",
)
@click.option("--split", help="Split to check; the validation split if there is one.")
@click.option("--epoch", type=int, help="Check this epoch; the last one if left out.")
@what_is_known
@tee_option
@quiet_option
def check(
    source: str,
    *,
    conditions: tuple[str, ...],
    strict: bool,
    config: Path | None,
    output_format: str,
    split: str | None,
    epoch: int | None,
    quiet: bool,
    tee: bool | None,
    **known: Unpack[KnownFacts],
) -> None:
    """Exit with 1 if SOURCE meets a condition that it should not.

    Conditions are rules by name or code, severities (error, warning, info: that severe or more),
    and numbers: accuracy, log_loss, refinement, calibration, temperature or n_samples, followed
    by <, <=, > or >= and a value. A number fails only if its whole 95 % interval does, so that
    chance alone seldom fails a job; --strict compares the value itself. Without any condition:
    warning.

    \b
    whyloss check runs/exp1
    whyloss check runs/exp1 --fail-on overconfidence --fail-on 'accuracy<0.9'
    whyloss check runs/exp1 --format markdown >> "$GITHUB_STEP_SUMMARY"
    whyloss check runs/exp1 --format junit > whyloss.xml

    \b
    In pyproject.toml, or in another file for --config:
    [tool.whyloss.check]
    fail-on = ["error", "accuracy<0.9", "calibration>0.05"]
    strict = false

    Options given here override the file. Exit codes: 0 passed, 1 failed, 2 bad input, or a
    condition that cannot be checked on this input.
    """  # noqa: D301 - click reads \b as "keep these lines apart"
    settings = _settings(config)
    from whyloss.results.check import ConditionOutcome  # noqa: PLC0415
    from whyloss.verbs.check import parse  # noqa: PLC0415

    wanted = conditions or settings.get("fail-on") or DEFAULT
    parse(wanted)  # a misspelt condition is refused before any work is done
    diagnosis = run_diagnosis(
        source,
        split=split or settings.get("split"),
        from_epoch=None,
        to_epoch=settings.get("epoch") if epoch is None else epoch,
        quiet=quiet,
        tee=tee,
        **known,
    )
    result = api.check(diagnosis, wanted, strict=strict or settings.get("strict", False))
    say(result.render(output_format), nl=False)
    codes = {
        ConditionOutcome.PASSED: 0,
        ConditionOutcome.FAILED: FAILED,
        ConditionOutcome.NOT_CHECKED: NOT_CHECKED,
    }
    raise click.exceptions.Exit(codes[result.outcome])


def _settings(config: Path | None) -> dict[str, Any]:
    """Settings of the check: from the file named, or from the next pyproject.toml upwards."""
    if config is not None:
        table = _table(config)
        if table is None:
            raise FormatError(
                f"{config} says nothing of a check",
                expected=f"a table [{TABLE}], or {', '.join(_KEYS)} at its top",
                got="neither",
            )
        return table
    here = Path.cwd()
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _table(path) or {}
    return {}


def _table(path: Path) -> dict[str, Any] | None:
    """The settings in a file; None where there are none."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise FormatError(
            f"{path} cannot be read", expected="TOML in UTF-8", got=f"{error}".rstrip(".")
        ) from None
    table: Any = content
    for name in TABLE.split("."):
        table = table.get(name) if isinstance(table, dict) else None
    if table is None and path.name != "pyproject.toml" and content.keys() & _KEYS:
        table = content
    if table is None:
        return None
    if not isinstance(table, dict):
        raise DataError(
            f"{TABLE} in {path} is no table", expected=f"[{TABLE}]", got=f"{table!r:.80}"
        )
    for key, value in table.items():
        kind, expected = _KEYS.get(key, (None, f"one of {', '.join(_KEYS)}"))
        if kind is None or not _is(value, kind):
            raise DataError(
                f"{key} in [{TABLE}] of {path} is not understood",
                expected=expected,
                got=f"{key if kind is None else value!r:.80}",
            )
    return table


def _is(value: Any, kind: type) -> bool:  # noqa: ANN401 - whatever TOML holds
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return type(value) is kind  # in Python true is a whole number
