"""Method paper-v1 against the original's numbers."""

import json

import pytest
from paper_models import PUBLISHED, train, train_electra

from electra_bench.models.flops_paper import Transformer

NAMES = {
    "h": "hidden",
    "l": "layers",
    "s": "seq",
    "v": "vocab",
    "e": "embedding",
    "i": "ffn",
    "heads": "heads",
    "output_frac": "output_fraction",
    "decoder": "decoder",
}


@pytest.fixture(scope="module")
def golden(shared_golden):
    return json.loads((shared_golden / "flops.json").read_text())


def transformer(given):
    sizes = {NAMES[key]: value for key, value in given.items() if key in NAMES}
    if "head_size" in given:
        sizes["attention"] = given["head_size"] * given["heads"]
    return Transformer(one_hot=not given.get("sparse_embed_lookup"), **sizes)


def test_all_models_of_the_paper(golden):
    assert pytest.approx(golden["MODEL_FLOPS"], rel=1e-9) == PUBLISHED


def test_every_part(golden):
    for case in golden["details"]:
        model = transformer(case["TransformerHparams"])
        found = {
            "block": model.layer(),
            "embedding_input": model.embedding_input(),
            "embedding_output": model.embedding_output(),
            "binary_classification": model.binary_output(),
            "infer": model.forward(model.binary_output()),
            "train_batch_128_steps_1000": train(model, 128, 1000),
            "train_discriminator_batch_128_steps_1000": train(
                model, 128, 1000, discriminator=True
            ),
        }
        expected = {name: case[name] for name in found}
        assert pytest.approx(expected, rel=1e-9) == found


def test_electra_of_other_sizes(golden):
    for case in golden["electra"]:
        given = case["get_electra_train_flops"]
        shared = {"seq": given["s"], "output_fraction": given["output_frac"]}
        embedding = given["e"] or given["h_d"]
        found = train_electra(
            Transformer(given["h_d"], given["l_d"], embedding=embedding, **shared),
            Transformer(
                given["h_g"],
                given["l_g"],
                embedding=embedding if given["tied_embeddings"] else None,
                **shared,
            ),
            given["batch_size"],
            given["train_steps"],
        )
        assert found == pytest.approx(case["flops"], rel=1e-9)
