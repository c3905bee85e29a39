"""The verdict: how a model gets onto each runtime, the cheapest way first, and which variant suits which accelerator.

Knows figures of files and what converters refused, nothing of how either came about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from . import refactorings
from .figures import Figures, SignatureFigures
from .refactorings import Refactoring

WayKind = Literal["as-is", "change", "select-tf-ops", "custom-operators"]
# The runtimes that an app can have, and what they allow beside builtin operators.
RUNTIMES: dict[str, frozenset[str]] = {
    "standard": frozenset({"select-tf-ops"}),
    "play-services": frozenset(),
    "custom": frozenset({"select-tf-ops", "custom-operators"}),
}
_TITLES: dict[WayKind, str] = {
    "as-is": "as it is",
    "change": "after a change",
    "select-tf-ops": "with select TF ops",
    "custom-operators": "with custom operators",
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that stands between a model and a file, or between a file and a runtime.

    Attributes:
        engine: Who refuses it: "litert", "tensorflow", or "" for what is in the file.
        operator: Its name; "" where no operator is blamed.
        needs: "select", "custom", "stock" (a custom one that the stock runtime carries), "version" (no release has it),
            "shape" where it has a form, and the shapes are wrong, or "" where it has no form at all.
        source: The layer or the source line that it comes from.
        message: What is wrong.
        change: What to write instead, where a table knows.
    """

    engine: str
    operator: str
    needs: str
    source: str
    message: str
    change: Refactoring | None = None

    @property
    def advised(self) -> Obstacle:
        """With what the table says to write instead."""
        known = refactorings.for_operator(self.operator) if self.operator else None
        return replace(self, change=self.change or known)


@dataclass(frozen=True, slots=True)
class Way:
    """A way onto a runtime: its kind, and what it takes."""

    kind: WayKind
    what: str

    @property
    def title(self) -> str:
        """For people."""
        return _TITLES[self.kind]


