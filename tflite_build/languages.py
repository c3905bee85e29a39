"""Words of programming languages that names may not be (specs/languages/)."""

from __future__ import annotations

from functools import cache

import tomli

from tflite_build import resources


@cache
def kotlin_keywords() -> frozenset[str]:
    """The keywords of Kotlin and of Java."""
    table = _table("kotlin")
    return frozenset(f"{table['kotlin']} {table['java']}".split())


@cache
def kotlin_members() -> frozenset[str]:
    """What every object has."""
    return frozenset(_table("kotlin")["members"].split())


@cache
def kotlin_classes() -> frozenset[str]:
    """The classes that generated code has beside a model's own: those of its files, and what these import."""
    return _files("android", ".kt.jinja") | frozenset(_table("kotlin")["classes"].split())


@cache
def kotlin_packages() -> tuple[str, ...]:
    """Packages that are others' with all below them."""
    return tuple(_table("kotlin")["packages"].split())


@cache
def swift_words() -> frozenset[str]:
    """The keywords of Swift, and members that values have without being declared."""
    table = _table("swift")
    return frozenset(f"{table['keywords']} {table['members']}".split())


@cache
def swift_classes() -> frozenset[str]:
    """The types that generated code has beside a model's own: those of its files, and what these use."""
    return _files("ios", ".swift.jinja") | frozenset(_table("swift")["classes"].split())


@cache
def swift_modules() -> frozenset[str]:
    """Modules that are others'."""
    return frozenset(_table("swift")["modules"].split())


def _files(platform: str, ending: str) -> frozenset[str]:
    return frozenset(path.name.removesuffix(ending) for path in resources.templates(platform).rglob(f"*{ending}"))


@cache
def _table(language: str) -> dict[str, str]:
    return tomli.loads(resources.specs("languages", f"{language}.toml").read_text("utf-8"))
