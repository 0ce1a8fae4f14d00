"""Data files that recorded cases of the original hold."""

import json
from pathlib import Path


def unpack(case: Path, folder: Path) -> dict:
    """Writes a case's data files, laid out as the original's; returns the whole case."""
    content = json.loads(case.read_text())
    for name, text in content["files"].items():
        path = folder / "finetuning_data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return content
