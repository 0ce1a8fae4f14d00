"""Speed of fine-tuning by how batches are composed, in turn in one process.

    python benchmarks/compositions.py gin/models/small.gin --task cola --vocab vocab.txt \
        --data data

prints one line of JSON a composition: examples a second of the clock and of the processor,
seconds of both an update, and the share of padding. Compositions take turns, `--steps`
updates each, so other work on the machine slows all of them down; the first turn, which
builds the graphs, is left out.
"""

import argparse
import json
import statistics
import time
from collections import defaultdict

import tensorflow as tf


def main() -> None:
    """Trains from random values and prints the lines."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", help="gin files after runs/finetune.gin")
    parser.add_argument("--task", required=True)
    parser.add_argument("--vocab", required=True, help="vocab.txt")
    parser.add_argument("--data", required=True, help="folder of the tasks' data")
    parser.add_argument("--steps", type=int, default=10, help="updates in a turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--gin_param", action="append", default=[])
    args = parser.parse_args()
    built, compositions = prepared(args)
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    padding = {}
    for turn in range(args.turns + 1):
        for name, batches in compositions.items():
            begun = time.monotonic(), time.process_time()
            logged = trained(built[name], batches, turn * args.steps, args.steps)
            ended = time.monotonic(), time.process_time()
            if turn:
                spent = (b - a for a, b in zip(begun, ended, strict=True))
                found[name].append(tuple(s / args.steps for s in spent))
                padding.setdefault(name, []).append(logged)
    for name, turns in found.items():
        clock, processor = (
            statistics.median(column) for column in zip(*turns, strict=True)
        )
        tokens, positions = (sum(column) for column in zip(*padding[name], strict=True))
        line = {
            "task": args.task,
            "composition": name,
            "seconds": round(clock, 4),
            "processor_seconds": round(processor, 4),
            "examples_per_s": round(compositions[name].batch_size / clock, 1),
            "examples_per_processor_s": round(
                compositions[name].batch_size / processor, 1
            ),
            "padding_share": round(1 - tokens / positions, 3),
        }
        print(json.dumps(line), flush=True)


def prepared(args: argparse.Namespace):
    """Of every composition the compiled update, and its batches."""
    from electra_bench import registry
    from electra_bench.data import run_context
    from electra_bench.runs.launch import configure
    from electra_bench.tasks.examples import examples
    from electra_bench.training.batches import COMPOSITIONS, TrainingBatches
    from electra_bench.training.build import (
        build_training,
        prepare,
        strategy_for,
        task_objective,
    )
    from electra_bench.training.step import TrainingStep
    from electra_bench.vocabularies.load import load_vocabulary

    bindings = [
        f"TASK = {args.task!r}",
        f"VOCAB = {args.vocab!r}",
        "WORKDIR = 'unused'",
        "LABEL = 'speed'",
        *args.gin_param,
    ]
    configure("finetune", ["gin/runs/finetune.gin", *args.files], bindings)
    prepare()
    card = registry.tasks.get(args.task)
    vocabulary = load_vocabulary(args.vocab)
    with run_context.use(vocabulary=vocabulary, data_dir=args.data):
        parts = examples(args.task, "train", card.max_seq_length)
    compositions = {
        name: TrainingBatches.passes(parts, 32, 100.0, name) for name in COMPOSITIONS
    }
    training = build_training(
        strategy_for(32),
        lambda variables: task_objective([card], "electra", variables, vocabulary),
        lambda built: (1000, None),
    )
    [stage] = training.stages
    step = TrainingStep(training.strategy, 1, training.loop.compiles, None)

    def update(batch, number, seed):
        return step.update(stage, batch, number, seed)

    number = tf.TensorSpec([], tf.int32)
    built = {
        name: tf.function(
            update,
            [batches.dataset(0)(0).element_spec, number, number],
            autograph=False,
        )
        for name, batches in compositions.items()
    }
    return built, compositions


def trained(update, batches, first: int, count: int) -> tuple[float, float]:
    """Tokens of some updates, without and with padding."""
    tokens = positions = 0.0
    seed = tf.constant(0)
    for number, batch in zip(range(count), batches.dataset(0)(first), strict=False):
        logged = update(batch, tf.constant(first + number), seed)
        tokens += float(logged["tokens"])
        positions += float(logged["positions"])
    return tokens, positions


if __name__ == "__main__":
    main()
