"""The quickstart on small packages: every row, every task, and started again."""

import itertools

import pytest
from small_runs import merged

from electra_bench.runs.launch import launch

# Of two kinds; the second test has the third.
TASKS = ("pydoc_code", "pydoc_qa")
SIZES = """
models.electra.hidden_size = 16
models.electra.num_layers = 1
models.electra.num_heads = 2
models.electra.ffn_size = 32
models.electra.embedding_size = 16
objectives.electra.generator_hidden_size = 0.5
PRETRAIN_LEARNING_RATE = 1e-3
WARMUP_STEPS = 4
BATCH_SIZE = 8
MAX_SEQ_LENGTH = 32
TRAIN_STEPS = 10
"""


@pytest.fixture
def quickstart(installed, tmp_path):
    model_file = tmp_path / "micro.gin"
    model_file.write_text(SIZES)

    def run(*bindings, tasks=("pydoc_library",)):
        return launch(
            "quickstart",
            ["runs/quickstart_short.gin"],
            merged(
                [
                    f"WORKDIR = {str(tmp_path / 'quickstart')!r}",
                    f"MODEL_FILE = {str(model_file)!r}",
                    f"runs.quickstart.tasks = {tasks!r}",
                    "runs.quickstart.vocab_size = 500",
                    "MINUTES = 1.0",
                    "OVERHEAD_MINUTES = 0.98",
                    "FINETUNE_UPDATES = 0",
                ],
                bindings,
            ),
        )

    return run


def test_every_row_has_a_score_on_every_task(quickstart):
    records = quickstart("SEEDS = (0,)", tasks=TASKS)
    scored = {(r.label, r.results[0].task) for r in records if r.kind == "finetune"}
    assert scored == set(itertools.product(("electra", "mlm", "untrained"), TASKS))
    assert all(record.results[0].main_score is not None for record in records)


def test_rows_and_equal_flops_and_nothing_is_done_twice(quickstart, capsys):
    given = (
        "SEEDS = (0, 1)",
        "LEARNING_RATES = (1e-3, 2e-3)",
        "models.electra.ffn_size = 48",
    )
    records = quickstart(*given)
    rows = [(record.kind, record.label, record.seed) for record in records]
    finetuned = [
        ("finetune", label, seed)
        for label in ("electra", "mlm", "untrained")
        for seed in (0, 1)
    ]
    assert rows == [("pretrain", "electra", 0), ("pretrain", "mlm", 0), *finetuned]
    electra, mlm = records[:2]
    assert mlm.train_flops == pytest.approx(electra.train_flops, rel=0.1)
    assert mlm.train_steps > electra.train_steps > 0
    rates = {record.hparams["training.adamw.peak_lr"] for record in records[2:]}
    assert rates <= {1e-3, 2e-3}
    # Rates are compared on a part of the training set, which no table shows.
    for record in records[2:]:
        assert record.choice["trials"] == 2 and "training set" in record.choice["on"]
        assert not record.hparams.get("runs.finetune.held_out")
    # A binding of the command line holds for all of them.
    for record in records:
        sizes = {v for k, v in record.hparams.items() if k.endswith("ffn_size")}
        assert sizes == {48}
    capsys.readouterr()
    assert quickstart(*given) == records
    assert "step" not in capsys.readouterr().err


def test_an_unknown_task_is_found_before_the_work(quickstart, tmp_path):
    with pytest.raises(
        KeyError, match="no tasks 'pydoc_libary'; near: .'pydoc_library'"
    ):
        quickstart(tasks=("pydoc_libary",))
    assert not (tmp_path / "quickstart").exists()


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("MINUTES = 0.5", "needs more than 0.98 minutes, got 0.5"),
        ("FINETUNE_UPDATES = 1e9", r"more than [\d.]+ minutes on this machine, got 1"),
    ],
)
def test_too_few_minutes_are_refused(quickstart, binding, message):
    with pytest.raises(ValueError, match=message):
        quickstart(binding)
