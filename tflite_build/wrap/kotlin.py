"""The view of a model as Kotlin has it: identifiers, types, literals. Templates print what stands here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tflite_build import languages

from . import telling, words
from .kotlin_text import comment, float_literal, image_maker, sound_maker, string
from .names import ArgumentNames, Language, MethodNames, ResultNames, identifiers, names_of
from .view import AppView, ArgumentView, MethodView, ResultView, TensorView, VariantView

# dtype -> the array that holds its values, the name of an element's default, the constant of TensorType.
_ARRAYS = {
    "float32": "FloatArray",
    "int8": "ByteArray",
    "uint8": "ByteArray",
    "int16": "ShortArray",
    "int32": "IntArray",
    "int64": "LongArray",
    "bool": "BooleanArray",
}
# dtype -> the type of one value.
_VALUES = {"float32": "Float", "int8": "Byte", "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Boolean"}
# What stands beside parameters where they are seen: in a method's own code and the bitmap's, in the test's, in Await.kt.
_PARAMETERS = """
    rotation region max_results min_score bitmap session buffers context file accelerators engine tensors outputs block
    golden model found open source run submit close check_size check_dimension await job
"""
_MEMBERS = "file sha256 size"  # of the object that says what file the code is of
_LABELS_EACH = 500  # of one function: a method's code ends at 64 KB
_LABELS_TOGETHER = 8_000  # of one class, which has 65,535 constants at most


@dataclass(frozen=True, slots=True)
class KotlinTensor:
    """A tensor of a file.

    Attributes:
        property: What holds its values in the class of raw tensors.
        array: The type of that.
        size: The number of its values, as an expression of the dynamic dimensions.
        info: The call that makes its `TensorInfo`.
    """

    property: str
    array: str
    size: str
    info: str
    told: str
    dynamic: bool


@dataclass(frozen=True, slots=True)
class KotlinArgument:
    """A parameter of a method: its name, type, and how it becomes what tensors take.

    Attributes:
        made: Tensor -> the array that it takes, as an expression of the parameter.
        check: The statement that refuses what does not fit; "" for none.
    """

    name: str
    constant: str
    type: str
    view: ArgumentView
    told: tuple[str, ...]
    maker: str
    made: Mapping[str, str]
    check: str
    rotation: str = ""
    region: str = ""

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.kind == "tensor" and self.view.tensor.is_value


@dataclass(frozen=True, slots=True)
class LabelPiece:
    """Labels that one function gives, in an object of some of these."""

    name: str
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class KotlinLabels:
    """What classes are called in a locale, "" where nobody says which.

    Attributes:
        pieces: Object -> its functions, where the labels are too many for one; else empty.
    """

    constant: str
    locale: str
    labels: Sequence[str]
    pieces: Mapping[str, Sequence[LabelPiece]]


@dataclass(frozen=True, slots=True)
class KotlinResult:
    """What a method gives: its name where there are several, its type, and how it is made.

    Attributes:
        made: It, as an expression of `outputs`.
        most: The parameter that says how many classes are wanted; "" of what is no classes.
        least: The parameter of their least score.
    """

    name: str
    type: str
    view: ResultView
    told: tuple[str, ...]
    lists: tuple[KotlinLabels, ...]
    made: str
    most: str = ""
    least: str = ""

    @property
    def sentence(self) -> str:
        """What it is."""
        text = "; ".join(self.told)
        return f"{text[:1].upper()}{text[1:]}."

    @property
    def choices(self) -> tuple[str, ...]:
        """The parameters that say what of it is wanted."""
        if self.view.kind != "classes":
            return ()
        threshold = self.view.threshold
        least = "Float.NEGATIVE_INFINITY" if threshold is None else float_literal(threshold)
        return f"{self.most}: Int = {self.view.most}", f"{self.least}: Float = {least}"

    def checked(self, found: str) -> str:
        """The array that a test looks at, or the classes, as an expression of the result."""
        is_value = self.view.kind == "tensor" and self.view.tensor.is_value
        return _array_of(self.view.tensor, found) if is_value else found


@dataclass(frozen=True, slots=True)
class KotlinMethod:
    """A method.

    Attributes:
        raw: The method that takes the tensors themselves.
        constant: The property with its `SignatureInfo`.
        tensors: The class of its raw tensors.
        outcome: What it gives: the type of its only result, or a class for several.
        dimensions: Dynamic dimensions: the name in the spec -> the parameter.
        sizes: An expression of the dynamic dimensions of each input.
        output_sizes: Expressions of how many values each output has; "null" where the runtime tells.
    """

    name: str
    raw: str
    constant: str
    tensors: str
    outcome: str
    view: MethodView
    arguments: tuple[KotlinArgument, ...]
    results: tuple[KotlinResult, ...]
    dimensions: Mapping[str, str]
    class_name: str
    sizes: str
    output_sizes: tuple[str, ...]

    @property
    def awaiting(self) -> str:
        """The suspending one."""
        return _awaiting(self.name)

    @property
    def awaiting_raw(self) -> str:
        """The suspending one of `raw`."""
        return _awaiting(self.raw)

    @property
    def classified(self) -> tuple[KotlinResult, ...]:
        """The results that are classes."""
        return tuple(r for r in self.results if r.view.kind == "classes")

    @property
    def own(self) -> tuple[str, ...]:
        """The parameters that are arguments and dimensions, without those that say which results are wanted."""
        return (*(f"{a.name}: {a.type}" for a in self.arguments), *(f"{d}: Int" for d in self.dimensions.values()))

    def argument(self, name: str) -> KotlinArgument:
        """The argument of this name."""
        return next(a for a in self.arguments if a.view.name == name)

    def result(self, name: str) -> KotlinResult:
        """The result of this name."""
        return next(r for r in self.results if r.view.name == name)

    @property
    def images(self) -> tuple[KotlinArgument, ...]:
        """The arguments that are pictures."""
        return tuple(a for a in self.arguments if a.view.kind == "image")

    @property
    def choices(self) -> tuple[str, ...]:
        """The parameters that have defaults: how pictures lie, and which results are wanted."""
        turned = [text for a in self.images for text in (f"{a.rotation}: Int = 0", f"{a.region}: Region? = null")]
        return (*turned, *(text for r in self.results for text in r.choices))

    @property
    def chosen(self) -> tuple[str, ...]:
        """`choices` without their defaults."""
        return tuple(text.partition(" = ")[0] for text in self.choices)

    @property
    def passed(self) -> tuple[str, ...]:
        """What a caller passes on, in the order of the parameters."""
        names = [*(a.name for a in self.arguments), *self.dimensions.values()]
        return (*names, *(text.partition(":")[0] for text in self.choices))

    @property
    def dynamic_outputs(self) -> bool:
        """Whether the runtime tells the size of an output."""
        return any(tensor.dynamic for tensor in self.view.outputs)

    @property
    def outcome_outside(self) -> str:
        """What it gives, where the class is not at hand."""
        return self.outcome if len(self.results) == 1 else f"{self.class_name}.{self.outcome}"

    @property
    def checks(self) -> tuple[str, ...]:
        """Statements that refuse sizes that are none, and arrays of another size."""
        sizes = [f"checkDimension({string(own)}, {name})" for own, name in self.dimensions.items()]
        return (*sizes, *(a.check for a in self.arguments if a.check))

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the tensors take, in their order, as expressions of the parameters."""
        made = {tensor: text for a in self.arguments for tensor, text in a.made.items()}
        return tuple(made[tensor.name] for tensor in self.view.inputs)

    @property
    def told(self) -> str:
        """What it gives, in a sentence."""
        if len(self.results) > 1:
            return f"Gives {', and '.join(f'{r.name}, ' + '; '.join(r.told) for r in self.results)}."
        return self.results[0].sentence

    @property
    def picture(self) -> KotlinArgument | None:
        """The only argument, where that is a picture."""
        return None if self.view.picture is None else self.arguments[0]


