"""What a reader of a score must know of the pre-training behind it."""

from collections.abc import Sequence

from electra_bench.records import TaskCard
from electra_bench.runs.pretrained import Pretrained
from electra_bench.tasks.examples import TaskExamples


def score_marks(
    pretrained: Pretrained, card: TaskCard, parts: Sequence[TaskExamples]
) -> dict[str, str]:
    """Marks for `TaskResult.marks`.

    Args:
        pretrained: what the scored model started from.
        card: of the task.
        parts: its examples, those to train on and those to score.

    Returns:
        "contaminated": pre-training has seen the task or its source; "unseen positions":
        there are longer examples than any in pre-training; "rows skipped": the data had
        rows that could not be used. Each with the whole of it.
    """
    stores = [part.store for part in parts]
    marks = {}
    known = pretrained.of_record("contaminated") or {}
    if card.name in known:
        marks["contaminated"] = known[card.name]
    seen = pretrained.of_record("positions_seen")
    if seen is not None:
        longer = sum(int((s.lengths("input_ids") > seen).sum()) for s in stores)
        if longer:
            marks["unseen positions"] = (
                f"{longer} of {sum(map(len, stores))} examples are longer than the "
                f"{seen} tokens of the longest sequence in pre-training"
            )
    skipped = sum(part.num_skipped for part in parts)
    if skipped:
        reasons = [reason for part in parts for reason in part.reasons]
        marks["rows skipped"] = (
            f"{skipped}, the first of them: {'; '.join(reasons[:3])}"
        )
    return marks
