"""What model.toml may not combine, and what must exist for it: one function per rule, all of them asked.

Types alone cannot say these. Judges the spec and the presence of files; nothing is opened.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tflite_build import languages, resources
from tflite_build.errors import near_miss
from tflite_build.named import absent
from tflite_build.tflite import archive, capabilities
from tflite_build.tflite.capabilities import Capability
from tflite_build.tflite.runtimes import PLATFORMS, exists, release

from . import associated
from .apps import ANDROID, APPS, IOS, Android, App, Ios
from .checks import Accuracy, AccuracyLimits
from .kinds.base import Kind
from .linked import Linked, builds_runtime, linked
from .signatures import tables
from .sources import FunctionSource, JaxSource, KerasSource, SavedModelSource, TfliteSource
from .tensors import Tensor
from .types import ModelSpec

STATIC_QUANTIZE = ("int8", "int16x8")


_NUL = "a name in a file cannot have the character U+0000, which ends it"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken at a dotted key."""

    key: str
    message: str
    hint: str = ""


def check(spec: ModelSpec, folder: Path, *, files: bool = True) -> list[Violation]:
    """All violations in `spec`, whose paths start from `folder`; `files` have to be there unless that is off."""
    return [
        *_engine(spec),
        *_signatures(spec),
        *_sizes(spec),
        *_calibration(spec),
        *_from_source(spec),
        *_names(spec),
        *_one_file_each(spec),
        *_member(spec),
        *_runtime(spec),
        *_apps(spec),
        *_download(spec),
        *_custom_operators(spec),
        *_limits(spec),
        *_contents(spec),
        *_kinds(spec),
        *_training(spec),
        *_metadata(spec),
        *(_files(spec, folder) if files else ()),
    ]


def _engine(spec: ModelSpec) -> Iterator[Violation]:
    engine, source = spec.convert.engine, spec.source
    if engine == "litert" and isinstance(source, SavedModelSource | FunctionSource):
        yield Violation(
            "convert.engine",
            f'engine = "litert" does not read a {source.format} source; only TensorFlow does',
            'use engine = "auto" or "tensorflow"',
        )
    if engine == "tensorflow" and isinstance(source, JaxSource):
        yield Violation(
            "convert.engine",
            'engine = "tensorflow" does not read a jax source; only LiteRT\'s converter does',
            'use engine = "auto" or "litert"',
        )
    if engine != "auto" and isinstance(source, TfliteSource):
        yield Violation("convert.engine", "a tflite source is not converted, so no engine can be chosen", "remove it")
    switches = spec.convert.tensorflow.model_dump(exclude_none=True)
    if switches and (engine == "litert" or isinstance(source, JaxSource | TfliteSource)):
        yield Violation(
            "convert.tensorflow", "these are switches of the tensorflow engine, which has no part here", "remove them"
        )


def _signatures(spec: ModelSpec) -> Iterator[Violation]:
    source = spec.source
    if not isinstance(source, FunctionSource | JaxSource):
        return
    names = set(source.signature) or {"serving_default"}
    for name in spec.signature:
        if name not in names:
            yield Violation(
                f"signature.{name}", f"the source has no signature '{name}'", near_miss(name, names) or _have(names)
            )
    if len(names) > 1 and (spec.input or spec.output):
        key = "input" if spec.input else "output"
        yield Violation(
            key,
            f"the source has {len(names)} signatures, so [{key}] does not say which one it belongs to",
            f"write [signature.NAME.{key}.TENSOR] with NAME one of {', '.join(sorted(names))}",
        )


def _have(names: set[str]) -> str:
    return f"it has {', '.join(sorted(names))}"


def _sizes(spec: ModelSpec) -> Iterator[Violation]:
    for prefix, inputs in [
        ("input", spec.input),
        *((f"signature.{s}.input", t.input) for s, t in spec.signature.items()),
    ]:
        given: dict[str, tuple[int, ...]] = {}
        named = {d for tensor in inputs.values() for d in tensor.shape or () if isinstance(d, str)}
        for name, tensor in inputs.items():
            for dimension, sizes in tensor.sizes.items():
                key = f'{prefix}."{name}".sizes.{dimension}'
                if dimension not in named:
                    yield Violation(key, f"'sizes.{dimension}' names no dimension of any shape")
                elif given.setdefault(dimension, sizes) != sizes:
                    yield Violation(key, f"dimension '{dimension}' is given other sizes by another input")


