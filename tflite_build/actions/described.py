"""What a spec says of a model for its metadata, as far as that is known before the model is built.

The words of the spec become those of the format, with nothing in place of what the model itself will tell: see
`metadata`. Travels to the step that packs a variant as JSON values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tflite_build.spec import associated, metadata
from tflite_build.spec.metadata import DEFAULT_LOCALE, ProcessUnit, Tokenizer
from tflite_build.spec.signatures import tables
from tflite_build.spec.tensors import Input, Output
from tflite_build.spec.types import ModelSpec
from tflite_build.tflite import metadata as wire
from tflite_build.tflite.archive import base_name
from tflite_build.tflite.metadata import (
    AssociatedFile,
    AudioProperties,
    BertTokenizer,
    BoundingBoxProperties,
    Content,
    ContentProperties,
    FeatureProperties,
    ImageProperties,
    ImageSize,
    ModelMetadata,
    Normalization,
    Options,
    RegexTokenizer,
    ScoreCalibration,
    ScoreThreshold,
    SentencePieceTokenizer,
    Stats,
    SubgraphMetadata,
    TensorGroup,
    TensorMetadata,
    ValueRange,
)

_BOX_INDEX = (1, 0, 3, 2)  # of ymin, xmin, ymax, xmax
# What the official writers say of boxes, of what stands beside them, and of masks: the dimensions that content is said of.
_OF_BOXES, _OF_MASK = ValueRange(2, 2), ValueRange(1, 2)
_COLORS = {"rgb": "rgb", "grayscale": "grayscale"}
_NOTHING = TensorMetadata()


@dataclass(frozen=True, slots=True)
class SaidTensor:
    """What the spec says of a tensor.

    Attributes:
        key: Its table in model.toml.
        said: What is written; what is empty is not said.
        renamed: Whether its name is the spec's own choice, which goes before that of a source's metadata.
        content: The word of the spec, or "".
        color_space: The word of the spec, or "": the channels decide.
        unsayable: Whether normalization is nothing that the format can say, so that none must be written.
    """

    key: str
    said: TensorMetadata = _NOTHING
    renamed: bool = False
    content: str = ""
    color_space: str = ""
    unsayable: bool = False

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "key": self.key,
            "said": wire.to_json(self.said),
            "renamed": self.renamed,
            "content": self.content,
            "color_space": self.color_space,
            "unsayable": self.unsayable,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> SaidTensor:
        """The inverse of `to_json`."""
        return SaidTensor(**{**value, "said": wire.from_json(TensorMetadata, value["said"])})


@dataclass(frozen=True, slots=True)
class SaidSignature:
    """What the spec says of a signature: its tensors by public name, and what is said of all inputs together.

    Attributes:
        mask: What makes confidences of the scores of a mask, which has a reader of its own; "" for nothing.
    """

    inputs: Mapping[str, SaidTensor] = field(default_factory=dict)
    outputs: Mapping[str, SaidTensor] = field(default_factory=dict)
    input_process_units: tuple[wire.ProcessUnit, ...] = ()
    mask: str = ""

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "inputs": {name: t.to_json() for name, t in self.inputs.items()},
            "outputs": {name: t.to_json() for name, t in self.outputs.items()},
            "input_process_units": [wire.to_json(u) for u in self.input_process_units],
            "mask": self.mask,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> SaidSignature:
        """The inverse of `to_json`."""
        return SaidSignature(
            {name: SaidTensor.from_json(t) for name, t in value["inputs"].items()},
            {name: SaidTensor.from_json(t) for name, t in value["outputs"].items()},
            tuple(wire.from_json(wire.ProcessUnit, u) for u in value["input_process_units"]),
            value["mask"],
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What the spec says.

    Attributes:
        model: Of the model, without its graphs.
        graph: Of the graph of the described signature, without its tensors.
        primary: The signature that is described; "" where the model decides.
        signatures: Of signatures by name; "" stands for the only one.
        custom: Custom metadata by its name: the base name of a file.
        files: Keys of model.toml by the base name of a file.
        names_only: Whether it says no more than how tensors are called, for which alone no metadata is written.
    """

    model: ModelMetadata = field(default_factory=ModelMetadata)
    graph: SubgraphMetadata = field(default_factory=SubgraphMetadata)
    primary: str = ""
    signatures: Mapping[str, SaidSignature] = field(default_factory=dict)
    custom: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    names_only: bool = False

    @property
    def renames(self) -> bool:
        """Whether a tensor has a name of the spec's own choice."""
        return any(t.renamed for s in self.signatures.values() for side in (s.inputs, s.outputs) for t in side.values())

    def of(self, signature: str) -> SaidSignature:
        """What is said of a signature."""
        return self.signatures.get(signature) or self.signatures.get("") or SaidSignature()

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "model": wire.to_json(self.model),
            "graph": wire.to_json(self.graph),
            "primary": self.primary,
            "signatures": {name: s.to_json() for name, s in self.signatures.items()},
            "custom": dict(self.custom),
            "files": dict(self.files),
            "names_only": self.names_only,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Said:
        """The inverse of `to_json`."""
        return Said(
            wire.from_json(ModelMetadata, value["model"]),
            wire.from_json(SubgraphMetadata, value["graph"]),
            value["primary"],
            {name: SaidSignature.from_json(s) for name, s in value["signatures"].items()},
            value["custom"],
            value["files"],
            value["names_only"],
        )


