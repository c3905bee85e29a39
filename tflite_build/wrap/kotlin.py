"""How Kotlin writes the parts of a model's code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tflite_build import languages

from . import kotlin_text, words
from .code import Labels, Method, Passed
from .kotlin_text import float_literal, string
from .names import ArgumentNames, Language
from .view import ImageView, SoundView, TensorView
from .writer import Parameter, Writer

# dtype -> the array that holds its values.
_ARRAYS = {
    "float32": "FloatArray",
    "int8": "ByteArray",
    "uint8": "ByteArray",
    "int16": "ShortArray",
    "int32": "IntArray",
    "int64": "LongArray",
    "bool": "BooleanArray",
}
# What stands beside parameters where they are seen: in a method's own code and the bitmap's, in the test's, in Await.kt.
_PARAMETERS = """
    rotation region max_results min_score bitmap session buffers context file accelerators engine tensors outputs block
    golden model found open source run submit close check_size check_dimension await job
"""
_MEMBERS = "file sha256 size"  # of the object that says what file the code is of
_LABELS_EACH = 500  # of one function: a method's code ends at 64 KB
_LABELS_TOGETHER = 8_000  # of one class, which has 65,535 constants at most


def awaiting(name: str) -> str:
    """The suspending form of a method."""
    return f"await{name[0].upper()}{name[1:]}"


@cache
def _language() -> Language:
    return Language(
        platform="android",
        identifier=words.camel,
        constant=words.upper,
        words=languages.kotlin_keywords() | languages.kotlin_members(),
        parameters=frozenset(_PARAMETERS.split()),
        tensors=frozenset(),
        members=frozenset(_MEMBERS.split()),
        is_taken=languages.is_kotlin_class,
        turned="rotation",
        beside=lambda name: (awaiting(name),),
    )


class Kotlin(Writer):
    """Kotlin."""

    integer = "Int"
    real = "Float"
    string = "String"
    long = "Long"
    picture = "Picture"
    sound = "Sound"
    region = "Region?"
    upright = (
        "Int",
        "0",
        "Degrees by which the picture has to be turned clockwise to stand upright: 0, 90, 180 or 270.",
    )
    nothing = "null"
    no_outcome = "Unit"
    most = "Int.MAX_VALUE"
    no_texts = "emptyList()"
    lowest = "Float.NEGATIVE_INFINITY"

    def __init__(self) -> None:
        self.language = _language()

    def comment(self, text: str) -> str:
        return kotlin_text.comment(text)

    def number(self, value: float) -> str:
        return float_literal(value)

    def text(self, value: str) -> str:
        return string(value)

    def long_text(self, parts: Sequence[str]) -> str:
        return " +\n    ".join(map(string, parts))

    def truth(self, value: bool) -> str:
        return str(value).lower()

    def numbers(self, values: Iterable[float]) -> str:
        return f"floatArrayOf({', '.join(map(float_literal, values))})"

    def integers(self, values: Iterable[int]) -> str:
        return f"intArrayOf({', '.join(map(str, values))})"

    def interface(self, name: str) -> str:
        return name

    def list(self, values: Sequence[str]) -> str:
        return kotlin_text.call("listOf", [("", value) for value in values]) if values else "listOf()"

    def texts(self, values: Sequence[str]) -> str:
        lines = "".join(f"    {string(value)},\n" for value in values)
        return f"listOf(\n{lines})"

    def case(self, of: str, name: str) -> str:
        return f"{of}.{name.upper()}"

    def make(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        return self.call(f"{name}.of", given)

    def call(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        return kotlin_text.call(name, given)

    def method(self, of: str, name: str) -> str:
        return f"{of}::{name}"

    def value(self, dtype: str) -> str:
        return _ARRAYS[dtype].removesuffix("Array")

    def array(self, dtype: str) -> str:
        return _ARRAYS[dtype]

    def list_of(self, name: str) -> str:
        return f"List<{name}>"

    def image_maker(self, image: ImageView) -> str:
        return kotlin_text.image_maker(image)

    def sound_maker(self, sound: SoundView) -> str:
        return kotlin_text.sound_maker(sound)

    def info_of(self, class_name: str, constant: str, place: int) -> str:
        return f"{class_name}Model.{constant}.inputs[{place}]"

    def constant(self, name: str) -> str:
        return name

    def prepared(self, own: ArgumentNames) -> str:
        turned = f"Orientation.ofRotation({own.extras['turned']}), {own.extras['region']}"
        return f"{own.maker}.prepare({own.parameter}, {turned})"

    def of_prepared(self, prepared: str, info: str) -> str:
        return f"{prepared}.tensor({info})"

    def of_sound(self, own: ArgumentNames, info: str) -> str:
        return f"{own.maker}.frames({own.parameter})[0]"

    def of_values(self, values: str, tensor: TensorView, info: str) -> str:
        return array_of(tensor, values) if tensor.is_value else values

    def of_array(self, values: str, tensor: TensorView, info: str) -> str:
        return values

    def filled(self, dtype: str, count: int, value: float) -> str:
        return f"{_ARRAYS[dtype]}({count})" + (f" {{ {_literal(dtype, value)} }}" if value else "")

    def copied(self, values: str) -> str:
        return f"({values}).copyOf()"

    def filled_up(self, values: str, dtype: str, count: int, value: float) -> str:
        return f"{values}.filledUp({count}, {_literal(dtype, value)})"

    def cut(self, values: str, size: str, rest: int) -> str:
        return f"{values}.copyOf({size if rest == 1 else f'{size} * {rest}'})"

    def size_of(self, values: str, rest: int) -> str:
        return f"{values}.size / {rest}" if rest > 1 else f"{values}.size"

    def times(self, size: str, rest: int) -> str:
        return f"{size} * {rest}L"

    def check_fits(self, name: str, parameter: str, rest: int, most: int) -> str:
        return f"checkFits({string(name)}, {parameter}.size, {rest}, {most})"

    def check(self, name: str, parameter: str, count: str) -> str:
        return f"checkSize({string(name)}, {parameter}.size, {count})"

    def check_dimension(self, name: str, parameter: str) -> str:
        return f"checkDimension({string(name)}, {parameter})"

    def count(self, name: str, elements: int, dimensions: Sequence[str], *, checked: bool) -> str:
        if checked and dimensions:  # several factors could be more than an Int holds
            return " * ".join([f"{elements}L", *dimensions])
        return " * ".join([*([str(elements)] if elements != 1 or not dimensions else []), *dimensions])

    def sizes(self, each: Sequence[Sequence[str]]) -> str:
        if not any(each):
            return "emptyList()"
        arrays = [f"intArrayOf({', '.join(names)})" for names in each]
        return f"listOf({', '.join(arrays)})"

    def whole(self, values: str, dtype: str) -> str:
        convert = {"int64": "Long", "float32": "Float"}.get(dtype)
        return f"{values}.map {{ it.to{convert}() }}.to{convert}Array()" if convert else values

    def file_lines(self, file: str) -> str:
        return f"linesOf(context, {string(file)})"

    def held(self, name: str) -> str:
        return f"this.{name}"

    def output(self, place: int, dtype: str) -> str:
        return f"outputs[{place}] as {_ARRAYS[dtype]}"

    def reals(self, place: int, dtype: str) -> str:
        values = self.output(place, dtype)
        value = "(it.toInt() and 0xFF).toFloat()" if dtype == "uint8" else "it.toFloat()"
        return values if dtype == "float32" else f"({values}).map {{ {value} }}.toFloatArray()"

    def only(self, values: str, *, activated: bool) -> str:
        return f"{values}[0]" if activated else f"({values})[0]"

    def joined(self, of: str, each: str, values: str) -> str:
        return f"joined({of}) {{ {each} -> {values} }}"

    def for_each(self, of: str, each: str, statement: str) -> str:
        return f"for ({each} in {of}) {statement}"

    def check_batch(self, of: str, wanted: int) -> str:
        return f"checkBatch({of}.size, {wanted})"

    def part(self, of: str, start: int, count: int) -> str:
        return f"{of}.floats({start}, {count})"

    def tensor_info(self, tensor: TensorView) -> str:
        shape = ", ".join(str(d) if isinstance(d, int) else "-1" for d in tensor.shape)
        info = f"TensorInfo({string(tensor.name)}, TensorType.{tensor.dtype.upper()}, intArrayOf({shape})"
        if tensor.scale is not None:
            kind = f"QuantizedType.{tensor.dtype.upper()}"
            info += f", Quantization({float_literal(tensor.scale)}, {tensor.zero_point}, {kind})"
        return f"{info})"


def _literal(dtype: str, value: float) -> str:
    """A number of a tensor's type."""
    if dtype == "float32":
        return float_literal(value)
    if dtype == "bool":
        return str(bool(value)).lower()
    return f"{int(value)}L" if dtype == "int64" else str(int(value))


