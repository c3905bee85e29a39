"""The folder of a SavedModel: what its files are called, and what is wrong where they are missing.

Standard library only. Knows nothing of what stands in the files.
"""

from __future__ import annotations

from pathlib import Path

from tflite_build.engines.contract import Invalid
from tflite_build.engines.words import quoted

FILE = "saved_model.pb"
VARIABLES = "variables"
EXPORT = "export the model again: model.export(folder) in Keras 3, tf.saved_model.save(model, folder) otherwise"

_KEY = "source.path"
_FILES = {
    ".keras": 'is a Keras file: write format = "keras"',
    ".h5": 'is a Keras file: write format = "keras"',
    ".hdf5": 'is a Keras file: write format = "keras"',
    ".tflite": 'is converted already: write format = "tflite"',
    ".pb": "is a frozen graph: it has no signatures",
    ".pbtxt": "is a graph in text form",
    ".onnx": "is an ONNX model",
    ".zip": "is an archive",
    ".gz": "is an archive",
    ".tgz": "is an archive",
    ".tar": "is an archive",
}


def file_in(folder: Path) -> Path:
    """The file that describes the model.

    Raises:
        Invalid: There is none, since `folder` is something else; key "source.path".
    """
    if not (folder / FILE).is_file():
        raise _not_a_saved_model(folder)
    return folder / FILE


def check_variables(folder: Path) -> None:
    """Make sure that the files of the variables are there.

    Raises:
        Invalid: The folder variables/ is missing or incomplete; key "source.path".
    """
    index = folder / VARIABLES / "variables.index"
    if not index.is_file():
        raise Invalid(
            f"the SavedModel has no '{VARIABLES}/{index.name}': its weights are missing", _KEY, "copy the whole folder"
        )
    shards = sorted(p.name for p in index.parent.glob("variables.data-*-of-*"))
    wanted = int(shards[0].rpartition("-")[2]) if shards and shards[0].rpartition("-")[2].isdigit() else 1
    if len(shards) < wanted:
        raise Invalid(
            f"the SavedModel has {len(shards)} of {wanted} files '{VARIABLES}/variables.data-...': "
            "a part of its weights is missing",
            _KEY,
            "copy the whole folder",
        )


def _not_a_saved_model(path: Path) -> Invalid:
    """Say what it is that is no SavedModel."""
    folder = f"a SavedModel is a folder with the file '{FILE}'"
    if path.is_file():
        if path.name == FILE:
            return Invalid(
                f"'{FILE}' is a file inside of a SavedModel, {folder}", _KEY, "name the folder that holds it"
            )
        what = _FILES.get(path.suffix.lower(), "is a file")
        hint = "unpack it" if what == "is an archive" else "" if "write format" in what else EXPORT
        return Invalid(f"'{path.name}' {what}; {folder}", _KEY, hint)
    if not path.is_dir():
        return Invalid(f"'{path.name}' does not exist; {folder}", _KEY)
    names = sorted(p.name for p in path.iterdir())
    inner = [n for n in names if (path / n / FILE).is_file()]
    if inner:
        return Invalid(
            f"'{path.name}' is not a SavedModel: its folder {quoted(inner, 'or')} is one",
            _KEY,
            f"add '/{inner[0]}' to the path",
        )
    if "saved_model.pbtxt" in names:
        return Invalid("the SavedModel is in text form (saved_model.pbtxt)", _KEY, EXPORT)
    if "model.json" in names:
        return Invalid(f"'{path.name}' is a TensorFlow.js model; {folder}", _KEY, EXPORT)
    if "checkpoint" in names or any(n.endswith(".index") for n in names):
        return Invalid(f"'{path.name}' is a checkpoint: weights without a graph; {folder}", _KEY, EXPORT)
    keras = [n for n in names if Path(n).suffix in (".keras", ".h5", ".hdf5")]
    if keras:
        hint = f"write format = \"keras\" and add '/{keras[0]}' to the path"
        return Invalid(f"'{path.name}' holds a Keras file, {folder}", _KEY, hint)
    if not names:
        return Invalid(f"'{path.name}' is an empty folder; {folder}", _KEY)
    return Invalid(f"'{path.name}' is not a SavedModel: it has no '{FILE}', but {quoted(names)}", _KEY, EXPORT)
