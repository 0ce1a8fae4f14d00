"""`electra-bench checkpoint`."""

import argparse
import json
import math
import os
from collections import Counter
from typing import Any

from electra_bench.cli import errors, shared_flags
from electra_bench.system import quiet

EXAMPLES = """\
examples:
  electra-bench checkpoint describe runs/pretrain-electra-s0
  electra-bench checkpoint import electra-small-discriminator --output small \\
    --generator electra-small-generator
  electra-bench finetune gin/runs/finetune.gin --gin.TASK="'cola'" \\
    --gin.INIT="'small'" --data_dir data
  electra-bench checkpoint import electra-base-ner --output theirs --task ner
  electra-bench evaluate theirs --data_dir data
  electra-bench checkpoint export runs/pretrain-electra-s0 --format hf --output hf
  electra-bench checkpoint export runs/electra-cola-s0 --format savedmodel --output served
"""
FORMATS = ("hf", "tf1", "savedmodel")
PARTS = ("discriminator", "generator", "encoder", "tagging", "span_qa")


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "checkpoint",
        description="Looks into checkpoints, takes models over and gives them away.",
        epilog=EXAMPLES,
    )
    actions = parser.add_subparsers(metavar="ACTION")
    describe = actions.add_parser(
        "describe",
        help="what is in a checkpoint, a run, a model of Hugging Face's or a SavedModel",
        parents=[shared_flags.JSON],
    )
    describe.add_argument("path", metavar="PATH", help="folder or checkpoint prefix")
    describe.set_defaults(run=_describe)
    taken = actions.add_parser(
        "import",
        help="take over a model of Hugging Face's",
        description="Takes over ELECTRA or BERT from config.json and "
        "model.safetensors. The folder it makes is what INIT names; with --task it is a "
        "fine-tuned run that evaluate and predict take.",
    )
    taken.add_argument("source", metavar="FOLDER", help="with the model's files")
    taken.add_argument("--output", required=True, metavar="DIR", help="folder to make")
    taken.add_argument(
        "--generator", metavar="FOLDER", help="ELECTRA's generator, to train both on"
    )
    taken.add_argument(
        "--task",
        metavar="NAME",
        help="the task whose head the model has: tagging with the same labels from "
        "...ForTokenClassification, span_qa from ...ForQuestionAnswering",
    )
    taken.add_argument(
        "--contaminated",
        action="append",
        default=[],
        metavar="TASK=WHY",
        help="the model's training has seen this task or its source: tables mark its "
        "scores; may be given several times",
    )
    taken.set_defaults(run=_import)
    given = actions.add_parser(
        "export",
        help="write a run's model for other programs",
        description="Writes the model of a run as Hugging Face's transformers (hf), "
        "the original ELECTRA (tf1) or TensorFlow Serving (savedmodel) read it.",
    )
    given.add_argument("run_dir", metavar="RUN", help="folder of a run")
    given.add_argument("--format", required=True, choices=FORMATS, help="what to write")
    given.add_argument("--output", required=True, metavar="DIR", help="folder to make")
    given.add_argument(
        "--part",
        choices=PARTS,
        help="hf: which part; by default the discriminator, or what a fine-tuned run has",
    )
    given.set_defaults(run=_export)


def _import(args: argparse.Namespace) -> int:
    quiet.import_tensorflow()
    from electra_bench.interop.import_model import import_model
    from electra_bench.runs.task_data import trainable_card

    found = import_model(
        args.source,
        args.output,
        args.generator,
        _contaminated(args.contaminated),
        errors.begin_work,
        trainable_card(args.task) if args.task else None,
    )
    heads = ", ".join(found.heads) or "none"
    print(f"{found.folder}: {found.params:,} parameters of the encoder; heads: {heads}")
    if not found.has_vocab:
        print(f"no vocab.txt came with it: put the model's into {found.folder}")
    if found.dropped:
        print(f"without a counterpart here: {', '.join(sorted(found.dropped))}")
    return errors.DONE


def _contaminated(given: list[str]) -> dict[str, str]:
    from electra_bench import registry

    known = {}
    for argument in given:
        task, _, why = argument.partition("=")
        registry.tasks.get(task)
        if not why:
            raise ValueError(
                f"--contaminated takes TASK=WHY, got {argument!r}, which says no reason"
            )
        known[task] = why
    return known


def _export(args: argparse.Namespace) -> int:
    quiet.import_tensorflow()
    from electra_bench.interop import export_model
    from electra_bench.records import find_records, read_record

    source = export_model.TrainedModel.read(args.run_dir)
    if args.format == "tf1":
        print(export_model.export_tf1(source, args.output))
        return errors.DONE
    path = os.path.join(args.run_dir, "record.json")
    record = read_record(path) if path in find_records(args.run_dir) else None
    card = _card(record)
    if args.format == "savedmodel":
        _export_saved_model(args, source, card)
        return errors.DONE
    is_electric = record is not None and record.objective == "electric"
    if is_electric and args.part in (None, "discriminator"):
        raise ValueError(
            f"{args.run_dir!r} is Electric: its head tells energies, not whether a token "
            "was replaced; --part encoder writes the model without it"
        )
    part = args.part or (
        card.kind if card and card.kind != "corpus" else "discriminator"
    )
    if part not in PARTS:
        raise ValueError(
            f"a head of kind {part!r} is not Hugging Face's, which has one layer more; "
            "--part encoder writes the model without it"
        )
    exported = export_model.export_huggingface(source, args.output, part, card)
    print(f"{args.output}: {exported.architecture}")
    if exported.left_out:
        print(f"without a counterpart there: {', '.join(exported.left_out)}")
    return errors.DONE


