"""`electra-bench evaluate`."""

from dataclasses import dataclass

from electra_bench import config
from electra_bench.cli import arguments, gin_arguments, results
from electra_bench.cli.arguments import RunDir
from electra_bench.records.run_folder import config_of, scored_task


@dataclass
class Evaluate(gin_arguments.OnError, gin_arguments.Run, RunDir):
    """Scores the checkpoint of a run.

    A fine-tuned one is scored on its task, one of pre-training (generator and
    discriminator) on any corpus.

    examples:
      electra-bench evaluate runs/tiny-cola-s0 --data_dir data
      electra-bench evaluate runs/tiny-cola-s0 --gin.EVAL_SPLIT="'train'" --data_dir data
      electra-bench evaluate runs/tiny-squad-s0 --gin.EVAL_TASK="'newsqa'" --data_dir data
      electra-bench evaluate runs/tiny-squadv1-s0 xquad.gin --gin.EVAL_TASK=xquad_de \
        --workdir runs
      electra-bench evaluate runs/pretrain-tiny-s0 --gin.EVAL_TASK="'pydoc'"

    Model, task and vocabulary are those of the run, unless bindings say otherwise.
    --workdir DIR keeps record and predictions in a folder of their own below DIR:
    tables made of it show the score as a column, in the row of the run.
    """


def add_parser(subparsers) -> None:
    """Adds the verb."""
    arguments.add(subparsers, "evaluate", Evaluate, run)


def run(args: Evaluate) -> None:
    """Prints the metrics, as the original does."""
    args.gin_file = ["runs/evaluate.gin", config_of(args.run_dir), *args.gin_file]
    args.gin_param.append(f"EVAL_INIT = {args.run_dir!r}")
    if args.workdir is not None:
        # Not the macro WORKDIR, which is where the run itself lies.
        args.gin_param.append(f"runs.evaluate.workdir = {args.workdir!r}")
        args.workdir = None
    given = gin_arguments.gin_files(args), args.gin_param
    if config.peek("runs.evaluate.task", *given) is None:
        args.gin_param.append(f"EVAL_TASK = {scored_task(args.run_dir)!r}")
    record = gin_arguments.launch(args, "evaluate")
    for result in record.results:
        print(
            f"{args.run_dir}: {result.task}, {result.split}, {result.num_examples} "
            "examples"
        )
        results.print_metrics(result)
        results.print_marks(result)
        if not result.metrics:
            print("  no scores: right answers are not known; see electra-bench predict")
