"""Files of Hugging Face's models: several of weights, prefixes, padding, added tokens."""

import json

import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import load_file, save_file
from small_runs import the_sentence

from electra_bench.cli.main import main
from electra_bench.core import Variables
from electra_bench.core.variables import variable_name
from electra_bench.interop.huggingface import write_model
from electra_bench.interop.huggingface_names import wrapper
from electra_bench.models.electra import electra
from electra_bench.objectives.heads import MaskedLMHead
from electra_bench.records import read_record
from electra_bench.training.checkpoint_files import CheckpointError, find_checkpoint
from electra_bench.training.checkpoints import Checkpoints, restore
from electra_bench.vocabularies.change import VocabularyChange
from electra_bench.vocabularies.load import vocabulary_beside

SIZES = {
    "hidden_size": 8,
    "num_layers": 1,
    "num_heads": 2,
    "ffn_size": 16,
    "embedding_size": 8,
    "max_positions": 16,
}
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrs"]
TABLE = "electra.embeddings.word_embeddings.weight"
INDEX = "model.safetensors.index.json"


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """A generator in Hugging Face's form; its table has two rows more than tokens."""
    folder = tmp_path_factory.mktemp("theirs")
    rows = len(TOKENS) + 2
    variables = Variables(3)
    encoder = electra(variables, "electra", rows, **SIZES)
    head = MaskedLMHead(variables, "generator_predictions", 8, encoder.embeddings.table)
    tensors = {
        variable_name(v): v.numpy() for v in (*encoder.variables, *head.variables)
    }
    write_model(
        str(folder),
        architecture="ElectraForMaskedLM",
        sizes=SIZES,
        tensors=tensors,
        text={},
    )
    (folder / "vocab.txt").write_text("\n".join(TOKENS) + "\n")
    return folder


def copied(theirs, folder, rename=str, files=("model.safetensors",)):
    """The same with other names, its tensors in turn in several files."""
    folder.mkdir()
    for name in ("config.json", "vocab.txt", "tokenizer_config.json"):
        (folder / name).write_bytes((theirs / name).read_bytes())
    tensors = load_file(theirs / "model.safetensors")
    named = [(rename(name), value) for name, value in tensors.items()]
    for i, file in enumerate(files):
        save_file(dict(named[i :: len(files)]), folder / file)
    if len(files) > 1:
        weight_map = {n: files[i % len(files)] for i, (n, _) in enumerate(named)}
        (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))
    return folder


def imported(source, output):
    return main(["checkpoint", "import", str(source), "--output", str(output)])


def refused(capsys, source, output):
    capsys.readouterr()
    assert imported(source, output) == 2
    assert not output.exists()
    return the_sentence(capsys.readouterr().err, "checkpoint")


def values_of(folder):
    reader = tf.train.load_checkpoint(find_checkpoint(str(folder)))
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name).tolist() for name in names}


SHARDS = tuple(f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3))


def without_electra(name):
    return name.removeprefix("electra.")


@pytest.mark.parametrize(
    ("rename", "files"),
    [
        (str, SHARDS),
        (lambda name: f"module.{name}", ("model.safetensors",)),
        (lambda name: f"model.{name}", SHARDS[:2]),
        (lambda name: f"_orig_mod.module.{without_electra(name)}", SHARDS),
        # Of a module that has the encoder as `model` and the head beside it.
        (
            lambda name: f"model.{name}" if name.startswith("electra") else name,
            ("model.safetensors",),
        ),
    ],
)
def test_files_and_prefixes_change_no_value(theirs, tmp_path, rename, files):
    assert imported(theirs, tmp_path / "plain") == 0
    assert imported(copied(theirs, tmp_path / "in", rename, files), tmp_path / "o") == 0
    assert values_of(tmp_path / "o") == values_of(tmp_path / "plain")


