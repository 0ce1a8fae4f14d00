"""CoNLL column files and CoNLL-U as a seqio source: one word a line, with its tag."""

import difflib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import seqio
import tensorflow as tf
from etils import epath

from electra_bench.data import locate, run_context

DOCUMENT_START = "-DOCSTART-"


class Sentence(NamedTuple):
    """One sentence of a column file.

    Attributes:
        line: number of the line of its first word, from 1.
        words: in their order.
        tags: of every word; those of spans in BIOES.
    """

    line: int
    words: tuple[str, ...]
    tags: tuple[str, ...]


class Part(NamedTuple):
    """What a split consists of.

    Attributes:
        files: names, without extension, of the files that may hold it; the first one that
            exists is taken.
        share: the whole file; "held_out", a tenth of its sentences, chosen by their
            content; or "rest", the other nine tenths.
    """

    files: tuple[str, ...]
    share: Literal["whole", "held_out", "rest"] = "whole"


def spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """First and last word and type of every span.

    Reads IOB1, IOB2 and BIOES. Where tags contradict one another, a span goes on over an
    `I` of another type and has the type of its last word.

    Source: google-research/electra finetune/tagging/tagging_utils.py, `get_span_labels`.
    Differs: types may contain hyphens.
    """
    found: list[tuple[int, int, str]] = []
    start = None
    for i, tag in enumerate(tags):
        prefix, _, _ = tag.partition("-")
        if start is not None and prefix in ("B", "S", "O"):
            found.append((start, i - 1, tags[i - 1].partition("-")[2]))
            start = None
        if start is None and prefix != "O":
            start = i
    if start is not None:
        found.append((start, len(tags) - 1, tags[-1].partition("-")[2]))
    return found


def bioes(tags: Sequence[str]) -> tuple[str, ...]:
    """Re-encodes tags: S- for spans of one word, otherwise B-, I-, E-.

    Source: google-research/electra finetune/tagging/tagging_utils.py, `get_tags`.
    """
    encoded = ["O"] * len(tags)
    for start, end, kind in spans(tags):
        encoded[start : end + 1] = [f"I-{kind}"] * (end + 1 - start)
        encoded[end] = f"E-{kind}"
        encoded[start] = f"B-{kind}" if end > start else f"S-{kind}"
    return tuple(encoded)


def read_sentences(
    path: epath.Path, num_columns: int, labels: Sequence[str]
) -> list[Sentence]:
    """Reads a column file; blank lines separate sentences.

    Args:
        path: the file.
        num_columns: columns of every line, separated by white space.
        labels: the BIOES tags that may occur.

    Raises:
        ValueError: not UTF-8, empty, a line with another number of columns, or an unknown
            tag; names file and line.

    Source: google-research/electra finetune/tagging/tagging_tasks.py,
    `_get_labeled_sentences`. Differs: the original takes any number of columns.
    """
    sentences: list[Sentence] = []
    rows: list[list[str]] = []
    lines = [*locate.read_text(path).split("\n"), ""]
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            if rows:
                sentences.append(_sentence(path, number - len(rows), rows, labels))
            rows = []
        elif fields[0] != DOCUMENT_START:
            if len(fields) != num_columns:
                raise ValueError(
                    f"{path}, line {number}: got {len(fields)} columns, "
                    f"expected {num_columns}"
                )
            rows.append(fields)
    if not sentences:
        raise ValueError(f"{path}: no sentences")
    return sentences


def _sentence(
    path: epath.Path, line: int, rows: list[list[str]], labels: Sequence[str]
) -> Sentence:
    tags = bioes([row[-1] for row in rows])
    for i, tag in enumerate(tags):
        if tag not in labels:
            written = f"{rows[i][-1]!r} ({tag} in BIOES)"
            raise _unknown(f"{path}, line {line + i}", written, tag, labels)
    return Sentence(line, tuple(row[0] for row in rows), tags)


def _unknown(where: str, written: str, tag: str, labels: Sequence[str]) -> ValueError:
    near = difflib.get_close_matches(tag, labels, n=3)
    return ValueError(
        f"{where}: unknown tag {written}; near: {near}; all: {list(labels)}"
    )


# Of a word in CoNLL-U: ID, FORM, LEMMA, UPOS and six more.
CONLLU_COLUMNS = 10


