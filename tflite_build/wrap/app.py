"""From built files, and what only the spec knows, to the view of a model that apps have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tflite_build.engines.contract import Declared, DeclaredInput, Invalid, Names
from tflite_build.engines.kinds import methods, training
from tflite_build.engines.kinds.binding import Binding, bound
from tflite_build.engines.kinds.methods import MethodRule
from tflite_build.engines.kinds.states import States, left, outputs_of
from tflite_build.engines.words import near_or_all, quoted, shape_text
from tflite_build.tflite import capabilities, reader, runtimes
from tflite_build.tflite.capabilities import Api, Capability
from tflite_build.tflite.custom import STOCK
from tflite_build.tflite.reader import Model, SignatureTensor
from tflite_build.tflite.summary import quantization_of

from . import kinds
from .kinds.audio import AudioArgument, check_stream
from .kinds.base import ArgumentView, Given, Lines, ResultView
from .kinds.text import TextArgument
from .view import (
    EXAMPLE,
    AppView,
    MemberView,
    MethodView,
    RuntimeView,
    SizedView,
    StateView,
    TensorView,
    VariantView,
)

_ASSIGN = "ASSIGN_VARIABLE"
_CALLING = ("WHILE", "IF")  # where assignments may stand in a graph of their own


@dataclass(frozen=True, slots=True)
class File:
    """A built file: where it is, what it will be called, and its content's digest."""

    variant: str
    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the spec says that tensors mean.

    Attributes:
        arguments: Signature ("" for the only one) -> what is passed, as far as the spec says it.
        results: The same for what is got.
        states: What it keeps between calls.
        rules: What methods are called, and what they call.
        lines: Reads the files that a key of a binding names: locale -> lines.
    """

    declared: Declared
    names: Names
    arguments: Mapping[str, Sequence[Binding]]
    results: Mapping[str, Sequence[Binding]]
    states: States
    rules: Sequence[MethodRule]
    lines: Lines

    def inputs(self, signature: str) -> dict[str, DeclaredInput]:
        """What is declared of inputs, by public name."""
        return {
            self.names.public(signature, "inputs", own): declared
            for own, declared in self.declared.inputs(signature).items()
        }

    def of(self, signature: str) -> tuple[Sequence[Binding], Sequence[Binding]]:
        """The arguments and results of a signature that are said."""
        arguments, results = (side.get(signature) or side.get("") or () for side in (self.arguments, self.results))
        return arguments, results


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the spec says of the app.

    Attributes:
        targets: What the app is linked to.
        api: "auto", or the API that is asked for.
        accelerators: In order of preference.
        platform: "android" or "ios".
        artifact: The user's own runtime.
        fallback: Whether a runtime of the app's own stands in where Play services have none.
        places: The keys of the runtime that the spec says -> where they stand.
    """

    model: str
    description: str
    version: str
    author: str
    license: str
    meaning: Meaning
    platform: str
    targets: Sequence[str]
    api: str
    accelerators: Sequence[str]
    artifact: str = ""
    fallback: bool = False
    places: Mapping[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """Where a key of the runtime is to be blamed: the platform's own table where the spec leaves it to the tool."""
        return self.places.get(name, self.platform)


def view(wanted: Wanted, files: Sequence[File]) -> AppView:
    """The view of a model.

    Args:
        files: The variants that the app can have, at least one, all of the same signatures.

    Raises:
        Invalid: The model cannot be called in the way that the spec asks for.
        FormatError: A file is damaged.
    """
    variants = []
    made: tuple[MethodView, ...] = ()
    custom: set[str] = set()
    select: set[str] = set()
    lacks: dict[str, str] = {}
    ways = [way for target in wanted.targets for way in capabilities.of(wanted.platform, target).values()]
    releases = {r for way in ways for r in (way.release, way.select) if r}
    variables = handed_on = False
    for file in files:
        with reader.model(file.path) as model:
            tensors = _tensors(model, wanted.meaning)
            variants.append(
                VariantView(file.variant, file.name, file.sha256, model.size, quantization_of(model), tensors)
            )
            made = made or _methods(tensors, wanted.meaning)
            custom |= {code.name for code in model.codes if code.custom and not code.flex}
            variables |= any(t.is_variable for g in model.subgraphs for t in g.tensors) or any(
                code.name == _ASSIGN for code in model.codes
            )
            handed_on |= any(_indices(s.inputs) & _indices(s.outputs) for s in model.signatures)
            _check_doubled(model, wanted.platform)
            select |= {code.name for code in model.codes if code.flex}
            for release in releases - lacks.keys():
                for lack in runtimes.lacks(model, runtimes.release(release))[:1]:
                    lacks[release] = f"{lack.need.operator} in version {lack.need.version}, which {release} has not"
    _check_callable(made, wanted)
    needs = _Needs(variants, select, custom - STOCK, variables, handed_on, lacks)
    linked = tuple(_runtime(target, wanted, needs) for target in wanted.targets)
    said = (wanted.model, wanted.description, wanted.version, wanted.author, wanted.license)
    return AppView(*said, made, tuple(variants), linked, wanted.meaning.states.internal)


def check(model: Model, meaning: Meaning) -> None:
    """Hold what the spec says that tensors mean against the tensors of a file.

    Raises:
        Invalid: If something does not fit.
    """
    tensors = _tensors(model, meaning)
    _methods(tensors, meaning)
    meaning.states.check(tensors)
    training.check(meaning.rules, tensors)
    _check_learns(model, meaning.rules)


def _check_learns(model: Model, rules: Sequence[MethodRule]) -> None:
    """Refuse what is said to train, or to restore, and changes no variable.

    Raises:
        Invalid: If there is such.
    """
    for rule in rules:
        if rule.role not in (training.TRAIN, training.RESTORE):
            continue
        for signature in model.signatures:
            graph = model.subgraphs[signature.subgraph]
            operators = {model.codes[operator.code].name for operator in graph.operators}
            if signature.name == rule.signatures[0] and not operators & {_ASSIGN, *_CALLING}:
                raise Invalid(
                    f"'{signature.name}' assigns to no variable of the model",
                    f"{rule.key}.role",
                    "the source's function has to, as `variable.assign(...)` does",
                )


def _check_doubled(model: Model, platform: str) -> None:
    """Refuse two outputs that are one tensor: runtimes know one name of it.

    Raises:
        Invalid: If there are such.
    """
    for signature in model.signatures:
        names: dict[int, str] = {}
        for output in signature.outputs:
            other = names.setdefault(output.tensor.index, output.name)
            if other != output.name:
                raise Invalid(
                    f"the outputs '{other}' and '{output.name}' are one tensor, of which apps' runtimes know one name",
                    platform,
                    "give it one name; where it is a state that an app sees, [result.NAME] can bind the state's output",
                )


def _indices(tensors: Sequence[SignatureTensor]) -> set[int]:
    return {t.tensor.index for t in tensors}


@dataclass(frozen=True, slots=True)
class _Needs:
    """What files need of a runtime."""

    variants: Sequence[VariantView]
    select: set[str]
    custom: set[str]
    variables: bool
    handed_on: bool
    lacks: Mapping[str, str]  # release -> an operator of theirs that it has not

    @property
    def dynamic(self) -> bool:
        """Whether an input has a dynamic dimension."""
        return any(t.dynamic for v in self.variants for inputs, _ in v.tensors.values() for t in inputs)

    def lacking(self, capability: Capability) -> str:
        """Why a runtime cannot run them; "" where it can."""
        title = capability.title
        for variant in self.variants:
            for signature, (inputs, outputs) in variant.tensors.items():
                for tensor in (*inputs, *outputs):
                    if tensor.dtype not in capability.types:
                        return f"'{tensor.name}' is {tensor.dtype}, and {title} has no such tensors"
                for tensor in inputs:
                    if tensor.dynamic and not capability.resize:
                        return (
                            f"'{tensor.name}' has the shape {shape_text(tensor.shape)}, and {title} gives no dynamic "
                            "dimension a size"
                        )
                if not inputs and not capability.inputless:
                    return (
                        f"'{signature}' takes nothing, and {title} calls no signature without inputs: have it take one "
                        "whose value does not matter"
                    )
                if any(tensor.dynamic for tensor in inputs) and len(variant.tensors) > 1:
                    return (
                        f"the inputs of '{signature}' have dynamic dimensions beside other signatures, which {title} "
                        "resizes no inputs of"
                    )
            if len(variant.tensors) > 1 and not capability.signatures:
                return f"the model has {len(variant.tensors)} signatures, and {title} calls one alone"
        if self.handed_on and not capability.handed_on:
            return f"an output of the model is one of its inputs, which {title} computes wrongly"
        if self.variables and not capability.variables:
            return f"the model keeps values between calls, and {title} has no variables"
        if self.select and not capability.select_tf_ops:
            return f"the model has select TensorFlow operators, and {title} has none"
        if self.custom and not capability.custom_ops:
            return f"the model has the custom operators {quoted(sorted(self.custom))}, and {title} registers none"
        release = capability.select if self.select else capability.release
        return f"the model has {self.lacks[release]}" if release in self.lacks else ""


def _runtime(target: str, wanted: Wanted, needs: _Needs) -> RuntimeView:
    ways = capabilities.of(wanted.platform, target)
    asked: list[Api] = [api for api in ways if wanted.api in ("auto", api)]
    reasons = {api: needs.lacking(ways[api]) for api in asked}
    able = [api for api in asked if not reasons[api]]
    if not able:
        reason = "; ".join(dict.fromkeys(reasons.values())) or f"it has no API '{wanted.api}'"
        other = [api for api in ways if api not in asked and not needs.lacking(ways[api])]
        hint = f'api = "{other[0]}" can' if other else _other_target(target, wanted, needs)
        key = "target" if wanted.api == "auto" else "api"
        raise Invalid(f"no app can run this model with {target}: {reason}", wanted.key(key), hint)
    # An accelerator that is asked for decides between two APIs that both can.
    best = max(able, key=lambda api: len({*wanted.accelerators} & {*ways[api].accelerators} - {*ways[api].brought}))
    select = bool(needs.select)
    for place, accelerator in enumerate(wanted.accelerators):
        reason = ""
        if accelerator not in ways[best].accelerators:
            reason = next((reasons[api] for api in asked if accelerator in ways[api].accelerators), "")
            reason = reason or f"{ways[best].title} runs nothing there"
        elif accelerator != "cpu" and select and accelerator not in ways[best].select_accelerators:
            reason = "the library with TensorFlow's own kernels has the CPU alone"
        elif accelerator != "cpu" and needs.dynamic:
            reason = "its inputs have dynamic dimensions, whose sizes a delegate fixes when the model is opened"
        if reason:
            raise Invalid(
                f"no app can run this model on the {accelerator.upper()} with {target}: {reason}",
                f"{wanted.key('accelerators')}.{place}",
                "take it out",
            )
    return RuntimeView(target, ways[best], tuple(wanted.accelerators), wanted.artifact, wanted.fallback, select)


def _other_target(target: str, wanted: Wanted, needs: _Needs) -> str:
    for other in ("standard", "play-services"):
        ways = capabilities.of(wanted.platform, other)
        if other != target and any(not needs.lacking(way) for way in ways.values()):
            return "leave it out of the targets" if other in wanted.targets else f'target = "{other}" can'
    return ""


def _tensors(model: Model, meaning: Meaning) -> dict[str, tuple[tuple[TensorView, ...], tuple[TensorView, ...]]]:
    """Signature -> its inputs and outputs, in the order of the file."""
    found = {}
    for signature in map(model.ordered, model.signatures):
        declared = meaning.inputs(signature.name)
        inputs = tuple(_tensor(t, declared.get(t.name)) for t in signature.inputs)
        outputs = tuple(_tensor(t, None, "?") for t in signature.outputs)
        found[signature.name] = (inputs, outputs)
    return found


def _tensor(given: SignatureTensor, declared: DeclaredInput | None, unknown: str = "") -> TensorView:
    tensor = given.tensor
    said = declared.shape if declared and declared.shape and len(declared.shape) == len(tensor.shape) else None
    shape: list[int | str] = []
    for place, size in enumerate(tensor.shape):
        name = said[place] if said else None
        shape.append(size if size >= 0 else name if isinstance(name, str) else unknown or f"d{place}")
    q = tensor.quantization
    scaled = q is not None and len(q.scales) == 1 and tensor.dtype in ("int8", "uint8", "int16")
    return TensorView(
        given.name,
        tensor.dtype,
        tuple(shape),
        q.scales[0] if scaled and q else None,
        q.zero_points[0] if scaled and q and q.zero_points else 0,
    )


def _methods(
    tensors: Mapping[str, tuple[tuple[TensorView, ...], tuple[TensorView, ...]]], meaning: Meaning
) -> tuple[MethodView, ...]:
    """What apps call, in the order of the file's signatures, and what that calls in turn."""
    rules = [replace(r, signatures=tuple(tensors)) if _of_all(r, tensors) else r for r in meaning.rules]
    methods.check(rules, list(tensors))
    of = {name: rule for rule in rules for name in rule.signatures}
    found: list[MethodView] = []
    several = len(tensors) > 1
    for name, ends in tensors.items():
        rule = of.get(name)
        if rule is not None and rule.private:
            continue
        made = _method(name, ends, meaning, rule, several=several)
        if rule is None:
            found.append(made)
        elif len(rule.signatures) == 1:
            found.append(replace(made, name=rule.name, description=rule.description))
        else:
            found.append(replace(made, hidden=True))
            own = [m for m in found if m.hidden and m.signature in rule.signatures]
            if len(own) == len(rule.signatures):
                found.append(_group(rule, own))
    return tuple(found)


def _check_callable(found: Sequence[MethodView], wanted: Wanted) -> None:
    """Refuse what code cannot be generated for."""
    platform = wanted.platform
    if not any(not m.hidden for m in found):
        raise Invalid("all signatures are private, and an app has nothing to call", platform)
    for method in found:
        if (method.arguments and method.results) or method.states or wanted.meaning.states.internal or method.role:
            continue
        what = "takes nothing" if not method.arguments else "gives nothing"
        raise Invalid(
            f"the signature '{method.signature}' {what}, and code is generated for what takes and gives",
            platform,
            f"take [{platform}] out, and call the model by the tensors of its file",
        )


def _of_all(rule: MethodRule, signatures: Collection[str]) -> bool:
    """Whether a rule gives the only signature another name."""
    return len(signatures) == 1 and rule.signatures == (rule.name,) and rule.name not in signatures


def _group(rule: MethodRule, own: Sequence[MethodView]) -> MethodView:
    """Several signatures as one method: its tensors are those of the largest."""
    arguments = {a.name: a for a in own[0].arguments}
    grouped = next((a for a in own[0].arguments if a.group), None)
    if grouped is not None:
        message = (
            f"'{grouped.name}' is passed with '{grouped.group}', and arguments of several signatures are passed alone"
        )
        raise Invalid(message, f"{rule.key}.signatures", "take `group` out")
    select = arguments.get(rule.select_by)
    if select is None:
        hint = near_or_all(rule.select_by, list(arguments))
        raise Invalid(f"'{rule.name}' has no argument '{rule.select_by}'", f"{rule.key}.select_by", hint)
    ends = {
        m.signature: (
            [t for a in m.arguments for t in a.tensors.values()],
            [t for r in m.results for t in r.tensors.values()],
        )
        for m in own
    }
    found = methods.group(rule, ends, select.tensor.name)
    by_signature = {m.signature: m for m in own}
    members = tuple(MemberView(m.size, by_signature[m.signature]) for m in found.members)
    largest = members[-1].method
    sides: tuple[tuple[Sequence[ArgumentView | ResultView], Mapping[str, int]], ...] = (
        (largest.arguments, found.inputs),
        (largest.results, found.outputs),
    )
    sized = []
    for things, rests in sides:
        sized.append({t.name: rests[t.tensor.name] for t in things if t.word == "tensor" and t.tensor.name in rests})
        for thing in things:
            if thing.word != "tensor" and any(t.name in rests for t in thing.tensors.values()):
                message = (
                    f"'{thing.name}' has another size in each signature, and is no array that could be cut or filled up"
                )
                raise Invalid(message, f"{rule.key}.signatures")
    for name in rule.fill:
        if name and name not in sized[0]:
            raise Invalid(f"'{name}' is not filled up", f'{rule.key}.fill."{name}"', near_or_all(name, list(sized[0])))
    fills = {name: rule.fill.get(name, rule.fill.get("", 0.0)) for name in sized[0]}
    view = SizedView(rule.select_by, sized[0], sized[1], fills)
    return replace(largest, name=rule.name, description=rule.description, members=members, hidden=False, sized=view)


def _method(
    signature: str,
    ends: tuple[tuple[TensorView, ...], tuple[TensorView, ...]],
    meaning: Meaning,
    rule: MethodRule | None,
    *,
    several: bool,
) -> MethodView:
    rule, batch = rule or MethodRule(signature, (signature,)), 0
    given = Given(meaning.inputs(signature), meaning.lines)
    passed, got = meaning.of(signature)
    kept = meaning.states.bound(*ends)
    inputs = [t for t in ends[0] if t.name not in {s.input.name for s in kept}]
    outputs = [t for t in ends[1] if t.name not in outputs_of(kept)]
    if rule.role == training.TRAIN:
        batch = training.batch(rule, inputs)
        inputs = [training.example(t) for t in inputs]
    said = left(passed, {s.input.name for s in kept})
    keys = {binding.name: binding.key for binding in said}
    if rule.role in (training.SAVE, training.RESTORE):
        taken_of, given_of = training.moved(rule, inputs, outputs)
    else:
        taken_of = _all(said, inputs, "input")
        given_of = _all(left(got, outputs_of(kept), seen=True), outputs, "output")
    arguments = tuple(_argument(b, inputs, given) for b in taken_of)
    if batch:
        whole = {t.name for t in ends[0] if not t.shape}  # of the batch, as a rate of learning is
        of_batch = [a for a in arguments if all(t.name in whole for t in a.tensors.values())]
        of_each = [_of_example(a, keys.get(a.name, "")) for a in arguments if a not in of_batch]
        arguments = (*of_each, *of_batch)
    given = replace(given, arguments=arguments)
    results = tuple(kinds.RESULTS[b.kind](b, bound(b, ends[1], "output"), given) for b in given_of)
    for argument in arguments:
        if isinstance(argument, AudioArgument):
            check_stream(keys[argument.name], argument, results)
    words = {r.verb for r in results}
    only = words.pop() if len(words) == 1 else "predict"
    taken, given_by = ({t.name: t for t in side} for side in ends)
    states = tuple(
        StateView(s.name, taken[s.input.name], given_by[s.output.name] if s.output is not None else None, s.initial)
        for s in kept
    )
    name = signature if several else only
    return MethodView(name, signature, *ends, arguments, results, states, role=rule.role, batch=batch)


def _of_example(argument: ArgumentView, key: str) -> ArgumentView:
    """An argument of one example of a batch, all of which are passed together.

    Raises:
        Invalid: If it is passed with others already, comes in pieces, or is split by what the app brings.
    """
    if argument.group:
        raise Invalid("what belongs to an example is passed together as it is", f"{key}.group", "take it out")
    if isinstance(argument, AudioArgument) and argument.stream is not None:
        raise Invalid("an example is a whole sound", f"{key}.stream", "take it out")
    if isinstance(argument, TextArgument) and argument.how.type == "sentencepiece":
        hint = 'use type = "bert" or "regex"'
        raise Invalid("texts of examples are split by what the tool has itself", f"{key}.tokenizer.type", hint)
    return replace(argument, group=EXAMPLE)


def _argument(binding: Binding, inputs: Sequence[TensorView], given: Given) -> ArgumentView:
    view = kinds.ARGUMENTS[binding.kind](binding, bound(binding, inputs, "input"), given)
    group = binding.options.get("group", "")
    if group and isinstance(view, AudioArgument) and view.stream is not None:
        raise Invalid("a sound that comes in pieces is passed alone", binding.at("group"), "take it out")
    return replace(view, group=group)


def _all(said: Sequence[Binding], tensors: Sequence[TensorView], side: str) -> list[Binding]:
    """What is said, and each tensor that nobody says anything of, in the order of the file's tensors."""
    bound_there = {name for binding in said for name in binding.tensors.values()}
    rest = {t.name for t in tensors} - bound_there
    for binding in said:
        if binding.name in rest:
            what = "argument" if side == "input" else "result"
            raise Invalid(
                f"the {side} '{binding.name}' is no part of the {what} that is called so, and is one by itself",
                binding.key,
                f"give the {what} another name",
            )
    free = [Binding("tensor", t.name, f'{side}."{t.name}"', {side: t.name}) for t in tensors if t.name in rest]
    places = {t.name: place for place, t in enumerate(tensors)}
    return sorted([*said, *free], key=lambda b: min(places.get(name, len(places)) for name in b.tensors.values()))
