"""Logs as they are pasted: every number under the right name, in the right row."""

import contextlib
import math
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyloss.errors import DataError, FormatError, WhylossError
from whyloss.readers import ReadOptions, TextLog, read

NAN = math.nan


def curves(text, **options):
    """Read a text; give its curves as ``{"val_loss": {epoch: value}}``."""
    history = read(textwrap.dedent(text), options=ReadOptions(**options)).history
    return {
        "_".join(role): {
            int(epoch): float(value)
            for epoch, value in zip(history.epochs, values, strict=True)
            if not math.isnan(value) or epoch in history.not_numbers.get(role, ())
        }
        for role, values in history.columns.items()
    }


def series(*values, first=1):
    return dict(enumerate(values, start=first))


FORMATS = {
    "one line": (
        "loss: 0.4123 - acc: 0.8211 - val_loss: 0.4501 - val_acc: 0.7933\n",
        {
            "train_loss": series(0.4123),
            "train_accuracy": series(0.8211),
            "val_loss": series(0.4501),
            "val_accuracy": series(0.7933),
        },
    ),
    "Keras, bars": (
        """\
        Epoch 1/3
        12/12 [==============================] - 3s 210ms/step - loss: 0.9 - accuracy: 0.5 - val_loss: 0.8 - val_accuracy: 0.55
        Epoch 2/3
        12/12 [==============================] - 2s 190ms/step - loss: 0.7 - accuracy: 0.6 - val_loss: 0.75 - val_accuracy: 0.6
        """,
        {
            "train_loss": series(0.9, 0.7),
            "train_accuracy": series(0.5, 0.6),
            "val_loss": series(0.8, 0.75),
            "val_accuracy": series(0.55, 0.6),
        },
    ),
    "Keras 3, other bars": (
        (
            "Epoch 1/2\n"
            "\x1b[1m 1/40\x1b[0m \x1b[37m━━━━━━━━━━━━━━━━━━━━\x1b[0m \x1b[1m5s\x1b[0m 140ms/step - accuracy: 0.1 - loss: 2.5\r"
            "\x1b[1m40/40\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m 9ms/step - accuracy: 0.41 - loss: 1.7 - val_accuracy: 0.52 - val_loss: 1.4\n"
            "Epoch 2/2\n"
            "\x1b[1m40/40\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m1s\x1b[0m 9ms/step - accuracy: 0.55 - loss: 1.3 - val_accuracy: 0.6 - val_loss: 1.2\n"
        ),
        {
            "train_loss": series(1.7, 1.3),
            "train_accuracy": series(0.41, 0.55),
            "val_loss": series(1.4, 1.2),
            "val_accuracy": series(0.52, 0.6),
        },
    ),
    "Keras, verbose=2, without its first heading": (
        """\
        40/40 - 2s - loss: 1.5 - acc: 0.4 - val_loss: 1.4 - val_acc: 0.45
        Epoch 2/9
        40/40 - 2s - loss: 1.1 - acc: 0.5 - val_loss: 1.2 - val_acc: 0.55
        """,
        {
            "train_loss": series(1.5, 1.1),
            "train_accuracy": series(0.4, 0.5),
            "val_loss": series(1.4, 1.2),
            "val_accuracy": series(0.45, 0.55),
        },
    ),
    "Keras, carriage returns, backspaces and glued checkpoint lines": (
        "Epoch 4/9\n"
        "10/30 [========>.....................] - ETA: 1s - loss: 0.66 - acc: 0.61"
        + "\b"
        * 70
        + "20/30 [==================>...........] - ETA: 1s - loss: 0.64 - acc: 0.62\r"
        "29/30 [============================>.] - ETA: 0s - loss: 0.62 - acc: 0.6312Epoch 00003: val_loss improved from 0.81000 to 0.70000, saving model to best.h5\n"
        "30/30 [==============================] - 4s - loss: 0.61 - acc: 0.64 - val_loss: 0.7 - val_acc: 0.6\n"
        "\n"
        "Epoch 00004: ReduceLROnPlateau reducing learning rate to 0.0001.\n"
        "Epoch 5/9\n"
        " 3/30 [==>...........................] - ETA: 3s - loss: 0.5 - acc: 0.7\n",
        {
            "train_loss": {4: 0.61},
            "train_accuracy": {4: 0.64},
            "val_loss": {4: 0.7},
            "val_accuracy": {4: 0.6},
        },
    ),
    "Keras, spaced names and decimal commas": (
        "9/9 [=====] - 1s - loss: 0,51 - acc.: 0,75 - val. loss: 0,62 - val. acc.: 0,7\n",
        {
            "train_loss": series(0.51),
            "train_accuracy": series(0.75),
            "val_loss": series(0.62),
            "val_accuracy": series(0.7),
        },
    ),
    "Keras, fitted one epoch at a time, then evaluated": (
        """\
        Epoch 1/1
        8/8 [==============================] - 1s - loss: 0.9 - acc: 0.5 - val_loss: 0.8 - val_acc: 0.55
        Epoch 1/1
        8/8 [==============================] - 1s - loss: 0.7 - acc: 0.6 - val_loss: 0.75 - val_acc: 0.6
        5/5 [==============================] - 0s - loss: 0.77 - acc: 0.58
        """,
        {
            "train_loss": series(0.9, 0.7),
            "train_accuracy": series(0.5, 0.6),
            "val_loss": series(0.8, 0.75),
            "val_accuracy": series(0.55, 0.6),
            "evaluation_loss": {2: 0.77},
            "evaluation_accuracy": {2: 0.58},
        },
    ),
    "Keras, a regularised loss beside its cross-entropy": (
        "Epoch 1/2\n5/5 - 1s - loss: 1.9 - categorical_crossentropy: 0.6 - accuracy: 0.8\n",
        {
            "train_loss": series(0.6),
            "train_total_loss": series(1.9),
            "train_accuracy": series(0.8),
        },
    ),
    "Keras, two outputs of which one classifies": (
        (
            "Epoch 1/1\n5/5 - 1s - loss: 1.9 - kind_loss: 0.6 - box_loss: 1.3 - kind_accuracy: 0.8"
            " - val_loss: 2.1 - val_kind_loss: 0.7 - val_box_loss: 1.4 - val_kind_accuracy: 0.75\n"
        ),
        {
            "train_loss": series(0.6),
            "train_total_loss": series(1.9),
            "train_accuracy": series(0.8),
            "train_box_loss": series(1.3),
            "val_loss": series(0.7),
            "val_total_loss": series(2.1),
            "val_accuracy": series(0.75),
            "val_box_loss": series(1.4),
        },
    ),
    "tflearn": (
        (
            "Training Step: 86  | total loss: \x1b[1m\x1b[32m0.45678\x1b[0m\x1b[0m | time: 3.206s\n"
            "| Adam | epoch: 001 | loss: 0.45678 - acc: 0.8912 | val_loss: 0.51 - val_acc: 0.85 -- iter: 5500/5500\n"
            "--\n"
            "Training Step: 172  | total loss: 0.3 | time: 3.2s\n"
            "| Adam | epoch: 002 | loss: 0.3 - acc: 0.92 | val_loss: 0.4 - val_acc: 0.9 -- iter: 5500/5500\n"
        ),
        {
            "train_loss": series(0.45678, 0.3),
            "train_accuracy": series(0.8912, 0.92),
            "val_loss": series(0.51, 0.4),
            "val_accuracy": series(0.85, 0.9),
        },
    ),
    "the tutorial of PyTorch on transfer": (
        """\
        Epoch 0/24
        ----------
        train Loss: 0.61 Acc: 0.68
        val Loss: 0.25 Acc: 0.91

        Epoch 1/24
        ----------
        train Loss: 0.51 Acc: 0.78
        val Loss: 0.22 Acc: 0.93

        Training complete in 1m 7s
        Best val Acc: 0.93
        """,
        {
            "train_loss": series(0.61, 0.51, first=0),
            "train_accuracy": series(0.68, 0.78, first=0),
            "val_loss": series(0.25, 0.22, first=0),
            "val_accuracy": series(0.91, 0.93, first=0),
        },
    ),
    "the quickstart of PyTorch": (
        """\
        Epoch 1
        -------------------------------
        loss: 2.303494  [   64/60000]
        loss: 2.294637  [ 6464/60000]
        Test Error:
         Accuracy: 51.1%, Avg loss: 2.151

        Epoch 2
        -------------------------------
        loss: 2.16  [   64/60000]
        Test Error:
         Accuracy: 58.5%, Avg loss: 1.9
        """,
        {
            "train_loss": series(2.294637, 2.16),
            "test_accuracy": series(0.511, 0.585),
            "test_loss": series(2.151, 1.9),
        },
    ),
    "the MNIST example of PyTorch": (
        (
            "Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.29\n"
            "Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.4\n"
            "\n"
            "Test set: Average loss: 0.0512, Accuracy: 9831/10000 (98%)\n"
            "\n"
            "Train Epoch: 2 [640/60000 (1%)]\tLoss: 0.2\n"
            "Test set: Average loss: 0.04, Accuracy: 9871/10000 (99%)\n"
        ),
        {
            "train_loss": series(1.4, 0.2),
            "test_loss": series(0.0512, 0.04),
            "test_accuracy": series(0.9831, 0.9871),
        },
    ),
    "the CIFAR-10 tutorial of PyTorch": (
        """\
        [1,  2000] loss: 2.2
        [1,  4000] loss: 1.8
        [2,  2000] loss: 1.4
        Finished Training
        Accuracy of the network on the 10000 test images: 55 %
        """,
        {"train_loss": series(1.8, 1.4), "test_accuracy": {2: 0.55}},
    ),
    "the ImageNet example of PyTorch": (
        (
            "Epoch: [3][  10/5005]\tTime  0.51 ( 0.63)\tData  0.01 ( 0.06)\tLoss 2.1e+00 (2.2e+00)\tAcc@1  50.00 ( 51.10)\tAcc@5  75.00 ( 76.20)\n"
            "Epoch: [3][5000/5005]\tTime  0.51 ( 0.63)\tData  0.01 ( 0.06)\tLoss 1.9e+00 (2.0e+00)\tAcc@1  53.00 ( 54.30)\tAcc@5  78.00 ( 77.50)\n"
            "Test: [ 10/196]\tTime  0.4 ( 0.5)\tLoss 1.7e+00 (1.8e+00)\tAcc@1  60.00 ( 59.00)\tAcc@5  80.00 ( 81.00)\n"
            " * Acc@1 59.2 Acc@5 81.4\n"
        ),
        {
            "train_loss": {3: 2.0},
            "train_accuracy": {3: 0.543},
            "train_top5_accuracy": {3: 0.775},
            "test_loss": {3: 1.8},
            "test_accuracy": {3: 0.592},
            "test_top5_accuracy": {3: 0.814},
        },
    ),
    "timm": (
        (
            "Train: 0 [   0/1251 (  0%)]  Loss: 6.94 (6.94)  Time: 1.2s,  850.1/s  (1.2s,  850.1/s)  LR: 1.000e-05  Data: 0.5 (0.5)\n"
            "Train: 0 [1250/1251 (100%)]  Loss: 5.9 (6.4)  Time: 0.3s, 3000.1/s  (0.3s, 2999.1/s)  LR: 1.000e-05  Data: 0.0 (0.0)\n"
            "Test: [   0/48]  Time: 1.0 (1.0)  Loss:  5.1 ( 5.1)  Acc@1: 8.0 ( 8.0)  Acc@5: 20.0 ( 20.0)\n"
            "Test: [  48/48]  Time: 0.1 (0.2)  Loss:  5.3 ( 5.2)  Acc@1: 6.0 ( 7.5)  Acc@5: 18.0 ( 19.5)\n"
        ),
        {
            "train_loss": {0: 6.4},
            "train_learning_rate": {0: 1e-5},
            "test_loss": {0: 5.2},
            "test_accuracy": {0: 0.075},
            "test_top5_accuracy": {0: 0.195},
        },
    ),
    "OpenMMLab, old and new": (
        (
            "2023-03-01 10:00:00,123 - mmcls - INFO - Epoch [1][100/200]\tlr: 1.0e-03, eta: 1:00:00, time: 0.3, data_time: 0.02, memory: 3000, loss: 1.9\n"
            "2023-03-01 10:05:00,123 - mmcls - INFO - Epoch(val) [1][40]\taccuracy_top-1: 45.5000, accuracy_top-5: 80.1000\n"
            "03/01 10:10:00 - mmengine - INFO - Epoch(train)  [2][200/200]  lr: 1.0e-03  eta: 0:50:00  time: 0.3  data_time: 0.02  memory: 3000  loss: 1.5\n"
            "03/01 10:15:00 - mmengine - INFO - Epoch(val) [2][40/40]    accuracy/top1: 52.0000  accuracy/top5: 84.0000  data_time: 0.1  time: 0.2\n"
        ),
        {
            "train_loss": series(1.9, 1.5),
            "train_learning_rate": series(1e-3, 1e-3),
            "val_accuracy": series(0.455, 0.52),
            "val_top5_accuracy": series(0.801, 0.84),
        },
    ),
    "Lightning, cut by the terminal": (
        (
            "Epoch 0: 100%|██████████| 20/20 [00:02<00:00,  9.1it/s, loss=0.67, v_num=3, val_loss=0.66, val_acc=0.6, train_acc=0.55]\n"
            "Epoch 1: 100%|██████████| 20/20 [00:02<00:00,  9.1it/s, loss=0.61, v_num=3, val_loss=0.63, val_acc=0.65, train_acc=0.6\n"
        ),
        {
            "train_loss": series(0.67, 0.61, first=0),
            "train_accuracy": {0: 0.55},
            "val_loss": series(0.66, 0.63, first=0),
            "val_accuracy": series(0.6, 0.65, first=0),
        },
    ),
    "Lightning, its table of a validation": (
        """\
        ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
        ┃      Validate metric      ┃       DataLoader 0        ┃
        ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
        │          val_acc          │    0.8712000250816345     │
        │         val_loss          │    0.4145900011062622     │
        └───────────────────────────┴───────────────────────────┘
        """,
        {"val_accuracy": series(0.8712000250816345), "val_loss": series(0.4145900011062622)},
    ),
    "the Trainer": (
        """\
        {'loss': 0.69, 'grad_norm': 1.5, 'learning_rate': 2e-05, 'epoch': 0.5}
        {'loss': 0.6, 'grad_norm': 1.4, 'learning_rate': 1.5e-05, 'epoch': 1.0}
        {'eval_loss': 0.55, 'eval_accuracy': 0.72, 'eval_runtime': 3.1, 'eval_samples_per_second': 130.0, 'eval_steps_per_second': 8.2, 'epoch': 1.0}
        {'loss': 0.5, 'grad_norm': 1.4, 'learning_rate': 1e-05, 'epoch': 1.5}
        {'eval_loss': 0.57, 'eval_accuracy': 0.74, 'eval_runtime': 3.1, 'eval_samples_per_second': 130.0, 'eval_steps_per_second': 8.2, 'epoch': 2.0}
        {'train_runtime': 80.1, 'train_samples_per_second': 50.0, 'train_steps_per_second': 3.1, 'train_loss': 0.597, 'epoch': 2.0}
        """,
        {
            "train_loss": series(0.6, 0.5),
            "train_grad_norm": series(1.4, 1.4),
            "train_learning_rate": series(1.5e-5, 1e-5),
            "val_loss": series(0.55, 0.57),
            "val_accuracy": series(0.72, 0.74),
        },
    ),
    "the Trainer, with numbers in quotes": (
        (
            "{'eval_loss': '0.55', 'eval_accuracy': '0.72', 'epoch': '1'}\n"
            "{'eval_loss': '0.57', 'eval_accuracy': '0.74', 'epoch': '2'}\n"
        ),
        {"val_loss": series(0.55, 0.57), "val_accuracy": series(0.72, 0.74)},
    ),
    "the Trainer in a notebook": (
        (
            "Epoch\tTraining Loss\tValidation Loss\tAccuracy\tF1\n"
            "1\tNo log\t0.51\t0.75\t0.7\n"
            "2\t0.44\t0.49\t0.77\t0.74\n"
        ),
        {
            "train_loss": {2: 0.44},
            "val_loss": series(0.51, 0.49),
            "val_accuracy": series(0.75, 0.77),
            "val_f1": series(0.7, 0.74),
        },
    ),
    "the same with single spaces": (
        """\
        Epoch Training Loss Validation Loss Accuracy Runtime Samples Per Second
        1 No log 0.51 0.75 3.2 120.5
        2 0.44 0.49 0.77 3.1 121.0
        """,
        {
            "train_loss": {2: 0.44},
            "val_loss": series(0.51, 0.49),
            "val_accuracy": series(0.75, 0.77),
        },
    ),
    "a table in Markdown": (
        """\
        | Training Loss | Epoch | Step | Validation Loss | Accuracy |
        |:-------------:|:-----:|:----:|:---------------:|:--------:|
        | No log        | 1.0   | 100  | 0.6             | 70.5 %   |
        | 0.55          | 2.0   | 200  | 0.5             | 75.25 %  |
        """,
        {
            "train_loss": {2: 0.55},
            "val_loss": series(0.6, 0.5),
            "val_accuracy": series(0.705, 0.7525),
        },
    ),
    "fastai": (
        """\
        epoch     train_loss  valid_loss  accuracy  error_rate  time
        0         0.693000    0.610000    0.700000  0.300000    00:12
        1         0.550000    0.580000    0.720000  0.280000    00:11
        """,
        {
            "train_loss": series(0.693, 0.55, first=0),
            "val_loss": series(0.61, 0.58, first=0),
            "val_accuracy": series(0.7, 0.72, first=0),
        },
    ),
    "skorch": (
        """\
          epoch    train_loss    valid_acc    valid_loss     dur
        -------  ------------  -----------  ------------  ------
              1        \x1b[36m0.6868\x1b[0m       \x1b[32m0.6000\x1b[0m        \x1b[35m0.6740\x1b[0m  0.1042
              2        0.6700       0.6200        0.6600  0.1012
        """,
        {
            "train_loss": series(0.6868, 0.67),
            "val_accuracy": series(0.6, 0.62),
            "val_loss": series(0.674, 0.66),
        },
    ),
    "a table of misclassification": (
        (
            "epoch  train_loss  valid_loss  train_misclass  valid_misclass\n"
            "0      1.2         1.3         0.6             0.65\n"
            "1      1.0         1.2         0.5             0.625\n"
        ),
        {
            "train_loss": series(1.2, 1.0, first=0),
            "val_loss": series(1.3, 1.2, first=0),
            "train_accuracy": series(0.4, 0.5, first=0),
            "val_accuracy": series(0.35, 0.375, first=0),
        },
    ),
    "CSV, pasted with padding and holes": (
        """\
            epoch,   train/loss,  metrics/accuracy_top1,  metrics/accuracy_top5,  val/loss
                1,          1.1,                   0.75,                      1,       0.9
                2,             ,                    0.8,                      1,       nan
        """,
        {
            "train_loss": {1: 1.1},
            "val_accuracy": series(0.75, 0.8),
            "val_top5_accuracy": series(1.0, 1.0),
            "val_loss": series(0.9, NAN),
        },
    ),
    "XGBoost": (
        (
            "[0]\ttrain-mlogloss:0.9\ttrain-merror:0.2\teval-mlogloss:1.0\teval-merror:0.25\n"
            "[10]\ttrain-mlogloss:0.5\ttrain-merror:0.1\teval-mlogloss:0.8\teval-merror:0.225\n"
        ),
        {
            "train_loss": {0: 0.9, 10: 0.5},
            "train_accuracy": {0: 0.8, 10: 0.9},
            "val_loss": {0: 1.0, 10: 0.8},
            "val_accuracy": {0: 0.75, 10: 0.775},
        },
    ),
    "XGBoost of scikit-learn, two sets": (
        (
            "[0]\tvalidation_0-logloss:0.65\tvalidation_1-logloss:0.67\n"
            "[1]\tvalidation_0-logloss:0.61\tvalidation_1-logloss:0.66\n"
        ),
        {"val_0_loss": series(0.65, 0.61, first=0), "val_loss": series(0.67, 0.66, first=0)},
    ),
    "LightGBM": (
        (
            "Training until validation scores don't improve for 50 rounds\n"
            "[1]\ttraining's binary_logloss: 0.65\ttraining's auc: 0.8\tvalid_1's binary_logloss: 0.66\tvalid_1's auc: 0.7\n"
            "[LightGBM] [Warning] No further splits with positive gain, best gain: -inf\n"
            "[2]\ttraining's binary_logloss: 0.6\ttraining's auc: 0.85\tvalid_1's binary_logloss: 0.64\tvalid_1's auc: 0.75\n"
            "Early stopping, best iteration is:\n"
        ),
        {
            "train_loss": series(0.65, 0.6),
            "train_auc": series(0.8, 0.85),
            "val_loss": series(0.66, 0.64),
            "val_auc": series(0.7, 0.75),
        },
    ),
    "CatBoost": (
        (
            "0:\tlearn: 0.6723\ttest: 0.6751\tbest: 0.6751 (0)\ttotal: 52ms\tremaining: 5.1s\n"
            "1:\tlearn: 0.6512\ttest: 0.6588\tbest: 0.6588 (1)\ttotal: 61ms\tremaining: 3.1s\n"
        ),
        {
            "train_loss": series(0.6723, 0.6512, first=0),
            "test_loss": series(0.6751, 0.6588, first=0),
        },
    ),
    "mxnet": (
        (
            "INFO:root:Epoch[0] Batch [50]\tSpeed: 300.5 samples/sec\taccuracy=0.4\tcross-entropy=1.9\n"
            "INFO:root:Epoch[0] Train-accuracy=0.45\n"
            "INFO:root:Epoch[0] Train-cross-entropy=1.7\n"
            "INFO:root:Epoch[0] Time cost=12.3\n"
            "INFO:root:Epoch[0] Validation-accuracy=0.5\n"
            "INFO:root:Epoch[0] Validation-cross-entropy=1.6\n"
        ),
        {
            "train_accuracy": {0: 0.45},
            "train_loss": {0: 1.7},
            "val_accuracy": {0: 0.5},
            "val_loss": {0: 1.6},
        },
    ),
    "an estimator": (
        (
            "INFO:tensorflow:global_step/sec: 98.1\n"
            "INFO:tensorflow:loss = 0.5, step = 101 (1.02 sec)\n"
            "INFO:tensorflow:Saving dict for global step 200: accuracy = 0.81, average_loss = 0.44, global_step = 200, loss = 56.3\n"
        ),
        {"train_loss": {200: 0.5}, "val_accuracy": {200: 0.81}, "val_loss": {200: 0.44}},
    ),
    "what BERT's scripts print": (
        "{'eval_loss': 0.4, 'global_step': 90, 'loss': 0.6, 'acc': 0.8}\n",
        {"val_loss": {90: 0.4}, "train_loss": {90: 0.6}, "val_accuracy": {90: 0.8}},
    ),
    "loguru": (
        (
            "2024-05-01 12:00:01.123 | INFO     | __main__:fit:45 - epoch=1 train_loss=0.9 val_loss=1.0 val_acc=0.6\n"
            "2024-05-01 12:00:09.456 | INFO     | __main__:fit:45 - epoch=2 train_loss=0.8 val_loss=0.9 val_acc=0.65\n"
        ),
        {
            "train_loss": series(0.9, 0.8),
            "val_loss": series(1.0, 0.9),
            "val_accuracy": series(0.6, 0.65),
        },
    ),
    "one JSON object per line": (
        (
            '{"epoch": 1, "train_loss": 0.9, "val_loss": 1.0, "val_acc": 0.6}\n'
            '{"epoch": 2, "train_loss": 0.8, "val_loss": NaN, "val_acc": 0.65}\n'
        ),
        {
            "train_loss": series(0.9, 0.8),
            "val_loss": series(1.0, NAN),
            "val_accuracy": series(0.6, 0.65),
        },
    ),
    "the perceptron of scikit-learn": (
        """\
        Iteration 1, loss = 2.3
        Validation score: 0.2
        Iteration 2, loss = 2.1
        Validation score: 0.35
        Training loss did not improve more than tol=0.000100 for 10 consecutive epochs. Stopping.
        """,
        {"train_loss": series(2.3, 2.1), "val_accuracy": series(0.2, 0.35)},
    ),
    "sentences": (
        (
            "After 10 epochs my training loss is 0.31 and the validation loss is about 0.52, with a "
            "validation accuracy of 81.1468 %.\n"
        ),
        {
            "train_loss": {10: 0.31},
            "val_loss": {10: 0.52},
            "val_accuracy": {10: 0.811468},
        },
    ),
    "a cost after iterations": (
        "Cost after iteration 0: 0.693147\nCost after iteration 100: 0.55\n",
        {"train_loss": {0: 0.693147, 100: 0.55}},
    ),
    "one line with both, an error in percent": (
        (
            "Ep. 1/5 | train loss 1.10 err 35.0% | valid loss 1.30 err 40.0%\n"
            "Ep. 2/5 | train loss 0.90 err 30.0% | valid loss 1.25 err 38.5%\n"
        ),
        {
            "train_loss": series(1.1, 0.9),
            "train_accuracy": series(0.65, 0.7),
            "val_loss": series(1.3, 1.25),
            "val_accuracy": series(0.6, 0.615),
        },
    ),
    "tensors": (
        "epoch: 3, loss: tensor(0.4532, device='cuda:0', grad_fn=<NllLossBackward>), acc: np.float64(0.83)\n",
        {"train_loss": {3: 0.4532}, "train_accuracy": {3: 0.83}},
    ),
    "infinite, negative and tiny": (
        (
            "epoch 1 loss=-1.5e-3 acc=1.0 val_loss=inf val_acc=.5\n"
            "epoch 2 loss=-inf acc=1.0 val_loss=1e10 val_acc=.5\n"
        ),
        {
            "train_loss": series(-1.5e-3, -math.inf),
            "train_accuracy": series(1.0, 1.0),
            "val_loss": series(math.inf, 1e10),
            "val_accuracy": series(0.5, 0.5),
        },
    ),
    "the bar of a well-known collection for CIFAR-10": (
        """\
        Epoch: 0
         [=============== 391/391 =================>]  Step: 60ms | Tot: 25s | Loss: 1.432 | Acc: 47.120% (23560/50000)
         [=============== 100/100 =================>]  Step: 20ms | Tot: 2s | Loss: 1.232 | Acc: 55.220% (5522/10000)
        Saving..

        Epoch: 1
         [=============== 391/391 =================>]  Step: 60ms | Tot: 25s | Loss: 1.032 | Acc: 63.120% (31560/50000)
         [=============== 100/100 =================>]  Step: 20ms | Tot: 2s | Loss: 1.1 | Acc: 60.220% (6022/10000)
        """,
        {
            "train_loss": series(1.432, 1.032, first=0),
            "train_accuracy": series(0.4712, 0.6312, first=0),
            "evaluation_loss": series(1.232, 1.1, first=0),
            "evaluation_accuracy": series(0.5522, 0.6022, first=0),
        },
    ),
    "MATLAB": (
        """\
        |======================================================================================|
        |  Epoch  |  Iteration  |  Time Elapsed  |  Mini-batch  |  Validation  |  Mini-batch  |  Validation  |
        |         |             |   (hh:mm:ss)   |   Accuracy   |   Accuracy   |     Loss     |     Loss     |
        |======================================================================================|
        |       1 |           1 |       00:00:01 |       10.00% |       12.00% |       2.3026 |       2.2900 |
        |       2 |          50 |       00:00:09 |       60.00% |       52.00% |       1.3026 |       1.4900 |
        |======================================================================================|
        """,
        {
            "train_accuracy": series(0.1, 0.6),
            "val_accuracy": series(0.12, 0.52),
            "train_loss": series(2.3026, 1.3026),
            "val_loss": series(2.29, 1.49),
        },
    ),
    "Ultralytics, on the screen": (
        """\
              Epoch    GPU_mem       loss  Instances       Size
               1/20      1.2G      0.912         16        224: 100%|██████████| 10/10 [00:02<00:00,  4.5it/s]
                       classes   top1_acc   top5_acc: 100%|██████████| 2/2 [00:00<00:00,  8.1it/s]
                           all      0.853          1

              Epoch    GPU_mem       loss  Instances       Size
               2/20      1.2G      0.712         16        224: 100%|██████████| 10/10 [00:02<00:00,  4.5it/s]
                       classes   top1_acc   top5_acc: 100%|██████████| 2/2 [00:00<00:00,  8.1it/s]
                           all      0.9          1
        """,
        {
            "train_loss": series(0.912, 0.712),
            "val_accuracy": series(0.853, 0.9),
            "val_top5_accuracy": series(1.0, 1.0),
        },
    ),
    "a table with the splits across": (
        (
            "| metric   | train | val  |\n|----------|-------|------|\n| loss     | 0.35  | 0.42 |\n"
            "| accuracy | 85%   | 82%  |\n"
        ),
        {
            "train_loss": series(0.35),
            "train_accuracy": series(0.85),
            "val_loss": series(0.42),
            "val_accuracy": series(0.82),
        },
    ),
    "a dictionary as Python prints it": (
        (
            "history.history: {'loss': [0.9, np.float32(0.8)], 'accuracy': [0.5, 0.6], 'val_loss': [1.0, nan],"
            " 'val_accuracy': array([0.4, 0.5], dtype=float32)}\n"
        ),
        {
            "train_loss": series(0.9, 0.8),
            "train_accuracy": series(0.5, 0.6),
            "val_loss": series(1.0, NAN),
            "val_accuracy": series(0.4, 0.5),
        },
    ),
    "lines with their epoch, and one after the end": (
        (
            "Epoch: 0001 cost=0.354 accuracy=0.89\nEpoch: 0002 cost=0.254 accuracy=0.91\nFinished!\n"
            "Accuracy: 0.9012\n"
        ),
        {
            "train_loss": series(0.354, 0.254),
            "train_accuracy": series(0.89, 0.91),
            "evaluation_accuracy": {2: 0.9012},
        },
    ),
    "a percentage before its name": (
        "I get a validation loss of 0.45 with 78% accuracy, is that good?\n",
        {"val_loss": series(0.45), "val_accuracy": series(0.78)},
    ),
    "headings for the phases": (
        """\
        Epoch 1
        Training:
        loss 0.9 accuracy 0.5
        *** Validation ***
        loss 1.0 accuracy 0.45
        Epoch 2
        Training:
        loss 0.8 accuracy 0.55
        *** Validation ***
        loss 0.95 accuracy 0.5
        """,
        {
            "train_loss": series(0.9, 0.8),
            "train_accuracy": series(0.5, 0.55),
            "val_loss": series(1.0, 0.95),
            "val_accuracy": series(0.45, 0.5),
        },
    ),
    "lines without a count": (
        """\
        train loss: 0.9, train acc: 0.5
        test loss: 1.0, test acc: 0.45
        train loss: 0.8, train acc: 0.55
        test loss: 0.95, test acc: 0.5
        """,
        {
            "train_loss": series(0.9, 0.8),
            "train_accuracy": series(0.5, 0.55),
            "test_loss": series(1.0, 0.95),
            "test_accuracy": series(0.45, 0.5),
        },
    ),
    "all training first, then all validation": (
        """\
        epoch 1 train loss 0.9
        epoch 2 train loss 0.8
        epoch 1 val loss 1.0
        epoch 2 val loss 0.95
        """,
        {"train_loss": series(0.9, 0.8), "val_loss": series(1.0, 0.95)},
    ),
}


