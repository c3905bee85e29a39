"""`resolve` is a pure function: spec, lock and refutations decide, and nothing else does."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tflite_build.engines.contract import Interface, SignatureSpec, TensorSpec
from tflite_build.errors import BuildError, SpecError
from tflite_build.planning.lock import Decision, Lock, Refutation
from tflite_build.planning.resolve import Refuted, resolve
from tflite_build.spec.load import LoadedSpec, load

SOURCES = {
    "keras": 'format = "keras"\nentry = "model.py:build"\n',
    "jax": 'format = "jax"\nentry = "model.py:build"\n',
    "function": 'format = "function"\nentry = "model.py:build"\n',
    "saved_model": 'format = "saved_model"\npath = "saved"\n',
    "tflite": 'format = "tflite"\npath = "m.tflite"\n',
}
INT8 = '[variant.int8]\nquantize = "int8"\n[calibration]\ndata = "c.npz"\n'


def spec(folder: Path, source: str, rest: str = "") -> LoadedSpec:
    (folder / "model.py").touch()
    (folder / "c.npz").touch()
    (folder / "m.tflite").write_bytes(b"\0\0\0\0TFL3")
    (folder / "saved").mkdir(exist_ok=True)
    (folder / "saved" / "saved_model.pb").touch()
    (folder / "model.toml").write_text(f'spec = 1\n[model]\nname = "m"\n[source]\n{SOURCES[source]}{rest}')
    return load(folder / "model.toml")


def locked(**choices: str) -> Lock:
    """A lock with decisions; `engine_tensorflow` was refuted where the choice is written `litert!`."""
    return Lock(
        decisions={
            subject.replace("_", ":"): Decision(
                choice, (Refutation("litert", "old reason"),) if choice != "litert" else ()
            )
            for subject, choice in choices.items()
        }
    )


LITERT_ENGINE = Refuted("engine", "litert", "cannot")
TF_ENGINE = Refuted("engine", "tensorflow", "cannot either")
LITERT_INT8 = Refuted("quantizer:int8", "litert", "no form")
TF_INT8 = Refuted("quantizer:int8", "tensorflow", "no form either")

# source, further tables, lock, refutations -> engine, quantizers, decisions with what is refuted, what is untried
DECISIONS = {
    "the first candidates": (
        ("keras", INT8, Lock(), []),
        ("litert", ["litert"]),
        {"engine": ("litert", {}), "quantizer:int8": ("litert", {})},
        {"engine": ("tensorflow",), "quantizer:int8": ("tensorflow",)},
    ),
    "a refuted engine": (
        ("keras", INT8, Lock(), [LITERT_ENGINE]),
        ("tensorflow", ["litert"]),
        {"engine": ("tensorflow", {"litert": "cannot"}), "quantizer:int8": ("litert", {})},
        {"engine": (), "quantizer:int8": ("tensorflow",)},
    ),
    "a refuted quantizer": (
        ("keras", INT8, Lock(), [LITERT_INT8]),
        ("litert", ["tensorflow"]),
        {"engine": ("litert", {}), "quantizer:int8": ("tensorflow", {"litert": "no form"})},
        {"engine": ("tensorflow",), "quantizer:int8": ()},
    ),
    "another variant's refutation": (
        ("keras", INT8, Lock(), [Refuted("quantizer:other", "litert", "no form")]),
        ("litert", ["litert"]),
        {"engine": ("litert", {}), "quantizer:int8": ("litert", {})},
        {"engine": ("tensorflow",), "quantizer:int8": ("tensorflow",)},
    ),
    "decisions of the lock, with their reasons": (
        ("keras", INT8, locked(engine="tensorflow", quantizer_int8="litert"), []),
        ("tensorflow", ["litert"]),
        {"engine": ("tensorflow", {"litert": "old reason"}), "quantizer:int8": ("litert", {})},
        {},
    ),
    "a decision of the lock that fails": (
        ("keras", "", locked(engine="tensorflow"), [TF_ENGINE]),
        ("litert", []),
        {"engine": ("litert", {"tensorflow": "cannot either"})},
        {"engine": ()},
    ),
    "a decision that the spec overrides": (
        ("keras", '[convert]\nengine = "litert"\n', locked(engine="tensorflow"), []),
        ("litert", []),
        {},
        {"engine": ()},
    ),
    "a decision for what no longer exists": (
        ("keras", "", locked(engine="onnx", quantizer_gone="litert"), []),
        ("litert", []),
        {"engine": ("litert", {})},
        {"engine": ("tensorflow",)},
    ),
    "one engine is no decision": (("jax", "", Lock(), []), ("litert", []), {}, {"engine": ()}),
    "nor for a SavedModel": (("saved_model", "", Lock(), []), ("tensorflow", []), {}, {"engine": ()}),
    "nor for a function": (("function", "", Lock(), []), ("tensorflow", []), {}, {"engine": ()}),
    "a .tflite file needs none": (
        ("tflite", '[variant.a]\n[variant.b]\nquantize = "float16"\n', Lock(), []),
        ("", ["", "litert"]),
        {},
        {"quantizer:b": ()},
    ),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_the_first_candidate_that_nothing_refutes(tmp_path: Path, case: str) -> None:
    (source, rest, lock, refuted), (engine, quantizers), decisions, untried = DECISIONS[case]
    loaded = spec(tmp_path, source, rest)
    before = copy.deepcopy((lock, refuted))
    resolved = resolve(loaded, lock, refuted)
    assert resolved.engine == engine
    assert [v.quantizer for v in resolved.variants] == (quantizers or [""])
    assert {
        subject: (d.choice, {r.choice: r.reason for r in d.refuted}) for subject, d in resolved.decisions.items()
    } == decisions
    assert dict(resolved.untried) == untried
    assert resolve(loaded, lock, refuted) == resolved and (lock, refuted) == before  # pure


@pytest.mark.parametrize(
    ("source", "rest", "refuted", "shown"),
    [
        (
            "keras",
            "",
            [LITERT_ENGINE, TF_ENGINE],
            [
                "error: the litert engine cannot make this file: cannot",
                " --> model.toml:5",
                '5 | format = "keras"',
                "",
                "error: the tensorflow engine cannot make this file: cannot either",
                " --> model.toml:5",
                '5 | format = "keras"',
            ],
        ),
        (
            "keras",
            '[convert]\nengine = "litert"\n',
            [LITERT_ENGINE],
            [
                "error: the litert engine cannot make this file: cannot",
                " --> model.toml:5",
                '5 | format = "keras"',
            ],
        ),
        (
            "tflite",
            INT8,
            [LITERT_INT8, TF_INT8],
            [
                "error: the litert quantizer cannot make this file: no form",
                " --> model.toml:8",
                '8 | quantize = "int8"',
                "",
                "error: the tensorflow quantizer cannot make this file: no form either",
                " --> model.toml:8",
                '8 | quantize = "int8"',
            ],
        ),
    ],
)
def test_when_all_are_refuted_each_reason_is_shown(
    tmp_path: Path, source: str, rest: str, refuted: list[Refuted], shown: list[str]
) -> None:
    with pytest.raises(BuildError) as caught:
        resolve(spec(tmp_path, source, rest), Lock(), refuted)
    assert caught.value.render(tmp_path).splitlines() == shown and caught.value.code == 1


def test_names_that_the_source_does_not_have_are_told_at_once(tmp_path: Path) -> None:
    interface = Interface(
        (
            SignatureSpec(
                "encode", (TensorSpec("pixels", (1, 4), "float32"),), (TensorSpec("code", (1, 2), "float32"),)
            ),
            SignatureSpec(
                "decode", (TensorSpec("code", (1, 2), "float32"),), (TensorSpec("pixels", (1, 4), "float32"),)
            ),
        )
    )
    rest = (
        "[signature.encod]\n[signature.encode.input.pixel]\nrange = [0, 1]\n"
        '[signature.decode.output.image]\nfrom = "pixls"\n'
    )
    with pytest.raises(SpecError) as caught:
        resolve(spec(tmp_path, "saved_model", rest), Lock(), [], interface)
    assert [(p.message, p.place.line, p.hint) for p in caught.value.problems if p.place] == [
        ("the source has no signature 'encod'", 7, "did you mean 'encode'?"),
        ("the model has no input 'pixel'", 8, "did you mean 'pixels'?"),
        ("the model has no output 'pixls'", 11, "did you mean 'pixels'?"),
    ]
    with pytest.raises(SpecError) as caught:
        resolve(spec(tmp_path, "saved_model", "[input.pixels]\nrange = [0, 1]\n"), Lock(), [], interface)
    assert caught.value.render(tmp_path).splitlines() == [
        "error: the source has 2 signatures, so [input] does not say which one it belongs to",
        " --> model.toml:7",
        "7 | [input.pixels]",
        "help: write [signature.NAME.input.TENSOR] with NAME one of encode, decode",
    ]
