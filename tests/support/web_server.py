"""A server in this process that misbehaves on request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Server:
    """What a server has, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    tag: str = '"one"'
    cut_after: list[int] = field(default_factory=list)  # bytes of each of the next answers
    knows_ranges: bool = True
    tells_size: bool = True
    status: int | None = None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server until the end of the block."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(only_head=True)

        def do_GET(self) -> None:
            self.answer(only_head=False)

        def answer(self, only_head: bool) -> None:
            name = self.path.lstrip("/")
            state.asked.append((self.command, name, self.headers.get("Range")))
            if state.status or name not in state.files:
                self.send_error(state.status or 404)
                return
            content, start = state.files[name], 0
            wanted = self.headers.get("Range")
            if wanted and state.knows_ranges and self.headers.get("If-Range") == state.tag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            else:
                self.send_response(200)
            if state.tells_size:
                self.send_header("Content-Length", str(len(content) - start))
            if state.tag:
                self.send_header("ETag", state.tag)
            self.end_headers()
            if only_head:
                return
            rest = content[start:]
            self.wfile.write(rest[: state.cut_after.pop(0)] if state.cut_after else rest)

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    try:
        yield state
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def run(steps: Any) -> tuple[list[Any], Any]:
    """All that a generator yields, and what it returns."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value
