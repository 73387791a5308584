"""Sentences: numbers with their metric, split and epoch, and trends without numbers."""

import math
import time

import pytest

from whyloss.data import Trend
from whyloss.readers import read
from whyloss.readers.logs.prose import read_prose
from whyloss.readers.logs.prose_words import is_prose

NAN = math.nan


def curves(text):
    history = read(text).history
    return history.epochs.tolist(), {
        "_".join(role): values.tolist() for role, values in history.columns.items()
    }


@pytest.mark.parametrize(
    ("text", "epochs", "expected"),
    [
        (  # an epoch behind a number is that of the number, also in a list
            "The loss is negative: -3.1 at epoch 1, -14.0 at epoch 2, -61.5 at epoch 3.",
            [1, 2, 3],
            {"train_loss": [-3.1, -14.0, -61.5]},
        ),
        (
            "Eval loss went up from 0.44 after the first epoch to 1.2 after the fourth, while eval accuracy stays at 0.77.",
            [1, 4],
            {"val_loss": [0.44, 1.2], "val_accuracy": [NAN, 0.77]},
        ),
        (
            "Valid loss jumped from 2.1 at epoch 7 to 9.4 at epoch 8.",
            [7, 8],
            {"val_loss": [2.1, 9.4]},
        ),
        (
            "Epoch 2 gives a validation loss of 0.61, epoch 4 0.55, epoch 9 0.98.",
            [2, 4, 9],
            {"val_loss": [0.61, 0.55, 0.98]},
        ),
        (  # how many epochs there were is no epoch
            "val_acc is exactly 0.43 for 25 epochs, train acc rises from 0.5 to 0.9 and val loss goes from 0.7 to 2.2",
            [1, 2],
            {"val_accuracy": [NAN, 0.43], "train_accuracy": [0.5, 0.9], "val_loss": [0.7, 2.2]},
        ),
        (  # a number whose subject is no metric
            "AUC on validation is 0.91 but recall is 0.04. The positive rate is 6 percent.",
            [1],
            {"val_auc": [0.91], "val_recall": [0.04]},
        ),
        (  # the loss of some samples is not that of the split
            "Validation loss is 0.85. The median per-sample loss is 0.002, but five samples have a loss above 150.",
            [1],
            {"val_loss": [0.85]},
        ),
        (
            "My train/test accuracy is 0.98/0.66 and the train/test loss 0.03/1.7.",
            [1],
            {
                "train_accuracy": [0.98],
                "test_accuracy": [0.66],
                "train_loss": [0.03],
                "test_loss": [1.7],
            },
        ),
        (
            "After 40 epochs the training and validation accuracy are 0.96 and 0.58 respectively.",
            [40],
            {"train_accuracy": [0.96], "val_accuracy": [0.58]},
        ),
        (
            "My validation loss is lower than my training loss: 0.31 vs 0.49.",
            [1],
            {"val_loss": [0.31], "train_loss": [0.49]},
        ),
        (
            "On the training set I get 97%, on the test set 52%.",
            [1],
            {"train_accuracy": [0.97], "test_accuracy": [0.52]},
        ),
        (  # how the data were divided
            "I use 70% for training and 30% for testing. Accuracy is 0.8 on the test data.",
            [1],
            {"test_accuracy": [0.8]},
        ),
        (  # what somebody hoped for
            "I expected an accuracy of 0.93 as in the paper, but my model reaches 0.68 on the test set.",
            [1],
            {"test_accuracy": [0.68]},
        ),
        (  # a comparison is no trend, and a number in brackets may be that of both
            "Validation accuracy is better than training accuracy (0.9 vs 0.81).",
            [1],
            {"val_accuracy": [0.9], "train_accuracy": [0.81]},
        ),
        (  # "the loss" before the first "val loss" is that of the training
            "The loss starts at 2.2 and goes to 0.02, but val loss drops to 0.8 and climbs to 2.5.",
            [1, 2],
            {"train_loss": [2.2, 0.02], "val_loss": [0.8, 2.5]},
        ),
        (
            "The AUC is about 0.8 with a sensitivity of 0.2 on 300 test images (12% positive).",
            [1],
            {"test_auc": [0.8], "test_recall": [0.2]},
        ),
        (  # among shares a score of more than 1 is none
            "The training accuracy is 0.03 at first and rises to 2.6 in the end; validation accuracy is 0.02.",
            [1],
            {"train_accuracy": [0.03], "val_accuracy": [0.02]},
        ),
        (  # with a percent sign on one of them they are percentages
            "The accuracy is 91% on train and 64 on val.",
            [1],
            {"train_accuracy": [0.91], "val_accuracy": [0.64]},
        ),
        (
            "Training accuracy reaches 100% (loss 0.002) whereas validation accuracy plateaus at 81% (loss 1.4).",
            [1],
            {
                "train_accuracy": [1.0],
                "train_loss": [0.002],
                "val_accuracy": [0.81],
                "val_loss": [1.4],
            },
        ),
        (  # a batch size is no accuracy, and a mode no split
            "Tested with batch size 64 the accuracy is 93%. With size 1 it drops to 78%, in eval mode too.",
            [1, 2],
            {"train_accuracy": [0.93, 0.78]},
        ),
        (  # a bound is a value where it is a share, and none where it is a whole number
            "The training accuracy reached more than 95%, while the test accuracy is only a little more than 60%.",
            [1],
            {"train_accuracy": [0.95], "test_accuracy": [0.6]},
        ),
        (
            "The loss jumps from 2 to 3 000 000 at once.",
            [1, 2],
            {"train_loss": [2.0, 3e6]},
        ),
        (
            "Both training and validation accuracy get close to 0.9. In the new order training is at 0.95, but validation is about 0.4.",
            [1, 2],
            {"train_accuracy": [0.9, 0.95], "val_accuracy": [0.9, 0.4]},
        ),
        (  # a percentage without a name, which somebody reaches
            "My network reaches 88%. Without the softmax layer it gets 94%.",
            [1],
            {"train_accuracy": [0.88]},
        ),
        (  # names of a program: what has no split is that of the training
            "loss falls from 0.9 to 0.2 but val_loss goes from 0.8 to 1.3, acc is 0.95 and val_acc 0.71",
            [1, 2],
            {
                "train_loss": [0.9, 0.2],
                "val_loss": [0.8, 1.3],
                "train_accuracy": [NAN, 0.95],
                "val_accuracy": [NAN, 0.71],
            },
        ),
        (  # few of the common words, and a colon
            "The loss bounces badly: 0.8, 4.1, 1.2, 7.7, with learning rate 0.1. accuracy goes 0.6 0.3 0.5 0.2",
            [1, 2, 3, 4],
            {"train_loss": [0.8, 4.1, 1.2, 7.7], "train_accuracy": [0.6, 0.3, 0.5, 0.2]},
        ),
        (  # how many samples there are is no accuracy
            "Validation accuracy jumps between 0.6 and 0.8 and I have 30 validation samples. 70% of the images are cats.",
            [1, 2],
            {"val_accuracy": [0.6, 0.8]},
        ),
        (  # a setting of the training is no accuracy
            "The validation accuracy is 0.83 and I use a dropout of 0.5 and a momentum of 0.9.",
            [1],
            {"val_accuracy": [0.83]},
        ),
        (
            "Validation accuracy rises to 0.8 with a dropout rate of 0.25 and label smoothing 0.1.",
            [1],
            {"val_accuracy": [0.8]},
        ),
        (
            "The validation accuracy went from 0.81 to 0.79 while the loss climbed to 1.7.",
            [1, 2],
            {"val_accuracy": [0.81, 0.79], "val_loss": [NAN, 1.7]},
        ),
        (
            "My test accuracy dropped from 92% to 88 % and the test loss is now about 0.61",
            [1, 2],
            {"test_accuracy": [0.92, 0.88], "test_loss": [NAN, 0.61]},
        ),
        (
            "After 30 epochs the training loss is 0.12 and the validation loss is about 0.94, with a validation accuracy of 71.5 %.",
            [30],
            {"train_loss": [0.12], "val_loss": [0.94], "val_accuracy": [0.715]},
        ),
        (
            "We get 0.71 for train loss and 0.83 for dev loss. The accuracy is around 50~60% for both train and dev.",
            [1],
            {
                "train_loss": [0.71],
                "val_loss": [0.83],
                "train_accuracy": [0.55],
                "val_accuracy": [0.55],
            },
        ),
        (
            "The train accuracy reaches 1.0 at the second epoch and stays there. Test accuracy rises to 0.74 at epoch 9; at epoch 40 test accuracy is 0.35.",
            [2, 9, 40],
            {"train_accuracy": [1.0, NAN, NAN], "test_accuracy": [NAN, 0.74, 0.35]},
        ),
        (
            "Both training and validation accuracy are fixed at 0.25 and the loss is always 1.386.",
            [1],
            {"train_accuracy": [0.25], "val_accuracy": [0.25], "val_loss": [1.386]},
        ),
        (
            "After a few hundred steps my model's loss becomes NaN and the accuracy drops to 0.333 (roughly 1/3).",
            [1],
            {"train_loss": [NAN], "train_accuracy": [0.333]},
        ),
        (
            "I have a 65% accuracy on train and on validation and that is all I can get",
            [1],
            {"train_accuracy": [0.65], "val_accuracy": [0.65]},
        ),
        (
            "Even with lr = 0 the validation loss is varying between 0.9 and 0.4 from epoch to epoch",
            [1, 2],
            {"val_loss": [0.9, 0.4]},
        ),
        (
            "The validation Acc is very low and it is hovering around 0.0101",
            [1],
            {"val_accuracy": [0.0101]},
        ),
        (
            "My model gets 97% on train and 62% on validation.",
            [1],
            {"train_accuracy": [0.97], "val_accuracy": [0.62]},
        ),
        (
            "I got 99% accuracy in training but 51% in test",
            [1],
            {"train_accuracy": [0.99], "test_accuracy": [0.51]},
        ),
        (
            "The train set has 88.5 accuracy and the test set 61.0",
            [1],
            {"train_accuracy": [0.885], "test_accuracy": [0.61]},
        ),
        (
            "the loss jumps from 0.2 to 7.5 at epoch 9",
            [1, 9],
            {"train_loss": [0.2, 7.5]},
        ),
        ("My loss is 2.5 million", [1], {"train_loss": [2.5e6]}),
        (
            "validation accuracy fluctuates between 30% and 70%",
            [1, 2],
            {"val_accuracy": [0.3, 0.7]},
        ),
        (
            "During training the loss is falling but the accuracy is always 0.0",
            [1],
            {"train_accuracy": [0.0]},
        ),
        (
            "it is always the same: the accuracy is zero on the test set",
            [1],
            {"test_accuracy": [0.0]},
        ),
    ],
)
def test_numbers_in_sentences_get_their_metric_split_and_epoch(text, epochs, expected):
    got_epochs, got = curves(text)
    assert got_epochs == epochs
    assert {name: got.get(name) for name in expected} == {
        name: pytest.approx(values, nan_ok=True) for name, values in expected.items()
    }


