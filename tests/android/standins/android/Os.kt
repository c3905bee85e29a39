package android.os

/** The device that tests tell of by properties; testbed.sdk is its API level, 34 by default. */
open class Build {
    open class VERSION {
        companion object {
            @JvmField val SDK_INT: Int = Integer.getInteger("testbed.sdk", VERSION_CODES.UPSIDE_DOWN_CAKE)

            @JvmField val RELEASE: String = "test"
        }
    }

    open class VERSION_CODES {
        companion object {
            const val LOLLIPOP = 21
            const val M = 23
            const val N = 24
            const val O = 26
            const val P = 28
            const val Q = 29
            const val R = 30
            const val S = 31
            const val TIRAMISU = 33
            const val UPSIDE_DOWN_CAKE = 34
            const val VANILLA_ICE_CREAM = 35
        }
    }

    companion object {
        @JvmField val HARDWARE: String = "test"

        @JvmField val ID: String = "TEST"

        @JvmField val MANUFACTURER: String = "test"

        @JvmField val MODEL: String = "test"

        /** Of a maker whose NPUs LiteRT knows where the property testbed.npu is "present". */
        @JvmField val SOC_MANUFACTURER: String =
            if (System.getProperty("testbed.npu") == "present") "Qualcomm" else "test"

        @JvmField val SOC_MODEL: String = "test"
    }
}
