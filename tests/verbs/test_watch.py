"""A training that is watched while it runs: run or log, deleted, restarted, rotated, torn."""

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import whyloss
from conftest import require
from whyloss.data.run_writer import RunWriter
from whyloss.readers import ReadOptions
from whyloss.reporters.html import page
from whyloss.reporters.watch.terminal import changes, panel, sparkline
from whyloss.reporters.watch.web import LiveServer
from whyloss.results.watch import WatchState
from whyloss.testing import known_cause
from whyloss.verbs.watch.watcher import SETTLED, Watcher

N_EPOCHS = 8
KNOWN = known_cause(
    1, temperature=np.linspace(0.8, 3.0, N_EPOCHS), blur=0.4, n_classes=2, n_samples=300
).source


def record(path, epochs, **keywords):
    with whyloss.Recorder(path, **keywords) as recorder:
        for epoch in epochs:
            one = KNOWN.predictions("val", epoch)
            recorder.log(split="val", epoch=epoch, y_true=one.y_true, logits=one.scores)


def told(*views):
    """What is said of these views, one after the other."""
    before, lines = None, []
    for view in views:
        lines.append(list(changes(before, view)))
        before = view
    return lines


# --- a run --------------------------------------------------------------------------------------


def test_a_run_is_followed_from_before_it_is_there(tmp_path):
    watcher = Watcher(str(tmp_path / "r"))
    first = watcher.look()
    assert first.diagnosis is None
    assert first.waiting == f"Waiting for {tmp_path}/r."
    record(tmp_path / "r", [1])
    second = watcher.look()
    assert (second.last, second.waiting) == (1, "")
    record(tmp_path / "r", [2, 3, 4], resume=True)
    third = watcher.look()
    assert third.last == 4
    lines = told(first, second, third)
    assert lines[0] == [f"Waiting for {tmp_path}/r."]
    assert lines[1][0].startswith("epoch 1: loss ")
    assert [line.partition(":")[0] for line in lines[2]][:3] == ["epoch 2", "epoch 3", "epoch 4"]


def test_what_has_not_changed_is_not_diagnosed_again(tmp_path):
    record(tmp_path / "r", [1, 2])
    watcher = Watcher(str(tmp_path / "r"))
    assert watcher.look() is watcher.look()


def test_the_verdict_is_told_when_it_changes(tmp_path):
    watcher = Watcher(str(tmp_path / "r"))
    verdicts, lines, before = [], [], None
    for epoch in range(1, N_EPOCHS + 1):
        record(tmp_path / "r", [epoch], resume=epoch > 1)
        view = watcher.look()
        said = list(changes(before, view))
        lines.append([line for line in said if "loss 0" not in line])
        verdicts.append(view.diagnosis.verdict)
        before = view
    for at, verdict in enumerate(verdicts):
        same = at > 0 and verdict.name == verdicts[at - 1].name
        expected = [] if same else [f"epoch {at + 1}: {verdict.title}. {verdict.headline}"]
        assert lines[at] == expected
    assert verdicts[-1].name == "overconfidence"


def test_a_run_may_be_deleted_and_begin_again(tmp_path):
    import shutil

    record(tmp_path / "r", [1, 2, 3])
    watcher = Watcher(str(tmp_path / "r"))
    whole = watcher.look()
    shutil.rmtree(tmp_path / "r")
    gone = watcher.look()
    assert gone.diagnosis is whole.diagnosis
    assert "is gone" in gone.waiting
    RunWriter(tmp_path / "r", writer="0")
    assert "first epoch" in watcher.look().waiting
    record(tmp_path / "r", [1], resume=True)
    again = watcher.look()
    assert (again.last, again.restarts, again.waiting) == (1, 1, "")
    assert told(whole, again)[1][0] == "The training has begun again."
    record(tmp_path / "r", [1, 2, 3, 4], overwrite=True)
    assert (watcher.look().last, watcher.look().restarts) == (4, 1)


def test_a_run_that_comes_back_unchanged_is_up_to_date(tmp_path):
    record(tmp_path / "r", [1, 2])
    watcher = Watcher(str(tmp_path / "r"))
    whole = watcher.look()
    (tmp_path / "r").rename(tmp_path / "aside")
    assert "is gone" in watcher.look().waiting
    (tmp_path / "aside").rename(tmp_path / "r")
    back = watcher.look()
    assert (back.waiting, back.diagnosis) == ("", whole.diagnosis)


