"""What `init` takes tensors for: the model.toml says it, builds as it stands, and with what it leaves to the user.

The models have names and shapes of well-known ones, and compute next to nothing.
"""

from __future__ import annotations

import re
import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from handmade import Scalar, code, graph, model, operator, options, signature, tensor, u8, written
from harness import events
from syrupy.assertion import SnapshotAssertion

from tflite_build.tflite import edit, metadata
from tflite_build.tflite.metadata import (
    AssociatedFile,
    BoundingBoxProperties,
    Content,
    ImageProperties,
    ModelMetadata,
    Normalization,
    ProcessUnit,
    SubgraphMetadata,
    TensorMetadata,
)

_ENDS = {"SOFTMAX": options(9, {0: Scalar("f", 1.0)}), "L2_NORMALIZATION": options(20, {0: u8(0)}), "LOGISTIC": {}}
Shapes = Mapping[str, Sequence[int]]


def made(
    inputs: Shapes, outputs: Shapes, kept: Mapping[str, str] | None = None, end: str = "", dtype: str = "float32"
) -> bytes:
    """A model whose outputs are the mean of the first input; of `kept`, output -> input, twice what that is."""
    kept, names, built = kept or {}, [], []
    codes = [code(name) for name in ("CAST", "MEAN", "ADD", *_ENDS)]
    buffers: list[bytes] = []

    def add(name: str, type_: str, shape: Sequence[int], stored: bytes = b"") -> int:
        if stored:
            buffers.append(stored)
        names.append(name)
        built.append(tensor(name, type_, shape, len(buffers) if stored else 0))
        return len(built) - 1

    given = {
        name: add(name, dtype if place == 0 else "int32", shape) for place, (name, shape) in enumerate(inputs.items())
    }
    given |= {name: add(name, "float32", outputs[out]) for out, name in kept.items()}
    first = next(iter(inputs.values()))
    axes = add("axes", "int32", [len(first)], struct.pack(f"<{len(first)}i", *range(len(first))))
    real, mean = add("real", "float32", first), add("mean", "float32", [])
    runs = [operator(0, [0], [real]), operator(1, [real, axes], [mean], options(27, {}))]
    found = {}
    for name, shape in outputs.items():
        size = 1
        for d in shape:
            size *= d
        found[name] = add(f"{name}_out" if name in given else name, "float32", shape)
        if name in kept:
            runs.append(operator(2, [given[kept[name]]] * 2, [found[name]], options(11, {})))
            continue
        values = add(f"{name}_values", "float32", shape, struct.pack(f"<{size}f", *(i % 7 / 8 for i in range(size))))
        before = add(f"{name}_before", "float32", shape) if end else found[name]
        runs.append(operator(2, [mean, values], [before], options(11, {})))
        if end:
            runs.append(operator(3 + [*_ENDS].index(end), [before], [found[name]], _ENDS[end]))
    more = {7: [signature("serving_default", 0, given, found)]} if kept else {}
    graphs = [graph(built, runs, [*given.values()], [*found.values()])]
    return written(model(codes, graphs, buffers, more))


def described(file: bytes, *outputs: TensorMetadata) -> bytes:
    """A model whose metadata says that it takes a picture, and what it gives."""
    units = (ProcessUnit(Normalization((127.5,), (127.5,))),)
    image = TensorMetadata("image", content=Content(ImageProperties("rgb")), process_units=units)
    about = ModelMetadata("m", subgraphs=(SubgraphMetadata(inputs=(image,), outputs=outputs),))
    return edit.plan(memoryview(file), edit.Edits(metadata=metadata.write(about))).applied(memoryview(file))


