"""Example building against the original's examples, by its recorded draws."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from golden_cases import golden_folder

from electra_bench.data.examples.builder import ExampleBuilder, document_draws
from electra_bench.data.text.streams import (
    Peekable,
    Reading,
    ReadReport,
    text_documents,
)
from electra_bench.vocabularies.wordpiece_tokenizer import WordPieceTokenizer

GOLDEN = Path(__file__).parents[2] / "golden/pretrain_examples.json"
CLS, SEP = 101, 102


class RecordedDraws:
    """Replays draws and insists on their order."""

    def __init__(self, draws):
        self._draws = iter(draws)

    def random(self):
        draw = next(self._draws)
        assert isinstance(draw, float)
        return draw

    def randint(self, a, b):
        draw = next(self._draws)
        assert isinstance(draw, int) and a <= draw <= b
        return draw

    @property
    def all_used(self):
        return next(self._draws, None) is None


def as_lists(examples):
    ends = np.cumsum(examples.lengths)[:-1]
    return [
        (ids.tolist(), segments.tolist())
        for ids, segments in zip(
            np.split(examples.input_ids, ends),
            np.split(examples.segment_ids, ends),
            strict=True,
        )
        if len(ids)
    ]


def add_file(builder, lines, blanks_separate_docs, chunk):
    """Adds a file's lines, `chunk` at a time, as the original reads them."""
    waiting = []

    def flush():
        ids = np.array(sum(waiting, []), np.int32)
        builder.add(ids, np.cumsum([len(line) for line in waiting]).tolist())
        waiting.clear()

    for line in lines:
        if not line and blanks_separate_docs:
            flush()
            builder.close_example()
        elif line:
            waiting.append(line)
            if len(waiting) == chunk:
                flush()
    flush()
    builder.close_example()


@pytest.mark.parametrize("chunk", [1, 3, 1000])
@pytest.mark.parametrize("case", [0, 1])
def test_examples_equal_the_originals(case, chunk):
    golden = json.loads(GOLDEN.read_text())
    case = golden["cases"][case]
    draws = RecordedDraws(case["draws"])
    builder = ExampleBuilder(case["max_length"], CLS, SEP, np.uint16)
    builder.begin(draws)
    for file in case["files_in_order"]:
        add_file(builder, golden["files"][file], case["blanks_separate_docs"], chunk)
    expected = [
        (ids, [0] * first + [1] * (len(ids) - first)) for ids, first in case["examples"]
    ]
    assert as_lists(builder.take()) == expected
    assert draws.all_used
    assert as_lists(builder.take()) == []


@pytest.mark.parametrize(
    ("source", "case"),
    [*(("original", number) for number in range(6)), ("made", 0), ("made", 1)],
)
def test_text_files_give_recorded_examples(request, source, case):
    numbers = golden_folder(request, source)
    golden = json.loads((numbers / "pretrain_examples.json").read_text())
    case = golden["cases"][case]
    tokenizer = WordPieceTokenizer(
        (numbers / "vocab.txt").read_text().splitlines(),
        case["do_lower_case"],
        case["strip_accents"],
    )
    draws = RecordedDraws(
        draw if isinstance(draw, float) else draw["value"] for draw in case["draws"]
    )
    builder = ExampleBuilder(case["max_length"], CLS, SEP, np.uint16)
    builder.begin(draws)
    made = []
    for file, total in zip(
        case["files_in_order"], case["n_examples_after_each_file"], strict=True
    ):
        stream = Peekable(io.BytesIO(golden["files"][file].encode()))
        reading = Reading("blank_line", "text", "raise", ReadReport())
        documents = "blank_line" if case["blanks_separate_docs"] else "file"
        for document in text_documents(stream, file, reading, documents):
            ids, splits = tokenizer.encode_batch(document.lines)
            builder.add(ids, splits.tolist()[1:])
            builder.close_example()
        made += as_lists(builder.take())
        assert len(made) == total
    for (ids, segments), example in zip(made, case["examples"], strict=True):
        padding = [0] * (case["max_length"] - len(ids))
        assert ids + padding == example["input_ids"]
        assert segments + padding == example["segment_ids"]
        assert [1] * len(ids) + padding == example["input_mask"]
    assert draws.all_used


