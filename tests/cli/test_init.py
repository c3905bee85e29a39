"""`init`: whatever model it is given, the model.toml says what is in it and builds as it stands."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness import events
from syrupy.assertion import SnapshotAssertion

from tflite_build.spec.load import load

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
MODELS = [
    "sequential.keras",
    "no_input_layer.keras",
    "text.keras",
    "several.keras",
    "named.keras",
    "nested.keras",
    "unet.keras",
    "grouped.keras",
    "steps.keras",
    "matched.keras",
    "dynamic.keras",
    "causal.keras",
    "lambda.keras",
    "custom.keras",
    "3 odd.names.keras",
    "plain.keras",
    "classic.h5",
    "two",
    "rankless",
    "unbatched",
    "two-signatures.tflite",
    "no-signature.tflite",
    "int8.tflite",
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "models"
    shutil.copytree(FIXTURES / "init", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("two-signatures", "no-signature", "int8", "custom"):
        shutil.copy(FIXTURES / "tflite" / f"{name}.tflite", folder)
    return folder


@pytest.fixture(scope="module")
def written(models: Path, shell: Callable[..., Any]) -> dict[str, str]:
    """What `init MODEL` said, for each model; the specs lie in folders beside them."""
    said = {}
    for name in MODELS:
        folder = models / "specs" / name
        folder.mkdir(parents=True)
        if name == "custom.keras":  # whose layers.py has to lie in the folder
            for file in (name, "layers.py"):
                shutil.copy(models / file, folder)
            ran = shell("init", name, cwd=folder)
        else:
            ran = shell("init", Path("..", "..", name), cwd=folder)
        assert ran.code == 0, ran.text
        said[name] = ran.text
    return said


@pytest.mark.parametrize("name", MODELS)
def test_what_is_written(name: str, models: Path, written: dict[str, str], snapshot: SnapshotAssertion) -> None:
    assert written[name] + "\n" + (models / "specs" / name / "model.toml").read_text("utf-8") == snapshot


def test_it_builds_as_it_stands(models: Path, written: dict[str, str], shell: Callable[..., Any]) -> None:
    """All but the one whose code nobody has allowed: that is said, and nothing of it runs."""
    ran = shell("build", "--keep-going", "--json", "specs", cwd=models)
    built = {m["model"]: m for m in events(ran.out, "model")}
    assert [name for name, model in built.items() if not model["ok"]] == ["lambda"], ran.err
    assert built["lambda"]["errors"][0]["key"] == "source.allow_code"
    assert ran.code == 2
    assert len(built) == len(MODELS)
    for name in [n for n in MODELS if n != "lambda.keras"]:
        loaded = load(models / "specs" / name / "model.toml")
        files = [v["file"] for v in built[loaded.spec.model.name]["variants"]]
        assert len(files) == len(loaded.spec.variant)
        assert all((models / file).is_file() for file in files)


def test_an_open_tflite_file(models: Path, written: dict[str, str], shell: Callable[..., Any], tmp_path: Path) -> None:
    """Its sizes are told: 1 and 3, which are tested otherwise, are less than some models can take."""
    spec = models / "specs" / "dynamic.keras"
    assert shell("build", "model.toml:float32", cwd=spec).code == 0
    shutil.copy(spec / "build" / "dynamic" / "dynamic-float32.tflite", tmp_path)
    assert shell("init", "dynamic-float32.tflite", cwd=tmp_path).code == 0
    ran = shell("build", cwd=tmp_path)
    assert ran.code == 0, ran.text
    declared = load(tmp_path / "model.toml").spec.input["photo"]
    assert declared.shape == (1, "d1", "d2", 3)
    assert declared.sizes == {"d1": (32, 48), "d2": (32, 48)}


def test_a_name_that_the_model_does_not_have_is_told(models: Path, shell: Callable[..., Any]) -> None:
    """The names that `init` writes are checked where Keras alone can tell them."""
    folder = models / "wrong_output"
    folder.mkdir()
    shell("init", models / "sequential.keras", cwd=folder)
    spec = folder / "model.toml"
    spec.write_text(spec.read_text("utf-8").replace("[output.out]", "[output.ot]"), "utf-8")
    ran = shell("build", cwd=folder)
    assert ran.code == 2
    assert "error: the model has no output 'ot'\n --> model.toml:13\n13 | [output.ot]\n" in ran.err
    assert "did you mean 'out'?" in ran.err


def test_what_only_the_user_can_add_is_said(models: Path, shell: Callable[..., Any], tmp_path: Path) -> None:
    """Code that nobody allowed, classes whose file is not there, operators that only an app has."""
    shutil.copy(models / "custom.keras", tmp_path)
    ran = shell("init", "custom.keras", cwd=tmp_path)
    assert ran.code == 0
    assert "to do: name the Python file that registers example>Scale under 'imports'" in ran.err
    assert "# The Python file that registers example>Scale:\n# imports" in (tmp_path / "model.toml").read_text("utf-8")
    ran = shell("init", models / "lambda.keras", "--force", cwd=tmp_path)
    assert "to do: the Lambda layers double carry Python code; allow_code = true lets it run" in ran.err
    ran = shell("init", models / "custom.tflite", "--force", cwd=tmp_path)
    written = (tmp_path / "model.toml").read_text("utf-8")
    assert 'select_tf_ops = ["MatMul"]' in written and "\n[compatibility.custom_ops.ExampleSoftmax]" in written


def changed_config(model: Path, target: Path, old: str, new: str) -> None:
    """Copy a .keras file with other words in its configuration."""
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                assert old.encode() in content
                content = content.replace(old.encode(), new.encode())
            made.writestr(name, content)


POLICY = '"class_name": "DTypePolicy", "config": {"name": "float32"}'
REFUSED = {
    "halves": (POLICY, '"class_name": "DTypePolicy", "config": {"name": "bfloat16"}', "keeps its weights in bfloat16"),
    "quantized": (
        POLICY,
        '"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8"}',
        "has quantized 'out' (Dense)",
    ),
    "hashing": (
        '"class_name": "Dense"',
        '"class_name": "Hashing"',
        "'out' (Hashing) needs operators that only TensorFlow has",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_a_build_will_refuse_is_said_at_once(
    kind: str, models: Path, shell: Callable[..., Any], tmp_path: Path
) -> None:
    old, new, told = REFUSED[kind]
    changed_config(models / "sequential.keras", tmp_path / "m.keras", old, new)
    ran = shell("init", "m.keras", cwd=tmp_path)
    assert ran.code == 0
    assert "a build will refuse this file: " in ran.err
    assert told in ran.err
    load(tmp_path / "model.toml")


def test_layers_that_keras_3_lacks_are_said_at_once(shell: Callable[..., Any], tmp_path: Path) -> None:
    """A class of the user's own can stand in for them."""
    shutil.copy(FIXTURES / "keras2" / "removed.h5", tmp_path)
    ran = shell("init", "removed.h5", cwd=tmp_path)
    assert ran.code == 0, ran.text
    assert "to do: name the Python file that registers LocallyConnected1D under 'imports'" in ran.err
    assert '# imports = ["layers.py"]' in (tmp_path / "model.toml").read_text("utf-8")


