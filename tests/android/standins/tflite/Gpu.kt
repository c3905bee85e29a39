@file:Suppress("DEPRECATION")

package org.tensorflow.lite.gpu

import org.tensorflow.lite.Delegate
import org.tensorflow.lite.DelegateFactory
import org.tensorflow.lite.RuntimeFlavor
import testbed.Gpu
import java.io.Closeable

/** What hands a model to the GPU; whether that takes it, the interpreter asks [Gpu]. */
open class GpuDelegate : Delegate {
    @Deprecated("Use GpuDelegateFactory.Options")
    open class Options : GpuDelegateFactory.Options()

    private var handle = 1L

    constructor(
        @Suppress("UNUSED_PARAMETER") options: GpuDelegateFactory.Options,
    ) {
        Gpu.load()
    }

    constructor() : this(GpuDelegateFactory.Options())

    override fun getNativeHandle(): Long = handle

    override fun close() {
        handle = 0
    }
}

open class GpuDelegateFactory : DelegateFactory {
    open class Options {
        enum class GpuBackend(
            private val value: Int,
        ) {
            UNSET(0),
            OPENCL(1),
            OPENGL(2),
            ;

            open fun value(): Int = value
        }

        private var precisionLossAllowed = true
        private var quantizedModelsAllowed = true
        private var inferencePreference = INFERENCE_PREFERENCE_FAST_SINGLE_ANSWER
        private var serializationDir: String? = null
        private var modelToken: String? = null
        private var forceBackend = GpuBackend.UNSET

        open fun setPrecisionLossAllowed(precisionLossAllowed: Boolean): Options =
            apply { this.precisionLossAllowed = precisionLossAllowed }

        open fun setQuantizedModelsAllowed(quantizedModelsAllowed: Boolean): Options =
            apply { this.quantizedModelsAllowed = quantizedModelsAllowed }

        open fun setInferencePreference(preference: Int): Options = apply { inferencePreference = preference }

        open fun setSerializationParams(
            serializationDir: String?,
            modelToken: String?,
        ): Options =
            apply {
                this.serializationDir = serializationDir
                this.modelToken = modelToken
            }

        open fun setForceBackend(forceBackend: GpuBackend): Options = apply { this.forceBackend = forceBackend }

        open fun isPrecisionLossAllowed(): Boolean = precisionLossAllowed

        open fun areQuantizedModelsAllowed(): Boolean = quantizedModelsAllowed

        open fun getInferencePreference(): Int = inferencePreference

        open fun getSerializationDir(): String? = serializationDir

        open fun getModelToken(): String? = modelToken

        open fun getForceBackend(): GpuBackend = forceBackend

        companion object {
            const val INFERENCE_PREFERENCE_FAST_SINGLE_ANSWER: Int = 0
            const val INFERENCE_PREFERENCE_SUSTAINED_SPEED: Int = 1
        }
    }

    private val options: Options

    constructor() : this(Options())

    constructor(options: Options) {
        this.options = options
    }

    override fun create(runtimeFlavor: RuntimeFlavor): Delegate =
        when (runtimeFlavor) {
            RuntimeFlavor.APPLICATION -> made { GpuDelegate(options) }
            RuntimeFlavor.SYSTEM -> made { Gpu.ofPlayServices { GpuDelegate(options) } }
        }

    /** The real class makes it by reflection. */
    private fun made(create: () -> Delegate): Delegate =
        try {
            create()
        } catch (error: LinkageError) {
            throw IllegalStateException("Error creating GPU delegate", error)
        }
}

open class CompatibilityList : Closeable {
    private var open = true

    init {
        Gpu.load()
    }

    open fun isDelegateSupportedOnThisDevice(): Boolean {
        check(open) { "Trying to query a closed compatibilityList." }
        return Gpu.isThere
    }

    open fun getBestOptionsForThisDevice(): GpuDelegate.Options = GpuDelegate.Options()

    override fun close() {
        open = false
    }
}
