"""`electra-bench corpus`."""

import argparse
import functools
import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from electra_bench.cli import errors
from electra_bench.cli.shared_flags import ON_ERROR, TEXT_FIELD

EXAMPLES = """\
examples:
  electra-bench corpus build --corpus-dir text --vocab-file vocab.txt --output-dir built
  electra-bench corpus build --corpus-dir 'dump/*.jsonl.gz' --text_field body ...
  electra-bench corpus build --corpus-dir openwebtext --format openwebtext ...
  electra-bench pretrain ... --gin.CORPORA="{'mine': {'files': 'built'}}" \\
    --gin.CORPUS="'mine'"

Every flag may be written with dashes or underscores. The output is the same for any
number of processes.
"""

FORMATS = ("auto", "text", "jsonl", "openwebtext")
CUT_TOKENS = ("dropped", "kept")


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "corpus", description="Makes pre-training examples of raw text."
    )
    actions = parser.add_subparsers(metavar="ACTION")
    build = actions.add_parser(
        "build",
        parents=[TEXT_FIELD, ON_ERROR],
        help="raw text to pre-training examples",
        description="Makes pre-training examples of raw text, as the original's "
        "build_pretraining_dataset.py does.",
        epilog=EXAMPLES,
    )
    _add_input(build)
    _add_options(build)
    build.set_defaults(run=run)


def _flag(parser: argparse.ArgumentParser, *names: str, **options: Any) -> None:
    """Adds a flag that may be written with dashes and with underscores."""
    spellings = [x for name in names for x in (name, "--" + name[2:].replace("-", "_"))]
    parser.add_argument(*dict.fromkeys(spellings), **options)


def _add_input(parser: argparse.ArgumentParser) -> None:
    _flag(
        parser,
        "--corpus-dir",
        required=True,
        nargs="+",
        metavar="PATH",
        help="folders, files or globs: .txt, .jsonl, tar archives; also .gz and .xz",
    )
    _flag(
        parser,
        "--vocab-file",
        required=True,
        metavar="FILE",
        help="vocab.txt, or a SentencePiece model",
    )
    _flag(
        parser,
        "--output-dir",
        required=True,
        metavar="DIR",
        help="folder to write, complete or not at all",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace the output folder, whatever it holds",
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="auto",
        help="of the files; auto tells them apart (default)",
    )


