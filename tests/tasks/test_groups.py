"""Which examples belong together: what the data tell, and what equal texts do."""

import dataclasses
import json

import numpy as np
import pytest

from electra_bench import registry
from electra_bench.data import run_context
from electra_bench.tasks.groups import EXAMPLE, Groups, groups, identity_of
from electra_bench.tasks.registration import load_task

RTE = registry.tasks.get("rte")
OWN = dataclasses.replace(RTE, name="own", unit=None)


def found(card, examples):
    return groups(card, examples, range(len(examples)))


def pair(number, text_a, text_b):
    return {"id": str(number), "text_a": text_a, "text_b": text_b}


PAIRS = [
    pair(0, "A long premise.", "Yes."),
    pair(1, "Another, longer premise.", "Yes."),
    pair(2, "a  LONG premise.", "No."),
]


def test_pairs_belong_together_by_their_longer_text():
    expected = Groups("premise", ("as 0", "as 1", "as 0"))
    assert found(RTE, PAIRS) == expected
    swapped = [pair(x["id"], x["text_b"], x["text_a"]) for x in PAIRS]
    assert found(RTE, swapped) == expected
    # A card that says nothing has the same rule.
    assert found(OWN, PAIRS) == expected._replace(unit="text")


def test_both_orders_of_a_pair_belong_together():
    pairs = [("A b c", "D e"), ("F", "A  B c"), ("g", "h"), ("Same", "same")]
    both = [pair(i, *texts) for i, texts in enumerate(pairs)]
    both += [pair(f"{x['id']}-swapped", x["text_b"], x["text_a"]) for x in both]
    names = ("as 0", "as 0", "as 2", "as 3")
    assert found(OWN, both).names == names * 2


def test_questions_belong_together_by_their_context():
    questions = [{"id": f"q{i}", "context": f"Text {i // 2}"} for i in range(4)]
    names = ("as q0", "as q0", "as q2", "as q2")
    assert found(OWN, questions) == Groups("context", names)


def test_what_the_data_tell_comes_first():
    examples = [x | {"group": group} for x, group in zip(PAIRS, "aba", strict=True)]
    assert found(OWN, examples) == Groups("group", ("a", "b", "a"))
    assert found(dataclasses.replace(OWN, unit="page"), examples).unit == "page"


def test_other_examples_stand_for_themselves():
    singles = [pair(0, "One.", ""), pair(1, "One.", "")]
    assert found(OWN, singles) == Groups(EXAMPLE, (None, None))
    independent = dataclasses.replace(RTE, unit=EXAMPLE)
    assert found(independent, PAIRS) == Groups(EXAMPLE, (None,) * 3)


def test_an_example_without_an_id_goes_by_its_number_in_the_source():
    alone = {"text_a": "One.", "text_b": "Two.", "example_id": np.array([7])}
    assert identity_of(alone) == "7" and identity_of({**alone, "id": "q"}) == "q"
    assert found(OWN, [alone]).names == ("as 7",)


def raw_groups(task, split, files):
    """What the source of a task tells of every example."""
    with run_context.use(data_dir=None, files=files):
        rows = load_task(task).source.get_dataset(split, shuffle=False)
        return [row["group"].decode() for row in rows.as_numpy_iterator()]


def test_articles_of_squad_are_groups(tmp_path):
    def article(title, *contexts):
        answer = {"text": "A", "answer_start": 0}
        qas = [
            [
                {"id": f"{title}{c}{i}", "question": "?", "answers": [answer]}
                for i in "01"
            ]
            for c in contexts
        ]
        paragraphs = [
            {"context": f"A {c}", "qas": q} for c, q in zip(contexts, qas, strict=True)
        ]
        named = {"title": title} if title else {}
        return {**named, "paragraphs": paragraphs}

    path = tmp_path / "dev.json"
    articles = [article("Oxygen", "x", "y"), article("", "z")]
    path.write_text(json.dumps({"data": articles}))
    told = raw_groups("squadv1", "dev", {"dev": str(path)})
    assert told == ["Oxygen"] * 4 + [""] * 2


@pytest.mark.parametrize(
    ("task", "lines", "expected"),
    [
        (
            "wikigold",
            [
                "a O",
                "",
                "-DOCSTART- O",
                "",
                "b O",
                "",
                "c O",
                "",
                "-DOCSTART- O",
                "d O",
            ],
            ["", "line 3", "line 3", "line 9"],
        ),
        (
            "pos",
            [
                "# newdoc id = mail 1",
                "1\ta\t_\tNOUN" + "\t_" * 6,
                "",
                "1\tb\t_\tNOUN" + "\t_" * 6,
                "",
                "# newdoc",
                "1\tc\t_\tNOUN" + "\t_" * 6,
            ],
            ["mail 1", "mail 1", "line 6"],
        ),
    ],
)
def test_documents_of_tagged_sentences_are_groups(tmp_path, task, lines, expected):
    path = tmp_path / f"dev{'.conllu' if task == 'pos' else '.txt'}"
    path.write_text("\n".join(lines) + "\n")
    assert raw_groups(task, "dev", {"dev": str(path)}) == expected


def test_modules_of_documentation_are_groups(tmp_path):
    rows = [
        {
            "idx": i,
            "id": f"{module}:f:{i}:0",
            "text_a": "a",
            "text_b": "",
            "label": "jax",
        }
        for i, module in enumerate(["jax.numpy", "jax.lax", "jax.numpy"])
    ]
    path = tmp_path / "dev.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = raw_groups("pydoc_library", "dev", {"dev": str(path)})
    assert told == ["jax.numpy", "jax.lax", "jax.numpy"]
