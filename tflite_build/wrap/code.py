"""A model as code has it: names, types and expressions of a language, put together alike for all of them.

A language is a `Writer`: it says how each part is written. What is decided is decided here or in the view, so that
templates only print.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tflite_build.engines.kinds import training

from . import telling, words
from .kinds.audio import AudioArgument, StreamView
from .kinds.base import LOCALE, ArgumentView, Asset, Made, ResultView
from .names import ArgumentNames, MethodNames, ResultNames, identifiers, names_of
from .view import AppView, MethodView, StateView, TensorView, VariantView
from .writer import Parameter, Writer, sentence


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a file.

    Attributes:
        name: The property that holds its values in the type of raw tensors.
        count: The number of its values; "0" where a run tells.
        sized: Whether parameters are factors of that.
        info: What makes its description.
    """

    view: TensorView
    name: str
    array: str
    value: str
    count: str
    sized: bool
    info: str
    told: str

    @property
    def dynamic(self) -> bool:
        """Whether it has dynamic dimensions."""
        return bool(self.view.dynamic)


@dataclass(frozen=True, slots=True)
class Local:
    """What has a name of its own: a constant of the class, or what a method makes once of an argument.

    Attributes:
        fails: Whether making it may fail.
    """

    name: str
    made: str
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Held:
    """What an open model holds for an argument.

    Attributes:
        made: What makes it.
        brought: The parameter of what opens the model that it is made of; None where the app brings nothing.
        file: The name of the file that goes with the app for it; "" for none.
        constant: What tells that name; "" where only the model's own code reads it.
    """

    name: str
    type: str
    made: str
    brought: Parameter | None
    file: str
    asset: Asset | None
    constant: str


@dataclass(frozen=True, slots=True)
class Argument:
    """A parameter of a method, and how it becomes what tensors take.

    Attributes:
        constant: What prepares it, which `maker` makes; "" where nothing does.
        made: Tensor -> what it takes.
        check: The statement that refuses what does not fit; "" for none.
        local: What is made of it once; None where nothing has to be.
        extras: The further parameters that it brings.
    """

    name: str
    type: str
    view: ArgumentView
    told: tuple[str, ...]
    constant: str
    maker: str
    made: Mapping[str, str]
    check: str
    local: Local | None
    held: Held | None
    extras: tuple[Parameter, ...]

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.is_value

    @property
    def sentence(self) -> str:
        """What it is."""
        return sentence(self.told)


@dataclass(frozen=True, slots=True)
class Passed:
    """A parameter: an argument, or several that belong together.

    Attributes:
        type: The class of several; "" for one alone.
        class_name: The same within the model's class.
        count: How many of that a batch has; 0 where there is one alone.
        fields: What the class has: arguments, and what these bring.
    """

    name: str
    type: str
    class_name: str
    told: tuple[str, ...]
    arguments: tuple[Argument, ...]
    count: int = 0
    fields: tuple[Parameter, ...] = ()

    @property
    def sentence(self) -> str:
        """What the class of several is."""
        return "One example of a batch." if self.count else f"{'; '.join(self.told).capitalize()}."


@dataclass(frozen=True, slots=True)
class Labels:
    """What classes are called in a locale, "" where nobody says which."""

    constant: str
    locale: str
    labels: Sequence[str]

    @property
    def tag(self) -> str:
        """The locale as tags are compared."""
        return words.tag(self.locale)


@dataclass(frozen=True, slots=True)
class Result:
    """What a method gives: its name where there are several, its type, and how it is made of `outputs`.

    Attributes:
        lists: What its classes are called, by locale.
        translated: The function that gives one of these for a language, where there are several.
        constant: What it is made with, which `maker` makes; "" where there is none.
        extras: The further parameters that it brings.
    """

    name: str
    type: str
    view: ResultView
    told: tuple[str, ...]
    lists: tuple[Labels, ...]
    translated: str
    constant: str
    maker: str
    made: str
    extras: tuple[Parameter, ...]

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.is_value

    @property
    def returned(self) -> str:
        """What it is, in a few words."""
        return self.view.returned()

    @property
    def sentence(self) -> str:
        """What it is."""
        return sentence(self.told)


