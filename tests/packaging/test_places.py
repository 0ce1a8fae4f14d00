"""Things lie where someone who knows seqio and gin guesses them from the folders."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "electra_bench"

# What is looked for, where it is guessed, and a name that must be defined there.
PLACES = {
    "masking": ("objectives/masking.py", "Masking"),
    "the generator's sampling": ("objectives/sampling.py", "sample_replacements"),
    "the learning-rate schedule": ("training/schedules.py", "linear"),
    "where CoLA is registered": ("tasks/glue.py", "cola"),
    "the significance test": ("reports/statistics/significance.py", "estimate"),
    "the encoder": ("models/encoder.py", "TransformerEncoder"),
    "the discriminator's loss": ("objectives/electra.py", "encoder_terms"),
    "restoring a checkpoint": ("training/checkpoints.py", "restore"),
    "the classification head": ("kinds/classification.py", "Classification"),
    "the reader of SQuAD": ("data/readers/questions.py", "squad_questions"),
    "the metric of SQuAD": ("tasks/metrics/squad.py", "squad_v2"),
    "whether a run is done": ("runs/lifecycle.py", "find"),
    "the average of GLUE": ("reports/board/references.py", "named_means"),
    "where a record is written": ("records/run_record.py", "write_record"),
    "several GPUs": ("training/strategy.py", "strategy"),
}


@pytest.mark.parametrize("thing", PLACES)
def test_a_thing_lies_where_it_is_guessed(thing):
    path, name = PLACES[thing]
    tree = ast.parse((PACKAGE / path).read_text())
    defined = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    assert name in defined
