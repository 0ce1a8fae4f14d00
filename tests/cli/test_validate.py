"""`electra-bench validate`: says what is in order, trains nothing."""

import json
import re
import subprocess
import sys

import pytest
from small_runs import command, merged

from electra_bench.cli.main import main

PLUGIN = """
from electra_bench.registry import models

@models.register("net_of_test")
def net(**sizes):
    raise NotImplementedError
"""


@pytest.mark.parametrize("verb", ["pretrain", "finetune"])
def test_a_configuration_in_order(verb, request, capsys, tmp_path):
    bindings = request.getfixturevalue(f"{verb}_bindings")
    assert main(["validate", *command(verb, bindings)[1:]]) == 0
    shown = capsys.readouterr().out
    assert f"valid: {verb}, " in shown
    assert ("[UNK] of the beginning of" in shown) == (verb == "pretrain")
    assert not (tmp_path / "runs").exists()


def test_text_that_the_vocabulary_does_not_know_is_warned_of(
    pretrain_bindings, tmp_path, caplog
):
    (tmp_path / "thai.txt").write_text("ภาษาไทย " * 99)
    corpora = {"thai": {"files": str(tmp_path / "thai.txt")}}
    more = [f"CORPORA = {corpora!r}", "CORPUS = 'thai'"]
    bindings = merged(pretrain_bindings, more)
    assert main(["validate", *command("pretrain", bindings)[1:]]) == 0
    assert "'thai': 100.0 % of 693 characters become [UNK]" in caplog.text


def test_a_task_and_its_data(finetune_bindings, capsys):
    given = [b for b in finetune_bindings if b.startswith(("VOCAB", "DATA_DIR"))]
    flags = [x for binding in given for x in ("--gin_param", binding)]
    assert main(["validate", "task", "cola", *flags]) == 0
    shown = capsys.readouterr().out
    assert "train: 320 of 8,551 examples" in shown
    assert "targets: 0 160 (50.0 %), 1 160 (50.0 %)" in shown
    assert "% of the characters" in shown
    assert "test: absent: split 'test': none of " in shown
    seen = re.search(r"dev: (\d+) examples are in train, (\d+) more nearly", shown)
    assert seen or "no text is in two splits" in shown
    assert "  [CLS] " in shown and "labels [1]" in shown

    assert main(["validate", "task", "cola", *flags, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["splits"]["dev"]["examples"] == 80
    assert report["splits"]["dev"]["tokens"]["longest"] > 5
    assert 0 <= report["splits"]["dev"]["unknown_percent"] < 100
    counts = report["leaks"].get("train, dev", {"exact": 0, "near": 0})
    found = seen.groups() if seen else ("0", "0")
    assert found == (str(counts["exact"]), str(counts["near"]))


def test_what_the_length_limit_loses(vocab_file, tmp_path, capsys):
    words = ["the", "module"] * 10
    tagged = "".join(f"{word} O\n" for word in words) + "\nthe B-X\nmodule O\n"
    (tmp_path / "tagged.conll").write_text(tagged)
    text = " ".join(words)
    asked = [
        {"question": "the", "context": text, "answers": answer}
        # An answer of six words; one of nearly all, which no window holds; none.
        for answer in (" ".join(words[:6]), " ".join(words[1:]), "")
    ]
    (tmp_path / "asked.jsonl").write_text("".join(f"{json.dumps(a)}\n" for a in asked))
    for kind, name in {"tagging": "tagged.conll", "span_qa": "asked.jsonl"}.items():
        task_file = tmp_path / f"{kind}.gin"
        task_file.write_text(
            f"tasks.{kind}_of_test.kind = {kind!r}\n"
            f"tasks.{kind}_of_test.files = { ({'train': name, 'dev': name})!r}\n"
            f"tasks.{kind}_of_test.max_seq_length = 16\n"
        )
    flags = ["--data_dir", str(tmp_path), f"--gin.VOCAB={str(vocab_file)!r}"]

    def shown(kind, *more):
        command = ["validate", "task", "--task_file", str(tmp_path / f"{kind}.gin")]
        assert main([*command, *flags, *more]) == 0
        return capsys.readouterr().out

    # [CLS] and [SEP] leave room for 14 of the 20 words, each of which is one token.
    dropped = shown("tagging", "--gin.features.words.cut_words='dropped'")
    assert "lost by the limit of 16: 6 words of 1 of 2 examples" in dropped
    # 1 to 14 and 8 to 20; and the short one.
    read_in_windows = shown("tagging")
    assert "2 examples, 3 windows" in read_in_windows
    assert "lost by the limit of 16: 0 words of 0 of 2 examples" in read_in_windows
    assert "lost by the limit of 16: the answers of 1 of 3 examples" in shown("span_qa")


def test_a_plugin_is_loaded_once(finetune_bindings, tmp_path):
    plugin = tmp_path / "plugin_of_validate.py"
    plugin.write_text(PLUGIN)
    argv = [
        "validate",
        *command("finetune", finetune_bindings, ["--plugin", str(plugin)])[1:],
    ]
    # In a process of its own: what a plugin registers stays registered.
    done = subprocess.run(
        [sys.executable, "-m", "electra_bench", *argv], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "valid: finetune" in done.stdout
