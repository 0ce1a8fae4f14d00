"""The objective, and what it does to a text."""

import numpy as np
import pytest
from electra_bench_shuffled_tokens.objective import shuffled_tokens

from electra_bench.cli.main import main
from electra_bench.conformance import specimens
from electra_bench.core import Seed, Variables


def test_it_conforms():
    assert main(["validate", "plugin", "electra-bench-shuffled-tokens"]) == 0


def test_tokens_change_places_and_nothing_else():
    variables, batch = Variables(1), specimens.texts()

    def build(shuffle_prob):
        return shuffled_tokens(
            lambda role: specimens.encoder("electra", variables, role),
            variables,
            specimens.SPECIAL,
            shuffle_prob=shuffle_prob,
        )

    shuffled = build(0.5).corrupt(batch, Seed.of(1))
    before, after = batch.input_ids.numpy(), shuffled.input_ids.numpy()
    assert np.array_equal(np.sort(before), np.sort(after))
    assert np.array_equal(shuffled.labels, before != after)
    assert 0.3 < (before != after).sum() / batch.input_mask.numpy().sum() < 0.6
    with pytest.raises(ValueError, match="shuffle_prob must be in"):
        build(1.0)
