package testbed

/**
 * Google Play services of the device: the property testbed.play is "present", or "absent" where nothing initializes.
 *
 * Its GPU is that of [Gpu].
 */
internal object PlayServices {
    @Volatile
    var isInitialized = false
        private set

    @Volatile
    var isGpuEnabled = false
        private set

    val isThere: Boolean get() = System.getProperty("testbed.play", "present") != "absent"

    val hasGpu: Boolean get() = Gpu.isThere

    fun absent() = UnsupportedOperationException("17: API: Tflite.API is not available on this device")

    fun initialize(gpu: Boolean) {
        if (!isThere) throw absent()
        if (gpu && !(hasGpu && Gpu.isPrepared)) throw UnsupportedOperationException("GPU delegate is not supported on this device")
        isGpuEnabled = gpu
        isInitialized = true
    }
}
