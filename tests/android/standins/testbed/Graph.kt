package testbed

import com.google.ai.edge.litert.LiteRtException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A tensor of a [Graph]: its shape now, and its memory once that is allocated. */
internal class GraphTensor(
    val flat: FlatTensor,
    val elementSize: Int,
) {
    var shape: IntArray = flat.shape
    var memory: Memory? = null

    /** The tensor's own bytes. */
    fun buffer(): ByteBuffer =
        memory!!.write { LiteRtLibrary.memory(it.address(), it.byteSize()).asByteBuffer().order(ByteOrder.nativeOrder()) }
}

/** A signature that is run as the interpreter runs it: inputs are resized, then all is allocated, then it is invoked. */
internal class Graph(
    private val compiled: Compiled,
    private val number: Int,
    inputs: List<FlatTensor>,
    outputs: List<FlatTensor>,
    size: (FlatTensor) -> Int,
) {
    /** In the order that LiteRT counts them by. */
    val inputs = inputs.map { GraphTensor(it, size(it)) }
    val outputs = outputs.map { GraphTensor(it, size(it)) }
    private val resized = mutableSetOf<Int>()
    var isAllocated = false
        private set

    init {
        this.inputs.forEachIndexed { index, tensor -> tensor.shape = compiled.inputShape(number, index).toIntArray() }
        compiled.outputShapes(number, update = false).forEachIndexed { index, shape ->
            this.outputs[index].shape = shape.toIntArray()
        }
    }

    /** Notes the shape that an input takes when it is allocated; whether that is another one. */
    fun resize(
        index: Int,
        shape: IntArray,
        strict: Boolean,
    ): Boolean {
        val input = inputs[index]
        if (input.shape.contentEquals(shape)) return false
        compiled.resizeInput(number, index, shape.toList(), strict)
        input.shape = shape
        resized += index
        isAllocated = false
        return true
    }

    fun allocate() {
        if (isAllocated) return
        val shapes = compiled.outputShapes(number, update = resized.isNotEmpty())
        inputs.forEachIndexed { index, input ->
            if (input.memory == null || index in resized) {
                input.memory?.close()
                input.memory = compiled.inputMemory(number, index)
            }
        }
        outputs.forEachIndexed { index, output ->
            output.shape = shapes[index].toIntArray()
            output.memory?.close()
            output.memory = compiled.outputMemory(number, index)
        }
        resized.clear()
        isAllocated = true
    }

    fun invoke() {
        for (output in outputs) { // an input that is handed on: the runtime computes with the output's memory
            val same = inputs.firstOrNull { it.flat.index == output.flat.index } ?: continue
            output.buffer().put(same.buffer())
        }
        try {
            compiled.run(number, inputs.map { it.memory!! }, outputs.map { it.memory!! })
        } catch (error: LiteRtException) {
            throw IllegalArgumentException("Internal error: Failed to run on the given Interpreter: ${error.message}")
        }
    }

    fun close() {
        (inputs + outputs).forEach { it.memory?.close() }
    }
}
