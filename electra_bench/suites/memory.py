"""What a cell needs, before it was ever run: a rough upper guess."""

import os
from collections.abc import Callable
from typing import Any

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