def test_bfloat16_is_read(theirs, tmp_path):
    folder, rounded = (copied(theirs, tmp_path / name) for name in ("in", "rounded"))
    tensors = load_file(theirs / "model.safetensors")
    header, data, kept = {}, b"", {}
    for i, (name, value) in enumerate(tensors.items()):
        # Models are kept in it but for some tensors.
        short = value.astype(tf.bfloat16.as_numpy_dtype) if i else value
        kept[name] = short.astype(np.float32)
        start, data = len(data), data + short.tobytes()
        header[name] = {
            "dtype": "BF16" if i else "F32",
            "shape": value.shape,
            "data_offsets": [start, len(data)],
        }
    described = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(
        len(described).to_bytes(8, "little") + described + data
    )
    save_file(kept, rounded / "model.safetensors")
    assert imported(folder, tmp_path / "o") == 0
    assert imported(rounded, tmp_path / "r") == 0
    assert values_of(tmp_path / "o") == values_of(tmp_path / "r")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["bert.embeddings.word_embeddings.weight", "cls.predictions.bias"], ""),
        (["embeddings.word_embeddings.weight"], ""),
        (["electra.bert.embeddings.word_embeddings.weight"], "electra."),
        (["electra.electra.embeddings.word_embeddings.weight"], "electra."),
        (["bert.electra.embeddings.word_embeddings.weight"], "bert."),
        (["my_bert.embeddings.word_embeddings.weight"], "my_bert."),
        (["net.bert.embeddings.word_embeddings.weight"], "net."),
        (["pooler.weight"], ""),
    ],
)
def test_prefixes(names, found):
    assert wrapper(names) == found


def test_two_models_in_a_file_are_not_chosen_from(theirs, tmp_path, capsys):
    source = copied(theirs, tmp_path / "in")
    tensors = load_file(source / "model.safetensors")
    more = {f"generator.{name}": value for name, value in tensors.items()}
    save_file(tensors | more, source / "model.safetensors")
    said = refused(capsys, source, tmp_path / "out")
    assert f"{TABLE}, generator.{TABLE}" in said or (
        f"generator.{TABLE}, {TABLE}" in said
    )
    # One table, but another tensor twice.
    del more[f"generator.{TABLE}"]
    bias = {"module.generator_lm_head.bias": tensors["generator_lm_head.bias"]}
    wrapped = {f"module.{name}": value for name, value in tensors.items()}
    plain = {"generator_lm_head.bias": tensors["generator_lm_head.bias"]}
    save_file(wrapped | bias | plain, source / "model.safetensors")
    said = refused(capsys, source, tmp_path / "out")
    assert "both with and without 'module.'" in said
    assert "module.generator_lm_head.bias" in said


def test_files_that_do_not_belong_together(theirs, tmp_path, capsys):
    source, output = copied(theirs, tmp_path / "in", files=SHARDS), tmp_path / "out"
    (source / SHARDS[1]).rename(source / "away")
    said = refused(capsys, source, output)
    assert SHARDS[1] in said and "no such file" in said
    (source / SHARDS[1]).write_bytes((source / SHARDS[0]).read_bytes())
    said = refused(capsys, source, output)
    assert "do not agree on where these tensors are" in said
    for index in ("[]", "{}", '{"weight_map": {"x": "../x.safetensors"}}', "{"):
        (source / INDEX).write_text(index)
        assert "expected {'weight_map'" in refused(capsys, source, output)
    (source / INDEX).rename(source / "pytorch_model.bin.index.json")
    assert "is a pickle" in refused(capsys, source, output)
    (source / "pytorch_model.bin.index.json").unlink()
    assert f"it has {SHARDS[0]}" in refused(capsys, source, output)


def test_padding_of_the_table_is_kept_and_never_drawn(theirs, tmp_path, capsys):
    output, back = tmp_path / "out", tmp_path / "back"
    assert imported(theirs, output) == 0
    assert "2 rows of the table of word embeddings belong to no token" in (
        capsys.readouterr().out
    )
    assert (
        f"models.electra.vocab_rows = {len(TOKENS) + 2}"
        in (output / "model.gin").read_text()
    )
    arguments = [output, "--format", "hf", "--part", "generator", "--output", back]
    assert main(["checkpoint", "export", *map(str, arguments)]) == 0
    for name, value in load_file(theirs / "model.safetensors").items():
        found = load_file(back / "model.safetensors")[name]
        np.testing.assert_array_equal(found, value, err_msg=name)
    assert (back / "vocab.txt").read_bytes() == (theirs / "vocab.txt").read_bytes()


def test_a_softmax_has_no_columns_for_padding():
    variables, rows = Variables(3), len(TOKENS) + 2
    encoder = electra(variables, "electra", len(TOKENS), vocab_rows=rows, **SIZES)
    embeddings = encoder.embeddings
    assert embeddings.table.shape == [rows, 8]
    head = MaskedLMHead(
        variables, "generator_predictions", 8, embeddings.table, embeddings.num_tokens
    )
    full = MaskedLMHead(Variables(3), "generator_predictions", 8, embeddings.table)
    x = np.random.default_rng(0).normal(size=[2, 3, 8]).astype(np.float32)
    for one, other in zip(head.variables, full.variables, strict=True):
        other.assign(one)
    logits = head(x).numpy()
    np.testing.assert_array_equal(logits, full(x).numpy()[..., : len(TOKENS)])
    with pytest.raises(ValueError, match="vocab_rows"):
        electra(Variables(3), "electra", rows + 1, vocab_rows=rows, **SIZES)


