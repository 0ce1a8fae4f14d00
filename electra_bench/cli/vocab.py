"""`electra-bench vocab`."""

import dataclasses
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from electra_bench.cli import arguments, errors
from electra_bench.cli.arguments import File, TextInput
from electra_bench.config.ranges import Positive
from electra_bench.system.atomic import atomic_file


@dataclass
class Train(TextInput):
    """Trains a WordPiece vocabulary or a SentencePiece model.

    Special tokens come first: [PAD] [UNK] [CLS] [SEP] [MASK].

    examples:
      electra-bench vocab train --output vocab.txt --size 8000 'corpus/*.txt.xz'
      electra-bench vocab train --output vocab.txt --size 30000 --cased corpus
      electra-bench vocab train --type sentencepiece --output vocab.model corpus.jsonl

    Attributes:
        files: files, folders or globs: .txt, .jsonl, .csv, tar archives of .txt; also .gz,
            .xz, .bz2 and .zst
        output: file to write
        size: tokens (default: 30522)
        type: sort of vocabulary (default: wordpiece)
        cased: keep upper case (and accents)
        keep_accents: keep accents
        min_frequency: leave out words that occur less often (default: 1)
        overwrite: replace an existing file
    """

    files: list[File]
    _: KW_ONLY
    output: File
    size: Positive[int] = 30522
    type: Literal["wordpiece", "sentencepiece"] = "wordpiece"
    cased: bool = False
    keep_accents: bool = False
    min_frequency: Positive[int] = 1
    overwrite: bool = False


def add_parser(subparsers) -> None:
    """Adds the verb."""
    actions = arguments.add_actions(subparsers, "vocab", "Makes vocabularies.")
    arguments.add(actions, "train", Train, run, dashes=True)


def run(args: Train) -> None:
    """Trains the vocabulary, writes and checks it, and says what it is."""
    from electra_bench.data.text import files
    from electra_bench.vocabularies.text_losses import TextLosses, watched

    _check(args)
    found = files.find_files(args.files)
    errors.begin_work()
    started = time.monotonic()
    print(f"reading {len(found)} file{'s' * (len(found) != 1)}", flush=True)
    report = files.ReadReport()
    lines = files.iter_lines(
        found,
        format=args.format,
        text_field=args.text_field,
        on_error=args.on_error,
        max_skipped=args.max_skipped,
        report=report,
    )
    losses = TextLosses()
    lines = watched(lines, losses, not args.cased, _strips(args))
    train = _wordpiece if args.type == "wordpiece" else _sentencepiece
    summary, unknown = train(args, lines)
    losses.add(dataclasses.asdict(unknown))
    seconds = time.monotonic() - started
    print(
        f"wrote {args.output}: {args.type}, {summary}, {losses.unknown_percent:.3g} % of "
        f"characters [UNK]{_use(args)}; {seconds:.0f} s"
    )
    if report.replaced:
        print(f"{report.replaced:,} halves of surrogate pairs were read as '?'")
    if report.skipped:
        print(f"skipped {report.skipped} damaged parts, the first: {report.reasons[0]}")
    for loss in losses.warnings("the text").values():
        print(f"warning: {loss.sentence}", file=sys.stderr)


def _wordpiece(args: Train, lines: Iterator[str]) -> tuple[str, Any]:
    from electra_bench.vocabularies import files, training

    normalisation = {"lower_case": not args.cased, "strip_accents": _strips(args)}
    counts = training.count_words(lines, **normalisation)
    tokens = training.wordpiece_of_counts(counts, args.size, args.min_frequency)
    training.write_vocabulary(args.output, tokens)
    written = files.wordpiece_file(args.output, False, False)
    pieces, losses = training.fit(written.tokenizer, counts)
    return (
        f"{written.special_ids.size} tokens of {sum(counts.values())} words "
        f"({len(counts)} different), {pieces:.2f} tokens a word"
    ), losses


def _use(args: Train) -> str:
    """How a vocabulary is used that is not for text as usual."""
    if args.type != "wordpiece" or _strips(args):
        return ""
    option = "lower_case" if args.cased else "strip_accents"
    return f"; use it with --gin.vocabularies.wordpiece.{option}=False"


def _sentencepiece(args: Train, lines: Iterator[str]) -> tuple[str, Any]:
    from electra_bench.vocabularies import files, training

    counts = training.count_strings(lines)
    model = training.sentencepiece_of_counts(
        counts, args.size, not args.cased, _strips(args), args.min_frequency
    )
    with atomic_file(args.output) as file:
        file.write(model)
    written = files.sentencepiece_file(args.output, False, False)
    pieces, losses = training.fit(written.tokenizer, counts)
    return f"{written.special_ids.size} pieces, {pieces:.2f} a word", losses


def _strips(args: Train) -> bool:
    return not args.cased and not args.keep_accents


def _check(args: Train) -> None:
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
