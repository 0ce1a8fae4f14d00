"""The tiny runs that faults are injected into, and the commands that they meet.

All is made once, in a folder that the process stands in, and kept in memory; every fault
begins with a fresh copy. Models are not compiled: for a few steps that takes longest.
"""

import contextlib
import gzip
import io
import json
import logging
import os
import random
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gin
import tensorflow as tf
from cells_here import cells_here
from file_layer import FileLayer, Moment, Tree, tree_of

from electra_bench.cli.main import main
from electra_bench.reports.collect.records import MEASURED
from electra_bench.system.inventory import FILE_NAME
from electra_bench.training.checkpoint_files import find_checkpoint, open_reader
from electra_bench.training.checkpoints import Checkpoints

PRETRAINED, TUNED = "runs/pretrain-p-s0", "runs/f-cola-s0"
SIZES = tuple(
    f"models.electra.{size} = {number}"
    for size, number in (
        ("hidden_size", 8),
        ("ffn_size", 8),
        ("embedding_size", 8),
        ("num_layers", 1),
        ("num_heads", 1),
    )
)
# A run that is scored again.
SCORED = "f-cola-s0-on-cola-dev"
# What each command makes.
OUTPUTS = {
    "pretrain": PRETRAINED,
    "finetune": TUNED,
    "predict": "pred",
    "export hf": "hf",
    "export tf1": "tf1",
    "import": "taken",
    "corpus build": "built",
    "leaderboard": "report",
    "from built": "more/pretrain-p-s0",
    "from import": "more/f-cola-s0",
    "overwrite": "more/f-cola-s0",
    "evaluate": f"scored/{SCORED}",
    "export saved": "saved",
    "suite": "suite",
}
# Of a fine-tuning: the checkpoint that it is scored with, not always the last.
BEST = ("training.loop.eval_every = 1", "training.loop.best_metric = 'accuracy'")
CELLS = ("suite/runs/f-cola-s0", "suite/runs/f-cola-s1")
# Of a record: what is measured, and where and when, is another thing each time.
VARYING = {
    *MEASURED,
    "checksum",
    "environment",
    # The commit; somebody may work on while it runs.
    "code_version",
    "hardware",
    "suite",
    "cell_id",
}


class Outcome(NamedTuple):
    """What a command has done.

    Attributes:
        status: its exit status; -1 after an exception, which is what users would see.
        said: what it printed, with warnings.
        first_step: step of the first checkpoint that it wrote, if any.
    """

    status: int
    said: str
    first_step: int | None

    @property
    def is_sentence(self) -> bool:
        """Whether it ended with one sentence that says what is wrong."""
        lines = [x for x in self.said.splitlines() if ": error: " in x]
        # What nobody has thought of ends with the hint to see where it happened.
        unexplained = "Traceback" in self.said or "--debug shows" in self.said
        return self.status > 0 and len(lines) == 1 and not unexplained


class Command(NamedTuple):
    """A command, and what it gives.

    Attributes:
        argv: arguments of `electra-bench`.
        result: what it has made, comparable.
    """

    argv: Sequence[str]
    result: Callable[[], Any]

    def run(self, *more: str) -> Outcome:
        """Runs it in this process."""
        gin.clear_config()
        told, steps, save = io.StringIO(), [], Checkpoints.save

        def noted(self, step, *args, **options):
            steps.append(step)
            return save(self, step, *args, **options)

        handler = logging.StreamHandler(told)
        logging.getLogger("absl").addHandler(handler)
        Checkpoints.save = noted
        try:
            with (
                contextlib.redirect_stdout(told),
                contextlib.redirect_stderr(told),
                cells_here(),
            ):
                status = main([*self.argv, *more])
        except Exception as error:
            status = -1
            told.write(f"Traceback: {type(error).__name__}: {error}")
        finally:
            Checkpoints.save = save
            logging.getLogger("absl").removeHandler(handler)
        return Outcome(status, told.getvalue(), min(steps, default=None))


class Workshop(NamedTuple):
    """All that was made.

    Attributes:
        commands: by name.
        before: what lies there before each of them.
        moments: what the file layer has recorded of each.
        results: what each gives.
        whole: what lies there at the end.
    """

    commands: dict[str, Command]
    before: dict[str, Tree]
    moments: dict[str, list[Moment]]
    results: dict[str, Any]
    whole: Tree

    @classmethod
    def open(cls, *without: str) -> "Workshop":
        """Makes everything in the current folder, which is empty.

        Args:
            *without: commands that are left out, if no other one needs what they make.
        """
        _write_inputs()
        kept = {name: x for name, x in _commands().items() if name not in without}
        made = cls(kept, {}, {}, {}, {})
        for name, command in made.commands.items():
            made.before[name] = tree_of(".")
            with FileLayer(".") as layer:
                outcome = command.run()
            if outcome.status:
                raise RuntimeError(f"{name} failed: {outcome.said}")
            made.moments[name] = layer.moments
            made.results[name] = command.result()
        return made._replace(whole=tree_of("."))


