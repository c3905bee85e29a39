"""Names of people's become identifiers: words first, then a style, each once."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflite_build import languages, resources
from tflite_build.wrap import kotlin_text, names, swift_text, words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("serving_default", ("serving", "default")),
        ("inputImage", ("input", "image")),
        ("StatefulPartitionedCall:0", ("stateful", "partitioned", "call0")),
        ("conv2d_1/kernel", ("conv2", "d1", "kernel")),
        ("Größe", ("grosse",)),
        ("pré-logits", ("pre", "logits")),
        ("HTTPServer", ("http", "server")),
        ("日本", ()),
        ("", ()),
    ],
)
def test_words(name: str, found: tuple[str, ...]) -> None:
    assert words.words(name) == found


@given(st.lists(st.text(max_size=20), unique=True, max_size=12))
def test_identifiers_are_valid_and_each_once(names: list[str]) -> None:
    for style in (words.camel, words.pascal):
        made = words.named(names, style, "value", languages.kotlin_keywords())
        assert list(made) == names
        assert len({own.casefold() for own in made.values()}) == len(names)
        for own in made.values():
            assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", own) and own not in languages.kotlin_keywords()


def test_what_is_alike_is_told_apart() -> None:
    names = ["a b", "a_b", "A-B", "class", "1", "日本"]
    assert list(words.named(names, words.camel, "input", languages.kotlin_keywords()).values()) == [
        "aB",
        "aB2",
        "aB3",
        "class2",
        "input1",
        "input",
    ]


def decoded(literal: str) -> str:
    """What a string literal of Kotlin means."""
    short = {"n": "\n", "t": "\t", "r": "\r"}

    def meant(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else short.get(found[2], found[2])

    units = re.sub(r"\\(?:u([0-9a-f]{4})|(.))", meant, literal[1:-1])
    return units.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")


@given(st.text(max_size=60))
def test_a_string_is_read_as_it_was(text: str) -> None:
    """Nothing ends the literal early or begins a template."""
    literal = kotlin_text.string(text)
    assert literal[0] == literal[-1] == '"' and literal.isprintable()
    assert not re.search(r'["$]', re.sub(r"\\.", "", literal[1:-1]))
    assert decoded(literal) == text


@given(st.text(max_size=80))
def test_a_comment_stays_one(text: str) -> None:
    said = kotlin_text.comment(text)
    assert "*/" not in said and "/*" not in said and "@" not in said and "\n" not in said


@pytest.mark.parametrize(
    ("value", "literal"),
    [(0.0, "0.0f"), (1.0, "1.0f"), (-128.5, "-128.5f"), (0.1, "0.1f"), (1e-9, "1e-09f"), (1 / 3, "0.33333334f")],
)
def test_a_float_literal_is_exact(value: float, literal: str) -> None:
    assert kotlin_text.float_literal(value) == literal


@given(st.lists(st.lists(st.from_regex(r"[a-z]{1,40}", fullmatch=True), min_size=1, max_size=6), max_size=8))
def test_names_of_one_scope_are_each_once(groups: list[list[str]]) -> None:
    """However long they are, and however alike what a style leaves of them."""
    for style in (words.camel, words.upper):
        unique = names.Unique(style, ["taken"])
        made = [unique.named(group, ["a", "b"]) for group in [*groups, *groups]]
        assert len({own.casefold() for own in made} | {"taken"}) == len(made) + 1


@given(st.floats(width=32))
def test_floats_are_exact_in_both_languages(value: float) -> None:
    swift, kotlin = swift_text.float_literal(value), kotlin_text.float_literal(value)
    if value != value or value in (float("inf"), float("-inf")):
        assert not any(c.isdigit() for c in swift + kotlin)
    else:
        assert np.float32(swift) == np.float32(value) == np.float32(kotlin.removesuffix("f"))


@pytest.mark.parametrize(
    ("platform", "taken"), [("android", languages.kotlin_classes()), ("ios", languages.swift_classes())]
)
def test_no_model_is_called_as_a_type_that_sources_declare(platform: str, taken: frozenset[str]) -> None:
    kinds = r"\b(?:class|object|interface|struct|enum|protocol|typealias|actor) (?:class )?([A-Z]\w+)"
    found = set()
    for folder in ("shared", "runtime"):
        for path in (resources.templates(platform) / folder).glob("*.jinja"):
            code = re.sub(r"/\*.*?\*/|//[^\n]*|\"[^\"\n]*\"", "", path.read_text("utf-8"), flags=re.DOTALL)
            found |= set(re.findall(kinds, code))
    assert len(found) > 30
    assert found - taken == set()
