"""FLOPs of the models that the ELECTRA paper compares, by its method."""

import dataclasses

from electra_bench.models.flops_paper import TRAIN_FACTOR, Transformer

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


def transformer(given: dict) -> Transformer:
    """A model, from the names of the original's parameters."""
    sizes = {NAMES[key]: value for key, value in given.items() if key in NAMES}
    if "head_size" in given:
        sizes["attention"] = given["head_size"] * given["heads"]
    return Transformer(one_hot=not given.get("sparse_embed_lookup"), **sizes)


def train(
    model: Transformer, batch: int, steps: float, *, discriminator: bool = False
) -> float:
    """Training with one of the two heads."""
    head = model.binary_output() if discriminator else model.embedding_output()
    return TRAIN_FACTOR * batch * steps * model.forward(head)


def train_electra(
    discriminator: Transformer, generator: Transformer, batch: int, steps: float
) -> float:
    """Training both networks of ELECTRA."""
    trained = train(discriminator, batch, steps, discriminator=True)
    return trained + train(generator, batch, steps)


def every_part(model: Transformer) -> dict[str, float]:
    """All that the original counts of a model, by recorded names."""
    return {
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


def electra_flops(given: dict) -> float:
    """Training of both networks, from the names of the original's parameters."""
    shared = {"seq": given["s"], "output_fraction": given["output_frac"]}
    embedding = given["e"] or given["h_d"]
    of_generator = embedding if given["tied_embeddings"] else None
    return train_electra(
        Transformer(given["h_d"], given["l_d"], embedding=embedding, **shared),
        Transformer(given["h_g"], given["l_g"], embedding=of_generator, **shared),
        given["batch_size"],
        given["train_steps"],
    )


def published() -> dict[str, float]:
    """Pre-training of all of them."""
    small = Transformer(256, 12, seq=128, embedding=128)
    base, large = Transformer(768, 12), Transformer(1024, 24)
    gpt = Transformer(768, 12, vocab=40000, output_fraction=1.0)
    t5 = Transformer(1024, 24, vocab=32000, ffn=65536, heads=128, attention=128 * 128)
    t5_encoder = dataclasses.replace(t5, output_fraction=0.0)
    t5_decoder = dataclasses.replace(t5, output_fraction=1.0, decoder=True)
    albert = Transformer(4096, 12, vocab=30000, embedding=128)
    generators = {
        "small": dataclasses.replace(small, hidden=64),
        "base": Transformer(256, 12, embedding=768),
        "large": Transformer(256, 24, embedding=1024),
    }
    return {
        # Counted by TensorFlow for one example or 32, not by these formulas.
        "elmo": 2 * 10 * 768648884 * 568093262680 / (20 * 128),
        "xlnet": 2 * 500000 * 8192 * 15064773691518 / 32,
        "gpt": train(gpt, 128, 960800),
        "bert_small": train(small, 128, 1.45e6),
        "bert_base": train(base, 256, 1e6),
        "bert_large": train(large, 256, 1e6),
        "electra_small": train_electra(small, generators["small"], 128, 1e6),
        "electra_base": train_electra(base, generators["base"], 256, 766000),
        "electra_400k": train_electra(large, generators["large"], 2048, 400000),
        "electra_1.75M": train_electra(large, generators["large"], 2048, 1750000),
        "roberta": train(dataclasses.replace(large, vocab=50265), 8000, 500000),
        "albert": train(albert, 4096, 1.5e6),
        "t5_11b": train(t5_encoder, 2048, 1e6) + train(t5_decoder, 2048, 1e6),
    }


PUBLISHED = published()
