"""What fine-tuning takes for a size of model under a protocol, from gin/presets."""

from collections.abc import Mapping, Sequence
from typing import Any

from electra_bench import config

# That of runs/finetune.gin, for any model.
DEFAULT = "default"
PRESET = "runs.finetune.preset"
# What makes a model large or small; the longest text it can read does not.
SIZES = [
    f"models.electra.{name}"
    for name in ("hidden_size", "num_layers", "num_heads", "ffn_size", "embedding_size")
]
# What presets choose, in words.
CHOSEN = {"peak_lr": "learning rate", "layer_decay": "layer decay"}


def preset_files(files: Sequence[str], overrides: Sequence[str]) -> list[str]:
    """The file with the preset of a fine-tuning: that of its protocol for its model's size.

    It is read after all others. `presets/paper/large.gin` is for models of the sizes in
    `models/large.gin`.

    Args:
        files: all gin files, the sizes of the model among them.
        overrides: gin bindings.

    Returns:
        Its name; none without a protocol, for a model of another size, and for a
        configuration that has its preset, as that of a finished run.

    Raises:
        ConfigError: not gin.
        FileNotFoundError: no such file.
    """
    parsed = config.read(files, overrides)
    protocol = parsed.value("runs.finetune.protocol")
    if parsed.value(PRESET) != DEFAULT or not protocol:
        return []
    # The project's, whatever lies under these names in the working directory.
    root = config.gin_root()
    return [
        str(path)
        for path in sorted((root / "presets" / protocol).glob("*.gin"))
        if _is_of_size(parsed, str(root / "models" / path.name))
    ]


def _is_of_size(parsed: config.Parsed, file: str) -> bool:
    """Whether a configuration has all the sizes of the model that a file describes."""
    of_file = config.read([file], ())
    return all(parsed.value(key) == of_file.value(key) for key in SIZES)


def told(parameters: Mapping[str, Any]) -> str:
    """The preset that a run took, and what holds: its values or those that were given.

    Args:
        parameters: of the run.
    """
    preset = parameters.get(PRESET)
    values = {
        key.rpartition(".")[2]: value
        for key, value in parameters.items()
        if key.startswith("training.")
    }
    said = ", ".join(f"{CHOSEN[n]} {values[n]}" for n in CHOSEN if n in values)
    return f"{preset}; {said}" if preset else "none"
