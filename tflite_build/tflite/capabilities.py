"""What an app can do with a model by each way to run it: one table (specs/runtimes/capabilities.toml).

What a spec may ask for, what a check holds it against and what a wrapper is written for is read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import tomli

from tflite_build import resources

Api = Literal["compiled-model", "interpreter"]


@dataclass(frozen=True, slots=True)
class Gradle:
    """The libraries of an Android module, by their coordinates.

    Attributes:
        min_sdk: The oldest Android API level that they run on.
        own: What is always linked; nothing where the app brings it.
        gpu: What comes to that for the GPU.
        select: What is linked instead where TensorFlow's own kernels are needed; nothing where the app brings them.
    """

    min_sdk: int
    own: tuple[str, ...] = ()
    gpu: tuple[str, ...] = ()
    select: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capability:
    """A way to run a model.

    Attributes:
        title: What people call it.
        types: The types of tensors that it takes and gives, as numpy names them.
        signatures: Whether it calls signatures by their names.
        resize: Whether a dynamic dimension can be given a size.
        variables: Whether a model can keep values between calls.
        handed_on: Whether an input can be an output, too.
        accelerators: What it can run on.
        gradle: What an Android module links.
    """

    target: str
    api: Api
    title: str
    types: tuple[str, ...]
    signatures: bool
    resize: bool
    variables: bool
    handed_on: bool
    select_tf_ops: bool
    custom_ops: bool
    accelerators: tuple[str, ...]
    gradle: Gradle


@cache
def of(platform: str, target: str) -> Mapping[Api, Capability]:
    """The ways that an app of `platform` has with what it is linked to; the one to prefer first."""
    found: dict[Api, Capability] = {}
    for api, row in _table()[platform][target].items():
        values = _frozen(row)
        found[api] = Capability(target, api, **{**values, "gradle": Gradle(**_frozen(row["gradle"]))})
    return found


def _frozen(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def build(platform: str) -> Mapping[str, Any]:
    """What the build of a generated module takes."""
    found: Mapping[str, Any] = _table()[platform]["build"]
    return found


@cache
def _table() -> dict[str, Any]:
    return tomli.loads(resources.specs("runtimes", "capabilities.toml").read_text("utf-8"))
