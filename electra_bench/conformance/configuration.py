"""`electra-bench validate`: everything but the training."""

from collections.abc import Sequence

from electra_bench.runs.launch import launch, parse


def validate_config(
    files: Sequence[str], overrides: Sequence[str], plugins: Sequence[str]
) -> list[str]:
    """Parses a configuration, builds what it names and the loss of two examples.

    Returns:
        Lines that say what is in order.

    Raises:
        ValueError: the files configure no root, or more than one.
    """
    parsed = parse(files, overrides, plugins)
    roots = {
        binding.selector.removeprefix("runs.")
        for binding in parsed.bindings
        # Protocol files bind parameters of several roots; a run file names the folder.
        if binding.selector.startswith("runs.") and binding.parameter == "workdir"
    }
    if len(roots) != 1 or not roots <= {"pretrain", "finetune"}:
        raise ValueError(
            f"the files must configure one of runs.pretrain and runs.finetune, "
            f"got {sorted(roots)}"
        )
    [root] = roots
    launch(root, files, overrides, plugins, dry_run=True)
    return [f"valid: {root}, {len(parsed.bindings)} bindings"]
