"""From gin files and overrides to a running root."""

import ast
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gin
import numpy as np

from electra_bench import config, registry
from electra_bench.protocols.presets import preset_files
from electra_bench.records import run_folder
from electra_bench.registry.parameters import KINDS, load
from electra_bench.runs.session import Session, check_flags
from electra_bench.tasks.from_files.registration import register_file_tasks
from electra_bench.training.choices import check_bindings


def parse(
    files: Sequence[str], overrides: Sequence[str], plugins: Sequence[str] = ()
) -> config.Parsed:
    """Parses a configuration into gin, dropping any earlier one.

    Raises:
        ConfigError, FileNotFoundError: something is wrong with it.
    """
    gin.clear_config()
    for plugin in plugins:
        registry.load_plugin(plugin)
    parsed = config.parse(files, overrides, load, registry.load_plugin, KINDS)
    check_bindings(parsed)
    return parsed


def model_files(root: str, files: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """The file with the sizes of the model that a run starts from.

    All other files override it. Empty if there is none.
    """
    init = config.peek(f"runs.{root}.init", files, overrides)
    if root not in ("finetune", "pretrain") or not isinstance(init, str):
        return []
    return run_folder.model_files(run_folder.find_run(init))


def configure(
    root: str,
    files: Sequence[str],
    overrides: Sequence[str],
    plugins: Sequence[str] = (),
) -> config.Parsed:
    """Parses the configuration of a root into gin and registers what it describes.

    Read are, in this order, the sizes of the model that it starts from, the files, and the
    preset for these sizes.

    Args:
        root: one of `ROOTS`.
        files: gin files.
        overrides: gin bindings.
        plugins: modules or files to load first.

    Raises:
        ConfigError, FileNotFoundError: something is wrong with it.
    """
    load("runs", root)
    files = [*model_files(root, files, overrides), *files]
    files += preset_files(files, overrides) if root == "finetune" else []
    parsed = parse(files, overrides, plugins)
    config.require_bound(f"runs.{root}", ("session",))
    register_file_tasks(
        parsed,
        parsed.value(f"runs.{root}.task"),
        data_dir=parsed.value(f"runs.{root}.data_dir"),
        files=parsed.value(f"runs.{root}.files"),
        on_error=parsed.value(f"runs.{root}.on_error"),
        max_skipped=parsed.value(f"runs.{root}.max_skipped"),
    )
    return parsed


def launch(
    root: str,
    files: Sequence[str],
    overrides: Sequence[str] | Mapping[str, Any] = (),
    plugins: Sequence[str] = (),
    *,
    on_start: Callable[[], None] = lambda: None,
    **flags: Any,
) -> Any:
    """Parses a configuration and runs a root with it; no binding is left behind.

    Args:
        root: one of `ROOTS`.
        files: gin files.
        overrides: gin bindings, or keys and macros to their values.
        plugins: modules or files to load first.
        on_start: called once everything was found in order, before the first update.
        **flags: `dry_run`, `overwrite`, `accept_code`, `suite`, `cell_id`, see `Session`.

    Returns:
        What the root returns: records.
    """
    check_flags(**flags)
    if isinstance(overrides, Mapping):
        overrides = [f"{key} = {_literal(key, v)}" for key, v in overrides.items()]
    try:
        parsed = configure(root, files, overrides, plugins)
        session = Session(root, parsed, tuple(plugins), begin=on_start, **flags)
        return gin.get_configurable(f"runs.{root}")(session)
    finally:
        gin.clear_config()


def _literal(key: str, value: Any) -> str:
    """How gin spells a value.

    Raises:
        TypeError: gin has no literal of it.
    """
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    elif isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    try:
        ast.literal_eval(repr(value))
    except (ValueError, SyntaxError) as error:
        raise TypeError(
            f"{key} takes numbers, strings, lists and dicts of them, got {value!r}"
        ) from error
    return repr(value)
