"""Train without leaving traces in the caller's random numbers and threads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def isolated(torch: Any) -> Iterator[None]:  # noqa: ANN401 - PyTorch is an extra
    """Leave the caller's random numbers and threads as they were.

    Parameters
    ----------
    torch : module
    """
    threads = torch.get_num_threads()
    # Tensors this small are no work to share: several threads wait for one another, on a busy
    # machine for minutes.
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
