"""Labelled examples as a seqio source: what a reader finds in the file of a split."""

import abc
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import seqio
import tensorflow as tf

# The feature that names what an example belongs to, where the data tell.
GROUP = "group"


class TextExample(NamedTuple):
    """A text or a pair of texts.

    Attributes:
        idx: number of its row in the file, not counting the header.
        text_a: the text, or the first of two.
        text_b: the second text; empty if there is one only.
        label: the label as it is written, of several as `written_labels` has them; empty
            without one.
        id: names it in predictions; empty for its number.
        group: what it belongs to; empty if the data do not tell.
    """

    idx: int
    text_a: str
    text_b: str
    label: str
    id: str = ""
    group: str = ""


class Sentence(NamedTuple):
    """One sentence of tagged words.

    Attributes:
        number: of the sentence in its file, from 0; those that are left out count.
        words: in their order.
        tags: of every word; those of spans in BIOES. Empty strings if the file has none.
        id: names it in predictions; empty for its number.
        group: its document; empty if the data do not tell.
    """

    number: int
    words: tuple[str, ...]
    tags: tuple[str, ...]
    id: str = ""
    group: str = ""


Numbered = TypeVar("Numbered", TextExample, Sentence)


class Question(NamedTuple):
    """One question about a context.

    Attributes:
        id: as the file has it.
        question: its text.
        context: where the answer stands.
        answers: all right answers; empty if there is none, or if they are not given.
        span: first character of the answer that is trained on, and the one after its
            last; None without one.
        is_impossible: whether the context holds no answer.
        group: the article that its context is of; empty if the data do not tell.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    span: tuple[int, int] | None
    is_impossible: bool
    group: str = ""


def written_labels(names: Iterable[str]) -> str:
    """Any number of labels as the `label` of one example, each once."""
    return json.dumps(sorted(set(names)), ensure_ascii=False)


def read_labels(written: str) -> list[str] | None:
    """The names that `written_labels` was given; None where they are not known."""
    return json.loads(written) if written else None


def numbered_on(files: Iterable[Sequence[Numbered]]) -> list[Numbered]:
    """The examples of several files, numbered as if they were one.

    Args:
        files: their examples, whose numbers rise.
    """
    joined: list[Numbered] = []
    for examples in files:
        # What was left out at the end of a file gives no gap.
        start = joined[-1][0] + 1 if joined else 0
        for example in examples:
            changed: dict[str, Any] = {example._fields[0]: start + example[0]}
            joined.append(example._replace(**changed))
    return joined


LabelledExamples = Sequence[TextExample] | Sequence[Sentence] | Sequence[Question]


class LabelledSource(seqio.DataSource):
    """A task's splits, each read whole when a dataset is built.

    Attributes:
        makes_examples: whether examples are made when they are first read, which takes
            long, and not found in files.
    """

    makes_examples = False

    @abc.abstractmethod
    def examples(self, split: str) -> LabelledExamples:
        """All examples of a split in the order of its file, at least one.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: something is wrong in it; says where.
        """

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """Yes: rows are dealt out one by one."""
        return True

    def list_shards(self, split: str) -> Sequence[str]:
        """One shard a split."""
        return [split]

    def num_input_examples(self, split: str) -> int:
        """Number of examples; reads the file."""
        return len(self.examples(split))

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        **_unused: object,
    ) -> tf.data.Dataset:
        """All examples of a split, see `labelled_dataset` and `seqio.DataSource`."""
        dataset = labelled_dataset(self.examples(split))
        if shard_info and shard_info.num_shards > 1:
            dataset = dataset.shard(shard_info.num_shards, shard_info.index)
        if not shuffle:
            return dataset
        return dataset.shuffle(max(1, int(dataset.cardinality())), seed=seed)


def labelled_dataset(examples: LabelledExamples) -> tf.data.Dataset:
    """Examples of one class, at least one, as a dataset with `idx` int32 and strings.

    All have `id`, and `group` if the data tell it of any; it is empty of others. Texts have
    `text_a`, `text_b` and `label` (the last two empty where there is none); sentences
    `words` and `tags`, strings [words]; questions `question`, `context`; `answers`, strings
    [answers]; `answer_start` and `answer_end`, int32 [1], of the answer that is trained on,
    or [0]; `is_impossible` int32.
    """
    if isinstance(examples[0], Question):
        return _question_dataset(examples)
    rows: dict[str, Any] = {
        "idx": tf.constant([example[0] for example in examples], tf.int32),
        "id": tf.constant([example.id or str(example[0]) for example in examples]),
        **_groups(examples),
    }
    if isinstance(examples[0], Sentence):
        for name in ("words", "tags"):
            rows[name] = ragged([getattr(x, name) for x in examples], tf.string)
        return tf.data.Dataset.from_tensor_slices(rows).map(dense)
    for name in ("text_a", "text_b", "label"):
        rows[name] = tf.constant([getattr(x, name) for x in examples])
    return tf.data.Dataset.from_tensor_slices(rows)


def _groups(examples: LabelledExamples) -> dict[str, tf.Tensor]:
    groups = [example.group for example in examples]
    return {GROUP: tf.constant(groups)} if any(groups) else {}


def _question_dataset(questions: Sequence[Question]) -> tf.data.Dataset:
    # A context has several questions; it is kept once.
    contexts = list(dict.fromkeys(question.context for question in questions))
    number = {context: i for i, context in enumerate(contexts)}
    table = tf.constant(contexts)
    places = [[] if q.span is None else [q.span] for q in questions]
    rows = {
        "idx": tf.range(len(questions)),
        "id": tf.constant([q.id for q in questions]),
        **_groups(questions),
        "question": tf.constant([q.question for q in questions]),
        "context": tf.constant([number[q.context] for q in questions]),
        "answers": ragged([q.answers for q in questions], tf.string),
        "answer_start": ragged([[a for a, _ in p] for p in places], tf.int32),
        "answer_end": ragged([[b for _, b in p] for p in places], tf.int32),
        "is_impossible": tf.constant([int(q.is_impossible) for q in questions]),
    }
    return tf.data.Dataset.from_tensor_slices(rows).map(
        lambda row: {**dense(row), "context": tf.gather(table, row["context"])}
    )


def dense(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Slices of ragged tensors as the dense tensors that seqio's tasks carry."""
    return {name: tf.convert_to_tensor(value) for name, value in example.items()}


def ragged(rows: Sequence[Sequence[Any]], dtype: tf.DType) -> tf.RaggedTensor:
    """Rows of different lengths; much faster than `tf.ragged.constant`."""
    flat = [value for row in rows for value in row]
    lengths = np.array([len(row) for row in rows], np.int64)
    return tf.RaggedTensor.from_row_lengths(tf.constant(flat, dtype), lengths)
