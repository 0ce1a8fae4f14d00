"""All faults: what is done to what was made, which command meets it, and how that ended."""

import contextlib
import functools
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import real_disk
from damage import DAMAGES
from file_layer import Moment, Tree, lay
from ways import NoWay, Shop, way_on
from workshop import (
    OUTPUTS,
    PRETRAINED,
    TUNED,
    Command,
    Outcome,
    Workshop,
    finetuning,
    of_folder,
    of_run,
    pretraining,
)

from electra_bench.system.file_hashes import REMEMBERED_BYTES, file_sha256

SAME, REFUSED = "same result", "refused, with a way on"
SAID = "other result, said so"
LOST, WRONG, DEAD_END = "lost", "silently wrong", "dead end"
VERDICTS = (SAME, REFUSED, SAID, LOST, WRONG, DEAD_END)
GROUPS = {
    1: "power cut",
    2: "damaged checkpoint",
    3: "damaged cache",
    4: "damaged file of a run, or odd name",
    5: "killed while making something",
    6: "damaged export, table or suite",
}
# Of a suite that has ended: what it reads to find that nothing is left to do.
SUITE_FILES = (
    "record.json",
    "config.gin",
    ".config.gin",
    "attempts.jsonl",
    "suite.json",
)
ODD_NAMES = (
    "exp[1]",
    "a*b",
    "what?",
    "back\\slash",
    "a blank",
    "it's",
    'so "called"',
    "größer",
    "100%41#x",
    "{braces}",
    "~tilde",
    "$HOME",
    "semi;colon,comma",
    "a=b",
)


class Fault(NamedTuple):
    """One fault.

    Attributes:
        group: key of `GROUPS`.
        what: file or moment, and damage.
        subject: what it is done to, or which command meets it; all get as many.
        kind: what is alike of a subject; one of each is tried first.
        inject: injects it into the current folder and says how it ended.
    """

    group: int
    what: str
    subject: str
    kind: str
    inject: Callable[[], tuple[str, str]]


def all_faults(made: Workshop, seed: int, size: int) -> Iterator[Fault]:
    """Every fault of a campaign, in an order that a seed decides within each group.

    Args:
        made: what they are injected into.
        seed: of all that is drawn.
        size: how many of each group, at most.
    """
    groups = {
        1: _cuts,
        2: _checkpoints,
        3: _caches,
        4: _run_files,
        5: _kills,
        6: _outputs,
    }
    for number, faults in groups.items():
        rng = random.Random(f"{seed} {number}")
        left_out = OUTPUTS.keys() - made.commands
        every = [x for x in faults(made, rng) if x.subject not in left_out]
        rng.shuffle(every)
        by_kind = _in_turn(every, lambda fault: (fault.subject, fault.kind))
        yield from _in_turn(by_kind, lambda fault: fault.subject)[:size]


def _in_turn(faults: list[Fault], key: Callable[[Fault], Any]) -> list[Fault]:
    """One of each key first, then a second one of each."""
    counts: Counter[Any] = Counter()
    turns = []
    for fault in faults:
        turns.append(counts[key(fault)])
        counts[key(fault)] += 1
    order = sorted(range(len(faults)), key=turns.__getitem__)
    return [faults[place] for place in order]


def judged(
    shop: Shop, expected: Any, says: str = "", saved: int | None = None
) -> tuple[str, str]:
    """Runs a command and says how it ended.

    Args:
        shop: the command meets what lies there; and what helps to go the way that it names.
        expected: what it gives where nothing is damaged.
        says: pattern of what it says if it gives another result.
        saved: step of the newest checkpoint that must not be lost.

    Returns:
        A verdict, and what was said.
    """
    command = shop.command
    outcome = command.run()
    if outcome.status == 0:
        if _is_lost(outcome, saved):
            return LOST, f"{saved} was saved; {outcome.said}"
        if _gives(command, expected):
            return SAME, outcome.said
        is_said = says and re.search(says, outcome.said)
        return (SAID if is_said else WRONG), outcome.said
    if not outcome.is_sentence:
        return DEAD_END, outcome.said
    try:
        further = way_on(outcome.said, shop)
    except NoWay as error:
        return DEAD_END, f"{outcome.said}\nthe way that it names: {error}"
    if further is None:
        return DEAD_END, f"{outcome.said}\nit names no way on"
    again = further.run()
    both = f"{outcome.said}\nafter what it asks for: {again.said}"
    if again.status != 0 or not _gives(command, expected):
        return DEAD_END, both
    return (LOST if _is_lost(again, saved) else REFUSED), both


