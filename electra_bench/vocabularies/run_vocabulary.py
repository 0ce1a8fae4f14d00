"""The vocabulary of the run, as registered tasks carry it."""

from collections.abc import Iterable, Sequence
from typing import Any

import seqio
import tensorflow as tf

from electra_bench.data import run_context


class RunVocabulary(seqio.Vocabulary):
    """The vocabulary of the run, looked up when it is used.

    seqio binds vocabularies when a task is registered; registered tasks carry this one,
    so that they serve any vocabulary. All of them are equal. In a tf.data pipeline the
    look-up happens when the pipeline is built.
    """

    @property
    def current(self) -> Any:
        """The run's vocabulary.

        Raises:
            ValueError: the run has none.
        """
        vocabulary = run_context.current().vocabulary
        if vocabulary is None:
            raise ValueError(
                "the run has no vocabulary: use it within "
                "electra_bench.data.run_context.use(vocabulary=...)"
            )
        return vocabulary

    def __getattr__(self, name: str) -> Any:
        """What `FileVocabulary` has beside the members of seqio's class."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.current, name)

    @property
    def eos_id(self) -> None:
        """None: see `FileVocabulary.eos_id`."""
        return None

    @property
    def pad_id(self) -> int:
        """The id of [PAD]."""
        return self.current.pad_id

    @property
    def unk_id(self) -> int:
        """The id of [UNK]."""
        return self.current.unk_id

    @property
    def _base_vocab_size(self) -> int:
        return self.current.vocab_size

    def _encode(self, s: str) -> Sequence[int]:
        return self.current.encode(s)

    def _decode(self, ids: Iterable[int]) -> str:
        return self.current.decode(ids)

    def _encode_tf(self, s: tf.Tensor) -> tf.Tensor:
        return self.current.encode_tf(s)

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        return self.current.decode_tf(ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunVocabulary)

    def __hash__(self) -> int:
        return hash(RunVocabulary)

    def __repr__(self) -> str:
        return "RunVocabulary()"
