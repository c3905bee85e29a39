"""The metadata of a finished file: what the spec says, over what the source had, over what the model itself tells.

Normalization is of real numbers, so it is the same for every variant: a reader takes (value - mean) / std, and then what
the input's own scale and zero point make of it. So does the metadata writer library of TFLite Support, which takes one
mean and std for a float model and for its quantized form, as the page "Adding metadata to TensorFlow Lite models" says
under "Normalization and quantization parameters"; statistics are of the numbers that the tensor itself has, as that
library's `InputImageTensorMd` writes 0 and 255 for uint8. What the format cannot say, inverted pixels and the order BGR,
is left out, so that a reader that needs it refuses the file instead of being wrong.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import counted
from tflite_build.errors import near_miss, one_of
from tflite_build.tflite import metadata as wire
from tflite_build.tflite import segmenter
from tflite_build.tflite.metadata import (
    AssociatedFile,
    AudioProperties,
    Content,
    CustomMetadata,
    ImageProperties,
    ImageSize,
    ModelMetadata,
    Normalization,
    ProcessUnit,
    Stats,
    SubgraphMetadata,
    TensorGroup,
    TensorMetadata,
)
from tflite_build.tflite.reader import Model, Quantization, Signature, Tensor

from .described import Said, SaidSignature, SaidTensor

_LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
_PIXELS = (0.0, 255.0)
_COLORS = {1: "grayscale", 3: "rgb"}
_NEAR = 2.0  # integers that a pixel may be off by: rounding, and a range that is rounded outward


@dataclass(frozen=True, slots=True)
class Existing:
    """What a source says already.

    Attributes:
        said: Its metadata.
        types: The types of the main graph's inputs and outputs, which its statistics are of.
    """

    said: ModelMetadata
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """The model to describe.

    Attributes:
        model: The file before its names are changed.
        inputs: Signature -> own name -> public one, where these differ.
        outputs: The same for outputs.
    """

    model: Model
    inputs: Mapping[str, Mapping[str, str]]
    outputs: Mapping[str, Mapping[str, str]]

    def named(self, signature: Signature) -> tuple[tuple[tuple[str, Tensor], ...], tuple[tuple[str, Tensor], ...]]:
        """Public names and tensors of the graph behind a signature, in the order of the graph."""
        graph = self.model.subgraphs[signature.subgraph]
        sides = []
        for indices, tensors, turned in (
            (graph.inputs, signature.inputs, self.inputs),
            (graph.outputs, signature.outputs, self.outputs),
        ):
            names = {t.tensor.index: t.name for t in reversed(tensors)}
            own = [(names.get(i, graph.tensors[i].name), graph.tensors[i]) for i in indices]
            sides.append(tuple((turned.get(signature.name, {}).get(n, n), tensor) for n, tensor in own))
        return sides[0], sides[1]


def primary(said: Said, model: Model) -> Signature:
    """The signature that is described.

    Raises:
        Invalid: If the spec names one that the model does not have.
    """
    if said.primary:
        found = next((s for s in model.signatures if s.name == said.primary and model.has_signatures), None)
        if found is None:
            known = [s.name for s in model.signatures if s.name]
            hint = (near_miss(said.primary, known) or f"it has {one_of(known)}") if known else "remove it"
            raise Invalid(f"the model has no signature '{said.primary}'", "metadata.signature", hint)
        return found
    return next((s for s in model.signatures if s.subgraph == 0), model.signatures[0])


def of(said: Said, subject: Subject, existing: Existing | None, custom: Mapping[str, bytes]) -> ModelMetadata:
    """The whole metadata; `custom` are the bytes of the custom metadata that the spec names.

    Raises:
        Invalid: If what the spec says does not fit the model.
    """
    model = subject.model
    base = existing.said if existing else ModelMetadata()
    first = primary(said, model)
    old = _before(base.subgraphs[0], first, model) if base.subgraphs else SubgraphMetadata()
    graph = _signature(said.of(first.name), first, subject, old, existing if first.subgraph == 0 else None)
    _check_groups(said.graph, graph)
    own = tuple(CustomMetadata(name, data) for name, data in sorted(custom.items()))
    graph = replace(
        graph,
        name=said.graph.name or graph.name,
        description=said.graph.description or graph.description,
        files=_files(said.graph.files, graph.files),
        input_process_units=_units(said.graph.input_process_units, graph.input_process_units),
        output_process_units=_units(said.graph.output_process_units, graph.output_process_units),
        input_groups=_by_name(said.graph.input_groups, graph.input_groups),
        output_groups=_by_name(said.graph.output_groups, graph.output_groups),
        custom=_by_name(own, _by_name(_of_mask(said.of(first.name)), graph.custom)),
    )
    further = wire.signatures(graph)
    for signature in sorted(model.signatures, key=lambda s: s.name):
        told = said.signatures.get(signature.name)
        if told is not None and signature.name != first.name:
            before = further.get(signature.name, SubgraphMetadata(signature.name))
            described = _signature(told, signature, subject, before, None)
            graph = wire.with_signature(graph, signature.name, described)
    whole = replace(
        base,
        name=said.model.name or base.name,
        description=said.model.description or base.description,
        version=said.model.version or base.version,
        author=said.model.author or base.author,
        license=said.model.license or base.license,
        files=_files(said.model.files, base.files),
        subgraphs=(graph, *base.subgraphs[1:]),
    )
    return replace(whole, min_parser_version=wire.parser_version(whole))


def _of_mask(said: SaidSignature) -> tuple[CustomMetadata, ...]:
    return (segmenter.metadata(said.mask),) if said.mask else ()


def _before(main: SubgraphMetadata, first: Signature, model: Model) -> SubgraphMetadata:
    """What a source says of the signature that is described.

    Its metadata is about graph 0, unless there is an entry of its own about that, as `of` leaves it where another
    signature is described.
    """
    zero = next((s.name for s in model.signatures if s.subgraph == 0), first.name)
    further = wire.signatures(main)
    others = wire.without_signature(main, first.name)
    if first.name in further:
        start = replace(further[first.name], custom=others.custom)
    elif first.name == zero or zero in further:
        return main
    else:
        start = SubgraphMetadata(custom=others.custom)
    return start if zero in (first.name, *further) else wire.with_signature(start, zero, replace(main, custom=()))


def _signature(
    said: SaidSignature, signature: Signature, subject: Subject, old: SubgraphMetadata, existing: Existing | None
) -> SubgraphMetadata:
    inputs, outputs = subject.named(signature)
    kinds = (existing.inputs, existing.outputs) if existing else ((), ())
    return replace(
        old,
        inputs=_tensors(said.inputs, inputs, old.inputs, kinds[0], is_input=True),
        outputs=_tensors(said.outputs, outputs, old.outputs, kinds[1], is_input=False),
        input_process_units=_units(said.input_process_units, old.input_process_units),
    )


def _tensors(
    said: Mapping[str, SaidTensor],
    tensors: Sequence[tuple[str, Tensor]],
    old: tuple[TensorMetadata, ...],
    kinds: tuple[str, ...],
    *,
    is_input: bool,
) -> tuple[TensorMetadata, ...]:
    fitting = old if len(old) == len(tensors) else ()
    found = []
    for place, (name, tensor) in enumerate(tensors):
        before = fitting[place] if fitting else TensorMetadata()
        if before.stats and tensor.quantization and kinds[place : place + 1] == ("float32",):
            before = replace(before, stats=_stored(before.stats, tensor.quantization, tensor.dtype))
        told = said.get(name)
        if told is None:
            found.append(replace(before, name=before.name or name))
            continue
        _check(told, tensor)
        found.append(_tensor(told, name, tensor, before, is_input=is_input))
    return tuple(found)


def _tensor(told: SaidTensor, name: str, tensor: Tensor, before: TensorMetadata, *, is_input: bool) -> TensorMetadata:
    said = told.said
    old_units = before.process_units
    if told.unsayable:
        old_units = tuple(u for u in old_units if not isinstance(u.options, Normalization))
    return TensorMetadata(
        said.name or (name if told.renamed or not before.name else before.name),
        said.description or before.description,
        said.dimension_names or before.dimension_names,
        _content(told, tensor) or before.content,
        _units(said.process_units, old_units),
        said.stats or before.stats or (_usual_stats(told, tensor) if is_input else None),
        _files(said.files, before.files),
    )


def _content(told: SaidTensor, tensor: Tensor) -> Content | None:
    content = told.said.content
    if content is None:
        return None
    match content.properties:
        case ImageProperties(color, size):
            height, width, channels = _picture(tensor)
            if not told.color_space:
                color = _COLORS.get(channels, "unknown")
            if size is None and height > 0 and width > 0:
                size = ImageSize(width, height)
            return replace(content, properties=ImageProperties(color, size))
        case AudioProperties(rate, channels):
            return replace(content, properties=AudioProperties(rate, channels or 1))
    return content


def _picture(tensor: Tensor) -> tuple[int, int, int]:
    """Height, width and channels; 0 for what nobody knows."""
    shape = tensor.shape[1:] if len(tensor.shape) == 4 else tensor.shape
    if len(shape) != 3:
        return 0, 0, 0
    if shape[2] not in _COLORS and shape[0] in _COLORS:
        return max(0, shape[1]), max(0, shape[2]), shape[0]
    return max(0, shape[0]), max(0, shape[1]), max(0, shape[2])


def _usual_stats(told: SaidTensor, tensor: Tensor) -> Stats | None:
    """What an input lies between by what the spec says of it; None where that says nothing."""
    if told.content == "image" and not told.unsayable:
        pairs = _pairs(told) or [(0.0, 1.0)]
        low, high = (tuple((pixel - mean) / std for mean, std in pairs) for pixel in _PIXELS)
        stats = Stats(high, low)
        return _stored(stats, tensor.quantization, tensor.dtype) if tensor.quantization else stats
    if tensor.quantization is not None and tensor.dtype in _LIMITS:
        lowest, highest = _LIMITS[tensor.dtype]
        return Stats((float(highest),), (float(lowest),))
    return None


def _pairs(told: SaidTensor) -> list[tuple[float, float]]:
    """Mean and std of each channel, or of all; none where that is not said."""
    found = wire.normalization(told.said.process_units)
    return list(zip(found.mean, found.std, strict=True)) if found else []


def warnings(said: Said, subject: Subject) -> tuple[str, ...]:
    """What readers of the described signature will do otherwise than the spec says."""
    first = primary(said, subject.model)
    found = []
    if first.subgraph != 0:
        main = next((f"'{s.name}'" for s in subject.model.signatures if s.subgraph == 0), "another graph")
        found.append(f"the metadata describes signature '{first.name}', and readers of it run {main}")
    told = said.of(first.name).inputs
    for name, tensor in subject.named(first)[0]:
        scale = _scale(tensor.quantization)
        if name not in told or told[name].content != "image" or tensor.dtype != "uint8" or scale is None:
            continue
        ends = [(_integer((p - mean) / std, scale), p) for mean, std in _pairs(told[name]) for p in _PIXELS]
        if not ends or any(abs(stored - pixel) > _NEAR for stored, pixel in ends):
            found.append(
                f"MediaPipe and the Task library give input '{name}' pixels as they are, since it is uint8; "
                "the model takes them otherwise"
            )
    return tuple(found)


def _stored(stats: Stats, quantization: Quantization, dtype: str) -> Stats:
    """The integers that a quantized tensor has for real numbers."""
    scale = _scale(quantization)
    if scale is None or dtype not in _LIMITS:
        return stats
    lowest, highest = _LIMITS[dtype]

    def stored(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(float(round(min(highest, max(lowest, _integer(v, scale))))) for v in values)

    return Stats(stored(stats.max), stored(stats.min))


def _scale(quantization: Quantization | None) -> tuple[float, int] | None:
    """The scale and the zero point of a tensor that has one of them, and a good one."""
    if quantization is None or quantization.per_channel or quantization.blockwise or len(quantization.scales) != 1:
        return None
    scale = quantization.scales[0]
    return (scale, (quantization.zero_points or (0,))[0]) if 0 < scale < math.inf else None


def _integer(value: float, scale: tuple[float, int]) -> float:
    """What a tensor has for a real number, before it is rounded."""
    return value / scale[0] + scale[1]


_Named = TypeVar("_Named", bound=TensorGroup | CustomMetadata)


def _by_name(new: tuple[_Named, ...], old: tuple[_Named, ...]) -> tuple[_Named, ...]:
    names = {one.name for one in new}
    kept: tuple[_Named, ...] = tuple(one for one in old if one.name not in names)
    return kept + new


def _units(new: tuple[ProcessUnit, ...], old: tuple[ProcessUnit, ...]) -> tuple[ProcessUnit, ...]:
    kinds = {type(unit.options) for unit in new}
    return (*(unit for unit in old if type(unit.options) not in kinds), *new)


def _files(new: tuple[AssociatedFile, ...], old: tuple[AssociatedFile, ...]) -> tuple[AssociatedFile, ...]:
    """The new ones, and the old ones that none of them stands for: of one name, or of one type and language."""
    names = {file.name for file in new}
    kinds = {(file.type, file.locale) for file in new if file.type != "unknown"}
    return (*(f for f in old if f.name not in names and (f.type, f.locale) not in kinds), *new)


def _check(told: SaidTensor, tensor: Tensor) -> None:
    said, rank = told.said, len(tensor.shape)
    known, dimensions = tensor.known_shape is not None, counted(rank, "dimension")
    if known and said.dimension_names and len(said.dimension_names) != rank:
        count = len(said.dimension_names)
        raise Invalid(f"{count} names are given, and the tensor has {dimensions}", f"{told.key}.dimension_names")
    range_ = said.content.range if said.content else None
    if known and range_ is not None and range_.max >= max(rank, 1) and not _usual(range_):
        raise Invalid(
            f"dimension {range_.max} is named, and the tensor has {dimensions}",
            f"{told.key}.content_range",
        )
    channels = _channels(told, tensor)
    if not channels:
        return
    for unit in said.process_units:
        if isinstance(unit.options, Normalization) and len(unit.options.mean) not in (0, 1, channels):
            raise Invalid(
                f"{len(unit.options.mean)} numbers are given, and the tensor has {channels} channels",
                f"{told.key}.mean",
                "give one for all channels, or one for each",
            )
    for word in ("min", "max"):
        values: tuple[float, ...] = getattr(said.stats, word) if said.stats else ()
        if len(values) not in (0, 1, channels):
            raise Invalid(
                f"{len(values)} numbers are given, and the tensor has {channels} channels",
                f"{told.key}.stats.{word}",
                "give one for all channels, or one for each",
            )


def _usual(range_: wire.ValueRange) -> bool:
    return range_ in (wire.ValueRange(2, 2), wire.ValueRange(1, 2))  # which nobody wrote


def _channels(told: SaidTensor, tensor: Tensor) -> int:
    """How many channels the tensor has; 0 where that is open."""
    if told.content == "image":
        return _picture(tensor)[2]
    return max(0, tensor.shape[-1]) if tensor.shape else 0


def _check_groups(said: SubgraphMetadata, graph: SubgraphMetadata) -> None:
    for side, groups, tensors in (
        ("input_groups", said.input_groups, graph.inputs),
        ("output_groups", said.output_groups, graph.outputs),
    ):
        names = [t.name for t in tensors]
        for group in groups:
            for name in group.tensor_names:
                if name not in names:
                    raise Invalid(
                        f"no tensor of the metadata is called '{name}'",
                        f'metadata.graph.{side}."{group.name}"',
                        near_miss(name, names) or f"there is {one_of(names)}",
                    )
