"""model.lock: what a build decided and made, for the user to commit.

It holds digests of the spec and of sources, decisions with their reasons, pins of toolchains, the user's packages with
hashes, and the SHA-256 of the outputs. It holds no action key, time, platform tag or measured number, so it changes only
when something that matters does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli
import tomli_w

from tflite_build.engines.user_code.listing import LOCK_HEAD
from tflite_build.errors import Place, Problem, SpecError, one_of
from tflite_build.spec.locate import locate
from tflite_build.toolchain.overlay import PinnedPackage

VERSION = 1
# What may be decided about a subject, by the word before its colon: every candidate that there ever is.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "engine": ("litert", "tensorflow", "litert-loops"),
    "quantizer": ("litert", "tensorflow", "litert-partly"),
}
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+( ; [A-Za-z0-9_.'\" ()<>=!-]+)?( --hash=sha256:[0-9a-f]{64})+"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEADER = f"{LOCK_HEAD}; commit it. `tflite-build build --update` decides anew.\n"


@dataclass(frozen=True, slots=True)
class Refutation:
    """Why a choice was given up."""

    choice: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen for a subject ("engine", "quantizer:int8"), and what had been refuted before."""

    choice: str
    refuted: tuple[Refutation, ...] = ()


@dataclass(frozen=True, slots=True)
class Lock:
    """The content of model.lock.

    Attributes:
        spec: The digest of what model.toml says as far as outputs depend on it, without comments; "" where the outputs
            are not all of one state of it.
        sources: Path from the spec's folder, or address -> SHA-256.
        decisions: Subject ("engine", "quantizer:int8") -> what was chosen.
        toolchains: Name -> digest of its pins.
        packages: Those of the user, pinned.
        requested: What `packages` were resolved for ...
        resolved_with: ... and with: toolchain -> digest of its pins.
        outputs: File name -> SHA-256.
        not_run: File name -> the custom operators for which nothing has run that file.
    """

    spec: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    toolchains: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[PinnedPackage, ...] = ()
    requested: tuple[str, ...] = ()
    resolved_with: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    not_run: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_toml(self) -> str:
        """The text of the file; the same lock gives the same text."""
        value: dict[str, Any] = {"lock": VERSION}
        if self.spec:
            value["spec"] = self.spec
        if self.sources:
            value["source"] = dict(sorted(self.sources.items()))
        if self.decisions:
            value["decision"] = {
                subject: {
                    "choice": d.choice,
                    **({"refuted": {r.choice: r.reason for r in d.refuted}} if d.refuted else {}),
                }
                for subject, d in sorted(self.decisions.items())
            }
        if self.toolchains:
            value["toolchain"] = dict(sorted(self.toolchains.items()))
        if self.requested:
            value["packages"] = {
                "requested": list(self.requested),
                **({"toolchains": dict(sorted(self.resolved_with.items()))} if self.resolved_with else {}),
                "pinned": [
                    {
                        "name": p.name,
                        "version": p.version,
                        **({"marker": p.marker} if p.marker else {}),
                        "hashes": sorted(p.hashes),
                    }
                    for p in sorted(self.packages, key=lambda p: (p.name, p.version))
                ],
            }
        if self.outputs:
            value["output"] = dict(sorted(self.outputs.items()))
        if self.not_run:
            value["not_run"] = {name: list(operators) for name, operators in sorted(self.not_run.items())}
        return _HEADER + tomli_w.dumps(value)


