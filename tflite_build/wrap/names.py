"""What things are called in generated code: identifiers of one language for all that a view has.

Decided once for methods, parameters, results and constants, so that a language only says how words are written and which
are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tflite_build.engines.contract import Invalid

from . import words
from .view import EXAMPLE, AppView, MethodView

if TYPE_CHECKING:
    from .kinds.base import ArgumentView, ResultView

_MOST_PARAMETERS = 200  # of 255 that Java has, since there are more than a caller passes; no app has as many


_OF_SESSIONS = (
    "newSession",
    "makeSession",
    "reset",
    "state",
    "sequence",
    "start",
)  # what a model that keeps something has beside its methods
_OF_TRAINING = ("reset",)  # and one that is trained


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes names, and what is taken.

    Attributes:
        platform: The table of the spec that asks for its code.
        identifier: How words become a method, a parameter or a property.
        constant: How they become a constant.
        words: What no property can be called: keywords, and what every object has.
        parameters: What no method and no parameter can be called beside these: what generated code declares around them.
        tensors: What no property of raw tensors can be called.
        members: Constants of the class that says what file the code is of.
        is_taken: Whether no model can be called so.
        turned: The word for how a picture lies.
        beside: What further methods there are for a method of that name.
    """

    platform: str
    identifier: Callable[[Iterable[str]], str]
    constant: Callable[[Iterable[str]], str]
    words: frozenset[str]
    parameters: frozenset[str]
    tensors: frozenset[str]
    members: frozenset[str]
    is_taken: Callable[[str], bool]
    turned: str
    beside: Callable[[str], Iterable[str]] = field(default=lambda _: ())


@dataclass(frozen=True, slots=True)
class Extra:
    """A parameter that an argument or a result brings beside it: what it is for, and the words of its name."""

    role: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArgumentNames:
    """What belongs to an argument.

    Attributes:
        name: What it is called: a parameter, or a field of its group.
        parameter: The expression that it is in a method.
        maker: The constant of what prepares it.
        prepared: What holds it once it is prepared.
        held: What an open model holds for it.
        brought: What an app brings for it when it opens the model.
        file: The file that goes with the app for it, without its ending.
        asset: The constant that tells that.
        extras: Role -> the further parameter.
    """

    name: str
    parameter: str
    maker: str
    prepared: str
    held: str
    brought: str
    file: str
    asset: str
    extras: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GroupNames:
    """What belongs to a group of arguments.

    Attributes:
        parameter: What methods take.
        each: What it is called while one of several is looked at; the parameter where there is one alone.
        class_name: Its class within the model's.
    """

    parameter: str
    each: str
    class_name: str


@dataclass(frozen=True, slots=True)
class ResultNames:
    """What belongs to a result.

    Attributes:
        maker: The constant of what it is made with.
        labels: Locale -> the constant of its labels.
        translated: The function that gives its labels in a language, where there are several.
        extras: Role -> the further parameter.
    """

    name: str
    maker: str
    labels: Mapping[str, str]
    translated: str
    extras: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MethodNames:
    """What belongs to a method.

    Attributes:
        raw: The method that takes the tensors themselves.
        constant: The property with the description of its signature.
        own: The start of the names of its classes.
        arguments: In the order of the view's, as are `results`.
        groups: By the word of the spec.
        dimensions: Dynamic dimensions: the name in the spec -> the parameter.
    """

    name: str
    raw: str
    constant: str
    own: str
    arguments: Sequence[ArgumentNames]
    groups: Mapping[str, GroupNames]
    dimensions: Mapping[str, str]
    results: Sequence[ResultNames]


@dataclass(frozen=True, slots=True)
class AppNames:
    """What belongs to a model: its class, the names of its methods in the order of the view's, and those of its states."""

    class_name: str
    methods: Sequence[MethodNames]
    states: Mapping[str, str]


def names_of(view: AppView, language: Language, class_name: str = "") -> AppNames:
    """The names of all that a view has; `class_name` "" takes the model's name.

    Raises:
        Invalid: If a method has more parameters or results than code can have.
    """
    name = class_name or words.pascal(words.words(view.model) or ("model",))
    while not class_name and language.is_taken(name):
        name += "Model"
    beside = _OF_SESSIONS if view.keeps else _OF_TRAINING if view.trains else ()
    methods = _methods([m.name for m in view.methods], language, beside)
    unique = _Scopes(
        Unique(language.constant),
        Unique(language.constant, language.members),
        Unique(language.identifier, _taken(language)),
        Unique("-".join),
        Unique(words.pascal, [name]),
    )
    several = len(view.methods) > 1
    kept = [state.name for state in view.states]
    states = dict(zip(kept, identifiers(kept, language.identifier, "state", language.words), strict=True))
    of_methods = [_method(m, methods[m.name], several, unique, language) for m in view.methods]
    return AppNames(name, of_methods, states)


def identifiers(
    names: Sequence[str], style: Callable[[Iterable[str]], str], fallback: str, taken: Iterable[str]
) -> list[str]:
    """An identifier for each place: the same name twice, as of an input and a dimension, gives two."""
    found: list[str] = []
    used = list(taken)
    for name in names:
        own = words.named([name], style, fallback, used)[name]
        used.append(own)
        found.append(own)
    return found


def raw_name(name: str, language: Language) -> str:
    """The method that takes the tensors of the method `name`, where there are several."""
    return language.identifier(["run", *words.words(name)])


