"""What happens to a file that nobody wrote to."""

import random
from collections.abc import Callable, Mapping


def flipped(content: bytes, rng: random.Random) -> bytes:
    """One bit is another one."""
    place = rng.randrange(len(content))
    return _replaced(content, place, bytes([content[place] ^ 1 << rng.randrange(8)]))


def swapped(content: bytes, rng: random.Random) -> bytes:
    """A digit, or else a bit, is another one: it can be read, and says another thing."""
    digits = [place for place, byte in enumerate(content) if chr(byte) in "0123456789"]
    if not digits:
        return flipped(content, rng)
    place = rng.choice(digits)
    digit = rng.choice(sorted(set(b"123456789") - {content[place]}))
    return _replaced(content, place, bytes([digit]))


def cut(content: bytes, rng: random.Random) -> bytes:
    """The end is missing."""
    return content[: rng.randrange(len(content))]


def zeroed(content: bytes, rng: random.Random) -> bytes:
    """As many zeros, as some file systems leave after a power cut."""
    return bytes(len(content))


def emptied(content: bytes, rng: random.Random) -> bytes:
    """Nothing in it."""
    return b""


def lengthened(content: bytes, rng: random.Random) -> bytes:
    """Bytes follow that are none of its own."""
    return content + rng.randbytes(8)


def _replaced(content: bytes, place: int, byte: bytes) -> bytes:
    return content[:place] + byte + content[place + 1 :]


def removed(content: bytes, rng: random.Random) -> None:
    """The file is not there."""


DAMAGES: Mapping[str, Callable[[bytes, random.Random], bytes | None]] = {
    damage.__name__: damage
    for damage in (flipped, swapped, cut, zeroed, emptied, lengthened, removed)
}
