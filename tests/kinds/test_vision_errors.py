"""Mistakes in masks, points and pictures, each told at its key with what was expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import Ran, Said
from kinds_bed import Model, build, jax_model

CODE = """
import jax.numpy as jnp

def vision(image):
    whole = image.reshape(1, -1)

    def made(*shape):
        count = 1
        for size in shape:
            count *= size
        return whole[:, :count].reshape(shape)

    return {
        "scores": made(1, 8, 8, 3),
        "cube": made(1, 6, 6, 6),
        "one": made(1, 8, 8, 1),
        "row": made(1, 12),
        "points": made(1, 4, 3),
        "people": made(1, 2, 4, 3),
        "three": made(1, 3),
        "shift": made(1, 8, 8, 7),
        "class": made(1, 8, 8).astype("int32"),
        "five": made(1, 8, 8, 5),
        "whole": made(1, 8, 8, 3).astype("int32"),
    }

def plain(x):
    return {"scores": x}
"""
IMAGE = '[input.image]\ndtype = "float32"\ncontent = "image"\nshape = [1, 16, 16, 3]\n'
FILES = {
    "two.txt": "a\nb\n",
    "three.txt": "a\nb\nc\n",
    "one.txt": "a\n",
    "twice.txt": "a\nb\na\nc\n",
    "four.txt": "a\nb\nc\nd\n",
    "palette.txt": "#112233\nred\n#445566\n",
    "none.txt": "",
}


def vision(spec: str) -> Model:
    return jax_model(CODE, "vision", IMAGE + spec, FILES)


def mask(of: str, more: str = "") -> Model:
    return vision(f'[result.parts]\nkind = "mask"\nmask = "{of}"\n{more}')


def points(more: str) -> Model:
    return vision(f'[result.pose]\nkind = "keypoints"\n{more}')


def picture(of: str, more: str = "") -> Model:
    return vision(f'[result.drawing]\nkind = "image"\nimage = "{of}"\n{more}')


MODELS = {
    "mask_of_no_output": mask("scors"),
    "mask_of_a_row": mask("row"),
    "mask_of_either_axis": mask("cube"),
    "mask_of_other_labels": mask("scores", 'labels = "two.txt"\n'),
    "mask_of_other_labels_elsewhere": mask("scores", 'labels = { default = "three.txt", de = "two.txt" }\n'),
    "mask_of_one_label": mask("one", 'labels = "one.txt"\n'),
    "mask_of_no_labels": mask("scores", 'labels = "none.txt"\n'),
    "mask_with_the_wrong_axis": mask("scores", 'labels = "three.txt"\nchannel_axis = "first"\n'),
    "softmax_of_one_score": mask("one", 'activation = "softmax"\n'),
    "threshold_of_numbers": mask("class", "threshold = 0.5\n"),
    "numbers_in_a_row": mask("whole"),
    "palette_of_two": mask("scores", 'palette = ["#ff0000", "#00ff00"]\n'),
    "palette_of_words": mask("scores", 'palette = "palette.txt"\n'),
    "palette_of_a_word": mask("scores", 'palette = ["red"]\n'),
    "palette_of_a_number": mask("scores", "palette = 3\n"),
    "palette_missing": mask("scores", 'palette = "colors.txt"\n'),
    "mask_without_a_picture": jax_model(
        CODE,
        "plain",
        '[input.x]\ndtype = "float32"\nshape = [1, 8, 8, 3]\n[result.parts]\nkind = "mask"\nmask = "scores"\n',
    ),
    "mask_of_another_picture": mask("scores", 'picture = "imag"\n'),
    "no_points": points(""),
    "points_and_a_heatmap": points('points = "points"\nheatmap = "five"\naxes = "xy"\n'),
    "points_without_axes": points('points = "points"\n'),
    "axes_without_y": points('points = "points"\naxes = "xxs"\n'),
    "axes_of_other_letters": points('points = "points"\naxes = "abc"\n'),
    "points_of_two_numbers": points('points = "points"\naxes = "xy"\n'),
    "points_of_people": points('points = "people"\naxes = "yxs"\n'),
    "points_of_whole_numbers": points('points = "class"\naxes = "xy"\n'),
    "scores_of_others": points('points = "row"\naxes = "xyz"\nscores = "three"\n'),
    "scores_twice": points('points = "points"\naxes = "xys"\nscores = "row"\n'),
    "threshold_of_no_scores": points('points = "points"\naxes = "xyz"\nscore_threshold = 0.5\n'),
    "stride_of_points": points('points = "points"\naxes = "xyz"\nstride = 8\n'),
    "names_of_others": points('points = "points"\naxes = "yxs"\nnames = ["a", "b"]\n'),
    "names_twice": points('points = "points"\naxes = "yxs"\nnames = ["a", "b", "a", "c"]\n'),
    "names_twice_in_a_file": points('points = "points"\naxes = "yxs"\nnames = "twice.txt"\n'),
    "edges_without_names": points('points = "points"\naxes = "yxs"\nedges = [["a", "b"]]\n'),
    "names_of_a_number": points('points = "points"\naxes = "yxs"\nnames = 4\n'),
    "edges_of_three": points('points = "points"\naxes = "yxs"\nnames = "four.txt"\nedges = [["a", "b", "c"]]\n'),
    "edges_of_nobody": points(
        'points = "points"\naxes = "yxs"\nnames = ["a", "b", "nose", "d"]\nedges = [["a", "nos"]]\n'
    ),
    "edges_of_nobody_in_a_file": points('points = "points"\naxes = "yxs"\nnames = "four.txt"\nedges = [["a", "e"]]\n'),
    "heatmap_of_a_row": points('heatmap = "row"\n'),
    "heatmap_of_other_names": points('heatmap = "five"\nnames = "four.txt"\n'),
    "offsets_without_a_stride": points('heatmap = "five"\noffsets = "shift"\n'),
    "offsets_of_others": points('heatmap = "five"\noffsets = "shift"\nstride = 2\n'),
    "coordinates_of_a_heatmap": points('heatmap = "five"\ncoordinates = "pixel"\n'),
    "axes_of_a_heatmap": points('heatmap = "five"\naxes = "yx"\n'),
    "picture_of_five_channels": picture("five"),
    "picture_of_whole_numbers": picture("whole"),
    "picture_in_color": picture("one", 'color_space = "rgb"\n'),
    "picture_of_two_means": picture("scores", "mean = [1, 2]\n"),
    "picture_of_other_lengths": picture("scores", "mean = [1, 2, 3]\nstd = [1, 2]\n"),
    "picture_of_an_unknown_key": picture("scores", "mena = 1\n"),
    "picture_by_content": vision('[output.five]\ncontent = "image"\n'),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, Said]:
    """One build of all of them."""
    return build(MODELS, tmp_path_factory.mktemp("wrong"), module_cli)[1]


@pytest.mark.parametrize("name", MODELS)
def test_it_is_told_at_its_key(name: str, said: dict[str, Said], snapshot: Any) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {2}
    assert not said[name].value["variants"]
