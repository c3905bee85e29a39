/** Just enough of android.graphics to compile and run what reads bitmaps. */
package android.graphics

public open class Bitmap(private val pixels: IntArray, public val width: Int, public val height: Int) {
    public enum class Config { ARGB_8888, HARDWARE }

    public var config: Config? = Config.ARGB_8888
    public var isRecycled: Boolean = false

    public fun getPixels(into: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int) {
        require(x >= 0 && y >= 0 && x + width <= this.width && y + height <= this.height && stride >= width)
        for (row in 0 until height) {
            val start = (y + row) * this.width + x
            pixels.copyInto(into, offset + row * stride, start, start + width)
        }
    }
}

public object ImageFormat {
    public const val YUV_420_888: Int = 35
}

public class Rect(
    @JvmField public val left: Int,
    @JvmField public val top: Int,
    @JvmField public val right: Int,
    @JvmField public val bottom: Int,
)