@pytest.mark.parametrize(
    ("text", "trends"),
    [
        (
            "while the validation loss is increasing after a while, the WER keeps decreasing",
            [Trend("val", "loss", "rises"), Trend("val", "wer", "falls")],
        ),
        (
            "The validation losses began to rise around epoch 120, while mAP continued to improve.",
            [Trend("val", "loss", "rises", 120), Trend("val", "map", "rises")],
        ),
        (
            "the AUC begins to decline, while the train loss keeps decreasing all the time",
            [Trend("val", "auc", "falls"), Trend("train", "loss", "falls")],
        ),
        (
            "The F1, precision and recall on the validation set slightly increase, and it is odd.",
            [Trend("val", metric, "rises") for metric in ("f1", "precision", "recall")],
        ),
        (
            "The test loss does not improve and I don't know why",
            [Trend("test", "loss", "constant")],
        ),
        (
            "The CER is worse in each epoch but the training loss is getting better",
            [Trend("train", "loss", "falls"), Trend("val", "cer", "rises")],
        ),
        (
            "the validation error rate is falling but the validation loss is rising",
            [Trend("val", "accuracy", "rises"), Trend("val", "loss", "rises")],
        ),
    ],
)
def test_what_is_described_without_numbers_is_a_trend(text, trends):
    told = read_prose(text)
    assert told.statements == []
    assert set(told.trends) == set(trends)
    source = read(text)
    assert set(source.history.facts.trends) == set(trends)
    assert any(note.startswith("Described in words: ") for note in source.notes)
    for trend in trends:
        assert math.isnan(source.history.column(trend.split, trend.metric)[0])