def _calibration(spec: ModelSpec) -> Iterator[Violation]:
    if spec.calibration is not None:
        return
    for name, variant in spec.variant.items():
        if variant.quantize in STATIC_QUANTIZE:
            yield Violation(
                f"variant.{name}.quantize",
                f'quantize = "{variant.quantize}" takes its ranges from representative data, '
                "and there is no [calibration]",
                'add [calibration] with data = "FILE.npz" or entry = "FILE.py:NAME"',
            )


def _from_source(spec: ModelSpec) -> Iterator[Violation]:
    names = [n for n, v in spec.variant.items() if v.quantize == "from-source"]
    others = [n for n, v in spec.variant.items() if v.quantize not in ("from-source", "none")]
    if names and others:
        yield Violation(
            f"variant.{others[0]}.quantize",
            f"variant '{names[0]}' says that the source is quantized already, so '{others[0]}' would quantize it twice",
            "keep one of the two",
        )


def _names(spec: ModelSpec) -> Iterator[Violation]:
    tables: list[tuple[str, Mapping[str, Tensor]]] = [("input", spec.input), ("output", spec.output)]
    for s, t in spec.signature.items():
        tables += [(f"signature.{s}.input", t.input), (f"signature.{s}.output", t.output)]
    for signature in (s for s in spec.signature if "\0" in s):
        yield Violation(f'signature."{signature}"', _NUL)
    for prefix, tensors in tables:
        seen: dict[str, str] = {}
        for name, tensor in tensors.items():
            own = tensor.from_ or name
            if "\0" in name or "\0" in own:
                yield Violation(f'{prefix}."{name}"', _NUL)
            if own in seen:
                yield Violation(f'{prefix}."{name}".from', f"'{own}' is named twice, as '{seen[own]}' and as '{name}'")
            seen[own] = name


def _one_file_each(spec: ModelSpec) -> Iterator[Violation]:
    """Variants become files, and on many a Mac or in Windows 'A' and 'a' name the same one."""
    seen: dict[str, str] = {}
    for name in spec.variant:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield Violation(
                f"variant.{name}",
                f"the variants '{other}' and '{name}' would be one file where case makes no difference, as on macOS",
                "give one of them another name",
            )


def _runtime(spec: ModelSpec) -> Iterator[Violation]:
    targets = spec.runtime.target
    for i, target in enumerate(targets):
        if target in targets[:i]:
            yield Violation(f"runtime.target.{i}", f"'{target}' is named twice", "remove one")
    for i, accelerator in enumerate(spec.runtime.accelerators):
        if accelerator in spec.runtime.accelerators[:i]:
            yield Violation(f"runtime.accelerators.{i}", f"'{accelerator}' is named twice", "remove one")
    if spec.runtime.abis is not None and "custom" not in targets:
        yield Violation(
            "runtime.abis",
            "'abis' are those of a library of one's own, which this app is not linked to",
            'add "custom" to target, or remove it',
        )
    if spec.runtime.library and "custom" not in targets:
        yield Violation(
            "runtime.library",
            "'library' is a library of one's own, which this app is not linked to",
            'add "custom" to target, or remove it',
        )
    if spec.compatibility.select_tf_ops and "play-services" in targets:
        yield Violation(
            "compatibility.select_tf_ops",
            "Google Play services run no select TensorFlow operators",
            'remove it, or "play-services" from [runtime] target',
        )
    if spec.runtime.oldest is not None and targets == ("play-services",):
        yield Violation(
            "runtime.oldest",
            "Google Play services update their runtime on the device by themselves, so there is no oldest one to name",
            'remove it, or add "standard" to target',
        )
    oldest = spec.runtime.oldest
    for platform in PLATFORMS:
        text = oldest.get(platform) if isinstance(oldest, dict) else None
        reason = exists(release(text), platform) if text else ""
        if reason:
            key = f"runtime.oldest.{platform}"
            yield Violation(key, f"no app for {platform} meets '{text}': {reason}", "name one of those")
    if isinstance(oldest, str):
        reasons = [exists(release(oldest), platform) for platform in PLATFORMS]
        if all(reasons):
            yield Violation("runtime.oldest", f"no app meets '{oldest}': {'; '.join(reasons)}", "name one of those")


