"""A run's folder: who may take it, what its code is, what a power loss leaves."""

import json
import os
import sys
import types
from dataclasses import replace

import pytest

from electra_bench import config, registry
from electra_bench.config.roles import Role, declared
from electra_bench.config.statements import COMMAND_LINE, Binding
from electra_bench.records import RunRecord, read_record
from electra_bench.records.run_folder import INTERRUPTED, config_of
from electra_bench.registry.parameters import role_of
from electra_bench.runs import identity as identities
from electra_bench.runs import lifecycle
from electra_bench.runs.identity import (
    Inputs,
    Start,
    chosen_by,
    code_sha256,
    identity,
)
from electra_bench.runs.lifecycle import OTHER, AnotherRun, find, open_run, stored
from electra_bench.runs.session import Session, check_flags
from electra_bench.runs.spec import RunSpec, overlaid
from electra_bench.system import source_closure
from electra_bench.training.choices import DEFAULTS

TEXT = """\
# TASK (command line) overrides runs/finetune.gin:9
INIT = 'runs/a'
TASK = 'cola'
runs.finetune.batch_size = 32
runs.finetune.epochs = 3.0
runs.finetune.init = %INIT
runs.finetune.init_at = None
runs.finetune.seed = 0
runs.finetune.splits = {'cola': ('train', 'dev')}
runs.finetune.task = %TASK
runs.finetune.workdir = 'runs'
training.loop.keep = 2
training.loop.log_every = 50
"""
SPEC = RunSpec("finetune", "small", "small-cola-s0", 0, TEXT)
CONTENT = {"vocabulary": "v1", "init": "c1", "data of cola train": "d1"}


def inputs(code="code1", **content):
    return Inputs.of(CONTENT | content, code)


def session(**flags):
    return Session("finetune", None, **flags)


@pytest.fixture
def run(tmp_path):
    """Opens the run and finishes it unless it is done or to be left."""

    def start(spec=SPEC, made_of=None, finish=True, **flags):
        made_of = made_of or inputs()
        with open_run(session(**flags), spec, made_of, str(tmp_path)) as opened:
            if opened.record is None and finish:
                return opened.finish(wall_s=len(opened.inputs.code))
        return opened.record

    return start


@pytest.fixture
def folder(tmp_path):
    return tmp_path / SPEC.name


def with_value(key, value):
    lines = [
        f"{key} = {value!r}" if line.startswith(f"{key} = ") else line
        for line in TEXT.splitlines()
    ]
    return replace(SPEC, text="\n".join(lines) + "\n")


def test_a_run_is_made_once(run, folder, capsys):
    record = run()
    assert record.run_id.startswith("small-cola-s0-") and record.status == "done"
    assert record.code_sha256 == "code1" and record.code_continued == []
    assert record.schema_version == 3
    assert record.hparams["runs.finetune.splits"] == {"cola": ["train", "dev"]}
    assert record.hparams["runs.finetune.task"] == "cola"
    assert run() == record
    assert f"{folder} is done already\n" in capsys.readouterr().out
    assert run(overwrite=True).started >= record.started


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("runs.finetune.workdir", "elsewhere"),
        ("training.loop.keep", 9),
        ("INIT", "moved/a"),
    ],
)
def test_the_machine_and_where_a_file_lies_make_no_other_run(run, key, value):
    assert run() == run(with_value(key, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("runs.finetune.epochs", 2.0),
        ("TASK", "sst"),
        ("runs.finetune.seed", 1),
        ("training.loop.log_every", 10),
    ],
)
def test_other_parameters_make_another_run(run, key, value):
    record = run()
    line = next(x for x in TEXT.splitlines() if x.startswith(f"{key} = "))
    with pytest.raises(AnotherRun, match="holds another run") as raised:
        run(with_value(key, value))
    assert f'"{line}" only there' in str(raised.value).replace("'TASK", '"TASK') or (
        repr(line) in str(raised.value)
    )
    again = run(with_value(key, value), overwrite=True)
    assert again.identity != record.identity
    same_seeds = key == "runs.finetune.seed"
    assert (again.identity_without_seed == record.identity_without_seed) == same_seeds


def test_other_content_makes_another_run(run):
    run()
    with pytest.raises(AnotherRun, match="'vocabulary v1' only there"):
        run(made_of=inputs(vocabulary="v2"))
    with pytest.raises(AnotherRun, match="'data of cola test d9' only here"):
        run(made_of=inputs(**{"data of cola test": "d9"}))


