"""pack: the last touch on a variant's file: public tensor names, true operator versions, the runtime it needs, metadata.

Runs in the tool's own process, which copies the file and patches it; nothing that the model computes changes. What a source
that is a .tflite file says of itself, and the files behind it, are taken from it, since quantizers leave them behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tflite_build.engines.contract import Answer, Invalid, Names, Request
from tflite_build.errors import near_miss, one_of
from tflite_build.planning.action import Input, OutputOf, ProjectFile, Step
from tflite_build.planning.resolve import Resolved, ResolvedVariant
from tflite_build.spec import associated as spec_files
from tflite_build.spec.signatures import tables
from tflite_build.spec.sources import TfliteSource
from tflite_build.tflite import archive, edit, reader, runtimes, shapes, summary, versions
from tflite_build.tflite import metadata as wire
from tflite_build.tflite.archive import Member
from tflite_build.tflite.flatbuffer import FormatError
from tflite_build.tflite.metadata import ModelMetadata
from tflite_build.tflite.patches import Patches, Span
from tflite_build.tflite.reader import Contents, Model, Signature, SignatureTensor
from tflite_build.wrap import app

from . import associated, bound, convert, described, metadata
from .described import Said
from .metadata import Existing, Subject
from .tools import Tools

_SOURCE = "source"  # the file that metadata is taken from, where it is another than the one to pack
_FILE = "file:"  # of the inputs that are files of the user's, by base name
_MEANT = "meant"


def step_id(variant: str) -> str:
    """The id of the step of a variant."""
    return f"pack:{variant}"


def model_of(variant: str) -> OutputOf:
    """The variant's finished file."""
    return OutputOf(step_id(variant), convert.MODEL)


def step(model: Resolved, tools: Tools, file: OutputOf, variant: ResolvedVariant) -> Step:
    """The step that finishes `file` for `variant`."""
    spec = model.loaded.spec
    said = described.of(spec)
    params: dict[str, Any] = {"names": model.names.to_json()}
    inputs: dict[str, Input] = {"model": file}
    if variant.quantize == "from-source":
        params["from_source"] = True
    if isinstance(spec.source, TfliteSource):
        params["is_source"] = True
        if file.step != convert.ID:
            inputs[_SOURCE] = OutputOf(convert.ID, convert.MODEL)
    meant = _meant(model)
    if meant is not None:
        params |= {_MEANT: True, **meant.params}
        inputs |= meant.inputs
    if said is not None:
        params["metadata"] = said.to_json()
        inputs |= {
            _FILE + archive.base_name(path): ProjectFile(model.loaded.folder / path)
            for _, path in spec_files.named(spec)
        }
    return Step(step_id(variant.name), "pack", tools.local("pack"), params, inputs, variant=variant.name)


def _meant(model: Resolved) -> bound.Bound | None:
    """What tensors have to be for the app's arguments and results; None where nothing says that there is an app."""
    spec = model.loaded.spec
    named = any(own.arguments or own.results for own in tables(spec))
    return bound.of(model) if named or spec.state or spec.method or model.loaded.apps else None


def run(request: Request) -> Answer:
    """Write `model.tflite`.

    Raises:
        Invalid: If what the spec says does not fit the file: names, arguments and results, metadata, or that it is
            quantized.
    """
    try:
        return _packed(request)
    except FormatError as error:
        raise Invalid(str(error), "source.path" if request.params.get("is_source") else "") from error


def _packed(request: Request) -> Answer:
    path, target = request.inputs["model"], request.outputs / convert.MODEL
    own = archive.of(path)
    given = archive.of(request.inputs[_SOURCE]) if _SOURCE in request.inputs else own
    with reader.opened(path) as data:
        model = reader.parse(data)
        if request.params.get("from_source") and not any(t.quantization for s in model.subgraphs for t in s.tensors):
            raise Invalid(
                "the source is not quantized: no tensor of it has a scale",
                "variant.X.quantize",
                'quantize = "int8" and others quantize a float model; "none" takes it as it is',
            )
        inputs, outputs = _renamed(model, Names.from_json(request.params["names"]))
        about = _described(request, data, Subject(model, inputs, outputs))
        content = wire.write(about.metadata) if about.metadata is not None else None
        true = shapes.true_shapes(Contents(data, model))
        edits = edit.Edits(inputs, outputs, versions.derive(model), _runtime(model), content, true)
        end = own.start if own else len(data)
        patches = edit.plan(data, edits, end)
        stays = given is own and not about.files and patches.size == end
        if stays:
            patches = Patches((*patches.pieces, Span(end, len(data) - end)), patches.writes)
    patches.write(path, target)
    members: dict[str, Path | Member] = {m.base: m for m in given.members} if given else {}
    members |= about.files
    if members and not stays:
        with target.open("r+b") as file:
            archive.append(file, members)
    with reader.model(target) as packed:  # which finds what is wrong here, and not in an app
        if _MEANT in request.params:
            app.check(packed, bound.meaning(request))
        return Answer(warnings=list(about.warnings)) if about.warnings else Answer()


