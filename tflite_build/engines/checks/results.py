"""What measures take of a result as an app gets it: outputs, read by the binding that the spec says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from tflite_build.engines.contract import Declared, Invalid, Names, Request, TensorSpec
from tflite_build.engines.files.lines import of_binding
from tflite_build.engines.files.runner import Port, RunnableSignature
from tflite_build.engines.kinds import classes
from tflite_build.engines.kinds.binding import Binding, bound
from tflite_build.engines.kinds.classes import Classes
from tflite_build.engines.postprocessing import MEASURED
from tflite_build.engines.postprocessing.base import Around, Measured, Outputs
from tflite_build.engines.postprocessing.places import Places, places
from tflite_build.engines.preprocessing import layout
from tflite_build.engines.words import quoted

from .detected import Detected
from .measures import KEY, Contents, Result

Array = NDArray[Any]


def contents(request: Request, signature: RunnableSignature) -> Contents:
    """What the spec says that outputs stand for, and the results of a signature that measures know.

    Raises:
        Invalid: If a result binds what the file does not have, or several are detections.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, content in request.params["outputs"].items():
        found[content] = (*found.get(content, ()), name)
    own = _Results.of(request, signature)
    return Contents(found, own.classes(), own.detected(), own.others())


@dataclass(frozen=True, slots=True)
class _Results:
    """The results of a signature.

    Attributes:
        outputs: As callers have them, by the names that bindings have.
        around: Pictures by the argument; as they come out of the model, none is the app's.
    """

    said: Sequence[Binding]
    outputs: Sequence[TensorSpec]
    around: Around

    @staticmethod
    def of(request: Request, signature: RunnableSignature) -> _Results:
        names, renamed = Names.from_json(request.params["names"]), bool(request.params["renamed"])

        def specs(side: Literal["inputs", "outputs"], ports: Mapping[str, Port]) -> list[TensorSpec]:
            found = []
            for name, port in ports.items():
                spec = port.spec(real=port.scale is not None)
                public = name if renamed else names.public(signature.name, side, name)
                found.append(TensorSpec(public, spec.shape, spec.dtype))
            return found

        arguments, said = (
            [Binding.from_json(b) for b in params.get(signature.name) or params.get("") or ()]
            for params in (request.params["arguments"], request.params["results"])
        )
        pictures: dict[str, Places] = {}
        declared = Declared.from_json(request.params["declared"]).inputs(signature.name)
        for binding in arguments:
            spec = bound(binding, specs("inputs", signature.inputs), "input")["input"]
            content = declared[names.own(signature.name, "inputs", spec.name)].content
            if content is not None:
                place = layout.of_image(spec.shape, content.color_space, spec.name, binding.at("input"))
                size = (place.width, place.height)
                pictures[binding.name] = places(content, size, size)
        around = Around(pictures, lambda binding, key: of_binding(binding, key, request.inputs))
        return _Results(said, specs("outputs", signature.outputs), around)

    def classes(self) -> dict[str, Classes]:
        """How outputs stand for classes, where their scores are not what an app gets: by public name."""
        found: dict[str, Classes] = {}
        for binding in (b for b in self.said if b.kind == "classes"):
            tensors = bound(binding, self.outputs, "output")
            calibration = self.around.lines(binding, "score_calibration").get("")
            found.setdefault(tensors["scores"].name, classes.of(binding, tensors, calibration))
        return found

    def detected(self) -> Detected | None:
        """The result that is detections; None for none."""
        said = [b for b in self.said if b.kind == "detections"]
        if len(said) > 1:
            names = quoted(b.name for b in said)
            raise Invalid(f"the spec has the results {names}, which are detections, and mAP is of one", KEY)
        if not said:
            return None
        picture = self.around.picture(said[0])
        return Detected(said[0], (picture.width, picture.height), self.around.lines)

    def others(self) -> list[Result]:
        """Those that are measured in the model's own picture."""
        return [self._result(b, bound(b, self.outputs, "output")) for b in self.said if b.kind in MEASURED]

    def _result(self, binding: Binding, tensors: Mapping[str, TensorSpec]) -> Result:
        def read(values: Mapping[str, Array]) -> Measured:
            of_roles = {role: values[tensor.name] for role, tensor in tensors.items()}
            return MEASURED[binding.kind](binding, Outputs(tensors, of_roles), self.around)

        return Result(binding.kind, tuple(binding.tensors.values()), read)
