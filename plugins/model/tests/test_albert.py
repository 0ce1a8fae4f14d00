"""The model, and that its layers are one."""

import pytest
from electra_bench_albert.model import albert

from electra_bench.cli.main import main
from electra_bench.core import Variables
from electra_bench.core.variables import variable_name

SIZES = {"hidden_size": 16, "num_heads": 2, "ffn_size": 32, "embedding_size": 8}


def layers(num_layers, num_groups):
    encoder = albert(
        Variables(1),
        "electra",
        50,
        **SIZES,
        num_layers=num_layers,
        num_groups=num_groups,
    )
    assert encoder.num_layers == num_layers
    names = [variable_name(variable) for variable in encoder.variables]
    return {name.split("/")[2] for name in names if "/encoder/" in name}


def test_it_conforms():
    assert main(["validate", "plugin", "electra-bench-albert"]) == 0


def test_layers_share_their_variables():
    assert layers(6, 1) == {"layer_5"}
    assert layers(6, 2) == {"layer_2", "layer_5"}
    assert len(layers(6, 6)) == 6
    with pytest.raises(ValueError, match="num_groups must be from 1 to 6"):
        layers(6, 7)
