import dataclasses
import sys
import types

import pytest
import seqio
import tensorflow as tf

from electra_bench import registry
from electra_bench.records import TaskCard
from electra_bench.registry import UnknownName
from electra_bench.tasks import postprocessors
from electra_bench.tasks.features import preprocessors
from electra_bench.tasks.metrics.classification import accuracy
from electra_bench.tasks.registration import add_task, load_task

CARD = TaskCard(
    name="registration_test",
    version=1,
    kind="classification",
    summary="",
    builder=f"{__name__}:build",
    splits={},
    main_metric="accuracy",
    source="",
    licence="",
    citation="",
    labels=("no", "yes"),
)


def build(card):
    source = seqio.FunctionDataSource(
        lambda split, shuffle_files, seed=None: tf.data.Dataset.from_tensor_slices(
            {"idx": [0, 1], "label": ["no", "yes"], "input_ids": [[1], [2]]}
        ),
        splits=["dev"],
    )
    return add_task(
        card,
        source,
        [
            preprocessors.class_labels(card.labels),
            preprocessors.complete,
            lambda ds: ds.map(lambda e: {**e, "segment_ids": e["input_ids"]}),
        ],
        postprocessors.class_label(card.labels),
        [accuracy],
    )


def test_a_plugins_task_brings_its_card():
    build(CARD)
    assert registry.tasks.get("registration_test") is CARD
    task = load_task("registration_test")
    rows = list(task.get_dataset(split="dev", shuffle=False).as_numpy_iterator())
    assert [row["labels"].tolist() for row in rows] == [[0], [1]]
    assert set(task.output_features) <= set(rows[0])


def test_a_declared_card_is_built_on_first_use(monkeypatch):
    registry.tasks.add(CARD.name, CARD)
    calls = []
    module = types.SimpleNamespace(build=lambda card: calls.append(card) or build(card))
    monkeypatch.setitem(sys.modules, __name__, module)
    assert load_task(CARD.name) is load_task(CARD.name)
    assert calls == [CARD]


def test_mixtures_are_loaded_like_tasks():
    build(CARD)
    seqio.MixtureRegistry.add("registration_mixture", [CARD.name], default_rate=1.0)
    mixture = load_task("registration_mixture")
    assert [task.name for task in mixture.tasks] == [CARD.name]


def test_names_are_unique_and_checked():
    build(CARD)
    with pytest.raises(ValueError, match="'registration_test' is taken by"):
        build(dataclasses.replace(CARD, version=2))
    with pytest.raises(UnknownName, match=r"no tasks 'regstration_test'; near"):
        load_task("regstration_test")


def test_a_builder_must_register_its_name(monkeypatch):
    card = dataclasses.replace(CARD, builder="builtins:repr")
    registry.tasks.add(card.name, card)
    with pytest.raises(ValueError, match="builtins:repr registered no seqio task"):
        load_task(card.name)


def test_tasks_of_one_schema_mix():
    build(CARD)
    load_task("cola")
    mixture = seqio.Mixture(
        "unregistered", [seqio.get_mixture_or_task(n) for n in (CARD.name, "cola")], 1.0
    )
    assert set(mixture.output_features) == {
        "input_ids",
        "segment_ids",
        "labels",
        "values",
        "task_id",
        "example_id",
    }
