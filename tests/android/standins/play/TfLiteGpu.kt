package com.google.android.gms.tflite.gpu.support

import android.content.Context
import com.google.android.gms.tasks.Task
import com.google.android.gms.tasks.Tasks
import testbed.PlayServices

class TfLiteGpu private constructor() {
    companion object {
        @JvmStatic
        fun isGpuDelegateAvailable(
            @Suppress("UNUSED_PARAMETER") context: Context,
        ): Task<Boolean> =
            if (PlayServices.isThere) Tasks.forResult(PlayServices.hasGpu) else Tasks.forException(PlayServices.absent())
    }
}