class Unique:
    """Names in one scope, each once: those of `a` in `bC` and of `aB` in `c` would be alike."""

    def __init__(self, style: Callable[[Iterable[str]], str], taken: Iterable[str] = ()) -> None:
        self._style = style
        self._used = {word.casefold() for word in taken}

    def named(self, *names: Iterable[str]) -> str:
        """A name of these words; the number that tells it from others stands behind what a style cuts off."""
        plain = self._style(word for name in names for word in name)
        own, number = plain, 2
        while own.casefold() in self._used:
            own, number = f"{plain}{number}", number + 1
        self._used.add(own.casefold())
        return own


@dataclass(frozen=True, slots=True)
class _Scopes:
    """Names that are of the whole model: constants, signatures, what it holds, files, and classes within its own."""

    constants: Unique
    signatures: Unique
    held: Unique
    files: Unique
    classes: Unique


def _methods(names: Sequence[str], language: Language, more: Sequence[str]) -> Mapping[str, str]:
    """What methods are called: neither they, nor those beside them, are called as another is."""
    found: dict[str, str] = {}
    taken = [*_taken(language), *more]
    for name in names:
        refused: list[str] = []
        while name not in found:
            own = words.named([name], language.identifier, "call", [*taken, *refused])[name]
            raw = raw_name(own, language)
            of_several = (own, *language.beside(own), raw, *language.beside(raw))
            beside = {*of_several} if len(names) > 1 else {own}
            if {word.casefold() for word in beside} & {word.casefold() for word in taken}:
                refused.append(own)
            else:
                found[name] = own
                taken += beside
    return found


def _taken(language: Language) -> list[str]:
    """What no method and no parameter can be called."""
    return [*language.words, *(language.identifier(word.split("_")) for word in language.parameters)]


def _method(view: MethodView, name: str, several: bool, unique: _Scopes, language: Language) -> MethodNames:
    _check_count(view, language.platform)
    constants = unique.constants
    together = tuple(dict.fromkeys(a.group for a in view.arguments if a.group))
    ends = [*(a.name for a in view.arguments), *together, *view.dynamic, *([f"{EXAMPLE}s"] if view.batch else [])]
    style = language.identifier
    brought = [*(e for a in view.arguments for e in a.extras(language)), *(e for r in view.results for e in r.brought)]
    named = identifiers(ends, style, "input", [*_taken(language), *(style(e.words) for e in brought)])
    scope = words.words(name) if several else ()
    once = {e.words for e in brought if [b.words for b in brought].count(e.words) == 1}
    beside = Unique(style, named)

    def extras(of: str, given: Sequence[Extra]) -> dict[str, str]:
        """The parameters of one: where no other brings such, they are called so and no more."""
        return {e.role: style(e.words) if e.words in once else beside.named(words.words(of), e.words) for e in given}

    def group(parameter: str) -> GroupNames:
        own = unique.classes.named(scope, words.words(parameter))
        while language.is_taken(own):
            own = unique.classes.named(words.words(own), ["values"])
        return GroupNames(named[-1] if view.batch else parameter, parameter, own)

    count = len(view.arguments)
    groups = {word: group(own) for word, own in zip(together, named[count:], strict=False)}

    def argument(own: ArgumentView, parameter: str) -> ArgumentNames:
        parts = words.words(parameter)
        place = f"{groups[own.group].each}.{parameter}" if own.group else parameter
        further = extras(parameter, own.extras(language))
        if own.group == EXAMPLE and view.batch:  # each example has its own
            further = {role: f"{groups[own.group].each}.{extra}" for role, extra in further.items()}
        return ArgumentNames(
            parameter,
            place,
            maker=constants.named(scope, parts),
            prepared=beside.named(parts, ["prepared"]) if own.preparable else "",
            held=unique.held.named(scope, parts, ["ids"]) if own.holder else "",
            brought=unique.held.named(scope, parts, ["pieces"]) if own.holder else "",
            file=unique.files.named(scope, parts) if own.asset else "",
            asset=constants.named(scope, parts, ["model"]) if own.asset else "",
            extras=further,
        )

    arguments = [argument(a, n) for a, n in zip(view.arguments, named, strict=False)]

    def result(own: ResultView, of_result: str) -> ResultNames:
        labels = {
            locale: constants.named(scope, words.words(of_result), words.words(locale)) for locale in sorted(own.labels)
        }
        made_with = [own.made_with] if own.made_with else []
        maker = constants.named(scope, words.words(of_result), made_with) if own.has_maker else ""
        beside_labels = constants.named(scope, words.words(of_result), ["in"]) if len(labels) > 1 else ""
        translated = style(words.words(beside_labels)) if beside_labels else ""
        return ResultNames(of_result, maker, labels, translated, extras(of_result, own.brought))

    results = identifiers([r.name for r in view.results], style, "output", language.words)
    return MethodNames(
        name,
        raw_name(name, language) if several else style(["run"]),
        unique.signatures.named(words.words(name)),
        words.pascal(words.words(name)),
        arguments,
        groups,
        dict(zip(view.dynamic, named[count + len(groups) :][: len(view.dynamic)], strict=True)),
        [result(r, n) for r, n in zip(view.results, results, strict=True)],
    )


def _check_count(method: MethodView, platform: str) -> None:
    for count, word in ((len(method.arguments) + len(method.dynamic), "takes"), (len(method.results), "gives")):
        if count > _MOST_PARAMETERS:
            raise Invalid(
                f"'{method.name}' {word} {count} values, and generated code has no more than {_MOST_PARAMETERS}",
                platform,
                f"take [{platform}] out, and call the model by the tensors of its file",
            )
