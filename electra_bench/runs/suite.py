"""`electra-bench suite`: the gin root that says which suite, where, and within what budget.

Light, as all that stays in memory while a suite runs: `suite_check.py` loads TensorFlow, in
a process of its own.
"""

import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Sequence

import gin

from electra_bench import config, registry
from electra_bench.config.ranges import Positive
from electra_bench.registry.parameters import KINDS
from electra_bench.suites import guard
from electra_bench.suites.failure import failure
from electra_bench.suites.plan import Checked
from electra_bench.suites.suite import GB, Suite
from electra_bench.system.atomic import write_json

EXECUTORS = ("local", "ray")
_CHECK = "electra_bench.runs.suite_check"


@gin.configurable(module="runs")
def suite(
    plugins: Sequence[str],
    *,
    name: str,
    workdir: str,
    suite: str = "grid",
    executor: str = "local",
    ray_address: str | None = None,
    cores: Positive[int] | None = None,
    memory_gb: Positive[float] | None = None,
    threads: Positive[int] = 1,
    cell_memory_gb: Positive[float] | None = None,
) -> Suite:
    """Plans a suite.

    Args:
        plugins: modules or files that every cell loads.
        name: of the suite, for records and messages.
        workdir: everything is written into it.
        suite: registered suite.
        executor: `local`: processes on this machine; `ray`: a Ray cluster.
        ray_address: of the cluster (`auto`, `host:port`); None starts one here.
        cores: that all cells may use together; None for all.
        memory_gb: that all cells may use together, in 10^9 bytes; None for what is free.
        threads: of a cell. Two small models on a thread each are faster than one after the
            other on two, and a number that is fixed makes scores repeatable.
        cell_memory_gb: that a cell takes, in 10^9 bytes; None takes what it took before,
            or an estimate.

    Raises:
        UnknownName: no such suite.
        ValueError: an unknown executor, or a number that is not positive.
    """
    if executor not in EXECUTORS:
        raise ValueError(
            f"no executor {executor!r}; all: {', '.join(EXECUTORS)} (runs.suite.executor)"
        )
    if ray_address is not None and executor != "ray":
        raise ValueError("--ray_address goes with --executor=ray")
    given = {
        "cores": cores,
        "memory_gb": memory_gb,
        "threads": threads,
        "cell_memory_gb": cell_memory_gb,
    }
    for what, number in given.items():
        if number is not None and not number > 0:
            raise ValueError(f"runs.suite.{what} must be positive, got {number}")
    builder = registry.suites.get(suite)
    config.require_bound(f"suites.{suite}", ())
    return Suite(
        name,
        workdir,
        tuple(builder()(workdir)),
        tuple(plugins),
        threads,
        executor,
        ray_address,
        cores,
        None if memory_gb is None else int(memory_gb * GB),
        None if cell_memory_gb is None else int(cell_memory_gb * GB),
    )


def check(suite: Suite) -> dict[str, Checked]:
    """What `suite_check` says of every cell, by its id."""
    with tempfile.TemporaryDirectory(prefix="electra_bench-") as folder:
        question, answers, log, lock = (
            os.path.join(folder, name)
            for name in ("question", "answers", "log", "lock")
        )
        write_json(question, dataclasses.asdict(suite))
        command = (sys.executable, "-m", _CHECK, question, answers)
        ended = guard.run(guard.Order(command, os.getcwd(), {}, log, lock))
        if ended.status:
            raise RuntimeError(
                f"the suite could not be checked: {failure(log, 0, ended.status)}"
            )
        with open(answers, encoding="utf-8") as file:
            return {name: Checked(**known) for name, known in json.load(file).items()}


def configure(
    files: Sequence[str], overrides: Sequence[str], plugins: Sequence[str]
) -> Suite:
    """Parses a suite's configuration.

    Args:
        files: gin files.
        overrides: gin bindings.
        plugins: modules or files to load first.

    Raises:
        ConfigError, FileNotFoundError: something is wrong with it.
    """
    gin.clear_config()
    for plugin in plugins:
        registry.load_plugin(plugin)
    config.parse(files, overrides, _load, registry.load_plugin, KINDS)
    config.require_bound("runs.suite", ("plugins",))
    return gin.get_configurable("runs.suite")(plugins)


def _load(kind: str, name: str) -> None:
    """What a suite's gin file may bind; the rest belongs to the cells."""
    if kind == "suites":
        registry.suites.load(name)
    elif (kind, name) != ("runs", "suite"):
        raise registry.UnknownName(
            f"a suite's gin file binds runs.suite and suites.*, got {kind}.{name}: give "
            "it to the runs, as in suites.grid.finetune = {'"
            f"{kind}.{name}.PARAMETER': VALUE}}"
        )
