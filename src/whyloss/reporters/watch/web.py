"""The report of a training while it runs, for a browser on the same machine."""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from contextlib import suppress
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from whyloss.errors import WhylossError
from whyloss.reporters.common import short

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from whyloss.results.diagnosis import Diagnosis
    from whyloss.results.watch import WatchState

HOST = "127.0.0.1"
NAMES = {"127.0.0.1", "localhost", "[::1]"}
ALIVE = 15.0  # seconds between signs of life, by which lost connections are found
MOST_LISTENERS = 50
MOST_CONNECTIONS = 100  # each has a thread; those who listen are among them
HEAD_SECONDS = 10.0  # in which a request has to arrive
BOTH_WAYS = 2  # socket.SHUT_RDWR, as no module of whyloss imports what can connect elsewhere

_SHELL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SHORT_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>whyloss watch</title></head><body><p>{}</p></body></html>
"""


class LiveServer:
    """Serves the report of one training, and says when it has changed; nothing else.

    Only those who know its address can read it: a part of it is chosen at random.

    Parameters
    ----------
    port : int
        0 for any free one.
    draw : callable
        Makes the page of a diagnosis.

    Raises
    ------
    WhylossError
        The port is taken.
    """

    def __init__(self, port: int, *, draw: Callable[[Diagnosis], str]) -> None:
        self._page = _Page(draw)
        try:
            self._server = _Server(port, self._page)
        except OSError as error:
            raise WhylossError(
                f"The report cannot be served at port {port}",
                expected="a port that is free and allowed, or --port 0 for any",
                got=f"{error.strerror or error}",
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """Where a browser finds the report."""
        return f"http://{HOST}:{self._server.server_port}{self._server.folder}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._page.close()
        self._server.shutdown()
        self._server.server_close()

    def show(self, view: WatchState) -> None:
        """Show another view, and tell those who listen."""
        self._page.show(view)


class _Page:
    """The latest view, and its report once somebody asks for it."""

    def __init__(self, draw: Callable[[Diagnosis], str]) -> None:
        self._draw = draw
        self._instance = secrets.token_hex(4)  # tells this server from one before it
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._view: WatchState | None = None
        self._reports = 0
        self._at = ""
        self._drawn: tuple[object, bytes] = (None, b"")
        self._listeners = 0
        self._closed = False

    def show(self, view: WatchState) -> None:
        with self._changed:
            if view is self._view:
                return
            if self._view is None or view.diagnosis is not self._view.diagnosis:
                self._reports += 1  # a report is another one with every diagnosis, not message
                self._at = time.strftime("%H:%M:%S")
            self._view = view
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def html(self) -> bytes:
        """The report of the latest diagnosis; drawn once, however many ask."""
        view = self._view
        found = view.diagnosis if view else None
        if found is None:
            return _SHORT_PAGE.format("Nothing to report yet.").encode()
        with self._drawing:
            if self._drawn[0] is not found:
                try:
                    page = self._draw(found)
                except Exception as error:  # noqa: BLE001 - shown; the next report may do better
                    why = escape(f"{type(error).__name__}: {error}")
                    page = _SHORT_PAGE.format(f"The report could not be drawn: {why}")
                self._drawn = found, page.encode("utf-8", "replace")
            return self._drawn[1]

    def news(self, after: WatchState | None) -> tuple[WatchState | None, str]:
        """The view after that one and a message about it; waits until there is one, for a while.

        The message is empty where nothing has changed.
        """
        with self._changed:
            if self._view is after and not self._closed:
                self._changed.wait(ALIVE)
            if self._view is after or self._view is None:
                return after, ""
            return self._view, json.dumps(self._message(self._view))

    def _message(self, view: WatchState) -> dict[str, Any]:
        found = view.diagnosis
        parts = [short(view.waiting, 300)] if view.waiting else []
        if found is not None:
            name = f"{short(found.source)}, {short(found.split, 20)}"
            at = f"epoch {view.last}, " if view.last >= 0 else ""
            parts = [f"{name}: {at}updated at {self._at}", *parts]
        version = f"{self._instance}-{self._reports}" if found else None
        return {"version": version, "status": ". ".join(parts), "waiting": bool(view.waiting)}

    @property
    def closed(self) -> bool:
        return self._closed

    def enter(self) -> bool:
        """Count a listener in, if there is room."""
        with self._changed:
            if self._listeners >= MOST_LISTENERS:
                return False
            self._listeners += 1
            return True

    def leave(self) -> None:
        with self._changed:
            self._listeners -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # those who listen would hold it
    request_queue_size = 128
    # Elsewhere than on POSIX a port that another program uses could be taken from it.
    allow_reuse_address = os.name == "posix"

    def __init__(self, port: int, page: _Page) -> None:
        self.page = page
        self.folder = f"/{secrets.token_urlsafe(16)}"
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._deadlines: dict[Any, float] = {}  # of requests that have not arrived
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer in a thread of its own, as long as there are not too many."""
        if not self._free.acquire(blocking=False):
            self._refuse(request)
            return
        self._deadlines[request] = time.monotonic() + HEAD_SECONDS
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer, and let the next one in."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.has_arrived(request)
            self._free.release()

    def has_arrived(self, request: Any) -> None:  # noqa: ANN401 - a socket
        """Leave a request in peace, as all of it is there."""
        self._deadlines.pop(request, None)

    def service_actions(self) -> None:
        """Cut off those who send their request too slowly."""
        now = time.monotonic()
        for request, deadline in list(self._deadlines.items()):
            if now > deadline:
                self.has_arrived(request)
                with suppress(OSError):  # it has ended by itself
                    request.shutdown(BOTH_WAYS)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Nothing: a browser that goes away is no error."""

    def _refuse(self, request: Any) -> None:  # noqa: ANN401 - a socket
        head = f"HTTP/1.0 {HTTPStatus.SERVICE_UNAVAILABLE} Service Unavailable"
        request.setblocking(False)  # the thread that accepts waits for nobody
        with suppress(OSError):
            request.sendall(
                f"{head}\r\nConnection: close\r\n\r\nToo many are connected.\n".encode()
            )
        self.shutdown_request(request)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "whyloss"
    sys_version = ""
    timeout = 60.0

    def do_GET(self) -> None:
        self.server.has_arrived(self.connection)
        if not self._is_for_us():
            self._send(HTTPStatus.FORBIDDEN, "text/plain", "Open it as localhost.\n")
            return
        folder, _, name = self.path.partition("?")[0].rpartition("/")
        # Compared in constant time, so that nobody finds it out letter by letter.
        if not secrets.compare_digest(folder.encode(), self.server.folder.encode()):
            self._send(
                HTTPStatus.FORBIDDEN, "text/plain", "Open the address that whyloss watch printed.\n"
            )
        elif name == "":
            self._send(HTTPStatus.OK, "text/html", _asset("live.html"), policy=_SHELL_POLICY)
        elif name == "live.js":
            self._send(HTTPStatus.OK, "text/javascript", _asset("live.js"))
        elif name == "report":
            self._send(HTTPStatus.OK, "text/html", self.server.page.html())
        elif name == "events":
            self._send_events()
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", "There is nothing here.\n")

    def log_message(self, *_: object) -> None:
        """Nothing: the terminal shows the training."""

    def _is_for_us(self) -> bool:
        """Whether it was asked for by a name of this machine, and not from within another site.

        A page of somebody else's can give its own name the address of this machine, and then read
        what is here as if it were its own; but the browser still sends that name.
        """
        host = self.headers.get("Host", "").strip().lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        within = self.headers.get("Sec-Fetch-Mode") != "navigate"
        foreign = self.headers.get("Sec-Fetch-Site") == "cross-site"
        return name in NAMES and not (within and foreign)

    def _send(
        self, status: HTTPStatus, kind: str, body: str | bytes, *, policy: str | None = None
    ) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self._send_common(f"{kind}; charset=utf-8")
        self.send_header("Content-Length", f"{len(content)}")
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(content)

    def _send_common(self, kind: str) -> None:
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Referrer-Policy", "no-referrer")

    def _send_events(self) -> None:
        """Tell of changes until the browser goes away."""
        page = self.server.page
        if not page.enter():
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", "Too many listen.\n")
            return
        try:
            self.send_response(HTTPStatus.OK)
            self._send_common("text/event-stream; charset=utf-8")
            self.end_headers()
            self.wfile.write(b"retry: 1000\n\n")
            last_sent = None
            while not page.closed:
                last_sent, message = page.news(last_sent)
                text = f"data: {message}\n\n" if message else ": alive\n\n"
                self.wfile.write(text.encode())
        finally:
            page.leave()


def _asset(name: str) -> str:
    return files("whyloss.reporters.html").joinpath("assets", name).read_text("utf-8")