def test_a_keras_model_of_text_is_told_as_builds_do(models: Path, shell: Callable[..., Any], tmp_path: Path) -> None:
    text = '"batch_shape": [null, 6], "dtype": '
    changed_config(models / "text.keras", tmp_path / "m.keras", text + '"int32"', text + '"string"')
    ran = shell("init", "m.keras", cwd=tmp_path)
    assert ran.code == 2
    assert ran.err.startswith("error: the model takes strings ('ids'): inputs have to be numbers\n")
    assert not (tmp_path / "model.toml").exists()


def test_dimensions_of_two_inputs_with_names_of_their_own(
    models: Path, written: dict[str, str], shell: Callable[..., Any], tmp_path: Path
) -> None:
    """As the comment that `init` writes says."""
    text = (models / "specs" / "matched.keras" / "model.toml").read_text("utf-8")
    head, right = text.replace("../../", "").split("[input.right]")
    (tmp_path / "model.toml").write_text(head + "[input.right]" + right.replace("d1", "k"), "utf-8")
    shutil.copy(models / "matched.keras", tmp_path)
    ran = shell("build", cwd=tmp_path)
    assert ran.code == 0, ran.text


def test_without_a_model_an_example_is_written(
    tmp_path: Path, shell: Callable[..., Any], snapshot: SnapshotAssertion
) -> None:
    ran = shell("init", cwd=tmp_path)
    assert (ran.code, ran.text) == (0, "wrote model.toml; next: tflite-build build\n")
    text = (tmp_path / "model.toml").read_text("utf-8")
    assert text == snapshot
    (tmp_path / "digits.keras").touch()
    (tmp_path / "calibration.npz").touch()
    assert load(tmp_path / "model.toml").spec.variant
    uncommented = "\n".join(
        line.removeprefix("# ")
        if line.startswith(("# [", "# shape", "# from", "# quantize", "# data", "# min"))
        else line
        for line in text.split("\n")
    )
    (tmp_path / "model.toml").write_text(uncommented, "utf-8")
    loaded = load(tmp_path / "model.toml")
    assert loaded.spec.calibration is not None
    assert loaded.spec.checks.min_cosine == 0.98


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Größe.tflite", "Grosse"),
        ("Gro\u0308ße.tflite", "Grosse"),  # as macOS writes it
        ("smørrebrød-v2.tflite", "smorrebrod-v2"),
        ("détection_française.tflite", "detection_francaise"),
        ("modèle №5.tflite", "modele_No5"),
        ("顔 v3.tflite", "v3"),
        ("顔.tflite", "model"),
        ("42.tflite", "model_42"),
    ],
)
def test_the_name_of_a_model_in_letters_that_a_name_may_have(
    file: str, name: str, shell: Callable[..., Any], tmp_path: Path
) -> None:
    shutil.copy(FIXTURES / "tflite" / "float32.tflite", tmp_path / file)
    assert shell("init", file, cwd=tmp_path).code == 0
    loaded = load(tmp_path / "model.toml")
    assert loaded.spec.model.name == name
    assert loaded.spec.source.path == file  # type: ignore[union-attr]


