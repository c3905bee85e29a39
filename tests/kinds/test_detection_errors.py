"""Detections that do not fit: each told at its key, what the spec alone can tell before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import detectors
import pytest
from harness import Ran, Workshop
from syrupy.assertion import SnapshotAssertion

from tflite_build.errors import SpecError
from tflite_build.spec.load import load

TFLITE = 'format = "tflite"\npath = "m.tflite"\n'
HEAD = f'spec = 1\n[model]\nname = "m"\n[source]\n{TFLITE}'
IMAGE = '[input.image]\ncontent = "image"\n'
RESULT = '[result.things]\nkind = "detections"\n'
LISTED = f'{IMAGE}{RESULT}boxes = "boxes"\nclasses = "classes"\nscores = "scores"\n'
SCORED = f'{IMAGE}{RESULT}boxes = "boxes"\nscores = "each"\n'
SSD = f'{SCORED}decode = "ssd"\nanchors = "anchors.csv"\n'
YOLO = f'{IMAGE}{RESULT}boxes = "head"\ndecode = "yolov8"\n'
TWO = '[input.left]\ncontent = "image"\n[input.right]\ncontent = "image"\n'
# By the spec alone.
WRONG = {
    "kind_missing": f'{IMAGE}[result.things]\nboxes = "boxes"\n',
    "kind_misspelt": f'{IMAGE}[result.things]\nkind = "detection"\nboxes = "boxes"\n',
    "kind_unknown": f'{IMAGE}[result.things]\nkind = "x"\nboxes = "boxes"\n',
    "kind_of_an_argument": f'{IMAGE}[argument.photo]\nkind = "detections"\ninput = "image"\n',
    "key_misspelt": f"{LISTED}score_treshold = 0.5\n",
    "key_of_nms_misspelt": f"{SCORED}score_threshold = 0.5\nnms = {{ iuo = 0.5 }}\n",
    "iou_above_1": f"{SCORED}score_threshold = 0.5\nnms = {{ iou = 1.5 }}\n",
    "boxes_missing": f'{IMAGE}{RESULT}scores = "scores"\n',
    "scores_missing": f'{IMAGE}{RESULT}boxes = "boxes"\n',
    "scores_of_a_head": f'{YOLO}scores = "scores"\n',
    "box_order_of_a_head": f'{YOLO}box_order = "xyxy"\n',
    "box_order_unknown": f'{LISTED}box_order = "xxyy"\n',
    "anchors_of_no_ssd": f'{SCORED}anchors = "anchors.csv"\n',
    "ssd_without_anchors": f'{SCORED}decode = "ssd"\n',
    "ssd_with_box_order": f'{SSD}box_order = "xyxy"\n',
    "ssd_with_classes": f'{SSD}classes = "classes"\n',
    "count_of_all_boxes": f'{SCORED}count = "many"\n',
    "anchors_missing": f'{SCORED}decode = "ssd"\nanchors = "anchor.csv"\n',
    "nms_without_threshold": f"{SCORED}nms = {{ iou = 0.5 }}\n",
    "nms_of_a_head_without_threshold": f"{YOLO}nms = {{ iou = 0.5 }}\n",
    "softmax_of_single_scores": f'{LISTED}activation = "softmax"\n',
    "softmax_at_the_output": f'{LISTED}[output.scores]\nactivation = "softmax"\n',
    "softmax_of_a_head": f'{YOLO}activation = "softmax"\n',
    "no_picture": LISTED.replace('content = "image"', 'content = "feature"'),
    "several_pictures": LISTED.replace(IMAGE, TWO),
    "picture_misspelt": LISTED.replace(IMAGE, TWO) + 'picture = "rigth"\n',
    "picture_that_is_none": f'{LISTED}picture = "photo"\n',
    "said_twice": f'{LISTED}labels = "labels.txt"\nscore_threshold = 0.5\nmax_results = 3\nbox_order = "xyxy"\n'
    'coordinates = "pixel"\n[output.classes]\nlabels = "other.txt"\n[output.scores]\nscore_threshold = 0.4\n'
    'max_results = 2\n[output.boxes]\ncontent = "boxes"\nbox = { type = "center" }\n',
    "another_content": f'{LISTED}[output.boxes]\ncontent = "keypoints"\n',
    "argument_that_is_no_picture": '[input.image]\n[argument.photo]\nkind = "image"\ninput = "image"\n',
    "input_of_two_arguments": f'{IMAGE}[argument.a]\nkind = "image"\ninput = "image"\n'
    '[argument.b]\nkind = "image"\ninput = "image"\n',
    "contents_without_a_picture": '[input.image]\n[output.a]\ncontent = "boxes"\n[output.b]\ncontent = "classes"\n'
    '[output.c]\ncontent = "scores"\n[ios]\n',
}
FILE = detectors.outputs(
    ["image"],
    {
        "boxes": ("float32", (1, 6, 4)),
        "classes": ("float32", (1, 6)),
        "scores": ("float32", (1, 6)),
        "each": ("float32", (1, 6, 3)),
        "many": ("int32", (1,)),
        "head": ("float32", (1, 8, 16)),
        "square": ("float32", (1, 8, 8)),
        "five": ("float32", (1, 6, 5)),
        "whole": ("int32", (1, 6, 4)),
        "other": ("float32", (1, 7)),
        "seven": ("float32", (1, 7, 3)),
        "counts": ("float32", (1, 2)),
        "bytes": ("uint8", (1, 6)),
    },
)
FILES = {
    "m.tflite": FILE,
    "labels.txt": "cat\ndog\nbird\n",
    "other.txt": "a\nb\n",
    "two.txt": "cat\ndog\n",
    "five.txt": "a\nb\nc\nd\ne\n",
    "anchors.csv": "0.5,0.5,0.1,0.2\n" * 6,
    "few.csv": "0.5,0.5,0.1,0.2\n" * 5,
    "words.csv": "0.5,0.5,0.1,0.2\ncy,cx,height,width\n",
    "three.csv": "0.5,0.5,0.1\n",
    "nan.csv": "0.5,0.5,0.1,nan\n",
}
# By the built file.
MISFITS = {
    "output_missing": LISTED.replace('"boxes"', '"boxs"'),
    "boxes_of_five": LISTED.replace('"boxes"', '"five"'),
    "boxes_of_whole_numbers": LISTED.replace('"boxes"', '"whole"'),
    "scores_of_other_boxes": LISTED.replace('"scores"', '"other"'),
    "classes_of_bytes": LISTED.replace('"classes"', '"bytes"'),
    "classes_for_each_class": LISTED.replace('"classes"', '"each"'),
    "count_of_two": f'{LISTED}count = "counts"\n',
    "scores_for_other_boxes": SCORED.replace('"each"', '"seven"'),
    "labels_too_few": f'{SCORED}labels = "two.txt"\n',
    "labels_too_many": f'{SCORED}labels = "five.txt"\n',
    "labels_and_offset": f'{SCORED}labels = "labels.txt"\nlabel_offset = -1\n',
    "labels_of_a_head": f'{YOLO}labels = "labels.txt"\n',
    "labels_of_another_head": f'{YOLO.replace("yolov8", "yolov5")}labels = "five.txt"\nlabel_offset = 1\n',
    "head_of_a_square": YOLO.replace('"head"', '"square"'),
    "head_of_boxes": YOLO.replace('"head"', '"boxes"'),
    "head_of_one_row": YOLO.replace('"head"', '"scores"'),
    "anchors_too_few": SSD.replace("anchors.csv", "few.csv"),
    "anchors_of_words": SSD.replace("anchors.csv", "words.csv"),
    "anchors_of_three": SSD.replace("anchors.csv", "three.csv"),
    "anchors_that_are_no_number": SSD.replace("anchors.csv", "nan.csv"),
    "called_as_an_output": LISTED.replace("result.things", "result.many"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_spec_alone_tells(name: str, tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    for file in FILES:
        (tmp_path / file).touch()
    (tmp_path / "model.toml").write_text(HEAD + WRONG[name], "utf-8")
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "model.toml")
    assert caught.value.code == 2
    assert caught.value.render(tmp_path) == snapshot(name=name)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, str]:
    """What is said of each of MISFITS; with an app, too."""
    shop = Workshop(tmp_path_factory.mktemp("misfits"), module_cli)
    for name, spec in MISFITS.items():
        shop.model(name, TFLITE + spec, FILES)
        shop.model(f"{name}_app", TFLITE + spec + "[ios]\n", FILES)
    shop.model("fits", TFLITE + SSD, FILES)
    return {name: "built" if said.ok else said.told for name, said in shop.build().items()}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_the_file(name: str, told: dict[str, str], snapshot: SnapshotAssertion) -> None:
    assert told[name] == snapshot(name=name)
    assert told[f"{name}_app"] == told[name]


def test_what_fits_is_built_without_an_app(told: dict[str, str]) -> None:
    assert told["fits"] == "built"
