"""Is an encoder worth the same to a task here as in Hugging Face's transformers?

    electra-bench checkpoint import FOLDER --output minilm
    electra-bench finetune gin/runs/finetune.gin benchmarks/beside_huggingface.gin \
        --gin.INIT="'minilm'" --gin.TASK="'rte'" --gin.SEED='[0, 1, 2]' --data_dir data
    python benchmarks/beside_huggingface.py write --init minilm --task rte --seed 0 \
        --data data --output batches/rte-s0.npz
    python benchmarks/huggingface_finetuning.py FOLDER batches/rte-s0.npz \
        theirs/rte-s0.npz               (in an environment with torch and transformers)
    python benchmarks/beside_huggingface.py compare runs --theirs theirs

`write` gives away the batches that our fine-tuning trains on, in their order, and the
head's initial values, so both sides differ in nothing but the program and the dropped
units. With `--steps 50 --no-dropout` on their side, and on ours the bindings below,
`losses` shows how far the two trajectories are apart:

    models.electra.dropout=0.0 models.electra.attention_dropout=0.0
    kinds.classification.head_dropout=0.0 training.loop.log_every=1
"""

import argparse
import json
import os
import statistics

import numpy as np

LEARNING_RATE, WARMUP, EPOCHS, BATCH = 1e-4, 0.1, 3.0, 32  # as in the gin file


def main() -> None:
    """Does what the first argument says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    actions = parser.add_subparsers(required=True)
    write = actions.add_parser("write", help="batches and initial values, as .npz")
    write.add_argument("--init", required=True, help="imported model")
    write.add_argument("--task", required=True)
    write.add_argument("--seed", type=int, required=True)
    write.add_argument("--data", required=True, help="folder of the tasks' data")
    write.add_argument("--output", required=True, help="file to write")
    write.set_defaults(run=write_batches)
    both = actions.add_parser("compare", help="scores of both sides, as a table")
    both.add_argument("runs", help="folder of our runs")
    both.add_argument("--theirs", required=True, help="folder of their results")
    both.set_defaults(run=compare)
    losses = actions.add_parser("losses", help="how far the losses are apart")
    losses.add_argument("run_dir", help="our run, with training.loop.log_every = 1")
    losses.add_argument("theirs", help="their result")
    losses.set_defaults(run=compare_losses)
    args = parser.parse_args()
    args.run(args)


def write_batches(args: argparse.Namespace) -> None:
    """Writes what one run trains on, what it is scored on, and its head."""
    from electra_bench import registry
    from electra_bench.core import Variables
    from electra_bench.data import run_context
    from electra_bench.data.examples.batch_plan import Rows
    from electra_bench.data.examples.batches import make_batch
    from electra_bench.tasks.examples import examples
    from electra_bench.training.batches import TrainingBatches
    from electra_bench.vocabularies.load import load_vocabulary

    card = registry.tasks.get(args.task)
    tokens = load_vocabulary(os.path.join(args.init, "vocab.txt"))
    with run_context.use(vocabulary=tokens, data_dir=args.data):
        [train] = examples(args.task, "train", card.max_seq_length)
        [dev] = examples(args.task, card.eval_split, card.max_seq_length)
    batches = TrainingBatches.passes([train], BATCH, EPOCHS, "by_length")
    arrays = {}
    for step, batch in enumerate(batches.dataset(args.seed)(0)):
        arrays |= _arrays(f"train/{step}", batch)
    for part in range(0, len(dev.store), BATCH):
        rows = Rows.of(range(part, min(part + BATCH, len(dev.store))))
        arrays |= _arrays(f"dev/{part // BATCH}", make_batch([dev.store], rows))
    with open(os.path.join(args.init, "record.json"), encoding="utf-8") as file:
        hidden = json.load(file)["hparams"]["models.electra.hidden_size"]
    shape = [hidden, len(card.labels) or 1]
    name = f"task_specific/{args.task}/dense/kernel"
    arrays["kernel"] = Variables(args.seed).glorot_uniform(name, shape).numpy()
    arrays["settings"] = np.array([batches.num_steps, LEARNING_RATE, WARMUP])
    os.makedirs(os.path.dirname(args.output) or ".", exist_ok=True)
    np.savez(args.output, **arrays)
    print(f"{args.output}: {batches.num_steps} batches, {len(rows)} examples to score")


def _arrays(name: str, batch) -> dict[str, np.ndarray]:
    targets = {"values": batch.values, "labels": batch.labels}
    [target] = [value for value in targets.values() if value.shape[1]]
    parts = {
        "input_ids": batch.input_ids,
        "input_mask": batch.input_mask,
        "segment_ids": batch.segment_ids,
        "example_id": batch.example_id,
        "target": target[:, 0],
    }
    return {f"{name}/{key}": np.asarray(value) for key, value in parts.items()}


def compare(args: argparse.Namespace) -> None:
    """Prints medians and ranges over seeds."""
    from scipy.stats import spearmanr
    from sklearn.metrics import accuracy_score, matthews_corrcoef

    from electra_bench.records import find_records, read_record

    score = {
        "accuracy": accuracy_score,
        "mcc": matthews_corrcoef,
        "spearman": lambda target, outputs: spearmanr(target, outputs).statistic,
    }

    ours: dict[str, dict[int, float]] = {}
    metric = {}
    for path in find_records(args.runs):
        record = read_record(path)
        if record.kind == "finetune":
            [result] = record.results
            ours.setdefault(result.task, {})[record.seed] = result.main_score
            metric[result.task] = result.main_metric
    print("| task | metric | here | transformers | seeds |\n|---|---|---|---|---|")
    for task, scores in sorted(ours.items()):
        theirs = {}
        for seed in scores:
            path = os.path.join(args.theirs, f"{task}-s{seed}.npz")
            if os.path.exists(path):
                found = np.load(path)
                value = score[metric[task]](found["target"], found["outputs"])
                theirs[seed] = 100 * float(value)
        seeds = sorted(theirs)
        sides = (_spread([side[s] for s in seeds]) for side in (scores, theirs))
        print(f"| {task} | {metric[task]} | {' | '.join(sides)} | {len(seeds)} |")


def _spread(scores: list[float]) -> str:
    if not scores:
        return "–"
    return f"{statistics.median(scores):.2f} ({min(scores):.2f} to {max(scores):.2f})"


def compare_losses(args: argparse.Namespace) -> None:
    """Prints the largest difference of the losses of the same step."""
    with open(os.path.join(args.run_dir, "metrics.jsonl"), encoding="utf-8") as lines:
        ours = [x["loss"] for x in map(json.loads, lines) if x["phase"] == "train"]
    theirs = np.load(args.theirs)["losses"]
    steps = min(len(ours), len(theirs))
    apart = np.abs(np.array(ours[:steps]) - theirs[:steps])
    print(
        f"{steps} steps, losses {ours[0]:.4f} to {ours[steps - 1]:.4f}: "
        f"at most {apart.max():.2e} apart, on average {apart.mean():.2e}"
    )


if __name__ == "__main__":
    main()
