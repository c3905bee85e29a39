package testbed

import com.google.ai.edge.litert.LiteRtException
import java.lang.foreign.MemorySegment
import java.nio.ByteBuffer

/** Computes with LiteRT's CompiledModel. That takes no file with variables: see [PythonEngine]. */
internal class LiteRtEngine(
    bytes: MemorySegment,
) : Engine {
    private val environment = Surroundings()
    private val compiled =
        try {
            Compiled.ofBytes(environment, bytes, CPU)
        } catch (error: LiteRtException) {
            environment.close()
            throw IllegalArgumentException("Internal error: Cannot create interpreter: ${error.message}")
        }

    override fun run(
        signature: String?,
        inputs: List<GraphTensor>,
        outputs: List<GraphTensor>,
    ): Map<String, Value> {
        val number = compiled.signature(signature.orEmpty())
        val ports = compiled.signature(number)
        val given = ports.inputs.names.map { name -> inputs.first { it.name == name } }
        val taken = ports.outputs.names.map { name -> outputs.first { it.name == name } }
        val memories = mutableListOf<Memory>()
        try {
            given.forEachIndexed { index, input -> resize(number, index, input.shape.toList()) }
            val stale = compiled.outputShapes(number, update = true)
            given.forEachIndexed { index, input ->
                memories += compiled.inputMemory(number, index).also { it.write { to -> to.copyFrom(segment(input.buffer())) } }
            }
            val growth = given.fold(1.0) { all, input -> all * elements(input.shape) / elements(input.flat.shape) }
            taken.forEachIndexed { index, output ->
                val shape = room(stale[index].toIntArray(), output.flat.shape, growth)
                val type = Ranked(ports.outputs.types[index].element, shape.toList())
                val memory = compiled.hostMemory(type, type.elements.toLong() * output.elementSize)
                memories += memory
                // An input that is handed on: the runtime computes with the output's memory.
                given.firstOrNull { it.flat.index == output.flat.index }?.let { same ->
                    memory.write { to -> to.asSlice(0, same.size.toLong()).copyFrom(segment(same.buffer())) }
                }
            }
            compiled.run(number, memories.take(given.size), memories.drop(given.size))
            val shapes = compiled.outputShapes(number, update = false)
            return taken.withIndex().associate { (index, output) ->
                val shape = shapes[index].toIntArray()
                output.name to Value(shape, read(memories[given.size + index], elements(shape).toLong() * output.elementSize))
            }
        } catch (error: LiteRtException) {
            throw IllegalArgumentException("Internal error: Failed to run on the given Interpreter: ${error.message}")
        } finally {
            memories.forEach { it.close() }
        }
    }

    override fun close() {
        compiled.close()
        environment.close()
    }

    private fun resize(
        number: Int,
        index: Int,
        shape: List<Int>,
    ) {
        if (compiled.inputShape(number, index) != shape) compiled.resizeInput(number, index, shape, strict = false)
    }

    private fun read(
        memory: Memory,
        size: Long,
    ): ByteBuffer =
        memory.read { from ->
            check(size <= from.byteSize()) { "this stand-in has too little room for an output that grew" }
            ByteBuffer.allocate(size.toInt()).also { segment(it).copyFrom(from.asSlice(0, size)) }
        }

    /**
     * A shape that is large enough for an output: the runtime tells its shape only once it has run, and writes behind
     * memory that is too small. Outputs grow with inputs, or with their square where all is paired with all.
     */
    private fun room(
        stale: IntArray,
        first: IntArray,
        growth: Double,
    ): IntArray {
        val largest = if (elements(stale) > elements(first)) stale else first
        if (growth <= 1 || largest.isEmpty()) return largest
        return intArrayOf((largest[0] * growth * growth).toInt()) + largest.drop(1)
    }

    private fun segment(bytes: ByteBuffer): MemorySegment = MemorySegment.ofBuffer(bytes.duplicate().clear())

    private fun elements(shape: IntArray): Double = shape.fold(1.0) { product, size -> product * size }

    private companion object {
        const val CPU = 1
    }
}
