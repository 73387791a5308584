"""Lines of a known shape: read faster, and to the same numbers."""

import random

import numpy as np
import pytest

from whyloss.readers import TextLog
from whyloss.readers.logs import text_log
from whyloss.readers.logs.line_parser import parse_line
from whyloss.readers.logs.line_templates import make_template

DRAW = random.Random(5)  # noqa: S311 - no secret


def number():
    return f"{DRAW.random():.4f}"


LOGS = {
    "batches within epochs": lambda at: (
        f"Epoch: [{at // 20}][{at % 20 * 10}/200] Time 0.3 (0.4) Loss {number()} ({number()}) Acc@1 {number()} ({number()})\n"
        + (f" * Acc@1 {number()} loss {number()}\nEpoch {at // 20}: val_loss={number()} val_acc={number()}\n" if at % 20 == 19 else "")
    ),
    "steps": lambda at: f"step={10 * at} loss={number()} lr={DRAW.random():.3e}\n",
    "boosting": lambda at: f"[{at}]\ttrain-mlogloss:{number()}\teval-mlogloss:{number()}\teval-merror:{number()}\n",
    "two lines per epoch": lambda at: (
        f"Epoch {at + 1}/99\n9/9 [==============================] - 1s 3ms/step - loss: {number()} - accuracy: {number()} - val_loss: {number()}\n"
    ),
    "dictionaries": lambda at: (
        f"{{'loss': {number()}, 'learning_rate': 2e-05, 'epoch': {at / 4:.2f}}}\n"
        + (f"{{'eval_loss': {number()}, 'eval_accuracy': {number()}, 'epoch': {at / 4:.2f}}}\n" if at % 4 == 0 else "")
    ),
    "a loss that turns NaN": lambda at: (
        f"Epoch {at // 10} Step {at % 10}/10 Loss {number() if at < 35 else 'nan'} Acc {number()}\n"
    ),
    "negative losses": lambda at: f"epoch {at} loss: -{number()} val_loss: {'-' if at % 3 else ''}{number()}\n",
    "counts of samples": lambda at: f"epoch {at} Test loss: {number()}, Accuracy: {at}/1000 ({at / 10:.1f}%)\n",
    "percentages": lambda at: f"Epoch {at}: val loss {number()} val acc {100 * DRAW.random():.2f}%\n",
    "phases": lambda at: f"Epoch {at}\nTraining:\nloss {number()} accuracy {number()}\nValidation:\nloss {number()} accuracy {number()}\n",
}  # fmt: skip


def history_of(text):
    log = TextLog()
    log.feed(text)
    log.close()
    return log.history()


@pytest.mark.parametrize("name", LOGS)
def test_a_log_reads_the_same_with_and_without_templates(name, monkeypatch):
    text = "".join(LOGS[name](at) for at in range(80))
    quick, quick_notes = history_of(text)
    monkeypatch.setattr(text_log, "make_template", lambda *_: None)
    slow, slow_notes = history_of(text)
    assert quick.epochs.tolist() == slow.epochs.tolist()
    assert quick.columns.keys() == slow.columns.keys()
    for role, values in quick.columns.items():
        np.testing.assert_array_equal(values, slow.columns[role])
    assert (quick.not_numbers, quick.n_val, quick_notes) == (
        slow.not_numbers,
        slow.n_val,
        slow_notes,
    )


def test_of_the_batches_of_an_epoch_only_the_first_and_the_last_are_taken_apart(monkeypatch):
    taken = []
    whole = text_log.parse_line
    monkeypatch.setattr(text_log, "parse_line", lambda *given: taken.append(given) or whole(*given))
    text = "".join(
        f"Epoch {at // 500} batch {at % 500}/500 loss {number()}\n" for at in range(5000)
    )
    history, _ = history_of(text)
    assert len(taken) < 10
    assert history.epochs.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("epoch 3 loss=0.5 val_loss=0.7", True),
        ("Epoch: [3][10/90] Loss 0.5 (0.6) Acc@1 50.0 (49.0)", True),
        ("epoch 3 accuracy: 81/90", False),  # the number is worked out, not copied
        ("epoch 3 loss: 0,51 val_loss: 0,62", False),
        ("INFO saved 3 files", False),
    ],
)
def test_a_template_is_made_where_every_number_is_a_copy_of_one_in_the_line(text, made):
    assert (make_template(text, parse_line(text), None) is not None) is made


def test_the_digits_of_a_name_are_part_of_the_template():
    text = "epoch 3 acc@1 0.5 acc@5 0.9"
    template = make_template(text, parse_line(text), None)
    assert template.pattern.fullmatch("epoch 14 acc@1 0.62 acc@5 0.97")
    assert not template.pattern.fullmatch("epoch 14 acc@2 0.62 acc@5 0.97")
