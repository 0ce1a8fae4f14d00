"""All checks of all names that a plugin registers."""

from collections.abc import Iterator, Sequence

from electra_bench import registry
from electra_bench.conformance import check as checking
from electra_bench.conformance.check import Finding, findings, require
from electra_bench.records import TaskCard
from electra_bench.registry import Registry


def check(
    names: Sequence[tuple[str, str]],
    plugins: Sequence[str] = (),
    data_dir: str | None = None,
) -> Iterator[Finding]:
    """Checks registered names; the modules of plugins are loaded already.

    TensorFlow is loaded only for what needs it.

    Args:
        names: registry ("models") and name.
        plugins: modules or files that register names which no entry point declares.
        data_dir: folder with data sets; None for `ELECTRA_BENCH_DATA`.
    """
    for kind, things in registry.REGISTRIES.items():
        for name in sorted(name for group, name in names if group == kind):
            [found] = findings(things.singular, name, [is_registered], (things, name))
            yield found
            if found.status == checking.PASSED:
                yield from _of_kind(kind, name, plugins, data_dir)


def is_registered(subject: tuple[Registry, str]) -> None:
    """Importing what is declared registers that name, with a summary to show."""
    things, name = subject
    things.load(name)
    thing = things.get(name)
    if things is registry.tasks:
        is_card = isinstance(thing, TaskCard)
        require(is_card, f"{name!r} is a {type(thing).__name__}, expected a TaskCard")
    summary = getattr(thing, "summary", None) or (thing.__doc__ or "").strip()
    require(
        summary, f"{things.kind} {name!r} has no docstring, which `describe` prints"
    )


def _of_kind(
    kind: str, name: str, plugins: Sequence[str], data_dir: str | None
) -> Iterator[Finding]:
    singular = registry.REGISTRIES[kind].singular
    # What follows is imported where it is used: most of it loads TensorFlow.
    if kind == "tasks":
        yield from _of_task(name, data_dir)
    elif kind == "reports":
        from electra_bench.conformance import reports

        subject = reports.Report(name, tuple(plugins))
        yield from findings(singular, name, reports.CHECKS, subject)
    elif kind in ("models", "objectives", "kinds", "optimizers", "schedules"):
        from electra_bench.conformance import kinds, models, objectives, optimizers

        checks, subject = {
            "models": (models.CHECKS, models.ModelCase(name)),
            "objectives": (objectives.CHECKS, objectives.Case(kind, name)),
            "kinds": (kinds.CHECKS, objectives.Case(kind, name)),
            "optimizers": (optimizers.OPTIMIZER_CHECKS, optimizers.Update(name)),
            "schedules": (optimizers.SCHEDULE_CHECKS, optimizers.Rates(name)),
        }[kind]
        yield from findings(singular, name, checks, subject)
    else:
        reason = f"there are no checks of {kind}"
        yield Finding(singular, name, "all else", checking.SKIPPED, reason)


def _of_task(name: str, data_dir: str | None) -> Iterator[Finding]:
    from electra_bench.conformance import tasks

    loaded = tasks.Loaded(name)
    if loaded.card.kind == "corpus":
        reason = "it is a corpus, which no check is for"
        yield Finding("task", name, "all else", checking.SKIPPED, reason)
        return
    with tasks.surroundings(data_dir):
        for checks in (tasks.CARD_CHECKS, tasks.DATA_CHECKS):
            found = list(findings("task", name, checks, loaded))
            yield from found
            if any(finding.status == checking.FAILED for finding in found):
                return
