// What the stand-in calls of libLiteRt's C API: names, numbers and layouts are those of litert/c/*.h.

#ifndef CLITERT_H
#define CLITERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct LiteRtEnvironmentT* LiteRtEnvironment;
typedef struct LiteRtModelT* LiteRtModel;
typedef struct LiteRtSignatureT* LiteRtSignature;
typedef struct LiteRtTensorT* LiteRtTensor;
typedef struct LiteRtOptionsT* LiteRtOptions;
typedef struct LiteRtOpaqueOptionsT* LiteRtOpaqueOptions;
typedef struct LiteRtCompiledModelT* LiteRtCompiledModel;
typedef struct LiteRtTensorBufferT* LiteRtTensorBuffer;
typedef struct LiteRtTensorBufferRequirementsT* LiteRtTensorBufferRequirements;
typedef size_t LiteRtParamIndex;
typedef int LiteRtHwAcceleratorSet;
typedef void* HwMemoryHandle;

typedef enum {
    kLiteRtStatusOk = 0,
    kLiteRtStatusErrorInvalidArgument = 1,
    kLiteRtStatusErrorMemoryAllocationFailure = 2,
    kLiteRtStatusErrorRuntimeFailure = 3,
    kLiteRtStatusErrorMissingInputTensor = 4,
    kLiteRtStatusErrorUnsupported = 5,
    kLiteRtStatusErrorNotFound = 6,
    kLiteRtStatusErrorTimeoutExpired = 7,
    kLiteRtStatusErrorWrongVersion = 8,
    kLiteRtStatusErrorUnknown = 9,
    kLiteRtStatusErrorAlreadyExists = 10,
    kLiteRtStatusCancelled = 100,
    kLiteRtStatusErrorFileIO = 500,
    kLiteRtStatusErrorInvalidFlatbuffer = 501,
    kLiteRtStatusErrorDynamicLoading = 502,
    kLiteRtStatusErrorSerialization = 503,
    kLiteRtStatusErrorCompilation = 504,
    kLiteRtStatusErrorIndexOOB = 1000,
    kLiteRtStatusErrorInvalidIrType = 1001,
    kLiteRtStatusErrorInvalidGraphInvariant = 1002,
    kLiteRtStatusErrorGraphModification = 1003,
    kLiteRtStatusErrorInvalidToolConfig = 1500,
    kLiteRtStatusLegalizeNoMatch = 2000,
    kLiteRtStatusErrorInvalidLegalization = 2001,
    kLiteRtStatusPatternNoMatch = 3000,
    kLiteRtStatusInvalidTransformation = 3001,
    kLiteRtStatusErrorUnsupportedRuntimeVersion = 4000,
    kLiteRtStatusErrorUnsupportedCompilerVersion = 4001,
    kLiteRtStatusErrorIncompatibleByteCodeVersion = 4002,
    kLiteRtStatusErrorUnsupportedOpShapeInferer = 5000,
    kLiteRtStatusErrorShapeInferenceFailed = 5001,
} LiteRtStatus;

typedef enum {
    kLiteRtElementTypeNone = 0,
    kLiteRtElementTypeFloat32 = 1,
    kLiteRtElementTypeFloat8E5M2 = 23,
} LiteRtElementType;

typedef enum {
    kLiteRtTensorBufferTypeUnknown = 0,
    kLiteRtTensorBufferTypeHostMemory = 1,
    kLiteRtTensorBufferTypeUserCustomBufferEnd = 199,
} LiteRtTensorBufferType;

typedef enum {
    kLiteRtTensorBufferLockModeRead = 0,
    kLiteRtTensorBufferLockModeWrite = 1,
    kLiteRtTensorBufferLockModeReadWrite = 2,
} LiteRtTensorBufferLockMode;

typedef enum {
    kLiteRtAnyTypeNone = 0,
    kLiteRtAnyTypeInt = 2,
    kLiteRtAnyTypeString = 8,
} LiteRtAnyType;

typedef struct {
    LiteRtAnyType type;
    union {
        int64_t int_value;
        const char* str_value;
    };
} LiteRtAny;

typedef enum {
    kLiteRtEnvOptionTagCompilerPluginLibraryDir = 0,
    kLiteRtEnvOptionTagDispatchLibraryDir = 1,
    kLiteRtEnvOptionTagCompilerCacheDir = 18,
    kLiteRtEnvOptionTagRuntimeLibraryDir = 22,
    kLiteRtEnvOptionTagAutoRegisterAccelerators = 24,
    kLiteRtEnvOptionTagMinLoggerSeverity = 25,
    kLiteRtEnvOptionTagCompilerCacheMaxConfigsPerModel = 26,
    kLiteRtEnvOptionTagCompilerCacheMaxTotalSize = 27,
} LiteRtEnvOptionTag;

typedef struct {
    LiteRtEnvOptionTag tag;
    LiteRtAny value;
} LiteRtEnvOption;

// Swift sees no bit-fields that share a unit: bits 0 to 6 are the rank, and bit 7 says whether there are strides.
typedef struct {
    uint32_t rank_and_has_strides;
    int32_t dimensions[8];
    uint32_t strides[8];
} LiteRtLayout;

