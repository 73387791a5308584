"""Text takes time in proportion to its length, whatever stands in it: no pattern looks twice."""

import time
from contextlib import suppress

import pytest

from whyloss.errors import WhylossError
from whyloss.readers import TextLog

LENGTH = 2_000  # characters; eight times as many must not take much more than eight times as long
MOST_TIMES = 24.0
ALWAYS = 0.25  # seconds that a line may always take
PIECES = [
    "0", "a", " ", "-", ".", ",", "(", "[", "{", "=", ":", "/", "|", "%", "'", "\t", "_", "1,", "0.",
    "1/", "1:", "1%", "0e", "a ", "a_", "a.", "a-", "a=1 ", "a: ", "loss ", "loss: ", "loss: 0.1 ",
    "loss=", "epoch ", "epoch 1 ", "epoch 1/2 ", "val_", "val ", "1 2 ", "0.5 -> ", "0.5, ", "[1, ",
    "the a ", "of ", "in 1 of ", "accuracy of ", "from 0.1 to ", "it/s ", "2024-01-01 ", "array(",
    "tensor(0.1, ", "{'a': ", "[====", "\x1b[", "±", "µ", "٣", "損失 ",
]  # fmt: skip


def seconds(text):
    began = time.process_time()
    log = TextLog()
    log.feed(f"{text}\n")
    log.close()
    with suppress(WhylossError):
        log.history()
    return time.process_time() - began


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("start", ["", "epoch 1 val_loss: 0.5 val_acc: 0.7 "])
def test_a_line_takes_no_time_of_its_length_squared(piece, start):
    long = seconds(start + piece * (8 * LENGTH // len(piece)) + "\0")
    if long > ALWAYS:
        short = seconds(start + piece * (LENGTH // len(piece)) + "\0")
        assert long < MOST_TIMES * max(short, ALWAYS / 8)


def test_a_number_of_more_digits_than_any_training_prints_is_left_out_and_said():
    def notes(digits):
        log = TextLog()
        log.feed("epoch 1 val_loss: 0.5 val_acc: 0.7 seen: " + "9" * digits + "\n")
        log.close()
        return " ".join(log.history()[1])

    assert "Left out: 1 number of more than 40 digits." in notes(41)
    assert "40 digits" not in notes(40)
