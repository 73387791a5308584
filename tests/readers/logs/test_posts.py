"""Logs as people post them: rows that are cut, repeated, doubtful or of another kind."""

import math
import textwrap

import pytest

from whyloss.errors import DataError
from whyloss.readers import read

NAN = math.nan


def curves(text):
    history = read(textwrap.dedent(text)).history
    return history.epochs.tolist(), {
        "_".join(role): values.tolist() for role, values in history.columns.items()
    }


CASES = {
    "scores of an evaluation after the end, a line each": (
        """\
        Epoch 1/2
        10/10 [====] - 1s - loss: 0.9 - accuracy: 0.6 - val_loss: 0.95 - val_accuracy: 0.58
        Epoch 2/2
        10/10 [====] - 1s - loss: 0.7 - accuracy: 0.7 - val_loss: 0.85 - val_accuracy: 0.63
        Accuracy: 0.63
        Recall: 0.61
        F1 Score: 0.6
        """,
        [1, 2],
        {
            "train_loss": [0.9, 0.7],
            "train_accuracy": [0.6, 0.7],
            "val_loss": [0.95, 0.85],
            "val_accuracy": [0.58, 0.63],
            "evaluation_accuracy": [NAN, 0.63],
            "evaluation_recall": [NAN, 0.61],
            "evaluation_f1": [NAN, 0.6],
        },
    ),
    # what stands behind a held-out score, and has no split of its own, is held out too
    "evaluations of the only epoch": (
        """\
        epoch:  4
        loss: 0.91, acc: 0.61, test_acc: 0.70, f1: 0.27
        loss: 0.95, acc: 0.60, test_acc: 0.70, f1: 0.27
        loss: 0.88, acc: 0.62, test_acc: 0.70, f1: 0.27
        """,
        [1, 2, 3],
        {
            "train_loss": [0.91, 0.95, 0.88],
            "train_accuracy": [0.61, 0.6, 0.62],
            "test_accuracy": [0.7, 0.7, 0.7],
            "test_f1": [0.27, 0.27, 0.27],
        },
    ),
    "two trainings without a loss": (
        """\
        Epoch   Train-accuracy   Validation-accuracy
        3       0.94             0.69
        4       0.98             0.31
        Then I replaced the validation set:
        Epoch   Train-accuracy   Validation-accuracy
        0       0.15             0.47
        1       0.75             0.66
        """,
        [0, 1],
        {"train_accuracy": [0.15, 0.75], "val_accuracy": [0.47, 0.66]},
    ),
    # lines that differ in a name are no epochs
    "a line for each class": (
        """\
        Benign - AUROC: 0.90, Acc: 0.40
        Malignant - AUROC: 0.80, Acc: 0.60
        Unclear - AUROC: 0.70, Acc: 0.80
        """,
        [1],
        {"train_auc": [0.8], "train_accuracy": [0.6]},
    ),
    # a log that lost its line ends
    "several epochs in one line": (
        (
            "Epoch 1/3 20/20 [====] - 2s - loss: 1.9 - acc: 0.3 - val_loss: 1.8 - val_acc: 0.35 Epoch 2/3 "
            "20/20 [====] - 2s - loss: 1.4 - acc: 0.5 - val_loss: 1.6 - val_acc: 0.42 Epoch 3/3 20/20 [====] "
            "- 2s - loss: 1.1 - acc: 0.6 - val_loss: 1.7 - val_acc: 0.41"
        ),
        [1, 2, 3],
        {
            "train_loss": [1.9, 1.4, 1.1],
            "train_accuracy": [0.3, 0.5, 0.6],
            "val_loss": [1.8, 1.6, 1.7],
            "val_accuracy": [0.35, 0.42, 0.41],
        },
    ),
    "the best so far in the middle of a line": (
        """\
        t.py:9] epoch 7 best test acc: 0.88, train loss: 1.31; train acc: 0.52 val acc: 0.5
        t.py:9] epoch 8 best test acc: 0.88, train loss: 1.02; train acc: 0.51 val acc: 0.49
        """,
        [7, 8],
        {"train_loss": [1.31, 1.02], "train_accuracy": [0.52, 0.51], "val_accuracy": [0.5, 0.49]},
    ),
    "a table in a comment": (
        """\
        # epoch     train_loss  valid_loss  accuracy  time
        # 0         0.61        0.52        0.71      00:27
        # 1         0.42        0.50        0.75      00:26
        """,
        [0, 1],
        {"train_loss": [0.61, 0.42], "val_loss": [0.52, 0.5], "val_accuracy": [0.71, 0.75]},
    ),
    "quoted lines": (
        """\
        > epoch 1 loss: 0.9 val_loss: 0.8
        > epoch 2 loss: 0.7 val_loss: 0.75
        """,
        [1, 2],
        {"train_loss": [0.9, 0.7], "val_loss": [0.8, 0.75]},
    ),
    "control characters as loggers spell them": (
        """\
        [1,rank:0]<stdout>:#015Epoch 3: 100% 2/2 [00:00<00:00, 9.1it/s, loss=1.31, val_acc=0.4]#033[A
        [1,rank:0]<stdout>:#015Epoch 4: 100% 2/2 [00:00<00:00, 9.1it/s, loss=1.19, val_acc=0.5]#033[A
        """,
        [3, 4],
        {"train_loss": [1.31, 1.19], "val_accuracy": [0.4, 0.5]},
    ),
    "a stray percent sign behind a loss, and splits without a metric": (
        """\
        Epoch: 001/009 | Train: 12.5% | Loss: 2.41%
        Epoch: 002/009 | Train: 25.0% | Loss: 1.95%
        """,
        [1, 2],
        {"train_loss": [2.41, 1.95], "train_accuracy": [0.125, 0.25]},
    ),
    "epochs counted in brackets behind a foreign word": (
        """\
        Kierros [  2/9]  Train Loss: 1.5  Bal.Acc: 30.0%  |  Val Loss: 1.6  Bal.Acc: 31.0%
        Kierros [  3/9]  Train Loss: 1.2  Bal.Acc: 42.0%  |  Val Loss: 1.4  Bal.Acc: 40.0%
        """,
        [2, 3],
        {
            "train_loss": [1.5, 1.2],
            "val_loss": [1.6, 1.4],
            "train_balanced_accuracy": [0.3, 0.42],
            "val_balanced_accuracy": [0.31, 0.4],
        },
    ),
    "batches that are counted over the whole training": (
        """\
        Batch 40, Loss 2.1, Accuracy 0.25
        Batch 60, Loss 1.6, Accuracy 0.5
        Test, Loss 1.9, Accuracy 0.4
        Batch 80, Loss 1.2, Accuracy 0.75
        """,
        [40, 60, 80],
        {
            "train_loss": [2.1, 1.6, 1.2],
            "train_accuracy": [0.25, 0.5, 0.75],
            "test_loss": [NAN, 1.9, NAN],
            "test_accuracy": [NAN, 0.4, NAN],
        },
    ),
    "an evaluation in the middle of an epoch": (
        """\
        | epoch 001:    450 / 900 loss=6.5, acc=0.2
        | epoch 001 | valid on 'valid' subset | valid_loss 5.9 | valid_acc 0.25
        | epoch 001:    500 / 900 loss=6.1, acc=0.22
        """,
        [1],
        {"train_loss": [6.1], "train_accuracy": [0.22], "val_loss": [5.9], "val_accuracy": [0.25]},
    ),
    "a best round that nothing else prints": (
        """\
        Early stopping, best iteration is:
        [52]\ttrain's multi_logloss: 0.61\tval's multi_logloss: 0.83
        """,
        [52],
        {"train_loss": [0.61], "val_loss": [0.83]},
    ),
    "a metric that only the callback which saves the best prints": (
        """\
        Epoch 1/9 acc: 0.31
        Epoch 00001: val_acc improved from -inf to 0.25000, saving model to best.h5
        Epoch 2/9 acc: 0.55
        Epoch 00002: val_acc did not improve from 0.25000
        Epoch 3/9 acc: 0.62
        Epoch 00003: val_acc improved from 0.25000 to 0.41000, saving model to best.h5
        """,
        [1, 2, 3],
        {"train_accuracy": [0.31, 0.55, 0.62], "val_accuracy": [0.25, NAN, 0.41]},
    ),
    "precision, recall and F1 by their letters": (
        """\
        Dev: time: 9.1s; acc: 0.91, p: 0.41, r: 0.20, f: 0.27
        """,
        [1],
        {
            "val_accuracy": [0.91],
            "val_precision": [0.41],
            "val_recall": [0.2],
            "val_f1": [0.27],
        },
    ),
    "splits behind their numbers": (
        """\
        accuracy: 0.94 (train) 0.63 (test), loss=0.21 on training data, loss=1.3 on the test set
        """,
        [1],
        {
            "train_accuracy": [0.94],
            "test_accuracy": [0.63],
            "train_loss": [0.21],
            "test_loss": [1.3],
        },
    ),
    "a fitted temperature": (
        """\
        Before temperature - NLL: 1.9, ECE: 0.2
        After temperature - NLL: 1.1, ECE: 0.02
        """,
        [1],
        {"val_loss": [1.9], "val_calibration_error": [0.2], "val_calibrated_loss": [1.1]},
    ),
    "headings with words before the split": (
        """\
        INFO     run-2-fold1 training metrics:
        INFO     loss: 0.05
        INFO     accuracy: 0.99
        INFO     run-2-fold1 validation metrics:
        INFO     accuracy: 0.47
        INFO     loss: 3.9
        """,
        [1],
        {
            "train_loss": [0.05],
            "train_accuracy": [0.99],
            "val_accuracy": [0.47],
            "val_loss": [3.9],
        },
    ),
    "a training before the first heading, which is of its evaluation": (
        """\
        Mean training loss: 1.3.
        Eval epoch: 7
        Mean test loss of 15 batches: 2.9.
        Training epoch: 8
        Mean training loss: 1.2.
        Eval epoch: 8
        Mean test loss of 15 batches: 3.0.
        """,
        [7, 8],
        {"train_loss": [1.3, 1.2], "test_loss": [2.9, 3.0]},
    ),
    "a question below the log": (
        """\
        Train Epoch: 4 | Loss: 1.62
        Test set: Average loss: 0.04, Accuracy: 41%
        Train Epoch: 5 | Loss: 1.43
        How can the test loss be 0.04 with 41 % accuracy when the training loss is 1.5?
        """,
        [4, 5],
        {"train_loss": [1.62, 1.43], "test_loss": [0.04, NAN], "test_accuracy": [0.41, NAN]},
    ),
    "a split of which only the sentence below the log speaks": (
        """\
        epoch 1 loss: 0.6 acc: 0.7
        epoch 2 loss: 0.2 acc: 0.95
        But on the test set the accuracy is only 0.52.
        """,
        [1, 2],
        {
            "train_loss": [0.6, 0.2],
            "train_accuracy": [0.7, 0.95],
            "test_accuracy": [NAN, 0.52],
        },
    ),
    "statistics below a table, which are no epochs": (
        """\
        Accuracy : 0.62
        Detection Rate : 0.61
        Kappa : 0.1
        Prevalence Rate : 0.6
        Detection Rate : 0.5
        Balanced Accuracy : 0.55
        """,
        [1],
        {
            "train_accuracy": [0.62],
            "train_kappa": [0.1],
            "train_balanced_accuracy": [0.55],
        },
    ),
    # batches are no epochs, and the number of one batch never replaces a running mean
    "bare lines of batches beside running means": (
        """\
        train at epoch 2
        Loss: 1.95
        Prec@1: 20.0
        Epoch: [2][0/80]\tLoss 1.95 (1.95)\tPrec@1 20.0 (20.0)
        Loss: 1.71
        Prec@1: 30.0
        Epoch: [2][10/80]\tLoss 1.71 (1.83)\tPrec@1 30.0 (25.5)
        Loss: 1.55
        Prec@1: 37.5
        """,
        [2],
        {"train_loss": [1.83], "train_accuracy": [0.255]},
    ),
    "batches in brackets without an epoch": (
        """\
        [10/200] loss: 1.9 (2.1) acc: 0.30 (0.25)
        [110/200] loss: 1.7 (1.9) acc: 0.35 (0.31)
        [10/200] loss: 1.2 (1.4) acc: 0.50 (0.47)
        [110/200] loss: 1.1 (1.3) acc: 0.55 (0.52)
        """,
        [1, 2],
        {"train_loss": [1.9, 1.3], "train_accuracy": [0.31, 0.52]},
    ),
    "epochs in brackets": (
        """\
        [1/3] train loss: 1.9 acc: 0.30 | val loss: 2.0 acc: 0.28
        [2/3] train loss: 1.2 acc: 0.50 | val loss: 1.5 acc: 0.41
        """,
        [1, 2],
        {
            "train_loss": [1.9, 1.2],
            "train_accuracy": [0.3, 0.5],
            "val_loss": [2.0, 1.5],
            "val_accuracy": [0.28, 0.41],
        },
    ),
    "batches by their index": (
        """\
        epoch: 7, batch index: 100, train loss: 0.81
        epoch: 7, batch index: 200, train loss: 0.79
        epoch: 8, batch index: 100, train loss: 0.71
        """,
        [7, 8],
        {"train_loss": [0.79, 0.71]},
    ),
    "an evaluation in the manner of DeiT, with a stray percent sign": (
        """\
        Val:  [ 0/30]  eta: 0:00:10  loss: 0.8100 (0.8100)  accuracy: 0.7800 (0.7800)  time: 0.10
        Val: Total time: 0:00:02 (0.0500 s / it)
        * loss 0.930
        Accuracy of the network on the 6000 val samples: 0.75%
        Test:  [ 0/30]  eta: 0:00:10  loss: 0.7000 (0.7000)  accuracy: 0.8100 (0.8100)  time: 0.10
        Test:  [20/30]  eta: 0:00:05  loss: 0.7400 (0.7200)  accuracy: 0.8000 (0.8050)  time: 0.10
        """,
        [1],
        {
            "val_loss": [0.93],
            "val_accuracy": [0.75],
            "test_loss": [0.72],
            "test_accuracy": [0.805],
        },
    ),
    "a small accuracy with a percent sign is one": (
        "mean_loss: 40.2\nTop1: 0.31%\nTop5: 1.5%\n",
        [1],
        {"train_loss": [40.2], "train_accuracy": [0.0031], "train_top5_accuracy": [0.015]},
    ),
    "a table with P, R and F, and a loss that is a sum": (
        """\
        LOSS      P       R       F
        120.5 0.510   0.900   0.651
        118.0 0.520   0.910   0.662
        """,
        [1, 2],
        {
            "train_loss": [120.5, 118.0],
            "train_precision": [0.51, 0.52],
            "train_recall": [0.9, 0.91],
            "train_f1": [0.651, 0.662],
        },
    ),
    "a table whose last cell is a time in brackets": (
        "epoch train_loss valid_loss error_rate\n1 4.500000 310.000000 0.620000 (00:09)\n",
        [1],
        {"train_loss": [4.5], "val_loss": [310.0], "val_accuracy": [0.38]},
    ),
    "Caffe": (
        """\
        I0101 10:00:01.000000  100 solver.cpp:266] Iteration 500, Testing net (#0)
        I0101 10:01:01.000000  100 solver.cpp:315]     Test net output #0: accuracy = 0.22
        I0101 10:01:01.000000  100 solver.cpp:315]     Test net output #1: loss = 3.7 (* 1 = 3.7 loss)
        I0101 10:01:02.000000  100 solver.cpp:189] Iteration 500, loss = 2.9
        I0101 10:01:02.000000  100 solver.cpp:204]     Train net output #0: loss = 2.9 (* 1 = 2.9 loss)
        I0101 10:01:02.000000  100 sgd_solver.cpp:105] Iteration 500, lr = 0.01
        """,
        [500],
        {"train_loss": [2.9], "test_loss": [3.7], "test_accuracy": [0.22]},
    ),
    "an epoch that had only begun": (
        (
            "30/30 [==============================] - 9s 300ms/step - loss: 2.9 - accuracy: 0.11 - val_loss: 70000000.0 - val_accuracy: 0.05\n"
            "Epoch 2/50\n 1/30 [>.............................] - ETA: 0s - loss: 2.2 - accuracy: 0.2\n"
        ),
        [1],
        {"train_loss": [2.9], "train_accuracy": [0.11], "val_loss": [7e7], "val_accuracy": [0.05]},
    ),
    "Paddle, where a cost is a time": (
        """\
        [2024/03/01 10:00:00] ppcls INFO: [Train][Epoch 4/60][Iter: 0/100]lr(CosineDecay): 0.00200000, top1: 0.90000, CELoss: 0.31000, loss: 0.31000, batch_cost: 0.51s, reader_cost: 0.22, ips: 20.1 samples/s
        [2024/03/01 10:00:06] ppcls INFO: [Train][Epoch 4/60][Iter: 10/100]lr(CosineDecay): 0.00200000, top1: 0.88000, CELoss: 0.35000, loss: 0.35000, batch_cost: 0.52s, reader_cost: 0.23, ips: 20.2 samples/s
        """,
        [4],
        {"train_loss": [0.35], "train_accuracy": [0.88]},
    ),
    "counts of right and wrong decisions": (
        "eval_loss = 0.7\nfn = 30\nfp = 20\ntn = 180\ntp = 270\n",
        [1],
        {"val_loss": [0.7], "val_accuracy": [0.9], "val_f1": [540 / 590]},
    ),
    "the error file of CatBoost": (
        "iter\tMultiClass\n0\t1.6\n1\t1.4\n2\t1.3\n",
        [0, 1, 2],
        {"train_loss": [1.6, 1.4, 1.3]},
    ),
    "the mean over some batches": (
        "Training epoch: 5\n\tMean training loss: 0.61.\nEval epoch: 5\n\tMean test loss of 40 batches: 0.83.\n\tTop1: 71.5%\n",
        [5],
        {"train_loss": [0.61], "test_loss": [0.83], "test_accuracy": [0.715]},
    ),
    "a split that is glued to the epoch": (
        "epoch 12test-accuracy: tensor(0.25, device='cuda:0')\nepoch 13test-accuracy: tensor(0.5)\n",
        [12, 13],
        {"test_accuracy": [0.25, 0.5]},
    ),
    "a set with a name of its own": (
        "webcam set: Average loss: 0.4, Accuracy: 140/200 (70%)\n",
        [1],
        {"test_loss": [0.4], "test_accuracy": [0.7]},
    ),
    "scores alone": (
        "[0]\ttrain-auc:0.70\teval-auc:0.68\n[1]\ttrain-auc:0.74\teval-auc:0.69\n",
        [0, 1],
        {"train_auc": [0.70, 0.74], "val_auc": [0.68, 0.69]},
    ),
    "perplexity alone": (
        "epoch 10, perplexity 80.5, time 1.2 sec\nepoch 20, perplexity 31.2, time 1.1 sec\n",
        [10, 20],
        {"train_perplexity": [80.5, 31.2]},
    ),
    "a list under its name": (
        "test_loss per epoch:\n0.91\n0.74\n0.70\n",
        [1, 2, 3],
        {"test_loss": [0.91, 0.74, 0.70]},
    ),
    "first and last values with an arrow": (
        "training loss: 0.8 -> 0.2, validation loss: 0.9 -> 1.6, validation accuracy: 55% -> 58%\n",
        [1, 2],
        {"train_loss": [0.8, 0.2], "val_loss": [0.9, 1.6], "val_accuracy": [0.55, 0.58]},
    ),
    "a table whose rows are splits": (
        "| set | loss | accuracy |\n|---|---|---|\n| train | 0.31 | 0.91 |\n| test | 0.72 | 0.79 |\n",
        [1],
        {
            "train_loss": [0.31],
            "train_accuracy": [0.91],
            "test_loss": [0.72],
            "test_accuracy": [0.79],
        },
    ),
    "a table whose columns are splits, without a name for the rows": (
        "           Training |  Validation\naccuracy  |  0.83  |  0.78\nloss      |  0.41  |  0.57\n",
        [1],
        {
            "train_loss": [0.41],
            "train_accuracy": [0.83],
            "val_loss": [0.57],
            "val_accuracy": [0.78],
        },
    ),
    "a table on its side": (
        "epoch,1,2,3\ntrain_loss,0.8,0.6,0.4\nval_loss,0.9,0.8,1.0\n",
        [1, 2, 3],
        {"train_loss": [0.8, 0.6, 0.4], "val_loss": [0.9, 0.8, 1.0]},
    ),
    "a table that lost its line ends": (
        "epoch train_loss val_loss acc 1 0.8 0.9 0.51 2 0.6 0.8 0.57 3 0.4 0.85 0.61\n",
        [1, 2, 3],
        {
            "train_loss": [0.8, 0.6, 0.4],
            "val_loss": [0.9, 0.8, 0.85],
            "val_accuracy": [0.51, 0.57, 0.61],
        },
    ),
    "a data frame of R, with the numbers of its rows": (
        "  epoch training_logloss validation_logloss\n1 0 0.69 0.70\n2 1 0.52 0.61\n",
        [0, 1],
        {"train_loss": [0.69, 0.52], "val_loss": [0.70, 0.61]},
    ),
    "a list of R": (
        "$loss\n[1] 0.71 0.66 0.61\n$val_loss\n[1] 0.70 0.68 0.69\n",
        [1, 2, 3],
        {"train_loss": [0.71, 0.66, 0.61], "val_loss": [0.70, 0.68, 0.69]},
    ),
    "a test score beside a test accuracy, as old examples of Keras print the loss": (
        "Test score: 0.47\nTest accuracy: 0.83\n",
        [1],
        {"test_loss": [0.47], "test_accuracy": [0.83]},
    ),
    "what evaluate returns": ("[1.25, 0.61]\n", [1], {"val_loss": [1.25], "val_accuracy": [0.61]}),
    "a validation and a test set by name": (
        "{'eval_val_loss': 0.5, 'eval_val_accuracy': 0.8, 'eval_test_loss': 0.6, 'eval_test_accuracy': 0.7, 'epoch': 1.0}\n",
        [1],
        {"val_loss": [0.5], "val_accuracy": [0.8], "test_loss": [0.6], "test_accuracy": [0.7]},
    ),
    "a regulariser is no loss": (
        "epoch 1 train_loss=0.9 reg_loss=0.2 val_loss=1.0 val_kl_loss=0.1\n",
        [1],
        {"train_loss": [0.9], "train_reg_loss": [0.2], "val_loss": [1.0], "val_kl_loss": [0.1]},
    ),
}


