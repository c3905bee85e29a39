"""Java class files (JVMS 25, chapter 4), as far as tests look into them: members, what is referred to, and how to make
a class that the Kotlin compiler wrote look like one of Java's.

Knows nothing of which classes there are.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

PUBLIC, STATIC, FINAL, BRIDGE, VARARGS = 0x1, 0x8, 0x10, 0x40, 0x80
INTERFACE, ABSTRACT, SYNTHETIC, ENUM = 0x200, 0x400, 0x1000, 0x4000

_UTF8, _CLASS, _STRING, _NAME_AND_TYPE = 1, 7, 8, 12
_MEMBER_REFERENCES = (9, 10, 11)
_METHOD_HANDLE, _METHOD_TYPE, _DYNAMIC, _INVOKE_DYNAMIC = 15, 16, 17, 18
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
_WIDE = (5, 6)
_ANNOTATIONS = ("RuntimeVisibleAnnotations", "RuntimeInvisibleAnnotations")
_PARAMETER_ANNOTATIONS = ("RuntimeVisibleParameterAnnotations", "RuntimeInvisibleParameterAnnotations")
_KOTLIN_ONLY = ("Lkotlin/Metadata;", "Lkotlin/jvm/internal/SourceDebugExtension;", "Lorg/jetbrains/annotations/")


@dataclass(frozen=True, slots=True)
class Member:
    """A field or a method. `signature` is the generic one where there is one."""

    access: int
    name: str
    descriptor: str
    signature: str | None

    @property
    def is_method(self) -> bool:
        """Whether it is called."""
        return self.descriptor.startswith("(")


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a class, or of one of its members."""

    owner: str
    name: str = ""
    descriptor: str = ""

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}{self.descriptor}" if self.name else self.owner


@dataclass
class ClassFile:
    """A class file; names have slashes. `access` is that of the InnerClasses entry for a nested class."""

    name: str
    superclass: str | None
    interfaces: tuple[str, ...]
    access: int
    members: tuple[Member, ...]
    references: tuple[Reference, ...]
    signature: str | None


def parse(content: bytes) -> ClassFile:
    """Read one."""
    reader = _Class(content)
    return ClassFile(
        reader.name,
        reader.superclass,
        tuple(reader.interfaces),
        reader.nested_access.get(reader.name, reader.access),
        tuple(reader.members),
        tuple(reader.references()),
        reader.signature,
    )


def as_java(content: bytes, package_private: Collection[str] = ()) -> bytes:
    """What a Java compiler could have written: without Kotlin's metadata and nullability, so that Kotlin code sees
    platform types and properties for getters, and with Kotlin's own helpers marked as synthetic, which hides them.

    Args:
        content: A class file of the Kotlin compiler.
        package_private: Names of classes that lose `public`, which Kotlin has no word for.
    """
    reader = _Class(content)
    edited = bytearray(content)

    def helper(name: str) -> bool:
        return name.endswith(("$Companion", "$DefaultImpls", "$WhenMappings"))

    def access(at: int, change: Callable[[int], int]) -> None:
        edited[at : at + 2] = struct.pack(">H", change(reader.u2(at)))

    for name, at in [(reader.name, reader.access_at), *reader.nested_access_at.items()]:
        if name in package_private:
            access(at, lambda flags: flags & ~PUBLIC)
        if helper(name):
            access(at, lambda flags: flags | SYNTHETIC)
    for member, at in zip(reader.members, reader.members_at, strict=True):
        own = member.access & STATIC and (
            (not member.is_method and member.name in ("Companion", "INSTANCE", "$ENTRIES", "$VALUES"))
            or (member.is_method and member.name == "getEntries" and reader.access & ENUM)
        )
        if own:
            access(at, lambda flags: flags | SYNTHETIC)
    for start, replacement in sorted(reader.annotation_edits, key=lambda edit: -edit[0][0]):
        edited[start[0] : start[1]] = replacement
    return bytes(edited)


