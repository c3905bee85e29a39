"""What a user finds in build/ and in the store: whole files or the old ones, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tomli
from harness import events, under_permissions

import tflite_build
from tflite_build.errors import ExitCode
from tflite_build.progress import Event, Note, StepFinished
from tflite_build.run import outputs
from tflite_build.store.store import Store

HELP = "help: free some space, or set TFLITE_BUILD_CACHE to a folder that can be written"


def as_process(
    small, *arguments: str, file_size: int | None = None, as_user: bool = False, **env: str
) -> subprocess.CompletedProcess[str]:
    """A build as a process.

    Args:
        file_size: It may write no larger file: like a disk that is full.
        as_user: Permissions hold for it, even if root runs the tests.
    """

    def limit() -> None:
        if as_user:
            under_permissions()
        if file_size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    return subprocess.run(
        [sys.executable, "-m", "tflite_build", "build", ".", *arguments],
        cwd=small.folder,
        env={**os.environ, **env},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_replaced_files_keep_their_permissions_and_new_ones_follow_the_umask(small) -> None:
    old = os.umask(0o027)
    try:
        small.build()
    finally:
        os.umask(old)
    built = [small.output("float32"), small.output("int8"), small.lock, small.output("int8").with_name("report.json")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in built] == [0o640] * 4
    small.output("float32").chmod(0o444)
    small.lock.chmod(0o600)
    small.change_a_weight()
    small.build()
    assert [stat.S_IMODE(file.stat().st_mode) for file in built] == [0o444, 0o640, 0o600, 0o640]


def test_a_failing_check_publishes_nothing_and_is_remembered(small) -> None:
    small.build()
    outputs, lock = small.outputs(), small.lock.read_bytes()
    data = np.load(small.folder / "c.npz")["image"]
    np.savez(small.folder / "labels.npz", image=data, labels=np.zeros(len(data), np.int32))
    small.write(
        float16='quantize = "float16"',
        checks='min_cosine = 1.0\naccuracy = { data = "labels.npz", metric = "top1", min = 1.0 }',
    )
    for attempt in range(2):
        failed = small.build()
        assert failed.result.exit_code == ExitCode.CHECK_FAILED
        assert bool(failed.ran) is (attempt == 0)  # the second says it at once
        assert "variant 'int8' has a cosine of 0.999963; at least 1 is wanted" in failed.shown
        assert "variant 'float32' has 0." in failed.shown and " in top1; at least 1 is wanted" in failed.shown
        assert "model.toml:" in failed.shown
        now = small.outputs()
        rejected = {name: data for name, data in now.items() if "/rejected/" in name}
        assert sorted(rejected) == [f"small/rejected/small-{v}.tflite" for v in ("float16", "float32", "int8")]
        assert {n: d for n, d in now.items() if n not in rejected} == outputs
        assert small.lock.read_bytes() == lock
    small.write(checks=None)
    assert small.build(":float16").model.ok  # says nothing of the others
    assert {n for n in small.outputs() if "/rejected/" in n} == set(rejected) - {"small/rejected/small-float16.tflite"}
    small.write(float16=None)
    assert small.build().ran == [] and small.outputs() == outputs  # and what was rejected is gone


def test_a_place_that_cannot_be_written(small) -> None:
    small.build()
    lock = small.lock.read_bytes()
    target = small.output("int8")
    target.unlink()
    (target / "inside").mkdir(parents=True)
    before = small.outputs()
    small.change_a_weight()
    failed = small.build()
    assert failed.result.exit_code == ExitCode.STORE_FAILED
    assert failed.shown == (
        f"error: cannot write {target}: Is a directory\n"
        "help: a folder stands there: move it away, or write into another folder"
    )
    assert small.lock.read_bytes() == lock and not list(target.parent.glob(".*"))
    assert small.outputs() == before  # float32, which comes before it, as well
    (small.folder / "elsewhere").write_text("a file")
    failed = small.build(out_dir=small.folder / "elsewhere")
    assert failed.result.exit_code == ExitCode.STORE_FAILED and "cannot write" in failed.shown


def test_what_killed_builds_left_beside_the_outputs_goes(small, cli) -> None:
    """Files on their way to their places, and nothing that only looks like them."""
    folder = small.output("int8").parent
    folder.mkdir(parents=True)
    left = [folder / ".small-int8.tflite.0123abcd", folder / ".small-gone.tflite.ffffffff"]
    left += [folder / ".report.json.00000000", small.folder / ".model.lock.deadbeef"]
    mine = [folder / ".small-int8.tflite.swp", folder / ".small-int8.tflite.0123ABCD", folder / ".others.0123abcd"]
    mine += [small.folder / ".m.tflite.0123abcd", small.folder / ".model.lock.deadbeef1"]
    for _ in range(2):  # also where nothing is to be written
        for file in (*left, *mine):
            file.write_text("half")
        assert small.build().model.ok
        assert [file for file in left if file.exists()] == [] and all(file.exists() for file in mine)

    np.savez(small.folder / "x.npz", image=np.zeros((1, 8, 8, 2), np.float32))
    old, new = (small.folder / f".y[1].npz.{number * 8}" for number in "01")
    for file in (old, new):
        file.write_text("half")
    os.utime(old, (1, 1))
    ran = cli("run", small.source, "--input", "x.npz", "--output", "y[1].npz", cwd=small.folder)
    assert ran.code == 0, ran.text
    assert not old.exists() and new.exists()  # another run may be at it


def test_models_of_one_name_do_not_write_into_one_folder(small_model: Callable[..., object], cli) -> None:
    first = small_model(name="a")
    second = small_model(name="b")
    for model in (first, second):
        model.name = "same"
        model.write()
    together = first.folder.parent
    ran = cli("build", together, "--out-dir", together / "out")
    assert ran.code == ExitCode.SPEC_WRONG and not (together / "out").exists()
    assert "'same' is also the name of" in ran.err and "so both would write the same files" in ran.err
    assert cli("build", together).code == 0  # each beside its own spec


def test_two_builds_at_once_share_the_work(small_model: Callable[..., object], cache: Path) -> None:
    models = [small_model(name=name) for name in ("a", "b", "c")]
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "tflite_build", "build", "--json", str(model.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for model in (*models, models[0])  # one of them twice
    ]
    said = [process.communicate(timeout=300) for process in commands]
    assert [process.returncode for process in commands] == [0] * 4, said
    steps = [step for out, _ in said for step in events(out, "model")[0]["steps"]]
    ran = sorted(step["id"] for step in steps if not step["reused"])
    assert ran == sorted({step["id"] for step in steps})  # each once, by whoever came first
    assert len({model.output("int8").read_bytes() for model in models}) == 1
    assert list((cache / "store" / "v1" / "tmp").iterdir()) == []


def test_builds_of_some_variants_that_overlap_keep_each_others_entries(small, monkeypatch: pytest.MonkeyPatch) -> None:
    """One begins and ends while another runs, and a third comes to its end while the other reads the lock to replace."""
    small.write(float16='quantize = "float16"')
    others: list[threading.Thread] = []
    waits = threading.Event()
    lockfile = outputs.lockfile

    def build_a_third() -> None:
        tflite_build.build(f"{small.folder}:float32", on_event=lambda e: "publishes" in str(e) and waits.set())

    def read_and_dawdle(file: Path):
        lock = lockfile.read(file)
        if not others:
            others.append(threading.Thread(target=build_a_third))
            others[0].start()
            while others[0].is_alive() and not waits.wait(0.05):
                pass
        return lock

    def listen(event: Event) -> None:
        if isinstance(event, StepFinished) and event.step == "compare:int8":
            assert small.build(":float16").model.ok
            dawdling = SimpleNamespace(read=read_and_dawdle, same_inputs=lockfile.same_inputs)
            monkeypatch.setattr(outputs, "lockfile", dawdling)

    assert tflite_build.build(f"{small.folder}:int8", on_event=listen).ok
    others[0].join()
    assert waits.is_set()
    made = {f"small-{v}.tflite" for v in ("float32", "float16", "int8")}
    assert set(tomli.loads(small.lock.read_text())["output"]) == made
    report = json.loads(small.output("int8").with_name("report.json").read_text())
    assert [v["name"] for v in report["variants"]] == ["float32", "int8", "float16"]


def test_who_waits_for_another_build_says_so_and_takes_its_result(small, cache: Path) -> None:
    store = Store()
    keys = []
    original = Store.lock

    def held(self: Store, key: str):
        if not keys:
            lock = original(store, key)
            lock.acquire(0)
            keys.append(lock)
            threading.Timer(1.5, lock.release).start()
        return original(self, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "lock", held)
        built = small.build()
    store.close()
    assert built.model.ok
    assert (
        sum("another build is doing this; waiting for it" in e.text for e in built.events if isinstance(e, Note)) == 1
    )


@pytest.mark.parametrize("place", ["a_file", "below_a_file", "not_writable"])
def test_a_cache_that_cannot_be_used(small, tmp_path: Path, place: str) -> None:
    file = tmp_path / "file"
    file.write_text("something")
    cache = {"a_file": file, "below_a_file": file / "cache", "not_writable": Path("/sys/tflite-build")}[place]
    for command in ("build", "plan"):
        ran = subprocess.run(
            [sys.executable, "-m", "tflite_build", command, "."],
            cwd=small.folder,
            env={**os.environ, "TFLITE_BUILD_CACHE": str(cache)},
            capture_output=True,
            text=True,
        )
        assert ran.returncode == ExitCode.STORE_FAILED and ran.stdout == ""
        first, last = ran.stderr.splitlines()
        assert first.startswith(f"error: the store at {cache}/store/v1 cannot be written: ") and last == HELP
    assert not (small.folder / "build").exists() and file.read_text() == "something"


def test_a_full_disk(small, cache: Path) -> None:
    """At each place where one can be met: the first file of the store, what an engine makes, what is published."""
    full = as_process(small, file_size=4000)
    assert full.returncode == ExitCode.STORE_FAILED and "Traceback" not in full.stderr
    assert full.stderr == f"error: the store at {cache}/store/v1 cannot be written: File too large\n{HELP}\n"
    assert small.build().model.ok
    outputs, lock = small.outputs(), small.lock.read_bytes()

    small.change_a_weight()
    full = as_process(small, file_size=2500)  # less than a model of this source, more than a result
    assert full.returncode == ExitCode.STORE_FAILED and "Traceback" not in full.stderr
    assert "File too large" in full.stderr and full.stderr.endswith(HELP + "\n")
    assert (small.outputs(), small.lock.read_bytes()) == (outputs, lock)

    small.change_a_weight()  # back again: everything is in the store
    small.output("int8").write_bytes(b"edited")
    small.output("float32").unlink()
    full = as_process(small, file_size=2500)
    assert full.returncode == ExitCode.STORE_FAILED
    assert full.stderr == (
        "error: cannot write build/small/small-float32.tflite: File too large\n"
        "help: check the folder's permissions and free space\n"
    )
    left = small.outputs()
    assert left.pop("small/small-int8.tflite") == b"edited" and set(left) == {"small/report.json"}
    assert small.build().ran == [] and small.outputs() == outputs


def test_a_checkout_that_cannot_be_written(small, tmp_path: Path) -> None:
    """Outputs may go elsewhere; the lock cannot, and without one that holds nothing is left there."""
    out = tmp_path / "out" / "deep"
    small.folder.chmod(0o555)
    try:
        failed = as_process(small, "--out-dir", str(out), as_user=True)
        assert failed.returncode == ExitCode.STORE_FAILED
        assert failed.stderr == (
            "error: cannot write model.lock: Permission denied\n"
            "help: model.lock lies beside model.toml, wherever the outputs go; build once where that can be written, and "
            "here with --locked\n"
        )
        assert not (tmp_path / "out").exists()
        small.folder.chmod(0o755)
        small.build()
        small.folder.chmod(0o555)
        assert as_process(small, "--locked", "--out-dir", str(out), as_user=True).returncode == 0
        assert (out / "small" / "small-int8.tflite").read_bytes() == small.output("int8").read_bytes()
    finally:
        small.folder.chmod(0o755)


def test_a_model_of_that_name_from_elsewhere_is_told(small, tmp_path) -> None:
    """Outputs say what they were built from, so a second project that writes to the same folder is no silent change."""
    other = tmp_path / "other"
    shutil.copytree(small.folder, other)
    out = tmp_path / "out"
    specs = [folder / "model.toml" for folder in (small.folder, other)]
    small.write(mine='quantize = "float16"')
    report = out / "small" / "report.json"
    for spec in specs:
        (model,) = tflite_build.build(spec, out_dir=out).models
        assert (report.parent / json.loads(report.read_text())["spec"]).resolve() == spec.resolve()
        before = [] if spec == specs[0] else [specs[0]]
        assert list(model.warnings) == [
            f"{out}/small held what was built from {one}; it is replaced: give one of them another name or folder"
            for one in before
        ]
        if before:
            assert {variant.before for variant in model.variants} == {None}
    assert {file.name for file in report.parent.glob("*.tflite")} == {v.file.name for v in model.variants}
    (model,) = tflite_build.build(specs[1], out_dir=out).models
    assert model.warnings == ()
    shutil.rmtree(other)  # a project that was moved or removed claims nothing
    (model,) = tflite_build.build(specs[0], out_dir=out).models
    assert model.warnings == ()


def test_what_a_renamed_model_leaves_is_told(small) -> None:
    small.build()
    folder = small.output("int8").parent
    small.name = "other"
    small.write()
    warning = f"{folder} holds what was built when the model was called 'small'; remove it if nothing uses it"
    assert small.build().model.warnings == (warning,)
    assert small.build().model.warnings == ()
    assert folder.is_dir()
