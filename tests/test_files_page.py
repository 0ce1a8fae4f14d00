"""`docs/files.md` has the sentences that are printed."""

import functools
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from etils import epath
from safetensors.numpy import save_file

from electra_bench import config, registry
from electra_bench.data import run_context
from electra_bench.data.readers import columns, questions, records, split_files, tables
from electra_bench.data.readers.answer_places import located, nowhere
from electra_bench.data.readers.forms import Form
from electra_bench.data.readers.labelled_source import Question
from electra_bench.data.readers.like_labels import like_labels
from electra_bench.data.readers.nbest_lists import read_nbest
from electra_bench.data.text.files import find_files, iter_documents
from electra_bench.interop.huggingface_tokens import added_tokens
from electra_bench.interop.huggingface_weights import read_tensors
from electra_bench.records import Prediction
from electra_bench.registry.parameters import KINDS, load
from electra_bench.system.regular_files import refuse_special
from electra_bench.tasks.corpora.registration import corpus_source
from electra_bench.tasks.from_files.examples import examples_of
from electra_bench.tasks.submissions import Tagged, conll_text
from electra_bench.vocabularies.files import wordpiece_file

PAGE = Path(__file__).parents[1] / "docs/files.md"
SPECIAL = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
TAGS = ("O", "B-PER", "I-PER", "E-PER", "S-PER")


@pytest.fixture(scope="module")
def page():
    return " ".join(PAGE.read_text(encoding="utf-8").split())


def written(name, content):
    path = epath.Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_text = isinstance(content, str)
    path.write_bytes(content.encode() if is_text else content)
    return path


def gin(text):
    load("runs", "finetune")
    arguments = load, registry.load_plugin, KINDS
    return config.parse([str(written("my.gin", text))], [], *arguments)


def table(content, name="train.tsv", header=True):
    two = tables.Columns(2, 0, None, 1, header)
    return tables.read_table(written(name, content), two, tables.one_of(("0", "1")))


def many_bad():
    with run_context.use(on_error="skip"):
        return table("s\tl\n" + "a\t0\n" * 5 + "b\n" * 3 + "c\t7\n")


def perhaps_a_header():
    with run_context.use(notes={}) as context:
        records.read_records(written("train.tsv", "stars\ta\n1\tb\n2\tc\n"), False)
    raise ValueError(*context.notes["header as a row"])


def read_file(name, content):
    return records.read_records(written(name, content))


def read(name, content):
    for record in read_file(name, content):
        if record.problem:
            raise ValueError(f"{record.where}: {record.problem}")


def tagged(content, **options):
    with run_context.use(notes={}) as context:
        columns.read_sentences(written("train.txt", content), 2, TAGS, **options)
    [noted] = context.notes["tags mended"]
    raise ValueError(noted)


def conllu(content):
    return columns.read_conllu(written("dev.conllu", content), ("NOUN",))


def question(**fields):
    answers = [{"text": "Bob", "answer_start": 0}]
    return {"id": "q1", "question": "who?", "answers": answers, **fields}


def answer(text, start):
    return question(answers=[{"text": text, "answer_start": start}])


def squad(*entries, context="Bob saw Bob.", unanswerable=False, content=None):
    paragraphs = [{"context": context, "qas": entries}]
    content = content or json.dumps({"data": [{"paragraphs": paragraphs}]})
    written("train.json", content)
    read = functools.partial(questions.squad_questions, unanswerable=unanswerable)
    source = questions.QuestionSource({"train": ["train.json"]}, read, "raise")
    with run_context.use(notes={}, data_dir=".") as context:
        source.examples("train")
    raise ValueError(*context.notes["answers moved"])


def guessed():
    asked = Question("q1", "who?", "Bob saw Bob.", ("Bob",), None, False)
    raise ValueError(located(asked, "Bob", None).how)


def unanswered():
    wanted = Question("q1", "who?", "Bob saw Bob.", ("Eve", "Ann"), None, False)
    raise ValueError(nowhere(wanted))


