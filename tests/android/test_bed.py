"""The bed itself: what it refuses, what its tests tell, and that stand-ins are no stricter than a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from kotlin_bed import Kotlin
from standins import Outcome, StandIns

MODELS = Path(__file__).resolve().parent.parent / "fixtures" / "tflite"
Write = Callable[[str], Path]
Tests = Callable[..., Outcome]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(text: str) -> Path:
        source = tmp_path / "Code.kt"
        source.write_text(text, "utf-8")
        return source

    return to


@pytest.fixture
def tests(standins: StandIns, write: Write, tmp_path: Path) -> Tests:
    """Compiles a JUnit class `Case` of some methods, and runs it."""

    def run(body: str, imports: Sequence[str] = (), **properties: str | Path) -> Outcome:
        lines = ["import org.junit.Assert.*", "import org.junit.*", *(f"import {name}" for name in imports)]
        source = write("\n".join([*lines, "", "class Case {", body, "}", ""]))
        built = standins.kotlin.compile([source], tmp_path / "out", [standins.classes], coroutines=True).require()
        named = {f"testbed.{name}": value for name, value in properties.items()}
        return standins.test(["Case"], [built], properties={"testbed.assets": MODELS, **named})

    return run


def test_an_error_has_its_place(kotlin: Kotlin, write: Write, tmp_path: Path) -> None:
    source = write("fun one(): Int = 1\n\nfun two(): Int = one() + other\n")
    compiled = kotlin.compile([source], tmp_path / "out")
    (error,) = compiled.diagnostics
    assert not compiled.ok
    assert (error.severity, error.file, error.line, error.column) == ("error", source, 3, 26)
    assert "other" in error.text


def test_a_warning_fails(kotlin: Kotlin, write: Write, tmp_path: Path) -> None:
    compiled = kotlin.compile(
        [write("fun one(): Int {\n    val unused = 2 as Int\n    return 1\n}\n")], tmp_path / "out"
    )
    assert not compiled.ok
    assert {d.line for d in compiled.diagnostics if d.severity == "warning"} == {2}


def test_one_compiler_compiles_again_and_again(kotlin: Kotlin, write: Write, tmp_path: Path) -> None:
    for number in range(3):
        out = tmp_path / str(number)
        kotlin.compile([write(f"fun main() = println({number})\n")], out).require()
        assert kotlin.run("CodeKt", [out]).require() == f"{number}\n"


def test_outcomes_of_tests(tests: Tests) -> None:
    tested = tests("""
        @Before fun before() { count++ }
        @Test fun passes() = assertEquals(1, count)
        @Test fun fails() = assertEquals("why", 2L, 3L)
        @Test(expected = IllegalStateException::class) fun throws() { error("as it should") }
        @Test(expected = IllegalStateException::class) fun throwsNothing() {}
        @Test fun throwsOther() { throw NoSuchElementException("other") }
        @Test fun differs() = assertArrayEquals(floatArrayOf(1f, 2f), floatArrayOf(1f, 2.5f), 0.1f)
        @Ignore @Test fun ignored() { fail() }
        private var count = 0
    """)
    assert tested.ran.code == 1
    assert tested.passed == ("Case.passes", "Case.throws")
    assert tested.failed == ("Case.differs", "Case.fails", "Case.throwsNothing", "Case.throwsOther")
    assert tested.skipped == ("Case.ignored",)
    assert "why expected:<2> but was:<3>" in tested.ran.err
    with pytest.raises(AssertionError):
        tested.require()


def test_coroutines(tests: Tests) -> None:
    body = """
        @Test fun waits() {
            val found = runBlocking { listOf(1, 2).map { async(Dispatchers.Default) { delay(5); it * 2 } }.awaitAll() }
            assertEquals(listOf(2, 4), found)
        }
    """
    names = ("async", "awaitAll", "delay", "runBlocking", "Dispatchers")
    tests(body, [f"kotlinx.coroutines.{name}" for name in names]).require()


def test_java_classes_have_properties_and_platform_types(tests: Tests) -> None:
    """Kotlin sees Java's getters as properties, and does not know what is null; -Werror refuses what is needless."""
    body = """
        @Test fun getters() {
            val context: Context = InstrumentationRegistry.getInstrumentation().targetContext
            assertNotNull(context.assets.open("float32.tflite"))
            assertEquals(0, context.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE)
            val bitmap = Bitmap.createBitmap(2, 1, Bitmap.Config.ARGB_8888)
            assertEquals(2 to 1, bitmap.width to bitmap.height)
            Interpreter(File("MODEL")).use {
                assertEquals(1, it.inputTensorCount)
                assertEquals(listOf("classify"), it.signatureKeys.toList())
                val tensor: Tensor? = it.getInputTensor(0)
                assertEquals(DataType.FLOAT32, tensor!!.dataType())
                assertEquals(0f, it.getInputTensor(0).quantizationParams().scale)
            }
        }
    """.replace("MODEL", str(MODELS / "float32.tflite"))
    imports = [
        "android.content.Context",
        "android.content.pm.ApplicationInfo",
        "android.graphics.Bitmap",
        "java.io.File",
    ]
    imports += ["androidx.test.platform.app.InstrumentationRegistry", "org.tensorflow.lite.*"]
    tests(body, imports).require()


