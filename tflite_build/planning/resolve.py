"""From the spec as written to one without a decision left: `resolve` is a pure function.

It takes the first candidate that nothing has refuted. Whoever runs the steps comes back with refutations and resolves
again. Knows which engines and quantizers there are, and nothing of how they work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from tflite_build.engines.content import Content
from tflite_build.engines.contract import DEFAULT_SIGNATURE, Declared, DeclaredInput, Interface, Names, TensorNames
from tflite_build.errors import BuildError, ExitCode, Problem, SpecError, near_miss, one_of
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.sources import FunctionSource, JaxSource, KerasSource, SavedModelSource, TfliteSource
from tflite_build.spec.tensors import Input, Output
from tflite_build.spec.variants import Variant

from .lock import Decision, Lock, Refutation

ENGINES: dict[str, tuple[str, ...]] = {
    "keras": ("litert", "tensorflow"),
    "jax": ("litert",),  # docs/decisions/0009-jax-has-one-engine.md
    "saved_model": ("tensorflow",),
    "function": ("tensorflow",),
    "tflite": (),
}
QUANTIZERS: dict[str, tuple[str, ...]] = {"int8": ("litert", "tensorflow"), "int16x8": ("litert", "tensorflow")}
# What only a refusal brings up, behind all others: docs/decisions/0007-loops-come-last.md.
_LAST_RESORTS = ("litert-loops", "litert-partly")
_ONLY_LITERT = ("litert",)
_FIXED_SIZE = 1  # in an example of a shape, where the spec tests no size


@dataclass(frozen=True, slots=True)
class Refuted:
    """A candidate that was tried and given up: what for, which, why, and the engine's own words.

    Attributes:
        alternative: What could take its place where all others are refuted too, or "".
        hint: What the user can change in the spec, shown where all others are refuted too, or "".
    """

    subject: str
    choice: str
    reason: str
    detail: str = ""
    alternative: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ResolvedVariant:
    """One file to build.

    Attributes:
        quantizer: "litert", "tensorflow", or "" where nothing is quantized.
        quantizer_choice: As decisions name it: "litert-partly" where leaving operators in float is the last resort.
        io: "" where a recipe decides.
    """

    name: str
    quantize: str
    quantizer: str
    quantizer_choice: str
    io: str
    granularity: str | None
    keep_float: tuple[str, ...]
    recipe: Path | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model whose every question is answered.

    Attributes:
        engine: "litert", "tensorflow", or "" for a source that is a .tflite file already.
        loops: Whether recurrent layers may become loops, which the engine `litert` has no better form for.
        engine_choice: The two together as decisions name them: "litert-loops" where loops are the last resort.
        declared: What the spec says of inputs, by their own names.
        names: What the spec calls tensors.
        untried: Subjects whose choice no build has confirmed yet, with the candidates that would follow.
        located: Whether lowering keeps the user's source lines: for messages, after a refusal.
    """

    loaded: LoadedSpec
    engine: str
    loops: bool
    engine_choice: str
    declared: Declared
    names: Names
    variants: tuple[ResolvedVariant, ...]
    decisions: Mapping[str, Decision]
    untried: Mapping[str, tuple[str, ...]]
    located: bool = False

    @property
    def name(self) -> str:
        """The model's name."""
        return self.loaded.spec.model.name


def resolve(loaded: LoadedSpec, lock: Lock, refuted: Sequence[Refuted], interface: Interface | None = None) -> Resolved:
    """Decide everything that `loaded` leaves open.

    Args:
        loaded: The spec.
        lock: Decisions of earlier builds; they stay until they fail.
        refuted: What this build has tried in vain.
        interface: The source's signatures, where they could be read without a converter.

    Raises:
        SpecError: If names of the spec do not fit `interface`.
        BuildError: If every candidate is refuted; it shows each reason.
    """
    spec = loaded.spec
    source = spec.source
    decisions: dict[str, Decision] = {}
    untried: dict[str, tuple[str, ...]] = {}

    def decide(subject: str, candidates: tuple[str, ...]) -> str:
        gone = [r for r in refuted if r.subject == subject]
        locked = lock.decisions.get(subject)
        if len(candidates) > 1:
            named = {r.alternative for r in gone} | ({locked.choice} if locked is not None else set())
            candidates = (*candidates, *(c for c in _LAST_RESORTS if c in named))
        left = [c for c in candidates if c not in {r.choice for r in gone}]
        if not left:
            raise _all_refuted(loaded, subject, gone)
        if locked is not None and locked.choice in left:
            choice, reasons = locked.choice, {r.choice: r.reason for r in locked.refuted}
        else:
            choice, reasons = left[0], {}
            untried[subject] = tuple(left[1:])
        reasons |= {r.choice: r.reason for r in gone}
        if len(candidates) > 1:
            decisions[subject] = Decision(choice, tuple(Refutation(c, reasons[c]) for c in candidates if c in reasons))
        return choice

    candidates = ENGINES[source.format]
    if spec.convert.engine != "auto":
        candidates = (spec.convert.engine,)
    choice = decide("engine", candidates) if candidates else ""
    loops = choice == "litert-loops" or spec.convert.engine == "litert"
    engine = choice.removesuffix("-loops")

    variants = []
    for name, variant in (spec.variant or {"float32": Variant()}).items():
        quantizer = ""
        recipe = loaded.folder / variant.quantize if variant.quantize.endswith(".json") else None
        if variant.quantize not in ("none", "from-source"):
            quantizer = decide(f"quantizer:{name}", QUANTIZERS.get(variant.quantize, _ONLY_LITERT))
        variants.append(
            ResolvedVariant(
                name,
                "recipe" if recipe else variant.quantize,
                quantizer.removesuffix("-partly"),
                quantizer,
                variant.io or ("" if recipe else "float32"),
                variant.granularity,
                variant.keep_float,
                recipe,
            )
        )
    declared, names = _tensors(loaded, interface)
    return Resolved(loaded, engine, loops, choice, declared, names, tuple(variants), decisions, untried)