@pytest.mark.parametrize(("text", "expected"), FORMATS.values(), ids=FORMATS.keys())
def test_every_number_lands_under_its_name_and_epoch(text, expected):
    got = curves(text)
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        assert got[name] == pytest.approx(values, rel=1e-12, nan_ok=True), name


PRINTED = "a dictionary as Python prints it"  # which is read as a whole


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {PRINTED}))
def test_a_log_that_comes_in_pieces_reads_the_same(name, size):
    text = textwrap.dedent(FORMATS[name][0])
    whole, pieces = TextLog(), TextLog()
    whole.feed(text)
    for at in range(0, len(text), size):
        pieces.feed(text[at : at + size])
    whole.close()
    pieces.close()
    one, two = whole.history()[0], pieces.history()[0]
    assert one.columns.keys() == two.columns.keys()
    for role, values in one.columns.items():
        np.testing.assert_array_equal(values, two.columns[role])


# --- what stands beside the numbers -------------------------------------------------------------


def read_text(text, **options):
    return read(textwrap.dedent(text), options=ReadOptions(**options))


def test_the_notes_say_how_names_were_read_and_what_was_passed_over():
    got = read_text(
        """\
        Loading 20 files
        epoch 1: train loss 0.9, Validation Loss 1.0, valid_error 40.5%
        done in 3 minutes
        """
    ).notes
    assert got == (
        (
            'Read as: train_loss ← "train loss", val_loss ← "Validation Loss", '
            'val_accuracy ← 1 − "valid_error".'
        ),
        "Passed over: 2 lines of other text.",
    )