def of(spec: ModelSpec) -> Said | None:
    """What `spec` says; None where it wants nothing written."""
    own, about = spec.metadata, spec.model
    if not own.write:
        return None
    signatures = {
        said.signature: SaidSignature(
            {n: _input(f'{said.prefix}input."{n}"', n, t) for n, t in inputs.items()},
            {n: _output(f'{said.prefix}output."{n}"', n, t, outputs, names.get(n, "")) for n, t in outputs.items()},
            tuple(_unit(t.tokenizer) for t in inputs.values() if t.tokenizer and t.tokenizer.type != "regex"),
            next((t.activation for t in outputs.values() if t.content == "mask" and t.activation), ""),
        )
        for said in tables(spec)
        for inputs, outputs in [(said.given, said.outputs)]
        for names in [{tensor: name for kind in said.results.values() for tensor, name in kind.read_as().items()}]
    }
    model = ModelMetadata(
        own.name or about.name,
        about.description or "",
        about.version or "",
        author=about.author or "",
        license=about.license or "",
        files=_files(own.files),
    )
    graph = SubgraphMetadata(
        own.graph.name or "",
        own.graph.description or "",
        files=_files(own.graph.files),
        input_process_units=tuple(map(_unit, own.graph.input_process_units)),
        output_process_units=tuple(map(_unit, own.graph.output_process_units)),
        input_groups=tuple(TensorGroup(name, names) for name, names in own.graph.input_groups.items()),
        output_groups=tuple(TensorGroup(name, names) for name, names in own.graph.output_groups.items()),
    )
    tensors = [t for s in signatures.values() for side in (s.inputs, s.outputs) for t in side.values()]
    beyond_names = (
        any(t.said != TensorMetadata() or t.content for t in tensors)
        or any(s.input_process_units for s in signatures.values())
        or own != metadata.Metadata()
        or model != ModelMetadata(about.name)
    )
    if not beyond_names:
        return Said(signatures=signatures, names_only=True)
    custom = {name: base_name(path) for name, path in sorted(own.custom.items())}
    return Said(
        model,
        graph,
        own.signature or "",
        signatures,
        custom,
        {base_name(path): key for key, path in reversed(list(associated.named(spec)))},
    )


def _files(files: tuple[metadata.AssociatedFile, ...]) -> tuple[AssociatedFile, ...]:
    return tuple(
        AssociatedFile(base_name(f.file), f.description or "", f.type or "unknown", f.locale or "", f.version or "")
        for f in files
    )


def _unit(unit: ProcessUnit | Tokenizer) -> wire.ProcessUnit:
    return wire.ProcessUnit(_options(unit))


def _options(unit: ProcessUnit | Tokenizer) -> Options:
    vocab = (AssociatedFile(base_name(unit.vocab), type="vocabulary"),) if unit.vocab else ()
    if unit.type == "bert":
        return BertTokenizer(vocab)
    if unit.type == "sentencepiece":
        return SentencePieceTokenizer((AssociatedFile(base_name(unit.model or "")),), vocab)
    if unit.type == "regex":
        return RegexTokenizer(unit.pattern or "", vocab)
    assert isinstance(unit, ProcessUnit)
    if unit.type == "normalization":
        return Normalization(unit.mean or (), unit.std or ())
    if unit.type == "score-calibration":
        return ScoreCalibration(unit.transformation or "identity", unit.default or 0.0)
    return ScoreThreshold(unit.threshold or 0.0)


