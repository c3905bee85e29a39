"""Members of Java classes as `javap -public` prints them, from class files and from a list of such lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import class_files
from class_files import ClassFile, Member

_PRIMITIVES = {
    "B": "byte",
    "C": "char",
    "D": "double",
    "F": "float",
    "I": "int",
    "J": "long",
    "S": "short",
    "Z": "boolean",
    "V": "void",
}


def of_list(file: Path) -> dict[str, list[str]]:
    """Class -> its sorted members, the first being the class itself. Generic types count."""
    classes: dict[str, list[str]] = {}
    name = ""
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("  "):
            classes[name].append(line.strip().rstrip(";").replace(", ", ","))
        elif line and line[0] not in "#}":
            head = line.removesuffix(" {")
            found = re.search(r"(?:class|interface) ([\w.$]+)", head)
            assert found
            name = found[1]
            classes[name] = [head]
    return {name: [members[0], *sorted(members[1:])] for name, members in classes.items()}


def of_classes(folder: Path, package: str) -> dict[str, list[str]]:
    """As `of_list`, of all classes of `package` that are not synthetic; also those that are not public."""
    classes = {}
    for file in (folder / package.replace(".", "/")).glob("*.class"):
        parsed = class_files.parse(file.read_bytes())
        if not parsed.access & class_files.SYNTHETIC:
            classes[_dotted(parsed.name)] = [_head(parsed), *sorted(_members(parsed))]
    return classes


def _head(parsed: ClassFile) -> str:
    is_interface = parsed.access & class_files.INTERFACE
    words = []
    if parsed.access & class_files.PUBLIC:
        words.append("public")
    if parsed.access & class_files.ABSTRACT and not is_interface:
        words.append("abstract")
    if parsed.access & class_files.FINAL:
        words.append("final")
    words += ["interface" if is_interface else "class", _dotted(parsed.name)]
    superclass = _dotted(parsed.superclass or "")
    if parsed.access & class_files.ENUM:
        superclass = f"java.lang.Enum<{_dotted(parsed.name)}>"
    if superclass != "java.lang.Object":
        words += ["extends", superclass]
    if parsed.interfaces:
        words += ["extends" if is_interface else "implements", ",".join(map(_dotted, parsed.interfaces))]
    return " ".join(words)


def _members(parsed: ClassFile) -> Iterator[str]:
    for member in parsed.members:
        is_bridge = member.is_method and member.access & class_files.BRIDGE
        if member.access & class_files.PUBLIC and (is_bridge or not member.access & class_files.SYNTHETIC):
            yield _line(parsed, member)


def _line(parsed: ClassFile, member: Member) -> str:
    words = ["public"]
    in_interface = parsed.access & class_files.INTERFACE
    if member.access & class_files.STATIC:
        words.append("static")
    if member.access & class_files.ABSTRACT:
        words.append("abstract")
    elif in_interface and member.is_method and not member.access & class_files.STATIC:
        words.append("default")
    if member.access & class_files.FINAL and (not member.is_method or not parsed.access & class_files.FINAL):
        words.append("final")
    types = list(_types(member.signature or member.descriptor))
    if not member.is_method:
        return " ".join([*words, types[0], member.name])
    *parameters, result = types
    name = _dotted(parsed.name) if member.name == "<init>" else f"{result} {member.name}"
    return f"{' '.join([*words, name])}({','.join(parameters)})"


def _types(signature: str) -> Iterator[str]:
    """The types of a descriptor or a generic signature, in the order of Java source."""
    at = signature.index("(") if signature.startswith("<") else 0
    while at < len(signature):
        if signature[at] in "()":
            at += 1
        else:
            name, at = _type(signature, at)
            yield name


def _type(signature: str, at: int) -> tuple[str, int]:
    kind = signature[at]
    if kind in _PRIMITIVES:
        return _PRIMITIVES[kind], at + 1
    if kind == "[":
        name, at = _type(signature, at + 1)
        return f"{name}[]", at
    if kind == "T":
        end = signature.index(";", at)
        return signature[at + 1 : end], end + 1
    if kind in "*+-":
        if kind == "*":
            return "?", at + 1
        name, at = _type(signature, at + 1)
        return f"? {'extends' if kind == '+' else 'super'} {name}", at
    end = at + 1
    while signature[end] not in ";<":
        end += 1
    name = _dotted(signature[at + 1 : end])
    if signature[end] == ";":
        return name, end + 1
    arguments = []
    end += 1
    while signature[end] != ">":
        argument, end = _type(signature, end)
        arguments.append(argument)
    return f"{name}<{', '.join(arguments)}>".replace(", ", ","), end + 2


def _dotted(name: str) -> str:
    return name.replace("/", ".")
