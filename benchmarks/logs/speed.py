"""How fast a dense log is read: ``python -m benchmarks.logs.speed [MEGABYTES]``."""

from __future__ import annotations

import random
import sys
import time

from whyloss.readers import TextLog

CHUNK = 1 << 16


def dense_log(megabytes: float, seed: int = 0) -> str:
    """Write a log with a line per 10 batches and an evaluation per epoch.

    Parameters
    ----------
    megabytes : float
        About how long it is.
    seed : int, default 0
    """
    draw = random.Random(seed).random  # noqa: S311 - no secret
    lines: list[str] = []
    size, epoch = 0, 0
    while size < megabytes * 1e6:
        epoch += 1
        lines += [
            (
                f"2024-05-01 12:{batch % 60:02d}:07,123 INFO Epoch: [{epoch}][{batch}/1000] "
                f"Time 0.{batch:03d} (0.512) Loss {2 * draw():.4f} ({1.5 * draw():.4f}) "
                f"Acc@1 {100 * draw():.2f} ({100 * draw():.2f}) lr 0.001"
            )
            for batch in range(0, 1000, 10)
        ]
        lines.append(
            f"Epoch {epoch}: train_loss={draw():.4f} val_loss={draw():.4f} val_acc={draw():.4f}"
        )
        size = sum(map(len, lines[:101])) * epoch
    return "\n".join(lines) + "\n"


def main(megabytes: float = 20.0) -> None:
    """Read the log in the chunks of a pipe, and print megabytes per second of processor time."""
    text = dense_log(megabytes)
    log = TextLog()
    began = time.process_time()
    for start in range(0, len(text), CHUNK):
        log.feed(text[start : start + CHUNK])
    log.close()
    log.history()
    seconds = time.process_time() - began
    print(f"{len(text) / 1e6:.1f} MB in {seconds:.2f} s: {len(text) / 1e6 / seconds:.1f} MB/s")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
