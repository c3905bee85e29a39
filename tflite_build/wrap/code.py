"""A model as code has it: names, types and expressions of a language, put together alike for all of them.

A language is a `Writer`: it says how each part is written. What is decided is decided here or in the view, so that
templates only print.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import telling
from .names import ArgumentNames, Language, MethodNames, ResultNames, identifiers, names_of
from .view import AppView, ArgumentView, ImageView, MethodView, ResultView, SoundView, TensorView, VariantView


class Writer(Protocol):
    """How a language writes things; all texts are expressions of it.

    Attributes:
        language: Its names.
        integer: The type of sizes and numbers of things.
        real: The type of scores.
        picture: The type of an argument that is a picture.
        sound: The type of one that is a sound.
        region: The type of a part of a picture that may be all of it.
        classification: The type of classes with their scores.
        upright: The type of the parameter that says how a picture lies, and what it is by default.
        nothing: No value.
        lowest: The score that is below all others.
    """

    language: Language
    integer: str
    real: str
    picture: str
    sound: str
    region: str
    classification: str
    upright: tuple[str, str]
    nothing: str
    lowest: str

    def comment(self, text: str) -> str:
        """Text for a comment, which nothing in it ends."""
        ...

    def number(self, value: float) -> str:
        """A literal of a float."""
        ...

    def value(self, dtype: str) -> str:
        """The type of one value of a tensor."""
        ...

    def array(self, dtype: str) -> str:
        """The type of an array of a tensor's values."""
        ...

    def image_maker(self, image: ImageView) -> str:
        """What makes the constant that prepares pictures."""
        ...

    def sound_maker(self, sound: SoundView) -> str:
        """What makes the constant that prepares sounds."""
        ...

    def info_of(self, class_name: str, constant: str, place: int) -> str:
        """The description of an input tensor."""
        ...

    def of_picture(self, own: ArgumentNames, info: str) -> str:
        """What a tensor takes of a picture."""
        ...

    def of_sound(self, own: ArgumentNames, info: str) -> str:
        """What a tensor takes of a sound."""
        ...

    def of_values(self, own: ArgumentNames, tensor: TensorView, info: str) -> str:
        """What a tensor takes of values, or of the one value that it has."""
        ...

    def check(self, name: str, parameter: str, count: str) -> str:
        """What refuses an array of another size."""
        ...

    def check_dimension(self, name: str, parameter: str) -> str:
        """What refuses a size that is none."""
        ...

    def count(self, name: str, elements: int, dimensions: Sequence[str], *, checked: bool) -> str:
        """How many values a tensor has, as the product of numbers and parameters; `checked` where that may be too large."""
        ...

    def sizes(self, each: Sequence[Sequence[str]]) -> str:
        """The dynamic dimensions of each input; none at all where there are none."""
        ...

    def output(self, place: int, dtype: str) -> str:
        """The values of an output, real ones where it stands for such."""
        ...

    def activated(self, activation: str, values: str) -> str:
        """Scores after "softmax" or "sigmoid"."""
        ...

    def only(self, values: str, *, activated: bool) -> str:
        """The value of an output that has one."""
        ...

    def classes(self, values: str, class_name: str, own: ResultNames) -> str:
        """The classes of scores, with the labels of the default locale."""
        ...

    def tensor_info(self, tensor: TensorView) -> str:
        """What makes the description of a tensor."""
        ...


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a method.

    Attributes:
        default: What it is where a caller leaves it out; "" where that cannot be.
        told: What it is, in a sentence; "" where something else says it.
    """

    name: str
    type: str
    default: str = ""
    told: str = ""


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
class Argument:
    """A parameter of a method, and how it becomes what tensors take.

    Attributes:
        constant: What prepares it, which `maker` makes; "" where nothing does.
        made: Tensor -> what it takes.
        check: The statement that refuses what does not fit; "" for none.
        turned: The parameter that says how a picture lies.
        region: The parameter that says which part of it counts.
    """

    name: str
    type: str
    view: ArgumentView
    told: tuple[str, ...]
    constant: str
    maker: str
    made: Mapping[str, str]
    check: str
    turned: str
    region: str

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.kind == "tensor" and self.view.tensor.is_value

    @property
    def sentence(self) -> str:
        """What it is."""
        return _sentence(self.told)


@dataclass(frozen=True, slots=True)
class Labels:
    """What classes are called in a locale, "" where nobody says which."""

    constant: str
    locale: str
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Result:
    """What a method gives: its name where there are several, its type, and how it is made of `outputs`.

    Attributes:
        most: The parameter that says how many classes are wanted; "" of what is no classes.
        least: The parameter of their least score.
    """

    name: str
    type: str
    view: ResultView
    told: tuple[str, ...]
    lists: tuple[Labels, ...]
    made: str
    most: str = ""
    least: str = ""

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.kind == "tensor" and self.view.tensor.is_value

    @property
    def sentence(self) -> str:
        """What it is."""
        return _sentence(self.told)


@dataclass(frozen=True, slots=True)
class Method:
    """A method.

    Attributes:
        raw: The method that takes the tensors themselves.
        constant: The property with the description of its signature.
        tensors: The type of its raw tensors.
        outcome: What it gives: the type of its only result, or a type for several.
        own: The parameters that are arguments, and sizes of dynamic dimensions.
        choices: The parameters that have defaults: how pictures lie, and which results are wanted.
        dimensions: Dynamic dimensions: the name in the spec -> the parameter.
        sizes: The dynamic dimensions of each input.
        checks: Statements that refuse sizes that are none, and arrays of another size.
        inputs: What the tensors take, in their order.
        counts: How many values each output has; "" where the runtime tells.
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
    results: tuple[Result, ...]
    own: tuple[Parameter, ...]
    choices: tuple[Parameter, ...]
    dimensions: Mapping[str, str]
    sizes: str
    checks: tuple[str, ...]
    inputs: tuple[str, ...]
    counts: tuple[str, ...]
    alone: bool

    def argument(self, name: str) -> Argument:
        """The argument of this name."""
        return next(a for a in self.arguments if a.view.name == name)

    def result(self, name: str) -> Result:
        """The result of this name."""
        return next(r for r in self.results if r.view.name == name)

    @property
    def classified(self) -> tuple[Result, ...]:
        """The results that are classes."""
        return tuple(r for r in self.results if r.view.kind == "classes")

    @property
    def images(self) -> tuple[Argument, ...]:
        """The arguments that are pictures."""
        return tuple(a for a in self.arguments if a.view.kind == "image")

    @property
    def picture(self) -> Argument | None:
        """The only argument, where that is a picture."""
        return None if self.view.picture is None else self.arguments[0]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All of them."""
        return (*self.own, *self.choices)

    @property
    def limits(self) -> tuple[Parameter, ...]:
        """Those of `choices` that say which results are wanted."""
        return tuple(p for p in self.choices if p.name not in {n for a in self.images for n in (a.turned, a.region)})

    @property
    def sized(self) -> tuple[Parameter, ...]:
        """Those of `own` that are sizes of dynamic dimensions."""
        return self.own[len(self.arguments) :]

    @property
    def dynamic_outputs(self) -> bool:
        """Whether the runtime tells the size of an output."""
        return "" in self.counts

    @property
    def told(self) -> str:
        """What it gives, in a sentence."""
        if len(self.results) > 1:
            return f"Gives {', and '.join(f'{r.name}, ' + '; '.join(r.told) for r in self.results)}."
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

    @property
    def has_pictures(self) -> bool:
        """Whether a method takes a picture alone, and so has forms for what the platform calls one."""
        return any(m.picture for m in self.methods)


def app(view: AppView, writer: Writer, class_name: str = "") -> App:
    """A model in the language of `writer`; `class_name` "" takes the model's name.

    Raises:
        Invalid: If a method has more parameters or results than code can have.
    """
    names = names_of(view, writer.language, class_name)
    making = _Making(writer, names.class_name, several=len(view.methods) > 1)
    methods = tuple(making.method(m, n) for m, n in zip(view.methods, names.methods, strict=True))
    files = tuple(
        File(v, {m.view.signature: making.raw(m, v.tensors[m.view.signature]) for m in methods}) for v in view.variants
    )
    told = writer.comment(view.description or f"The model {view.model}.")
    return App(view, names.class_name, told, methods, files)


@dataclass(frozen=True, slots=True)
class _Making:
    writer: Writer
    class_name: str
    several: bool

    def method(self, view: MethodView, names: MethodNames) -> Method:
        arguments = tuple(
            self._argument(a, n, view, names) for a, n in zip(view.arguments, names.arguments, strict=True)
        )
        results = tuple(self._result(r, n, view) for r, n in zip(view.results, names.results, strict=True))
        made = {tensor: text for a in arguments for tensor, text in a.made.items()}
        sizes = [self.writer.check_dimension(own, name) for own, name in names.dimensions.items()]
        return Method(
            names.name,
            names.raw,
            names.constant,
            f"{self.class_name}{names.own}Tensors" if self.several else f"{self.class_name}Tensors",
            results[0].type if len(results) == 1 else self._outcome(f"{names.own}Result"),
            self.class_name,
            view,
            arguments,
            results,
            tuple(self._own(arguments, names)),
            tuple(self._choices(arguments, results)),
            names.dimensions,
            self.writer.sizes([[names.dimensions[d] for d in t.shape if isinstance(d, str)] for t in view.inputs]),
            (*sizes, *(a.check for a in arguments if a.check)),
            tuple(made[tensor.name] for tensor in view.inputs),
            tuple("" if t.dynamic else str(t.elements) for t in view.outputs),
            not self.several,
        )

    def _outcome(self, name: str) -> str:
        """The type of several results, within the class, which it does not hide."""
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
        writer, tensor, maker, check = self.writer, view.tensor, "", ""
        info = writer.info_of(self.class_name, names.constant, method.inputs.index(tensor))
        if view.image is not None:
            kind, maker, made = writer.picture, writer.image_maker(view.image), writer.of_picture(own, info)
        elif view.sound is not None:
            kind, maker, made = writer.sound, writer.sound_maker(view.sound), writer.of_sound(own, info)
        else:
            kind = writer.value(tensor.real) if tensor.is_value else writer.array(tensor.real)
            made = writer.of_values(own, tensor, info)
            if not tensor.is_value:
                check = writer.check(view.name, own.parameter, self._count(tensor, names.dimensions, checked=True))
        told = tuple(map(writer.comment, telling.argument(view)))
        made_of = {tensor.name: made}
        return Argument(own.parameter, kind, view, told, own.maker, maker, made_of, check, own.turned, own.region)

    def _result(self, view: ResultView, own: ResultNames, method: MethodView) -> Result:
        writer, tensor = self.writer, view.tensor
        values = writer.output(method.outputs.index(tensor), tensor.real)
        values = writer.activated(view.activation, values) if view.activation else values
        told = tuple(map(writer.comment, telling.result(view)))
        if view.kind == "classes":
            lists = tuple(Labels(constant, locale, view.labels[locale]) for locale, constant in own.labels.items())
            made = writer.classes(values, self.class_name, own)
            return Result(own.name, writer.classification, view, told, lists, made, own.most, own.least)
        if tensor.is_value:
            values = writer.only(values, activated=bool(view.activation))
        kind = writer.value(tensor.real) if tensor.is_value else writer.array(tensor.real)
        return Result(own.name, kind, view, told, (), values)

    def _own(self, arguments: Sequence[Argument], names: MethodNames) -> Iterator[Parameter]:
        for argument in arguments:
            yield Parameter(argument.name, argument.type, told=argument.sentence)
        for own, name in names.dimensions.items():
            yield Parameter(name, self.writer.integer, told=f"The size of the dimension {self.writer.comment(own)}.")

    def _choices(self, arguments: Sequence[Argument], results: Sequence[Result]) -> Iterator[Parameter]:
        writer = self.writer
        for image in (a for a in arguments if a.turned):
            yield Parameter(image.turned, *writer.upright, "What makes the picture upright.")
            told = f"The part of the upright picture to look at; `{writer.nothing}` for all of it."
            yield Parameter(image.region, writer.region, writer.nothing, told)
        classified = [r for r in results if r.view.kind == "classes"]
        for result in classified:
            threshold, which = result.view.threshold, f" of {result.name}" if len(classified) > 1 else ""
            most = f"How many classes{which} are given at most."
            least = writer.lowest if threshold is None else writer.number(threshold)
            yield Parameter(result.most, writer.integer, str(result.view.most), most)
            yield Parameter(result.least, writer.real, least, "The least score of those that are given.")

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


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
