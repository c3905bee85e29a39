package android.content.res

import java.io.Closeable
import java.io.File
import java.io.FileDescriptor
import java.io.FileInputStream
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/** Assets that lie in [folder]. Those whose names end as one of [compressed] are compressed in the app's file. */
class AssetManager internal constructor(
    private val folder: File,
    private val compressed: Set<String>,
) : AutoCloseable {
    @Throws(IOException::class)
    fun open(fileName: String): InputStream = open(fileName, ACCESS_STREAMING)

    @Throws(IOException::class)
    fun open(
        fileName: String,
        @Suppress("UNUSED_PARAMETER") accessMode: Int,
    ): InputStream = file(fileName).inputStream()

    @Throws(IOException::class)
    fun openFd(fileName: String): AssetFileDescriptor {
        val file = file(fileName)
        if (compressed.any { fileName.endsWith(it) }) {
            throw FileNotFoundException("This file can not be opened as a file descriptor; it is probably compressed")
        }
        return AssetFileDescriptor.of(file)
    }

    @Throws(IOException::class)
    fun list(path: String): Array<String>? = File(folder, path).list().orEmpty().toList().sorted().toTypedArray()

    override fun close() {}

    private fun file(name: String): File =
        File(folder, name).takeIf { it.isFile } ?: throw FileNotFoundException(name)

    companion object {
        const val ACCESS_UNKNOWN = 0
        const val ACCESS_RANDOM = 1
        const val ACCESS_STREAMING = 2
        const val ACCESS_BUFFER = 3
    }
}

/** An asset inside of an app's file: something lies before and behind it. */
open class AssetFileDescriptor internal constructor(
    private val app: File,
    private val stream: FileInputStream,
    private val length: Long,
) : Closeable {
    open fun getFileDescriptor(): FileDescriptor = stream.fd

    open fun getStartOffset(): Long = BEFORE

    open fun getLength(): Long = length

    open fun getDeclaredLength(): Long = length

    @Throws(IOException::class)
    open fun createInputStream(): FileInputStream = Part(app, length)

    @Throws(IOException::class)
    override fun close() = stream.close()

    private class Part(
        app: File,
        private var left: Long,
    ) : FileInputStream(app) {
        init {
            channel.position(BEFORE)
        }

        override fun read(): Int = if (left-- > 0) super.read() else -1

        override fun read(bytes: ByteArray): Int = read(bytes, 0, bytes.size)

        override fun read(
            bytes: ByteArray,
            offset: Int,
            count: Int,
        ): Int {
            if (left <= 0) return -1
            return super.read(bytes, offset, minOf(count.toLong(), left).toInt()).also { left -= it }
        }

        override fun available(): Int = left.toInt()

        override fun readAllBytes(): ByteArray = readNBytes(left.toInt())
    }

    companion object {
        const val UNKNOWN_LENGTH = -1L
        private const val BEFORE = 4096L

        @JvmSynthetic
        internal fun of(asset: File): AssetFileDescriptor {
            val app = File.createTempFile("app", ".apk")
            app.deleteOnExit()
            val around = ByteArray(BEFORE.toInt()) { 0x50 }
            app.writeBytes(around + asset.readBytes() + around)
            return AssetFileDescriptor(app, FileInputStream(app), asset.length())
        }
    }
}
