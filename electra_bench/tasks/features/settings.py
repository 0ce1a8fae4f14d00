"""How words and contexts become tokens: what gin binds as `features.<name>.<parameter>`.

Preprocessors ask for these when a dataset is built, and the cache of encoded examples has
those that it depends on in its key.
"""

import dataclasses
from typing import Any, Literal

from electra_bench.data.examples.builder import check_cut_tokens
from electra_bench.registry import features


@features.register("words")
@dataclasses.dataclass(frozen=True)
class Words:
    """Tagged words.

    Attributes:
        segment_id: segment of every token; the original has 1.
        limit: what the length limit counts: "tokens", or "tokens_and_words", those of the
            sentence so far and on top all its words, as the original does, which so cuts
            long sentences early.
        lower_case: whether words are lower-cased and lose their accents whatever the
            vocabulary says, as in the original.

    Source: google-research/electra finetune/tagging/tagging_tasks.py, `featurize`,
    `tokenize_and_align`.
    """

    segment_id: int = 0
    limit: Literal["tokens", "tokens_and_words"] = "tokens"
    lower_case: bool = False

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: one cannot be.
        """
        limits = ("tokens", "tokens_and_words")
        if self.segment_id not in (0, 1) or self.limit not in limits:
            raise ValueError(
                f"features.words: segment_id must be 0 or 1 and limit one of {limits}, got "
                f"{self.segment_id!r} and {self.limit!r}"
            )


@features.register("windows")
@dataclasses.dataclass(frozen=True)
class Windows:
    """Windows of a context.

    Attributes:
        doc_stride: tokens between the beginnings of two windows; windows that hold no
            more than that do not overlap. A task may have its own.
        max_query_length: tokens of a question at most.

    Source: google-research/electra configure_finetuning.py.
    """

    doc_stride: int = 128
    max_query_length: int = 64

    def __post_init__(self):
        """Checks the values.

        Raises:
            ValueError: one is below 1.
        """
        if min(self.doc_stride, self.max_query_length) < 1:
            raise ValueError(f"features.windows: {self} must be at least 1")


@features.register("pretraining")
@dataclasses.dataclass(frozen=True)
class Pretraining:
    """Pre-training examples of text.

    Attributes:
        cut_tokens: what becomes of the tokens of a line that do not fit into an example:
            "dropped", as in the original, or "kept": the document's next example begins
            with them.

    Source: google-research/electra build_pretraining_dataset.py, `_create_example`.
    """

    cut_tokens: Literal["dropped", "kept"] = "dropped"

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: it cannot be.
        """
        check_cut_tokens(self.cut_tokens)


def words() -> Words:
    """The settings that hold now."""
    return features.get("words")()


def windows() -> Windows:
    """The settings that hold now."""
    return features.get("windows")()


def pretraining() -> Pretraining:
    """The settings that hold now."""
    return features.get("pretraining")()


def current() -> dict[str, Any]:
    """All settings of labelled tasks that hold now, as JSON values."""
    return {
        name: dataclasses.asdict(f())
        for name, f in (("words", words), ("windows", windows))
    }
