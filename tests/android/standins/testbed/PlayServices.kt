package testbed

/**
 * Google Play services of the device: the property testbed.play is "present", or "absent" where nothing initializes.
 *
 * The property testbed.gpu is as in [Native].
 */
internal object PlayServices {
    @Volatile
    var isInitialized = false
        private set

    @Volatile
    var isGpuEnabled = false
        private set

    val hasGpu: Boolean get() = System.getProperty("testbed.gpu", "absent") != "absent"

    fun initialize(gpu: Boolean) {
        if (System.getProperty("testbed.play", "present") == "absent") {
            throw UnsupportedOperationException("17: API: Tflite.API is not available on this device")
        }
        if (gpu && !hasGpu) throw UnsupportedOperationException("GPU delegate is not supported on this device")
        isGpuEnabled = gpu
        isInitialized = true
    }
}
