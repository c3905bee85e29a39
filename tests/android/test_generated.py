"""What `[android]` generates compiles without a warning, and its tests pass with the real runtime behind the stand-ins."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import java_api
import numpy as np
import pytest
from android_api import jdk_only, since_24
from gradle_scripts import Gradle
from harness import Ran, Workshop
from modules import Module, compile_all
from standins import StandIns
from wrapped import CLASSES, EACH, Models, quoted

from tflite_build import languages

PLAY = '[runtime]\ntarget = "play-services"\n'
OWN = '[runtime]\ntarget = "custom"\n'
INTERPRETER = '[runtime]\napi = "interpreter"\n'
OTHERS = {
    "interpreter": ("int8", INTERPRETER),
    "interpreter_two": ("two-signatures", INTERPRETER),
    "play": ("float32", PLAY),
    "play_int8": ("int8", PLAY),
    "play_int16": ("int16x8", PLAY),
    "own": ("float32", OWN),
    "not_run": ("custom", f'{OWN}[compatibility]\nselect_tf_ops = ["MatMul"]\ncustom_ops.ExampleSoftmax = {{}}\n'),
    "engines": ("float32", ""),  # as a class of generated code is called
}
MORE = dict.fromkeys(("own", "not_run"), 'artifact = "com.example:own:1.0"\n')
# The same under each API that can run it, where "auto" takes another one: name -> the fixture or function, and [runtime].
ALSO = {
    f"{name}_{api}": (name, spec)
    for api, spec, names in (
        ("by_interpreter", INTERPRETER, ("float32", "float16", "dynamic-int8", "no-signature", "unsigned", "rgb", "sound")),
        ("by_play", PLAY, ("float16", "dynamic-int8", "no-signature", "unsigned", "dynamic-shape", "variable", "rgb",
                           "sound", "wide")),
    )
    for name in names
}  # fmt: skip
FLAVORED = {
    "both": ('[runtime]\ntarget = ["standard", "play-services"]\nfallback = "bundled"\n', "", ("standard", "play")),
    "selectable": (
        '[variant.float32]\n[variant.half]\nquantize = "float16"\n[variant.int8]\nquantize = "int8"\n[calibration]\n'
        'data = "data.npz"\n',
        'variants = "selectable"\n',
        ("float32", "half", "int8"),
    ),
    "names": (
        "[variant.a-b]\n[variant.a_b]\nquantize = 'float16'\n[variant.main]\nquantize = 'dynamic-int8'\n"
        "[variant.testing]\nquantize = 'weight-only-int8'\n[variant.lint]\n",
        'variants = "selectable"\n',
        ("aB", "aB2", "main2", "variantTesting", "lint2"),
    ),
}


# Apps that use more than the CPU.
GPU = {
    "gpu": '[runtime]\naccelerators = ["npu", "gpu", "cpu"]\n',
    "gpu_interpreter": INTERPRETER + 'accelerators = ["gpu", "cpu"]\n',
    "gpu_play": PLAY + 'accelerators = ["gpu", "cpu"]\n',
    "gpu_fallback": PLAY + 'fallback = "bundled"\naccelerators = ["gpu", "cpu"]\n',
}


def android(name: str, more: str = "") -> str:
    return f'[android]\npackage = "com.example.{name.replace("-", "_")}"\n{more}'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> Workshop:
    shop = Workshop(tmp_path_factory.mktemp("apps"), module_cli)
    models = Models(shop, android)
    models.all('delivery = "file"\n')
    for name, (fixture, spec) in OTHERS.items():
        models.tflite(name, fixture, spec, MORE.get(name, ""))
    for name, (spec, more, _) in FLAVORED.items():
        models.tflite(name, "float32", spec, more)
    for name, runtime in GPU.items():
        models.tflite(name, "float32", CLASSES + runtime)
    for name, (own, runtime) in ALSO.items():
        models.also(name, own, runtime)
    models.build()
    return shop


def module(shop: Workshop, name: str, *flavors: str) -> Module:
    return Module(shop.folder / name / "build" / name / "android", flavors)


ALONE = [*EACH, *OTHERS, *ALSO, *GPU]


@pytest.fixture(scope="module")
def classes(shop: Workshop, standins: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class files of all modules without flavours."""
    out = tmp_path_factory.mktemp("classes")
    return compile_all([module(shop, name) for name in ALONE], standins, out).require()


