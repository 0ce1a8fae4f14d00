"""What was fetched from where: the file `fetched.json` in the data folder.

For files whose source publishes no digest it is the only thing that a later download can be
compared with.
"""

import fcntl
import json
import os
from typing import NamedTuple

from electra_bench.system.atomic import write_json

FILE_NAME = "fetched.json"


class Receipt(NamedTuple):
    """One file as it was served.

    Attributes:
        url: where it came from.
        size: in bytes.
        sha256: of its bytes.
        date: when it was fetched, ISO 8601, UTC.
    """

    url: str
    size: int
    sha256: str
    date: str


def read_receipts(data_dir: str) -> dict[str, Receipt]:
    """Receipts by path below the data folder.

    Raises:
        ValueError: the file holds something else.
    """
    path = os.path.join(data_dir, FILE_NAME)
    try:
        with open(path, encoding="utf-8") as file:
            return {key: Receipt(**entry) for key, entry in json.load(file).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is not as fetch wrote it ({error}); without it, digests are recorded "
            "anew"
        ) from error


def add_receipt(data_dir: str, key: str, receipt: Receipt) -> None:
    """Adds a receipt or replaces it, also while other processes do the same."""
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        receipts = read_receipts(data_dir) | {key: receipt}
        entries = {k: r._asdict() for k, r in sorted(receipts.items())}
        write_json(os.path.join(data_dir, FILE_NAME), entries, indent=1)
    finally:
        os.close(folder)
