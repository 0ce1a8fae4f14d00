"""Documentation strings of installed packages: extraction, prose, mark-up."""

import sys

import pytest

from electra_bench.tasks.pydoc import docstring_text
from electra_bench.tasks.pydoc.docstring_text import Paragraph
from electra_bench.tasks.pydoc.docstrings import (
    docstrings,
    site_packages,
    source_files,
    source_sha256,
)

MODULE = '''"""The module.

More about it.
"""

raise RuntimeError("imported")


class Box:
    """A box."""

    if True:

        def open(self):
            """Opens
            the box.
            """

            def inner():
                """Within."""

    async def shut(self):
        "Not indented."


add_newdoc("pkg", "added", """Told elsewhere.""")
add_newdoc("pkg", "Box", ("method", """Of a method."""))
print("one", "two")
'''


@pytest.fixture
def packages(tmp_path):
    files = {
        "alpha/__init__.py": MODULE,
        "alpha/tests/test_alpha.py": '"""A test."""\n',
        "alpha/broken.py": '"""Not Python."""\ndef (:\n',
        "alpha/plain.py": "x = 1\n",
        "alpha/data.txt": '"""No source."""',
        "beta/sub/one.py": '"""Beta."""\n',
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def test_strings_are_found_in_order_without_importing(packages):
    files = source_files(str(packages), ["beta", "alpha", "absent"])
    found = [(s.package, s.module, s.name, s.text) for s in docstrings(files)]
    assert found == [
        ("alpha", "alpha", "", "The module.\n\nMore about it."),
        ("alpha", "alpha", "Box", "A box."),
        ("alpha", "alpha", "Box.open", "Opens\nthe box."),
        ("alpha", "alpha", "Box.open.inner", "Within."),
        ("alpha", "alpha", "Box.shut", "Not indented."),
        ("alpha", "alpha", "added", "Told elsewhere."),
        ("alpha", "alpha", "method", "Of a method."),
        ("beta", "beta.sub.one", "", "Beta."),
    ]
    assert "alpha" not in sys.modules


def test_hash_follows_names_and_contents(packages):
    def current():
        return source_sha256(source_files(str(packages), ["alpha", "beta"]))

    before = current()
    assert current() == before
    path = packages / "beta/sub/one.py"
    path.write_text('"""Beta!"""\n')
    changed = current()
    path.rename(path.with_name("two.py"))
    assert len({before, changed, current()}) == 3


def test_numpy_is_read():
    files = source_files(site_packages(), ["numpy"])
    strings = {(s.module, s.name): s.text for s in docstrings(files)}
    assert len(strings) > 1000
    assert "Parameters" in strings["numpy.lib._function_base_impl", "average"]
    assert any(name == "arange" for _, name in strings)  # by add_newdoc


NUMPYDOC = """Compute the weighted mean of a thing.

A second paragraph that is wrapped
over two lines.

.. versionadded:: 1.2
   Not prose at all.

Parameters
----------
a : array_like
    The array that is averaged.
b, c : int, optional
    Two numbers at once.

    And more about them.

Returns
-------
float
    The mean of all values.

Notes
-----
As code::

    x = some code here

- First entry of a list
  that goes on.
- Second entry of a list.

+---+----+
| a | table that is no prose |
+---+----+

Examples
--------
This is about an example.

>>> average([1, 2])
"""


def test_paragraphs_of_numpydoc():
    assert docstring_text.paragraphs(NUMPYDOC) == [
        Paragraph("", "", "Compute the weighted mean of a thing."),
        Paragraph("", "", "A second paragraph that is wrapped over two lines."),
        Paragraph("parameters", "a : array_like", "The array that is averaged."),
        Paragraph("parameters", "b, c : int, optional", "Two numbers at once."),
        Paragraph("parameters", "", "And more about them."),
        Paragraph("returns", "float", "The mean of all values."),
        Paragraph("notes", "", "First entry of a list that goes on."),
        Paragraph("notes", "", "Second entry of a list."),
    ]


GOOGLE = """Reads a file of numbers.

Args:
  path: the file that is read,
    wrapped here.
  count (int): how many numbers there are.

Usage:

```python
text = that is not prose
```

Returns:
  A list of the numbers.
"""


def test_paragraphs_of_google_style():
    assert docstring_text.paragraphs(GOOGLE) == [
        Paragraph("", "", "Reads a file of numbers."),
        Paragraph("args", "path:", "the file that is read, wrapped here."),
        Paragraph("args", "count (int):", "how many numbers there are."),
        Paragraph("returns", "", "A list of the numbers."),
    ]


def test_entries_of_one_line_each():
    found = docstring_text.paragraphs(
        "Args:\n  a: the first number.\n  b: the second one."
    )
    assert [p.head for p in found] == ["a:", "b:"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ``code`` word", "a code word"),
        ("see :func:`~numpy.mean` now", "see numpy.mean now"),
        ("see :ref:`the guide <guide>`", "see the guide"),
        ("a *word* and **two words**", "a word and two words"),
        ("2 * 3 * 4 and **kwargs", "2 * 3 * 4 and **kwargs"),
        ("a [link](https://x.y/z) and `one <https://x.y>`_", "a link and one"),
        ("as shown in [1]_.", "as shown in."),
        ("`single` ticks", "single ticks"),
    ],
)  # fmt: skip
def test_plain(text, expected):
    assert docstring_text.plain(text) == expected


def test_sentences():
    text = "One is here. Two is, e.g. this. Three!"
    assert docstring_text.sentences(text) == [
        "One is here.",
        "Two is, e.g. this.",
        "Three!",
    ]