@pytest.mark.parametrize(
    ("text", "n_train", "n_val"),
    [
        (
            "Train on 480 samples, validate on 120 samples\nEpoch 1/1\nloss: 0.4 - acc: 0.8",
            480,
            120,
        ),
        ("test loss: 0.5, test accuracy: 81/90 (90%)", None, 90),
        ("Accuracy of the model on the 1,000 test images: 55.5 %", None, 1000),
        ("206/207 [===>.] - loss: 0.4 - acc: 0.8", None, None),
    ],
)
def test_sizes_are_known_where_the_log_says_them(text, n_train, n_val):
    history = read_text(text).history
    assert (history.n_train, history.n_val) == (n_train, n_val)


@pytest.mark.parametrize(
    ("text", "task", "n_classes"),
    [
        ("[1]\tvalid_0's binary_logloss: 0.6", "binary", 2),
        ("[1]\teval-logloss:0.6 eval-error:0.2", "binary", 2),
        ("[1]\teval-mlogloss:0.6 eval-merror:0.2", "multiclass", None),
        ("val_loss: 0.693 - val_acc: 0.5", None, None),
        ("val_loss: 0.6 - val_binary_accuracy: 0.7", None, None),
        ("config: num_classes=7\nval_loss: 0.6 - val_acc: 0.7", None, 7),
    ],
)
def test_classes_are_known_only_where_nothing_else_is_possible(text, task, n_classes):
    history = read_text(text).history
    assert (history.task, history.n_classes) == (task, n_classes)


