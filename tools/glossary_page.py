"""Write docs/glossary.md from the terms that the report explains.

Usage: ``python tools/glossary_page.py docs/glossary.md``. A test compares the page with the terms.
"""

import sys
from pathlib import Path
from textwrap import fill

from whyloss.reporters.html.glossary import TERMS

HEAD = """\
<!-- Written by tools/glossary_page.py: edit src/whyloss/reporters/html/glossary.py, not this page. -->
# Glossary

The terms of the report, the terminal and these pages. In the report the same words are explained where they
stand: point at a dotted word, or move to it with the Tab key. The formulas are in
[the statistics](statistics.md).
"""


def page() -> str:
    """The whole page as Markdown."""
    terms = "\n".join(f"## {term}\n\n{fill(meaning, 100)}\n" for term, meaning in TERMS.items())
    return f"{HEAD}\n{terms}"


def main() -> None:
    """Write the page to the file named on the command line."""
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
