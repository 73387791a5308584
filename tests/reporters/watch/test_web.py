"""The report that follows a training in the browser."""

import http.client
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

import whyloss
from watched import record
from whyloss.reporters.html import page
from whyloss.reporters.watch import web
from whyloss.reporters.watch.web import LiveServer
from whyloss.results.watch import WatchState
from whyloss.verbs.watch.watcher import Watcher


@pytest.fixture
def served(tmp_path):
    record(tmp_path / "r", [1, 2, 3])
    watcher = Watcher(str(tmp_path / "r"))
    with LiveServer(0, draw=page.render) as server:
        yield server, watcher, tmp_path / "r"


def ask(server, path, method="GET", *, known=True, **headers):
    address = urlsplit(server.address)
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=60)
    path = address.path.rstrip("/") + path if known else path
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
    ("path", "status"),
    [
        ("/run.json", 404),
        ("/../run.json", 403),
        ("/%2e%2e/run.json", 403),
        ("/report/../../etc/passwd", 403),
        ("//etc/passwd", 403),
        ("/assets/live.js", 403),
        ("/report/", 403),
        ("/\\..\\run.json", 404),
        ("", 403),
    ],
)
def test_nothing_else_is_served(served, path, status):
    assert ask(served[0], path)[1].status == status


# --- other users of the machine -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "live.js", "report", "events"])
def test_only_who_knows_the_address_can_read_it(served, name):
    server, watcher, _ = served
    server.show(watcher.look())
    folder = urlsplit(server.address).path.strip("/")
    other = ("b" if folder[0] == "a" else "a") + folder[1:]
    for wrong in ("", f"{other}/", f"{folder[:-1]}/", f"{folder}x/", f"{folder.swapcase()}/"):
        _, answer = ask(server, f"/{wrong}{name}", known=False)
        assert answer.status == 403
        assert answer.read() == b"Open the address that whyloss watch printed.\n"


def test_the_address_cannot_be_guessed():
    addresses = set()
    for _ in range(20):
        with LiveServer(0, draw=page.render) as server:
            addresses.add(urlsplit(server.address).path)
    assert len(addresses) == 20
    assert min(map(len, addresses)) >= 22  # 128 bits at 6 bits a letter


def test_a_guess_is_compared_in_constant_time(served, monkeypatch):
    compared = []
    monkeypatch.setattr(
        web.secrets, "compare_digest", lambda a, b: compared.append((a, b)) or a == b
    )
    assert ask(served[0], "/guess/report", known=False)[1].status == 403
    folder = urlsplit(served[0].address).path.rstrip("/").encode()
    assert compared == [(b"/guess", folder)]


# --- many and slow clients ----------------------------------------------------------------------


def connect(server, text=b""):
    client = socket.create_connection(("127.0.0.1", urlsplit(server.address).port), timeout=30)
    client.sendall(text)
    return client


def head_of(client):
    """The first line of the answer; empty where the connection was cut."""
    try:
        return client.recv(1 << 12).partition(b"\r\n")[0]
    except ConnectionResetError:
        return b""


def test_slow_clients_and_many_listeners_take_a_bounded_number_of_threads(served):
    server, watcher, _ = served
    server.show(watcher.look())
    before = threading.active_count()
    clients = [connect(server, b"GET / HT") for _ in range(50)]
    folder = urlsplit(server.address).path
    asked = f"GET {folder}events HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()
    listeners = [connect(server, asked) for _ in range(200)]
    heads = [head_of(client) for client in listeners]
    assert threading.active_count() - before <= web.MOST_CONNECTIONS
    assert heads.count(b"HTTP/1.0 200 OK") == web.MOST_LISTENERS
    refused = [head for head in heads if head != b"HTTP/1.0 200 OK"]
    assert {head.decode() for head in refused} <= {"HTTP/1.0 503 Service Unavailable", ""}
    for client in [*clients, *listeners]:
        client.close()


def test_who_sends_a_request_too_slowly_is_cut_off(served, monkeypatch):
    monkeypatch.setattr(web, "HEAD_SECONDS", 0.2)
    server = served[0]
    clients = [connect(server, b"GET / HT") for _ in range(web.MOST_CONNECTIONS)]
    with connect(server) as refused:
        assert head_of(refused) == b"HTTP/1.0 503 Service Unavailable"
    for client in clients:
        assert client.recv(100) == b""
        client.close()
    until = time.monotonic() + 20
    while time.monotonic() < until:  # until the threads have ended
        if ask(server, "/")[1].status == 200:
            return
    raise AssertionError("nobody is let in again")


def test_who_listens_is_not_cut_off(served, monkeypatch):
    monkeypatch.setattr(web, "HEAD_SECONDS", 0.2)
    server, watcher, _ = served
    _, answer = ask(server, "/events")
    time.sleep(1.5)
    server.show(watcher.look())
    assert "epoch 3" in next(messages(answer))["status"]


def test_a_report_is_drawn_once_for_all(served):
    _, watcher, _ = served
    drawn = []
    with LiveServer(0, draw=lambda found: drawn.append(found) or "page") as server:
        server.show(watcher.look())
        threads = [threading.Thread(target=ask, args=(server, "/report")) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(drawn) == 1


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
    port = urlsplit(served[0].address).port
    with pytest.raises(whyloss.WhylossError, match=f"port {port}: .*--port 0.*in use"):
        LiveServer(port, draw=page.render)


SHOWN = "iframe:not(.next)"


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
