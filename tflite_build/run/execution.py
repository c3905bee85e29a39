"""Running a .tflite file on arrays in a process of its own: the `run` command."""

from __future__ import annotations

import contextlib
import glob
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build import named
from tflite_build.actions import custom_operators
from tflite_build.engines.contract import Invalid, Refused, Request
from tflite_build.engines.user_code.listing import REJECTED
from tflite_build.errors import BuildError, ExitCode, Place, Problem, SpecError
from tflite_build.planning.action import Step, Tool
from tflite_build.progress import Listener, silent
from tflite_build.spec.load import load
from tflite_build.tflite import reader
from tflite_build.tflite.custom import own
from tflite_build.tflite.flatbuffer import FormatError

from . import arguments, report
from .driver import Options, Session
from .execute import Limits, call
from .publish import FORGOTTEN, Placement, sweep
from .worker import Environment

_TIMEOUT = 3600


@dataclass(frozen=True, slots=True)
class OutputArray:
    """An array that a run wrote: its name in the .npz file, its type as numpy names it, its shape."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def run_file(
    model: str | Path,
    inputs: str | Path,
    output: str | Path,
    *,
    signature: str | None = None,
    dequantize: bool = False,
    spec: str | Path | None = None,
    offline: bool = False,
    on_event: Listener = silent,
) -> tuple[OutputArray, ...]:
    """Run the .tflite file `model` on the arrays in `inputs` and write its outputs.

    Args:
        model: The file.
        inputs: An .npz file with one array per input; floats are quantized where the input is an integer.
        output: The .npz file to write, one array per output.
        signature: Which one, where the file has several.
        dequantize: Give integer outputs as real numbers.
        spec: The model.toml that names libraries of custom operators; default: the one that the file was built from.
        offline: Install nothing.
        on_event: Called with notes, such as of an installation.

    Returns:
        What was written, in the file's own order of outputs.

    Raises:
        SpecError: If `output` is the file or the arrays themselves.
        BuildError: If the file or the arrays are wrong, or the runtime refuses them.
    """
    files = arguments.path(model, "model"), arguments.path(inputs, "inputs")
    written = arguments.path(output, "output")
    chosen = arguments.text(signature, "signature")
    spec_file = None if spec is None else arguments.path(spec, "spec")
    with arguments.listening(on_event) as listener:
        file, data = (named.file(path) for path in files)
        _apart(written, file, data)
        with reader.model(file):
            pass  # a file that is no model is told from one that the runtime refuses
        return _run(file, data, written, chosen, dequantize, spec_file, Options(offline=offline), listener)


def _apart(output: Path, model: Path, inputs: Path) -> None:
    """SpecError where `output` would replace what is read, whatever name or link it is reached by."""
    for what, given in (("the model", model), ("the input", inputs)):
        if output.exists() and output.samefile(given):
            raise SpecError(Problem(f"the output '{output}' is {what} itself", hint="name another file for the output"))


def _run(
    model: Path,
    inputs: Path,
    output: Path,
    signature: str | None,
    dequantize: bool,
    spec: Path | None,
    options: Options,
    listener: Listener,
) -> tuple[OutputArray, ...]:
    with Session(options, listener) as session, session.store.scratch() as scratch:
        described = execute(session, model, inputs, scratch / "out", signature, dequantize=dequantize, spec=spec)
        sweep(output.parent, glob.escape(output.name), older=FORGOTTEN)
        with Placement(named=True) as placement:
            placement.file(scratch / "out" / "outputs.npz", output)
            placement.commit()
    return described


def execute(
    session: Session,
    model: Path,
    inputs: Path,
    outputs: Path,
    signature: str | None,
    *,
    dequantize: bool,
    spec: Path | None = None,
) -> tuple[OutputArray, ...]:
    """Run `model` on the arrays in `inputs`; its outputs are `outputs.npz` in the new folder `outputs`.

    Args:
        spec: The model.toml that names libraries of custom operators; default: the one that `model` was built from.

    Raises:
        BuildError: If the file or the arrays are wrong, or the runtime refuses them.
    """
    said, libraries = _libraries(model, spec)
    params = {"signature": signature, "dequantize": dequantize, **said}
    answer(session, "execute", params, {"model": model, "data": inputs, **libraries}, outputs, model)
    described = json.loads((outputs / "outputs.json").read_text("utf-8"))
    return tuple(OutputArray(o["name"], o["dtype"], tuple(o["shape"])) for o in described)


def _libraries(model: Path, spec: Path | None) -> tuple[dict[str, Any], dict[str, Path]]:
    """What tells a step of the libraries for the custom operators of `model`; nothing where it has none.

    Raises:
        BuildError: If there is no library for one.
    """
    with reader.model(model) as read:
        names = own(read)
    if not names:
        return {}, {}
    folder = model.resolve().parent
    file = spec or report.read(folder.parent if folder.name == REJECTED else folder).spec
    loaded = load(file) if file else None
    known = loaded.spec.compatibility.custom_ops if loaded else {}
    missing = [name for name in names if name not in known or not known[name].library]
    if loaded is None or missing:
        message = f"{model}: not run: it needs {', '.join(missing or names)}"
        hint = "give `library` and `registerer` in [compatibility.custom_ops.NAME]"
        hint += "" if file else " of a model.toml, and name that with --spec"
        raise BuildError(Problem(message, Place(file) if file else None, hint))
    said, files = custom_operators.described(loaded)
    return said, custom_operators.paths(files)


def answer(
    session: Session,
    kind: str,
    params: Mapping[str, object],
    inputs: Mapping[str, Path],
    outputs: Path,
    about: Path,
) -> None:
    """Let a process that can run the given files do a step of this kind, which writes into the new folder `outputs`.

    Args:
        about: The file that a refusal is about.

    Raises:
        BuildError: If what it is given is wrong, or the runtime refuses it.
    """
    outputs.mkdir()
    request = Request(kind, dict(params), {name: path.absolute() for name, path in inputs.items()}, outputs)
    toolchain = _toolchain(inputs.values())
    environment = Environment(toolchain, session.environments.python(toolchain))
    step = Step("run", kind, Tool(toolchain, "", ""))
    try:
        call(session.workers, step, request, Limits(_TIMEOUT), environment, session.executor.cancelled)
    except Invalid as invalid:
        place = Place(inputs["data"]) if invalid.key == "--input" else None
        raise BuildError(Problem(invalid.message, place, invalid.hint, invalid.detail), ExitCode.SPEC_WRONG) from None
    except Refused as refused:
        raise BuildError(Problem(f"{about}: {refused.reason}", detail=refused.detail)) from None


def _toolchain(files: Iterable[Path]) -> str:
    """The one that can run all of `files`: only one has TensorFlow's own kernels."""
    for file in files:
        if file.suffix != ".tflite":
            continue
        with contextlib.suppress(FormatError), reader.model(file) as model:  # of one that is none, the step says so
            if any(code.flex for code in model.codes):
                return "flex"
    return "core"