def _apps(spec: ModelSpec) -> Iterator[Violation]:
    own = linked(spec, ANDROID)
    if own.fallback and "play-services" not in own.targets:
        yield Violation(
            own.key("fallback"),
            "'fallback' stands in for Google Play services, which this app is not linked to",
            'add "play-services" to target, or remove it',
        )
    if spec.android is not None:
        yield from _app(spec, spec.android, ANDROID)
        yield from _android(spec.android, own)
    if spec.ios is not None:
        yield from _app(spec, spec.ios, IOS)
        yield from _ios(spec.ios, linked(spec, IOS))


def _app(spec: ModelSpec, app: App, platform: str) -> Iterator[Violation]:
    names = tuple(spec.variant) or ("float32",)
    if app.variants == "selectable" and app.variant:
        yield Violation(
            f"{platform}.variant",
            'variants = "selectable" takes all variants, so none can be chosen',
            "remove one of the two",
        )
    elif app.variant and app.variant not in names:
        yield Violation(
            f"{platform}.variant",
            f"the model has no variant '{app.variant}'",
            near_miss(app.variant, names) or _have({*names}),
        )
    elif len(names) > 1 and not app.variant and app.variants == "one":
        yield Violation(
            platform,
            f"the model has the variants {', '.join(names)}, and the spec does not say which one the app has",
            f'say `variant = "{names[0]}"`, or `variants = "selectable"`',
        )
    own = linked(spec, platform)
    yield from _ways(own)
    yield from _types(spec, own)
    for name in names if app.variants == "selectable" else (app.variant or names[0],):
        io = (spec.variant[name].io if name in spec.variant else None) or "float32"
        for target in own.targets:
            asked, ways = _asked_of(own, target), capabilities.of(platform, target)
            if all(io not in way.types for way in asked):
                other = [f'api = "{api}" in [{platform}.runtime]' for api, way in ways.items() if io in way.types]
                yield Violation(
                    f"variant.{name}.io",
                    f"{asked[0].title}, which [{platform}] asks for, has no {io} tensors",
                    " or ".join(['write io = "float32"', *other]),
                )


def _types(spec: ModelSpec, own: Linked) -> Iterator[Violation]:
    """Inputs have types that the app's runtime has, as far as the spec says which they have."""
    tables = {"": spec.input, **{f"signature.{name}.": tensors.input for name, tensors in spec.signature.items()}}
    for prefix, inputs in tables.items():
        for name, tensor in inputs.items():
            for target in own.targets:
                ways = _asked_of(own, target)
                if tensor.dtype and all(tensor.dtype not in way.types for way in ways):
                    yield Violation(
                        f'{prefix}input."{name}".dtype',
                        f"{ways[0].title}, which [{own.platform}] is linked to, has no {tensor.dtype} tensors",
                        'have the model take float32, and convert in the model: `dtype = "float32"`',
                    )


def _asked_of(own: Linked, target: str) -> list[Capability]:
    """The ways of a target that the spec asks for; all of them where it has no such."""
    ways = capabilities.of(own.platform, target)
    return [way for api, way in ways.items() if own.api == api] or list(ways.values())


