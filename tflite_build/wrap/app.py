"""From built files, and what only the spec knows, to the view of a model that apps have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tflite_build.engines.content import Content
from tflite_build.engines.contract import Declared, DeclaredInput, Invalid, Names
from tflite_build.engines.preprocessing import layout
from tflite_build.engines.words import quoted, shape_text
from tflite_build.tflite import capabilities, reader, runtimes
from tflite_build.tflite.capabilities import Api, Capability
from tflite_build.tflite.custom import STOCK
from tflite_build.tflite.reader import Model, SignatureTensor
from tflite_build.tflite.summary import quantization_of

from .kinds.audio import AudioArgument
from .kinds.base import ArgumentView, ResultView
from .kinds.classes import ClassesResult
from .kinds.image import ImageArgument
from .kinds.tensor import TensorArgument, TensorResult
from .view import (
    AppView,
    ImageView,
    MethodView,
    RuntimeView,
    SoundView,
    TensorView,
    VariantView,
)

_LABELLED = "classes"
_MOST = 10  # classes that are given where nobody says how many
_ASSIGN = "ASSIGN_VARIABLE"


@dataclass(frozen=True, slots=True)
class Said:
    """What the spec says of an output.

    Attributes:
        labels: Locale ("" for the default) -> labels.
    """

    content: str = ""
    description: str = ""
    activation: str = ""
    threshold: float | None = None
    most: int | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """A built file: where it is, what it will be called, and its content's digest."""

    variant: str
    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the spec says of the app.

    Attributes:
        outputs: Signature ("" for the only one) -> public name of an output -> what is said of it.
        inputs: The same for the descriptions of inputs.
        targets: What the app is linked to.
        api: "auto", or the API that is asked for.
        accelerators: In order of preference.
        platform: "android" or "ios".
        artifact: The user's own runtime.
        fallback: Whether a runtime of the app's own stands in where Play services have none.
        places: The keys of the runtime that the spec says -> where they stand.
    """

    model: str
    description: str
    version: str
    author: str
    license: str
    declared: Declared
    names: Names
    inputs: Mapping[str, Mapping[str, str]]
    outputs: Mapping[str, Mapping[str, Said]]
    platform: str
    targets: Sequence[str]
    api: str
    accelerators: Sequence[str]
    artifact: str = ""
    fallback: bool = False
    places: Mapping[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """Where a key of the runtime is to be blamed: the platform's own table where the spec leaves it to the tool."""
        return self.places.get(name, self.platform)


def view(wanted: Wanted, files: Sequence[File]) -> AppView:
    """The view of a model.

    Args:
        files: The variants that the app can have, at least one, all of the same signatures.

    Raises:
        Invalid: The model cannot be called in the way that the spec asks for.
        FormatError: A file is damaged.
    """
    variants = []
    methods: tuple[MethodView, ...] = ()
    custom: set[str] = set()
    select: set[str] = set()
    lacks: dict[str, str] = {}
    ways = [way for target in wanted.targets for way in capabilities.of(wanted.platform, target).values()]
    releases = {r for way in ways for r in (way.release, way.select) if r}
    variables = handed_on = False
    for file in files:
        with reader.model(file.path) as model:
            tensors = _tensors(model, wanted)
            variants.append(
                VariantView(file.variant, file.name, file.sha256, model.size, quantization_of(model), tensors)
            )
            methods = methods or tuple(
                _method(name, ends, wanted, several=len(model.signatures) > 1) for name, ends in tensors.items()
            )
            custom |= {code.name for code in model.codes if code.custom and not code.flex}
            variables |= any(t.is_variable for g in model.subgraphs for t in g.tensors) or any(
                code.name == _ASSIGN for code in model.codes
            )
            handed_on |= any(_indices(s.inputs) & _indices(s.outputs) for s in model.signatures)
            select |= {code.name for code in model.codes if code.flex}
            for release in releases - lacks.keys():
                for lack in runtimes.lacks(model, runtimes.release(release))[:1]:
                    lacks[release] = f"{lack.need.operator} in version {lack.need.version}, which {release} has not"
    needs = _Needs(variants, select, custom - STOCK, variables, handed_on, lacks)
    linked = tuple(_runtime(target, wanted, needs) for target in wanted.targets)
    said = (wanted.model, wanted.description, wanted.version, wanted.author, wanted.license)
    return AppView(*said, methods, tuple(variants), linked)


def _indices(tensors: Sequence[SignatureTensor]) -> set[int]:
    return {t.tensor.index for t in tensors}


