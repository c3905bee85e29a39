"""The view of a model as Swift has it: identifiers, types, literals. Templates print what stands here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tflite_build import languages

from . import telling, words
from .names import ArgumentNames, Language, MethodNames, ResultNames, identifiers, names_of
from .swift_text import call, comment, float_literal, image_maker, sound_maker, string, type_of
from .view import AppView, ArgumentView, MethodView, ResultView, TensorView, VariantView

# What stands beside parameters where they are seen: in a method's own code and the pictures', in the test's.
_PARAMETERS = """
    orientation region max_results min_score pixel_buffer isolation session accelerators tensors outputs input model found
    golden engine work background open prepare string float double in_background require_count require_dimension tensor_size
"""
_MEMBERS = "name sha256 size"  # of the type that says what file the code is of
# What the type of raw tensors has and calls beside their properties.
_TENSORS = "inputs sizes take outputs requireCount requireDimension tensorSize"
_LABELS_EACH = 500  # of one array: what checks types takes longer than twice as long for twice as many


@dataclass(frozen=True, slots=True)
class SwiftTensor:
    """A tensor of a file.

    Attributes:
        property: What holds its values in the type of raw tensors.
        element: The type of a value.
        count: The number of its values, as an expression of the dynamic dimensions.
        info: The call that makes its `TensorInfo`.
        case: The case of `TensorValues` that takes its values.
    """

    name: str
    property: str
    element: str
    count: str
    info: str
    told: str
    dynamic: bool
    case: str


@dataclass(frozen=True, slots=True)
class SwiftArgument:
    """A parameter of a method: its name, type, and how it becomes what tensors take.

    Attributes:
        made: Tensor -> the `TensorValues` that it takes, as an expression of the parameter that can throw.
        check: The call that refuses what does not fit; "" for none.
    """

    name: str
    constant: str
    type: str
    view: ArgumentView
    told: tuple[str, ...]
    maker: str
    made: Mapping[str, str]
    check: str
    orientation: str = ""
    region: str = ""

    @property
    def sentence(self) -> str:
        """What it is."""
        return _sentence(self.told)

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.kind == "tensor" and self.view.tensor.is_value


@dataclass(frozen=True, slots=True)
class SwiftLabels:
    """What classes are called in a locale, "" where nobody says which.

    Attributes:
        pieces: The labels, in as many arrays as they need.
    """

    constant: str
    locale: str
    pieces: Sequence[Sequence[str]]

    @property
    def holder(self) -> str:
        """What the pieces are in, where there are several."""
        return f"{self.constant[0].upper()}{self.constant[1:]}Pieces"


@dataclass(frozen=True, slots=True)
class SwiftResult:
    """What a method gives: its name where there are several, its type, and how it is made.

    Attributes:
        made: It, as an expression of `outputs` that can throw.
        most: The parameter that says how many classes are wanted; "" of what is no classes.
        least: The parameter of their least score.
    """

    name: str
    type: str
    view: ResultView
    told: tuple[str, ...]
    lists: tuple[SwiftLabels, ...]
    made: str
    most: str = ""
    least: str = ""

    @property
    def sentence(self) -> str:
        """What it is."""
        return _sentence(self.told)

    def checked(self, found: str) -> str:
        """The array that a test looks at, or the classes, as an expression of the result."""
        return f"[{found}]" if self.view.kind == "tensor" and self.view.tensor.is_value else found


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a method.

    Attributes:
        default: What it is where a caller leaves it out; "" where that cannot be.
    """

    name: str
    type: str
    default: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.type}{f' = {self.default}' if self.default else ''}"