def test_a_parameter_that_is_new_and_has_its_default_changes_nothing(run):
    def grown(value):
        line = f"training.loop.checkpoint_every = {value}\n"
        return replace(SPEC, text=TEXT + line)

    __import__("electra_bench.training.loop")  # whose defaults count
    record = run()
    assert run(grown(1000)) == record
    with pytest.raises(AnotherRun, match="checkpoint_every = 7' only here"):
        run(grown(7))


def test_other_code_is_said_and_may_be_accepted(run, folder):
    record = run()
    with pytest.raises(AnotherRun, match="made by other code; give --accept_code"):
        run(made_of=inputs("code2"))
    taken = run(made_of=inputs("code2"), accept_code=True)
    assert taken == replace(record, code_accepted=["code2"])
    assert taken.code_mark == "other code" and record.code_mark is None
    assert read_record(str(folder / "record.json")) == taken
    # It is written down: the next command asks no more, the code it was made by neither.
    assert run(made_of=inputs("code2")) == taken == run()
    with pytest.raises(AnotherRun, match="made by other code"):
        run(made_of=inputs("code3"))
    again = run(made_of=inputs("code3"), overwrite=True)
    assert (again.code_sha256, again.code_accepted) == ("code3", [])
    assert again.identity != record.identity


def test_an_interrupted_run_goes_on_under_other_code_and_lists_both(run, folder):
    assert run(finish=False) is None
    with pytest.raises(AnotherRun, match="made by other code; give --accept_code"):
        run(made_of=inputs("code2"))
    record = run(made_of=inputs("code2"), accept_code=True)
    assert (record.code_sha256, record.code_continued) == ("code1", ["code2"])
    assert record.code_mark == "code changed half-way"
    assert run(made_of=inputs("code2")) == record
    with pytest.raises(AnotherRun, match="made by other code"):
        run()


def test_an_interrupted_run_is_of_the_code_it_went_on_under(run):
    run(finish=False)
    run(finish=False, made_of=inputs("code2"), accept_code=True)
    with pytest.raises(AnotherRun, match="made by other code"):
        run()
    record = run(accept_code=True)
    assert (record.code_sha256, record.code_continued) == ("code1", ["code2", "code1"])


def test_overwrite_keeps_the_progress_of_this_run_by_this_code_only(run, folder):
    run(finish=False)
    (folder / "progress").touch()
    run(finish=False, overwrite=True)
    assert (folder / "progress").exists()
    run(finish=False, made_of=inputs("code2"), overwrite=True)
    assert not (folder / "progress").exists()


@pytest.mark.parametrize("left", ["", '{"run_id": "small-co'])
def test_a_record_that_a_power_loss_has_cut_is_made_again(run, folder, left, capsys):
    record = run()
    (folder / "checkpoints").mkdir()
    (folder / "record.json").write_text(left)
    # A suite runs its cell, too.
    assert find(str(folder), SPEC.parameters, inputs()).state == INTERRUPTED
    capsys.readouterr()
    again = run()
    assert "record.json: cannot be read" in capsys.readouterr().out
    assert replace(again, started="", ended="") == replace(record, started="", ended="")
    assert (folder / "checkpoints").exists(), "it goes on from there"


CUTS = {
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "cut": lambda content: content[:-40],
    "first block": lambda content: bytes(64) + content[64:],
    "one byte": lambda content: content.replace(b"3.0", b"7.0"),
}


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("done", [True, False])
def test_a_configuration_that_a_power_loss_has_cut(run, folder, cut, done):
    record = run(finish=done)
    (folder / "checkpoints").mkdir()
    content = (folder / "config.gin").read_bytes()
    (folder / "config.gin").write_bytes(CUTS[cut](content))
    assert stored(str(folder)).parameters == SPEC.parameters
    again = run()
    assert again == record if done else again.code_continued == []
    assert (folder / "checkpoints").exists()
    assert done or (folder / "config.gin").read_bytes() == content


@pytest.mark.parametrize("left", ["", "\0\0\0"])
def test_a_configuration_of_before_that_is_empty(run, folder, left):
    """It has no copy, and only the record may tell which run it was."""
    record = run()
    (folder / ".config.gin").unlink()
    (folder / "config.gin").write_text(left)
    assert run() == record
    with pytest.raises(AnotherRun, match="made by other code"):
        run(made_of=inputs("code2"))
    with pytest.raises(
        AnotherRun, match="is damaged, and nothing else tells its run; "
    ):
        run(with_value("runs.finetune.epochs", 2.0))
    with pytest.raises(ValueError, match="is not as it was written, as after a power"):
        config_of(str(folder))
    (folder / "record.json").unlink()
    # Alone it was the first thing that a run has written.
    assert run().run_id == record.run_id
    assert stored(str(folder)).parameters == SPEC.parameters


