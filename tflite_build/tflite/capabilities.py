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
class GradleLinks:
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
class SwiftLinks:
    """What an iOS package links.

    Attributes:
        module: What its code imports; "" where the app says it.
        url: The package that has it, at `revision`; "" where there is none.
        pod: The pod that has it; "" where there is none.
        npu: The pod's subspec for Core ML.
        gpu: The pod's subspec for Metal.
        select: The pod that has TensorFlow's own kernels.
    """

    module: str = ""
    version: str = ""
    url: str = ""
    revision: str = ""
    pod: str = ""
    npu: str = ""
    gpu: str = ""
    select: str = ""


@dataclass(frozen=True, slots=True)
class Capability:
    """A way to run a model.

    Attributes:
        title: What people call it.
        types: The types of tensors that it takes and gives, as numpy names them.
        signatures: Whether it calls signatures by their names.
        inputless: Whether it calls one that takes nothing.
        resize: Whether a dynamic dimension can be given a size.
        variables: Whether a model can keep values between calls.
        handed_on: Whether an input can be an output, too.
        accelerators: What it can run on.
        brought: Those of them whose library the app has to bring, so that nothing is chosen for their sake.
        select_accelerators: What it can run on with TensorFlow's own kernels.
        release: What its kernels are of, such as "litert 2.3.0"; "" where the app or the device brings them.
        select: What they are of with TensorFlow's own ones.
    """

    platform: str
    target: str
    api: Api
    title: str
    types: tuple[str, ...]
    signatures: bool
    inputless: bool
    resize: bool
    variables: bool
    handed_on: bool
    select_tf_ops: bool
    custom_ops: bool
    accelerators: tuple[str, ...]
    brought: tuple[str, ...] = ()
    select_accelerators: tuple[str, ...] = ("cpu",)
    release: str = ""
    select: str = ""

    @property
    def gradle(self) -> GradleLinks:
        """What an Android module links."""
        return GradleLinks(**_frozen(self._links("gradle")))

    @property
    def swift(self) -> SwiftLinks:
        """What an iOS package links."""
        return SwiftLinks(**_frozen(self._links("swift")))

    def _links(self, kind: str) -> Mapping[str, Any]:
        row: Mapping[str, Any] = _table()[self.platform][self.target][self.api].get(kind, {})
        return row


_LINKS = ("gradle", "swift")


@cache
def of(platform: str, target: str) -> Mapping[Api, Capability]:
    """The ways that an app of `platform` has with what it is linked to; the one to prefer first."""
    rows: Mapping[Api, Mapping[str, Any]] = _table()[platform].get(target, {})
    return {
        api: Capability(platform, target, api, **_frozen({k: v for k, v in row.items() if k not in _LINKS}))
        for api, row in rows.items()
    }


def _frozen(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def build(platform: str) -> Mapping[str, Any]:
    """What the build of a generated module takes."""
    found: Mapping[str, Any] = _table()[platform]["build"]
    return found


@cache
def _table() -> dict[str, Any]:
    return tomli.loads(resources.specs("runtimes", "capabilities.toml").read_text("utf-8"))