def _common(tensor: Input | Output, content: Content | None, more: tuple[Options, ...]) -> TensorMetadata:
    stats = Stats(tensor.stats.max or (), tensor.stats.min or ()) if tensor.stats else None
    return TensorMetadata(
        "",
        tensor.description or "",
        tensor.dimension_names,
        content,
        (*map(wire.ProcessUnit, more), *map(_unit, tensor.process_units)),
        stats,
        _files(tensor.files),
    )


def _content(properties: ContentProperties | None, range_: tuple[int, ...] | None, usual: ValueRange | None) -> Any:
    dimensions = ValueRange(*range_) if range_ else usual
    return Content(properties, dimensions) if properties is not None or dimensions is not None else None


def _size(size: tuple[int, int] | None) -> ImageSize | None:
    return ImageSize(*size) if size else None


def _input(key: str, name: str, tensor: Input) -> SaidTensor:
    properties: ContentProperties | None = None
    if tensor.content == "image":
        properties = ImageProperties(_COLORS.get(tensor.color_space or "", "unknown"), _size(tensor.default_size))
    elif tensor.content == "audio":
        properties = AudioProperties(tensor.sample_rate or 0, tensor.channels or 0)
    elif tensor.content is not None:
        properties = FeatureProperties()
    units: list[Options] = []
    normalized = tensor.content == "image" or tensor.mean is not None or tensor.std is not None
    if normalized and not tensor.invert:
        mean, std = tensor.mean or (0.0,), tensor.std or (1.0,)
        count = max(len(mean), len(std))
        units.append(Normalization(_each(mean, count), _each(std, count)))
    if tensor.tokenizer is not None and tensor.tokenizer.type == "regex":
        units.append(_options(tensor.tokenizer))
    said = _common(tensor, _content(properties, tensor.content_range, None), tuple(units))
    return SaidTensor(
        key,
        said,
        tensor.from_ not in (None, name),
        tensor.content or "",
        tensor.color_space or "",
        bool(tensor.invert),
    )


def _each(values: tuple[float, ...], count: int) -> tuple[float, ...]:
    return values * count if len(values) == 1 else values


def _output(key: str, name: str, tensor: Output, all_: Mapping[str, Output], read_as: str) -> SaidTensor:
    boxes = any(o.content == "boxes" for o in all_.values())
    properties: ContentProperties | None = None
    usual: ValueRange | None = _OF_BOXES if boxes and tensor.content in ("boxes", "classes", "scores") else None
    if tensor.content == "boxes":
        box = tensor.box or metadata.Box()
        properties = BoundingBoxProperties(box.index or _BOX_INDEX, box.type, box.coordinates)
    elif tensor.content in ("image", "mask"):
        properties = ImageProperties(_COLORS.get(tensor.color_space or "", "unknown"), _size(tensor.default_size))
        usual = _OF_MASK if tensor.content == "mask" else None
    elif tensor.content is not None:
        properties = FeatureProperties()
    units: list[Options] = []
    files = list(_labels(tensor, "tensor-value-labels" if boxes else "tensor-axis-labels"))
    if tensor.score_calibration is not None:
        calibration = tensor.score_calibration
        units.append(ScoreCalibration(calibration.transformation, calibration.default))
        files.append(AssociatedFile(base_name(calibration.file), type="tensor-axis-score-calibration"))
    if tensor.score_threshold is not None:
        units.append(ScoreThreshold(tensor.score_threshold))
    said = _common(tensor, _content(properties, tensor.content_range, usual), tuple(units))
    said = replace(said, name=read_as, files=(*files, *said.files))
    return SaidTensor(key, said, tensor.from_ not in (None, name), tensor.content or "", tensor.color_space or "")


def _labels(tensor: Output, type_: str) -> Iterator[AssociatedFile]:
    if tensor.label_offset:  # which readers of metadata do not know, and would give wrong labels
        return
    for locale, path in (tensor.labels or {}).items():
        yield AssociatedFile(base_name(path), type=type_, locale="" if locale == DEFAULT_LOCALE else locale)