def test_a_damaged_run_is_told_and_read_once_it_is_whole(tmp_path):
    record(tmp_path / "r", [1, 2])
    part = next((tmp_path / "r").rglob("epoch=00002/part-*.arrow"))
    content = part.read_bytes()
    part.write_bytes(content[:100])
    watcher = Watcher(str(tmp_path / "r"))
    assert part.name in watcher.look().waiting
    part.write_bytes(content)
    assert watcher.look().last == 2


def test_an_epoch_counts_once_every_rank_has_written_it(tmp_path):
    def write(rank, epoch):
        one = KNOWN.predictions("val", epoch)
        rows = np.arange(300) % 2 == rank
        with whyloss.Recorder(tmp_path / "r", rank=rank, resume=True) as recorder:
            recorder.log(
                split="val", epoch=epoch, y_true=one.y_true[rows], logits=one.scores[rows],
                ids=one.ids[rows],
            )  # fmt: skip

    for epoch in (1, 2):
        for rank in (0, 1):
            write(rank, epoch)
    watcher = Watcher(str(tmp_path / "r"))
    assert watcher.look().last == 2
    write(0, 3)
    half = watcher.look()
    assert half.last == 2
    assert half.diagnosis.numbers["n_samples"] == 300
    write(1, 3)
    assert watcher.look().last == 3
    write(1, 4)  # the other rank died
    assert watcher.look().last == 3
    long_ago = time.time() - 2 * SETTLED
    for part in (tmp_path / "r").rglob("epoch=00004/part-*.arrow"):
        os.utime(part, (long_ago, long_ago))
    late = watcher.look()
    assert late.last == 4
    assert late.diagnosis.numbers["n_samples"] == 150


def test_a_split_can_be_chosen_before_it_is_there(tmp_path):
    record(tmp_path / "r", [1])
    watcher = Watcher(str(tmp_path / "r"), split="test")
    assert "no split 'test'" in watcher.look().waiting
    one = KNOWN.predictions("val", 2)
    with whyloss.Recorder(tmp_path / "r", resume=True) as recorder:
        recorder.log(split="test", epoch=2, y_true=one.y_true, logits=one.scores)
    assert watcher.look().diagnosis.split == "test"


# --- a log --------------------------------------------------------------------------------------


def line(epoch, loss=0.5):
    return (
        f"Epoch {epoch} loss: 0.4000 acc: 0.8000 val_loss: {loss + epoch / 100:.4f} "
        "val_acc: 0.7800\n"
    )


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "train.log"
    with Watcher(str(path), options=ReadOptions(n_classes=2)) as watcher:
        yield path, watcher


def append(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def epochs_of(view):
    return [row.epoch for row in view.diagnosis.epochs if row.split == "val"]


def test_a_log_is_read_on(log):
    path, watcher = log
    assert watcher.look().waiting == f"Waiting for {path}."
    append(path, "loading data\n")
    assert watcher.look().diagnosis is None
    append(path, line(1))
    assert watcher.look().last == 1
    append(path, line(2) + line(3)[:30])
    assert watcher.look().last == 2
    append(path, line(3)[30:])
    assert epochs_of(watcher.look()) == [1, 2, 3]
    same = watcher.look()
    assert same is watcher.look()


def test_a_log_that_goes_on_elsewhere_is_one_training(log):
    path, watcher = log
    append(path, line(1) + line(2) + line(3))
    assert watcher.look().last == 3
    append(path, line(4))  # after the last look, before the rotation
    path.rename(path.with_suffix(".log.1"))
    assert "is gone" in watcher.look().waiting
    path.write_text(line(5), encoding="utf-8")
    for _ in range(2):
        view = watcher.look()
    assert epochs_of(view) == [1, 2, 3, 4, 5]
    assert (view.waiting, view.restarts) == ("", 0)


@pytest.mark.parametrize("how", ["replaced", "cut short"])
def test_a_log_that_begins_again_is_another_training(log, how):
    path, watcher = log
    append(path, "".join(map(line, range(1, 6))))
    assert watcher.look().last == 5
    if how == "replaced":
        path.unlink()
    path.write_text("begin\n", encoding="utf-8")
    assert watcher.look().last == 5  # nothing says yet which it is
    append(path, line(1, loss=0.7) + line(2, loss=0.7))
    view = watcher.look()
    assert epochs_of(view) == [1, 2]
    assert view.restarts == 1


def test_a_log_copied_away_and_emptied_goes_on(log):
    path, watcher = log
    append(path, "".join(map(line, range(1, 6))))
    assert watcher.look().last == 5
    path.write_text("", encoding="utf-8")
    assert watcher.look().last == 5
    append(path, line(6) + line(7))
    assert epochs_of(watcher.look()) == list(range(1, 8))


def test_a_log_of_powershell_is_utf_16(log):
    path, watcher = log
    path.write_bytes("".join(map(line, range(1, 4))).encode("utf-16"))
    assert watcher.look().last == 3


def test_text_that_is_no_log_of_a_classifier_is_told(log):
    path, watcher = log
    append(path, "Epoch 1 mse: 3.2 val_mse: 4.1\n" * 3)
    assert watcher.look().diagnosis is None
    append(path, "\x00\xff garbage\n")
    assert watcher.look().waiting


def test_a_table_that_grows_is_read_anew(tmp_path):
    path = tmp_path / "history.csv"
    watcher = Watcher(str(path))
    path.write_text("epoch,val_loss,val_accuracy\n1,0.5,0.8\n2,0.4,0.8\n", encoding="utf-8")
    assert watcher.look().last == 2
    append(path, "3,0.45,0.81\n")
    assert watcher.look().last == 3


# --- the terminal -------------------------------------------------------------------------------


def test_the_panel_shows_epoch_numbers_and_verdict(tmp_path):
    record(tmp_path / "r", range(1, N_EPOCHS + 1))
    view = Watcher(str(tmp_path / "r")).look()
    for width in (40, 80, 200):
        out = io.StringIO()
        Console(file=out, width=width, color_system=None).print(panel(view, width))
        text = out.getvalue()
        assert f"the last one {N_EPOCHS}" in " ".join(text.replace("│", " ").split())
        assert "Over-confidence" in text
        assert max(map(len, text.splitlines())) <= min(width, 100)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 1.0], "▁█"),
        ([1.0, 1.0, 1.0], "▁▁▁"),
        ([2.0, np.nan, 1.0], "█ ▁"),
        ([1.0], ""),
        ([0.0, np.inf, 0.5, 1.0], "▁ ▄█"),
    ],
)
def test_a_curve_in_one_line(values, expected):
    shown = sparkline(values)
    assert shown.replace("▅", "▄") == expected


