"""`goldens`: what an app's code has to give for inputs as an app has them, computed from a built file.

Pictures and sounds are made here from a fixed seed, so that the whole way from pixels to results is held. Each case is a
file of little-endian numbers: the inputs in the order of their names, then the outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tflite_build.engines.content import Content
from tflite_build.engines.contract import Declared, DeclaredInput, Names, Request, TensorSpec
from tflite_build.engines.files import custom_operators, opening, tensors
from tflite_build.engines.files.runner import Port, RunnableSignature, Runner
from tflite_build.engines.files.tensors import Array, Case
from tflite_build.engines.preprocessing import image, layout, sound
from tflite_build.engines.preprocessing.folder import KERNEL
from tflite_build.tflite import reader

_SEED = 20
_CASES = 2  # of each signature
_ATTEMPTS = 8  # at a case that kernels agree about
_PICTURES = ((61, 40), (33, 57))  # width and height: neither is a multiple of the other
_RATES = (1.0, 1.5)  # of a sound, as a multiple of what the model takes
_DIGITS = 5
# How far kernels of one file may be from each other, as a share of an output's largest value: the more of it is computed in
# integers, the further.
_RELATIVE = {"none": 1e-4, "float16": 1e-3, "int16x8": 0.01, "int8": 0.05}
_OTHERS = 0.05  # weights of integers, and what nobody says
_SHIFT = 8  # from 16 bits to the 24 that sounds are computed in
_STEPS = 2.01  # of a quantized output


@dataclass(frozen=True, slots=True)
class _Given:
    """An input as the app has it, as the file takes it, what the first is, and the sizes of its dynamic dimensions."""

    raw: Array
    value: Array
    row: Mapping[str, Any]
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Golden:
    """A case: inputs, outputs and how far a device may be from these, by name."""

    inputs: Mapping[str, _Given]
    outputs: Mapping[str, Array]
    tolerances: Mapping[str, float]


def run(request: Request) -> None:
    """Write `goldens/`: `index.json` and a file for each case.

    Params:
        names, declared: What the spec says; the file has the public names.
        quantize: How the spec says that the file is quantized.
        activations: Signature ("" for the only one) -> output -> "softmax" or "sigmoid", where the app's code does that.

    Raises:
        Refused: If the runtime does not run the file.
    """
    reference, app = _runners(request)
    cases = tensors.read(request.inputs["samples"])
    folder = request.outputs / "goldens"
    folder.mkdir()
    kind = _kind(request)
    index: dict[str, list[dict[str, Any]]] = {}
    for number, signature in enumerate(reference.signatures.values()):
        own = [case for case in cases if case.signature in (signature.name, "") and case.count]
        said = request.params["activations"]
        activations = said.get(signature.name) or said.get("") or {}
        rows = index.setdefault(signature.name, [])
        for turn in range(_CASES):
            case = own[turn % len(own)] if own else None
            golden = _agreed(request, (reference, app), signature, case, (number, turn), activations, kind)
            file = f"{number}-{turn}.bin"
            content = [given.raw for given in golden.inputs.values()] + list(golden.outputs.values())
            (folder / file).write_bytes(b"".join(_bytes(array) for array in content))
            rows.append(
                {
                    "file": file,
                    "sizes": {d: size for given in golden.inputs.values() for d, size in given.sizes.items()},
                    "inputs": {name: given.row for name, given in golden.inputs.items()},
                    "outputs": {
                        name: {"dtype": v.dtype.name, "count": int(v.size), "tolerance": golden.tolerances[name]}
                        for name, v in golden.outputs.items()
                    },
                }
            )
    request.write_json("goldens/index.json", index)


def _agreed(
    request: Request,
    runners: tuple[Runner, Runner],
    signature: RunnableSignature,
    case: Case | None,
    place: tuple[int, int],
    activations: Mapping[str, str],
    kind: str,
) -> _Golden:
    """A case that kernels agree about: one near a border of rounding is another on each device.

    Where they agree about none of several, the tolerance is what they are apart.
    """
    golden = None
    for attempt in range(_ATTEMPTS):
        random = np.random.default_rng([_SEED, *place, attempt])
        given = {
            name: _given(
                port, _declared(request, signature, name), signature, case, (place[1], attempt), request, random
            )
            for name, port in sorted(signature.inputs.items())
        }
        made, seen = (_outputs(runner, signature, given, activations) for runner in runners)
        apart = {name: _apart(made[name], seen[name]) for name in made}
        kept = {name: _tolerance(value, signature.outputs[name], kind) for name, value in made.items()}
        golden = _Golden(given, made, {name: max(kept[name], _up(2 * apart[name])) for name in made})
        if all(apart[name] <= kept[name] / 2 for name in made):
            return _Golden(given, made, kept)
    assert golden is not None
    return golden


def _outputs(
    runner: Runner, signature: RunnableSignature, given: Mapping[str, _Given], activations: Mapping[str, str]
) -> dict[str, Array]:
    made = runner.run_real(signature.name, {name: one.value for name, one in given.items()})
    return {name: _rounded(_activated(value, activations.get(name, ""))) for name, value in sorted(made.items())}


def _apart(made: Array, seen: Array) -> float:
    if made.dtype.kind != "f" or made.shape != seen.shape or not made.size:
        return 0.0
    return float(np.nanmax(np.abs(made.astype(np.float64) - seen), initial=0.0))


def _up(value: float) -> float:
    """Rounded up to one digit, which is the same on most machines."""
    return float(f"{value * 1.05:.0e}") if value else 0.0


def _runners(request: Request) -> tuple[Runner, Runner]:
    """By the reference kernels, which compute alike on every CPU, so that the lock is of no machine; and as apps run it."""
    app = opening.runner(request)
    given = custom_operators.libraries(request, custom_operators.of(request.inputs["model"]))
    if any(library.interface == "compiled-model" for library in given):  # which has no others
        return app, app
    return opening.runner(request, kernels="reference"), app


def _kind(request: Request) -> str:
    """How the file is quantized; "" for one that the source was already, however."""
    with reader.model(request.inputs["model"]) as model:
        quantized = any(t.quantization is not None for graph in model.subgraphs for t in graph.tensors)
    word = str(request.params["quantize"])
    return "" if quantized and word == "none" else word


def _rounded(value: Array) -> Array:
    """Floats with so many digits as kernels and mathematical libraries agree about."""
    if value.dtype.kind != "f":
        return value
    return np.array([float(f"{v:.{_DIGITS}g}") for v in value.reshape(-1)], np.float32).reshape(value.shape)


def _declared(request: Request, signature: RunnableSignature, public: str) -> DeclaredInput:
    names = Names.from_json(request.params["names"])
    inputs = Declared.from_json(request.params["declared"]).inputs(signature.name)
    return inputs.get(names.own(signature.name, "inputs", public), DeclaredInput())


def _given(
    port: Port,
    declared: DeclaredInput,
    signature: RunnableSignature,
    case: Case | None,
    numbers: tuple[int, int],
    request: Request,
    random: np.random.Generator,
) -> _Given:
    turn, attempt = numbers
    content = declared.content
    several = len(Declared.from_json(request.params["declared"]).signatures) > 1
    key = (f'signature."{signature.name}".' if several else "") + f'input."{port.name}".content'
    spec = port.spec(real=port.scale is not None)
    if content is not None and content.kind == "image":
        width, height = _PICTURES[turn % len(_PICTURES)]
        pixels = _picture(width, height, random)
        row = {"kind": "image", "width": width, "height": height}
        return _Given(pixels, _of_picture(pixels, content, spec, key), row)
    if content is not None and content.kind == "audio":
        _, length = layout.of_sound(spec.shape, spec.name, key)
        rate = round((content.sample_rate or 1) * _RATES[turn % len(_RATES)])
        pcm = _sound(int(length * 1.2 * rate / (content.sample_rate or 1)) + 8, random)
        row = {"kind": "audio", "rate": rate, "count": len(pcm)}
        return _Given(pcm, _of_sound(pcm, rate, content, spec), row)
    own = Names.from_json(request.params["names"]).own(signature.name, "inputs", port.name)
    name = next((n for n in (port.name, own) if case is not None and n in case.tensors), None)
    if case is None or name is None:
        shape = tuple(d if isinstance(d, int) else 1 for d in spec.shape)
        value = np.zeros(shape, spec.dtype)
    else:
        value = np.asarray(case.tensors[name][(turn + attempt * _CASES) % case.count])
    value = np.array(value, np.dtype(spec.dtype), order="C")
    sizes = {d: int(s) for d, s in zip(spec.shape, value.shape, strict=True) if isinstance(d, str)}
    shape_said = declared.shape
    if shape_said is not None and len(shape_said) == value.ndim:
        sizes = {d: int(s) for d, s in zip(shape_said, value.shape, strict=True) if isinstance(d, str)}
    return _Given(value, value, {"kind": "tensor", "dtype": value.dtype.name, "count": int(value.size)}, sizes)


def _picture(width: int, height: int, random: np.random.Generator) -> Array:
    """(height, width, 3) of uint8: slopes with noise."""
    y, x = np.mgrid[0:height, 0:width]
    slopes = np.stack([x * 255 / width, y * 255 / height, 255 - (x + y) * 255 / (width + height)], -1)
    noisy: Array = np.clip(slopes + random.normal(0, 24, slopes.shape), 0, 255).astype(np.uint8)
    return noisy


def _of_picture(pixels: Array, content: Content, spec: TensorSpec, key: str) -> Array:
    place = layout.of_image(spec.shape, content.color_space, spec.name, key)
    made = image.fitted(image.Picture(pixels), content, place.height, place.width, place.color_space)
    if spec.dtype == "uint8":
        return np.asarray(place.placed(made))
    return np.asarray(place.placed(image.normalized(made, content))).astype(spec.dtype)


def _sound(count: int, random: np.random.Generator) -> Array:
    """16-bit samples: two tones with noise."""
    time = np.arange(count)
    tones = np.sin(time * 0.05) * 9000 + np.sin(time * 0.31) * 5000 + random.normal(0, 400, count)
    return np.asarray(tones.astype(np.int16))


def _of_sound(pcm: Array, rate: int, content: Content, spec: TensorSpec) -> Array:
    shape, length = layout.of_sound(spec.shape, spec.name, "")
    units = pcm.astype(np.int64) << _SHIFT
    one = sound.resampled(sound.mono(units[:, None]), rate, content.sample_rate or rate, sound.read_table(KERNEL))
    frame = sound.frames(one, length, content.hop)[0]
    return np.asarray(image.normalized(sound.real(frame), content).reshape(shape))


def _activated(value: Array, activation: str) -> Array:
    if not activation:
        return value
    x = value.astype(np.float64)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-x))).astype(np.float32)
    powers = np.exp(x - x.max())
    return np.asarray(powers / powers.sum()).astype(np.float32)


def _tolerance(value: Array, port: Port, quantize: str) -> float:
    if value.dtype.kind != "f" or not value.size:
        return 0.0
    step = (port.scale or 0.0) * _STEPS
    share = _RELATIVE.get(quantize, _OTHERS)
    return float(max(step, share * float(np.nanmax(np.abs(value), initial=0.0)), 1e-6))


def _bytes(array: Array) -> bytes:
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
