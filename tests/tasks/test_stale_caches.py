"""A changed rule gives other examples, whichever file it stands in."""

import importlib
import os
import sys
import types

import pytest
import seqio
import tensorflow as tf

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.data.examples import store
from electra_bench.system import source_closure
from electra_bench.system.source_closure import closure
from electra_bench.tasks import examples as task_examples
from electra_bench.tasks.corpora.examples import build_corpus
from electra_bench.tasks.corpora.registration import add_corpus
from electra_bench.tasks.examples import examples
from electra_bench.tasks.fingerprints import making
from electra_bench.tasks.registration import load_task
from electra_bench.vocabularies.wordpiece import WordPieceVocabulary

PLUGIN = {
    "__init__.py": "",
    "helper.py": "def tens(text):\n    return 1\n",
    "tasks.py": """\
import re

import numpy as np
import seqio
import tensorflow as tf

from stale_plugin import helper

PATTERN = re.compile("a")
WORDS = ["x", "b"]


class Rule:
    def __init__(self, thousands):
        self.thousands = thousands


RULE = Rule(1)


def number(text):
    ones = len(PATTERN.findall(text.decode()))
    hundreds = WORDS.index("b")
    return np.int32(
        ones + 10 * helper.tens(text) + 100 * hundreds + 1000 * RULE.thousands
    )


@seqio.map_over_dataset
def labelled(example):
    value = tf.numpy_function(number, [example["text"]], tf.int32)
    return {"labels": tf.reshape(value, [1])}


def rows(split, shuffle_files, seed=None):
    return tf.data.Dataset.from_tensor_slices({"text": ["aab"]})


seqio.TaskRegistry.add(
    "stale_plugin",
    source=seqio.FunctionDataSource(rows, splits=["train"]),
    preprocessors=[labelled],
    output_features={
        "labels": seqio.Feature(seqio.PassThroughVocabulary(0), add_eos=False, rank=1)
    },
)
""",
}


def forget():
    for name in [name for name in sys.modules if name.startswith("stale_plugin")]:
        del sys.modules[name]
    if "stale_plugin" in seqio.TaskRegistry.names():
        seqio.TaskRegistry.remove("stale_plugin")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes the plugin, with changes, and loads it as a new process would."""
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    folder = tmp_path / "stale_plugin"
    folder.mkdir()

    def load(file="", old="", new=""):
        for name, text in PLUGIN.items():
            assert name != file or old in text
            changed = text.replace(old, new) if name == file else text
            (folder / name).write_text(changed)
        forget()
        importlib.invalidate_caches()
        importlib.import_module("stale_plugin.tasks")
        part = examples("stale_plugin", "train", 8)[0]
        return part.store.row("labels", 0).tolist()

    yield load
    forget()


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (("tasks.py", 'compile("a")', 'compile("[ab]")'), 1113),
        (("tasks.py", '["x", "b"]', '["x", "x", "b"]'), 1212),
        (("tasks.py", "RULE = Rule(1)", "RULE = Rule(2)"), 2112),
        (("tasks.py", "self.thousands = thousands", "self.thousands = 3"), 3112),
        (("helper.py", "return 1", "return 2"), 1122),
    ],
    ids=["pattern", "list", "object", "class", "helper"],
)
def test_a_plugins_changed_rule_is_followed(change, value, plugin):
    assert plugin() == [1112]
    assert plugin(*change) == [value]
    assert plugin() == [1112]


def test_a_list_that_is_read_from_a_file_counts(tmp_path, plugin):
    (tmp_path / "words.txt").write_text("x b")
    read = f"open({str(tmp_path / 'words.txt')!r}).read().split()"
    assert plugin("tasks.py", '["x", "b"]', read) == [1112]
    (tmp_path / "words.txt").write_text("x x x b")
    assert plugin("tasks.py", '["x", "b"]', read) == [1312]


def test_what_has_no_source_file_is_not_kept(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path))
    session = types.ModuleType("stale_plugin_session")
    monkeypatch.setitem(sys.modules, session.__name__, session)
    code = PLUGIN["tasks.py"].replace("from stale_plugin import helper", "")
    code = code.replace("helper.tens(text)", "1")
    for old, value in (("Rule(1)", 1112), ("Rule(4)", 4112)):
        forget()
        exec(code.replace("Rule(1)", old), session.__dict__)
        part = examples("stale_plugin", "train", 8)[0]
        assert part.store.row("labels", 0).tolist() == [value]
    assert not os.path.exists(tmp_path / "examples")
    assert "made anew every time: no source file of module" in caplog.text
    forget()


def with_changed(path, monkeypatch):
    """Lets one file look changed."""
    unchanged = source_closure._sha256

    def sha256(other, *state):
        return "changed" if other == path else unchanged(other, *state)

    monkeypatch.setattr(source_closure, "_sha256", sha256)


BUILDER = registry.tasks.get("squad").builder.partition(":")[0]
MAKERS = sorted(closure([BUILDER, task_examples.__name__]).items())


@pytest.mark.parametrize("path", dict(MAKERS).values(), ids=dict(MAKERS).keys())
def test_a_change_of_any_module_that_makes_examples_changes_the_key(path, monkeypatch):
    task = load_task("squad")
    before = making(task, None, task_examples.__name__, [])
    with_changed(path, monkeypatch)
    assert making(task, None, task_examples.__name__, []) != before


def test_readers_and_vocabulary_are_among_them():
    names = set(dict(MAKERS))
    assert {
        "electra_bench.data.text.json_lines",
        "electra_bench.data.readers.questions",
        "electra_bench.data.examples.store",
        "electra_bench.tasks.features.windows",
    } <= names


def test_a_changed_reader_of_json_lines_makes_a_corpus_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("ELECTRA_BENCH_CACHE", str(tmp_path / "cache"))
    texts = "".join('{"text": "one two three"}\n' for _ in range(20))
    (tmp_path / "texts.jsonl").write_text(texts)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "one", "two", "three"]
    (tmp_path / "vocab.txt").write_text("\n".join(vocabulary))
    add_corpus("test_stale_json", str(tmp_path / "texts.jsonl"), holdout=0.0)
    task = load_task("test_stale_json")
    reader = closure(["electra_bench.data.text.json_lines"])
    vocab = WordPieceVocabulary(str(tmp_path / "vocab.txt"))
    with run_context.use(vocabulary=vocab):
        before = build_corpus(task, "train", 16, 1).directory
        assert build_corpus(task, "train", 16, 1).directory == before
        with_changed(reader["electra_bench.data.text.json_lines"], monkeypatch)
        assert build_corpus(task, "train", 16, 1).directory != before


def test_a_cut_file_of_the_cache_is_made_anew(plugin, tmp_path, caplog):
    assert plugin() == [1112]
    (folder,) = (tmp_path / "cache" / "examples").iterdir()
    with open(folder / "rows" / "labels.int32.values", "wb"):
        pass
    with pytest.raises(
        ValueError, match="0 bytes are not the 1 blocks that were written"
    ):
        store.ExampleStore([str(folder / "rows")])
    assert plugin() == [1112]
    assert "is made anew: rows/labels.int32.values has 0 bytes, not 4" in caplog.text
    (folder / "manifest.json").unlink()
    assert plugin() == [1112]
    assert tf.io.gfile.exists(str(folder / "manifest.json"))