def of_classes():
    rows = read_file("train.csv", "s,toxic,insult\na,0,1\nb,-1,1\n")
    columns = {"text_a": "s", "label": ["toxic", "insult"]}
    *_, last = examples_of("multi_label", rows, columns, True)
    raise ValueError(f"{last.where}: {last.problem}")


def corpus(name, content, **options):
    return list(iter_documents([str(written(name, content))], **options))


def vocabulary(content, **whole_tokens):
    path = str(written("v.txt", content))
    return wordpiece_file(path, True, True, whole_tokens=whole_tokens)


def bound(**files):
    with run_context.use(data_dir="data", files=files):
        split_files.find("dev", ["cola/dev.tsv", "glue/CoLA/dev.tsv"])


def theirs(**files):
    """Weights of several files, each a list of names."""
    os.makedirs("theirs", exist_ok=True)
    weight_map = {}
    for name, tensors in files.items():
        file = f"{name}.safetensors"
        if tensors is not None:
            save_file({t: np.zeros(1) for t in tensors}, f"theirs/{file}")
        weight_map |= {t: file for t in tensors or ["y"] if t != "x"}
    index = json.dumps({"weight_map": weight_map})
    written("theirs/model.safetensors.index.json", index)
    return read_tensors("theirs")


def pickled():
    written("theirs/pytorch_model.bin", b"")
    return read_tensors("theirs")


def added(number, **token):
    """A token that a tokeniser adds to a file of five."""
    written("theirs/vocab.txt", SPECIAL)
    config = {"added_tokens_decoder": {number: {"content": "[ENT]"} | token}}
    written("theirs/tokenizer_config.json", json.dumps(config))
    return added_tokens("theirs", "theirs/vocab.txt")


def fifo():
    os.mkfifo("train.tsv")
    refuse_special("train.tsv")


def alike():
    raise ValueError(*like_labels({"Good": 3, "good": 2}))


def unwritable():
    conll_text([Tagged([""], ["O"], Prediction("s1", ["O"], ["O"]))])


