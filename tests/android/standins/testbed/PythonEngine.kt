package testbed

import java.io.DataInputStream
import java.io.DataOutputStream
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path

/**
 * Computes with the runtime's Python interpreter in a process of its own, for files with variables.
 *
 * The properties testbed.python and testbed.engine name a Python that has the runtime, and the script (engine.py).
 */
internal class PythonEngine(
    bytes: ByteBuffer,
) : Engine {
    private val file: Path = Files.createTempFile("model", ".tflite")
    private val process: Process
    private val to: DataOutputStream
    private val from: DataInputStream

    init {
        Files.newByteChannel(file, java.nio.file.StandardOpenOption.WRITE).use { it.write(bytes.duplicate().clear()) }
        val command = listOf(System.getProperty("testbed.python"), System.getProperty("testbed.engine"), file.toString())
        process = ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start()
        to = DataOutputStream(process.outputStream.buffered())
        from = DataInputStream(process.inputStream.buffered())
    }

    override fun run(
        signature: String?,
        inputs: List<GraphTensor>,
        outputs: List<GraphTensor>,
    ): Map<String, Value> {
        to.writeUTF(signature.orEmpty())
        to.writeInt(inputs.size)
        for (input in inputs) {
            to.writeUTF(input.name)
            write(input.shape)
            val bytes = ByteArray(input.size).also { input.buffer().get(it) }
            to.writeInt(bytes.size)
            to.write(bytes)
        }
        to.flush()
        return List(from.readInt()) {
            val name = from.readUTF()
            val shape = IntArray(from.readInt()) { from.readInt() }
            name to Value(shape, ByteBuffer.wrap(from.readNBytes(from.readInt())))
        }.toMap()
    }

    private fun write(shape: IntArray) {
        to.writeInt(shape.size)
        shape.forEach { to.writeInt(it) }
    }

    override fun close() {
        to.close()
        process.waitFor()
        Files.deleteIfExists(file)
    }
}
