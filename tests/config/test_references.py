"""gin's own idiom, `@models.electra`, where this project has names."""

import pytest

from electra_bench.cli.main import main
from electra_bench.config import ConfigError
from electra_bench.runs.launch import parse

GIVEN = {
    "pretrain": ["CORPUS = 'pydoc'", "VOCAB = 'vocab.txt'"],
    "finetune": ["TASK = 'cola'"],
}


@pytest.mark.parametrize("call", ["", "()"])
@pytest.mark.parametrize(
    ("root", "key", "target"),
    [
        ("pretrain", "MODEL", "models.electra"),
        ("pretrain", "OBJECTIVE", "objectives.mlm"),
        ("pretrain", "CORPUS", "tasks.pydoc"),
        ("pretrain", "runs.pretrain.vocabulary", "vocabularies.wordpiece"),
        ("pretrain", "training.optimizer.name", "training.adamw"),
        ("pretrain", "training.schedule.name", "training.constant"),
        ("finetune", "MODEL", "generator/models.electra"),
        ("finetune", "TASK", "tasks.rte"),
        ("finetune", "training.strategy.name", "training.mirrored"),
        ("finetune", "kinds.span_qa.answer_text", "kinds.tagging"),
    ],
)
def test_a_reference_for_a_name_says_what_to_write(root, key, target, call):
    given = {x.partition(" = ")[0]: x for x in GIVEN[root]}
    given[key] = f"{key} = @{target}{call}"
    name = target.rpartition(".")[2]
    with pytest.raises(ConfigError) as raised:
        parse([f"runs/{root}.gin", "models/tiny.gin"], [*given.values()])
    said = str(raised.value)
    assert said.startswith(
        f"command line: {key} takes no reference, @{target}{call}: expected "
    )
    assert said.endswith(f"write the name, {name!r}")


@pytest.mark.parametrize(
    "binding",
    [
        "TASK = ['cola', @tasks.rte]",
        "runs.finetune.splits = {'cola': ('train', @tasks.rte)}",
        "SEED = [@models.electra()]",
    ],
)
def test_so_does_one_inside_a_list(binding):
    with pytest.raises(
        ConfigError, match=r"no reference, @.*; write the name, '(rte|electra)'"
    ):
        others = [] if binding.startswith("TASK") else GIVEN["finetune"]
        parse(["runs/finetune.gin"], [*others, binding])


def test_one_in_a_macro_of_a_file_is_found_where_it_stands(tmp_path):
    path = tmp_path / "mine.gin"
    path.write_text("# Mine.\nMODEL = @models.electra\n")
    with pytest.raises(
        ConfigError, match=r"mine.gin:2: MODEL takes no reference, @models.electra: "
    ):
        parse(["runs/finetune.gin", str(path)], GIVEN["finetune"])


@pytest.mark.parametrize(
    "binding",
    [
        "SUITE = @suites.grid",
        "suites.grid.tasks = [@tasks.cola]",
        "suites.grid.pretrain = {'OBJECTIVE': @objectives.mlm}",
    ],
)
def test_a_suite_says_it_too(binding, tmp_path, capsys):
    bindings = ["VOCAB = 'v'", "suites.grid.models = {}", binding]
    flags = [x for binding in bindings for x in ("--gin_param", binding)]
    argv = ["suite", "run", "gin/suites/smoke.gin", "--workdir", str(tmp_path), *flags]
    assert main(argv) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "no reference, @" in line and "write the name, '" in line


@pytest.mark.parametrize("flag", ["MODEL = @models.electra", "TASK = @tasks.cola()"])
def test_the_command_ends_with_one_sentence(flag, finetune, capsys):
    assert main(finetune(flag)) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "write the name" in line


def test_a_parameter_that_takes_objects_takes_references():
    parse(
        ["runs/pretrain.gin", "models/tiny.gin"],
        [*GIVEN["pretrain"], "objectives.electra.generator = @models.electra()"],
    )
