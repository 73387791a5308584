"""``whyloss rules``: what whyloss looks for, and how."""

from __future__ import annotations

import click

from whyloss.cli.output import say


@click.command()
@click.argument("code", required=False)
def rules(code: str | None) -> None:
    """List the rules, or print the page of rule CODE."""
    from whyloss import rules as known  # noqa: PLC0415 - late, so that --help is quick
    from whyloss.errors import DataError  # noqa: PLC0415

    if code is None:
        width = max(len(rule.name) for rule in known.ALL)
        for rule in sorted(known.ALL, key=lambda rule: rule.code):
            say(f"{rule.code}  {rule.name:<{width}}  {rule.summary}")
        return
    for rule in known.ALL:
        if code.lower() in {rule.code.lower(), rule.name}:
            say(f"# {rule.name} ({rule.code})\n\n{rule.text}")
            say(f"\nNeeds: {rule.needs}. Since: {rule.since}.")
            return
    raise DataError(
        f"There is no rule {code!r}",
        expected="one of " + ", ".join(rule.name for rule in known.ALL),
        got=code,
    )