@contextlib.contextmanager
def a_place() -> Iterator[None]:
    """A process that stands in an empty folder, has a cache there, and compiles no model.

    The folder lies in memory, if it can: nothing is lost if the machine stops.
    """
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder, _in(folder):
        yield


@contextlib.contextmanager
def _in(folder: str) -> Iterator[None]:
    before = os.getcwd(), os.environ.get("ELECTRA_BENCH_CACHE")
    os.chdir(folder)
    os.environ["ELECTRA_BENCH_CACHE"] = os.path.join(folder, "cache")
    eager = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            # That data are read by compiled functions all the same.
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        tf.config.run_functions_eagerly(eager)
        os.chdir(before[0])
        os.environ.pop("ELECTRA_BENCH_CACHE")
        if before[1] is not None:
            os.environ["ELECTRA_BENCH_CACHE"] = before[1]


def _write_inputs() -> None:
    rng = random.Random(0)
    words = [f"word{number}" for number in range(60)]

    def line() -> str:
        return " ".join(rng.choice(words) for _ in range(8))

    documents = ["\n".join(line() for _ in range(3)) for _ in range(40)]
    Path("text.txt").write_text("\n\n".join(documents))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    Path("vocab.txt").write_text("\n".join([*special, *words]) + "\n")
    Path("data/CoLA").mkdir(parents=True)
    # A model that knows one answer only has not the same score with the other one.
    for split, size, every in (("train", 32, 2), ("dev", 12, 3)):
        rows = [f"x\t{int(i % every == 0)}\t\t{line()}\n" for i in range(size)]
        Path(f"data/CoLA/{split}.tsv").write_text("".join(rows))


def _run(verb: str, *bindings: str, file: str | None = None) -> list[str]:
    given = [part for binding in bindings for part in ("--gin_param", binding)]
    return [verb, f"runs/{file or verb}.gin", *given]


def pretraining(
    workdir: str = "runs", text: str = "text.txt", vocab: str = "vocab.txt"
):
    """Arguments of the pre-training."""
    # One name stands for one text as long as the process lives.
    corpus = "c" if text == "text.txt" else f"c{zlib.crc32(text.encode())}"
    return _run(
        "pretrain",
        *SIZES,
        "OBJECTIVE = 'mlm'",
        f"CORPORA = {{{corpus!r}: {{'files': {text!r}, 'holdout': 0.1}}}}",
        f"CORPUS = {corpus!r}",
        f"VOCAB = {vocab!r}",
        f"WORKDIR = {workdir!r}",
        "LABEL = 'p'",
        "TRAIN_STEPS = 4",
        "BATCH_SIZE = 4",
        "MAX_SEQ_LENGTH = 16",
        "PRETRAIN_LEARNING_RATE = 1e-2",
        "WARMUP_STEPS = 1",
        "runs.pretrain.processes = 1",
        "training.loop.log_every = 1",
        "training.loop.checkpoint_every = 1",
    )


def finetuning(
    workdir: str = "runs", data: str = "data", init: str | None = None, *bindings: str
):
    """Arguments of the fine-tuning."""
    init = init or os.path.join(workdir, "pretrain-p-s0")
    return _run(
        "finetune",
        *bindings,
        "TASK = 'cola'",
        f"INIT = {init!r}",
        f"DATA_DIR = {data!r}",
        f"WORKDIR = {workdir!r}",
        "LABEL = 'f'",
        "EPOCHS = 3",
        "LEARNING_RATE = 1e-2",
        "training.loop.log_every = 1",
        "training.loop.checkpoint_every = 1",
    )


def _suite() -> list[str]:
    """Arguments of a suite of two cells, with a step each."""
    finetune = {
        "EPOCHS": 1,
        "LEARNING_RATE": 1e-2,
        "training.loop.checkpoint_every": 1,
    }
    grid = {
        "models": {"f": {"init": PRETRAINED}},
        "tasks": ["cola"],
        "seeds": [0, 1],
        "data_dir": "data",
        "finetune": finetune,
    }
    bindings = [f"suites.grid.{name} = {value!r}" for name, value in grid.items()]
    given = ["SUITE = 's'", "WORKDIR = 'suite'", *bindings]
    return ["suite", *_run("run", *given, file="suite")]


