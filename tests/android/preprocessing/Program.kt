// Reads cases, a line each, and writes what the shared sources make of them: the Python test holds it against numpy.
package PACKAGE

import android.graphics.Bitmap
import android.graphics.Rect
import android.media.Image
import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.io.File
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import testbed.CameraImage
import testbed.CameraPlane

private class Case(line: String, private val data: ByteArray) {
    val what: String = line.substringBefore(' ')
    private val words = line.split(' ').drop(1).associate { it.substringBefore('=') to it.substringAfter('=') }

    fun text(key: String): String = words.getValue(key)

    fun has(key: String): Boolean = key in words

    fun int(key: String): Int = text(key).toInt()

    fun flag(key: String): Boolean = text(key) == "True"

    fun ints(key: String): IntArray = text(key).split(',').map { it.toInt() }.toIntArray()

    fun floats(key: String): FloatArray = text(key).split(',').map { it.toFloat() }.toFloatArray()

    fun bytes(key: String): ByteArray {
        val (start, size) = ints(key)
        return data.copyOfRange(start, start + size)
    }

    fun buffer(key: String): ByteBuffer {
        val bytes = bytes(key)
        val spare = 3 // a buffer that does not begin at 0
        val size = bytes.size + spare
        val made = if (flag("direct")) ByteBuffer.allocateDirect(size) else ByteBuffer.allocate(size)
        for (i in bytes.indices) made.put(spare + i, bytes[i])
        made.position(spare)
        return made
    }

    fun dataInts(key: String): IntArray = little(key).asIntBuffer().let { IntArray(it.remaining()).also(it::get) }

    fun dataFloats(key: String): FloatArray =
        little(key).asFloatBuffer().let { FloatArray(it.remaining()).also(it::get) }

    fun dataShorts(key: String): ShortArray =
        little(key).asShortBuffer().let { ShortArray(it.remaining()).also(it::get) }

    private fun little(key: String): ByteBuffer = ByteBuffer.wrap(bytes(key)).order(ByteOrder.LITTLE_ENDIAN)
}

private class Answers {
    val bytes = ByteArrayOutputStream()
    private val data = DataOutputStream(bytes) // big-endian

    fun put(values: ByteArray) {
        data.write(values)
    }

    fun put(values: IntArray) {
        for (value in values) data.writeInt(value)
    }

    fun put(values: ShortArray) {
        for (value in values) data.writeShort(value.toInt())
    }

    fun put(values: FloatArray) {
        for (value in values) data.writeFloat(value)
    }
}

private fun bitmap(pixels: IntArray, width: Int, height: Int): Bitmap =
    Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)

private fun picture(case: Case): Picture {
    val width = case.int("width")
    val height = case.int("height")
    val kind = case.text("kind")
    return when (kind) {
        "argb" -> ArgbPicture(case.dataInts("data"), width, height)
        "bitmap" -> bitmap(case.dataInts("data"), width, height).asPicture()
        "nv21" -> YuvPicture.nv21(case.bytes("data"), width, height)
        "nv12" -> YuvPicture.nv12(case.bytes("data"), width, height)
        "i420" -> YuvPicture.i420(case.bytes("data"), width, height)
        "image" -> {
            val planes = Array(3) {
                CameraPlane(case.buffer("yuv"[it].toString()), case.ints("strides")[it], case.ints("steps")[it]) as Image.Plane
            }
            val (left, top, right, bottom) = case.ints("crop")
            CameraImage(width, height, planes).apply { cropRect = Rect(left, top, right, bottom) }.asPicture()
        }
        "rgba_image" -> {
            val plane: Image.Plane = CameraPlane(case.buffer("data"), case.int("stride"), 4)
            CameraImage(width, height, arrayOf(plane), 1).asPicture()
        }
        else ->
            if (case.has("stride")) {
                BytePicture(case.buffer("data"), width, height, PixelFormat.valueOf(kind), case.int("stride"))
            } else {
                BytePicture(case.bytes("data"), width, height, PixelFormat.valueOf(kind))
            }
    }
}

private fun region(ends: IntArray): Region = Region(ends[0], ends[1], ends[2], ends[3])

