"""What a model keeps between calls: the outputs that inputs of the next call take. Travels as JSON."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import near_or_all, shape_text

from .binding import Binding, BoundTensor


@dataclass(frozen=True, slots=True)
class StateRule:
    """A table [state.NAME].

    Attributes:
        input: The public name of the input that takes it; a `*` stands for any letters.
        output: The public name of the output that gives it, with the same letters.
        initial: What its values are at first.
    """

    name: str
    input: str
    output: str
    initial: float = 0.0

    @property
    def key(self) -> str:
        """Where it stands."""
        return f'state."{self.name}"'

    def output_of(self, given: str) -> str | None:
        """The output for the input `given`; None where this is not about that."""
        before, star, after = self.input.partition("*")
        if not star:
            return self.output if given == self.input else None
        found = re.fullmatch(f"{re.escape(before)}(.*){re.escape(after)}", given, re.DOTALL)
        return self.output.replace("*", found[1]) if found else None


@dataclass(frozen=True, slots=True)
class States:
    """What the spec says of a model.

    Attributes:
        internal: Whether variables in the model keep values.
    """

    rules: tuple[StateRule, ...] = ()
    internal: bool = False

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return self.internal or bool(self.rules)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"rules": [asdict(rule) for rule in self.rules], "internal": self.internal}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> States:
        """The inverse of `to_json`."""
        return States(tuple(StateRule(**rule) for rule in value["rules"]), bool(value["internal"]))

    def initial(self, name: str) -> float | None:
        """What the values of an input are at first, by its public name; None where it takes no state."""
        return next((rule.initial for rule in self.rules if rule.output_of(name) is not None), None)

    def output_of(self, name: str) -> str | None:
        """The output that gives what an input takes; None where that takes no state."""
        return next((output for rule in self.rules if (output := rule.output_of(name)) is not None), None)

    def bound(self, inputs: Sequence[BoundTensor], outputs: Sequence[BoundTensor]) -> list[BoundState]:
        """Those of a signature, in the order of its inputs.

        Raises:
            Invalid: If an input takes a state of another shape or type than the output gives.
        """
        found = []
        there = {t.name: t for t in outputs}
        for given in inputs:
            for rule in self.rules:
                name = rule.output_of(given.name)
                if name is None:
                    continue
                found.append(_bound(rule, given, there.get(name)))
                break
        return found

    def check(self, signatures: Mapping[str, tuple[Sequence[BoundTensor], Sequence[BoundTensor]]]) -> None:
        """Hold all of them against the signatures of a model: name -> inputs and outputs.

        Raises:
            Invalid: If one is about no input of any of them, no signature gives it, or it does not fit.
        """
        for inputs, outputs in signatures.values():
            self.bound(inputs, outputs)
        known = list(dict.fromkeys(t.name for inputs, _ in signatures.values() for t in inputs))
        for rule in self.rules:
            given = [output for name in known if (output := rule.output_of(name))]
            there = list(dict.fromkeys(t.name for _, outputs in signatures.values() for t in outputs))
            for output in given:
                if output not in there:
                    hint = near_or_all(output, there)
                    raise Invalid(f"the model has no output '{output}'", f"{rule.key}.output", hint)
            if not given:
                what = "no input is called" if "*" in rule.input else "the model has no input"
                raise Invalid(f"{what} '{rule.input}'", f"{rule.key}.input", near_or_all(rule.input, known))


@dataclass(frozen=True, slots=True)
class BoundState:
    """A state of a signature: what it is called, the tensors that take and give it, and what its values are at first.

    Attributes:
        output: None where the signature takes it and leaves it as it is.
    """

    name: str
    input: BoundTensor
    output: BoundTensor | None
    initial: float


def _bound(rule: StateRule, given: BoundTensor, taken: BoundTensor | None) -> BoundState:
    def told(tensor: BoundTensor) -> str:
        return f"'{tensor.name}' is {tensor.real} {shape_text(tensor.shape)}"

    if taken is not None and (given.real != taken.real or given.shape != taken.shape):
        raise Invalid(f"{told(taken)}, and {told(given)}: a state keeps its shape and type", f"{rule.key}.output")
    if any(isinstance(d, str) or d < 0 for d in given.shape):
        hint = "give its dimensions fixed sizes in the table of the input"
        raise Invalid(f"{told(given)}, and a state has a fixed size", f"{rule.key}.input", hint)
    name = rule.name if "*" not in rule.input else given.name
    return BoundState(name, given, taken, rule.initial)


def outputs_of(states: Sequence[BoundState]) -> set[str]:
    """The names of the outputs that give states."""
    return {state.output.name for state in states if state.output is not None}


def left(bindings: Sequence[Binding], states: Collection[str], *, seen: bool = False) -> list[Binding]:
    """The bindings of what an app sees, where tensors called as `states` are handed on.

    Args:
        seen: Whether an app may see a state where the spec names it: what a call gives, and not what it takes.

    Raises:
        Invalid: If one that the spec names binds a state, and it may not.
    """
    found = []
    for binding in bindings:
        role = next((role for role, name in binding.tensors.items() if name in states), None)
        if role is None or (seen and binding.is_named):
            found.append(binding)
        elif binding.is_named:
            name = binding.tensors[role]
            raise Invalid(f"'{name}' is a state, which calls hand on and apps do not see", binding.at(role))
    return found
