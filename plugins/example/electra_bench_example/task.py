"""The task: as many docstrings of classes as of functions, a tenth of the modules apart."""

import ast
import sysconfig
from pathlib import Path

import seqio
import tensorflow as tf

from electra_bench.records import TaskCard
from electra_bench.tasks import metrics, postprocessors, preprocessors
from electra_bench.tasks.registration import add_task

KINDS = {ast.ClassDef: "class", ast.FunctionDef: "function"}
SIGNATURE = {
    "idx": tf.TensorSpec([], tf.int32),
    "id": tf.TensorSpec([], tf.string),
    "text_a": tf.TensorSpec([], tf.string),
    "text_b": tf.TensorSpec([], tf.string),
    "label": tf.TensorSpec([], tf.string),
}


def docstrings(split: str) -> list[tuple[str, str, str]]:
    """(id, text, kind) of a split; every tenth module is in dev."""
    found = {"class": [], "function": []}
    for number, path in enumerate(
        sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    ):
        if (number % 10 == 0) != (split == "dev"):
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            kind = KINDS.get(type(node))
            text = ast.get_docstring(node) if kind else None
            if text:
                found[kind].append((f"{path.stem}:{node.lineno}", text, kind))
    size = min(map(len, found.values()))
    return [row for pair in zip(*found.values(), strict=False) for row in pair][
        : 2 * size
    ]


def rows(split: str, shuffle_files: bool = False, seed: int | None = None):
    """The dataset of a split, in a fixed order."""
    del shuffle_files, seed

    def generate():
        for number, (name, text, kind) in enumerate(docstrings(split)):
            row = {"idx": number, "id": name, "text_a": text, "text_b": ""}
            yield {**row, "label": kind}

    return tf.data.Dataset.from_generator(generate, output_signature=SIGNATURE)


def add(card: TaskCard) -> None:
    """Registers the task."""
    add_task(
        card,
        source=seqio.FunctionDataSource(rows, splits=("train", "dev")),
        preprocessors=[
            preprocessors.encode_texts,
            preprocessors.class_labels(card.labels),
            preprocessors.complete,
        ],
        postprocess_fn=postprocessors.class_label(card.labels),
        metric_fns=[metrics.accuracy],
    )
