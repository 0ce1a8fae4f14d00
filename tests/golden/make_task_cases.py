"""Makes files of tasks and their features, for who has none of the original's.

    PYTHONPATH=tests python tests/golden/make_task_cases.py

Writes made/vocab.txt, made/features/, made/flops.json and made/pretrain_examples.json
beside this file, in the form of the original's recorded cases. The texts are those of
made_texts.py. Computed by the code of commit 4c3f53a, which passed the tests that read
these files with the original's numbers; run it again only where they pass with them.
"""

import io
import json
import random
import tempfile
from pathlib import Path

import numpy as np
from golden_cases import MADE
from made_texts import PAIRS, PASSAGES, QUESTIONS, SENTENCES, questions
from paper_models import PUBLISHED, electra_flops, every_part, transformer
from recorded_files import unpack
from task_cases import (
    QUIRKS,
    chunk_examples,
    found_row,
    glue_examples,
    question_windows,
    training_rows,
    write_all,
)

from electra_bench.data import run_context
from electra_bench.data.examples.builder import ExampleBuilder
from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.data.text.streams import (
    Peekable,
    Reading,
    ReadReport,
    text_documents,
)
from electra_bench.tasks.examples import TaskExamples
from electra_bench.training.batches import TrainingBatches
from electra_bench.vocabularies.training import train_wordpiece, write_vocabulary
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

SEED = 20261130
VOCAB = 400
LENGTH = 14
LABELS = {
    "mnli": ("contradiction", "entailment", "neutral"),
    "rte": ("entailment", "not_entailment"),
    "qnli": ("entailment", "not_entailment"),
}
# Columns of a file, of which {a}, {b} and {label} are filled; whether it has a header.
TABLES = {
    "cola/train.tsv": ("x {label} _ {a}", False),
    "cola/test.tsv": ("{i} {a}", True),
    "sst/train.tsv": ("{a} {label}", True),
    "mrpc/train.tsv": ("{label} 7 8 {a} {b}", True),
    "mrpc/test.tsv": ("{i} 7 8 {a} {b}", True),
    "mnli/train.tsv": ("{i} 1 2 3 4 5 6 7 {a} {b} 10 {label}", True),
    "mnli/dev_matched.tsv": ("{i} 1 2 3 4 5 6 7 {a} {b} 10 11 12 13 14 {label}", True),
    "mnli/test_matched.tsv": ("{i} 1 2 3 4 5 6 7 {a} {b}", True),
    "mnli/diagnostic.tsv": ("{i} {a} {b}", True),
    "rte/train.tsv": ("{i} {a} {b} {label}", True),
    "qnli/train.tsv": ("{i} {a} {b} {label}", True),
    "qqp/train.tsv": ("{i} 1 2 {a} {b} {label}", True),
    "qqp/test.tsv": ("{i} {a} {b}", True),
    "sts/train.tsv": ("{i} 1 2 3 4 5 6 {a} {b} {label}", True),
    "sts/test.tsv": ("{i} 1 2 3 4 5 6 {a} {b}", True),
}
_PAIR = {"a": "sentence1", "b": "sentence2"}
# What a task's headers call them.
HEADERS = {
    "cola": {"a": "sentence"},
    "sst": {"a": "sentence", "label": "label"},
    "mrpc": {"a": "#1 String", "b": "#2 String", "label": "Quality"},
    "mnli": {**_PAIR, "label": "gold_label"},
    "rte": {**_PAIR, "label": "label"},
    "qnli": {"a": "question", "b": "sentence", "label": "label"},
    "qqp": {"a": "question1", "b": "question2", "label": "is_duplicate"},
    "sts": {**_PAIR, "label": "score"},
}
TRAINING = [(["mrpc"], 4, 3.0), (["cola", "sts"], 8, 2.5), (["rte"], 5, 10.0)]
QA = [
    ("squad", "train", {"max_seq_length": 40, "max_query_length": 8, "doc_stride": 10}),
    ("squad", "dev", {"max_seq_length": 40, "max_query_length": 8, "doc_stride": 10}),
    (
        "squadv1",
        "train",
        {"max_seq_length": 99, "max_query_length": 5, "doc_stride": 30},
    ),
    ("newsqa", "dev", {"max_seq_length": 36, "max_query_length": 9, "doc_stride": 13}),
]
FLOPS = [
    {"h": 96, "l": 2, "e": 32, "s": 40, "v": 900},
    {"h": 128, "l": 3, "sparse_embed_lookup": True},
    {
        **{"h": 64, "l": 2, "v": 500, "i": 100, "heads": 2, "head_size": 16},
        **{"output_frac": 1.0, "decoder": True},
    },
]
ELECTRA_FLOPS = [
    {
        **{"h_d": 96, "l_d": 3, "h_g": 24, "l_g": 2, "batch_size": 8},
        **{"train_steps": 70, "tied_embeddings": tied, "e": e, "s": 64},
        **{"output_frac": 0.2},
    }
    for tied, e in ((True, 48), (False, 48), (True, None))
]


