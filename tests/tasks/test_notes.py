"""What was put right in the data reaches the examples, the record's marks and the log."""

import json

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.tasks.examples import examples
from electra_bench.tasks.results import score_marks
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

EMOJI = "😀 Ann met Bob. 😀 Bob met Ann."


def questions(starts):
    return [
        {
            "id": f"q{i}",
            "question": "Who \ud800 met?",
            "answers": [{"text": "Ann", "answer_start": start}],
        }
        for i, start in enumerate(starts)
    ]


def test_moved_answers_are_marked(vocab_file, tmp_path):
    for split, starts in {"train": [2, 3, 27], "dev": [3]}.items():
        paragraphs = [{"context": EMOJI, "qas": questions(starts)}]
        data = json.dumps({"data": [{"paragraphs": paragraphs}]})
        (tmp_path / f"{split}-v1.1.json").write_text(data)
    vocabulary = WordPieceVocabulary(str(vocab_file))
    with run_context.use(data_dir=str(tmp_path), vocabulary=vocabulary, files={}):
        parts = [examples("squadv1", split, 64)[0] for split in ("train", "dev")]
    train, dev = parts
    assert train.num_examples == 3 and train.num_skipped == 0
    assert train.notes["answers moved"][0] == 2
    assert "answers moved" not in dev.notes  # a place is needed to train only
    marks = score_marks(None, registry.tasks.get("squadv1"), parts)
    path = tmp_path / "train-v1.1.json"
    assert marks["answers moved"].startswith(
        f"2 to train on, the first of them: {path}: question 'q1': its answer 'Ann' is at "
        "character 2, not 3"
    )
    said = "1 to score, 1 to train on, the first of them: "
    assert marks["characters replaced"].startswith(said)
    assert "3 half surrogate pairs, as '?'" in marks["characters replaced"]
