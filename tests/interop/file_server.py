"""A web server on this machine that serves what a test gives it, also badly."""

import hashlib
import http.server
import io
import re
import threading
import zipfile
from collections.abc import Callable, Mapping

VOCAB = "/electra-data/vocab.txt"
CONTENT = b"".join(b"%d " % number for number in range(100_000))


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return raw.getvalue()


class FileServer(http.server.ThreadingHTTPServer):
    """Serves `files`, with ranges as RFC 9110 has them.

    Attributes:
        files: content by path.
        etags: whether versions are named.
        ranges: whether ranges are served.
        faults: by path, what happens to the coming requests, one after another: the
            connection breaks after a number of bytes (int), the answer is a status (str),
            or a function is called with the handler.
        requests: path and Range header of every request.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.etags = self.ranges = True
        self.faults: dict[str, list[int | str | Callable]] = {}
        self.requests: list[tuple[str, str | None]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Connections that break are part of the tests."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, self.headers["Range"]))
        fault = next(iter(server.faults.get(self.path, [])), None)
        if fault is not None:
            server.faults[self.path].pop(0)
        if callable(fault):
            return fault(self)
        if isinstance(fault, str) or self.path not in server.files:
            return self.answer(int(fault or 404), b"sorry")
        content = server.files[self.path]
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        headers = {"ETag": etag} if server.etags else {}
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        if asked and server.ranges and self.headers["If-Range"] == etag:
            start, end = int(asked[1]), len(content)
            if start >= end:
                return self.answer(416, b"", {"Content-Range": f"bytes */{end}"})
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{end}"
            return self.answer(206, content[start:], headers, fault)
        return self.answer(200, content, headers, fault)

    def answer(self, status, content, headers=None, break_after=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:break_after])
        self.close_connection = break_after is not None

    def log_message(self, *_):
        pass