@dataclass(frozen=True, slots=True)
class _Needs:
    """What files need of a runtime."""

    variants: Sequence[VariantView]
    select: set[str]
    custom: set[str]
    variables: bool
    handed_on: bool
    lacks: Mapping[str, str]  # release -> an operator of theirs that it has not

    @property
    def dynamic(self) -> bool:
        """Whether an input has a dynamic dimension."""
        return any(t.dynamic for v in self.variants for inputs, _ in v.tensors.values() for t in inputs)

    def lacking(self, capability: Capability) -> str:
        """Why a runtime cannot run them; "" where it can."""
        title = capability.title
        for variant in self.variants:
            for signature, (inputs, outputs) in variant.tensors.items():
                for tensor in (*inputs, *outputs):
                    if tensor.dtype not in capability.types:
                        return f"'{tensor.name}' is {tensor.dtype}, and {title} has no such tensors"
                for tensor in inputs:
                    if tensor.dynamic and not capability.resize:
                        return (
                            f"'{tensor.name}' has the shape {shape_text(tensor.shape)}, and {title} gives no dynamic "
                            "dimension a size"
                        )
                if any(tensor.dynamic for tensor in inputs) and len(variant.tensors) > 1:
                    return (
                        f"the inputs of '{signature}' have dynamic dimensions beside other signatures, which {title} "
                        "resizes no inputs of"
                    )
            if len(variant.tensors) > 1 and not capability.signatures:
                return f"the model has {len(variant.tensors)} signatures, and {title} calls one alone"
        if self.handed_on and not capability.handed_on:
            return f"an output of the model is one of its inputs, which {title} computes wrongly"
        if self.variables and not capability.variables:
            return f"the model keeps values between calls, and {title} has no variables"
        if self.select and not capability.select_tf_ops:
            return f"the model has select TensorFlow operators, and {title} has none"
        if self.custom and not capability.custom_ops:
            return f"the model has the custom operators {quoted(sorted(self.custom))}, and {title} registers none"
        release = capability.select if self.select else capability.release
        return f"the model has {self.lacks[release]}" if release in self.lacks else ""


def _runtime(target: str, wanted: Wanted, needs: _Needs) -> RuntimeView:
    ways = capabilities.of(wanted.platform, target)
    asked: list[Api] = [api for api in ways if wanted.api in ("auto", api)]
    reasons = {api: needs.lacking(ways[api]) for api in asked}
    able = [api for api in asked if not reasons[api]]
    if not able:
        reason = "; ".join(dict.fromkeys(reasons.values())) or f"it has no API '{wanted.api}'"
        other = [api for api in ways if api not in asked and not needs.lacking(ways[api])]
        hint = f'api = "{other[0]}" can' if other else _other_target(target, wanted, needs)
        key = "target" if wanted.api == "auto" else "api"
        raise Invalid(f"no app can run this model with {target}: {reason}", wanted.key(key), hint)
    # An accelerator that is asked for decides between two APIs that both can.
    best = max(able, key=lambda api: len({*wanted.accelerators} & {*ways[api].accelerators} - {*ways[api].brought}))
    select = bool(needs.select)
    for place, accelerator in enumerate(wanted.accelerators):
        reason = ""
        if accelerator not in ways[best].accelerators:
            reason = next((reasons[api] for api in asked if accelerator in ways[api].accelerators), "")
            reason = reason or f"{ways[best].title} runs nothing there"
        elif accelerator != "cpu" and select and accelerator not in ways[best].select_accelerators:
            reason = "the library with TensorFlow's own kernels has the CPU alone"
        elif accelerator != "cpu" and needs.dynamic:
            reason = "its inputs have dynamic dimensions, whose sizes a delegate fixes when the model is opened"
        if reason:
            raise Invalid(
                f"no app can run this model on the {accelerator.upper()} with {target}: {reason}",
                f"{wanted.key('accelerators')}.{place}",
                "take it out",
            )
    return RuntimeView(target, ways[best], tuple(wanted.accelerators), wanted.artifact, wanted.fallback, select)


def _other_target(target: str, wanted: Wanted, needs: _Needs) -> str:
    for other in ("standard", "play-services"):
        ways = capabilities.of(wanted.platform, other)
        if other != target and any(not needs.lacking(way) for way in ways.values()):
            return "leave it out of the targets" if other in wanted.targets else f'target = "{other}" can'
    return ""


def _tensors(model: Model, wanted: Wanted) -> dict[str, tuple[tuple[TensorView, ...], tuple[TensorView, ...]]]:
    """Signature -> its inputs and outputs, in the order of the file."""
    found = {}
    for signature in map(model.ordered, model.signatures):
        declared = _by_public_name(wanted, signature.name)
        inputs = tuple(_tensor(t, declared.get(t.name)) for t in signature.inputs)
        outputs = tuple(_tensor(t, None, "?") for t in signature.outputs)
        found[signature.name] = (inputs, outputs)
    return found


def _by_public_name(wanted: Wanted, signature: str) -> dict[str, DeclaredInput]:
    return {
        wanted.names.public(signature, "inputs", own): declared
        for own, declared in wanted.declared.inputs(signature).items()
    }


