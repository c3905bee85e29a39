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
from tflite_build.engines.files.tensors import Array
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

    def row(self, file: str) -> dict[str, Any]:
        """What says how to read it in `file`."""
        return {
            "file": file,
            "sizes": {d: size for given in self.inputs.values() for d, size in given.sizes.items()},
            "inputs": {name: given.row for name, given in self.inputs.items()},
            "outputs": {
                name: {"dtype": value.dtype.name, "count": int(value.size), "tolerance": self.tolerances[name]}
                for name, value in self.outputs.items()
            },
        }


def run(request: Request) -> None:
    """Write `goldens/`: `index.json` and a file for each case; no case of a file that is not run (see `compare`).

    Params:
        names, declared: What the spec says; the file has the public names.
        quantize: How the spec says that the file is quantized.
        activations: Signature ("" for the only one) -> output -> "softmax" or "sigmoid", where the app's code does that.

    Raises:
        Refused: If the runtime does not run the file.
    """
    folder = request.outputs / "goldens"
    folder.mkdir()
    if custom_operators.not_run(request):
        with reader.model(request.inputs["model"]) as model:
            request.write_json("goldens/index.json", {signature.name: [] for signature in model.signatures})
        return
    made = _Maker(request)
    index: dict[str, list[dict[str, Any]]] = {}
    for number, signature in enumerate(made.signatures):
        rows = index[signature.name] = []
        for turn in range(_CASES):
            golden = made.golden(signature, (number, turn))
            file = f"{number}-{turn}.bin"
            content = [given.raw for given in golden.inputs.values()] + list(golden.outputs.values())
            (folder / file).write_bytes(b"".join(_bytes(array) for array in content))
            rows.append(golden.row(file))
    request.write_json("goldens/index.json", index)


class _Maker:
    """Makes cases of a file that kernels agree about: one near a border of rounding is another on each device.

    Expected is what the reference kernels give, which compute alike on every CPU, so that the lock is of no machine.
    """

    def __init__(self, request: Request) -> None:
        self._names = Names.from_json(request.params["names"])
        self._declared = Declared.from_json(request.params["declared"])
        self._activations = request.params["activations"]
        self._kind = _kind(request)
        self._cases = tensors.read(request.inputs["samples"])
        self._app = self._reference = opening.runner(request)
        given = custom_operators.libraries(request, custom_operators.of(request.inputs["model"]))
        with reader.model(request.inputs["model"]) as model:
            flex = any(code.flex for code in model.codes)  # whose kernels come with no others
        if not flex and not any(library.interface == "compiled-model" for library in given):  # nor do these
            self._reference = opening.runner(request, kernels="reference")
        self.signatures = tuple(self._app.signatures.values())

    def golden(self, signature: RunnableSignature, place: tuple[int, int]) -> _Golden:
        """A case of a signature; where kernels agree about none of several, the tolerance is what they are apart.

        Args:
            place: The number of the signature and that of the case.
        """
        golden = None
        for attempt in range(_ATTEMPTS):
            given = self._inputs(signature, place, attempt)
            made, seen = (self._outputs(runner, signature, given) for runner in (self._reference, self._app))
            apart = {name: _apart(made[name], seen[name]) for name in made}
            kept = {name: _tolerance(value, signature.outputs[name], self._kind) for name, value in made.items()}
            if all(apart[name] <= kept[name] / 2 for name in made):
                return _Golden(given, made, kept)
            golden = _Golden(given, made, {name: max(kept[name], _up(2 * apart[name])) for name in made})
        assert golden is not None
        return golden

    def _outputs(self, runner: Runner, signature: RunnableSignature, given: Mapping[str, _Given]) -> dict[str, Array]:
        said = self._activations.get(signature.name) or self._activations.get("") or {}
        made = runner.run_real(signature.name, {name: one.value for name, one in given.items()})
        return {name: _rounded(_activated(value, said.get(name, ""))) for name, value in sorted(made.items())}

    def _inputs(self, signature: RunnableSignature, place: tuple[int, int], attempt: int) -> dict[str, _Given]:
        random = np.random.default_rng([_SEED, *place, attempt])
        declared = self._declared.inputs(signature.name)
        found = {}
        for name, port in sorted(signature.inputs.items()):
            own = self._names.own(signature.name, "inputs", name)
            said = declared.get(own, DeclaredInput())
            spec = port.spec(real=port.scale is not None)
            prefix = f'signature."{signature.name}".' if len(self.signatures) > 1 else ""
            key = f'{prefix}input."{name}".content'
            if said.content is not None and said.content.kind == "image":
                found[name] = _picture(said.content, spec, place[1], random, key)
            elif said.content is not None and said.content.kind == "audio":
                found[name] = _sound(said.content, spec, place[1], random, key)
            else:
                found[name] = self._array(signature, own, said, spec, (place[1], attempt))
        return found

    def _array(
        self, signature: RunnableSignature, own: str, said: DeclaredInput, spec: TensorSpec, numbers: tuple[int, int]
    ) -> _Given:
        """A sample of the build's own data, by the model's own name of the input; zeros where it has none."""
        turn, attempt = numbers
        cases = [c for c in self._cases if c.signature in (signature.name, "") and c.count and own in c.tensors]
        if cases:
            case = cases[turn % len(cases)]
            value = np.array(case.tensors[own][(turn + attempt * _CASES) % case.count], np.dtype(spec.dtype), order="C")
        else:
            value = np.zeros([d if isinstance(d, int) else 1 for d in spec.shape], spec.dtype)
        shape = said.shape if said.shape is not None and len(said.shape) == value.ndim else spec.shape
        sizes = {d: int(s) for d, s in zip(shape, value.shape, strict=True) if isinstance(d, str)}
        return _Given(value, value, {"kind": "tensor", "dtype": value.dtype.name, "count": int(value.size)}, sizes)


