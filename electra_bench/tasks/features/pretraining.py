"""Pre-training examples of text."""

import dataclasses
from typing import Literal

from electra_bench.config.roles import Result
from electra_bench.data.examples.builder import ExampleBuilder, check_cut_tokens
from electra_bench.registry import features


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

    cut_tokens: Result[Literal["dropped", "kept"]] = "dropped"

    def __post_init__(self):
        """Checks the value.

        Raises:
            ValueError: it cannot be.
        """
        check_cut_tokens(self.cut_tokens)

    def builder(
        self, max_length: int, cls_id: int, sep_id: int, dtype: type
    ) -> ExampleBuilder:
        """What makes examples of the lines of documents.

        Args:
            max_length: tokens of an example, at most, with [CLS] and [SEP].
            cls_id: id of [CLS].
            sep_id: id of [SEP].
            dtype: NumPy integer type of the ids.
        """
        return ExampleBuilder(max_length, cls_id, sep_id, dtype, self.cut_tokens)
