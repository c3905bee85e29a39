"""How Swift writes the parts of a model's code."""

from __future__ import annotations

from collections.abc import Sequence

from tflite_build import languages

from . import swift_text, words
from .code import Labels, Method, Parameter, Writer
from .names import ArgumentNames, Language, ResultNames
from .swift_text import call, float_literal, string, type_of
from .view import ImageView, SoundView, TensorView

# What stands beside parameters where they are seen: in a method's own code and the pictures', in the test's.
_PARAMETERS = """
    orientation region max_results min_score pixel_buffer isolation session accelerators tensors outputs input model found
    golden engine work background open prepare string float double in_background require_count require_dimension tensor_size
"""
_MEMBERS = "name sha256 size"  # of the type that says what file the code is of
_TENSORS = "inputs sizes take outputs requireCount requireDimension tensorSize"  # in the type of raw tensors
_LABELS_EACH = 500  # of one array: what checks types takes longer than twice as long for twice as many


class Swift(Writer):
    """Swift, in the module of that name."""

    integer = "Int"
    real = "Float"
    picture = "any Picture"
    sound = "Sound"
    region = "Region?"
    classification = "Classification"
    upright = ("Orientation", ".upright")
    nothing = "nil"
    lowest = "-.infinity"

    def __init__(self, module: str) -> None:
        self.language = Language(
            platform="ios",
            identifier=words.camel,
            constant=words.camel,
            words=languages.swift_words(),
            parameters=frozenset(_PARAMETERS.split()),
            tensors=frozenset(_TENSORS.split()),
            members=frozenset(_MEMBERS.split()) | languages.swift_words(),
            is_taken=lambda name: name == module or languages.is_swift_class(name),
            turned="orientation",
        )

    def comment(self, text: str) -> str:
        return swift_text.comment(text)

    def number(self, value: float) -> str:
        return float_literal(value)

    def value(self, dtype: str) -> str:
        return type_of(dtype)

    def array(self, dtype: str) -> str:
        return f"[{type_of(dtype)}]"

    def image_maker(self, image: ImageView) -> str:
        return swift_text.image_maker(image)

    def sound_maker(self, sound: SoundView) -> str:
        return swift_text.sound_maker(sound)

    def info_of(self, class_name: str, constant: str, place: int) -> str:
        return f"{class_name}File.{constant}.inputs[{place}]"

    def of_picture(self, own: ArgumentNames, info: str) -> str:
        given = (own.parameter, f"orientation: {own.turned}", f"region: {own.region}")
        prepared = call("    .prepare", given).replace("\n", "\n    ")
        return f"Self.{own.maker}.get()\n{prepared}\n    .values({info})"

    def of_sound(self, own: ArgumentNames, info: str) -> str:
        return f"{info}\n    .encode(.float32(Self.{own.maker}.get().frames({own.parameter})[0]))"

    def of_values(self, own: ArgumentNames, tensor: TensorView, info: str) -> str:
        values = f"[{own.parameter}]" if tensor.is_value else own.parameter
        return f"{info}\n    .encode(.{tensor.real}({values}))"

    def check(self, name: str, parameter: str, count: str) -> str:
        return call("try requireCount", (string(name), f"{parameter}.count", count))

    def check_dimension(self, name: str, parameter: str) -> str:
        return f"try requireDimension({string(name)}, {parameter})"

    def count(self, name: str, elements: int, dimensions: Sequence[str], *, checked: bool) -> str:
        if not dimensions:
            return str(elements)
        return f"tensorSize({string(name)}, {', '.join([str(elements), *dimensions])})"

    def sizes(self, each: Sequence[Sequence[str]]) -> str:
        rows = [f"[{', '.join(names)}]" for names in each]
        return f"[{', '.join(rows)}]" if any(each) else "[]"

    def output(self, place: int, dtype: str) -> str:
        return f"outputs.{'floats' if dtype == 'float32' else 'values'}({place})"

    def activated(self, activation: str, values: str) -> str:
        return f"Scores.{activation}({values})"

    def only(self, values: str, *, activated: bool) -> str:
        return f"{values}.only()"

    def classes(self, values: str, class_name: str, own: ResultNames) -> str:
        labels = f"{class_name}Labels.{own.labels['']}"
        given = (f"scores: {values}", f"labels: {labels}", f"threshold: {own.least}", f"maxResults: {own.most}")
        return call("Classification", given)

    def tensor_info(self, tensor: TensorView) -> str:
        shape = ", ".join(str(d) if isinstance(d, int) else "-1" for d in tensor.shape)
        given = [string(tensor.name), f".{tensor.dtype}", f"shape: [{shape}]"]
        if tensor.scale is not None:
            given.append(f"Quantization({float_literal(tensor.scale)}, {tensor.zero_point}, .{tensor.dtype})")
        return call("TensorInfo", given)


def declared(method: Method) -> tuple[str, ...]:
    """The parameters of a method: the only argument has no label, since the method's name says what it is for."""
    first, *others = map(parameter, method.parameters)
    return (f"_ {first}" if len(method.own) == 1 else first, *others)


def parameter(own: Parameter) -> str:
    """A parameter as a method declares it."""
    return f"{own.name}: {own.type}{f' = {own.default}' if own.default else ''}"


def passed(method: Method) -> tuple[str, ...]:
    """What is passed on, in the order of the parameters."""
    first, *others = method.parameters
    return (labelled(method, first.name), *(f"{p.name}: {p.name}" for p in others))


def labelled(method: Method, name: str) -> str:
    """An argument that is called as its parameter is."""
    return name if len(method.own) == 1 else f"{name}: {name}"


def documented(parameters: Sequence[Parameter]) -> list[tuple[str, str]]:
    """Parameters and what they are."""
    return [(p.name, p.told) for p in parameters]


def returned(method: Method) -> str:
    """What a method gives, in a few words."""
    if len(method.results) > 1:
        return "All of these."
    (only,) = method.results
    if only.view.kind == "classes":
        return "The classes and their scores."
    return "The value." if only.is_value else "The values."


def pieces(labels: Labels) -> Sequence[Sequence[str]]:
    """Labels, in as many arrays as they need."""
    return [labels.labels[start : start + _LABELS_EACH] for start in range(0, len(labels.labels), _LABELS_EACH)]