def test_rows_of_tokens_are_carried_over_from_and_to_padded_tables(tmp_path):
    table, bias = "electra/embeddings/word_embeddings", "generator_predictions/bias"
    old = {table: np.arange(10.0).reshape(5, 2), bias: np.arange(5.0)}
    prefix = Checkpoints(str(tmp_path)).save(1, old, {})
    # Three tokens of old; four new ones: the last two of old, and two more.
    change = VocabularyChange(np.array([1, 2, -1, -1]), 3)
    new = {
        table: tf.Variable(tf.fill([6, 2], -1.0)),
        bias: tf.Variable(tf.fill([6], -1.0)),
    }
    new = {name: tf.Variable(tf.cast(v, tf.float64)) for name, v in new.items()}
    restore(prefix, new, change=change)
    assert new[bias].numpy().tolist() == [1, 2, -1, -1, -1, -1]
    assert new[table].numpy()[:3].tolist() == [[2, 3], [4, 5], [-1, -1]]
    with pytest.raises(CheckpointError, match="models.electra.vocab_rows = 5"):
        restore(prefix, {table: tf.Variable(tf.zeros([3, 2], tf.float64))})


@pytest.mark.parametrize("tokens", [len(TOKENS) + 3, 20])
def test_another_models_vocabulary_is_no_padding(theirs, tmp_path, capsys, tokens):
    source = copied(theirs, tmp_path / "in")
    lines = [*TOKENS, "x", "y", "z"][:tokens]
    (source / "vocab.txt").write_text("\n".join(lines) + "\n")
    said = refused(capsys, source, tmp_path / "out")
    assert f"has {tokens} tokens, config.json says 26" in said


ENTITY = {"content": "[ENT]", "id": 24}
BERTS = {
    "model": {"type": "WordPiece"},
    "normalizer": {"type": "BertNormalizer"},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
}


def with_files(theirs, folder, **files):
    source = copied(theirs, folder)
    for name, content in files.items():
        (source / f"{name}.json").write_text(json.dumps(content))
    return source


# As transformers 5.24.0 takes them, see `test_whole_tokens` for what becomes of text.
@pytest.mark.parametrize(
    ("files", "whole", "further"),
    [
        ({"added_tokens": {"[ENT]": 24}}, {"[ENT]": "normalised"}, ["[ENT]"]),
        (
            {"added_tokens": {"[B]": 25, "[A]": 24}},
            {"[A]": "normalised", "[B]": "normalised"},
            ["[A]", "[B]"],
        ),
        (
            {"tokenizer": BERTS | {"added_tokens": [ENTITY | {"normalized": False}]}},
            {"[ENT]": "written"},
            ["[ENT]"],
        ),
        (
            {"tokenizer_config": {"added_tokens_decoder": {"24": ENTITY}}},
            {"[ENT]": "normalised"},
            ["[ENT]"],
        ),
        # Special ones are matched as they are written.
        (
            {
                "tokenizer_config": {
                    "added_tokens_decoder": {"24": ENTITY | {"special": True}}
                }
            },
            {"[ENT]": "written"},
            ["[ENT]"],
        ),
        (
            {
                "added_tokens": {"[ENT]": 24},
                "special_tokens_map": {"extra_special_tokens": ["[ENT]", "[SEP]"]},
            },
            {"[ENT]": "written"},
            ["[ENT]"],
        ),
        # The first file that says it holds.
        (
            {
                "added_tokens": {"[ENT]": 24},
                "tokenizer_config": {
                    "added_tokens_decoder": {"24": ENTITY | {"normalized": False}}
                },
                "tokenizer": BERTS | {"added_tokens": [ENTITY | {"normalized": True}]},
            },
            {"[ENT]": "written"},
            ["[ENT]"],
        ),
        # In the vocabulary already.
        (
            {"tokenizer": BERTS | {"added_tokens": [{"content": "s", "id": 23}]}},
            {"s": "normalised"},
            [],
        ),
        (
            {"tokenizer_config": {"additional_special_tokens": ["q", "r"]}},
            {"q": "written", "r": "written"},
            [],
        ),
        (
            {"tokenizer": BERTS | {"added_tokens": [{"content": "[PAD]", "id": 0}]}},
            None,
            [],
        ),
        ({"added_tokens": {"[CLS]": 2, "[SEP]": 3}}, None, []),
    ],
)
def test_added_tokens_are_read(theirs, tmp_path, files, whole, further):
    output = tmp_path / "out"
    assert imported(with_files(theirs, tmp_path / "in", **files), output) == 0
    assert (output / "vocab.txt").read_text().split() == [*TOKENS, *further]
    key = "vocabularies.wordpiece.whole_tokens"
    record = read_record(output / "record.json")
    assert record.hparams.get(key) == whole
    gin_file = (output / "model.gin").read_text()
    assert (key in gin_file) == (f"{key} = {whole!r}\n" in gin_file) == bool(whole)
    # Whose hash is compared with the record's.
    assert vocabulary_beside(str(output)) == str(output / "vocab.txt")