@dataclass(frozen=True, slots=True)
class KotlinFile:
    """A variant's file: for each method its raw tensors, inputs then outputs."""

    view: VariantView
    tensors: Mapping[str, tuple[tuple[KotlinTensor, ...], tuple[KotlinTensor, ...]]]


@dataclass(frozen=True, slots=True)
class KotlinApp:
    """A model as Kotlin code has it."""

    view: AppView
    package: str
    class_name: str
    methods: tuple[KotlinMethod, ...]
    files: tuple[KotlinFile, ...]

    @property
    def told(self) -> str:
        """What the model does, in a sentence."""
        return comment(self.view.description or f"The model {self.view.model}.")

    @property
    def has_bitmaps(self) -> bool:
        """Whether a method takes a picture alone, and so has a form for a bitmap."""
        return any(m.picture for m in self.methods)


def app(view: AppView, package: str, class_name: str) -> KotlinApp:
    """The Kotlin of a model; `class_name` "" takes the model's name.

    Raises:
        Invalid: If a method has more parameters or results than code can have.
    """
    names = names_of(view, _language(), class_name)
    several = len(view.methods) > 1
    methods = tuple(_method(m, n, names.class_name, several) for m, n in zip(view.methods, names.methods, strict=True))
    files = tuple(
        KotlinFile(v, {m.view.signature: _raw(m, v.tensors[m.view.signature]) for m in methods}) for v in view.variants
    )
    return KotlinApp(view, package, names.class_name, methods, files)