def _ways(own: Linked) -> Iterator[Violation]:
    """What is asked of each target is what it has."""
    for target in own.targets:
        ways, asked = capabilities.of(own.platform, target), _asked_of(own, target)
        if own.api not in ("auto", *ways):
            yield Violation(
                own.key("api"),
                f'{asked[0].title} is what target = "{target}" has; there is no {own.api} API',
                'use "auto"',
            )
        for i, accelerator in enumerate(own.accelerators):
            if accelerator in own.accelerators[:i] and not own.shares("accelerators"):
                yield Violation(f"{own.key('accelerators')}.{i}", f"'{accelerator}' is named twice", "remove one")
            if not any(accelerator in way.accelerators for way in asked):
                there = ", ".join(sorted({a for way in asked for a in way.accelerators}))
                elsewhere = (
                    f"; [{own.platform}.runtime] can say others than [runtime]" if own.shares("accelerators") else ""
                )
                yield Violation(
                    f"{own.key('accelerators')}.{i}",
                    f'{asked[0].title} (target = "{target}") runs nothing on the {accelerator.upper()}',
                    f"it has {there}{elsewhere}",
                )


def _android(android: Android, own: Linked) -> Iterator[Violation]:
    if "custom" in own.targets and not android.artifact:
        yield Violation(
            "android",
            "the app is linked to a library of its own, and the spec does not say which",
            'say `artifact = "group:name:version"`, its coordinates in Gradle',
        )
    if android.artifact and "custom" not in own.targets:
        yield Violation(
            "android.artifact",
            "'artifact' is a library of one's own, which this app is not linked to",
            'add "custom" to [runtime] target, or remove it',
        )
    most = capabilities.build(ANDROID)["compile_sdk"]
    if android.min_sdk > most:
        yield Violation("android.min_sdk", f"the module is compiled for API level {most}", f"use {most} or less")
    for target in own.targets:
        least = min(_asked_of(own, target), key=lambda way: way.gradle.min_sdk)
        if android.min_sdk < least.gradle.min_sdk:
            level = least.gradle.min_sdk
            yield Violation("android.min_sdk", f"{least.title} needs API level {level}", f"use {level} or more")


def _ios(ios: Ios, own: Linked) -> Iterator[Violation]:
    if "custom" in own.targets and not ios.framework:
        yield Violation(
            "ios",
            "the app is linked to a runtime of its own, and the spec does not say which",
            'say `framework = "TensorFlowLite"`, the Swift module that it is',
        )
    if ios.framework and "custom" not in own.targets:
        yield Violation(
            "ios.framework",
            "'framework' is a runtime of one's own, which this app is not linked to",
            'say target = "custom" in [ios.runtime], or remove it',
        )
    if ios.framework and ios.framework == ios.module:
        yield Violation("ios.module", f"'{ios.module}' is the runtime, and this module cannot be called so, too")
    if ios.module and ios.module == ios.class_name:
        yield Violation(
            "ios.module",
            f"the module and the class are both called '{ios.module}', and Swift takes one for the other",
            f'call the module "{ios.module}{languages.SWIFT_SUFFIX}", or leave it out',
        )
    least = str(capabilities.build(IOS)["platform"])
    if _version(ios.platform) < _version(least):
        yield Violation("ios.platform", f"what the code calls is there since iOS {least}", f'use "{least}" or newer')


def _version(text: str) -> tuple[int, ...]:
    numbers = tuple(map(int, text.split(".")))
    return numbers + (0,) * (3 - len(numbers))


def _download(spec: ModelSpec) -> Iterator[Violation]:
    limits = [(spec.checks, "checks"), *((v.checks, f"variant.{n}.checks") for n, v in spec.variant.items())]
    for table, prefix in limits:
        if not table.max_download or spec.runtime.library:
            continue
        if builds_runtime(spec):
            yield Violation(
                f"{prefix}.max_download",
                "nothing says how large the runtime is that the app brings",
                "build without this limit, build the library that build/NAME/runtime describes, and name it as `library` "
                "in [runtime]; or take max_size, which is of the file alone",
            )
        else:
            yield Violation(
                f"{prefix}.max_download",
                "what a runtime that is not your own adds to a download is not known here",
                'take max_size, which is of the file alone; for a runtime of your own add "custom" to [runtime] target',
            )


