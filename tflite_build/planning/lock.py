"""model.lock: what a build decided and made, for the user to commit.

It holds source digests, decisions with their reasons, pins of toolchains, the user's packages with hashes, and the
SHA-256 of the outputs. It holds no action key, time, platform tag or measured number, so it changes only when
something that matters does.
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
from tflite_build.errors import Place, Problem, SpecError
from tflite_build.toolchain.overlay import PinnedPackage

VERSION = 1
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+( ; [A-Za-z0-9_.'\" ()<>=!-]+)?( --hash=sha256:[0-9a-f]{64})+"
)
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
    """The content of model.lock."""

    sources: Mapping[str, str] = field(default_factory=dict)  # path -> sha256
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    toolchains: Mapping[str, str] = field(default_factory=dict)  # name -> digest of its pins
    packages: tuple[PinnedPackage, ...] = ()
    requested: tuple[str, ...] = ()  # what `packages` were resolved for
    resolved_with: Mapping[str, str] = field(default_factory=dict)  # ... and with: toolchain -> digest of its pins
    outputs: Mapping[str, str] = field(default_factory=dict)  # file name -> sha256

    def to_toml(self) -> str:
        """The text of the file; the same lock gives the same text."""
        value: dict[str, Any] = {"lock": VERSION}
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
    try:
        value = tomli.loads(data.decode("utf-8"))
        version = value.get("lock")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise _DamagedError(f"it has no version, `lock = {VERSION}`")
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
        raise SpecError(
            Problem(
                f"{file.name} is damaged: {error}",
                Place(file),
                "take it from version control again, or delete it to decide anew",
            )
        ) from None


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
    ]
    if (before.requested, before.packages) != (now.requested, now.packages):
        found.insert(-1, Difference(("packages",), "[toolchain] packages are not those that are pinned"))
    return found


_SHOWN_WHOLE = 80  # characters: decisions
_SHOWN_HASH = 12  # characters


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


def _choices(lock: Lock) -> dict[str, str]:
    return {subject: d.choice for subject, d in lock.decisions.items()}


class _DamagedError(Exception):
    """The file is not what this tool writes: one phrase that says where."""


def _parsed(value: dict[str, Any]) -> Lock:
    packages = _table(value, "packages")
    pinned = packages.get("pinned", [])
    if not isinstance(pinned, list):
        raise _DamagedError("'packages.pinned' is no list")
    for table in ("source", "output", "toolchain"):
        for name, digest in _texts(value, table).items():
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise _DamagedError(f"what it says of '{name}' in [{table}] is no SHA-256")
    return Lock(
        sources=_texts(value, "source"),
        decisions={
            subject: Decision(
                _text(decision, "choice"),
                tuple(Refutation(choice, reason) for choice, reason in _texts(decision, "refuted").items()),
            )
            for subject, decision in _tables(value, "decision").items()
        },
        toolchains=_texts(value, "toolchain"),
        packages=tuple(_package(p) for p in pinned),
        requested=_list(packages, "requested"),
        resolved_with=_texts(packages, "toolchains"),
        outputs=_texts(value, "output"),
    )


def _package(value: Any) -> PinnedPackage:
    if not isinstance(value, dict):
        raise _DamagedError("'packages.pinned' holds something that is no table")
    marker = _text(value, "marker") if "marker" in value else ""
    package = PinnedPackage(_text(value, "name"), _text(value, "version"), _list(value, "hashes"), marker)
    # These become a line of a requirements file, which could hold options.
    whole = _REQUIREMENT.fullmatch(package.requirement)
    if not (whole and package.hashes):
        raise _DamagedError(f"the package {package.name!r} is not pinned by a version and hashes")
    return package


def _table(value: dict[str, Any], key: str) -> dict[str, Any]:
    table = value.get(key, {})
    if not isinstance(table, dict):
        raise _DamagedError(f"'{key}' is no table")
    return table


def _tables(value: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
    return {name: _table(_table(value, key), name) for name in _table(value, key)}


def _texts(value: dict[str, Any], key: str) -> dict[str, str]:
    return {name: _text(_table(value, key), name) for name in _table(value, key)}


def _text(value: dict[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str):
        raise _DamagedError(f"'{key}' is {'missing' if text is None else 'no text'}")
    return text


def _list(value: dict[str, Any], key: str) -> tuple[str, ...]:
    texts = value.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise _DamagedError(f"'{key}' is no list of texts")
    return tuple(texts)
