"""The splits that models will be scored on, as far as their files are there."""

import contextlib
from collections.abc import Iterator

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.data.readers.labelled_source import LabelledSource
from electra_bench.records import TaskCard
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.registration import load_task


def known_splits() -> Iterator[Split]:
    """Those that the cards of registered tasks name, of files in the data folder.

    Without a data folder none. Sources that make their examples themselves are left out,
    since making takes long, and so are sources of other kinds, which may load them.
    """
    if run_context.current().data_dir is None:
        return
    for name in registry.tasks.names():
        # Nothing that is only looked up may stop a run, and a plugin may raise anything.
        try:
            yield from _splits_of(name)
        except Exception as error:
            print(f"{name} is not looked up: {error}", flush=True)


def _splits_of(name: str) -> Iterator[Split]:
    """Those of one task."""
    card: TaskCard = registry.tasks.get(name)
    if card.kind not in registry.kinds.names():
        return
    source = load_task(name).source
    if not isinstance(source, LabelledSource) or source.makes_examples:
        return
    for split in (card.eval_split, *card.further_splits):
        with contextlib.suppress(FileNotFoundError):
            yield Split.here(name, split)
