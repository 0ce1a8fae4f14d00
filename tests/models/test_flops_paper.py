"""Method paper-v1 against recorded numbers."""

import json

import pytest
from golden_cases import SOURCES, golden_folder
from paper_models import PUBLISHED, electra_flops, every_part, transformer


@pytest.fixture(scope="module", params=SOURCES)
def golden(request):
    numbers = golden_folder(request, request.param)
    return json.loads((numbers / "flops.json").read_text())


def test_all_models_of_the_paper(golden):
    assert pytest.approx(golden["MODEL_FLOPS"], rel=1e-9) == PUBLISHED


def test_every_part(golden):
    for case in golden["details"]:
        found = every_part(transformer(case["TransformerHparams"]))
        expected = {name: case[name] for name in found}
        assert pytest.approx(expected, rel=1e-9) == found


def test_electra_of_other_sizes(golden):
    for case in golden["electra"]:
        found = electra_flops(case["get_electra_train_flops"])
        assert found == pytest.approx(case["flops"], rel=1e-9)
