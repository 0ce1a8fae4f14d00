"""Names of Hugging Face's ELECTRA and BERT tensors in the original's terms.

Most follow from one rule: dots are slashes, `layer.0` is `layer_0`, `LayerNorm.weight`
and `.bias` are `gamma` and `beta`, embedding tables have no suffix, and a dense layer's
`weight` is its kernel, transposed.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

# Heads whose names do not follow from the rule: ELECTRA's, BERT's, and ours.
HEADS = {
    "discriminator_predictions.dense_prediction": "discriminator_predictions/dense_1",
    "cls.predictions.transform.dense": "generator_predictions/dense",
    "cls.predictions.transform.LayerNorm": "generator_predictions/LayerNorm",
}
BIASES = {
    "generator_lm_head.bias": "generator_predictions/output_bias",
    "cls.predictions.bias": "generator_predictions/output_bias",
}
# Softmax weights that are the word embeddings once more, and biases saved twice.
TIED = ("generator_lm_head.weight", "cls.predictions.decoder.weight")
COPIES = ("cls.predictions.decoder.bias",)
# What has no counterpart: numbers of positions, BERT's pooler and next-sentence head.
WITHOUT_COUNTERPART = re.compile(
    r"(^|\.)embeddings\.(position_ids|token_type_ids)$|(^|\.)pooler\.|^cls\.seq_relationship\."
)
MODEL_PREFIXES = ("electra.", "bert.")
# The one tensor that every model has once.
TABLE = re.compile(r"^(.*\.)?embeddings\.word_embeddings\.weight$")


class TaskHead(NamedTuple):
    """A head of fine-tuned models that is one dense layer there.

    Attributes:
        architecture: end of the name of the class that has it.
        layer: its name there.
        dense: its dense layers here, whose outputs stand side by side in that one.
    """

    architecture: str
    layer: str
    dense: tuple[str, ...]


# Kind of task to its head.
TASK_HEADS = {
    "tagging": TaskHead("ForTokenClassification", "classifier", ("dense",)),
    "span_qa": TaskHead("ForQuestionAnswering", "qa_outputs", ("dense", "dense_1")),
}
# Layers beside the encoder: heads of pre-training and of fine-tuned models.
BESIDE_ENCODER = (
    *("discriminator_predictions", "generator_predictions"),
    *(head.layer for head in TASK_HEADS.values()),
)


class Name(NamedTuple):
    """A tensor's name here.

    Attributes:
        name: the original's.
        transposed: whether it lies the other way round.
    """

    name: str
    transposed: bool


def wrapper(names: Iterable[str]) -> str:
    """What modules around a model put before the names of its tensors; mostly nothing.

    >>> wrapper(["module.electra.embeddings.word_embeddings.weight"])
    'module.'
    >>> wrapper(["electra.embeddings.word_embeddings.weight", "classifier.bias"])
    ''

    Args:
        names: of all tensors.

    Raises:
        ValueError: several models, of which any may be meant.
    """
    tables = [found for name in names if (found := TABLE.match(name))]
    if len(tables) > 1:
        listed = ", ".join(found[0] for found in tables)
        raise ValueError(f"several tables of word embeddings: {listed}; save one model")
    prefix = (tables[0][1] or "") if tables else ""
    own = next((own for own in MODEL_PREFIXES if f".{prefix}".endswith(f".{own}")), "")
    return prefix.removesuffix(own)


def our_name(theirs: str) -> Name | None:
    """The counterpart of a tensor of Hugging Face's; None if there is none.

    >>> our_name("electra.encoder.layer.3.attention.self.query.weight")
    Name(name='electra/encoder/layer_3/attention/self/query/kernel', transposed=True)
    >>> our_name("embeddings.LayerNorm.bias")
    Name(name='electra/embeddings/LayerNorm/beta', transposed=False)

    Args:
        theirs: as in the file.
    """
    if theirs in TIED or theirs in COPIES or WITHOUT_COUNTERPART.search(theirs):
        return None
    if theirs in BIASES:
        return Name(BIASES[theirs], False)
    layer, _, kind = theirs.rpartition(".")
    if layer in HEADS:
        return _in_layer(HEADS[layer], kind)
    scope = ""
    if not layer.startswith(BESIDE_ENCODER):
        scope = "electra/"
        for prefix in MODEL_PREFIXES:
            layer = layer.removeprefix(prefix)
    path = re.sub(r"\blayer\.(\d+)\b", r"layer_\1", layer).replace(".", "/")
    return _in_layer(scope + path, kind)


def _in_layer(path: str, kind: str) -> Name:
    if path.endswith("LayerNorm"):
        names = {"weight": "gamma", "bias": "beta"}
        return Name(f"{path}/{names.get(kind, kind)}", False)
    if path.endswith("_embeddings"):
        return Name(path, False)
    if kind == "weight":
        return Name(f"{path}/kernel", True)
    return Name(f"{path}/{kind}", False)


def their_name(ours: str) -> Name:
    """The name that Hugging Face's ELECTRA gives to a tensor of the original.

    >>> their_name("electra/encoder/layer_3/output/dense/kernel")
    Name(name='electra.encoder.layer.3.output.dense.weight', transposed=True)

    Args:
        ours: a variable of an encoder below `electra/`, or of a head.
    """
    heads = {value: key for key, value in HEADS.items() if not key.startswith("cls")}
    if ours == "generator_predictions/output_bias":
        return Name("generator_lm_head.bias", False)
    path, _, kind = ours.rpartition("/")
    path = heads.get(path, path)
    path = re.sub(r"\blayer_(\d+)\b", r"layer.\1", path).replace("/", ".")
    kinds = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
    if kind not in kinds:  # an embedding table
        return Name(f"{path}.{kind}.weight", False)
    return Name(f"{path}.{kinds[kind]}", kind == "kernel")
