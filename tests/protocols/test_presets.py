"""What fine-tuning takes where nothing is bound, by protocol and size of the model."""

import json

import pytest
from small_runs import merged

from electra_bench import config
from electra_bench.config import gin_root, read
from electra_bench.protocols.presets import PRESET, preset_files, told
from electra_bench.runs.launch import launch

RUN = "runs/finetune.gin"
SIZES = ("hidden_size", "num_layers", "num_heads", "ffn_size", "embedding_size")
# Clark et al. 2020, Table 7; google-research/electra, configure_finetuning.py.
PAPER = {"small": (3e-4, 0.8), "base": (1e-4, 0.8), "large": (5e-5, 0.9)}
CODE = {"small": (1e-4, 0.8), "base": (1e-4, 0.8), "large": (5e-5, 0.9)}
# Of the released models, as their config.json says.
RELEASED = {
    "small": (256, 12, 4, 1024, 128),
    "base": (768, 12, 12, 3072, 768),
    "large": (1024, 24, 16, 4096, 1024),
}


@pytest.fixture
def imported(tmp_path):
    """The sizes of a released model, as an import writes them."""

    def write(size, **changes):
        sizes = dict(zip(SIZES, RELEASED[size], strict=True))
        lines = [f"models.electra.{k} = {v}" for k, v in (sizes | changes).items()]
        (tmp_path / "model.gin").write_text("\n".join(lines) + "\n")
        return str(tmp_path / "model.gin")

    return write


def chosen(*files, overrides=()):
    """Preset, learning rate and layer decay of a configuration."""
    parsed = read([*files, *preset_files(files, overrides)], overrides)
    keys = (PRESET, "training.adamw.peak_lr", "training.adamw.layer_decay")
    return tuple(map(parsed.value, keys))


@pytest.mark.parametrize("size", RELEASED)
@pytest.mark.parametrize(
    ("protocol", "expected"), [("paper", PAPER), ("code_v1", CODE), ("fixed", PAPER)]
)
def test_an_import_takes_the_values_of_its_size(protocol, expected, size, imported):
    files = (imported(size), RUN, f"protocols/{protocol}.gin")
    assert chosen(*files) == (f"{protocol}/{size}", *expected[size])
    for positions in (512, 1024):
        files = (imported(size, max_positions=positions), *files[1:])
        assert chosen(*files)[0] == f"{protocol}/{size}"


def test_a_model_that_is_described_does_too():
    files = (RUN, "models/small_pp.gin", "protocols/paper.gin")
    assert chosen(*files) == ("paper/small", 3e-4, 0.8)


def test_files_of_the_same_names_in_the_working_directory_are_no_presets(
    imported, tmp_path, monkeypatch
):
    for name in ("models/small.gin", "presets/paper/small.gin"):
        (tmp_path / "here" / name).parent.mkdir(parents=True)
        (tmp_path / "here" / name).write_text("PRESET_LEARNING_RATE = 1.0\n")
    monkeypatch.chdir(tmp_path / "here")
    found = chosen(imported("small"), RUN, "protocols/paper.gin")
    assert found == ("paper/small", 3e-4, 0.8)


def test_other_sizes_and_no_protocol_have_the_default(imported):
    paper = "protocols/paper.gin"
    assert chosen(RUN, "models/tiny.gin", paper) == ("default", 1e-4, 0.8)
    assert chosen(imported("large", num_layers=23), RUN, paper)[0] == "default"
    assert chosen(imported("large"), RUN) == ("default", 1e-4, 0.8)
    assert chosen(RUN, paper) == ("default", 1e-4, 0.8)
    # Small and Base have as many.
    layers = ["models.electra.num_layers = 12"]
    assert chosen(RUN, paper, overrides=layers)[0] == "default"


def test_what_is_given_wins(imported, tmp_path):
    (tmp_path / "mine.gin").write_text("LEARNING_RATE = 7e-5\n")
    files = (imported("large"), RUN, str(tmp_path / "mine.gin"), "protocols/paper.gin")
    assert chosen(*files) == ("paper/large", 7e-5, 0.9)
    by_hand = ["LAYER_DECAY = 0.7", "training.adamw.peak_lr = 6e-5"]
    assert chosen(*files, overrides=by_hand) == ("paper/large", 6e-5, 0.7)


def test_every_preset_is_of_a_protocol_and_a_model():
    found = [
        path.relative_to(gin_root()) for path in gin_root().glob("presets/*/*.gin")
    ]
    assert len(found) == 9
    for path in found:
        config.find_gin_file(f"protocols/{path.parent.name}.gin")
        config.find_gin_file(f"models/{path.name}")
        assert read([str(path)], ()).value(PRESET) == f"{path.parent.name}/{path.stem}"


def test_a_dry_run_says_it(finetune_bindings, capsys):
    given = merged(finetune_bindings, ["LEARNING_RATE = 3e-3"])
    assert launch("finetune", [RUN, "protocols/paper.gin"], given, dry_run=True) == []
    out = capsys.readouterr().out
    assert "default; learning rate 0.003, layer decay 0.8" in out


def test_a_run_says_which_it_took():
    parameters = {PRESET: "paper/large", "training.adamw.peak_lr": 5e-5}
    assert told(parameters) == "paper/large; learning rate 5e-05"
    assert told({}) == "none"
    assert json.dumps(parameters)