def _add_options(parser: argparse.ArgumentParser) -> None:
    _flag(
        parser,
        "--max-seq-length",
        type=int,
        default=128,
        metavar="N",
        help="tokens of an example (default: 128)",
    )
    _flag(
        parser,
        "--cut-tokens",
        choices=CUT_TOKENS,
        default="dropped",
        help="what does not fit into an example is dropped, as in the original "
        "(default), or kept for the next one; pre-training needs the same "
        "features.pretraining.cut_tokens",
    )
    _flag(
        parser,
        "--num-processes",
        type=int,
        metavar="N",
        help="worker processes (default: one a core)",
    )
    _flag(
        parser,
        "--blanks-separate-docs",
        type=_boolean,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="whether a blank line ends a document of a text file (default); otherwise "
        "the whole file is one",
    )
    for dest, on, off, what in (
        ("do_lower_case", ["--do-lower-case"], "--no-lower-case", "lower-case text"),
        # The second is the original's name.
        (
            "strip_accents",
            ["--strip-accents", "--do-strip-accents"],
            "--no-strip-accents",
            "strip accents",
        ),
    ):
        parser.set_defaults(**{dest: True})
        _flag(parser, *on, dest=dest, action="store_true", help=f"{what} (default)")
        _flag(parser, off, dest=dest, action="store_false", help=f"do not {what}")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of random draws (default: 0)"
    )
    parser.add_argument(
        "--holdout",
        type=float,
        default=0.01,
        metavar="X",
        help="fraction of documents for the validation split (default: 0.01); one at "
        "least unless it is 0",
    )


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "yes": True}
    values |= {"false": False, "0": False, "no": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return values[text.lower()]


def run(args: argparse.Namespace) -> None:
    """Builds the examples and prints what was made."""
    from electra_bench.data.examples.builder import ExampleBuilder
    from electra_bench.data.examples.corpus_builder import (
        build_corpus_folder,
        holdout_threshold,
        made_examples,
        settings_for,
        tokenizer_of,
    )
    from electra_bench.data.text.files import find_files, iter_documents
    from electra_bench.data.text.streams import ReadReport
    from electra_bench.system.ordered_map import num_cores

    _check(args)
    files = find_files(args.corpus_dir)
    vocabulary = _vocabulary(args)

    def documents(report: ReadReport):
        return iter_documents(
            files,
            args.format,
            "blank_line" if args.blanks_separate_docs else "file",
            text_field=args.text_field,
            on_error=args.on_error,
            report=report,
        )

    report = ReadReport()

    def make():
        ids = (doc.id for doc in documents(ReadReport()) if doc.start)
        threshold = holdout_threshold(ids, args.holdout)
        settings = settings_for(
            vocabulary,
            args.max_seq_length,
            args.seed,
            threshold,
            functools.partial(ExampleBuilder, cut_tokens=args.cut_tokens),
        )
        return made_examples(
            documents(report),
            tokenizer_of(vocabulary),
            settings,
            args.num_processes or num_cores(),
        )

    errors.begin_work()
    manifest = build_corpus_folder(
        make,
        args.output_dir,
        _facts(args, files, vocabulary),
        report,
        name=os.path.basename(os.path.abspath(args.output_dir)),
        overwrite=args.overwrite,
    )
    _print(args.output_dir, manifest)


def _check(args: argparse.Namespace) -> None:
    """Finds wrong arguments before any work.

    Raises:
        ValueError: says which.
        FileExistsError: the output folder holds something.
    """
    if args.num_processes is not None and args.num_processes < 1:
        raise ValueError(f"--num-processes must be positive, got {args.num_processes}")
    if args.max_seq_length < 5:
        raise ValueError(
            f"--max-seq-length must be at least 5, got {args.max_seq_length}"
        )
    if not 0.0 <= args.holdout < 1.0:
        raise ValueError(f"--holdout must be in [0, 1), got {args.holdout}")
    output = args.output_dir
    if os.path.exists(output) and not os.path.isdir(output):
        raise FileExistsError(f"--output-dir {output!r} is a file")
    if os.path.isdir(output) and os.listdir(output) and not args.overwrite:
        raise FileExistsError(
            f"--output-dir {output!r} is not empty; --overwrite replaces it"
        )
    if args.overwrite:
        _check_inputs_survive(args)


def _check_inputs_survive(args: argparse.Namespace) -> None:
    output = os.path.realpath(args.output_dir)
    for path in (*args.corpus_dir, args.vocab_file, os.getcwd()):
        path = os.path.realpath(path)
        if os.path.commonpath([path, output]) == output:
            raise ValueError(
                f"--overwrite would delete {path!r}, which lies in --output-dir"
            )


def _vocabulary(args: argparse.Namespace) -> Any:
    """The vocabulary; a SentencePiece model is known by its content."""
    from electra_bench.vocabularies import files

    if files.is_sentencepiece(files.read_file(args.vocab_file)):
        return files.sentencepiece_file(args.vocab_file, False, False)
    return files.wordpiece_file(args.vocab_file, args.do_lower_case, args.strip_accents)


def _facts(
    args: argparse.Namespace, files: Sequence[str], vocabulary: Any
) -> dict[str, Any]:
    from electra_bench.system.file_hashes import file_sha256

    digest = hashlib.sha256("\n".join(map(file_sha256, files)).encode())
    return {
        "files": args.corpus_dir,
        "data": digest.hexdigest(),
        "format": args.format,
        "text_field": args.text_field,
        "blanks_separate_docs": args.blanks_separate_docs,
        "on_error": args.on_error,
        "vocabulary": vocabulary.sha256,
        "max_seq_length": args.max_seq_length,
        "cut_tokens": args.cut_tokens,
        # No gin file is read, so there is no choice.
        "features": {
            "name": "pretraining",
            "values": {"cut_tokens": args.cut_tokens},
        },
        "seed": args.seed,
        "holdout": args.holdout,
    }


def _print(folder: str, manifest: Mapping[str, Any]) -> None:
    print(folder)
    for split, counts in manifest["splits"].items():
        dropped = 100 * counts["dropped_tokens"] / max(counts["tokens"], 1)
        print(
            f"  {split}: {counts['documents']:,} documents, {counts['lines']:,} lines, "
            f"{counts['tokens']:,} tokens, {counts['examples']:,} examples; "
            f"{counts['dropped_tokens']:,} tokens dropped ({dropped:.1f} %)"
        )
    print(
        f"  {manifest['text_bytes'] / 1e6:.1f} MB of text in {manifest['seconds']:.1f} s "
        f"({manifest['mb_per_s']:.2f} MB/s)"
    )
    if manifest["skipped"]:
        print(f"  {manifest['skipped']:,} skipped", file=sys.stderr)
        for reason in manifest["skipped_reasons"]:
            print(f"    {reason}", file=sys.stderr)