@cache
def _language() -> Language:
    return Language(
        "android",
        words.upper,
        languages.kotlin_keywords() | languages.kotlin_members(),
        frozenset(_PARAMETERS.split()),
        frozenset(_MEMBERS.split()),
        languages.kotlin_classes(),
        "rotation",
        lambda name: (_awaiting(name),),
    )


def _method(method: MethodView, names: MethodNames, class_name: str, several: bool) -> KotlinMethod:
    of_arguments = zip(method.arguments, names.arguments, strict=True)
    arguments = tuple(_argument(a, n, method, names, class_name) for a, n in of_arguments)
    of_results = zip(method.results, names.results, strict=True)
    results = tuple(_result(r, n, method, class_name) for r, n in of_results)
    return KotlinMethod(
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
        tuple("null" if t.dynamic else _size(t, names.dimensions) for t in method.outputs),
    )


def _argument(
    view: ArgumentView, own: ArgumentNames, method: MethodView, names: MethodNames, class_name: str
) -> KotlinArgument:
    tensor, check = view.tensor, ""
    if view.kind == "image":
        info = f"{class_name}Model.{names.constant}.inputs[{method.inputs.index(tensor)}]"
        turned = f"Orientation.ofRotation({own.turned}), {own.region}"
        text = f"{own.maker}.prepare({own.parameter}, {turned}).tensor({info})"
    elif view.kind == "audio":
        text = f"{own.maker}.frames({own.parameter})[0]"
    elif tensor.is_value:
        text = _array_of(tensor, own.parameter)
    else:
        text = own.parameter
        check = f"checkSize({string(view.name)}, {text}.size, {_size(tensor, names.dimensions, long=True)})"
    return KotlinArgument(
        own.parameter,
        own.maker,
        _parameter_type(view),
        view,
        tuple(map(comment, telling.argument(view))),
        _maker(view),
        {tensor.name: text},
        check,
        own.turned,
        own.region,
    )


def _result(view: ResultView, own: ResultNames, method: MethodView, class_name: str) -> KotlinResult:
    tensor = view.tensor
    array = f"outputs[{method.outputs.index(tensor)}] as {_ARRAYS[tensor.real]}"
    values = f"Scores.{view.activation}({array})" if view.activation else array
    told = tuple(map(comment, telling.result(view)))
    if view.kind == "classes":
        lists = tuple(_labels(locale, view.labels[locale], constant) for locale, constant in own.labels.items())
        made = f"Classification.of({values}, {class_name}Labels.{own.labels['']}, {own.least}, {own.most})"
        return KotlinResult(own.name, "Classification", view, told, lists, made, own.most, own.least)
    if tensor.is_value:
        values = f"{values}[0]" if view.activation else f"({values})[0]"
    return KotlinResult(own.name, _type(tensor), view, told, (), values)


