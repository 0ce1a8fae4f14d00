"""Looks into checkpoints, takes models over and gives them away.

examples:
  electra-bench checkpoint describe runs/pretrain-electra-s0
  electra-bench checkpoint import electra-small-discriminator --output small \\
    --generator electra-small-generator
  electra-bench finetune gin/runs/finetune.gin --gin.TASK="'cola'" \\
    --gin.INIT="'small'" --data_dir data
  electra-bench checkpoint import electra-base-ner --output theirs --task ner
  electra-bench evaluate theirs --data_dir data
  electra-bench checkpoint export runs/pretrain-electra-s0 --format hf --output hf
  electra-bench checkpoint export runs/electra-cola-s0 --format savedmodel \\
    --output served
"""

import json
import math
import os
from collections import Counter
from dataclasses import KW_ONLY, dataclass, field
from typing import Annotated, Any, Literal

from electra_bench.cli import arguments, errors
from electra_bench.cli.arguments import Dir, Json, Options, RunDir
from electra_bench.system.atomic import new_folder
from electra_bench.system.tensorflow_import import import_tensorflow

PARTS = ("discriminator", "generator", "encoder", "tagging", "span_qa")
Folder = Annotated[str, Options(metavar="FOLDER")]


@dataclass
class Describe(Json):
    """Prints what is in a checkpoint, a run, a model of Hugging Face's or a SavedModel.

    Attributes:
        path: folder or checkpoint prefix
    """

    path: Annotated[str, Options(metavar="PATH")]


@dataclass
class Import:
    """Takes over a model of Hugging Face's.

    ELECTRA or BERT, from config.json and model.safetensors, or the files that its index
    names. The folder it makes is what INIT names; with --task it is a fine-tuned run that
    evaluate and predict take.

    Attributes:
        source: with the model's files
        output: folder to make
        generator: ELECTRA's generator, to train both on
        task: the task whose head the model has: tagging with the same labels from
            ...ForTokenClassification, span_qa from ...ForQuestionAnswering
        contaminated: the model's training has seen this task or its source: tables mark its
            scores
    """

    source: Folder
    _: KW_ONLY
    output: Dir
    generator: Folder | None = None
    task: str | None = None
    contaminated: list[Annotated[str, Options(metavar="TASK=WHY")]] = field(
        default_factory=list
    )


@dataclass(kw_only=True)
class Export(RunDir):
    """Writes a run's model for other programs.

    They are Hugging Face's transformers (hf), the original ELECTRA (tf1) and TensorFlow
    Serving (savedmodel).

    Attributes:
        format: what to write
        output: folder to make
        part: hf: which part; by default the discriminator, or what a fine-tuned run has
    """

    format: Literal["hf", "tf1", "savedmodel"]
    output: Dir
    part: Annotated[str, Options(choices=PARTS)] | None = None


def add_parser(subparsers) -> None:
    """Adds the verb."""
    actions = arguments.add_actions(subparsers, "checkpoint", __doc__)
    arguments.add(actions, "describe", Describe, _describe)
    arguments.add(actions, "import", Import, _import)
    arguments.add(actions, "export", Export, _export)


def _import(args: Import) -> None:
    import_tensorflow()
    from electra_bench.interop.import_model import import_model
    from electra_bench.tasks.task_data import trainable_card

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
    if found.padding:
        print(
            f"{found.padding} rows of the table of word embeddings belong to no token of "
            "vocab.txt: they are kept, and nothing draws them"
        )
    if found.dropped:
        print(f"without a counterpart here: {', '.join(sorted(found.dropped))}")


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


def _export(args: Export) -> None:
    import_tensorflow()
    from electra_bench.interop import export_model
    from electra_bench.records.run_folder import record_of

    source = export_model.TrainedModel.read(args.run_dir)
    if args.format == "tf1":
        print(export_model.export_tf1(source, args.output))
        return
    record = record_of(args.run_dir)
    card = _card(record)
    if args.format == "savedmodel":
        _export_saved_model(args, source, card)
        return
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


def _card(record: Any) -> Any:
    from electra_bench import registry

    if record is None or not record.tasks:
        return None
    name = record.tasks[0]
    return registry.tasks.get(name) if name in registry.tasks.names() else None


def _export_saved_model(args: Export, source: Any, card: Any) -> None:
    from electra_bench.interop.export_model import copy_vocabulary
    from electra_bench.interop.saved_model import export_saved_model
    from electra_bench.records.run_folder import config_of
    from electra_bench.runs import launch
    from electra_bench.runs.pretrained import find_pretrained, restored_objective
    from electra_bench.tasks.cards.corpora import PYDOC
    from electra_bench.vocabularies.load import open_vocabulary

    launch.parse([config_of(args.run_dir)], [])
    pretrained = find_pretrained(args.run_dir)
    tokens = open_vocabulary(None, None, pretrained.folder)
    is_task = card is not None and card.kind != "corpus"
    # Any corpus stands for pre-training.
    objective = restored_objective([card if is_task else PYDOC], pretrained, tokens)
    # TensorFlow's fingerprint has a number that is drawn.
    varying = {"fingerprint.pb"}
    with new_folder(
        args.output, sign="saved_model.pb", varying=varying, inventory=True
    ) as folder:
        errors.begin_work()
        export_saved_model(objective, folder, whole=is_task)
        copy_vocabulary(source, folder)
    print(args.output)


def _describe(args: Describe) -> None:
    from electra_bench.interop.huggingface_weights import is_here

    if not is_here(args.path):
        import_tensorflow()
    described = describe(args.path)
    if args.json:
        print(json.dumps(described, indent=1))
        return
    for name, value in described.items():
        if isinstance(value, dict):
            print(f"{name}:")
            width = 64 if name == "variables" else 32
            for key, item in value.items():
                print(f"  {key:<{width}} {item}")
        else:
            print(f"{name}: {value}")


def _in_saved_model(path: str) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Format and signatures, and the shapes of the variables that these read."""
    import tensorflow as tf

    from electra_bench.core.variables import variable_name
    from electra_bench.system.inventory import damage_of_export
    from electra_bench.training.checkpoint_files import DamagedCheckpoint, no_pattern

    if damage := damage_of_export(path):
        raise DamagedCheckpoint(damage)

    def tensors(specs: Any) -> dict[str, str]:
        return {name: f"{x.dtype.name} {x.shape}" for name, x in sorted(specs.items())}

    about: dict[str, Any] = {"format": "SavedModel"}
    shapes: dict[str, list[int]] = {}
    # Its variables live as long as the model does.
    model = tf.saved_model.load(no_pattern(path))
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
        ValueError: what is there is damaged.
    """
    from electra_bench.interop.huggingface_weights import is_here

    slots: set[str] = set()
    if is_here(path):
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
        from electra_bench.training import checkpoint_files, checkpoints

        prefix = checkpoint_files.find_checkpoint(path)
        found = checkpoint_files.open_reader(prefix).get_variable_to_shape_map()
        shapes = {name: list(shape) for name, shape in found.items()}
        slots = checkpoints.slot_names(shapes)
        about = {
            "format": "TensorFlow, by names",
            "checkpoint": prefix,
            "step": checkpoint_files.step_of_checkpoint(prefix),
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
