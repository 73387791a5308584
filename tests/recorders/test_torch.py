"""The recorder takes tensors of PyTorch as they are, and does not make the training wait."""

import os
import subprocess
import sys

import numpy as np
import pytest

from conftest import require
from whyloss.data import Run
from whyloss.data.layout import PartName
from whyloss.recorders import Recorder, RecorderWarning, epochs

torch = require("torch")

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _one_process(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)


def logits(n=6, k=3, **options):
    return torch.randn(n, k, generator=torch.Generator().manual_seed(0)).to(**options)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_given_a_tensor_of_any_precision_then_its_values_arrive(tmp_path, dtype):
    scores = logits(dtype=getattr(torch, dtype))
    with Recorder(tmp_path, dtype="float64") as recorder:
        recorder.log(split="val", epoch=1, logits=scores, y_true=torch.tensor([0, 1, 2, 0, 1, 2]))
    read = Run.open(tmp_path).predictions("val", 1)
    np.testing.assert_array_equal(read.scores, scores.double().numpy())
    assert read.y_true.tolist() == [0, 1, 2, 0, 1, 2]


def test_given_a_training_loop_then_it_is_recorded_and_its_gradients_are_what_they_were(tmp_path):
    x, y = logits(32, 5), torch.arange(32) % 3
    model = torch.nn.Linear(5, 3)
    before = [p.detach().clone() for p in model.parameters()]
    gradients = []
    for recorder in (None, Recorder(tmp_path)):
        model.zero_grad()
        z = model(x)
        loss = torch.nn.functional.cross_entropy(z, y)
        if recorder is not None:
            recorder.log(split="train", epoch=1, logits=z, y_true=y)
            recorder.log_scalars(epoch=1, split="train", loss=loss)
            recorder.close()
        loss.backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    run = Run.open(tmp_path)
    assert torch.equal(torch.tensor(run.predictions("train", 1).scores), z.detach())
    assert run.history.column("train", "loss").tolist() == [pytest.approx(loss.item())]


def test_given_inference_mode_and_buffers_that_are_used_again_then_rows_keep_their_values(tmp_path):
    with Recorder(tmp_path) as recorder, torch.inference_mode():
        scores, ids = torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64)
        for k in range(3):
            scores.fill_(k)
            ids.copy_(torch.tensor([2 * k, 2 * k + 1]))
            recorder.log(split="val", epoch=1, logits=scores, y_true=[0, 0], ids=ids)
        scores.fill_(9)
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.scores[:, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert read.ids.tolist() == list(range(6))


def test_given_weights_and_slices_as_tensors_then_they_arrive(tmp_path):
    weights, length = torch.arange(1, 7, dtype=torch.bfloat16), torch.arange(6)
    with Recorder(tmp_path) as recorder:
        recorder.log(
            split="val",
            epoch=1,
            logits=logits(6, 3),
            y_true=torch.zeros(6, dtype=torch.int64),
            weights=weights,
            slices={"length": length},
        )
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.weights.tolist() == [1, 2, 3, 4, 5, 6]
    assert read.slices["length"].tolist() == [0, 1, 2, 3, 4, 5]


def test_given_views_and_a_flat_tensor_then_their_values_arrive(tmp_path):
    scores = logits(3, 6).T[:, 1]
    with Recorder(tmp_path) as recorder:
        recorder.log(split="val", epoch=1, logits=scores, y_true=scores > 0)
    read = Run.open(tmp_path).predictions("val", 1)
    np.testing.assert_array_equal(read.scores[:, 0], scores.numpy())
    np.testing.assert_array_equal(read.y_true, (scores > 0).numpy())


def test_given_a_tensor_that_does_not_fit_then_one_warning_says_why(tmp_path):
    with pytest.warns(RecorderWarning, match="the same number of rows in each; got shape"):
        Recorder(tmp_path).log(split="val", epoch=1, logits=logits(), y_true=torch.tensor(1))
    with pytest.warns(RecorderWarning, match="the same number of rows in each"):
        Recorder(tmp_path / "2").log(split="val", epoch=1, logits=logits(), y_true=torch.zeros(5))


def test_given_a_process_group_then_its_rank_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 3)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 4)
    monkeypatch.setenv("RANK", "5")
    with Recorder(tmp_path, rank=0), Recorder(tmp_path) as recorder:
        recorder.log(split="val", epoch=1, logits=logits(), y_true=[0] * 6, ids=list(range(6)))
    assert [PartName.of(part).writer for part in tmp_path.rglob("part-*")] == ["3"]


def test_given_torch_that_is_imported_later_then_its_tensors_are_taken(tmp_path):
    code = (
        "import sys, whyloss\n"
        "with whyloss.Recorder(sys.argv[1]) as recorder:\n"
        "    assert 'torch' not in sys.modules\n"
        "    import torch\n"
        "    z = torch.ones(2, 3, requires_grad=True)\n"
        "    recorder.log(split='val', epoch=1, logits=z, y_true=torch.tensor([0, 1]))\n"
    )
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code, tmp_path], check=True)
    assert Run.open(tmp_path).predictions("val", 1).scores.tolist() == [[1, 1, 1]] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system that forks")
