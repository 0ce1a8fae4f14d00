"""Makes numbers of fine-tuning from random inputs, for who has none of the original's.

    PYTHONPATH=tests python tests/golden/make_finetuning_cases.py

Writes made/manifest_finetune.json, made/finetune_*.npz and made/vocab_small.txt beside this
file, in the form of the original's recorded cases but smaller. Computed by the code of
commit 4c3f53a, which passed all tests of tests/kinds with the original's numbers; run it
again only where they pass with them.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from finetune_cases import MADE_SPAN_QA, Case
from golden_cases import MADE, initial_values, kept_gradients
from made_texts import PAIRS, PASSAGES, QUESTIONS, questions
from question_cases import Evaluated

from electra_bench.core.variables import variable_name
from electra_bench.vocabularies.training import train_wordpiece, write_vocabulary
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

SEED = 20261130
VOCAB, ROWS, SEQ = 300, 6, 18
HIDDEN, FFN, EMBEDDING = 16, 24, 12
CONFIG = {
    "vocab_size": VOCAB,
    "model_hparam_overrides": {
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 48,
    },
    "joint_prediction": True,
    "answerable_classifier": True,
    "answerable_uses_start_logits": True,
    "answerable_weight": 0.7,
    "beam_size": 4,
    "n_best_size": 6,
    "max_answer_length": 5,
    "qa_na_threshold": 0.0,
    "max_seq_length": 40,
    "max_query_length": 8,
    "doc_stride": 10,
}
CHANGES = {
    "squad_not_joint": {
        "joint_prediction": False,
        "answerable_uses_start_logits": False,
    },
    "squad_no_answerable": {"answerable_classifier": False},
}
TASKS = {"multi": ["mrpc", "sts", "chunk"]} | {name: ["squad"] for name in MADE_SPAN_QA}
TAGS = {"B-NP": 0, "E-NP": 1, "O": 2, "S-NP": 3, "S-VP": 4}
# Of which all entries of the gradient are kept, where there are such variables.
WHOLE = (
    "electra/embeddings/LayerNorm/gamma",
    "electra/encoder/layer_1/attention/self/query/kernel",
    *(
        f"task_specific/{task}/{name}/kernel"
        for task in ("mrpc", "sts", "chunk", "squad")
        for name in ("dense", "dense_1", "dense_3")
    ),
)


def features(tasks: list[str]) -> dict[str, np.ndarray]:
    """A batch, whose last row is padding."""
    random = np.random.default_rng(SEED)
    lengths = random.integers(10, SEQ + 1, ROWS)
    mask = (np.arange(SEQ) < lengths[:, None]).astype(np.int32)
    ids = random.integers(5, VOCAB, [ROWS, SEQ], np.int32) * mask
    ids[:, 0] = 2
    # [CLS] question [SEP] context [SEP]
    begin = random.integers(3, 6, ROWS)
    first = random.integers(begin, lengths - 1)
    last = np.minimum(first + random.integers(0, 3, ROWS), lengths - 2)
    impossible = np.array([0, 1, 0, 0, 1, 0])
    task_id = np.array([*np.arange(ROWS - 1) % len(tasks), len(tasks)], np.int32)
    words = np.tile(np.arange(1, SEQ, 3), [ROWS, 1])
    is_word = words < lengths[:, None] - 1
    spans = [where * (1 - impossible) for where in (first, last)]
    of_kind = {
        "label_ids": random.integers(0, 2, ROWS),
        "targets": random.random(ROWS, np.float32),
        "labeled_positions": words * is_word,
        "labels": random.integers(0, len(TAGS), words.shape) * is_word,
        "labels_mask": is_word.astype(np.float32),
        **dict(zip(("start_positions", "end_positions"), spans, strict=True)),
        "is_impossible": impossible,
    }
    return {
        "features/input_ids": ids,
        "features/input_mask": mask,
        "features/segment_ids": mask * (np.arange(SEQ) >= begin[:, None]),
        "features/task_id": task_id,
        **{f"features/{t}_{n}": value for t in tasks for n, value in of_kind.items()},
    }


def described(name: str, given: dict[str, np.ndarray]) -> dict:
    """A case with the names and shapes of its variables."""
    sizes = [
        ["electra/embeddings/word_embeddings", [VOCAB, EMBEDDING]],
        ["electra/encoder/layer_0/intermediate/dense/kernel", [HIDDEN, FFN]],
    ]
    case = {
        "task_names": TASKS.get(name, [name]),
        "config": CONFIG | CHANGES.get(name, {}),
        "label_mapping": TAGS,
        "variables": sizes,
    }
    trained = Case(case, given, None).objective.trainable_variables
    variables = [[variable_name(v), v.shape.as_list()] for v in trained]
    # Softmax over positions does not see what is added to all of them.
    unseen = ("self/key/bias", "squad/dense/bias", "squad/dense_1/bias")
    zero = [name for name, _ in variables if name.endswith(unseen)]
    return case | {
        "variables": variables,
        "variables_with_mathematically_zero_gradient": zero,
    }


def derivatives(case: Case) -> dict[str, np.ndarray]:
    """The loss and what is kept of its gradients."""
    loss, gradients = case.differentiate()
    return {"train/loss": loss, **kept_gradients(case.names, gradients, WHOLE)}


def predicted(case: Case) -> dict[str, np.ndarray]:
    """Outputs and loss without training; of tags those of the words."""
    found = case.outputs()
    if case.task == "chunk":
        words = case.arrays["features/chunk_labeled_positions"]
        logits = np.take_along_axis(found["logits"], words[:, :, None], 1)
        found = {"logits": logits, "predictions": logits.argmax(-1)}
    outputs = {f"predict/{case.task}/{name}": value for name, value in found.items()}
    return outputs | {"predict/loss": case.loss(training=False)}


def evaluated(case: Case, description: dict, asked: dict) -> dict[str, np.ndarray]:
    """All windows of the questions and what comes out; the answers go into the case."""
    vocabulary = WordPieceVocabulary(str(MADE / "vocab_small.txt"))
    settings = {"vocabulary": vocabulary, "answer_text": "projected"}
    values = initial_values(MADE, description)
    case = Case(description, case.arrays, values, **settings)
    case.reset()
    with tempfile.TemporaryDirectory() as folder:
        run = Evaluated(case, asked, vocabulary, Path(folder))
    answers, losses = run.answers(), run.losses()
    description["evaluation"] = {
        "metrics": run.scores(),
        "loss": float(losses.mean()),
        "predictions": {name: text for name, (text, _) in answers.items()},
        "na_scores": {name: odds for name, (_, odds) in answers.items()},
    }
    names = ("input_ids", "input_mask", "segment_ids")
    return {
        **{f"evaluate/features/{n}": getattr(run.batch, n).numpy() for n in names},
        **{f"evaluate/outputs/{n}": value for n, value in run.outputs.items()},
        "evaluate/outputs/loss": losses,
    }


def main() -> None:
    """Writes all files."""
    texts = [text for passages in PASSAGES.values() for text in passages]
    texts += [question for _, _, question, _ in QUESTIONS]
    texts += [text for pair in PAIRS for text in pair]
    write_vocabulary(str(MADE / "vocab_small.txt"), train_wordpiece(texts, VOCAB))
    files, cases = {"squad/dev.json": questions()}, {}
    for name in ("mrpc", "mnli", "sts", "chunk", "multi", *MADE_SPAN_QA):
        given = features(TASKS.get(name, [name]))
        description = cases[name] = described(name, given)
        case = Case(description, given, initial_values(MADE, description))
        case.reset()
        arrays = dict(given)
        if name in TASKS:
            arrays |= derivatives(case)
        else:
            arrays |= predicted(case)
        if name in MADE_SPAN_QA:
            arrays |= evaluated(case, description, files["squad/dev.json"])
        arrays = {key: np.asarray(value) for key, value in arrays.items()}
        np.savez_compressed(MADE / f"finetune_{name}.npz", **arrays)
    manifest = {"seed": SEED, "data_files": files, "cases": cases}
    (MADE / "manifest_finetune.json").write_text(json.dumps(manifest) + "\n")


if __name__ == "__main__":
    main()
