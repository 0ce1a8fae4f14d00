import json
import pickle
import shutil

import numpy as np
import pytest
import seqio
import tensorflow as tf
from run_records import run_record

from electra_bench import registry
from electra_bench.core import SpecialIds
from electra_bench.data import run_context
from electra_bench.records import write_record
from electra_bench.vocabularies import files
from electra_bench.vocabularies.load import load_vocabulary, open_vocabulary
from electra_bench.vocabularies.run_vocabulary import RunVocabulary
from electra_bench.vocabularies.sentencepiece import SentencePieceVocabulary
from electra_bench.vocabularies.training import train_sentencepiece
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "é", ","]

TEXT = """\
The cats sat on the mat and looked at the other cats, which sat on other mats.
A café is no place for a cat; cats like mats, naïve as they are, and so do others.
"""


@pytest.fixture
def vocab_file(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"{token}\n" for token in TOKENS), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "vocab.model"
    path.write_bytes(train_sentencepiece(TEXT.splitlines(), 60))
    return str(path)


@pytest.fixture(params=["wordpiece", "sentencepiece"])
def vocabulary(request, vocab_file, model_file):
    path = vocab_file if request.param == "wordpiece" else model_file
    return registry.vocabularies.get(request.param)(path=path)


def test_golden_file_content(shared_golden):
    extra = json.loads((shared_golden / "tokenization_extra.json").read_text())
    case = extra["load_vocab"]
    tokens = files.wordpiece_tokens(case["file_content"].encode(), "v")
    assert {token: i for i, token in enumerate(tokens)} == case["vocab"]
    for name, key in (("vocab.txt", "vocab_full"), ("vocab_small.txt", "vocab_small")):
        content = (shared_golden / name).read_bytes()
        tokens = files.wordpiece_tokens(content, name)
        assert len(tokens) == extra[key]["n"]
    assert {t: tokens.index(t) for t in extra[key]["special"]} == extra[key]["special"]


def test_special_ids(vocab_file, model_file):
    assert WordPieceVocabulary(vocab_file).special_ids == SpecialIds(10, 0, 1, 2, 3, 4)
    special = SentencePieceVocabulary(model_file).special_ids
    assert special == SpecialIds(special.size, 0, 1, 2, 3, 4)


def test_what_seqio_asks_of_a_vocabulary(vocabulary):
    assert isinstance(vocabulary, seqio.Vocabulary)
    assert vocabulary.pad_id == 0
    assert vocabulary.unk_id == 1
    assert vocabulary.eos_id is None
    assert vocabulary.vocab_size == vocabulary.special_ids.size
    ids = vocabulary.encode("the cats")
    assert vocabulary.decode(ids) == "the cats"
    assert vocabulary.encode_tf(tf.constant("the cats")).numpy().tolist() == ids
    assert vocabulary.decode_tf(tf.constant(ids)).numpy() == b"the cats"
    shown = vocabulary.decode([2, *ids, 3])
    assert shown.startswith("[CLS]") and shown.endswith("[SEP]")
    assert vocabulary.decode_tf(tf.constant([2, *ids, 3])).numpy().decode() == shown


def test_in_a_tf_data_pipeline(vocabulary):
    texts = ["the cats", "", "a cat, the cats"]
    dataset = tf.data.Dataset.from_tensor_slices(texts).map(vocabulary.encode_tf)
    assert dataset.element_spec == tf.TensorSpec([None], tf.int32)
    got = [ids.tolist() for ids in dataset.as_numpy_iterator()]
    assert got == [vocabulary.encode(text) for text in texts]
    rows = vocabulary.encode_tf(tf.constant([texts, texts[::-1]]))
    assert rows.to_list() == [got, got[::-1]]


def test_batches_equal_single_texts(vocabulary):
    texts = ["the cats", "", "a Café,\nthe cats", "\U0001f600"]
    values, splits = vocabulary.encode_batch(texts)
    assert (values.dtype, splits.dtype) == (np.int32, np.int64)
    rows = [part.tolist() for part in np.split(values, splits[1:-1])]
    assert rows == [vocabulary.encode(text) for text in texts]
    values, splits = vocabulary.encode_batch([])
    assert (values.tolist(), splits.tolist()) == ([], [0])


def test_offsets(vocabulary):
    text = "  The cats,  café \u0301 \U0001f600 cat"
    pieces = vocabulary.encode_with_offsets(text)
    assert [piece.id for piece in pieces] == vocabulary.encode(text)
    marked = "".join(text[piece.start : piece.end] for piece in pieces)
    assert "".join(marked.split()).replace("\u0301", "") == "Thecats,café\U0001f600cat"
    assert all(0 <= p.start <= p.end <= len(text) for p in pieces)


