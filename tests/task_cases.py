"""Examples of tasks whose files lie in the data folder of the run; see `golden_cases`."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

import gin

from electra_bench.data import run_context
from electra_bench.tasks.features.preprocessors import complete
from electra_bench.tasks.features.windows import encode_windows
from electra_bench.tasks.features.words import encode_words
from electra_bench.tasks.registration import load_task

DOUBLED = ("mrpc", "sts")
FORMS = {"squad": "json", "squadv1": "json", "newsqa": "jsonl"}
# What the original does to the words of a sentence.
QUIRKS = {
    "segment_id": 1,
    "cut_words": "dropped",
    "limit": "tokens_and_words",
    "lower_case": True,
    "empty_words": "next",
}


def glue_examples(case: dict) -> list[dict]:
    """All examples of a case's split."""
    if (case["task"], case["split"]) == ("mnli", "diagnostic"):
        case = case | {"task": "ax"}
    if case["task"] == "mnli" and case["split"] != "train":
        case = case | {"split": f"{case['split']}_matched"}
    task = load_task(case["task"])
    doubled = case["split"] == "train" and case["double_unordered"]
    split = "train_doubled" if doubled and case["task"] in ("mrpc", "sts") else None
    dataset = task.get_dataset(
        {"input_ids": case["max_seq_length"]}, split or case["split"], shuffle=False
    )
    return list(dataset.as_numpy_iterator())


def training_rows(task: str, length: int) -> list[dict]:
    """The rows that the original trains on."""
    split = "train_doubled" if task in DOUBLED else "train"
    dataset = load_task(task).get_dataset({"input_ids": length}, split, shuffle=False)
    return list(dataset.as_numpy_iterator())


def found_row(row: dict) -> tuple[int, int, float]:
    """Number of tokens and of the example, and its target."""
    [target] = [*row["labels"], *row["values"]]
    return len(row["input_ids"]), int(row["example_id"][0]), float(target)


def chunk_examples(
    labels: Mapping[str, int], length: int, settings: Mapping = {}
) -> list[dict]:
    """All sentences of the training file."""
    encode = functools.partial(encode_words, labels=tuple(labels))
    task = load_task("chunk").replace(preprocessors=[encode, complete])
    with gin.unlock_config():
        for name, value in settings.items():
            gin.bind_parameter(f"features.words.{name}", value)
    try:
        dataset = task.get_dataset({"input_ids": length}, "train_all", shuffle=False)
        return list(dataset.as_numpy_iterator())
    finally:
        gin.clear_config()


def write(folder: Path, task: str, split: str, content: str) -> None:
    """Writes a file of questions where the task looks for it."""
    path = folder / "finetuning_data" / task / f"{split}.{FORMS[task]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def question_windows(task: str, split: str, config: dict) -> dict[int, list[dict]]:
    """All windows, of each example together."""
    # The original leaves out any number of bad questions.
    with run_context.use(max_skipped=1.0):
        source = load_task(task).source.get_dataset(split, shuffle=False)
    gin.bind_parameter("features.windows.doc_stride", config["doc_stride"])
    gin.bind_parameter("features.windows.max_query_length", config["max_query_length"])
    try:
        dataset = encode_windows(source, {"input_ids": config["max_seq_length"]})
    finally:
        gin.clear_config()
    examples = {}
    for row in dataset.as_numpy_iterator():
        examples.setdefault(int(row["idx"]), []).append(row)
    return examples


def text_of(content) -> str:
    """A recorded file: its text, its JSON value, or its lines."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return json.dumps(content)
    return "".join(json.dumps(line) + "\n" for line in content)


def write_all(folder: Path, files: Mapping) -> None:
    """Writes recorded files of questions."""
    for name, content in files.items():
        task, file = name.split("/")
        write(folder, task, file.split(".")[0], text_of(content))
        if task == "newsqa":  # read as training and as development set
            write(folder, task, "dev", text_of(content))