@pytest.mark.parametrize(("text", "epochs", "expected"), CASES.values(), ids=CASES.keys())
def test_a_post_is_read_as_its_author_meant_it(text, epochs, expected):
    got_epochs, got = curves(text)
    assert got_epochs == epochs
    assert {name: got.get(name) for name in expected} == {
        name: pytest.approx(values, nan_ok=True) for name, values in expected.items()
    }
    losses = {name for name in got if name.endswith(("_loss", "_accuracy"))}
    assert losses - expected.keys() <= {"train_learning_rate"}


# --- roles ----------------------------------------------------------------------------------------


def test_a_best_round_that_was_not_printed_before_is_no_round_either():
    history = read(
        "[5]\ttrain's multi_logloss: 0.57\tvalid's multi_logloss: 0.80\n"
        "[10]\ttrain's multi_logloss: 0.35\tvalid's multi_logloss: 0.75\n"
        "[15]\ttrain's multi_logloss: 0.22\tvalid's multi_logloss: 0.78\n"
        "Did not meet early stopping. Best iteration is:\n"
        "[8]\ttrain's multi_logloss: 0.41\tvalid's multi_logloss: 0.74\n"
    ).history
    assert history.epochs.tolist() == [5, 10, 15]
    assert history.column("val", "loss").tolist() == [0.80, 0.75, 0.78]


