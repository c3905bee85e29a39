"""The view of a model as Kotlin has it: identifiers, types, literals. Templates print what stands here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tflite_build import languages
from tflite_build.engines.contract import Invalid

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
# dtype -> the type of one value.
_VALUES = {"float32": "Float", "int8": "Byte", "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Boolean"}
# What stands beside parameters where they are seen: in a method's own code and the bitmap's, in the test's, in Await.kt.
_PARAMETERS = """
    rotation region max_results min_score bitmap session buffers context file accelerators engine tensors outputs block
    golden model found open source run submit close check_size check_dimension await job
"""
_MEMBERS = "file sha256 size"  # of the object that says what file the code is of
_MOST_PARAMETERS = 200  # of 255 that Java has, since there are more than a caller passes
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
    """The Kotlin of a model; `class_name` "" takes the model's name."""
    name = class_name or words.pascal(words.words(view.model) or ("model",))
    if not class_name and name in languages.kotlin_classes():
        name += "Model"
    named = _methods([m.name for m in view.methods])
    constants, signatures = _Constants(), _Constants(_MEMBERS.split())
    methods = tuple(_method(m, named[m.name], name, len(view.methods) > 1, constants, signatures) for m in view.methods)
    files = tuple(
        KotlinFile(v, {m.view.signature: _raw(m, v.tensors[m.view.signature]) for m in methods}) for v in view.variants
    )
    return KotlinApp(view, package, name, methods, files)


def _methods(names: Sequence[str]) -> Mapping[str, str]:
    """What methods are called: neither they, nor those beside them, are called as another is."""
    found: dict[str, str] = {}
    taken = _taken()
    for name in names:
        refused: list[str] = []
        while name not in found:
            own = words.named([name], words.camel, "call", [*taken, *refused])[name]
            beside = {own, _awaiting(own), _raw_name(own), _awaiting(_raw_name(own))} if len(names) > 1 else {own}
            if {word.casefold() for word in beside} & {word.casefold() for word in taken}:
                refused.append(own)
            else:
                found[name] = own
                taken += beside
    return found


def _words() -> list[str]:
    """What no property can be called."""
    return [*languages.kotlin_keywords(), *languages.kotlin_members()]


def _taken() -> list[str]:
    """What no method and no parameter can be called."""
    return [*_words(), *(words.camel(word.split("_")) for word in _PARAMETERS.split())]


