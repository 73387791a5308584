"""Copying PyTorch tensors without making the training wait. Imported only where torch is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy.typing as npt

_NUMPY_FLOATS = {torch.float16, torch.float32, torch.float64}


class OnDevice:
    """A copy of a tensor on its accelerator, with the event after which it can be read.

    Parameters
    ----------
    tensor : torch.Tensor
        Detached, on a CUDA device.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor.clone()
        self.shape = tuple(tensor.shape)
        self.nbytes = tensor.numel() * tensor.element_size()
        # The thread that moves the copy uses another stream, which does not wait for this one.
        self.ready = torch.cuda.Event()
        self.ready.record(torch.cuda.current_stream(tensor.device))


def copy_tensor(tensor: torch.Tensor, *, keep_on_device: bool) -> npt.NDArray[Any] | OnDevice:
    """Copy a tensor: callers may overwrite their buffers.

    Parameters
    ----------
    tensor : torch.Tensor
        On any device.
    keep_on_device : bool
        Whether a CUDA tensor may stay on its device for now, which needs no synchronisation.
    """
    tensor = tensor.detach()
    return OnDevice(tensor) if keep_on_device and tensor.is_cuda else _to_numpy(tensor)


def fetch(columns: list[npt.NDArray[Any] | OnDevice]) -> npt.NDArray[Any]:
    """Concatenate the pieces of a column on the host; pieces of one device are moved together.

    Parameters
    ----------
    columns : list of ndarray or OnDevice

    Returns
    -------
    ndarray
    """
    tensors = []
    for column in columns:
        if isinstance(column, np.ndarray):
            tensors.append(torch.from_numpy(column))
        else:
            column.ready.synchronize()
            tensors.append(column.tensor)
    devices = {tensor.device for tensor in tensors}
    if len(devices) == 1:
        return _to_numpy(torch.cat(tensors))
    return np.concatenate([_to_numpy(tensor) for tensor in tensors])


def group() -> tuple[int, int] | None:
    """Rank and number of processes in ``torch.distributed``; None where it is not initialised."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return None
    return int(distributed.get_rank()), int(distributed.get_world_size())


def preserve_random_state() -> AbstractContextManager[None]:
    """Restore the state of the random number generator after the block."""
    return torch.random.fork_rng(devices=[])  # type: ignore[no-any-return]


def _to_numpy(tensor: torch.Tensor) -> npt.NDArray[Any]:
    # NumPy has no bfloat16; float32 represents all its values.
    unknown = tensor.is_floating_point() and tensor.dtype not in _NUMPY_FLOATS
    dtype = torch.float32 if unknown else tensor.dtype
    return tensor.to("cpu", dtype, copy=True).numpy()  # type: ignore[no-any-return]
