"""How a language writes the parts of a model's code: what `kinds` and `code` put together, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .names import ArgumentNames, Language
from .view import ImageView, SoundView, TensorView


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a method.

    Attributes:
        default: What it is where a caller leaves it out; "" where that cannot be.
        told: What it is, in a sentence; "" where something else says it.
        widest: What leaves nothing of a result out; "" of what limits none.
    """

    name: str
    type: str
    default: str = ""
    told: str = ""
    widest: str = ""


class Writer(Protocol):
    """How a language writes things; all texts are expressions of it.

    Attributes:
        language: Its names.
        integer: The type of sizes and numbers of things.
        real: The type of scores.
        string: The type of a text.
        long: The type of whole numbers of 64 bits.
        picture: The type of an argument that is a picture.
        sound: The type of one that is a sound.
        region: The type of a part of a picture that may be all of it.
        upright: The type of the parameter that says how a picture lies, what it is by default, and what it says.
        nothing: No value.
        no_outcome: The type of what gives nothing.
        most: The number that no number of things is above.
        no_texts: No texts at all.
        lowest: The score that is below all others.
    """

    language: Language
    integer: str
    real: str
    string: str
    long: str
    picture: str
    sound: str
    region: str
    upright: tuple[str, str, str]
    nothing: str
    no_outcome: str
    most: str
    no_texts: str
    lowest: str

    def comment(self, text: str) -> str:
        """Text for a comment, which nothing in it ends."""
        ...

    def number(self, value: float) -> str:
        """A literal of a float."""
        ...

    def text(self, value: str) -> str:
        """A literal of a text."""
        ...

    def long_text(self, parts: Sequence[str]) -> str:
        """A literal of one text, of which parts stand in lines of their own."""
        ...

    def truth(self, value: bool) -> str:
        """A literal of a truth value."""
        ...

    def numbers(self, values: Iterable[float]) -> str:
        """A literal of floats."""
        ...

    def integers(self, values: Iterable[int]) -> str:
        """A literal of whole numbers."""
        ...

    def interface(self, name: str) -> str:
        """The type of what has an interface."""
        ...

    def list(self, values: Sequence[str]) -> str:
        """A list of these expressions."""
        ...

    def texts(self, values: Sequence[str]) -> str:
        """A literal of texts, one in a line."""
        ...

    def case(self, of: str, name: str) -> str:
        """The case `name`, in lower case with `_`, of the enumeration `of`."""
        ...

    def make(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        """A new object of the class `name`, of what is given for its parameters."""
        ...

    def call(self, name: str, given: Sequence[tuple[str, str]]) -> str:
        """A call of the function `name`, of what is given for its parameters."""
        ...

    def method(self, of: str, name: str) -> str:
        """A method of an object as a function."""
        ...

    def value(self, dtype: str) -> str:
        """The type of one value of a tensor."""
        ...

    def array(self, dtype: str) -> str:
        """The type of an array of a tensor's values."""
        ...

    def list_of(self, name: str) -> str:
        """The type of a list of things of the type `name`."""
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

    def constant(self, name: str) -> str:
        """What a constant of the model's class holds, in a method of that."""
        ...

    def prepared(self, own: ArgumentNames) -> str:
        """A picture in the size and the colours of a tensor, with the way back to it."""
        ...

    def of_prepared(self, prepared: str, info: str) -> str:
        """What a tensor takes of what `prepared` gives."""
        ...

    def of_sound(self, own: ArgumentNames, info: str) -> str:
        """What a tensor takes of a sound."""
        ...

    def of_values(self, values: str, tensor: TensorView, info: str) -> str:
        """What a tensor takes of values, or of the one value that it has."""
        ...

    def of_array(self, values: str, tensor: TensorView, info: str) -> str:
        """What a tensor takes of an array of its values, real ones where it stands for such."""
        ...

    def filled(self, dtype: str, count: int, value: float) -> str:
        """A new array of as many values, all alike."""
        ...

    def copied(self, values: str) -> str:
        """An array that is changed by nobody else."""
        ...

    def filled_up(self, values: str, dtype: str, count: int, value: float) -> str:
        """An array with more values behind its own, to be as many."""
        ...

    def cut(self, values: str, size: str, rest: int) -> str:
        """The first values of an array: `rest` for each 1 of `size`."""
        ...

    def size_of(self, values: str, rest: int) -> str:
        """The size of a call by an array that has `rest` values for each 1 of it."""
        ...

    def times(self, size: str, rest: int) -> str:
        """How many values an array has with `rest` for each 1 of `size`."""
        ...

    def check_fits(self, name: str, parameter: str, rest: int, most: int) -> str:
        """What refuses an array that has not `rest` values for each 1 of a size up to `most`."""
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

    def whole(self, values: str, dtype: str) -> str:
        """An array of whole numbers as one of another type."""
        ...

    def file_lines(self, file: str) -> str:
        """The lines of a file that goes with the app, where the model is opened."""
        ...

    def held(self, name: str) -> str:
        """What an open model holds, in a method of it."""
        ...

    def output(self, place: int, dtype: str) -> str:
        """The values of an output, real ones where it stands for such."""
        ...

    def reals(self, place: int, dtype: str) -> str:
        """The values of an output as real numbers, whatever they are."""
        ...

    def only(self, values: str, *, activated: bool) -> str:
        """The value of an output that has one."""
        ...

    def joined(self, of: str, each: str, values: str) -> str:
        """What a tensor takes of a batch: of all things `of` what it takes of `each`."""
        ...

    def for_each(self, of: str, each: str, statement: str) -> str:
        """A statement for all things `of`, one of which is called `each`."""
        ...

    def check_batch(self, of: str, wanted: int) -> str:
        """What refuses another number of things."""
        ...

    def part(self, of: str, start: int, count: int) -> str:
        """The values of a tensor of an opened checkpoint."""
        ...

    def tensor_info(self, tensor: TensorView) -> str:
        """What makes the description of a tensor."""
        ...


def sentence(parts: Sequence[str]) -> str:
    """Parts of a description as a sentence."""
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
