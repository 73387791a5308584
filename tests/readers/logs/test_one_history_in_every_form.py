"""One history, written in many forms, reads as the same numbers."""

import json
import math

import pytest

from whyloss.readers import ReadOptions, read

HISTORY = {
    "train_loss": [1.2041, 0.8512, 0.6203, 0.4127],
    "train_accuracy": [0.5512, 0.6934, 0.7741, 0.8513],
    "val_loss": [1.1027, 0.9213, 0.9508, 1.0734],
    "val_accuracy": [0.5803, 0.6611, 0.6702, 0.6694],
}
EPOCHS = range(1, 5)


def rows():
    return [
        (epoch, *values)
        for epoch, values in zip(EPOCHS, zip(*HISTORY.values(), strict=True), strict=True)
    ]


def lines(form):
    return "".join(form.format(e, tl, ta, vl, va) + "\n" for e, tl, ta, vl, va in rows())


def in_percent(form):
    return "".join(
        form.format(e, tl, f"{100 * ta:.2f}", vl, f"{100 * va:.2f}") + "\n"
        for e, tl, ta, vl, va in rows()
    )


def keras():
    return "".join(
        f"Epoch {e}/4\n"
        f"12/12 [==============================] - 1s 9ms/step - loss: {tl} - accuracy: {ta} - val_loss: {vl} - val_accuracy: {va}\n"
        for e, tl, ta, vl, va in rows()
    )


def keras_bars():
    """Every state of the bar, which the terminal drew over each other."""
    text = ""
    for e, tl, ta, vl, va in rows():
        text += f"Epoch {e}/4\n"
        for done in (1, 5, 11):
            text += f"{done:2}/12 [=====>........] - ETA: 1s - loss: {2 * tl:.4f} - accuracy: {ta / 2:.4f}\r"
        text += (
            f"12/12 [==============================] - 1s 9ms/step - loss: {tl} - accuracy: {ta}"
            f" - val_loss: {vl} - val_accuracy: {va}\n"
        )
    return text


def batches():
    text = ""
    for e, tl, ta, vl, va in rows():
        for batch in (0, 100, 200):
            text += f"Epoch: [{e}][{batch}/300]\tLoss {tl + 1:.4f} ({tl + 0.5:.4f})\tAcc {ta / 2:.4f} ({ta / 2:.4f})\n"
        text += f"Epoch: [{e}][300/300]\tLoss {tl + 1:.4f} ({tl})\tAcc {ta / 2:.4f} ({ta})\n"
        text += f"Epoch {e}: val loss {vl}, val acc {va}\n"
    return text


def trainer():
    return "".join(
        f"{{'loss': {tl}, 'accuracy': {ta}, 'epoch': {e}.0}}\n"
        f"{{'eval_loss': {vl}, 'eval_accuracy': {va}, 'eval_runtime': 2.0, 'epoch': {e}.0}}\n"
        for e, tl, ta, vl, va in rows()
    ).replace("'accuracy'", "'train_accuracy'")


def markdown(columns=("epoch", *HISTORY), delimiter=" | "):
    by_name = {"epoch": list(EPOCHS), **HISTORY}
    head = delimiter.join(columns)
    body = [delimiter.join(str(by_name[name][at]) for name in columns) for at in range(len(EPOCHS))]
    return "\n".join([head, *body]) + "\n"


def phases():
    return "".join(
        f"Epoch {e}\nTraining:\nloss {tl} accuracy {ta}\nValidation:\nloss {vl} accuracy {va}\n"
        for e, tl, ta, vl, va in rows()
    )


def value_lists():
    return "".join(
        f"{name} per epoch: {' '.join(map(str, values))}\n" for name, values in HISTORY.items()
    )