ADDED = "added_tokens_decoder"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"added_tokens": {"[MASK]": 24}}, "has '[MASK]' at 24, and"),
        ({"added_tokens": {"a": 24}}, "has 'a' at 24, and"),
        ({"added_tokens": {"[ENT]": 9}}, "has '[ENT]' at 9, and"),
        ({"added_tokens": {"[A]": 24, "[B]": 24}}, "has '[B]' at 24, and"),
        (
            {"added_tokens": {"[ENT]": 25}},
            "adds '[ENT]' at 25, expected 24: the ids of",
        ),
        (
            {"tokenizer_config": {"extra_special_tokens": ["[ENT]"]}},
            "adds '[ENT]', expected 24: the ids of",
        ),
        ({"added_tokens": ["[ENT]"]}, "added tokens cannot be read"),
        (
            {"tokenizer_config": {ADDED: {"24": ENTITY | {"lstrip": True}}}},
            "adds '[ENT]' with lstrip, which whole tokens here have not",
        ),
        (
            {"tokenizer": {"added_tokens": [ENTITY | {"single_word": True}]}},
            "with single_word",
        ),
        ({"tokenizer": {"added_tokens": [ENTITY | {"rstrip": True}]}}, "with rstrip"),
        ({"added_tokens": {" a": 24}}, "adds ' a', which cannot be a line"),
        ({"added_tokens": {"a\nb": 24}}, "which cannot be a line"),
        ({"added_tokens": {"": 24}}, "which cannot be a line"),
        # More than the table of word embeddings has.
        (
            {"added_tokens": {f"[{i}]": 24 + i for i in range(3)}},
            "has 24 tokens, and 3 are added, config.json says 26",
        ),
        ({"added_tokens": {"\u0301": 24}}, "nothing is left of a whole token"),
    ],
)
def test_added_tokens_that_cannot_be_had(theirs, tmp_path, capsys, files, said):
    source = with_files(theirs, tmp_path / "in", **files)
    assert said in refused(capsys, source, tmp_path / "out")


def test_added_tokens_go_out_as_they_came(theirs, tmp_path, capsys):
    entity = ENTITY | {"normalized": False}
    files = {"tokenizer_config": {ADDED: {"24": entity, "5": {"content": "a"}}}}
    outputs = tmp_path / "out", tmp_path / "back", tmp_path / "again"
    first, back, again = map(str, outputs)
    assert imported(with_files(theirs, tmp_path / "in", **files), first) == 0
    form = ["--format", "hf", "--part", "generator"]
    assert main(["checkpoint", "export", first, *form, "--output", back]) == 0
    assert (outputs[1] / "vocab.txt").read_bytes() == (
        theirs / "vocab.txt"
    ).read_bytes()
    usual = dict.fromkeys(("lstrip", "rstrip", "single_word", "special"), False)
    written = json.loads((outputs[1] / "tokenizer_config.json").read_text())[ADDED]
    assert written == {
        "5": {"content": "a", "normalized": True, **usual},
        "24": {"content": "[ENT]", "normalized": False, **usual},
    }
    assert imported(back, again) == 0
    vocabularies = [(folder / "vocab.txt").read_text() for folder in outputs[::2]]
    assert vocabularies[0] == vocabularies[1]
    texts = [(folder / "model.gin").read_text() for folder in outputs[::2]]
    bound = [text[text.index("vocabularies.") :] for text in texts]
    assert bound[0] == bound[1]
    (outputs[0] / "vocab.txt").unlink()
    capsys.readouterr()
    assert main(["checkpoint", "export", first, *form, "--output", f"{back}2"]) == 2
    said = the_sentence(capsys.readouterr().err, "checkpoint")
    assert "has whole tokens, and no vocab.txt beside it" in said