private fun run(case: Case, answers: Answers) {
    when (case.what) {
        "picture" -> {
            val (width, height) = case.ints("to")
            val preprocessing = PicturePreprocessing(
                width,
                height,
                ColorSpace.valueOf(case.text("color")),
                mean = case.floats("mean"),
                std = case.floats("std"),
                invert = case.flag("invert"),
                resize = Resize.valueOf(case.text("resize")),
                antialias = case.flag("antialias"),
                fit = Fit.valueOf(case.text("fit")),
                fill = case.ints("fill"),
                channelsFirst = case.flag("first"),
            )
            val orientation = if (case.has("rotation")) {
                Orientation.ofRotation(case.int("rotation"))
            } else {
                Orientation.ofExif(case.int("orientation"))
            }
            val region = if (case.has("region")) region(case.ints("region")) else null
            val made = preprocessing.prepare(picture(case), orientation, region)
            answers.put(made.pixels)
            answers.put(made.bytes())
            answers.put(made.floats())
            answers.put(made.bytes(Quantization(0.02f, 3, QuantizedType.INT8)))
            answers.put(made.bytes(Quantization(0.5f, 100, QuantizedType.UINT8)))
            answers.put(made.shorts(Quantization(0.001f, 0, QuantizedType.INT16)))
            for ((x, y) in listOf(0f to 0f, width.toFloat() to 0f, 0.5f to height - 0.25f)) {
                val upright = made.transform.toUpright(x, y)
                val raw = made.transform.toPicture(x, y)
                answers.put(floatArrayOf(upright.x, upright.y, raw.x, raw.y))
            }
        }
        "sound" -> {
            val channels = case.int("channels")
            val rate = case.int("rate")
            val sound = when (case.text("kind")) {
                "pcm16" -> Sound.ofPcm16(case.dataShorts("data"), rate, channels)
                "float" -> Sound.ofFloat(case.dataFloats("data"), rate, channels)
                else -> {
                    val samples = case.dataInts("data")
                    Sound.of(samples.size, rate, channels, 0, samples.size) { samples[it] }
                }
            }
            val hop = if (case.has("hop")) case.int("hop") else null
            val (mean, std) = listOf("mean", "std").map { case.floats(it)[0] }
            val frames = SoundPreprocessing(case.int("to"), case.int("length"), hop, mean, std).frames(sound)
            answers.put(Resampler.resample(sound.samples, rate, case.int("to"), Int.MAX_VALUE))
            for (frame in frames) answers.put(frame)
        }
        "kernel" -> answers.put(Resampler.kernel)
        "quantized" -> {
            val type = QuantizedType.valueOf(case.text("dtype"))
            val quantization = Quantization(case.floats("scale")[0], case.int("zero"), type)
            val real = case.dataFloats("data")
            val wide = quantization.type == QuantizedType.INT16
            answers.put(IntArray(real.size) { quantization.quantize(real[it]) })
            answers.put(
                if (wide) {
                    quantization.dequantize(quantization.quantize(real, ShortArray(real.size)))
                } else {
                    quantization.dequantize(quantization.quantize(real))
                },
            )
        }
        "scores" -> {
            val scores = case.dataFloats("data")
            answers.put(Scores.softmax(scores))
            answers.put(Scores.sigmoid(scores))
            val labels = scores.indices.map { "label $it" }
            val found = Classification.of(scores, labels, case.floats("threshold")[0], case.int("most"))
            check(found.categories.all { it.label == labels[it.index] && it.score == scores[it.index] })
            answers.put(found.categories.map { it.index }.toIntArray())
        }
        else -> error("no case: ${case.what}")
    }
}

/** A picture of one colour that takes no memory. */
private class Plain(override val width: Int) : Picture {
    override val height: Int = width

    override fun readRow(y: Int, columns: IntArray, into: IntArray) {
        into.fill(-1)
    }
}

