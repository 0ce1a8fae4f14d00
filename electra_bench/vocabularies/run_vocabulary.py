"""The vocabulary of the run, as registered tasks carry it."""

from collections.abc import Iterable, Sequence
from typing import Any

import seqio
import tensorflow as tf

from electra_bench.data import run_context


def run_vocabulary() -> Any:
    """The run's vocabulary now: ask when a dataset is built, not when a row is made.

    Raises:
        ValueError: the run has none.
    """
    vocabulary = run_context.current().vocabulary
    if vocabulary is None:
        raise ValueError(
            "a task's features need a vocabulary, and the run has no vocabulary: set "
            "VOCAB, or use electra_bench.data.run_context.use(vocabulary=...)"
        )
    return vocabulary


class RunVocabulary(seqio.Vocabulary):
    """The vocabulary of the run, looked up when it is used.

    seqio binds vocabularies when a task is registered; registered tasks carry this one,
    so that they serve any vocabulary. All of them are equal. In a tf.data pipeline the
    look-up happens when the pipeline is built.
    """

    def __getattr__(self, name: str) -> Any:
        """What `FileVocabulary` has beside the members of seqio's class."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(run_vocabulary(), name)

    @property
    def eos_id(self) -> None:
        """None: see `FileVocabulary.eos_id`."""
        return None

    @property
    def pad_id(self) -> int:
        """The id of [PAD]."""
        return run_vocabulary().pad_id

    @property
    def unk_id(self) -> int:
        """The id of [UNK]."""
        return run_vocabulary().unk_id

    @property
    def _base_vocab_size(self) -> int:
        return run_vocabulary().vocab_size

    def _encode(self, s: str) -> Sequence[int]:
        return run_vocabulary().encode(s)

    def _decode(self, ids: Iterable[int]) -> str:
        return run_vocabulary().decode(ids)

    def _encode_tf(self, s: tf.Tensor) -> tf.Tensor:
        return run_vocabulary().encode_tf(s)

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        return run_vocabulary().decode_tf(ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunVocabulary)

    def __hash__(self) -> int:
        return hash(RunVocabulary)

    def __repr__(self) -> str:
        return "RunVocabulary()"
