"""What metric functions of a task are given."""

import seqio

from electra_bench.tasks.registration import output_features
from electra_bench.tasks.scores import task_metrics


def hits(targets, predictions):
    return {"hits": sum(t == p for t, p in zip(targets, predictions, strict=True))}


def certainty(targets, scores):
    return {"certainty": sum(row[t] for t, row in zip(targets, scores, strict=True))}


def test_names_of_parameters_say_what_a_metric_gets():
    task = seqio.Task(
        "task_of_metrics",
        source=seqio.FunctionDataSource(lambda split, shuffle_files: None, ["dev"]),
        output_features=output_features(),
        preprocessors=[],
        metric_fns=[hits, certainty],
    )
    scores = [[0.75, 0.25], [0.75, 0.25]]
    found = task_metrics(task, [0, 1], [0, 0], scores)
    assert found == {"hits": 1.0, "certainty": 1.0}
