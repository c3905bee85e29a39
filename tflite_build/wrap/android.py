"""The files of an Android library: which there are, and the template of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tflite_build.engines.contract import Invalid
from tflite_build.tflite import capabilities
from tflite_build.tflite.capabilities import GradleLinks

from . import characters, code, kotlin, kotlin_text, parts, words
from .code import File
from .kotlin import Kotlin
from .kotlin_sources import with_needs
from .rendering import Library, Templates
from .view import AppView, RuntimeView

FILTERS: dict[str, Callable[..., Any]] = {
    "character_table": characters.table,
    "suffixed": lambda text, end: f"{text}{end}",
    "string": kotlin_text.string,
    "comment": kotlin_text.comment,
    "after": parts.after,
    "cases_of": parts.cases_of,
    "method_of": parts.method_of,
    "restoring": parts.restoring,
    "wrapped": kotlin_text.wrapped,
    "float_literal": kotlin_text.float_literal,
    "reader": kotlin_text.reader,
    "awaiting": kotlin.awaiting,
    "array_of": kotlin.array_of,
    "declared": kotlin.declared,
    "bare": kotlin.bare,
    "noted": kotlin.noted,
    "passed": kotlin.passed,
    "made_of": kotlin.made_of,
    "pieces": kotlin.pieces,
}
_RUNNING = ("Tensors", "Engine", "Session", "ModelFiles")
_SHARED = ("Quantization",)
# What arguments of a kind need of this platform alone.
_SHARED_OF = {"image": ("ArgbPicture", "BytePicture", "YuvPicture", "AndroidPictures")}
_TAKEN = ("main", "debug", "release", "lint")
_FLAVORS = {"standard": "standard", "play-services": "play", "custom": "own"}


@dataclass(frozen=True, slots=True)
class Module:
    """What the spec says of the module.

    Attributes:
        layout: "module" or "sources".
        delivery: "asset" or "file".
        selectable: Whether there is a flavour for each variant.
    """

    package: str
    class_name: str
    layout: str
    delivery: str
    selectable: bool
    min_sdk: int
    coroutines: bool


@dataclass(frozen=True, slots=True)
class Dependency:
    """A library by its Gradle coordinates.

    Attributes:
        without: The group of those libraries that it wants and that are not to come along; "" for none.
    """

    notation: str
    without: str = ""


@dataclass(frozen=True, slots=True)
class EngineClass:
    """The class that runs models by an API, the same for all models of a package.

    Attributes:
        api: The class of org.tensorflow.lite that it calls; "" for none.
    """

    class_name: str
    api: str

    @property
    def template(self) -> str:
        """Which it is made by."""
        return f"runtime/{'InterpreterEngine' if self.api else self.class_name}.kt.jinja"


@dataclass(frozen=True, slots=True)
class Flavor:
    """A product flavour for a runtime: its name in Gradle, and the engines that are generated for it."""

    name: str
    runtime: RuntimeView
    dependencies: tuple[Dependency, ...]

    @property
    def engine(self) -> EngineClass:
        """What runs the model."""
        capability = self.runtime.capability
        if capability.api == "compiled-model":
            return EngineClass("CompiledModelEngine", "")
        api = "Interpreter" if capability.signatures else "InterpreterApi"
        return EngineClass(f"{api}Engine", api)


def library(view: AppView, said: Mapping[str, Any], templates: Templates, goldens: Mapping[str, Any]) -> Library:
    """All files of the library.

    Args:
        view: The model.
        said: What [android] says.
        templates: Android's.
        goldens: Variant -> what its test holds the code against.

    Raises:
        Invalid: If the model does not fit the module, or a template of the user's cannot be used.
    """
    module = Module(
        said["package"],
        said["class_name"] or "",
        said["layout"],
        said["delivery"],
        said["variants"] == "selectable",
        said["min_sdk"],
        said["coroutines"],
    )
    app = code.app(view, Kotlin(), module.class_name)
    flavors = tuple(_flavor(runtime, module) for runtime in view.runtimes)
    variants = _variants(app.files) if module.selectable else {}
    values: dict[str, Any] = {
        "header": parts.HEADER,
        "package": module.package,
        "app": app,
        "module": module,
        "flavors": flavors,
        "build": capabilities.build("android"),
        "delivery": module.delivery,
        "coroutines": module.coroutines,
        "accelerators": [a.upper() for a in view.accelerators],
        **_dimensions(flavors, variants),
        "select": any(f.runtime.select for f in flavors),
        "notices": any(f.runtime.target == "play-services" for f in flavors),
        "notice": "_".join((*words.words(app.class_name), "play_services_notice")),
    }
    paths = _Paths(module, flavors)
    files: dict[str, tuple[str, Mapping[str, Any]]] = {}
    kinds = view.kinds
    assets = {paths.asset("", name): asset for name, asset in app.assets.items()}
    texts = {path: asset.text for path, asset in assets.items() if asset.text is not None}
    running = {"PictureTensors": "image" in kinds, "AppFiles": bool(texts), "Batch": view.trains}
    for name in (*_RUNNING, *(name for name, needed in running.items() if needed)):
        files[paths.kotlin("", f"{name}.kt")] = (f"runtime/{name}.kt.jinja", values)
    for name in with_needs(parts.shared(view, _SHARED, _SHARED_OF)):
        files[paths.kotlin("", f"{name}.kt")] = (f"shared/{name}.kt.jinja", values)
    own = app.class_name
    for flavor in flavors:
        place = flavor.name if paths.several else ""
        of_flavor = {**values, "flavor": flavor, "engine": flavor.engine}
        files[paths.kotlin(place, f"{own}Engine.kt")] = ("model/ModelEngine.kt.jinja", of_flavor)
        files[paths.kotlin(place, f"{flavor.engine.class_name}.kt")] = (flavor.engine.template, of_flavor)
    files[paths.kotlin("", f"{own}.kt")] = ("model/Model.kt.jinja", values)
    if module.coroutines:
        files[paths.kotlin("", f"{own}Await.kt")] = ("model/Await.kt.jinja", values)
    for method in app.streams:
        stream = paths.kotlin("", f"{method.stream.name if method.stream else ''}.kt")
        files[stream] = ("model/Stream.kt.jinja", {**values, "method": method})
    if app.in_session:
        files[paths.kotlin("", f"{own}Session.kt")] = ("model/Sequence.kt.jinja", values)
    if view.labelled:
        files[paths.kotlin("", f"{own}Labels.kt")] = ("model/Labels.kt.jinja", values)
    models: dict[str, str] = {}
    tested: dict[str, tuple[str, str]] = {}
    for file in app.files:
        of_variant = {**values, "file": file}
        place = variants.get(file.view.name, "")
        files[paths.kotlin(place, f"{own}Model.kt")] = ("model/ModelFile.kt.jinja", of_variant)
        files[paths.kotlin(place, f"{own}Tensors.kt")] = ("model/Tensors.kt.jinja", of_variant)
        root = paths.test(place)
        cases = goldens[file.view.name]
        for row in (row for rows in cases.values() for row in rows):
            tested[paths.resource(root, f"{own}/{row['file']}")] = (file.view.name, row["file"])
        files[paths.kotlin("", f"{own}Test.kt", root)] = ("test/Test.kt.jinja", {**of_variant, "cases": cases})
        # Where the app brings the file, its test does.
        asset = module.delivery == "asset"
        name = file.view.file
        models[paths.asset(place, name) if asset else paths.resource(root, name)] = file.view.name
    files["consumer-rules.pro"] = ("gradle/consumer-rules.pro.jinja", values)
    if module.layout == "module":
        files["build.gradle.kts"] = ("gradle/build.gradle.kts.jinja", values)
        files["src/main/AndroidManifest.xml"] = ("gradle/AndroidManifest.xml.jinja", values)
    for flavor in flavors:
        if flavor.runtime.target == "play-services":  # which send figures that users have to be told of
            place = flavor.name if paths.several else "main"
            files[f"src/{place}/res/values/{values['notice']}.xml"] = ("gradle/strings.xml.jinja", values)
    files["README.md"] = ("gradle/README.md.jinja", values)
    for name in parts.goldens(view):
        files[paths.kotlin("", f"{name}.kt", "androidTest")] = (f"test/{name}.kt.jinja", values)
    copies = {path: asset.source for path, asset in assets.items() if asset.source}
    return Library({**templates.render(files), **texts}, models, tested, copies)


def _dimensions(flavors: Sequence[Flavor], variants: Mapping[str, str]) -> dict[str, Any]:
    """The flavours of the module, by dimension."""
    found: dict[str, list[str]] = {}
    if len(flavors) > 1:
        found["runtime"] = [flavor.name for flavor in flavors]
    if variants:
        found["model"] = list(variants.values())
    return {"dimensions": list(found), "flavor_names": found}


def _flavor(runtime: RuntimeView, module: Module) -> Flavor:
    capability = runtime.capability
    least = capability.gradle.min_sdk
    if module.min_sdk < least:
        raise Invalid(
            f"{capability.title}, which runs this model, needs API level {least}",
            "android.min_sdk",
            f"use {least} or more",
        )
    own = _dependencies(capability.gradle, runtime)
    if runtime.target == "custom":
        own += (runtime.artifact,)
    others: tuple[str, ...] = ()
    if runtime.fallback and runtime.target == "play-services":
        others = _dependencies(capabilities.of("android", "standard")["interpreter"].gradle, runtime)
    # Play services' libraries may want TensorFlow Lite's, of which LiteRT's have all classes.
    without = "org.tensorflow" if others else ""
    dependencies = (*(Dependency(notation, without) for notation in own), *map(Dependency, others))
    return Flavor(_FLAVORS[runtime.target], runtime, dependencies)


def _dependencies(gradle: GradleLinks, runtime: RuntimeView) -> tuple[str, ...]:
    if runtime.select:
        return gradle.select
    return (*gradle.own, *(gradle.gpu if "gpu" in runtime.accelerators else ()))


def _variants(files: Sequence[File]) -> Mapping[str, str]:
    """Variant -> its flavour: none is called as a source set, a build type or a runtime's flavour is."""
    names = {file.view.name: file.view.name for file in files}
    for name in names:
        if words.camel(words.words(name)).lower().startswith(("test", "androidtest")):
            names[name] = f"variant {name}"  # which the Android plugin keeps for tests
    named = words.named(names.values(), words.camel, "variant", (*_TAKEN, *_FLAVORS.values()))
    return {variant: named[name] for variant, name in names.items()}


class _Paths:
    """Where files go."""

    def __init__(self, module: Module, flavors: Sequence[Flavor]) -> None:
        self._module = module
        self.several = len(flavors) > 1

    def kotlin(self, flavor: str, name: str, root: str = "") -> str:
        """A Kotlin file of a flavour; of all where that is ""."""
        folder = PurePosixPath(*self._module.package.split("."))
        top = PurePosixPath("src", root or flavor or "main")
        return str(top / "kotlin" / folder / name)

    def test(self, flavor: str) -> str:
        """The source set of the tests of a flavour."""
        return f"androidTest{flavor[:1].upper()}{flavor[1:]}"

    def resource(self, root: str, name: str) -> str:
        """A file that a test reads, beside its class."""
        return str(PurePosixPath("src", root, "resources", *self._module.package.split("."), name))

    def asset(self, flavor: str, name: str) -> str:
        """A file among the app's assets."""
        return str(PurePosixPath("src", flavor or "main", "assets", name))
