package android.content

import android.content.pm.ApplicationInfo
import android.content.res.AssetManager
import java.io.File

abstract class Context {
    abstract fun getAssets(): AssetManager

    abstract fun getApplicationContext(): Context

    abstract fun getApplicationInfo(): ApplicationInfo

    abstract fun getPackageName(): String

    abstract fun getCacheDir(): File

    abstract fun getCodeCacheDir(): File

    abstract fun getFilesDir(): File

    abstract fun getNoBackupFilesDir(): File
}