LITERT = ["com.google.ai.edge.litert.*", "testbed.App"]
OPEN = """
    private fun open(name: String, vararg wanted: Accelerator): CompiledModel =
        CompiledModel.create(App().assets, "$name.tflite", CompiledModel.Options(*wanted))
"""


def test_buffers_are_no_stricter_than_a_device(tests: Tests) -> None:
    body = """
        @Test fun tooMuchIsRefused() {
            open("float32", Accelerator.CPU).use { model ->
                val (input) = model.createInputBuffers("classify")
                input.writeFloat(FloatArray(128))
                assertThrows(LiteRtException::class.java) { input.writeFloat(FloatArray(129)) }
            }
        }
        @Test fun tooLittleIsNot() {
            open("float32", Accelerator.CPU).use { it.createInputBuffers()[0].writeFloat(FloatArray(3)) }
        }
        @Test fun otherTypesAreNot() {
            open("float32", Accelerator.CPU).use { model ->
                val (input) = model.createInputBuffers()
                input.writeInt8(ByteArray(512) { 1 })
                assertEquals(128, input.readInt8().size)
                assertEquals(0x01010101, input.readInt()[127])
            }
        }
        @Test fun int16HasHalfOfItsBytes() {
            open("int16x8", Accelerator.CPU).use { model ->
                assertEquals(128, model.createInputBuffers()[0].readInt8().size)
                val error = assertThrows(LiteRtException::class.java) { model.getInputTensorType("image") }
                assertEquals("Unsupported element type in Kotlin", error.message)
            }
        }
        @Test fun unknownNames() {
            open("float32", Accelerator.CPU).use { model ->
                assertThrows(LiteRtException::class.java) { model.createInputBuffers("clasify") }
                assertThrows(LiteRtException::class.java) { model.createInputBuffer("imag") }
            }
            assertThrows(LiteRtException::class.java) { open("absent", Accelerator.CPU) }
        }
        @Test fun closed() {
            val model = open("float32", Accelerator.CPU)
            model.close()
            model.close()
            assertThrows(IllegalStateException::class.java) { model.createInputBuffers() }
        }
        @Test fun variablesAreNotForCompiledModel() {
            assertThrows(LiteRtException::class.java) { open("variable", Accelerator.CPU) }
        }
    """
    assert len(tests(body + OPEN, LITERT).require()) == 7


