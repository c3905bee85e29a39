package testbed

import android.content.res.AssetManager
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.Status
import com.google.ai.edge.litert.TensorBufferRequirements
import com.google.ai.edge.litert.TensorType
import java.io.IOException
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

/**
 * What liblitert_jni.so is on a device: the native functions of LiteRT's Kotlin classes, by their names there.
 *
 * They check as little as that does (litert/kotlin/src/main/jni/litert_*_jni.cc, litert/cc/litert_tensor_buffer.h). Where
 * it would read memory that was freed, an [AssertionError] tells so, and where it would read what lies behind a tensor's
 * memory, bytes of 0x7f stand there.
 *
 * The property testbed.gpu says how the device is: "absent" has no GPU accelerator in the app, "present" has one (whose
 * work the CPU does), "failing" has one that compiles nothing. The property testbed.npu is "present" or "absent"; an NPU is
 * there for who names the folder of its libraries. With testbed.litert "unlinked" the app has no library for the device's
 * processor, and with "failing" the library does not start.
 */
internal object Native {
    private const val CPU = 1
    private const val GPU = 2
    private const val NPU = 3
    private const val DISPATCH_LIBRARY_FOLDER = 1
    private const val NOT_OURS: Byte = 0x7f
    private val accelerators = mapOf(0 to 0, 1 to 1, GPU to 2, 3 to 4)
    private val objects = ConcurrentHashMap<Long, AutoCloseable>()
    private val lastHandle = AtomicLong()

    /** How many objects nobody has closed. */
    val alive: Int get() = objects.size

    private fun keep(value: AutoCloseable): Long = lastHandle.incrementAndGet().also { objects[it] = value }

    private inline fun <reified T> of(handle: Long): T =
        objects[handle] as? T ?: throw AssertionError("a device crashes here: a closed ${T::class.java.simpleName} is used")

    fun destroy(handle: Long) {
        objects.remove(handle)?.close() ?: throw AssertionError("a device crashes here: closed twice")
    }

    fun createEnvironment(options: List<Int>): Long {
        when (System.getProperty("testbed.litert")) {
            "unlinked" -> throw UnsatisfiedLinkError("dlopen failed: library \"liblitert_jni.so\" not found")
            "failing" -> throw LiteRtException(Status.ErrorRuntimeFailure, "Failed to create environment")
        }
        return keep(Surroundings(DISPATCH_LIBRARY_FOLDER in options))
    }

    fun availableAccelerators(environment: Long): IntArray {
        val surroundings: Surroundings = of(environment)
        val npu = if (surroundings.hasNpuLibraries && System.getProperty("testbed.npu") == "present") intArrayOf(NPU) else intArrayOf()
        val gpu = if (System.getProperty("testbed.gpu", "absent") == "absent") intArrayOf() else intArrayOf(GPU)
        return npu + gpu + CPU
    }

    fun createFromAsset(
        environment: Long,
        assets: AssetManager,
        name: String,
        wanted: IntArray,
    ): Long {
        val bytes =
            try {
                assets.open(name).use { it.readBytes() }
            } catch (_: IOException) {
                throw LiteRtException(Status.ErrorNotFound, "Failed to open asset.")
            }
        if (bytes.isEmpty()) throw LiteRtException(Status.ErrorNotFound, "Empty or invalid asset.")
        return keep(Compiled.ofBytes(of(environment), MemorySegment.ofArray(bytes), chosen(wanted)))
    }

    fun createFromFile(
        environment: Long,
        path: String,
        wanted: IntArray,
    ): Long = keep(Compiled.ofFile(of(environment), path, chosen(wanted)))

    private fun chosen(wanted: IntArray): Int {
        val gpu = System.getProperty("testbed.gpu", "absent")
        if (GPU in wanted && gpu == "failing") throw LiteRtException(Status.ErrorCompilation, "the GPU compiles nothing")
        val all = wanted.fold(0) { set, one -> set or accelerators.getValue(one) }
        val others = (if (gpu == "present") 2 else 0) or (if (System.getProperty("testbed.npu") == "present") 4 else 0)
        return if (all and others != 0) all and others.inv() or 1 else all
    }

    fun createInputBuffer(
        model: Long,
        signature: String,
        name: String,
    ): Long {
        val compiled: Compiled = of(model)
        val number = compiled.signature(signature)
        return keep(compiled.inputMemory(number, compiled.signature(number).inputs.index(name)))
    }

    fun createOutputBuffer(
        model: Long,
        signature: String,
        name: String,
    ): Long {
        val compiled: Compiled = of(model)
        val number = compiled.signature(signature)
        return keep(compiled.outputMemory(number, compiled.signature(number).outputs.index(name)))
    }

    fun createInputBuffers(
        model: Long,
        signature: Int,
    ): LongArray {
        val compiled: Compiled = of(model)
        return LongArray(compiled.signature(signature).inputs.names.size) { keep(compiled.inputMemory(signature, it)) }
    }

    fun createInputBuffers(
        model: Long,
        signature: String,
    ): LongArray = createInputBuffers(model, of<Compiled>(model).signature(signature))