# A shell that runs the tests in the background has its children ignore interrupts; a person's has not.
HEEDING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from whyloss.cli import main; main()"
)
WATCH = (sys.executable, "-u", "-c", HEEDING, "watch")


class Watching:
    """`whyloss watch` as a process; collects what it prints."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [*WATCH, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "NO_COLOR": "1"},
        )
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in (self._reader.join(), self.process.stdout, self.process.stderr):
            if stream:
                stream.close()

    def wait_for(self, pattern, seconds=60.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if re.search(pattern, "".join(self.lines)):
                return
            assert self.process.poll() is None, self.process.stderr.read()
            time.sleep(0.05)
        raise AssertionError(f"{pattern} did not come:\n{''.join(self.lines)}")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=60)
        self._reader.join()
        return code


TRAINING = """
import sys, time
import numpy as np
import whyloss
from whyloss.testing import known_cause

known = known_cause(
    1, temperature=np.linspace(0.8, 3.0, 8), blur=0.4, n_classes=2, n_samples=300
).source
with whyloss.Recorder(sys.argv[1], overwrite=True) as recorder:
    for epoch in range(1, 9):
        one = known.predictions("val", epoch)
        recorder.log(split="val", epoch=epoch, y_true=one.y_true, logits=one.scores)
        recorder.flush()
        time.sleep(0.3)
