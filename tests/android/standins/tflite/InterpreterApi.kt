package org.tensorflow.lite

import org.tensorflow.lite.acceleration.ValidatedAccelerationConfig
import testbed.PlayServices
import java.io.File
import java.nio.ByteBuffer

interface InterpreterApi : AutoCloseable {
    open class Options {
        enum class TfLiteRuntime { FROM_APPLICATION_ONLY, FROM_SYSTEM_ONLY, PREFER_SYSTEM_OVER_APPLICATION }

        private var runtime: TfLiteRuntime = TfLiteRuntime.FROM_APPLICATION_ONLY
        private var numThreads = -1
        private var useNNAPI = false
        private var cancellable = false
        private var useXNNPACK = true
        private var accelerationConfig: ValidatedAccelerationConfig? = null
        private val delegates: MutableList<Delegate> = ArrayList()
        private val delegateFactories: MutableList<DelegateFactory> = ArrayList()

        constructor()

        constructor(other: Options) {
            runtime = other.runtime
            numThreads = other.numThreads
            useNNAPI = other.useNNAPI
            cancellable = other.cancellable
            useXNNPACK = other.useXNNPACK
            accelerationConfig = other.accelerationConfig
            delegates.addAll(other.delegates)
            delegateFactories.addAll(other.delegateFactories)
        }

        open fun setNumThreads(numThreads: Int): Options = apply { this.numThreads = numThreads }

        open fun getNumThreads(): Int = numThreads

        open fun setUseNNAPI(useNNAPI: Boolean): Options = apply { this.useNNAPI = useNNAPI }

        open fun getUseNNAPI(): Boolean = useNNAPI

        open fun setCancellable(allow: Boolean): Options = apply { cancellable = allow }

        open fun isCancellable(): Boolean = cancellable

        open fun addDelegate(delegate: Delegate): Options = apply { delegates.add(delegate) }

        open fun getDelegates(): List<Delegate> = delegates.toList()

        open fun addDelegateFactory(delegateFactory: DelegateFactory): Options =
            apply { delegateFactories.add(delegateFactory) }

        open fun getDelegateFactories(): List<DelegateFactory> = delegateFactories.toList()

        open fun setRuntime(runtime: TfLiteRuntime): Options = apply { this.runtime = runtime }

        open fun getRuntime(): TfLiteRuntime = runtime

        open fun setAccelerationConfig(config: ValidatedAccelerationConfig): Options =
            apply { accelerationConfig = config }

        open fun getAccelerationConfig(): ValidatedAccelerationConfig? = accelerationConfig

        open fun setUseXNNPACK(useXNNPACK: Boolean): Options = apply { this.useXNNPACK = useXNNPACK }

        open fun getUseXNNPACK(): Boolean = useXNNPACK
    }

    fun run(
        input: Any?,
        output: Any?,
    )

    fun runForMultipleInputsOutputs(
        inputs: Array<Any?>,
        outputs: MutableMap<Int, Any>,
    )

    fun allocateTensors()

    fun resizeInput(
        index: Int,
        dims: IntArray,
    )

    fun resizeInput(
        index: Int,
        dims: IntArray,
        strict: Boolean,
    )

    fun getInputTensorCount(): Int

    fun getInputIndex(opName: String): Int

    fun getInputTensor(inputIndex: Int): Tensor

    fun getOutputTensorCount(): Int

    fun getOutputIndex(opName: String): Int

    fun getOutputTensor(outputIndex: Int): Tensor

    fun getLastNativeInferenceDurationNanoseconds(): Long?

    override fun close()

    companion object {
        @JvmStatic
        fun create(
            modelFile: File,
            options: Options?,
        ): InterpreterApi {
            checkRuntime(options)
            return InterpreterImpl(modelFile, options)
        }

        @JvmStatic
        fun create(
            byteBuffer: ByteBuffer,
            options: Options?,
        ): InterpreterApi {
            checkRuntime(options)
            return InterpreterImpl(byteBuffer, options)
        }

        /**
         * The property testbed.runtimes says what the app links: "both", or only "application" or "system".
         *
         * With both, PREFER_SYSTEM_OVER_APPLICATION takes the system's, initialized or not, as the real class does.
         */
        private fun checkRuntime(options: Options?) {
            val runtime = options?.getRuntime() ?: Options.TfLiteRuntime.FROM_APPLICATION_ONLY
            val linked = System.getProperty("testbed.runtimes", "both")
            val system = runtime != Options.TfLiteRuntime.FROM_APPLICATION_ONLY && linked != "application"
            val application = runtime != Options.TfLiteRuntime.FROM_SYSTEM_ONLY && linked != "system"
            check(system || application) {
                "Couldn't find TensorFlow Lite runtime's InterpreterFactoryImpl class --" +
                    " make sure your app links in the right TensorFlow Lite runtime."
            }
            check(!system || PlayServices.isInitialized) {
                "Must initialize TfLite before creating an interpreter: call TfLite.initialize(context)"
            }
        }
    }
}
