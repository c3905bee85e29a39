package testbed

import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.Status
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout

/** A shape and an element type, as LiteRtRankedTensorType holds them. */
internal data class Ranked(
    val element: Int,
    val shape: List<Int>,
) {
    val elements: Int get() = shape.fold(1) { product, size -> product * size }

    /** Calls [function] with the address of a C structure of this. */
    fun <T> inMemory(function: (Long) -> T): T =
        Arena.ofConfined().use { arena ->
            val type = arena.allocate(SIZE, 8)
            type.set(ValueLayout.JAVA_INT, 0, element)
            type.set(ValueLayout.JAVA_INT, 4, shape.size)
            shape.forEachIndexed { index, size -> type.set(ValueLayout.JAVA_INT, 8L + 4 * index, size) }
            function(type.address())
        }

    companion object {
        const val SIZE = 72L
        const val LAYOUT_SIZE = 68L

        /** The shape in a LiteRtLayout. */
        fun shape(layout: MemorySegment): List<Int> {
            val rank = layout.get(ValueLayout.JAVA_INT, 0) and 0x7f
            return List(rank) { layout.get(ValueLayout.JAVA_INT, 4L + 4 * it) }
        }
    }
}

/** The LiteRt element types that tests meet, as litert/c/litert_model_types.h numbers them. */
internal object ElementTypes {
    const val FLOAT32 = 1
    const val INT32 = 2
    const val UINT8 = 3
    const val INT64 = 4
    const val BOOL = 6
    const val INT16 = 7
    const val INT8 = 9
    const val FLOAT16 = 10
}

/** Memory of a tensor: a LiteRtTensorBuffer. */
internal class Memory(
    private val address: Long,
    val type: Ranked,
) : AutoCloseable {
    val handle: Long get() = address

    /** The bytes that the tensor takes. */
    val size: Long = LiteRtLibrary.get("LiteRtGetTensorBufferPackedSize", address)

    fun <T> read(function: (MemorySegment) -> T): T = locked(READ, function)

    fun <T> write(function: (MemorySegment) -> T): T = locked(WRITE, function)

    private fun <T> locked(
        mode: Int,
        function: (MemorySegment) -> T,
    ): T =
        Arena.ofConfined().use { arena ->
            val result = arena.allocate(ValueLayout.JAVA_LONG)
            LiteRtLibrary.call("LiteRtLockTensorBuffer", address, result.address(), mode)
            try {
                function(LiteRtLibrary.memory(result.get(ValueLayout.JAVA_LONG, 0), size))
            } finally {
                LiteRtLibrary.call("LiteRtUnlockTensorBuffer", address)
            }
        }

    override fun close() = LiteRtLibrary.destroy("TensorBuffer", address)

    private companion object {
        const val READ = 0
        const val WRITE = 1
    }
}

/** What the runtime loads operators and accelerators into: a LiteRtEnvironment. */
internal class Surroundings(
    val hasNpuLibraries: Boolean = false,
) : AutoCloseable {
    val handle: Long =
        Arena.ofConfined().use { arena ->
            val options = arena.allocate(2 * OPTION_SIZE, 8)
            listOf(AUTO_REGISTERED_ACCELERATORS to CPU, MINIMAL_SEVERITY to errors).forEachIndexed { index, (tag, value) ->
                options.set(ValueLayout.JAVA_INT, index * OPTION_SIZE, tag)
                options.set(ValueLayout.JAVA_INT, index * OPTION_SIZE + 8, INT)
                options.set(ValueLayout.JAVA_LONG, index * OPTION_SIZE + 16, value)
            }
            LiteRtLibrary.get("LiteRtCreateEnvironment", 2, options.address())
        }

    override fun close() = LiteRtLibrary.destroy("Environment", handle)

    private companion object {
        const val OPTION_SIZE = 24L
        const val AUTO_REGISTERED_ACCELERATORS = 24
        const val MINIMAL_SEVERITY = 25
        const val CPU = 1L
        const val INT = 2

        /** No more than errors, since the real classes log to Android's log and not to stderr. */
        const val errors = 3L
    }
}

