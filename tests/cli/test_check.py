"""``whyloss check``: exit codes, and the settings in a file."""

import pytest

import whyloss
from conftest import run_cli
from whyloss.testing import known_cause


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "exp1"
    source = known_cause(1, temperature=(1.0, 2.5)).source
    with whyloss.Recorder(path) as recorder:
        for epoch in (1, 2):
            one = source.predictions("val", epoch)
            recorder.log(split="val", epoch=epoch, y_true=one.y_true, logits=one.scores)
    return path


def test_exit_codes(recorded, tmp_path):
    failed = run_cli("check", recorded, cwd=tmp_path)
    assert failed.returncode == 1
    assert failed.stderr == ""
    assert failed.stdout.startswith("FAILED  warning  ")
    assert run_cli("check", recorded, "--fail-on", "error", cwd=tmp_path).returncode == 0
    text = "val_loss: 0.5 - val_acc: 0.8"
    unknown = run_cli("check", text, "--fail-on", "outliers", cwd=tmp_path)
    assert unknown.returncode == 2
    assert unknown.stdout.startswith("NOT CHECKED")
    wrong = run_cli("check", recorded, "--fail-on", "acuracy<1", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert wrong.stderr.count("\n") == 1


def test_an_epoch_can_be_chosen(recorded, tmp_path):
    done = run_cli("check", recorded, "--fail-on", "overconfidence", "--epoch", 1, cwd=tmp_path)
    assert done.returncode == 0


TOML = """
[tool.whyloss.check]
fail-on = ["accuracy<0.1", "{condition}"]
"""


def test_conditions_stand_in_the_pyproject_here_or_above(recorded, tmp_path):
    (tmp_path / "pyproject.toml").write_text(TOML.format(condition="overconfidence"))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    done = run_cli("check", recorded, cwd=below)
    assert done.returncode == 1
    assert "2 conditions: 1 passed, 1 failed" in done.stdout
    given_here = run_cli("check", recorded, "--fail-on", "error", cwd=below)
    assert given_here.returncode == 0


def test_conditions_stand_in_a_file_of_their_own(recorded, tmp_path):
    path = tmp_path / "gates.toml"
    path.write_text('fail-on = ["temperature>2.3"]\nstrict = true\nepoch = 2\n')
    done = run_cli("check", recorded, "--config", path, cwd=tmp_path)
    assert done.returncode == 1
    assert "temperature>2.3" in done.stdout
    path.write_text(TOML.format(condition="error"))
    assert run_cli("check", recorded, "--config", path, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[tool.whyloss.check]\nfail_on = []", ("fail_on", "fail-on")),
        ("[tool.whyloss.check]\nfail-on = [1]", ("a list of conditions", "[1]")),
        ("[tool.whyloss.check]\nepoch = true", ("a whole number", "True")),
        ("[tool.whyloss]\ncheck = 3", ("no table", "3")),
        ("a = ", ("TOML",)),
        ("[tool.other]", ("says nothing of a check",)),
    ],
)
def test_settings_that_are_not_understood_are_named(recorded, tmp_path, content, words):
    path = tmp_path / "gates.toml"
    path.write_text(content)
    done = run_cli("check", recorded, "--config", path, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr
