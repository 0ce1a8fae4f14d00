"""What every layer above shares: batches, loss terms, seeds, variables, protocols.

Dimension glossary, the only words used in shape comments: `batch` (rows on one replica),
`global_batch` (rows over all replicas), `seq` (tokens), `preds` (masked positions),
`hidden`, `embed`, `ffn`, `heads`, `head_dim`, `vocab`, `classes`, `layers`.

What an encoder, an objective, a task kind, an optimizer or a schedule has to have stands in
`protocols.py`, what it may have in `optional.py`.
"""

from electra_bench.core.batch import Batch
from electra_bench.core.loss_term import LossTerm, LossTerms, measured
from electra_bench.core.protocols import (
    Direction,
    Embeddings,
    Encoder,
    EncoderFactory,
    EncoderOutput,
    Gradient,
    Objective,
    Optimizer,
    PretrainingObjective,
    Schedule,
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
    "LossTerms",
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
