package android.media

import android.graphics.Rect
import java.nio.ByteBuffer

abstract class Image : AutoCloseable {
    private var cropRect: Rect? = null

    abstract fun getFormat(): Int

    abstract fun getWidth(): Int

    abstract fun getHeight(): Int

    abstract fun getTimestamp(): Long

    abstract fun getPlanes(): Array<Plane>

    open fun getCropRect(): Rect = cropRect?.let { Rect(it) } ?: Rect(0, 0, getWidth(), getHeight())

    open fun setCropRect(cropRect: Rect?) {
        this.cropRect = cropRect?.let { Rect(it) }
    }

    abstract override fun close()

    abstract class Plane {
        abstract fun getRowStride(): Int

        abstract fun getPixelStride(): Int

        abstract fun getBuffer(): ByteBuffer
    }
}