@dataclass(frozen=True, slots=True)
class StateField:
    """What a session keeps: its property, the type of that, what it is at first, and what it stands for."""

    name: str
    type: str
    initial: str
    told: str


@dataclass(frozen=True, slots=True)
class Stream:
    """How a sound comes in pieces.

    Attributes:
        name: The class for it.
        rate: Samples a second that the model takes.
        length: Samples of a window.
        outcome: What each window gives.
        spots: Whether classes are heard, with `labels`; those of the numbers `ignored` never are.
        locale: The parameter that chooses the language of `labels`; "" where there is one alone.
    """

    name: str
    rate: int
    length: int
    view: StreamView
    outcome: str
    spots: bool
    labels: str
    locale: str
    ignored: tuple[int, ...]
    limits: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A method for calls of up to a size, and what it is called with."""

    most: int
    name: str
    given: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a call gives to the next one: the property of the session, and the value."""

    name: str
    made: str


@dataclass(frozen=True, slots=True)
class Method:
    """A method.

    Attributes:
        raw: The method that takes the tensors themselves.
        constant: The property with the description of its signature.
        tensors: The type of its raw tensors.
        outcome: What it gives: the type of its only result, or a type for several.
        passed: The parameters that are arguments.
        own: The same, and sizes of dynamic dimensions.
        dimensions: Dynamic dimensions: the name in the spec -> the parameter.
        sizes: The dynamic dimensions of each input.
        checks: Statements that refuse sizes that are none, and arrays of another size.
        inputs: What the tensors take, in their order.
        counts: How many values each output has; "" where the runtime tells.
        stream: Of one that hears a sound: how that comes in pieces.
        description: The spec's own words.
        cases: Of several signatures under one name: the method of each, the smallest first; else none.
        size: Of such: the size of a call.
        cut: Of such: what it gives, of what a member gives; "" for that as it is.
        hidden: Whether it is a member of another method alone.
        kept: What it gives to the next call of a session.
        in_session: Whether it is called in a session.
        exclusive: Whether there is one session at a time.
        alone: Whether the file has no other signature, so that tensors can be told by their places.
    """

    name: str
    raw: str
    constant: str
    tensors: str
    outcome: str
    class_name: str
    view: MethodView
    arguments: tuple[Argument, ...]
    passed: tuple[Passed, ...]
    results: tuple[Result, ...]
    own: tuple[Parameter, ...]
    dimensions: Mapping[str, str]
    sizes: str
    checks: tuple[str, ...]
    inputs: tuple[str, ...]
    counts: tuple[str, ...]
    stream: Stream | None
    description: str
    cases: tuple[Case, ...]
    size: str
    cut: str
    hidden: bool
    kept: tuple[Kept, ...]
    in_session: bool
    exclusive: bool
    alone: bool

    def argument(self, name: str) -> Argument:
        """The argument of this name."""
        return next(a for a in self.arguments if a.view.name == name)

    def result(self, name: str) -> Result:
        """The result of this name."""
        return next(r for r in self.results if r.view.name == name)

    @property
    def open(self) -> bool:
        """Whether an app calls it on the model itself."""
        return not (self.hidden or self.in_session)

    @property
    def scoped(self) -> str:
        """What it gives, as code outside of the model's class says it."""
        return f"{self.class_name}.{self.outcome}" if self.in_session and len(self.results) > 1 else self.outcome

    @property
    def groups(self) -> tuple[Passed, ...]:
        """The parameters that are several arguments."""
        return tuple(p for p in self.passed if p.type)

    @property
    def exact(self) -> bool:
        """Whether an argument becomes the same numbers in every language."""
        return any(a.view.exact for a in self.arguments)

    @property
    def inspected(self) -> bool:
        """Whether its test stands between the code and what runs the model."""
        return self.exact or self.decided

    @property
    def labelled(self) -> tuple[Result, ...]:
        """The results with labels."""
        return tuple(r for r in self.results if r.lists)

    @property
    def locals(self) -> tuple[Local, ...]:
        """What is made once of arguments."""
        return tuple(a.local for a in self.arguments if a.local is not None)

    @property
    def constants(self) -> tuple[Local, ...]:
        """What prepares arguments, and what results are made with."""
        if self.cases:
            return ()
        return tuple(
            Local(constant, maker, fails)
            for constant, maker, fails in [
                *((a.constant, a.maker, a.view.maker_fails) for a in self.arguments),
                *((r.constant, r.maker, r.view.maker_fails) for r in self.results),
            ]
            if maker
        )

    @property
    def decided(self) -> bool:
        """Whether a result is decided by comparing numbers."""
        return any(r.view.decided for r in self.results)

    @property
    def picture(self) -> Argument | None:
        """The only argument, where that is a picture."""
        return None if self.view.picture is None else self.arguments[0]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All of them."""
        return (*self.own, *self.choices)

    @property
    def choices(self) -> tuple[Parameter, ...]:
        """The parameters that have defaults: how pictures lie, and which results are wanted."""
        return (*(p for a in self.arguments if not (self.view.batch and a.view.group) for p in a.extras), *self.limits)

    @property
    def limits(self) -> tuple[Parameter, ...]:
        """Those of `choices` that say which results are wanted."""
        return tuple(p for r in self.results for p in r.extras)

    @property
    def sized(self) -> tuple[Parameter, ...]:
        """Those of `own` that are sizes of dynamic dimensions."""
        return self.own[len(self.passed) :]

    @property
    def dynamic_outputs(self) -> bool:
        """Whether the runtime tells the size of an output."""
        return "" in self.counts

    @property
    def told(self) -> str:
        """What it does, where the spec says it, and what it gives."""
        said = f"{self.description} " if self.description else ""
        return f"{said}{self._given}"

    @property
    def _given(self) -> str:
        if self.view.batch:
            learned = f"Learns from {self.view.batch} examples"
            given = [f"{r.name}, {'; '.join(r.told)}" for r in self.results]
            return f"{learned}, and gives {', and '.join(given)}." if given else f"{learned}."
        if len(self.results) > 1:
            return f"Gives {', and '.join(f'{r.name}, ' + '; '.join(r.told) for r in self.results)}."
        if not self.results:
            goes_on = self.view.role == training.RESTORE
            return "Goes on from what was saved." if goes_on else "Gives nothing but what the next call takes."
        return self.results[0].sentence


@dataclass(frozen=True, slots=True)
class File:
    """A variant's file: for each signature its raw tensors, inputs then outputs."""

    view: VariantView
    tensors: Mapping[str, tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]