_PICTURE = {"image": [1, 64, 64, 3]}
_POSTPROCESS = "TFLite_Detection_PostProcess"
MODELS = {
    "ssd": made(
        _PICTURE,
        {_POSTPROCESS: [1, 5, 4], f"{_POSTPROCESS}:1": [1, 5], f"{_POSTPROCESS}:2": [1, 5], f"{_POSTPROCESS}:3": [1]},
    ),
    "exported_ssd": made(
        _PICTURE, {f"StatefulPartitionedCall:{n}": s for n, s in ((3, [1, 5, 4]), (2, [1, 5]), (1, [1, 5]), (0, [1]))}
    ),
    # Which nothing but metadata tells, with labels of its own.
    "described_ssd": described(
        made({"x": [1, 32, 32, 3]}, {"a": [1, 5, 4], "b": [1, 5], "c": [1, 5], "d": [1]}),
        TensorMetadata("location", content=Content(BoundingBoxProperties((0, 1, 2, 3), "boundaries", "pixel"))),
        TensorMetadata("score"),
        TensorMetadata("category", files=(AssociatedFile("things.txt", "", "tensor-value-labels"),)),
        TensorMetadata("number of detections"),
    ),
    "described_yolo": described(made(_PICTURE, {"Identity": [1, 84, 7]}), TensorMetadata("head")),
    "yolov8": made(_PICTURE, {"Identity": [1, 7, 84]}),
    "yolov5": made(_PICTURE, {"StatefulPartitionedCall:0": [1, 252, 8]}),
    "bert": made(
        {n: [1, 16] for n in ("input_ids", "attention_mask", "token_type_ids")},
        {"pooler_output": [1, 32]},
        dtype="int32",
    ),
    "albert": made(
        {f"serving_default_{n}:0": [1, 16] for n in ("input_word_ids", "input_mask", "input_type_ids")},
        {"StatefulPartitionedCall:0": [1, 3]},
        end="SOFTMAX",
        dtype="int32",
    ),
    "cached": made(
        {"tokens": [1, 4]},
        {"logits": [1, 4, 9], **{f"kv_cache_{n}": [1, 2, 8] for n in ("k_0", "k_1", "v_0", "v_1")}},
        {f"kv_cache_{n}": f"kv_cache_{n}" for n in ("k_0", "k_1", "v_0", "v_1")},
        dtype="int32",
    ),
    "past": made(
        {"x": [1, 4]},
        {"y": [1, 3], "present.0.key": [1, 2], "present.0.value": [1, 3]},
        {"present.0.key": "past_key_values.0.key", "present.0.value": "past_key_values.0.value"},
    ),
    "named": made({"measures": [1, 4]}, {"logits": [1, 3]}),
    "recurrent": made({"x": [1, 4]}, {"y": [1, 3], "hidden_out": [1, 2]}, {"hidden_out": "hidden_in"}),
    "tagger": made(_PICTURE, {"Identity": [1, 4]}, end="LOGISTIC"),
    "movenet": made(_PICTURE, {"StatefulPartitionedCall:0": [1, 1, 17, 3]}),
    "segmenter": made(_PICTURE, {"ResizeBilinear_2": [1, 64, 64, 5]}),
    "matting": made(_PICTURE, {"Identity": [1, 64, 64, 1]}),
    "upscaler": made({"x": [1, 32, 32, 3]}, {"y": [1, 64, 64, 3]}),
    "embedder": made({"image": [1, 3, 64, 64]}, {"Identity": [1, 16]}, end="L2_NORMALIZATION"),
    # Of which nothing is told.
    "plain": made({"x": [1, 8]}, {"y": [1, 12], "z": [1, 5, 4]}),
}
FILES = {"labels.txt": "", "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhi\n"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, shell: Callable[..., Any]) -> Path:
    """A folder for each model, with what `init` wrote."""
    folder = tmp_path_factory.mktemp("models")
    for name, content in MODELS.items():
        (folder / name).mkdir()
        (folder / name / f"{name}.tflite").write_bytes(content)
        if name == "described_ssd":
            with zipfile.ZipFile(folder / name / f"{name}.tflite", "a") as archive:
                archive.writestr("things.txt", "cat\ndog\n")
        ran = shell("init", f"{name}.tflite", cwd=folder / name)
        assert ran.code == 0, ran.text
    return folder


@pytest.mark.parametrize("name", MODELS)
def test_what_is_written(name: str, folder: Path, snapshot: SnapshotAssertion) -> None:
    text = (folder / name / "model.toml").read_text("utf-8")
    assert text[text.index("\n[input.") : text.index("# A file for each variant")] == snapshot


def test_a_keras_model_that_ends_with_softmax(tmp_path: Path, shell: Callable[..., Any]) -> None:
    shutil.copy(Path(__file__).parents[2] / "examples" / "digits" / "digits.keras", tmp_path)
    assert shell("init", "digits.keras", cwd=tmp_path).code == 0
    text = (tmp_path / "model.toml").read_text("utf-8")
    told = '[output.probabilities]\ncontent = "classes"  # a guess: the model ends with softmax\n'
    assert told + '# labels = "labels.txt"  # a line for each of 10 classes\n' in text


def built(folder: Path, shell: Callable[..., Any]) -> None:
    ran = shell("build", "--keep-going", "--json", ".", cwd=folder)
    failed = {m["model"]: m["errors"] for m in events(ran.out, "model") if not m["ok"]}
    assert failed == {} and ran.code == 0, ran.err


def test_it_builds_as_it_stands(folder: Path, shell: Callable[..., Any]) -> None:
    built(folder, shell)


def test_it_builds_with_all_that_is_proposed(folder: Path, shell: Callable[..., Any], tmp_path: Path) -> None:
    """Every comment that is a key is one, with the files that it names, and code is generated."""
    shutil.copytree(folder, tmp_path / "all", ignore=shutil.ignore_patterns("build"))
    for name in MODELS:
        spec = tmp_path / "all" / name / "model.toml"
        head, variants, rest = spec.read_text("utf-8").partition("# A file for each variant")
        head, count = re.subn(r"(?m)^# (\w+ = |\[)", r"\1", head)
        assert count or name in ("cached", "past", "recurrent", "plain", "embedder"), name
        classes = re.search(r"a line for each of (\d+)", head)
        for file, content in {**FILES, "labels.txt": "thing\n" * int(classes[1] if classes else 3)}.items():
            (spec.parent / file).write_text(content, "utf-8")
        app = f'\n[android]\npackage = "com.example.{name}"\n[ios]\n'
        spec.write_text(f"{head}{app}{variants}{rest}", "utf-8")
    built(tmp_path / "all", shell)
