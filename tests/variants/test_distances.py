"""How far a file is from its source: what is measured, what is refused, and what is said where nothing can be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shop import Shop
from test_ranges import write_samples

from tflite_build.actions import compare

SIZE = (1, 6)
X = np.random.default_rng(0).normal(0, 1, (5, *SIZE)).astype(np.float32)
ENDS = {"plain": [], "soft": [["softmax"]], "constant": [["constant"]], "dead": [["scale", 0.0]]} | {
    "wild": [["scale", 3e38], ["scale", 3e38]]
}
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def given(shop: Shop) -> dict[str, Any]:
    """What each small model gives for X, by the plain interpreter."""
    files = {name: shop.folder / f"{name}.tflite" for name in ENDS}
    layers = {name: [["dense", 4], *end] for name, end in ENDS.items()}
    shop.make({files[n]: {"signatures": [{"name": "serve", "input": SIZE, "layers": layers[n]}]} for n in ENDS})
    found = shop.measure([{"model": files[n], "feed": {"x": X}} for n in ENDS])
    return {n: f.outputs["y"] for n, f in zip(ENDS, found, strict=True)}


@pytest.fixture
def compared(shop: Shop, engine: Callable[[str], Any], tmp_path: Path) -> Callable[..., Any]:
    """`compared(model, y=...)`: the distance of a model from outputs that it should have had."""

    def of(model: str, names: Any = None, **expected: Any) -> Any:
        number = len(list(tmp_path.iterdir()))
        folders = {
            "model": shop.folder / f"{model}.tflite",
            "samples": write_samples(tmp_path / f"samples{number}", "serve", x=X),
            "expected": write_samples(tmp_path / f"expected{number}", "serve", **expected),
        }
        return engine("core")("compare", {"keep_outputs": False, "names": names or {}}, folders)

    return of


def _row(reply: Any) -> Row:
    assert reply.done is not None, reply
    (signature,) = json.loads((reply.outputs / "compare.json").read_text())["signatures"]
    (row,) = signature["outputs"]
    found: Row = row
    return found


def _judged(reply: Any, quantize: str = "none", tolerance: float = 1e-3) -> compare.Verdict:
    return compare.judge(compare.read(json.loads((reply.outputs / "compare.json").read_text())), quantize, tolerance)


def test_equal_outputs(given: Any, compared: Any) -> None:
    row = _row(compared("plain", y=given["plain"]))
    assert {k: row[k] for k in ("cosine", "max_abs", "max_share", "top1", "status")} == {
        "cosine": 1.0,
        "max_abs": 0.0,
        "max_share": 0.0,
        "top1": None,
        "status": "ok",
    }
    assert row["samples"] == 5


def test_distances_are_what_numpy_says(given: Any, compared: Any) -> None:
    wanted = given["plain"] + np.random.default_rng(1).normal(0, 0.3, given["plain"].shape).astype(np.float32)
    row = _row(compared("plain", y=wanted))
    a, b = given["plain"].ravel().astype(float), wanted.ravel().astype(float)
    assert row["cosine"] == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), rel=1e-5)
    assert row["max_abs"] == pytest.approx(np.abs(a - b).max(), rel=1e-5)
    assert row["max_share"] == pytest.approx(np.abs(a - b).max() / (b.max() - b.min()), rel=1e-5)


def _sizes(folder: Path, name: str, arrays: list[Any], *, derived: bool) -> Path:
    """As the step `samples` hands on several sizes; with `derived` all but the first are the first brought to them."""
    folder.mkdir()
    index = []
    for number, array in enumerate(arrays):
        np.save(folder / f"{number}.npy", array)
        entry = {"signature": "serve", "sizes": {"n": number}, "files": {name: f"{number}.npy"}}
        index.append(entry | ({"derived": True} if derived and number else {}))
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def compared_sizes(shop: Shop, engine: Callable[[str], Any], tmp_path: Path) -> Callable[..., Any]:
    """As `compared`, of the model "plain", with every sample as a size of its own."""

    def of(expected: Any, *, derived: bool) -> Any:
        folders = {
            "model": shop.folder / "plain.tflite",
            "samples": _sizes(tmp_path / "samples", "x", [x[None] for x in X], derived=derived),
            "expected": _sizes(tmp_path / "expected", "y", [y[None] for y in expected], derived=derived),
        }
        return engine("core")("compare", {"keep_outputs": False, "names": {}}, folders)

    return of


def test_a_declared_size_that_the_data_lacks_counts_for_itself(given: Any, compared_sizes: Any) -> None:
    wanted = given["plain"].copy()
    wanted[3] *= -1
    reply = compared_sizes(wanted, derived=True)
    assert (_row(reply)["cosine"], _row(reply)["note"]) == (-1.0, "at n = 3")
    (refusal,) = _judged(reply, "int8").refusals
    assert "cosine -1 (at n = 3, which the data lacks), at least 0.5 is wanted" in refusal


def test_sizes_of_the_users_own_samples_count_as_one(given: Any, compared_sizes: Any) -> None:
    """One sample may be a number near zero, of which the cosine is its sign."""
    wanted = given["plain"].copy()
    wanted[3] *= -1
    row = _row(compared_sizes(wanted, derived=False))
    assert row["cosine"] == pytest.approx(float(np.vdot(wanted, given["plain"]) / np.vdot(wanted, wanted)), rel=1e-4)
    assert row["note"] == ""


def test_what_is_next_to_nothing_at_a_size_is_not_compared_there(given: Any, compared_sizes: Any) -> None:
    wanted = given["plain"].copy()
    wanted[3] = 0
    row = _row(compared_sizes(wanted, derived=True))
    assert (row["status"], row["cosine"], row["scale"]) == ("ok", 1.0, 1.0)


def test_fewer_expected_samples_than_there_are(given: Any, compared: Any) -> None:
    row = _row(compared("plain", y=given["plain"][:2]))
    assert (row["samples"], row["status"], row["max_abs"]) == (2, "ok", 0.0)


def test_top1_is_for_distributions_alone(given: Any, compared: Any) -> None:
    assert _row(compared("soft", y=given["soft"]))["top1"] == 1.0
    turned = given["soft"].copy()
    turned[0] = turned[0][..., ::-1]
    same = float(np.mean(turned.argmax(-1) == given["soft"].argmax(-1)))
    assert _row(compared("soft", y=turned))["top1"] == pytest.approx(same)
    assert _row(compared("plain", y=given["plain"]))["top1"] is None, "of logits nobody can tell that they are classes"
    assert _row(compared("soft", y=given["soft"] * 2))["top1"] is None


@pytest.mark.parametrize(
    ("model", "change", "status", "said"),
    [
        ("plain", lambda y: y[..., :3], "shape", "has another shape than the source's ([1, 4], not [1, 3])"),
        ("plain", lambda y: y.astype(np.int32), "dtype", "has another type than the source's (float32, not int32)"),
        ("plain", lambda y: np.where(y > 0, np.nan, y), "nonfinite", "is not NaN or infinite in the same places"),
        ("dead", lambda y: y + np.arange(4, dtype="f"), "dead", "is zero throughout, which the source's is not"),
    ],
)
def test_what_is_wrong_whatever_the_limits(
    model: str, change: Any, status: str, said: str, given: Any, compared: Any
) -> None:
    reply = compared(model, y=change(given[model]))
    assert _row(reply)["status"] == status
    for quantize in ("none", "dynamic-int4", "recipe", "from-source"):
        (refusal,) = _judged(reply, quantize, 1.0).refusals
        assert refusal.startswith(f"output 'y' of 'serve' {said}")


def test_a_missing_output_is_refused(given: Any, compared: Any) -> None:
    reply = compared("plain", y=given["plain"], z=given["plain"])
    assert _judged(reply).refusals == ("output 'z' of 'serve' is missing",)


def test_nan_where_the_file_has_none_and_the_other_way(given: Any, compared: Any) -> None:
    nan = np.full_like(given["plain"], np.nan)
    reply = compared("plain", y=nan)
    assert _row(reply)["status"] == "nonfinite"
    # A model that gives NaN itself cannot be compared there, and that is said.
    sometimes = given["plain"].copy()
    sometimes[0, 0, 0] = np.inf
    assert _row(compared("plain", y=sometimes))["status"] == "nonfinite"


def test_infinity_throughout_is_no_distance(given: Any, compared: Any) -> None:
    assert np.isinf(given["wild"]).all()
    reply = compared("wild", y=given["wild"])
    assert _row(reply)["status"] == "empty"
    assert _judged(reply) == compare.Verdict()


def test_constant_outputs_are_held_to_their_error(given: Any, compared: Any) -> None:
    assert given["constant"].max() == given["constant"].min() == 2.5
    reply = compared("constant", y=given["constant"])
    assert _row(reply)["status"] == "constant"
    assert _row(reply)["cosine"] is None
    assert _judged(reply).refusals == ()
    for off, kinds in ((0.01, ["none"]), (0.2, ["none", "float16"]), (4.0, ["none", "float16", "int8", "recipe"])):
        reply = compared("constant", y=given["constant"] + np.float32(off))
        assert _row(reply)["max_abs"] == pytest.approx(off, rel=1e-5)
        for quantize in ("none", "float16", "int8", "recipe"):
            assert bool(_judged(reply, quantize).refusals) == (quantize in kinds), (off, quantize)
    # Large constants carry large rounding errors of float32.
    wanted = np.full_like(given["constant"], 2.5e6)
    row = _row(compared("constant", y=wanted))
    assert row["max_share"] == pytest.approx((2.5e6 - 2.5) / 2.5e6, rel=1e-5)


def test_zero_outputs_are_held_to_their_absolute_error(given: Any, compared: Any) -> None:
    assert _row(compared("dead", y=given["dead"]))["status"] == "zero"
    reply = compared("constant", y=np.zeros_like(given["constant"]))
    assert _row(reply)["status"] == "zero"
    (refusal,) = _judged(reply, "int8").refusals
    assert refusal.startswith("output 'y' of 'serve' is constant in the source and off by 2.5")


def test_the_imaginary_part_counts(compared: Any, shop: Shop, given: Any) -> None:
    shop.make(
        {shop.folder / "rfft.tflite": {"signatures": [{"name": "serve", "input": SIZE, "layers": [["rfft", 8]]}]}}
    )
    wanted = np.fft.rfft(X[:, :, None], 8).astype(np.complex64)
    assert _row(compared("rfft", y=wanted))["max_abs"] < 1e-5
    row = _row(compared("rfft", y=wanted.conj()))
    assert row["max_abs"] == pytest.approx(2 * np.abs(wanted.imag).max(), rel=1e-4)
    assert _judged(compared("rfft", y=wanted.conj())).refusals


@pytest.mark.parametrize("off", [0.0, 0.0005, 0.002, 0.3])
def test_tolerance_is_a_share_of_the_outputs_range(off: float, given: Any, compared: Any) -> None:
    wanted = given["plain"].copy()
    wanted[1, 0, 2] += off * (wanted.max() - wanted.min())
    reply = compared("plain", y=wanted)
    assert bool(_judged(reply).refusals) == (off > 1e-3)
    assert bool(_judged(reply, tolerance=0.01).refusals) == (off > 0.01)
    assert _judged(reply, "dynamic-int8").refusals == ()


def test_another_signature_or_input_is_refused(given: Any, compared: Any) -> None:
    reply = compared("plain", names={"serve": {"inputs": {"picture": "x"}, "outputs": {}}}, y=given["plain"])
    assert reply.refused["reason"] == "the signature 'serve' of the file takes 'x' where the source takes 'picture'"


def test_every_kind_of_variant_has_limits() -> None:
    row = {"name": "y", "cosine": -0.1, "max_abs": 9.0, "max_share": 9.0, "top1": None, "status": "ok", "samples": 1}
    distance = compare.read({"signatures": [{"name": "", "outputs": [row]}]})
    words = "none float16 dynamic-int8 dynamic-int4 weight-only-int8 weight-only-int4 int8 int16x8 recipe from-source"
    for word in words.split():
        (refusal,) = compare.judge(distance, word, 1e-3).refusals
        assert refusal.startswith("output 'y' is too far from the source: cosine -0.1")
