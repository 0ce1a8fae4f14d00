"""Parameters of builders by their gin keys: what they are to a run, and their defaults."""

import contextlib
import importlib
from typing import Any

from electra_bench import config
from electra_bench.config.roles import Role, declared
from electra_bench.registry import GIN_MODULES, REGISTRIES, UnknownName, target_of

# What `electra-bench` verbs run, `runs.<root>` of gin.
ROOTS = (
    "evaluate",
    "finetune",
    "predict",
    "pretrain",
    "quickstart",
    "rerank",
    "score",
    "suite",
)
# First parts of selectors in configurations.
KINDS = ("runs", *GIN_MODULES)
# Makes known to gin what a configuration says of a task without code.
_FILE_TASKS = "electra_bench.tasks.from_files.registration"


def load(kind: str, name: str) -> None:
    """Imports what gin needs to know under `<kind>.<name>`.

    Raises:
        UnknownName: nothing has this name.
    """
    if kind == "tasks":
        importlib.import_module(_FILE_TASKS).declare(name)
    elif kind != "runs":
        REGISTRIES[kind].load(name)
    elif name in ROOTS:
        importlib.import_module(target_of(f"runs.{name}").partition(":")[0])
    else:
        raise UnknownName(f"no runs {name!r}; all: {list(ROOTS)}")


def default_of(key: str) -> Any:
    """The default of a parameter, whose builder is loaded for it; None if it has none."""
    kind, _, name = key.rpartition("/")[2].rpartition(".")[0].partition(".")
    with contextlib.suppress(KeyError):
        load(kind, name)
    return config.default_of(key)


def role_of(key: str) -> Role | None:
    """What a parameter is to a run; None if its builder does not say."""
    selector, _, parameter = key.rpartition("/")[2].rpartition(".")
    return declared(target_of(selector)).get(parameter)