def test_sentencepiece_offsets_with_options(model_file):
    vocabulary = SentencePieceVocabulary(model_file, True, True)
    text = "Cafe\u0301s ÉİA cat"
    pieces = vocabulary.encode_with_offsets(text)
    assert [piece.id for piece in pieces] == vocabulary.encode(text)
    assert "".join(text[p.start : p.end] for p in pieces) == "Cafe\u0301sÉİAcat"


def test_equal_by_content_and_options(vocab_file, model_file, tmp_path):
    copy = str(tmp_path / "copy.txt")
    shutil.copyfile(vocab_file, copy)
    one = WordPieceVocabulary(vocab_file)
    assert one == WordPieceVocabulary(copy)
    assert hash(one) == hash(WordPieceVocabulary(copy))
    assert one.sha256 == WordPieceVocabulary(copy).sha256
    assert one != WordPieceVocabulary(vocab_file, strip_accents=False)
    assert one != WordPieceVocabulary(vocab_file, lower_case=False)
    assert one != WordPieceVocabulary(vocab_file, longest_word=100)
    assert one == WordPieceVocabulary(vocab_file, longest_word=200)
    whole = [{"cat": "written"}, {"cat": "normalised"}, {"the": "written"}]
    different = {WordPieceVocabulary(copy, whole_tokens=tokens) for tokens in whole}
    assert len(different | {one}) == 4
    assert one == WordPieceVocabulary(vocab_file, whole_tokens={})
    # The hash of those that have been opened before there were whole tokens.
    assert one.sha256.startswith("a490544d6aba")
    # Accents stay where case stays, whatever the option says.
    assert WordPieceVocabulary(copy, False, False) == WordPieceVocabulary(copy, False)
    with open(copy, "a", encoding="utf-8") as file:
        file.write("more\n")
    assert one != WordPieceVocabulary(copy)
    model = SentencePieceVocabulary(model_file)
    assert model == SentencePieceVocabulary(model_file)
    assert model != SentencePieceVocabulary(model_file, lower_case=True)
    assert model != one
    assert one != "vocabulary"


def test_pickles(vocabulary):
    copy = pickle.loads(pickle.dumps(vocabulary))
    assert copy == vocabulary
    assert copy.encode("the Café") == vocabulary.encode("the Café")
    assert copy.encode_word("cats") == vocabulary.encode_word("cats")
    assert repr(vocabulary) == repr(copy)


def test_options_reach_the_tokenizer(vocab_file):
    build = registry.vocabularies.get("wordpiece")
    assert build(path=vocab_file, strip_accents=False).encode("The É") == [5, 8]
    assert build(path=vocab_file).encode("The É") == [5, 1]
    assert build(path=vocab_file, lower_case=False).encode("The É") == [1, 1]


def test_sentencepiece_normalises_as_trained(model_file):
    vocabulary = SentencePieceVocabulary(model_file)
    assert vocabulary.encode("CAFÉ cafe\u0301") == vocabulary.encode("cafe cafe")


def test_special_tokens_in_text_are_text(vocabulary):
    assert not set(vocabulary.encode("[CLS] [MASK] [PAD] [SEP]")) & {0, 2, 3, 4}


def test_load_vocabulary_looks_at_the_content(vocab_file, model_file, tmp_path):
    assert isinstance(load_vocabulary(vocab_file), WordPieceVocabulary)
    renamed = tmp_path / "vocab2.txt"
    shutil.copyfile(model_file, renamed)
    assert isinstance(load_vocabulary(str(renamed)), SentencePieceVocabulary)
    # A blank first line is the byte that begins a model.
    blank = tmp_path / "blank.txt"
    blank.write_text("\n" + "\n".join(TOKENS), encoding="utf-8")
    assert load_vocabulary(str(blank), lower_case=False).special_ids.pad == 1


