"""Looking into a source without a converter: its signatures, as far as the format tells them at a glance."""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path

from tflite_build.engines.contract import Interface, Invalid, SignatureSpec, TensorSpec
from tflite_build.engines.sources import saved_model_file, saved_model_folder
from tflite_build.engines.words import quoted
from tflite_build.errors import BuildError, SpecError
from tflite_build.spec.load import LoadedSpec
from tflite_build.spec.sources import SavedModelSource, TfliteSource
from tflite_build.store.artifact import Artifact
from tflite_build.store.store import Store
from tflite_build.tflite import reader
from tflite_build.tflite.reader import SignatureTensor

from . import fetch


def interface(loaded: LoadedSpec, store: Store, fetched: Artifact | None) -> Interface | None:
    """The signatures of the source, or None for formats that only a framework can read.

    Args:
        loaded: The spec.
        store: Where a fetched source lies.
        fetched: What the fetch step gave, if there is one.

    Raises:
        SpecError: If the source is not what its format says.
    """
    source = loaded.spec.source
    if not isinstance(source, SavedModelSource | TfliteSource):
        return None
    read = tflite if isinstance(source, TfliteSource) else saved_model
    try:
        if fetched is None:
            return read(loaded.folder / (source.path or ""), loaded)
        with tempfile.TemporaryDirectory() as folder:
            staged = Path(folder, fetch.member_name(source.url or "", source.path))
            store.stage(fetched, staged)
            if staged.is_dir():
                _check_member(staged, source)
            return read(staged, loaded)
    except SpecError:
        raise
    except Invalid as invalid:
        raise SpecError(loaded.problem(invalid.key, invalid.message, invalid.hint, invalid.detail)) from None
    except BuildError as error:
        raise SpecError([loaded.problem("source.path", p.message, p.hint, p.detail) for p in error.problems]) from None


def _check_member(folder: Path, source: SavedModelSource | TfliteSource) -> None:
    """Invalid where a folder of an archive is not what the source should be, and where in it that is."""
    path = source.path or ""
    if isinstance(source, TfliteSource):
        what, inner = "a .tflite file", sorted(folder.rglob("*.tflite"))
    else:
        what, inner = "a SavedModel", sorted(file.parent for file in folder.rglob(saved_model_folder.FILE))
        if folder in inner or not inner:
            return
    members = [posixpath.normpath(posixpath.join(path, found.relative_to(folder).as_posix())) for found in inner]
    shown = "the archive as a whole" if posixpath.normpath(path) == "." else f"'{path}'"
    raise Invalid(
        f"{shown} is a folder, not {what}"
        if isinstance(source, TfliteSource)
        else f"{shown} is not {what}, but {quoted(members)} in it {'is' if len(members) == 1 else 'are'}",
        "source.path",
        f'write path = "{members[0]}"' if members else "",
    )


def tflite(path: Path, _: LoadedSpec | None = None) -> Interface:
    """The signatures of a .tflite file."""
    with reader.model(path) as model:
        return Interface(
            tuple(SignatureSpec(s.name, _tensors(s.inputs), _tensors(s.outputs)) for s in model.signatures)
        )


def _tensors(tensors: tuple[SignatureTensor, ...]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(t.name, tuple(d if d >= 0 else f"d{i}" for i, d in enumerate(t.tensor.shape)), t.tensor.dtype)
        for t in tensors
    )


def saved_model(path: Path, loaded: LoadedSpec | None = None) -> Interface:
    """The signatures of a SavedModel that the spec asks for; all of them where there is no spec."""
    source = loaded.spec.source if loaded else None
    own = source if isinstance(source, SavedModelSource) else None
    meta = saved_model_file.read(path).meta_graph(own.tags if own else None)
    return saved_model_file.interface(meta, saved_model_file.choose(meta, own.signatures if own else None))
