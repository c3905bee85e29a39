import CLiteRT

public enum TensorBufferType: Int32 {
    case unknown = 0
    case hostMemory = 1
    case ahwb = 2
    case ion = 3
    case dmaBuf = 4
    case fastRpc = 5
    case glBuffer = 6
    case glTexture = 7
    case openClBuffer = 10
    case openClBufferFp16 = 11
    case openClTexture = 12
    case openClTextureFp16 = 13
    case openClBufferPacked = 14
    case openClImageBuffer = 15
    case openClImageBufferFp16 = 16
    case webGpuBuffer = 20
    case webGpuBufferFp16 = 21
    case webGpuTexture = 22
    case webGpuTextureFp16 = 23
    case webGpuImageBuffer = 24
    case webGpuImageBufferFp16 = 25
    case webGpuBufferPacked = 26
    case metalBuffer = 30
    case metalBufferFp16 = 31
    case metalTexture = 32
    case metalTextureFp16 = 33
    case metalBufferPacked = 34
    case vulkanBuffer = 40
    case vulkanBufferFp16 = 41
    case vulkanTexture = 42
    case vulkanTextureFp16 = 43
    case vulkanImageBuffer = 44
    case vulkanImageBufferFp16 = 45
    case vulkanBufferPacked = 46

    public init(cType: LiteRtTensorBufferType) {
        self = TensorBufferType(rawValue: Int32(cType.rawValue)) ?? .unknown
    }

    public var cType: LiteRtTensorBufferType {
        LiteRtTensorBufferType(rawValue: UInt32(rawValue))
    }
}

public enum TensorBufferLockMode {
    case read
    case write
    case readWrite

    public var cMode: LiteRtTensorBufferLockMode {
        switch self {
        case .read: kLiteRtTensorBufferLockModeRead
        case .write: kLiteRtTensorBufferLockModeWrite
        case .readWrite: kLiteRtTensorBufferLockModeReadWrite
        }
    }
}

public final class TensorBufferRequirements {
    /// A compiled model owns it.
    private let handle: LiteRtTensorBufferRequirements

    init(handle: LiteRtTensorBufferRequirements) {
        self.handle = handle
    }

    public var bufferSize: Int {
        (try? value(0) { LiteRtGetTensorBufferRequirementsBufferSize(handle, &$0) }) ?? 0
    }

    public var alignment: Int {
        (try? value(0) { LiteRtGetTensorBufferRequirementsAlignment(handle, &$0) }) ?? 0
    }

    public var supportedTypes: [TensorBufferType] {
        let count = (try? value(0) { LiteRtGetNumTensorBufferRequirementsSupportedBufferTypes(handle, &$0) }) ?? 0
        let types = (0..<count).compactMap { index in
            try? value(kLiteRtTensorBufferTypeUnknown) {
                LiteRtGetTensorBufferRequirementsSupportedTensorBufferType(handle, index, &$0)
            }
        }
        return types.map(TensorBufferType.init(cType:))
    }

    public var strides: [Int] {
        var count: Int32 = 0
        var strides: UnsafePointer<UInt32>?
        let status = LiteRtGetTensorBufferRequirementsStrides(handle, &count, &strides)
        guard status == kLiteRtStatusOk, let strides else { return [] }
        return UnsafeBufferPointer(start: strides, count: Int(count)).map(Int.init)
    }
}

public final class TensorBuffer {
    let handle: LiteRtTensorBuffer

    public var size: Int {
        (try? value(0) { LiteRtGetTensorBufferPackedSize(handle, &$0) }) ?? 0
    }

    public var bufferSize: Int {
        (try? value(0) { LiteRtGetTensorBufferSize(handle, &$0) }) ?? 0
    }

    public var offset: Int {
        (try? value(0) { LiteRtGetTensorBufferOffset(handle, &$0) }) ?? 0
    }

    public var type: TensorBufferType {
        let type = try? value(kLiteRtTensorBufferTypeUnknown) { LiteRtGetTensorBufferType(handle, &$0) }
        return type.map(TensorBufferType.init(cType:)) ?? .unknown
    }

    public var tensorType: TensorType? {
        let type = try? value(LiteRtRankedTensorType()) { LiteRtGetTensorBufferTensorType(handle, &$0) }
        return type.map { TensorType($0) }
    }

    public convenience init(
        environment: Environment,
        bufferType: TensorBufferType,
        tensorType: TensorType,
        size: Int
    ) throws {
        var type = tensorType.cType
        try self.init { LiteRtCreateManagedTensorBuffer(environment.handle, bufferType.cType, &type, size, &$0) }
    }

    public convenience init(
        hostBufferAddressAddress: UnsafeMutableRawPointer,
        size: Int,
        tensorType: TensorType
    ) throws {
        var type = tensorType.cType
        try self.init { LiteRtCreateTensorBufferFromHostMemory(&type, hostBufferAddressAddress, size, nil, &$0) }
    }

    public convenience init(
        metalBuffer: UnsafeMutableRawPointer,
        size: Int,
        tensorType: TensorType,
        bufferType: TensorBufferType,
        environment: Environment
    ) throws {
        fatalError("the stand-in has no memory of Metal")
    }

    private init(_ create: (inout LiteRtTensorBuffer?) -> LiteRtStatus) throws {
        handle = try made(create)
    }

    deinit {
        LiteRtDestroyTensorBuffer(handle)
    }

    public func write<T>(_ data: [T]) throws {
        let address = try lock(mode: .write)
        defer { LiteRtUnlockTensorBuffer(handle) }
        // As the real class has it: too little is taken, and the rest stays what it was.
        guard data.count * MemoryLayout<T>.stride <= size else { throw LiteRtError.invalidArgument }
        data.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { address.copyMemory(from: start, byteCount: bytes.count) }
        }
    }

    public func read<T>() throws -> [T] {
        let address = try lock(mode: .read)
        defer { LiteRtUnlockTensorBuffer(handle) }
        let count = size / MemoryLayout<T>.stride
        return Array(UnsafeBufferPointer(start: address.bindMemory(to: T.self, capacity: count), count: count))
    }

    public func lock(mode: TensorBufferLockMode) throws -> UnsafeMutableRawPointer {
        try made { LiteRtLockTensorBuffer(handle, &$0, mode.cMode) }
    }

    public func unlock() throws {
        try check(LiteRtUnlockTensorBuffer(handle))
    }

    public func metalMemory() throws -> UnsafeMutableRawPointer {
        fatalError("the stand-in has no memory of Metal")
    }
}
