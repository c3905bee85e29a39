package android.graphics

/** Pixels as [getPixels] gives them: alpha, red, green, blue, which are not multiplied with alpha. */
class Bitmap private constructor(
    private val width: Int,
    private val height: Int,
    private val config: Config,
    private val mutable: Boolean,
    private val pixels: IntArray,
) {
    enum class Config { ALPHA_8, RGB_565, ARGB_4444, ARGB_8888, RGBA_F16, HARDWARE, RGBA_1010102 }

    private var recycled = false

    fun getWidth(): Int = width

    fun getHeight(): Int = height

    fun getConfig(): Config? = config

    fun isMutable(): Boolean = mutable

    fun isRecycled(): Boolean = recycled

    fun recycle() {
        recycled = true
    }

    fun hasAlpha(): Boolean = config != Config.RGB_565

    fun getPixel(
        x: Int,
        y: Int,
    ): Int {
        readable("getPixel")
        require(x in 0 until width) { "x must be < bitmap.width()" }
        require(y in 0 until height) { "y must be < bitmap.height()" }
        return pixels[y * width + x]
    }

    fun getPixels(
        pixels: IntArray,
        offset: Int,
        stride: Int,
        x: Int,
        y: Int,
        width: Int,
        height: Int,
    ) {
        readable("getPixels")
        within(pixels, offset, stride, x, y, width, height)
        for (row in 0 until height) {
            System.arraycopy(this.pixels, (y + row) * this.width + x, pixels, offset + row * stride, width)
        }
    }

    fun setPixels(
        pixels: IntArray,
        offset: Int,
        stride: Int,
        x: Int,
        y: Int,
        width: Int,
        height: Int,
    ) {
        check(!recycled) { "Can't call setPixels() on a recycled bitmap" }
        check(mutable) { "setPixels: the bitmap is immutable" }
        within(pixels, offset, stride, x, y, width, height)
        for (row in 0 until height) {
            for (column in 0 until width) {
                this.pixels[(y + row) * this.width + x + column] = stored(pixels[offset + row * stride + column], config)
            }
        }
    }

    fun setPixel(
        x: Int,
        y: Int,
        color: Int,
    ) = setPixels(intArrayOf(color), 0, 1, x, y, 1, 1)

    fun copy(
        config: Config,
        isMutable: Boolean,
    ): Bitmap? {
        check(!recycled) { "Can't copy a recycled bitmap" }
        if (config == Config.HARDWARE && isMutable) throw IllegalArgumentException("Hardware bitmaps are always immutable")
        return Bitmap(width, height, config, isMutable, IntArray(pixels.size) { stored(pixels[it], config) })
    }

    private fun readable(method: String) {
        check(!recycled) { "Can't call $method() on a recycled bitmap" }
        check(config != Config.HARDWARE) { "unable to $method(), pixel access is not supported on Config#HARDWARE bitmaps" }
    }

    private fun within(
        pixels: IntArray,
        offset: Int,
        stride: Int,
        x: Int,
        y: Int,
        width: Int,
        height: Int,
    ) {
        require(x >= 0 && y >= 0 && width >= 0 && height >= 0) { "x, y, width and height must be >= 0" }
        require(x + width <= this.width) { "x + width must be <= bitmap.width()" }
        require(y + height <= this.height) { "y + height must be <= bitmap.height()" }
        require(Math.abs(stride) >= width) { "abs(stride) must be >= width" }
        val last = offset + (height - 1) * stride
        if (offset < 0 || offset + width > pixels.size || last < 0 || last + width > pixels.size) {
            throw ArrayIndexOutOfBoundsException()
        }
    }

    companion object {
        @JvmStatic
        fun createBitmap(
            width: Int,
            height: Int,
            config: Config,
        ): Bitmap {
            require(width > 0 && height > 0) { "width and height must be > 0" }
            require(config != Config.HARDWARE) { "can't create mutable bitmap with Config.HARDWARE" }
            val empty = if (config == Config.RGB_565) 0xff shl 24 else 0
            return Bitmap(width, height, config, true, IntArray(width * height) { empty })
        }

        @JvmStatic
        fun createBitmap(
            colors: IntArray,
            width: Int,
            height: Int,
            config: Config,
        ): Bitmap {
            require(width > 0 && height > 0) { "width and height must be > 0" }
            if (colors.size < width * height) throw ArrayIndexOutOfBoundsException()
            return Bitmap(width, height, config, false, IntArray(width * height) { stored(colors[it], config) })
        }

        private fun stored(
            color: Int,
            config: Config,
        ): Int {
            if (config == Config.ALPHA_8) return color and (0xff shl 24)
            if (config != Config.RGB_565) return color
            val red = (color shr 19) and 0x1f
            val green = (color shr 10) and 0x3f
            val blue = (color shr 3) and 0x1f
            val wide = ((red shl 3) or (red shr 2) shl 16) or ((green shl 2) or (green shr 4) shl 8)
            return (0xff shl 24) or wide or ((blue shl 3) or (blue shr 2))
        }
    }
}

class Rect(
    @JvmField var left: Int,
    @JvmField var top: Int,
    @JvmField var right: Int,
    @JvmField var bottom: Int,
) {
    constructor() : this(0, 0, 0, 0)

    constructor(r: Rect?) : this(r?.left ?: 0, r?.top ?: 0, r?.right ?: 0, r?.bottom ?: 0)

    fun width(): Int = right - left

    fun height(): Int = bottom - top

    fun isEmpty(): Boolean = left >= right || top >= bottom

    fun set(
        left: Int,
        top: Int,
        right: Int,
        bottom: Int,
    ) {
        this.left = left
        this.top = top
        this.right = right
        this.bottom = bottom
    }

    override fun equals(other: Any?): Boolean =
        other is Rect && left == other.left && top == other.top && right == other.right && bottom == other.bottom

    override fun hashCode(): Int = ((left * 31 + top) * 31 + right) * 31 + bottom

    override fun toString(): String = "Rect($left, $top - $right, $bottom)"
}

class RectF(
    @JvmField var left: Float,
    @JvmField var top: Float,
    @JvmField var right: Float,
    @JvmField var bottom: Float,
) {
    constructor() : this(0f, 0f, 0f, 0f)

    fun width(): Float = right - left

    fun height(): Float = bottom - top

    override fun equals(other: Any?): Boolean =
        other is RectF && left == other.left && top == other.top && right == other.right && bottom == other.bottom

    override fun hashCode(): Int = listOf(left, top, right, bottom).hashCode()

    override fun toString(): String = "RectF($left, $top, $right, $bottom)"
}

open class ImageFormat {
    companion object {
        const val UNKNOWN = 0
        const val NV21 = 0x11
        const val YUV_420_888 = 0x23
        const val YUV_422_888 = 0x27
        const val YUV_444_888 = 0x28
        const val FLEX_RGB_888 = 0x29
        const val FLEX_RGBA_8888 = 0x2A
        const val JPEG = 0x100
    }
}

open class PixelFormat {
    companion object {
        const val RGBA_8888 = 1
    }
}
