// The type of the C API that a public declaration of the Swift classes names.

#ifndef TENSORFLOWLITEC_H
#define TENSORFLOWLITEC_H

typedef struct TfLiteDelegate {
    void* data_;
} TfLiteDelegate;

#endif