@dataclass(frozen=True, slots=True)
class App:
    """A model."""

    view: AppView
    class_name: str
    told: str
    methods: tuple[Method, ...]
    files: tuple[File, ...]
    states: tuple[StateField, ...] = ()

    @property
    def in_session(self) -> tuple[Method, ...]:
        """The methods that are called in a session."""
        return tuple(m for m in self.called if m.in_session)

    @property
    def called(self) -> tuple[Method, ...]:
        """The methods that an app calls."""
        return tuple(m for m in self.methods if not m.hidden)

    @property
    def of_signatures(self) -> tuple[Method, ...]:
        """The methods that call a signature themselves."""
        return tuple(m for m in self.methods if not m.cases)

    @property
    def streams(self) -> tuple[Method, ...]:
        """The methods that hear sounds in pieces."""
        return tuple(m for m in self.called if m.stream is not None)

    @property
    def owners(self) -> tuple[tuple[str, str, tuple[Method, ...]], ...]:
        """The classes that have methods, what each has a queue by, and the methods."""
        own = (self.class_name, "session", self.plain), (f"{self.class_name}Session", "model.session", self.in_session)
        return tuple(one for one in own if one[2])

    @property
    def plain(self) -> tuple[Method, ...]:
        """The others."""
        return tuple(m for m in self.called if not m.in_session)

    @property
    def decided(self) -> bool:
        """Whether a method has a result that is decided by comparing numbers."""
        return any(m.decided for m in self.methods)

    @property
    def inspected(self) -> bool:
        """Whether a test stands between the code and what runs the model."""
        return any(m.inspected for m in self.methods)

    @property
    def held(self) -> tuple[Held, ...]:
        """What an open model holds beside what runs it."""
        own = [m for m in self.methods if not m.cases]  # others call these
        return tuple(a.held for m in own for a in m.arguments if a.held is not None)

    @property
    def brought(self) -> tuple[Parameter, ...]:
        """What an app brings when it opens the model."""
        return tuple(h.brought for h in self.held if h.brought is not None)

    @property
    def assets(self) -> Mapping[str, Asset]:
        """The files that go with the app beside the model's, by name."""
        return {h.file: h.asset for h in self.held if h.asset is not None}

    @property
    def groups(self) -> tuple[Passed, ...]:
        """What is passed as one value and is several."""
        return tuple(g for m in self.methods for g in m.groups)

    @property
    def has_pictures(self) -> bool:
        """Whether a method takes a picture alone, and so has forms for what the platform calls one."""
        return any(m.picture for m in self.called)