@pytest.mark.parametrize("name", ALONE)
def test_its_own_test_passes(name: str, shop: Workshop, standins: StandIns, classes: Path, tmp_path: Path) -> None:
    passed = module(shop, name).run(standins, classes, tmp_path / "assets").require()
    # of the file itself, and two for each signature that this machine runs
    assert len(passed) == {"interpreter_two": 5, "two-signatures": 5, "alike": 5, "signed": 9, "not_run": 1}.get(
        name, 3
    )


@pytest.mark.parametrize(("name", "flavor"), [(n, f) for n, (_, _, flavors) in FLAVORED.items() for f in flavors])
def test_each_flavor(name: str, flavor: str, shop: Workshop, standins: StandIns, tmp_path: Path) -> None:
    made = module(shop, name, flavor)
    classes = made.compile(standins, tmp_path / "classes").require()
    assert len(made.run(standins, classes, tmp_path / "assets").require()) == 3
    assert len(list((tmp_path / "assets").iterdir())) == 1, "never all variants in one app"


def words_of(files: Iterable[Path]) -> list[str]:
    """What generated code itself calls something: functions, properties, parameters, also those of lambdas."""
    found: set[str] = set()
    for text in (file.read_text("utf-8") for file in files):
        found |= set(re.findall(r"\b(?:val|var|fun)\s+(?:<\w+>\s+)?(?:\w+\.)*(\w+)", text))
        found |= set(re.findall(r"[(,]\s*(\w+): ", text))
        found |= {word for group in re.findall(r"\{ ([\w, ]+) ->", text) for word in group.split(", ")}
    return sorted(w for w in found if not w.startswith("predictCase"))


def test_any_word_of_the_code_itself_can_be_a_name(shop: Workshop, standins: StandIns, tmp_path: Path) -> None:
    """Of an input, an output and a signature."""
    files = [f for name in ("rgb", "wide", "gpu", "file", "two-signatures") for f in module(shop, name).kotlin]
    names = words_of(f for f in files if not f.name.startswith(("Picture", "Golden")))
    assert len(names) > 100 and {"engine", "golden", "SHA256", "waiting", "rotation", "minScore"} <= {*names}
    some = 'dtype = "float32"\nshape = [1]\n'
    code, specs = "def called(x):\n    return x * 2\n", {}

    def taking(number: int, part: list[str]) -> str:
        nonlocal code
        parameters = ", ".join(f"x{i}" for i in range(len(part)))
        code += f"\n\ndef given{number}({parameters}):\n    return {{'sum': x0}}\n"
        inputs = "".join(f'[input.{quoted(n)}]\nfrom = "x{i}"\n{some}' for i, n in enumerate(part))
        return f'entry = "model.py:given{number}"\n{inputs}'

    for number, start in enumerate(range(0, len(names), 100)):
        part = names[start : start + 100]
        specs[f"as_inputs{number}"] = taking(number, part)
        outputs = ", ".join(f'"{n}": x + {i}' for i, n in enumerate(part))
        code += f"\n\ndef gives{number}(x):\n    return {{{outputs}}}\n"
        specs[f"as_outputs{number}"] = f'entry = "model.py:gives{number}"\n[input.x]\n{some}'
    specs["as_signatures"] = "".join(
        f'[source.signature.{quoted(n)}]\nentry = "model.py:called"\n[signature.{quoted(n)}.input.x]\n{some}'
        for n in names
    )
    for name, spec in {**specs, "as_too_many": taking(999, names)}.items():
        shop.model(name, f'format = "jax"\n{spec}{android(name)}', {"model.py": code})
    said = shop.build(*specs, "as_too_many")
    (error,) = said.pop("as_too_many").errors
    assert (error["code"], error["key"]) == (2, "android") and "no more than 200" in error["message"]
    assert all(model.ok for model in said.values()), [model.told for model in said.values()]
    made = [module(shop, name) for name in specs]
    classes = compile_all(made, standins, tmp_path / "classes").require()
    for number, one in enumerate(made):
        one.run(standins, classes, tmp_path / f"assets{number}").require()


