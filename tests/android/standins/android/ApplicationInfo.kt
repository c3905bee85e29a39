package android.content.pm

open class ApplicationInfo {
    @JvmField var flags: Int = 0

    @JvmField var packageName: String? = null

    @JvmField var nativeLibraryDir: String? = null

    companion object {
        const val FLAG_DEBUGGABLE = 1 shl 1
    }
}
