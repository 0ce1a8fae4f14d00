"""What fetch puts into the data folder is where the tasks and INIT look for it."""

import gzip
import hashlib
import json

import numpy as np
import pytest
from file_server import zipped

from electra_bench.data import run_context
from electra_bench.interop.fetch.public_files import with_included
from electra_bench.runs import pretrained
from electra_bench.tasks.registration import load_task
from electra_bench.training.checkpoint_files import find_checkpoint, write_tensors
from electra_bench.vocabularies.load import find_vocabulary


def tsv(*rows):
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def mnli(count, label):
    header, row = ["x"] * count, ["x"] * count
    header[8:10], row[8:10] = ("sentence1", "sentence2"), ("It rains.", "It is wet.")
    if label:
        header[-1], row[-1] = "gold_label", "entailment"
    return tsv(header, row)


def squad(version):
    question = {
        "id": "1",
        "question": "What?",
        "answers": [{"text": "It", "answer_start": 0}],
    }
    if version == "2.0":
        question["is_impossible"] = False
    paragraph = {"context": "It rains.", "qas": [question]}
    return json.dumps({"data": [{"paragraphs": [paragraph]}]}).encode()


def mrqa():
    question = {
        "qid": "1",
        "question": "What?",
        "answers": ["It"],
        "detected_answers": [{"text": "It", "char_spans": [[0, 1]]}],
    }
    lines = [{"header": {}}, {"context": "It rains.", "qas": [question]}]
    return gzip.compress("\n".join(map(json.dumps, lines)).encode())


def paraphrases(*first_ids):
    rows = [["1", first, "9", "It rains.", "Rain falls."] for first in first_ids]
    return tsv(["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"], *rows)


def checkpoint(folder):
    write_tensors(str(folder / "electra_small"), {"electra/x": np.zeros(2, np.float32)})
    state = b'model_checkpoint_path: "electra_small"\n'
    files = {f"electra_small/{p.name}": p.read_bytes() for p in folder.iterdir()}
    return zipped({**files, "electra_small/checkpoint": state})


def contents(folder):
    """What the addresses of the table serve, laid out as the real files are."""
    cola = tsv(["gj04", "1", "", "It rains."])
    chunk = "".join(f"{i} CD B-NP\nrains VBZ B-VP\n. . O\n\n" for i in range(60))
    glue = "/glue/data"
    senteval = "/senteval/senteval_data"
    files = {
        f"{glue}/CoLA.zip": zipped(
            {
                "CoLA/": b"",
                "CoLA/train.tsv": cola,
                "CoLA/dev.tsv": cola,
                "CoLA/test.tsv": tsv(["index", "sentence"], ["0", "It rains."]),
                "CoLA/original/raw/in_domain_train.tsv": cola,
            }
        ),
        f"{glue}/MNLI.zip": zipped(
            {
                "MNLI/train.tsv": mnli(12, True),
                **{f"MNLI/dev_{m}.tsv": mnli(16, True) for m in MATCHED},
                **{f"MNLI/test_{m}.tsv": mnli(10, False) for m in MATCHED},
            }
        ),
        f"{glue}/AX.tsv": tsv(
            ["index", "sentence1", "sentence2"], ["0", "It rains.", "It is wet."]
        ),
        f"{glue}/mrpc_dev_ids.tsv": tsv(["2", "9"]),
        f"{senteval}/msr_paraphrase_train.txt": paraphrases("1", "2", "3"),
        f"{senteval}/msr_paraphrase_test.txt": paraphrases("4"),
        "/MRQA2019/": mrqa(),
        "/electra-data/electra_small.zip": checkpoint(folder),
        "/electra-data/vocab.txt": b"[PAD]\n[UNK]\n",
    }
    for split in ("train", "dev"):
        files |= {
            f"/SQuAD-explorer/dataset/{split}-v{version}.json": squad(version)
            for version in ("1.1", "2.0")
        }
        files |= {
            f"/mrqa/release/v2/{split}/{name}.jsonl.gz": mrqa()
            for name in ("NewsQA", "TriviaQA-web", "NaturalQuestionsShort", "DROP")
        }
    for split in ("train", "test"):
        path = f"/teropa/nlp/raw/master/resources/corpora/conll2000/{split}.txt"
        files[path] = chunk.encode()
    return files


MATCHED = ("matched", "mismatched")
NAMES = ("cola", "mnli", "ax", "mrpc", "squad", "newsqa", "triviaqa", "naturalqs")
NAMES += ("drop", "bioasq", "conll2000", "electra_small")
SPLITS = {
    "cola": ("train", "dev", "test"),
    "mnli": ("train", *(f"{s}_{m}" for s in ("dev", "test") for m in MATCHED)),
    "ax": ("diagnostic",),
    "mrpc": ("train", "dev", "test"),
    **dict.fromkeys(("squad", "squadv1", "newsqa", "triviaqa"), ("train", "dev")),
    **dict.fromkeys(("drop", "bioasq"), ("dev",)),
    "naturalqs": ("train", "dev"),
    "chunk": ("train", "dev", "train_all", "test"),
}


@pytest.fixture
def fetched(fetch, server, data, tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    server.files = contents(folder)
    given = []
    for entry in with_included(NAMES):
        for source in entry.sources:
            path = "/" + source.url.split("/", 3)[3]
            given += [
                "--sha256",
                f"{source.path}={hashlib.sha256(server.files[path]).hexdigest()}",
            ]
    assert fetch(*NAMES, *given) == 0
    return data


def test_tasks_and_init_find_them(fetched):
    with run_context.use(data_dir=str(fetched)):
        for task, splits in SPLITS.items():
            source = load_task(task).source
            for split in splits:
                examples = source.get_dataset(split, shuffle=False)
                assert len(list(examples.as_numpy_iterator())), (task, split)
        sizes = [
            load_task("mrpc").source.num_input_examples(s) for s in ("train", "dev")
        ]
        assert sizes == [2, 1]
    folder = str(fetched / "models" / "electra_small")
    assert find_checkpoint(folder) == f"{folder}/electra_small"
    assert pretrained.find_pretrained(folder).label == "electra_small"
    assert find_vocabulary(None, folder) == f"{folder}/vocab.txt"
