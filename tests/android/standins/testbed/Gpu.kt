package testbed

/**
 * The GPU of the device for the Interpreter API, and what the app has of it, by the property testbed.gpu.
 *
 * "absent" has none that is known to work, "present" has one (whose work the CPU does), "failing" has one that takes no
 * model, and "unlinked" is in a device for whose processor the app has no library. Play services have one in all cases but
 * "absent"; with "unprepared" they do not make it ready.
 */
object Gpu {
    private val state: String
        get() = System.getProperty("testbed.gpu", "absent")

    val isThere: Boolean get() = state != "absent"

    val isPrepared: Boolean get() = state != "unprepared"

    fun load() {
        if (state == "unlinked") throw UnsatisfiedLinkError("Failed to load native GpuDelegate methods.")
    }

    /** What Play services make, once they were asked to have a GPU. */
    fun <T> ofPlayServices(create: () -> T): T {
        if (!PlayServices.isGpuEnabled) throw UnsatisfiedLinkError("Failed to load native GpuDelegate methods.")
        return create()
    }

    /** As an interpreter does that is made with a delegate. */
    fun apply() {
        require(state != "failing") { "Internal error: Failed to apply delegate: the GPU takes no model" }
    }
}
