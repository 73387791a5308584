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
        ("45 for training and 15 for validation", 45, 15),
        ("The validation set has only 35 images.", None, 35),
        ("Training data 9000, validation set data 500, and a fast machine", 9000, 500),
        ("Training image set size is: 1300", 1300, None),
        ("Corpus: 6000 train + 640 dev sentences", 6000, 640),
        ("a validation set of 40 patients", None, 40),
        ("n_train=900 n_val=120", 900, 120),
        ("640/640 [====] - 9s 14ms/sample - loss: 0.5", 640, None),
        # how the data were divided, how long, and how many classes there are is no size
        ("80% for training and 20% for testing", None, None),
        ("validation 20 epochs, the test set has 50 classes", None, None),
    ],
)
def test_sizes_are_taken_from_the_text(text, n_train, n_val):
    history = history_beside(text)
    assert (history.n_train, history.n_val) == (n_train, n_val)


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("92% of my samples are negative.", (0.92, 0.08)),
        ("190 negatives and 10 positives", (0.95, 0.05)),
        ("The data are imbalanced 4:1", (0.8, 0.2)),
        ("90 of one category and 10 of the other", (0.9, 0.1)),
        # what a model says, and scores of classes, are no shares of the data
        ("The model predicts 99% negatives", None),
        ("Sensitivity for class 1 is 0.95 and for class 0 0.3", None),
    ],
)
def test_shares_of_two_classes_are_taken_from_the_text(text, shares):
    history = history_beside(text)
    assert history.class_shares == (None if shares is None else pytest.approx(shares))


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