"""


def training(path):
    return subprocess.Popen([sys.executable, "-c", TRAINING, str(path)])


def test_a_training_in_another_process_is_watched_to_its_end(tmp_path):
    with Watching(tmp_path / "r", "--interval", 0.1) as watching:
        watching.wait_for("Waiting for")
        with training(tmp_path / "r") as process:
            watching.wait_for("epoch 8: loss ")
            assert process.wait(timeout=60) == 0
        assert watching.interrupt() == 0
        text = "".join(watching.lines)
        for epoch in range(1, 9):
            assert text.count(f"epoch {epoch}: loss ") == 1
        assert "What to do" in text
        assert watching.process.stderr.read() == ""


def test_a_training_that_starts_twice_is_watched_twice(tmp_path):
    with Watching(tmp_path / "r", "--interval", 0.1) as watching:
        for pattern in ("epoch 8: loss", "(?s)epoch 8: loss.*epoch 8: loss"):
            with training(tmp_path / "r") as process:
                assert process.wait(timeout=60) == 0
            watching.wait_for(pattern)
        assert "The training has begun again." in "".join(watching.lines)


def test_interrupted_before_anything_was_there(tmp_path):
    with Watching(tmp_path / "nothing", "--interval", 0.1) as watching:
        watching.wait_for("Waiting for")
        assert watching.interrupt() == 130
        assert "Traceback" not in watching.process.stderr.read()


def test_a_terminal_gets_a_panel(tmp_path):
    pty = pytest.importorskip("pty")
    record(tmp_path / "r", [1, 2, 3])
    main, child = pty.openpty()
    command = [*WATCH, str(tmp_path / "r"), "--interval", "0.1"]
    with subprocess.Popen(
        command, stdout=child, stderr=child, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(child)
        seen = b""
        while b"the last one 3" not in seen:
            seen += os.read(main, 4096)
        process.send_signal(signal.SIGINT)
        while True:
            try:
                seen += os.read(main, 4096)
            except OSError:  # the other end is closed
                break
        assert process.wait(timeout=60) == 0
    os.close(main)
    text = seen.decode()
    assert "╭" in text
    assert "What this cannot tell" in text


def test_stdin_and_folders_of_runs_are_declined_with_what_to_do(tmp_path):
    record(tmp_path / "a", [1])
    record(tmp_path / "b", [1])
    for source, word in (("-", "whyloss diagnose -"), (tmp_path, f"whyloss watch {tmp_path}/a")):
        done = subprocess.run(
            [sys.executable, "-m", "whyloss", "watch", str(source)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert word in done.stderr


# --- the browser --------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path):
    record(tmp_path / "r", [1, 2, 3])
    watcher = Watcher(str(tmp_path / "r"))
    with LiveServer(0, draw=page.render) as server:
        yield server, watcher, tmp_path / "r"


def ask(server, path, method="GET", **headers):
    port = int(re.search(r":(\d+)/", server.address)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    return connection, connection.getresponse()


def test_the_report_is_served_as_it_is_now(served):
    server, watcher, _ = served
    _, before = ask(server, "/report")
    assert b"Nothing to report yet" in before.read()
    server.show(watcher.look())
    _, now = ask(server, "/report?anything")
    assert page.render(watcher.look().diagnosis).encode() == now.read()
    assert now.getheader("Cache-Control") == "no-store"


@pytest.mark.parametrize("path", ["/", "/report", "/events", "/live.js"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "127.0.0.1.", "[::2]"]
)
def test_no_other_name_is_answered(served, path, host):
    _, answer = ask(served[0], path, Host=host)
    assert answer.status == 403
    assert b"val" not in answer.read()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:5", "[::1]:5", "[::1]"])
def test_this_machine_is_answered_under_its_names_at_any_port(served, host):
    assert ask(served[0], "/", Host=host)[1].status == 200


def test_other_sites_cannot_load_it_into_theirs(served):
    _, inside = ask(served[0], "/events", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")
    assert inside.status == 403
    _, link = ask(served[0], "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
    assert link.status == 200
    assert "frame-ancestors 'none'" in link.getheader("Content-Security-Policy")


@pytest.mark.parametrize(
    "path",
    ["/run.json", "/../run.json", "/%2e%2e/run.json", "/report/../../etc/passwd", "//etc/passwd",
     "/assets/live.js", "http://localhost/report", "/report/", "\\..\\run.json"],
)  # fmt: skip
def test_nothing_else_is_served(served, path):
    assert ask(served[0], path)[1].status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_it_is_read_only(served, method):
    assert ask(served[0], "/report", method=method)[1].status == 501


def test_only_this_machine_can_reach_it(served):
    assert served[0]._server.server_address[0] == "127.0.0.1"


def messages(answer):
    while text := answer.readline():
        if text.startswith(b"data: "):
            yield json.loads(text[6:])


def test_those_who_listen_hear_of_every_change(served):
    server, watcher, path = served
    server.show(WatchState(waiting="Waiting for it."))
    connection, answer = ask(server, "/events")
    assert answer.getheader("Content-Type").startswith("text/event-stream")
    news = messages(answer)
    assert next(news) == {"version": None, "status": "Waiting for it.", "waiting": True}
    server.show(watcher.look())
    first = next(news)
    assert "epoch 3" in first["status"]
    record(path, [4], resume=True)
    server.show(watcher.look())
    second = next(news)
    assert "epoch 4" in second["status"]
    assert second["version"] != first["version"]
    path.rename(path.parent / "aside")
    server.show(watcher.look())
    third = next(news)
    assert third["version"] == second["version"]
    assert third["waiting"]
    connection.close()


def test_a_port_that_is_taken_is_named(served):
    port = served[0].address.rpartition(":")[2].strip("/")
    with pytest.raises(whyloss.WhylossError, match=f"port {port}"):
        LiveServer(int(port), draw=page.render)


CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def browser():
    sync_api = require("playwright.sync_api")
    if not CHROMIUM.exists() and os.environ.get("WHYLOSS_REQUIRE_EXTRAS") != "1":
        pytest.skip(f"needs {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


SHOWN = "iframe:not(.next)"


@pytest.mark.browser
def test_the_page_follows_a_training_and_finds_the_server_again(browser, tmp_path):
    page = browser.new_page()
    heard = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    with Watching(tmp_path / "r", "--interval", 0.1, "--web") as watching:
        watching.wait_for("Waiting for")
        address = re.search(r"http://\S+", watching.process.stderr.readline())[0]
        page.goto(address)
        status = page.locator("#status")
        page.wait_for_function(
            "() => document.querySelector('#status').textContent.includes('Waiting')"
        )
        with training(tmp_path / "r") as process:
            page.wait_for_function(
                "() => document.querySelector('#status').textContent.includes('epoch 8')",
                timeout=60_000,
            )
            process.wait(timeout=60)
        report = page.frame_locator(SHOWN)
        report.locator("h1", has_text="epoch").wait_for(timeout=60_000)
        assert "Over-confidence" in page.title()
        assert page.locator("iframe").count() == 1
    page.wait_for_function("() => document.querySelector('#status').className === 'lost'")
    port = address.rpartition(":")[2].strip("/")
    with Watching(tmp_path / "r", "--interval", 0.1, "--web", "--port", port):
        page.wait_for_function(
            "() => document.querySelector('#status').className === ''", timeout=60_000
        )
        assert "epoch 8" in status.text_content()
    assert heard == []
    page.close()


@pytest.mark.browser
def test_the_reader_stays_where_they_were(browser, served):
    server, watcher, path = served
    page = browser.new_page(viewport={"width": 900, "height": 500})
    server.show(watcher.look())
    page.goto(server.address)
    frame = page.locator(SHOWN).element_handle(timeout=60_000).content_frame()
    frame.wait_for_selector("h1", timeout=60_000)
    page.wait_for_timeout(500)
    frame.evaluate("window.scrollTo(0, 700)")
    assert frame.evaluate("window.scrollY") == 700
    record(path, [4, 5], resume=True)
    first = page.locator(SHOWN).get_attribute("src")
    server.show(watcher.look())
    page.wait_for_function(
        "first => { const shown = document.querySelector('iframe:not(.next)');"
        " return shown && shown.getAttribute('src') !== first; }",
        arg=first,
        timeout=60_000,
    )
    frame = page.locator(SHOWN).element_handle().content_frame()
    assert frame.evaluate("window.scrollY") == pytest.approx(700, abs=2)
    page.close()


class Stub:
    """A diagnosis whose report is a form that a reader fills in."""

    source, split, epochs = "stub", "val", ()

    def __init__(self, last):
        self.last = last

    def render(self):
        return f"""<!doctype html><title>{self.last}</title>
            <input type=range id=moving min=0 max={self.last} value={self.last}>
            <input type=range id=left min=0 max={self.last} value={self.last}>
            <input id=search><input type=checkbox id=tick><details><summary>more</summary></details>
            <script>var heard = [];
            addEventListener("input", event => heard.push(event.target.id));</script>"""


def test_a_report_that_cannot_be_drawn_says_so():
    class Broken(Stub):
        def render(self):
            raise ValueError("<b>html")

    with LiveServer(0, draw=lambda stub: stub.render()) as server:
        server.show(WatchState(1, Broken(5)))
        answer = ask(server, "/report")[1].read().decode()
    assert "could not be drawn: ValueError: &lt;b&gt;html" in answer


@pytest.mark.browser
def test_what_the_reader_has_set_stays_set(browser):
    with LiveServer(0, draw=lambda stub: stub.render()) as server:
        page = browser.new_page()
        server.show(WatchState(1, Stub(5)))
        page.goto(server.address)
        report = page.frame_locator(SHOWN)
        report.locator("#left").fill("2")
        report.locator("#tick").check()
        report.locator("details").evaluate("fold => { fold.open = true; }")
        report.locator("#search").fill("needle")
        server.show(WatchState(2, Stub(9)))
        page.wait_for_function("() => document.title === '9'", timeout=60_000)
        assert report.locator("#moving").input_value() == "9"  # at its end it follows
        assert report.locator("#left").input_value() == "2"
        assert report.locator("#search").input_value() == "needle"
        assert report.locator("#tick").is_checked()
        assert report.locator("details").get_attribute("open") is not None
        assert report.locator("#search").evaluate("field => field === document.activeElement")
        assert set(report.locator("body").evaluate("() => heard")) == {"left", "search", "tick"}
        page.close()