@dataclass(frozen=True, slots=True)
class _About:
    """What goes into the file about it: None where its metadata stays as it is.

    Attributes:
        files: The user's files that go behind it, by base name.
        warnings: For the user.
    """

    metadata: ModelMetadata | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def _described(request: Request, data: memoryview, subject: Subject) -> _About:
    given = request.params.get("metadata")
    said = Said.from_json(given) if given is not None else Said(names_only=True)
    existing = _existing(request, data, subject.model)
    if said.names_only and (existing is None or not (_SOURCE in request.inputs or said.renames)):
        return _About()
    named = {base: request.inputs[_FILE + base] for base in said.files}
    custom = {name: _custom(named[base], base, name) for name, base in said.custom.items()}
    first = metadata.primary(said, subject.model)
    whole = metadata.of(said, subject, existing, custom)
    graph = whole.subgraphs[0]
    for signature in subject.model.signatures:
        about = graph if signature is first else wire.signatures(graph).get(signature.name)
        if about is not None:
            associated.check(about, _classes(said, signature, subject), named, said.files)
    packed = {file.name for file in wire.all_files(whole)}
    files = {base: path for base, path in named.items() if base in packed}
    return _About(whole, files, (*metadata.warnings(said, subject), *associated.warnings(graph, named)))


def _classes(said: Said, signature: Signature, subject: Subject) -> dict[int, int]:
    """How many classes the outputs have, by their place: as many as their last axis is long."""
    told = said.of(signature.name).outputs
    found = {}
    for place, (name, tensor) in enumerate(subject.named(signature)[1]):
        shape = tensor.shape
        is_mask = name in told and told[name].content == "mask"
        # The classes of a mask may stand first, and one score alone is for two: the kind looks at its labels.
        if shape and shape[-1] > 0 and not (is_mask and not 1 < shape[-1] <= min(shape[-3:-1], default=0)):
            found[place] = shape[-1]
    return found


def _existing(request: Request, data: memoryview, model: Model) -> Existing | None:
    """What the source says of itself."""
    if _SOURCE not in request.inputs:
        said = summary.described(data, model)
        return None if said is None else Existing(said)
    with reader.opened(request.inputs[_SOURCE]) as whole:
        source = reader.parse(whole)
        said = summary.described(whole, source)
        graph = source.subgraphs[0]
        types = (tuple(graph.tensors[i].dtype for i in side) for side in (graph.inputs, graph.outputs))
        return None if said is None else Existing(said, *types)


def _custom(path: Path, name: str, title: str) -> bytes:
    if path.stat().st_size > wire.MOST_DATA:
        message = f"'{name}' has more than {wire.MOST_DATA >> 20} MB, which is too much for metadata"
        raise Invalid(message, f'metadata.custom."{title}"')
    return path.read_bytes()


def _renamed(model: Model, names: Names) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Signature -> own name -> public one, for inputs and for outputs."""
    inputs: dict[str, dict[str, str]] = {}
    outputs: dict[str, dict[str, str]] = {}
    for given, tensors in names.signatures.items():
        signature = next((s for s in model.signatures if s.name == given or not given), None)
        if signature is None:
            known = [s.name for s in model.signatures]
            raise Invalid(
                f"the model has no signature '{given}'", f"signature.{given}", near_miss(given, known) or one_of(known)
            )
        table = f'signature."{given}".' if len(model.signatures) > 1 else ""
        inputs[signature.name] = _turned(tensors.inputs, signature.inputs, f"{table}input")
        outputs[signature.name] = _turned(tensors.outputs, signature.outputs, f"{table}output")
    if (any(inputs.values()) or any(outputs.values())) and not model.has_signatures:
        raise Invalid(
            "the file has no signatures, so its tensors cannot be given other names",
            "source.path",
            "use the tensors' own names",
        )
    return inputs, outputs


def _turned(renamed: Mapping[str, str], tensors: tuple[SignatureTensor, ...], table: str) -> dict[str, str]:
    """Own name -> new name, for the tensors that a `table` of model.toml gives another one."""
    own = [t.name for t in tensors]
    kind = table.rpartition(".")[2]
    for public, name in renamed.items():
        if name not in own:
            raise Invalid(
                f"the model has no {kind} '{name}'",
                f'{table}."{public}".from',
                near_miss(name, own) or f"it has {one_of(own)}",
            )
    kept = [name for name in own if name not in renamed.values()]
    for public in renamed:
        if public in kept:
            raise Invalid(f"the model has another {kind} that is called '{public}'", f'{table}."{public}".from')
    return {name: public for public, name in renamed.items() if public != name}


def _runtime(model: Model) -> str:
    oldest, _ = runtimes.oldest(list(runtimes.needs(model).values()))
    return oldest if oldest and oldest != runtimes.PENDING else ""
