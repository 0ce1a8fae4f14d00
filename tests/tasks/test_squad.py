"""Question answering against the original's features, predictions and scores."""

import json
import math

import numpy as np
import pytest
from golden_cases import SOURCES, golden_folder
from task_cases import question_windows, text_of, write, write_all

from electra_bench.data import run_context
from electra_bench.data.readers.answer_text import joined_pieces, projected
from electra_bench.kinds.span_decoding import SpanDecoder
from electra_bench.tasks.metrics.squad import Answer, mrqa_scores, squad_v1, squad_v2
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.basic_words import unit_pattern, words_of_unit
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary


@pytest.fixture(scope="module")
def vocabulary(shared_golden):
    return WordPieceVocabulary(str(shared_golden / "vocab.txt"))


# Number of recorded cases by source.
CASES = {"original": 6, "made": 4}


@pytest.fixture(scope="module", params=SOURCES)
def features(request, tmp_path_factory):
    numbers = golden_folder(request, request.param)
    content = json.loads((numbers / "features/qa.json").read_text())
    folder = tmp_path_factory.mktemp("qa")
    write_all(folder, content["files"])
    assert len(content["cases"]) == CASES[request.param]
    vocabulary = WordPieceVocabulary(str(numbers / "vocab.txt"))
    with run_context.use(data_dir=str(folder), vocabulary=vocabulary, files={}):
        yield content["cases"]


def test_features_equal_recorded_ones(features):
    for case in features:
        check_windows(
            question_windows(case["task"], case["split"], case["config"]), case
        )


def check_windows(found, case):
    assert len(found) == len(case["examples"])
    for idx, expected in enumerate(case["examples"]):
        windows = expected["features"]
        # Of a context without tokens the original makes no window; we make one.
        if not windows:
            continue
        assert len(found[idx]) == len(windows)
        for row, window in zip(found[idx], windows, strict=True):
            ids = window["input_ids_without_padding"]
            assert row["input_ids"].tolist() == ids
            assert int(row["segment_ids"].sum()) == window["n_segment_1"]
            if "is_max_context" in window:
                first = window["first_document_token"]
                shown = row["max_context"][first:-1].astype(bool).tolist()
                assert shown == [bool(x) for x in window["is_max_context"]]
            else:
                names = ("start_position", "end_position", "is_impossible")
                assert row["labels"].tolist() == [int(window[n]) for n in names]


def test_projected_texts_equal_the_originals(shared_golden):
    cases = json.loads((shared_golden / "metrics/qa_helpers.json").read_text())
    for case in cases["final_text"]:
        lower = case["do_lower_case"]

        def split(text, lower=lower):
            units = unit_pattern(text).findall(text)
            return [
                word for unit in units for word in words_of_unit(unit, lower, lower)
            ]

        found = projected(case["pred_text"], case["orig_text"], split)
        assert found == case["final_text"], case


def test_pieces_become_words():
    assert joined_pieces(["un", "##believ", "##able", ",", "##s"]) == "unbelievable ,s"


POSTPROCESSED = range(6)


@pytest.mark.parametrize("number", POSTPROCESSED)
def test_predictions_and_scores_equal_the_originals(
    shared_golden, vocabulary, tmp_path, number
):
    content = json.loads((shared_golden / "metrics/qa_postprocess.json").read_text())
    assert len(content["cases"]) == len(POSTPROCESSED)
    case = content["cases"][number]
    task, config = case["task"], case["config"]
    write(tmp_path, task, "dev", text_of(case["data"]))
    with run_context.use(data_dir=str(tmp_path), vocabulary=vocabulary, files={}):
        examples = question_windows(task, "dev", config)
    decoder = SpanDecoder(
        config["n_best_size"], config["max_answer_length"], "projected", vocabulary
    )
    results = {
        result["eid"]: result
        for result in case["results_in_the_order_given_to_the_scorer"]
    }
    targets, predictions = [], []
    for idx, rows in examples.items():
        decoded = []
        for place, row in enumerate(rows):
            outputs = arrays(results[1000 * idx + place], config)
            example = row | {"context": row["context"].decode()}
            decoded.append(decoder.candidates(outputs, example))
        value, _ = decoder.best(decoded)
        name = rows[0]["id"].decode()
        assert value[0] == case["predictions"][name], name
        if task == "squad":
            assert value[1] == pytest.approx(case["na_scores"][name], abs=1e-5)
        # What is chosen by is compared; the original's numbers then score it.
        predictions.append(
            Answer(value[0], case["na_scores"][name]) if task == "squad" else value[0]
        )
        targets.append([answer.decode() for answer in rows[0]["answers"]])
    metric = {"squad": squad_v2(), "squadv1": squad_v1, "newsqa": mrqa_scores}[task]
    scores = metric(targets, predictions)
    for name, expected in case["metrics"].items():
        name = {"exact_match": "exact"}.get(name, name)
        if name in scores and not math.isnan(scores[name]):
            assert scores[name] == pytest.approx(expected, abs=1e-6), name


def arrays(result, config):
    """The recorded outputs of a window, as the kind gives them."""
    names = ["start_logits", "end_logits"]
    if config["joint_prediction"]:
        names = [
            f"{side}_top_{x}"
            for side in ("start", "end")
            for x in ("log_probs", "index")
        ]
        names += ["start_logits"]
    outputs = {
        name: np.array(result[name], np.int32 if name.endswith("index") else np.float32)
        for name in names
        if name in result
    }
    if config["answerable_classifier"]:
        outputs["answerable_logit"] = np.float32(result["answerable_logit"])
    return outputs


@pytest.mark.parametrize(("split", "size"), [("train", 87599), ("dev", 10570)])
def test_all_of_squad_is_read(shared_data, split, size):
    with run_context.use(data_dir=str(shared_data), files={}):
        questions = load_task("squadv1").source.examples(split)
    assert len(questions) == size
    # Every answer is where it is said to be.
    for question in questions:
        start, end = question.span
        assert question.context[start:end] == question.answers[0]
