"""Whether `suite run` would take the record of a cell, as far as can be told at once.

Nothing heavy is loaded. What takes builders and data only `suite_check` compares.
"""

from collections.abc import Callable, Mapping
from typing import Any

from electra_bench import config
from electra_bench.protocols.presets import preset_files
from electra_bench.records import RunRecord
from electra_bench.records.run_folder import ANSWERED, model_files
from electra_bench.runs.identity import Inputs, inputs_of
from electra_bench.runs.lifecycle import Found, find, stored
from electra_bench.runs.spec import overlaid
from electra_bench.suites.cell import Cell
from electra_bench.training.choices import DEFAULTS

# For people, who should know what `done` does not say.
NOT_COMPARED = (
    "data, vocabularies, checkpoints that no cell makes, and unbound parameters"
)


def outdated(cell: Cell, records: Mapping[str, RunRecord]) -> str:
    """Why `suite run` would not take a cell's record; empty if it would.

    Its bindings are compared with those of its run, and what it started from with the
    record of the cell that made it.

    Args:
        cell: the cell.
        records: of the cell, and of those that it waits for.

    Raises:
        FileNotFoundError: one of its gin files is gone.
        ConfigError: one is not gin.
    """
    overrides = cell.overrides(cell.found(records))
    init = config.peek(f"runs.{cell.verb}.init", cell.files, overrides)
    sizes = model_files(init if isinstance(init, str) else None)
    content = {}
    if cell.needs:
        start = records[cell.needs]
        content = {"init": start.checkpoint_sha256, "vocabulary": start.vocab_sha256}
    before = stored(cell.run_dir)
    if before is None:
        return find(cell.run_dir, {}, Inputs({})).reason
    believed = {**before.parameters, **DEFAULTS}.get
    files = [*sizes, *cell.files]
    files += preset_files(files, overrides) if cell.verb == "finetune" else []
    parsed = config.read(files, overrides)
    model = records[cell.cell_id].model or "electra"
    content = {**before.inputs.content, **content}
    found, _ = compared(cell, parsed, content, model, believed)
    return "" if found.state == ANSWERED else found.reason or found.state


def compared(
    cell: Cell,
    parsed: config.Parsed,
    content: Mapping[str, str | None],
    model: str,
    default: Callable[[str], Any],
) -> tuple[Found, str | None]:
    """What lies in a cell's folder, and the hash of the code that would run it.

    Args:
        cell: the cell.
        parsed: its configuration.
        content: names of what it reads to hashes.
        model: registered model.
        default: gives the value of a parameter that is not bound.
    """
    before = stored(cell.run_dir)
    parameters = overlaid(before.parameters if before else {}, parsed, default)
    inputs = inputs_of(cell.verb, parameters, content, [f"models.{model}"])
    found = find(cell.run_dir, parameters, inputs, default)
    return found, next(iter(inputs.code), None)
