"""Splits by their content, and what was found out about them, kept in the cache."""

import json
import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from absl import logging

from electra_bench.data import run_context
from electra_bench.data.examples.cache import cached_folder
from electra_bench.system.atomic import complete_folder
from electra_bench.system.behaviour import Untold, behaviour_sha256
from electra_bench.system.file_hashes import Changed
from electra_bench.system.source_closure import sources_sha256
from electra_bench.tasks.fingerprints import data_sha256
from electra_bench.tasks.leaks.example_texts import ExampleTexts
from electra_bench.tasks.registration import load_task

FILE_NAME = "found.json"
# What decides what is found, beside the module that asks.
FINDING = (
    "electra_bench.data.leaks.near_texts",
    "electra_bench.data.leaks.ngrams",
    "electra_bench.data.leaks.scan",
    "electra_bench.data.leaks.words",
    "electra_bench.tasks.leaks.example_texts",
)


class Split(NamedTuple):
    """A split of a task, not of a corpus.

    Attributes:
        task: registered name.
        split: of the task.
        sha256: hash of its raw examples, see `data_sha256`.
        context: in which it is read: the data folder and files.
    """

    task: str
    split: str
    sha256: str
    context: run_context.RunContext

    @classmethod
    def here(cls, task: str, split: str, sha256: str | None = None) -> "Split":
        """A split as the current context has it; its hash is computed if not given.

        Raises:
            FileNotFoundError: no such file.
        """
        sha256 = sha256 or data_sha256(load_task(task), split)
        return cls(task, split, sha256, run_context.current())

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.task}-{self.split}"

    def texts(self) -> ExampleTexts:
        """Its texts, read now.

        Raises:
            Changed: they are not those of the hash.
        """
        with run_context.use(**vars(self.context)):
            texts = ExampleTexts.read(load_task(self.task), self.split)
            if data_sha256(load_task(self.task), self.split) != self.sha256:
                raise Changed(self.name)
        return texts

    def content(self) -> dict[str, str] | None:
        """What a cache's key says of its texts; None if it cannot be told.

        The hash of raw examples tells them. Where it is one of files, the code that reads
        these counts, too.
        """
        source = load_task(self.task).source
        content = {"data": self.sha256}
        if hasattr(source, "data_sha256"):
            try:
                content["code"] = behaviour_sha256([type(source), vars(source)])
            except Untold as error:
                logging.warning("%s: looked up every time: %s", self.task, error)
                return None
        return content


def kept(
    name: str,
    splits: Sequence[Split],
    module: str,
    find: Callable[[], Mapping[str, Any]],
    **further: str,
) -> dict[str, Any]:
    """What `find` returns, JSON values, made once for the same content.

    Args:
        name: for people.
        splits: what it is about.
        module: that finds it.
        find: finds it.
        **further: content that it depends on, by name.
    """
    contents = [split.content() for split in splits]
    # Texts that are gone cannot be looked up again, so nothing else counts: what is known
    # should outlive most changes of the code.
    code = {
        "code": sources_sha256([*FINDING, module]),
        "unicode": unicodedata.unidata_version,
    }
    parts = None if None in contents else {"splits": contents, **code, **further}

    def make(folder: str, overwrite: bool) -> None:
        with complete_folder(folder, overwrite, inventory=True) as partial:
            Path(partial, FILE_NAME).write_text(json.dumps(find()), "utf-8")

    with cached_folder("leaks", name, parts, make) as folder:
        return json.loads(Path(os.path.join(folder, FILE_NAME)).read_text("utf-8"))
