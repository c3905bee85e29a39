"""What the apps of a platform are linked to: [runtime], and what [android.runtime] or [ios.runtime] say instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .apps import ANDROID, IOS
from .types import ModelSpec

_KEYS = ("target", "api", "accelerators", "fallback")


@dataclass(frozen=True, slots=True)
class Linked:
    """What is linked, nothing left open.

    Attributes:
        targets: `standard`, `play-services` or `custom`; one on iOS.
        left: Those of [runtime] that the platform has not.
        places: The keys that the spec says -> where they stand.
    """

    platform: str
    targets: tuple[str, ...]
    api: str
    accelerators: tuple[str, ...]
    fallback: bool
    left: tuple[str, ...]
    places: Mapping[str, str]

    def key(self, name: str) -> str:
        """Where a key is to be blamed: the platform's own table where the spec leaves it to the tool."""
        return self.places.get(name, self.platform)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is otherwise than the spec says for all platforms."""
        found = []
        for target in self.left:
            why = (
                "Google Play services do not exist on iOS"
                if target == "play-services"
                else "an iOS app has one runtime"
            )
            found.append(f'{why}: the app brings the {self.targets[0]} one there, and target = "{target}" is left out')
        return tuple(found)

    def shares(self, name: str) -> bool:
        """Whether a key is said for the apps of all platforms."""
        return self.key(name) == f"runtime.{name}"


def linked(spec: ModelSpec, platform: str) -> Linked:
    """What the apps of `platform`, "android" or "ios", are linked to."""
    own = getattr(getattr(spec, platform), "runtime", None)
    places: dict[str, str] = {}
    values: dict[str, Any] = {}
    for key in _KEYS:
        values[key] = getattr(spec.runtime, key)
        if key in spec.runtime.model_fields_set:
            places[key] = f"runtime.{key}"
        said = getattr(own, key, None)
        if said is not None:
            values[key], places[key] = said, f"{platform}.runtime.{key}"
    targets = (values["target"],) if isinstance(values["target"], str) else tuple(values["target"])
    left: tuple[str, ...] = ()
    if platform == IOS:
        # One of several is a choice of the app's build, which only Gradle has.
        there = tuple(t for t in targets if t != "play-services")[:1] or ("standard",)
        left, targets = tuple(t for t in targets if t not in there), there
    fallback = values["fallback"] is not None and platform == ANDROID
    return Linked(platform, targets, values["api"], tuple(values["accelerators"]), fallback, left, places)


def builds_runtime(spec: ModelSpec) -> bool:
    """Whether a library of one's own is wanted for Android, which the tool describes how to build."""
    return "custom" in spec.runtime.target or "custom" in linked(spec, ANDROID).targets