def label_of(task: str, number: int) -> str:
    """Labels in turn."""
    if task == "sts":
        return f"{number * 1.25 % 5:.2f}"
    names = LABELS.get(task, ("1", "0"))
    return names[number % len(names)]


def table(name: str, row: str, header: bool) -> str:
    """The text of a file of GLUE."""
    task = name.split("/")[0]
    rows = [{"i": "index", **HEADERS[task]}] if header else []
    for i, (a, b) in enumerate(PAIRS):
        rows.append({"i": i, "a": a, "b": b, "label": label_of(task, i)})
    lines = ("\t".join(c.format(**filled) for c in row.split(" ")) for filled in rows)
    return "\n".join(lines) + "\n"


def glue(folder: Path) -> dict:
    """Files and features of all tasks."""
    files = {name: table(name, *of) for name, of in TABLES.items()}
    path = folder / "glue.json"
    path.write_text(json.dumps({"files": files}))
    unpack(path, folder)
    cases = []
    for name in files:
        task, split = name.removesuffix(".tsv").removesuffix("_matched").split("/")
        case = {"task": task, "split": split, "double_unordered": True}
        case["max_seq_length"] = LENGTH
        case["features"] = [text_features(task, row) for row in glue_examples(case)]
        cases.append(case)
    return {"files": files, "cases": cases}


def text_features(task: str, row: dict) -> dict:
    """What is recorded of a row of GLUE."""
    target = {"sts": "sts_targets"}.get(task, f"{task}_label_ids")
    # None in a file without labels.
    values = [x.item() for x in (*row["labels"], *row["values"])]
    return {
        "input_ids_without_padding": row["input_ids"].tolist(),
        "n_segment_1": int(row["segment_ids"].sum()),
        f"{task}_eid": int(row["example_id"][0]),
        **dict(zip([target], values, strict=False)),
    }


def training_sets(folder: Path) -> dict:
    """Rows of training sets and their number of updates."""
    cases = []
    for number, (tasks, batch_size, epochs) in enumerate(TRAINING):
        parts, records = [], []
        for place, task in enumerate(tasks):
            store = str(folder / f"{number}-{task}")
            rows = training_rows(task, LENGTH)
            with ExampleWriter(store) as writer:
                for row in rows:
                    writer.append({"input_ids": row["input_ids"]})
                    tokens, example, value = found_row(row)
                    target = "targets" if task == "sts" else "label_ids"
                    record = {"task_id": place, "n_tokens": tokens}
                    named = {f"{task}_eid": example, f"{task}_{target}": value}
                    records.append(record | named)
            parts.append(TaskExamples(task, len(rows), ExampleStore([store]), ""))
        steps = TrainingBatches.passes(parts, batch_size, epochs, "random").num_steps
        case = {"task_names": tasks, "max_seq_length": LENGTH, "train_steps": steps}
        case |= {"train_batch_size": batch_size, "num_train_epochs": epochs}
        cases.append(case | {"records_in_order": records})
    return {"cases": cases}


def chunks(folder: Path) -> dict:
    """A file of tagged sentences and its features under the original's quirks."""
    lines = ["-DOCSTART- O", ""]
    for sentence in SENTENCES:
        lines += [" ".join([word, "X", tag]) for word, tag in sentence]
        lines.append("")
    (folder / "finetuning_data/chunk").mkdir()
    (folder / "finetuning_data/chunk/train.txt").write_text("\n".join(lines))
    types = sorted({tag[2:] for sentence in SENTENCES for _, tag in sentence} - {""})
    tags = sorted(["O", *(f"{form}-{kind}" for form in "BIES" for kind in types)])
    mapping = {tag: i for i, tag in enumerate(tags)}
    features = []
    for eid, row in enumerate(chunk_examples(mapping, LENGTH, QUIRKS)):
        positions = np.flatnonzero(row["labels"] >= 0)
        features.append(
            {
                "eid": eid,
                "words": [word.decode() for word in row["words"]],
                "example_labels": [mapping[tag.decode()] for tag in row["tags"]],
                "input_ids_without_padding": row["input_ids"].tolist(),
                "n_labeled": len(positions),
                "labeled_positions": positions.tolist(),
                "labels": row["labels"][positions].tolist(),
            }
        )
    case = {"split": "train", "max_seq_length": LENGTH, "features": features}
    files = {"chunk/train.txt": "\n".join(lines)}
    return {"files": files, "label_mapping": mapping, "cases": [case]}


def mrqa() -> list[dict]:
    """Those questions in the form of MRQA that have an answer."""
    lines: list[dict] = [{"header": {"dataset": "Made-up", "split": "dev"}}]
    for article in questions(answerable=True)["data"]:
        for paragraph in article["paragraphs"]:
            context, asked = paragraph["context"], []
            for question in paragraph["qas"]:
                texts = [answer["text"] for answer in question["answers"]]
                begin = context.index(texts[0])
                # The last character belongs to the answer.
                spans = [[begin, begin + len(texts[0]) - 1]]
                detected = [{"text": texts[0], "char_spans": spans}]
                asked.append(
                    {
                        "qid": question["id"],
                        "question": question["question"],
                        "answers": texts,
                        "detected_answers": detected,
                    }
                )
            lines.append({"context": context, "qas": asked})
    return lines