def test_gpu(tests: Tests) -> None:
    available = """
        @Test fun available() {
            val found = Environment.create(App()).use { it.getAvailableAccelerators() }
            assertEquals(EXPECTED, found)
        }
    """
    runs = """
        @Test fun both() {
            open("float32", Accelerator.GPU, Accelerator.CPU).use { assertEquals(1, it.createInputBuffers().size) }
        }
    """
    refused = """
        @Test fun both() {
            val error = assertThrows(LiteRtException::class.java) { open("float32", Accelerator.GPU, Accelerator.CPU) }
            assertNotNull(error.message)
            open("float32", Accelerator.CPU).close()
        }
    """
    cpu, gpu = "setOf(Accelerator.CPU)", "setOf(Accelerator.CPU, Accelerator.GPU)"
    tests(available.replace("EXPECTED", cpu) + runs + OPEN, LITERT).require()
    tests(available.replace("EXPECTED", gpu) + runs + OPEN, LITERT, gpu="present").require()
    tests(available.replace("EXPECTED", gpu) + refused + OPEN, LITERT, gpu="failing").require()


PLAY = [
    "com.google.android.gms.tasks.Tasks",
    "com.google.android.gms.tflite.client.TfLiteInitializationOptions",
    "com.google.android.gms.tflite.java.TfLite",
    "java.io.File",
    "java.util.concurrent.CountDownLatch",
    "java.util.concurrent.ExecutionException",
    "java.util.concurrent.TimeUnit",
    "org.tensorflow.lite.InterpreterApi",
    "testbed.App",
]


def test_play_services(tests: Tests) -> None:
    body = """
        private val options =
            InterpreterApi.Options().setRuntime(InterpreterApi.Options.TfLiteRuntime.FROM_SYSTEM_ONLY)

        @Test fun aFirstWithoutInitialization() {
            assertThrows(IllegalStateException::class.java) { InterpreterApi.create(File("MODEL"), options) }
        }
        @Test fun bInitialized() {
            val done = CountDownLatch(1)
            var thread = ""
            TfLite.initialize(App(), TfLiteInitializationOptions.builder().setEnableGpuDelegateSupport(false).build())
                .addOnSuccessListener {
                    thread = Thread.currentThread().name
                    done.countDown()
                }
                .addOnFailureListener { throw it }
            assertTrue(done.await(10, TimeUnit.SECONDS))
            assertEquals("main", thread)
            InterpreterApi.create(File("MODEL"), options).use { interpreter ->
                val output = Array(1) { FloatArray(6) }
                interpreter.run(Array(1) { Array(8) { Array(8) { FloatArray(2) } } }, output)
                assertEquals(1f, output[0].sum(), 1e-5f)
            }
        }
    """.replace("MODEL", str(MODELS / "float32.tflite"))
    tests(body, PLAY).require()


def test_no_play_services(tests: Tests) -> None:
    body = """
        @Test fun fails() {
            val error = assertThrows(ExecutionException::class.java) { Tasks.await(TfLite.initialize(App())) }
            assertTrue(error.cause is UnsupportedOperationException)
        }
    """
    tests(body, PLAY, play="absent").require()


def test_assets_lie_inside_of_a_file(tests: Tests) -> None:
    size = (MODELS / "int8.tflite").stat().st_size
    body = """
        @Test fun mapped() {
            val descriptor = App().assets.openFd("int8.tflite")
            assertEquals(SIZEL, descriptor.length)
            val stream = FileInputStream(descriptor.fileDescriptor)
            val start = descriptor.startOffset
            val mapped = stream.channel.map(FileChannel.MapMode.READ_ONLY, start, descriptor.declaredLength)
            Interpreter(mapped).use { assertEquals(DataType.INT8, it.getInputTensor(0).dataType()) }
            val whole = stream.channel.map(FileChannel.MapMode.READ_ONLY, 0, stream.channel.size())
            assertThrows(IllegalArgumentException::class.java) { Interpreter(whole) }
            assertEquals(SIZE, descriptor.createInputStream().readBytes().size)
        }
        @Test fun compressed() {
            val assets = App(compressed = setOf(".tflite")).assets
            assertThrows(FileNotFoundException::class.java) { assets.openFd("int8.tflite") }
            assertEquals(SIZE, assets.open("int8.tflite").readBytes().size)
        }
    """.replace("SIZE", str(size))
    imports = ["java.io.FileInputStream", "java.io.FileNotFoundException", "java.nio.channels.FileChannel"]
    tests(body, [*imports, "org.tensorflow.lite.*", "testbed.App"]).require()


