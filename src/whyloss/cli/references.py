"""``whyloss references``: the literature behind the rules."""

from __future__ import annotations

import click

from whyloss.cli.output import say


@click.command()
@click.option("--bibtex", is_flag=True, help="As BibTeX, to cite it.")
@click.argument("rule", required=False)
def references(rule: str | None, *, bibtex: bool) -> None:
    """Print the literature behind the rules, or behind one RULE (code or name)."""
    from whyloss import rules  # noqa: PLC0415 - late, so that --help is quick
    from whyloss.errors import DataError  # noqa: PLC0415
    from whyloss.references import references as known  # noqa: PLC0415

    cited = None
    if rule is not None:
        for one in rules.ALL:
            if rule.lower() in {one.code.lower(), one.name}:
                cited = one.references
        if cited is None:
            raise DataError(
                f"There is no rule {rule!r}",
                expected="a code or a name that `whyloss rules` lists",
                got=rule,
            )
    for key, reference in known().items():
        if cited is None or key in cited:
            say(reference.bibtex if bibtex else f"{reference}\n")
