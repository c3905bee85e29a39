"""Words of programming languages that names may not be (specs/languages/)."""

from __future__ import annotations

from functools import cache

import tomli

from tflite_build import resources

SWIFT_SUFFIX = "Kit"  # of a module, which is not called as its class
# What files of a model are called beside its class.
_KOTLIN_FILES = ("Await", "Engine", "Labels", "Model", "Session", "State", "Stream", "Tensors", "Test")
_SWIFT_FILES = ("File", "Labels", "Pictures", "Session", "State", "Stream", "Tensors", "Tests")


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
    table = _table("swift")
    return _files("ios", ".swift.jinja") | frozenset(f"{table['classes']} {table['standard']}".split())


def is_kotlin_class(name: str) -> bool:
    """Whether a class of this name would be, or would have a file called as, one that is there."""
    return _is_taken(name, _KOTLIN_FILES, kotlin_classes())


def is_swift_class(name: str) -> bool:
    """The same of Swift, where the name of a module hides that module, too."""
    return _is_taken(name, _SWIFT_FILES, swift_classes() | swift_modules())


def _is_taken(name: str, files: tuple[str, ...], classes: frozenset[str]) -> bool:
    taken = _folded(classes)  # many disks do not tell A from a
    return any(f"{name}{ending}".casefold() in taken for ending in ("", *files))


@cache
def _folded(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


@cache
def swift_modules() -> frozenset[str]:
    """Modules that are others'."""
    return frozenset(_table("swift")["modules"].split())


def _files(platform: str, ending: str) -> frozenset[str]:
    return frozenset(path.name.removesuffix(ending) for path in resources.templates(platform).rglob(f"*{ending}"))


@cache
def _table(language: str) -> dict[str, str]:
    return tomli.loads(resources.specs("languages", f"{language}.toml").read_text("utf-8"))
