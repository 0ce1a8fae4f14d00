"""The Python interface, as a notebook uses it."""

import subprocess
import sys
import textwrap

import gin
import numpy as np
import pytest

import electra_bench as eb
from electra_bench import api
from electra_bench.cli.main import main
from electra_bench.records import RunRecord

SIZES = {
    "models.electra.hidden_size": 16,
    "models.electra.num_layers": 1,
    "models.electra.num_heads": 2,
    "models.electra.ffn_size": 32,
    "models.electra.embedding_size": 16,
}
NOTEBOOK = """
import electra_bench as eb

small = {sizes}
pretrained = eb.pretrain(
    corpora={{"stdlib": {{"files": "{text}", "holdout": 0.1}}}}, corpus="stdlib",
    vocab="{vocab}", train_steps=4, batch_size=8, max_seq_length=32,
    learning_rate=1e-3, warmup_steps=2, label="mine", workdir="{runs}",
    bindings={{"runs.pretrain.processes": 1, **small}},
)
for rate in (1e-3, 1e-4):
    eb.finetune(
        task="cola", init="{runs}/pretrain-mine-s0", data_dir="{data}", seed=[0, 1],
        epochs=0.5, learning_rate=rate, label=f"lr {{rate:g}}", workdir="{runs}",
    )
frame = eb.records("{runs}")
best = frame[frame.task == "cola"].groupby("label")["score"].mean().idxmax()
again = eb.evaluate("{runs}/" + f"{{best}}-cola-s0", split="train", data_dir="{data}")
[part] = eb.predict("{runs}/" + f"{{best}}-cola-s0", split="dev", data_dir="{data}")
table = eb.leaderboard("{runs}").to_pandas()
print(len(frame), best, again.results[0].split, len(part.predictions), len(table))
"""


@pytest.fixture
def places(text_file, vocab_file, cola_dir, tmp_path):
    runs = tmp_path / "runs"
    return {"text": text_file, "vocab": vocab_file, "data": cola_dir, "runs": runs}


def test_a_notebook_of_twenty_lines(places):
    text = textwrap.dedent(NOTEBOOK).format(sizes=SIZES, **places)
    assert len([line for line in text.splitlines() if line.strip()]) <= 20
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()[-1].split()
    # A row for the corpus and one for every fine-tuning; the table has a row a label and
    # one for the majority baseline.
    assert printed[0] == "5" and printed[1] == "lr"
    assert printed[3:] == ["train", "80", "3"]


def test_a_call_gives_the_record_of_the_command(places, tmp_path, capsys):
    given = dict(
        task="cola",
        vocab=places["vocab"],
        data_dir=places["data"],
        label="same",
        epochs=np.float64(0.5),
        bindings=SIZES,
    )
    [called] = eb.finetune(workdir=tmp_path / "called", **given)
    [again] = eb.finetune(workdir=tmp_path / "called", **given)
    assert again == called and "is done already" in capsys.readouterr().out
    bindings = SIZES | {
        "TASK": "cola",
        "VOCAB": str(places["vocab"]),
        "DATA_DIR": str(places["data"]),
        "LABEL": "same",
        "EPOCHS": 0.5,
    }
    words = [f"--gin.{key}={value!r}" for key, value in bindings.items()]
    folder = str(tmp_path / "commanded")
    assert main(["finetune", "runs/finetune.gin", *words, "--workdir", folder]) == 0
    commanded = eb.records(folder).iloc[0]
    assert commanded.identity == called.identity
    assert commanded.checkpoint_sha256 == called.checkpoint_sha256
    assert commanded.score == called.results[0].main_score
    assert gin.config_str() == ""
    # Records serve as well as folders.
    table = eb.leaderboard([called]).to_pandas()
    assert "same" in table.to_string()


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: eb.finetune(tsk="cola"), TypeError, r"no argument 'tsk'.*'task'"),
        (
            lambda: eb.finetune(task="cola", bindings={"EPOCHS": object()}),
            TypeError,
            "EPOCHS takes numbers, strings",
        ),
        (lambda: eb.finetune(task="colla"), KeyError, "near: .*cola"),
        (lambda: eb.evaluate("nowhere"), FileNotFoundError, "it has no config.gin"),
        (lambda: eb.predict("nowhere"), FileNotFoundError, "no finished run"),
        (lambda: eb.records("nowhere"), FileNotFoundError, "no directory 'nowhere'"),
        (lambda: eb.nothing, AttributeError, "has no attribute 'nothing'"),
    ],
)
def test_errors_are_the_commands_words(call, error, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=sentence):
        call()
    assert gin.config_str() == ""


def test_every_name_is_documented_and_importing_is_light():
    code = (
        "import sys, electra_bench as eb; [getattr(eb, name) for name in eb.__all__];"
        "print(sorted({'tensorflow', 'seqio', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
    assert all(getattr(api, name).__doc__ for name in eb.__all__)
    assert isinstance(eb.records, type(sys)) and RunRecord is eb.records.RunRecord
