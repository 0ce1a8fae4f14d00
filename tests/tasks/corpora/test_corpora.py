"""Corpora as seqio tasks, and the cache: both read the same examples."""

import contextlib
import functools
import gzip
import json
import os
import tarfile

import gin
import numpy as np
import pytest
import seqio
import tensorflow as tf
from run_records import run_record

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.data.text import files, streams
from electra_bench.system import inventory
from electra_bench.tasks.corpora.examples import build_corpus, corpus_fingerprint
from electra_bench.tasks.corpora.losses import MARKS
from electra_bench.tasks.corpora.registration import add_corpus, add_corpus_mixture
from electra_bench.tasks.corpora.sources import FileSource, build_examples
from electra_bench.tasks.examples import examples
from electra_bench.tasks.registration import load_task
from electra_bench.tasks.results import score_marks
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

LETTERS = "abcdefgh"
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join([*TOKENS, *LETTERS, *(f"##{x}" for x in LETTERS)]))
    return WordPieceVocabulary(str(path))


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch, vocabulary):
    """An empty cache, and a vocabulary."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    with run_context.use(vocabulary=vocabulary):
        yield


def write_text(path, num_documents=60, seed=0):
    rng = np.random.default_rng(seed)

    def word():
        return "".join(rng.choice(list(LETTERS), rng.integers(1, 6)))

    documents = [
        "\n".join(
            " ".join(word() for _ in range(rng.integers(1, 12)))
            for _ in range(rng.integers(1, 8))
        )
        for _ in range(num_documents)
    ]
    path.write_text("\n\n".join(documents))
    return str(path)


@pytest.fixture
def text_file(tmp_path):
    return write_text(tmp_path / "text.txt")


def through_seqio(name, split, length=32):
    dataset = seqio.get_mixture_or_task(name).get_dataset(
        {"input_ids": length}, split=split, shuffle=False
    )
    return [
        (e["input_ids"].tolist(), e["segment_ids"].tolist())
        for e in dataset.as_numpy_iterator()
    ]


def stored(built):
    return [
        (
            built.store.row("input_ids", i).tolist(),
            built.store.row("segment_ids", i).tolist(),
        )
        for i in range(len(built.store))
    ]


def build(name, split="train", length=32, processes=1):
    return build_corpus(load_task(name), split, length, processes)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("documents", ["blank_line", "file", "line"])
def test_seqio_and_the_builder_give_the_same(
    tmp_path, text_file, documents, processes, monkeypatch
):
    monkeypatch.setattr(streams, "PART_CHARS", 500)
    files = [text_file, write_text(tmp_path / "more.txt", seed=1)]
    add_corpus("test_same", files, documents=documents, holdout=0.2, seed=7)
    for split in ("train", "validation"):
        built = build("test_same", split, processes=processes)
        assert stored(built) == through_seqio("test_same", split)
        assert len(built.store) > 2


@contextlib.contextmanager
def cut_tokens(value):
    with gin.unlock_config():
        gin.bind_parameter("features.pretraining.cut_tokens", value)
    try:
        yield
    finally:
        gin.clear_config()


@pytest.mark.parametrize("processes", [1, 2])
def test_cut_tokens_are_kept(tmp_path, text_file, processes, monkeypatch):
    monkeypatch.setattr(streams, "PART_CHARS", 500)
    add_corpus("test_cut", text_file, holdout=0.2)
    dropped = build("test_cut", processes=processes)
    assert dropped.manifest["cut_tokens"] == "dropped"
    with cut_tokens("kept"):
        kept = build("test_cut", processes=processes)
        assert stored(kept) == through_seqio("test_cut", "train")
        assert "pretraining.cut_tokens = 'kept'" in gin.operative_config_str()
    assert kept.directory != dropped.directory
    assert kept.manifest["cut_tokens"] == "kept"
    counts = [b.manifest["splits"]["train"] for b in (dropped, kept)]
    assert counts[0]["tokens"] == counts[1]["tokens"]
    assert counts[0]["dropped_tokens"] > 0 == counts[1]["dropped_tokens"]
    special = 2 * len(kept.store) + sum(1 in s for _, s in stored(kept))
    assert sum(len(ids) for ids, _ in stored(kept)) - special == counts[1]["tokens"]
    # A folder that was built says how, and is not taken for what it is not.
    add_corpus("test_cut_built", kept.directory)
    with pytest.raises(ValueError, match="made with cut tokens kept, .* is 'dropped'"):
        build("test_cut_built")
    with cut_tokens("kept"):
        assert stored(build("test_cut_built")) == stored(kept)
    with cut_tokens("lost"), pytest.raises(ValueError, match="one of .*, got 'lost'"):
        build("test_cut")


def test_what_seqio_gives_is_complete(text_file, vocabulary):
    add_corpus("test_complete", text_file)
    task = seqio.get_mixture_or_task("test_complete")
    dataset = task.get_dataset({"input_ids": 32}, split="train", shuffle=False)
    spec = {n: tf.TensorSpec([None], tf.int32) for n in ("input_ids", "segment_ids")}
    assert dataset.element_spec == spec
    ids = vocabulary.special_ids
    for row, segments in through_seqio("test_complete", "train"):
        assert len(row) <= 32 and row[0] == ids.cls and row[-1] == ids.sep
        assert segments == sorted(segments)
    # Shuffled, over shards and endless, as plain seqio code may read it.
    rows = sum(
        len(
            list(
                task.get_dataset(
                    {"input_ids": 32},
                    split="train",
                    shuffle=True,
                    shard_info=seqio.ShardInfo(i, 2),
                )
            )
        )
        for i in range(2)
    )
    assert rows == len(through_seqio("test_complete", "train"))


def test_cache_is_keyed_by_content(text_file, tmp_path, vocabulary):
    add_corpus("test_key", text_file)
    first = build("test_key").directory
    assert build("test_key").directory == first
    assert build("test_key", length=16).directory != first
    # A copy of the file under another name is the same data.
    copy = tmp_path / "copy.txt"
    copy.write_bytes((tmp_path / "text.txt").read_bytes())
    add_corpus("test_key_copy", str(copy))
    assert build("test_key_copy").manifest["key"] == build("test_key").manifest["key"]
    add_corpus("test_key_seed", text_file, seed=1)
    assert build("test_key_seed").manifest["key"] != build("test_key").manifest["key"]
    # Other text, without a new time stamp or size.
    state = os.stat(text_file)
    content = (tmp_path / "text.txt").read_text()
    (tmp_path / "text.txt").write_text(content.replace("a", "b", 1))
    os.utime(text_file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert build("test_key").directory != first
    # Another vocabulary.
    other = tmp_path / "other.txt"
    other.write_text((tmp_path / "vocab.txt").read_text() + "\nx")
    second = build("test_key").directory
    with run_context.use(vocabulary=WordPieceVocabulary(str(other))):
        assert build("test_key").directory != second


def test_replaced_source_and_preprocessors_are_seen(text_file, tmp_path):
    add_corpus("test_replaced", text_file)
    task = load_task("test_replaced")
    before = build_corpus(task, "train", 32, 1)
    other = FileSource(write_text(tmp_path / "b.txt", seed=9))
    replaced = task.replace(source=other)
    after = build_corpus(replaced, "train", 32, 1)
    assert after.directory != before.directory
    assert after.data_sha256 != before.data_sha256
    assert stored(after) != stored(before)

    def only_short(dataset):
        return dataset.filter(lambda example: tf.size(example["input_ids"]) < 20)

    steps = [functools.partial(build_examples, seed=0), only_short]
    short = build_corpus(task.replace(preprocessors=steps), "train", 32, 1)
    assert short.directory != before.directory
    assert stored(short) == [row for row in stored(before) if len(row[0]) < 20]


def test_validation_never_has_a_text_of_train(tmp_path, text_file):
    # The same documents again, in another file: repeats stay together.
    add_corpus("test_repeats", [text_file, text_file], holdout=0.3)
    source = load_task("test_repeats").source
    ids = {
        split: {e["document"] for e in source.get_dataset(split).as_numpy_iterator()}
        for split in ("train", "validation")
    }
    assert len(ids["train"] | ids["validation"]) == 60
    assert not ids["train"] & ids["validation"]
    assert corpus_fingerprint(source, "train") != corpus_fingerprint(
        source, "validation"
    )


@pytest.mark.parametrize("num_documents", [2, 5])
def test_a_small_corpus_holds_out_one_document(tmp_path, num_documents):
    file = write_text(tmp_path / "small.txt", num_documents)
    add_corpus("test_small", file, holdout=0.0001)
    counts = build("test_small", "validation").manifest["splits"]
    assert counts["validation"]["documents"] == 1
    assert counts["train"]["documents"] == num_documents - 1


def test_splits_without_examples(tmp_path):
    file = write_text(tmp_path / "one.txt", 1)
    add_corpus("test_one", file)
    assert len(build("test_one").store)
    with pytest.raises(ValueError, match="of 1 documents none was held out"):
        build("test_one", "validation")
    add_corpus("test_no_holdout", file, holdout=0.0)
    with pytest.raises(ValueError, match="has no split 'validation'; it has"):
        build("test_no_holdout", "validation")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    add_corpus("test_empty", str(empty))
    with pytest.raises(ValueError, match="corpus 'test_empty' has no text"):
        build("test_empty")


def test_files_may_be_relative_to_the_data_folder(tmp_path, text_file, monkeypatch):
    # Files of the current folder come first.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    add_corpus("test_relative", "*.txt")
    with run_context.use(data_dir=str(tmp_path)):
        assert load_task("test_relative").source.files() == [
            text_file,
            str(tmp_path / "vocab.txt"),
        ]
    with pytest.raises(FileNotFoundError, match="no file matches"):
        load_task("test_relative").source.files()


def test_no_vocabulary(text_file):
    add_corpus("test_no_vocabulary", text_file)
    with run_context.use(vocabulary=None):
        with pytest.raises(ValueError, match="needs a vocabulary"):
            build("test_no_vocabulary")
        with pytest.raises(ValueError, match="need a vocabulary"):
            through_seqio("test_no_vocabulary", "train")


def test_names_are_taken_once(text_file):
    card = add_corpus("test_twice", text_file)
    assert add_corpus("test_twice", text_file) == card
    assert registry.tasks.get("test_twice") == card
    assert card.kind == "corpus"
    with pytest.raises(ValueError, match="exists already, with other settings"):
        add_corpus("test_twice", text_file, seed=1)
    with pytest.raises(ValueError, match="the name is taken by|exists already"):
        add_corpus("cola", text_file)
    with pytest.raises(ValueError, match="format must be one of"):
        add_corpus("test_format", text_file, format="docx")


def test_mixtures_have_rates(tmp_path, text_file):
    add_corpus("test_a", text_file)
    add_corpus("test_b", write_text(tmp_path / "b.txt", seed=3))
    mixture = add_corpus_mixture("test_mix", {"test_a": 3, "test_b": 1})
    assert add_corpus_mixture("test_mix", {"test_a": 3, "test_b": 1}) is mixture
    a, b = (set(map(str, through_seqio(n, "train"))) for n in ("test_a", "test_b"))
    dataset = mixture.get_dataset(
        {"input_ids": 32}, "train", shuffle=False, num_epochs=None, seed=0
    )
    drawn = [
        str((e["input_ids"].tolist(), e["segment_ids"].tolist())) in a
        for e in dataset.take(2000).as_numpy_iterator()
    ]
    assert not a & b
    assert np.mean(drawn) == pytest.approx(0.75, abs=0.04)
    with pytest.raises(ValueError, match="exists already, with other rates"):
        add_corpus_mixture("test_mix", {"test_a": 1, "test_b": 1})
    with pytest.raises(ValueError, match="must be positive, got 0"):
        add_corpus_mixture("test_zero", {"test_a": 0})
    with pytest.raises(registry.UnknownName, match="near: .*test_a"):
        add_corpus_mixture("test_unknown", {"test_aa": 1})


def write_tfrecords(path, rows, length=32):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for ids, segments in rows:
            padding = [0] * (length - len(ids))
            values = {
                "input_ids": ids + padding,
                "input_mask": [1] * len(ids) + padding,
                "segment_ids": segments + padding,
            }
            feature = {
                n: tf.train.Feature(int64_list=tf.train.Int64List(value=v))
                for n, v in values.items()
            }
            features = tf.train.Features(feature=feature)
            writer.write(tf.train.Example(features=features).SerializeToString())


def test_tfrecords_of_the_original(tmp_path, text_file):
    add_corpus("test_text", text_file, holdout=0.0)
    rows = through_seqio("test_text", "train")
    folder = tmp_path / "pretrain_tfrecords"
    folder.mkdir()
    half = len(rows) // 2
    write_tfrecords(folder / "pretrain_data.tfrecord-0-of-2", rows[:half])
    write_tfrecords(folder / "pretrain_data.tfrecord-1-of-2", rows[half:])
    add_corpus("test_records", str(folder), holdout=0.1)
    # Found below the run's data folder, too, by name or by a glob.
    with run_context.use(data_dir=str(tmp_path)):
        for number, files in enumerate(("pretrain_tfrecords", "pretrain_tfr*/*")):
            add_corpus(f"test_records_{number}", files, holdout=0.1)
            assert stored(build(f"test_records_{number}")) == stored(
                build("test_records")
            )
    made = []
    for split in ("train", "validation"):
        built = build("test_records", split)
        assert stored(built) == through_seqio("test_records", split)
        made += stored(built)
    assert sorted(made) == sorted(rows)
    assert 0 < len(build("test_records", "validation").store) < half
    with pytest.raises(ValueError, match="examples of 32 tokens, max_seq_length is 16"):
        build("test_records", length=16)
    small = tmp_path / "small.txt"
    small.write_text("\n".join([*TOKENS, "a"]))
    with (
        run_context.use(vocabulary=WordPieceVocabulary(str(small))),
        pytest.raises(ValueError, match="made with another vocabulary"),
    ):
        build("test_records")


def test_output_of_corpus_build_is_a_corpus(tmp_path, text_file):
    add_corpus("test_source", text_file)
    made = build("test_source")
    add_corpus("test_built", made.directory)
    assert stored(build("test_built")) == stored(made)
    assert through_seqio("test_built", "validation") == through_seqio(
        "test_source", "validation"
    )
    with pytest.raises(ValueError, match="examples of 32 tokens, max_seq_length is 16"):
        build("test_built", length=16)
    add_corpus("test_gone", str(tmp_path / "nothing"), format="built")
    with pytest.raises(FileNotFoundError, match="holds no examples made by"):
        build("test_gone")
    os.remove(os.path.join(made.directory, "manifest.json"))
    # Its files are not taken for text.
    with pytest.raises(ValueError, match=r"manifest\.json: is missing; .*--overwrite"):
        add_corpus("test_without_manifest", made.directory)


@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz", "text.tar"])
def test_text_that_changes_while_it_is_read_is_not_kept(name, tmp_path, monkeypatch):
    path, other = tmp_path / name, tmp_path / f"other-{name}"
    for file, seed in ((path, 1), (other, 2)):
        write_text(tmp_path / "a.txt", seed=seed)
        content = (tmp_path / "a.txt").read_bytes()
        if name.endswith("gz"):
            content = gzip.compress(content)
        file.write_bytes(content)
        if name.endswith("tar"):
            with tarfile.open(file, "w") as archive:
                archive.add(tmp_path / "a.txt")
    add_corpus("test_changing", str(path), documents="blank_line")
    before, of_other = path.read_bytes(), other.read_bytes()
    open_file = files.open_file

    def opened(file):
        path.write_bytes(of_other)
        return open_file(file)

    made = FileSource.made_examples

    def made_of_other(*args):
        monkeypatch.setattr(files, "open_file", opened)
        yield from made(*args)
        path.write_bytes(before)  # its hash alone would not tell

    with monkeypatch.context() as patch:
        patch.setattr(FileSource, "made_examples", made_of_other)
        with pytest.raises(
            ValueError, match="'test_changing' changed while it was read"
        ):
            build("test_changing")
    assert not any((tmp_path / "cache" / "corpora").glob("[!.]*"))


@pytest.mark.parametrize("feature", ["input_ids.uint16.values", "segment_ids.ends"])
def test_a_flipped_bit_of_a_kept_corpus(feature, text_file, monkeypatch, caplog):
    add_corpus("test_flipped", text_file)
    made = build("test_flipped")
    expected = stored(made)
    flip(os.path.join(made.directory, "train", feature), 100)
    assert stored(build("test_flipped")) == expected
    assert f"is made anew: train/{feature} has another content" in caplog.text
    # Large files are not read to open the corpus, and refused where they are read.
    flip(os.path.join(made.directory, "train", feature), 100)
    monkeypatch.setattr(inventory, "READ_BYTES", 0)
    with pytest.raises(
        ValueError, match=f"{feature}: bytes 0 to .* are not what was w"
    ):
        stored(build("test_flipped"))


def test_a_flipped_bit_of_a_folder_of_corpus_build(text_file):
    add_corpus("test_whole", text_file)
    made = build("test_whole")
    add_corpus("test_built", made.directory)
    flip(os.path.join(made.directory, "manifest.json"), 3)
    with pytest.raises(ValueError, match="manifest.json"):
        build("test_built")


def flip(path, place):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def test_manifest_tells_what_was_made(text_file):
    add_corpus("test_manifest", text_file)
    built = build("test_manifest")
    with open(os.path.join(built.directory, "manifest.json")) as file:
        manifest = json.load(file)
    assert manifest == built.manifest
    train = manifest["splits"]["train"]
    assert train["examples"] == len(built.store)
    assert train["tokens"] > train["dropped_tokens"] >= 0
    assert manifest["max_seq_length"] == 32
    assert sorted(os.listdir(os.path.dirname(built.directory))) == [
        os.path.basename(built.directory)
    ]


def test_what_is_lost_reaches_the_notes_and_marks(tmp_path):
    files = [tmp_path / name for name in ("good.txt", "bad.jsonl")]
    files[0].write_text("\n\n".join(f"a b c d e {x} a b c d e" for x in LETTERS * 5))
    files[1].write_text(
        '{"text": "%s"}\n{"text": "\\ud800"}\n' % ("ж" * 250) + "[]\n" * 90
    )
    paths = [str(file) for file in files]
    add_corpus("test_lost", paths, on_error="skip", max_skipped=0.6, holdout=0.1)
    parts = [examples("test_lost", split, 8)[0] for split in ("train", "validation")]
    train, held_out = parts
    assert train.num_skipped == 90 and held_out.num_skipped == 0
    assert {*train.notes} >= {
        *("tokens dropped", "text unknown", "text unread", "characters replaced")
    }
    assert "text unread" not in held_out.notes and "tokens dropped" in held_out.notes
    marks = score_marks(None, registry.tasks.get("test_lost"), parts)
    assert marks["rows skipped"].startswith("90 to train on, the first of them: ")
    assert "corpus 'test_lost', validation: " in marks["tokens dropped"]
    assert "features.pretraining.cut_tokens='kept'" in marks["tokens dropped"]
    assert "% of its lines or bytes were left out" in marks["text unread"]
    assert "bad.jsonl: line 3: expected a JSON object" in marks["text unread"]
    assert {*train.notes} - {"characters replaced"} <= {*MARKS}
    # Whoever reads a score of a model that was trained on it is told, too.
    result = {"marks": marks}
    trained = run_record("a", "test_lost", 0, 9.0, kind="pretrain", result=result)
    scored = train._replace(notes={}, num_skipped=0)
    told = score_marks(trained, registry.tasks.get("cola"), [scored])
    assert [*told] == ["pre-training text"]
    assert f"tokens dropped: {marks['tokens dropped']}" in told["pre-training text"]
    # So are scores of what goes on from there: pre-trained, or trained on another task.
    lost = told["pre-training text"]
    unfinished = {"unfinished run": "x", "text unknown": "of its own"}
    further = {"marks": told | unfinished}
    more = run_record("b", "test_lost", 0, 9.0, kind="pretrain", result=further)
    assert score_marks(more, registry.tasks.get("cola"), [scored]) == {
        "pre-training text": f"{lost}; text unknown: of its own",
        "unfinished run": "x",
    }
    tuned = run_record("a", "cola", 0, 9.0, result={"marks": told})
    assert score_marks(tuned, registry.tasks.get("rte"), [scored]) == told
    assert "97 % of these" in marks["text unknown"] or "100 %" in marks["text unknown"]


@pytest.mark.parametrize(
    ("title", "documents"),
    [
        (" = Title {} = ", "blank_line"),
        (" = Title {} = ", "wikitext"),
        ("Title {}", "blank_line"),
    ],
)
def test_wikitext_is_known_by_its_titles(title, documents, tmp_path):
    path = tmp_path / "wiki.train.tokens"
    long = "a b c d e a b c d e"
    articles = [f"\n{title.format(x)}\n\n{long}\n{long} {x}\n" for x in LETTERS]
    path.write_text("".join(articles))
    add_corpus("test_wiki", str(path), documents=documents, holdout=0.2)
    with cut_tokens("dropped"):
        said = build("test_wiki", length=8).warnings["tokens dropped"].sentence
    is_meant = "=" in title and documents == "blank_line"
    assert ("documents='wikitext' (corpus build" in said) == is_meant
    assert "of 16 documents 8 begin with ' = Title = '" in said or not is_meant


def lines_of_which_some_are_bad(path, bad):
    good = [json.dumps({"text": "a b c d e\n" * 9 + str(x)}) for x in range(20 - bad)]
    path.write_text("\n".join(good + ["[]"] * bad) + "\n")
    return str(path)


def test_a_tenth_of_the_lines_may_be_left_out(tmp_path):
    good = lines_of_which_some_are_bad(tmp_path / "good.jsonl", 2)
    add_corpus("test_good", good, on_error="skip", holdout=0.2)
    manifest = build("test_good").manifest
    [reason] = manifest["skipped_reasons"]
    said = "good.jsonl: line 19: expected a JSON object, got list (and 1 more like it)"
    assert manifest["skipped"] == 2 and reason.endswith(said)
    bad = lines_of_which_some_are_bad(tmp_path / "bad.jsonl", 3)
    add_corpus("test_bad", bad, on_error="skip", holdout=0.2)
    with pytest.raises(ValueError) as caught:
        build("test_bad")
    assert (
        "bad.jsonl: 3 of 20 lines cannot be used, more than the 10 % that may be skipped "
        "(max_skipped): "
    ) in str(caught.value)
    assert "line 18: expected a JSON object, got list (and 2 more like" in str(
        caught.value
    )
    # Whoever allows it finds the same examples; they are no way round the limit.
    add_corpus("test_bound", bad, on_error="skip", holdout=0.2, max_skipped=0.15)
    assert build("test_bound").manifest["skipped"] == 3
    with pytest.raises(ValueError, match="more than the 10 % that may be skipped"):
        build("test_bad")
    with pytest.raises(ValueError, match="max_skipped must be from 0 to 1, got 2"):
        add_corpus("test_share", bad, max_skipped=2)


def test_a_usual_corpus_has_no_marks(text_file):
    add_corpus("test_usual", text_file)
    with cut_tokens("kept"):
        [part] = examples("test_usual", "train", 32)
    assert part.notes == {} and part.num_skipped == 0
