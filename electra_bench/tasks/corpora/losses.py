"""What a corpus lost on its way to examples, where it is more than usual."""

from collections.abc import Mapping
from typing import Any

from electra_bench.vocabularies.text_losses import Loss, TextLosses

# Shares above which it is said.
MOST_DROPPED = 0.2
MOST_UNREAD = 0.2
# Of so many documents one begins with a title, where a text is WikiText.
FEWEST_TITLES = 1000
# All marks that there are of it.
MARKS = (
    *("text unknown", "marks stripped", "Turkish lower-cased"),
    *("tokens dropped", "text unread"),
)


def corpus_warnings(
    name: str, manifest: Mapping[str, Any], split: str
) -> dict[str, Loss]:
    """What was lost, by marks of scores.

    Args:
        name: of the corpus.
        manifest: of its folder; those of earlier versions do not say all.
        split: one of its splits. What could not be read is of none and said of the first.
    """
    counts = manifest["splits"][split]
    where = f"corpus {name!r}, {split}"
    found = TextLosses.of(counts).warnings(where)
    tokens, dropped = counts["tokens"], counts["dropped_tokens"]
    if dropped > MOST_DROPPED * tokens:
        length = manifest["max_seq_length"]
        found["tokens dropped"] = Loss(
            dropped,
            f"{where}: {100 * dropped / tokens:.1f} % of {tokens:,} tokens were dropped: "
            f"lines are longer than what is left of an example of {length} tokens",
            f"{_wikitext(manifest)}features.pretraining.cut_tokens='kept' (corpus build "
            "--cut-tokens kept) keeps them, a larger max_seq_length drops fewer",
        )
    unread = manifest.get("unread_share", 0.0)
    if split == next(iter(manifest["splits"])) and unread > MOST_UNREAD:
        first = manifest["skipped_reasons"][0]
        found["text unread"] = Loss(
            manifest["skipped"],
            f"corpus {name!r}: {100 * unread:.1f} % of its lines or bytes were left out, "
            f"the first: {first}",
            "name the format (format=), write the files as UTF-8, or "
            "fetch damaged ones again",
        )
    return found


def _wikitext(manifest: Mapping[str, Any]) -> str:
    """A cure, where the text is WikiText and was divided at blank lines."""
    documents = sum(counts["documents"] for counts in manifest["splits"].values())
    titles = manifest.get("titles", 0)
    if titles * FEWEST_TITLES < documents or not titles:
        return ""
    return (
        f"of {documents:,} documents {titles:,} begin with ' = Title = ', as articles of "
        "WikiText do: documents='wikitext' (corpus build --documents wikitext) makes a "
        "document of each; "
    )


def all_warnings(name: str, manifest: Mapping[str, Any]) -> list[str]:
    """The sentences of all splits."""
    return [
        loss.sentence
        for split in manifest["splits"]
        for loss in corpus_warnings(name, manifest, split).values()
    ]
