"""`electra-bench validate plugin`: the conformance checks, for the plugin's author."""

import collections
import json
from collections.abc import Iterator, Sequence

from electra_bench.cli import errors, gin_arguments, names
from electra_bench.cli.validate import Validate
from electra_bench.conformance import plugin as conformance
from electra_bench.conformance.check import FAILED, PASSED, SKIPPED, Finding
from electra_bench.registry import REGISTRIES, load_plugin
from electra_bench.system.near_names import near_names
from electra_bench.system.tensorflow_import import import_tensorflow

# Only these are checked without TensorFlow.
LIGHT = {"reports"}
NOT_CHECKED = (
    "never checked: whether it trains to a good score, how fast it is, and what its "
    "documentation says"
)


def run(args: Validate) -> int:
    """Prints a line a check; status 1 if one failed."""
    wanted = args.files[1:]
    if len(wanted) > 1 or not (wanted or args.plugin):
        raise ValueError(
            "validate plugin needs one name (see electra-bench list plugins) or "
            f"--plugin MODULE_OR_FILE, got {wanted}"
        )
    own = _names(wanted, args.plugin)
    gin_arguments.parse(args)
    errors.begin_work()
    if {kind for kind, _ in own} - LIGHT:
        import_tensorflow()
    found = conformance.check(own, args.plugin, args.data_dir)
    if args.json:
        found = list(found)
        objects = [finding._asdict() for finding in found]
        print(json.dumps(objects, indent=1, ensure_ascii=False))
    else:
        found = list(_printed(found))
    return errors.FAILED if any(f.status == FAILED for f in found) else errors.DONE


def _names(wanted: Sequence[str], plugins: Sequence[str]) -> list[tuple[str, str]]:
    """(registry, name) of all that a distribution declares or `--plugin` registers.

    Raises:
        KeyError: no such distribution; lists near ones.
        ValueError: it registers nothing.
    """
    before = _registered()
    for plugin in plugins:
        load_plugin(plugin)
    if not wanted:
        added = sorted(_registered() - before)
        if not added:
            raise ValueError(
                f"--plugin {' '.join(plugins)} registers no new name; for an installed "
                "plugin give the name that electra-bench list plugins shows"
            )
        return added
    points = names.plugin_points()
    [name] = wanted
    known = collections.defaultdict(set)
    for _, point in points:
        for alias in (point.dist.name, point.module.partition(".")[0], point.name):
            known[alias].add(point.dist.name)
    if name not in known:
        raise KeyError(
            f"no plugin {name!r}; near: {near_names(name, known)}; all: "
            f"{sorted({point.dist.name for _, point in points})}"
        )
    return [(kind, p.name) for kind, p in points if p.dist.name in known[name]]


def _registered() -> set[tuple[str, str]]:
    return {
        (kind, name) for kind, names_ in REGISTRIES.items() for name in names_.names()
    }


def _printed(found: Iterator[Finding]) -> Iterator[Finding]:
    """Prints findings as they come, then how many there are of each status."""
    counts = collections.Counter()
    for finding in found:
        counts[finding.status] += 1
        why = f": {finding.reason}" if finding.reason else ""
        print(
            f"{finding.status:<7}  {finding.kind} {finding.name}  {finding.check}{why}",
            flush=True,
        )
        yield finding
    parts = [f"{counts[status]} {status}" for status in (PASSED, FAILED, SKIPPED)]
    print(f"{', '.join(parts)}; {NOT_CHECKED}")
