"""Text for the made numbers, written for them, with what tokenisation finds hard."""

PASSAGES = {
    "lighthouse": [
        "The lighthouse at Käpten's Point was built in 1887 by Ada Brännström, who kept "
        "its lamp for 31 years. It stands 24.5 metres above the sea (at low tide), and "
        "its beam reaches ships 17 miles away. A storm broke the first lens; the second, "
        "from Besançon, cost 1,250 crowns.",
        "Keepers wrote down each night's weather. Their log-books — forty-two of them — "
        "lie in the town's archive. \u201cFog again,\u201d says one page of May 1902, "
        "\u201cand no sleep.\u201d Since 1969 nobody lives there: the lamp is lit by a "
        "clock.",
    ],
    "bakery": [
        "Old Mira's bakery opens at 4 a.m. and sells rye bread, plum cake and naïve little "
        "biscuits that look like 猫. She uses 30 kg of flour a day, 5% of it spelt. Her "
        "oven, which burns beech wood, was moved twice: first in 1951, then in 1974.",
        "Customers don't queue; they draw numbers from a tin box. Whoever draws 13 gets a "
        "bun for free, a habit that Mira's uncle brought home from Jõhvi.",
    ],
}
# Article and passage, question, right answers; none where the passage has no answer.
QUESTIONS = [
    ("lighthouse", 0, "Who built the lighthouse?", ["Ada Brännström", "Brännström"]),
    ("lighthouse", 0, "When was it built?", ["1887", "in 1887"]),
    ("lighthouse", 0, "How far does the beam reach?", ["17 miles"]),
    ("lighthouse", 0, "What did the second lens cost?", ["1,250 crowns"]),
    ("lighthouse", 0, "Who broke the second lens on purpose in the end?", []),
    ("lighthouse", 1, "Where do the log-books lie?", ["the town's archive"]),
    ("lighthouse", 1, "What does the page of 1902 say?", ["Fog again", "and no sleep"]),
    ("lighthouse", 1, "What lights the lamp?", ["a clock", "clock"]),
    ("bakery", 0, "How much of the flour is spelt?", ["5%"]),
    ("bakery", 0, "What do the biscuits look like?", ["猫"]),
    ("bakery", 0, "Which wood was burnt in 1951?", []),
    ("bakery", 1, "Which number gets a bun?", ["13"]),
    ("bakery", 1, "Where did the habit come from?", ["Jõhvi"]),
    ("bakery", 1, "What is the colour of the box?", []),
]
PAIRS = [
    ("A gull stole the keeper's lunch.", "The keeper lost his lunch to a gull."),
    ("Nobody paid for the cake.", "The cake, they say, was paid for twice."),
    ("It's 7:45; the ferry's gone!", "At a quarter to eight the ferry had left"),
    ("Zoë re-read the log-book of 1902", "One log-book was read again by Zoë, slowly."),
    ("Two keepers don't agree on fog.", "On fog, keepers agree."),
    ("unbelievably long words: Donaudampfschifffahrt", "short ones"),
]
SENTENCES = [
    [("The", "B-NP"), ("old", "I-NP"), ("keeper", "I-NP"), ("sleeps", "B-VP")],
    [
        *(("Mira", "B-NP"), ("'s", "B-NP"), ("well-known", "I-NP"), ("oven", "I-NP")),
        *(("was", "B-VP"), ("moved", "I-VP"), ("in", "B-PP"), ("1974", "B-NP")),
        (".", "O"),
    ],
    [
        ("Fog", "I-NP"),
        ("again", "B-ADVP"),
        ("—", "O"),
        ("no", "I-NP"),
        ("sleep", "I-NP"),
    ],
    [("Ships", "B-NP"), ("pass", "B-VP"), ("17", "B-NP"), ("miles", "I-NP")],
]


def questions(answerable: bool = False) -> dict:
    """The questions in the form of SQuAD, all or those that have an answer."""
    articles = []
    for title, passages in PASSAGES.items():
        paragraphs = []
        for number, context in enumerate(passages):
            asked = [
                {
                    "id": f"{title}-{number}-{i}",
                    "question": question,
                    "is_impossible": not answers,
                    "answers": [
                        {"text": text, "answer_start": context.index(text)}
                        for text in answers
                    ],
                }
                for i, (article, place, question, answers) in enumerate(QUESTIONS)
                if (article, place) == (title, number) and (answers or not answerable)
            ]
            paragraphs.append({"context": context, "qas": asked})
        articles.append({"title": title, "paragraphs": paragraphs})
    return {"version": "v2.0", "data": articles}
