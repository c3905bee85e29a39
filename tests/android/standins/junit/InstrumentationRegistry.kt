package androidx.test.platform.app

import android.app.Instrumentation

object InstrumentationRegistry {
    private val instrumentation = Instrumentation()

    @JvmStatic
    fun getInstrumentation(): Instrumentation = instrumentation
}
