"""Inputs under other names: data goes by the spec's names, also where those are the model's own for another input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from harness import Said
from shop import Shop

COUNT = 150
MODEL = {
    "signatures": [
        {"name": "serve", "input": [1, 8], "layers": [["minus", "y"], ["dense", 12, "relu"], ["dense", 6], ["softmax"]]}
    ],
    "seed": 4,
}
SWAP = '[input.y]\nfrom = "x"\n[input.x]\nfrom = "y"\n'
CHAIN = '[input.y]\nfrom = "x"\n[input.z]\nfrom = "y"\n'
NEW = '[input.picture]\nfrom = "x"\n[input.mask]\nfrom = "y"\n'
VARIANTS = '[variant.float32]\n[variant.int8]\nquantize = "int8"\n'
X, Y = np.random.default_rng(0).normal(0, (1, 3), (COUNT, 8, 2)).astype(np.float32).transpose(2, 0, 1)
FILES = {  # what each table of names calls x and y
    "plain": ("", "x", "y"),
    "swap": (SWAP, "y", "x"),
    "chain": (CHAIN, "y", "z"),
    "new": (NEW, "picture", "mask"),
    "own": (NEW, "x", "y"),
    "mixed": (NEW, "serve/picture", "y"),
}
CODE = {  # names, and how code gives `x` and `y`
    "swap_code": (SWAP, "{'y': x, 'x': y}"),
    "chain_code": (CHAIN, "{'y': x[None], 'z': y}"),
    "new_code": (NEW, "{'serve': {'picture': x, 'y': y}}"),
    "swap_in_order": (SWAP, "(x, y)"),
}
WRONG: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "missing": (NEW, {"picture": X}),
    "near": (NEW, {"picture": X, "maks": Y}),
    "twice": (NEW, {"picture": X, "mask": Y, "y": Y}),
    "twice_by_signature": (NEW, {"picture": X, "serve/picture": X, "mask": Y}),
    "twice_in_a_chain": (CHAIN, {"x": X, "y": X, "z": Y}),
    "not_finite": (NEW, {"picture": X, "mask": Y * np.float32(np.nan)}),
    "fewer": (NEW, {"picture": X, "mask": Y[:3]}),
}
WRONG_CODE = {
    "missing_code": (NEW, "{'picture': x}"),
    "near_code": (NEW, "{'picture': x, 'maks': y}"),
    "far_code": (NEW, "{'picture': x, 'label': 1}"),
    "twice_code": (NEW, "{'picture': x, 'x': x, 'mask': y}"),
}


def _accuracy(keys: str) -> str:
    return f'[checks]\naccuracy = {{ data = "data.npz", metric = "top1"{keys} }}\n'


@pytest.fixture(scope="module")
def said(shop: Shop) -> dict[str, Said]:
    """One build of all of them."""
    source = shop.folder / "source.tflite"
    shop.make({source: MODEL})
    (found,) = shop.measure([{"model": source, "feed": {"x": X, "y": Y}}])
    labels = found.outputs["y"].argmax(-1).reshape(-1)
    data = '[calibration]\ndata = "data.npz"\n'
    for name, (names, x, y) in FILES.items():
        shop.tflite(name, names + VARIANTS + data, source=source, **{x: X, y: Y})
    entry = '[calibration]\nentry = "data.py:samples"\n'
    for name, (names, given) in {**CODE, **WRONG_CODE}.items():
        folder = shop.tflite(name, names + VARIANTS + entry, source=source, x=X, y=Y)
        lines = "def samples():\n    data = np.load('data.npz')\n    for x, y in zip(data['x'], data['y']):\n"
        (folder / "data.py").write_text(f"import numpy as np\n{lines}        yield {given}\n")
    for name, (names, arrays) in WRONG.items():
        shop.tflite(name, names + VARIANTS + data, source=source, **arrays)
        toml = names + "[variant.float32]\n" + _accuracy("")
        shop.tflite(f"labelled_{name}", toml, source=source, **arrays, labels=labels)
    shop.tflite("taken", '[input.y]\nfrom = "x"\n' + VARIANTS + data, source=source, x=X, y=Y)
    toml = '[input.y]\nfrom = "x"\n[variant.float32]\n' + _accuracy("")
    shop.tflite("labelled_taken", toml, source=source, x=X, y=Y, labels=labels)
    int4 = '[variant.int4]\nquantize = "dynamic-int4"\n'
    for name in ("swap", "chain", "own"):
        names, x, y = FILES[name]
        given = {x: X, y: Y, "labels": labels}
        shop.tflite(
            f"accuracy_{name}", names + "[variant.float32]\n" + int4 + _accuracy(", min = 0.6"), source=source, **given
        )
        shop.tflite(f"drop_{name}", names + int4 + _accuracy(", max_drop = 0.0"), source=source, **given)
    return shop.build()


def test_every_way_to_name_the_same_samples_gives_the_same_numbers(said: dict[str, Said], shop: Shop) -> None:
    assert not [said[n].told for n in (*FILES, *CODE) if said[n].errors]
    files = [said[name].file("int8") for name in (*FILES, *CODE)]
    calls = {"": ("x", "y"), SWAP: ("y", "x"), CHAIN: ("y", "z"), NEW: ("picture", "mask")}
    names = [calls[table] for table, *_ in (*FILES.values(), *CODE.values())]
    jobs = [{"model": f, "feed": {x: X[:9], y: Y[:9]}} for f, (x, y) in zip(files, names, strict=True)]
    first, *others = [found.outputs["y"] for found in shop.measure(jobs)]
    assert all(np.array_equal(first, other) for other in others)


def test_files_are_compared_under_their_new_names(said: dict[str, Said]) -> None:
    for name in (*FILES, *CODE):
        assert said[name].variants["float32"]["max_abs"] == 0, name
        assert said[name].variants["int8"]["cosine"] == said["plain"].variants["int8"]["cosine"] > 0.99, name


@pytest.mark.parametrize("name", ["swap", "chain", "own"])
def test_accuracy_is_that_of_the_right_inputs(name: str, said: dict[str, Said]) -> None:
    good = said[f"accuracy_{name}"]
    assert not good.errors, good.told
    assert good.variants["float32"]["accuracy"] == 1.0
    assert 0.6 < good.variants["int4"]["accuracy"] < 1.0
    # What the float file reaches, by its own names, is what variants are held against.
    error = said[f"drop_{name}"].error
    assert error["code"] == 4
    assert "1.0000 to 0." in error["message"]


def test_a_name_that_another_input_keeps_is_told_where_it_is_given(said: dict[str, Said]) -> None:
    for name in ("taken", "labelled_taken"):
        error = said[name].error
        assert error["message"] == "the model has another input that is called 'y'"
        assert (error["code"], error["key"], error["line"]) == (2, "input.y.from", 8)


MISTAKES = sorted([*WRONG, *WRONG_CODE, *(f"labelled_{name}" for name in WRONG)])


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told_by_the_names_of_the_spec(name: str, said: dict[str, Said], snapshot: Any) -> None:
    assert said[name].told == snapshot(name=name)
    assert {e["code"] for e in said[name].errors} == {2}
    assert not said[name].value["variants"]
