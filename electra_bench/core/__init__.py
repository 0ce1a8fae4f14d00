"""What every layer above shares: batches, loss terms, seeds, variables, protocols.

Dimension glossary, the only words used in shape comments: `batch` (rows on one replica),
`global_batch` (rows over all replicas), `seq` (tokens), `preds` (masked positions),
`hidden`, `embed`, `ffn`, `heads`, `head_dim`, `vocab`, `classes`, `layers`.

What an encoder, an objective or a task kind has to have stands in `protocols.py`, what it
may have in `optional.py`, what an optimizer and a schedule are in `optimization.py`.
"""

from electra_bench.core.batch import Batch
from electra_bench.core.loss_term import LossTerm, measured
from electra_bench.core.optimization import Gradient, Optimizer, Schedule
from electra_bench.core.protocols import (
    Direction,
    Embeddings,
    Encoder,
    EncoderFactory,
    EncoderOutput,
    Objective,
    PretrainingObjective,
    SpecialIds,
    Stage,
    TaskKind,
)
from electra_bench.core.random import Seed
from electra_bench.core.variables import Variables

__all__ = [
    "Batch",
    "Direction",
    "Embeddings",
    "Encoder",
    "EncoderFactory",
    "EncoderOutput",
    "Gradient",
    "LossTerm",
    "Objective",
    "Optimizer",
    "PretrainingObjective",
    "Schedule",
    "Seed",
    "SpecialIds",
    "Stage",
    "TaskKind",
    "Variables",
    "measured",
]
