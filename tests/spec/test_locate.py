"""The line of every key, in every way that TOML lets one write it."""

from __future__ import annotations

import pytest

from tflite_build.spec.locate import locate

TEXT = '''\
spec = 1
[model]
name = "d" # not a key = 1
[input.image]
shape = [1,
  "n", 3.5,
  {a = 1, b = [2,
 3]}]
sizes.n = [1, 2]
[[rows]]
a = 1
[[rows]]
b = """
looks = "like a key"
"""
["quoted.part"."x y"]
date = 1979-05-27 07:32:00
'literal' = 'it''s'
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("spec",), 1),
        (("model", "name"), 3),
        (("input", "image"), 4),
        (("input", "image", "shape", 0), 5),
        (("input", "image", "shape", 1), 6),
        (("input", "image", "shape", 3, "b", 0), 7),
        (("input", "image", "shape", 3, "b", 1), 8),
        (("input", "image", "sizes", "n"), 9),
        (("rows", 0, "a"), 11),
        (("rows", 1, "b"), 13),
        (("quoted.part", "x y", "date"), 17),
        (("quoted.part", "x y", "literal"), 18),
        (("input", "image", "absent", "deeper"), 4),
    ],
)
def test_line(path: tuple[str | int, ...], line: int) -> None:
    assert locate(TEXT).line(path) == line


def test_what_stands_in_a_string_is_no_key() -> None:
    assert ("looks",) not in locate(TEXT)
    assert ("rows", 1, "looks") not in locate(TEXT)


def test_form_feeds_and_unicode_separators_end_no_line() -> None:
    assert locate('a = "x\u2028y"\nb = 1\n').line(("b",)) == 2


def test_a_long_array_is_located_element_by_element() -> None:
    text = "a = [\n" + "1.5,\n" * 3000 + "]\nb = 2\n"
    found = locate(text)
    assert found.line(("a", 2999)) == 3001
    assert found.line(("b",)) == 3003


def test_a_validators_own_parts_are_skipped() -> None:
    assert locate("[source]\npath = 1\n").known(("source", "keras", "path")) == ("source", "path")