def _all_refuted(loaded: LoadedSpec, subject: str, gone: Sequence[Refuted]) -> BuildError:
    key = "source.format" if subject == "engine" else f"variant.{subject.partition(':')[2]}.quantize"
    hint = next((r.hint for r in gone if r.hint), "")
    problems = [
        loaded.problem(
            key,
            f"the {r.choice} {'engine' if subject == 'engine' else 'quantizer'} cannot make this file: {r.reason}",
            hint if r is gone[-1] else "",
            r.detail,
        )
        for r in gone
    ]
    if subject == "engine":
        problems[-1] = replace(problems[-1], hint=_fixed(loaded))
    return BuildError(problems, ExitCode.BUILD_FAILED)


def _fixed(loaded: LoadedSpec) -> str:
    """The lines that fix what the spec leaves open, which every converter takes more of; "" where nothing is open."""
    tables = [
        ("input", loaded.spec.input),
        *((f"signature.{s}.input", t.input) for s, t in loaded.spec.signature.items()),
    ]
    lines = []
    for prefix, inputs in tables:
        sizes = {d: s[0] for tensor in inputs.values() for d, s in tensor.sizes.items()}
        for name, tensor in inputs.items():
            if any(isinstance(d, str) for d in tensor.shape or ()):
                shape = [sizes.get(d, _FIXED_SIZE) if isinstance(d, str) else d for d in tensor.shape or ()]
                key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
                lines.append(f"shape = {shape} in [{prefix}.{key}]")
    return f"a fixed shape may convert where an open dimension does not: write {' and '.join(lines)}" if lines else ""


def signatures_of(loaded: LoadedSpec, interface: Interface | None) -> tuple[str, ...] | None:
    """The names of the signatures that will be converted, where they are known before the conversion."""
    source = loaded.spec.source
    if isinstance(source, FunctionSource | JaxSource):
        return tuple(source.signature) or (DEFAULT_SIGNATURE,)
    if isinstance(source, KerasSource):
        return (DEFAULT_SIGNATURE,)
    if interface is None:
        return None
    names = tuple(s.name for s in interface.signatures)
    if isinstance(source, SavedModelSource) and source.signatures:
        return tuple(n for n in names if n in source.signatures)
    return names


def _tensors(loaded: LoadedSpec, interface: Interface | None) -> tuple[Declared, Names]:
    spec = loaded.spec
    known = signatures_of(loaded, interface)
    problems: list[Problem] = []
    tables: list[tuple[str, str, Mapping[str, Input], Mapping[str, Output]]] = []
    if spec.input or spec.output:
        if known is not None and len(known) != 1:
            key = "input" if spec.input else "output"
            problems.append(
                loaded.problem(
                    key,
                    f"the source has {len(known)} signatures, so [{key}] does not say which one it belongs to",
                    f"write [signature.NAME.{key}.TENSOR] with NAME one of {', '.join(known)}",
                )
            )
        else:
            tables.append((known[0] if known else "", "", spec.input, spec.output))
    for name, tensors in spec.signature.items():
        if known is not None and name not in known:
            problems.append(
                loaded.problem(
                    f'signature."{name}"',
                    f"the source has no signature '{name}'",
                    near_miss(name, known) or f"it has {one_of(known)}",
                )
            )
            continue
        tables.append((name, f'signature."{name}".', tensors.input, tensors.output))
    declared: dict[str, dict[str, DeclaredInput]] = {}
    names: dict[str, TensorNames] = {}
    for signature, prefix, inputs, outputs in tables:
        if interface is not None:
            problems += _unknown_tensors(loaded, interface, signature, prefix, inputs, outputs)
        declared[signature] = {
            tensor.from_ or name: DeclaredInput(
                tensor.shape, tensor.dtype or "", tensor.range, tensor.sizes, _content(tensor)
            )
            for name, tensor in inputs.items()
        }
        renamed = TensorNames(
            {name: t.from_ for name, t in inputs.items() if t.from_ and t.from_ != name},
            {name: t.from_ or name for name, t in outputs.items()},  # all, since packing finds the unknown ones
        )
        if renamed.inputs or renamed.outputs:
            names[signature] = renamed
    if problems:
        raise SpecError(problems)
    return Declared(declared), Names(names)


def _content(tensor: Input) -> Content | None:
    """What an input stands for, as engines read it; None where the spec does not say."""
    if tensor.content is None:
        return None
    said = tensor.model_dump(include={f.name for f in fields(Content)}, exclude_none=True)
    return Content(tensor.content, **said)


def _unknown_tensors(
    loaded: LoadedSpec,
    interface: Interface,
    signature: str,
    prefix: str,
    inputs: Mapping[str, Input],
    outputs: Mapping[str, Output],
) -> list[Problem]:
    if isinstance(loaded.spec.source, TfliteSource | SavedModelSource):
        spec = interface.signature(signature)
        sides: list[tuple[str, Mapping[str, Input] | Mapping[str, Output], list[str]]] = [
            ("input", inputs, [t.name for t in spec.inputs]),
            ("output", outputs, [t.name for t in spec.outputs]),
        ]
        return [
            loaded.problem(
                f'{prefix}{kind}."{name}"' + (".from" if tensor.from_ else ""),
                f"the model has no {kind} '{tensor.from_ or name}'",
                near_miss(tensor.from_ or name, own) or f"it has {one_of(own)}",
            )
            for kind, tensors, own in sides
            for name, tensor in tensors.items()
            if own and (tensor.from_ or name) not in own
        ]
    return []