def app(view: AppView, writer: Writer, class_name: str = "") -> App:
    """A model in the language of `writer`; `class_name` "" takes the model's name.

    Raises:
        Invalid: If a method has more parameters or results than code can have.
    """
    names = names_of(view, writer.language, class_name)
    making = _Making(
        writer,
        view.model,
        names.class_name,
        names.states,
        keeps_inside=view.keeps_inside,
        several=len(view.methods) > 1,
    )
    pairs = list(zip(view.methods, names.methods, strict=True))
    owners = {s: n.own for m, n in pairs if m.members for s in m.signatures}
    named = {m.signature: n.name for m, n in pairs if not m.members}
    methods = tuple(making.method(m, n, owners.get(m.signature, n.own), named) for m, n in pairs)
    own = [m for m in methods if not m.cases]
    files = tuple(
        File(v, {m.view.signature: making.raw(m, v.tensors[m.view.signature]) for m in own}) for v in view.variants
    )
    told = writer.comment(view.description or f"The model {view.model}.")
    return App(view, names.class_name, told, methods, files, tuple(making.state(s) for s in view.states))


@dataclass(frozen=True, slots=True)
class _Making:
    writer: Writer
    model: str
    class_name: str
    states: Mapping[str, str]
    keeps_inside: bool
    several: bool

    def state(self, view: StateView) -> StateField:
        tensor, writer = view.input, self.writer
        initial = writer.filled(tensor.real, tensor.elements, view.initial)
        return StateField(
            self.states[view.name], writer.array(tensor.real), initial, writer.comment(telling.tensor(tensor))
        )

    def method(self, view: MethodView, names: MethodNames, own: str, methods: Mapping[str, str]) -> Method:
        """A method.

        Args:
            own: The start of the name of what it gives, where it gives several things.
            methods: Signature -> the method that calls it.
        """
        arguments = tuple(
            self._argument(a, n, view, names) for a, n in zip(view.arguments, names.arguments, strict=True)
        )
        prepared = {a.view.name: a.local.name for a in arguments if a.local is not None}
        results = tuple(self._result(r, n, view, prepared) for r, n in zip(view.results, names.results, strict=True))
        made = {tensor: text for a in arguments for tensor, text in self._given(a, names).items()}
        for s in view.states:
            info = self.writer.info_of(self.class_name, names.constant, view.inputs.index(s.input))
            made[s.input.name] = self.writer.of_array(f"state.{self.states[s.name]}", s.input, info)
        if view.role == training.SAVE:  # which takes something since Java calls nothing without inputs
            for place, tensor in enumerate(view.inputs):
                info = self.writer.info_of(self.class_name, names.constant, place)
                zeros = self.writer.filled(tensor.real, tensor.elements, 0)
                made[tensor.name] = self.writer.of_array(zeros, tensor, info)
        told = [tensor for r in view.results for tensor in r.tensors.values()]
        kept = [
            Kept(self.states[s.name], self._handed_on(s.output, view, shared=s.output in told))
            for s in view.states
            if s.output is not None
        ]
        passed = tuple(self._passed(arguments, names, view.batch))
        sizes = [self.writer.check_dimension(own, name) for own, name in names.dimensions.items()]
        return Method(
            names.name,
            names.raw,
            names.constant,
            f"{self.class_name}{names.own}Tensors" if self.several else f"{self.class_name}Tensors",
            self._outcome(results, own),
            self.class_name,
            view,
            arguments,
            passed,
            results,
            tuple(self._own(passed, names)),
            names.dimensions,
            self.writer.sizes([[names.dimensions[d] for d in t.shape if isinstance(d, str)] for t in view.inputs]),
            (*sizes, *self._checks(view, names, arguments)),
            tuple(made[tensor.name] for tensor in view.inputs),
            tuple("" if t.dynamic else str(t.elements) for t in view.outputs),
            self._stream(view, names, results, own),
            self.writer.comment(view.description),
            self._cases(view, names, methods),
            self._size(view, names),
            self._cut(view, names, results, own),
            view.hidden,
            tuple(kept),
            self.keeps_inside or bool(view.states),
            self.keeps_inside,
            not self.several,
        )

    def _given(self, argument: Argument, names: MethodNames) -> Mapping[str, str]:
        """Tensor -> what it takes: of an argument of examples that of all of them."""
        group = names.groups.get(argument.view.group)
        if group is None or group.each == group.parameter:
            return argument.made
        return {tensor: self.writer.joined(group.parameter, group.each, text) for tensor, text in argument.made.items()}

    def _handed_on(self, output: TensorView, view: MethodView, *, shared: bool) -> str:
        """The values of a state; `shared` where an app gets them, too, which may change its own."""
        values = self.writer.output(view.outputs.index(output), output.real)
        return self.writer.copied(values) if shared else values

    def _stream(self, view: MethodView, names: MethodNames, results: Sequence[Result], own: str) -> Stream | None:
        argument = view.arguments[0] if len(view.arguments) == 1 else None
        if not isinstance(argument, AudioArgument) or argument.stream is None or view.hidden:
            return None
        stream, sound = argument.stream, argument.sound
        labels, locale, ignored = "", "", tuple[int, ...]()
        if stream.spots:
            labels, locale = self._labels(names.results[0]), names.results[0].extras.get(LOCALE.role, "")
            known = list(results[0].view.labels[""])
            ignored = tuple(known.index(label) for label in stream.ignored)
        outcome = self._outcome(results, own)
        inner = f"{self.class_name}.{outcome}" if len(results) > 1 else outcome
        limits = tuple(parameter for result in results for parameter in result.extras)
        name = f"{self.class_name}{own if self.several else ''}Stream"
        given = "Spotted" if stream.spots else inner
        return Stream(
            name, sound.sample_rate, sound.length, stream, given, stream.spots, labels, locale, ignored, limits
        )

    def _cases(self, view: MethodView, names: MethodNames, methods: Mapping[str, str]) -> tuple[Case, ...]:
        """The methods of each size, and what they are called with: arrays are filled up to the size."""
        if view.sized is None:
            return ()
        found = []
        for member in view.members:
            given = []
            for argument, own in zip(view.arguments, names.arguments, strict=True):
                value, rest = own.parameter, view.sized.arguments.get(argument.name)
                if rest is not None:
                    fill, real = view.sized.fills[argument.name], argument.tensor.real
                    value = self.writer.filled_up(value, real, member.size * rest, fill)
                given.append((own.parameter, value))
            found.append(Case(member.size, methods[member.method.signature], tuple(given)))
        return tuple(found)

    def _size(self, view: MethodView, names: MethodNames) -> str:
        if view.sized is None:
            return ""
        own = next(n for a, n in zip(view.arguments, names.arguments, strict=True) if a.name == view.sized.argument)
        return self.writer.size_of(own.parameter, view.sized.arguments[view.sized.argument])

    def _cut(self, view: MethodView, names: MethodNames, results: Sequence[Result], own: str) -> str:
        if view.sized is None or not view.sized.results:
            return ""
        several = len(results) > 1
        parts = []
        for result, of in zip(results, names.results, strict=True):
            value, rest = f"found.{of.name}" if several else "found", view.sized.results.get(result.view.name)
            parts.append((of.name, value if rest is None else self.writer.cut(value, "size", rest)))
        return self.writer.call(self._outcome(results, own), parts) if several else parts[0][1]

    def _checks(self, view: MethodView, names: MethodNames, arguments: Sequence[Argument]) -> Iterator[str]:
        """What refuses arguments that do not fit; of several sizes what holds arrays against the one that chooses."""
        if view.batch:
            (group,) = names.groups.values()
            yield self.writer.check_batch(group.parameter, view.batch)
            for a in arguments:
                if a.check:
                    yield self.writer.for_each(group.parameter, group.each, a.check) if a.view.group else a.check
            return
        if view.sized is None:
            yield from (a.check for a in arguments if a.check)
            return
        for argument, own in zip(arguments, names.arguments, strict=True):
            name, rest = argument.view.name, view.sized.arguments.get(argument.view.name)
            if name == view.sized.argument:
                yield self.writer.check_fits(name, own.parameter, rest or 1, view.members[-1].size)
            elif rest is not None:
                yield self.writer.check(name, own.parameter, self.writer.times(self._size(view, names), rest))
            elif argument.check:
                yield argument.check

    def _outcome(self, results: Sequence[Result], own: str) -> str:
        """What a method gives: its only result, or a type for several, within the class, which it does not hide."""
        if len(results) < 2:
            return results[0].type if results else self.writer.no_outcome
        name = f"{own}Result"
        return f"{name}s" if name == self.class_name else name

    def raw(
        self, method: Method, ends: tuple[tuple[TensorView, ...], tuple[TensorView, ...]]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        inputs, outputs = ends
        language = self.writer.language
        taken = [*language.words, *language.tensors, *method.dimensions.values()]
        style = language.identifier
        own = identifiers([t.name for t in inputs], style, "input", taken)
        names = [*own, *identifiers([t.name for t in outputs], style, "output", [*taken, *own])]
        made = [self._tensor(t, n, method.dimensions) for t, n in zip((*inputs, *outputs), names, strict=True)]
        return tuple(made[: len(inputs)]), tuple(made[len(inputs) :])

    def _argument(self, view: ArgumentView, own: ArgumentNames, method: MethodView, names: MethodNames) -> Argument:
        writer = self.writer

        def info(tensor: TensorView) -> str:
            place = next(i for i, t in enumerate(method.inputs) if t.name == tensor.name)
            return writer.info_of(self.class_name, names.constant, place)

        def count(tensor: TensorView) -> str:
            return self._count(tensor, names.dimensions, checked=True)

        several = len(view.tensors) > 1 or any(r.picture == view.name for r in method.results)
        several = several and not method.batch  # whose examples are looked at one by one
        local = Local(own.prepared, view.prepared(writer, own), view.fails) if view.preparable and several else None
        return Argument(
            own.name,
            view.type(writer),
            view,
            self._told(view),
            own.maker,
            view.maker(writer),
            view.made(writer, own, info, local.name if local else ""),
            view.check(writer, own, count),
            local,
            self._held(view, own),
            tuple(view.parameters(writer, own)),
        )

    def _held(self, view: ArgumentView, own: ArgumentNames) -> Held | None:
        if not view.holder:
            return None
        file = f"{self.model}-{own.file}{view.asset.ending}" if view.asset else ""
        brought = view.brought(self.writer, file)
        parameter = None if brought is None else Parameter(own.brought, brought[0], told=brought[1])
        constant = own.asset if brought and file else ""
        made = view.held(self.writer, own, file)
        return Held(own.held, view.holder, made, parameter, file, view.asset, constant)

    def _result(self, view: ResultView, own: ResultNames, method: MethodView, prepared: Mapping[str, str]) -> Result:
        writer = self.writer

        def values(tensor: TensorView) -> str:
            return writer.output(method.outputs.index(tensor), tensor.real)

        def reals(tensor: TensorView) -> str:
            return writer.reals(method.outputs.index(tensor), tensor.real)

        alike = [r for r in method.results if r.word == view.word and r.brought]
        which = f" of {own.name}" if len(alike) > 1 else ""
        return Result(
            own.name,
            view.type(writer),
            view,
            self._told(view),
            tuple(Labels(constant, locale, view.labels[locale]) for locale, constant in own.labels.items()),
            own.translated,
            own.maker,
            view.maker(writer),
            view.made(writer, Made(own, values, reals, self._labels(own), prepared.get(view.picture, ""))),
            (*view.parameters(writer, own, which), *self._locale(own)),
        )

    def _labels(self, own: ResultNames) -> str:
        """The labels of a result, in the language that a caller asks for where there are several; "" for none."""
        if own.translated:
            return self.writer.call(f"{self.class_name}Labels.{own.translated}", [("", own.extras[LOCALE.role])])
        return f"{self.class_name}Labels.{own.labels['']}" if own.labels else ""

    def _locale(self, own: ResultNames) -> Iterator[Parameter]:
        if own.translated:
            told = "The language of labels as a BCP 47 tag, such as `de-AT`; what is not there gives the default."
            default = self.writer.text("")
            yield Parameter(own.extras[LOCALE.role], self.writer.string, default, told, default)

    def _told(self, view: ArgumentView | ResultView) -> tuple[str, ...]:
        own = [view.description] if view.description else []
        return tuple(map(self.writer.comment, [*own, *view.told()]))

    def _passed(self, arguments: Sequence[Argument], names: MethodNames, batch: int) -> Iterator[Passed]:
        seen = set()
        for argument in arguments:
            group = argument.view.group
            if not group:
                yield Passed(argument.name, "", "", argument.told, (argument,))
            elif group not in seen:
                seen.add(group)
                members = tuple(a for a in arguments if a.view.group == group)
                own = names.groups[group]
                told = (f"{batch} examples" if batch else self.writer.comment(f"the values of {group}"),)
                fields = tuple(self._fields(members, of_batch=bool(batch)))
                name = f"{self.class_name}.{own.class_name}"
                yield Passed(own.parameter, name, own.class_name, told, members, batch, fields)

    def _fields(self, members: Sequence[Argument], *, of_batch: bool) -> Iterator[Parameter]:
        """What a class for several arguments has; each example of a batch has what its arguments bring, too."""
        for member in members:
            yield Parameter(member.name, member.type, told=member.sentence)
            for extra in member.extras if of_batch else ():
                yield replace(extra, name=extra.name.rpartition(".")[2])

    def _own(self, passed: Sequence[Passed], names: MethodNames) -> Iterator[Parameter]:
        for each in passed:
            type_ = each.type or each.arguments[0].type
            yield Parameter(each.name, self.writer.list_of(type_) if each.count else type_, told=sentence(each.told))
        for own, name in names.dimensions.items():
            yield Parameter(name, self.writer.integer, told=f"The size of the dimension {self.writer.comment(own)}.")

    def _tensor(self, tensor: TensorView, name: str, dimensions: Mapping[str, str]) -> Tensor:
        known = all(d in dimensions for d in tensor.dynamic)
        return Tensor(
            tensor,
            name,
            self.writer.array(tensor.dtype),
            self.writer.value(tensor.dtype),
            self._count(tensor, dimensions, checked=False) if known else "0",
            known and bool(tensor.dynamic),
            self.writer.tensor_info(tensor),
            self.writer.comment(telling.tensor(tensor)),
        )

    def _count(self, tensor: TensorView, dimensions: Mapping[str, str], *, checked: bool) -> str:
        names = [dimensions[d] for d in tensor.shape if isinstance(d, str)]
        return self.writer.count(tensor.name, tensor.elements, names, checked=checked)