def test_a_best_round_that_is_printed_again_at_the_end_is_no_round():
    source = read(
        "[1]\ttrain-logloss:0.60\teval-logloss:0.66\n[2]\ttrain-logloss:0.50\teval-logloss:0.61\n"
        "[3]\ttrain-logloss:0.40\teval-logloss:0.65\nStopping. Best iteration:\n"
        "[2]\ttrain-logloss:0.50\teval-logloss:0.61\n"
    )
    assert source.history.epochs.tolist() == [1, 2, 3]
    assert any("repeat an earlier epoch" in note for note in source.notes)


def test_an_evaluation_after_the_end_does_not_replace_that_of_the_last_epoch():
    history = read(
        "{'eval_loss': 0.50, 'eval_accuracy': 0.70, 'epoch': 1.0}\n"
        "{'eval_loss': 0.65, 'eval_accuracy': 0.72, 'epoch': 2.0}\n"
        "{'eval_loss': 0.50, 'eval_accuracy': 0.70, 'epoch': 2.0}\n"
    ).history
    assert history.column("val", "loss").tolist() == [0.50, 0.65]
    assert history.column("evaluation", "loss").tolist()[1:] == [0.50]


def test_a_training_that_starts_anew_is_read_alone():
    text = "".join(
        f"epoch {epoch} loss={loss} val_loss={loss + 0.1}\n"
        for run in ((1.5, 1.1, 0.8), (1.45, 1.0, 0.7, 0.5))
        for epoch, loss in enumerate(run, start=1)
    )
    source = read(text)
    assert source.history.epochs.tolist() == [1, 2, 3, 4]
    assert source.history.column("train", "loss").tolist() == [1.45, 1.0, 0.7, 0.5]
    assert "The training starts over 1 time: the last one is read." in source.notes


