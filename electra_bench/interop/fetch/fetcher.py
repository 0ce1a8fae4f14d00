"""From a source to its place in the data folder: claimed, downloaded, checked, unpacked."""

import contextlib
import datetime
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from rich import filesize

from electra_bench.interop.fetch import download, receipts
from electra_bench.interop.fetch.extraction import ArchiveError, extract
from electra_bench.interop.fetch.public_files import PublicFile, on_mirror
from electra_bench.system import locks
from electra_bench.system.atomic import make_folder, replace
from electra_bench.system.file_hashes import file_sha256


class DigestError(ValueError):
    """Bytes that are not those that were expected."""


class Fetcher:
    """Fetches sources into one data folder."""

    def __init__(
        self,
        data_dir: str,
        base_url: str | None = None,
        overwrite: bool = False,
        sha256: Mapping[str, str] | None = None,
        say: Callable[[str], None] = print,
    ):
        """Checks what was fetched before.

        Args:
            data_dir: the data folder; must exist.
            base_url: a mirror, see `on_mirror`.
            overwrite: whether what is there is fetched anew.
            sha256: digests by the sources' paths; they go before those that are published
                or recorded.
            say: takes a line about each source.

        Raises:
            ValueError: the receipts cannot be read.
        """
        self._data_dir = data_dir
        self._base_url = base_url
        self._overwrite = overwrite
        self._given = dict(sha256 or {})
        self._say = say
        receipts.read_receipts(data_dir)

    def url(self, source: PublicFile) -> str:
        """The address that is used, on the mirror if there is one."""
        return on_mirror(source.url, self._base_url) if self._base_url else source.url

    def missing(self, source: PublicFile) -> bool:
        """Whether there is something to do; if not, says so.

        Raises:
            DigestError: another file is there.
        """
        state = None if self._overwrite else self._state(source)
        if state:
            self._say(f"{source.path}: {state}")
        return state is None

    def fetch(self, source: PublicFile) -> None:
        """Fetches one source and says what came.

        Raises:
            DownloadError: it cannot be had; says what to do by hand.
            DigestError: it came with other bytes than expected; nothing is changed.
            ArchiveError: it cannot be unpacked safely; nothing is changed.
        """
        target = self._path(source.path)
        served = self._path(source.download_path)
        folder, name = os.path.split(served)
        make_folder(folder)
        partial = os.path.join(folder, f".{name}.partial")
        version_file = download.version_file(partial)
        with self._claimed(partial, source) as file:
            # Another process may have done it meanwhile.
            if not self.missing(source):
                return
            by_hand = source.archive_root is not None and os.path.isfile(served)
            if not by_hand:
                self._download(source, file)
            path = served if by_hand else partial
            try:
                receipt, note = self._checked(source, path, by_hand)
                if source.archive_root is None:
                    replace(partial, target)
                else:
                    extract(path, name, target, source.archive_root, self._overwrite)
            except (DigestError, ArchiveError):
                # No beginning of what is wanted.
                file.truncate(0)
                version_file.unlink(missing_ok=True)
                raise
            Path(partial).unlink(missing_ok=True)
            version_file.unlink(missing_ok=True)
            receipts.add_receipt(self._data_dir, source.path, receipt)
        self._say(f"{source.path}: {filesize.decimal(receipt.size)}, {note}")

    def _path(self, path: str) -> str:
        return os.path.join(self._data_dir, path)

    def _state(self, source: PublicFile) -> str | None:
        """What is there; None if nothing is."""
        path = self._path(source.path)
        if source.archive_root is not None:
            has_files = os.path.isdir(path) and os.listdir(path)
            return "there already" if has_files else None
        if not os.path.isfile(path):
            return None
        expected, by = self._expected(source)
        if expected is None:
            return "there already; no digest of it is known"
        found = file_sha256(path)
        if found != expected:
            raise DigestError(
                f"{path} is there with sha256 {found}, expected {expected} "
                f"({by}); move it away, or give --overwrite to replace it"
            )
        return f"there already, sha256 {by}"

    def _expected(self, source: PublicFile) -> tuple[str | None, str]:
        """The digest that a source should have, and who says so; None if none is known."""
        if source.path in self._given:
            return self._given[source.path], "as given"
        if source.sha256:
            return source.sha256, "as published"
        # Read anew each time: another process may have added to them.
        if receipt := receipts.read_receipts(self._data_dir).get(source.path):
            return receipt.sha256, f"as recorded on {receipt.date}"
        return None, ""

    @contextlib.contextmanager
    def _claimed(self, partial: str, source: PublicFile) -> Iterator[BinaryIO]:
        """The unfinished download, to one process at a time."""
        while True:
            # A link that lies there would be followed.
            if os.path.islink(partial):
                os.remove(partial)
            file = open(partial, "ab+", opener=_no_link)  # noqa: SIM115
            if not locks.lock(file):
                self._say(f"{source.path}: waiting for another process that fetches it")
                locks.lock(file, wait=True)
            # Who had it before may have put the very file in its place.
            if _is_at(partial, file):
                break
            file.close()
        with file:
            try:
                yield file
            finally:
                file.flush()
                if _is_at(partial, file) and not os.path.getsize(partial):
                    os.remove(partial)

    def _download(self, source: PublicFile, file: BinaryIO) -> None:
        url = self.url(source)
        size = None if source.path in self._given else source.size
        try:
            download.download(url, file, source.path, size)
        except download.DownloadError as error:
            what = f"cannot fetch {url}: {error}"
            if isinstance(error, download.UnreachableError):
                what = f"cannot reach {urlsplit(url).netloc} for {url}: {error}"
            raise type(error)(
                f"{what}; get the file by other means, put it at "
                f"{self._path(source.download_path)} and run this again, or name a mirror "
                "with --base_url"
            ) from error
        file.flush()

    def _checked(
        self, source: PublicFile, path: str, by_hand: bool
    ) -> tuple[receipts.Receipt, str]:
        """The receipt of a file that is as expected, and a note on its digest."""
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        url = path if by_hand else self.url(source)
        expected, by = self._expected(source)
        if expected and sha256 != expected:
            raise DigestError(
                f"{url} has sha256 {sha256}, expected {expected} ({by}); "
                f"--sha256 {source.path}={sha256} takes it all the same"
            )
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        receipt = receipts.Receipt(url, os.path.getsize(path), sha256, now)
        if not expected:
            recorded = f"so this one is recorded in {receipts.FILE_NAME}"
            by = f"{sha256}: its source publishes none, {recorded}"
        return receipt, f"sha256 {by}"


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)


def _is_at(path: str, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
