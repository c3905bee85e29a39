package org.tensorflow.lite

import java.io.File
import java.nio.ByteBuffer

class Interpreter : InterpreterImpl, InterpreterApi {
    open class Options : InterpreterImpl.Options {
        constructor() : super()

        constructor(options: InterpreterApi.Options) : super(options)

        override fun setUseXNNPACK(useXNNPACK: Boolean): Options = apply { super.setUseXNNPACK(useXNNPACK) }

        override fun setNumThreads(numThreads: Int): Options = apply { super.setNumThreads(numThreads) }

        override fun setUseNNAPI(useNNAPI: Boolean): Options = apply { super.setUseNNAPI(useNNAPI) }

        @Deprecated("Prefer using the GPU delegate")
        open fun setAllowFp16PrecisionForFp32(
            @Suppress("UNUSED_PARAMETER") allow: Boolean,
        ): Options = this

        override fun addDelegate(delegate: Delegate): Options = apply { super.addDelegate(delegate) }

        override fun addDelegateFactory(delegateFactory: DelegateFactory): Options =
            apply { super.addDelegateFactory(delegateFactory) }

        open fun setAllowBufferHandleOutput(
            @Suppress("UNUSED_PARAMETER") allow: Boolean,
        ): Options = this

        override fun setCancellable(allow: Boolean): Options = apply { super.setCancellable(allow) }

        override fun setRuntime(runtime: InterpreterApi.Options.TfLiteRuntime): Options =
            apply { super.setRuntime(runtime) }
    }

    constructor(modelFile: File) : this(modelFile, null)

    constructor(modelFile: File, options: Options?) : super(modelFile, options)

    constructor(byteBuffer: ByteBuffer) : this(byteBuffer, null)

    constructor(byteBuffer: ByteBuffer, options: Options?) : super(byteBuffer, options)

    // What the superclass has, again, since that is not public: a Java compiler writes the same.

    override fun runSignature(
        inputs: MutableMap<String, Any>,
        outputs: MutableMap<String, Any>,
        signatureKey: String?,
    ) = super.runSignature(inputs, outputs, signatureKey)

    override fun runSignature(
        inputs: MutableMap<String, Any>,
        outputs: MutableMap<String, Any>,
    ) = super.runSignature(inputs, outputs)

    override fun getInputTensorFromSignature(
        inputName: String,
        signatureKey: String?,
    ): Tensor = super.getInputTensorFromSignature(inputName, signatureKey)

    override fun getSignatureKeys(): Array<String> = super.getSignatureKeys()

    override fun getSignatureInputs(signatureKey: String): Array<String> = super.getSignatureInputs(signatureKey)

    override fun getSignatureOutputs(signatureKey: String): Array<String> = super.getSignatureOutputs(signatureKey)

    override fun getOutputTensorFromSignature(
        outputName: String,
        signatureKey: String?,
    ): Tensor = super.getOutputTensorFromSignature(outputName, signatureKey)

    override fun resetVariableTensors() = super.resetVariableTensors()

    override fun setCancelled(cancelled: Boolean) = super.setCancelled(cancelled)

    override fun close() = super.close()

    override fun getLastNativeInferenceDurationNanoseconds(): Long? = super.getLastNativeInferenceDurationNanoseconds()

    override fun getOutputTensor(outputIndex: Int): Tensor = super.getOutputTensor(outputIndex)

    override fun getOutputIndex(opName: String): Int = super.getOutputIndex(opName)

    override fun getOutputTensorCount(): Int = super.getOutputTensorCount()

    override fun getInputTensor(inputIndex: Int): Tensor = super.getInputTensor(inputIndex)

    override fun getInputIndex(opName: String): Int = super.getInputIndex(opName)

    override fun getInputTensorCount(): Int = super.getInputTensorCount()

    override fun resizeInput(
        index: Int,
        dims: IntArray,
        strict: Boolean,
    ) = super.resizeInput(index, dims, strict)

    override fun resizeInput(
        index: Int,
        dims: IntArray,
    ) = super.resizeInput(index, dims)

    override fun allocateTensors() = super.allocateTensors()

    override fun runForMultipleInputsOutputs(
        inputs: Array<Any?>,
        outputs: MutableMap<Int, Any>,
    ) = super.runForMultipleInputsOutputs(inputs, outputs)

    override fun run(
        input: Any?,
        output: Any?,
    ) = super.run(input, output)
}