def _apart(made: Array, seen: Array) -> float:
    if made.dtype.kind != "f" or made.shape != seen.shape or not made.size:
        return 0.0
    return float(np.nanmax(np.abs(made.astype(np.float64) - seen), initial=0.0))


def _up(value: float) -> float:
    """Rounded up to one digit, which is the same on most machines."""
    return float(f"{value * 1.05:.0e}") if value else 0.0


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


def _picture(content: Content, spec: TensorSpec, turn: int, random: np.random.Generator, key: str) -> _Given:
    """Slopes with noise, (height, width, 3) of uint8."""
    width, height = _PICTURES[turn % len(_PICTURES)]
    y, x = np.mgrid[0:height, 0:width]
    slopes = np.stack([x * 255 / width, y * 255 / height, 255 - (x + y) * 255 / (width + height)], -1)
    pixels = np.clip(slopes + random.normal(0, 24, slopes.shape), 0, 255).astype(np.uint8)
    place = layout.of_image(spec.shape, content.color_space, spec.name, key)
    made = image.fitted(image.Picture(pixels), content, place.height, place.width, place.color_space)
    value = made if spec.dtype == "uint8" else image.normalized(made, content).astype(spec.dtype)
    return _Given(pixels, place.placed(value), {"kind": "image", "width": width, "height": height})


def _sound(content: Content, spec: TensorSpec, turn: int, random: np.random.Generator, key: str) -> _Given:
    """Two tones with noise, samples of 16 bits; a little longer than the tensor."""
    shape, length = layout.of_sound(spec.shape, spec.name, key)
    wanted = content.sample_rate or 1
    rate = round(wanted * _RATES[turn % len(_RATES)])
    time = np.arange(int(length * 1.2 * rate / wanted) + 8)
    tones = np.sin(time * 0.05) * 9000 + np.sin(time * 0.31) * 5000 + random.normal(0, 400, len(time))
    pcm = tones.astype(np.int16)
    units = pcm.astype(np.int64)[:, None] << _SHIFT
    one = sound.resampled(sound.mono(units), rate, wanted, sound.read_table(KERNEL))
    frame = sound.real(sound.frames(one, length, content.hop)[0])
    row = {"kind": "audio", "rate": rate, "count": len(pcm)}
    return _Given(pcm, image.normalized(frame, content).reshape(shape), row)


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
