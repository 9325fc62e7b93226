"""A server that answers what it is told to, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal

from angarium import Client


@dataclass
class Step:
    """One answer. Without a status the connection is closed instead."""

    status: int | None = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    close_after: bool = False


@dataclass
class Stream:
    """An answer in pieces. Then it ends, or breaks off, or there is silence until the client goes away."""

    pieces: list[bytes]
    then: Literal["end", "break", "silence"] = "end"
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    connection: Any


class Scripted:
    """Answers with each step once, in order."""

    def __init__(self, *steps: Step | Stream) -> None:
        self.steps = list(steps)
        self.left = threading.Event()
        """A client went away from a silent stream."""
        self.asked: list[Asked] = []
        self.slept: list[float] = []
        self.clients: list[Client] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                headers = {name.lower(): value for name, value in self.headers.items()}
                script.asked.append(Asked(self.command, self.path, headers, body, self.client_address))
                step = script.steps.pop(0)
                if isinstance(step, Stream):
                    self.stream(step)
                    return
                if step.status is None:
                    self.close_connection = True
                    return
                data = step.body if isinstance(step.body, bytes) else json.dumps(step.body).encode()
                self.send_response(step.status)
                for name, value in step.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = step.close_after

            def stream(self, step: Stream) -> None:
                self.send_response(200)
                for name, value in {**step.headers, "transfer-encoding": "chunked", "connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    for piece in step.pieces:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    if step.then == "end":
                        self.wfile.write(b"0\r\n\r\n")
                    if step.then == "silence":
                        self.rfile.read(1)
                if step.then == "silence":
                    script.left.set()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def client(self, **options: Any) -> Client:
        """A client of this server that does not really sleep."""
        client = Client(**{"api_key": "sk_test_1", "base_url": self.url, **options})
        client._core._sleep = self.slept.append
        client._core._chance = lambda: 0.0
        self.clients.append(client)
        return client

    def __enter__(self) -> Scripted:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self.clients:
            client.close()
        self.server.shutdown()
        self.server.server_close()


def ok(data: Any = None, **headers: str) -> Step:
    """A success."""
    return Step(200, {"success": True, "data": data}, headers)


def refused(status: int, code: str, headers: dict[str, str] | None = None, **error: Any) -> Step:
    """An error in the API's envelope."""
    body = {"success": False, "error": {"code": code, "message": "no", "requestId": "req_1", **error}}
    return Step(status, body, headers or {})
