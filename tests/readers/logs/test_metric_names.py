"""Names of metrics: which metric, which split, and what is none."""

import pytest

from whyloss.readers.logs.languages import to_english
from whyloss.readers.logs.metric_names import recognise


@pytest.mark.parametrize(
    ("label", "split", "metric"),
    [
        ("val_balanced_accuracy", "val", "balanced_accuracy"),
        ("Test mIoU", "test", "iou"),
        ("eval_bleu", "val", "bleu"),
        ("ROUGE-L", None, "rouge"),
        ("val WER", "val", "wer"),
        ("cer", None, "cer"),
        ("mAP50-95", None, "map"),
        ("metrics/mAP50(B)", None, "map"),
        ("AP", None, "auc_pr"),
        ("val_exact_match", "val", "exact_match"),
        ("cohen_kappa", None, "kappa"),
        ("dice_coef", None, "dice"),
        ("hamming_loss", None, "hamming"),
        ("macro_f1", None, "f1"),
        ("token entropy", None, "entropy"),
        ("cross_entropy", None, "loss"),
        ("MultiClass", None, "loss"),
        ("SoftmaxWithLoss1", None, "loss"),
        ("BCEWithLogitsLoss", None, "loss"),
        ("val_losses", "val", "loss"),
        ("test_accuracies", "test", "accuracy"),
        ("eval_test_loss", "test", "loss"),
        ("eval_val_loss", "val", "loss"),
        ("mean_token_accuracy", None, "accuracy"),
        ("acc@5", None, "top5_accuracy"),
    ],
)
def test_a_metric_is_recognised_by_its_usual_names(label, split, metric):
    name = recognise(label)
    assert (name.kind, name.split, name.own) == ("metric", split, metric)
    assert not name.likely


@pytest.mark.parametrize(
    "label",
    [
        "reader_cost",
        "batch_cost",
        "time cost",
        "best_acc",
        "batch index",
        "ips",
        "samples per second",
    ],
)
def test_times_counters_and_records_are_no_metrics(label):
    assert recognise(label).kind in {"noise", "index"}


@pytest.mark.parametrize(
    "label", ["reg_loss", "kl_loss", "loss_rpn_cls", "l2_penalty", "recon_loss"]
)
def test_a_term_that_is_no_cross_entropy_keeps_its_own_name(label):
    assert recognise(label).kind == "own"


@pytest.mark.parametrize(
    ("label", "split", "metric"),
    [
        ("tarin_loss", "train", "loss"),
        ("validaton accuracy", "val", "accuracy"),
        ("accuarcy", None, "accuracy"),
        ("val_perplexty", "val", "perplexity"),
    ],
)
def test_a_misspelt_name_is_understood_by_likeness(label, split, metric):
    name = recognise(label)
    assert (name.kind, name.split, name.own, name.likely) == ("metric", split, metric, True)


@pytest.mark.parametrize("label", ["lossy", "brain_volume", "mirror", "tests_run", "vacuity"])
def test_a_name_that_differs_in_more_is_not(label):
    assert not recognise(label).likely or recognise(label).kind != "metric"


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("验证集准确率：0.8", "validation accuracy :0.8"),
        ("第12轮", "epoch 12"),
        ("Verlust 0.4, Genauigkeit 0.8", "loss 0.4, accuracy 0.8"),
        ("exactitud en validación: 0.8", "validation accuracy: 0.8"),
        ("perte de validation: 0.4", "validation loss: 0.4"),
        ("потери на тесте 0.4", "test loss 0.4"),
        ("val_loss: 0.4 precision: 0.7", "val_loss: 0.4 precision: 0.7"),
        ("Überwachung läuft", "Überwachung läuft"),
    ],
)
def test_words_of_other_languages_become_english_ones(text, english):
    assert " ".join(to_english(text).split()) == english
