package testbed

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** A tensor as the file has it; [type] is a TensorType of the schema, and sizes of -1 are those that vary. */
internal class FlatTensor(
    val index: Int,
    val name: String,
    val type: Int,
    val shape: IntArray,
    val shapeSignature: IntArray,
    val scale: Float,
    val zeroPoint: Int,
    val isVariable: Boolean,
)

internal class FlatSignature(
    val key: String,
    val subgraph: Int,
    val inputs: Map<String, Int>,
    val outputs: Map<String, Int>,
)

internal class FlatSubgraph(
    val tensors: List<FlatTensor>,
    val inputs: List<Int>,
    val outputs: List<Int>,
)

/** What the C API does not tell of a .tflite file: order and numbers of tensors (tflite/schema.fbs). */
internal class FlatModel(
    bytes: ByteBuffer,
) {
    private val data: ByteBuffer = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN)
    val subgraphs: List<FlatSubgraph>
    val signatures: List<FlatSignature>

    init {
        val root = data.getInt(0)
        subgraphs = tables(root, SUBGRAPHS).map { subgraph(it) }
        signatures = tables(root, SIGNATURES).map { signature(it) }
    }

    private fun subgraph(at: Int): FlatSubgraph =
        FlatSubgraph(
            tables(at, 0).mapIndexed { index, tensor -> tensor(index, tensor) },
            ints(at, 1)!!.toList(),
            ints(at, 2)!!.toList(),
        )

    private fun tensor(
        index: Int,
        at: Int,
    ): FlatTensor {
        val shape = ints(at, 0) ?: intArrayOf()
        val quantization = table(at, 4)
        val scales = quantization?.let { vector(it, 2) }?.let { (start, size) -> List(size) { data.getFloat(start + 4 * it) } }
        val zeros = quantization?.let { vector(it, 3) }?.let { (start, size) -> List(size) { data.getLong(start + 8 * it) } }
        val perTensor = scales?.size == 1
        return FlatTensor(
            index,
            text(at, 3),
            field(at, 1)?.let { data.get(it).toInt() } ?: 0,
            shape,
            ints(at, 7) ?: shape,
            if (perTensor) scales[0] else 0f,
            if (perTensor) zeros?.firstOrNull()?.toInt() ?: 0 else 0,
            field(at, 5)?.let { data.get(it) != 0.toByte() } ?: false,
        )
    }

    private fun signature(at: Int): FlatSignature =
        FlatSignature(
            text(at, 2),
            field(at, 4)?.let { data.getInt(it) } ?: 0,
            names(at, 0),
            names(at, 1),
        )

    private fun names(
        at: Int,
        number: Int,
    ): Map<String, Int> = tables(at, number).associate { text(it, 0) to (field(it, 1)?.let { at -> data.getInt(at) } ?: 0) }

    private fun field(
        at: Int,
        number: Int,
    ): Int? {
        val vtable = at - data.getInt(at)
        val entry = 4 + 2 * number
        if (entry >= data.getShort(vtable)) return null
        return data.getShort(vtable + entry).toInt().takeIf { it != 0 }?.let { at + it }
    }

    private fun table(
        at: Int,
        number: Int,
    ): Int? = field(at, number)?.let { it + data.getInt(it) }

    private fun vector(
        at: Int,
        number: Int,
    ): Pair<Int, Int>? = table(at, number)?.let { it + 4 to data.getInt(it) }

    private fun tables(
        at: Int,
        number: Int,
    ): List<Int> =
        vector(at, number)?.let { (start, size) -> List(size) { start + 4 * it + data.getInt(start + 4 * it) } }.orEmpty()

    private fun ints(
        at: Int,
        number: Int,
    ): IntArray? = vector(at, number)?.let { (start, size) -> IntArray(size) { data.getInt(start + 4 * it) } }

    private fun text(
        at: Int,
        number: Int,
    ): String {
        val (start, size) = vector(at, number) ?: return ""
        return ByteArray(size) { data.get(start + it) }.decodeToString()
    }

    private companion object {
        const val SUBGRAPHS = 2
        const val SIGNATURES = 7
    }
}
