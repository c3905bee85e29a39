package android.util

/** Writes to stderr: "W/tag: message". */
object Log {
    const val VERBOSE = 2
    const val DEBUG = 3
    const val INFO = 4
    const val WARN = 5
    const val ERROR = 6
    const val ASSERT = 7

    @JvmStatic
    fun v(tag: String?, msg: String): Int = println(VERBOSE, tag, msg)

    @JvmStatic
    fun v(tag: String?, msg: String?, tr: Throwable?): Int = println(VERBOSE, tag, "$msg\n${getStackTraceString(tr)}")

    @JvmStatic
    fun d(tag: String?, msg: String): Int = println(DEBUG, tag, msg)

    @JvmStatic
    fun d(tag: String?, msg: String?, tr: Throwable?): Int = println(DEBUG, tag, "$msg\n${getStackTraceString(tr)}")

    @JvmStatic
    fun i(tag: String?, msg: String): Int = println(INFO, tag, msg)

    @JvmStatic
    fun i(tag: String?, msg: String?, tr: Throwable?): Int = println(INFO, tag, "$msg\n${getStackTraceString(tr)}")

    @JvmStatic
    fun w(tag: String?, msg: String): Int = println(WARN, tag, msg)

    @JvmStatic
    fun w(tag: String?, msg: String?, tr: Throwable?): Int = println(WARN, tag, "$msg\n${getStackTraceString(tr)}")

    @JvmStatic
    fun w(tag: String?, tr: Throwable?): Int = println(WARN, tag, getStackTraceString(tr))

    @JvmStatic
    fun e(tag: String?, msg: String): Int = println(ERROR, tag, msg)

    @JvmStatic
    fun e(tag: String?, msg: String?, tr: Throwable?): Int = println(ERROR, tag, "$msg\n${getStackTraceString(tr)}")

    @JvmStatic
    fun isLoggable(@Suppress("UNUSED_PARAMETER") tag: String?, level: Int): Boolean = level >= INFO

    @JvmStatic
    fun getStackTraceString(tr: Throwable?): String = tr?.stackTraceToString().orEmpty()

    @JvmStatic
    fun println(priority: Int, tag: String?, msg: String): Int {
        System.err.println("${"??VDIWEA"[priority]}/$tag: $msg")
        return msg.length
    }
}