@dataclass
class _Class:
    content: bytes
    pool: dict[int, tuple[int, int]] = field(default_factory=dict)  # index -> tag, offset behind the tag
    members: list[Member] = field(default_factory=list)
    members_at: list[int] = field(default_factory=list)
    nested_access: dict[str, int] = field(default_factory=dict)
    nested_access_at: dict[str, int] = field(default_factory=dict)
    annotation_edits: list[tuple[tuple[int, int], bytes]] = field(default_factory=list)
    signature: str | None = None

    def __post_init__(self) -> None:
        if self.content[:4] != b"\xca\xfe\xba\xbe":
            raise ValueError("this is no class file")
        at, index = 10, 1
        while index < self.u2(8):
            tag = self.content[at]
            self.pool[index] = (tag, at + 1)
            at += 1 + (2 + self.u2(at + 1) if tag == _UTF8 else _SIZES[tag])
            index += 2 if tag in _WIDE else 1
        self.access_at = at
        self.access = self.u2(at)
        self.name = self.class_name(self.u2(at + 2))
        superclass = self.u2(at + 4)
        self.superclass = self.class_name(superclass) if superclass else None
        count = self.u2(at + 6)
        self.interfaces = [self.class_name(self.u2(at + 8 + 2 * i)) for i in range(count)]
        at += 8 + 2 * count
        for _ in range(2):
            members = self.u2(at)
            at += 2
            for _ in range(members):
                start, signature = at, None
                at += 6
                for name, begin, end in self.attributes(at):
                    if name == "Signature":
                        signature = self.text(self.u2(begin))
                    self.annotations(name, begin, end)
                    at = end
                at = at if self.u2(start + 6) else start + 8
                self.members.append(
                    Member(self.u2(start), self.text(self.u2(start + 2)), self.text(self.u2(start + 4)), signature)
                )
                self.members_at.append(start)
        for name, begin, end in self.attributes(at):
            if name == "Signature":
                self.signature = self.text(self.u2(begin))
            if name == "InnerClasses":
                for i in range(self.u2(begin)):
                    entry = begin + 2 + 8 * i
                    nested = self.class_name(self.u2(entry))
                    self.nested_access[nested], self.nested_access_at[nested] = self.u2(entry + 6), entry + 6
            self.annotations(name, begin, end)

    def u2(self, at: int) -> int:
        return int(struct.unpack_from(">H", self.content, at)[0])

    def text(self, index: int) -> str:
        tag, at = self.pool[index]
        assert tag == _UTF8
        return self.content[at + 2 : at + 2 + self.u2(at)].decode("utf-8", "surrogatepass")

    def class_name(self, index: int) -> str:
        return self.text(self.u2(self.pool[index][1]))

    def attributes(self, at: int) -> Iterator[tuple[str, int, int]]:
        """Name, begin and end of each attribute of the table at `at`."""
        count = self.u2(at)
        at += 2
        for _ in range(count):
            begin = at + 6
            end = begin + int(struct.unpack_from(">I", self.content, at + 2)[0])
            yield self.text(self.u2(at)), begin, end
            at = end

    def annotations(self, name: str, begin: int, end: int) -> None:
        """Note how the attribute is without what only Kotlin writes: the table is kept, its entries go."""
        if name in _ANNOTATIONS:
            kept, at = self.kept(begin)
            assert at == end
            self.edit(begin, end, kept)
        elif name in _PARAMETER_ANNOTATIONS:
            at, all_kept = begin + 1, b""
            for _ in range(self.content[begin]):
                kept, at = self.kept(at)
                all_kept += kept
            self.edit(begin, end, self.content[begin : begin + 1] + all_kept)

    def edit(self, begin: int, end: int, value: bytes) -> None:
        if value != self.content[begin:end]:
            self.annotation_edits.append(((begin - 4, end), struct.pack(">I", len(value)) + value))

    def kept(self, at: int) -> tuple[bytes, int]:
        """A table of annotations without those of Kotlin, and where it ends."""
        count, kept = self.u2(at), []
        at += 2
        for _ in range(count):
            start = at
            at = self.behind_annotation(at)
            if not self.text(self.u2(start)).startswith(_KOTLIN_ONLY):
                kept.append(self.content[start:at])
        return struct.pack(">H", len(kept)) + b"".join(kept), at

    def behind_annotation(self, at: int) -> int:
        pairs = self.u2(at + 2)
        at += 4
        for _ in range(pairs):
            at = self.behind_value(at + 2)
        return at

    def behind_value(self, at: int) -> int:
        tag = chr(self.content[at])
        at += 1
        if tag == "e":
            return at + 4
        if tag == "@":
            return self.behind_annotation(at)
        if tag == "[":
            count = self.u2(at)
            at += 2
            for _ in range(count):
                at = self.behind_value(at)
            return at
        return at + 2

    def references(self) -> Iterator[Reference]:
        """What the constant pool refers to, and the classes in descriptors of it and of the members."""
        descriptors = [m.descriptor for m in self.members] + [m.signature for m in self.members if m.signature]
        for tag, at in self.pool.values():
            if tag == _CLASS:
                name = self.text(self.u2(at))
                if name.startswith("["):
                    descriptors.append(name)
                else:
                    yield Reference(name)
            elif tag in _MEMBER_REFERENCES:
                owner = self.class_name(self.u2(at))
                name_and_type = self.pool[self.u2(at + 2)][1]
                name, descriptor = self.text(self.u2(name_and_type)), self.text(self.u2(name_and_type + 2))
                descriptors.append(descriptor)
                if not owner.startswith("["):
                    yield Reference(owner, name, descriptor)
            elif tag in (_DYNAMIC, _INVOKE_DYNAMIC):
                name_and_type = self.pool[self.u2(at + 2)][1]
                descriptors.append(self.text(self.u2(name_and_type + 2)))
            elif tag == _METHOD_TYPE:
                descriptors.append(self.text(self.u2(at)))
        for name in sorted({name for text in descriptors for name in re.findall(r"L([^;<(:*+\-)]+)[;<]", text)}):
            yield Reference(name)
