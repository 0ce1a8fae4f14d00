"""The documentation corpus and tasks, on a small folder of made-up packages."""

import json
import os
from string import ascii_lowercase

import numpy as np
import pytest

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.tasks.fingerprints import data_sha256
from electra_bench.tasks.pydoc import examples
from electra_bench.tasks.pydoc import files as pydoc_files_module
from electra_bench.tasks.pydoc.docstrings import Docstring, docstrings, source_files
from electra_bench.tasks.pydoc.examples import LIBRARIES, SPLITS
from electra_bench.tasks.pydoc.files import pydoc_files
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

TASKS = ("pydoc_library", "pydoc_pair", "pydoc_code", "pydoc_qa")


@pytest.fixture(scope="module")
def made(packages):
    strings = docstrings(source_files(str(packages)))
    found = list(examples.documents(strings))
    return found, examples.examples(found)


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "vocab.txt"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = [*ascii_lowercase, *(f"##{c}" for c in ascii_lowercase), *".,?:_"]
    path.write_text("\n".join([*special, *letters]))
    return WordPieceVocabulary(str(path))


def module_of(row):
    return row["id"].split(":")[0]


def texts(row):
    for key in ("text_a", "text_b"):
        if row.get(key):
            yield row[key]
    if "words" in row:
        yield " ".join(row["words"])
    yield from row.get("answers", [])


@pytest.mark.parametrize("task", TASKS)
def test_splits_share_neither_modules_nor_texts(made, task):
    modules, seen = {}, {}
    for split, rows in made[1][task].items():
        assert rows, split
        assert [row["idx"] for row in rows] == list(range(len(rows)))
        modules[split] = {module_of(row) for row in rows}
        seen[split] = {text for row in rows for text in texts(row)}
    for one, other in (("train", "dev"), ("train", "test"), ("dev", "test")):
        assert not modules[one] & modules[other]
        assert not seen[one] & seen[other]


def test_repeats_are_used_once(made):
    found, tasks = made
    for rows in tasks["pydoc_library"].values():
        assert len({row["text_a"] for row in rows}) == len(rows)
    lines = list(examples.corpus_lines(found))
    assert sum("is in every module" in line for line in lines) <= 1


def test_corpus_leaves_out_evaluation_modules_and_marks(made):
    found, tasks = made
    text = "\n".join(examples.corpus_lines(found))
    assert "`" not in text
    rows = [row for split in SPLITS for row in tasks["pydoc_pair"][split]]
    assert rows
    assert not any(row["text_a"] in text or row["text_b"] in text for row in rows)
    assert any(row["text_a"] in text for row in tasks["pydoc_pair"]["train"])
    # A module a document.
    trained = {d.source.module for d in found if d.split == "train"}
    assert text.count("\n\n") == len(trained) - 1


def test_library_is_balanced_and_masked(made):
    for rows in made[1]["pydoc_library"].values():
        labels = [row["label"] for row in rows]
        assert {labels.count(name) for name in LIBRARIES} == {len(rows) // 9}
        found = {word for row in rows for word in row["text_a"].split()}
        assert "library" in found
        assert not found & set(LIBRARIES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NumPy arrays, np.array", "library arrays, library.array"),
        ("tf.data in TensorFlow's API", "library.data in library's API"),
        ("tf_keras and sklearn_tags", "library_library and library_tags"),
        ("pandas; expand, plateau", "library; expand, plateau"),
        ("scikit-learn and SciPy", "library and library"),
    ],
)
def test_masked(text, expected):
    assert examples.masked(text) == expected


def test_pairs_are_of_one_module_and_seconds_are_exchanged(made):
    found, tasks = made
    owner = {p.text: d.source for d in found for p in d.prose}
    labels = []
    for row in tasks["pydoc_pair"]["train"]:
        first, second = owner[row["text_a"]], owner[row["text_b"]]
        assert first.module == second.module
        assert (first == second) == (row["label"] == "same")
        labels.append(row["label"])
    assert 0.4 < labels.count("same") / len(labels) < 0.6


def test_code_words_are_tagged_and_ticks_are_gone():
    text = "Uses ``np.mean(x)`` and :func:`f`, not `g` or *h*."
    assert examples._tagged(text) == (
        ["Uses", "np.mean", "(", "x", ")", "and", "f", ",", "not", "g", "or", "h", "."],
        ["O", "B-CODE", *["I-CODE"] * 3, *["O"] * 8],
    )
    assert examples._tagged("one ``tick is lost") == ([], [])


def test_answers_stand_where_they_are_said_to(made):
    for rows in made[1]["pydoc_qa"].values():
        places = set()
        for row in rows:
            [answer], [start] = row["answers"], row["answer_start"]
            assert row["context"][start : start + len(answer)] == answer
            head = row["context"][:start].splitlines()[-1]
            name = head.split(" ")[0]
            assert row["question"].startswith(f"What is the parameter {name} of f")
            places.add(start == len(head))
        assert places == {True, False}


def test_questions_are_not_about_lists_of_names():
    text = (
        "Parameters\n----------\na, b : int\n    The first two numbers.\n"
        "c : int\n    The third one here.\n\nReturns\n-------\n"
        "d : int\n    The sum of them.\n"
    )
    string = Docstring("p", "p.m", "f", 1, text)
    [document] = examples.documents([string])
    assert [e.name for e in examples._entries(document)] == ["c"]


