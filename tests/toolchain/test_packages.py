"""The user's own packages: pinned with hashes in model.lock, installed over a toolchain, the same without a network."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli
from harness import events

from tflite_build.errors import BuildError
from tflite_build.toolchain import overlay, pins

TOML = """\
spec = 1
[model]
name = "{name}"
[source]
{source}
[variant.int8]
quantize = "int8"
[calibration]
entry = "own.py:samples"
[toolchain]
packages = {packages}
"""
CODE = """
import numpy as np
{imports}


def samples():
    for number in range(3):
        yield {{"image": np.full((8, 8, 2), number, "float32")}}


def predict(image):
    import jax.numpy as jnp
    return einops.reduce(image * 2, "b h w c -> b c", "max") + 1
"""
TFLITE = 'format = "tflite"\npath = "m.tflite"'
JAX = 'format = "jax"\nentry = "own.py:predict"\n[input.image]\nshape = [1, 8, 8, 2]\ndtype = "float32"'
FIXTURE = Path(__file__).parent.parent / "fixtures" / "tflite" / "float32.tflite"


@pytest.fixture
def own_cache(tmp_path: Path, shared_cache: Path) -> Path:
    """The shared toolchains, with overlays and a store of this test."""
    root = tmp_path / "cache"
    root.mkdir()
    (root / "toolchains").symlink_to(shared_cache / "toolchains")
    return root


def model(folder: Path, source: str, packages: list[str], imports: str = "import einops") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(FIXTURE, folder / "m.tflite")
    (folder / "own.py").write_text(CODE.format(imports=imports))
    (folder / "model.toml").write_text(TOML.format(name=folder.name, source=source, packages=json.dumps(packages)))
    return folder


def test_packages_are_pinned_installed_and_found_again(
    tmp_path: Path, own_cache: Path, module_cli: Callable[..., Any]
) -> None:
    env = {"TFLITE_BUILD_CACHE": str(own_cache)}

    def build(*options: str | Path) -> Any:
        return module_cli("build", "--json", *options, env=env)

    folder = model(tmp_path / "uses", JAX, ["einops==0.8.1"])
    early = build("--offline", folder)
    assert early.code == 3 and not (folder / "model.lock").exists()
    assert early.err.splitlines()[0] == (
        "error: the packages of [toolchain] are not pinned in model.lock, and --offline forbids to look them up"
    )
    assert "packages = [" in early.err and "help: build once with a network and commit model.lock" in early.err

    first = build(folder)
    assert first.code == 0, first.text
    assert "installing einops 0.8.1\n" in first.err
    lock = (folder / "model.lock").read_bytes()
    packages = tomli.loads(lock.decode())["packages"]
    assert packages["requested"] == ["einops==0.8.1"]
    ((name, version, hashes),) = [(p["name"], p["version"], p["hashes"]) for p in packages["pinned"]]
    assert (name, version, len(hashes)) == ("einops", "0.8.1", 2) and all(h.startswith("sha256:") for h in hashes)
    assert len(list((own_cache / "overlays").glob("*/einops/__pycache__/*.pyc"))) > 0
    made = (folder / "build" / "uses" / "uses-int8.tflite").read_bytes()

    # Without a network: first nothing to do, then everything from the lock and the installed packages.
    again = build("--offline", folder)
    assert again.code == 0 and all(s["reused"] for s in events(again.out, "model")[0]["steps"])
    shutil.rmtree(own_cache / "store")
    shutil.rmtree(folder / "build")
    again = build("--offline", folder)
    assert again.code == 0 and not any(s["reused"] for s in events(again.out, "model")[0]["steps"])
    assert (folder / "model.lock").read_bytes() == lock
    assert (folder / "build" / "uses" / "uses-int8.tflite").read_bytes() == made

    # Pinned for other pins of the toolchain: looked up anew, though nothing else was asked for.
    pinned_for = pins.load("litert").digest
    text = lock.decode()
    at = text.index(pinned_for, text.index("[packages"))
    (folder / "model.lock").write_text(text[:at] + "0" * 64 + text[at + 64 :])
    refused = build("--offline", folder)
    assert refused.code == 3 and refused.err.splitlines()[0] == early.err.splitlines()[0]
    assert build(folder).code == 0 and (folder / "model.lock").read_bytes() == lock


def test_what_is_wrong_with_packages_is_told(tmp_path: Path, own_cache: Path, module_cli: Callable[..., Any]) -> None:
    env = {"TFLITE_BUILD_CACHE": str(own_cache)}
    wrong = {
        "no-such-version": ["einops==99.9"],
        "no-such-package": ["tflite-build-has-no-such-package==1"],
        "against-the-pins": ["einops==0.8.1", "numpy<2"],
        "an-address": ["einops @ https://example.com/einops.whl"],
        "an-option": ["--pre"],
    }
    for name, packages in wrong.items():
        model(tmp_path / "work" / name, TFLITE, packages)
    locked = model(tmp_path / "work" / "wrong-hash", TFLITE, ["einops==0.8.1"])
    pinned = overlay.PinnedPackage("einops", "0.8.1", (f"sha256:{'0' * 64}",))
    from tflite_build.planning.lock import Lock

    pins_of_litert = {"litert": pins.load("litert").digest}
    lock = Lock(packages=(pinned,), requested=("einops==0.8.1",), resolved_with=pins_of_litert).to_toml()
    (locked / "model.lock").write_text(lock)
    model(tmp_path / "work" / "held", TFLITE, ["numpy"], "")  # the toolchain has it
    ran = module_cli("build", "--keep-going", "--json", tmp_path / "work", env=env)
    models = {m["model"]: m for m in events(ran.out, "model")}
    errors = {name: m["errors"][0] for name, m in models.items() if m["errors"]}
    assert set(errors) == {*wrong, "wrong-hash"} and ran.code == 2 and "Traceback" not in ran.text
    for name in wrong:
        error = errors[name]
        assert error["code"] == 2 and error["key"] == "toolchain.packages" and error["line"] == 12, error
    for name in ("no-such-version", "no-such-package", "against-the-pins"):
        assert errors[name]["message"] == (
            f"{', '.join(wrong[name])} cannot be had together with the toolchain 'litert'"
        )
        assert errors[name]["hint"] == "choose a version that goes with the pinned ones, as a wheel"
        assert errors[name]["detail"]
    for name in ("an-address", "an-option"):
        assert errors[name]["message"] == f"'{wrong[name][0]}' is not a package with a version"
        assert errors[name]["hint"] == 'write it as "einops==0.8.1"'
    assert errors["wrong-hash"]["code"] == 3
    assert errors["wrong-hash"]["message"] == "installing the packages of [toolchain] failed"
    assert "not the one that was pinned" in errors["wrong-hash"]["hint"]
    assert (locked / "model.lock").read_text() == lock and not (locked / "build").exists()
    assert [p.name for p in (own_cache / "overlays").iterdir() if p.suffix != ".lock"] == []
    held = tmp_path / "work" / "held"
    assert tomli.loads((held / "model.lock").read_text())["packages"] == {
        "requested": ["numpy"],
        "toolchains": pins_of_litert,
        "pinned": [],
    }
    (held / "m.tflite").write_bytes((held / "m.tflite").read_bytes() + b"\0")
    assert module_cli("build", "--offline", held, env=env).code == 0  # it is not looked up again


def test_pins_hold_for_all_platforms_and_every_toolchain_of_the_source() -> None:
    colorama, tqdm = overlay.resolve(["tqdm==4.67.1"], [pins.load("litert"), pins.load("tensorflow")], offline=False)
    assert (colorama.name, colorama.marker) == ("colorama", "sys_platform == 'win32'")
    assert (tqdm.name, tqdm.version, tqdm.marker, len(tqdm.hashes)) == ("tqdm", "4.67.1", "", 2)
    # Held by one of the two alone: it is installed, for the other's sake.
    only = sorted(set(pins.load("litert").packages) - set(pins.load("tensorflow").packages) - {"colorama"})
    assert "jax" in only
    resolved = overlay.resolve(["jax"], [pins.load("litert"), pins.load("tensorflow")], offline=False)
    assert "jax" in {p.name for p in resolved} and "numpy" not in {p.name for p in resolved}
    assert overlay.resolve(["jax"], [pins.load("litert")], offline=False) == ()


@pytest.mark.parametrize("package", ["einops", "einops==0.8.1", "einops >= 0.8, < 1", "a.b_c[extra]~=1.0"])
def test_how_packages_may_be_written(package: str) -> None:
    with pytest.raises(BuildError) as caught:  # well written, so that the next thing that is missing is the network
        overlay.resolve([package], [pins.load("litert")], offline=True)
    assert "--offline forbids" in str(caught.value)
