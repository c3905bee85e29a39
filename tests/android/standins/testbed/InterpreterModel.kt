package testbed

import com.google.ai.edge.litert.LiteRtException
import java.lang.foreign.MemorySegment
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.MappedByteBuffer

/** A file as the interpreter has it: all graphs, by the subgraphs and signatures of the file. */
internal class InterpreterModel private constructor(
    content: ByteBuffer,
    private val bytes: MemorySegment,
    private val size: (FlatTensor) -> Int,
) : AutoCloseable {
    val flat = FlatModel(content)
    private val environment = Surroundings()
    private var compiled = compile()
    private val graphs = mutableMapOf<Int, Graph>()

    /** The graph of the file's first subgraph. */
    fun first(): Graph {
        val signature = flat.signatures.firstOrNull { it.subgraph == 0 }
        if (signature != null) return graph(signature.key)
        check(flat.signatures.isEmpty()) { "this stand-in runs a file's first subgraph only where a signature has it" }
        return graphs.getOrPut(0) {
            val subgraph = flat.subgraphs[0]
            val tensors = subgraph.tensors.associateBy { it.name }
            val ports = compiled.signature(0)
            Graph(compiled, 0, ports.inputs.names.map { tensors.getValue(it) }, ports.outputs.names.map { tensors.getValue(it) }, size)
        }
    }

    fun graph(key: String): Graph {
        val signature = signature(key)
        val number = compiled.signature(key)
        return graphs.getOrPut(number) {
            val tensors = flat.subgraphs[signature.subgraph].tensors
            val ports = compiled.signature(number)
            Graph(
                compiled,
                number,
                ports.inputs.names.map { tensors[signature.inputs.getValue(it)] },
                ports.outputs.names.map { tensors[signature.outputs.getValue(it)] },
                size,
            )
        }
    }

    fun signature(key: String): FlatSignature =
        flat.signatures.firstOrNull { it.key == key }
            ?: throw IllegalArgumentException("Input error: Signature $key not found.")

    /** Variables take their first values again. */
    fun reset() {
        val shapes = graphs.mapValues { (_, graph) -> graph.inputs.map { it.shape } }
        closeGraphs()
        compiled = compile()
        for ((number, inputs) in shapes) {
            val graph = if (flat.signatures.isEmpty()) first() else graph(compiled.signature(number).key)
            inputs.forEachIndexed { index, shape -> graph.resize(index, shape, strict = false) }
        }
    }

    override fun close() {
        closeGraphs()
        environment.close()
    }

    private fun closeGraphs() {
        graphs.values.forEach { it.close() }
        graphs.clear()
        compiled.close()
    }

    private fun compile(): Compiled =
        try {
            Compiled.ofBytes(environment, bytes, CPU)
        } catch (error: LiteRtException) {
            environment.close()
            throw IllegalArgumentException("Internal error: Cannot create interpreter: ${error.message}")
        }

    companion object {
        private const val CPU = 1
        private const val IDENTIFIER = "TFL3"

        /** Bytes of a file; [named] is what an error calls them. */
        fun of(
            content: ByteBuffer,
            named: String,
            size: (FlatTensor) -> Int,
        ): InterpreterModel {
            val bytes = MemorySegment.ofBuffer(content.duplicate().rewind() as ByteBuffer)
            val whole = bytes.asByteBuffer()
            val identified = whole.capacity() >= 8 && String(ByteArray(4) { whole.get(4 + it) }, Charsets.ISO_8859_1) == IDENTIFIER
            require(identified) { "$named does not encode a valid TensorFlow Lite model" }
            return InterpreterModel(whole, bytes, size)
        }

        /** As [of], for a buffer that an app gives. */
        fun ofBuffer(
            content: ByteBuffer?,
            size: (FlatTensor) -> Int,
        ): InterpreterModel {
            val usable =
                content != null && (content is MappedByteBuffer || content.isDirect) &&
                    (content is MappedByteBuffer || content.order() == ByteOrder.nativeOrder())
            require(usable) {
                "Model ByteBuffer should be either a MappedByteBuffer of the model file, or a direct ByteBuffer using " +
                    "ByteOrder.nativeOrder() which contains bytes of model content."
            }
            return of(content, "ByteBuffer", size)
        }
    }
}
