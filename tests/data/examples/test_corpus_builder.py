"""Building a corpus: processes, splits, and what is left when it goes wrong."""

import errno
import os
import re
import signal
import zlib

import numpy as np
import pytest

from electra_bench.data.examples import corpus_builder
from electra_bench.data.examples.corpus_builder import (
    Settings,
    build_corpus_folder,
    made_examples,
    position,
    read_manifest,
    split_of,
)
from electra_bench.data.examples.store import ExampleStore, ExampleWriter
from electra_bench.data.text import streams
from electra_bench.data.text.files import iter_documents
from electra_bench.data.text.streams import ReadReport, text_id

SETTINGS = Settings(32, 1, 0.1, vocab_size=1000, cls_id=1, sep_id=2)


class WordTokenizer:
    """A word is a token; picklable, needs no file."""

    def encode_batch(self, lines):
        ids = [[10 + zlib.crc32(w.encode()) % 990 for w in x.split()] for x in lines]
        splits = np.cumsum([0, *map(len, ids)])
        return np.array(sum(ids, []), np.int32), splits.astype(np.int64)


class DyingTokenizer(WordTokenizer):
    """Takes its process down."""

    def encode_batch(self, lines):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def text_file(tmp_path):
    rng = np.random.default_rng(0)
    documents = [
        "\n".join(
            " ".join(f"w{w}" for w in rng.integers(0, 500, rng.integers(1, 30)))
            for _ in range(rng.integers(1, 20))
        )
        for _ in range(200)
    ]
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(documents))
    return str(path)


def build(files, folder, processes=1, tokenizer=None, settings=SETTINGS, **options):
    report = ReadReport()

    def make():
        documents = iter_documents(files, report=report, **options)
        return made_examples(
            documents, tokenizer or WordTokenizer(), settings, processes
        )

    return build_corpus_folder(make, str(folder), {}, report, name="test")


def content(folder):
    return {
        os.path.join(split, name): (folder / split / name).read_bytes()
        for split in corpus_builder.SPLITS
        for name in sorted(os.listdir(folder / split))
    }


@pytest.mark.parametrize("part_chars", [1 << 20, 400])
def test_processes_and_blocks_do_not_show(tmp_path, text_file, monkeypatch, part_chars):
    monkeypatch.setattr(streams, "PART_CHARS", part_chars)
    one = build([text_file], tmp_path / "one")
    monkeypatch.setattr(corpus_builder, "BLOCK_CHARS", 2000)
    two = build([text_file], tmp_path / "two", processes=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert one["splits"] == two["splits"]
    counts = [one["splits"][split] for split in corpus_builder.SPLITS]
    assert sum(c["documents"] for c in counts) == 200
    for split, count in zip(corpus_builder.SPLITS, counts, strict=True):
        store = ExampleStore([str(tmp_path / "one" / split)])
        assert len(store) == count["examples"] > 5
        ids = np.concatenate([store.row("input_ids", i) for i in range(len(store))])
        assert ids.dtype == np.uint16
        kept = np.count_nonzero(ids >= 10)
        assert kept == count["tokens"] - count["dropped_tokens"]
    assert one["text_bytes"] == pytest.approx(os.path.getsize(text_file), abs=1)


def test_one_long_document_equals_itself_in_parts(tmp_path, text_file, monkeypatch):
    whole = build([text_file], tmp_path / "whole", documents="file")
    monkeypatch.setattr(streams, "PART_CHARS", 1000)
    parts = list(iter_documents([text_file], documents="file"))
    assert len(parts) > 20
    # The id is that of the first part, so the draws differ; the counts of text do not.
    again = build([text_file], tmp_path / "parts", 2, documents="file")
    for name in ("documents", "lines", "tokens"):
        total = [sum(s[name] for s in x["splits"].values()) for x in (whole, again)]
        assert total[0] == total[1]


def test_the_seed_changes_examples_but_not_the_split(tmp_path, text_file):
    one = build([text_file], tmp_path / "one")
    other = build([text_file], tmp_path / "other", settings=SETTINGS._replace(seed=2))
    assert content(tmp_path / "one") != content(tmp_path / "other")
    for split in corpus_builder.SPLITS:
        for name in ("documents", "lines", "tokens"):
            assert one["splits"][split][name] == other["splits"][split][name]


def test_the_split_is_a_hash_of_the_text():
    ids = [text_id(f"document {i}") for i in range(10000)]
    held_out = [i for i in ids if split_of(i, 0.01) == "validation"]
    assert 70 < len(held_out) < 130
    assert all(split_of(i, 0.02) == "validation" for i in held_out)
    assert min(map(position, ids)) >= 0.0 and max(map(position, ids)) < 1.0
    assert {split_of(i, 0.0) for i in ids} == {"train"}


@pytest.mark.parametrize("content_of_file", ["", "\n \n\n"])
def test_a_corpus_without_text(tmp_path, content_of_file):
    path = tmp_path / "a.txt"
    path.write_text(content_of_file)
    with pytest.raises(ValueError, match="corpus 'test' has no text"):
        build([str(path)], tmp_path / "out")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_corpus_of_which_all_was_skipped(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff\n\xff\n")
    message = "has no text; 2 skipped: .*a.txt: not UTF-8 at byte 0"
    with pytest.raises(ValueError, match=message):
        build([str(path)], tmp_path / "out", on_error="skip")


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_nothing_is_left_of_a_broken_build(
    tmp_path, text_file, monkeypatch, processes, error
):
    calls = []

    def append_rows(*args):
        calls.append(args)
        if len(calls) == 10:
            raise error

    monkeypatch.setattr(corpus_builder, "BLOCK_CHARS", 2000)
    monkeypatch.setattr(ExampleWriter, "append_rows", append_rows)
    with pytest.raises(type(error)):
        build([text_file], tmp_path / "out", processes)
    assert os.listdir(tmp_path) == ["text.txt"]


def test_a_dead_worker_is_noticed(tmp_path, text_file):
    with pytest.raises(RuntimeError, match="a worker process died"):
        build([text_file], tmp_path / "out", 2, DyingTokenizer())
    assert os.listdir(tmp_path) == ["text.txt"]


def test_a_reader_that_fails_leaves_nothing(tmp_path, text_file):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=re.escape("bad.txt: not UTF-8")):
        build([text_file, str(bad)], tmp_path / "out", 2)
    assert sorted(os.listdir(tmp_path)) == ["bad.txt", "text.txt"]


def test_a_complete_folder_is_not_replaced(tmp_path, text_file):
    build([text_file], tmp_path / "out")
    first = read_manifest(tmp_path / "out")
    build([text_file], tmp_path / "out", settings=SETTINGS._replace(seed=5))
    assert read_manifest(tmp_path / "out") == first
    assert sorted(os.listdir(tmp_path)) == ["out", "text.txt"]
    assert read_manifest(tmp_path) is None