def _custom_operators(spec: ModelSpec) -> Iterator[Violation]:
    seen: dict[str, str] = {}
    for name, custom in spec.compatibility.custom_ops.items():
        for i, path in enumerate(custom.sources):
            key, own = f'compatibility.custom_ops."{name}".sources.{i}', Path(path).name
            other = seen.setdefault(own.casefold(), path)
            if own.casefold() in _runtime_files():
                yield Violation(
                    key, f"'{own}' is a file that a build writes into the folder of the runtime", "give it another name"
                )
            elif other != path:
                yield Violation(
                    key,
                    f"'{other}' and '{path}' would be one file in the folder of the runtime",
                    "give one of them another name",
                )
            elif not re.fullmatch(r"[A-Za-z0-9_.+-]+", own):
                yield Violation(
                    key,
                    f"'{own}' is no name that Bazel and a shell take as it is",
                    "use letters, digits, '_', '.', '+' and '-'",
                )
    if spec.compatibility.custom_ops and "play-services" in linked(spec, ANDROID).targets:
        yield Violation(
            "compatibility.custom_ops",
            "Google Play services run no custom operators",
            'remove it, or "play-services" from [runtime] target',
        )


def _limits(spec: ModelSpec) -> Iterator[Violation]:
    measured = spec.checks.accuracy
    if measured is not None:
        yield from _of_measure("checks.accuracy", measured, measured)
    for name, variant in spec.variant.items():
        given, key = variant.checks.accuracy, f"variant.{name}.checks.accuracy"
        if measured is not None:
            yield from _of_measure(key, given, measured)
        elif given != AccuracyLimits():
            yield Violation(
                key,
                "nothing is measured that this could be a limit of",
                'add accuracy = { data = "FILE.npz", metric = "top1" } to [checks]',
            )


def within(path: Path, folder: Path) -> bool:
    """Whether `path` is `folder` or lies below it, by their names: where links lead is not asked."""
    return Path(os.path.relpath(path, folder)).parts[:1] != ("..",)


def _of_measure(key: str, limits: AccuracyLimits, measured: Accuracy) -> Iterator[Violation]:
    """Limits that a measure cannot have."""
    wrong, right, good = ("min", "max", "less") if measured.lower_is_better else ("max", "min", "more")
    if getattr(limits, wrong) is not None:
        yield Violation(f"{key}.{wrong}", f"of '{measured.name}' {good} is better", f"use '{right}'")
    if not measured.is_share:
        return
    for word in ("min", "max_drop"):
        value = getattr(limits, word)
        if value is not None and not 0 <= value <= 1:
            yield Violation(
                f"{key}.{word}", f"{value:g} is no share of 1, which '{measured.name}' is", "use a number from 0 to 1"
            )


def _contents(spec: ModelSpec) -> Iterator[Violation]:
    """A folder of pictures or sounds goes to an input that says what it is."""
    inputs = [*spec.input.values(), *(i for t in spec.signature.values() for i in t.input.values())]
    if any(i.content in ("image", "audio") for i in inputs):
        return
    named = next(iter(spec.input), "NAME")
    for key, path in _data(spec):
        if not path.endswith(".npz"):
            yield Violation(
                key,
                f"the spec does not say how a file in '{path}' becomes an input",
                f'add content = "image" (or "audio") to [input.{named}], with mean and std as the model was trained',
            )


def _kinds(spec: ModelSpec) -> Iterator[Violation]:
    """Arguments and results go with each other, and with what tensors say of themselves."""
    for own in tables(spec):
        found: dict[str, Kind] = {f'{own.prefix}argument."{name}"': kind for name, kind in own.arguments.items()}
        found |= {f'{own.prefix}result."{name}"': kind for name, kind in own.results.items()}
        if own.detected is not None and (spec.android or spec.ios):
            found[f'{own.prefix}output."{own.detected.boxes}"'] = own.detected
        for table, kind in found.items():
            for key, message, hint in kind.misfits(own):
                yield Violation(f"{table}.{key}" if key else table, message, hint)
        taken: dict[str, str] = {}
        for name, kind in own.arguments.items():
            for role, tensor in kind.tensors.items():
                other = taken.setdefault(tensor, name)
                if other != name:
                    message = f"the input '{tensor}' is made of the argument '{other}', and cannot be of this one too"
                    yield Violation(f'{own.prefix}argument."{name}".{role}', message)