def test_what_a_run_writes_is_on_the_disk(run, power):
    run()
    run(overwrite=True)
    power.check()
    assert {os.path.basename(name) for name in power.renamed} == {
        SPEC.name,
        "config.gin",
        ".config.gin",
        "record.json",
    }


def test_a_record_that_is_whole_but_cannot_be_read_is_not_overwritten(run, folder):
    run()
    content = json.loads((folder / "record.json").read_text())
    for key, value in (("schema_version", 4), ("wall_s", "an hour")):
        text = json.dumps(content | {key: value})
        (folder / "record.json").write_text(text)
        found = find(str(folder), SPEC.parameters, inputs())
        assert found.state == lifecycle.OTHER and key in found.reason
        with pytest.raises(AnotherRun, match=f"{key}.*give --overwrite"):
            run()
        assert (folder / "record.json").read_text() == text


def test_a_default_that_is_written_out_while_it_is_interrupted(run, folder):
    __import__("electra_bench.training.loop")
    explicit = replace(SPEC, text=TEXT + "training.loop.checkpoint_every = 1000\n")
    run(finish=False)
    record = run(explicit)
    assert stored(str(folder)).identity == record.identity
    assert run(explicit) == record == run()


def test_what_is_computed_again_is_of_the_code_that_computes(run, folder):
    run()
    text = (folder / "config.gin").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("#~ ")]
    (folder / "config.gin").write_text("\n".join(kept) + "\n")
    (folder / "record.json").unlink()
    run(made_of=inputs("code2"))
    with open_run(
        session(), SPEC, inputs("code2"), str(folder.parent), again=True
    ) as opened:
        record = opened.finish()
    assert record.code_sha256 == "code2"
    assert stored(str(folder)).inputs == inputs("code2")
    assert run(made_of=inputs("code2")) == record
    with pytest.raises(AnotherRun, match="made by other code"):
        run(made_of=inputs("code3"))


def test_overwrite_deletes_what_says_which_run_it_was_last(
    run, folder, tmp_path, monkeypatch
):
    run()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (folder / "link").symlink_to(elsewhere)
    (folder / "z-last").touch()
    deleted = []
    remove = os.remove
    monkeypatch.setattr(
        os,
        "remove",
        lambda path: (deleted.append(os.path.basename(path)), remove(path)),
    )
    run(overwrite=True, finish=False)
    assert deleted[-2:] == ["record.json", "config.gin"]
    assert {"link", "z-last"} <= set(deleted) and (elsewhere / "kept").exists()


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_a_choice_of_the_checkpoint_is_found_again(run, folder, higher_is_better):
    chosen = inputs(**chosen_by("mcc", higher_is_better))
    record = run(made_of=chosen)
    assert run(made_of=chosen) == record
    assert find(str(folder), SPEC.parameters, chosen).state == lifecycle.ANSWERED
    with pytest.raises(AnotherRun, match="checkpoint with the"):
        run(made_of=inputs(**chosen_by("mcc", not higher_is_better)))
    with pytest.raises(AnotherRun, match="checkpoint with the"):
        run(made_of=inputs(**chosen_by("f1", higher_is_better)))


def test_macros_and_references_inside_a_list(run, folder):
    text = TEXT.replace("task = %TASK", "task = [%TASK, 'rte', %OTHER]")
    text += "OTHER = [%TASK]\nmodels.electra.norm = @models.layer_norm()\n"
    spec = replace(SPEC, text=text)
    assert spec.parameters["runs.finetune.task"] == ["cola", "rte", ["cola"]]
    assert spec.parameters["models.electra.norm"] == "@models.layer_norm()"
    record = run(spec)
    assert stored(str(folder)).parameters == spec.parameters
    assert run(spec) == record
    other = replace(spec, text=text.replace("TASK = 'cola'", "TASK = 'mnli'"))
    same = identity(other.parameters, inputs()).with_seed
    assert same != identity(spec.parameters, inputs()).with_seed
    with pytest.raises(AnotherRun, match=r"\['cola', 'rte', \['cola'\]\].*only there"):
        run(other)


def test_a_folder_without_a_note_of_code_answers_for_any(run, folder, capsys):
    record = run()
    text = (folder / "config.gin").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("#~ ")]
    (folder / "config.gin").write_text("\n".join(kept) + "\n")
    content = json.loads((folder / "record.json").read_text())
    for name in [n for n in content if n.startswith(("identity", "code_"))]:
        del content[name]
    content["schema_version"] = 1
    (folder / "record.json").write_text(json.dumps(content))
    old = run(made_of=inputs("code2"))
    assert old.run_id == record.run_id and old.code_sha256 is None
    assert "is done already (code unknown)" in capsys.readouterr().out


