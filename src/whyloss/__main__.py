"""``python -m whyloss`` is the command line."""

from whyloss.cli import main

main()
