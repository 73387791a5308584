"""The command line: one file per verb; what a verb needs is imported when it runs.

Exit codes: 0 done; 1 a check failed, or the reader of the output stopped early; 2 bad input or
usage, with one line that says what to do; 3 a fault in whyloss itself; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from copy import copy
from io import StringIO

import click

from whyloss.cli.check import check
from whyloss.cli.compare import compare
from whyloss.cli.demo import demo
from whyloss.cli.diagnose import diagnose
from whyloss.cli.output import drop_unwritten, prepare_streams, say
from whyloss.cli.references import references
from whyloss.cli.report import report
from whyloss.cli.review import review
from whyloss.cli.rules import rules
from whyloss.cli.watch import watch
from whyloss.errors import WhylossError
from whyloss.version import __version__

CUT_SHORT = 1
BAD_INPUT = 2
OUR_FAULT = 3
INTERRUPTED = 130


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a check failed or the output was cut short, 2 bad input or "
    "usage, 3 a fault in whyloss, 130 interrupted.",
)
@click.version_option(__version__, prog_name="whyloss")
def cli() -> None:
    """Why do loss and accuracy disagree? The cause, the samples behind it, and what to do.

    \b
    whyloss demo                     see it on a real recorded training
    whyloss diagnose runs/exp1       the answer, in the terminal
    whyloss report runs/exp1         the answer, as one HTML file
    whyloss watch runs/exp1          the answer while the training runs
    whyloss compare runs/exp1 runs/exp2
    whyloss review runs/exp1         the samples to look at, for labelling tools
    whyloss check runs/exp1          an exit code, for continuous integration
    """  # noqa: D301 - click reads \b as "keep these lines apart"


for verb in (diagnose, report, watch, compare, review, check, demo, rules, references):
    cli.add_command(verb)
samples = copy(review)  # an older name of the verb
samples.hidden = True
cli.add_command(samples, name="samples")


def main() -> None:
    """Run the command line; no error leaves it as a traceback."""
    prepare_streams()
    try:
        code = _run()
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = CUT_SHORT
    except OSError:  # of stderr, as a disk that is full
        code = BAD_INPUT
    except KeyboardInterrupt:
        code = INTERRUPTED
    drop_unwritten()
    sys.exit(code)


def _run() -> int:
    """Run the command, and say on stderr what went wrong."""
    try:
        code = cli(standalone_mode=False) or 0  # None, or the code of an early exit
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except click.ClickException as error:
        shown = StringIO()
        error.show(file=shown)
        say(shown.getvalue(), err=True, nl=False)
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except (WhylossError, OSError) as error:
        say(f"whyloss: {_one_line(error)}", err=True)
        return BAD_INPUT
    except Exception as error:
        if "WHYLOSS_DEBUG" in os.environ:
            raise
        say(
            f"whyloss: a fault in whyloss itself: {type(error).__name__}: {_one_line(error)} "
            "(WHYLOSS_DEBUG=1 shows where)",
            err=True,
        )
        return OUR_FAULT
    return code


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
