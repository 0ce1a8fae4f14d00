"""What a reader of a score must know of the pre-training behind it."""

from collections.abc import Sequence

from electra_bench.data.example_store import ExampleStore
from electra_bench.records import TaskCard
from electra_bench.runs.pretrained import Pretrained


def score_marks(
    pretrained: Pretrained, card: TaskCard, stores: Sequence[ExampleStore]
) -> dict[str, str]:
    """Marks for `TaskResult.marks`.

    Args:
        pretrained: what the scored model started from.
        card: of the task.
        stores: its encoded examples, those to train on and those to score.

    Returns:
        "contaminated": pre-training has seen the task or its source; "unseen positions":
        there are longer examples than any in pre-training. Each with the whole of it.
    """
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
    return marks
