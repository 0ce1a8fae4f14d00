"""One address to one file: resumed, repeated, never mixed from two versions."""

import os
import time
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3
from requests.adapters import HTTPAdapter
from rich.progress import DownloadColumn, TransferSpeedColumn

from electra_bench.system.atomic import write_text
from electra_bench.system.progress import ProgressDisplay

CHUNK_BYTES = 1 << 18
# To connect, and between two pieces of an answer.
TIMEOUT_S = (10.0, 60.0)
# Of requests that got no usable answer. Who cannot even connect is mostly offline, so that
# is tried only once more.
RETRY = urllib3.Retry(
    total=5,
    connect=1,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
)
# How often in a row an answer may break off without having brought anything.
MAX_BREAKS = 4


class DownloadError(OSError):
    """A file that could not be had from its address."""


class UnreachableError(DownloadError):
    """Not even a connection to the server."""


class DownloadProgress(ProgressDisplay):
    """Shows bytes, speed and the time left."""

    def __init__(self, name: str, completed: int, total: int | None):
        """Starts the clock.

        Args:
            name: of the file.
            completed: bytes that were there before.
            total: bytes of the whole; None if unknown.
        """
        columns = DownloadColumn(), TransferSpeedColumn()
        super().__init__(name, *columns, total=total, completed=completed)
        self._total = total
        self._before = self._completed = completed

    def update(self, num_bytes: int) -> None:
        """Counts further bytes and shows the state."""
        self._completed += num_bytes
        of_total = f" of {self._total / 1e6:,.1f}" if self._total else ""
        speed = (self._completed - self._before) / 1e6 / self.elapsed
        self.show(
            f"{self._completed / 1e6:,.1f}{of_total} MB  {speed:.1f} MB/s",
            completed=self._completed,
        )


def version_file(path: str) -> Path:
    """What keeps the server's name of a file's version from one call to the next."""
    return Path(f"{path}.version")


def download(url: str, file: BinaryIO, name: str, size: int | None) -> None:
    """Completes a file with what an address serves.

    What the file holds already is kept if the server says that it still has the same
    version, and sends the rest of it; otherwise everything comes anew.

    Args:
        url: the address.
        file: open for appending and reading; see `version_file`.
        name: for the progress.
        size: expected bytes; None if not known.

    Raises:
        UnreachableError: no connection.
        DownloadError: anything else; says why.
    """
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=RETRY))
        # urllib3 repeats requests, but it cannot go on where an answer broke off: hence
        # this loop.
        breaks = 0
        while True:
            before = _length(file)
            try:
                _go_on(session, url, file, name, size)
                return
            except requests.ConnectionError as error:
                raise UnreachableError(_reason(error)) from error
            except requests.RequestException as error:
                raise DownloadError(_reason(error)) from error
            except urllib3.exceptions.HTTPError as error:
                breaks = 1 if _length(file) > before else breaks + 1
                if breaks > MAX_BREAKS:
                    raise DownloadError(
                        f"the connection broke off again and again ({_reason(error)})"
                    ) from error
                time.sleep(RETRY.backoff_factor * 2 ** (breaks - 1))


def _go_on(
    session: requests.Session, url: str, file: BinaryIO, name: str, size: int | None
) -> None:
    have = _length(file)
    if have and have == size:
        return
    # Bytes as they are stored: some servers would pack them, and unpack what is packed.
    headers = {"Accept-Encoding": "identity"}
    kept = version_file(file.name)
    version = kept.read_text("utf-8") if kept.exists() else ""
    if have and version:
        headers |= {"Range": f"bytes={have}-", "If-Range": version}
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as response:
        served = response.headers.get("Content-Range", "")
        if response.status_code == 416 and served == f"bytes */{have}":
            return
        is_rest = served.startswith(f"bytes {have}-") and _version(response) == version
        if response.status_code == 200:
            have = 0
            file.truncate(0)
            write_text(str(kept), _version(response) or "")
        elif response.status_code in (206, 416) and have and not is_rest:
            # Not what was asked for; without a range it cannot be anything else.
            file.truncate(0)
            _go_on(session, url, file, name, size)
            return
        elif response.status_code != 206 or not is_rest:
            raise DownloadError(
                f"the server answers {response.status_code} {response.reason}"
            )
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else size
        if None not in (size, total) and size != total:
            raise DownloadError(f"the server has {total} bytes, expected {size}")
        with DownloadProgress(name, have, total) as progress:
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                file.write(chunk)
                progress.update(len(chunk))
    if total is not None and _length(file) < total:
        raise urllib3.exceptions.IncompleteRead(_length(file), total)


def _length(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _version(response: requests.Response) -> str | None:
    """What `If-Range` takes: a strong ETag or a date, RFC 9110, section 13.1.5."""
    tag = response.headers.get("ETag", "W/")
    return tag if not tag.startswith("W/") else response.headers.get("Last-Modified")


def _reason(error: Exception) -> str:
    """The innermost cause, which is what the user can do something about."""
    inner = error.args[0] if error.args else error
    inner = getattr(inner, "reason", None) or inner
    text = str(inner)
    # "HTTPSConnection(host='x', port=443): Failed to resolve 'x' ..."
    return text.partition("): ")[2] or text