def _is_lost(outcome: Outcome, saved: int | None) -> bool:
    """Whether a run has done again what a checkpoint held."""
    began = outcome.first_step
    return saved is not None and began is not None and began <= saved


def _gives(command: Command, expected: Any) -> bool:
    try:
        return command.result() == expected
    except Exception:  # nothing that can be read is no result
        return False


def _named(tree: Tree, folder: str) -> int | None:
    """The step that the file `checkpoint` of a run names that has not ended."""
    if f"{folder}/record.json" in tree:
        return None
    content = tree.get(f"{folder}/checkpoints/checkpoint") or b""
    found = re.search(rb"model\.ckpt-(\d+)", content)
    return int(found[1]) if found else None


def _cuts(made: Workshop, rng: random.Random) -> Iterator[Fault]:
    for name, moments in made.moments.items():
        for number, moment in enumerate(moments):

            def inject(name=name, moment=moment):
                # What was not synced was not reported either.
                return _again(made, name, moment.cut(rng), moment.durable())

            what = f"{name}, before call {number} ({moment.call})"
            yield Fault(1, what, name, moment.call, inject)
    if why := real_disk.why_not():
        print(f"no power cut of a real file system: {why}", flush=True)
        return
    for name, moments in made.moments.items():
        for number, moment in enumerate(moments):

            def inject(name=name, number=number, moment=moment):
                run = made.commands[name].run
                left = real_disk.cut(made.before[name], number, run)
                return _again(made, name, left, moment.durable())

            what = f"{name}, before call {number} ({moment.call}), of ext4"
            yield Fault(1, what, name, "ext4", inject)


def _kills(made: Workshop, rng: random.Random) -> Iterator[Fault]:
    for name, moments in made.moments.items():
        for number, moment in enumerate(moments):

            def inject(name=name, moment=moment):
                return _again(made, name, moment.killed(), moment.killed())

            what = f"{name}, before call {number} ({moment.call})"
            yield Fault(5, what, name, moment.call, inject)


def _again(made: Workshop, name: str, left: Tree, reported: Tree) -> tuple[str, str]:
    """Gives a command again that was stopped.

    Args:
        made: has the command.
        name: its name.
        left: what lies there.
        reported: what had been reported as saved.
    """
    lay(left, ".")
    saved = _named(reported, OUTPUTS[name])
    shop = Shop(made, made.whole, made.commands[name])
    return judged(shop, made.results[name], saved=saved)


def _damaged(tree: Tree, path: str, rng: random.Random) -> Iterator[tuple[str, Tree]]:
    """The tree with every damage to one of its files."""
    content = tree[path]
    if content is None:
        return
    for name, damage in DAMAGES.items():
        if content or name == "removed":
            changed = damage(content, rng)
            if changed != content:
                rest = {key: value for key, value in tree.items() if key != path}
                yield name, rest if changed is None else {**rest, path: changed}


def _checkpoints(made: Workshop, rng: random.Random) -> Iterator[Fault]:
    for name in ("pretrain", "finetune", "overwrite"):
        folder = OUTPUTS[name]
        tree, last = _interrupted(made.moments[name], folder)
        best = json.loads(tree.get(f"{folder}/checkpoints/best.json") or "{}")
        for path in [
            path for path in tree if path.startswith(f"{folder}/checkpoints/")
        ]:
            file = os.path.basename(path)
            # A damaged best one is made again, though there are newer ones.
            is_best = best and file.startswith(f"model.ckpt-{best['step']}.")
            named = best["step"] if is_best else last
            for damage, broken in _damaged(tree, path, rng):

                def inject(name=name, broken=broken, named=named):
                    lay(broken, ".")
                    shop = Shop(made, made.whole, made.commands[name])
                    # The damaged one has to be made again, and no other.
                    return judged(shop, made.results[name], saved=named - 1)

                what = f"{path} {damage}, {name} goes on"
                subject = "best.json" if file == "best.json" else name
                yield Fault(2, what, subject, os.path.splitext(path)[1], inject)
    # Of finished runs: what is started from, and what answers.
    for path in [
        path for path in made.whole if path.startswith(f"{TUNED}/checkpoints/")
    ]:
        for damage, broken in _damaged(made.whole, path, rng):
            yield _met_by(made, 2, "predict", path, damage, broken)
    for path in [path for path in made.whole if path.startswith("taken/checkpoints/")]:
        for damage, broken in _damaged(made.whole, path, rng):
            yield _met_by(made, 2, "from import", path, damage, broken)


