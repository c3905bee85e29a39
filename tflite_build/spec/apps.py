"""[android]: the code that an app calls the model with, and how the model gets into the app."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tflite_build import languages

from .base import SpecModel
from .values import RelativePath, wrong

ANDROID = "android"  # the folder of the code, and what it is called as a target


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


def _class_name(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[A-Z][A-Za-z0-9]{0,63}", value):
        raise wrong(f"'{value}' is no name of a class: write a capital letter, then letters and digits")
    if isinstance(value, str) and value in languages.kotlin_classes():
        raise wrong(f"'{value}' is a class that generated code has or imports; take another name, such as {value}Model")
    return value


def _artifact(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.+-]+){2}", value):
        raise wrong(f"'{value}' is no artifact: write group:name:version, such as com.example:litert-own:1.0")
    return value


class Android(SpecModel):
    """The Kotlin code that an Android app calls the model with: a Gradle library module in `build/NAME/android/`."""

    package: Annotated[str, BeforeValidator(_package)]
    """The package of the generated code, and the namespace of the module."""
    class_name: Annotated[str, BeforeValidator(_class_name)] | None = None
    """The class to call. Default: the model's name, such as `FlowerClassifier` for `flower-classifier`."""
    variant: str | None = None
    """The variant that the app has. It has to be said where there are several, unless they are `selectable`."""
    variants: Literal["one", "selectable"] = "one"
    """`selectable`: a flavour of the module for each variant, so that the app's build chooses; never all in one app."""
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
    templates: RelativePath | None = None
    """A folder with templates of your own, which take the place of the tool's by their names."""