def test_no_model_is_called_as_a_class_of_the_code(shop: Workshop) -> None:
    found: set[str] = set()
    for name in ALONE:
        made = module(shop, name)
        own = made.test.rpartition(".")[2].removesuffix("Test")
        for file in made.kotlin:
            text = file.read_text("utf-8")
            code = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"|//[^\n]*|^package [^\n]*', "", text, flags=re.S | re.M)
            words = set(re.findall(r"\b[A-Z]\w*[a-z]\w*", code))
            found |= {
                w for w in words if not w.startswith(own) and not re.search(r"Result$|Part\d+$", w)
            }  # within others
    assert len(found) > 80 and found - languages.kotlin_classes() == set()


def test_what_models_share_is_the_same(shop: Workshop) -> None:
    """So that the sources of several can go into one package; what runs a model is called as that is."""
    found: dict[str, dict[str, str]] = {}
    for name in ALONE:
        made = module(shop, name)
        package = f"com.example.{name.replace('-', '_')}"
        own = made.test.rpartition(".")[2].removesuffix("Test")
        for file in made.kotlin:
            if not file.name.startswith(own):
                text = file.read_text("utf-8").replace(package, "PACKAGE")
                found.setdefault(file.name, {}).setdefault(text, name)
    assert len(found) > 30
    assert {file: sorted(texts.values()) for file, texts in found.items() if len(texts) > 1} == {}


def test_a_changed_golden_fails(shop: Workshop, standins: StandIns, classes: Path, tmp_path: Path) -> None:
    made = module(shop, "float32")
    own = made.folder / "src" / "androidTest" / "resources"
    (golden,) = own.rglob("0-1.bin")
    before = golden.read_bytes()
    values = np.frombuffer(before, "<f4").copy()
    values[-1] += 0.01
    golden.write_bytes(values.tobytes())
    tested = made.run(standins, classes, tmp_path / "assets")
    golden.write_bytes(before)
    assert tested.failed == ("com.example.float32.Float32Test.predictCase2",)


def test_an_edited_model_fails(shop: Workshop, standins: StandIns, classes: Path, tmp_path: Path) -> None:
    """In an app that can be debugged; a released one does not read its model twice."""
    made = module(shop, "float32")
    assets = tmp_path / "assets"
    shutil.copytree(made.folder / "src" / "main" / "assets", assets)
    (file,) = assets.iterdir()
    content = bytearray(file.read_bytes())
    content[content.rindex(b"\x3e")] ^= 1
    file.write_bytes(content)
    resources = made.folder / "src" / "androidTest" / "resources"
    tested = standins.test(
        [made.test], [classes, resources], properties={"testbed.assets": assets, "testbed.debuggable": "true"}
    )
    assert len(tested.failed) == 3 and "another one than this code was generated for" in tested.ran.err
    released = standins.test([made.test], [classes, resources], properties={"testbed.assets": assets})
    assert released.failed and released.ran.err.count("another one than this code") == 1, (
        "by the test that looks itself"
    )


FROM_JAVA = """
public final class com.example.gpu.Gpu implements java.lang.AutoCloseable
public com.example.gpu.Classification classify(float[])
public com.example.gpu.Classification classify(float[],int)
public com.example.gpu.Classification classify(float[],int,float)
public com.example.gpu.Accelerator getAccelerator()
public static com.example.gpu.Gpu open(android.content.Context)
public static com.example.gpu.Gpu open(android.content.Context,java.util.List<? extends com.example.gpu.Accelerator>)
public static final java.util.List<com.example.gpu.Accelerator> ACCELERATORS
public void close()
public void run(com.example.gpu.GpuTensors)
"""


def test_java_calls_it_without_ceremony(classes: Path) -> None:
    """Static functions, constants and overloads, as `javap -public` prints them; what is internal has names with $."""
    head, *members = java_api.of_classes(classes, "com.example.gpu")["com.example.gpu.Gpu"]
    seen = sorted(m for m in members if "$" not in m and "Companion" not in m)
    wanted = FROM_JAVA.strip().splitlines()
    assert [head, *seen] == [wanted[0], *sorted(wanted[1:])]