def _interrupted(moments: list[Moment], folder: str) -> tuple[Tree, int]:
    """A run before its last step, with two checkpoints, and the step of the newer one."""
    trees = [moment.killed() for moment in moments]
    last = max(_named(tree, folder) or 0 for tree in trees)
    for tree in reversed(trees):
        files = [path for path in tree if path.startswith(f"{folder}/checkpoints/")]
        indices = [path for path in files if path.endswith(".index")]
        is_between = not any(".partial" in path for path in files)
        if _named(tree, folder) == last - 1 and len(indices) == 2 and is_between:
            return tree, last - 1
    raise ValueError("no such moment")


def _met_by(made, group, verb, path, damage, broken) -> Fault:
    """A damage that a command meets: to what it reads, or has made before."""
    is_own = path.startswith(f"{OUTPUTS[verb]}/")

    def inject():
        lay(broken if is_own else _without(broken, verb), ".")
        shop = Shop(made, made.whole, made.commands[verb])
        return judged(shop, made.results[verb], _said_of(path))

    what = f"{path} {damage}, {verb} {'again' if is_own else 'reads it'}"
    return Fault(group, what, verb, os.path.basename(path), inject)


def _said_of(path: str) -> str:
    """Pattern of what a command says that gives another result, since a file is damaged."""
    folder, file = os.path.split(path)
    if folder.endswith("/checkpoints"):
        name = os.path.splitext(file)[0]
        # Other hashes are those of other files.
        wrong = rf"{name}\.\S+" if file.endswith(".sha256") else re.escape(file)
        return rf"{name} is damaged: {wrong} .*; .* is used"
    if folder.endswith("/predictions"):
        return r"cell has no interval: predictions (changed since|missing).* \(1 of 1\)"
    if file == "record.json":
        return (
            rf"{re.escape(folder)} has no record\.json: it has not come to its end, or"
        )
    if file == "config.gin":
        return rf"{re.escape(path)} is missing; the command that repeats the run names"
    return ""


def _caches(made: Workshop, rng: random.Random) -> Iterator[Fault]:
    for path in [path for path in made.whole if path.startswith("cache/")]:
        # Two commands may have an entry each; one meets it, the other must not mind.
        verbs = {
            "corpora": ["pretrain", "from built"],
            "reports": ["leaderboard"],
        }.get(path.split("/")[1], ["finetune"])
        for verb in verbs:
            for damage, broken in _damaged(made.whole, path, rng):
                yield _met_by(made, 3, verb, path, damage, broken)
    for path in [path for path in made.whole if path.startswith("built/")]:
        for damage, broken in _damaged(made.whole, path, rng):
            yield _met_by(made, 3, "from built", path, damage, broken)
    for damage in DAMAGES:

        def inject(damage=damage):
            lay(made.whole, ".")
            expected, memo = _memo()
            changed = DAMAGES[damage](memo.read_bytes(), rng)
            memo.unlink() if changed is None else memo.write_bytes(changed)
            return SAME if file_sha256("large") == expected else WRONG, ""

        yield Fault(3, f"memo of a hash {damage}", "memo", damage, inject)


def _memo() -> tuple[str, Path]:
    """The hash of a large file, and what remembers it."""
    large = Path("large")
    large.write_bytes(b"x" * REMEMBERED_BYTES)
    os.utime(large, (0, 0))
    sha256 = file_sha256("large")
    [memo] = Path("cache/file_hashes").iterdir()
    return sha256, memo


