"""Classes and embeddings: from pictures, through numpy, Kotlin and Swift, to the same bits of what an app gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import code, graph, model, operator, tensor, written
from harness import Ran, python_answers
from kinds_bed import Apps, Model, build, jax_model
from numpy.typing import NDArray
from preprocessing_cases import part_of_photo
from syrupy.assertion import SnapshotAssertion

from tflite_build.engines.content import Content
from tflite_build.engines.contract import TensorSpec
from tflite_build.engines.kinds import classes
from tflite_build.engines.kinds.binding import Binding
from tflite_build.engines.kinds.classes import Classes
from tflite_build.engines.postprocessing.classes import best
from tflite_build.engines.postprocessing.embedding import cosine, distance, normalized
from tflite_build.engines.preprocessing import image

Array = NDArray[Any]
CODE = """
import jax
import jax.numpy as jnp
import numpy as np

RANDOM = np.random.default_rng(5)
LOGITS, TAGS, SCORES, NEAR = (RANDOM.normal(size=(3, n)).astype("f") * 4 for n in (6, 4, 4, 64))

def scenes(image):
    f = image.mean((1, 2)) - 0.3
    return {"animal_logits": f @ LOGITS, "tag_logits": f @ TAGS}

def calibrated(image):
    scores = jax.nn.sigmoid(image.mean((1, 2)) @ SCORES * 3)
    return {"plain": scores, "logs": scores * 0.9, "inverse": scores * 0.95}

def embedded(image):
    f = image.mean((1, 2)) @ NEAR
    return {"near_values": f, "raw": f.reshape(1, 1, 1, 64) * 0.5}