@pytest.mark.parametrize(
    "text",
    [
        "I use a learning rate of 0.001 and a batch size of 32 on the GPU",
        "the loss was divided by 3 after the first 20 epochs",
        "There are 1000 images in the set and it is a hard one",
    ],
)
def test_numbers_that_measure_nothing_become_no_curve(text):
    assert read_prose(text).statements == []


@pytest.mark.parametrize(
    ("line", "prose"),
    [
        ("The loss of the model is 0.4 and it stays there", True),
        ("loss: 0.4 - acc: 0.8 - val_loss: 0.5 - val_acc: 0.7", False),
        ("epoch train_loss valid_loss accuracy", False),
        ("Epoch 00002: val_loss did not improve from 0.67200", False),
        ("loss 0.4 acc 0.8", False),
    ],
)
def test_sentences_are_told_from_the_output_of_programs(line, prose):
    assert is_prose(line) is prose


@pytest.mark.parametrize(
    "text",
    [
        "The validation loss rises from 0.44 to 1.52 while the validation accuracy stays at 0.79.",
        "Der Validierungsverlust steigt von 0,44 auf 1,52, während die Validierungsgenauigkeit bei 0,79 bleibt.",
        "La pérdida de validación aumenta de 0.44 a 1.52 pero la exactitud de validación se mantiene en 0.79.",
        "La perte de validation augmente de 0,44 à 1,52 alors que l'exactitude de validation reste à 0,79.",
        "验证集损失从0.44上升到1.52，但验证准确率保持在0.79左右",
    ],
)
def test_a_sentence_means_the_same_in_every_language(text):
    epochs, got = curves(text)
    assert epochs == [1, 2]
    assert got["val_loss"] == [0.44, 1.52]
    assert got["val_accuracy"] == pytest.approx([NAN, 0.79], nan_ok=True)
    assert [(t.metric, t.direction) for t in read(text).history.facts.trends] == [
        ("loss", "rises"),
        ("accuracy", "constant"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "我发现acc一直停在0.2附近，loss一直在1.6左右不变",
            {"train_accuracy": [0.2], "train_loss": [1.6]},
        ),
        ("为什么训练损失下降到0.03而 val_loss 是 1.4", {"train_loss": [0.03], "val_loss": [1.4]}),
        (
            "Потери на валидации растут до 1.3, но точность на валидации 0.8",
            {"val_loss": [1.3], "val_accuracy": [0.8]},
        ),
    ],
)
def test_sentences_without_spaces_or_in_other_letters_are_read(text, expected):
    got = curves(text)[1]
    assert {name: got.get(name) for name in expected} == expected


