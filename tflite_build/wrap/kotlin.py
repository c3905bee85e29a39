"""The view of a model as Kotlin has it: identifiers, types, literals. Templates print what stands here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tflite_build import languages

from . import telling, words
from .kotlin_text import comment, float_literal, image_maker, sound_maker, string
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
# dtype -> the type of one value; unsigned bytes have none that arithmetic takes.
_VALUES = {"float32": "Float", "int8": "Byte", "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Boolean"}
# Parameters and locals of the generated functions themselves.
_PARAMETERS = (
    "rotation",
    "region",
    "max_results",
    "min_score",
    "session",
    "buffers",
    "context",
    "file",
    "accelerators",
)
_MOST = 10  # classes that are given where nobody says how many
_LABELS_EACH = 500  # of one constant: a method's code ends at 64 KB


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
    """A parameter of a method: its name, type, and how it becomes what the tensor takes."""

    name: str
    constant: str
    type: str
    view: ArgumentView
    told: tuple[str, ...]
    size: str
    maker: str
    rotation: str = "rotation"
    region: str = "region"

    @property
    def read(self) -> str:
        """The array that the tensor takes, as an expression of the parameter."""
        if self.view.kind == "image":
            form = "bytes" if self.view.tensor.real == "uint8" else "floats"
            turned = f"Orientation.ofRotation({self.rotation})"
            return f"{self.constant}.prepare({self.name}, {turned}, {self.region}).{form}()"
        if self.view.kind == "audio":
            return f"{self.constant}.frames({self.name})[0]"
        return _array_of(self.view.tensor, self.name) if self.is_value else self.name

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.kind == "tensor" and _is_value(self.view.tensor)


@dataclass(frozen=True, slots=True)
class KotlinLabels:
    """What classes are called in a locale, "" where nobody says which."""

    constant: str
    locale: str
    pieces: tuple[tuple[str, Sequence[str]], ...]  # the function that gives each piece, where there are several


@dataclass(frozen=True, slots=True)
class KotlinResult:
    """What a method gives: its name where there are several, and its type."""

    name: str
    type: str
    view: ResultView
    told: tuple[str, ...]
    lists: tuple[KotlinLabels, ...]

    def made(self, class_name: str, index: int) -> str:
        """The result, as an expression of `outputs`."""
        array = f"outputs[{index}] as {_ARRAYS[self.view.tensor.real]}"
        values = f"Scores.{self.view.activation}({array})" if self.view.activation else array
        if self.view.kind == "classes":
            return f"Classification.of({values}, {class_name}Labels.{self.lists[0].constant}, minScore, maxResults)"
        if self.is_value:
            return f"{values}[0]" if self.view.activation else f"({values})[0]"
        return values

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return self.view.kind == "tensor" and _is_value(self.view.tensor)

    def checked(self, found: str) -> str:
        """The array that a test looks at, or the classes, as an expression of the result."""
        return _array_of(self.view.tensor, found) if self.is_value else found


@dataclass(frozen=True, slots=True)
class KotlinMethod:
    """A method.

    Attributes:
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
    def classified(self) -> tuple[KotlinResult, ...]:
        """The results that are classes."""
        return tuple(r for r in self.results if r.view.kind == "classes")

    @property
    def most(self) -> int:
        """How many classes are given where the caller does not say."""
        asked = [r.view.most for r in self.classified if r.view.most is not None]
        return max(asked, default=min(max(r.view.classes for r in self.classified), _MOST))

    @property
    def least(self) -> str:
        """The least score of classes where the caller does not say."""
        asked = [r.view.threshold for r in self.classified if r.view.threshold is not None]
        return float_literal(min(asked)) if asked else "Float.NEGATIVE_INFINITY"

    @property
    def own(self) -> tuple[str, ...]:
        """The parameters that are arguments and dimensions, without those that say which results are wanted."""
        return (*(f"{a.name}: {a.type}" for a in self.arguments), *(f"{d}: Int" for d in self.dimensions.values()))

    def argument(self, name: str) -> KotlinArgument:
        """The argument for a tensor."""
        return next(a for a in self.arguments if a.view.name == name)

    def result(self, name: str) -> KotlinResult:
        """The result of a tensor."""
        return next(r for r in self.results if r.view.name == name)

    @property
    def images(self) -> tuple[KotlinArgument, ...]:
        """The arguments that are pictures."""
        return tuple(a for a in self.arguments if a.view.kind == "image")

    @property
    def choices(self) -> tuple[str, ...]:
        """The parameters that have defaults: how pictures lie, and which results are wanted."""
        turned = [text for a in self.images for text in (f"{a.rotation}: Int = 0", f"{a.region}: Region? = null")]
        wanted = [f"maxResults: Int = {self.most}", f"minScore: Float = {self.least}"] if self.classified else []
        return (*turned, *wanted)

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
        return any(r.view.tensor.dynamic for r in self.results)

    @property
    def outcome_outside(self) -> str:
        """What it gives, where the class is not at hand."""
        return self.outcome if len(self.results) == 1 else f"{self.class_name}.{self.outcome}"

    @property
    def checks(self) -> tuple[str, ...]:
        """Statements that refuse arrays of another size."""
        return tuple(
            f"checkSize({string(a.view.name)}, {a.name}.size, {a.size})"
            for a in self.arguments
            if a.view.kind == "tensor" and not a.is_value
        )

    @property
    def inputs(self) -> tuple[str, ...]:
        """What the tensors take, as expressions of the parameters."""
        return tuple(a.read for a in self.arguments)

    @property
    def told(self) -> str:
        """What it gives, in a sentence."""
        each = " and ".join("; ".join(r.told) for r in self.results)
        return f"{each[:1].upper()}{each[1:]}."

    @property
    def picture(self) -> KotlinArgument | None:
        """The only argument, where that is a picture."""
        only = self.arguments[0] if len(self.arguments) == 1 and not self.dimensions else None
        return only if only is not None and only.view.kind == "image" else None


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

    @property
    def has_images(self) -> bool:
        """Whether a method takes a picture."""
        return any(a.view.kind == "image" for m in self.methods for a in m.arguments)

    @property
    def has_sounds(self) -> bool:
        """Whether a method takes a sound."""
        return any(a.view.kind == "audio" for m in self.methods for a in m.arguments)

    @property
    def has_activations(self) -> bool:
        """Whether something is done to a result first."""
        return any(r.view.activation for m in self.methods for r in m.results)

    @property
    def has_classes(self) -> bool:
        """Whether a method gives classes."""
        return any(m.classified for m in self.methods)