@pytest.mark.parametrize("build", [WordPieceVocabulary, load_vocabulary])
def test_missing_special_tokens(build, tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("[PAD]\n[UNK]\nthe\n[SEP]\n")
    with pytest.raises(ValueError, match=r"bad\.txt' has no \[CLS\], \[MASK\]"):
        build(str(path))


def test_sentencepiece_without_special_tokens(tmp_path):
    import sentencepiece

    path = tmp_path / "plain.model"
    with open(path, "wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXT.splitlines()),
            model_writer=file,
            vocab_size=40,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    with pytest.raises(ValueError, match=r"has no \[PAD\], \[CLS\], \[SEP\], \[MASK\]"):
        SentencePieceVocabulary(str(path))


def test_files_that_are_no_vocabularies(tmp_path, model_file, vocab_file):
    with pytest.raises(ValueError, match="is a folder"):
        load_vocabulary(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no vocabulary file .*nothing.txt"):
        WordPieceVocabulary(str(tmp_path / "nothing.txt"))
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ValueError, match="is empty"):
        load_vocabulary(str(tmp_path / "empty"))
    (tmp_path / "latin").write_bytes(b"[PAD]\n\xe9\n")
    with pytest.raises(ValueError, match="latin' is not UTF-8 text: byte 6"):
        load_vocabulary(str(tmp_path / "latin"))
    with pytest.raises(ValueError, match="is a SentencePiece model"):
        WordPieceVocabulary(model_file)
    with pytest.raises(ValueError, match="is not a SentencePiece model"):
        SentencePieceVocabulary(vocab_file)


def test_run_vocabulary_delegates(vocabulary):
    run = RunVocabulary()
    assert run == RunVocabulary()
    assert hash(run) == hash(RunVocabulary())
    assert run != vocabulary
    assert run.eos_id is None
    with run_context.use(vocabulary=vocabulary):
        for name in ("path", "sha256", "special_ids", "pad_id", "unk_id", "vocab_size"):
            assert getattr(run, name) == getattr(vocabulary, name)
        ids = run.encode("the cats")
        assert ids == vocabulary.encode("the cats") == run.encode_word("the cats")
        assert run.decode(ids) == "the cats"
        assert run.id_to_token(2) == "[CLS]"
        assert run.encode_batch(["the cats"])[0].tolist() == ids
        assert [piece.id for piece in run.encode_with_offsets("the cats")] == ids
        dataset = tf.data.Dataset.from_tensors("the cats").map(run.encode_tf)
        assert run.decode_tf(tf.constant(ids)).numpy() == b"the cats"
    # The pipeline keeps what it was built with.
    assert next(dataset.as_numpy_iterator()).tolist() == ids


def test_run_vocabulary_without_a_run():
    run = RunVocabulary()
    with pytest.raises(ValueError, match="the run has no vocabulary"):
        run.encode("the")
    feature = seqio.Feature(vocabulary=run, add_eos=False)
    assert feature == seqio.Feature(vocabulary=RunVocabulary(), add_eos=False)


def record_of(folder, vocabulary, **options):
    sort = load_vocabulary(vocabulary, **options)
    bound = {f"vocabularies.wordpiece.{name}": x for name, x in options.items()}
    hashes = {"vocab_sha256": sort.sha256, "hparams": bound}
    record = run_record("tiny", "cola", 0, 50.0, **hashes)
    write_record(str(folder), record)


def config_of(folder, vocabulary, **options):
    sha256 = load_vocabulary(vocabulary, **options).sha256
    # From a macro, as any value may be.
    bound = "".join(
        f"X_{name} = {x!r}\nvocabularies.wordpiece.{name} = %X_{name}\n"
        for name, x in options.items()
    )
    (folder / "config.gin").write_text(
        f"#= init 1a\n#= vocabulary {sha256}\nSEED = 0\n{bound}"
    )


@pytest.mark.parametrize("noted_by", [record_of, config_of], ids=["done", "begun"])
@pytest.mark.parametrize(
    ("fixture", "name", "options"),
    [
        ("vocab_file", "vocab.txt", {}),
        ("vocab_file", "vocab.txt", {"lower_case": False}),
        ("vocab_file", "vocab.txt", {"strip_accents": False}),
        (
            "vocab_file",
            "vocab.txt",
            {"longest_word": 9, "whole_tokens": {"cat": "written"}},
        ),
        ("model_file", "vocab.model", {}),
        ("model_file", "vocab.model", {"lower_case": True}),
    ],
)
def test_a_damaged_vocabulary_of_a_run_is_refused(
    noted_by, fixture, name, options, request, tmp_path
):
    source, run = request.getfixturevalue(fixture), tmp_path / "run[1]"
    run.mkdir()
    shutil.copy(source, run / name)
    noted_by(run, source, **options)
    whole = open_vocabulary(None, None, str(run)).special_ids
    content = (run / name).read_bytes()
    place = content.rindex(b"c") if name == "vocab.txt" else len(content) // 2
    for damaged in (
        content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :],
        content[:place],
        b"",
        content + b"more\n",
    ):
        (run / name).write_bytes(damaged)
        with pytest.raises(ValueError) as error:
            open_vocabulary(None, None, str(run))
        said = str(error.value)
        assert "vocab" in said and "\n" not in said
        # Of an empty model the content does not say which sort it is.
        if damaged or name == "vocab.txt":
            assert "is not the vocabulary that the run was made with" in said
            assert "put that file back" in said
        # The right one given by hand, or put back, helps.
        assert open_vocabulary(None, source, str(run)).special_ids == whole
    (run / name).write_bytes(content)
    assert open_vocabulary(None, None, str(run)).special_ids == whole