def test_nothing_is_used_that_android_lacks(classes: Path, shop: Workshop, standins: StandIns, tmp_path: Path) -> None:
    """What is in the app: the tests stay at home."""
    tests = {f"{m.test.rpartition('.')[2]}" for m in (module(shop, name) for name in ALONE)}
    found = [f for f in classes.rglob("*.class") if not f.name.startswith((*tests, "Golden"))]
    assert len(found) > 300 and jdk_only(found) == [] and since_24(found) == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("float32", {"implementation": ["com.google.ai.edge.litert:litert:2.3.0"]}),
        ("interpreter", {"implementation": ["com.google.ai.edge.litert:litert:1.4.1"]}),
        ("play", {"implementation": ["com.google.android.gms:play-services-tflite-java:16.5.0"]}),
        ("own", {"implementation": ["com.example:own:1.0"]}),
        (
            "both",
            {
                "standardImplementation": ["com.google.ai.edge.litert:litert:2.3.0"],
                "playImplementation": [
                    "com.google.android.gms:play-services-tflite-java:16.5.0",
                    "com.google.ai.edge.litert:litert:1.4.1",
                ],
            },
        ),
        (
            "gpu_fallback",
            {
                "implementation": [
                    "com.google.android.gms:play-services-tflite-java:16.5.0",
                    "com.google.android.gms:play-services-tflite-gpu:16.5.0",
                    "com.google.ai.edge.litert:litert:1.4.1",
                    "com.google.ai.edge.litert:litert-gpu:1.4.1",
                    "com.google.ai.edge.litert:litert-gpu-api:1.4.1",
                ]
            },
        ),
        ("selectable", {"implementation": ["com.google.ai.edge.litert:litert:2.3.0"]}),
    ],
)
def test_gradle(name: str, wanted: dict[str, list[str]], shop: Workshop, standins: StandIns) -> None:
    script = (module(shop, name).folder / "build.gradle.kts").read_text("utf-8")
    gradle = Gradle(standins.kotlin)
    said = gradle.evaluate(script)
    value = said.require()
    assert value["hasKotlin"] and gradle.evaluate(script, agp=8).require()["hasKotlin"]
    # LiteRT's libraries, which stand in, have the classes of those that Play services' want.
    both = [n for _, n in value["dependencies"] if "play-services" in n] if name in ("both", "gpu_fallback") else []
    assert value["excluded"] == {notation: [["org.tensorflow", None]] for notation in both}
    assert value["android"]["namespace"] == f"com.example.{name}"
    for configuration, dependencies in wanted.items():
        found = said.dependencies(configuration)
        assert [d for d in found if "coroutines" not in d] == dependencies
    flavors = FLAVORED[name][2] if name in FLAVORED else ()
    assert sorted(value["android"].get("productFlavors", {})) == sorted(flavors)


PROGRAM = """
package com.example.gpu

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.runBlocking
import testbed.App

fun main(args: Array<String>) {
    val image = FloatArray(128) { it / 128f }
    when (args[0]) {
        "await" -> runBlocking {
            Gpu.awaitOpen(App(), listOf(Accelerator.CPU)).use { model ->
                val all = List(20) { async { model.awaitClassify(image, maxResults = 2) } }.awaitAll()
                println(all.distinct().size == 1 && all[0] == model.classify(image, 2) && all[0].categories.size == 2)
            }
        }
        "threads" -> Gpu.open(App(), listOf(Accelerator.CPU)).use { model ->
            val found = java.util.Collections.synchronizedSet(HashSet<Classification>())
            val threads = List(8) { Thread { repeat(50) { found.add(model.classify(image)) } }.apply { start() } }
            threads.forEach { it.join() }
            println(found.size)
        }
        "size" -> Gpu.open(App(), listOf(Accelerator.CPU)).use { model ->
            println(runCatching { model.classify(FloatArray(127)) }.exceptionOrNull())
        }
        "closed" -> {
            val model = Gpu.open(App(), listOf(Accelerator.CPU))
            model.close()
            model.close()
            println(runCatching { model.classify(image) }.exceptionOrNull())
        }
        "tensors" -> Gpu.open(App(), listOf(Accelerator.CPU)).use { model ->
            val tensors = GpuTensors()
            image.copyInto(tensors.image)
            model.run(tensors)
            val best = model.classify(image, 1).top
            println(best != null && tensors.probabilities[best.index] == best.score)
        }
        "chosen" -> Gpu.open(App(), listOf(Accelerator.CPU)).use { model ->
            val found = model.classify(image, maxResults = 3, minScore = model.classify(image, 2).categories[1].score)
            println(found.categories.map { it.score >= found.categories[1].score })
        }
    }
}
"""


