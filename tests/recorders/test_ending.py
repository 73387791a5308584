"""How a program may end: by SIGTERM, and with a signal handler of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from whyloss.data import Run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals that can be handled")

START = """
import os, signal, sys, time, warnings, whyloss
recorder = whyloss.Recorder(sys.argv[1])
row = dict(split="val", logits=[[1.0, 2.0]], y_true=[1])
"""


def run(path, code, *, after=0.0):
    """Start a program, and send it SIGTERM once it prints a line."""
    command = [sys.executable, "-c", START + code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        said = program.stdout.readline()
        time.sleep(after)
        program.send_signal(signal.SIGTERM)
        rest = program.communicate(timeout=60)[0]
    return program.returncode, said + rest


def test_given_sigterm_then_what_was_logged_is_in_the_run_and_the_program_ends_by_it(tmp_path):
    status, _ = run(
        tmp_path,
        "for epoch in range(300): recorder.log(epoch=epoch, **row)\n"
        "recorder.log_scalars(epoch=299, loss=0.5)\n"
        "print('logged', flush=True)\n"
        "time.sleep(60)\n",
    )
    assert status == -signal.SIGTERM
    recorded = Run.open(tmp_path)
    assert recorded.epochs("val") == tuple(range(300))
    assert recorded.history.column("val", "loss").tolist() == [0.5]
    assert recorded.notes == ()  # it was closed


def test_given_sigterm_while_rows_are_logged_then_the_program_ends_soon(tmp_path):
    started = time.monotonic()
    status, _ = run(
        tmp_path,
        "print('logged', flush=True)\n"
        "for epoch in range(10**9): recorder.log(epoch=epoch, **row)\n",
        after=0.3,
    )
    assert status == -signal.SIGTERM
    assert time.monotonic() - started < 30
    epochs = Run.open(tmp_path).epochs("val")
    assert epochs == tuple(range(len(epochs)))


def test_given_a_handler_of_the_program_then_it_is_left_alone(tmp_path):
    status, said = run(
        tmp_path,
        "assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL\n"
        "def mine(*_): print('mine'); sys.exit(7)\n"
        "signal.signal(signal.SIGTERM, mine)\n"
        "whyloss.Recorder(sys.argv[1] + '/other')\n"
        "assert signal.getsignal(signal.SIGTERM) is mine\n"
        "recorder.log(epoch=1, **row)\n"
        "print('logged', flush=True)\n"
        "time.sleep(60)\n",
    )
    assert (status, said) == (7, "logged\nmine\n")
    assert Run.open(tmp_path).epochs("val") == (1,)


def test_given_a_forked_child_then_sigterm_ends_it_at_once_and_the_parent_goes_on(tmp_path):
    code = (
        "recorder.log(epoch=1, **row)\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "there, here = os.pipe()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os.write(here, b'.')  # Python drops a signal that comes while it forks\n"
        "    time.sleep(60)\n"
        "os.read(there, 1)\n"
        "os.kill(child, signal.SIGTERM)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM\n"
        "recorder.log(epoch=2, **row)\n"
    )
    subprocess.run([sys.executable, "-c", START + code, str(tmp_path)], check=True, timeout=60)
    assert Run.open(tmp_path).epochs("val") == (1, 2)