def test_a_training_that_goes_on_under_the_same_numbers_is_counted_on():
    text = "".join(
        f"epoch {epoch} loss={loss}\n"
        for run in ((1.5, 1.1, 0.8), (0.75, 0.6, 0.5))
        for epoch, loss in enumerate(run, start=1)
    )
    source = read(text)
    assert source.history.epochs.tolist() == [1, 2, 3, 4, 5, 6]
    assert any("as if one training had gone on" in note for note in source.notes)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (
            "Epoch 1 Step 0/500 Loss 12.5 (12.5)\nEpoch 1 Step 50/500 Loss nan (nan)\nEpoch 1 Step 100/500 Loss nan (nan)\n",
            [(0, 12.5), (50, NAN), (100, NAN)],
        ),
        (
            "epoch: 3, batch: 10, loss: 0.4\nepoch: 3, batch: 20, loss: 0.5\nepoch: 3, batch: 30, loss: 0.6\nepoch: 3, batch: 40, loss: inf\n",
            [(10, 0.4), (20, 0.5), (30, 0.6), (40, math.inf)],
        ),
    ],
)
def test_the_steps_of_the_epoch_in_which_a_loss_stops_being_finite_are_kept(text, steps):
    kept = read(text).history.steps["train", "loss"]
    assert kept[0] == steps[0]
    assert [step for step, _ in kept][-1] == steps[-1][0]
    first_bad = next(step for step, value in steps if not math.isfinite(value))
    assert next(step for step, value in kept if not math.isfinite(value)) == first_bad


