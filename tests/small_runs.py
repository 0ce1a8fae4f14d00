"""A corpus, a vocabulary and tables small enough to train on in seconds.

A plugin of pytest that tests/conftest.py loads: tests of several layers run such runs.
"""

import ast
import sysconfig
from pathlib import Path

import numpy as np
import pytest

from electra_bench.vocabularies.training import train_wordpiece, write_vocabulary

SMALL_MODEL = [
    "models.electra.hidden_size = 16",
    "models.electra.num_layers = 1",
    "models.electra.num_heads = 2",
    "models.electra.ffn_size = 32",
    "models.electra.embedding_size = 16",
]


@pytest.fixture(scope="session")
def text_file(tmp_path_factory):
    """Real English: module docstrings of Python's standard library."""
    path = tmp_path_factory.mktemp("text") / "stdlib.txt"
    texts = []
    for module in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = ast.get_docstring(ast.parse(module.read_bytes()))
        if text:
            texts.append(text.replace("\n\n", "\n"))
    path.write_text("\n\n".join(texts), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def vocab_file(text_file, tmp_path_factory):
    """A WordPiece vocabulary of that text."""
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    with open(text_file, encoding="utf-8") as lines:
        write_vocabulary(str(path), train_wordpiece(lines, 600))
    return path


@pytest.fixture(scope="session")
def cola_dir(text_file, tmp_path_factory):
    """CoLA's layout, filled with lines as they are (1) and with shuffled words (0)."""
    folder = tmp_path_factory.mktemp("data") / "CoLA"
    folder.mkdir()
    rng = np.random.default_rng(0)
    lines = [x for x in text_file.read_text().splitlines() if len(x.split()) > 4]
    rows = []
    for i, line in enumerate(lines[:400]):
        words = line.replace("\t", " ").split()
        if i % 2:
            rng.shuffle(words)
        rows.append(f"x\t{(i + 1) % 2}\t\t{' '.join(words)}\n")
    (folder / "train.tsv").write_text("".join(rows[:320]), encoding="utf-8")
    (folder / "dev.tsv").write_text("".join(rows[320:]), encoding="utf-8")
    return folder.parent


@pytest.fixture(scope="session")
def mnli_dir(tmp_path_factory):
    """MNLI's layout with a training set and both development sets, six rows each."""
    folder = tmp_path_factory.mktemp("data") / "MNLI"
    folder.mkdir()
    labels = ("contradiction", "entailment", "neutral")
    for split, columns in {
        "train": 12,
        "dev_matched": 16,
        "dev_mismatched": 16,
    }.items():
        names = ["sentence1", "sentence2"]
        rows = ["\t".join([*"12345678", *names, *"x" * (columns - 11), "gold_label"])]
        for i in range(6):
            before, after = ["x"] * 8, ["x"] * (columns - 11)
            rows.append("\t".join([*before, f"text {i}", split, *after, labels[i % 3]]))
        (folder / f"{split}.tsv").write_text("\n".join(rows), encoding="utf-8")
    return folder.parent


@pytest.fixture
def pretrain_bindings(text_file, vocab_file, tmp_path):
    """Overrides that make gin/runs/pretrain.gin a run of seconds.

    ELECTRA itself takes half as long again: it is for tests of what only it has.
    """
    return [
        *SMALL_MODEL,
        "OBJECTIVE = 'mlm'",
        f"CORPORA = {{'stdlib': {{'files': {str(text_file)!r}, 'holdout': 0.1}}}}",
        "CORPUS = 'stdlib'",
        f"VOCAB = {str(vocab_file)!r}",
        f"WORKDIR = {str(tmp_path / 'runs')!r}",
        "LABEL = 'small'",
        "TRAIN_STEPS = 24",
        "BATCH_SIZE = 16",
        "MAX_SEQ_LENGTH = 32",
        "PRETRAIN_LEARNING_RATE = 1e-3",
        "WARMUP_STEPS = 4",
        "runs.pretrain.processes = 1",
        "training.loop.log_every = 2",
        "training.loop.checkpoint_every = 2",
        "training.loop.eval_every = 8",
    ]


@pytest.fixture
def finetune_bindings(vocab_file, cola_dir, tmp_path):
    """Overrides that make gin/runs/finetune.gin a run of seconds, untrained."""
    return [
        *SMALL_MODEL,
        "TASK = 'cola'",
        f"VOCAB = {str(vocab_file)!r}",
        f"DATA_DIR = {str(cola_dir)!r}",
        f"WORKDIR = {str(tmp_path / 'runs')!r}",
        "LABEL = 'small'",
        "EPOCHS = 2.5",
        "training.loop.log_every = 2",
        "training.loop.checkpoint_every = 2",
    ]


@pytest.fixture
def pretrain(pretrain_bindings):
    """Makes the command of such a run, with other bindings and further flags."""

    def arguments(*more, flags=()):
        return command("pretrain", merged(pretrain_bindings, more), flags)

    return arguments


@pytest.fixture
def finetune(finetune_bindings):
    """Makes the command of such a run, with other bindings and further flags."""

    def arguments(*more, flags=()):
        return command("finetune", merged(finetune_bindings, more), flags)

    return arguments


def command(verb, bindings, flags=()):
    """Arguments of `electra-bench` for a run."""
    parameters = [x for binding in bindings for x in ("--gin_param", binding)]
    return [verb, f"runs/{verb}.gin", *parameters, *flags]


def the_sentence(err, verb):
    """The one line on standard error beside progress, without the name of the command."""
    [line] = [line for line in err.splitlines() if " steps/s " not in line]
    start = f"electra-bench {verb}: error: "
    assert line.startswith(start) and len(line) > len(start) + 10
    return line.removeprefix(start)


def merged(bindings, more):
    """Later bindings replace earlier ones of the same key."""
    return list({b.split(" = ")[0]: b for b in (*bindings, *more)}.values())