def test_a_record_of_another_configuration(run, folder):
    run()
    content = json.loads((folder / "record.json").read_text())
    content["identity"] = "f" * 64
    (folder / "record.json").write_text(json.dumps(content))
    found = find(str(folder), SPEC.parameters, inputs())
    assert found.state == lifecycle.OTHER
    assert found.reason == "its record.json is of another configuration"


def test_one_spec_becomes_a_run_a_fraction_and_seed():
    spec = replace(SPEC, text=TEXT.replace("seed = 0", "seed = %SEED\nSEED = [1, 2]"))
    runs = spec.expand([1, 2], [0.5, 1.0], lambda seed, at: f"r-{at:g}-{seed}")
    assert [(one.name, one.seed, at) for one, at in runs] == [
        ("r-0.5-1", 1, 0.5),
        ("r-0.5-2", 2, 0.5),
        ("r-1-1", 1, 1.0),
        ("r-1-2", 2, 1.0),
    ]
    values = [
        (one.parameters["runs.finetune.seed"], one.parameters["runs.finetune.init_at"])
        for one, _ in runs
    ]
    assert values == [(1, 0.5), (2, 0.5), (1, 1.0), (2, 1.0)]
    same = {identity(one.parameters, inputs()).without_seed for one, _ in runs}
    assert len(same) == 2, "seeds are averaged, fractions are not"


def test_seeds_of_pretraining_are_seeds_too():
    """Each has a checkpoint of its own, but one origin."""
    made_of = [
        replace(inputs(init=c), start=Start("pretraining")) for c in ("c1", "c2")
    ]
    found = [identity(SPEC.parameters, one) for one in made_of]
    assert found[0].with_seed != found[1].with_seed
    assert found[0].without_seed == found[1].without_seed


def test_a_recipe_is_what_is_left_without_seeds_code_and_devices():
    def recipe(made_of, **parameters):
        given = {k.replace("__", "."): v for k, v in parameters.items()}
        return identity({**SPEC.parameters, **given}, made_of).recipe

    usual = recipe(inputs())
    same = {
        recipe(inputs("code2")),
        recipe(inputs(), runs__finetune__seed=7),
        recipe(inputs(), runs__finetune__workdir="elsewhere"),
        recipe(inputs(), training__strategy__name="mirrored"),
        recipe(inputs(), training__loop__log_every=7),
    }
    assert same == {usual}
    others = [
        recipe(inputs(), training__adamw__peak_lr=7.0),
        recipe(inputs(), runs__finetune__epochs=7.0),
        recipe(inputs(**{"data of cola train": "d2"})),
        recipe(inputs(init="c2")),
    ]
    assert len({usual, *others}) == 5
    # Of a checkpoint whose making is known, that counts.
    known = [replace(inputs(init=c), start=Start(recipe="r")) for c in ("c1", "c2")]
    assert recipe(known[0]) == recipe(known[1]) != usual
    assert known[0].parent_recipe == "r" and inputs(init="c1").parent_recipe == "c1"


def test_seeds_share_their_best_checkpoint_whenever_it_came():
    from electra_bench.runs.pretrained import Pretrained

    def origin(**fields):
        known = {"identity_without_seed": "x", "train_steps": 300} | fields
        return Pretrained(
            record=RunRecord("a", "a", "finetune", "done", **known)
        ).start.origin

    assert origin() == "x after 300"
    best = {origin(train_steps=n, chosen_step=n) for n in (100, 200)}
    assert best == {"x after the best"}
    # Another checkpoint of such a run.
    assert origin(train_steps=100, chosen_step=200) == "x after 100"
    assert origin(identity_without_seed=None) is None


def test_bindings_over_what_a_run_had():
    bound = Binding("", "runs.finetune", "epochs", 2, COMMAND_LINE, 1)

    class Parsed:
        bindings = (bound,)

        @staticmethod
        def value(key):
            return {bound.key: 2}[key]

    found = overlaid(SPEC.parameters, Parsed, {"training.loop.keep": 5}.get)
    assert found["runs.finetune.epochs"] == 2 and found["training.loop.keep"] == 5
    assert found["runs.finetune.task"] is None


TRAINED = {"training.adamw.peak_lr": 1e-4, "features.words.segment_id": 0}


