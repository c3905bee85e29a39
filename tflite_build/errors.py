"""What can go wrong, as data: problems with a place and a hint, and the exit code each kind of failure has.

Knows nothing of TOML, models or terminals: whoever finds a problem says where it stands; the command line renders it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path


def printable(text: str) -> str:
    r"""`text` in one line: line ends and other control characters, which names may hold, as `\n` and the like."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)


class ExitCode(IntEnum):
    """The exit codes of the command line, documented and distinct."""

    OK = 0
    BUILD_FAILED = 1
    SPEC_WRONG = 2
    ENGINE_FAILED = 3
    CHECK_FAILED = 4
    STORE_FAILED = 5
    DIFFERS = 6
    USAGE = 64
    FAULT = 70
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem stands: a file, and where known its line (from 1), that line's text and the key."""

    file: Path
    line: int | None = None
    text: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where it stands, and what to do about it.

    Attributes:
        message: One sentence, without a closing full stop, that names what was found and what is allowed.
        place: The line of the user's file that causes it, where there is one.
        hint: What to do, or the likely word.
        detail: Further lines (a converter's message, the end of a log), shown indented.
    """

    message: str
    place: Place | None = None
    hint: str = ""
    detail: str = ""

    def render(self, root: Path | None = None) -> str:
        """The problem as the lines that people read; paths relative to `root` where they lie under it."""
        lines = [f"error: {printable(self.message)}"]
        if self.place is not None:
            file = self.place.file
            if root is not None and file.is_relative_to(root):
                file = file.relative_to(root)
            number = self.place.line
            lines.append(f" --> {printable(str(file))}" + (f":{number}" if number else ""))
            if number and self.place.text:
                lines.append(f"{number} | {self.place.text}")
        lines.extend("    " + line for line in self.detail.splitlines())
        if self.hint:
            lines.append(f"help: {printable(self.hint)}")
        return "\n".join(lines)


class BuildError(Exception):
    """A mistake or a failure that the user can act on: one or more problems and an exit code.

    Anything else that reaches the top is a fault of this tool and shown as such.
    """

    def __init__(self, problems: Problem | Iterable[Problem], code: ExitCode = ExitCode.BUILD_FAILED) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.code = code
        super().__init__("; ".join(p.message for p in self.problems))

    def render(self, root: Path | None = None) -> str:
        """All problems, separated by an empty line."""
        return "\n\n".join(p.render(root) for p in self.problems)


class SpecError(BuildError):
    """model.toml, or a file that it names, is wrong."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        super().__init__(problems, ExitCode.SPEC_WRONG)


class EngineError(BuildError):
    """A converter or toolchain failed, for a reason that lies in it or in the machine."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        super().__init__(problems, ExitCode.ENGINE_FAILED)


class CheckError(BuildError):
    """A file was built and missed a limit of its spec."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        super().__init__(problems, ExitCode.CHECK_FAILED)


class StoreError(BuildError):
    """The store or the output folder cannot be read or written."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        super().__init__(problems, ExitCode.STORE_FAILED)


class DifferenceError(BuildError):
    """Something is not what model.lock says, or not what another build made."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        super().__init__(problems, ExitCode.DIFFERS)


class UsageError(BuildError):
    """The command line itself is wrong."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        super().__init__(problems, ExitCode.USAGE)


_NEAR = 0.6  # how alike two words must be, as difflib measures it


def one_of(words: Iterable[str]) -> str:
    """The allowed words as a phrase: `a, b or c`."""
    listed = list(words)
    return listed[0] if len(listed) == 1 else ", ".join(listed[:-1]) + " or " + listed[-1]


def near_miss(word: str, allowed: Iterable[str]) -> str:
    """`did you mean 'X'?` for the allowed word nearest to what was written, or an empty string."""
    best = nearest(word, allowed)
    return f"did you mean '{best}'?" if best else ""


def nearest(word: str, allowed: Iterable[str]) -> str:
    """The allowed word nearest to what was written, or an empty string where none is near."""

    def folded(text: str) -> str:
        return text.lower().replace("_", "-")

    matcher = difflib.SequenceMatcher(b=folded(word))
    best, best_ratio = "", _NEAR
    for candidate in allowed:  # the first of equally near ones, since lists begin with what is usual
        matcher.set_seq1(folded(candidate))
        if matcher.real_quick_ratio() > best_ratio and matcher.ratio() > best_ratio:
            best, best_ratio = candidate, matcher.ratio()
    return best