"""
IMAGE = '[input.image]\ndtype = "float32"\ncontent = "image"\nshape = [1, 8, 8, 3]\nstd = 255\n'
CONTENT = Content("image", "rgb", (0,), (255,))
LABELS = {
    "labels.txt": "ant\nbee\ncat\ndog\nelk\n",
    "labels_de.txt": "Ameise\nBiene\nKatze\nHund\nElch\n",
    "labels_zh.txt": "蟻\n蜂\n貓\n狗\n麋\n",
    "tags.txt": "day\nnight\nindoors\noutdoors\n",
}
CALIBRATION = "1,2,0.5\n\n0.75,-3.5,1e-3,0.2\n0.5,40,-2,0.5\n"
MODELS = {
    "scenes": jax_model(
        CODE,
        "scenes",
        f'{IMAGE}[result.animal]\nkind = "classes"\nscores = "animal_logits"\nactivation = "softmax"\nlabel_offset = -1\n'
        'labels = { default = "labels.txt", de = "labels_de.txt", zh-Hant = "labels_zh.txt" }\nmax_results = 3\n'
        '[result.tags]\nkind = "classes"\nscores = "tag_logits"\nactivation = "sigmoid"\nmulti_label = true\n'
        'labels = "tags.txt"\n',
        LABELS,
    ),
    "calibrated": jax_model(
        CODE,
        "calibrated",
        f'{IMAGE}[output.plain]\ncontent = "classes"\nlabel_offset = 1\nlabels = "labels.txt"\n'
        'score_calibration = { file = "calibration.csv" }\n'
        '[output.logs]\ncontent = "classes"\nscore_threshold = 0.25\n'
        'score_calibration = { file = "calibration.csv", transformation = "log", default = 0.1 }\n'
        '[result.inverse]\nkind = "classes"\nscores = "inverse"\nmax_results = 2\n'
        'score_calibration = { file = "calibration.csv", transformation = "inverse-logistic", default = 0.3 }\n',
        {**LABELS, "calibration.csv": CALIBRATION},
    ),
    "embedded": jax_model(
        CODE,
        "embedded",
        f'{IMAGE}[result.near]\nkind = "embedding"\nembedding = "near_values"\nnormalize = "l2"\n'
        '[output.raw]\ncontent = "embedding"\n',
    ),
}
PICTURES = 24


@pytest.mark.parametrize("name", MODELS)
def test_kotlin_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.kotlin_tests(name)) == 3


@pytest.mark.parametrize("name", MODELS)
def test_swift_gives_what_numpy_does(name: str, apps: Apps) -> None:
    assert len(apps.swift_tests(name)) == 3


def test_the_formatter_finds_nothing(apps: Apps) -> None:
    apps.check_format()


def pictures() -> list[Array]:
    """Parts of photographs, and a black one, of which the embedding is all zeros."""
    random = np.random.default_rng(7)
    parts = [part_of_photo(random, number, 8, 60) for number in range(PICTURES - 1)]
    return [np.zeros((9, 7, 3), np.uint8), *parts]


def outputs(apps: Apps, name: str, inputs: Sequence[Array], python: Path) -> list[dict[str, Array]]:
    """What the file of a model gives for inputs, as the same runtime computes it in Python."""
    (file,) = (apps.shop.folder / name / "build" / name).glob("*.tflite")
    calls = [{"signature": "serving_default", "inputs": {"image": x[None]}} for x in inputs]
    return [{n: np.array(v, np.float32) for n, v in found.items()} for found in python_answers(python, file, calls)]


def bits(*values: Any) -> str:
    return " ".join(str(value) for value in np.array(values, np.float32).view(np.uint32))


def answered(how: Classes, values: Array) -> str:
    """The numbers of classes and the bits of their scores."""
    return " ".join(f"{number}:{bits(score)}" for number, score in zip(*best(how, values), strict=True))


def calibration(transformation: str, default: float, **more: Any) -> Classes:
    options = {"transformation": transformation, "default_score": default, **more}
    binding = Binding("classes", "c", "output", {"scores": "s"}, options)
    return classes.of(binding, {"scores": TensorSpec("s", (1, 4), "float32")}, CALIBRATION.splitlines())


def by_numpy(apps: Apps, python: Path) -> Iterator[str]:
    inputs = [image.normalized(image.fitted(image.Picture(p), CONTENT, 8, 8, "rgb"), CONTENT) for p in pictures()]
    scenes, calibrated, embedded = (outputs(apps, name, inputs, python) for name in MODELS)
    animal = Classes(6, "softmax", -1, most=3)
    tags = Classes(4, "sigmoid", 0, several=True, threshold=0.5)
    plain = calibration("identity", 0, label_offset=1)
    logs = calibration("log", 0.1, score_threshold=0.25)
    inverse = calibration("inverse-logistic", 0.3, max_results=2)
    before = None
    for one, two, three in zip(scenes, calibrated, embedded, strict=True):
        parts = [answered(animal, one["animal_logits"]), answered(tags, one["tag_logits"])]
        parts += [answered(how, two[n]) for n, how in (("plain", plain), ("logs", logs), ("inverse", inverse))]
        near, raw = normalized(three["near_values"].reshape(-1)), three["raw"].reshape(-1)
        parts += [bits(*near), bits(*raw), bits(cosine(near, raw), distance(near, raw))]
        if before is not None:
            parts.append(bits(cosine(raw, before), distance(raw, before)))
        before = raw
        yield "|".join(parts)


def test_pictures_become_the_same_results_in_all_languages(
    apps: Apps, python_of: Callable[[str], Path], tmp_path: Path
) -> None:
    lines = []
    for number, picture in enumerate(pictures()):
        file = tmp_path / f"{number}.bin"
        file.write_bytes(picture.tobytes())
        lines.append(f"{picture.shape[1]} {picture.shape[0]} {file}")
    cases = tmp_path / "cases"
    cases.write_text("\n".join(lines) + "\n", "utf-8")
    wanted = list(by_numpy(apps, python_of("core")))
    words = ["Hund"] * 3 + ["狗"] + ["dog"] * 4
    for found in (apps.kotlin_answers("Classes", [cases]), apps.swift_answers("Classes", [cases])):
        told, *rest = found.strip().splitlines()
        assert told.split("|") == words
        assert rest == wanted


def test_accuracy_is_of_the_classes_that_an_app_gets(
    tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]
) -> None:
    """The same arrays with a calibration that turns the order round, and without; the first class is a background."""
    x = np.zeros((3, 2, 4), np.float32)
    x[:, 0] = [(9, 0.1, 0.2, 0.3), (9, 0.3, 0.2, 0.1), (9, 0.1, 0.3, 0.2)]
    files = {"m.tflite": rows(), "calibration.csv": "1,1,0\n" + "1,-1,0\n" * 3}
    head = 'format = "tflite"\npath = "m.tflite"\n[checks]\naccuracy = { data = "data.npz" }\n'
    plain = f'{head}[result.r]\nkind = "classes"\nscores = "row"\nlabel_offset = -1\n'
    arrays = {"x": x, "labels": np.array([2, 0, 0])}
    models = {
        "plain": Model(plain, files, arrays),
        "turned": Model(f'{plain}score_calibration = {{ file = "calibration.csv" }}\n', files, arrays),
    }
    built = build(models, tmp_path_factory.mktemp("measured"), module_cli)[1]
    figures = {name: said.variants["float32"]["accuracy"] for name, said in built.items()}
    assert figures == {"plain": pytest.approx(2 / 3), "turned": pytest.approx(1 / 3)}


WRONG = {
    "scores_of_a_picture": '[output.out]\ncontent = "classes"\n',
    "scores_of_integers": '[result.r]\nkind = "classes"\nscores = "whole"\n',
    "labels_of_all": '[result.r]\nkind = "classes"\nscores = "row"\nlabels = "four.txt"\nlabel_offset = -1\n',
    "offset_leaves_none": '[output.row]\ncontent = "classes"\nlabel_offset = -4\n',
    "softmax_of_several": '[result.r]\nkind = "classes"\nscores = "row"\nmulti_label = true\nactivation = "softmax"\n',
    "calibration_of_three": '[result.r]\nkind = "classes"\nscores = "row"\nlabel_offset = 1\n'
    'score_calibration = { file = "three.csv" }\n',
    "calibration_line": '[output.row]\ncontent = "classes"\nscore_calibration = { file = "wrong.csv" }\n',
    "two_of_one_language": '[output.row]\ncontent = "classes"\n'
    'labels = { default = "four.txt", de-at = "four.txt", de_AT = "four.txt" }\n',
    "embedding_of_a_picture": '[result.r]\nkind = "embedding"\nembedding = "out"\n',
    "embedding_of_integers": '[output.whole]\ncontent = "embedding"\n',
}


def rows() -> bytes:
    """[1, 2, 4] -> what it is, the sum of its rows as real numbers, and as whole ones."""
    shapes = {"x": [1, 2, 4], "out": [1, 2, 4], "axis": [1], "row": [1, 4], "whole": [1, 4]}
    types = {"axis": "int32", "whole": "int32"}
    tensors = [tensor(n, types.get(n, "float32"), shape, int(n == "axis")) for n, shape in shapes.items()]
    operators = [operator(0, [0], [1]), operator(1, [0, 2], [3]), operator(2, [3], [4])]
    codes = [code("ABS"), code("SUM"), code("CAST")]
    return written(model(codes, [graph(tensors, operators, [0], [1, 3, 4])], [bytes([1, 0, 0, 0])]))


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, Any]:
    files = {
        "m.tflite": rows(),
        "four.txt": "a\nb\nc\nd\n",
        "three.csv": "1,1,1\n\n\n",
        "wrong.csv": "1,1,1\n\n1,1\n1,2,nan\n",
    }
    models = {name: Model(f'format = "tflite"\npath = "m.tflite"\n{spec}', files) for name, spec in WRONG.items()}
    return build(models, tmp_path_factory.mktemp("wrong"), module_cli, "[metadata]\nwrite = false\n")[1]


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_told_at_its_key(name: str, refused: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    assert not refused[name].ok
    assert refused[name].told == snapshot