@pytest.mark.parametrize(
    ("key", "value", "is_other"),
    [
        ("training.optimizer.name", "lion", True),
        ("training.schedule.name", "cosine", True),
        ("training.strategy.name", "mirrored", True),
        ("features.tagging.name", "bytes", True),
        # The default, said; and what a run on other data has nothing to do with.
        ("training.optimizer.name", "adamw", False),
        ("features.corpus.name", "bytes", False),
    ],
)
def test_another_choice_than_the_one_that_a_run_does_not_say(key, value, is_other):
    parsed = config.read([], [f"{key} = {value!r}"])
    found = overlaid(TRAINED, parsed, TRAINED.get)
    assert found == TRAINED | ({key: value} if is_other else {})


def test_a_choice_makes_another_run(run, folder):
    """For `suite status`, which knows no builders."""
    run()
    believed = {**SPEC.parameters, **DEFAULTS}.get
    lion = config.read([], ["training.optimizer.name = 'lion'"])
    given = overlaid(SPEC.parameters, lion, believed)
    found = find(str(folder), given, inputs(), believed)
    assert found.state == OTHER
    assert found.reason == "training.optimizer.name is 'adamw' there, 'lion' here"


def test_an_unknown_role_counts_and_unknown_code_is_not_guessed():
    assert role_of("models.of_a_plugin_that_is_gone.size") is None
    assert code_sha256("finetune", {"models.of_a_plugin_that_is_gone.size": 1}) is None
    assert code_sha256("finetune", {"runs.finetune.task": "no such task"}) is None
    known = code_sha256("finetune", SPEC.parameters)
    assert known and known != code_sha256("pretrain", SPEC.parameters)
    assert known != code_sha256(
        "finetune", SPEC.parameters | {"runs.finetune.task": "squad"}
    )


def modules(monkeypatch, *given, **named):
    """The modules whose code counts."""
    monkeypatch.setattr(identities, "_closure", frozenset)
    return code_sha256(*given, **named)


def test_what_makes_a_task_of_files_counts(monkeypatch):
    described = {"runs.finetune.task": "mine", "tasks.mine.kind": "regression"}
    found = modules(monkeypatch, "finetune", described)
    assert {
        "electra_bench.tasks.from_files.registration",
        registry.kinds.origin("regression").target.partition(":")[0],
    } <= found
    files = source_closure.closure(found)
    for name in ("from_files.defaults", "text_tasks", "postprocessors"):
        assert f"electra_bench.tasks.{name}" in files


def test_members_of_a_mixture_and_the_vocabulary_count(monkeypatch):
    parameters = {"runs.finetune.task": ["cola"]}
    alone = modules(monkeypatch, "finetune", parameters)
    mixed = modules(monkeypatch, "finetune", parameters, members=["squad", "not ours"])
    squad = registry.tasks.get("squad").builder.partition(":")[0]
    assert squad in mixed - alone
    wordpiece = registry.vocabularies.origin("wordpiece").target.partition(":")[0]
    assert wordpiece in alone
    named = parameters | {"runs.finetune.vocabulary": "sentencepiece"}
    assert wordpiece not in modules(monkeypatch, "finetune", named)
    gone = parameters | {"runs.finetune.vocabulary": "of a plugin that is gone"}
    assert code_sha256("finetune", gone) is None


def test_the_code_of_a_notebook_is_unknown(monkeypatch):
    monkeypatch.setitem(sys.modules, "notebook", types.ModuleType("notebook"))
    origin = registry.Origin(None, None, "notebook:Mine")
    monkeypatch.setattr(registry.models, "origin", lambda name: origin)
    assert code_sha256("finetune", {"models.mine.size": 1}) is None
    assert role_of("models.mine.size") is None
    assert declared("notebook:Mine") == declared("no.such.module:Mine") == {}


def test_roles_are_read_without_importing(tmp_path, monkeypatch):
    package = tmp_path / "a_plugin_with_roles"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "models.py").write_text("def build(size: Machine[int]): pass")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert declared("a_plugin_with_roles.models:build") == {"size": Role.MACHINE}


def test_overwriting_and_accepting_contradict_each_other():
    with pytest.raises(ValueError, match="give one of them"):
        check_flags(overwrite=True, accept_code=True, dry_run=True)
    check_flags(overwrite=True, suite="smoke")


def test_what_a_folder_says_is_what_was_written(run, folder):
    record = run()
    found = stored(str(folder))
    assert found.parameters == SPEC.parameters == record.hparams
    assert found.inputs == inputs()
    assert found.identity == record.identity
