"""`preprocess`: a folder of pictures or sounds, with labels where there are any, as the arrays of an .npz file.

From there on the data is as the user's own arrays are.
"""

from __future__ import annotations

import itertools
from typing import Any

from tflite_build.engines.content import Content
from tflite_build.engines.contract import Answer, Declared, Interface, Invalid, Names, Request, TensorSpec
from tflite_build.engines.files import npz
from tflite_build.engines.words import counted, quoted

from . import folder, labels


def run(request: Request) -> Answer:
    """Write `data.npz`: an array for the input under its own name, and `labels` where there is a CSV file.

    Params:
        declared, names: What the spec says of inputs.
        key: The key of model.toml that names the folder.
        shown: What the user calls the folder and the CSV file: {"data", "labels"}.
        count: How many samples to take at most; None takes all.
        classes: Whether labels are for whole numbers alone.

    Raises:
        Invalid: The model's input is not one picture or sound, or a file cannot be read.
    """
    params, key = request.params, str(request.params["key"])
    shown = {name: str(path).rstrip("/") for name, path in params["shown"].items()}
    tensor, content = _input(request, f"{key}.data")
    found, others = folder.files(request.inputs["data"], content.kind, shown["data"], f"{key}.data")
    given = None
    if "labels" in request.inputs:
        given = labels.read(
            request.inputs["labels"], found, shown["labels"], f"{key}.labels", classes=params["classes"]
        )
    cut: list[str] = []
    made = folder.samples(request.inputs["data"], found, content, tensor, shown["data"], f"{key}.data", cut)
    array, numbers = folder.stacked(made, len(found), params["count"])
    arrays: dict[str, Any] = {_own(request, tensor.name): array}
    if given is not None:
        arrays["labels"] = given[numbers]
    npz.write(request.outputs / "data.npz", arrays)
    what, warnings = "picture" if content.kind == "image" else "WAV sound", []
    if others:
        none = f"that {'is' if len(others) == 1 else 'are'} no {what}"
        warnings.append(f"'{shown['data']}' holds {counted(len(others), 'file')} {none}: {quoted(others)}")
    if cut:
        end = "ends before it says, and is" if len(cut) == 1 else "end before they say, and are"
        warnings.append(f"in '{shown['data']}' {quoted(cut)} {end} taken as far as there is sound")
    return Answer(warnings=warnings)


def _own(request: Request, public: str) -> str:
    (signature,) = Interface.from_json(request.read_json("interface")).signatures
    return Names.from_json(request.params["names"]).own(signature.name, "inputs", public)


def _input(request: Request, key: str) -> tuple[TensorSpec, Content]:
    """The only input, under its public name, and what it stands for."""
    interface = Interface.from_json(request.read_json("interface"))
    names = Names.from_json(request.params["names"])
    every = list(itertools.chain.from_iterable(s.inputs for s in interface.signatures))
    if len(interface.signatures) != 1 or len(every) != 1:
        raise Invalid(
            f"a folder is for a model with one input, and this one has {counted(len(every), 'input')}"
            + (f" in {len(interface.signatures)} signatures" if len(interface.signatures) > 1 else ""),
            key,
            "use an .npz file with one array per input",
        )
    signature, tensor = interface.signatures[0], every[0]
    public = names.public(signature.name, "inputs", tensor.name)
    declared = Declared.from_json(request.params["declared"]).inputs(signature.name).get(tensor.name)
    content = declared.content if declared else None
    if content is None or content.kind not in ("image", "audio"):
        raise Invalid(
            f"the spec does not say how a file becomes '{public}'",
            key,
            f'add content = "image" (or "audio") to [input.{public}], with mean and std as the model was trained',
        )
    return TensorSpec(public, tensor.shape, tensor.dtype), content
