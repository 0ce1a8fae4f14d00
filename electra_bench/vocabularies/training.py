"""Vocabularies from text: WordPiece and SentencePiece.

Both are trained on counted words, so memory and time of the training grow with the number
of different words, not with the text. The same text and options give the same file on any
machine.
"""

import io
import os
import sys
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from electra_bench.system.atomic import write_text
from electra_bench.vocabularies.basic_words import unit_pattern, words_of_unit
from electra_bench.vocabularies.files import SPECIAL_TOKENS
from electra_bench.vocabularies.text_losses import (
    LONGEST_WORD,
    MeasuresText,
    TextLosses,
)

# Characters that get tokens of their own, at most; rarer ones become [UNK].
MAX_CHARACTERS = 1000
# Different strings that are counted at once; beyond, the rarest are forgotten.
_MAX_COUNTED = 2**22
_LINES_AT_ONCE = 1000
# Words fed to the WordPiece trainer, which takes text, not counts: enough for stable
# proportions, and less than a minute of its time.
_MAX_FED = 20_000_000
# A part of SentencePiece's sums a thread: another number gives another model.
_SENTENCEPIECE_THREADS = 4


def count_words(
    lines: Iterable[str], lower_case: bool = True, strip_accents: bool = True
) -> Counter[str]:
    """Counts words as the WordPiece tokenizer normalises and divides them.

    Those that are too long to be divided are counted, but nothing is learned of them.

    Args:
        lines: text.
        lower_case: see `WordPieceTokenizer`.
        strip_accents: see `WordPieceTokenizer`.
    """
    words: Counter[str] = Counter()
    units = _counted(lines, lambda text: unit_pattern(text).findall(text))
    for unit, count in units.items():
        for word in words_of_unit(unit, lower_case, strip_accents):
            words[word] += count
    return words


def count_strings(lines: Iterable[str]) -> Counter[str]:
    """Counts what stands between blanks, as SentencePiece is trained on it."""
    return _counted(lines, str.split)


def _counted(
    lines: Iterable[str], divide: Callable[[str], Iterable[str]]
) -> Counter[str]:
    """Counts the strings that a text is divided into; forgets the rarest of too many."""
    counts: Counter[str] = Counter()
    lines = iter(lines)
    while part := list(islice(lines, _LINES_AT_ONCE)):
        counts.update(divide("\n".join(part)))
        least = 1
        while len(counts) > _MAX_COUNTED:
            least += 1
            for text in [text for text, count in counts.items() if count < least]:
                del counts[text]
    return counts


def train_wordpiece(
    lines: Iterable[str],
    size: int,
    lower_case: bool = True,
    strip_accents: bool = True,
    min_frequency: int = 1,
) -> list[str]:
    """Trains a WordPiece vocabulary.

    Args:
        lines: text.
        size: number of tokens, special ones included; a small text gives fewer.
        lower_case: whether to lower-case; the vocabulary must be used likewise.
        strip_accents: whether to strip accents; the same applies.
        min_frequency: rarer words are left out.

    Returns:
        The tokens in the order of their ids: special tokens, characters, pieces from
        the most to the least frequent.

    Raises:
        ValueError: `size` is too small, or there are no words.
    """
    check_size(size)
    counts = count_words(lines, lower_case, strip_accents)
    return wordpiece_of_counts(counts, size, min_frequency)


def wordpiece_of_counts(
    counts: Mapping[str, int], size: int, min_frequency: int = 1
) -> list[str]:
    """As `train_wordpiece`, of words that are counted already.

    Args:
        counts: see `count_words`.
        size: see `train_wordpiece`.
        min_frequency: see `train_wordpiece`.
    """
    check_size(size)
    counts = _frequent(counts, min_frequency, LONGEST_WORD)
    characters = _alphabet(counts, (size - len(SPECIAL_TOKENS)) // 2)
    # Characters are tokens at the start of a word and, with ##, where they occur, within.
    later = {c for word, _ in counts for c in word[1:]}
    within = [f"##{c}" for c in characters if c in later]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        # The library numbers characters in the order of a hash table, which differs from
        # run to run, and breaks ties by these numbers. Special tokens keep the order given.
        special_tokens=[*SPECIAL_TOKENS, *characters, *within],
        # It also takes the frequent characters in that order where they are equally
        # frequent. The initial alphabet goes first, and here it is all that is allowed.
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_repeated(counts), trainer)
    ids = tokenizer.get_vocab()
    return sorted(ids, key=ids.get)


def _frequent(
    counts: Mapping[str, int], min_frequency: int, longest: int = sys.maxsize
) -> list[tuple[str, int]]:
    kept = [
        (word, count)
        for word, count in counts.items()
        if count >= min_frequency and len(word) <= longest
    ]
    if not kept:
        rare = f" that occur {min_frequency} times" if counts else ""
        if counts and all(len(word) > longest for word in counts):
            rare = (
                f" of at most {longest} letters; --type sentencepiece needs no blanks"
            )
        raise ValueError(f"cannot train a vocabulary: the text has no words{rare}")
    return sorted(kept, key=lambda pair: (-pair[1], pair[0]))


def check_size(size: int) -> None:
    """Checks that a vocabulary of `size` tokens has room for special tokens and others.

    Raises:
        ValueError: it has not.
    """
    if size < len(SPECIAL_TOKENS) + 2:
        raise ValueError(
            f"a vocabulary needs at least {len(SPECIAL_TOKENS) + 2} tokens, "
            f"{len(SPECIAL_TOKENS)} of them special, got size {size}"
        )


