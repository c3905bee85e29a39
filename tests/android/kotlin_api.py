"""Public declarations of Kotlin sources, as far as those of LiteRT are written.

    git -C LITERT show COMMIT:PATH... | python3 tests/android/kotlin_api.py

prints those of a source: api/com.google.ai.edge.litert.txt has them of the release that stand-ins follow.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_HIDDEN = re.compile(r"\b(private|internal|protected)\b(?! constructor)")
_TYPE = re.compile(r"\b(?:class|interface|object)\b\s*(\w*)")
_DECLARATION = re.compile(r"\b(fun|val|var|class|interface|object|constructor)\b")
_ENTRY = re.compile(r"^[A-Z]\w*(\([^)]*\))?[,;]?$|^@Deprecated.*\) [A-Z]\w*\(\d+\)[,;]$")


def declarations(source: str) -> list[str]:
    """Each with the types that it is in: "CompiledModel.fun run(...)"."""
    return list(_declarations(_lines(source)))


def _lines(source: str) -> list[str]:
    """Lines without comments, each with a whole head of a declaration."""
    text = _COMMENT.sub("", source)
    depth, joined = 0, []
    for char in text:
        depth += (char in "([") - (char in ")]")
        joined.append(" " if char == "\n" and depth else char)
    text = re.sub(r",? +(?=\))", "", "".join(joined))
    text = re.sub(r"\( +", "(", re.sub(r"[ \t]+", " ", text))
    text = re.sub(r"\n\s*(?=(@JvmOverloads\s+)?(private )?constructor\()", _join_constructor, text)
    return [line.strip() for line in text.split("\n") if line.strip()]


def _join_constructor(found: re.Match[str]) -> str:
    """A constructor belongs to the line above where that is the head of a class."""
    above = found.string[: found.start()].rsplit("\n", 1)[-1].strip()
    is_head = _TYPE.search(above) is not None and not above.endswith(("{", "}"))
    return " " if is_head or above == "@JvmOverloads" else found[0]


def _declarations(lines: list[str]) -> Iterator[str]:
    inside: list[tuple[str, int]] = []  # types, and the depth of braces that each is at
    depth, hidden_from = 0, -1
    for line in lines:
        while inside and depth <= inside[-1][1]:
            inside.pop()
        if 0 <= hidden_from >= depth:
            hidden_from = -1
        opens = line.count("{") - line.count("}")
        head = line.split("{")[0].strip()
        if hidden_from < 0 and not line.startswith("}"):
            declared = _DECLARATION.search(head)
            path = "".join(f"{name}." for name, _ in inside if name)
            if head.startswith(("@Throws(", "object :")) and " fun " not in head:
                pass  # of the next line, and of a value
            elif declared and _HIDDEN.search(head.split("(")[0]) is None:
                yield path + _head(head)
            elif not declared and _ENTRY.match(head):
                yield path + head.rstrip(",;")
            is_type = declared and declared[1] in ("class", "interface", "object")
            if opens > 0 and is_type and _HIDDEN.search(head.split("(")[0]) is None:
                found = _TYPE.search(head)
                assert found is not None
                inside.append((found[1], depth))
            elif opens > 0 and head not in ("package",):
                hidden_from = depth
        depth += opens


def _head(text: str) -> str:
    """Without a body, a value, and modifiers that say nothing of how it is used."""
    text = re.sub(r"^((@Jvm\w+|@Throws\([^)]*\)) )+", "", text)
    depth = 0
    for at, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if char == "=" and not depth:
            text = text[:at]
            break
    return re.sub(r"\b(override|final) ", "", text).strip()


if __name__ == "__main__":
    print("\n".join(declarations(sys.stdin.read())))