# Of a model whose `twice` is twice the picture that it takes, upright and as large as the tensor: 20 x 16.
PICTURES = """
package com.example.rgb

import android.graphics.Bitmap
import java.util.concurrent.CountDownLatch
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import testbed.App

private fun bitmap(width: Int, height: Int, pixel: (x: Int, y: Int) -> Int): Bitmap {
    val bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888)
    for (y in 0 until height) for (x in 0 until width) bitmap.setPixel(x, y, pixel(x, y) or (0xFF shl 24))
    return bitmap
}

private fun color(x: Int, y: Int) = ((x * 11) shl 16) or ((y * 13) shl 8) or ((x * y) and 0xFF)

/** Waits until it may be read. */
private class Slow : Picture {
    val begun = CountDownLatch(1)
    val may = CountDownLatch(1)
    override val width = 20
    override val height = 16

    override fun readRow(y: Int, columns: IntArray, into: IntArray) {
        begun.countDown()
        may.await()
    }
}

fun main(args: Array<String>) {
    val upright = bitmap(20, 16, ::color)
    when (args[0]) {
        "turned" -> Rgb.open(App()).use { model ->
            val wanted = model.predict(upright).twice
            val left = bitmap(16, 20) { x, y -> color(19 - y, x) } // a quarter to the left
            val inside = bitmap(50, 40) { x, y -> color((x - 7).coerceIn(0, 19), (y - 9).coerceIn(0, 15)) }
            println(model.predict(left, rotation = 90).twice.contentEquals(wanted))
            println(model.predict(left).twice.contentEquals(wanted))
            println(model.predict(inside, region = Region(7, 9, 27, 25)).twice.contentEquals(wanted))
            val turned = bitmap(40, 50) { x, y -> color((49 - y - 7).coerceIn(0, 19), (x - 9).coerceIn(0, 15)) }
            val both = runBlocking { model.awaitPredict(turned, 90, Region(7, 9, 27, 25)) }
            println(both.twice.contentEquals(wanted))
            println(model.predict(upright, maxResults = 3).scores.categories.size)
        }
        "cancelled" -> Rgb.open(App()).use { model ->
            runBlocking {
                val (first, second) = listOf(Slow(), Slow())
                val running = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { model.awaitPredict(first) }
                first.begun.await()
                val waiting = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { model.awaitPredict(second) }
                val ended = launch(Dispatchers.Default) {
                    waiting.cancelAndJoin()
                    running.cancelAndJoin()
                }
                delay(200)
                println(listOf(running, waiting, ended).none { it.isCompleted }) // the model still reads the first picture
                first.may.countDown()
                ended.join()
                println(second.begun.count == 1L) // and never began with the second
            }
            println(model.predict(upright).twice.size)
        }
        "interrupted" -> {
            Thread.currentThread().interrupt()
            Rgb.open(App()).use { model ->
                println(Thread.currentThread().isInterrupted)
                println(model.predict(upright).twice.size)
            }
            println(Thread.interrupted())
        }
        "opening" -> {
            runBlocking {
                val opening = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { Rgb.awaitOpen(App()) }
                opening.cancelAndJoin()
            }
            fun isOpen() = Thread.getAllStackTraces().keys.any { it.name == "Rgb" }
            repeat(200) { if (isOpen()) Thread.sleep(50) }
            println(isOpen())
        }
        "unconfined" -> runBlocking(Dispatchers.Unconfined) {
            val model = Rgb.open(App())
            model.awaitPredict(upright)
            println(Thread.currentThread().name) // the model's own, which cannot wait for itself
            println(model.predict(upright).twice.size)
            model.close()
            println(runCatching { model.predict(upright) }.exceptionOrNull()?.message)
        }
        "closing" -> {
            val messages = java.util.Collections.synchronizedSet(HashSet<String?>())
            repeat(30) {
                val model = Rgb.open(App())
                val callers = List(6) {
                    Thread {
                        try {
                            while (true) model.predict(upright)
                        } catch (error: IllegalStateException) {
                            messages += error.message
                        }
                    }.apply { start() }
                }
                Thread.sleep(5)
                model.close()
                callers.forEach { it.join() }
            }
            println(messages)
        }
    }
}
"""

