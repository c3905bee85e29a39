"""The files of an iOS package: which there are, and the template of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tflite_build import languages
from tflite_build.engines.contract import Invalid
from tflite_build.tflite import capabilities
from tflite_build.tflite.capabilities import SwiftLinks

from . import characters, code, parts, swift, swift_text
from .code import App
from .rendering import Library, Templates
from .swift import Swift
from .swift_sources import with_needs
from .view import AppView, RuntimeView

FILTERS: dict[str, Callable[..., Any]] = {
    "character_table": characters.table,
    "suffixed": lambda text, end: f"{text}{end}",
    "string": swift_text.string,
    "ruby_string": swift_text.ruby_string,
    "comment": swift_text.comment,
    "after": parts.after,
    "cases_of": parts.cases_of,
    "method_of": parts.method_of,
    "restoring": parts.restoring,
    "wrapped": swift_text.wrapped,
    "listed": swift_text.listed,
    "parameters": swift_text.parameters,
    "float_literal": swift_text.float_literal,
    "type_of": swift_text.type_of,
    "declared": swift.declared,
    "parameter": swift.parameter,
    "passed": swift.passed,
    "passed_on": swift.passed_on,
    "labelled": swift.labelled,
    "labelled_by": swift.labelled_by,
    "documented": swift.documented,
    "given": swift.given,
    "labelled_alike": swift.labelled_alike,
    "returned": swift.returned,
    "pieces": swift.pieces,
}
_RUNNING = ("Accelerator", "Engine", "Session", "ModelFiles", "TensorInfo", "TensorValues")
_SHARED = ("Quantization", "ModelError", "Require")
# What arguments of a kind need of this platform alone.
_SHARED_OF = {"image": ("ARGBPicture", "BytePicture", "YUVPicture", "ApplePictures")}
_VERSION = re.compile(r"(?=.*[1-9])\d{1,9}(\.\d{1,9}){0,2}")  # of a pod; none is 0


@dataclass(frozen=True, slots=True)
class Linking:
    """What the package links.

    Attributes:
        module: What its code imports.
        local: The folder beside the package where the app has a package of that; "" where it comes from elsewhere.
        pods: The pods that it depends on, and their versions.
        engine: The class that runs the model.
    """

    module: str
    local: str
    pods: Mapping[str, str]
    engine: str
    links: SwiftLinks
    runtime: RuntimeView

    @property
    def is_own(self) -> bool:
        """Whether the runtime is the user's own."""
        return self.runtime.target == "custom"

    @property
    def force_load(self) -> str:
        """The library that the app has to load whole, since nothing refers to what registers itself."""
        if not (self.runtime.select and self.links.select):
            return ""
        name = self.links.select
        return f"${{PODS_ROOT}}/{name}/Frameworks/{name}.xcframework/ios-arm64/{name}.framework/{name}"


def library(view: AppView, said: Mapping[str, Any], templates: Templates, goldens: Mapping[str, Any]) -> Library:
    """All files of the package, in a folder of its name; where variants are selectable, of one in a folder of each.

    Args:
        view: The model.
        said: What [ios] says.
        templates: iOS's.
        goldens: Variant -> what its test holds the code against.

    Raises:
        Invalid: If the model does not fit the package, or a template of the user's cannot be used.
    """
    app = code.app(view, Swift(said["module"] or ""), said["class_name"] or "")
    module = said["module"] or _module(app.class_name)
    linking = _linking(view.runtimes[0])
    if linking.module == module:
        raise Invalid(f"'{module}' is the runtime, and this module cannot be called so, too", "ios.framework")
    values: dict[str, Any] = {
        "header": parts.HEADER,
        "app": app,
        "module": module,
        "platform": said["platform"],
        "delivery": said["delivery"],
        "linking": linking,
        "build": capabilities.build("ios"),
        "accelerators": view.accelerators,
        "version": view.version if _VERSION.fullmatch(view.version) else "1.0.0",
        "resizes": any(method.dimensions for method in app.methods),
    }
    texts: dict[str, tuple[str, Mapping[str, Any]]] = {}
    models: dict[str, str] = {}
    goldens_of: dict[str, tuple[str, str]] = {}
    own_texts: dict[str, str] = {}
    copies: dict[str, str] = {}
    of_app = said["delivery"] == "file"  # then the test has the model's file
    for file in app.files:
        # Swift's package manager tells packages by their folders' names, which "ios" would be for all of an app's models.
        root = PurePosixPath(file.view.name if said["variants"] == "selectable" else "", module)
        sources, tests = root / "Sources" / module, root / "Tests" / f"{module}Tests"
        cases = goldens[file.view.name]
        resources = [*([] if of_app else [file.view.file]), *app.assets]
        copied = [*(["Goldens"] if any(cases.values()) else []), *([f"Resources/{file.view.file}"] if of_app else [])]
        tested = [f".copy({swift_text.string(name)})" for name in copied]
        of_file = {**values, "file": file, "cases": cases, "tested": tested, "resources": resources}
        texts |= {str(sources / name): (template, of_file) for name, template in _sources(app, linking).items()}
        for method in app.streams:
            path = sources / f"{method.stream.name if method.stream else ''}.swift"
            texts[str(path)] = ("model/Stream.swift.jinja", {**of_file, "method": method})
        texts |= {str(tests / name): (template, of_file) for name, template in _tests(app, tested).items()}
        texts |= {str(root / name): (template, of_file) for name, template in _around(app, module, linking).items()}
        for row in (row for rows in cases.values() for row in rows):
            goldens_of[str(tests / "Goldens" / row["file"])] = (file.view.name, row["file"])
        for name, asset in app.assets.items():
            place = str(sources / "Resources" / name)
            if asset.text is not None:
                own_texts[place] = asset.text
            else:
                copies[place] = asset.source
        models[str((tests if of_app else sources) / "Resources" / file.view.file)] = file.view.name
    return Library({**templates.render(texts), **own_texts}, models, goldens_of, copies)


