"""Runs of a small grid with everything that the pages of a site are about."""

import itertools
import json
from pathlib import Path

import numpy as np
from run_records import run_record, save_predicted

from electra_bench.records import RunRecord, write_record

# Label to (share of right answers, FLOPs of pre-training, size of its generator).
MODELS = {
    "small": (0.8, 1e15, 0.25),
    "wide": (0.7, 2e15, 0.5),
    "<b>mlm</b>": (0.6, 3e15, None),
}
# A model without pre-training, which answers as many rightly.
UNTRAINED, UNTRAINED_SHARE = "untrained", 0.5
SEEDS = range(2)
SIZE = 60
CLASSES = ("no", "maybe", "yes")
CHANGE = {"training.adamw.bias_correction": [False, True]}


def save_site_runs(folder: Path) -> None:
    """Pre-training, fine-tuning on classes and tags, other protocols, half a model."""
    random = np.random.default_rng(1)
    targets = {
        "rte": random.choice(CLASSES, SIZE).tolist(),
        "chunk": [_tags(random) for _ in range(SIZE)],
    }
    for label, (share, flops, size) in MODELS.items():
        parent = f"pretrain-{list(MODELS).index(label)}"
        _save_pretraining(folder / parent, parent, label, flops, size)
        variants = [("code_v1", {}, None)]
        if label == "small":
            variants += [
                ("fixed", {}, None),
                ("code_v1*", CHANGE, None),
                ("code_v1", {}, 0.5),
            ]
        for number, (protocol, changes, fraction) in enumerate(variants):
            for task, seed in itertools.product(targets, SEEDS):
                run_id = f"{parent}-{number}-{task}-{seed}"
                own = share + 0.04 * seed + 0.02 * number
                found = _answers(random, targets[task], own)
                record = run_record(
                    label,
                    task,
                    seed,
                    _score(targets[task], found),
                    run_id=run_id,
                    objective="classification" if task == "rte" else "tagging",
                    protocol=protocol,
                    protocol_changes=changes,
                    pretrain_fraction=fraction,
                    parent_run_id=parent,
                    train_flops=1e12,
                    total_flops=flops + 1e12,
                    collapsed=label == "wide" and seed == 1,
                    result=_result(task, seed, targets[task], found),
                )
                save_predicted(folder / run_id, record, targets[task], found)
    for task, seed in itertools.product(targets, SEEDS):
        found = _answers(random, targets[task], UNTRAINED_SHARE)
        record = run_record(
            UNTRAINED,
            task,
            seed,
            None,
            objective="classification" if task == "rte" else "tagging",
            pretrain_seed=None,
            train_flops=1e12,
            total_flops=1e12,
            result=_result(task, seed, targets[task], found),
        )
        save_predicted(folder / record.run_id, record, targets[task], found)


def _result(task, seed, targets, found):
    metric = _metric(task)
    metrics = {metric: _score(targets, found), "loss": 0.5 + seed}
    return {"metrics": metrics, "main_metric": metric}


def _metric(task):
    return "accuracy" if task == "rte" else "tag_accuracy"


def _tags(random):
    types = random.choice(["NP", "VP"], random.integers(1, 12))
    return [f"B-{kind}" for kind in types]


def _answers(random, targets, share):
    if isinstance(targets[0], str):
        return [t if random.random() < share else "no" for t in targets]
    return [[t if random.random() < share else "O" for t in s] for s in targets]


def _score(targets, found):
    if isinstance(targets[0], str):
        return 100 * float(
            np.mean([t == f for t, f in zip(targets, found, strict=True)])
        )
    pairs = [
        t == f
        for target, answer in zip(targets, found, strict=True)
        for t, f in zip(target, answer, strict=True)
    ]
    return 100 * float(np.mean(pairs))


def _save_pretraining(folder, run_id, label, flops, size):
    folder.mkdir(parents=True)
    objective = "electra" if size else "mlm"
    hparams = {f"objectives.{objective}.generator_hidden_size": size} if size else {}
    record = RunRecord(
        run_id=run_id,
        label=label,
        kind="pretrain",
        status="done",
        objective=objective,
        seed=0,
        hparams=hparams,
        train_flops=flops,
        total_flops=flops,
        wall_s=flops / 1e13,
    )
    write_record(str(folder), record)
    (folder / "config.gin").touch()
    with open(folder / "metrics.jsonl", "w", encoding="utf-8") as file:
        for step in range(1, 5):
            line = {"step": step, "phase": "train", "tokens": 100 * step}
            line["loss"] = 5.0 / step + flops / 1e15
            if size:
                line["disc_auc"] = 0.5 + step / 10
            file.write(json.dumps(line) + "\n")
