package testbed

import android.content.Context
import android.content.pm.ApplicationInfo
import android.content.res.AssetManager
import android.graphics.ImageFormat
import android.media.Image
import java.io.File
import java.nio.ByteBuffer

/**
 * An app with the assets of a folder.
 *
 * The properties of the process say how it is where nothing else is given: testbed.assets (a folder),
 * testbed.debuggable ("true"), testbed.compressed (endings of compressed assets, separated by commas).
 */
class App(
    assets: File = File(System.getProperty("testbed.assets", "assets")),
    debuggable: Boolean = System.getProperty("testbed.debuggable") == "true",
    compressed: Set<String> = System.getProperty("testbed.compressed", "").split(",").filter { it.isNotEmpty() }.toSet(),
) : Context() {
    private val manager = AssetManager(assets, compressed)
    private val own = lazy { File.createTempFile("app", "").also { it.delete() } }
    private val info =
        ApplicationInfo().apply {
            flags = if (debuggable) ApplicationInfo.FLAG_DEBUGGABLE else 0
            packageName = "test.app"
            nativeLibraryDir = "/nowhere"
        }

    override fun getAssets(): AssetManager = manager

    override fun getApplicationContext(): Context = this

    override fun getApplicationInfo(): ApplicationInfo = info

    override fun getPackageName(): String = "test.app"

    override fun getCacheDir(): File = folder("cache")

    override fun getCodeCacheDir(): File = folder("code_cache")

    override fun getFilesDir(): File = folder("files")

    override fun getNoBackupFilesDir(): File = folder("no_backup")

    private fun folder(name: String): File = File(own.value, name).also { it.mkdirs() }
}

/** A plane of a [CameraImage]. */
class CameraPlane(
    private val buffer: ByteBuffer,
    private val rowStride: Int,
    private val pixelStride: Int,
) : Image.Plane() {
    override fun getRowStride(): Int = rowStride

    override fun getPixelStride(): Int = pixelStride

    override fun getBuffer(): ByteBuffer = buffer
}

/** An image as a camera gives it. */
class CameraImage(
    private val width: Int,
    private val height: Int,
    private val planes: Array<Image.Plane>,
    private val format: Int = ImageFormat.YUV_420_888,
) : Image() {
    private var closed = false

    override fun getFormat(): Int = of(format)

    override fun getWidth(): Int = of(width)

    override fun getHeight(): Int = of(height)

    override fun getTimestamp(): Long = of(0L)

    override fun getPlanes(): Array<Image.Plane> = of(planes)

    override fun close() {
        closed = true
    }

    private fun <T> of(value: T): T {
        check(!closed) { "Image is already closed" }
        return value
    }
}