TABLE = "embeddings.word_embeddings.weight"
WORD = "{}\ta\t_\tNOUN" + "\t_" * 6 + "\n"
LFS = "version https://git-lfs.github.com/spec/v1\n"
CASES = {
    "pipe": fifo,
    "nowhere": bound,
    "bound": lambda: bound(dev="x.tsv"),
    "no match here": lambda: bound(dev="x-*.tsv"),
    "bound to 3": lambda: bound(dev=3),
    "empty": lambda: table(""),
    "lfs": lambda: table(LFS),
    "gz": lambda: table("x", "train.tsv.gz"),
    "utf-8": lambda: table(b"s\tl\na\xff\t0\n"),
    "gin word": lambda: gin("runs.finetune.task = cola\n"),
    "gin true": lambda: gin("models.electra.mimetic = true\n"),
    "gin quote": lambda: gin("runs.finetune.task = 'cola\n"),
    "gin bracket": lambda: gin("runs.finetune.seed = [0, 1\n"),
    "gin value": lambda: gin("runs.finetune.epochs =\n"),
    "gin twice": lambda: gin(
        "runs.finetune.epochs = 1.0\nruns.finetune.epochs = 2.0\n"
    ),
    "gin scope": lambda: gin("genrator/models.electra.num_layers = 2\n"),
    "gin range": lambda: gin("models.electra.dropout = 1.0\n"),
    "columns": lambda: table("s\tl\na\t0\nb\n"),
    "label": lambda: table("s\tl\na\t0\nb\t2\n"),
    "number": lambda: tables.within(0.0, 5.0)("1_000"),
    "range": lambda: tables.within(0.0, 5.0)("6"),
    "object": lambda: read("train.jsonl", '{"a": 1}\n[1]\n'),
    "return": lambda: table("s\tl\na\rb\t0\n"),
    "header": lambda: table("label\tsentence\nb\t1\n", header=("sentence", "label")),
    "header within": lambda: table(
        "sentence\tlabel\na\t0\nsentence\tlabel\n", header=("sentence", "label")
    ),
    "two names": lambda: read("train.csv", "a,a\nx,1\n"),
    "quotes": lambda: read("train.csv", 'a,b\n"x,1\n'),
    "ending": lambda: read("train.foo", "x"),
    "spreadsheet": lambda: read("train.xlsx", "x"),
    "encoding": lambda: split_files.read_text(
        written("train.tsv", b"a\xff\x81"), "cp1252"
    ),
    "separator": lambda: records.read_records(
        written("train.jsonl", "{}"), form=Form(sep=";")
    ),
    "a header, perhaps": perhaps_a_header,
    "no rows": lambda: table("s\tl\n"),
    "alike": alike,
    "too many": many_bad,
    "cells": lambda: tagged("a O\nb\n"),
    "tag": lambda: tagged("a B-PER\nb 0\nc O\n"),
    "id": lambda: conllu(WORD.format(1) + WORD.format("x")),
    "mended": lambda: tagged("a O\nb I-PER\n\nc B-PER\nd I-PER\n"),
    "scheme": lambda: tagged("a O\n", scheme="IOB3"),
    "moved": lambda: squad(answer("saw", 0)),
    "guessed": guessed,
    "unanswered": unanswered,
    "classes": of_classes,
    "places": lambda: squad(answer("Bob", 3), context="Bob saw Bob, Bob."),
    "no place": lambda: squad(answer("Eve", 3)),
    "type": lambda: squad(answer("Bob", 0.5)),
    "impossible": lambda: squad(question(is_impossible="nope"), unanswerable=True),
    "twice": lambda: squad(question(), question()),
    "version": lambda: squad(question(), unanswerable=True),
    "shape": lambda: squad(content="[]"),
    "text": lambda: corpus("x.txt", b"a\n\xff\n"),
    "field": lambda: corpus("x.jsonl", '{"txt": "a"}\n'),
    "list": lambda: corpus("x.jsonl", "[1]\n"),
    "many bad lines": lambda: corpus(
        "bad.jsonl",
        '{"text": "a"}\n' * 17 + "[]\n" * 3,
        on_error="skip",
        max_skipped=0.1,
    ),
    "damaged": lambda: corpus("x.txt.gz", b"\x1f\x8b\x08abcdefgh"),
    "tar": lambda: corpus("x.tar", "a", format="openwebtext"),
    "no match": lambda: find_files("nope/*.txt"),
    "format": lambda: corpus_source("x.txt", format="xml"),
    "special": lambda: vocabulary("[PAD]\n[UNK]\na\n"),
    "bytes": lambda: vocabulary(b"[PAD]\n\xff\n"),
    "no tokens": lambda: vocabulary(""),
    "no whole": lambda: vocabulary(SPECIAL, **{"[ENT]": "written"}),
    "plain": lambda: vocabulary(SPECIAL, **{"[MASK]": "written"}),
    "match": lambda: vocabulary(f"{SPECIAL}[ENT]\n", **{"[ENT]": "raw"}),
    "elsewhere": lambda: added(3),
    "hole": lambda: added(7),
    "blanks": lambda: added(5, single_word=True),
    "no line": lambda: added(5, content=" a"),
    "pickle": pickled,
    "shard": lambda: theirs(a=["z"], b=None),
    "index": lambda: theirs(a=["x", "y"]),
    "models": lambda: theirs(a=[TABLE, f"generator.{TABLE}"]),
    "n-best": lambda: read_nbest(str(written("n.jsonl", '{"hyp": 1}\n'))),
    "unwritable": unwritable,
}


@pytest.mark.parametrize("name", CASES)
def test_the_page_has_the_sentence(name, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        CASES[name]()
    # Of questions without the file.
    said = re.sub(r"^train\.json: ", "", str(error.value.args[0]))
    assert " ".join(said.split()) in page