    fun createOutputBuffers(
        model: Long,
        signature: Int,
    ): LongArray {
        val compiled: Compiled = of(model)
        return LongArray(compiled.signature(signature).outputs.names.size) { keep(compiled.outputMemory(signature, it)) }
    }

    fun createOutputBuffers(
        model: Long,
        signature: String,
    ): LongArray = createOutputBuffers(model, of<Compiled>(model).signature(signature))

    fun inputBufferRequirements(
        model: Long,
        signature: String,
        name: String,
    ): TensorBufferRequirements {
        val compiled: Compiled = of(model)
        val number = compiled.signature(signature)
        val index = compiled.signature(number).inputs.index(name)
        return TensorBufferRequirements(intArrayOf(1), compiled.requiredSize("Input", number, index), intArrayOf())
    }

    fun outputBufferRequirements(
        model: Long,
        signature: String,
        name: String,
    ): TensorBufferRequirements {
        val compiled: Compiled = of(model)
        val number = compiled.signature(signature)
        val index = compiled.signature(number).outputs.index(name)
        return TensorBufferRequirements(intArrayOf(1), compiled.requiredSize("Output", number, index), intArrayOf())
    }

    fun run(
        model: Long,
        signature: Int,
        inputs: LongArray,
        outputs: LongArray,
    ) {
        of<Compiled>(model).run(signature, inputs.map { of<Memory>(it) }, outputs.map { of<Memory>(it) })
    }

    fun run(
        model: Long,
        signature: String,
        inputs: LongArray,
        outputs: LongArray,
    ) = run(model, of<Compiled>(model).signature(signature), inputs, outputs)

    fun runWithMap(
        model: Long,
        key: String,
        inputKeys: Array<String>,
        inputs: LongArray,
        outputKeys: Array<String>,
        outputs: LongArray,
    ) {
        val compiled: Compiled = of(model)
        val number = compiled.signature(key)
        val signature = compiled.signature(number)
        val given = inputKeys.zip(inputs.toList()).toMap()
        val taken = outputKeys.zip(outputs.toList()).toMap()
        if (!given.keys.containsAll(signature.inputs.names)) {
            throw LiteRtException(Status.ErrorRuntimeFailure, "some input TensorBuffers are missing")
        }
        if (!taken.keys.containsAll(signature.outputs.names)) {
            throw LiteRtException(Status.ErrorNotFound, "The given map is missing some output TensorBuffers")
        }
        compiled.run(
            number,
            signature.inputs.names.map { of<Memory>(given.getValue(it)) },
            signature.outputs.names.map { of<Memory>(taken.getValue(it)) },
        )
    }

    fun inputTensorType(
        model: Long,
        name: String,
        signature: String,
    ): TensorType {
        val compiled: Compiled = of(model)
        val inputs = compiled.signature(compiled.signature(signature)).inputs
        return tensorType(inputs.types[inputs.index(name)])
    }

    fun outputTensorType(
        model: Long,
        name: String,
        signature: String,
    ): TensorType {
        val compiled: Compiled = of(model)
        val outputs = compiled.signature(compiled.signature(signature)).outputs
        return tensorType(outputs.types[outputs.index(name)])
    }

    private fun tensorType(type: Ranked): TensorType {
        val element =
            when (type.element) {
                ElementTypes.INT32 -> TensorType.ElementType.INT
                ElementTypes.FLOAT32 -> TensorType.ElementType.FLOAT
                ElementTypes.INT8 -> TensorType.ElementType.INT8
                ElementTypes.BOOL -> TensorType.ElementType.BOOLEAN
                ElementTypes.INT64 -> TensorType.ElementType.INT64
                else -> throw LiteRtException(Status.ErrorUnsupported, "Unsupported element type in Kotlin")
            }
        return TensorType(element, TensorType.Layout(type.shape))
    }

    fun write(
        buffer: Long,
        data: MemorySegment,
    ) {
        val memory: Memory = of(buffer)
        if (memory.size < data.byteSize()) {
            throw LiteRtException(
                Status.ErrorRuntimeFailure,
                "TensorBuffer host memory buffer size is smaller than the given data size, " +
                    "${memory.size} vs ${data.byteSize()}",
            )
        }
        memory.write { it.copyFrom(data) }
    }

    /** As many elements of [size] bytes as the tensor has, whatever its type is. */
    fun read(
        buffer: Long,
        size: Int,
    ): MemorySegment {
        val memory: Memory = of(buffer)
        val result = MemorySegment.ofArray(ByteArray(memory.type.elements * size) { NOT_OURS })
        memory.read { MemorySegment.copy(it, 0, result, 0, minOf(it.byteSize(), result.byteSize())) }
        return result
    }

    fun readBoolean(buffer: Long): BooleanArray =
        read(buffer, 1).toArray(ValueLayout.JAVA_BYTE).let { bytes -> BooleanArray(bytes.size) { bytes[it] != 0.toByte() } }

    fun writeBoolean(
        buffer: Long,
        data: BooleanArray,
    ) = write(buffer, MemorySegment.ofArray(ByteArray(data.size) { if (data[it]) 1 else 0 }))
}