@pytest.mark.parametrize(
    ("text", "running"),
    [
        ("9/9 - 1s - loss: 0.5 - acc: 0.7 - val_loss: 0.6 - val_acc: 0.6", True),
        ("Test: [1/4]  Loss: 0.6 (0.5)  Acc@1: 70.0 (75.0)", True),
        ("[1]\ttrain-logloss:0.5 eval-logloss:0.6", False),
        ("epoch 1 train loss 0.5 val loss 0.6", None),
    ],
)
def test_whether_training_numbers_are_running_means_is_known_for_frameworks(text, running):
    assert read_text(text).history.running_train is running


def test_options_overrule_and_add():
    got = read_text(
        "round 1 vl 0.9 tl=0.8 vl=0.7 miss=0.25",
        columns={"tl": "train.loss", "vl": "val.loss", "miss": "val.error"},
        n_classes=3,
        n_val=50,
        n_train=200,
        class_shares=(0.5, 0.3, 0.2),
        task="multiclass",
    ).history
    assert got.column("train", "loss").tolist() == [0.8]
    assert got.column("val", "loss").tolist() == [0.7]
    assert got.column("val", "accuracy").tolist() == [0.75]
    assert (got.n_classes, got.n_val, got.n_train, got.task) == (3, 50, 200, "multiclass")
    assert got.class_shares == (0.5, 0.3, 0.2)


