package testbed

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A shape, and the bytes of that many elements. */
internal class Value(
    val shape: IntArray,
    val bytes: ByteBuffer,
)

/**
 * What computes a file's signatures: [LiteRtEngine] or [PythonEngine].
 *
 * Without a signature the file's first subgraph is meant, and names are those of its tensors.
 */
internal interface Engine : AutoCloseable {
    /** What the outputs are, by their names, for inputs of any shapes. */
    fun run(
        signature: String?,
        inputs: List<GraphTensor>,
        outputs: List<GraphTensor>,
    ): Map<String, Value>
}

/** A tensor of a [Graph]: its shape now, and its bytes once they are allocated. */
internal class GraphTensor(
    val name: String,
    val flat: FlatTensor,
    val elementSize: Int,
) {
    var shape: IntArray = flat.shape
    private var memory: ByteBuffer = ByteBuffer.allocate(0)
    val size: Int get() = shape.fold(elementSize) { product, size -> product * size }

    /** The tensor's own bytes. */
    fun buffer(): ByteBuffer = memory.duplicate().order(ByteOrder.nativeOrder())

    fun allocate() {
        if (memory.capacity() != size) memory = ByteBuffer.allocateDirect(size)
    }

    fun take(value: Value) {
        shape = value.shape
        allocate()
        buffer().put(value.bytes.duplicate())
    }
}

/**
 * A signature that is run as the interpreter runs it: inputs are resized, all is allocated, then it is invoked.
 *
 * Outputs have their new shapes only once it was invoked, since XNNPACK, which the interpreter uses by default, gives
 * them no earlier (measured with ai-edge-litert 2.3.0).
 */
internal class Graph(
    var engine: Engine,
    private val signature: String?,
    val inputs: List<GraphTensor>,
    val outputs: List<GraphTensor>,
) {
    private var isAllocated = false

    /** The shape that an input takes. */
    fun resize(
        input: GraphTensor,
        shape: IntArray,
        strict: Boolean,
    ) {
        if (input.shape.contentEquals(shape)) return
        val declared = input.flat.shapeSignature
        val fits = declared.size == shape.size && declared.indices.all { declared[it] == -1 || declared[it] == shape[it] }
        require(!strict || fits) {
            "Internal error: Failed to resize ${input.flat.name}: ${shape.contentToString()} is not a " +
                declared.contentToString()
        }
        require(shape.all { it > 0 }) { "Internal error: Failed to resize ${input.flat.name}: ${shape.contentToString()}" }
        input.shape = shape.copyOf()
        isAllocated = false
    }

    /** Whether that was still to be done. */
    fun allocate(): Boolean {
        if (isAllocated) return false
        (inputs + outputs).forEach { it.allocate() }
        isAllocated = true
        return true
    }

    fun invoke() {
        val found = engine.run(signature, inputs, outputs)
        outputs.forEach { it.take(found.getValue(it.name)) }
    }
}