def test_a_direction_with_its_number_is_not_that_of_the_next_metric():
    trends = read(
        "The accuracy falls to 0.71 e the loss rises to 1.24 in the end"
    ).history.facts.trends
    assert [(t.metric, t.direction) for t in trends] == [("accuracy", "falls"), ("loss", "rises")]


def test_a_metric_above_one_is_no_value_of_one():
    history = read(
        "After two epochs of training the val_accuracy is greater than 1 and I wonder.\nval_loss: 0.4\n"
    ).history
    assert history.column("val", "accuracy") is None


def test_numbers_of_a_log_count_more_than_those_of_the_sentences_around_it():
    history = read(
        "My validation loss is about 0.9 and I do not know why it is so high:\n"
        "epoch 1 loss=0.7 val_loss=0.81\nepoch 2 loss=0.5 val_loss=0.93\n"
        "So the validation loss goes up to 1.4 after a while.\n"
    ).history
    assert history.column("val", "loss").tolist() == [0.81, 0.93]


@pytest.mark.parametrize("piece", ["0.5 ", "0,5 ", "1-2 ", "[1,", "0.5/", "1 of one "])
def test_the_time_for_a_long_sentence_grows_with_its_length(piece):
    def seconds(n):
        text = f"The validation loss is {(piece * n)[: 4 * n]}x"
        began = time.process_time()
        read_prose(text)
        return time.process_time() - began

    seconds(200)  # the patterns are compiled at first use
    assert seconds(4000) < 16 * seconds(500) + 0.2