def _card(record: Any) -> Any:
    from electra_bench import registry

    if record is None or not record.tasks:
        return None
    name = record.tasks[0]
    return registry.tasks.get(name) if name in registry.tasks.names() else None


def _export_saved_model(args: argparse.Namespace, source: Any, card: Any) -> None:
    from electra_bench.interop.export_model import copy_vocabulary, make_folder
    from electra_bench.interop.saved_model import export_saved_model
    from electra_bench.runs import launch
    from electra_bench.runs.pretrained import find_pretrained, restored_objective
    from electra_bench.tasks.cards.corpora import PYDOC
    from electra_bench.vocabularies.load import open_vocabulary

    config = os.path.join(args.run_dir, "config.gin")
    if not os.path.isfile(config):
        raise FileNotFoundError(f"no run at {args.run_dir!r}: it has no config.gin")
    launch.parse([config], [])
    pretrained = find_pretrained(args.run_dir)
    tokens = open_vocabulary(None, None, pretrained.folder)
    is_task = card is not None and card.kind != "corpus"
    # Any corpus stands for pre-training.
    objective = restored_objective([card if is_task else PYDOC], pretrained, tokens)
    make_folder(args.output)
    errors.begin_work()
    export_saved_model(objective, args.output, whole=is_task)
    copy_vocabulary(source, args.output)
    print(args.output)


def _describe(args: argparse.Namespace) -> int:
    if not os.path.isfile(os.path.join(args.path, "model.safetensors")):
        quiet.import_tensorflow()
    described = describe(args.path)
    if args.json:
        print(json.dumps(described, indent=1))
        return errors.DONE
    for name, value in described.items():
        if name == "variables":
            continue
        if isinstance(value, dict):
            print(f"{name}:")
            for key, item in value.items():
                print(f"  {key:<32} {item}")
        else:
            print(f"{name}: {value}")
    print("variables:")
    for name, shape in described["variables"].items():
        print(f"  {name:<64} {shape}")
    return errors.DONE


def _in_saved_model(path: str) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Format and signatures, and the shapes of the variables that these read."""
    import tensorflow as tf

    from electra_bench.core.variables import variable_name

    def tensors(specs: Any) -> dict[str, str]:
        return {name: f"{x.dtype.name} {x.shape}" for name, x in sorted(specs.items())}

    about: dict[str, Any] = {"format": "SavedModel"}
    shapes: dict[str, list[int]] = {}
    # Its variables live as long as the model does.
    model = tf.saved_model.load(path)
    for name, function in model.signatures.items():
        _, inputs = function.structured_input_signature
        about[f"inputs of {name}"] = tensors(inputs)
        about[f"outputs of {name}"] = tensors(function.structured_outputs)
        shapes |= {variable_name(v): v.shape.as_list() for v in function.variables}
    return about, shapes


def describe(path: str) -> dict[str, Any]:
    """What is in a checkpoint.

    Args:
        path: a checkpoint's prefix, a run's folder, a folder of Hugging Face's, or a
            SavedModel's.

    Returns:
        format, step or signatures, parameters by group, optimizer slots, and all variables
        with their shapes.

    Raises:
        FileNotFoundError: none of these is there.
    """
    slots: set[str] = set()
    if os.path.isfile(os.path.join(path, "model.safetensors")):
        from electra_bench.interop.huggingface import read_model

        model = read_model(path)
        shapes = {name: list(x.shape) for name, x in model.tensors.items()}
        about = {
            "format": "Hugging Face, safetensors",
            "sizes": {**model.sizes, "vocab_size": model.vocab_size},
            "without a counterpart": list(model.dropped),
        }
    elif os.path.isfile(os.path.join(path, "saved_model.pb")):
        about, shapes = _in_saved_model(path)
    else:
        import tensorflow as tf

        from electra_bench.training.checkpoints import (
            find_checkpoint,
            slot_names,
            step_of_checkpoint,
        )

        prefix = find_checkpoint(path)
        found = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
        shapes = {name: list(shape) for name, shape in found.items()}
        slots = slot_names(shapes)
        about = {
            "format": "TensorFlow, by names",
            "checkpoint": prefix,
            "step": step_of_checkpoint(prefix),
        }
    names = sorted(set(shapes) - slots - {"global_step"})
    groups: Counter[str] = Counter()
    for name in names:
        groups[name.split("/")[0]] += math.prod(shapes[name])
    return {
        **about,
        "parameters": {name: f"{count:,}" for name, count in groups.items()},
        "optimizer slots": len(slots),
        "variables": {name: shapes[name] for name in names},
    }