def _run_files(made: Workshop, rng: random.Random) -> Iterator[Fault]:
    readers = [
        (made.whole, PRETRAINED, "finetune"),
        (made.whole, TUNED, "predict"),
        (made.whole, TUNED, "leaderboard"),
        (made.whole, TUNED, "evaluate"),
        (made.whole, OUTPUTS["evaluate"], "evaluate"),
        (made.whole, "taken", "from import"),
        # Of the run that lies there before.
        (made.before["overwrite"], OUTPUTS["overwrite"], "overwrite"),
    ]
    for tree, folder, verb in readers:
        for path in [path for path in tree if path.startswith(f"{folder}/")]:
            if "/checkpoints/" in path or "/tensorboard/" in path:
                continue
            # Whether they are those of the run is asked by tables.
            if verb == "evaluate" and path.startswith(f"{folder}/predictions/"):
                continue
            for damage, broken in _damaged(tree, path, rng):
                yield _met_by(made, 4, verb, path, damage, broken)
    for name in ODD_NAMES:
        inject = functools.partial(_odd, made, name)
        yield Fault(4, f"all lies in {name!r}", "odd name", name, inject)


def _outputs(made: Workshop, rng: random.Random) -> Iterator[Fault]:
    verbs = {"hf": "import", "tf1": "overwrite", "report": "leaderboard"}
    for path in made.whole:
        folder, file = path.partition("/")[0], os.path.basename(path)
        if folder == "suite" and file in SUITE_FILES:
            verb = "suite"
        elif folder in verbs:
            verb = verbs[folder]
        else:
            continue
        for damage, broken in _damaged(made.whole, path, rng):
            yield _met_by(made, 6, verb, path, damage, broken)


def _without(tree: Tree, verb: str) -> Tree:
    """A tree without what a command has made."""
    folder = OUTPUTS[verb]
    return {p: x for p, x in tree.items() if not f"{p}/".startswith(f"{folder}/")}


def _odd(made: Workshop, name: str) -> tuple[str, str]:
    """Trains, goes on, fine-tunes, predicts and reports in a folder of an odd name."""
    inputs = made.before["pretrain"]
    lay({**inputs, name: None, **{f"{name}/{p}": x for p, x in inputs.items()}}, ".")
    run, tuned = os.path.join(name, "pretrain-p-s0"), os.path.join(name, "f-cola-s0")
    pretrain = pretraining(name, f"{name}/text.txt", f"{name}/vocab.txt")
    steps = [
        Command(pretrain, lambda: of_run(run)[0]),
        Command(finetuning(name, f"{name}/data"), lambda: of_run(tuned)[0]),
        Command(
            ["predict", tuned, "--split", "dev", "--data_dir", f"{name}/data"]
            + ["--output", f"{name}/pred"],
            lambda: of_folder(f"{name}/pred"),
        ),
        Command(["evaluate", tuned, "--data_dir", f"{name}/data"], lambda: None),
        Command(
            ["leaderboard", "build", name, "--out", f"{name}/report"],
            lambda: Path(name, "report/leaderboard.csv").read_bytes(),
        ),
    ]
    expected = [
        made.results["pretrain"][0],
        made.results["finetune"][0],
        made.results["predict"],
        None,
        made.results["leaderboard"]["leaderboard.csv"],
    ]
    with _stopped_after(2):
        steps[0].run()
    for number, (command, result) in enumerate(zip(steps, expected, strict=True)):
        saved = 2 if number == 0 else None
        verdict, said = judged(Shop(made, {}, command), result, saved=saved)
        if verdict != SAME:
            return verdict, f"{command.argv[0]}: {said}"
    return SAME, ""


@contextlib.contextmanager
def _stopped_after(step: int) -> Iterator[None]:
    """Stops training when it has saved the checkpoint of a step."""
    from electra_bench.training.checkpoints import Checkpoints

    save = Checkpoints.save

    def stopped(self, at, *args, **options):
        prefix = save(self, at, *args, **options)
        if at == step:
            raise KeyboardInterrupt
        return prefix

    Checkpoints.save = stopped
    try:
        yield
    finally:
        Checkpoints.save = save