/** The inputs or outputs of a signature, in the order that LiteRT counts them by. */
internal class Ports(
    val names: List<String>,
    val types: List<Ranked>,
) {
    fun index(name: String): Int {
        val index = names.indexOf(name)
        if (index < 0) throw LiteRtException(Status.ErrorNotFound, "Failed to find tensor: $name")
        return index
    }
}

internal class Signature(
    val key: String,
    val inputs: Ports,
    val outputs: Ports,
)

/** A compiled model: a LiteRtModel with its LiteRtCompiledModel. The environment has to outlive it. */
internal class Compiled private constructor(
    private val environment: Surroundings,
    private val model: Long,
    accelerators: Int,
    private val arena: Arena,
) : AutoCloseable {
    private val handle: Long =
        try {
            val options = LiteRtLibrary.get("LiteRtCreateOptions")
            try {
                LiteRtLibrary.call("LiteRtSetOptionsHardwareAccelerators", options, accelerators)
                LiteRtLibrary.get("LiteRtCreateCompiledModel", environment.handle, model, options)
            } finally {
                LiteRtLibrary.destroy("Options", options)
            }
        } catch (error: LiteRtException) {
            LiteRtLibrary.destroy("Model", model)
            arena.close()
            throw error
        }

    val signatures: List<Signature> =
        List(LiteRtLibrary.get("LiteRtGetNumModelSignatures", model).toInt()) { number ->
            val signature = LiteRtLibrary.get("LiteRtGetModelSignature", model, number.toLong())
            Signature(
                LiteRtLibrary.text("LiteRtGetSignatureKey", signature),
                ports(signature, "Input"),
                ports(signature, "Output"),
            )
        }

    /** The number of the signature called [key], 0 for "". */
    fun signature(key: String): Int {
        if (key.isEmpty()) return 0
        val number = signatures.indexOfFirst { it.key == key }
        if (number < 0) throw LiteRtException(Status.ErrorNotFound, "Signature not found: $key")
        return number
    }

    fun signature(number: Int): Signature =
        signatures.getOrNull(number) ?: throw LiteRtException(Status.ErrorIndexOOB, "Signature not found: $number")

    fun inputShape(
        signature: Int,
        index: Int,
    ): List<Int> =
        Arena.ofConfined().use { arena ->
            val layout = arena.allocate(Ranked.LAYOUT_SIZE, 8)
            LiteRtLibrary.call(
                "LiteRtGetCompiledModelInputTensorLayout", handle, signature.toLong(), index.toLong(), layout.address(),
            )
            Ranked.shape(layout)
        }

    /** The shapes of all outputs; with [update], tensors are allocated for the shapes that inputs have now. */
    fun outputShapes(
        signature: Int,
        update: Boolean,
    ): List<List<Int>> =
        Arena.ofConfined().use { arena ->
            val count = signature(signature).outputs.names.size
            val layouts = arena.allocate(Ranked.LAYOUT_SIZE * maxOf(1, count), 8)
            LiteRtLibrary.call(
                "LiteRtGetCompiledModelOutputTensorLayouts",
                handle, signature.toLong(), count.toLong(), layouts.address(), update,
            )
            List(count) { Ranked.shape(layouts.asSlice(Ranked.LAYOUT_SIZE * it, Ranked.LAYOUT_SIZE)) }
        }

    fun resizeInput(
        signature: Int,
        index: Int,
        shape: List<Int>,
        strict: Boolean,
    ) {
        Arena.ofConfined().use { arena ->
            val sizes = arena.allocateFrom(ValueLayout.JAVA_INT, *shape.toIntArray())
            LiteRtLibrary.call(
                "LiteRtCompiledModelResizeInputTensor" + if (strict) "" else "NonStrict",
                handle, signature.toLong(), index.toLong(), sizes.address(), shape.size.toLong(),
            )
        }
    }

    /** New memory for an input in the shape that it has now. */
    fun inputMemory(
        signature: Int,
        index: Int,
    ): Memory {
        val type = signature(signature).inputs.types[index]
        return memory(Ranked(type.element, inputShape(signature, index)), requirements("Input", signature, index))
    }

    /** New memory for an output in the shape that it has now. */
    fun outputMemory(
        signature: Int,
        index: Int,
    ): Memory {
        val type = signature(signature).outputs.types[index]
        val shape = outputShapes(signature, update = type.shape.any { it < 0 })[index]
        return memory(Ranked(type.element, shape), requirements("Output", signature, index))
    }

    /** New memory of another size than the runtime asks for. */
    fun hostMemory(
        type: Ranked,
        size: Long,
    ): Memory =
        type.inMemory {
            Memory(LiteRtLibrary.get("LiteRtCreateManagedTensorBuffer", environment.handle, HOST_MEMORY, it, size), type)
        }

    /** The bytes that the runtime wants for a tensor. */
    fun requiredSize(
        side: String,
        signature: Int,
        index: Int,
    ): Int =
        LiteRtLibrary.get("LiteRtGetTensorBufferRequirementsBufferSize", requirements(side, signature, index)).toInt()

    fun run(
        signature: Int,
        inputs: List<Memory>,
        outputs: List<Memory>,
    ) {
        Arena.ofConfined().use { arena ->
            fun addresses(memories: List<Memory>) =
                arena.allocateFrom(ValueLayout.JAVA_LONG, *LongArray(maxOf(1, memories.size)) { memories.getOrNull(it)?.handle ?: 0 })
            LiteRtLibrary.call(
                "LiteRtRunCompiledModel",
                handle,
                signature.toLong(),
                inputs.size.toLong(),
                addresses(inputs).address(),
                outputs.size.toLong(),
                addresses(outputs).address(),
            )
        }
    }

    override fun close() {
        LiteRtLibrary.destroy("CompiledModel", handle)
        LiteRtLibrary.destroy("Model", model)
        arena.close()
    }

    private fun memory(
        type: Ranked,
        requirements: Long,
    ): Memory =
        type.inMemory {
            Memory(
                LiteRtLibrary.get("LiteRtCreateManagedTensorBufferFromRequirements", environment.handle, it, requirements),
                type,
            )
        }

    private fun requirements(
        side: String,
        signature: Int,
        index: Int,
    ): Long =
        LiteRtLibrary.get("LiteRtGetCompiledModel${side}BufferRequirements", handle, signature.toLong(), index.toLong())

    private fun ports(
        signature: Long,
        side: String,
    ): Ports {
        val count = LiteRtLibrary.get("LiteRtGetNumSignature${side}s", signature)
        val names = (0 until count).map { LiteRtLibrary.text("LiteRtGetSignature${side}Name", signature, it) }
        val types =
            (0 until count).map {
                val tensor = LiteRtLibrary.get("LiteRtGetSignature${side}TensorByIndex", signature, it)
                Arena.ofConfined().use { arena ->
                    val type = arena.allocate(Ranked.SIZE, 8)
                    LiteRtLibrary.call("LiteRtGetRankedTensorType", tensor, type.address())
                    Ranked(type.get(ValueLayout.JAVA_INT, 0), Ranked.shape(type.asSlice(4)))
                }
            }
        return Ports(names, types)
    }

    companion object {
        private const val HOST_MEMORY = 1

        fun ofFile(
            environment: Surroundings,
            path: String,
            accelerators: Int,
        ): Compiled {
            val arena = Arena.ofShared()
            val model = LiteRtLibrary.get("LiteRtCreateModelFromFile", environment.handle, arena.allocateFrom(path).address())
            return Compiled(environment, model, accelerators, arena)
        }

        /** A model of bytes, which are copied: LiteRT keeps the address. */
        fun ofBytes(
            environment: Surroundings,
            bytes: MemorySegment,
            accelerators: Int,
        ): Compiled {
            val arena = Arena.ofShared()
            val copy = arena.allocate(bytes.byteSize(), 64).copyFrom(bytes)
            val model =
                LiteRtLibrary.get("LiteRtCreateModelFromBuffer", environment.handle, copy.address(), copy.byteSize())
            return Compiled(environment, model, accelerators, arena)
        }
    }
}