def _training(spec: ModelSpec) -> Iterator[Violation]:
    """A model that an app trains is one of floats, with variables, that an interpreter runs."""
    roles: dict[str, list[str]] = {}
    for name, method in spec.method.items():
        roles.setdefault(method.role or "", []).append(name)
    trained = [(role, names) for role, names in roles.items() if role in ("train", "save", "restore")]
    if not trained:
        return
    first = f'method."{trained[0][1][0]}".role'
    for role, names in trained:
        for name in names[1:] if role != "train" else ():
            yield Violation(f'method."{name}".role', f"'{names[0]}' {role}s already, and one method does", "remove one")
    if "train" not in roles:
        yield Violation(first, "nothing trains what it is about", 'give the method that trains role = "train"')
    for role, other, what in (("save", "restore", "takes what it saves"), ("restore", "save", "gives what it takes")):
        if role in roles and other not in roles:
            key = f'method."{roles[role][0]}".role'
            yield Violation(key, f"no method {what}", f'give one role = "{other}"')
    if isinstance(spec.source, (JaxSource, KerasSource)):
        what = "a function of JAX" if isinstance(spec.source, JaxSource) else "a Keras model by itself"
        yield Violation(
            first,
            f"{what} has no signature that changes its variables",
            "train by a SavedModel, or by functions of TensorFlow: docs/kinds/training.md has one",
        )
    if spec.state:
        yield Violation("state", "a model that is trained keeps nothing else between calls", "remove it, or the roles")
    for name, variant in spec.variant.items():
        if variant.quantize != "none":
            yield Violation(
                f"variant.{name}.quantize",
                "what is trained is computed in float32: what rounds the variables would round each step, too",
                'use "none"',
            )
    apps = [linked(spec, platform) for platform in APPS if getattr(spec, platform) is not None]
    for key in dict.fromkeys(own.key("api") for own in apps if own.api == "compiled-model"):
        yield Violation(key, "CompiledModel has no variables, which training changes", 'use "interpreter", or "auto"')


def _metadata(spec: ModelSpec) -> Iterator[Violation]:
    seen: dict[str, str] = {}
    for key, path in associated.named(spec):
        name = archive.base_name(path)
        other = seen.setdefault(name, path)
        if not name:
            yield Violation(key, f"'{path}' names no file")
        elif os.path.normpath(other) != os.path.normpath(path):
            yield Violation(
                key,
                f"'{other}' and '{path}' would be one file behind the model, where folders are left out",
                "give one of them another name",
            )


