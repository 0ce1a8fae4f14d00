"""How a root was started."""

from collections.abc import Callable
from typing import Any, NamedTuple

from electra_bench import config, registry
from electra_bench.registry.parameters import ROOTS
from electra_bench.runs.spec import RunSpec


class Session(NamedTuple):
    """What a root knows about how it was started.

    Attributes:
        root: its name.
        parsed: the configuration.
        plugins: modules loaded by `--plugin` or `import`.
        dry_run: build everything, print the plan, train nothing.
        overwrite: delete another run that lies in the folder.
        accept_code: take a run that other code has made.
        begin: called once everything was found in order, before the first update.
        suite, cell_id: see `RunRecord`; None outside a suite.
    """

    root: str
    parsed: config.Parsed
    plugins: tuple[str, ...] = ()
    dry_run: bool = False
    overwrite: bool = False
    accept_code: bool = False
    begin: Callable[[], None] = lambda: None
    suite: str | None = None
    cell_id: str | None = None

    def spec(self, label: str, name: str, seed: int | None = None) -> RunSpec:
        """The run, once all that gin configures was built: that tells its parameters.

        Args:
            label: row of the tables.
            name: of its folder.
            seed: of the run.
        """
        selectors = [
            f"{names.gin_module}.{known}"
            for names in registry.REGISTRIES.values()
            for known in names.loaded()
        ]
        selectors += [f"runs.{root}" for root in ROOTS]
        text = config.snapshot(self.parsed, selectors, self.plugins)
        return RunSpec(self.root, label, name, seed, text)


def check_flags(
    *, overwrite: bool = False, accept_code: bool = False, **others: Any
) -> None:
    """Checks that flags do not contradict each other.

    Raises:
        ValueError: they do.
    """
    del others
    if overwrite and accept_code:
        raise ValueError(
            "--overwrite makes a run of other code again, --accept_code takes it: give one "
            "of them"
        )