def _commands() -> dict[str, Command]:
    hf = ["checkpoint", "export", PRETRAINED, "--format", "hf", "--part", "encoder"]
    tf1 = ["checkpoint", "export", PRETRAINED, "--format", "tf1"]
    saved = ["checkpoint", "export", PRETRAINED, "--format", "savedmodel"]
    taken = ["--contaminated", "cola=seen"]
    predict = ["predict", TUNED, "--split", "dev", "--data_dir", "data"]
    build = ["corpus", "build", "--corpus-dir", "text.txt", "--vocab-file", "vocab.txt"]
    length = ["--max-seq-length", "16", "--num-processes", "1"]
    return {
        "pretrain": Command(pretraining(), lambda: of_run(PRETRAINED)),
        "finetune": Command(finetuning(), lambda: of_run(TUNED)),
        "predict": Command([*predict, "--output", "pred"], lambda: of_folder("pred")),
        "export hf": Command([*hf, "--output", "hf"], lambda: of_folder("hf")),
        "export tf1": Command([*tf1, "--output", "tf1"], lambda: of_folder("tf1")),
        "import": Command(
            ["checkpoint", "import", "hf", "--output", "taken", *taken],
            lambda: of_run("taken"),
        ),
        "corpus build": Command([*build, *length, "--output-dir", "built"], of_built),
        "leaderboard": Command(
            ["leaderboard", "build", "runs", "--out", "report"],
            lambda: of_folder("report"),
        ),
        "from built": Command(
            pretraining("more", text="built"), lambda: of_run("more/pretrain-p-s0")
        ),
        "from import": Command(
            finetuning("more", init="taken"), lambda: of_run("more/f-cola-s0")
        ),
        # Another run lies there, that of "from import".
        "overwrite": Command(
            [*finetuning("more", "data", "tf1", *SIZES, *BEST), "--overwrite"],
            lambda: of_run("more/f-cola-s0"),
        ),
        "evaluate": Command(
            ["evaluate", TUNED, "--data_dir", "data", "--workdir", "scored"],
            of_scored,
        ),
        "export saved": Command([*saved, "--output", "saved"], of_saved),
        "suite": Command(_suite(), lambda: [of_run(cell) for cell in CELLS]),
    }


def of_run(folder: str) -> Any:
    """A run's last weights, record, predictions, vocabulary, and metrics by step."""
    reader = open_reader(find_checkpoint(folder))
    weights = {
        name: reader.get_tensor(name).tobytes()
        for name in reader.get_variable_to_shape_map()
    }
    predictions = of_folder(os.path.join(folder, "predictions"))
    vocabulary, metrics = (Path(folder, x) for x in ("vocab.txt", "metrics.jsonl"))
    # An import has none.
    lines = metrics.read_bytes() if metrics.is_file() else b""
    return weights, _record(folder), predictions, vocabulary.read_bytes(), lines


def _record(folder: str) -> dict[str, Any]:
    record = json.loads(Path(folder, "record.json").read_text())
    return {key: value for key, value in record.items() if key not in VARYING}


def of_scored() -> Any:
    """The record and the predictions of a run that was scored again."""
    folder = OUTPUTS["evaluate"]
    return _record(folder), of_folder(os.path.join(folder, "predictions"))


def of_saved() -> dict[str, bytes | None]:
    """The files of a SavedModel; of those that differ each time only their names."""
    return {
        name: content if name.startswith(("variables", "vocab")) else None
        for name, content in of_folder("saved").items()
    }


def of_folder(folder: str) -> dict[str, bytes | None]:
    """The files of a folder, packed ones unpacked, but for what a killed process left."""
    tree = tree_of(folder) if os.path.isdir(folder) else {}
    return {
        name: gzip.decompress(content) if content and name.endswith(".gz") else content
        for name, content in tree.items()
        # The list of the files has the time.
        if ".partial" not in name and name != FILE_NAME
    }


def of_built() -> dict[str, Any]:
    """The examples of `corpus build`, without what was measured."""
    tree = dict(tree_of("built"))
    manifest = json.loads(tree.pop("manifest.json"))
    del tree[FILE_NAME], manifest["seconds"], manifest["mb_per_s"]
    return {**tree, "manifest": manifest}
