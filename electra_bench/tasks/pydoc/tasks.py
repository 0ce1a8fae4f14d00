"""Builders of the documentation tasks: from their cards to seqio tasks."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import seqio
import tensorflow as tf

from electra_bench.data import run_context
from electra_bench.data.readers.whole_file_source import WholeFileSource
from electra_bench.records import TaskCard
from electra_bench.system.file_hashes import file_sha256
from electra_bench.tasks import postprocessors
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.features.windows import answer_texts, encode_windows
from electra_bench.tasks.metrics.classification import accuracy
from electra_bench.tasks.metrics.squad import squad_v1
from electra_bench.tasks.metrics.tagging import span_f1, tag_accuracy
from electra_bench.tasks.pydoc.examples import SIZES
from electra_bench.tasks.pydoc.files import pydoc_files
from electra_bench.tasks.registration import add_task

_STRING = tf.TensorSpec([], tf.string)
_STRINGS = tf.TensorSpec([None], tf.string)
_INDEX = {"idx": tf.TensorSpec([], tf.int32), "id": _STRING}


class PydocSource(WholeFileSource):
    """Examples of one documentation task, made of the installed packages on first use."""

    def __init__(self, task: str, features: Mapping[str, tf.TensorSpec]):
        """Makes a source; reads nothing yet.

        Args:
            task: name of the task.
            features: what its examples hold, beside `idx` and `id`.
        """
        super().__init__(splits=tuple(SIZES))
        self._task = task
        self._signature = {**_INDEX, **features}

    def rows(self, split: str) -> tf.data.Dataset:
        """See `WholeFileSource`; of the split, or of the file that the run binds to it."""
        rows = self._lines(split)
        return tf.data.Dataset.from_generator(
            lambda: ({name: row[name] for name in self._signature} for row in rows),
            output_signature=self._signature,
        ).apply(tf.data.experimental.assert_cardinality(len(rows)))

    def data_sha256(self, split: str) -> str:
        """Hash of the split's file, see `fingerprints.data_sha256`."""
        return file_sha256(self._path(split))

    def _lines(self, split: str) -> list[dict[str, Any]]:
        path = self._path(split)
        rows = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise ValueError(
                        f"{path}, line {number}: no JSON: {error}"
                    ) from error
                names = row.keys() if isinstance(row, dict) else ()
                missing = [name for name in self._signature if name not in names]
                if missing:
                    raise ValueError(
                        f"{path}, line {number}: {', '.join(missing)} missing, got "
                        f"{line.strip()[:60]}"
                    )
                rows.append(row)
        return rows

    def _path(self, split: str) -> str:
        return run_context.current().files.get(split) or os.path.join(
            pydoc_files(), f"{self._task}-{split}.jsonl"
        )


def classification(card: TaskCard) -> seqio.Task:
    """Registers `pydoc_library` or `pydoc_pair`.

    Args:
        card: the task's card.
    """
    features = dict.fromkeys(("text_a", "text_b", "label"), _STRING)
    return _add(
        card,
        features,
        [preprocessors.encode_texts, preprocessors.class_labels(card.labels)],
        postprocessors.class_label(card.labels),
        [accuracy],
    )


def code(card: TaskCard) -> seqio.Task:
    """Registers `pydoc_code`.

    Args:
        card: the task's card.
    """
    return _add(
        card,
        {"words": _STRINGS, "tags": _STRINGS},
        [preprocessors.encode_words(card.labels)],
        postprocessors.word_tags(card.labels),
        [span_f1, tag_accuracy],
    )


def qa(card: TaskCard) -> seqio.Task:
    """Registers `pydoc_qa`.

    Args:
        card: the task's card.
    """
    features = {
        "question": _STRING,
        "context": _STRING,
        "answers": _STRINGS,
        "answer_start": tf.TensorSpec([None], tf.int32),
    }
    steps = [_with_answer_end, encode_windows(doc_stride=48)]
    return _add(card, features, steps, answer_texts, [squad_v1])


def _with_answer_end(dataset: tf.data.Dataset) -> tf.data.Dataset:
    def add(example: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        lengths = tf.strings.length(example["answers"], unit="UTF8_CHAR")
        return {
            **example,
            "answer_end": example["answer_start"] + lengths,
            "is_impossible": tf.constant(0),
        }

    return dataset.map(add)


def _add(
    card: TaskCard,
    features: Mapping[str, tf.TensorSpec],
    steps: Sequence[Callable[..., tf.data.Dataset]],
    postprocess_fn: postprocessors.Postprocess,
    metric_fns: Sequence[Callable[[list, list], Mapping[str, Any]]],
) -> seqio.Task:
    return add_task(
        card,
        PydocSource(card.name, features),
        [*steps, preprocessors.complete],
        postprocess_fn,
        metric_fns,
    )
