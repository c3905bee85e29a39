"""model.lock: what is in it, that it comes back as it was, and how a damaged one is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from tflite_build.errors import SpecError
from tflite_build.planning import lock as lockfile
from tflite_build.planning.lock import CHOICES, Decision, Lock, Refutation
from tflite_build.planning.resolve import ENGINES, QUANTIZERS
from tflite_build.toolchain.overlay import PinnedPackage

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples").glob("*/model.lock"))
SHA = "0123456789abcdef" * 4
WHOLE = Lock(
    spec=SHA,
    sources={"b.npz": SHA, "a b/ü.npz": SHA, "https://example.com/m.zip": SHA},
    decisions={
        "quantizer:int8": Decision("litert"),
        "engine": Decision("tensorflow", (Refutation("litert", 'a reason with "quotes"\nand lines'),)),
    },
    toolchains={"core": SHA},
    packages=(
        PinnedPackage("einops", "0.8.1", (f"sha256:{SHA}", f"sha256:{SHA[::-1]}")),
        PinnedPackage("colorama", "0.4.6", (f"sha256:{SHA}",), "sys_platform == 'win32'"),
    ),
    requested=("einops==0.8.1",),
    resolved_with={"tensorflow": SHA, "litert": SHA},
    outputs={"m-int8.tflite": SHA, "m-float32.tflite": SHA},
)


def test_the_text_is_the_locks_own(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    text = WHOLE.to_toml()
    assert text == snapshot
    (tmp_path / "model.lock").write_text(text)
    read = lockfile.read(tmp_path / "model.lock")
    assert read.to_toml() == text and set(read.packages) == set(WHOLE.packages) and read.sources == WHOLE.sources
    assert lockfile.read(tmp_path / "none.lock") == Lock()
    held = Lock(requested=("numpy",))  # asked for, and held by the toolchain
    (tmp_path / "model.lock").write_text(held.to_toml())
    assert lockfile.read(tmp_path / "model.lock") == held


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda f: f.parent.name)
def test_the_examples_locks_hold_nothing_that_changes_by_itself(file: Path) -> None:
    """No action key, time, platform tag or measured number: names, reasons and digests of files alone."""
    text = file.read_text("utf-8")
    assert lockfile.read(file).to_toml() == text
    value = tomli.loads(text)
    assert set(value) <= {"lock", "spec", "source", "decision", "toolchain", "output"}
    for table in ("source", "toolchain", "output"):
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in value[table].values())
    for decision in value.get("decision", {}).values():
        assert set(decision) <= {"choice", "refuted"}
    assert not re.search(r"linux|macos|x86|arm64|20\d\d-\d\d|\d\.\d", text)


def test_all_that_may_be_decided_is_known() -> None:
    """A lock with any other word is damaged."""
    assert set().union(*ENGINES.values()) <= set(CHOICES["engine"])
    assert set().union(*QUANTIZERS.values()) <= set(CHOICES["quantizer"])


PINNED = "lock = 1\n[[packages.pinned]]\n"
HASHES = f'hashes = ["sha256:{SHA}"]\n'
WRONG = {
    "no_toml": "lock = ",
    "merge_conflict": "lock = 1\n<<<<<<< ours\n[output]\n=======\n[source]\n>>>>>>> theirs\n",
    "empty": "",
    "newer": "lock = 2\n[anything]\n",
    "version_is_text": 'lock = "1"\n',
    "version_is_true": "lock = true\n",
    "version_is_0": "lock = 0\n",
    "source_is_no_table": 'lock = 1\nsource = "a"\n',
    "output_is_a_number": 'lock = 1\n[output]\n"m.tflite" = 3\n',
    "decision_without_choice": "lock = 1\n[decision.engine]\n",
    "decision_is_text": 'lock = 1\n[decision]\nengine = "litert"\n',
    "refuted_is_a_list": 'lock = 1\n[decision.engine]\nchoice = "litert"\nrefuted = ["tensorflow"]\n',
    "no_such_engine": 'lock = 1\n[decision.engine]\nchoice = "litrt"\n',
    "an_engine_that_quantizes_nothing": 'lock = 1\n[decision."quantizer:int8"]\nchoice = "litert-loops"\n',
    "no_such_engine_was_refuted": 'lock = 1\n[decision.engine]\nchoice = "litert"\nrefuted = { onnx = "why" }\n',
    "nothing_to_decide": 'lock = 1\n[decision.weather]\nchoice = "litert"\n',
    "output_is_not_hex": 'lock = 1\n[output]\n"m.tflite" = "' + "g" * 64 + '"\n',
    "spec_is_short": 'lock = 1\nspec = "0123"\n',
    "pinned_is_a_table": "lock = 1\n[packages.pinned]\n",
    "pinned_is_text": 'lock = 1\n[packages]\npinned = ["einops"]\n',
    "pinned_without_hashes": PINNED + 'name = "einops"\nversion = "0.8.1"\n',
    "pinned_with_an_option": PINNED + 'name = "einops"\nversion = "1 --pre"\n' + HASHES,
    "pinned_with_a_line": PINNED + 'name = "a==1\\n-r x"\nversion = "1"\n' + HASHES,
}


def test_how_a_wrong_lock_is_told(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    file = tmp_path / "model.lock"
    shown = []
    for name, text in WRONG.items():
        file.write_text(text)
        with pytest.raises(SpecError) as caught:
            lockfile.read(file)
        shown.append(f"== {name}\n{caught.value.render(tmp_path)}")
    file.write_bytes(b"lock = 1 # \xff")
    with pytest.raises(SpecError) as caught:
        lockfile.read(file)
    shown.append(f"== not_utf8\n{caught.value.render(tmp_path)}")
    assert "\n\n".join(shown) == snapshot


def test_a_wrong_lock_fails_its_model_alone(tmp_path: Path, cli) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fixture = Path(__file__).parent.parent / "fixtures" / "tflite" / "float32.tflite"
        (tmp_path / name / "m.tflite").write_bytes(fixture.read_bytes())
        (tmp_path / name / "model.toml").write_text(
            f'spec = 1\n[model]\nname = "{name}"\n[source]\nformat = "tflite"\npath = "m.tflite"\n'
        )
    (tmp_path / "a" / "model.lock").write_text("lock = 2\n")
    ran = cli("build", "--keep-going", tmp_path)
    assert ran.code == 2 and "model.lock is of version 2; this tool reads version 1\n --> " in ran.err
    assert (tmp_path / "a" / "model.lock").read_text() == "lock = 2\n" and not (tmp_path / "a" / "build").exists()
    assert (tmp_path / "b" / "model.lock").exists()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "litert", SHA, "sha256:" + SHA]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "choice", "name"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_change_of_a_lock_is_read_or_told(tmp_path: Path, data: st.DataObject) -> None:
    value: object = tomli.loads(WHOLE.to_toml())
    root = value
    while True:  # to a random place
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))  # type: ignore[arg-type]
        key = data.draw(st.sampled_from(keys))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        value = inner
    new = data.draw(VALUES)
    if new is None:
        del value[key]
    else:
        value[key] = new
    file = tmp_path / "model.lock"
    try:
        file.write_text(tomli_w.dumps(root))
    except (TypeError, ValueError):  # nothing that TOML can hold
        return
    try:
        lockfile.read(file).to_toml()
    except SpecError as error:
        assert "model.lock is damaged: " in str(error) or "is of version" in str(error)