def _data(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    """Keys and paths of data."""
    if spec.calibration is not None and spec.calibration.data:
        yield "calibration.data", spec.calibration.data
    if spec.checks.accuracy is not None:
        yield "checks.accuracy.data", spec.checks.accuracy.data


def _files(spec: ModelSpec, folder: Path) -> Iterator[Violation]:
    for key, path, wanted in named_paths(spec):
        full = folder / path
        kind = _kind(full)
        if _of_one_machine(path):
            yield Violation(
                key,
                f"'{path}' starts from a folder that other machines do not have; paths start from model.toml's folder",
                "put the file beside model.toml, or name it by 'url' and 'sha256' where it is the source",
            )
        elif wanted == "code" and not within(full, folder):
            yield Violation(
                key, f"'{path}' lies outside of the folder of model.toml", "move it into the folder, or link it there"
            )
        elif kind == "":
            yield Violation(key, *absent(full, path, "folder" if wanted == "folder" else "file"))
        elif wanted == "folder" and kind != "folder":
            words = {
                "source.path": "a SavedModel is a folder",
                **{f"{platform}.templates": "templates are in a folder" for platform in APPS},
            }
            yield Violation(key, f"'{path}' is a file; {words.get(key, 'data is an .npz file or a folder')}")
        elif wanted != "folder" and kind == "folder":
            yield Violation(
                key, f"'{path}' is a folder, not a file", _folder_hint(spec, full) if key == "source.path" else ""
            )
        elif kind == "other":
            yield Violation(key, f"'{path}' is a pipe, socket or device, not a file")


def _runtime_files() -> frozenset[str]:
    """The files that a build writes for a runtime of one's own, in lower case."""
    templates = {path.name.removesuffix(".jinja") for path in resources.templates("runtime").iterdir()}
    return frozenset(name.casefold() for name in templates | {"operators.json"})


def _of_one_machine(path: str) -> bool:
    return Path(path).is_absolute() or (path.startswith("~") and "/" in path)


def _kind(path: Path) -> str:
    """What stands at `path`: "file", "folder", "other", or "" for nothing that could be opened."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return ""
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def _folder_hint(spec: ModelSpec, folder: Path) -> str:
    if (folder / "saved_model.pb").is_file() and spec.source.format != "saved_model":
        return 'it is a SavedModel: use format = "saved_model"'
    return ""


def _member(spec: ModelSpec) -> Iterator[Violation]:
    source = spec.source
    if isinstance(source, KerasSource | SavedModelSource | TfliteSource) and source.url and source.path:
        parts = source.path.replace("\\", "/").split("/")
        if not parts[0] or ".." in parts:
            yield Violation(
                "source.path",
                f"'{source.path}' leads out of the archive that 'url' names",
                "name a member as the archive lists it",
            )


def named_paths(spec: ModelSpec) -> Iterator[tuple[str, str, str]]:
    """What the spec names of the user's files: key, path, and what is wanted there.

    That is "file", "folder", or "code": a file that runs in a copy of the folder.
    """
    source = spec.source
    if isinstance(source, KerasSource | SavedModelSource | TfliteSource) and source.path and not source.url:
        yield "source.path", source.path, "folder" if isinstance(source, SavedModelSource) else "file"
    if isinstance(source, KerasSource):
        if source.weights:
            yield "source.weights", source.weights, "code"
        for i, file in enumerate(source.imports):
            yield f"source.imports.{i}", file, "code"
    if isinstance(source, KerasSource | FunctionSource | JaxSource):
        if source.entry:
            yield "source.entry", source.entry.rpartition(":")[0], "code"
        for i, file in enumerate(source.files):
            yield f"source.files.{i}", file, "code"
    if isinstance(source, FunctionSource | JaxSource):
        for name, signature in source.signature.items():
            yield f"source.signature.{name}.entry", signature.entry.rpartition(":")[0], "code"
    if spec.calibration is not None:
        if spec.calibration.entry:
            yield "calibration.entry", spec.calibration.entry.rpartition(":")[0], "code"
        for i, file in enumerate(spec.calibration.files):
            yield f"calibration.files.{i}", file, "code"
    for key, path in _data(spec):
        yield key, path, "file" if path.endswith(".npz") else "folder"
    if spec.checks.accuracy is not None:
        if spec.checks.accuracy.labels:
            yield "checks.accuracy.labels", spec.checks.accuracy.labels, "file"
        if spec.checks.accuracy.entry:
            yield "checks.accuracy.entry", spec.checks.accuracy.entry.rpartition(":")[0], "code"
        for i, file in enumerate(spec.checks.accuracy.files):
            yield f"checks.accuracy.files.{i}", file, "code"
    for platform in APPS:
        app: App | None = getattr(spec, platform)
        if app is not None and app.templates:
            yield f"{platform}.templates", app.templates, "folder"
    for key, path in associated.named(spec):
        yield key, path, "file"
    for i, file in enumerate(spec.runtime.library or ()):
        yield f"runtime.library.{i}", file, "file"
    for name, custom in spec.compatibility.custom_ops.items():
        if custom.library:
            yield f'compatibility.custom_ops."{name}".library', custom.library, "file"
        for i, file in enumerate(custom.sources):
            yield f'compatibility.custom_ops."{name}".sources.{i}', file, "file"
    for name, variant in spec.variant.items():
        if variant.quantize.endswith(".json"):
            yield f"variant.{name}.quantize", variant.quantize, "file"