def test_an_epoch_whose_loss_stays_finite_keeps_no_steps():
    assert read("Epoch 1 Step 0/9 Loss 2.0\nEpoch 1 Step 5/9 Loss 1.5\n").history.steps == {}


@pytest.mark.parametrize(
    ("nll", "accuracy", "taken"),
    [(0.12, 0.4, 1.8), (0.9, 0.4, 0.9), (0.12, 0.95, 0.12)],
)
def test_a_cross_entropy_too_small_for_the_accuracy_is_not_that_of_the_samples(
    nll, accuracy, taken
):
    history = read(f"| epoch 003 | loss 1.8 | nll_loss {nll} | accuracy {accuracy}\n").history
    assert history.column("train", "loss").tolist() == [taken]


# --- what is left out, and said -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "nats"),
    [
        ("| epoch 001 | valid on 'valid' subset | loss 6.90 | nll_loss 5.50 | ppl 45.25", 3.8123),
        ("epoch 1 | val_loss 5.50 | val_ppl 45.25", 3.8123),
        ("epoch 1 | val_loss 3.81 | val_ppl 45.15", 3.81),  # e to the power of the loss
        ("epoch 1 | val_loss 3.81 | val_ppl 12.00", 3.81),  # neither
    ],
)
def test_losses_in_bits_are_turned_into_nats_where_the_perplexity_shows_them(line, nats):
    source = read(f"{line}\n")
    assert source.history.column("val", "loss").tolist() == [pytest.approx(nats, abs=1e-3)]
    assert any("in bits" in note for note in source.notes) is (nats == 3.8123)