def test_examples_do_not_depend_on_the_run(made, packages):
    strings = docstrings(source_files(str(packages)))
    again = examples.examples(list(examples.documents(strings)))
    assert again == made[1]


def test_files_are_cached_by_content(installed, monkeypatch):
    first = pydoc_files()
    assert first == pydoc_files(str(installed))
    assert sorted(os.listdir(first))[0] == "corpus.txt"
    # The corpus, three splits a task, and the inventory of the files.
    assert len(os.listdir(first)) == 1 + 3 * len(TASKS) + 1
    with monkeypatch.context() as patch:
        patch.setattr(pydoc_files_module, "_write", None)  # would fail
        assert pydoc_files(str(installed)) == first
    changed = installed / "numpy/m0.py"
    content = changed.read_text()
    changed.write_text(content + "# changed\n")
    try:
        assert pydoc_files(str(installed)) != first
    finally:
        changed.write_text(content)


def test_no_packages_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds none of the packages absl"):
        pydoc_files(str(tmp_path))


@pytest.mark.parametrize("name", TASKS)
def test_tasks_emit_the_schema(installed, vocabulary, name):
    task = load_task(name)
    with run_context.use(vocabulary=vocabulary):
        dataset = task.get_dataset({"input_ids": 128}, "dev", shuffle=False)
        rows = list(dataset.as_numpy_iterator())
    with open(os.path.join(pydoc_files(), f"{name}-dev.jsonl")) as file:
        raw = [json.loads(line) for line in file]
    assert {int(row["example_id"][0]) for row in rows} == set(range(len(raw)))
    for row in rows:
        assert row["input_ids"].dtype == row["labels"].dtype == np.int32
        assert len(row["input_ids"]) == len(row["segment_ids"]) <= 128
        assert row["input_ids"][0] == vocabulary.special_ids.cls
    card = registry.tasks.get(name)
    if card.kind == "classification":
        expected = [card.labels[int(row["labels"][0])] for row in rows]
        assert expected == [row["label"] for row in raw]
    if card.kind == "tagging":
        assert all(len(row["labels"]) == len(row["input_ids"]) for row in rows)
    assert len(data_sha256(task, "dev")) == 64


def test_answers_of_the_qa_task_are_found_through_tokens(installed, vocabulary):
    with run_context.use(vocabulary=vocabulary):
        dataset = load_task("pydoc_qa").get_dataset({"input_ids": 512}, "train")
        rows = list(dataset.as_numpy_iterator())
    assert len(rows) > 100
    for row in rows:
        first, last, is_impossible = row["labels"]
        assert not is_impossible
        text = row["context"].decode()[row["char_start"][first] : row["char_end"][last]]
        assert text == row["answers"][0].decode()


def test_a_bound_file_replaces_a_split(installed, vocabulary, tmp_path):
    path = tmp_path / "mine.jsonl"
    row = {"idx": 0, "id": "x", "text_a": "a b", "text_b": "c", "label": "same"}
    path.write_text(json.dumps(row) + "\n")
    with run_context.use(vocabulary=vocabulary, files={"dev": str(path)}):
        dataset = load_task("pydoc_pair").get_dataset({"input_ids": 16}, "dev")
        [found] = dataset.as_numpy_iterator()
    assert found["id"] == b"x"
    assert found["labels"].tolist() == [1]


@pytest.mark.parametrize(
    "line, said",
    [
        ("same,a,b", r"mine.jsonl, line 2: no JSON: Expecting value"),
        ('{"text_a": "a"}', r"line 2: idx, id, text_b, label missing, got {"),
        ('["a", "b"]', r"line 2: idx, id, text_a, text_b, label missing, got \["),
    ],
)
def test_a_bound_file_with_a_bad_line(vocabulary, tmp_path, line, said):
    path = tmp_path / "mine.jsonl"
    row = {"idx": 0, "id": "x", "text_a": "a b", "text_b": "c", "label": "same"}
    path.write_text(f"{json.dumps(row)}\n{line}\n")
    files = {"dev": str(path)}
    with (
        run_context.use(vocabulary=vocabulary, files=files),
        pytest.raises(ValueError, match=said),
    ):
        load_task("pydoc_pair").get_dataset({"input_ids": 16}, "dev")


def test_corpus_task_reads_the_documents(installed, made):
    task = load_task("pydoc")
    documents = [
        [line.decode() for line in document["lines"]]
        for split in task.splits
        for document in task.source.get_dataset(split).as_numpy_iterator()
    ]
    expected = "\n".join(examples.corpus_lines(made[0])).split("\n\n")
    assert sorted(documents) == sorted(text.split("\n") for text in expected)


def test_cards_agree_with_the_examples(made):
    for name in TASKS:
        card = registry.tasks.get(name)
        assert card.splits == {}
        rows = made[1][name]["train"]
        if card.kind == "classification":
            assert {row["label"] for row in rows} == set(card.labels)
        if card.kind == "tagging":
            assert card.labels == examples.CODE_TAGS
    assert registry.tasks.get("pydoc_library").labels == tuple(LIBRARIES)
