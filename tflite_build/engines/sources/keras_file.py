"""A look into a Keras model file before Keras loads it: what it is, whose code and which classes it needs.

Standard library only; an .h5 file needs the toolchain's h5py, imported when asked for. Knows nothing of loading.

Sources: `keras/src/saving/saving_lib.py` (.keras: a zip with config.json, metadata.json, model.weights.h5) and
`keras/src/legacy/saving/legacy_h5_format.py` (.h5: the attributes model_config and keras_version).
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import quoted

_HDF5 = b"\x89HDF\r\n\x1a\n"
# Layers that Keras 3 implements with TensorFlow alone, whatever its backend.
_TENSORFLOW_LAYERS = frozenset(
    {"HashedCrossing", "Hashing", "IntegerLookup", "StringLookup", "TextVectorization", "TFSMLayer"}
)
# What Keras 2 wrote for a TensorFlow function that was called on a Keras tensor; Keras 3 has no such layers.
_OPERATION_LAYERS = frozenset({"TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda", "InstanceMethod", "ClassMethod"})
_LARGE = 512_000_000  # bytes
_PACKED = 50  # times smaller: weights that were trained hardly pack at all
_LARGEST = 256_000_000  # bytes of a configuration; vocabularies of text layers stand in it
_DEEPEST = 150  # levels of a configuration; a model within a model takes six
_OWN_PACKAGES = ("keras", "keras_hub", "keras_cv", "keras_nlp", "builtins")


@dataclass(frozen=True, slots=True)
class CustomObject:
    """A class or function that the file names and that Keras does not have.

    Attributes:
        name: As Keras looks it up: the registered name of a class, such as "Custom>Scale", or a function's name.
        class_name: Its name in Python.
        module: The Python module that it was defined in, as far as the file says.
    """

    name: str
    class_name: str
    module: str


@dataclass(frozen=True, slots=True)
class KerasFile:
    """What a model file holds.

    Attributes:
        version: The Keras that wrote it, such as "3.4.1", or "".
        lambdas: Names of layers that carry Python code.
        custom: Objects that the user's code has to register; only .keras files say so.
        tensorflow: Names and classes of layers that only TensorFlow can run.
        operations: Names and classes of layers that Keras 3 cannot read.
        legacy: Whether Keras 2 wrote it, as an HDF5 file.
    """

    version: str
    lambdas: tuple[str, ...]
    custom: tuple[CustomObject, ...]
    tensorflow: tuple[tuple[str, str], ...]
    operations: tuple[tuple[str, str], ...]
    legacy: bool


def look(path: Path, shown: str) -> KerasFile:
    """What the file at `path` holds. `shown` is its name in messages.

    Raises:
        Invalid: It is not a Keras model, or unpacks to more than a model holds.
    """
    config, version = configuration(path, shown)
    return describe(config, version, legacy=path.suffix != ".keras")


def configuration(path: Path, shown: str) -> tuple[dict[str, Any], str]:
    """The configuration of the model in the file at `path`, and the version of Keras that wrote it, or "".

    Raises:
        Invalid: It is not a Keras model.
    """
    if not path.exists():
        raise Invalid(f"'{shown}' does not exist", "source.path")
    start = b"" if path.is_dir() else _head(path)
    if path.suffix == ".keras" and start.startswith(b"PK"):
        return _read_zip(path, shown)
    if path.suffix in (".h5", ".hdf5") and start == _HDF5:
        return _read_hdf5(path, shown)
    wanted = "a .keras file" if path.suffix == ".keras" else "an HDF5 model of Keras"
    what, hint = _what(path, start)
    raise Invalid(f"'{shown}' is not {wanted}: it is {what}", "source.path", hint)


def check_code(file: KerasFile, shown: str, allow_code: bool) -> None:
    """Raise Invalid where the file carries Python code that the user has not allowed to run."""
    if file.lambdas and not allow_code:
        layers = "layer" if len(file.lambdas) == 1 else "layers"
        raise Invalid(
            f"'{shown}' carries Python code in its Lambda {layers} {quoted(file.lambdas)}, which loading would run",
            "source.allow_code",
            "add `allow_code = true` to [source] if you trust the file, or make it a class in a file of `imports`",
        )


def check_operations(file: KerasFile, shown: str) -> None:
    """Raise Invalid where Keras 2 wrote layers that Keras 3 lacks."""
    if file.operations:
        listed = ", ".join(f"'{name}' ({kind})" for name, kind in file.operations[:5])
        raise Invalid(
            f"'{shown}' was written by Keras 2 and calls TensorFlow functions between its layers: {listed}. "
            "Keras 3 cannot read those",
            "source.path",
            'export the model with Keras 2 as a SavedModel and use `format = "saved_model"`, or build it in code '
            "(`entry`) and load its weights",
        )


def damaged(shown: str, error: Exception) -> Invalid:
    """The problem of a file that cannot be read to its end."""
    return Invalid(f"'{shown}' is damaged: {error}", "source.path", "save the model again, or copy the file again")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _read_zip(path: Path, shown: str) -> tuple[dict[str, Any], str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "config.json" not in names:
                what = _zip_without_config(names)
                raise Invalid(f"'{shown}' is not a .keras file: it is {what}", "source.path")
            _check_sizes(archive)
            config = _table(_member(archive, "config.json"), "config.json")
            metadata = _table(_member(archive, "metadata.json"), "metadata.json") if "metadata.json" in names else {}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise damaged(shown, error) from None  # a RuntimeError means a password, or packing that Python does not know
    version = str(metadata.get("keras_version", ""))
    if version.startswith("2."):  # some load, and compute something else
        raise Invalid(
            f"'{shown}' was written by Keras {version}, and Keras 3 reads only the .h5 files of Keras 2",
            "source.path",
            f"save the model as '{path.stem}.h5' where it was made: model.save(\"{path.stem}.h5\")",
        )
    return config, version


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """ValueError where a member unpacks to what no weights do, which would fill the memory."""
    for member in archive.infolist():
        if member.file_size > _LARGE and member.file_size > _PACKED * max(1, member.compress_size):
            raise ValueError(_too_packed(member.filename, member.compress_size, member.file_size))


def _check_datasets(file: Any) -> None:
    """The same for an open HDF5 file, which may pack its arrays, or say how large they are and hold nothing of them."""

    def check(name: str, item: Any) -> None:
        if item.__class__.__name__ == "Dataset" and item.nbytes > _LARGE:
            stored = item.id.get_storage_size()
            if item.nbytes > _PACKED * max(1, stored):
                raise ValueError(_too_packed(name, stored, item.nbytes))

    file.visititems(check)


def _too_packed(name: str, packed: int, unpacked: int) -> str:
    sizes = f"{packed / 1e6:.0f} MB that unpack to {unpacked / 1e6:.0f} MB"
    return f"{name} is {sizes}, which is nothing that a trained model holds"


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member's bytes. ValueError where they would be more than a configuration can be, as of a few packed ones."""
    size = archive.getinfo(name).file_size
    if size > _LARGEST:
        raise ValueError(f"{name} takes {size / 1e6:.0f} MB, and no model's takes more than {_LARGEST / 1e6:.0f} MB")
    return archive.read(name)