def declared(parameter: Parameter) -> str:
    """A parameter as functions declare it."""
    return f"{bare(parameter)} = {parameter.default}" if parameter.default else bare(parameter)


def noted(parameter: Parameter) -> str:
    """What a parameter is, as KDoc has it."""
    return f"{parameter.told[:1].lower()}{parameter.told[1:].removesuffix('.')}"


def bare(parameter: Parameter) -> str:
    """A parameter without its default."""
    return f"{parameter.name}: {parameter.type}"


def passed(method: Method, call: Mapping[str, Any]) -> str:
    """What a test passes to a method: its arguments by their names, and sizes of dynamic dimensions."""
    sizes = [str(call["sizes"][own]) for own in method.dimensions]
    values = [made_of(p) if p.type and not p.count else p.name for p in method.passed]
    return ", ".join([*values, *sizes])


def made_of(group: Passed) -> str:
    """Arguments as one value, of parameters that are called as they are."""
    return f"{group.type}({', '.join(f'{a.name} = {a.name}' for a in group.arguments)})"


def array_of(tensor: TensorView, value: str) -> str:
    """An array of one value."""
    array = _ARRAYS[tensor.real]
    return f"{array[0].lower()}{array[1:]}Of({value})"


@dataclass(frozen=True, slots=True)
class LabelPiece:
    """Labels that one function gives, in an object of some of these."""

    name: str
    labels: Sequence[str]


def pieces(labels: Labels) -> Mapping[str, Sequence[LabelPiece]]:
    """Object -> its functions, where labels are too many for one; else empty."""
    found: dict[str, list[LabelPiece]] = {}
    if len(labels.labels) > _LABELS_EACH:
        for number, start in enumerate(range(0, len(labels.labels), _LABELS_EACH)):
            holder = words.pascal([*labels.constant.lower().split("_"), f"part{start // _LABELS_TOGETHER + 1}"])
            piece = LabelPiece(f"piece{number + 1}", labels.labels[start : start + _LABELS_EACH])
            found.setdefault(holder, []).append(piece)
    return found
