"""Splits a file of SQuAD by its articles, to train on some and be scored on the others.

    python benchmarks/squad_by_articles.py squad/dev-v2.0.json --output by_articles \
        --train squad/dev-v2.0.cs224n-half.json
    electra-bench finetune gin/runs/finetune.gin --data_dir by_articles \
        --gin.TASK="'squad'" --gin.INIT="'minilm'"

The articles of the second file, known by their titles, are trained on, the others are
scored; `--at_most` takes the first of each. No context is in both, so a score is one of
texts that were never seen. It is not comparable with published ones, whose development set
is whole.
"""

import argparse
import json
import os


def main() -> None:
    """Writes train-v2.0.json and dev-v2.0.json, or v1.1 as the file says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", help="in SQuAD's format")
    parser.add_argument("--train", required=True, help="file with articles of it")
    parser.add_argument("--output", required=True, help="folder to make")
    parser.add_argument("--at_most", type=int, metavar="N", help="articles of a split")
    args = parser.parse_args()
    whole, known = _read(args.file), _read(args.train)
    titles = {article["title"] for article in known["data"]}
    unknown = titles - {article["title"] for article in whole["data"]}
    if unknown:
        parser.error(f"{args.file} lacks articles of {args.train}: {sorted(unknown)}")
    version = whole["version"].removeprefix("v")
    os.makedirs(args.output, exist_ok=True)
    for split, is_train in (("train", True), ("dev", False)):
        chosen = [a for a in whole["data"] if (a["title"] in titles) == is_train]
        chosen = chosen[: args.at_most]
        path = os.path.join(args.output, f"{split}-v{version}.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"version": whole["version"], "data": chosen}, file)
        questions = [q for a in chosen for p in a["paragraphs"] for q in p["qas"]]
        print(f"{path}: {len(chosen)} articles, {len(questions)} questions")


def _read(path: str) -> dict:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


if __name__ == "__main__":
    main()
