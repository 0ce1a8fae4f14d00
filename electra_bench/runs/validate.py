"""`electra-bench validate`: everything but the training."""

import collections
from collections.abc import Sequence

import numpy as np

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.records import TaskCard
from electra_bench.runs import building
from electra_bench.runs.launch import launch, parse
from electra_bench.tasks.examples import examples


def validate_config(
    files: Sequence[str], overrides: Sequence[str], plugins: Sequence[str]
) -> list[str]:
    """Parses a configuration, builds what it names and the loss of two examples.

    Returns:
        Lines that say what is in order.

    Raises:
        ValueError: the files configure no root, or more than one.
    """
    parsed = parse(files, overrides, plugins)
    roots = {
        binding.selector.removeprefix("runs.")
        for binding in parsed.bindings
        # Protocol files bind parameters of several roots; a run file names the folder.
        if binding.selector.startswith("runs.") and binding.parameter == "workdir"
    }
    if len(roots) != 1 or not roots <= {"pretrain", "finetune"}:
        raise ValueError(
            f"the files must configure one of runs.pretrain and runs.finetune, "
            f"got {sorted(roots)}"
        )
    [root] = roots
    launch(root, files, overrides, plugins, dry_run=True)
    return [f"valid: {root}, {len(parsed.bindings)} bindings"]


def validate_task(
    name: str, overrides: Sequence[str], plugins: Sequence[str]
) -> list[str]:
    """Reads and encodes every split of a task that the data has.

    Returns:
        Lines with counts, lengths, truncation and labels of every split.

    Raises:
        FileNotFoundError: there is no data for the training or evaluation split.
    """
    parsed = parse(["runs/finetune.gin"], [f"TASK = {name!r}", *overrides], plugins)
    card: TaskCard = registry.tasks.get(name)
    tokens = building.open_vocabulary(
        None, building.find_vocabulary(parsed.value("VOCAB"), None)
    )
    lines = [f"{name} version {card.version}, {card.kind}: {card.summary}"]
    with run_context.use(
        vocabulary=tokens,
        data_dir=parsed.value("DATA_DIR") or run_context.current().data_dir,
        files=parsed.value("FILES") or {},
    ):
        for split in dict.fromkeys((card.train_split, card.eval_split)):
            [part] = examples(name, split, card.max_seq_length)
            lines += _describe(card, split, part.store)
    return lines


def _describe(card: TaskCard, split: str, store) -> list[str]:
    lengths = store.lengths("input_ids")
    published = card.splits.get(split)
    lines = [
        f"{split}: {len(store)} examples"
        + (f" (published: {published})" if published else "")
        + f"; tokens: median {np.median(lengths):.0f}, longest {lengths.max()}, "
        f"{100 * np.mean(lengths == card.max_seq_length):.1f} % at the limit of "
        f"{card.max_seq_length}"
    ]
    if card.kind == "classification":
        counts = collections.Counter(
            int(store.row("labels", i)[0]) for i in range(len(store))
        )
        balance = ", ".join(
            f"{label} {counts[i]}" for i, label in enumerate(card.labels)
        )
        lines.append(f"  labels: {balance}")
    return lines