def app(view: AppView, package: str, class_name: str) -> KotlinApp:
    """The Kotlin of a model; `class_name` "" takes the model's name."""
    name = class_name or words.pascal(words.words(view.model) or ("model",))
    if not class_name and name in languages.kotlin_classes():
        name += "Model"
    named = words.named([m.name for m in view.methods], words.camel, "call", _taken(_PARAMETERS))
    constants = _Constants()
    methods = tuple(_method(m, named[m.name], name, len(view.methods) > 1, constants) for m in view.methods)
    files = tuple(
        KotlinFile(v, {m.view.signature: _raw(m, v.tensors[m.view.signature]) for m in methods}) for v in view.variants
    )
    return KotlinApp(view, package, name, methods, files)


def _taken(more: Iterable[str]) -> list[str]:
    return [*languages.kotlin_keywords(), *languages.kotlin_members(), *(words.camel(word.split("_")) for word in more)]


class _Constants:
    """Names of constants in one scope, each once: those of `a` in `bC` and of `aB` in `c` would be alike."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def named(self, *names: Iterable[str]) -> str:
        """A constant of these words."""
        plain = words.upper(word for name in names for word in name)
        own, number = plain, 2
        while own in self._used:
            own, number = f"{plain}_{number}", number + 1
        self._used.add(own)
        return own


def _method(method: MethodView, name: str, class_name: str, several: bool, constants: _Constants) -> KotlinMethod:
    ends = [*(("in", a.name) for a in method.arguments), *(("dim", d) for d in method.dynamic)]
    keys = [f"{side}/{own}" for side, own in ends]
    named = dict(zip(keys, _identifiers([own for _, own in ends], "input", _taken(_PARAMETERS)), strict=True))
    dimensions = {d: named[f"dim/{d}"] for d in method.dynamic}
    own = words.pascal(words.words(name))
    scope = words.words(name) if several else ()
    images = sum(a.kind == "image" for a in method.arguments)
    arguments = tuple(
        KotlinArgument(
            named[f"in/{a.name}"],
            constants.named(scope, words.words(named[f"in/{a.name}"])),
            _parameter_type(a),
            a,
            tuple(map(comment, telling.argument(a))),
            _size(a.tensor, dimensions),
            _maker(a),
            "rotation" if images == 1 else f"{named[f'in/{a.name}']}Rotation",
            "region" if images == 1 else f"{named[f'in/{a.name}']}Region",
        )
        for a in method.arguments
    )
    names = _identifiers([r.name for r in method.results], "output", _taken(()))
    results = tuple(
        KotlinResult(
            n,
            "Classification" if r.kind == "classes" else _type(r.tensor),
            r,
            tuple(map(comment, telling.result(r))),
            _labels(r, [*scope, *words.words(n)], constants),
        )
        for n, r in zip(names, method.results, strict=True)
    )
    outcome = results[0].type if len(results) == 1 else f"{own}Result"
    constant = words.upper(words.words(name))
    raw = "run" if not several else f"run{own}"
    return KotlinMethod(
        name,
        raw,
        constant,
        f"{class_name}Tensors" if not several else f"{class_name}{own}Tensors",
        outcome,
        method,
        arguments,
        results,
        dimensions,
        class_name,
        _sizes(method, dimensions),
        tuple("null" if r.tensor.dynamic else _size(r.tensor, dimensions) for r in method.results),
    )


def _sizes(method: MethodView, dimensions: Mapping[str, str]) -> str:
    if not method.dynamic:
        return "emptyList()"
    each = [[dimensions[d] for d in a.tensor.shape if isinstance(d, str)] for a in method.arguments]
    arrays = [f"intArrayOf({', '.join(names)})" for names in each]
    return f"listOf({', '.join(arrays)})"


def _labels(result: ResultView, name: Sequence[str], constants: _Constants) -> tuple[KotlinLabels, ...]:
    if result.kind != "classes":
        return ()
    given = result.labels or {"": [str(i) for i in range(result.classes)]}
    made = []
    for locale in sorted(given):
        constant = constants.named(name, words.words(locale))
        pieces = [given[locale][i : i + _LABELS_EACH] for i in range(0, len(given[locale]), _LABELS_EACH)]
        functions = [f"{words.camel(constant.lower().split('_'))}Part{i + 1}" for i in range(len(pieces))]
        made.append(KotlinLabels(constant, locale, tuple(zip(functions, pieces, strict=True))))
    return tuple(made)


def _identifiers(names: Sequence[str], fallback: str, taken: Iterable[str]) -> list[str]:
    """An identifier for each place: the same name twice, as of an input and a dimension, gives two."""
    found: list[str] = []
    used = list(taken)
    for name in names:
        own = words.named([name], words.camel, fallback, used)[name]
        used.append(own)
        found.append(own)
    return found


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
    return _VALUES[tensor.real] if _is_value(tensor) else _ARRAYS[tensor.real]


def _is_value(tensor: TensorView) -> bool:
    return not tensor.shape and tensor.real in _VALUES


def _array_of(tensor: TensorView, value: str) -> str:
    array = _ARRAYS[tensor.real]
    return f"{array[0].lower()}{array[1:]}Of({value})"


def _size(tensor: TensorView, dimensions: Mapping[str, str]) -> str:
    names = [dimensions.get(d, words.camel(words.words(d) or ("size",))) for d in tensor.shape if isinstance(d, str)]
    factors = [*([str(tensor.elements)] if tensor.elements != 1 or not names else []), *names]
    return " * ".join(factors)


def _raw(
    method: KotlinMethod, ends: tuple[tuple[TensorView, ...], tuple[TensorView, ...]]
) -> tuple[tuple[KotlinTensor, ...], tuple[KotlinTensor, ...]]:
    inputs, outputs = ends
    taken = [a.name for a in method.arguments]
    names = [
        *taken,
        *_identifiers([t.name for t in outputs], "output", [*_taken(()), *taken, *method.dimensions.values()]),
    ]
    made = [_tensor(t, n, method.dimensions) for t, n in zip((*inputs, *outputs), names, strict=True)]
    return tuple(made[: len(inputs)]), tuple(made[len(inputs) :])


def _tensor(tensor: TensorView, name: str, dimensions: Mapping[str, str]) -> KotlinTensor:
    shape = ", ".join(str(d) if isinstance(d, int) else "-1" for d in tensor.shape)
    info = f"TensorInfo({string(tensor.name)}, TensorType.{tensor.dtype.upper()}, intArrayOf({shape})"
    if tensor.scale is not None:
        kind = f"QuantizedType.{tensor.dtype.upper()}"
        info += f", Quantization({float_literal(tensor.scale)}, {tensor.zero_point}, {kind})"
    told = f"{tensor.dtype} {telling.shape(tensor)}"
    if tensor.scale is not None:
        told += f"; a value v stands for {tensor.scale:.7g} * (v - {tensor.zero_point})".replace("(v - -", "(v + ")
    return KotlinTensor(
        name, _ARRAYS[tensor.dtype], _size(tensor, dimensions), f"{info})", comment(told), bool(tensor.dynamic)
    )
