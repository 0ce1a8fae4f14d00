"""Whole development sets against the original: from a file of questions to its scores."""

import json
from typing import NamedTuple

import gin
import numpy as np
import pytest
from test_span_qa import CASES, Golden, batch_of, check_outputs

from electra_bench.core import Seed
from electra_bench.data import run_context
from electra_bench.tasks.features.windows import encode_windows
from electra_bench.tasks.metrics.squad import squad_v1, squad_v2
from electra_bench.tasks.postprocessors import answer_or_none, answer_texts
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary


class Evaluated(NamedTuple):
    """A recorded case, our windows of its questions and the outputs for them."""

    golden: Golden
    rows: list[dict]
    batch: object
    outputs: dict[str, np.ndarray]

    @property
    def expected(self):
        return self.golden.case["evaluation"]

    def recorded(self, name):
        return self.golden.arrays[f"evaluate/{name}"]

    def questions(self):
        """The numbers of every question's windows."""
        found = {}
        for number, row in enumerate(self.rows):
            found.setdefault(row["id"].decode(), []).append(number)
        return found

    def answers(self):
        """From every question to the text and the odds of no answer."""
        chosen = {}
        for name, numbers in self.questions().items():
            decoded = []
            for i in numbers:
                example = self.rows[i] | {"context": self.rows[i]["context"].decode()}
                outputs = {name: value[i] for name, value in self.outputs.items()}
                decoded.append(self.golden.objective.decode(outputs, example))
            chosen[name], _ = self.golden.objective.merge(decoded)
        return chosen


def windows(task, config):
    source = load_task(task).source.get_dataset("dev", shuffle=False)
    for name in ("doc_stride", "max_query_length"):
        gin.bind_parameter(f"features.windows.{name}", config[name])
    try:
        lengths = {"input_ids": config["max_seq_length"]}
        return list(encode_windows(source, lengths).as_numpy_iterator())
    finally:
        gin.clear_config()


@pytest.fixture(scope="module", params=CASES)
def evaluated(request, shared_golden, tmp_path_factory):
    vocabulary = WordPieceVocabulary(str(shared_golden / "vocab_small.txt"))
    golden = Golden(shared_golden, request.param, vocabulary, answer_text="projected")
    content = json.loads((shared_golden / "manifest_finetune.json").read_text())
    folder = tmp_path_factory.mktemp("questions")
    path = folder / "finetuning_data" / golden.task / "dev.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content["data_files"][f"{golden.task}/dev.json"]))
    with run_context.use(data_dir=str(folder), vocabulary=vocabulary, files={}):
        rows = windows(golden.task, golden.case["config"])
    shape = [len(rows), golden.case["config"]["max_seq_length"]]
    features = [np.zeros(shape, np.int32) for _ in range(3)]
    for row, *filled in zip(rows, *features, strict=True):
        for values, place in zip(
            (row["input_ids"], 1, row["segment_ids"]), filled, strict=True
        ):
            place[: len(row["input_ids"])] = values
    # As the original, which reads no answers where it does not train.
    batch = batch_of(features, np.zeros([len(rows), 3]))
    outputs = golden.objective.outputs(batch, Seed.of(0))
    outputs = {name: value.numpy() for name, value in outputs.items()}
    return Evaluated(golden, rows, batch, outputs)


def test_windows_equal_the_originals(evaluated):
    for name in ("input_ids", "input_mask", "segment_ids"):
        np.testing.assert_array_equal(
            getattr(evaluated.batch, name), evaluated.recorded(f"features/{name}"), name
        )


def test_outputs_of_all_windows_equal_the_originals(evaluated):
    check_outputs(evaluated.outputs, lambda name: evaluated.recorded(f"outputs/{name}"))


def test_the_loss_of_the_questions_equals_the_originals(evaluated):
    config, outputs = evaluated.golden.case["config"], evaluated.outputs
    start = outputs["start_logits"]
    # The original's loss has zeros where beams replace these logits; ours, where it knows
    # the first token, has the logits that follow from it.
    end = outputs.get("end_logits", np.zeros_like(start))
    losses = sum(np.log(np.exp(x).sum(-1)) - x[:, 0] for x in (start, end)) / 2
    if config["answerable_classifier"]:
        odds = outputs["answerable_logit"]
        losses += config["answerable_weight"] * np.log1p(np.exp(odds))
    np.testing.assert_allclose(losses, evaluated.recorded("outputs/loss"), rtol=5e-5)
    mean = pytest.approx(evaluated.expected["loss"], rel=5e-5)
    assert losses.mean() == mean
    if not config["joint_prediction"]:
        objective = evaluated.golden.objective
        terms = objective.loss_terms(evaluated.batch, Seed.of(0), training=False)
        total = sum(t.coefficient * t.value(t.weight) for t in terms.values())
        assert float(total) / len(losses) == mean


def test_predictions_and_null_odds_equal_the_originals(evaluated):
    answers = evaluated.answers()
    texts = {name: text for name, (text, _) in answers.items()}
    assert texts == evaluated.expected["predictions"]
    if evaluated.golden.task == "squad":
        odds = {name: value for name, (_, value) in answers.items()}
        assert odds == pytest.approx(evaluated.expected["na_scores"], abs=2e-4)


def test_scores_equal_the_originals(evaluated):
    is_v2 = evaluated.golden.task == "squad"
    postprocess = answer_or_none if is_v2 else answer_texts
    answers = evaluated.answers()
    targets, predictions = [], []
    for name, (number, *_) in evaluated.questions().items():
        row = evaluated.rows[number]
        targets.append(postprocess(row["labels"], row, True))
        predictions.append(postprocess(answers[name], row))
    if is_v2:
        threshold = evaluated.golden.case["config"]["qa_na_threshold"]
        scores = squad_v2(threshold)(targets, predictions)
        # The original chooses none.
        scores = {n: value for n, value in scores.items() if "_chosen" not in n}
        with_answer = sum(len(answers) > 0 for answers in targets)
        scores |= {
            "total": len(targets),
            "HasAns_total": with_answer,
            "NoAns_total": len(targets) - with_answer,
        }
    else:
        scores = squad_v1(targets, predictions)
        scores["exact_match"] = scores.pop("exact")
    # A threshold is the odds of a question.
    assert scores == pytest.approx(evaluated.expected["metrics"], abs=2e-4)
