"""What metrics compare: seqio `postprocess_fn`s, one a task kind.

Each is called as `(value, example=None, is_target=False)`: with `is_target`, `value` is an
example's stored labels or values; otherwise it is what the task kind decoded.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from electra_bench.core.batch import NO_LABEL, UNKNOWN_LABEL
from electra_bench.tasks.groups import folded
from electra_bench.tasks.metrics.chosen_threshold import half_of
from electra_bench.tasks.metrics.squad import Answer

Postprocess = Callable[..., Any]


def class_label(labels: Sequence[str]) -> Postprocess:
    """Class ids to class names; None without a label.

    Args:
        labels: class names in the order of their ids.
    """
    return _of_both(lambda ids: labels[int(ids[0])] if ids.size else None)


def label_names(labels: Sequence[str]) -> Postprocess:
    """0 or 1 for every label to the names of those that a text has; None if not known.

    Args:
        labels: names in the order of their ids.
    """
    return _of_both(
        lambda has: [labels[i] for i in np.flatnonzero(has)] if has.size else None
    )


def scaled_value(smallest: float, largest: float) -> Postprocess:
    """Values of the model's scale to the data's; None without a value.

    Args:
        smallest: value of the data that is 0 on the model's scale.
        largest: value of the data that is 1 on it.
    """

    def scaled(values: np.ndarray) -> float | None:
        if not values.size:
            return None
        return float(values[0]) * (largest - smallest) + smallest

    return _of_both(scaled)


def word_tags(labels: Sequence[str]) -> Postprocess:
    """One tag a word: tag ids at the tokens that begin words, to their names.

    None for a target whose tags nobody has said.

    Args:
        labels: tags in the order of their ids.
    """

    def tags(values: np.ndarray) -> list[str] | None:
        ids = [int(i) for i in values if i != NO_LABEL]
        return None if UNKNOWN_LABEL in ids else [labels[i] for i in ids]

    return _of_both(tags)


def _of_both(convert: Callable[[np.ndarray], Any]) -> Postprocess:
    """Targets and predictions are of one form, numbers, and become what is compared."""

    def postprocess(
        value: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
    ) -> Any:
        return convert(np.ravel(value))

    return postprocess


def answer_texts(
    value: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
) -> str | list[str] | None:
    """seqio `postprocess_fn`: the right answers, or the predicted one.

    Args:
        value: what the task kind chose, (text, odds of no answer); of a target its
            tokens, which do not matter.
        example: the example, of which `answers` is the target.
        is_target: which of the two is asked for.

    Returns:
        A list of texts for a target (None without any), a text for a prediction.
    """
    if not is_target:
        return value[0]
    return _texts(example) or None


def answer_or_none(
    value: Any, example: Mapping[str, Any] | None = None, is_target: bool = False
) -> Answer | list[str] | None:
    """As `answer_texts`, for questions that may have no answer.

    Returns:
        A list of texts for a target, empty where there is no answer (None where that is
        not known); the text and the odds that there is no answer for a prediction, with
        its half by the article of the question, or by the context where that is not known.
    """
    if not is_target:
        text, null_odds = value
        return Answer(text, null_odds, half_of(_subject(example)))
    texts = _texts(example)
    return texts if texts or example["is_impossible"] else None


def _texts(example: Mapping[str, Any]) -> list[str]:
    return list(map(_text, example["answers"]))


def _subject(example: Mapping[str, Any]) -> str:
    """The article that a question is about, or its context: what its group goes by."""
    return _text(example.get("group", "")) or folded(_text(example["context"]))


def _text(value: bytes | str) -> str:
    """seqio's examples hold bytes, those of a store texts."""
    return value.decode() if isinstance(value, bytes) else str(value)
