"""The command line as a user meets it: what it prints, how it fails, with which exit code."""

import json
import subprocess
import sys

import numpy as np
import pytest

import whyloss
from conftest import run_cli
from whyloss.testing import known_cause


def record(path, snapshots, **keywords):
    with whyloss.Recorder(path, **keywords) as recorder:
        for one in snapshots:
            recorder.log(
                split="val",
                epoch=one.epoch or 0,
                y_true=one.y_true,
                ids=one.ids,
                **{one.scale: one.scores},
            )
    return path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    source = known_cause(1, temperature=(1.0, 1.5, 2.5)).source
    snapshots = [source.predictions("val", epoch) for epoch in source.epochs("val")]
    return record(tmp_path_factory.mktemp("runs") / "exp1", snapshots)


def assert_one_line_error(result, *words):
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_diagnose_prints_the_verdict(recorded):
    result = run_cli("diagnose", recorded)
    assert result.returncode == 0, result.stderr
    assert "Over-confidence" in result.stdout
    assert "The loss rose by" in result.stdout


def test_diagnose_json_is_for_machines(recorded):
    result = run_cli("diagnose", recorded, "--format", "json")
    assert json.loads(result.stdout)["verdict"]["name"] == "overconfidence"
    assert result.stderr == ""


def test_epochs_can_be_chosen(recorded):
    result = run_cli("diagnose", recorded, "--format", "json", "--from", 2, "--to", 3)
    attribution = json.loads(result.stdout)["attribution"]
    assert (attribution["from_epoch"], attribution["to_epoch"]) == (2, 3)


def test_report_writes_the_file_it_names(recorded, tmp_path):
    result = run_cli("report", recorded, "-o", tmp_path / "r.html")
    assert result.returncode == 0, result.stderr
    assert str(tmp_path / "r.html") in result.stdout
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")


def test_demo_needs_no_framework_and_writes_a_report(tmp_path):
    result = run_cli("demo", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Over-confidence" in result.stdout
    assert (tmp_path / "whyloss-report.html").stat().st_size < 3_000_000


def test_rules_are_listed_and_shown():
    assert "WL301" in run_cli("rules").stdout
    assert "## Remedy" in run_cli("rules", "overconfidence").stdout


def test_output_can_be_cut_short(recorded):
    command = [sys.executable, "-m", "whyloss", "diagnose", str(recorded), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()  # as `| head` does once it has read enough
        errors = process.stderr.read()
    assert errors == b""
    assert process.returncode == 1


def test_missing_run_is_named():
    assert_one_line_error(run_cli("diagnose", "no/such/run"), "no/such/run", "expected")


def test_empty_file_is_no_run(tmp_path):
    (tmp_path / "empty.csv").touch()
    assert_one_line_error(run_cli("diagnose", tmp_path / "empty.csv"), "expected")


def test_folder_without_a_run_is_named(tmp_path):
    assert_one_line_error(run_cli("diagnose", tmp_path), "run.json")


def test_run_of_a_newer_format_asks_for_an_upgrade(tmp_path, recorded):
    content = json.loads((recorded / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**content, "format_version": 99}))
    assert_one_line_error(run_cli("diagnose", tmp_path), "newer", "99")


def test_run_without_predictions_says_what_to_log(tmp_path):
    with whyloss.Recorder(tmp_path / "r") as recorder:
        recorder.log_scalars(epoch=1, split="val", note_only=1.0)
    result = run_cli("diagnose", tmp_path / "r")
    assert "Traceback" not in result.stderr
    assert result.returncode in {0, 2}


def test_epochs_with_different_ids_say_how_to_log_them(tmp_path):
    rng = np.random.default_rng(0)
    with whyloss.Recorder(tmp_path / "r") as recorder:
        for epoch in (1, 2):
            recorder.log(
                split="val",
                epoch=epoch,
                y_true=rng.integers(3, size=100),
                logits=rng.normal(size=(100, 3)),
                ids=np.arange(100) + 1000 * epoch,
            )
    assert_one_line_error(run_cli("diagnose", tmp_path / "r"), "no sample in common", "ids=")


def test_nan_logits_are_a_finding(tmp_path):
    one = known_cause(0).source.predictions("val", 0)
    scores = one.scores.copy()
    scores[:7] = np.nan
    with whyloss.Recorder(tmp_path / "r") as recorder:
        recorder.log(split="val", epoch=0, y_true=one.y_true, logits=scores)
    result = run_cli("diagnose", tmp_path / "r", "--format", "json")
    assert json.loads(result.stdout)["verdict"]["name"] == "non-finite"


def test_probabilities_as_logits_are_a_finding(tmp_path):
    one = known_cause(0).source.predictions("val", 0)
    probs = np.exp(one.scores - np.logaddexp.reduce(one.scores, axis=1)[:, None])
    with whyloss.Recorder(tmp_path / "r") as recorder:
        recorder.log(split="val", epoch=0, y_true=one.y_true, logits=probs)
    result = run_cli("diagnose", tmp_path / "r", "--format", "json")
    assert json.loads(result.stdout)["verdict"]["name"] == "double-softmax"


def test_damaged_part_is_named(tmp_path, recorded):
    import shutil

    copy = shutil.copytree(recorded, tmp_path / "copy")
    part = next(copy.rglob("part-*.arrow"))
    part.write_bytes(part.read_bytes()[:100])
    assert_one_line_error(run_cli("diagnose", copy), part.name)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--split", "nope"), "nope"), (("--to", "77"), "77"), (("--from", "77"), "77")],
)
def test_parts_that_are_not_there_are_named_with_those_that_are(recorded, arguments, word):
    assert_one_line_error(run_cli("diagnose", recorded, *arguments), word, "expected one of")


