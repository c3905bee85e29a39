package testbed

import java.lang.foreign.MemorySegment
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.MappedByteBuffer

/** A file as the interpreter has it: all graphs, by the subgraphs and signatures of the file. */
internal class InterpreterModel private constructor(
    private val content: ByteBuffer,
    private val size: (FlatTensor) -> Int,
) : AutoCloseable {
    val flat = FlatModel(content)
    private val graphs = mutableMapOf<String, Graph>()
    private var engine = engine()

    /** The graph of the file's first subgraph. */
    fun first(): Graph {
        if (flat.signatures.isNotEmpty()) {
            val signature = flat.signatures.firstOrNull { it.subgraph == 0 }
            return graph(checkNotNull(signature) { "this stand-in runs a subgraph only where a signature has it" }.key)
        }
        return graphs.getOrPut("") {
            val subgraph = flat.subgraphs[0]

            fun tensors(numbers: List<Int>) = numbers.map { subgraph.tensors[it] }.map { GraphTensor(it.name, it, size(it)) }
            Graph(engine, null, tensors(subgraph.inputs), tensors(subgraph.outputs))
        }
    }

    fun graph(key: String): Graph {
        val signature = signature(key)
        return graphs.getOrPut(key) {
            val all = flat.subgraphs[signature.subgraph].tensors

            fun tensors(ports: Map<String, Int>) = ports.map { (name, number) -> GraphTensor(name, all[number], size(all[number])) }
            Graph(engine, key, tensors(signature.inputs), tensors(signature.outputs))
        }
    }

    fun signature(key: String): FlatSignature =
        flat.signatures.firstOrNull { it.key == key }
            ?: throw IllegalArgumentException("Input error: Signature $key not found.")

    /** Variables take their first values again. */
    fun reset() {
        engine.close()
        engine = engine()
        graphs.values.forEach { it.engine = engine }
    }

    override fun close() = engine.close()

    private fun engine(): Engine {
        val hasVariables = flat.subgraphs.any { graph -> graph.tensors.any { it.isVariable } }
        return if (hasVariables) PythonEngine(content) else LiteRtEngine(MemorySegment.ofBuffer(content.duplicate().clear()))
    }

    companion object {
        private const val IDENTIFIER = "TFL3"

        /** Bytes of a file; [named] is what an error calls them. */
        fun of(
            content: ByteBuffer,
            named: String,
            size: (FlatTensor) -> Int,
        ): InterpreterModel {
            val whole = content.duplicate().clear()
            val identified = whole.capacity() >= 8 && String(ByteArray(4) { whole.get(4 + it) }, Charsets.ISO_8859_1) == IDENTIFIER
            require(identified) { "$named does not encode a valid TensorFlow Lite model" }
            return InterpreterModel(whole, size)
        }

        /** As [of], for a buffer that an app gives. */
        fun ofBuffer(
            content: ByteBuffer?,
            size: (FlatTensor) -> Int,
        ): InterpreterModel {
            val usable =
                content is MappedByteBuffer ||
                    (content != null && content.isDirect && content.order() == ByteOrder.nativeOrder())
            require(usable) {
                "Model ByteBuffer should be either a MappedByteBuffer of the model file, or a direct ByteBuffer using " +
                    "ByteOrder.nativeOrder() which contains bytes of model content."
            }
            return of(content, "ByteBuffer", size)
        }
    }
}