def windows(folder: Path) -> dict:
    """Files of questions and the windows of their contexts."""
    files = {
        "squad/train.json": questions(),
        "squad/dev.json": questions(),
        "squadv1/train.json": questions(answerable=True),
        "newsqa/train.jsonl": mrqa(),
    }
    write_all(folder, files)
    cases = []
    for task, split, config in QA:
        examples = question_windows(task, split, config)
        made = [
            {"features": [window(row, split) for row in rows]}
            for rows in examples.values()
        ]
        cases.append({"task": task, "split": split, "config": config, "examples": made})
    return {"files": files, "cases": cases}


def window(row: dict, split: str) -> dict:
    """What is recorded of a window."""
    second = int(row["segment_ids"].sum())
    ids = row["input_ids"].tolist()
    found = {"input_ids_without_padding": ids, "n_segment_1": second}
    if split == "dev":
        first = len(ids) - second
        shown = row["max_context"][first:-1].tolist()
        return found | {"first_document_token": first, "is_max_context": shown}
    names = ("start_position", "end_position", "is_impossible")
    return found | dict(zip(names, row["labels"].tolist(), strict=True))


class Drawing(random.Random):
    """Notes its draws."""

    def __init__(self, seed: int):
        """Begins with none."""
        super().__init__(seed)
        self.drawn: list[float | dict] = []

    def random(self) -> float:
        """A fraction."""
        self.drawn.append(super().random())
        return self.drawn[-1]

    def randint(self, a: int, b: int) -> int:
        """A whole number, without `random`."""
        value = a + self.getrandbits(30) % (b - a + 1)
        self.drawn.append({"value": value})
        return value


def examples(vocabulary: WordPieceVocabulary) -> dict:
    """Pre-training examples of text files."""
    first, second = ("\n\n".join(texts) for texts in PASSAGES.values())
    asked = "\n".join(question for _, _, question, _ in QUESTIONS)
    files = {"a.txt": first.replace(". ", ".\n"), "b.txt": f"\n{asked}\n\n{second}"}
    cases = []
    for number, blanks in enumerate((True, False)):
        draws = Drawing(SEED + number)
        case = {"max_length": 24, "blanks_separate_docs": blanks, "do_lower_case": True}
        builder = ExampleBuilder(24, 101, 102, np.uint16)
        builder.begin(draws)
        made, totals = [], []
        for name, text in files.items():
            stream = Peekable(io.BytesIO(text.encode()))
            reading = Reading("blank_line", "text", "raise", ReadReport())
            unit = "blank_line" if blanks else "file"
            for document in text_documents(stream, name, reading, unit):
                ids, splits = vocabulary.encode_batch(document.lines)
                builder.add(ids, splits.tolist()[1:])
                builder.close_example()
            taken = builder.take()
            ends = np.cumsum(taken.lengths)[:-1]
            for columns in zip(
                np.split(taken.input_ids, ends),
                np.split(taken.segment_ids, ends),
                strict=True,
            ):
                made.append([padded(x) for x in (*columns, np.ones_like(columns[0]))])
            totals.append(len(made))
        names = ("input_ids", "segment_ids", "input_mask")
        case |= {"strip_accents": True, "files_in_order": list(files)}
        case |= {"n_examples_after_each_file": totals, "draws": draws.drawn}
        case["examples"] = [dict(zip(names, row, strict=True)) for row in made]
        cases.append(case)
    return {"files": files, "cases": cases}


def padded(column: np.ndarray) -> list[int]:
    """With zeros up to the length of examples."""
    return [*column.tolist(), *[0] * (24 - len(column))]


def flops() -> dict:
    """What the paper's method counts."""
    return {
        "MODEL_FLOPS": PUBLISHED,
        "details": [
            {"TransformerHparams": given, **every_part(transformer(given))}
            for given in FLOPS
        ],
        "electra": [
            {"get_electra_train_flops": given, "flops": electra_flops(given)}
            for given in ELECTRA_FLOPS
        ],
    }


def main() -> None:
    """Writes all files."""
    texts = [text for passages in PASSAGES.values() for text in passages]
    texts += [question for _, _, question, _ in QUESTIONS]
    texts += [text for pair in PAIRS for text in pair]
    texts += [word for sentence in SENTENCES for word, _ in sentence]
    write_vocabulary(str(MADE / "vocab.txt"), train_wordpiece(texts, VOCAB))
    vocabulary = WordPieceVocabulary(str(MADE / "vocab.txt"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with run_context.use(data_dir=name, vocabulary=vocabulary, files={}):
            made = {
                "features/glue.json": glue(folder),
                "features/preprocessing.json": training_sets(folder),
                "features/tagging.json": chunks(folder),
                "features/qa.json": windows(folder),
                "pretrain_examples.json": examples(vocabulary),
                "flops.json": flops(),
            }
    (MADE / "features").mkdir(exist_ok=True)
    for path, content in made.items():
        (MADE / path).write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main()