SIZES = """
package com.example.wide

import testbed.App

fun main() {
    Wide.open(App()).use { model ->
        for (n in listOf(3, 7, 2, 7)) {
            val found = model.predict(IntArray(2 * n) { it }, booleanArrayOf(true, false, true), n, n).sum
            val tensors = WideTensors(n)
            for (i in tensors.ids.indices) tensors.ids[i] = i
            model.run(tensors)
            println(found.contentEquals(FloatArray(2 * n) { 2f * it }) && tensors.sum.contentEquals(found))
        }
        for (n in listOf(0, -1, 1 shl 30)) {
            println(runCatching { model.predict(IntArray(0), BooleanArray(3), 0, n) }.exceptionOrNull()?.message)
        }
        println(runCatching { WideTensors(-1) }.exceptionOrNull()?.message)
    }
}
"""

TWO = """
package com.example.two

import testbed.App

fun main() {
    Two.open(App()).use { model ->
        val x = floatArrayOf(0.1f, 0.2f, 0.3f, 0.4f)
        val usual = model.classify(x, 0f)
        val chosen = model.classify(x, aMaxResults = 0f, aMaxResults2 = 9, aMinScore = 0f, bMaxResults = 2, bMinScore = 1f)
        println(listOf(usual.a, usual.b, chosen.a, chosen.b).map { found -> found.categories.map { it.index } })
    }
}
"""

ACCELERATORS = """
package com.example.{package}

import testbed.App

fun main(args: Array<String>) {{
    val wanted = if (args.isEmpty()) {name}.ACCELERATORS else args.map {{ Accelerator.valueOf(it) }}
    val found = runCatching {{
        {name}.open(App(), wanted).use {{ "${{it.accelerator}} ${{it.classify(FloatArray(128)).categories.size}}" }}
    }}
    println(found.getOrElse {{ it.message }})
}}
"""


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("await", "true"),
        ("threads", "1"),
        ("size", "java.lang.IllegalArgumentException: 'image' has 127 values, and the model takes 128"),
        ("closed", "java.lang.IllegalStateException: the model is closed"),
        ("tensors", "true"),
        ("chosen", "[true, true]"),
    ],
)
def test_what_apps_see(what: str, wanted: str, shop: Workshop, standins: StandIns, programs: Path) -> None:
    assets = module(shop, "gpu").folder / "src" / "main" / "assets"
    ran = standins.run("com.example.gpu.ProgramKt", [programs], [what], properties={"testbed.assets": assets})
    assert ran.require().strip() == wanted


@pytest.mark.parametrize(
    ("what", "wanted"),
    [
        ("turned", ["true", "false", "true", "true", "3"]),
        ("cancelled", ["true", "true", "960"]),
        ("interrupted", ["true", "960", "true"]),
        ("opening", ["false"]),
        ("unconfined", ["Rgb", "960", "the model is closed"]),
        ("closing", ["[the model is closed]"]),
    ],
)
def test_pictures_and_threads(what: str, wanted: list[str], shop: Workshop, standins: StandIns, programs: Path) -> None:
    assets = module(shop, "rgb").folder / "src" / "main" / "assets"
    ran = standins.run("com.example.rgb.PicturesKt", [programs], [what], properties={"testbed.assets": assets})
    assert ran.require().splitlines() == wanted


def test_each_result_has_limits_of_its_own(shop: Workshop, standins: StandIns, programs: Path) -> None:
    assets = module(shop, "two").folder / "src" / "main" / "assets"
    ran = standins.run("com.example.two.TwoKt", [programs], properties={"testbed.assets": assets})
    assert ran.require().strip() == "[[3], [3, 2, 1, 0], [3, 2, 1, 0], [3]]"


def test_sizes_of_a_dynamic_dimension(shop: Workshop, standins: StandIns, programs: Path) -> None:
    """One after another of an open model, and those that are none."""
    assets = module(shop, "wide").folder / "src" / "main" / "assets"
    ran = standins.run("com.example.wide.SizesKt", [programs], properties={"testbed.assets": assets})
    none = "the dimension 'n' is {}, and has to be at least 1"
    large = "'ids' has 0 values, and the model takes 2147483648"
    assert ran.require().splitlines() == ["true"] * 4 + [none.format(0), none.format(-1), large, none.format(-1)]