def test_epochs_that_start_again_are_counted_on_and_said():
    got = read_text("epoch 1 loss=1.0\nepoch 2 loss=0.9\nepoch 1 loss=0.8\nepoch 2 loss=0.7\n")
    assert got.history.epochs.tolist() == [1, 2, 3, 4]
    assert "The count of epochs starts again 1 time" in got.notes[-1]


def test_evaluations_within_epochs_are_counted():
    got = read_text(
        "\n".join(
            f"{{'eval_loss': {0.5 + at}, 'eval_accuracy': 0.7, 'epoch': {at}}}"
            for at in (0.25, 0.5, 0.75, 1.0)
        )
        + "\n"
    )
    assert got.history.epochs.tolist() == [1, 2, 3, 4]
    assert "Evaluations came within epochs: they are numbered 1 to 4" in got.notes[-1]


def test_columns_that_agree_are_one_and_columns_that_differ_are_asked_about():
    same = read_text("val_loss: 0.5, eval_loss: 0.5, val_acc: 0.7").history
    assert same.columns.keys() == {("val", "loss"), ("val", "accuracy")}
    with pytest.raises(DataError, match="Several columns could be val_loss") as caught:
        read_text("val_loss: 0.5, eval_loss: 0.6, val_acc: 0.7")
    assert 'Choose with --map "val_loss=val.loss" or --map "eval_loss=val.loss".' in str(
        caught.value
    )
    chosen = read_text(
        "val_loss: 0.5, eval_loss: 0.6, val_acc: 0.7", columns={"eval_loss": "val.loss"}
    ).history
    assert chosen.column("val", "loss").tolist() == [0.6]