def test_the_interpreter_refuses_what_a_device_refuses(tests: Tests) -> None:
    body = """
        private fun open() = Interpreter(File("MODEL"))
        private fun refused(input: Any, output: Any): String =
            open().use { assertThrows(IllegalArgumentException::class.java) { it.run(input, output) }.message!! }

        @Test fun size() = assertEquals(
            "Cannot copy to a TensorFlowLite tensor (classify_image) with 512 bytes from a Java Buffer with 508 bytes.",
            refused(ByteBuffer.allocateDirect(508), ByteBuffer.allocateDirect(24)),
        )
        @Test fun type() = assertTrue(refused(IntArray(128), ByteBuffer.allocateDirect(24)).startsWith("Cannot convert"))
        @Test fun output() = assertTrue(
            refused(ByteBuffer.allocateDirect(512), FloatBuffer.allocate(5)).endsWith("to a Java Buffer with 20 bytes."),
        )
        @Test fun heapModel() {
            val bytes = File("MODEL").readBytes()
            assertThrows(IllegalArgumentException::class.java) { Interpreter(ByteBuffer.wrap(bytes)) }
            val direct = ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder())
            Interpreter(direct.put(bytes)).close()
        }
        @Test fun noModel() {
            val zeros = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder())
            assertThrows(IllegalArgumentException::class.java) { Interpreter(zeros) }
        }
        @Test fun closed() {
            val interpreter = open()
            interpreter.close()
            assertThrows(IllegalStateException::class.java) { interpreter.allocateTensors() }
        }
    """.replace("MODEL", str(MODELS / "float32.tflite"))
    imports = ["java.io.File", "java.nio.ByteBuffer", "java.nio.ByteOrder", "java.nio.FloatBuffer"]
    assert len(tests(body, [*imports, "org.tensorflow.lite.Interpreter"]).require()) == 6


def test_pictures(tests: Tests) -> None:
    colors = [0xFF000000 | int(value) for value in np.random.default_rng(3).integers(0, 1 << 24, 6)]
    body = """
        private val colors = longArrayOf(COLORS).map { it.toInt() }.toIntArray()

        @Test fun pixels() {
            val bitmap = Bitmap.createBitmap(colors, 3, 2, Bitmap.Config.ARGB_8888)
            val found = IntArray(2)
            bitmap.getPixels(found, 0, 1, 1, 0, 1, 2)
            assertArrayEquals(intArrayOf(colors[1], colors[4]), found)
            assertThrows(IllegalArgumentException::class.java) { bitmap.getPixels(found, 0, 1, 3, 0, 1, 2) }
            val hardware = bitmap.copy(Bitmap.Config.HARDWARE, false)!!
            assertThrows(IllegalStateException::class.java) { hardware.getPixel(0, 0) }
            bitmap.recycle()
            assertThrows(IllegalStateException::class.java) { bitmap.getPixel(0, 0) }
        }
        @Test fun planes() {
            val plane = CameraPlane(ByteBuffer.allocateDirect(64), 16, 1)
            val image: Image = CameraImage(12, 4, arrayOf(plane, plane, plane))
            assertEquals(ImageFormat.YUV_420_888, image.format)
            assertEquals(Rect(0, 0, 12, 4), image.cropRect)
            assertEquals(16, image.planes[0].rowStride)
            image.close()
            assertThrows(IllegalStateException::class.java) { image.planes }
        }
    """.replace("COLORS", ", ".join(map(str, colors)))
    imports = ["android.graphics.*", "android.media.Image", "java.nio.ByteBuffer"]
    tests(body, [*imports, "testbed.CameraImage", "testbed.CameraPlane"]).require()
