"""`electra-bench fetch`."""

import functools
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

from rich import filesize

from electra_bench.cli import arguments, errors
from electra_bench.cli.arguments import Dir, Json, Options
from electra_bench.interop.fetch.public_files import (
    DataSet,
    PublicFile,
    data_sets,
    on_mirror,
    with_included,
)
from electra_bench.system.near_names import near_names

# Of the terminal's table; --json has all fields.
COLUMNS = ("name", "size", "goes to", "comes from", "digest", "licence")


@dataclass
class Fetch(Json):
    """Downloads public data sets, vocabularies and released checkpoints.

    They go to where the tasks look for them, and their digests are checked.

    examples:
      electra-bench fetch --list
      electra-bench fetch cola squad --data_dir data
      electra-bench fetch electra_small --data_dir data
      electra-bench fetch glue --data_dir data --base_url https://mirror.example/public

    A mirror: --base_url stands in place of scheme and host, the rest of an address stays.
    With the last example https://dl.fbaipublicfiles.com/glue/data/CoLA.zip is looked for at
    https://mirror.example/public/glue/data/CoLA.zip. Such a mirror is made with
      electra-bench fetch --list --json | jq -r '.[].files[].url' \\
        | sort -u | wget -x -nH -i -

    What is there already is not fetched again. An interrupted download goes on where it
    stopped. Without a network, put a file where the message says and run the command again.

    Attributes:
        names: see --list
        listing: what there is
        json: with --list: print JSON
        data_dir: default: ELECTRA_BENCH_DATA
        base_url: a mirror, see below
        overwrite: fetch what is there already, too
        sha256: digest of the download for a path of --list --json, in place of the one
            published or recorded
    """

    names: list[str] = field(default_factory=list)
    _: KW_ONLY
    listing: Annotated[bool, Options(flags=["--list"])] = False
    data_dir: Dir | None = None
    base_url: Annotated[str, Options(metavar="URL")] | None = None
    overwrite: bool = False
    sha256: list[Annotated[str, Options(metavar="PATH=HEX")]] = field(
        default_factory=list
    )


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "fetch", Fetch, run)


def run(args: Fetch) -> None:
    """Lists or fetches."""
    sets = with_included(args.names)
    if args.listing:
        _list(sets or list(data_sets().values()), args.json)
        return
    if args.json:
        raise ValueError("--json goes with --list")
    if not sets:
        raise ValueError(f"a name is needed: {', '.join(data_sets())}; or --list")
    if args.base_url:
        on_mirror("", args.base_url)
    digests = _digests(args.sha256, [s for entry in sets for s in entry.sources])
    _fetch(sets, _data_dir(args.data_dir), args, digests)


def _data_dir(given: str | None) -> str:
    folder = given or os.environ.get("ELECTRA_BENCH_DATA")
    if not folder:
        raise ValueError("where to? give --data_dir or set ELECTRA_BENCH_DATA")
    if "://" in folder:
        raise ValueError(f"fetch writes to local folders only, got {folder!r}")
    os.makedirs(folder, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"no permission to write to {folder!r}")
    return folder


def _digests(given: Sequence[str], sources: Sequence[PublicFile]) -> dict[str, str]:
    paths = [source.path for source in sources]
    digests = {}
    for argument in given:
        path, _, digest = argument.partition("=")
        if path not in paths:
            raise ValueError(
                f"--sha256: {path!r} is no path of what is fetched; "
                f"near: {near_names(path, paths)}"
            )
        if not re.fullmatch("[0-9a-fA-F]{64}", digest):
            raise ValueError(
                f"--sha256 {path}: expected 64 hexadecimal digits, got {digest!r}"
            )
        digests[path] = digest.lower()
    return digests


def _fetch(
    sets: Sequence[DataSet],
    data_dir: str,
    args: Fetch,
    digests: Mapping[str, str],
) -> None:
    # requests is not needed for a list.
    from electra_bench.interop.fetch.download import DownloadError, UnreachableError
    from electra_bench.interop.fetch.extraction import ArchiveError
    from electra_bench.interop.fetch.fetcher import DigestError, Fetcher

    say = functools.partial(print, flush=True)
    fetcher = Fetcher(data_dir, args.base_url, args.overwrite, digests, say)
    sources = [source for entry in sets for source in entry.sources]
    wanted = [source for source in sources if fetcher.missing(source)]
    errors.begin_work()
    failed: dict[str, Exception] = {}
    unreachable: set[str] = set()
    for source in wanted:
        host = urlsplit(fetcher.url(source)).netloc
        # A folder that an archive should have become must not be begun with other files.
        is_inside = any(source.path.startswith(f"{path}/") for path in failed)
        if host in unreachable or is_inside:
            continue
        try:
            fetcher.fetch(source)
        except (DownloadError, DigestError, ArchiveError) as error:
            failed[source.path] = error
            if isinstance(error, UnreachableError):
                unreachable.add(host)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                "interrupted; the same command goes on where this one stopped"
            ) from None
    if failed and len(wanted) == 1:
        raise next(iter(failed.values()))
    if failed:
        for path, error in failed.items():
            print(f"{path}: {error}", file=sys.stderr)
        raise OSError(
            f"not all of {len(wanted)} files were fetched; what stopped it is said above: "
            f"{', '.join(failed)}"
        )


def _list(sets: Sequence[DataSet], as_json: bool) -> None:
    if as_json:
        print(json.dumps([_object(entry) for entry in sets], indent=1))
        return
    from electra_bench.reports.render import terminal

    rows = [_row(entry) for entry in sets]
    terminal.print_grid(COLUMNS, rows, terminal.console())


def _object(entry: DataSet) -> dict[str, Any]:
    fields = entry._asdict()
    files = [source._asdict() for source in fields.pop("sources")]
    return {**fields, "files": files}


def _row(entry: DataSet) -> tuple[str, ...]:
    sources = [s for each in with_included([entry.name]) for s in each.sources]
    sizes = [source.size for source in sources]
    hosts = dict.fromkeys(urlsplit(source.url).netloc for source in sources)
    return (
        entry.name,
        "?" if None in sizes else filesize.decimal(sum(sizes)),
        os.path.commonpath([source.path for source in sources]),
        ", ".join(hosts),
        "published" if all(source.sha256 for source in sources) else "none",
        entry.licence,
    )
