"""Tagged sentences as a seqio source: a tagging task's splits as column files."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import tensorflow as tf
from etils import epath

from electra_bench.data import run_context
from electra_bench.data.readers import locate
from electra_bench.data.readers.columns import Sentence
from electra_bench.data.readers.whole_file_source import WholeFileSource, dense, ragged

# The split whose tags need not be known.
UNTAGGED = "test"


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


def is_held_out(sentence: Sentence, seed: int) -> bool:
    """Whether a sentence belongs to the held-out tenth; equal words go together."""
    text = f"{seed}\n" + "\n".join(sentence.words)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % 10 == 0


class ColumnSource(WholeFileSource):
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
        """Names that files can be bound to: those of files, and of held-out splits."""
        held_out = (n for n, part in self._parts.items() if part.share == "held_out")
        return sorted({*(part.files[0] for part in self._parts.values()), *held_out})

    def sentences(self, split: str) -> list[Sentence]:
        """The sentences of a split.

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
        sentences = self._read(path)
        if split != UNTAGGED and not all(sentences[0].tags):
            raise ValueError(
                f"{path}: the column of tags is missing or empty, which it may be in the "
                f"split {UNTAGGED!r} only"
            )
        if share == "whole":
            return sentences
        held_out = share == "held_out"
        return [s for s in sentences if is_held_out(s, self._seed) == held_out]

    def _find(self, files: Sequence[str]) -> epath.Path:
        return locate.find(files[0], [c for f in files for c in self._candidates(f)])

    def _candidates(self, file: str) -> list[str]:
        return locate.layouts(self._task, file, self._extension, *self._folders)

    def rows(self, split: str) -> tf.data.Dataset:
        """See `WholeFileSource`."""
        return sentence_dataset(self.sentences(split))


def sentence_dataset(sentences: Sequence[Sentence]) -> tf.data.Dataset:
    """Sentences as examples, see `ColumnSource`."""
    return tf.data.Dataset.from_tensor_slices(
        {
            "idx": tf.constant([s.number for s in sentences], tf.int32),
            "id": tf.constant([str(s.number) for s in sentences]),
            "words": ragged([s.words for s in sentences], tf.string),
            "tags": ragged([s.tags for s in sentences], tf.string),
        }
    ).map(dense)
