"""Recorded questions: from a file to answers and scores; see `golden_cases`."""

import json
from pathlib import Path

import gin
import numpy as np
from finetune_cases import Case, batch_of

from electra_bench.core import Seed
from electra_bench.data import run_context
from electra_bench.tasks.features.windows import encode_windows
from electra_bench.tasks.metrics.squad import squad_v1, squad_v2
from electra_bench.tasks.postprocessors import answer_or_none, answer_texts
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary


class Evaluated:
    """A case, our windows of its questions and the outputs for them."""

    def __init__(self, case: Case, questions: dict, vocabulary, folder: Path):
        """Writes the questions into a folder, reads them and runs the case on them."""
        self.case = case
        self.config = case.case["config"]
        path = folder / "finetuning_data" / case.task / "dev.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(questions))
        with run_context.use(data_dir=str(folder), vocabulary=vocabulary, files={}):
            self.rows = self._windows()
        self.batch = self._batch()
        outputs = case.objective.outputs(self.batch, Seed.of(0))
        self.outputs = {name: value.numpy() for name, value in outputs.items()}

    @classmethod
    def load(cls, numbers: Path, name: str, folder: Path) -> "Evaluated":
        """Reads a case from a folder of recorded numbers."""
        vocabulary = WordPieceVocabulary(str(numbers / "vocab_small.txt"))
        settings = {"vocabulary": vocabulary, "answer_text": "projected"}
        case = Case.load(numbers, name, **settings)
        manifest = json.loads((numbers / "manifest_finetune.json").read_text())
        questions = manifest["data_files"][f"{case.task}/dev.json"]
        return cls(case, questions, vocabulary, folder)

    @property
    def expected(self) -> dict:
        """The recorded answers and scores."""
        return self.case.case["evaluation"]

    def recorded(self, name: str) -> np.ndarray:
        """A recorded array."""
        return self.case.arrays[f"evaluate/{name}"]

    def _windows(self) -> list[dict]:
        source = load_task(self.case.task).source.get_dataset("dev", shuffle=False)
        for name in ("doc_stride", "max_query_length"):
            gin.bind_parameter(f"features.windows.{name}", self.config[name])
        try:
            lengths = {"input_ids": self.config["max_seq_length"]}
            return list(encode_windows(source, lengths).as_numpy_iterator())
        finally:
            gin.clear_config()

    def _batch(self):
        shape = [len(self.rows), self.config["max_seq_length"]]
        features = [np.zeros(shape, np.int32) for _ in range(3)]
        for row, *filled in zip(self.rows, *features, strict=True):
            for values, place in zip(
                (row["input_ids"], 1, row["segment_ids"]), filled, strict=True
            ):
                place[: len(row["input_ids"])] = values
        # As the original, which reads no answers where it does not train.
        rows = len(self.rows)
        return batch_of(*features, np.zeros([rows, 3]), np.zeros([rows, 0]))

    def losses(self) -> np.ndarray:
        """The original's loss of every window, from the outputs.

        It has zeros where beams replace the logits of the last token; ours, where it knows
        the first token, has the logits that follow from it.
        """
        start = self.outputs["start_logits"]
        end = self.outputs.get("end_logits", np.zeros_like(start))
        losses = sum(np.log(np.exp(x).sum(-1)) - x[:, 0] for x in (start, end)) / 2
        if self.config["answerable_classifier"]:
            odds = self.outputs["answerable_logit"]
            losses += self.config["answerable_weight"] * np.log1p(np.exp(odds))
        return losses

    def questions(self) -> dict[str, list[int]]:
        """The numbers of every question's windows."""
        found = {}
        for number, row in enumerate(self.rows):
            found.setdefault(row["id"].decode(), []).append(number)
        return found

    def answers(self) -> dict:
        """From every question to the text and the odds of no answer."""
        chosen = {}
        for name, numbers in self.questions().items():
            decoded = []
            for i in numbers:
                example = self.rows[i] | {"context": self.rows[i]["context"].decode()}
                outputs = {name: value[i] for name, value in self.outputs.items()}
                decoded.append(self.case.objective.decode(outputs, example))
            chosen[name], _ = self.case.objective.merge(decoded)
        return chosen

    def scores(self) -> dict[str, float]:
        """The scores of the answers, by the original's names."""
        is_v2 = self.case.task == "squad"
        postprocess = answer_or_none if is_v2 else answer_texts
        answers = self.answers()
        targets, predictions = [], []
        for name, (number, *_) in self.questions().items():
            row = self.rows[number]
            targets.append(postprocess(row["labels"], row, True))
            predictions.append(postprocess(answers[name], row))
        if not is_v2:
            scores = squad_v1(targets, predictions)
            scores["exact_match"] = scores.pop("exact")
            return scores
        scores = squad_v2(self.config["qa_na_threshold"])(targets, predictions)
        # The original chooses none.
        scores = {n: value for n, value in scores.items() if "_chosen" not in n}
        with_answer = sum(len(answers) > 0 for answers in targets)
        return scores | {
            "total": len(targets),
            "HasAns_total": with_answer,
            "NoAns_total": len(targets) - with_answer,
        }


def check_outputs(outputs, recorded):
    """Compares outputs with the original's, which `recorded` gives by name."""
    for name, found in outputs.items():
        expected = recorded(name)
        if name.endswith("_index"):
            continue
        # Off the paragraph float32 resolves 6e-5 at best, and ties are common.
        compared = expected > -500
        np.testing.assert_allclose(
            found[compared], expected[compared], rtol=0, atol=2e-4, err_msg=name
        )
    if "start_top_index" in outputs:
        scores = recorded("start_top_log_probs")
        apart = np.abs(np.diff(scores, prepend=np.inf, append=-np.inf)) > 1e-4
        clear = apart[:, 1:] & apart[:, :-1] & (scores > -500)
        found, expected = outputs["start_top_index"], recorded("start_top_index")
        np.testing.assert_array_equal(found[clear], expected[clear])
