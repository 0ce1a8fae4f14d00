"""Chunking against the original's features where they are to be equal."""

import gin
import pytest
from golden_cases import SOURCES, golden_folder
from recorded_files import unpack
from task_cases import QUIRKS, chunk_examples

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.data.readers.columns import bioes
from electra_bench.tasks.examples import examples
from electra_bench.tasks.results import score_marks
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary


@pytest.fixture(scope="module", params=SOURCES)
def golden(request, tmp_path_factory):
    numbers = golden_folder(request, request.param)
    folder = tmp_path_factory.mktemp("chunk")
    content = unpack(numbers / "features/tagging.json", folder)
    vocabulary = WordPieceVocabulary(str(numbers / "vocab.txt"))
    with run_context.use(data_dir=str(folder), vocabulary=vocabulary, files={}):
        yield content


def test_features_equal_the_originals(golden):
    mapping = golden["label_mapping"]
    compared = 0
    for case in golden["cases"]:
        if case["split"] != "train":
            continue
        examples = chunk_examples(mapping, 10_000)
        for expected in case["features"]:
            example = examples[expected["eid"]]
            words, count = expected["words"], expected["n_labeled"]
            assert [word.decode() for word in example["words"]] == words
            tags = [mapping[tag.decode()] for tag in example["tags"]]
            assert tags == expected["example_labels"]
            if {"[SEP]", "[CLS]", "\u200b"} & set(words):
                continue  # here the original differs, see `encode_words`
            compared += 1
            # The original cuts long sentences early; what it keeps is the same.
            ids = expected["input_ids_without_padding"]
            assert example["input_ids"][: len(ids) - 1].tolist() == ids[:-1]
            assert len(example["input_ids"]) == len(ids) or count < len(words)
            assert example["segment_ids"].max() == 0
            positions = [i for i, label in enumerate(example["labels"]) if label >= 0]
            assert len(positions) == len(words)
            assert positions[:count] == expected["labeled_positions"][:count]
            labels = [label for label in example["labels"] if label >= 0]
            assert labels[:count] == expected["labels"][:count]
    assert compared >= 4


def test_features_under_code_v1_equal_the_originals_throughout(golden):
    mapping = golden["label_mapping"]
    cut = 0
    for case in golden["cases"]:
        if case["split"] != "train":
            continue
        rows = chunk_examples(mapping, case["max_seq_length"], QUIRKS)
        # A sentence with a zero-width space is several rows.
        examples = {int(row["idx"]): row for row in reversed(rows)}
        for expected in case["features"]:
            example = examples[expected["eid"]]
            if {"[SEP]", "[CLS]"} & set(expected["words"]):
                continue  # here the original differs, see `encode_words`
            ids = expected["input_ids_without_padding"]
            assert example["input_ids"].tolist() == ids
            assert set(example["segment_ids"]) == {1}
            positions = [i for i, label in enumerate(example["labels"]) if label >= 0]
            count = expected["n_labeled"]
            assert positions == expected["labeled_positions"][:count]
            labels = [label for label in example["labels"] if label >= 0]
            assert labels == expected["labels"][:count]
            cut += count < len(expected["words"])
    assert cut >= 1


def test_words_that_are_not_scored_at_sixteen_tokens_are_marked(
    shared_data, shared_golden
):
    vocabulary = WordPieceVocabulary(str(shared_golden / "vocab.txt"))
    registry.features.load("words")
    gin.bind_parameter("features.words.cut_words", "dropped")
    with run_context.use(data_dir=str(shared_data), vocabulary=vocabulary, files={}):
        [part] = examples("chunk", "test", 16)
    marks = score_marks(None, registry.tasks.get("chunk"), [part])
    assert marks == {"words cut": "24,618 of 47,377 to score"}


def test_tags_that_are_mended_mark_the_score(tmp_path, shared_golden):
    vocabulary = WordPieceVocabulary(str(shared_golden / "vocab.txt"))
    path = tmp_path / "dev.txt"
    path.write_text("a B-group\nb I-group\n\nc B-group\nd O\ne I-person\n")
    files = {"dev": str(path)}
    for _ in range(2):  # made, and found in the cache
        with run_context.use(vocabulary=vocabulary, files=files):
            [part] = examples("wnut17", "dev", 16)
        [(mark, said)] = score_marks(None, registry.tasks.get("wnut17"), [part]).items()
        assert mark == "tags mended"
        assert said == (
            f"1 to score, the first of them: {path}, line 6: 'I-person' contradicts IOB2, "
            "read as S-person"
        )


def test_the_card_has_the_tags_of_the_published_files(shared_data):
    card = registry.tasks.get("chunk")
    tags = set()
    for name in ("train", "test"):
        text = (shared_data / f"chunk/{name}.txt").read_text(encoding="utf-8")
        for sentence in text.strip().split("\n\n"):
            tags.update(bioes([line.split()[-1] for line in sentence.split("\n")]))
    assert list(card.labels) == sorted(tags)
