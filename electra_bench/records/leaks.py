"""What a record says of scored examples that the model has seen before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A score of which more examples than this share were seen is marked.
MARKED = 0.01
# And of which more were seen before training than this share is no ground for a claim.
CONTAMINATED = 0.1


@dataclass(frozen=True)
class TrainingText:
    """Text that a run has trained on.

    Attributes:
        name: registered corpus or task, or a corpus of the run's own.
        split: of it.
        data_sha256: hash of the split's data.
        arguments: how it is found again: of a corpus of the run's own what `add_corpus`
            takes, of a task its `files` and `on_error`.
    """

    name: str
    split: str
    data_sha256: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InTraining:
    """Scored examples that are in the training set of the run that is scored.

    Attributes:
        num_examples: of the scored split.
        exact: all texts are equal, case and white space folded.
        near: further ones whose texts are equal but for forms of characters, or nearly
            equal: a Jaccard index of word 5-grams of at least 0.9.
        shared: further ones of several texts, of which only the longest is in the
            training set: a paragraph with another question.
        not_checked: why that is not known, and the numbers are 0; empty if it is.
        dirty_score: main metric on those that are exact or near; None without such.
        clean_score: main metric on the others.
    """

    num_examples: int
    exact: int = 0
    near: int = 0
    shared: int = 0
    not_checked: str = ""
    dirty_score: float | None = None
    clean_score: float | None = None

    @property
    def is_marked(self) -> bool:
        """Whether so many are in the training set that the score is marked."""
        return self.exact + self.near > MARKED * self.num_examples


@dataclass(frozen=True)
class InPretraining:
    """Scored examples that are in the text which the encoder was trained on before.

    Attributes:
        num_examples: of the scored split.
        dirty: half of whose n-grams of 13 words, or more, are in that text.
        touched: further ones with any such n-gram in it.
        too_short: those that nothing is said of, since they have under 8 words.
        texts: names of the texts that were searched.
        not_checked: why that is not known of some text or all; empty if it is.
        dirty_score: main metric on the dirty examples; None without such.
        clean_score: main metric on the others.
    """

    num_examples: int
    dirty: int = 0
    touched: int = 0
    too_short: int = 0
    texts: tuple[str, ...] = ()
    not_checked: str = ""
    dirty_score: float | None = None
    clean_score: float | None = None

    @property
    def is_marked(self) -> bool:
        """Whether so many are in that text that the score is marked."""
        return self.dirty > MARKED * self.num_examples

    @property
    def is_contaminated(self) -> bool:
        """Whether so many are that the score counts as if it were declared contaminated."""
        return self.dirty > CONTAMINATED * self.num_examples
