"""`electra-bench validate plugin`: a check that does not hold is named, with the reason."""

import json
import subprocess
import sys

import pytest
from small_runs import the_sentence

from electra_bench.cli.main import main

BROKEN_REPORT = """
import sys
import types

# Stands for `import torch`, which takes seconds.
sys.modules["torch"] = types.ModuleType("torch")

from electra_bench import registry
from electra_bench.reports.statistics.aggregate import by_label
from electra_bench.reports.table import Table

@registry.reports.register("report_of_test")
def report():
    "Means over the tasks that a model has."

    def build(records):
        rows = []
        for label, runs in by_label(records):
            scores = [r.main_score for run in runs for r in run.results if r.main_score]
            rows.append((label, sum(scores) / len(scores)))
        return Table(("model", "mean"), tuple(rows), metrics=("mean",))

    return build
"""

BROKEN = """
import tensorflow as tf

from electra_bench import registry
from electra_bench.core import EncoderOutput, LossTerm
from electra_bench.core.variables import variable_name
from electra_bench.models.encoder import EmbeddingLayer
from electra_bench.kinds.classification import Classification
from electra_bench.records import TaskCard


class Average(tf.Module):
    "Every token gets the mean of all, padding included, and a variable is never used."

    def __init__(self, variables, name, vocab_size):
        super().__init__()
        self.hidden_size, self.num_layers = 16, 1
        scope = f"{name}/embeddings"
        self.embeddings = EmbeddingLayer(variables, scope, vocab_size, 16, 64, 2)
        self.unused = variables.zeros(f"{name}/encoder/layer_0/unused", [3])

    def __call__(self, input_ids, input_mask, segment_ids, *, seed, training):
        embedded = self.embeddings(input_ids, segment_ids)
        states = embedded + tf.reduce_mean(embedded, 1, keepdims=True)
        return EncoderOutput(states, embedded, (states,), ())


@registry.models.register("model_of_test")
def model(variables, name, vocab_size, embeddings=None, width=1.0, depth=1.0):
    "An encoder that mixes padding in."
    return Average(variables, name, vocab_size)


class Upside(Classification):
    def loss_terms(self, batch, seed, training):
        "A mean of each replica's batch instead of a sum and a weight."
        [(name, term)] = super().loss_terms(batch, seed, training).items()
        return {name: LossTerm(term.total / term.weight, tf.constant(1.0))}

    def decode(self, outputs, example):
        "The least probable class."
        return int(outputs["logits"].argmin()), outputs["probs"].tolist()


@registry.kinds.register("kind_of_test")
def kind(encoders, variables, card):
    "A kind whose decoding contradicts its loss."
    return Upside(encoders, variables, card, len(card.labels), 0.0)


CARD = TaskCard(
    name="another_name", version=1, kind="classification", summary="A task.",
    builder="nowhere:task", splits={}, main_metric="accuracy", source="here", licence="",
    citation="", labels=("0", "1"),
)
registry.tasks.add("task_of_test", CARD)
"""


def validated(path, *flags):
    """Status and findings, in a process of its own: what is registered stays so."""
    command = [sys.executable, "-m", "electra_bench", "validate", "plugin"]
    done = subprocess.run(
        [*command, "--plugin", str(path), "--json", *flags],
        capture_output=True,
        text=True,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def failed(found, kind):
    return {
        f["check"]: f["reason"]
        for f in found
        if (f["kind"], f["status"]) == (kind, "failed")
    }


def test_a_broken_report(tmp_path):
    path = tmp_path / "broken_report.py"
    path.write_text(BROKEN_REPORT)
    status, found = validated(path)
    assert status == 1
    assert failed(found, "report") == {
        "missing scores stay missing": "a model without a run of one task has the mean "
        "[51.0]; expected None",
        "loads no tensorflow": "loading it loads torch",
    }
    passed = {f["check"] for f in found if f["status"] == "passed"}
    assert {"is registered", "builds from records", "renders in all forms"} <= passed


def test_a_broken_model_kind_and_card(tmp_path):
    path = tmp_path / "broken_things.py"
    path.write_text(BROKEN)
    status, found = validated(path)
    assert status == 1
    model, kind = failed(found, "model"), failed(found, "kind")
    assert set(model) == {
        "padding does not leak",
        "gradients reach every variable",
        "serves as a generator",
    }
    assert "more columns of padding change the states" in model["padding does not leak"]
    assert model["gradients reach every variable"] == (
        "no gradient reaches electra/encoder/layer_0/unused"
    )
    assert {
        "halves of a batch sum to the whole",
        "it decodes what it has learnt",
    } <= set(kind)
    assert (
        "loss, decode and right_answer disagree"
        in kind["it decodes what it has learnt"]
    )
    assert failed(found, "task") == {
        "the card is complete": "the card of 'task_of_test' says name 'another_name'"
    }


ABSENT = """
import seqio

from electra_bench import registry
from electra_bench.records import TaskCard

CARD = TaskCard(
    name="task_of_test", version=1, kind="classification", summary="A task.",
    builder="absent_data:task", splits={}, main_metric="accuracy", source="here",
    licence="any", citation="nobody", labels=("0", "1"),
)
registry.tasks.add(CARD.name, CARD)


def task(card):
    from electra_bench.tasks.metrics.classification import accuracy
    from electra_bench.tasks.text_tasks import add_labelled_task

    files = {"train": "nowhere/train.tsv", "dev": "nowhere/PATTERN"}
    add_labelled_task(card, seqio.TextLineDataSource(files), [accuracy])
"""


@pytest.mark.parametrize("pattern", ["dev.tsv", "dev*.tsv"])
def test_absent_data_are_said_once(tmp_path, pattern):
    path = tmp_path / "absent_data.py"
    path.write_text(ABSENT.replace("PATTERN", pattern))
    status, found = validated(path)
    assert status == 1
    assert [f["check"] for f in found if f["status"] == "passed"] == [
        "is registered",
        "the card is complete",
        "seqio knows its splits",
    ]
    [(check, reason)] = failed(found, "task").items()
    assert check == "its data are there"
    assert reason.startswith("split 'dev' cannot be read: ")
    assert f"nowhere/{pattern}" in reason and "{{" not in reason
    assert [(f["check"], f["reason"]) for f in found if f["status"] == "skipped"] == [
        ("10 more checks", "not run: they need 'its data are there'")
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "validate plugin needs one name"),
        (["no-such-plugin"], "no plugin 'no-such-plugin'; near: "),
        (["--plugin", "nowhere.py"], "--plugin: no file 'nowhere.py'"),
        (["--plugin", "json"], "--plugin json registers no new name"),
    ],
)
def test_what_cannot_be_checked_is_said_before_any_work(arguments, said, capsys):
    assert main(["validate", "plugin", *arguments]) == 2
    assert said in the_sentence(capsys.readouterr().err, "validate")
