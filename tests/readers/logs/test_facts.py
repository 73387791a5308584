"""Facts in the text around the numbers."""

import pytest

from whyloss.readers import read

LOG = "epoch 1 loss=0.9 acc=0.5 val_loss=0.8 val_acc=0.55\n"


def history_beside(text):
    return read(f"{text}\n{LOG}").history


@pytest.mark.parametrize(
    ("text", "n_classes"),
    [
        ("Found 1500 images belonging to 7 classes.", 7),
        ("config: num_labels=4", 4),
        ("nb_classes: 12", 12),
        ("the number of classes is 6", 6),
        ("a 3-class problem", 3),
        ("I have five classes of flowers", 5),
        ("this is a binary classification task", 2),
        ("model.add(Dense(1, activation='sigmoid'))", 2),
        ("model.add(Dense(9, activation='softmax'))", 9),
        ("one class only", None),
        ("2 of my 30 experiments", None),
        ("num_labels=4, then num_classes=5\nnum_classes=5", None),
    ],
)
def test_the_number_of_classes_is_taken_from_the_text(text, n_classes):
    assert history_beside(text).n_classes == n_classes


@pytest.mark.parametrize(
    ("text", "n_classes"),
    [("ResNet-18 on CIFAR-100", 100), ("fine-tuning on AG News", 4), ("I train on MNIST", 10)],
)
def test_a_well_known_data_set_tells_its_classes_and_the_note_says_so(text, n_classes):
    source = read(f"{text}\n{LOG}")
    assert source.history.n_classes == n_classes
    assert any("is taken from the name of the data set" in note for note in source.notes)


def test_classes_that_the_text_names_count_more_than_a_name():
    assert history_beside("MNIST, but only 2 classes of it").n_classes == 2


@pytest.mark.parametrize(
    ("text", "n_train", "n_val"),
    [
        ("Train on 700 samples, validate on 300 samples", 700, 300),
        (
            "Found 900 images belonging to 3 classes.\nFound 90 images belonging to 3 classes.",
            900,
            90,
        ),
        ("Training data size: 2,400\nValidation data size: 600", 2400, 600),
        ("***** Running training *****\n  Num examples = 5000", 5000, None),
        ("***** Running Evaluation *****\n  Num examples = 640", None, 640),
        ("eval_samples = 250", None, 250),
        ("I have 800 training images and 200 validation images", 800, 200),
    ],
)
def test_sizes_are_taken_from_the_text(text, n_train, n_val):
    history = history_beside(text)
    assert (history.n_train, history.n_val) == (n_train, n_val)


def test_the_size_of_an_evaluation_follows_from_its_runtime_and_speed():
    source = read(
        "{'eval_loss': 0.5, 'eval_accuracy': 0.7, 'eval_runtime': 4.0, 'eval_samples_per_second': 50.0, 'epoch': 1.0}\n"
    )
    assert source.history.n_val == 200
    assert "n_val is about 200: runtime times samples per second." in source.notes


@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        ("batch_size = 64", "batch_size", 64),
        ("with a batch size of 16", "batch_size", 16),
        ("CrossEntropyLoss(label_smoothing=0.1)", "label_smoothing", 0.1),
        ("optimizer = Adam(lr=3e-4)", "learning_rate", 3e-4),
        ("a learning rate of 0.05", "learning_rate", 0.05),
        ("class_weight={0: 1.0, 1: 5.0}", "class_weights", True),
        ("class_weight=None", "class_weights", None),
        ("kernel_regularizer=l2(0.01)", "regularised", True),
        ("loss='binary_crossentropy'", "loss_function", "binary cross-entropy"),
        ("criterion = nn.CrossEntropyLoss()", "loss_function", "cross-entropy"),
        ("loss='mse'", "loss_function", "mse"),
        ("Dense(10, activation='softmax')", "activation", "softmax"),
        ("nn.Linear(512, 21)", "n_outputs", 21),
        ("Optimal temperature: 2.4", "fitted_temperature", 2.4),
    ],
)
def test_settings_are_taken_from_the_text(text, fact, value):
    assert getattr(history_beside(text).facts, fact) == value


def test_what_came_after_a_temperature_was_fitted_is_kept_apart():
    history = read(
        "Before temperature - NLL: 1.95, ECE: 0.21\nOptimal temperature: 2.6\nAfter temperature - NLL: 1.18, ECE: 0.02\n"
    ).history
    assert history.column("val", "loss").tolist() == [1.95]  # it is fitted to held-out samples
    assert history.column("val", "calibrated_loss").tolist() == [1.18]
    assert history.facts.fitted_temperature == 2.6
