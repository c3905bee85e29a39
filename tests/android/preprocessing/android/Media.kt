/** Just enough of android.media to compile and run what reads frames of a camera. */
package android.media

import android.graphics.Rect
import java.nio.ByteBuffer

public open class Image(
    public val format: Int,
    public val width: Int,
    public val height: Int,
    public val planes: Array<Plane>,
    public val cropRect: Rect,
) {
    public class Plane(public val buffer: ByteBuffer, public val rowStride: Int, public val pixelStride: Int)
}