def test_given_workers_of_a_loader_then_they_write_nothing(tmp_path):
    code = (
        "import sys, torch, warnings, whyloss\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "recorder = whyloss.Recorder(sys.argv[1])\n"
        "class Data(torch.utils.data.Dataset):\n"
        "    def __len__(self): return 8\n"
        "    def __getitem__(self, k):\n"
        "        recorder.log(split='worker', epoch=1, logits=[[0.0, 1.0]], y_true=[0])\n"
        "        return torch.tensor([float(k), 0.0]), k\n"
        "loader = torch.utils.data.DataLoader(Data(), 4, num_workers=2,\n"
        "    multiprocessing_context='fork')\n"
        "for epoch in (1, 2):\n"
        "    for z, i in loader:\n"
        "        recorder.log(split='val', epoch=epoch, logits=z, y_true=i * 0, ids=i)\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, timeout=120)
    run = Run.open(tmp_path)
    assert run.splits == ("val",)
    assert run.predictions("val", 2).ids.tolist() == list(range(8))


# --- accelerators -------------------------------------------------------------------------------


class FarTensor(torch.Tensor):
    """A tensor in main memory that says it lies on a CUDA device."""

    is_cuda = True


class Moment:
    """Stands for a CUDA event."""

    awaited = 0

    def record(self, _stream):
        self.recorded = True

    def synchronize(self):
        assert self.recorded
        Moment.awaited += 1


@pytest.fixture
def far(monkeypatch):
    """Pretend that there is a CUDA device, and count the moves from it."""
    monkeypatch.setattr(torch.cuda, "Event", Moment)
    monkeypatch.setattr(Moment, "awaited", 0)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: None)
    moved = []
    move = torch.Tensor.to

    def counted(tensor, *args, **kwargs):
        moved.append(tensor.shape)
        return move(tensor, *args, **kwargs)

    monkeypatch.setattr(FarTensor, "to", counted, raising=False)
    return moved


def far_batches(n=12):
    scores = logits(n)
    for k in range(0, n, 2):
        rows = slice(k, k + 2)
        yield scores[rows].as_subclass(FarTensor), torch.arange(n)[rows].as_subclass(FarTensor)


def test_given_tensors_on_a_device_then_an_epoch_is_moved_at_once(tmp_path, far):
    with Recorder(tmp_path) as recorder:
        for scores, ids in far_batches():
            recorder.log(split="val", epoch=1, logits=scores, y_true=ids % 3, ids=ids)
            scores.fill_(9)
    read = Run.open(tmp_path).predictions("val", 1)
    np.testing.assert_array_equal(read.scores, logits(12).numpy())
    assert read.ids.tolist() == list(range(12))
    assert sorted(far) == [(12,), (12,), (12, 3)]
    assert Moment.awaited == 18  # or the copies may not be there yet


def test_given_more_on_a_device_than_may_wait_there_then_it_is_moved_in_pieces(
    tmp_path, far, monkeypatch
):
    monkeypatch.setattr(epochs, "MAX_HELD_BYTES", 100)
    with Recorder(tmp_path) as recorder:
        for scores, ids in far_batches():  # 56 bytes each, with labels and ids
            recorder.log(split="val", epoch=1, logits=scores, y_true=ids % 3, ids=ids)
    assert Run.open(tmp_path).predictions("val", 1).ids.tolist() == list(range(12))
    assert sorted(far) == [(4,)] * 6 + [(4, 3)] * 3


def test_given_rows_on_a_device_and_on_the_host_in_turn_then_all_arrive_in_order(tmp_path, far):
    with Recorder(tmp_path) as recorder:
        for number, (scores, ids) in enumerate(far_batches()):
            given = scores.numpy() if number % 2 else scores
            recorder.log(split="val", epoch=1, logits=given, y_true=[0, 0], ids=ids)
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.ids.tolist() == list(range(12))
    np.testing.assert_array_equal(read.scores, logits(12).numpy())
    assert far


def test_given_rows_on_a_device_without_ids_then_they_are_numbered(tmp_path, far):
    with Recorder(tmp_path) as recorder:
        for number, (scores, ids) in enumerate(far_batches()):
            names = ids + 100 if number > 3 else None
            recorder.log(split="val", epoch=1, logits=scores, y_true=[0, 0], ids=names)
    read = Run.open(tmp_path).predictions("val", 1)
    assert read.ids.tolist() == [*range(8), 108, 109, 110, 111]
    assert far


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_given_a_cuda_device_then_logging_does_not_wait_for_it_and_values_arrive(tmp_path):
    scores = torch.randn(50, 64, 100, device="cuda")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    buffer = torch.empty(64, 100, device="cuda", dtype=torch.bfloat16)
    with Recorder(tmp_path) as recorder:
        torch.cuda.set_sync_debug_mode("error")
        try:
            with torch.cuda.stream(side):
                for k, batch in enumerate(scores):
                    torch.cuda._sleep(1_000_000)
                    buffer.copy_(batch)
                    y_true = torch.full((64,), k, device="cuda")
                    recorder.log(split="val", epoch=1, logits=buffer, y_true=y_true)
                    buffer.fill_(0)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    read = Run.open(tmp_path).predictions("val", 1)
    expected = scores.to(torch.bfloat16).float().cpu().numpy().reshape(-1, 100)
    np.testing.assert_array_equal(read.scores, expected)
    assert read.y_true.tolist() == [k for k in range(50) for _ in range(64)]
