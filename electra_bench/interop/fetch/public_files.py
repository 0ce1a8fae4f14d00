"""The table `public_sources.toml`: public files and the sets that they make."""

import functools
import os
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from electra_bench import registry
from electra_bench.system.near_names import did_you_mean


class PublicFile(NamedTuple):
    """One public file and where its content belongs.

    Attributes:
        url: its address.
        path: below the data folder: the file, or the folder that an archive becomes.
        found_in: the document that publishes address, size and digest.
        size: bytes of what the address serves; None if not published.
        sha256: of the same; None if not published.
        archive_root: folder in the archive whose content becomes `path`; None for a file
            that is kept as it is.
    """

    url: str
    path: str
    found_in: str
    size: int | None = None
    sha256: str | None = None
    archive_root: str | None = None

    @property
    def download_path(self) -> str:
        """Below the data folder: where the file as it is served belongs."""
        if self.archive_root is None:
            return self.path
        name = os.path.basename(urlsplit(self.url).path)
        return os.path.join(os.path.dirname(self.path), name)


class DataSet(NamedTuple):
    """What is fetched under one name.

    Attributes:
        name: what the user types; that of the task, where it is one task's data.
        summary: one sentence.
        licence: its terms, as the source states them.
        citation: paper or document to cite.
        sources: its own files.
        includes: names of sets that belong to it.
    """

    name: str
    summary: str
    licence: str
    citation: str
    sources: tuple[PublicFile, ...] = ()
    includes: tuple[str, ...] = ()


@functools.cache
def data_sets() -> Mapping[str, DataSet]:
    """All sets by their names, in the order of the table."""
    file = resources.files(__package__) / "public_sources.toml"
    table = tomllib.loads(file.read_text("utf-8"))
    documents, sets = table["documents"], table["sets"]
    return {name: _data_set(name, entry, documents) for name, entry in sets.items()}


def _data_set(
    name: str, entry: Mapping[str, Any], documents: Mapping[str, str]
) -> DataSet:
    card = registry.tasks.get(entry["task"]) if "task" in entry else None
    summary, licence, citation = (
        entry[field] if field in entry else getattr(card, field)
        for field in ("summary", "licence", "citation")
    )
    sources = tuple(
        PublicFile(found_in=documents[entry["found_in"]], **file)
        for file in entry.get("files", ())
    )
    includes = tuple(entry.get("includes", ()))
    return DataSet(name, summary, licence, citation, sources, includes)


def with_included(names: Iterable[str]) -> list[DataSet]:
    """The sets of these names and all that belong to them, each once.

    Raises:
        ValueError: no set of such a name; says near ones and all.
    """
    known = data_sets()
    found: dict[str, DataSet] = {}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ValueError(f"nothing named {name!r}; {hint}all: {', '.join(known)}")
        found[name] = known[name]
        for entry in with_included(known[name].includes):
            found[entry.name] = entry
    return list(found.values())


def on_mirror(url: str, base_url: str) -> str:
    """The address on a mirror: `base_url` in place of scheme and host.

    Args:
        url: the public address.
        base_url: "https://host" or "https://host/prefix".

    Raises:
        ValueError: `base_url` is no address of a web server.
    """
    base = urlsplit(base_url)
    if base.scheme not in ("http", "https") or not base.netloc or base.query:
        raise ValueError(
            f"--base_url {base_url!r} is no address such as https://mirror.example/data"
        )
    return base_url.rstrip("/") + urlsplit(url).path