def test_unknown_case_and_rule_are_named():
    assert_one_line_error(run_cli("demo", "C99"), "C99", "C1")
    assert_one_line_error(run_cli("rules", "WL999"), "WL999", "overconfidence")


def test_import_loads_no_framework():
    code = "import whyloss, sys; print(sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for name in ("torch", "keras", "altair", "numba", "matplotlib", "sklearn", "numpy"):
        assert f"'{name}'" not in modules


def test_folder_that_is_not_there_is_named_before_the_work(tmp_path, recorded):
    for command in (("report", recorded), ("demo",)):
        result = run_cli(*command, "-o", tmp_path / "no" / "r.html")
        assert result.returncode == 2
        assert "no' does not exist" in result.stderr
        assert result.stdout == ""


LINE = "loss: 0.4011 - acc: 0.8224 - val_loss: 0.4577 - val_acc: 0.7826"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding_of_the_stream_gets_the_whole_answer(recorded, encoding):
    done = run_cli("diagnose", recorded, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert "Over-confidence (WL301)" in text
    assert ("####" in text) == (encoding != "utf-8")


def test_brief_prints_the_answer_in_five_lines_at_most():
    result = run_cli("diagnose", LINE, "--classes", 2, "--brief")
    lines = result.stdout.splitlines()
    assert 3 <= len(lines) <= 5
    assert "(WL202)" in lines[0]
    assert lines[-1].startswith("What to do: ")


def test_samples_is_another_name_of_review(recorded):
    old, new = (run_cli(verb, recorded, "--top", 2) for verb in ("samples", "review"))
    assert old.stdout == new.stdout != ""
    listed = run_cli("--help").stdout
    assert "  review " in listed
    assert "  samples " not in listed


def test_a_printed_dictionary_is_read_alike_pasted_and_piped():
    text = "h.history = {'loss': [0.9, 0.4, 0.1], 'val_loss': [0.8, 0.7, 1.3], 'val_accuracy': [0.6, 0.7, 0.71]}"
    pasted, piped = (
        json.loads(run_cli("diagnose", *argument, "--format", "json", given=given).stdout)
        for argument, given in (([text], ""), (["-"], text))
    )
    assert len(pasted["epochs"]) == 6
    assert piped["verdict"] == pasted["verdict"]
    assert piped["epochs"] == pasted["epochs"]
