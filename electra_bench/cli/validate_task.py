"""`electra-bench validate task`: what was found, to be read by people or as JSON."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from electra_bench import config
from electra_bench.cli import gin_arguments
from electra_bench.cli.validate import Validate

MAX_LABELS_SHOWN = 20


def _bound_task(files: Sequence[str], bindings: Sequence[str]) -> list[str]:
    """What TASK is bound to, or else all tasks that the files make."""
    bound = config.peek("TASK", files, bindings)
    if bound is None:
        return config.bound_names("tasks", files)
    return [bound] if isinstance(bound, str) else list(bound)


def run(args: Validate) -> None:
    """Reads a task's data and says what they hold."""
    from electra_bench.conformance.task_data import validate_task

    files, bindings = [*args.gin_file, *args.task_file], gin_arguments.bindings(args)
    names = args.files[1:] or _bound_task(files, bindings)
    if len(names) != 1:
        raise ValueError(f"validate task needs one task name, got {names}")
    report = validate_task(
        names[0],
        files,
        [binding for binding in bindings if not re.match(r"TASK\s*=", binding)],
        args.plugin,
        args.bad_rows,
    )
    if args.json:
        print(json.dumps(report, indent=1))
        return
    for line in lines(report):
        print(line)


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The report, to be read by people."""
    yield (
        f"{report['task']} version {report['version']}, {report['kind']}: "
        f"{report['summary']}"
    )
    for split, found in report["splits"].items():
        rows = (
            f", {found['rows']:,} windows" if found["rows"] > found["examples"] else ""
        )
        yield f"{split}: {_count(found['examples'], found['published'])}{rows}"
        marks = ", ".join(f"{k} {v}" for k, v in found["tokens"].items())
        cut = found["truncated_percent"]
        limit = f"limit of {report['max_seq_length']}"
        yield f"  tokens: {marks}" + (
            "" if cut is None else f"; {cut} % over the {limit}"
        )
        yield f"  [UNK]: {found['unknown_percent']:.3g} % of the characters"
        lost = found["lost"]
        if lost:
            share = f"{lost['examples']:,} of {found['examples']:,} examples"
            what = f"{lost['words']:,} words" if "words" in lost else "the answers"
            yield f"  lost by the {limit}: {what} of {share}"
        if found["skipped"]:
            yield f"  left out: {found['skipped']:,} rows"
            yield from (f"    {reason}" for reason in found["reasons"])
        for mark, (count, places) in found["notes"].items():
            yield f"  {mark}: {count:,}"
            yield from (f"    {place}" for place in places)
        yield "  " + _balance(found["targets"], report["kind"])
    for split, why in report["absent"].items():
        yield f"{split}: absent: {why}"
    for pair, counts in report["leaks"].items():
        one, other = pair.split(", ")
        yield (
            f"{other}: {counts['exact']:,} examples are in {one}, {counts['near']:,} more "
            f"nearly; {counts['shared']:,} others share their longest text with it"
        )
    if not report["leaks"]:
        yield "no text is in two splits"
    [split, *_] = report["splits"]
    yield f"first examples of {split}:"
    for example in report["splits"][split]["first"]:
        yield "  " + " ".join(example["tokens"])
        wanted = example["values"] or example["labels"]
        yield f"    {'values' if example['values'] else 'labels'} {wanted}"


def _count(examples: int, published: int | None) -> str:
    if published in (None, examples):
        return f"{examples:,} examples"
    if examples < published:
        return f"{examples:,} of {published:,} examples"
    return f"{examples:,} examples, {published:,} published"


def _balance(targets: Mapping[str, Any], kind: str) -> str:
    if not targets:
        return "targets: none"
    if kind == "regression":
        return "values: " + ", ".join(f"{name} {v}" for name, v in targets.items())
    total = sum(targets.values())
    largest = sorted(targets.items(), key=lambda item: -item[1])[:MAX_LABELS_SHOWN]
    more = len(targets) - len(largest)
    shown = ", ".join(f"{name} {n:,} ({100 * n / total:.1f} %)" for name, n in largest)
    return f"targets: {shown}" + (f" and {more} more" if more > 0 else "")
