"""Splits by their content, and what was found out about them, kept in the cache."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from electra_bench.data import run_context
from electra_bench.data.examples.cache import cached_folder
from electra_bench.system.atomic import complete_folder
from electra_bench.tasks.fingerprints import data_sha256, making
from electra_bench.tasks.leaks.example_texts import ExampleTexts
from electra_bench.tasks.registration import load_task

FILE_NAME = "found.json"


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
        """Its texts, read now."""
        with run_context.use(**vars(self.context)):
            return ExampleTexts.read(load_task(self.task), self.split)

    def content(self, module: str) -> dict[str, Any] | None:
        """What a cache's key says of it and of the code that reads it.

        Args:
            module: that makes what is kept.
        """
        code = making(load_task(self.task), None, module, [])
        return code and {**code, "data": self.sha256}


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
    contents = [split.content(module) for split in splits]
    parts = None if None in contents else {"splits": contents, **further}

    def make(folder: str, overwrite: bool) -> None:
        with complete_folder(folder, overwrite, inventory=True) as partial:
            Path(partial, FILE_NAME).write_text(json.dumps(find()), "utf-8")

    with cached_folder("leaks", name, parts, make) as folder:
        return json.loads(Path(os.path.join(folder, FILE_NAME)).read_text("utf-8"))
