"""Looks for scored examples in all that a model has seen, in training or before it."""

import functools
from collections.abc import Sequence

from electra_bench.records.leaks import InPretraining, InTraining, TrainingText
from electra_bench.tasks.leaks.example_texts import ExampleTexts
from electra_bench.tasks.leaks.in_text import Overlap, overlaps, union
from electra_bench.tasks.leaks.in_training import repeats
from electra_bench.tasks.leaks.kept import Split
from electra_bench.tasks.leaks.known_splits import known_splits
from electra_bench.tasks.leaks.leaks import Leaks
from electra_bench.tasks.leaks.training_text import TextGone

_UNKNOWN_TEXT = "nothing is known of the text that it was trained on"


def not_looked_up(size: int, why: str) -> Leaks:
    """The leaks of a split of so many examples that nobody has looked for."""
    return Leaks(
        InTraining(size, not_checked=why), InPretraining(size, not_checked=why)
    )


def find_leaks(
    scored: Sequence[tuple[Split, int]],
    trained: Sequence[Split] | str,
    before: Sequence[TrainingText] | None,
) -> dict[tuple[str, str], Leaks]:
    """Looks for the examples of scored splits in all that a model has seen.

    Args:
        scored: the splits, and how many examples each has.
        trained: what the run is trained on, or why that is not known.
        before: what its encoder was trained on before; None if that is not known.

    Returns:
        Task and split to what was found.
    """
    splits = [split for split, _ in scored]

    @functools.cache
    def train_texts() -> list[ExampleTexts]:
        """Read once for all splits, and only if one is not known yet."""
        return [] if isinstance(trained, str) else [one.texts() for one in trained]

    texts = {(text.name, text.split, text.data_sha256): text for text in before or ()}
    found = [(text.name, _in_text(text, splits)) for text in texts.values()]
    leaks = {}
    for number, (split, size) in enumerate(scored):
        in_training, of_task = InTraining(size), None
        if isinstance(trained, str):
            in_training = InTraining(size, not_checked=trained)
        elif trained:
            of_task = repeats(split, trained, train_texts)
            counts = (len(of_task.exact), len(of_task.near), len(of_task.shared))
            in_training = InTraining(size, *counts)
        of_texts = [(name, parts[number]) for name, parts in found]
        known = [(n, one) for n, one in of_texts if isinstance(one, Overlap)]
        missing = [why for _, why in of_texts if isinstance(why, str)]
        missing += [_UNKNOWN_TEXT] if before is None else []
        whole = union([one for _, one in known]) if known else None
        in_pretraining = InPretraining(
            size,
            dirty=len(whole.dirty) if whole else 0,
            touched=len(whole.found) - len(whole.dirty) if whole else 0,
            too_short=len(whole.too_short) if whole else 0,
            texts=tuple(name for name, _ in known),
            not_checked="; ".join(missing),
        )
        key = split.task, split.split
        leaks[key] = Leaks(in_training, in_pretraining, of_task, whole)
    return leaks


def _in_text(text: TrainingText, splits: Sequence[Split]) -> list[Overlap | str]:
    """What of each split is in a text, or why that is not known."""
    try:
        return [*overlaps(text, splits)]
    except TextGone as error:
        if len(splits) == 1:
            return [str(error)]
        # Some of them may be known.
        return [one for split in splits for one in _in_text(text, [split])]


def look_up_known(texts: Sequence[TrainingText], processes: int | None = None) -> None:
    """Looks all splits that models will be scored on up in texts, for later runs.

    What is found is kept, so that it is known where the text is gone by then. Splits whose
    files come later are looked up when they are first scored.

    Args:
        texts: that a run is about to train on.
        processes: that read them; None for one a core.
    """
    splits = list(known_splits())
    for text in texts if splits else ():
        try:
            of_text = overlaps(text, splits, processes)
        except Exception as error:  # files that this run does not need may be broken
            print(f"not looked up for scored examples: {error}", flush=True)
            continue
        seen = [
            f"{len(one.dirty):,} of {one.num_examples:,} of {split.task} {split.split}"
            for split, one in zip(splits, of_text, strict=True)
            if one.dirty
        ]
        print(
            f"{text.name}: {len(splits)} scored splits were looked up in it; in it are "
            f"{', '.join(seen) or 'none of their examples'}",
            flush=True,
        )
