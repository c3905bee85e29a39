package com.google.android.gms.tflite.java

import android.content.Context
import com.google.android.gms.tasks.Task
import com.google.android.gms.tasks.TaskCompletionSource
import com.google.android.gms.tflite.client.TfLiteInitializationOptions
import testbed.PlayServices

class TfLite private constructor() {
    companion object {
        @JvmStatic
        fun initialize(context: Context): Task<Void> =
            initialize(context, TfLiteInitializationOptions.builder().build())

        @JvmStatic
        fun initialize(
            @Suppress("UNUSED_PARAMETER") context: Context,
            options: TfLiteInitializationOptions,
        ): Task<Void> {
            val source = TaskCompletionSource<Void?>()
            Thread {
                try {
                    PlayServices.initialize(options.isGpuDelegateSupportEnabled)
                    source.setResult(null)
                } catch (error: Exception) {
                    source.setException(error)
                }
            }.apply { isDaemon = true }.start()
            @Suppress("UNCHECKED_CAST")
            return source.getTask() as Task<Void>
        }
    }
}