WRONG = {
    "there already": (["m.keras"], 64),
    "missing": (["nothing.keras", "-o", "new.toml"], 64),
    "not keras": (["m.keras", "-o", "new.toml"], 2),
    "zip without config": (["zip.keras", "-o", "new.toml"], 2),
    "not hdf5": (["text.h5", "-o", "new.toml"], 2),
    "weights alone": (["w.weights.h5", "-o", "new.toml"], 2),
    "not tflite": (["m.tflite", "-o", "new.toml"], 2),
    "empty tflite": (["empty.tflite", "-o", "new.toml"], 2),
    "not a saved model": (["folder", "-o", "new.toml"], 2),
    "unknown kind": (["m.onnx", "-o", "new.toml"], 64),
    "output cannot be written": (["int8.tflite", "-o", "file/new.toml"], 5),
    "output is a folder": (["int8.tflite", "--force", "-o", "folder"], 64),
}


@pytest.fixture(scope="module")
def nonsense(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:

    folder = tmp_path_factory.mktemp("nonsense")
    for name in ("model.toml", "m.keras", "text.h5", "m.tflite", "m.onnx", "file"):
        (folder / name).write_text("nonsense of some length", "utf-8")
    (folder / "empty.tflite").touch()
    (folder / "folder").mkdir()
    with zipfile.ZipFile(folder / "zip.keras", "w") as archive:
        archive.writestr("model.npy", b"")
    with zipfile.ZipFile(models / "sequential.keras") as archive:
        (folder / "w.weights.h5").write_bytes(archive.read("model.weights.h5"))
    shutil.copy(FIXTURES / "tflite" / "int8.tflite", folder)
    return folder


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str, nonsense: Path, shell: Callable[..., Any], snapshot: SnapshotAssertion) -> None:
    before = sorted(nonsense.iterdir())
    arguments, code = WRONG[name]
    ran = shell("init", *arguments, cwd=nonsense)
    assert ran.code == code
    assert ran.out == ""
    assert ran.err == snapshot
    assert sorted(nonsense.iterdir()) == before


def test_a_damaged_saved_model_is_told(models: Path, shell: Callable[..., Any], tmp_path: Path) -> None:
    """Whichever byte is another one: a spec that loads, or what is wrong with the file."""
    folder = tmp_path / "model"
    shutil.copytree(models / "two", folder)
    whole = (folder / "saved_model.pb").read_bytes()
    rng = random.Random(5)
    codes = []
    for _ in range(80):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        (folder / "saved_model.pb").write_bytes(damaged)
        ran = shell("init", "model", "--force", cwd=tmp_path)
        assert "Traceback" not in ran.err
        if ran.code == 0:
            load(tmp_path / "model.toml")
        codes.append(ran.code)
    assert set(codes) == {0, 2}
    assert codes.count(2) > 5


DEEP = b'{"a":' * 300 + b"1" + b"}" * 300
ODD = {
    "no table": {"config.json": b"[]"},
    "a word": {"config.json": b'"x"'},
    "no JSON": {"config.json": b"{"},
    "no text": {"config.json": b"\xff\xfe\x00"},
    "half of a pair": {"config.json": b'{"config": {"input_layers": [["\\ud800", 0, 0]], "layers": []}}'},
    "metadata": {"config.json": b"{}", "metadata.json": b"[]"},
    "deep": {"config.json": DEEP},
    "deeper": {"config.json": b"[" * 100_000},
}


