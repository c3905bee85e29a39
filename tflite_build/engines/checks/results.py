"""What measures take of a result as an app gets it: outputs, read by the binding that the spec says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from numpy.typing import NDArray

from tflite_build.engines.contract import Declared, Names, Request, TensorSpec
from tflite_build.engines.files.lines import of_binding
from tflite_build.engines.files.runner import Port, RunnableSignature
from tflite_build.engines.kinds.binding import Binding, bound
from tflite_build.engines.postprocessing import MEASURED
from tflite_build.engines.postprocessing.base import Around, Measured, Outputs
from tflite_build.engines.postprocessing.places import Places, places
from tflite_build.engines.preprocessing import layout

from .measures import Result

Array = NDArray[Any]


def of(request: Request, signature: RunnableSignature) -> list[Result]:
    """The results of a signature that measures know.

    Raises:
        Invalid: If one binds what the file does not have.
    """
    names, renamed = Names.from_json(request.params["names"]), bool(request.params["renamed"])

    def specs(side: Literal["inputs", "outputs"], ports: Mapping[str, Port]) -> dict[str, TensorSpec]:
        """By the names that bindings have."""
        found = {}
        for name, port in ports.items():
            public = name if renamed else names.public(signature.name, side, name)
            spec = port.spec(real=port.scale is not None)
            found[public] = TensorSpec(public, spec.shape, spec.dtype)
        return found

    arguments, said = (
        [Binding.from_json(b) for b in request.params[table].get(signature.name) or request.params[table].get("") or ()]
        for table in ("arguments", "results")
    )
    pictures: dict[str, Places] = {}
    inputs, outputs = specs("inputs", signature.inputs), specs("outputs", signature.outputs)
    declared = Declared.from_json(request.params["declared"]).inputs(signature.name)
    for binding in (b for b in arguments if b.kind == "image"):
        spec = bound(binding, list(inputs.values()), "input")["input"]
        content = declared[names.own(signature.name, "inputs", spec.name)].content
        if content is not None:
            place = layout.of_image(spec.shape, content.color_space, spec.name, binding.at("input"))
            size = (place.width, place.height)
            pictures[binding.name] = places(content, size, size)
    around = Around(pictures, lambda binding, key: of_binding(binding, key, request.inputs))

    def result(binding: Binding) -> Result:
        tensors = bound(binding, list(outputs.values()), "output")

        def read(values: Mapping[str, Array]) -> Measured:
            of_roles = {role: values[tensor.name] for role, tensor in tensors.items()}
            return MEASURED[binding.kind](binding, Outputs(tensors, of_roles), around)

        return Result(binding.kind, tuple(binding.tensors.values()), read)

    return [result(binding) for binding in said if binding.kind in MEASURED]
