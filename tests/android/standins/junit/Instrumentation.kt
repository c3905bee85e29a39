package android.app

import android.content.Context
import testbed.App

/** Both contexts are the [App] that the properties of the process describe. */
open class Instrumentation {
    private val app = App()

    open fun getContext(): Context = app

    open fun getTargetContext(): Context = app
}
