package org.tensorflow.lite

import org.tensorflow.lite.InterpreterApi.Options.TfLiteRuntime

object TensorFlowLite {
    @JvmStatic
    @Deprecated("Prefer using runtimeVersion() or schemaVersion()")
    fun version(): String = schemaVersion()

    @JvmStatic
    fun runtimeVersion(
        @Suppress("UNUSED_PARAMETER") runtime: TfLiteRuntime?,
    ): String = "2.16.1"

    @JvmStatic
    fun runtimeVersion(): String = runtimeVersion(null)

    @JvmStatic
    fun schemaVersion(
        @Suppress("UNUSED_PARAMETER") runtime: TfLiteRuntime?,
    ): String = "3"

    @JvmStatic
    fun schemaVersion(): String = schemaVersion(null)

    @JvmStatic
    fun init() {}
}
