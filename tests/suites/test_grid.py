"""What cells a grid has, in which order, and which grids are none."""

import pytest

from electra_bench.suites.cell import shown
from electra_bench.suites.grid import Grid as grid

TINY = ("models/tiny.gin",)
MODELS = {
    "electra": {"files": TINY, "pretrain": {"OBJECTIVE": "electra"}},
    "mlm": {"files": TINY, "pretrain": {"OBJECTIVE": "mlm"}},
    "released": {"init": "models/released"},
    "untrained": {"files": TINY},
}


def cells(**changes):
    given = {"models": MODELS, "tasks": ("cola", "rte"), "seeds": (0, 1), **changes}
    return {cell.cell_id: cell for cell in grid(**given)("work")}


def test_every_model_has_every_task_with_every_seed():
    found = cells()
    finetuned = [
        f"{model}-{task}-s{seed}"
        for seed in (0, 1)
        for model in MODELS
        for task in ("cola", "rte")
    ]
    assert [name for name in found if not name.startswith("pretrain")] == finetuned
    assert {name for name in found if name.startswith("pretrain")} == {
        f"pretrain-{model}-s{seed}" for model in ("electra", "mlm") for seed in (0, 1)
    }


def test_seed_by_seed_and_each_cell_after_what_it_waits_for():
    found = cells(budgets=("mlm",), models=dict(reversed(MODELS.items())))
    seeds = [cell.seed for cell in found.values()]
    assert seeds == sorted(seeds)
    order = list(found)
    for cell in found.values():
        if cell.needs:
            assert order.index(cell.needs) < order.index(cell.cell_id)


def test_what_fine_tuning_starts_from():
    found = cells(vocab="vocab.txt")
    electra = found["electra-cola-s1"]
    assert electra.needs == "pretrain-electra-s1"
    assert electra.bindings["INIT"] == found["pretrain-electra-s1"].run_dir
    assert "VOCAB" not in electra.bindings, "it lies beside the checkpoint"
    assert TINY[0] not in electra.files, "sizes lie beside the checkpoint"
    released = found["released-cola-s0"]
    assert (released.needs, released.bindings["INIT"]) == (None, "models/released")
    untrained = found["untrained-cola-s0"]
    assert untrained.needs is None and "INIT" not in untrained.bindings
    assert untrained.bindings["VOCAB"] == "vocab.txt" and TINY[0] in untrained.files


def test_one_pretraining_for_all_seeds():
    found = cells(pretrain_seed=7)
    assert {cell.needs for cell in found.values()} == {
        None,
        "pretrain-electra-s7",
        "pretrain-mlm-s7",
    }
    assert found["electra-rte-s1"].seed == 1


def test_the_flops_of_a_model_as_budget():
    found = cells(budgets=("electra",))
    assert {cell.flops_of for cell in found.values()} == {None, "pretrain-electra-s0"}
    mlm = found["pretrain-mlm-s1"]
    assert mlm.flops_of == "pretrain-electra-s0"
    assert mlm.bindings["TRAIN_STEPS"] is None
    assert "TRAIN_FLOPS = 12.5" in mlm.overrides({"TRAIN_FLOPS": 12.5})
    assert "TRAIN_STEPS" not in found["pretrain-electra-s0"].bindings
    command = shown(mlm.arguments("s"))
    assert "<FLOPs of pretrain-electra-s0>" in command


def test_several_budgets_and_protocols_are_rows_and_folders_of_their_own():
    found = cells(budgets=(1e12, None), protocols=("fixed", "code_v1"), seeds=(0,))
    labels = {cell.label for cell in found.values()}
    assert labels == {"electra", "electra@1e+12", "mlm", "mlm@1e+12", "released"} | {
        "untrained"
    }
    assert len({cell.run_dir for cell in found.values()}) == len(found)
    budget = found["pretrain-mlm@1e+12-s0-code_v1"]
    assert budget.bindings["TRAIN_FLOPS"] == 1e12
    assert budget.files[-1] == "protocols/code_v1.gin"
    assert found["mlm@1e+12-rte-s0-code_v1"].needs == budget.cell_id


def test_bindings_of_grid_task_and_model_in_this_order():
    models = {"a": {"finetune": {"EPOCHS": 3.0}}, "b": {}}
    found = cells(
        models=models,
        tasks={"cola": {"EPOCHS": 2.0, "LEARNING_RATE": 2e-4}, "rte": {}},
        finetune={"EPOCHS": 1.0, "LEARNING_RATE": 1e-4},
    )
    given = {
        name: (cell.bindings["EPOCHS"], cell.bindings["LEARNING_RATE"])
        for name, cell in found.items()
        if cell.seed == 0
    }
    assert given == {
        "a-cola-s0": (3.0, 2e-4),
        "a-rte-s0": (3.0, 1e-4),
        "b-cola-s0": (2.0, 2e-4),
        "b-rte-s0": (1.0, 1e-4),
    }


def test_a_command_that_a_shell_takes():
    cell = cells(data_dir="my data")["untrained-cola-s0"]
    command = shown(cell.arguments("s", ["plugin.py"], overwrite=True))
    assert command.startswith(
        "electra-bench finetune runs/finetune.gin models/tiny.gin"
    )
    assert "--gin.TASK=\"'cola'\" " in command
    assert "--gin.DATA_DIR=\"'my data'\" --plugin plugin.py --overwrite" in command
    assert command.endswith("--suite s --cell_id untrained-cola-s0")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": ()}, "seeds is empty: the grid has no cells"),
        ({"models": {}}, "models is empty"),
        ({"tasks": ()}, "tasks is empty"),
        ({"seeds": (1, 1)}, "seeds: 1 is given twice"),
        ({"tasks": ("cola", "cola")}, "tasks: 'cola' is given twice"),
        ({"seeds": (-1,)}, "seeds must be whole numbers >= 0, got -1"),
        (
            {"budgets": ("electro",)},
            "no model 'electro' is pre-trained here; near: ..ele",
        ),
        ({"budgets": (0,)}, "FLOPs must be > 0, got 0"),
        ({"models": {"a": {"pretrian": {}}}}, "has no 'pretrian'; near: ..pretrain"),
        ({"models": {"a": {"files": "x.gin"}}}, "files must be a list, got 'x.gin'"),
        (
            {"models": {"a": {"init": "x", "pretrain": {}}}},
            "either 'pretrain' or 'init'",
        ),
        ({"models": {"a/b": {}}}, "'a/b': expected a name of letters"),
        ({"models": {"a": {}, "b": {}}}, "'a' and 'b' are the same model"),
        (
            {
                "models": {"x": {"pretrain": {}}, "pretrain": {"init": "i"}},
                "tasks": ("x",),
            },
            "two different runs would be named",
        ),
    ],
)
def test_what_is_no_grid(changes, message):
    with pytest.raises(ValueError, match=message):
        cells(**changes)