def _alphabet(counts: Sequence[tuple[str, int]], limit: int) -> list[str]:
    """The most frequent characters, sorted; of equally frequent ones the first."""
    characters: Counter[str] = Counter()
    for word, count in counts:
        for character in word:
            characters[character] += count
    ranked = sorted(characters, key=lambda c: (-characters[c], c))
    return sorted(ranked[: min(MAX_CHARACTERS, limit)])


def _repeated(counts: Sequence[tuple[str, int]]) -> Iterator[str]:
    total = sum(count for _, count in counts)
    scale = min(1.0, _MAX_FED / total)
    for word, count in counts:
        left = max(1, round(scale * count))
        while left > 0:
            yield f"{word} " * min(left, 10_000)
            left -= 10_000


def train_sentencepiece(
    lines: Iterable[str],
    size: int,
    lower_case: bool = True,
    strip_accents: bool = True,
    min_frequency: int = 1,
) -> bytes:
    """As `sentencepiece_of_counts`, of text that is not counted yet."""
    check_size(size)
    options = lower_case, strip_accents, min_frequency
    return sentencepiece_of_counts(count_strings(lines), size, *options)


def sentencepiece_of_counts(
    counts: Mapping[str, int],
    size: int,
    lower_case: bool = True,
    strip_accents: bool = True,
    min_frequency: int = 1,
) -> bytes:
    """Trains a SentencePiece model (unigram).

    The model itself holds the normalisation (NFKC, lower case, accents), so it can be
    used without further options. Special tokens are control symbols, which no text
    contains.

    Args:
        counts: see `count_strings`.
        size: number of pieces, special ones included; a small text gives fewer.
        lower_case: whether the model lower-cases.
        strip_accents: whether the model strips accents.
        min_frequency: rarer words are left out.

    Returns:
        The content of a model file.

    Raises:
        ValueError: `size` is too small, or there are no words.
    """
    check_size(size)
    rows = _frequent(counts, min_frequency)
    special: dict[str, Any] = {}
    for id, name in enumerate(("pad", "unk", "bos", "eos")):
        special |= {f"{name}_id": id, f"{name}_piece": SPECIAL_TOKENS[id]}
    model = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        options = {"normalization_rule_name": _rule_name(lower_case)}
        if strip_accents:
            rules = os.path.join(folder, "rules.tsv")
            with open(rules, "w", encoding="utf-8") as file:
                file.writelines(_rules_without_accents(lower_case))
            options = {"normalization_rule_tsv": rules}
        sentencepiece.set_random_generator_seed(0)
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=(f"{word}\t{count}" for word, count in rows),
                input_format="tsv",
                model_writer=model,
                vocab_size=size,
                hard_vocab_limit=False,
                control_symbols=list(SPECIAL_TOKENS[4:]),
                num_threads=_SENTENCEPIECE_THREADS,
                minloglevel=2,
                **special,
                **options,
            )
        except RuntimeError as error:
            raise ValueError(
                f"SentencePiece cannot train {size} pieces on this text: {error}"
            ) from error
    return _without_paths(model.getvalue())


def _without_paths(content: bytes) -> bytes:
    """A model without the temporary path of its rules, which differs from run to run."""
    model = sentencepiece_model_pb2.ModelProto.FromString(content)
    model.normalizer_spec.ClearField("normalization_rule_tsv")
    return model.SerializeToString(deterministic=True)


def _rule_name(lower_case: bool) -> str:
    return "nmt_nfkc_cf" if lower_case else "nmt_nfkc"


def _rules_without_accents(lower_case: bool) -> Iterator[str]:
    """SentencePiece's own rules with accents stripped: code points, tab, code points."""
    own = sentencepiece.SentencePieceNormalizer(
        rule_name=_rule_name(lower_case),
        add_dummy_prefix=False,
        escape_whitespaces=False,
        remove_extra_whitespaces=False,
    )
    for code in range(1, 0x110000):
        character = chr(code)
        if unicodedata.category(character) in ("Cn", "Co", "Cs"):
            continue
        text = unicodedata.normalize("NFD", own.normalize(character))
        text = "".join(c for c in text if unicodedata.category(c) != "Mn")
        # Composed again: NFD takes Korean syllables apart, too.
        text = unicodedata.normalize("NFC", text)
        if text != character:
            yield f"{code:X}\t{' '.join(f'{ord(c):X}' for c in text)}\n"


def fit(tokenizer: MeasuresText, counts: Mapping[str, int]) -> tuple[float, TextLosses]:
    """How a vocabulary fits the words that it was made of.

    Args:
        tokenizer: of the vocabulary; the words are normalised already.
        counts: words as `count_words` or `count_strings` returns them.

    Returns:
        Pieces per word, and what of the words becomes [UNK].
    """
    words = pieces = 0
    losses = TextLosses()
    for word, count in counts.items():
        ids = tokenizer.encode_word(word)
        words += count
        pieces += count * len(ids)
        losses.characters += count * len(word)
        if tokenizer.unknown_id not in ids:
            continue
        for part in tokenizer.unknown_words(word):
            losses.unknown += count * len(part)
            if len(part) > tokenizer.longest_word:
                losses.in_runs += count * len(part)
    return pieces / words, losses


def write_vocabulary(path: str, tokens: Sequence[str]) -> None:
    """Writes a WordPiece vocabulary file, a token a line, atomically."""
    write_text(path, "".join(f"{token}\n" for token in tokens))