/** What is said where something does not fit. */
private fun refusals() {
    val picture = ArgbPicture(IntArray(12), 4, 3)
    val preprocessing = PicturePreprocessing(2, 2)
    val made = preprocessing.prepare(picture)
    val int8 = Quantization(0.5f, 0, QuantizedType.INT8)
    val recycled = bitmap(IntArray(4), 2, 2).also { it.recycle() }
    val hardware = checkNotNull(bitmap(IntArray(4), 2, 2).copy(Bitmap.Config.HARDWARE, false))
    val tries = listOf<() -> Any>(
        { ArgbPicture(IntArray(11), 4, 3) },
        { ArgbPicture(IntArray(12), 0, 3) },
        { BytePicture(ByteArray(35), 4, 3, PixelFormat.RGB) },
        { BytePicture(ByteBuffer.allocate(40), 4, 3, PixelFormat.RGB, 11) },
        { YuvPicture.nv21(ByteArray(17), 4, 3) },
        { recycled.asPicture() },
        { hardware.asPicture() },
        { CameraImage(4, 3, arrayOf(), 256).asPicture() },
        { Orientation.ofRotation(45) },
        { Region(2, 0, 2, 3) },
        { preprocessing.prepare(picture, Orientation.ROTATED_90, Region(0, 0, 4, 3)) },
        { PicturePreprocessing(1, 1, antialias = true).prepare(Plain(100_000)) },
        { PicturePreprocessing(2, 0) },
        { PicturePreprocessing(2, 2, mean = floatArrayOf(1f, 2f)) },
        { PicturePreprocessing(2, 2, std = floatArrayOf(0f)) },
        { PicturePreprocessing(2, 2, fill = intArrayOf(256)) },
        { made.floats(FloatArray(13)) },
        { made.shorts(int8) },
        { made.bytes(Quantization(1f, 0, QuantizedType.INT16)) },
        { Quantization(0f, 0, QuantizedType.INT8) },
        { Quantization(1f, -1, QuantizedType.UINT8) },
        { int8.quantize(FloatArray(2), ByteArray(3)) },
        { Sound.ofPcm16(ShortArray(5), 16000, 2) },
        { Sound.ofPcm16(ShortArray(5), 16000, count = 6) },
        { Sound.ofPcm16(ShortArray(0), 16000) },
        { Sound.ofFloat(floatArrayOf(0f, Float.NaN), 16000) },
        { SoundPreprocessing(16000, 0) },
        { SoundPreprocessing(16000, 1, hop = 0) },
        { Classification.of(FloatArray(3), listOf("a", "b")) },
        { Classification.of(FloatArray(1), listOf("a"), maxResults = 0) },
        { Scores.softmax(FloatArray(0)) },
    )
    for (one in tries) {
        val said = try {
            "nothing: ${one()}"
        } catch (error: IllegalArgumentException) {
            error.message
        }
        println(said)
    }
    val cat = Classification(listOf(Category(3, "cat", 0.5f)))
    println(cat)
    println(cat == Classification.of(floatArrayOf(0f, 0f, 0f, 0.5f), listOf("", "", "", "cat"), 0.1f))
    println(Classification.of(floatArrayOf(0.1f, 0.2f), listOf("a", "b"), 0.3f).top)
}

/** Milliseconds of the processor, which other processes do not lengthen: the first of many calls, and the median. */
private fun measured(call: () -> Any): String {
    val clock = ManagementFactory.getThreadMXBean()
    val times = List(21) {
        val start = clock.currentThreadCpuTime
        call()
        (clock.currentThreadCpuTime - start) / 1e6
    }
    return "%6.1f ms, then %6.1f ms".format(times[0], times.drop(6).sorted()[7])
}

private fun speed() {
    val pixels = IntArray(12_000_000) { (0xFF shl 24) or (it * 0x9E3779B1.toInt() ushr 8) }
    val picture = ArgbPicture(pixels, 4000, 3000)
    val frame = YuvPicture.nv21(ByteArray(640 * 480 * 3 / 2) { (it * 31).toByte() }, 640, 480)
    for ((name, source) in listOf("ARGB 4000 x 3000" to picture, "NV21 640 x 480" to frame)) {
        for ((resize, antialias) in listOf(Resize.BILINEAR to false, Resize.BILINEAR to true, Resize.AREA to false)) {
            val preprocessing = PicturePreprocessing(224, 224, resize = resize, antialias = antialias)
            for (turn in listOf(Orientation.UPRIGHT, Orientation.ROTATED_90)) {
                val what = "$name $resize ${if (antialias) "antialias " else ""}$turn"
                println(what.padEnd(48) + measured { preprocessing.prepare(source, turn).floats() })
            }
        }
    }
    val sound = Sound.ofPcm16(ShortArray(44100 * 10) { (it * 7919).toShort() }, 44100)
    val frames = SoundPreprocessing(16000, 16000, hop = 8000)
    println("10 s of 44100 to 16000".padEnd(48) + measured { frames.frames(sound) })
}

public fun main(args: Array<String>) {
    if (args[0] == "speed") return speed()
    if (args[0] == "refusals") return refusals()
    val data = File(args[1]).readBytes()
    val answers = Answers()
    for (line in File(args[0]).readLines()) {
        val before = answers.bytes.size()
        run(Case(line, data), answers)
        println(answers.bytes.size() - before)
    }
    File(args[2]).writeBytes(answers.bytes.toByteArray())
}