def test_several_outputs_are_asked_about():
    text = "loss: 2.0 - a_loss: 1.1 - b_loss: 0.9 - a_accuracy: 0.5 - b_accuracy: 0.6\n"
    with pytest.raises(DataError, match="Several columns could be train_accuracy") as caught:
        read_text(text)
    assert '--map "a_accuracy=train.accuracy"' in str(caught.value)
    got = read_text(text, columns={"b_accuracy": "train.accuracy", "b_loss": "train.loss"}).history
    assert got.column("train", "accuracy").tolist() == [0.6]
    assert got.column("train", "loss").tolist() == [0.9]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[5]\ttrain-rmse:0.4\teval-rmse:0.5", 'errors of a regression.*"train-rmse", "eval-rmse"'),
        ("loss: 0.2 - mae: 0.3 - val_loss: 0.4 - val_mae: 0.4", "errors of a regression"),
        ("loss: 0.2 - mean_absolute_error: 0.3", "errors of a regression"),
    ],
)
def test_what_is_no_classification_is_declined_with_the_reason(text, words):
    with pytest.raises(DataError, match=words):
        read_text(text)


def test_a_classifier_that_reports_a_squared_error_too_is_read():
    got = read_text("loss: 0.2 - mse: 0.3 - accuracy: 0.9").history
    assert got.column("train", "accuracy").tolist() == [0.9]
    assert got.column("train", "mse").tolist() == [0.3]


