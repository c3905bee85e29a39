"""What stands between a model and its float file: what the steps of a job refused, as the verdict takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tflite_build.evaluation import refactorings
from tflite_build.evaluation.verdict import Obstacle
from tflite_build.planning.action import Step
from tflite_build.store.results import Refusal

from .job import Job

_LAYER = re.compile(r"'([^']*)' \((\w+)\)")  # how a look at a Keras model names a layer and its class

_SHAPES = re.compile(
    r"the TensorFlow converter does not get through the shapes: .*?where a dimension is open, it counts as 1"
)


def obstacles(job: Job, layers: Sequence[tuple[str, str]] = ()) -> tuple[Obstacle, ...]:
    """What the engines of `job` refused, each once, with what to write instead; none where nothing was refused.

    Args:
        job: A job, finished or not.
        layers: The classes and names of the model's layers, as far as they are known.
    """
    last: dict[str, tuple[Step, Refusal]] = {}  # one that was converted again names lines as well
    for step, refusal in job.refusals:
        if not step.variant:
            last[_engine(step)] = step, refusal
    kinds = {name: kind for kind, name in layers}
    found: dict[Obstacle, None] = {}
    for engine, (_, refusal) in last.items():
        if not refusal.operators:
            change = refactorings.for_message(refusal.reason)
            found[Obstacle(engine, "", "", "", refusal.reason, change)] = None
        for name, needs, source in refusal.operators:
            if needs == "shape":  # another operator in its place would be as wrong
                said = _SHAPES.search(refusal.reason)  # of several signatures, each is said
                reason = said[0] if said else refusal.reason
                found[Obstacle(engine, "", "shape", source, reason, refactorings.for_message(reason))] = None
                continue
            operator = _typed(name, refusal.reason)
            found[_with_layer(Obstacle(engine, operator, needs, source, refusal.reason).advised, kinds)] = None
    return tuple(found)


def refused_layers(phrases: Sequence[str]) -> tuple[Obstacle, ...]:
    """What a look at the model says that every engine refuses."""
    found = []
    for phrase in phrases:
        named = _LAYER.search(phrase)
        change = refactorings.for_layer(named[2]) if named else None
        found.append(Obstacle("", named[2] if named else "", "", named[1] if named else "", phrase, change))
    return tuple(found)


def _engine(step: Step) -> str:
    """Who refused: the engine's name, without the last resorts of it that are told apart elsewhere."""
    choice = step.candidate.choice if step.candidate is not None else step.tool.toolchain
    return choice.partition("-")[0]


def _typed(name: str, reason: str) -> str:
    """The operator as the refusal names it, which may say of what type it is: `Cumsum of float64`."""
    found = re.search(rf"\b{re.escape(name)} of [\w ,]+?(?=['\";(]|$)", reason)
    return found[0].strip() if found else name


def _with_layer(obstacle: Obstacle, kinds: Mapping[str, str]) -> Obstacle:
    """`obstacle` with the layer that it comes from as the model names it, and what is known of a layer of that class."""
    layer = _layer(obstacle.source, kinds)
    if not layer:
        return obstacle
    change = obstacle.change or refactorings.for_layer(kinds[layer.rpartition("/")[2]])
    return replace(obstacle, source=layer, change=change)


def _layer(source: str, kinds: Mapping[str, str]) -> str:
    """The layers among the scopes of `source`, such as functional_1/whiten_1/Svd; "" where there are none.

    A scope that TensorFlow enters again gets a number behind its name.
    """
    scopes = [scope if scope in kinds else re.sub(r"_\d+$", "", scope) for scope in source.split("/")]
    return "/".join(scope for scope in scopes if scope in kinds)
