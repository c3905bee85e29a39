package org.tensorflow.lite

import testbed.FlatTensor
import testbed.GraphTensor
import java.lang.reflect.Array.get
import java.lang.reflect.Array.getLength
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.IntBuffer
import java.nio.LongBuffer
import java.nio.ShortBuffer

interface Tensor {
    open class QuantizationParams(
        private val scale: Float,
        private val zeroPoint: Int,
    ) {
        open fun getScale(): Float = scale

        open fun getZeroPoint(): Int = zeroPoint
    }

    fun dataType(): DataType

    fun numDimensions(): Int

    fun numBytes(): Int

    fun numElements(): Int

    fun shape(): IntArray

    fun shapeSignature(): IntArray

    fun index(): Int

    fun name(): String

    fun quantizationParams(): QuantizationParams

    fun asReadOnlyBuffer(): ByteBuffer
}

/** Takes and gives what tflite/java's TensorImpl does, with its checks and its messages. Strings are not here. */
internal class TensorImpl(
    private val tensor: GraphTensor,
) : Tensor {
    private val type = dataType(tensor.flat)
    private var shapeCopy = tensor.shape

    override fun dataType(): DataType = type

    /** The shape is a copy, which the interpreter has taken anew at certain times alone. */
    fun refreshShape() {
        shapeCopy = tensor.shape
    }

    override fun numDimensions(): Int = shapeCopy.size

    override fun numBytes(): Int = tensor.shape.fold(1) { product, size -> product * size } * tensor.elementSize

    override fun numElements(): Int = shapeCopy.fold(1) { product, size -> product * size }

    override fun shape(): IntArray = shapeCopy

    override fun shapeSignature(): IntArray = tensor.flat.shapeSignature

    override fun index(): Int = tensor.flat.index

    override fun name(): String = tensor.flat.name

    override fun quantizationParams(): Tensor.QuantizationParams =
        Tensor.QuantizationParams(tensor.flat.scale, tensor.flat.zeroPoint)

    override fun asReadOnlyBuffer(): ByteBuffer = tensor.buffer().asReadOnlyBuffer().order(ByteOrder.nativeOrder())

    /** The shape that an input brings along, where that is another one. */
    fun otherShape(input: Any?): IntArray? {
        if (input == null || input is Buffer) return null
        checkType(input)
        return shapeOf(input).takeIf { !it.contentEquals(tensor.shape) }
    }

    fun setTo(source: Any?) {
        requireNotNull(source) { "Null inputs are allowed only if the Tensor is bound to a buffer handle." }
        checkType(source)
        if (source is Buffer) {
            val bytes = if (source is ByteBuffer) source.capacity() else source.capacity() * type.byteSize()
            require(numBytes() == bytes) {
                "Cannot copy to a TensorFlowLite tensor (${name()}) with ${numBytes()} bytes from a " +
                    "Java Buffer with $bytes bytes."
            }
            if (source.isDirect && isNative(source)) { // all of it, whatever its position and limit are
                source.duplicate().clear().let { put(it) }
            } else {
                put(source)
            }
            return
        }
        require(shapeOf(source).contentEquals(tensor.shape)) {
            "Cannot copy to a TensorFlowLite tensor (${name()}) with shape ${tensor.shape.contentToString()} from a Java " +
                "object with shape ${shapeOf(source).contentToString()}."
        }
        val buffer = tensor.buffer()
        each(source) { write(buffer, it) }
    }

    fun copyTo(target: Any?) {
        requireNotNull(target) { "Null outputs are allowed only if the Tensor is bound to a buffer handle." }
        checkType(target)
        if (target is Buffer) {
            val bytes = if (target is ByteBuffer) target.capacity() else target.capacity() * type.byteSize()
            require(numBytes() <= bytes) {
                "Cannot copy from a TensorFlowLite tensor (${name()}) with ${numBytes()} bytes to a " +
                    "Java Buffer with $bytes bytes."
            }
            val buffer = tensor.buffer()
            when (target) {
                is ByteBuffer -> target.put(buffer)
                is FloatBuffer -> target.put(buffer.asFloatBuffer())
                is LongBuffer -> target.put(buffer.asLongBuffer())
                is IntBuffer -> target.put(buffer.asIntBuffer())
                is ShortBuffer -> target.put(buffer.asShortBuffer())
                else -> throw IllegalArgumentException("Unexpected output buffer type: $target")
            }
            return
        }
        require(shapeOf(target).contentEquals(tensor.shape)) {
            "Cannot copy from a TensorFlowLite tensor (${name()}) with shape ${tensor.shape.contentToString()} to a Java " +
                "object with shape ${shapeOf(target).contentToString()}."
        }
        val buffer = tensor.buffer()
        each(target) { read(buffer, it) }
    }

    private fun isNative(buffer: Buffer): Boolean =
        when (buffer) {
            is ByteBuffer -> buffer.order()
            is FloatBuffer -> buffer.order()
            is LongBuffer -> buffer.order()
            is IntBuffer -> buffer.order()
            is ShortBuffer -> buffer.order()
            else -> null
        } == ByteOrder.nativeOrder()

    private fun put(source: Buffer) {
        val buffer = tensor.buffer()
        when (source) {
            is ByteBuffer -> buffer.put(source)
            is FloatBuffer -> buffer.asFloatBuffer().put(source)
            is LongBuffer -> buffer.asLongBuffer().put(source)
            is IntBuffer -> buffer.asIntBuffer().put(source)
            is ShortBuffer -> buffer.asShortBuffer().put(source)
            else -> throw IllegalArgumentException("Unexpected input buffer type: $source")
        }
    }

    private fun checkType(value: Any) {
        if (value is ByteBuffer) return
        val given = dataTypeOf(value)
        val bytes = setOf(DataType.INT8, DataType.UINT8)
        require(given == type || (given in bytes && type in bytes)) {
            "Cannot convert between a TensorFlowLite tensor with type $type and a Java object of type " +
                "${value.javaClass.name} (which is compatible with the TensorFlowLite type $given)."
        }
    }

    private companion object {
        fun dataType(tensor: FlatTensor): DataType =
            when (tensor.type) {
                0 -> DataType.FLOAT32
                2 -> DataType.INT32
                3 -> DataType.UINT8
                4 -> DataType.INT64
                5 -> DataType.STRING
                6 -> DataType.BOOL
                7 -> DataType.INT16
                9 -> DataType.INT8
                else -> throw IllegalArgumentException("DataType error: DataType ${tensor.type} is not recognized in Java.")
            }

        fun dataTypeOf(value: Any): DataType {
            var type: Class<*> = value.javaClass
            while (type.isArray) type = type.componentType
            return when {
                type == Float::class.java || (value is Float) || value is FloatBuffer -> DataType.FLOAT32
                type == Int::class.java || value is Int || value is IntBuffer -> DataType.INT32
                type == Short::class.java || value is Short || value is ShortBuffer -> DataType.INT16
                type == Byte::class.java || value is Byte -> DataType.UINT8
                type == Long::class.java || value is Long || value is LongBuffer -> DataType.INT64
                type == Boolean::class.java || value is Boolean -> DataType.BOOL
                type == String::class.java -> DataType.STRING
                else -> throw IllegalArgumentException("DataType error: cannot resolve DataType of ${value.javaClass.name}")
            }
        }

        fun shapeOf(value: Any): IntArray {
            if (!value.javaClass.isArray) return intArrayOf()
            val length = getLength(value)
            require(length > 0) { "Array lengths cannot be 0." }
            val rest = get(value, 0)?.takeIf { it.javaClass.isArray }?.let { shapeOf(it) } ?: intArrayOf()
            for (index in 1 until length) {
                val other = get(value, index)?.takeIf { it.javaClass.isArray } ?: continue
                require(shapeOf(other).contentEquals(rest)) { "Mismatched lengths in a multi-dimensional array" }
            }
            return intArrayOf(length) + rest
        }

        /** Calls [leaf] with each innermost array of [value], or with a value that is none. */
        fun each(
            value: Any,
            leaf: (Any) -> Unit,
        ) {
            if (value is Array<*>) value.forEach { each(it!!, leaf) } else leaf(value)
        }

        fun write(
            buffer: ByteBuffer,
            leaf: Any,
        ) {
            when (leaf) {
                is FloatArray -> leaf.forEach { buffer.putFloat(it) }
                is IntArray -> leaf.forEach { buffer.putInt(it) }
                is ShortArray -> leaf.forEach { buffer.putShort(it) }
                is ByteArray -> buffer.put(leaf)
                is LongArray -> leaf.forEach { buffer.putLong(it) }
                is BooleanArray -> leaf.forEach { buffer.put(if (it) 1 else 0) }
                is Float -> buffer.putFloat(leaf)
                is Int -> buffer.putInt(leaf)
                is Short -> buffer.putShort(leaf)
                is Byte -> buffer.put(leaf)
                is Long -> buffer.putLong(leaf)
                is Boolean -> buffer.put(if (leaf) 1 else 0)
                else -> throw IllegalArgumentException("DataType error: cannot resolve DataType of ${leaf.javaClass.name}")
            }
        }

        fun read(
            buffer: ByteBuffer,
            leaf: Any,
        ) {
            when (leaf) {
                is FloatArray -> leaf.indices.forEach { leaf[it] = buffer.getFloat() }
                is IntArray -> leaf.indices.forEach { leaf[it] = buffer.getInt() }
                is ShortArray -> leaf.indices.forEach { leaf[it] = buffer.getShort() }
                is ByteArray -> buffer.get(leaf)
                is LongArray -> leaf.indices.forEach { leaf[it] = buffer.getLong() }
                is BooleanArray -> leaf.indices.forEach { leaf[it] = buffer.get() != 0.toByte() }
                else -> throw IllegalArgumentException("DataType error: cannot resolve DataType of ${leaf.javaClass.name}")
            }
        }
    }
}
