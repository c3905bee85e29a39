"""How Swift writes the parts of a model's code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tflite_build import languages

from . import swift_text, words
from .code import Labels, Method
from .names import ArgumentNames, Language
from .swift_text import call, float_literal, string, type_of
from .view import ImageView, SoundView, TensorView
from .writer import Parameter, Writer

# What stands beside parameters where they are seen: in a method's own code and the pictures', in the test's.
_PARAMETERS = """
    orientation region max_results min_score pixel_buffer isolation session accelerators tensors outputs input model found
    golden engine work background open prepare string float double in_background require_count require_dimension tensor_size
"""
_MEMBERS = "name sha256 size"  # of the type that says what file the code is of
_TENSORS = "inputs sizes take outputs requireCount requireDimension tensorSize"  # in the type of raw tensors
_LINE = 60  # characters of a list that may stand in one
_LABELS_EACH = 500  # of one array: what checks types takes longer than twice as long for twice as many


class Swift(Writer):
    """Swift, in the module of that name."""

    integer = "Int"
    real = "Float"
    string = "String"
    long = "Int"
    picture = "any Picture"
    sound = "Sound"
    region = "Region?"
    upright = ("Orientation", ".upright", "What makes the picture upright.")
    nothing = "nil"
    no_outcome = "Void"
    most = ".max"
    no_texts = "[]"
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

    def text(self, value: str) -> str:
        return string(value)

    def long_text(self, parts: Sequence[str]) -> str:
        *lines, last = (string(part)[1:-1].replace('\\"', '"') for part in parts)
        kept = last.rstrip(" ")  # what ends a line is not to be seen
        lines = [*(f"{line}\\" for line in lines), kept + "\\u{20}" * (len(last) - len(kept))]
        return "\n    ".join(['"""', *lines, '"""'])

    def truth(self, value: bool) -> str:
        return str(value).lower()

    def numbers(self, values: Iterable[float]) -> str:
        return f"[{', '.join(map(float_literal, values))}]"

    def integers(self, values: Iterable[int]) -> str:
        return f"[{', '.join(map(str, values))}]"

    def interface(self, name: str) -> str:
        return f"any {name}"

    def list(self, values: Sequence[str]) -> str:
        line = f"[{', '.join(values)}]"
        return line if len(line) < _LINE else "[\n    " + ",\n    ".join(values) + ",\n]"

    def texts(self, values: Sequence[str]) -> str:
        lines = ",\n    ".join(map(string, values))
        return f"[\n    {lines}{',' if len(values) > 1 else ''}\n]"

    def case(self, of: str, name: str) -> str:
        return f".{words.camel(name.split('_'))}"

    def make(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        return self.call(name, given)

    def call(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        parts = [f"{parameter}: {value}" if parameter else value for parameter, value in given]
        if len(parts) == 1 and not given[0][0]:
            return f"{name}({parts[0]})"
        return call(name, [part.replace("\n", "\n    ") for part in parts])

    def method(self, of: str, name: str) -> str:
        return f"{of}.{name}"

    def value(self, dtype: str) -> str:
        return type_of(dtype)

    def array(self, dtype: str) -> str:
        return f"[{type_of(dtype)}]"

    def list_of(self, name: str) -> str:
        return f"[{name}]"

    def image_maker(self, image: ImageView) -> str:
        return swift_text.image_maker(image)

    def sound_maker(self, sound: SoundView) -> str:
        return swift_text.sound_maker(sound)

    def info_of(self, class_name: str, constant: str, place: int) -> str:
        return f"{class_name}File.{constant}.inputs[{place}]"

    def constant(self, name: str) -> str:
        return f"Self.{name}.get()"

    def prepared(self, own: ArgumentNames) -> str:
        given = (own.parameter, f"orientation: {own.extras['turned']}", f"region: {own.extras['region']}")
        prepared = call("    .prepare", given).replace("\n", "\n    ")
        return f"Self.{own.maker}.get()\n{prepared}"

    def of_prepared(self, prepared: str, info: str) -> str:
        return f"{prepared}\n    .values({info})" if "\n" in prepared else f"{prepared}.values({info})"

    def of_sound(self, own: ArgumentNames, info: str) -> str:
        return f"{info}\n    .encode(.float32(Self.{own.maker}.get().frames({own.parameter})[0]))"

    def of_values(self, values: str, tensor: TensorView, info: str) -> str:
        return f"{info}\n    .encode(.{tensor.real}({f'[{values}]' if tensor.is_value else values}))"

    def of_array(self, values: str, tensor: TensorView, info: str) -> str:
        return f"{info}\n    .encode(.{tensor.real}({values}))"

    def filled(self, dtype: str, count: int, value: float) -> str:
        return f"[{type_of(dtype)}](repeating: {_literal(dtype, value)}, count: {count})"

    def copied(self, values: str) -> str:
        return values  # which assigning copies

    def filled_up(self, values: str, dtype: str, count: int, value: float) -> str:
        return f"{values}.filledUp(to: {count}, with: {_literal(dtype, value)})"

    def cut(self, values: str, size: str, rest: int) -> str:
        return f"Array({values}.prefix({self.times(size, rest)}))"

    def size_of(self, values: str, rest: int) -> str:
        return f"{values}.count / {rest}" if rest > 1 else f"{values}.count"

    def times(self, size: str, rest: int) -> str:
        return size if rest == 1 else f"{size} * {rest}"

    def check_fits(self, name: str, parameter: str, rest: int, most: int) -> str:
        return call("try requireRows", (string(name), f"{parameter}.count", str(rest), str(most)))

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

    def whole(self, values: str, dtype: str) -> str:
        return values if dtype == "int32" else f"{values}.map({type_of(dtype)}.init)"

    def file_lines(self, file: str) -> str:
        return f"try AppFiles.lines({string(file)})"

    def held(self, name: str) -> str:
        return f"self.{name}"

    def output(self, place: int, dtype: str) -> str:
        return f"outputs.{'floats' if dtype == 'float32' else 'values'}({place})"

    def reals(self, place: int, dtype: str) -> str:
        if dtype == "float32":
            return self.output(place, dtype)
        return f"outputs.values({place}, as: {type_of(dtype)}.self).map(Float.init)"

    def only(self, values: str, *, activated: bool) -> str:
        return f"{values}.only()"

    def joined(self, of: str, each: str, values: str) -> str:
        inner = values.replace("\n", "\n    ")
        return f"joined({of}) {{ {each} in\n    try {inner}\n}}"

    def for_each(self, of: str, each: str, statement: str) -> str:
        inner = statement.replace("\n", "\n    ")
        return f"for {each} in {of} {{\n    {inner}\n}}"

    def check_batch(self, of: str, wanted: int) -> str:
        return f"try requireBatch({of}.count, {wanted})"

    def part(self, of: str, start: int, count: int) -> str:
        return f"{of}.floats({start}, {count})"

    def tensor_info(self, tensor: TensorView) -> str:
        shape = ", ".join(str(d) if isinstance(d, int) else "-1" for d in tensor.shape)
        given = [string(tensor.name), f".{tensor.dtype}", f"shape: [{shape}]"]
        if tensor.scale is not None:
            given.append(f"Quantization({float_literal(tensor.scale)}, {tensor.zero_point}, .{tensor.dtype})")
        return call("TensorInfo", given)


def _literal(dtype: str, value: float) -> str:
    """A number of a tensor's type."""
    if dtype == "float32":
        return float_literal(value)
    return str(bool(value)).lower() if dtype == "bool" else str(int(value))


