"""`electra-bench vocab`."""

import argparse
import os
import time
from collections.abc import Iterator

from electra_bench.cli import errors
from electra_bench.cli.shared_flags import ON_ERROR, TEXT_FIELD
from electra_bench.system.atomic import atomic_file

EXAMPLES = """\
examples:
  electra-bench vocab train --output vocab.txt --size 8000 'corpus/*.txt.xz'
  electra-bench vocab train --output vocab.txt --size 30000 --cased corpus
  electra-bench vocab train --type sentencepiece --output vocab.model corpus.jsonl
"""


def add_parser(subparsers) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser("vocab", description="Makes vocabularies.")
    actions = parser.add_subparsers(metavar="ACTION")
    train = actions.add_parser(
        "train",
        parents=[TEXT_FIELD, ON_ERROR],
        help="train a vocabulary from text",
        description="Trains a WordPiece vocabulary or a SentencePiece model. Special "
        "tokens come first: [PAD] [UNK] [CLS] [SEP] [MASK].",
        epilog=EXAMPLES,
    )
    train.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="files, folders or globs; .txt, .jsonl, tar archives of .txt; .gz or .xz",
    )
    train.add_argument("--output", required=True, metavar="F", help="file to write")
    train.add_argument(
        "--size", type=int, default=30522, metavar="N", help="tokens (default: 30522)"
    )
    train.add_argument(
        "--type",
        choices=("wordpiece", "sentencepiece"),
        default="wordpiece",
        help="sort of vocabulary (default: wordpiece)",
    )
    train.add_argument(
        "--cased", action="store_true", help="keep upper case (and accents)"
    )
    train.add_argument("--keep_accents", action="store_true", help="keep accents")
    train.add_argument(
        "--min_frequency",
        type=int,
        default=1,
        metavar="N",
        help="leave out words that occur less often (default: 1)",
    )
    train.add_argument(
        "--overwrite", action="store_true", help="replace an existing file"
    )
    train.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Trains the vocabulary, writes and checks it, and says what it is."""
    from electra_bench.data.text import files

    _check(args)
    found = files.find_files(args.files)
    errors.begin_work()
    started = time.monotonic()
    print(f"reading {len(found)} file{'s' * (len(found) != 1)}", flush=True)
    report = files.ReadReport()
    lines = files.iter_lines(
        found, text_field=args.text_field, on_error=args.on_error, report=report
    )
    train = _wordpiece if args.type == "wordpiece" else _sentencepiece
    summary = train(args, lines)
    seconds = time.monotonic() - started
    print(f"wrote {args.output}: {args.type}, {summary}; {seconds:.0f} s")
    if report.skipped:
        print(f"skipped {report.skipped} damaged parts, the first: {report.reasons[0]}")
    return errors.DONE


def _wordpiece(args: argparse.Namespace, lines: Iterator[str]) -> str:
    from electra_bench.vocabularies import files, training

    normalisation = {"lower_case": not args.cased, "strip_accents": _strips(args)}
    counts = training.count_words(lines, **normalisation)
    tokens = training.wordpiece_of_counts(counts, args.size, args.min_frequency)
    training.write_vocabulary(args.output, tokens)
    written = files.wordpiece_file(args.output, **normalisation)
    unknown, pieces = training.fit(tokens, counts)
    summary = (
        f"{written.special_ids.size} tokens of {sum(counts.values())} words "
        f"({len(counts)} different), {pieces:.2f} tokens a word, "
        f"{100 * unknown:.2g} % of words [UNK]"
    )
    option = "strip_accents" if not args.cased else "lower_case"
    if not _strips(args):
        summary += f"; use it with --gin.vocabularies.wordpiece.{option}=False"
    return summary


def _sentencepiece(args: argparse.Namespace, lines: Iterator[str]) -> str:
    from electra_bench.vocabularies import files, training

    model = training.train_sentencepiece(
        lines, args.size, not args.cased, _strips(args), args.min_frequency
    )
    with atomic_file(args.output) as file:
        file.write(model)
    written = files.sentencepiece_file(args.output, False, False)
    return f"{written.special_ids.size} pieces"


def _strips(args: argparse.Namespace) -> bool:
    return not args.cased and not args.keep_accents


def _check(args: argparse.Namespace) -> None:
    from electra_bench.vocabularies.training import check_size

    check_size(args.size)
    if os.path.isdir(args.output):
        raise ValueError(f"--output {args.output!r} is a folder, expected a file")
    folder = os.path.dirname(args.output) or "."
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"--output: no folder {folder!r}")
    if os.path.exists(args.output) and not args.overwrite:
        raise FileExistsError(f"{args.output!r} exists; --overwrite replaces it")
    if args.min_frequency < 1:
        raise ValueError(
            f"--min_frequency must be at least 1, got {args.min_frequency}"
        )
