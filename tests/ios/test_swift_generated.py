"""What `[ios]` generates compiles without a warning, and its tests pass with the real runtime behind the stand-ins."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import Ran, Workshop
from swift_bed import Swift
from swift_packages import Built, Package, Runtimes, build_all
from wrapped import CLASSES, EACH, Models

INTERPRETER = '[ios.runtime]\napi = "interpreter"\n'
OWN = '[ios.runtime]\ntarget = "custom"\n'
SELECT = '[compatibility]\nselect_tf_ops = ["MatMul"]\ncustom_ops.ExampleSoftmax = {}\n'
OTHERS = {
    "interpreter_two": ("two-signatures", "", INTERPRETER),
    "own": ("float32", "", 'framework = "OwnRuntime"\n' + OWN),
    "not_run": ("custom", SELECT, 'framework = "OwnRuntime"\n' + OWN),
    "engines": ("float32", "", ""),  # as a class of generated code is called
}
# The same by the interpreter, where "auto" takes LiteRT.
ALSO = ("float32", "float16", "dynamic-int8", "no-signature", "unsigned", "rgb", "grey", "raw", "sound", "pair")
GPU = {
    "gpu": ('accelerators = ["gpu", "cpu"]\n'),
    "gpu_interpreter": ('api = "interpreter"\naccelerators = ["npu", "gpu", "cpu"]\n'),
}
FLAVORED = {
    "selectable": (
        '[variant.float32]\n[variant.half]\nquantize = "float16"\n[variant.int8]\nquantize = "int8"\n[calibration]\n'
        'data = "data.npz"\n',
        'variants = "selectable"\n',
        ("float32", "half", "int8"),
    ),
}
ALONE = [*EACH, *OTHERS, *(f"{name}_by_interpreter" for name in ALSO), *GPU]


def ios(name: str, more: str = "") -> str:
    return f"[ios]\n{more}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("apps"), module_cli)
    models = Models(shop, ios)
    models.all('delivery = "file"\n')
    for name, (fixture, spec, more) in OTHERS.items():
        models.tflite(name, fixture, spec, more)
    for name, (spec, more, _) in FLAVORED.items():
        models.tflite(name, "float32", spec, more)
    for name, runtime in GPU.items():
        models.tflite(name, "float32", CLASSES, f"[ios.runtime]\n{runtime}")
    for name in ALSO:
        models.also(f"{name}_by_interpreter", name, '[runtime]\napi = "interpreter"\n')
    models.build()
    return shop


def package(shop: Workshop, name: str, variant: str = "") -> Package:
    return Package(shop.folder / name / "build" / name / "ios" / variant)


@pytest.fixture(scope="module")
def built(shop: Workshop, swift: Swift, runtimes: Runtimes, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """All packages, built together."""
    return build_all([package(shop, name) for name in ALONE], swift, runtimes, tmp_path_factory.mktemp("all"))


@pytest.mark.parametrize("name", ALONE)
def test_its_own_test_passes(name: str, shop: Workshop, built: Built) -> None:
    module = package(shop, name).module
    passed = built.test(f"{module}Tests.{module.removesuffix('Kit')}Tests").require()
    # of the file itself, and two for each signature that this machine runs
    assert len(passed) == {"interpreter_two": 5, "two-signatures": 5, "alike": 5, "not_run": 1}.get(name, 3)