def test_every_token_is_kept_or_counted():
    rng = np.random.default_rng(0)
    builder = ExampleBuilder(32, CLS, SEP, np.uint16)
    lengths = rng.integers(0, 60, 500)
    ids = rng.integers(1000, 60000, lengths.sum()).astype(np.int32)
    builder.begin(document_draws(1, "x"))
    builder.add(ids, np.cumsum(lengths).tolist())
    builder.close_example()
    examples = builder.take()
    kept = np.count_nonzero(~np.isin(examples.input_ids, (CLS, SEP)))
    assert kept + builder.num_dropped == len(ids)
    assert examples.lengths.max() == 32
    assert examples.input_ids.dtype == np.uint16


def segments_of(ids, segments):
    """The tokens of both segments, without special ones."""
    second = segments.index(1) if 1 in segments else len(ids)
    return ids[1 : second - 1], ids[second:-1]


def in_chunks(builder, ids, lengths, chunk):
    ends = np.cumsum(lengths)
    start = 0
    for first in range(0, len(ends), chunk):
        part = ends[first : first + chunk]
        builder.add(ids[start : part[-1]], (part - start).tolist())
        start = part[-1]


@pytest.mark.parametrize("longest_line", [2, 12, 60, 400])
@pytest.mark.parametrize("max_length", [5, 6, 7, 32, 128])
def test_kept_tokens_are_the_text(max_length, longest_line):
    rng = np.random.default_rng(max_length)
    builder = ExampleBuilder(max_length, CLS, SEP, np.uint16, "kept")
    pairs = 0
    for document in range(8):
        lengths = rng.integers(0, longest_line, rng.integers(1, 40))
        ids = rng.integers(1000, 60000, lengths.sum()).astype(np.int32)
        made = []
        for chunk in (1, 3, len(lengths)):
            builder.begin(document_draws(1, str(document)))
            in_chunks(builder, ids, lengths, chunk)
            builder.close_example()
            made.append(as_lists(builder.take()))
        assert made[0] == made[1] == made[2]
        text = []
        for example, segments in made[0]:
            first, second = segments_of(example, segments)
            assert segments == sorted(segments) and len(first) > 0
            assert example == [CLS, *first, SEP, *second, *([SEP] if second else [])]
            assert len(example) <= max_length
            text += first + second
            pairs += bool(second)
        assert text == ids.tolist()
    assert builder.num_dropped == 0
    assert pairs or longest_line > max_length or longest_line == 2


def test_kept_and_dropped_differ_only_if_something_is_cut():
    ids = np.arange(1000, 1060, dtype=np.int32)
    ends = list(range(3, 61, 3))

    def build(cut_tokens, max_length):
        builder = ExampleBuilder(max_length, CLS, SEP, np.int32, cut_tokens)
        builder.begin(document_draws(3, "a"))
        builder.add(ids, ends)
        builder.close_example()
        return as_lists(builder.take()), builder.num_dropped

    assert build("kept", 64) == build("dropped", 64)
    kept, none = build("kept", 16)
    dropped, lost = build("dropped", 16)
    assert none == 0 < lost and kept != dropped
    # Up to the first cut, examples are the same.
    assert kept[0] == dropped[0]


def test_one_line_of_many_examples():
    ids = np.arange(1000, 31000, dtype=np.int32)
    made = {}
    for cut_tokens in ("dropped", "kept"):
        builder = ExampleBuilder(32, CLS, SEP, np.uint16, cut_tokens)
        builder.begin(document_draws(3, "a"))
        builder.add(ids, [len(ids)])
        builder.close_example()
        made[cut_tokens] = builder.take().lengths.tolist(), builder.num_dropped
    assert made == {"dropped": ([32], 29970), "kept": ([32] * 1000, 0)}


def test_documents_are_independent():
    ids = np.arange(1000, 1400, dtype=np.int32)
    ends = list(range(7, 400, 7))

    def build(*names):
        builder = ExampleBuilder(32, CLS, SEP, np.int32)
        made = []
        for name in names:
            builder.begin(document_draws(3, name))
            builder.add(ids, ends)
            builder.close_example()
            made.append(as_lists(builder.take()))
        return made

    first, second = build("a", "b")
    assert first != second
    assert build("b", "a") == [second, first]


def test_short_lengths_are_refused():
    with pytest.raises(ValueError, match="at least 5, got 4"):
        ExampleBuilder(4, CLS, SEP, np.int32)
    with pytest.raises(ValueError, match="cut_tokens must be one of .*, got 'lost'"):
        ExampleBuilder(5, CLS, SEP, np.int32, "lost")
    builder = ExampleBuilder(5, CLS, SEP, np.int32)
    builder.begin(document_draws(0, "x"))
    builder.add(np.arange(200, 300), list(range(1, 101)))
    builder.close_example()
    assert builder.take().lengths.max() <= 5