def _tensor(given: SignatureTensor, declared: DeclaredInput | None, unknown: str = "") -> TensorView:
    tensor = given.tensor
    said = declared.shape if declared and declared.shape and len(declared.shape) == len(tensor.shape) else None
    shape: list[int | str] = []
    for place, size in enumerate(tensor.shape):
        name = said[place] if said else None
        shape.append(size if size >= 0 else name if isinstance(name, str) else unknown or f"d{place}")
    q = tensor.quantization
    scaled = q is not None and len(q.scales) == 1 and tensor.dtype in ("int8", "uint8", "int16")
    return TensorView(
        given.name,
        tensor.dtype,
        tuple(shape),
        q.scales[0] if scaled and q else None,
        q.zero_points[0] if scaled and q and q.zero_points else 0,
    )


def _method(
    signature: str, ends: tuple[tuple[TensorView, ...], tuple[TensorView, ...]], wanted: Wanted, *, several: bool
) -> MethodView:
    declared = _by_public_name(wanted, signature)
    prefix = f'signature."{signature}".' if several else ""
    said = wanted.outputs.get(signature) or wanted.outputs.get("") or {}
    told = wanted.inputs.get(signature) or wanted.inputs.get("") or {}
    arguments = tuple(_argument(t, declared.get(t.name), told.get(t.name, ""), prefix) for t in ends[0])
    results = tuple(_result(t, said.get(t.name, Said()), prefix) for t in ends[1])
    if not arguments or not results:
        what = "takes nothing" if not arguments else "gives nothing"
        platform = wanted.platform
        hint = f"take [{platform}] out, and call the model by the tensors of its file"
        raise Invalid(
            f"the signature '{signature}' {what}, and code is generated for what takes and gives", platform, hint
        )
    only = "classify" if {r.word for r in results} == {"classes"} else "predict"
    return MethodView(signature if several else only, signature, *ends, arguments, results)


def _argument(tensor: TensorView, declared: DeclaredInput | None, description: str, prefix: str) -> ArgumentView:
    content = declared.content if declared else None
    key = f'{prefix}input."{tensor.name}"'
    if content is not None and content.kind == "image":
        place = layout.of_image(tensor.shape, content.color_space, tensor.name, f"{key}.content")
        image = ImageView(place.height, place.width, place.color_space, place.channels_first, content)
        _check_values(content, image.channels, tensor.name, key)
        return ImageArgument(name=tensor.name, tensors={"input": tensor}, description=description, image=image)
    if content is not None and content.kind == "audio":
        _, length = layout.of_sound(tensor.shape, tensor.name, f"{key}.content")
        sound = SoundView(length, content.sample_rate or 0, content)
        return AudioArgument(name=tensor.name, tensors={"input": tensor}, description=description, sound=sound)
    within = declared.range if declared else None
    return TensorArgument(name=tensor.name, tensors={"input": tensor}, description=description, range=within)


def _check_values(content: Content, channels: int, name: str, key: str) -> None:
    for word, values in (("mean", content.mean), ("std", content.std), ("fill", content.fill)):
        if len(values) not in (1, channels):
            raise Invalid(f"'{word}' of '{name}' has {len(values)} values, and the tensor {channels} channels", key)


def _result(tensor: TensorView, said: Said, prefix: str) -> ResultView:
    key = f'{prefix}output."{tensor.name}"'
    if said.content != _LABELLED:
        return TensorResult(
            name=tensor.name, tensors={"output": tensor}, description=said.description, activation=said.activation
        )
    long = [d for d in tensor.shape if d != 1]
    if tensor.real != "float32" or len(long) > 1 or any(isinstance(d, str) for d in long):
        raise Invalid(
            f"'{tensor.name}' is {tensor.dtype} {shape_text(tensor.shape)}; classes are one score for each of them",
            f"{key}.content",
            "leave `content` out to get its values as they are",
        )
    classes = int(long[0]) if long else 1
    for locale, labels in said.labels.items():
        if len(labels) != classes:
            where = f" for '{locale}'" if locale else ""
            raise Invalid(
                f"there are {len(labels)} labels{where}, and '{tensor.name}' has {classes} classes", f"{key}.labels"
            )
    if said.labels and "" not in said.labels:
        raise Invalid(
            f"the labels of '{tensor.name}' are for {quoted(sorted(said.labels))}, and none are the default",
            f"{key}.labels",
            f'call one of them "default": {{ default = "...", {next(iter(sorted(said.labels)))} = "..." }}',
        )
    return ClassesResult(
        name=tensor.name,
        tensors={"scores": tensor},
        description=said.description,
        labels=dict(said.labels) or {"": [str(i) for i in range(classes)]},
        activation=said.activation,
        threshold=said.threshold,
        most=min(classes, _MOST) if said.most is None else said.most,
        classes=classes,
    )
