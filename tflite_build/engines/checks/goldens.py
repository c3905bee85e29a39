"""`goldens`: what an app's code has to give for inputs as an app has them, computed from a built file.

Pictures and sounds are made here from a fixed seed, so that the whole way from pixels to results is held. Each case is a
file of little-endian numbers: the inputs in the order of their names, then the outputs.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tflite_build.engines.content import Content
from tflite_build.engines.contract import Declared, DeclaredInput, Invalid, Names, Refused, Request, TensorSpec
from tflite_build.engines.files import custom_operators, graph, lookups, opening, tensors
from tflite_build.engines.files.lines import of_binding
from tflite_build.engines.files.runner import Port, RunnableSignature
from tflite_build.engines.files.tensors import Array
from tflite_build.engines.kinds.binding import Binding, bound
from tflite_build.engines.kinds.methods import Group, MethodRule, group
from tflite_build.engines.kinds.states import States, left, outputs_of
from tflite_build.engines.kinds.training import Training, batch, example, moved
from tflite_build.engines.postprocessing import EXPECTED, decided
from tflite_build.engines.postprocessing.base import Around, Outputs
from tflite_build.engines.postprocessing.places import Places, places
from tflite_build.engines.preprocessing import categorical, image, layout, sound, text
from tflite_build.engines.preprocessing.folder import KERNEL
from tflite_build.engines.preprocessing.given import Asked, Values
from tflite_build.engines.words import near_or_all
from tflite_build.tflite import reader

_SEED = 20
_CASES = 2  # of each signature
_SEQUENCE = 3  # calls of a case, of a model that keeps something
_ATTEMPTS = 8  # at a case that kernels agree about
_PICTURES = ((61, 40), (33, 57))  # width and height: neither is a multiple of the other
_RATES = (1.0, 1.5)  # of a sound, as a multiple of what the model takes
_DIGITS = 5
# How far kernels of one file may be from each other, as a share of an output's largest value: the more of it is computed in
# integers, the further.
_RELATIVE = {"none": 1e-4, "float16": 1e-3, "int16x8": 0.01, "int8": 0.05}
_OTHERS = 0.05  # weights of integers, and what nobody says
_SHIFT = 8  # from 16 bits to the 24 that sounds are computed in
_STEPS = 2.01  # of a quantized output
_TENSOR = "tensor:"  # before the name of an output among those of results
# Kinds of arguments that become the same numbers in every language.
_EXACT: Mapping[str, Callable[[Asked], Values]] = {"categorical": categorical.given, "text": text.given}


@dataclass(frozen=True, slots=True)
class _Given:
    """An argument as the app has it, and what is made of it.

    Attributes:
        raw: Arrays that stand for it in a file.
        tensors: Input -> what the file takes.
        row: What says how to read it.
        sizes: Of dynamic dimensions.
        places: The way back to a picture.
        exact: The inputs among `tensors` that are the same in every language, to the last bit.
        ahead: Arrays that a test needs before it opens the model.
    """

    raw: Sequence[Array]
    tensors: Mapping[str, Array]
    row: Mapping[str, Any]
    sizes: Mapping[str, int] = field(default_factory=dict)
    places: Places | None = None
    exact: tuple[str, ...] = ()
    ahead: Sequence[Array] = ()


@dataclass(frozen=True, slots=True)
class _Passed:
    """What an app passes in a call: arguments by name, and those of each example of a batch."""

    arguments: Mapping[str, _Given]
    examples: Sequence[Mapping[str, _Given]] = ()

    @property
    def tensors(self) -> dict[str, Array]:
        """Input -> what the file takes."""
        found = {name: value for given in self.arguments.values() for name, value in given.tensors.items()}
        each = [{n: v for given in example.values() for n, v in given.tensors.items()} for example in self.examples]
        return found | {name: np.stack([e[name] for e in each]) for name in (each[0] if each else ())}

    @property
    def exact(self) -> dict[str, Array]:
        """The inputs that are the same in every language, in the order of their names."""
        known = [*self.arguments.values(), *(self.examples[0].values() if self.examples else ())]
        names = sorted(name for given in known for name in given.exact)
        tensors = self.tensors
        return {name: tensors[name] for name in names}

    @property
    def raw(self) -> list[Array]:
        """What stands for them in a file: examples one after the other, and arguments by their names."""
        return [array for each in (*self.examples, self.arguments) for given in each.values() for array in given.raw]

    @property
    def rows(self) -> dict[str, Any]:
        """What says how to read them."""
        found: dict[str, Any] = {"inputs": {name: given.row for name, given in self.arguments.items()}}
        if self.examples:
            rows = ({name: given.row for name, given in each.items()} for each in self.examples)
            found["examples"] = [{"times": len([*alike]), "inputs": row} for row, alike in itertools.groupby(rows)]
        return found


@dataclass(frozen=True, slots=True)
class _Call:
    """A call: what is passed, what the file gives, results, and how far a device may be from these, by name.

    Attributes:
        tensors: Outputs of the file's own types; of a method with results that are decided by comparing numbers alone.
        apart: How far kernels are from each other.
    """

    signature: str
    passed: _Passed
    tensors: Mapping[str, Array]
    results: Mapping[str, Array]
    tolerances: Mapping[str, float]
    apart: Mapping[str, float]

    @property
    def row(self) -> dict[str, Any]:
        """What says how to read it."""

        def read(name: str, value: Array) -> dict[str, Any]:
            return {"dtype": value.dtype.name, "count": int(value.size), "tolerance": self.tolerances[name]}

        return {
            "signature": self.signature,
            "exact": {n: {"dtype": v.dtype.name, "count": int(v.size)} for n, v in self.passed.exact.items()},
            "sizes": {d: size for given in self.passed.arguments.values() for d, size in given.sizes.items()},
            **self.passed.rows,
            "tensors": {name: read(f"{_TENSOR}{name}", value) for name, value in self.tensors.items()},
            "outputs": {name: read(name, value) for name, value in self.results.items()},
        }

    @property
    def agreed(self) -> bool:
        """Whether kernels are so near that a device will be, too."""
        return all(self.apart[name] <= self.tolerances[name] / 2 for name in self.apart)

    @property
    def widened(self) -> _Call:
        """The same where a device may be as far as kernels are from each other."""
        wider = {name: max(self.tolerances[name], _up(2 * far)) for name, far in self.apart.items()}
        return replace(self, tolerances={**self.tolerances, **wider})


@dataclass(frozen=True, slots=True)
class _Smaller:
    """A call of one of several signatures of a method: arguments have `size`, and are filled up."""

    size: int
    group: Group
    rule: MethodRule

    def given(self, name: str, given: _Given) -> _Given:
        """An argument of that size; one that is alike in all signatures as it is."""
        (tensor, value), *others = given.tensors.items()
        rest = self.group.inputs.get(tensor)
        if others or rest is None:
            return given
        raw = value.reshape(-1)[: self.size * rest].copy()
        filled = np.full(value.size, self.rule.fill.get(name, self.rule.fill.get("", 0.0)), value.dtype)
        filled[: raw.size] = raw
        return replace(
            given,
            raw=[raw],
            tensors={tensor: filled.reshape(value.shape)},
            row={**given.row, "count": int(raw.size)},
        )

    def results(self, made: Mapping[str, Array], bindings: Sequence[Binding]) -> dict[str, Array]:
        """Results of that size."""
        rests = {b.name: self.group.outputs.get(next(iter(b.tensors.values()))) for b in bindings if b.kind == "tensor"}
        return {
            name: value if (rest := rests.get(name)) is None else value.reshape(-1)[: self.size * rest]
            for name, value in made.items()
        }


def _content(calls: Sequence[_Call]) -> bytes:
    """All numbers of a case: exact inputs and outputs of all calls, then arguments and results of each, by their names."""
    arrays = [array for given in calls[0].passed.arguments.values() for array in given.ahead]
    arrays += [value for call in calls for value in call.passed.exact.values()]
    arrays += [value for call in calls for value in call.tensors.values()]
    for call in calls:
        arrays += call.passed.raw
        arrays += call.results.values()
    return b"".join(map(_bytes, arrays))


def run(request: Request) -> None:
    """Write `goldens/`: `index.json` and a file for each case; no case of a file that is not run (see `compare`).

    Params:
        names, declared: What the spec says; the file has the public names.
        quantize: How the spec says that the file is quantized.
        arguments, results: Signature ("" for the only one) -> bindings (see `kinds.binding`), as far as the spec says them.
        states: What the model keeps between calls (see `kinds.states`).
        methods: What methods are called, and what they call (see `kinds.methods`).

    Raises:
        Invalid: If an argument or a result binds what the file does not have.
        Refused: If the runtime does not run the file.
    """
    folder = request.outputs / "goldens"
    folder.mkdir()
    if custom_operators.not_run(request):
        with reader.model(request.inputs["model"]) as model:
            request.write_json("goldens/index.json", {signature.name: [] for signature in model.signatures})
        return
    made = _Maker(request)
    index: dict[str, list[dict[str, Any]]] = {}
    for number, signature in enumerate(made.signatures):
        rows = index[signature.name] = []
        if not made.is_called(signature.name):
            continue
        for turn in range(_CASES):
            calls = made.case(signature, (number, turn))
            file = f"{number}-{turn}.bin"
            (folder / file).write_bytes(_content(calls))
            rows.append({"file": file, "calls": [call.row for call in calls]})
    request.write_json("goldens/index.json", index)


class _Maker:
    """Makes cases of a file that kernels agree about: one near a border of rounding is another on each device.

    Expected is what the reference kernels give, which compute alike on every CPU, so that the lock is of no machine.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._names = Names.from_json(request.params["names"])
        self._declared = Declared.from_json(request.params["declared"])
        self._states = States.from_json(request.params["states"])
        self._rules = [MethodRule.from_json(rule) for rule in request.params["methods"]]
        self._training = Training.of(self._rules)
        self._kind = _kind(request)
        self._cases = tensors.read(request.inputs["samples"])
        self._app = self._reference = opening.runner(request)
        given = custom_operators.libraries(request, custom_operators.of(request.inputs["model"]))
        with reader.model(request.inputs["model"]) as model:
            flex = any(code.flex for code in model.codes)  # whose kernels come with no others
        if not flex and not any(library.interface == "compiled-model" for library in given):  # nor do these
            with contextlib.suppress(Refused):  # they lack some operators, such as ROUND
                reference = opening.runner(request, kernels="reference")
                reference.load()
                self._reference = reference
        self.signatures = tuple(self._app.signatures.values())

    def is_called(self, signature: str) -> bool:
        """Whether there are cases of it: code calls it, and not in those of another one alone."""
        private = any(rule.private and signature in rule.signatures for rule in self._rules)
        return not private and not self._training.moves(signature)

    def case(self, signature: RunnableSignature, place: tuple[int, int]) -> list[_Call]:
        """The calls of a case; where kernels agree about none of several, the tolerance is what they are apart.

        Args:
            place: The number of the signature and that of the case.
        """
        calls: list[_Call] = []
        make = self._trained if self._training.learns(signature.name) else self._calls
        for attempt in range(_ATTEMPTS):
            calls = make(signature, place, attempt)
            if all(call.agreed for call in calls):
                return calls
        return [call.widened for call in calls]

    def _calls(self, signature: RunnableSignature, place: tuple[int, int], attempt: int) -> list[_Call]:
        """One call; of a model that keeps something several, each of which takes what the one before it gives."""
        ins, outs = (
            [p.spec(real=p.scale is not None) for p in side.values()] for side in (signature.inputs, signature.outputs)
        )
        states = self._states.bound(ins, outs)
        kept = outputs_of(states)
        results = self._bindings(
            "results", signature.name, [t.name for t in outs if t.name not in kept], "output", kept
        )
        on_outputs = any(map(decided, results))
        carried = [
            {s.input.name: np.full([int(d) for d in s.input.shape], s.initial, s.input.real) for s in states}
            for _ in (self._reference, self._app)
        ]
        calls = []
        smaller = self._smaller(signature, {s.input.name for s in states} | kept, place[1])
        for turn in range(_SEQUENCE if states or self._states.internal else 1):
            given = self._arguments(signature, place, (attempt, turn), {s.input.name for s in states})
            given = {name: smaller.given(name, one) for name, one in given.items()} if smaller else given
            passed = _Passed(given)
            fresh = not (self._states.internal and turn)
            wanted, seen = (
                runner.run(signature.name, {**passed.tensors, **state}, fresh=fresh)
                for runner, state in zip((self._reference, self._app), carried, strict=True)
            )
            make = self._decided if on_outputs else self._plain
            call = make(signature, results, passed, wanted, seen)
            calls.append(replace(call, results=smaller.results(call.results, results)) if smaller else call)
            # Of decided results a test hands the outputs on, too.
            for values, state in zip((calls[-1].tensors,) * 2 if on_outputs else (wanted, seen), carried, strict=True):
                for s in states:
                    if s.output is not None:
                        state[s.input.name] = signature.outputs[s.output.name].dequantize(values[s.output.name])
        return calls

    def _trained(self, signature: RunnableSignature, place: tuple[int, int], attempt: int) -> list[_Call]:
        """Several batches, and what all else gives that looks at what was learned."""
        calls = []
        others = [s for s in self.signatures if self._training.follows(s.name) and self._is_alone(s.name)]
        for turn, each in enumerate([*[signature] * _SEQUENCE, *others]):
            results = self._bindings("results", each.name, list(each.outputs), "output", ())
            saves = self._training.moves(each.name)  # which an app passes nothing to
            passed = _Passed({}) if saves else self._passed(each, place, (attempt, turn))
            fed = {n: np.zeros(p.shape, p.dtype) for n, p in each.inputs.items()} if saves else passed.tensors
            wanted, seen = (runner.run(each.name, fed, fresh=not turn) for runner in (self._reference, self._app))
            calls.append(self._plain(each, results, passed, wanted, seen))
        return calls

    def _is_alone(self, signature: str) -> bool:
        """Whether a method calls this one, and whose result is what the file gives."""
        if any(len(r.signatures) > 1 or r.private for r in self._rules if signature in r.signatures):
            return False
        outputs = list(next(s for s in self.signatures if s.name == signature).outputs)
        said = [*self._bindings("results", signature, outputs, "output", ())]
        arguments = self._bindings("arguments", signature, [], "input", ())
        return not any(map(decided, said)) and not any(b.kind in _EXACT for b in arguments)

    def _passed(self, signature: RunnableSignature, place: tuple[int, int], attempt: tuple[int, int]) -> _Passed:
        """What an app passes: each example of a batch is as it passes one thing."""
        if not self._training.learns(signature.name):
            return _Passed(self._arguments(signature, place, attempt, ()))
        rule = next(r for r in self._rules if r.signatures == (signature.name,))
        ports = [p.spec(real=p.scale is not None) for p in signature.inputs.values()]
        whole = {t.name for t in ports if not t.shape}
        each = [self._arguments(signature, place, attempt, (), number) for number in range(batch(rule, ports))]
        of_batch = {name for name, given in each[0].items() if whole.issuperset(given.tensors)}
        examples = [{name: given for name, given in one.items() if name not in of_batch} for one in each]
        return _Passed({name: each[0][name] for name in sorted(of_batch)}, examples)

    def _smaller(self, signature: RunnableSignature, states: Collection[str], turn: int) -> _Smaller | None:
        """What a call of this signature has, where it is one of several of a method; None where it is not."""
        rule = next((r for r in self._rules if len(r.signatures) > 1 and signature.name in r.signatures), None)
        if rule is None:
            return None

        def seen(ports: Mapping[str, Port]) -> list[TensorSpec]:
            return [p.spec(real=p.scale is not None) for name, p in ports.items() if name not in states]

        ends = {s.name: (seen(s.inputs), seen(s.outputs)) for s in self.signatures if s.name in rule.signatures}
        arguments = self._bindings(
            "arguments", signature.name, [t.name for t in ends[signature.name][0]], "input", states
        )
        select = next((b for b in arguments if b.name == rule.select_by), None)
        if select is None:
            hint = near_or_all(rule.select_by, [b.name for b in arguments])
            raise Invalid(f"'{rule.name}' has no argument '{rule.select_by}'", f"{rule.key}.select_by", hint)
        found = group(rule, ends, next(iter(select.tensors.values())))
        sizes = [member.size for member in found.members]
        size = next(member.size for member in found.members if member.signature == signature.name)
        before = max((other for other in sizes if other < size), default=0)
        return _Smaller(size if turn == 0 else max(before + 1, size * 3 // 4), found, rule)

    def _plain(
        self,
        signature: RunnableSignature,
        results: Sequence[Binding],
        passed: _Passed,
        wanted: Mapping[str, Array],
        seen: Mapping[str, Array],
    ) -> _Call:
        """A call whose results are held against what a device gives."""
        given = passed.arguments
        made, other = (self._results(signature, results, given, values) for values in (wanted, seen))
        made, other = ({name: _rounded(value) for name, value in one.items()} for one in (made, other))
        ports = {b.name: signature.outputs[next(iter(b.tensors.values()))] for b in results}
        kept = {name: _tolerance(value, ports[name].scale, self._kind) for name, value in made.items()}
        return _Call(signature.name, passed, {}, made, kept, {name: _apart(made[name], other[name]) for name in made})

    def _decided(
        self,
        signature: RunnableSignature,
        results: Sequence[Binding],
        passed: _Passed,
        wanted: Mapping[str, Array],
        seen: Mapping[str, Array],
    ) -> _Call:
        """A call whose outputs are held against what a device gives, and whose results are made of these outputs."""
        kept = {name: _rounded(value) for name, value in sorted(wanted.items())}
        made = self._results(signature, results, passed.arguments, kept)
        tolerances = {
            f"{_TENSOR}{name}": _raw_tolerance(value, signature.outputs[name], self._kind)
            for name, value in kept.items()
        }
        near = {name: _near(value) for name, value in made.items()}
        apart = {f"{_TENSOR}{name}": _apart(value, _rounded(seen[name])) for name, value in kept.items()}
        return _Call(signature.name, passed, kept, made, {**tolerances, **near}, apart)

    def _results(
        self,
        signature: RunnableSignature,
        results: Sequence[Binding],
        given: Mapping[str, _Given],
        values: Mapping[str, Array],
    ) -> dict[str, Array]:
        """What an app gets of outputs, by name, in the order of the names."""
        around = Around({n: g.places for n, g in given.items() if g.places is not None}, self._lines)
        specs = {name: port.spec(real=port.scale is not None) for name, port in signature.outputs.items()}
        real = {name: port.dequantize(values[name]) for name, port in signature.outputs.items()}
        made = {}
        for binding in sorted(results, key=lambda b: b.name):
            tensors_of = bound(binding, list(specs.values()), "output")
            outputs = Outputs(tensors_of, {role: real[tensor.name] for role, tensor in tensors_of.items()})
            made[binding.name] = EXPECTED[binding.kind](binding, outputs, around)
        return made

    def _lines(self, binding: Binding, key: str) -> dict[str, Sequence[str]]:
        return of_binding(binding, key, self._request.inputs)

    def _bindings(
        self, table: str, signature: str, ports: Sequence[str], side: str, states: Collection[str]
    ) -> list[Binding]:
        """Those of a signature: what is said, and each tensor that nobody says anything of."""
        if self._training.moves(signature):
            ends = next(s for s in self.signatures if s.name == signature)
            rule = next(r for r in self._rules if r.signatures == (signature,))
            sides = ([p.spec(real=True) for p in own.values()] for own in (ends.inputs, ends.outputs))
            return moved(rule, *sides)[side == "output"]
        said = self._request.params[table]
        found = [Binding.from_json(b) for b in said.get(signature) or said.get("") or ()]
        found = left(found, states, seen=side == "output")
        there = {name for binding in found for name in binding.tensors.values()}
        return found + [Binding("tensor", name, side, {side: name}) for name in ports if name not in there]

    def _arguments(
        self,
        signature: RunnableSignature,
        place: tuple[int, int],
        attempt: tuple[int, int],
        states: Collection[str],
        number: int | None = None,
    ) -> dict[str, _Given]:
        """Arguments by their names; `number` is which of a batch's examples they are of."""
        seed = [_SEED, *place, *(attempt if attempt[1] else attempt[:1])]
        random = np.random.default_rng(seed if number is None else [*seed, number + 1])
        declared = self._declared.inputs(signature.name)
        found = {}
        rest = [name for name in signature.inputs if name not in states]
        arguments = self._bindings("arguments", signature.name, rest, "input", states)
        for binding in sorted(arguments, key=lambda b: b.name):
            specs = [port.spec(real=port.scale is not None) for port in signature.inputs.values()]
            specs = specs if number is None else [example(spec) for spec in specs]
            if binding.kind in _EXACT:
                asked = Asked(binding, bound(binding, specs, "input"), place[1], random, self._lines)
                found[binding.name] = self._exact(signature, asked)
                continue
            spec = bound(binding, specs, "input")["input"]
            own = self._names.own(signature.name, "inputs", spec.name)
            said = declared.get(own, DeclaredInput())
            key = binding.at("content")
            if binding.kind == "image" and said.content is not None:
                given = _picture(said.content, spec, place[1], random, key)
            elif binding.kind == "audio" and said.content is not None:
                given = _sound(said.content, spec, place[1], random, key)
            else:
                given = self._array(signature, own, said, spec, (place[1], sum(attempt)), number)
            found[binding.name] = given
        return found

    def _exact(self, signature: RunnableSignature, asked: Asked) -> _Given:
        """Values of an app's that become the same numbers in every language.

        Raises:
            Invalid: If the model looks into a table that is smaller than the vocabulary.
        """
        values = _EXACT[asked.binding.kind](asked)
        made = {asked.tensors[role].name: value for role, value in values.made.items()}
        main = asked.tensors[next(iter(asked.binding.tensors))].name
        declared = self._declared.inputs(signature.name).get(self._names.own(signature.name, "inputs", main))
        rows = lookups.rows(graph.read(self._request.inputs["model"]), signature, main)
        most = declared.range[1] if declared is not None and declared.range is not None else None
        if values.highest is not None and values.highest > min(most or np.inf, (rows or np.inf) - 1):
            there = f"'{main}' looks into a table of {rows} rows" if rows else f"the range of '{main}' ends at {most:g}"
            hint = "the model was trained with another one, or its file is cut off"
            raise Invalid(
                f"the vocabulary has ids up to {values.highest}, and {there}", asked.binding.at(values.key), hint
            )
        exact = tuple(name for name in made if signature.inputs[name].scale is None)
        return _Given(values.raw, made, values.row, exact=exact, ahead=values.ahead)

    def _array(
        self,
        signature: RunnableSignature,
        own: str,
        said: DeclaredInput,
        spec: TensorSpec,
        numbers: tuple[int, int],
        number: int | None,
    ) -> _Given:
        """A sample of the build's own data, by the model's own name of the input; zeros where it has none."""
        turn, attempt = numbers
        cases = [c for c in self._cases if c.signature in (signature.name, "") and c.count and own in c.tensors]
        if cases:
            case = cases[turn % len(cases)]
            sample = case.tensors[own][(turn + attempt * _CASES) % case.count]
            sample = sample if number is None or not sample.ndim else sample[number]
            value = np.array(sample, np.dtype(spec.dtype), order="C")
        else:
            value = np.zeros([d if isinstance(d, int) else 1 for d in spec.shape], spec.dtype)
        shape = said.shape if said.shape is not None and len(said.shape) == value.ndim else spec.shape
        sizes = {d: int(s) for d, s in zip(shape, value.shape, strict=True) if isinstance(d, str)}
        row = {"kind": "tensor", "dtype": value.dtype.name, "count": int(value.size)}
        return _Given([value], {spec.name: value}, row, sizes)


def _apart(made: Array, seen: Array) -> float:
    if made.dtype.kind == "b" or made.shape != seen.shape or not made.size:
        return 0.0
    return float(np.nanmax(np.abs(made.astype(np.float64) - seen), initial=0.0))


def _up(value: float) -> float:
    """Rounded up to one digit, which is the same on most machines."""
    return float(f"{value * 1.05:.0e}") if value else 0.0


def _kind(request: Request) -> str:
    """How the file is quantized; "" for one that the source was already, however."""
    with reader.model(request.inputs["model"]) as model:
        quantized = any(t.quantization is not None for graph in model.subgraphs for t in graph.tensors)
    word = str(request.params["quantize"])
    return "" if quantized and word == "none" else word


def _rounded(value: Array) -> Array:
    """Floats with so many digits as kernels and mathematical libraries agree about."""
    if value.dtype.kind != "f":
        return value
    return np.array([float(f"{v:.{_DIGITS}g}") for v in value.reshape(-1)], np.float32).reshape(value.shape)


def _picture(content: Content, spec: TensorSpec, turn: int, random: np.random.Generator, key: str) -> _Given:
    """Slopes with noise, (height, width, 3) of uint8."""
    width, height = _PICTURES[turn % len(_PICTURES)]
    y, x = np.mgrid[0:height, 0:width]
    slopes = np.stack([x * 255 / width, y * 255 / height, 255 - (x + y) * 255 / (width + height)], -1)
    pixels = np.clip(slopes + random.normal(0, 24, slopes.shape), 0, 255).astype(np.uint8)
    place = layout.of_image(spec.shape, content.color_space, spec.name, key)
    made = image.fitted(image.Picture(pixels), content, place.height, place.width, place.color_space)
    value = made if spec.dtype == "uint8" else image.normalized(made, content).astype(spec.dtype)
    row = {"kind": "image", "width": width, "height": height}
    back = places(content, (place.width, place.height), (width, height))
    return _Given([pixels], {spec.name: place.placed(value)}, row, places=back)


def _sound(content: Content, spec: TensorSpec, turn: int, random: np.random.Generator, key: str) -> _Given:
    """Two tones with noise, samples of 16 bits; a little longer than the tensor."""
    shape, length = layout.of_sound(spec.shape, spec.name, key)
    wanted = content.sample_rate or 1
    rate = round(wanted * _RATES[turn % len(_RATES)])
    time = np.arange(int(length * 1.2 * rate / wanted) + 8)
    tones = np.sin(time * 0.05) * 9000 + np.sin(time * 0.31) * 5000 + random.normal(0, 400, len(time))
    pcm = tones.astype(np.int16)
    units = pcm.astype(np.int64)[:, None] << _SHIFT
    one = sound.resampled(sound.mono(units), rate, wanted, sound.read_table(KERNEL))
    frame = sound.real(sound.frames(one, length, content.hop)[0])
    row = {"kind": "audio", "rate": rate, "count": len(pcm)}
    return _Given([pcm], {spec.name: image.normalized(frame, content).reshape(shape)}, row)


def _raw_tolerance(value: Array, port: Port, quantize: str) -> float:
    """How far a device's own output may be, in the tensor's own units."""
    if port.scale is None:
        return _tolerance(value, None, quantize)
    return _tolerance(port.dequantize(value), port.scale, quantize) / port.scale


def _near(value: Array) -> float:
    """How far what languages compute from the same numbers may be apart."""
    most = float(np.nanmax(np.abs(value), initial=0.0)) if value.dtype.kind == "f" else 0.0
    return max(1e-6, 2e-6 * most) if value.dtype.kind == "f" else 0.0


def _tolerance(value: Array, scale: float | None, quantize: str) -> float:
    if value.dtype.kind != "f" or not value.size:
        return 0.0
    step = (scale or 0.0) * _STEPS
    share = _RELATIVE.get(quantize, _OTHERS)
    return float(max(step, share * float(np.nanmax(np.abs(value), initial=0.0)), 1e-6))


def _bytes(array: Array) -> bytes:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
