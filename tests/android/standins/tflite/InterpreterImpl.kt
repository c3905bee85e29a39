package org.tensorflow.lite

import org.tensorflow.lite.gpu.GpuDelegate
import testbed.FlatTensor
import testbed.Gpu
import testbed.Graph
import testbed.GraphTensor
import testbed.InterpreterModel
import java.io.File
import java.io.FileInputStream
import java.nio.ByteBuffer
import java.nio.channels.FileChannel

/** Runs and refuses as tflite/java's InterpreterImpl and NativeInterpreterWrapper do; a delegate may refuse, and all is CPU. */
open class InterpreterImpl : InterpreterApi {
    open class Options : InterpreterApi.Options {
        constructor() : super()

        constructor(options: InterpreterApi.Options) : super(options)

        constructor(other: Options) : super(other)
    }

    private var model: InterpreterModel?
    private val cancellable: Boolean
    private val ownedDelegates: List<Delegate>
    private val known = HashMap<GraphTensor, TensorImpl>()
    private var duration: Long? = null

    @Volatile
    private var cancelled = false

    constructor(modelFile: File, options: InterpreterApi.Options?) {
        ownedDelegates = delegates(options)
        cancellable = options?.isCancellable() == true
        require(modelFile.isFile) { "Contents of ${modelFile.absolutePath} does not encode a valid TensorFlow Lite model" }
        val content = FileInputStream(modelFile).channel.use { it.map(FileChannel.MapMode.READ_ONLY, 0, it.size()) }
        model = InterpreterModel.of(content, "Contents of ${modelFile.absolutePath}", ::sizeOf)
    }

    constructor(byteBuffer: ByteBuffer, options: InterpreterApi.Options?) {
        ownedDelegates = delegates(options)
        cancellable = options?.isCancellable() == true
        model = InterpreterModel.ofBuffer(byteBuffer, ::sizeOf)
    }

    private fun delegates(options: InterpreterApi.Options?): List<Delegate> {
        val system = options != null && options.getRuntime() != InterpreterApi.Options.TfLiteRuntime.FROM_APPLICATION_ONLY
        require(!system || options.getDelegates().isEmpty()) {
            "Instantiated delegates (other than NnApiDelegate) are not allowed when using TF Lite from Google Play " +
                "Services. Please use InterpreterApi.Options.addDelegateFactory() with an appropriate DelegateFactory instead."
        }
        val flavor = if (system) RuntimeFlavor.SYSTEM else RuntimeFlavor.APPLICATION
        val made = options?.getDelegateFactories().orEmpty().map { it.create(flavor) }
        if ((made + options?.getDelegates().orEmpty()).any { it is GpuDelegate }) Gpu.apply()
        return made
    }

    override fun run(
        input: Any?,
        output: Any?,
    ) {
        val outputs = HashMap<Int, Any>()
        if (output != null) outputs[0] = output
        runForMultipleInputsOutputs(arrayOf(input), outputs)
    }

    override fun runForMultipleInputsOutputs(
        inputs: Array<Any?>,
        outputs: MutableMap<Int, Any>,
    ) {
        open()
        require(inputs.isNotEmpty()) { "Input error: Inputs should not be null or empty." }
        val graph = open().first()
        run(graph, inputs.mapIndexed { index, value -> input(index) to value }) {
            for ((index, value) in outputs) {
                @Suppress("SENSELESS_COMPARISON")
                if (value != null) impl(output(index)).copyTo(value)
            }
        }
    }

    open fun runSignature(
        inputs: MutableMap<String, Any>,
        outputs: MutableMap<String, Any>,
        signatureKey: String?,
    ) {
        val key = key(signatureKey)
        require(inputs.isNotEmpty()) { "Input error: Inputs should not be null or empty." }
        val graph = open().graph(key)
        run(graph, inputs.map { (name, value) -> inputOf(key, name) to value }) {
            for ((name, value) in outputs) {
                @Suppress("SENSELESS_COMPARISON")
                if (value != null) impl(outputOf(key, name)).copyTo(value)
            }
        }
    }

    open fun runSignature(
        inputs: MutableMap<String, Any>,
        outputs: MutableMap<String, Any>,
    ) = runSignature(inputs, outputs, null)

    private fun run(
        graph: Graph,
        inputs: List<Pair<GraphTensor, Any?>>,
        take: () -> Unit,
    ) {
        duration = null
        for ((tensor, value) in inputs) {
            impl(tensor).otherShape(value)?.let { resize(graph, tensor, it, strict = false) }
        }
        val allocated = allocate(graph)
        inputs.forEach { (tensor, value) -> impl(tensor).setTo(value) }
        require(!cancelled) {
            "Internal error: Failed to run on the given Interpreter: Client requested cancel during Invoke()"
        }
        val started = System.nanoTime()
        graph.invoke()
        val took = System.nanoTime() - started
        if (allocated) refresh(graph.outputs)
        take()
        duration = took
    }

    override fun allocateTensors() {
        allocate(open().first())
    }

