"""What was put right in the data reaches the examples, the record's marks and the log."""

import json

import pytest

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.tasks.examples import examples
from electra_bench.tasks.results import score_marks
from electra_bench.vocabularies.files import SPECIAL_TOKENS
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


def test_a_cached_split_does_not_evade_the_limit_of_bad_rows(vocab_file, tmp_path):
    entries = questions([3, 3, 3])
    entries[1]["answers"][0]["text"] = "Eve"
    paragraphs = [{"context": EMOJI, "qas": entries}]
    data = json.dumps({"data": [{"paragraphs": paragraphs}]})
    (tmp_path / "train-v1.1.json").write_text(data)
    vocabulary = WordPieceVocabulary(str(vocab_file))
    with run_context.use(data_dir=str(tmp_path), vocabulary=vocabulary, files={}):
        with run_context.use(max_skipped=0.5):
            [part] = examples("squadv1", "train", 64)
        assert (part.num_examples, part.num_skipped) == (2, 1)
        with pytest.raises(ValueError, match="1 of 3 rows cannot be used, more than"):
            examples("squadv1", "train", 64)


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


THAI = "ภาษาไทย" * 40


@pytest.mark.parametrize(
    ("task", "split", "name", "content"),
    [
        ("cola", "train", "cola/train.tsv", f"s\t1\t\tThe end.\ns\t0\t\t{THAI}\n"),
        (
            "squadv1",
            "dev",
            "squad/dev-v1.1.json",
            json.dumps(
                {
                    "data": [
                        {
                            "paragraphs": [
                                {
                                    "context": f"the end {THAI}",
                                    "qas": [
                                        {
                                            "id": "q",
                                            "question": "the end?",
                                            "answers": [
                                                {"text": "end", "answer_start": 4}
                                            ],
                                        }
                                    ],
                                }
                            ]
                        }
                    ]
                }
            ),
        ),
        ("chunk", "train", "chunk/train.txt", f"the DT B-NP\n{THAI} NN I-NP\n"),
    ],
)
def test_what_texts_lose_is_marked(
    vocab_file, tmp_path, monkeypatch, task, split, name, content
):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / name
    path.parent.mkdir()
    path.write_text(content)
    vocabulary = WordPieceVocabulary(str(vocab_file))
    with run_context.use(data_dir=str(tmp_path), vocabulary=vocabulary, files={}):
        [part] = examples(task, split, 64)
        [again] = examples(task, split, 64)  # cached
    assert part.losses == again.losses and part.losses["in_runs"] == len(THAI)
    marks = score_marks(None, registry.tasks.get(task), [again])
    said = marks["text unknown"]
    assert (
        f"task {task!r}, {split}: " in said and "become [UNK], 100 % of these" in said
    )


def test_a_cased_vocabulary_is_marked(tmp_path):
    path = tmp_path / "vocab.txt"
    words = ["The", "End", "of", "it", "##Ing", "##s"]
    path.write_text("\n".join([*SPECIAL_TOKENS, *words]))
    (tmp_path / "cola").mkdir()
    (tmp_path / "cola/dev.tsv").write_text("s\t1\t\tof it\n")
    for lower_case in (True, False):
        vocabulary = WordPieceVocabulary(str(path), lower_case=lower_case)
        with run_context.use(data_dir=str(tmp_path), vocabulary=vocabulary, files={}):
            parts = examples("cola", "dev", 64)
        marks = score_marks(None, registry.tasks.get("cola"), parts)
        assert ("cased vocabulary" in marks) == lower_case
    said = f"{path}: 50 % of the tokens have upper case, and text is lower-cased"
    assert WordPieceVocabulary(str(path)).doubts["cased vocabulary"].startswith(said)
