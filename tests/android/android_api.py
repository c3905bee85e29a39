"""Whether compiled classes use only what Android of API level 24, or 21, has of Java's own classes.

Android took over Java 8 piece by piece: a class is allowed where Java 8 has it (api/java.txt) unless LATER names it, and
so are its members. There is no table of Android's own classes, which stand-ins answer for, nor of Kotlin's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import class_files
from class_files import Reference
from kotlin_bed import HERE

_OURS_TO_CHECK = ("java/", "javax/", "jdk/", "sun/", "com/sun/")
# What the constant pool of a lambda's call site names; D8 writes classes in its place.
_DESUGARED = (
    "java/lang/invoke/CallSite",
    "java/lang/invoke/LambdaMetafactory",
    "java/lang/invoke/MethodHandle",
    "java/lang/invoke/MethodHandles",
    "java/lang/invoke/MethodHandles$Lookup",
    "java/lang/invoke/MethodType",
)
# Classes of Java 8 that Android has since API level 26 or later, or never; "/" ends a package.
LATER_CLASSES = (
    "java/lang/Compiler",
    "java/lang/invoke/",
    "java/lang/reflect/Executable",
    "java/lang/reflect/Parameter",
    "java/lang/reflect/AnnotatedType",
    "java/nio/channels/Asynchronous",
    "java/nio/channels/CompletionHandler",
    "java/nio/channels/MulticastChannel",
    "java/nio/file/",
    "java/time/",
    "java/util/Base64",
)
# Members of Java 8 that Android has since API level 26 or later: all of a name, or one as far as its descriptor tells it.
LATER_MEMBERS = {
    "java/io/File": ("toPath",),
    "java/lang/Byte": ("toUnsignedInt", "toUnsignedLong"),
    "java/lang/Integer": (
        *("compareUnsigned", "divideUnsigned", "parseUnsignedInt", "remainderUnsigned"),
        *("toUnsignedLong", "toUnsignedString"),
    ),
    "java/lang/Long": (
        *("compareUnsigned", "divideUnsigned", "parseUnsignedLong", "remainderUnsigned"),
        "toUnsignedString",
    ),
    "java/lang/Process": ("destroyForcibly", "isAlive", "waitFor(JLjava/util/concurrent/TimeUnit;)"),
    "java/lang/ProcessBuilder": ("inheritIO", "redirectError", "redirectInput", "redirectOutput"),
    "java/lang/Short": ("toUnsignedInt", "toUnsignedLong"),
    "java/lang/String": ("join",),
    "java/lang/ThreadLocal": ("withInitial",),
    "java/util/Date": ("from", "toInstant"),
    "java/util/Scanner": ("<init>(Ljava/nio/file/Path;",),
}
# What of Java 8 came with API level 24: these packages and classes, and the members that interfaces got.
SINCE_24_CLASSES = (
    *(
        "java/util/function/",
        "java/util/stream/",
        "java/util/Optional",
        "java/util/Spliterator",
        "java/util/StringJoiner",
    ),
    *("java/util/concurrent/CompletableFuture", "java/util/concurrent/CompletionStage", "java/io/UncheckedIOException"),
    *("java/util/DoubleSummaryStatistics", "java/util/IntSummaryStatistics", "java/util/LongSummaryStatistics"),
    *("java/util/concurrent/StampedLock", "java/util/concurrent/atomic/LongAdder"),
)
SINCE_24_MEMBERS = (
    *("chars", "codePoints", "compute", "computeIfAbsent", "computeIfPresent", "forEach", "forEachRemaining"),
    *("getOrDefault", "merge", "parallelStream", "removeIf", "replaceAll", "reversed", "setAll", "sort", "spliterator"),
    *("stream", "thenComparing"),
)
# Those of them that classes had before.
BEFORE_24 = {"java/util/Collections": ("sort",), "java/util/Arrays": ("sort",), "java/lang/String": ("replaceAll",),
             "java/util/regex/Matcher": ("replaceAll",)}  # fmt: skip


@cache
def _classes() -> dict[str, frozenset[str]]:
    """Class of Java 8 -> members that came later."""
    lines = (HERE / "api" / "java.txt").read_text("utf-8").splitlines()
    return {name: frozenset(later) for name, *later in (line.split(" ") for line in lines if line[0] != "#")}


def jdk_only(classes: Path | Iterable[Path]) -> list[str]:
    """The uses of Java's classes that Android of API level 24 lacks, each "Class.class: what is used", sorted.

    Args:
        classes: A folder of class files, or some files.
    """
    files = classes.rglob("*.class") if isinstance(classes, Path) else classes
    found = set()
    for file in files:
        parsed = class_files.parse(file.read_bytes())
        found |= {f"{parsed.name}: {use}" for use in parsed.references if not is_allowed(use)}
    return sorted(found)


def since_24(classes: Iterable[Path]) -> list[str]:
    """The uses of what Android has since API level 24, as `jdk_only` tells them; only of members that Java 8 added."""
    found = set()
    for file in classes:
        parsed = class_files.parse(file.read_bytes())
        for use in parsed.references:
            member = use.name in SINCE_24_MEMBERS and use.name not in BEFORE_24.get(use.owner, ())
            if use.owner.startswith(SINCE_24_CLASSES) or (
                member and use.owner.startswith(("java/util/", "java/lang/"))
            ):
                found.add(f"{parsed.name}: {use}")
    return sorted(found)


def is_allowed(use: Reference) -> bool:
    """Whether Android of API level 24 has it, for classes that are Java's."""
    if not use.owner.startswith(_OURS_TO_CHECK) or use.owner in _DESUGARED:
        return True
    if use.owner not in _classes() or use.owner.startswith(LATER_CLASSES):
        return False
    if not use.name:
        return True
    is_method = use.descriptor.startswith("(")
    member = use.name + ("" if is_method else ":") + use.descriptor
    if member in _classes()[use.owner]:
        return False
    later = LATER_MEMBERS.get(use.owner, ())
    return use.name not in later and not any("(" in name and member.startswith(name) for name in later)
