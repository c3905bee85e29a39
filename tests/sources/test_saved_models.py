"""SavedModels of every age: all signatures of each convert, and compute what TensorFlow computes, to the last digits.

What a model gives is asked from the TensorFlow of its own age, what a file gives from the LiteRT runtime, both outside of
this tool, in the toolchains' own Pythons. Every call starts from the state that was saved.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import Said, Workshop

from tflite_build import api
from tflite_build.errors import BuildError
from tflite_build.spec.load import load

FIXTURES = Path(__file__).parents[1] / "fixtures" / "saved_models"
Arrays = dict[str, Any]

MEASURES = {"measures": (1, 4)}
# model -> (SavedModel, who can run it, the end of its model.toml, signature -> inputs as TensorFlow calls them)
MODELS: dict[str, tuple[str, str, str, dict[str, dict[str, tuple[int, ...]]]]] = {
    "keras2": ("keras2_legacy_adam", "flex", "", {"serving_default": MEASURES}),
    "lstm": ("keras2_lstm", "flex", "", {"serve": {"sequence": (1, 5, 3)}, "serving_default": {"sequence": (1, 5, 3)}}),
    "keras3": ("keras3_export", "tensorflow", "", {"serve": MEASURES, "serving_default": MEASURES}),
    "archive": (
        "keras3_archive",
        "tensorflow",
        "",
        {"chances": MEASURES, "first_layer": MEASURES, "scores": MEASURES, "serving_default": MEASURES},
    ),
    "fitted": ("keras3_fitted", "tensorflow", "", {"serving_default": {"inputs": (1, 4)}}),
    "simple_save": ("tf1_simple_save", "flex", "", {"serving_default": {"x": (1, 4)}}),
    "builder": ("tf1_builder", "flex", "", {"classify": {"x": (1, 4)}, "embed": {"x": (1, 4)}}),
    "other_tags": ("tf1_builder", "flex", 'tags = ["gpu", "serve"]', {"double": {"x": (2, 4)}}),
    "one_signature": ("tf1_builder", "flex", 'signatures = ["embed"]', {"embed": {"x": (1, 4)}}),
    "cpu": ("tf1_tags", "flex", 'tags = ["serve", "cpu"]', {"scale": {"x": (2,)}}),
    "gpu": ("tf1_tags", "flex", 'tags = ["serve", "gpu"]', {"scale": {"x": (2,)}}),
    "state": ("module_state", "flex", "", {"add": {"amount": (2,)}, "scaled": {"factor": (2,)}}),
    "table": ("table_values", "flex", "[input.ids]\nrange = [0, 3]", {"serving_default": {"ids": (3,)}}),
    "pair": (
        "module_pair",
        "flex",
        """
        [input.minuend]
        shape = [2, 3]
        [input.less]
        from = "deduct"
        shape = [2, 3]
        [output.ratio]
        from = "quotient"
        """,
        {"serving_default": {"minuend": (2, 3), "deduct": (2, 3)}},
    ),
    "crossed": (
        "module_pair",
        "flex",
        """
        [input.minuend]
        from = "deduct"
        shape = [1, 3]
        [input.deduct]
        from = "minuend"
        shape = [1, 3]
        [output.quotient]
        from = "difference"
        [output.difference]
        from = "quotient"
        """,
        {"serving_default": {"minuend": (1, 3), "deduct": (1, 3)}},
    ),
    "batch": (
        "module_pair",
        "flex",
        """
        [input.minuend]
        shape = ["n", 3]
        sizes.n = [1, 4]
        [input.deduct]
        shape = ["n", 3]
        """,
        {"serving_default": {"minuend": (6, 3), "deduct": (6, 3)}},
    ),
    "open": (
        "module_pair",
        "flex",
        """
        [input.minuend]
        shape = ["n", "m"]
        sizes = { n = [2, 3], m = [1, 4] }
        [input.deduct]
        shape = ["n", "m"]
        """,
        {"serving_default": {"minuend": (5, 2), "deduct": (5, 2)}},
    ),
}
RENAMED = {
    "pair": {"deduct": "less", "quotient": "ratio"},
    "crossed": {"minuend": "deduct", "deduct": "minuend", "quotient": "difference", "difference": "quotient"},
}
INTEGERS = {"ids": 4}
SAMPLES = 2

# What a SavedModel computes, by Python's loader. Arrays are called MODEL/SIGNATURE/NUMBER/INPUT.
EXPECT = """
import json, os, sys
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
import numpy as np
import tensorflow as tf
models, given, made = json.loads(sys.argv[1]), np.load(sys.argv[2]), {}
for call in dict.fromkeys(key.rpartition("/")[0] for key in given):
    name, signature, _ = call.split("/")
    if name in models:
        if "loaded" not in models[name] or name == "state":
            models[name]["loaded"] = tf.saved_model.load(models[name]["folder"], tags=models[name]["tags"])
        loaded = models[name]["loaded"]
        inputs = {key.rpartition("/")[2]: tf.constant(given[key]) for key in given if key.startswith(call + "/")}
        for output, value in loaded.signatures[signature](**inputs).items():
            made[f"{call}/{output}"] = value.numpy()