def passed_on(method: Method, given: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What a method is called with, by the names of its parameters."""
    if len(method.own) == 1:
        return tuple(value for _, value in given)
    return tuple(f"{name}: {value}" for name, value in given)


def declared(method: Method) -> tuple[str, ...]:
    """The parameters of a method: the only argument has no label, since the method's name says what it is for."""
    if not method.parameters:
        return ()
    first, *others = map(parameter, method.parameters)
    return (f"_ {first}" if len(method.own) == 1 else first, *others)


def parameter(own: Parameter) -> str:
    """A parameter as a method declares it."""
    return f"{own.name}: {own.type}{f' = {own.default}' if own.default else ''}"


def passed(method: Method) -> tuple[str, ...]:
    """What is passed on, in the order of the parameters."""
    if not method.parameters:
        return ()
    first, *others = method.parameters
    return (labelled(method, first.name), *(f"{p.name}: {p.name}" for p in others))


def labelled(method: Method, name: str) -> str:
    """An argument that is called as its parameter is."""
    return name if len(method.own) == 1 else f"{name}: {name}"


def labelled_by(method: Method, name: str, value: str) -> str:
    """An argument by the name of its parameter."""
    return value if len(method.own) == 1 else f"{name}: {value}"


def given(method: Method) -> tuple[str, ...]:
    """What a test passes for arguments, which are called as the parameters are."""
    found = []
    for each in method.passed:
        parts = ", ".join(f"{a.name}: {a.name}" for a in each.arguments)
        value = f"{each.type}({parts})" if each.type and not each.count else each.name
        found.append(value if len(method.own) == 1 else f"{each.name}: {value}")
    return tuple(found)


def labelled_alike(own: Parameter) -> str:
    """A parameter that is handed on under its own name."""
    return f"{own.name}: {own.name}"


def documented(parameters: Sequence[Parameter]) -> list[tuple[str, str]]:
    """Parameters and what they are."""
    return [(p.name, p.told) for p in parameters]


def returned(method: Method) -> str:
    """What a method gives, in a few words."""
    if len(method.results) > 1:
        return "All of these."
    (only,) = method.results
    return only.returned


def pieces(labels: Labels) -> Sequence[Sequence[str]]:
    """Labels, in as many arrays as they need."""
    return [labels.labels[start : start + _LABELS_EACH] for start in range(0, len(labels.labels), _LABELS_EACH)]
