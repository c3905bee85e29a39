package org.tensorflow.lite

import java.io.Closeable

enum class DataType(
    private val value: Int,
) {
    FLOAT32(1),
    INT32(2),
    UINT8(3),
    INT64(4),
    STRING(5),
    BOOL(6),
    INT16(7),
    INT8(9),
    ;

    fun byteSize(): Int =
        when (this) {
            FLOAT32, INT32 -> 4
            INT16 -> 2
            INT8, UINT8 -> 1
            INT64 -> 8
            BOOL, STRING -> -1
        }
}

enum class RuntimeFlavor { APPLICATION, SYSTEM }

interface Delegate : Closeable {
    fun getNativeHandle(): Long

    override fun close() {}
}

interface DelegateFactory {
    fun create(runtimeFlavor: RuntimeFlavor): Delegate
}
