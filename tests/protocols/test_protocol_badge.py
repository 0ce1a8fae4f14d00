"""What a protocol's name without a star says, and what it does not."""

import pytest

from electra_bench import registry
from electra_bench.config import ConfigError
from electra_bench.protocols.protocol import (
    UNSTATED,
    check_protocol,
    protocol_fields,
    scoring_fields,
)
from electra_bench.records import RunRecord

PROTOCOLS = ("code_v1", "paper", "fixed")


def changes(protocol, root, **parameters):
    """Of parameters whose names have `__` for dots."""
    given = {key.replace("__", "."): value for key, value in parameters.items()}
    found = protocol_fields(protocol, root, given)
    assert found["protocol"] == protocol + "*" * bool(found["protocol_changes"])
    return found["protocol_changes"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("root", "key", "said", "value"),
    [
        ("finetune", "training.adamw.clip_norm", 1.0, 0.0),
        ("finetune", "training.adamw.epsilon", 1e-6, 1e-3),
        ("finetune", "training.adamw.layer_decay", [0.8, 0.9], None),
        ("finetune", "kinds.classification.head_dropout", 0.1, 0.9),
        ("finetune", "features.windows.doc_stride", 128, 500),
        ("finetune", "runs.finetune.max_seq_length", None, 512),
        ("finetune", "runs.finetune.frozen", [], ["embeddings"]),
        ("finetune", "training.optimizer.name", "adamw", "lion"),
        ("finetune", "features.tagging.name", "words", "bytes"),
        ("pretrain", "objectives.electra.temperature", 1.0, 2.0),
        ("pretrain", "objectives.electra.mask_prob", [0.15, 0.25], 0.5),
        ("pretrain", "objectives.electra.untied_generator_embeddings", False, True),
        ("pretrain", "vocabularies.wordpiece.strip_accents", True, False),
        ("pretrain", "training.adamw.weight_decay", 0.01, 0.1),
    ],
)
def test_what_changes_a_result_is_compared(protocol, root, key, said, value):
    assert changes(protocol, root, **{key: value}) == {key: [said, value]}
    for usual in said if isinstance(said, list) and said else [said]:
        assert changes(protocol, root, **{key: usual}) == {}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_row_is_about_is_not(protocol):
    pretrain = {
        "generator/models.electra.num_heads": 1,
        "models.electra.hidden_size": 7,
        "objectives.electra.generator_hidden_size": 0.5,
        "runs.pretrain.model": "mine",
        "runs.pretrain.objective": "mlm",
        "runs.pretrain.corpus": "mine",
        "runs.pretrain.train_steps": 7,
        "runs.pretrain.batch_size": 7,
        "runs.pretrain.seed": 7,
        "runs.pretrain.workdir": "elsewhere",
        "training.loop.log_every": 7,
        "training.strategy.name": "mirrored",
        "vocabularies.wordpiece.lower_case": False,
    }
    assert changes(protocol, "pretrain", **pretrain) == {}
    of_task = {"tasks.mine.epochs": 7.0, "runs.finetune.task": "mine"}
    assert changes(protocol, "finetune", **of_task) == {}


def test_the_generator_of_tiny_is_the_discriminator_under_fixed_only():
    shared = {"objectives.electra.untied_generator": False}
    assert changes("fixed", "pretrain", **shared) == {}
    assert changes("code_v1", "pretrain", **shared)
    assert changes("paper", "pretrain", **shared)


def test_fine_tuning_normalises_text_as_its_checkpoint_does():
    accents = {"vocabularies.wordpiece.strip_accents": False}
    for protocol in PROTOCOLS:
        assert changes(protocol, "finetune", **accents) == {}


def test_the_choice_of_the_checkpoint_counts_where_it_is_scored():
    """In pre-training it changes no number, and a direction says nothing of no metric."""
    direction = {"training.loop.higher_is_better": False}
    metric = {"training.loop.best_metric": "loss"}
    assert changes("fixed", "finetune", **direction) == {}
    assert changes("fixed", "pretrain", **direction, **metric) == {}
    assert changes("fixed", "finetune", **direction, **metric) == {
        "training.loop.higher_is_better": [True, False],
        "training.loop.best_metric": [None, "loss"],
    }


def test_each_root_has_values_of_its_own():
    rate = {"training.adamw.peak_lr": 5e-4}
    assert changes("paper", "pretrain", **rate) == {}
    assert changes("paper", "finetune", **rate) == {
        "training.adamw.peak_lr": [[3e-4, 1e-4, 5e-5], 5e-4]
    }
    # The code has one rate for Small and Base.
    assert changes("paper", "finetune", **{"training.adamw.peak_lr": 3e-4}) == {}
    assert changes("code_v1", "finetune", **{"training.adamw.peak_lr": 3e-4})
    assert changes("code_v1", "finetune", **{"runs.finetune.epochs": 100.0})


def run_of(kind, protocol=None, changes=None, **hparams):
    given = {f"runs.{kind}.seed": 0, **hparams}
    return RunRecord(
        "a",
        "a",
        kind,
        "done",
        hparams=given,
        protocol=protocol,
        protocol_changes=changes or {},
    )