typedef struct {
    LiteRtElementType element_type;
    LiteRtLayout layout;
} LiteRtRankedTensorType;

typedef struct {
    LiteRtStatus (*Init)(void* user_data, const void* init_data, size_t init_data_size);
    LiteRtStatus (*GetOutputLayouts)(void* user_data, size_t num_inputs, const LiteRtLayout* input_layouts,
                                     size_t num_outputs, LiteRtLayout* output_layouts);
    LiteRtStatus (*Run)(void* user_data, size_t num_inputs, const LiteRtTensorBuffer* inputs, size_t num_outputs,
                        LiteRtTensorBuffer* outputs);
    LiteRtStatus (*Destroy)(void* user_data);
} LiteRtCustomOpKernel;

LiteRtStatus LiteRtCreateEnvironment(int count, const LiteRtEnvOption* options, LiteRtEnvironment* environment);
void LiteRtDestroyEnvironment(LiteRtEnvironment environment);
LiteRtStatus LiteRtEnvironmentSupportsFP16(LiteRtEnvironment environment, bool* is_supported);
LiteRtStatus LiteRtEnvironmentSupportsClGlInterop(LiteRtEnvironment environment, bool* is_supported);
LiteRtStatus LiteRtEnvironmentSupportsAhwbClInterop(LiteRtEnvironment environment, bool* is_supported);
LiteRtStatus LiteRtEnvironmentSupportsAhwbGlInterop(LiteRtEnvironment environment, bool* is_supported);

LiteRtStatus LiteRtCreateOptions(LiteRtOptions* options);
void LiteRtDestroyOptions(LiteRtOptions options);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions options, LiteRtHwAcceleratorSet accelerators);
LiteRtStatus LiteRtGetOptionsHardwareAccelerators(LiteRtOptions options, LiteRtHwAcceleratorSet* accelerators);
LiteRtStatus LiteRtAddOpaqueOptions(LiteRtOptions options, LiteRtOpaqueOptions opaque);
LiteRtStatus LiteRtGetOpaqueOptions(LiteRtOptions options, LiteRtOpaqueOptions* opaque);
LiteRtStatus LiteRtAddCustomOpKernelOption(LiteRtOptions options, const char* name, int version,
                                           const LiteRtCustomOpKernel* kernel, void* user_data);
LiteRtStatus LiteRtAddExternalTensorBinding(LiteRtOptions options, const char* signature, const char* tensor,
                                            void* data, int size);

LiteRtStatus LiteRtCreateOpaqueOptions(const char* identifier, void* payload, void (*destructor)(void* payload),
                                       LiteRtOpaqueOptions* options);
void LiteRtDestroyOpaqueOptions(LiteRtOpaqueOptions options);
LiteRtStatus LiteRtGetOpaqueOptionsIdentifier(LiteRtOpaqueOptions options, const char** identifier);
LiteRtStatus LiteRtGetOpaqueOptionsData(LiteRtOpaqueOptions options, void** payload);
LiteRtStatus LiteRtFindOpaqueOptionsData(LiteRtOpaqueOptions options, const char* identifier, void** payload);
LiteRtStatus LiteRtGetNextOpaqueOptions(LiteRtOpaqueOptions* options);
LiteRtStatus LiteRtAppendOpaqueOptions(LiteRtOpaqueOptions* options, LiteRtOpaqueOptions appended);
LiteRtStatus LiteRtPopOpaqueOptions(LiteRtOpaqueOptions* options);

LiteRtStatus LiteRtCreateModelFromFile(LiteRtEnvironment environment, const char* path, LiteRtModel* model);
LiteRtStatus LiteRtCreateModelFromBuffer(LiteRtEnvironment environment, const void* address, size_t size,
                                         LiteRtModel* model);
LiteRtStatus LiteRtCreateModelFromFd(LiteRtEnvironment environment, int fd, size_t offset, size_t size,
                                     LiteRtModel* model);
void LiteRtDestroyModel(LiteRtModel model);
LiteRtStatus LiteRtGetModelMetadata(LiteRtModel model, const char* key, const void** address, size_t* size);
LiteRtStatus LiteRtAddModelMetadata(LiteRtModel model, const char* key, const void* address, size_t size);
LiteRtStatus LiteRtGetNumModelSignatures(LiteRtModel model, LiteRtParamIndex* count);
LiteRtStatus LiteRtGetModelSignature(LiteRtModel model, LiteRtParamIndex index, LiteRtSignature* signature);
LiteRtStatus LiteRtGetSignatureKey(LiteRtSignature signature, const char** key);
LiteRtStatus LiteRtGetNumSignatureInputs(LiteRtSignature signature, LiteRtParamIndex* count);
LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature signature, LiteRtParamIndex* count);
LiteRtStatus LiteRtGetSignatureInputName(LiteRtSignature signature, LiteRtParamIndex index, const char** name);
LiteRtStatus LiteRtGetSignatureOutputName(LiteRtSignature signature, LiteRtParamIndex index, const char** name);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignature signature, LiteRtParamIndex index,
                                                  LiteRtTensor* tensor);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature signature, LiteRtParamIndex index,
                                                   LiteRtTensor* tensor);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor tensor, LiteRtRankedTensorType* type);

LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironment environment, LiteRtModel model, LiteRtOptions options,
                                       LiteRtCompiledModel* compiled);
void LiteRtDestroyCompiledModel(LiteRtCompiledModel compiled);
LiteRtStatus LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                                           LiteRtParamIndex index,
                                                           LiteRtTensorBufferRequirements* requirements);
LiteRtStatus LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                                            LiteRtParamIndex index,
                                                            LiteRtTensorBufferRequirements* requirements);
LiteRtStatus LiteRtGetCompiledModelInputTensorLayout(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                                     LiteRtParamIndex index, LiteRtLayout* layout);
LiteRtStatus LiteRtGetCompiledModelOutputTensorLayouts(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                                       size_t count, LiteRtLayout* layouts, bool update_allocation);
LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModel compiled, LiteRtParamIndex signature, size_t input_count,
                                    LiteRtTensorBuffer* inputs, size_t output_count, LiteRtTensorBuffer* outputs);
LiteRtStatus LiteRtRunCompiledModelWithOptions(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                               size_t input_count, LiteRtTensorBuffer* inputs, size_t output_count,
                                               LiteRtTensorBuffer* outputs, LiteRtOptions options);
LiteRtStatus LiteRtRunCompiledModelAsync(LiteRtCompiledModel compiled, LiteRtParamIndex signature, size_t input_count,
                                         LiteRtTensorBuffer* inputs, size_t output_count, LiteRtTensorBuffer* outputs,
                                         bool* is_async);
LiteRtStatus LiteRtRunCompiledModelAsyncWithOptions(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                                    size_t input_count, LiteRtTensorBuffer* inputs,
                                                    size_t output_count, LiteRtTensorBuffer* outputs, bool* is_async,
                                                    LiteRtOptions options);
LiteRtStatus LiteRtSetCompiledModelCancellationFunction(LiteRtCompiledModel compiled, void* data,
                                                        bool (*is_cancelled)(void* data));
LiteRtStatus LiteRtCompiledModelIsFullyAccelerated(LiteRtCompiledModel compiled, bool* is_fully_accelerated);
LiteRtStatus LiteRtCompiledModelResizeInputTensor(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                                  LiteRtParamIndex index, const int* sizes, size_t rank);
LiteRtStatus LiteRtCompiledModelResizeInputTensorNonStrict(LiteRtCompiledModel compiled, LiteRtParamIndex signature,
                                                           LiteRtParamIndex index, const int* sizes, size_t rank);
LiteRtStatus LiteRtCompiledModelClearErrors(LiteRtCompiledModel compiled);
LiteRtStatus LiteRtCompiledModelGetErrorMessages(LiteRtCompiledModel compiled, char** messages);

LiteRtStatus LiteRtGetNumTensorBufferRequirementsSupportedBufferTypes(LiteRtTensorBufferRequirements requirements,
                                                                      int* count);
LiteRtStatus LiteRtGetTensorBufferRequirementsSupportedTensorBufferType(LiteRtTensorBufferRequirements requirements,
                                                                        int index, LiteRtTensorBufferType* type);
LiteRtStatus LiteRtGetTensorBufferRequirementsBufferSize(LiteRtTensorBufferRequirements requirements, size_t* size);
LiteRtStatus LiteRtGetTensorBufferRequirementsAlignment(LiteRtTensorBufferRequirements requirements,
                                                        size_t* alignment);
LiteRtStatus LiteRtGetTensorBufferRequirementsStrides(LiteRtTensorBufferRequirements requirements, int* count,
                                                      const uint32_t** strides);

LiteRtStatus LiteRtCreateManagedTensorBuffer(LiteRtEnvironment environment, LiteRtTensorBufferType buffer_type,
                                             const LiteRtRankedTensorType* type, size_t size,
                                             LiteRtTensorBuffer* buffer);
LiteRtStatus LiteRtCreateTensorBufferFromHostMemory(const LiteRtRankedTensorType* type, void* address, size_t size,
                                                    void (*deallocator)(void* address), LiteRtTensorBuffer* buffer);
void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer buffer);
LiteRtStatus LiteRtGetTensorBufferType(LiteRtTensorBuffer buffer, LiteRtTensorBufferType* type);
LiteRtStatus LiteRtGetTensorBufferTensorType(LiteRtTensorBuffer buffer, LiteRtRankedTensorType* type);
LiteRtStatus LiteRtGetTensorBufferSize(LiteRtTensorBuffer buffer, size_t* size);
LiteRtStatus LiteRtGetTensorBufferPackedSize(LiteRtTensorBuffer buffer, size_t* size);
LiteRtStatus LiteRtGetTensorBufferOffset(LiteRtTensorBuffer buffer, size_t* offset);
LiteRtStatus LiteRtLockTensorBuffer(LiteRtTensorBuffer buffer, void** address, LiteRtTensorBufferLockMode mode);
LiteRtStatus LiteRtUnlockTensorBuffer(LiteRtTensorBuffer buffer);

#endif
