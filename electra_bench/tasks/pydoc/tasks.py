"""The corpus and the tasks of documentation strings: from cards to seqio tasks."""

import itertools
import json
import os
from typing import Any

import seqio

from electra_bench.data import run_context
from electra_bench.data.readers import split_files
from electra_bench.data.readers.labelled_source import (
    LabelledExamples,
    LabelledSource,
    Question,
    Sentence,
    TextExample,
)
from electra_bench.records import TaskCard
from electra_bench.system.file_hashes import data_sha256
from electra_bench.tasks.corpora.registration import register_corpus
from electra_bench.tasks.corpora.sources import FileSource
from electra_bench.tasks.metrics.classification import accuracy
from electra_bench.tasks.metrics.squad import squad_v1
from electra_bench.tasks.metrics.tagging import span_f1, tag_accuracy
from electra_bench.tasks.metrics.weighted import Metric
from electra_bench.tasks.pydoc.examples import SIZES
from electra_bench.tasks.pydoc.files import CORPUS, pydoc_files
from electra_bench.tasks.text_tasks import add_labelled_task

# What a line holds, beside `idx` and `id`.
FIELDS = {
    "classification": ("text_a", "text_b", "label"),
    "tagging": ("words", "tags"),
    "span_qa": ("question", "context", "answers", "answer_start"),
}
METRICS: dict[str, list[Metric]] = {
    "classification": [accuracy],
    "tagging": [span_f1, tag_accuracy],
    "span_qa": [squad_v1],
}


class PydocCorpus(FileSource):
    """The prose of installed packages, a module a document, a sentence a line.

    Modules that the documentation tasks evaluate on are left out.
    """

    def __init__(self):
        """Makes a source; reads nothing yet."""
        super().__init__(CORPUS, format="text")

    def files(self) -> list[str]:
        """The one file, which is made on first use."""
        return [os.path.join(pydoc_files(), CORPUS)]


class PydocSource(LabelledSource):
    """Examples of one documentation task, made of the installed packages on first use."""

    makes_examples = True

    def __init__(self, card: TaskCard):
        """Makes a source; reads nothing yet."""
        super().__init__(splits=tuple(SIZES))
        self._card = card

    def examples(self, split: str) -> LabelledExamples:
        """Those of the split's file, or of the files that the run binds to the split.

        Raises:
            FileNotFoundError: a file that is bound does not exist.
            ValueError: a line that cannot be used, or none; names file and line.
        """
        return list(itertools.chain.from_iterable(map(self._read, self._paths(split))))

    def _read(self, path: str) -> list[Any]:
        names = ("idx", "id", *FIELDS[self._card.kind])
        rows = []
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                where = f"{path}, line {number}"
                try:
                    row = json.loads(line)
                except json.JSONDecodeError as error:
                    raise ValueError(f"{where}: no JSON: {error}") from error
                held = row if isinstance(row, dict) else {}
                missing = ", ".join(name for name in names if name not in held)
                if missing:
                    got = line.strip()[:60]
                    raise ValueError(f"{where}: {missing} missing, got {got}")
                rows.append(self._example(row))
        if not rows:
            raise ValueError(f"{path}: no examples")
        return rows

    def _example(self, row: dict[str, Any]) -> TextExample | Sentence | Question:
        fields = [row[name] for name in FIELDS[self._card.kind]]
        # An id is `module:name:line:number`, see `examples.py`.
        module, *_ = row["id"].partition(":")
        if self._card.kind == "span_qa":
            question, context, answers, starts = fields
            span = (starts[0], starts[0] + len(answers[0])) if starts else None
            return Question(row["id"], question, context, answers, span, False, module)
        if self._card.kind == "tagging":
            words, tags = fields
            return Sentence(row["idx"], words, tags, row["id"], module)
        text_a, text_b, label = fields
        return TextExample(row["idx"], text_a, text_b, label, row["id"], module)

    def data_sha256(self, split: str) -> str:
        """Hash of the split's files, see `fingerprints.data_sha256`."""
        return data_sha256(self._paths(split))

    def _paths(self, split: str) -> list[str]:
        bound = run_context.current().files.get(split)
        if bound:
            return [str(path) for path in split_files.given(split, bound)]
        return [os.path.join(pydoc_files(), f"{self._card.name}-{split}.jsonl")]


def corpus(card: TaskCard) -> seqio.Task:
    """Registers the corpus."""
    return register_corpus(card, PydocCorpus())


def build(card: TaskCard) -> seqio.Task:
    """Registers a documentation task."""
    return add_labelled_task(card, PydocSource(card), METRICS[card.kind], doc_stride=48)
