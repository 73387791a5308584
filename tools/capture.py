"""Draw the beginning of what `whyloss demo` prints as an SVG for the README.

Usage: ``python tools/capture.py docs/images/demo.svg``.
"""

import re
import sys
from io import StringIO
from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.segment import Segments
from rich.terminal_theme import MONOKAI

from whyloss import cases
from whyloss.reporters.diagnose import terminal
from whyloss.reporters.terminal import WIDTH

SHOWN = 46  # lines: the answer, what to do, and where the change comes from


def main() -> None:
    """Write the picture to the file named on the command line."""
    console = Console(record=True, file=StringIO(), width=WIDTH, force_terminal=True)
    whole = terminal.body(cases.find("C1").diagnose(), WIDTH)
    lines = console.render_lines(whole, pad=False, new_lines=True)[:SHOWN]
    console.print(Segments(chain.from_iterable(lines)))
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    drawing = console.export_svg(title="whyloss demo", theme=MONOKAI, unique_id="whyloss")
    # The drawing would fetch its font from elsewhere; any monospaced one will do.
    target.write_text(re.sub(r"@font-face {.*?}\s*", "", drawing, flags=re.DOTALL), "utf-8")


if __name__ == "__main__":
    main()
