"""Predictions in the forms that people submit: GLUE's archive, SQuAD's JSON, CoNLL's lines.

Functions of predictions; the only files that are touched are those that are written.
"""

import math
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from electra_bench.data.readers.cells import is_cell
from electra_bench.records import Prediction, TaskCard
from electra_bench.system.atomic import atomic_file

# Stands for a tag that is not known, or of a word that the model did not see.
CUT_OFF = "_"
NULL_ODDS = "null_odds"


class GlueFile(NamedTuple):
    """A file of the archive that GLUE's server takes.

    Attributes:
        name: its name in the archive.
        task: registered task; `split`: whose rows it answers.
    """

    name: str
    task: str
    split: str


# Source: https://gluebenchmark.com/faq, "format my submission".
GLUE_FILES = (
    GlueFile("CoLA.tsv", "cola", "test"),
    GlueFile("SST-2.tsv", "sst", "test"),
    GlueFile("MRPC.tsv", "mrpc", "test"),
    GlueFile("STS-B.tsv", "sts", "test"),
    GlueFile("QQP.tsv", "qqp", "test"),
    GlueFile("MNLI-m.tsv", "mnli", "test_matched"),
    GlueFile("MNLI-mm.tsv", "mnli", "test_mismatched"),
    GlueFile("QNLI.tsv", "qnli", "test"),
    GlueFile("RTE.tsv", "rte", "test"),
    GlueFile("WNLI.tsv", "wnli", "test"),
    GlueFile("AX.tsv", "ax", "diagnostic"),
)


class Tagged(NamedTuple):
    """A sentence and the tags that were predicted for it.

    Attributes:
        words: all its words.
        tags: their right tags.
        prediction: tags of the words that the model saw, which are the first ones.
    """

    words: Sequence[str]
    tags: Sequence[str]
    prediction: Prediction


def check_rows(card: TaskCard, split: str, got: int) -> None:
    """Checks that a split has as many rows as its card says were published.

    Raises:
        ValueError: it has another number.
    """
    expected = card.splits[split]
    if got != expected:
        raise ValueError(
            f"task {card.name!r}, split {split!r}: got {got} rows, expected {expected}, "
            "as published; a submission needs them all"
        )


def glue_table(card: TaskCard, predictions: Sequence[Prediction]) -> str:
    """A file of GLUE's archive: row numbers from 0 and class names or numbers.

    Args:
        card: of the task. Numbers are clipped to its range and have three decimals.
        predictions: of every row, in the order of the file.

    Raises:
        ValueError: a number that is not finite.
    """
    lines = ["index\tprediction"]
    for index, prediction in enumerate(predictions):
        answer = prediction.prediction
        if card.label_range is not None:
            if not math.isfinite(answer):
                raise ValueError(f"task {card.name!r}, row {index}: predicted {answer}")
            smallest, largest = card.label_range
            answer = f"{max(smallest, min(largest, answer)):.3f}"
        lines.append(f"{index}\t{answer}")
    return "\n".join(lines) + "\n"


def squad_answers(
    predictions: Sequence[Prediction], null_threshold: float | None = None
) -> dict[str, str]:
    """Ids to answers, as the scripts of SQuAD and MRQA read them.

    Args:
        predictions: texts, or texts with the odds that there is no answer.
        null_threshold: the answer is empty where these odds are above it; None leaves
            that to the script.

    Raises:
        ValueError: two predictions have the same id, or a threshold without odds.
    """
    odds = {} if null_threshold is None else null_odds(predictions)
    if odds is None:
        raise ValueError(
            "a threshold needs odds that there is no answer; there are none"
        )
    answers: dict[str, str] = {}
    for prediction in predictions:
        if prediction.id in answers:
            raise ValueError(f"two questions have the id {prediction.id!r}")
        answer = prediction.prediction
        text = answer if isinstance(answer, str) else answer[0]
        is_null = null_threshold is not None and odds[prediction.id] > null_threshold
        answers[prediction.id] = "" if is_null else text
    return answers


def null_odds(predictions: Sequence[Prediction]) -> dict[str, float] | None:
    """Ids to the odds that there is no answer, as SQuAD 2.0's script reads them.

    None for models that give none.
    """
    scores = [prediction.scores for prediction in predictions]
    if not all(isinstance(s, Mapping) and NULL_ODDS in s for s in scores):
        return None
    return {
        prediction.id: float(prediction.scores[NULL_ODDS]) for prediction in predictions
    }


def num_cut_off(sentence: Tagged) -> int:
    """How many words of a sentence the length limit kept from the model."""
    return len(sentence.words) - len(sentence.prediction.prediction)


def conll_text(sentences: Sequence[Tagged]) -> str:
    """Lines of word, right tag and predicted tag, a blank one after every sentence.

    Between blanks, as conlleval reads them; between tabs, as it does with `-d '\\t'`, if
    white space is in a word or a tag. Words that were cut off have `CUT_OFF` for the
    predicted tag.

    Raises:
        ValueError: a word or tag that no line can hold: empty, with a tab, a line end or a
            blank around it, or what begins a document; names the sentence.
    """
    rows: list[Sequence[str]] = []
    for sentence in sentences:
        found = sentence.prediction
        # Where there is a prediction, both tags are in the form that metrics compare.
        compared = found.target or ()
        right = [*compared, *sentence.tags[len(compared) :]]
        right = [tag or CUT_OFF for tag in right]
        predicted = [*found.prediction, *[CUT_OFF] * num_cut_off(sentence)]
        for row in zip(sentence.words, right, predicted, strict=True):
            for cell in row:
                if not is_cell(cell):
                    raise ValueError(
                        f"sentence {found.id!r}: {cell!r} cannot stand in a line of CoNLL, "
                        "which needs text without tabs, line ends and blanks around it; "
                        "use the format jsonl"
                    )
            rows.append(row)
        rows.append(())
    is_plain = all(len(cell.split()) == 1 for row in rows for cell in row)
    separator = " " if is_plain else "\t"
    return "".join(f"{separator.join(row)}\n" for row in rows)


def write_archive(path: str, tables: Mapping[str, str]) -> None:
    """Writes a .zip of texts, atomically; equal texts give equal bytes."""
    with (
        atomic_file(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, text in tables.items():
            # ZipInfo's own time, 1980, not that of writing.
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