FORMS = {
    "one line per epoch": lines("epoch {} train_loss={} train_acc={} val_loss={} val_acc={}"),
    "colons and bars": lines(
        "Ep {}/4 | train loss: {} | train acc: {} | val loss: {} | val acc: {}"
    ),
    "in percent": in_percent("epoch {} train loss {} train acc {}% val loss {} val acc {}%"),
    "in percent without the sign": in_percent(
        "epoch {} train loss {} train acc {} val loss {} val acc {}"
    ),
    "error rates": "".join(
        f"epoch {e} train loss {tl} train error {1 - ta:.4f} valid loss {vl} valid error {1 - va:.4f}\n"
        for e, tl, ta, vl, va in rows()
    ),
    "two lines per epoch": lines(
        "Epoch {0} train loss {1} accuracy {2}\nEpoch {0} validation loss {3} accuracy {4}"
    ),
    "a logger": lines(
        "2024-01-05 10:00:00,123 INFO root - epoch={} train_loss={} train_acc={} val_loss={} val_acc={}"
    ),
    "Keras": keras(),
    "Keras, every state of its bars": keras_bars(),
    "batches with running means": batches(),
    "the Trainer": trainer(),
    "Markdown": markdown(),
    "Markdown, columns shuffled": markdown(
        ("val_accuracy", "epoch", "val_loss", "train_accuracy", "train_loss")
    ),
    "tabs": markdown(delimiter="\t"),
    "commas": markdown(delimiter=","),
    "headings for the phases": phases(),
    "lists per epoch": value_lists(),
    "lists of Python": repr(HISTORY),
    "JSON": json.dumps(HISTORY),
    "JSON, an object per line": "".join(
        json.dumps(dict(zip(("epoch", *HISTORY), row, strict=True))) + "\n" for row in rows()
    ),
    "one line for all": " ".join(keras().split()),
    "unknown columns beside": lines(
        "epoch {} lag=17 train_loss={} train_acc={} qux=3.5 val_loss={} val_acc={} time=3.1s"
    ),
    "plurals": lines(
        "epoch {} train losses: {} train accuracies: {} val losses: {} val accuracies: {}"
    ),
    "misspelt": lines(
        "epoch {} trian loss: {} trainig accuracy: {} validaton loss: {} val accurcy: {}"
    ),
    "quoted": "".join(f"> {line}\n" for line in keras().splitlines()),
    "in a comment": "".join(f"# {line}\n" for line in keras().splitlines()),
    "control codes as loggers spell them": "".join(
        f"[1,rank:0]<stdout>:#015{line}#033[A\n" for line in keras().splitlines()
    ),
    "the best so far within the lines": lines(
        "epoch {} best val acc: 0.9, train loss: {}; train acc: {}, val loss: {}; val acc: {}"
    ),
    "splits behind their numbers": lines(
        "epoch {}: loss {} (train), accuracy {} (train), loss {} (val), accuracy {} (val)"
    ),
    "sentences": " ".join(
        f"The training loss is {tl} at epoch {e}. The training accuracy is {ta} at epoch {e}. "
        f"The validation loss is {vl} at epoch {e}. The validation accuracy is {va} at epoch {e}."
        for e, tl, ta, vl, va in rows()
    ),
    "Japanese": lines("エポック {} 学習 損失: {} 学習 精度: {} 検証 損失: {} 検証 精度: {}"),
    "Korean": lines("에폭 {} 훈련 손실: {} 훈련 정확도: {} 검증 손실: {} 검증 정확도: {}"),
    "Chinese": lines("第{}轮：训练损失：{}，训练准确率：{}，验证损失：{}，验证准确率：{}"),
    "German": lines(
        "Epoche {}: Trainingsverlust {}, Trainingsgenauigkeit {}, Validierungsverlust {}, Validierungsgenauigkeit {}"
    ),
    "Spanish": lines(
        "Época {} - pérdida de entrenamiento: {} - exactitud de entrenamiento: {} - pérdida de validación: {} - exactitud de validación: {}"
    ),
    "French": lines(
        "Époque {} : perte d'entraînement {} ; exactitude d'entraînement {} ; perte de validation {} ; exactitude de validation {}"
    ),
    "Russian": lines(
        "Эпоха {}: потери на обучении: {}, точность на обучении: {}, потери на валидации: {}, точность на валидации: {}"
    ),
}


def same(text):
    history = read(text, options=ReadOptions()).history
    assert history.epochs.tolist() == list(EPOCHS)
    for name, values in HISTORY.items():
        split, _, metric = name.partition("_")
        column = history.column(split, metric)
        assert column is not None, name
        assert column.tolist() == pytest.approx(values, abs=1e-9), name
    return history


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_a_history_gives_the_same_numbers(text):
    same(text)


WHOLE = {
    "lists per epoch",
    "lists of Python",
    "JSON",
    "one line for all",
    "sentences",
}  # one line, or one per name


@pytest.mark.parametrize("name", sorted(FORMS.keys() - WHOLE))
def test_a_log_that_was_cut_gives_the_epochs_that_are_there(name):
    whole = FORMS[name].splitlines(keepends=True)
    head = (
        1
        if not any(c.isdigit() for c in whole[0])
        and "\n" in whole[0]
        and "poch" in whole[0]
        and len(whole) == 5
        else 0
    )
    per_epoch = (len(whole) - head) // len(EPOCHS)
    history = read("".join(whole[: head + 3 * per_epoch])).history
    assert history.column("val", "loss").tolist() == pytest.approx(
        HISTORY["val_loss"][:3], abs=1e-9
    )


@pytest.mark.parametrize("name", ["one line per epoch", "Keras", "the Trainer", "Markdown"])
def test_a_log_pasted_twice_is_read_once(name):
    history = read(FORMS[name] + FORMS[name]).history
    assert history.epochs.tolist() == list(EPOCHS)
    assert history.column("val", "loss").tolist() == pytest.approx(HISTORY["val_loss"], abs=1e-9)


def test_a_word_that_was_understood_by_likeness_is_said():
    notes = read(FORMS["misspelt"]).notes
    assert any(note.startswith("Misspelt, and understood by likeness: ") for note in notes)
    assert not any(note.startswith("Misspelt") for note in read(FORMS["plurals"]).notes)


def test_text_saved_as_utf_16_reads_as_any_other(tmp_path):
    path = tmp_path / "train.log"
    path.write_text(FORMS["one line per epoch"], encoding="utf-16")
    history = read(path).history
    assert history.column("val", "loss").tolist() == pytest.approx(HISTORY["val_loss"])


def test_a_short_row_or_an_odd_line_is_left_out_and_the_rest_is_read():
    text = markdown().splitlines()
    text[2] = "2 | 0.9"
    text.insert(4, "&&& ??? 17")
    history = read("\n".join(text) + "\n").history
    told = history.column("val", "loss")[~(history.epochs == 2)]
    assert [value for value in told if not math.isnan(value)] == pytest.approx(
        [1.1027, 0.9508, 1.0734]
    )