def _awaiting(name: str) -> str:
    return f"await{name[0].upper()}{name[1:]}"


def _sizes(method: MethodView, dimensions: Mapping[str, str]) -> str:
    if not method.dynamic:
        return "emptyList()"
    each = [[dimensions[d] for d in tensor.shape if isinstance(d, str)] for tensor in method.inputs]
    arrays = [f"intArrayOf({', '.join(names)})" for names in each]
    return f"listOf({', '.join(arrays)})"


def _labels(locale: str, labels: Sequence[str], constant: str) -> KotlinLabels:
    pieces: dict[str, list[LabelPiece]] = {}
    if len(labels) > _LABELS_EACH:
        for number, start in enumerate(range(0, len(labels), _LABELS_EACH)):
            holder = words.pascal([*constant.lower().split("_"), f"part{start // _LABELS_TOGETHER + 1}"])
            piece = LabelPiece(f"piece{number + 1}", labels[start : start + _LABELS_EACH])
            pieces.setdefault(holder, []).append(piece)
    return KotlinLabels(constant, locale, labels, pieces)


def _maker(argument: ArgumentView) -> str:
    """The call that makes what reads a picture or a sound; "" for other arguments."""
    if argument.image is not None:
        return image_maker(argument.image)
    return sound_maker(argument.sound) if argument.sound is not None else ""


def _parameter_type(argument: ArgumentView) -> str:
    if argument.kind == "image":
        return "Picture"
    return "Sound" if argument.kind == "audio" else _type(argument.tensor)


def _type(tensor: TensorView) -> str:
    return _VALUES[tensor.real] if tensor.is_value else _ARRAYS[tensor.real]


def _array_of(tensor: TensorView, value: str) -> str:
    array = _ARRAYS[tensor.real]
    return f"{array[0].lower()}{array[1:]}Of({value})"


def _size(tensor: TensorView, dimensions: Mapping[str, str], *, long: bool = False) -> str:
    """How many values it has, as an expression: of type Long where several factors could be more than an Int holds."""
    names = [dimensions.get(d, words.camel(words.words(d) or ("size",))) for d in tensor.shape if isinstance(d, str)]
    if long and names:
        return " * ".join([f"{tensor.elements}L", *names])
    factors = [*([str(tensor.elements)] if tensor.elements != 1 or not names else []), *names]
    return " * ".join(factors)


def _raw(
    method: KotlinMethod, ends: tuple[tuple[TensorView, ...], tuple[TensorView, ...]]
) -> tuple[tuple[KotlinTensor, ...], tuple[KotlinTensor, ...]]:
    inputs, outputs = ends
    taken = [*_language().words, *method.dimensions.values()]
    own = identifiers([t.name for t in inputs], "input", taken)
    names = [*own, *identifiers([t.name for t in outputs], "output", [*taken, *own])]
    made = [_tensor(t, n, method.dimensions) for t, n in zip((*inputs, *outputs), names, strict=True)]
    return tuple(made[: len(inputs)]), tuple(made[len(inputs) :])


def _tensor(tensor: TensorView, name: str, dimensions: Mapping[str, str]) -> KotlinTensor:
    shape = ", ".join(str(d) if isinstance(d, int) else "-1" for d in tensor.shape)
    info = f"TensorInfo({string(tensor.name)}, TensorType.{tensor.dtype.upper()}, intArrayOf({shape})"
    if tensor.scale is not None:
        kind = f"QuantizedType.{tensor.dtype.upper()}"
        info += f", Quantization({float_literal(tensor.scale)}, {tensor.zero_point}, {kind})"
    told = comment(telling.tensor(tensor))
    return KotlinTensor(name, _ARRAYS[tensor.dtype], _size(tensor, dimensions), f"{info})", told, bool(tensor.dynamic))