class _Constants:
    """Names of constants in one scope, each once: those of `a` in `bC` and of `aB` in `c` would be alike."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._used = {word.upper() for word in taken}

    def named(self, *names: Iterable[str]) -> str:
        """A constant of these words."""
        plain = words.upper(word for name in names for word in name)
        own, number = plain, 2
        while own in self._used:
            own, number = f"{plain}_{number}", number + 1
        self._used.add(own)
        return own


class _Beside:
    """Names of parameters that belong to others, none of them called as another parameter is."""

    def __init__(self, used: Iterable[str]) -> None:
        self._used = {name.casefold() for name in used}

    def named(self, name: str, word: str) -> str:
        """`nameWord`, with a number where that is taken."""
        plain = f"{name}{word[0].upper()}{word[1:]}"
        own, number = plain, 2
        while own.casefold() in self._used:
            own, number = f"{plain}{number}", number + 1
        self._used.add(own.casefold())
        return own


def _check_count(method: MethodView) -> None:
    for count, word in ((len(method.arguments) + len(method.dynamic), "takes"), (len(method.results), "gives")):
        if count > _MOST_PARAMETERS:
            raise Invalid(
                f"'{method.name}' {word} {count} values, and generated code has no more than {_MOST_PARAMETERS}",
                "android",
                "take [android] out, and call the model by the tensors of its file",
            )


def _method(
    method: MethodView, name: str, class_name: str, several: bool, constants: _Constants, signatures: _Constants
) -> KotlinMethod:
    _check_count(method)
    ends = [*(("in", a.name) for a in method.arguments), *(("dim", d) for d in method.dynamic)]
    keys = [f"{side}/{own}" for side, own in ends]
    named = dict(zip(keys, _identifiers([own for _, own in ends], "input", _taken()), strict=True))
    dimensions = {d: named[f"dim/{d}"] for d in method.dynamic}
    own = words.pascal(words.words(name))
    scope = words.words(name) if several else ()
    constant = signatures.named(words.words(name))
    alone = sum(a.kind == "image" for a in method.arguments) == 1
    tensors = [t.name for t in method.inputs]
    beside = _Beside(named.values())

    def argument(view: ArgumentView) -> KotlinArgument:
        parameter = named[f"in/{view.name}"]
        maker = constants.named(scope, words.words(parameter))
        rotation = region = ""
        if view.kind == "image":
            rotation, region = (word if alone else beside.named(parameter, word) for word in ("rotation", "region"))
        infos = {t.name: f"{class_name}Model.{constant}.inputs[{tensors.index(t.name)}]" for t in view.tensors}
        turned = f"Orientation.ofRotation({rotation}), {region}"
        tensor, check = view.tensor, ""
        if view.kind == "image":
            text = f"{maker}.prepare({parameter}, {turned}).tensor({infos[tensor.name]})"
        elif view.kind == "audio":
            text = f"{maker}.frames({parameter})[0]"
        elif tensor.is_value:
            text = _array_of(tensor, parameter)
        else:
            text = parameter
            check = f"checkSize({string(view.name)}, {parameter}.size, {_size(tensor, dimensions, long=True)})"
        return KotlinArgument(
            parameter,
            maker,
            _parameter_type(view),
            view,
            tuple(map(comment, telling.argument(view))),
            _maker(view),
            {tensor.name: text},
            check,
            rotation,
            region,
        )

    names = _identifiers([r.name for r in method.results], "output", _words())
    only = sum(r.kind == "classes" for r in method.results) == 1
    places = [t.name for t in method.outputs]
    arguments = tuple(map(argument, method.arguments))

    def result(view: ResultView, name: str) -> KotlinResult:
        limits = ("", "")
        if view.kind == "classes":
            most, least = "maxResults", "minScore"
            limits = (most, least) if only else (beside.named(name, most), beside.named(name, least))
        return _result(view, name, class_name, places, _labels(view, [*scope, *words.words(name)], constants), limits)

    results = tuple(result(r, n) for n, r in zip(names, method.results, strict=True))
    return KotlinMethod(
        name,
        _raw_name(name) if several else "run",
        constant,
        f"{class_name}{own}Tensors" if several else f"{class_name}Tensors",
        results[0].type if len(results) == 1 else f"{own}Result",
        method,
        arguments,
        results,
        dimensions,
        class_name,
        _sizes(method, dimensions),
        tuple("null" if t.dynamic else _size(t, dimensions) for t in method.outputs),
    )


def _result(
    view: ResultView,
    name: str,
    class_name: str,
    outputs: Sequence[str],
    lists: tuple[KotlinLabels, ...],
    limits: tuple[str, str],
) -> KotlinResult:
    tensor = view.tensor
    array = f"outputs[{outputs.index(tensor.name)}] as {_ARRAYS[tensor.real]}"
    values = f"Scores.{view.activation}({array})" if view.activation else array
    told = tuple(map(comment, telling.result(view)))
    if view.kind == "classes":
        most, least = limits
        labels = next(own for own in lists if not own.locale)
        made = f"Classification.of({values}, {class_name}Labels.{labels.constant}, {least}, {most})"
        return KotlinResult(name, "Classification", view, told, lists, made, most, least)
    if tensor.is_value:
        values = f"{values}[0]" if view.activation else f"({values})[0]"
    return KotlinResult(name, _type(tensor), view, told, (), values)


def _raw_name(name: str) -> str:
    return f"run{words.pascal(words.words(name))}"


def _awaiting(name: str) -> str:
    return f"await{name[0].upper()}{name[1:]}"


def _sizes(method: MethodView, dimensions: Mapping[str, str]) -> str:
    if not method.dynamic:
        return "emptyList()"
    each = [[dimensions[d] for d in tensor.shape if isinstance(d, str)] for tensor in method.inputs]
    arrays = [f"intArrayOf({', '.join(names)})" for names in each]
    return f"listOf({', '.join(arrays)})"


def _labels(result: ResultView, name: Sequence[str], constants: _Constants) -> tuple[KotlinLabels, ...]:
    made = []
    for locale in sorted(result.labels):
        labels = result.labels[locale]
        constant = constants.named(name, words.words(locale))
        pieces: dict[str, list[LabelPiece]] = {}
        if len(labels) > _LABELS_EACH:
            for number, start in enumerate(range(0, len(labels), _LABELS_EACH)):
                holder = words.pascal([*constant.lower().split("_"), f"part{start // _LABELS_TOGETHER + 1}"])
                piece = LabelPiece(f"piece{number + 1}", labels[start : start + _LABELS_EACH])
                pieces.setdefault(holder, []).append(piece)
        made.append(KotlinLabels(constant, locale, labels, pieces))
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
    taken = [*_words(), *method.dimensions.values()]
    own = _identifiers([t.name for t in inputs], "input", taken)
    names = [*own, *_identifiers([t.name for t in outputs], "output", [*taken, *own])]
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
