"""What every kind of argument and of result says of itself: the file of a kind is all that knows it in this room.

A kind binds tensors by their roles, tells what it is, and puts its code together of what a `Writer` writes.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tflite_build.engines.content import Content
from tflite_build.engines.contract import DeclaredInput, Invalid
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.words import quoted
from tflite_build.wrap import words
from tflite_build.wrap.names import ArgumentNames, Extra, Language, ResultNames
from tflite_build.wrap.view import TensorView
from tflite_build.wrap.writer import Parameter, Writer

Lines = Callable[[Binding, str], Mapping[str, Sequence[str]]]
LOCALE = Extra("locale", ("locale",))


@dataclass(frozen=True, slots=True)
class Given:
    """What a kind is made of beside what is said of it.

    Attributes:
        declared: What the spec says of inputs, by public name.
        lines: Reads the files that a key of a binding names: locale -> lines; the default's is "".
        arguments: Those of the method, for its results.
    """

    declared: Mapping[str, DeclaredInput]
    lines: Lines
    arguments: Sequence[ArgumentView] = ()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that goes with the app, beside the model's.

    Attributes:
        ending: How its name ends.
        text: What is in it; None where it is the user's own.
        source: The user's own, by its name among the inputs of the step.
    """

    ending: str
    text: str | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentView(abc.ABC):
    """What a caller passes.

    Attributes:
        word: The kind, as the spec says it.
        sources: What it needs of the shared sources, in every language.
        preparable: Whether several things may start from what is made of it once.
        exact: Whether it becomes the same numbers in every language.
        maker_fails: Whether making what prepares it may fail.
        name: What callers call it.
        tensors: Role -> the input that is made of it.
        description: The spec's own words.
        group: Arguments of the same are passed as one value; "" for one that is passed alone.
    """

    word: ClassVar[str]
    sources: ClassVar[tuple[str, ...]] = ()
    preparable: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    maker_fails: ClassVar[bool] = True
    name: str
    tensors: Mapping[str, TensorView]
    description: str = ""
    group: str = ""

    @property
    def needs(self) -> tuple[str, ...]:
        """What it needs of the shared sources as it is."""
        return self.sources

    @property
    def fails(self) -> bool:
        """Whether `prepared` may fail."""
        return True

    @property
    def asset(self) -> Asset | None:
        """The file that goes with the app for it."""
        return None

    @property
    def holder(self) -> str:
        """The type of what an open model holds for it; "" for nothing."""
        return ""

    def held(self, writer: Writer, own: ArgumentNames, file: str) -> str:
        """What makes that; `file` is the name of its asset."""
        return ""

    def brought(self, writer: Writer, file: str) -> tuple[str, str] | None:
        """The type of what an app brings for it when it opens the model, and what that is; None for nothing."""
        return None

    @property
    def tensor(self) -> TensorView:
        """The only one of its tensors."""
        (only,) = self.tensors.values()
        return only

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return False

    def extras(self, language: Language) -> tuple[Extra, ...]:
        """Further parameters, which have defaults."""
        return ()

    @abc.abstractmethod
    def told(self) -> Iterator[str]:
        """What it is, in parts of a sentence: shapes, units and ranges."""

    @abc.abstractmethod
    def type(self, writer: Writer) -> str:
        """The type of the parameter."""

    def maker(self, writer: Writer) -> str:
        """What makes the constant that prepares it; "" where nothing does."""
        return ""

    def prepared(self, writer: Writer, own: ArgumentNames) -> str:
        """What is made of it once, where several things start from that; of what is `preparable`."""
        return ""

    @abc.abstractmethod
    def made(
        self, writer: Writer, own: ArgumentNames, info: Callable[[TensorView], str], start: str
    ) -> Mapping[str, str]:
        """Tensor -> what it takes.

        Args:
            info: The description of a tensor.
            start: What holds `prepared`; "" where nothing else starts from that.
        """

    def check(self, writer: Writer, own: ArgumentNames, count: Callable[[TensorView], str]) -> str:
        """The statement that refuses what does not fit; "" for none. `count` is how many values a tensor has."""
        return ""

    def parameters(self, writer: Writer, own: ArgumentNames) -> Iterator[Parameter]:
        """The parameters that `extras` names."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Made:
    """What the code of a result is made of.

    Attributes:
        own: Its names.
        values: The values of an output.
        reals: The same as real numbers, of an output of whole ones too.
        labels: Its labels, of the language that a caller asks for where there are several; "" where it has none.
        picture: The picture that it tells places of, as it was prepared; "" for none.
    """

    own: ResultNames
    values: Callable[[TensorView], str]
    reals: Callable[[TensorView], str]
    labels: str
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultView(abc.ABC):
    """What a caller gets.

    Attributes:
        word: The kind, as the spec says it.
        sources: What it needs of the shared sources, in every language.
        golden: The source of the tests that compares it; "" for what numbers are compared by.
        verb: What a method is called that gives nothing else.
        made_with: What the constant is that it is made with, for the name of that.
        name: What callers call it.
        tensors: Role -> the output that it is made of.
        description: The spec's own words.
        labels: Locale ("" for the default, which is there) -> the label of each class; empty for what has none.
        picture: The argument whose picture it tells places of; "" for none.
    """

    word: ClassVar[str]
    sources: ClassVar[tuple[str, ...]] = ()
    golden: ClassVar[str] = ""
    verb: ClassVar[str] = "predict"
    made_with: ClassVar[str] = ""
    maker_fails: ClassVar[bool] = True
    name: str
    tensors: Mapping[str, TensorView]
    description: str = ""
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    picture: str = ""

    @property
    def tensor(self) -> TensorView:
        """The only one of its tensors."""
        (only,) = self.tensors.values()
        return only

    @property
    def is_value(self) -> bool:
        """Whether it is one number, and no array."""
        return False

    @property
    def decided(self) -> bool:
        """Whether it is decided by comparing numbers, so that kernels that are near may give another one."""
        return False

    @property
    def has_maker(self) -> bool:
        """Whether it is made with a constant."""
        return False

    def maker(self, writer: Writer) -> str:
        """What makes the constant, which may fail; "" where there is none."""
        return ""

    @property
    def needs(self) -> tuple[str, ...]:
        """What it needs of the shared sources as it is."""
        return self.sources

    def extras(self) -> tuple[Extra, ...]:
        """Further parameters, which have defaults."""
        return ()

    @property
    def brought(self) -> tuple[Extra, ...]:
        """`extras`, and the language of labels where there are several."""
        return (*self.extras(), *((LOCALE,) if len(self.labels) > 1 else ()))

    @abc.abstractmethod
    def told(self) -> Iterator[str]:
        """What it is, in parts of a sentence."""

    @abc.abstractmethod
    def returned(self) -> str:
        """What it is, in a few words."""

    @abc.abstractmethod
    def type(self, writer: Writer) -> str:
        """Its type."""

    @abc.abstractmethod
    def made(self, writer: Writer, of: Made) -> str:
        """How it is made of `outputs`."""

    def parameters(self, writer: Writer, own: ResultNames, of: str) -> Iterator[Parameter]:
        """The parameters that `extras` names; `of` tells it from other results, in words that follow "classes"."""
        return iter(())


def content_of(tensor: TensorView, given: Given) -> Content:
    """How a picture or a sound becomes a tensor; the rules of specs say that somebody says it."""
    said = given.declared[tensor.name].content
    assert said is not None
    return said


def activated(writer: Writer, activation: str, values: str) -> str:
    """Values after "softmax" or "sigmoid"; as they are after ""."""
    return writer.call(f"Scores.{activation}", [("", values)]) if activation else values


def labels_of(binding: Binding, count: int | None, given: Given, what: str) -> dict[str, Sequence[str]]:
    """The labels that a binding says, by locale, the default's as ""; empty for none.

    Args:
        count: How many there have to be; None where the model does not say.
        what: What has so many classes, in messages.

    Raises:
        Invalid: If there are more or fewer, or none is the default.
    """
    labels = dict(given.lines(binding, "labels"))
    for locale, lines in labels.items():
        if count is not None and len(lines) != count:
            where = f" for '{locale}'" if locale else ""
            message = f"there are {len(lines)} labels{where}, and {what} has {count} classes"
            background = "label_offset = -1 is for a first class that is a background without a label"
            raise Invalid(message, binding.at("labels"), background if count - len(lines) == 1 else "")
    tags: dict[str, str] = {}
    for locale in filter(None, labels):
        other = tags.setdefault(words.tag(locale), locale)
        if other != locale:
            raise Invalid(f"'{other}' and '{locale}' are one language", binding.at("labels"), "leave one out")
    if labels and "" not in labels:
        raise Invalid(
            f"the labels of {what} are for {quoted(sorted(labels))}, and none are the default",
            binding.at("labels"),
            f'call one of them "default": {{ default = "...", {min(labels)} = "..." }}',
        )
    return labels
