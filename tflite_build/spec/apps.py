"""[android] and [ios]: the code that an app calls the model with, and how the model gets into the app."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tflite_build import languages

from .base import SpecModel
from .values import Accelerators, Api, RelativePath, Targets, wrong

# The folders of the code, and what they are called as targets.
ANDROID = "android"
IOS = "ios"
APPS = (ANDROID, IOS)


def _package(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = value.split(".")
    for part in parts:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", part):
            raise wrong(f"'{value}' is no package: write lower-case words with dots, such as com.example.digits")
        if part in languages.kotlin_keywords():
            raise wrong(f"'{part}' in '{value}' is a keyword of Kotlin or Java, which no package can have")
    owner = next((own for own in languages.kotlin_packages() if f"{value}.".startswith(f"{own}.")), "")
    if owner:
        raise wrong(f"'{value}' is a package of others, who have all of '{owner}'; take one of your own")
    if len(parts) < 2:
        raise wrong(f"'{value}' is no package of an app: write at least two words, such as com.example.digits")
    return value


def _class_name(value: Any, is_taken: Callable[[str], bool]) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[A-Z][A-Za-z0-9]{0,63}", value):
        raise wrong(f"'{value}' is no name of a class: write a capital letter, then letters and digits")
    if isinstance(value, str) and is_taken(value):
        raise wrong(f"'{value}' is a class that generated code has or imports; take another name, such as {value}Model")
    return value


def _kotlin_class(value: Any) -> Any:
    return _class_name(value, languages.is_kotlin_class)


def _swift_class(value: Any) -> Any:
    return _class_name(value, languages.is_swift_class)


def _artifact(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.+-]+){2}", value):
        raise wrong(f"'{value}' is no artifact: write group:name:version, such as com.example:litert-own:1.0")
    return value


def _module(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,63}", value):
        raise wrong(
            f"'{value}' is no Swift module: write a capital letter, then letters, digits and _, such as DigitsKit"
        )
    if isinstance(value, str) and value in languages.swift_modules() | languages.swift_words():
        other = f"{value}{languages.SWIFT_SUFFIX}"
        raise wrong(f"'{value}' is a module of others, or a word of Swift; take another name, such as {other}")
    return value


def _framework(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", value):
        raise wrong(f"'{value}' is no Swift module: write a letter, then letters, digits and _, such as TensorFlowLite")
    if isinstance(value, str) and value in (languages.swift_modules() - {"TensorFlowLite"}) | languages.swift_words():
        raise wrong(f"'{value}' is a module of others, or a word of Swift; name that of your own runtime")
    return value


def _platform(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[1-9][0-9]{0,2}(\.[0-9]{1,2}){0,2}", value):
        raise wrong(f"'{value}' is no version of iOS: write it as in \"15.0\"")
    return value


def _ios_target(value: Any) -> Any:
    if value == "play-services" or (isinstance(value, list) and "play-services" in value):
        raise wrong("Google Play services do not exist on iOS; an app there brings a runtime: standard or custom")
    return value


class AppRuntime(SpecModel):
    """What [runtime] says, where that is another thing for the apps of one platform."""

    api: Api | None = None
    """How the app's code calls the model. Default: what [runtime] says."""
    accelerators: Accelerators | None = None
    """What the app tries to run the model on, in this order. Default: what [runtime] says."""


class AndroidRuntime(AppRuntime):
    """What of [runtime] is another thing for Android apps."""

    target: Targets | None = None
    """What the app is linked to: `standard`, `play-services`, `custom`, or a list. Default: what [runtime] says."""
    fallback: Literal["bundled"] | None = None
    """For `play-services`: the runtime that the app brings for devices where those have none. Default: what [runtime]
    says."""


class IosRuntime(AppRuntime):
    """What of [runtime] is another thing for iOS apps."""

    target: Annotated[Literal["standard", "custom"], BeforeValidator(_ios_target)] | None = None
    """What the app is linked to. Default: what [runtime] says; Google Play services, which iOS has not, are left out."""


class App(SpecModel):
    """What the code of all apps has in common."""

    variant: str | None = None
    """The variant that the app has. It has to be said where there are several, unless they are `selectable`."""
    variants: Literal["one", "selectable"] = "one"
    """`selectable`: code for each variant, so that the app's build chooses; never all in one app."""
    templates: RelativePath | None = None
    """A folder with templates of your own, which take the place of the tool's by their names."""


class Android(App):
    """The Kotlin code that an Android app calls the model with: a Gradle library module in `build/NAME/android/`."""

    package: Annotated[str, BeforeValidator(_package)]
    """The package of the generated code, and the namespace of the module."""
    class_name: Annotated[str, BeforeValidator(_kotlin_class)] | None = None
    """The class to call. Default: the model's name, such as `FlowerClassifier` for `flower-classifier`."""
    layout: Literal["module", "sources"] = "module"
    """`module`: a Gradle library module, ready for `include`; `sources`: only the files to copy into an app."""
    delivery: Literal["asset", "file"] = "asset"
    """`asset`: the model is packed into the app; `file`: the app gives its path when it opens it."""
    min_sdk: Annotated[int, Field(ge=21, le=10000)] = 24
    """The oldest Android API level that the module runs on."""
    coroutines: bool = True
    """Whether to write suspend functions beside the blocking ones, in a file of their own."""
    artifact: Annotated[str, BeforeValidator(_artifact)] | None = None
    """For `target = "custom"`: the Gradle coordinates of your own runtime, `group:name:version`."""
    runtime: AndroidRuntime = AndroidRuntime()
    """What of [runtime] is another thing for Android apps."""


class Ios(App):
    """The Swift code that an iOS app calls the model with: a Swift package in `build/NAME/ios/MODULE/`."""

    module: Annotated[str, BeforeValidator(_module)] | None = None
    """The module that the app imports. Default: the class with `Kit`, such as `DigitsKit`. It cannot be called as the
    class is, since Swift would take one for the other."""
    class_name: Annotated[str, BeforeValidator(_swift_class)] | None = None
    """The class to call. Default: the model's name, such as `FlowerClassifier` for `flower-classifier`."""
    delivery: Literal["resource", "file"] = "resource"
    """`resource`: the model is packed into the app; `file`: the app gives its URL when it opens it."""
    platform: Annotated[str, BeforeValidator(_platform)] = "15.0"
    """The oldest iOS that the package runs on."""
    framework: Annotated[str, BeforeValidator(_framework)] | None = None
    """For `target = "custom"`: the Swift module of your own runtime, which has TensorFlowLiteSwift's classes."""
    runtime: IosRuntime = IosRuntime()
    """What of [runtime] is another thing for iOS apps."""
