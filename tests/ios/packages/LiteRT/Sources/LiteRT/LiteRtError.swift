import CLiteRT

public enum LiteRtError: Error, CustomStringConvertible, Equatable {
    case invalidArgument
    case memoryAllocationFailure
    case runtimeFailure
    case missingInputTensor
    case unsupported
    case notFound
    case timeoutExpired
    case wrongVersion
    case unknown
    case alreadyExists
    case cancelled
    case fileIO
    case invalidFlatbuffer
    case dynamicLoading
    case serialization
    case compilation
    case indexOutOfBounds
    case invalidIrType
    case invalidGraphInvariant
    case graphModification
    case invalidToolConfig
    case legalizeNoMatch
    case invalidLegalization
    case patternNoMatch
    case invalidTransformation
    case unsupportedRuntimeVersion
    case unsupportedCompilerVersion
    case incompatibleByteCodeVersion
    case unsupportedOpShapeInferer
    case shapeInferenceFailed

    public init(status: LiteRtStatus) {
        self = Self.table.first { $0.status == status }?.error ?? .unknown
    }

    public var description: String {
        Self.table.first { $0.error == self }?.text ?? "Unknown error"
    }

    private static let table: [(error: LiteRtError, status: LiteRtStatus, text: String)] = [
        (.invalidArgument, kLiteRtStatusErrorInvalidArgument, "Invalid argument"),
        (.memoryAllocationFailure, kLiteRtStatusErrorMemoryAllocationFailure, "Memory allocation failure"),
        (.runtimeFailure, kLiteRtStatusErrorRuntimeFailure, "Runtime failure"),
        (.missingInputTensor, kLiteRtStatusErrorMissingInputTensor, "Missing input tensor"),
        (.unsupported, kLiteRtStatusErrorUnsupported, "Unsupported operation"),
        (.notFound, kLiteRtStatusErrorNotFound, "Not found"),
        (.timeoutExpired, kLiteRtStatusErrorTimeoutExpired, "Timeout expired"),
        (.wrongVersion, kLiteRtStatusErrorWrongVersion, "Wrong version"),
        (.unknown, kLiteRtStatusErrorUnknown, "Unknown error"),
        (.alreadyExists, kLiteRtStatusErrorAlreadyExists, "Already exists"),
        (.cancelled, kLiteRtStatusCancelled, "Cancelled"),
        (.fileIO, kLiteRtStatusErrorFileIO, "File I/O error"),
        (.invalidFlatbuffer, kLiteRtStatusErrorInvalidFlatbuffer, "Invalid flatbuffer"),
        (.dynamicLoading, kLiteRtStatusErrorDynamicLoading, "Dynamic loading error"),
        (.serialization, kLiteRtStatusErrorSerialization, "Serialization error"),
        (.compilation, kLiteRtStatusErrorCompilation, "Compilation error"),
        (.indexOutOfBounds, kLiteRtStatusErrorIndexOOB, "Index out of bounds"),
        (.invalidIrType, kLiteRtStatusErrorInvalidIrType, "Invalid IR type"),
        (.invalidGraphInvariant, kLiteRtStatusErrorInvalidGraphInvariant, "Invalid graph invariant"),
        (.graphModification, kLiteRtStatusErrorGraphModification, "Graph modification error"),
        (.invalidToolConfig, kLiteRtStatusErrorInvalidToolConfig, "Invalid tool config"),
        (.legalizeNoMatch, kLiteRtStatusLegalizeNoMatch, "Legalize no match"),
        (.invalidLegalization, kLiteRtStatusErrorInvalidLegalization, "Invalid legalization"),
        (.patternNoMatch, kLiteRtStatusPatternNoMatch, "Pattern no match"),
        (.invalidTransformation, kLiteRtStatusInvalidTransformation, "Invalid transformation"),
        (.unsupportedRuntimeVersion, kLiteRtStatusErrorUnsupportedRuntimeVersion, "Unsupported runtime version"),
        (.unsupportedCompilerVersion, kLiteRtStatusErrorUnsupportedCompilerVersion, "Unsupported compiler version"),
        (
            .incompatibleByteCodeVersion, kLiteRtStatusErrorIncompatibleByteCodeVersion,
            "Incompatible byte code version"
        ),
        (.unsupportedOpShapeInferer, kLiteRtStatusErrorUnsupportedOpShapeInferer, "Unsupported op shape inferer"),
        (.shapeInferenceFailed, kLiteRtStatusErrorShapeInferenceFailed, "Shape inference failed"),
    ]
}

/// Throws what a call of the C API answered, unless that is good.
func check(_ status: LiteRtStatus) throws {
    guard status == kLiteRtStatusOk else { throw LiteRtError(status: status) }
}

/// The handle that a call of the C API made.
func made<Handle>(_ create: (inout Handle?) -> LiteRtStatus) throws -> Handle {
    var handle: Handle?
    try check(create(&handle))
    guard let handle else { throw LiteRtError.runtimeFailure }
    return handle
}

/// The value that a call of the C API writes.
func value<Value>(_ initial: Value, _ get: (inout Value) -> LiteRtStatus) throws -> Value {
    var result = initial
    try check(get(&result))
    return result
}