    private fun allocate(graph: Graph): Boolean = graph.allocate().also { if (it) refresh(graph.outputs) }

    private fun resize(
        graph: Graph,
        tensor: GraphTensor,
        shape: IntArray,
        strict: Boolean,
    ) {
        graph.resize(tensor, shape, strict)
        refresh(listOf(tensor))
    }

    /** Shapes are told as they were when this was called last, as those of the real class. */
    private fun refresh(tensors: List<GraphTensor>) = tensors.forEach { known[it]?.refreshShape() }

    private fun impl(tensor: GraphTensor): TensorImpl = known.getOrPut(tensor) { TensorImpl(tensor) }

    override fun resizeInput(
        index: Int,
        dims: IntArray,
    ) = resizeInput(index, dims, false)

    override fun resizeInput(
        index: Int,
        dims: IntArray,
        strict: Boolean,
    ) = resize(open().first(), input(index), dims, strict)

    override fun getInputTensorCount(): Int = open().flat.subgraphs[0].inputs.size

    override fun getInputIndex(opName: String): Int = indexOf("input", opName, open().flat.subgraphs[0].inputs)

    override fun getInputTensor(inputIndex: Int): Tensor = impl(input(inputIndex))

    override fun getOutputTensorCount(): Int = open().flat.subgraphs[0].outputs.size

    override fun getOutputIndex(opName: String): Int = indexOf("output", opName, open().flat.subgraphs[0].outputs)

    override fun getOutputTensor(outputIndex: Int): Tensor = impl(output(outputIndex))

    open fun getInputTensorFromSignature(
        inputName: String,
        signatureKey: String?,
    ): Tensor = impl(inputOf(key(signatureKey), inputName))

    open fun getOutputTensorFromSignature(
        outputName: String,
        signatureKey: String?,
    ): Tensor = impl(outputOf(key(signatureKey), outputName))

    open fun getSignatureKeys(): Array<String> = open().flat.signatures.map { it.key }.toTypedArray()

    open fun getSignatureInputs(signatureKey: String): Array<String> =
        open().signature(signatureKey).inputs.keys.sorted().toTypedArray()

    open fun getSignatureOutputs(signatureKey: String): Array<String> =
        open().signature(signatureKey).outputs.keys.sorted().toTypedArray()

    override fun getLastNativeInferenceDurationNanoseconds(): Long? {
        open()
        return duration
    }

    open fun resetVariableTensors() = open().reset()

    open fun setCancelled(cancelled: Boolean) {
        open()
        check(cancellable) {
            "Cannot cancel the inference. Have you called InterpreterApi.Options.setCancellable?"
        }
        this.cancelled = cancelled
    }

    override fun close() {
        model?.close()
        if (model != null) ownedDelegates.forEach { it.close() }
        model = null
    }

    private fun open(): InterpreterModel =
        checkNotNull(model) { "Internal error: The Interpreter has already been closed." }

    private fun key(key: String?): String {
        val signatures = open().flat.signatures
        return requireNotNull(key ?: signatures.singleOrNull()?.key) {
            "Input error: SignatureDef signatureKey should not be null. null is only allowed if the model has a single " +
                "Signature. Available Signatures: ${signatures.map { it.key }}"
        }
    }

    private fun input(index: Int): GraphTensor {
        val number = requireNotNull(open().flat.subgraphs[0].inputs.getOrNull(index)) { "Invalid input Tensor index: $index" }
        return open().first().inputs.first { it.flat.index == number }
    }

    private fun output(index: Int): GraphTensor {
        val number = requireNotNull(open().flat.subgraphs[0].outputs.getOrNull(index)) { "Invalid output Tensor index: $index" }
        return open().first().outputs.first { it.flat.index == number }
    }

    private fun inputOf(
        key: String,
        name: String,
    ): GraphTensor {
        val graph = open().graph(key)
        val number = requireNotNull(open().signature(key).inputs[name]) { "Input error: input $name not found." }
        return graph.inputs.first { it.flat.index == number }
    }

    private fun outputOf(
        key: String,
        name: String,
    ): GraphTensor {
        val graph = open().graph(key)
        val number = requireNotNull(open().signature(key).outputs[name]) { "Input error: output $name not found." }
        return graph.outputs.first { it.flat.index == number }
    }

    private fun indexOf(
        kind: String,
        name: String,
        numbers: List<Int>,
    ): Int {
        val names = numbers.map { open().flat.subgraphs[0].tensors[it].name }
        val index = names.indexOf(name)
        require(index >= 0) {
            "Input error: '$name' is not a valid name for any $kind. Names of ${kind}s and their indexes are " +
                names.withIndex().associate { it.value to it.index }
        }
        return index
    }

    private companion object {
        fun sizeOf(tensor: FlatTensor): Int =
            when (tensor.type) {
                0, 2 -> 4
                1, 7 -> 2
                3, 6, 9 -> 1
                4 -> 8
                else -> throw IllegalArgumentException("this stand-in has no tensors of type ${tensor.type}")
            }
    }
}
