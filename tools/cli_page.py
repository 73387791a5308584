"""Write docs/cli.md, the reference of the command line, from the help texts themselves.

Usage: ``python tools/cli_page.py docs/cli.md``. A test compares the page with the commands.
"""

import sys
from pathlib import Path

import click

from whyloss.cli import cli

HEAD = """\
<!-- Written by tools/cli_page.py from the commands: edit src/whyloss/cli, not this page. -->
# Command line

What `whyloss COMMAND --help` prints, for every command. What the exit codes mean, and how conditions of
`whyloss check` are written, is in [exit codes](exit-codes.md).
"""


def page() -> str:
    """The whole page as Markdown."""
    whole = click.Context(cli, info_name="whyloss", terminal_width=100, **cli.context_settings)
    parts = [HEAD, _section(whole)]
    parts += [
        _section(click.Context(command, info_name=name, parent=whole))
        for name, command in cli.commands.items()
    ]
    return "\n".join(parts)


def _section(context: click.Context) -> str:
    lines = [line.rstrip() for line in context.get_help().splitlines()]
    return "\n".join([f"## {context.command_path}", "", "```text", *lines, "```", ""])


def main() -> None:
    """Write the page to the file named on the command line."""
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