def test_a_doubtful_side_metric_is_left_out_and_said():
    source = read("epoch 1 val_loss=0.5 val_acc=0.7 val_f1=0.6 eval_f1=0.4\n")
    assert source.history.column("val", "accuracy").tolist() == [0.7]
    assert source.history.column("val", "f1") is None
    assert any(note.startswith("val_f1 is left out") for note in source.notes)


def test_a_doubtful_training_metric_beside_a_clear_validation_is_left_out_and_said():
    source = read(
        "loss: 2.0 - a_accuracy: 0.5 - b_accuracy: 0.6 - val_loss: 1.0 - val_accuracy: 0.7\n"
    )
    assert source.history.column("val", "accuracy").tolist() == [0.7]
    assert any(note.startswith("train_accuracy is left out") for note in source.notes)


@pytest.mark.parametrize(
    "text",
    [
        "iter 19 total_loss: 2.5 loss_rpn_cls: 0.3 loss_box_reg: 0.5 fast_rcnn/cls_accuracy: 0.5\n",
        "epoch 1 box_loss=1.2 cls_loss=0.9 dfl_loss=1.1\n",
    ],
)
def test_the_losses_of_a_detector_are_declined_as_such(text):
    with pytest.raises(DataError, match="losses of object detection"):
        read(text)


def test_the_losses_of_a_detector_beside_its_map_are_read():
    history = read("epoch 1 box_loss=1.2 val_loss=0.9 mAP50=0.41\n").history
    assert history.column("val", "map").tolist() == [0.41]
