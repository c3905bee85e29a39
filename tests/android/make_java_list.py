"""Makes api/java.txt from lib/ct.sym of a JDK, which tells what every release of Java declared.

    python3 tests/android/make_java_list.py /path/to/jdk-25/lib/ct.sym > tests/android/api/java.txt

Each line is a class of Java 8, and the members that later releases added to it or to what it inherits from.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import class_files
from class_files import ClassFile

PACKAGES = (
    *("java/io", "java/math", "java/security", "java/text"),
    *("java/lang", "java/lang/annotation", "java/lang/ref", "java/lang/reflect"),
    *("java/nio", "java/nio/channels", "java/nio/charset"),
    *("java/util", "java/util/function", "java/util/logging", "java/util/regex", "java/util/stream", "java/util/zip"),
    *("java/util/concurrent", "java/util/concurrent/atomic", "java/util/concurrent/locks"),
)
MODULES = ("java.base/", "java.logging/")
OLD, NEW = "8", "O"  # as ct.sym writes 8 and 24
VISIBLE = 0x0001 | 0x0004  # public or protected


def main(symbols: Path) -> None:
    with zipfile.ZipFile(symbols) as archive:
        old, new = classes(archive, OLD), classes(archive, NEW)
    print("# Classes of Java 8, each with what came later, up to Java 24: by make_java_list.py from ct.sym of JDK 25.")
    for name in sorted(old):
        later = sorted(members(name, new) - members(name, old))
        print(" ".join([name, *later]))


def classes(archive: zipfile.ZipFile, release: str) -> dict[str, ClassFile]:
    found = {}
    for entry in archive.namelist():
        releases, _, path = entry.partition("/")
        if release not in releases or not path.endswith(".sig"):
            continue
        name = path.removesuffix(".sig")
        for module in MODULES:
            name = name.removeprefix(module)
        if name.rpartition("/")[0] in PACKAGES:
            parsed = class_files.parse(archive.read(entry))
            if parsed.access & VISIBLE:
                found[name] = parsed
    return found


def members(name: str, of: dict[str, ClassFile]) -> set[str]:
    """What can be used of a class, as "name(descriptor)" or "name:descriptor"; constructors are its own alone."""
    if name not in of:
        return set()
    parsed = of[name]
    own = {
        member.name + ("" if member.is_method else ":") + member.descriptor
        for member in parsed.members
        if member.access & VISIBLE
    }
    for above in (parsed.superclass, *parsed.interfaces):
        if above is not None:
            own |= {member for member in members(above, of) if not member.startswith("<init>")}
    return own


if __name__ == "__main__":
    main(Path(sys.argv[1]))