def read(file: Path) -> Lock:
    """The lock at `file`; an empty one where there is none.

    Raises:
        SpecError: If it is damaged or of a newer version.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Lock()
    except OSError as error:
        raise SpecError(Problem(f"cannot read {file.name}: {error.strerror}", Place(file))) from None
    text = data.decode("utf-8", "replace")
    try:
        data.decode("utf-8")
        value = tomli.loads(text)
        version = value.get("lock")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise _DamagedError(f"it has no version, `lock = {VERSION}`", "lock")
        if version > VERSION:
            raise SpecError(
                Problem(
                    f"{file.name} is of version {version}; this tool reads version {VERSION}",
                    Place(file),
                    "use a newer tflite-build, or delete the file to decide anew",
                )
            )
        return _parsed(value)
    except (UnicodeDecodeError, tomli.TOMLDecodeError, RecursionError, _DamagedError) as error:
        merge = next((n for n, line in enumerate(text.split("\n"), 1) if line.startswith("<<<<<<< ")), None)
        if merge is not None:
            raise SpecError(
                Problem(
                    f"{file.name} holds both sides of a merge",
                    Place(file, merge, text.split("\n")[merge - 1]),
                    "take either side whole, and build: what it makes is what the file then says",
                )
            ) from None
        where = place(file, text, error.key) if isinstance(error, _DamagedError) else Place(file)
        raise SpecError(
            Problem(
                f"{file.name} is damaged: {error}",
                where,
                "take it from version control again, or delete it to decide anew",
            )
        ) from None


def place(file: Path, text: str, key: tuple[str | int, ...]) -> Place:
    """Where `key`, or the nearest table above it, stands in the lock `file` that holds `text`, which is TOML."""
    line = locate(text).line(key)
    shown = text.split("\n")[line - 1].strip() if line else ""
    return Place(file, line, shown, ".".join(map(str, key)))


@dataclass(frozen=True, slots=True)
class Difference:
    """A key whose value in one lock is not that in another, and how to say so."""

    key: tuple[str, ...]
    message: str


def differences(before: Lock, now: Lock) -> list[Difference]:
    """What `now` says otherwise than `before`, in the order of the file."""
    found = [
        *_different("source", "the content of '{}'", before.sources, now.sources),
        *_different("decision", "what is decided about {}", _choices(before), _choices(now), _SHOWN_WHOLE),
        *_different("toolchain", "the digest of the toolchain '{}'", before.toolchains, now.toolchains),
        *_different("output", "the output '{}'", before.outputs, now.outputs),
        *_different("not_run", "what '{}' was not run for", _unrun(before), _unrun(now), _SHOWN_WHOLE),
    ]
    if (before.requested, before.packages) != (now.requested, now.packages):
        found.insert(-1, Difference(("packages",), "[toolchain] packages are not those that are pinned"))
    return found


_SHOWN_WHOLE = 80  # characters: decisions
_SHOWN_HASH = 12  # characters


def same_inputs(before: Lock, now: Lock) -> bool:
    """Whether both say for sure that their outputs were made from the same, so that these should be the same too."""
    if not before.spec or before.spec != now.spec:
        return False
    return all(difference.key[0] in ("output", "not_run") for difference in differences(before, now))


def _different(
    table: str, what: str, before: Mapping[str, str], now: Mapping[str, str], shown: int = _SHOWN_HASH
) -> list[Difference]:
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if old is None:
            how = f"is {new[:shown] if new else ''}, and not locked"
        elif new is None:
            how = "is locked, and not part of this build"
        else:
            how = f"is {new[:shown]}, and locked as {old[:shown]}"
        found.append(Difference((table, name) if old is not None else (table,), f"{what.format(name)} {how}"))
    return found


def _unrun(lock: Lock) -> dict[str, str]:
    return {name: ", ".join(operators) for name, operators in lock.not_run.items()}


def _choices(lock: Lock) -> dict[str, str]:
    return {subject: d.choice for subject, d in lock.decisions.items()}


class _DamagedError(Exception):
    """The file is not what this tool writes: one phrase that says what, and the key where it is."""

    def __init__(self, message: str, *key: str | int) -> None:
        super().__init__(message)
        self.key = key


_Key = tuple[str | int, ...]


def _parsed(value: dict[str, Any]) -> Lock:
    packages = _table(value, "packages")
    pinned = packages.get("pinned", [])
    if not isinstance(pinned, list):
        raise _DamagedError("'packages.pinned' is no list", "packages", "pinned")
    for table in ("source", "output", "toolchain"):
        for name, digest in _texts(value, table).items():
            if not _DIGEST.fullmatch(digest):
                raise _DamagedError(f"what it says of '{name}' in [{table}] is no SHA-256", table, name)
    spec = _text(value, "spec") if "spec" in value else ""
    if spec and not _DIGEST.fullmatch(spec):
        raise _DamagedError("what it says of 'spec' is no SHA-256", "spec")
    return Lock(
        spec=spec,
        sources=_texts(value, "source"),
        decisions={subject: _decision(value, subject) for subject in _table(value, "decision")},
        toolchains=_texts(value, "toolchain"),
        packages=tuple(_package(p, ("packages", "pinned", number)) for number, p in enumerate(pinned)),
        requested=_list(packages, "requested", ("packages",)),
        resolved_with=_texts(value, "packages", "toolchains"),
        outputs=_texts(value, "output"),
        not_run={name: _list(_table(value, "not_run"), name, ("not_run",)) for name in _table(value, "not_run")},
    )


def _decision(value: dict[str, Any], subject: str) -> Decision:
    key = ("decision", subject)
    kind, _, variant = subject.partition(":")
    if kind not in CHOICES or bool(variant) is (kind == "engine"):
        raise _DamagedError(f"'{subject}' is nothing that is decided", *key)
    choice = _text(_table(value, *key), "choice", key)
    refuted = _texts(value, *key, "refuted")
    for word, place in ((choice, (*key, "choice")), *((word, (*key, "refuted", word)) for word in refuted)):
        if word not in CHOICES[kind]:
            raise _DamagedError(f"there is no {kind} '{word}'; it is one of {one_of(CHOICES[kind])}", *place)
    return Decision(choice, tuple(Refutation(word, reason) for word, reason in refuted.items()))


def _package(value: Any, key: _Key) -> PinnedPackage:
    if not isinstance(value, dict):
        raise _DamagedError("'packages.pinned' holds something that is no table", *key)
    marker = _text(value, "marker", key) if "marker" in value else ""
    name, version = _text(value, "name", key), _text(value, "version", key)
    package = PinnedPackage(name, version, _list(value, "hashes", key), marker)
    # These become a line of a requirements file, which could hold options.
    whole = _REQUIREMENT.fullmatch(package.requirement)
    if not (whole and package.hashes):
        raise _DamagedError(f"the package {package.name!r} is not pinned by a version and hashes", *key)
    return package


def _table(value: dict[str, Any], *key: str) -> dict[str, Any]:
    for number, part in enumerate(key, 1):
        value = value.get(part, {})
        if not isinstance(value, dict):
            raise _DamagedError(f"'{part}' is no table", *key[:number])
    return value


def _texts(value: dict[str, Any], *key: str) -> dict[str, str]:
    table = _table(value, *key)
    return {name: _text(table, name, key) for name in table}


def _text(table: dict[str, Any], name: str, above: _Key = ()) -> str:
    text = table.get(name)
    if not isinstance(text, str):
        raise _DamagedError(f"'{name}' is {'missing' if text is None else 'no text'}", *above, name)
    return text


def _list(table: dict[str, Any], name: str, above: _Key) -> tuple[str, ...]:
    texts = table.get(name, [])
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise _DamagedError(f"'{name}' is no list of texts", *above, name)
    return tuple(texts)