np.savez(sys.argv[3], **made)
"""
# What a file computes, by a new interpreter for each call.
RUN = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
models, given, made = json.loads(sys.argv[1]), np.load(sys.argv[2]), {}
for call in dict.fromkeys(key.rpartition("/")[0] for key in given):
    name, signature, _ = call.split("/")
    new = models[name]["names"]
    inputs = {key.rpartition("/")[2]: given[key] for key in given if key.startswith(call + "/")}
    run = Interpreter(models[name]["file"]).get_signature_runner(signature)
    result = run(**{new.get(input, input): value for input, value in inputs.items()})
    old = {public: own for own, public in new.items()}
    for output, value in result.items():
        made[f"{call}/{old.get(output, output)}"] = value
np.savez(sys.argv[3], **made)
"""


def write(workshop: Workshop) -> None:
    for name, (saved_model, _, tail, _) in MODELS.items():
        lines = [line.strip() for line in tail.strip().splitlines()]
        folder = workshop.model(name, "\n".join(['format = "saved_model"', 'path = "saved"', *lines]), {})
        shutil.copytree(FIXTURES / saved_model, folder / "saved")


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> dict[str, Said]:
    write(workshop)
    return workshop.build()


@pytest.fixture(scope="module")
def given() -> Arrays:
    random = np.random.default_rng(5)
    arrays: Arrays = {}
    for name, (_, _, _, signatures) in MODELS.items():
        for signature, inputs in signatures.items():
            for number in range(SAMPLES):
                for tensor, shape in inputs.items():
                    top = INTEGERS.get(tensor)
                    value = random.integers(0, top, shape) if top else random.normal(size=shape).astype("float32")
                    arrays[f"{name}/{signature}/{number}/{tensor}"] = value
    return arrays


@pytest.fixture(scope="module")
def expected(given: Arrays, run_script: Callable[..., Arrays]) -> Arrays:
    made: Arrays = {}
    for toolchain in ("flex", "tensorflow"):
        models = {
            name: {
                "folder": str(FIXTURES / saved),
                "tags": json.loads(tail.partition(" = ")[2]) if "tags" in tail else ["serve"],
            }
            for name, (saved, runs, tail, _) in MODELS.items()
            if runs == toolchain
        }
        own = {key: value for key, value in given.items() if key.partition("/")[0] in models}
        made |= run_script(toolchain, EXPECT, json.dumps(models), own)
    return made


@pytest.fixture(scope="module")
def made(built: dict[str, Said], given: Arrays, run_script: Callable[..., Arrays]) -> Arrays:
    failed = {name: said.value["errors"] for name, said in built.items() if not said.ok}
    assert not failed
    models = {name: {"file": str(said.file()), "names": RENAMED.get(name, {})} for name, said in built.items()}
    return run_script("core", RUN, json.dumps(models), given)


@pytest.mark.parametrize("name", MODELS)
def test_file_computes_what_its_source_computes(name: str, made: Arrays, expected: Arrays) -> None:
    wanted = {key: value for key, value in expected.items() if key.startswith(name + "/")}
    got = {key: value for key, value in made.items() if key.startswith(name + "/")}
    assert sorted(got) == sorted(wanted)
    assert {key.split("/")[1] for key in wanted} == set(MODELS[name][3])
    for key, value in wanted.items():
        assert np.isfinite(value).all() and np.ptp(value) > 0, key
        assert got[key].dtype == value.dtype, key
        assert got[key].shape == value.shape, key
        np.testing.assert_allclose(got[key], value, rtol=2e-6, atol=2e-6, err_msg=key)


def test_all_samples_and_signatures_are_compared_with_the_source(built: dict[str, Said]) -> None:
    for name, said in built.items():
        outputs = said.value["variants"][0]["outputs"]
        assert {o["signature"] for o in outputs} == set(MODELS[name][3]), name
        assert all(o["status"] == "ok" and o["max_share"] < 1e-5 for o in outputs), outputs


def test_bytes_do_not_depend_on_process_folder_or_hash_seed(
    built: dict[str, Said], tmp_path: Path, new_cli: Callable[[], Callable[..., Any]]
) -> None:
    other = Workshop(tmp_path / "a rather different place", new_cli())
    write(other)
    again = other.build(env={"PYTHONHASHSEED": "42"})
    assert {name: said.sha256() for name, said in again.items()} == {
        name: said.sha256() for name, said in built.items()
    }


INIT = {
    "keras3_archive": {"measures": None},
    "module_pair": {"deduct": (1, "d1"), "minuend": (1, "d1")},
    "tf1_builder": {"x": None},
    "table_values": {"ids": None},
}


@pytest.mark.parametrize("name", INIT)
def test_init_writes_the_signatures_that_are_there(name: str, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / name, tmp_path / "saved")
    spec = load(api.init(tmp_path / "saved", tmp_path / "model.toml").absolute()).spec
    tables = [s.input for s in spec.signature.values()] if spec.signature else [spec.input]
    wanted = next(
        signatures for fixture, _, tail, signatures in MODELS.values() if fixture == name and "tags" not in tail
    )
    assert set(spec.signature) == (set(wanted) if len(wanted) > 1 else set())
    assert all({n: i.shape for n, i in table.items()} == INIT[name] for table in tables)


@pytest.mark.parametrize("name", ["string_input", "tf1_sparse", "no_signature", "tf1_tags"])
def test_init_says_at_once_what_cannot_be_built(name: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError) as caught:
        api.init(FIXTURES / name, tmp_path / "model.toml")
    assert caught.value.code == 2
    assert not list(tmp_path.iterdir())