def test_a_configuration_that_would_fill_the_memory(shell: Callable[..., Any], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", bytes(257_000_000))
    ran = shell("init", "bomb.keras", cwd=tmp_path)
    assert ran.code == 2
    assert ran.err.startswith(
        "error: 'bomb.keras' is damaged: config.json takes 257 MB, and no model's takes more than 256 MB\n"
    )
    assert not (tmp_path / "model.toml").exists()


def test_weights_that_would_fill_the_memory_are_told(models: Path, tmp_path: Path, shell: Callable[..., Any]) -> None:
    """Zeros that pack to a thousandth, as no trained weights do."""
    bomb = tmp_path / "bomb.keras"
    shutil.copy(models / "sequential.keras", bomb)
    with (
        zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("more.h5", "w", force_zip64=True) as member,
    ):
        for _ in range(33):
            member.write(bytes(1 << 24))
    said = shell("init", bomb.name, cwd=tmp_path)
    assert said.code == 2
    assert said.err.splitlines()[0] == (
        "error: 'bomb.keras' is damaged: more.h5 is 2 MB that unpack to 554 MB, which is nothing that a trained model holds"
    )


def test_an_hdf5_model_that_would_fill_the_memory_is_told(
    models: Path, tmp_path: Path, shell: Callable[..., Any], python_of: Callable[[str], Path]
) -> None:
    """An array that says it is large, and of which nothing is stored."""
    bomb = tmp_path / "bomb.h5"
    shutil.copy(models / "classic.h5", bomb)
    script = (
        "import h5py, sys; h5py.File(sys.argv[1], 'a').create_dataset('more', (200_000_000,), 'f4', chunks=(1 << 20,))"
    )
    subprocess.run([python_of("litert"), "-c", script, bomb], check=True)
    said = shell("init", bomb.name, cwd=tmp_path)
    assert said.code == 2
    assert said.err.splitlines()[0] == (
        "error: 'bomb.h5' is damaged: more is 0 MB that unpack to 800 MB, which is nothing that a trained model holds"
    )


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    for name, members in ODD.items():
        with zipfile.ZipFile(folder / f"{name}.keras", "w") as archive:
            for member, data in members.items():
                archive.writestr(member, data)
    plain = (folder / "no table.keras").read_bytes()
    locked = bytearray(plain)
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[plain.index(header) + flags] |= 1
    (folder / "locked.keras").write_bytes(locked)
    packed = bytearray(plain)
    for header, method in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        packed[plain.index(header) + method] = 99
    (folder / "packed.keras").write_bytes(packed)
    return folder


def test_odd_keras_files(odd: Path, shell: Callable[..., Any], snapshot: SnapshotAssertion) -> None:
    said = []
    for file in sorted(odd.glob("*.keras")):
        ran = shell("init", file.name, cwd=odd)
        said.append(f"$ tflite-build init '{file.name}'\n{ran.text}-> {ran.code}\n")
    assert "Traceback" not in "".join(said)
    assert "\n".join(said) == snapshot


def test_whatever_a_configuration_says(models: Path, shell: Callable[..., Any], tmp_path: Path) -> None:
    """A spec that loads, or what is wrong with the file; values that Keras never writes stand anywhere."""
    with zipfile.ZipFile(models / "text.keras") as archive:
        whole = archive.read("config.json").decode("utf-8")
    rng = random.Random(6)
    values = [
        5,
        -1,
        0,
        True,
        None,
        "",
        "x",
        "a\nb",
        "\x7f",
        'q"\\',
        1.5,
        [],
        {},
        [None],
        [[1, 2]],
        {"layers": 5},
        10**400,
    ]

    def changed(value: Any) -> Any:
        if rng.random() < 0.03:
            return rng.choice(values)
        if isinstance(value, dict):
            return {key: changed(inner) for key, inner in value.items()}
        return [changed(inner) for inner in value] if isinstance(value, list) else value

    told = 0
    for number in range(80):
        with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
            archive.writestr("config.json", json.dumps(changed(json.loads(whole))))
        ran = shell("init", "m.keras", "--force", cwd=tmp_path)
        assert ran.code in (0, 2), f"{number}: {ran.text}"
        told += ran.code == 2
        if ran.code == 0:
            load(tmp_path / "model.toml")
    assert 0 < told < 60


def test_it_needs_no_framework(models: Path, shell: Callable[..., Any], tmp_path: Path) -> None:
    """Without any toolchain, all but .h5 files can be looked into."""
    empty = {"TFLITE_BUILD_CACHE": str(tmp_path / "cache")}
    for name in ("text.keras", "two", "int8.tflite"):
        ran = shell("init", models / name, "--offline", "--force", cwd=tmp_path, env=empty)
        assert ran.code == 0, ran.text
    ran = shell("init", models / "classic.h5", "--offline", "--force", cwd=tmp_path, env=empty)
    assert ran.code == 3
    assert "litert" in ran.err