@dataclass(frozen=True, slots=True)
class RuntimeVerdict:
    """How a model gets onto a runtime: the ways, the cheapest first; none where none is known."""

    runtime: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class AcceleratorVerdict:
    """Which variant suits an accelerator, why, and what speaks against it."""

    accelerator: str
    variant: str
    why: str
    but: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a model."""

    runtimes: tuple[RuntimeVerdict, ...]
    accelerators: tuple[AcceleratorVerdict, ...]

    def lines(self) -> list[str]:
        """The short form: a line for runtimes that are alike."""
        alike: dict[tuple[Way, ...], list[str]] = {}
        for r in self.runtimes:
            alike.setdefault(r.ways, []).append(r.runtime)
        return [
            f"{', '.join(names)}: "
            + ("; or ".join(f"{w.title} ({w.what})" if w.what else w.title for w in ways) or "no way is known")
            for ways, names in alike.items()
        ]


def verdict(
    figures: Figures | None, obstacles: Sequence[Obstacle], made: Mapping[str, Figures] = MappingProxyType({})
) -> Verdict:
    """The verdict on a model.

    Args:
        figures: Of its float file; None where it does not convert.
        obstacles: What stands in the way, with changes that are known.
        made: Of the files of its variants that there are, by how they are quantized.
    """
    in_file = beyond_builtins(figures) if figures is not None else ()
    every = (*obstacles, *in_file) if figures is None else in_file
    return Verdict(
        tuple(RuntimeVerdict(runtime, _ways(runtime, allowed, every)) for runtime, allowed in RUNTIMES.items()),
        () if figures is None else _accelerators(figures, made),
    )


def beyond_builtins(figures: Figures) -> tuple[Obstacle, ...]:
    """What of a file not every runtime runs: operators that are no builtins, and versions that no release has."""
    found = []
    for use in figures.operators:
        if use.needs in ("select", "custom", "stock"):
            name = use.name.removeprefix("Flex") if use.needs == "select" else use.name
            source = use.layers[0] if use.layers else ""
            found.append(Obstacle("", name, use.needs, source, f"{name} is no builtin operator").advised)
    for lack in figures.lacks:
        named = f"{lack.need.operator} version {lack.need.version}"
        found.append(Obstacle("", lack.need.operator, "version", lack.layer, f"no release has {named}"))
    return tuple(found)


def _ways(runtime: str, allowed: frozenset[str], obstacles: Sequence[Obstacle]) -> tuple[Way, ...]:
    # The stock runtime carries some custom operators; the one of Play services is only promised to have builtins.
    left = [
        replace(o, needs="custom") if o.needs == "stock" else o for o in obstacles if o.needs != "stock" or not allowed
    ]
    if not left:
        return (Way("as-is", ""),)
    ways = [Way("change", _changes(left))] if all(o.operator or o.change for o in left) else []
    # An engine that cannot do more says nothing of what another one's operators need.
    asked = [o for o in left if o.engine != "litert"] or left
    needs = {o.needs for o in asked}
    if needs == {"select"} and "select-tf-ops" in allowed:
        ways.append(Way("select-tf-ops", ", ".join(dict.fromkeys(o.operator for o in asked))))
    if needs <= {"select", "custom"} and needs != {"select"} and "custom-operators" in allowed:
        custom = ", ".join(dict.fromkeys(o.operator for o in asked if o.needs == "custom"))
        select = ", ".join(dict.fromkeys(o.operator for o in asked if o.needs == "select"))
        ways.append(Way("custom-operators", custom + (f", and with select TF ops: {select}" if select else "")))
    return tuple(ways)


def _changes(obstacles: Sequence[Obstacle]) -> str:
    """What to change, each once: `replace Erfinv in 'act', Svd`."""
    texts: dict[object, str] = {}
    for o in obstacles:
        where = f" in '{o.source}'" if o.source and o.source.rpartition("/")[2] != o.operator else ""
        text = f"{o.operator}{where}" if o.operator else o.change.construct if o.change else o.message
        # Two engines call one thing by two names.
        texts.setdefault((o.change, o.source) if o.change and o.source else text, text)
    return "replace " + ", ".join(texts.values())


def _accelerators(figures: Figures, made: Mapping[str, Figures]) -> tuple[AcceleratorVerdict, ...]:
    """What speaks against a variant is read off its own file where there is one, else off the float file."""
    return (_cpu(figures, made), _gpu(figures, made), _npu(figures))


def _cpu(figures: Figures, made: Mapping[str, Figures]) -> AcceleratorVerdict:
    depthwise = sum(
        use.count for use in figures.operators if use.name == "DEPTHWISE_CONV_2D" and use.needs == "builtin"
    )
    if not figures.is_float:
        variant, why = "as it is", _quantized(figures)
    elif "dynamic-int8" not in figures.kinds:
        variant, why = "float32", "it has no layer whose weights a quantizer makes smaller"
    elif depthwise and "int8" in figures.kinds:
        variant, why = (
            "int8",
            "a quarter of the weights, and integer arithmetic; needs calibration data. As dynamic-int8 ",
        )
        why += f"XNNPACK would not take its DEPTHWISE_CONV_2D ({depthwise})"
    else:
        variant, why = "dynamic-int8", "a quarter of the weights without calibration data"
        why += "; int8 is faster still and needs some" if "int8" in figures.kinds else ""
    own = made.get(variant)
    of = " of the float file" if own is None and variant in ("int8", "dynamic-int8") else ""
    missed = [n.operator for s in (own or figures).signatures for n in s.xnnpack.not_taken]
    taken = f"XNNPACK takes {_taken(own or figures, 'xnnpack')}{of}"
    if missed:
        return AcceleratorVerdict("CPU", variant, why, f"{taken}, not {_names(missed)}")
    return AcceleratorVerdict("CPU", variant, f"{why}; {taken}", "")


def _gpu(figures: Figures, made: Mapping[str, Figures]) -> AcceleratorVerdict:
    variant, why = "float16", "the GPU computes in float16"
    own = made["float16"].data.file if "float16" in made else figures.smaller.get("float16")
    if not figures.is_float:
        variant, why = "as it is", _quantized(figures)
    elif own is None or own >= figures.data.file:
        variant, why = "float32", f"{why} whatever the file holds, and a float16 file would not be smaller"
    else:
        about = "" if "float16" in made else "about "
        why += f", and the file is {about}{round(100 * (1 - own / figures.data.file))} % smaller"
    figures = made.get(variant, figures)
    short = [s for s in figures.signatures if not s.gpu.whole]
    if not short:
        return AcceleratorVerdict("GPU", variant, why, "")
    refused = [n for s in short for n in s.gpu.not_taken]
    pieces = sum(len(s.gpu.pieces) for s in short)
    delegated = sum(s.gpu.delegated for s in figures.signatures)
    total = sum(s.gpu.operators for s in figures.signatures)
    if not delegated:
        first = f"{refused[0].operator}: {refused[0].reason}" if refused else "there is none"
        return AcceleratorVerdict("GPU", "", "", f"the delegate takes no operator ({first})")
    kinds = dict.fromkeys(n.operator for n in refused)
    parts = [f"{_names(kinds)} stay{'s' if len(kinds) == 1 else ''} on the CPU"] if kinds else []
    parts += [f"of {pieces} pieces only the largest goes to the GPU"] if pieces > len(short) else []
    return AcceleratorVerdict("GPU", variant, why, f"it gets {delegated} of {total} operators: {'; '.join(parts)}")


def _npu(figures: Figures) -> AcceleratorVerdict:
    if figures.is_float and "int8" not in figures.kinds:
        outside = " outside of the bodies of its loops and branches" if figures.complexity.control_flow else ""
        but = f"NPUs compute with integers of 8 bits, and nothing{outside} has an int8 form"
        return AcceleratorVerdict("NPU", "", "", but)
    against = []
    if figures.complexity.dynamic_inputs:
        against.append(f"the shape of {_names(figures.complexity.dynamic_inputs)} is open, and NPUs want it fixed")
    if figures.complexity.control_flow:
        against.append(f"NPUs have no {_names(figures.complexity.control_flow)}")
    others = [use.name for use in figures.operators if use.needs != "builtin"]
    if others:
        against.append(f"no builtin operators: {_names(others)}")
    if not figures.is_float:
        return AcceleratorVerdict("NPU", "as it is", _quantized(figures), "; ".join(against))
    why = "NPUs compute with integers of 8 bits; needs calibration data"
    return AcceleratorVerdict("NPU", "int8", why, "; ".join(against))


def _quantized(figures: Figures) -> str:
    """Why no other variant is named."""
    return f"it is quantized already ({figures.quantization}); what would suit better is made of the float model"


def _taken(figures: Figures, delegate: Literal["gpu", "xnnpack"]) -> str:
    def coverage(s: SignatureFigures) -> tuple[int, int]:
        found = s.gpu if delegate == "gpu" else s.xnnpack
        return found.delegated, found.operators

    pairs = [coverage(s) for s in figures.signatures]
    taken, total = sum(t for t, _ in pairs), sum(n for _, n in pairs)
    return "all operators" if taken == total else f"{taken} of {total} operators"


def _names(names: Iterable[str]) -> str:
    listed = list(dict.fromkeys(names))
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