def read_conllu(path: epath.Path, labels: Sequence[str]) -> list[Sentence]:
    """Reads words and their universal parts of speech from CoNLL-U.

    Ranges of words that are written as one (`3-4`) and words that are not written (`8.1`)
    are left out, as in evaluations of tagging.

    Args:
        path: the file.
        labels: the tags that may occur.

    Raises:
        ValueError: not UTF-8, empty, a line without ten columns, or an unknown tag; names
            file and line.

    Source: https://universaldependencies.org/format.html.
    """
    sentences: list[Sentence] = []
    words: list[str] = []
    tags: list[str] = []
    start = 0
    lines = [*locate.read_text(path).split("\n"), ""]
    for number, line in enumerate(lines, start=1):
        line = line.rstrip("\r")
        if not line.strip():
            if words:
                sentences.append(Sentence(start, tuple(words), tuple(tags)))
            words, tags = [], []
            continue
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != CONLLU_COLUMNS:
            raise ValueError(
                f"{path}, line {number}: got {len(fields)} columns, expected "
                f"{CONLLU_COLUMNS}, separated by tabs"
            )
        if not fields[0].isdigit():
            continue
        if fields[3] not in labels:
            raise _unknown(f"{path}, line {number}", repr(fields[3]), fields[3], labels)
        start = start if words else number
        words.append(fields[1])
        tags.append(fields[3])
    if not sentences:
        raise ValueError(f"{path}: no sentences")
    return sentences


def is_held_out(sentence: Sentence, seed: int) -> bool:
    """Whether a sentence belongs to the held-out tenth; equal words go together."""
    text = f"{seed}\n" + "\n".join(sentence.words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 10 == 0


class ColumnSource(seqio.DataSource):
    """A tagging task's splits as column files, read when a dataset is built.

    Examples: `idx` int32, `id` string, `words` and `tags` strings [words]. A split bound
    by hand is the whole of its file; if "dev" is bound, nothing is held out of training.
    """

    def __init__(
        self,
        task: str,
        folders: Sequence[str],
        parts: Mapping[str, Part],
        read: Callable[[epath.Path], list[Sentence]],
        extension: str = ".txt",
        seed: int = 0,
    ):
        """Describes the files; reads nothing.

        Args:
            task: name of the task, the folder in the original's layout.
            folders: further folders that may hold the files.
            parts: what every split consists of.
            read: from a file to its sentences.
            extension: of the files.
            seed: chooses the held-out tenth.
        """
        self._task = task
        self._folders = tuple(folders)
        self._parts = dict(parts)
        self._read = read
        self._extension = extension
        self._seed = seed
        super().__init__(splits=list(parts))

    @property
    def file_names(self) -> Sequence[str]:
        """Names that files can be bound to, see `Part`."""
        return sorted({part.files[0] for part in self._parts.values()})

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """No: sentences are read at once."""
        return False

    def list_shards(self, split: str) -> Sequence[str]:
        """One shard a split."""
        return [split]

    def sentences(self, split: str) -> list[tuple[int, Sentence]]:
        """Numbers in the file, from 0, and sentences of a split.

        Raises:
            FileNotFoundError: no such file; says where it was searched.
            ValueError: a bad line.
        """
        files, share = self._parts[split]
        bound = run_context.current().files
        if share == "held_out" and split in bound:
            files, share = (split,), "whole"
        if share == "rest" and any(
            name in bound and part.share == "held_out"
            for name, part in self._parts.items()
        ):
            share = "whole"
        path = self._find(files)
        numbered = list(enumerate(self._read(path)))
        if share == "whole":
            return numbered
        held_out = share == "held_out"
        return [
            (i, sentence)
            for i, sentence in numbered
            if is_held_out(sentence, self._seed) == held_out
        ]

    def _find(self, files: Sequence[str]) -> epath.Path:
        for file in files:
            path = locate.find_or_none(file, self._candidates(file))
            if path is not None:
                return path
        return locate.find(files[0], [c for f in files for c in self._candidates(f)])

    def _candidates(self, file: str) -> list[str]:
        return locate.layouts(self._task, file, self._extension, *self._folders)

    def num_input_examples(self, split: str) -> int:
        """Number of sentences; reads the file."""
        return len(self.sentences(split))

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        **_unused: object,
    ) -> tf.data.Dataset:
        """All examples of a split; see `seqio.DataSource`."""
        if shard_info and shard_info.num_shards > 1:
            raise ValueError(f"{self._task}: one file a split cannot be sharded")
        sentences = self.sentences(split)
        dataset = tf.data.Dataset.from_tensor_slices(
            {
                "idx": tf.constant([i for i, _ in sentences], tf.int32),
                "id": tf.constant([str(i) for i, _ in sentences]),
                "words": tf.ragged.constant([list(s.words) for _, s in sentences]),
                "tags": tf.ragged.constant([list(s.tags) for _, s in sentences]),
            }
        )
        # Slices of ragged tensors keep a ragged type; seqio tasks carry dense ones.
        dataset = dataset.map(
            lambda example: {
                name: tf.convert_to_tensor(value) for name, value in example.items()
            }
        )
        return dataset.shuffle(len(sentences), seed=seed) if shuffle else dataset
