"""What SECURITY.md promises: the tests of each sentence, and two that watch Python itself."""

import ast
import pickle
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import whyloss
from whyloss.testing import known_cause

ROOT = Path(__file__).parents[1]

PACKAGE = "tests/test_package.py"
PREDICTIONS = "tests/readers/files/test_predictions.py"
HOSTILE = "tests/readers/files/test_hostile.py"
PAGE = "tests/reporters/html/test_page.py"
BROWSER = "tests/reporters/html/test_browser.py"
WEB = "tests/reporters/watch/test_web.py"
STREAMS = "tests/cli/test_streams.py"
REVIEW = "tests/reporters/test_review.py"
STDIN = "tests/cli/test_stdin.py"
OUTPUT = "tests/cli/test_output.py"
FUZZ = "tests/fuzz/test_fuzz.py"
PARTS = "tests/data/test_damaged_parts.py"
HERE = "tests/test_security.py"

# Each sentence, with the tests that fail if it is no longer true.
PROMISES = {
    "Nothing is unpickled.": (
        f"{HERE}::test_no_command_unpickles_what_it_reads",
        f"{PACKAGE}::test_no_module_can_unpickle_or_reach_another_machine",
    ),
    "Files of NumPy are read with `allow_pickle=False`.": (
        f"{PREDICTIONS}::test_nothing_is_unpickled",
    ),
    "Files that are pickles, such as PyTorch checkpoints, are refused with a message that says how "
    "to export the data instead.": (f"{HERE}::test_no_command_unpickles_what_it_reads",),
    "Nothing is sent anywhere.": (
        f"{HERE}::test_no_command_opens_a_connection",
        f"{PACKAGE}::test_no_module_can_unpickle_or_reach_another_machine",
    ),
    "The package opens no connection to another machine.": (
        f"{HERE}::test_no_command_opens_a_connection",
    ),
    "There is no telemetry and no update check.": (f"{HERE}::test_no_command_opens_a_connection",),
    "A report needs no network.": (
        f"{BROWSER}::test_a_report_opens_offline_without_a_word_and_fits",
    ),
    "Its scripts are inside the file.": (
        f"{PAGE}::test_the_page_is_one_small_file_that_loads_nothing",
    ),
    "Its content security policy forbids it to load anything or to send anything.": (
        f"{PAGE}::test_the_policy_forbids_the_network_and_every_script_but_ours",
    ),
    "Text from your data is shown as text.": (
        f"{PAGE}::test_hostile_names_are_text",
        f"{STREAMS}::test_every_command_prints_on_every_stream",
    ),
    "Class names, ids and paths are escaped in the report.": (
        f"{PAGE}::test_hostile_names_are_text",
    ),
    "What is printed has no characters that steer a terminal or turn the direction of a text.": (
        f"{STREAMS}::test_every_command_prints_on_every_stream",
        f"{STREAMS}::test_no_error_steers_the_terminal",
        f"{STREAMS}::test_nothing_is_printed_but_through_the_function_that_cleans",
        f"{STDIN}::test_colours_and_bars_are_passed_on_and_nothing_else_that_steers_a_terminal",
    ),
    "Text in a CSV file that a spreadsheet would run as a formula stands behind an apostrophe.": (
        f"{REVIEW}::test_what_a_spreadsheet_would_run_stands_behind_an_apostrophe",
        f"{REVIEW}::test_no_text_in_csv_starts_a_formula_and_none_is_lost",
        f"{BROWSER}::test_no_name_becomes_a_formula",
    ),
    "The live page is for you only.": (f"{WEB}::test_only_who_knows_the_address_can_read_it",),
    "`whyloss watch --web` listens on 127.0.0.1.": (f"{WEB}::test_only_this_machine_can_reach_it",),
    "Its address has a random part, and without it nothing is answered.": (
        f"{WEB}::test_the_address_cannot_be_guessed",
        f"{WEB}::test_only_who_knows_the_address_can_read_it",
        f"{WEB}::test_a_guess_is_compared_in_constant_time",
    ),
    "It answers only requests whose `Host` header names this machine, which stops DNS rebinding.": (
        f"{WEB}::test_no_other_name_is_answered",
    ),
    "It rejects requests from other sites.": (
        f"{WEB}::test_other_sites_cannot_load_it_into_theirs",
    ),
    "It serves four fixed pages, and no file is opened by a name from a request.": (
        f"{WEB}::test_nothing_else_is_served",
    ),
    "Beyond 100 connections it answers 503, and a request has to arrive within 10 seconds.": (
        f"{WEB}::test_slow_clients_and_many_listeners_take_a_bounded_number_of_threads",
        f"{WEB}::test_who_sends_a_request_too_slowly_is_cut_off",
    ),
    "Files of strangers are read with care.": (
        f"{FUZZ}::test_commands_end_with_a_documented_code_and_one_line",
    ),
    "A file whose content is larger than a limit is refused before it is unpacked.": (
        f"{HOSTILE}::test_what_unpacks_to_a_thousand_times_its_size_is_refused_before_it_is_unpacked",
        f"{HOSTILE}::test_the_limit_holds_for_every_format_and_a_larger_one_lets_the_same_file_pass",
    ),
    "A damaged file is refused with one message, and never ends the process by a signal.": (
        f"{HOSTILE}::test_damaged_arrow_files_are_refused_and_never_read_outside_of_the_file",
        f"{PARTS}::test_any_damaged_byte_of_a_part_ends_in_an_answer_or_in_one_sentence",
        f"{FUZZ}::test_readers_refuse_a_damaged_file_or_read_it",
    ),
    "An endless device is refused at once.": (
        f"{STDIN}::test_an_endless_device_is_refused_at_once",
    ),
    "Your files stay.": (f"{OUTPUT}::test_a_file_is_not_replaced_by_what_is_said_of_it",),
    "A command does not replace a file that it reads.": (
        f"{OUTPUT}::test_a_file_is_not_replaced_by_what_is_said_of_it",
        f"{OUTPUT}::test_no_part_of_a_run_is_replaced",
    ),
    "`import whyloss` runs no framework.": (f"{PACKAGE}::test_the_import_loads_nothing_slow",),
    "PyTorch and Keras are imported only by their own recorders and by the scripts that train the "
    "demo cases again.": (
        "tests/recorders/test_loop.py::test_recording_and_reading_import_no_framework",
        "tests/cases/test_cases.py::test_every_case_runs_without_a_framework",
    ),
}


