"""What a cell needs: what it took before, or a rough upper guess."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from electra_bench import config, registry
from electra_bench.records.run_folder import model_files
from electra_bench.suites.attempts import Attempts
from electra_bench.suites.cell import Cell
from electra_bench.suites.suite import Suite

# A process with TensorFlow, its graph and its allocator; measured with `tiny`.
BASE_BYTES = 1_200 * 2**20
# Weights, gradients and two slots, four bytes each.
BYTES_PER_PARAMETER = 16
# Activations of a layer for each token and hidden unit, in float32, and of attention for
# each token, token and head: Korthikanti et al. 2022 (arXiv:2205.05198), equation 2, in
# half precision.
BYTES_PER_UNIT = 2 * 34
BYTES_PER_ATTENTION = 2 * 5
# What an attempt took, and some more.
MARGIN = 1.1
# Of a vocabulary whose file is not there yet.
VOCAB_SIZE = 30_522

BASE_SIZES = {
    "hidden_size": 768,
    "num_layers": 12,
    "num_heads": 12,
    "ffn_size": 3072,
    "max_positions": 512,
}


def estimated_bytes(
    value: Callable[[str], Any], verb: str, length: int, vocab: str | None
) -> int:
    """The memory of a training, from the configuration's numbers alone.

    Sizes that the configuration does not state, because they lie beside a checkpoint or the
    model has other parameters, are taken to be those of ELECTRA-Base.

    Args:
        value: the value that the configuration binds to a key; None if it binds none.
        verb: `pretrain` or `finetune`.
        length: tokens of a sequence.
        vocab: vocabulary file.
    """
    model = value(f"runs.{verb}.model") or "electra"
    sizes = {
        name: _number(value(f"models.{model}.{name}"), size)
        for name, size in BASE_SIZES.items()
    }
    hidden, layers = sizes["hidden_size"], sizes["num_layers"]
    embedding = _number(value(f"models.{model}.embedding_size"), hidden)
    rows = vocab_size(vocab) + sizes["max_positions"]
    layer = 4 * hidden**2 + 2 * hidden * sizes["ffn_size"]
    parameters = rows * embedding + embedding * hidden + layers * layer
    tokens = _number(value(f"runs.{verb}.batch_size"), 32) * length
    attention = BYTES_PER_ATTENTION * sizes["num_heads"] * length
    activations = tokens * layers * (BYTES_PER_UNIT * hidden + attention)
    # Pre-training has a generator, too, at most as large.
    encoders = 2 if verb == "pretrain" else 1
    return BASE_BYTES + encoders * (BYTES_PER_PARAMETER * parameters + activations)


def vocab_size(path: str | None) -> int:
    """Tokens of a vocabulary of one token a line."""
    if path is None or not os.path.isfile(path):
        return VOCAB_SIZE
    with open(path, "rb") as file:
        return max(1, file.read().count(b"\n"))


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) else default


def _kind(cell: Cell) -> tuple[str | None, ...]:
    """What cells share that differ in their seeds only."""
    return cell.verb, cell.label, cell.task, cell.workdir


def _measured(suite: Suite) -> dict[tuple[str | None, ...], int]:
    """The most memory that cells of a kind took before."""
    attempts = Attempts(suite.workdir)
    peaks: dict[tuple[str | None, ...], int] = {}
    for cell in suite.cells:
        peak = attempts.peak_bytes(cell.cell_id)
        if peak is not None:
            peaks[_kind(cell)] = max(peak, peaks.get(_kind(cell), 0))
    return peaks


def _estimate(cells: Sequence[Cell], cell: Cell) -> int:
    value = config.read([*_sizes(cells, cell), *cell.files], cell.overrides()).value
    length = value(f"runs.{cell.verb}.max_seq_length")
    if length is None and cell.task in registry.tasks.names():
        length = registry.tasks.get(cell.task).max_seq_length
    return estimated_bytes(value, cell.verb, length, value(f"runs.{cell.verb}.vocab"))


def _sizes(cells: Sequence[Cell], cell: Cell) -> Sequence[str]:
    """Gin files with the sizes of the encoder that a cell starts from."""
    if cell.needs is not None:
        [start] = (other for other in cells if other.cell_id == cell.needs)
        return start.files
    return model_files(cell.bindings.get("INIT"))


def memory_needs(suite: Suite, given: int | None) -> Callable[[Cell], int]:
    """What gives the bytes that a cell may take.

    Args:
        suite: the suite.
        given: bytes of every cell; None takes what another seed of the cell took before,
            or an estimate.
    """
    measured = _measured(suite)

    def bytes_of(cell: Cell) -> int:
        if given is not None:
            return given
        if _kind(cell) in measured:
            return int(MARGIN * measured[_kind(cell)])
        return _estimate(suite.cells, cell)

    return bytes_of