@dataclass(frozen=True, slots=True)
class SwiftMethod:
    """A method.

    Attributes:
        raw: The method that takes the tensors themselves.
        constant: The property with its `SignatureInfo`.
        tensors: The type of its raw tensors.
        outcome: What it gives: the type of its only result, or a type for several.
        dimensions: Dynamic dimensions: the name in the spec -> the parameter.
        sizes: An expression of the dynamic dimensions of each input.
    """

    name: str
    raw: str
    constant: str
    tensors: str
    outcome: str
    view: MethodView
    arguments: tuple[SwiftArgument, ...]
    results: tuple[SwiftResult, ...]
    dimensions: Mapping[str, str]
    class_name: str
    sizes: str

    @property
    def classified(self) -> tuple[SwiftResult, ...]:
        """The results that are classes."""
        return tuple(r for r in self.results if r.view.kind == "classes")

    def argument(self, name: str) -> SwiftArgument:
        """The argument of this name."""
        return next(a for a in self.arguments if a.view.name == name)

    def result(self, name: str) -> SwiftResult:
        """The result of this name."""
        return next(r for r in self.results if r.view.name == name)

    @property
    def images(self) -> tuple[SwiftArgument, ...]:
        """The arguments that are pictures."""
        return tuple(a for a in self.arguments if a.view.kind == "image")

    @property
    def own(self) -> tuple[Parameter, ...]:
        """The parameters that are arguments and dimensions."""
        return (
            *(Parameter(a.name, a.type) for a in self.arguments),
            *(Parameter(d, "Int") for d in self.dimensions.values()),
        )

    @property
    def choices(self) -> tuple[Parameter, ...]:
        """The parameters that have defaults: how pictures lie, and which results are wanted."""
        return tuple(self._choices())

    def _choices(self) -> Iterator[Parameter]:
        for image in self.images:
            yield Parameter(image.orientation, "Orientation", ".upright")
            yield Parameter(image.region, "Region?", "nil")
        for result in self.classified:
            threshold = result.view.threshold
            yield Parameter(result.most, "Int", str(result.view.most))
            yield Parameter(result.least, "Float", float_literal(float("-inf") if threshold is None else threshold))

    @property
    def unnamed(self) -> bool:
        """Whether the first argument has no label: it is the only one, and the method's name says what it is for."""
        return len(self.own) == 1

    @property
    def parameters(self) -> tuple[str, ...]:
        """All of them, as they are declared."""
        first, *others = (*self.own, *self.choices)
        return (f"_ {first}" if self.unnamed else str(first), *map(str, others))

    @property
    def passed(self) -> tuple[str, ...]:
        """What is passed on, in the order of the parameters."""
        first, *others = (*self.own, *self.choices)
        return (first.name if self.unnamed else f"{first.name}: {first.name}", *(f"{p.name}: {p.name}" for p in others))

    @property
    def documented(self) -> tuple[tuple[str, str], ...]:
        """All parameters, and what they are."""
        own = ((a.name, a.sentence) for a in self.arguments)
        return (*own, *self.documented_sizes, *self._documented_choices())

    @property
    def documented_sizes(self) -> tuple[tuple[str, str], ...]:
        """Those of dynamic dimensions."""
        return tuple((name, f"The size of the dimension {comment(own)}.") for own, name in self.dimensions.items())

    def documented_as(self, name: str, told: str, *others: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        """The same where the only argument, a picture, is something else."""
        return (name, told), *self._documented_choices(), *others

    def _documented_choices(self) -> Iterator[tuple[str, str]]:
        for image in self.images:
            yield image.orientation, "What makes the picture upright."
            yield image.region, "The part of the upright picture to look at; `nil` for all of it."
        for result in self.classified:
            which = f" of {result.name}" if len(self.classified) > 1 else ""
            yield result.most, f"How many classes{which} are given at most."
            yield result.least, "The least score of those that are given."

    @property
    def checks(self) -> tuple[str, ...]:
        """Calls that refuse sizes that are none, and arrays of another size."""
        sizes = [f"try requireDimension({string(own)}, {name})" for own, name in self.dimensions.items()]
        return (*sizes, *(a.check for a in self.arguments if a.check))

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the tensors take, in their order, as expressions of the parameters that can throw."""
        made = {tensor: text for a in self.arguments for tensor, text in a.made.items()}
        return tuple(made[tensor.name] for tensor in self.view.inputs)

    @property
    def told(self) -> str:
        """What it gives, in a sentence."""
        if len(self.results) > 1:
            return f"Gives {', and '.join(f'`{r.name}`, ' + '; '.join(r.told) for r in self.results)}."
        return self.results[0].sentence

    @property
    def returned(self) -> str:
        """The same in a few words."""
        if len(self.results) > 1:
            return "All of these."
        (only,) = self.results
        if only.view.kind == "classes":
            return "The classes and their scores."
        return "The value." if only.view.tensor.is_value else "The values."

    @property
    def picture(self) -> SwiftArgument | None:
        """The only argument, where that is a picture."""
        return None if self.view.picture is None else self.arguments[0]


@dataclass(frozen=True, slots=True)
class SwiftFile:
    """A variant's file: for each method its raw tensors, inputs then outputs."""

    view: VariantView
    tensors: Mapping[str, tuple[tuple[SwiftTensor, ...], tuple[SwiftTensor, ...]]]

    @property
    def resource(self) -> str:
        """The name of the file without its ending."""
        return self.view.file.removesuffix(".tflite")


@dataclass(frozen=True, slots=True)
class SwiftApp:
    """A model as Swift code has it."""

    view: AppView
    class_name: str
    methods: tuple[SwiftMethod, ...]
    files: tuple[SwiftFile, ...]

    @property
    def told(self) -> str:
        """What the model does, in a sentence."""
        return comment(self.view.description or f"The model {self.view.model}.")

    @property
    def has_pictures(self) -> bool:
        """Whether a method takes a picture alone, and so has forms for those of Apple's frameworks."""
        return any(m.picture for m in self.methods)


def app(view: AppView, class_name: str, module: str) -> SwiftApp:
    """The Swift of a model; `class_name` "" takes the model's name, which is not `module`.

    Raises:
        Invalid: If a method has more parameters or results than code can have.
    """
    words_taken = languages.swift_words()
    language = Language(
        "ios",
        words.camel,
        words_taken,
        frozenset(_PARAMETERS.split()),
        frozenset(_MEMBERS.split()) | words_taken,
        languages.swift_classes() | {module},
        "orientation",
    )
    names = names_of(view, language, class_name)
    several = len(view.methods) > 1
    methods = tuple(_method(m, n, names.class_name, several) for m, n in zip(view.methods, names.methods, strict=True))
    files = tuple(
        SwiftFile(v, {m.view.signature: _raw(m, v.tensors[m.view.signature]) for m in methods}) for v in view.variants
    )
    return SwiftApp(view, names.class_name, methods, files)


def _method(method: MethodView, names: MethodNames, class_name: str, several: bool) -> SwiftMethod:
    of_arguments = zip(method.arguments, names.arguments, strict=True)
    arguments = tuple(_argument(a, n, method, names, class_name) for a, n in of_arguments)
    of_results = zip(method.results, names.results, strict=True)
    results = tuple(_result(r, n, method, class_name) for r, n in of_results)
    return SwiftMethod(
        names.name,
        names.raw,
        names.constant,
        f"{class_name}{names.own}Tensors" if several else f"{class_name}Tensors",
        results[0].type if len(results) == 1 else f"{names.own}Result",
        method,
        arguments,
        results,
        names.dimensions,
        class_name,
        _sizes(method, names.dimensions),
    )


def _argument(
    view: ArgumentView, own: ArgumentNames, method: MethodView, names: MethodNames, class_name: str
) -> SwiftArgument:
    tensor, check, maker = view.tensor, "", ""
    info = f"{class_name}File.{names.constant}.inputs[{method.inputs.index(tensor)}]"
    kind = "[Float]" if tensor.real == "float32" else f"[{type_of(tensor.real)}]"
    if view.image is not None:
        maker, kind = image_maker(view.image), "any Picture"
        given = (f"{own.parameter}", f"orientation: {own.turned}", f"region: {own.region}")
        prepared = call("    .prepare", given).replace("\n", "\n    ")
        text = f"Self.{own.maker}.get()\n{prepared}\n    .values({info})"
    elif view.sound is not None:
        maker, kind = sound_maker(view.sound), "Sound"
        text = f"{info}\n    .encode(.float32(Self.{own.maker}.get().frames({own.parameter})[0]))"
    else:
        values = own.parameter
        if tensor.is_value:
            kind, values = kind[1:-1], f"[{own.parameter}]"
        else:
            count = _count(tensor, names.dimensions)
            check = call("try requireCount", (string(view.name), f"{values}.count", count))
        text = f"{info}\n    .encode(.{tensor.real}({values}))"
    return SwiftArgument(
        own.parameter,
        own.maker,
        kind,
        view,
        tuple(map(comment, telling.argument(view))),
        maker,
        {tensor.name: text},
        check,
        own.turned,
        own.region,
    )


def _result(view: ResultView, own: ResultNames, method: MethodView, class_name: str) -> SwiftResult:
    tensor = view.tensor
    place = method.outputs.index(tensor)
    element = type_of(tensor.real)
    values = f"outputs.{'floats' if tensor.real == 'float32' else 'values'}({place})"
    if view.activation:
        values = f"Scores.{view.activation}({values})"
    told = tuple(map(comment, telling.result(view)))
    if view.kind == "classes":
        lists = tuple(_labels(locale, view.labels[locale], constant) for locale, constant in own.labels.items())
        made = (
            f"Classification(\n    scores: {values},\n    labels: {class_name}Labels.{own.labels['']},\n"
            f"    threshold: {own.least},\n    maxResults: {own.most}\n)"
        )
        return SwiftResult(own.name, "Classification", view, told, lists, made, own.most, own.least)
    if not tensor.is_value:
        return SwiftResult(own.name, f"[{element}]", view, told, (), values)
    return SwiftResult(own.name, element, view, told, (), f"{values}.only()")


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _sizes(method: MethodView, dimensions: Mapping[str, str]) -> str:
    if not method.dynamic:
        return "[]"
    each = [", ".join(dimensions[d] for d in tensor.shape if isinstance(d, str)) for tensor in method.inputs]
    return f"[{', '.join(f'[{names}]' for names in each)}]"


def _labels(locale: str, labels: Sequence[str], constant: str) -> SwiftLabels:
    pieces = [labels[start : start + _LABELS_EACH] for start in range(0, len(labels), _LABELS_EACH)]
    return SwiftLabels(constant, locale, pieces)


def _count(tensor: TensorView, dimensions: Mapping[str, str]) -> str:
    """How many values it has, as an expression that can throw where dimensions are its factors."""
    names = [dimensions[d] for d in tensor.shape if isinstance(d, str)]
    if not names:
        return str(tensor.elements)
    return f"tensorSize({string(tensor.name)}, {', '.join([str(tensor.elements), *names])})"


def _raw(
    method: SwiftMethod, ends: tuple[tuple[TensorView, ...], tuple[TensorView, ...]]
) -> tuple[tuple[SwiftTensor, ...], tuple[SwiftTensor, ...]]:
    inputs, outputs = ends
    taken = [*languages.swift_words(), *_TENSORS.split(), *method.dimensions.values()]
    own = identifiers([t.name for t in inputs], "input", taken)
    names = [*own, *identifiers([t.name for t in outputs], "output", [*taken, *own])]
    made = [_tensor(t, n, method.dimensions) for t, n in zip((*inputs, *outputs), names, strict=True)]
    return tuple(made[: len(inputs)]), tuple(made[len(inputs) :])


def _tensor(tensor: TensorView, name: str, dimensions: Mapping[str, str]) -> SwiftTensor:
    shape = ", ".join(str(d) if isinstance(d, int) else "-1" for d in tensor.shape)
    info = f"TensorInfo(\n    {string(tensor.name)},\n    .{tensor.dtype},\n    shape: [{shape}]"
    if tensor.scale is not None:
        info += f",\n    Quantization({float_literal(tensor.scale)}, {tensor.zero_point}, .{tensor.dtype})"
    known = all(d in dimensions for d in tensor.dynamic)
    return SwiftTensor(
        tensor.name,
        name,
        type_of(tensor.dtype),
        _count(tensor, dimensions) if known else "0",
        f"{info}\n)",
        comment(telling.tensor(tensor)),
        bool(tensor.dynamic),
        tensor.dtype,
    )
