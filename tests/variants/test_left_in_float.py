"""Weights that have no form of the kind asked for stay float32; where they make most of the file, the build says so."""

from __future__ import annotations

import pytest
from harness import Said
from shop import Shop

WORDS = ("float16", "dynamic-int8", "dynamic-int4", "weight-only-int8", "weight-only-int4")
WIDE = [["depthwise", 5], ["mean"], ["dense", 4]]  # most weights are the depthwise convolution's
NARROW = [["depthwise", 3], ["conv", 160, 1], ["mean"], ["dense", 4]]
KEPT = '[variant.kept]\nquantize = "dynamic-int4"\nkeep_float = ["op:DEPTHWISE_CONV_2D"]\n'
NAMED = '[variant.named]\nquantize = "dynamic-int4"\nkeep_float = ["depthwise_0"]\n'


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    toml = "".join(f'[variant.{word}]\nquantize = "{word}"\n' for word in WORDS) + KEPT + NAMED
    for name, layers in (("wide", WIDE), ("narrow", NARROW)):
        file = shop.folder / f"{name}.tflite"
        shop.make({file: {"signatures": [{"name": "serve", "input": [1, 8, 8, 64], "layers": layers}]}})
        shop.tflite(name, toml, source=file)
    file = shop.folder / "shared.tflite"
    twice = [{"name": name, "input": [1, 8, 8, 64], "layers": WIDE} for name in ("one", "two")]
    shop.make({file: {"signatures": twice, "shared": True}})
    shop.tflite("shared", '[variant.own]\nquantize = "dynamic-int4"\n', source=file)
    return shop.build()


def test_what_makes_most_of_the_file_is_told(said: dict[str, Said]) -> None:
    assert not said["wide"].errors, said["wide"].told
    assert sorted(said["wide"].value["warnings"]) == [
        f"{word}: 1 of 2 weights, 98% of their bytes, stays float32: there is no {word} form of 'DEPTHWISE_CONV_2D'; "
        f"{word[:-1]}8 has one of 'DEPTHWISE_CONV_2D', and may be smaller"
        for word in ("dynamic-int4", "weight-only-int4")
    ]


def test_it_is_true_that_int8_is_smaller(said: dict[str, Said], shop: Shop) -> None:
    sizes = {word: said["wide"].variants[word]["size"] for word in WORDS}
    assert sizes["dynamic-int8"] < sizes["dynamic-int4"]
    assert sizes["weight-only-int8"] < sizes["weight-only-int4"]
    four, eight = shop.measure([{"model": said["wide"].file(f"dynamic-int{bits}")} for bits in (4, 8)])
    assert four.tensor("serve/kernel_0")["dtype"] == "float32"
    assert eight.tensor("serve/kernel_0")["dtype"] == "int8"


def test_a_small_part_is_not_worth_a_warning(said: dict[str, Said]) -> None:
    assert not said["narrow"].errors, said["narrow"].told
    assert said["narrow"].value["warnings"] == []


def test_weights_that_two_signatures_share_are_counted_once(said: dict[str, Said]) -> None:
    """As they are in the file."""
    assert not said["shared"].errors, said["shared"].told
    (warning,) = said["shared"].value["warnings"]
    assert warning.startswith("own: 1 of 2 weights, 98% of their bytes, stays float32")