def _zip_without_config(names: set[str]) -> str:
    if any(name.endswith("data.pkl") for name in names):
        return "a checkpoint of PyTorch"
    if names and all(name.endswith(".npy") for name in names):
        return "a .npz file of numpy arrays"
    return "a zip archive without config.json"


def _read_hdf5(path: Path, shown: str) -> tuple[dict[str, Any], str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            config, version = file.attrs.get("model_config"), file.attrs.get("keras_version", "")
            weights_only = config is None and bool({"layers", "_layer_checkpoint_dependencies", "vars"} & set(file))
            weights_only = weights_only or (config is None and "layer_names" in file.attrs)
            _check_datasets(file)
    except (OSError, ValueError) as error:
        raise damaged(shown, error) from None
    if weights_only:
        raise Invalid(
            f"'{shown}' holds the weights of a model and not the model",
            "source.path",
            f'give the function that builds the model, `entry = "model.py:build"`, and `weights = "{shown}"`',
        )
    if config is None:
        raise Invalid(f"'{shown}' is an HDF5 file without a Keras model (no attribute model_config)", "source.path")
    try:
        return _table(config, "model_config"), _text(version)
    except ValueError as error:
        raise damaged(shown, error) from None


def _table(value: str | bytes, name: str) -> dict[str, Any]:
    """The JSON object in `value`. ValueError where it is none, or deeper than a model can be."""
    try:
        table = json_of(value)
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply") from None
    if not isinstance(table, dict):
        raise ValueError(f"{name} holds no JSON object")
    level: list[Any] = [table]
    for _ in range(_DEEPEST):
        level = [inner for part in level for inner in _parts(part)]
        if not level:
            return table
    raise ValueError(f"{name} is nested too deeply")


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def json_of(value: str | bytes) -> Any:
    """An attribute of an HDF5 file that holds JSON."""
    return json.loads(_text(value))


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _what(path: Path, start: bytes) -> tuple[str, str]:
    """What a path is that is not what its suffix says, and what to do."""
    if path.is_dir():
        if (path / "saved_model.pb").exists():
            return "a SavedModel folder", 'use `format = "saved_model"`'
        return "a folder", "give the model file"
    if start == _HDF5:
        return "an HDF5 file", f"rename it to '{path.stem}.h5'"
    if start.startswith(b"PK"):
        return "a zip archive", f"rename it to '{path.stem}.keras' if Keras 3 saved it"
    if start[4:8] == b"TFL3":
        return "a .tflite file", 'use `format = "tflite"`'
    if not start:
        return "an empty file", ""
    if start.startswith((b"version ", b"oid sha")):
        return "a pointer of Git LFS, not the file", "run `git lfs pull`"
    return f"something else (it starts with {start!r})", ""


def describe(config: Mapping[str, Any], version: str, legacy: bool) -> KerasFile:
    """What a model's configuration says. `legacy` is for an .h5 file, as Keras 2 wrote it."""
    lambdas: dict[str, None] = {}
    custom: dict[CustomObject, None] = {}
    tensorflow: dict[tuple[str, str], None] = {}
    operations: dict[tuple[str, str], None] = {}
    for node, layer in _objects({k: v for k, v in config.items() if k != "compile_config"}, ""):
        name = str(node["class_name"])
        inner = node.get("config")
        own = str(inner["name"]) if isinstance(inner, dict) and isinstance(inner.get("name"), str) else layer
        if name == "__lambda__" or (legacy and name == "Lambda" and _is_code(inner)):
            lambdas[layer if name == "__lambda__" else own] = None
        elif name in _OPERATION_LAYERS and legacy:
            operations[own, name] = None
        elif name in _TENSORFLOW_LAYERS and _module(node).partition(".")[0] in ("keras", ""):
            tensorflow[own, name] = None
        elif not legacy and not name.startswith("__"):
            found = _custom(node)
            if found is not None:
                custom[found] = None
    old = legacy and version.startswith(("1.", "2."))
    return KerasFile(version, tuple(lambdas), tuple(custom), tuple(tensorflow), tuple(operations), old)


def _objects(value: Any, layer: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every serialized object inside of `value`, with the name of the layer around it."""
    if isinstance(value, dict):
        inner = value.get("config")
        if "class_name" in value and "config" in value:
            yield value, layer
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            layer = inner["name"]
        for part in value.values():
            yield from _objects(part, layer)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part, layer)


def _is_code(config: Any) -> bool:
    return isinstance(config, dict) and not isinstance(config.get("function"), str)


def _module(node: dict[str, Any]) -> str:
    return str(node.get("module") or "")


def _custom(node: dict[str, Any]) -> CustomObject | None:
    module = _module(node)
    if module.partition(".")[0] in _OWN_PACKAGES:
        return None
    if "module" not in node and "registered_name" not in node:  # a user's own dict that happens to have such keys
        return None
    name = str(node["config"] if node["class_name"] == "function" else node["class_name"])
    looked_up = name if node["class_name"] == "function" else str(node.get("registered_name") or name)
    return CustomObject(looked_up, name, module)