def test_what_the_caller_calls_a_classification_is_read_and_a_regression_is_not():
    assert read_text("val_loss: 0.2 - val_mse: 0.3", task="binary").history.task == "binary"
    with pytest.raises(DataError, match="errors of a regression"):
        read_text("val_loss: 0.2 - val_acc: 0.3", task="regression")


@pytest.mark.parametrize(
    "text",
    [
        "no_such_folder",
        "runs/exp1/metrics.csv",
        "model-epoch=3-val_loss=0.41.ckpt",
        "hello world",
        "",
        "7",
        "a\0b",
    ],
)
def test_what_is_neither_a_path_nor_a_log_is_said_to_be_neither(text):
    with pytest.raises(FormatError, match=r"No file is named .* here"):
        read(text)


def test_text_without_a_number_that_counts_says_what_it_looked_for():
    with pytest.raises(FormatError, match="There is neither a loss nor a score in it"):
        read("Loading data\nlearning_rate: 0.1\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": {"a": "loss"}}, "'a' cannot be mapped to 'loss'"),
        ({"task": "ranking"}, "The task is unknown"),
        ({"columns": {"c": "val.loss"}}, "There is no column 'c' to map"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    with pytest.raises(DataError, match=words):
        read_text("val_loss: 0.2 - val_acc: 0.3", **options)


def test_shares_that_are_none_are_left_out_and_said():
    got = read_text("val_loss: 0.5 - val_acc: 0.7 - val_f1: 412\n")
    assert ("val", "f1") not in got.history.columns
    assert 'Left out, because the values are no shares: "val_f1".' in got.notes


def test_percentages_are_recognised_by_column_and_by_company():
    got = read_text("epoch 1 train acc 1.5, val acc 0.9\nepoch 2 train acc 12.5, val acc 10.0\n")
    assert got.history.column("train", "accuracy").tolist() == [0.015, 0.125]
    assert got.history.column("val", "accuracy").tolist() == pytest.approx([0.009, 0.1])
    mixed = read_text("train acc 85.5, val acc 0.81").history
    assert mixed.column("val", "accuracy").tolist() == [0.81]
    assert mixed.column("train", "accuracy").tolist() == [0.855]


# --- streams ------------------------------------------------------------------------------------


def test_a_log_can_be_asked_while_it_grows():
    log = TextLog()
    log.feed("epoch 1 val_loss=0.9 val_acc=0.5\nepoch 2 val_loss=0.8 val_a")
    assert log.history()[0].epochs.tolist() == [1]
    log.feed("cc=0.6\nepoch 3 val_loss=0.7")
    history = log.history()[0]
    assert history.epochs.tolist() == [1, 2]
    assert history.column("val", "accuracy").tolist() == [0.5, 0.6]
    log.close()
    assert log.history()[0].epochs.tolist() == [1, 2, 3]


def test_the_memory_of_a_log_is_bounded():
    log = TextLog()
    log.feed("step 0 val_loss=1.0\n")
    tracemalloc.start()
    for start in range(0, 60_000, 1000):
        log.feed("".join(f"step {at} loss={1 / (at + 1)}\n" for at in range(start, start + 1000)))
    log.feed("x" * 3_000_000)  # a line without an end
    log.feed("\nstep 60000 loss=0.5 val_loss=0.4\n")
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    history, notes = log.history()
    assert used < 10_000_000
    values = history.column("val", "loss")
    assert values[np.isfinite(values)].tolist() == [1.0, 0.4]
    assert any("Left out between others" in note for note in notes)
    assert any("Cut at 20,000 characters: 1 line." in note for note in notes)


WORDS = (
    "epoch Epoch step loss acc accuracy val train test val_loss train_loss error rmse auc lr eta : = "
    "- | / , ; % ( ) [ ] { } ' \" \n \r \t \b \x1b[1m 0 1 2 10 0.5 81.5 1e-3 nan inf -1 3/10 7/9 "
    "[====] ━━━ 100% it/s total best Saving"
)
LOG_LIKE = st.lists(st.sampled_from(WORDS.split(" ")), max_size=80).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=300), LOG_LIKE))
def test_whatever_is_pasted_gives_a_history_or_one_clear_error(text):
    with contextlib.suppress(WhylossError):  # anything else is a fault
        check_shape(read(text + "\n"))


