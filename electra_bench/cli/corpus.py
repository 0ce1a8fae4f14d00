"""`electra-bench corpus`."""

import argparse
import ast
import functools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from electra_bench.cli import arguments, errors
from electra_bench.cli.arguments import Dir, File, Options, TextInput
from electra_bench.config.ranges import Length, NotNegative, Positive, Rate


def _boolean(text: str) -> bool:
    values = {"true": True, "1": True, "yes": True}
    values |= {"false": False, "0": False, "no": False}
    if text.lower() not in values:
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return values[text.lower()]


# A flag that takes a value, in the original as here.
Boolean = Annotated[
    bool,
    Options(
        action="store",
        nargs="?",
        const=True,
        type=_boolean,
        metavar="BOOL",
    ),
]
Paths = Annotated[list[str], Options(action="store", nargs="+", metavar="PATH")]


@dataclass(kw_only=True)
class Build(TextInput):
    """Makes pre-training examples of raw text, as build_pretraining_dataset.py does.

    examples:
      electra-bench corpus build --corpus-dir text --vocab-file vocab.txt --output-dir built
      electra-bench corpus build --corpus-dir 'dump/*.jsonl.gz' --text_field body ...
      electra-bench corpus build --corpus-dir openwebtext --format openwebtext ...
      electra-bench pretrain ... --gin.CORPORA="{'mine': {'files': 'built'}}" \\
        --gin.CORPUS="'mine'"

    Every flag may be written with dashes or underscores. The output is the same for any
    number of processes.

    Attributes:
        corpus_dir: folders, files or globs: .txt, .jsonl, .csv, tar archives; also .gz,
            .xz, .bz2 and .zst
        vocab_file: vocab.txt, or a SentencePiece model
        output_dir: folder to write, complete or not at all
        overwrite: replace the output folder, whatever it holds
        max_seq_length: tokens of an example (default: 128)
        cut_tokens: what does not fit into an example is dropped, as in the original
            (default), or kept for the next one; pre-training needs the same
            features.pretraining.cut_tokens
        num_processes: worker processes (default: one a core)
        blanks_separate_docs: whether a blank line ends a document of a text file (default);
            otherwise the whole file is one
        documents: instead: what makes a document of a text file; wikitext: an article,
            which begins with " = Title = "
        do_lower_case: lower-case text (default)
        strip_accents: strip accents (default)
        longest_word: letters of a word that is divided, at most (default: 200); imported
            models may have fewer
        whole_tokens: tokens that are cut out of a text, and how they are matched, as
            vocabularies.wordpiece.whole_tokens of an imported model's model.gin
        seed: of random draws (default: 0)
        holdout: fraction of documents for the validation split (default: 0.01); one at
            least unless it is 0
    """

    corpus_dir: Paths
    vocab_file: File
    output_dir: Dir
    overwrite: bool = False
    max_seq_length: Length[int] = 128
    cut_tokens: Literal["dropped", "kept"] = "dropped"
    num_processes: Positive[int] | None = None
    blanks_separate_docs: Boolean = True
    documents: Literal["blank_line", "file", "line", "wikitext"] | None = None
    do_lower_case: bool = True
    # The second is the original's name.
    strip_accents: Annotated[
        bool, Options(flags=["--strip_accents", "--do_strip_accents"])
    ] = True
    longest_word: Positive[int] = 200
    whole_tokens: Annotated[str, Options(metavar="DICT")] = "{}"
    seed: NotNegative[int] = 0
    holdout: Rate[float] = 0.01


def add_parser(subparsers) -> None:
    """Adds the verb."""
    description = "Makes pre-training examples of raw text."
    actions = arguments.add_actions(subparsers, "corpus", description)
    build = arguments.add(actions, "build", Build, run, dashes=True)
    for dest, name, what in (
        ("do_lower_case", "lower-case", "lower-case text"),
        ("strip_accents", "strip-accents", "strip accents"),
    ):
        flags = (f"--no-{name}", f"--no_{name.replace('-', '_')}")
        build.add_argument(
            *flags, dest=dest, action="store_false", help=f"do not {what}"
        )