@pytest.mark.parametrize(
    ("name", "device", "asked", "wanted"),
    [
        ("gpu", "npu gpu", "", "NPU 6"),
        ("gpu", "gpu", "", "GPU 6"),
        ("gpu", "gpu-failing", "", "CPU 6"),
        ("gpu", "", "", "CPU 6"),
        ("gpu", "", "NPU GPU", "the model does not run on NPU or GPU: the app or the device has no such"),
        (
            "gpu",
            "gpu-failing",
            "GPU",
            "the model does not run on GPU: LiteRT does not take it: the GPU compiles nothing",
        ),
        ("gpu", "litert-unlinked", "", "the app lacks LiteRT for this device: dlopen failed"),
        ("gpu", "litert-failing", "", "LiteRT cannot be used: Failed to create environment"),
        ("gpu_interpreter", "gpu", "", "GPU 6"),
        ("gpu_interpreter", "", "", "CPU 6"),
        ("gpu_interpreter", "gpu-failing", "", "CPU 6"),
        ("gpu_interpreter", "gpu-unlinked", "", "CPU 6"),
        ("gpu_interpreter", "gpu", "NPU CPU GPU", "CPU 6"),
        ("gpu_interpreter", "", "GPU", "the model does not run on GPU: the app or the device has no such"),
        (
            "gpu_interpreter",
            "gpu-failing",
            "GPU",
            "the model does not run on GPU: the runtime does not take it: Internal error: Failed to apply delegate: ",
        ),
        ("gpu_play", "play gpu", "", "GPU 6"),
        ("gpu_play", "play", "", "CPU 6"),
        ("gpu_play", "play gpu-failing", "", "CPU 6"),
        ("gpu_play", "play gpu-unprepared", "", "CPU 6"),
        ("gpu_play", "play gpu", "CPU", "CPU 6"),
        (
            "gpu_play",
            "gpu",
            "",
            "Google Play services have no runtime on this device: 17: API: Tflite.API is not available",
        ),
        ("gpu_fallback", "play gpu", "", "GPU 6"),
        ("gpu_fallback", "gpu", "", "GPU 6"),
        ("gpu_fallback", "gpu-unlinked", "", "CPU 6"),
        ("gpu_fallback", "", "", "CPU 6"),
    ],
)
def test_what_it_runs_on(
    name: str, device: str, asked: str, wanted: str, shop: Workshop, standins: StandIns, programs: Path
) -> None:
    """The first of what the app asks for that takes the model, by the device's equipment; and it computes."""
    assets = module(shop, name).folder / "src" / "main" / "assets"
    has = {word.partition("-")[0]: word.partition("-")[2] or "present" for word in device.split()}
    properties = {f"testbed.{what}": has.get(what, "absent") for what in ("npu", "gpu", "play", "litert")}
    properties["testbed.assets"] = str(assets)
    ran = standins.run(f"com.example.{name}.AcceleratorsKt", [programs], asked.split(), properties=properties)
    assert ran.require().strip().startswith(wanted)


@pytest.fixture(scope="module")
def programs(shop: Workshop, standins: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    sources = []
    for file, text in (("Program", PROGRAM), ("Pictures", PICTURES), ("Sizes", SIZES), ("Two", TWO)):
        sources.append(folder / f"{file}.kt")
        sources[-1].write_text(text, "utf-8")
    for name in ("rgb", "wide", "two", *GPU):
        sources += [f for f in module(shop, name).kotlin if "androidTest" not in f.parts]
    for name in GPU:
        sources.append(folder / name / "Accelerators.kt")
        sources[-1].parent.mkdir()
        class_name = "".join(word.capitalize() for word in name.split("_"))
        sources[-1].write_text(ACCELERATORS.format(package=name, name=class_name), "utf-8")
    return standins.kotlin.compile(sources, folder / "out", [standins.classes], coroutines=True).require()


@pytest.mark.parametrize(("play", "flavor", "passes"), [("present", "play", 3), ("absent", "play", 3)])
def test_devices_without_play_services(
    play: str, flavor: str, passes: int, shop: Workshop, standins: StandIns, tmp_path: Path
) -> None:
    """With `fallback` the app's own runtime stands in."""
    made = module(shop, "both", flavor)
    classes = made.compile(standins, tmp_path / "classes").require()
    assert len(made.run(standins, classes, tmp_path / "assets", {"testbed.play": play}).require()) == passes


def test_without_a_fallback_it_is_said(shop: Workshop, standins: StandIns, classes: Path, tmp_path: Path) -> None:
    tested = module(shop, "play").run(standins, classes, tmp_path / "assets", {"testbed.play": "absent"})
    assert len(tested.failed) == 2 and "Google Play services have no runtime on this device" in tested.ran.err
