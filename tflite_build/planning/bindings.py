"""What an app passes to a model and gets from it, by the tensors that these bind: as the spec says it, or by default.

A kind may be said of tensors ([output.NAME] content = "classes") or in a table of its own ([result.NAME]); here both are
one, so that whoever reads a spec need not know where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tflite_build.engines.kinds.binding import Binding
from tflite_build.spec.kinds.audio import AudioArgument
from tflite_build.spec.kinds.base import Kind
from tflite_build.spec.kinds.classes import ClassesResult
from tflite_build.spec.kinds.embedding import EmbeddingResult
from tflite_build.spec.kinds.mask import MaskResult
from tflite_build.spec.kinds.picture import PictureResult
from tflite_build.spec.kinds.single import ImageArgument, TensorArgument, TensorResult
from tflite_build.spec.metadata import DEFAULT_LOCALE
from tflite_build.spec.signatures import Tables
from tflite_build.spec.tensors import Input, Output


def arguments(own: Tables) -> list[Binding]:
    """What is passed for the inputs that something is said of, in the order of the spec."""
    found = [_binding(f'{own.prefix}argument."{name}"', name, kind, {}) for name, kind in own.arguments.items()]
    bound = {tensor for kind in own.arguments.values() for tensor in kind.tensors.values()}
    for name, tensor in own.inputs.items():
        if name not in bound:
            found.append(_binding(f'{own.prefix}input."{name}"', name, _of_input(name, tensor), {}))
    return found


def _of_input(name: str, tensor: Input) -> Kind:
    if tensor.content == "image":
        return ImageArgument(kind="image", input=name, description=tensor.description)
    if tensor.content == "audio":
        return AudioArgument(kind="audio", input=name, description=tensor.description)
    return TensorArgument(kind="tensor", input=name, description=tensor.description)


def results(own: Tables) -> list[Binding]:
    """What is got of the outputs that something is said of, in the order of the spec."""
    found = [_binding(f'{own.prefix}result."{name}"', name, kind, own.written) for name, kind in own.results.items()]
    bound = {tensor for kind in own.results.values() for tensor in kind.tensors.values()}
    free = {name: tensor for name, tensor in own.written.items() if name not in bound}
    detected = own.detected
    if detected is not None:
        key = f'{own.prefix}output."{detected.boxes}"'
        found.append(_binding(key, "detections", detected, free))
        free = {name: tensor for name, tensor in free.items() if name not in detected.tensors.values()}
    for name, tensor in free.items():
        found.append(_binding(f'{own.prefix}output."{name}"', name, _of_output(name, tensor, own.inputs), free))
    return found


def _of_output(name: str, tensor: Output, inputs: Mapping[str, Input]) -> Kind:
    if tensor.content == "classes":
        return ClassesResult(kind="classes", scores=name, description=tensor.description)
    if tensor.content == "embedding":
        return EmbeddingResult(kind="embedding", embedding=name, description=tensor.description)
    if tensor.content == "image":
        return PictureResult(kind="image", image=name, description=tensor.description)
    # A mask is of a picture; that of several, or of none, is the values of its tensor.
    if tensor.content == "mask" and [i.content for i in inputs.values()].count("image") == 1:
        return MaskResult(kind="mask", mask=name, description=tensor.description)
    return TensorResult(kind="tensor", output=name, description=tensor.description)


def _binding(key: str, name: str, kind: Kind, outputs: Mapping[str, Output]) -> Binding:
    said = kind.said(outputs)
    files = {
        own: {
            "" if locale == DEFAULT_LOCALE else locale: path for locale, path in sorted(_paths(said.pop(own)).items())
        }
        for own in kind.FILES
        if isinstance(said.get(own), str | Mapping)
    }
    return Binding(kind.word, name, key, kind.tensors, said, files, kind.description or "")


def _paths(value: Any) -> Mapping[str, str]:
    return value if isinstance(value, Mapping) else {DEFAULT_LOCALE: str(value)}