def check_shape(got):
    history = got.history
    assert (np.diff(history.epochs) > 0).all()
    for (_, metric), values in history.columns.items():
        assert values.shape == history.epochs.shape
        if metric == "accuracy":
            told = values[np.isfinite(values)]
            assert ((told >= 0) & (told <= 1)).all()


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_what_a_log_says_survives_other_lines_around_it(data):
    losses = data.draw(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8))
    noise = st.sampled_from(
        [
            "",
            "Downloading model",
            "====",
            "WARNING: slow disk",
            "saved to /tmp/run 7",
            "\x1b[2K\r",
            "|",
        ]
    )
    lines = []
    for epoch, loss in enumerate(losses, start=1):
        lines += [data.draw(noise), f"Epoch {epoch}: val_loss={loss!r}, val_acc=0.5"]
    got = read("\n".join(lines) + "\n").history
    assert got.epochs.tolist() == list(range(1, len(losses) + 1))
    assert got.column("val", "loss").tolist() == losses


def test_pasted_text_loads_no_more_than_it_needs():
    code = (
        "import sys; from whyloss.readers import read; read('loss: 0.4 - acc: 0.8'); "
        "print(*(name for name in ('pyarrow', 'scipy', 'pandas', 'numba', 'narwhals') "
        "if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_minus_one_of_a_score_that_cannot_be_computed_is_no_value():
    text = "\n".join(
        f"batch: {20 * i}, loss: {9.5 - i:.2f}, f1: {f1}, accuracy: {0.8 + 0.02 * i:.2f}"
        for i, f1 in enumerate(("-1.000", "-1.000", "0.041", "0.112"), start=1)
    )
    got = read(text)
    values = got.history.column("train", "f1")
    assert np.isnan(values[:2]).all()
    assert values[2:].tolist() == [0.041, 0.112]
    assert '-1 was read as undefined, not as a value: "f1".' in got.notes