def run(args: Build) -> None:
    """Builds the examples and prints what was made."""
    from electra_bench.data.examples import corpus_builder
    from electra_bench.data.examples.builder import ExampleBuilder
    from electra_bench.data.text.files import find_files, iter_documents
    from electra_bench.data.text.streams import ReadReport
    from electra_bench.system.file_hashes import Changed, files_sha256
    from electra_bench.system.ordered_map import num_cores

    _check(args)
    files = find_files(args.corpus_dir)
    vocabulary = _vocabulary(args)

    def documents(report: ReadReport):
        return iter_documents(
            files,
            args.format,
            args.documents or ("blank_line" if args.blanks_separate_docs else "file"),
            text_field=args.text_field,
            on_error=args.on_error,
            max_skipped=args.max_skipped,
            report=report,
        )

    report = ReadReport()

    def make():
        ids = (doc.id for doc in documents(ReadReport()) if doc.start)
        threshold = corpus_builder.holdout_threshold(ids, args.holdout)
        settings = corpus_builder.settings_for(
            vocabulary,
            args.max_seq_length,
            args.seed,
            threshold,
            functools.partial(ExampleBuilder, cut_tokens=args.cut_tokens),
        )
        yield from corpus_builder.made_examples(
            documents(report),
            corpus_builder.tokenizer_of(vocabulary),
            settings,
            args.num_processes or num_cores(),
        )
        if files_sha256(files, report.sha256) != facts["data"]:
            raise Changed("the text")

    errors.begin_work()
    facts = _facts(args, files, vocabulary)
    manifest = corpus_builder.build_corpus_folder(
        make,
        args.output_dir,
        facts,
        report,
        name=os.path.basename(os.path.abspath(args.output_dir)),
        overwrite=args.overwrite,
    )
    _print(args.output_dir, manifest)


def _check(args: Build) -> None:
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
    output = os.path.realpath(output)
    for path in (*args.corpus_dir, args.vocab_file, os.getcwd()):
        path = os.path.realpath(path)
        if args.overwrite and os.path.commonpath([path, output]) == output:
            raise ValueError(
                f"--overwrite would delete {path!r}, which lies in --output-dir"
            )


def _vocabulary(args: Build) -> Any:
    """The vocabulary; a SentencePiece model is known by its content."""
    from electra_bench.vocabularies import files

    if files.is_sentencepiece(files.read_file(args.vocab_file)):
        return files.sentencepiece_file(args.vocab_file, False, False)
    found = files.wordpiece_file(
        args.vocab_file,
        args.do_lower_case,
        args.strip_accents,
        args.longest_word,
        _whole_tokens(args.whole_tokens),
    )
    for doubt in found.doubts.values():
        print(f"warning: {doubt}", file=sys.stderr)
    return found


def _whole_tokens(text: str) -> dict[str, str]:
    """The value of the flag.

    Raises:
        ValueError: no dictionary.
    """
    try:
        return dict(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError) as error:
        raise ValueError(
            f"--whole-tokens is {text}, expected as \"{{'[ENT]': 'normalised'}}\""
        ) from error


def _facts(args: Build, files: Sequence[str], vocabulary: Any) -> dict[str, Any]:
    from electra_bench.system.file_hashes import files_sha256

    return {
        "files": args.corpus_dir,
        "data": files_sha256(files),
        "format": args.format,
        "text_field": args.text_field,
        "blanks_separate_docs": args.blanks_separate_docs,
        **({"documents": args.documents} if args.documents else {}),
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
    from electra_bench.tasks.corpora.losses import all_warnings
    from electra_bench.vocabularies.text_losses import TextLosses

    print(folder)
    for split, counts in manifest["splits"].items():
        dropped = 100 * counts["dropped_tokens"] / max(counts["tokens"], 1)
        print(
            f"  {split}: {counts['documents']:,} documents, {counts['lines']:,} lines, "
            f"{counts['tokens']:,} tokens, {counts['examples']:,} examples; "
            f"{counts['dropped_tokens']:,} tokens dropped ({dropped:.1f} %), "
            f"{TextLosses.of(counts).unknown_percent:.3g} % of characters [UNK]"
        )
    print(
        f"  {manifest['text_bytes'] / 1e6:.1f} MB of text in {manifest['seconds']:.1f} s "
        f"({manifest['mb_per_s']:.2f} MB/s)"
    )
    if manifest.get("replaced"):
        found = f"{manifest['replaced']:,} halves of surrogate pairs"
        print(f"  {found} were read as '?'", file=sys.stderr)
    if manifest["skipped"]:
        print(f"  {manifest['skipped']:,} skipped", file=sys.stderr)
        for reason in manifest["skipped_reasons"]:
            print(f"    {reason}", file=sys.stderr)
    for warning in all_warnings(os.path.basename(os.path.abspath(folder)), manifest):
        print(f"warning: {warning}", file=sys.stderr)
