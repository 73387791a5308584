"""``python -m whyloss`` and ``whyloss`` are the command line."""

import sys


def main() -> None:
    """Run the command line, which may be interrupted while it is imported."""
    try:
        from whyloss.cli import main as run  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