def promised():
    """List the sentences of the section, in their order."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    section = text.partition("## What whyloss promises\n")[2].partition("\n`tests/test_security")[0]
    for item in section.split("\n- ")[1:]:
        plain = " ".join(item.replace("**", "").split())
        yield from re.split(r"(?<=\.) (?=[A-Z`])", plain)


def test_each_sentence_has_its_tests():
    assert list(promised()) == list(PROMISES)


@cache
def functions_of(name):
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("sentence", PROMISES)
def test_the_tests_are_there(sentence):
    assert PROMISES[sentence]
    for test in PROMISES[sentence]:
        file, name = test.split("::")
        assert name in functions_of(file)


# --- what Python itself sees --------------------------------------------------------------------

# Runs commands, and prints each event that would break a promise.
WATCHED = """
import sys

FORBIDDEN = ("pickle.find_class", "socket.connect", "socket.sendto", "socket.getaddrinfo",
             "socket.gethostbyname", "urllib.Request", "marshal.loads.code", "os.system")


def heard(event, arguments):
    if event in FORBIDDEN:
        print("HEARD", event, arguments, file=sys.__stdout__, flush=True)


from whyloss.cli import main

sys.addaudithook(heard)
for line in sys.stdin:
    sys.argv = ["whyloss", *line.rstrip("\\n").split("\\t")]
    try:
        main()
    except SystemExit as ended:
        print("ENDED", ended.code or 0, file=sys.__stdout__, flush=True)
"""


def watched(folder, *commands):
    """Run commands in one process: their exit codes, and the forbidden events."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        input="".join("\t".join(map(str, command)) + "\n" for command in commands),
        capture_output=True, text=True, encoding="utf-8", cwd=folder, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    codes = [int(line.split()[1]) for line in lines if line.startswith("ENDED")]
    return codes, [line for line in lines if line.startswith("HEARD")], done.stderr


def test_no_command_opens_a_connection(tmp_path):
    with whyloss.Recorder(tmp_path / "run") as recorder:
        one = known_cause(3, n_samples=100).source.predictions("val", 0)
        recorder.log(split="val", epoch=0, y_true=one.y_true, logits=one.scores)
    codes, heard, errors = watched(
        tmp_path,
        ("diagnose", "run"),
        ("report", "run", "-o", "r.html"),
        ("compare", "run", "run"),
        ("review", "run"),
        ("check", "run", "--fail-on", "accuracy>2"),
        ("demo", "--list"),
        ("rules",),
        ("references", "overconfidence"),
    )
    assert codes == [0] * 8, errors
    assert heard == []


class Harmful:
    """Runs a command where it is unpickled."""

    def __reduce__(self):
        import os

        return os.system, ("echo HEARD it ran",)


def test_no_command_unpickles_what_it_reads(tmp_path):
    content = pickle.dumps(Harmful())
    (tmp_path / "a.pkl").write_bytes(content)
    (tmp_path / "old.pkl").write_bytes(pickle.dumps(Harmful(), protocol=0))
    with zipfile.ZipFile(tmp_path / "checkpoint.pt", "w") as archive:
        archive.writestr("archive/data.pkl", content)
    harmful = np.array([Harmful()], dtype=object)
    np.save(tmp_path / "a.npy", harmful, allow_pickle=True)
    np.savez(tmp_path / "a.npz", y_true=harmful, logits=np.zeros((1, 2)))
    (tmp_path / "a.csv").write_bytes(content)
    names = ["a.pkl", "old.pkl", "checkpoint.pt", "a.npy", "a.npz", "a.csv"]
    codes, heard, errors = watched(tmp_path, *(("diagnose", name) for name in names))
    assert codes == [2] * 6
    assert heard == []
    refused = errors.splitlines()
    assert len(refused) == 6
    for at in (0, 2, 3, 4, 5):  # an old one is text
        assert "savez" in refused[at], refused[at]