HOT = {"objectives.electra.temperature": 2.0}
RATE = "pre-training: objectives.electra.temperature"


@pytest.mark.parametrize("before", [None, "code_v1*", "paper*"])
def test_what_pre_training_changed_is_a_change_of_what_starts_from_it(before):
    start = run_of("pretrain", before, **HOT)
    found = protocol_fields("code_v1", "finetune", {}, start)
    assert found == {"protocol": "code_v1*", "protocol_changes": {RATE: [1.0, 2.0]}}
    assert protocol_fields(None, "finetune", {}, start)["protocol_changes"] == {}
    usual = run_of("pretrain", before, **{"objectives.electra.temperature": 1.0})
    assert protocol_fields("code_v1", "finetune", {}, usual)["protocol"] == "code_v1"


def test_changes_are_handed_on():
    hot = run_of("pretrain", **HOT)
    first = protocol_fields("fixed", "pretrain", {}, hot)
    assert list(first["protocol_changes"]) == [RATE]
    further = run_of("pretrain", "fixed*", first["protocol_changes"], **HOT)
    found = protocol_fields("fixed", "pretrain", {}, further)["protocol_changes"]
    assert list(found) == [RATE, RATE.replace("training", "training 2")]
    again = run_of("pretrain", "fixed*", found)
    found = protocol_fields("fixed", "pretrain", {}, again)["protocol_changes"]
    assert [key.partition(":")[0] for key in found] == [
        "pre-training 2",
        "pre-training 3",
    ]
    clip = {"training.adamw.clip_norm": 0.0}
    tuned = run_of("finetune", "fixed*", first["protocol_changes"], **clip)
    found = protocol_fields("fixed", "finetune", {}, tuned)["protocol_changes"]
    assert found == {
        "earlier task: training.adamw.clip_norm": [1.0, 0.0],
        RATE: [1.0, 2.0],
    }


def test_a_model_from_elsewhere_changes_nothing():
    hparams = {"vocabularies.wordpiece.strip_accents": False}
    start = RunRecord("a", "a", "pretrain", "done", hparams=hparams)
    assert protocol_fields("fixed", "finetune", {}, start)["protocol"] == "fixed"


def test_a_run_that_is_scored_otherwise_has_a_star():
    record = RunRecord("a", "a", "finetune", "done", protocol="paper")
    usual = {"features.windows.doc_stride": 128, "runs.evaluate.split": "test"}
    same = scoring_fields(record, usual)
    assert same == {"protocol": "paper", "protocol_changes": {}}
    changed = scoring_fields(record, {"features.windows.doc_stride": 500})
    assert changed["protocol"] == "paper*"
    assert scoring_fields(None, usual) == {}


def test_without_a_protocol_nothing_is_compared():
    found = protocol_fields(None, "finetune", {"training.adamw.clip_norm": 0.0})
    assert found == {"protocol": None, "protocol_changes": {}}


def test_parameters_of_a_plugin_count_unless_they_say_otherwise(tmp_path):
    (tmp_path / "strange_model.py").write_text(
        "from electra_bench.config.roles import Result, Subject\n"
        "from electra_bench.registry import models\n\n\n"
        '@models.register("strange")\n'
        "def strange(*, size: Subject[int], slope: Result[float] = 0.1, old=3,\n"
        "            must: Result[float]):\n"
        '    """A model."""\n'
    )
    registry.load_plugin(str(tmp_path / "strange_model.py"))
    strange = {
        "models.strange.size": 7,
        "models.strange.slope": 0.1,
        "models.strange.old": 3,
    }
    assert changes("fixed", "finetune", **strange) == {}
    others = {
        "models.strange.slope": 0.2,
        "models.strange.old": 4,
        "models.strange.must": 1.0,
    }
    assert changes("fixed", "finetune", **others) == {
        "models.strange.slope": [0.1, 0.2],
        "models.strange.old": [3, 4],
        "models.strange.must": [UNSTATED, 1.0],
    }


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("root", ["pretrain", "finetune"])
def test_what_the_files_allow_can_be(protocol, root):
    check_protocol(protocol, root)


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        ("7", "mine.gin:1: FINETUNE_ALLOWED: expected {'parameter': (values, ...)}"),
        (
            "{'training.adamw.peak_rl': (1,)}",
            "no parameter 'peak_rl'; near: ['peak_lr'",
        ),
        ("{'training.adam.peak_lr': (1,)}", "no training 'adam'; near: ['adamw'"),
        ("{'runs.tune.epochs': (1,)}", "no runs 'tune'"),
        (
            "{'training.adamw.peak_lr': 1e-4}",
            "a list of float above 0, got 0.0001",
        ),
        ("{'training.adamw.peak_lr': ('fast',)}", "expected a list of float"),
    ],
)
def test_a_protocol_of_ones_own_is_checked(allowed, told, tmp_path, monkeypatch):
    (tmp_path / "protocols").mkdir()
    text = f"FINETUNE_ALLOWED = {allowed}\nruns.finetune.protocol = 'mine'\n"
    (tmp_path / "protocols" / "mine.gin").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        check_protocol("mine", "finetune")
    assert told in str(error.value)