def _module(class_name: str) -> str:
    """The module of a class where the spec names none: no other's."""
    name = f"{class_name}{languages.SWIFT_SUFFIX}"
    return f"{class_name}Model{languages.SWIFT_SUFFIX}" if name in languages.swift_modules() else name


def _sources(app: App, linking: Linking) -> dict[str, str]:
    """The files of the module: name -> template."""
    view, own = app.view, app.class_name
    kinds, shared = view.kinds, parts.shared(view, _SHARED, _SHARED_OF)
    running = [*_RUNNING, linking.engine, *(["PictureTensors"] if "image" in kinds else [])]
    running += [*(["AppFiles"] if app.assets else []), *(["Batch"] if view.trains else [])]
    return {
        **{f"{name}.swift": f"shared/{name}.swift.jinja" for name in with_needs(shared)},
        **{f"{name}.swift": f"runtime/{name}.swift.jinja" for name in running},
        f"{own}.swift": "model/Model.swift.jinja",
        f"{own}File.swift": "model/File.swift.jinja",
        f"{own}Tensors.swift": "model/Tensors.swift.jinja",
        **({f"{own}Session.swift": "model/Sequence.swift.jinja"} if app.in_session else {}),
        **({f"{own}Labels.swift": "model/Labels.swift.jinja"} if view.labelled else {}),
        **({f"{own}Pictures.swift": "model/Pictures.swift.jinja"} if app.has_pictures else {}),
    }


def _tests(app: App, tested: Sequence[str]) -> dict[str, str]:
    """The files of the tests; nothing reads files where there are none, as of a model that this machine does not run."""
    names = parts.goldens(app.view) if tested else []
    names += ["GoldenPieces"] if tested and app.brought else []
    files = {f"{name}.swift": f"test/{name}.swift.jinja" for name in names}
    return {**files, f"{app.class_name}Tests.swift": "test/Tests.swift.jinja"}


def _around(app: App, module: str, linking: Linking) -> dict[str, str]:
    files = {
        name: f"package/{name.removeprefix('.')}.jinja" for name in ("Package.swift", ".swift-format", "README.md")
    }
    return files | ({f"{module}.podspec": "package/podspec.jinja"} if linking.pods else {})


def _linking(runtime: RuntimeView) -> Linking:
    capability, links = runtime.capability, runtime.capability.swift
    engine = "CompiledModelEngine" if capability.api == "compiled-model" else "InterpreterEngine"
    if runtime.target == "custom":
        own = runtime.artifact
        return Linking(own, own, {own: ""}, engine, links, runtime)
    pods: dict[str, str] = {}
    if links.pod:
        pods[links.pod] = links.version
        subspecs = {"npu": links.npu, "gpu": links.gpu}
        wanted = [subspecs[name] for name in runtime.accelerators if subspecs.get(name)]
        pods |= {f"{links.pod}/{subspec}": links.version for subspec in wanted}
        pods |= {links.select: links.version} if runtime.select else {}
    return Linking(links.module, "" if links.url else links.module, pods, engine, links, runtime)
