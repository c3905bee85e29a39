// Stands in for Apple's CoreVideo on Linux: what ApplePictures.swift calls of it, as its Swift interface declares it.

public typealias OSType = UInt32
public typealias CVReturn = Int32
public typealias CFTypeRef = AnyObject
public typealias CVPixelBuffer = CVBuffer
public typealias CVAttachmentMode = UInt32

public final class CFString: Sendable {
    let text: String
    init(_ text: String) { self.text = text }
}

public func CFEqual(_ a: CFTypeRef, _ b: CFTypeRef) -> Bool {
    (a as? CFString)?.text == (b as? CFString)?.text
}

public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    public static let readOnly = CVPixelBufferLockFlags(rawValue: 1)
}

public let kCVReturnSuccess: CVReturn = 0
public let kCVPixelFormatType_32BGRA: OSType = 0x4247_5241
public let kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange: OSType = 0x3432_3076
public let kCVPixelFormatType_420YpCbCr8BiPlanarFullRange: OSType = 0x3432_3066
public let kCVImageBufferYCbCrMatrixKey = CFString("CVImageBufferYCbCrMatrix")
public let kCVImageBufferYCbCrMatrix_ITU_R_601_4 = CFString("ITU_R_601_4")
public let kCVImageBufferYCbCrMatrix_ITU_R_709_2 = CFString("ITU_R_709_2")

public final class CVBuffer {
    public struct Plane {
        public let bytes: [UInt8]
        public let bytesPerRow: Int
        public let height: Int

        public init(bytes: [UInt8], bytesPerRow: Int, height: Int) {
            self.bytes = bytes
            self.bytesPerRow = bytesPerRow
            self.height = height
        }
    }

    let width: Int
    let height: Int
    let format: OSType
    let matrix: CFString?
    let planes: [(memory: UnsafeMutableRawBufferPointer, bytesPerRow: Int, height: Int)]

    /// How many locks are held.
    public private(set) var locks = 0

    public init(width: Int, height: Int, format: OSType, planes: [Plane], matrix: CFString? = nil) {
        self.width = width
        self.height = height
        self.format = format
        self.matrix = matrix
        self.planes = planes.map { plane in
            let memory = UnsafeMutableRawBufferPointer.allocate(
                byteCount: plane.bytesPerRow * plane.height, alignment: 64)
            memory.copyBytes(from: plane.bytes)
            return (memory, plane.bytesPerRow, plane.height)
        }
    }

    deinit {
        precondition(locks == 0)
        for plane in planes { plane.memory.deallocate() }
    }

    func lock(_ change: Int) { locks += change }
}

public func CVPixelBufferLockBaseAddress(_ buffer: CVPixelBuffer, _: CVPixelBufferLockFlags) -> CVReturn {
    buffer.lock(1)
    return kCVReturnSuccess
}

@discardableResult
public func CVPixelBufferUnlockBaseAddress(_ buffer: CVPixelBuffer, _: CVPixelBufferLockFlags) -> CVReturn {
    buffer.lock(-1)
    return kCVReturnSuccess
}

public func CVPixelBufferGetPixelFormatType(_ buffer: CVPixelBuffer) -> OSType { buffer.format }

public func CVPixelBufferGetWidth(_ buffer: CVPixelBuffer) -> Int { buffer.width }

public func CVPixelBufferGetHeight(_ buffer: CVPixelBuffer) -> Int { buffer.height }

public func CVPixelBufferGetBytesPerRow(_ buffer: CVPixelBuffer) -> Int { buffer.planes[0].bytesPerRow }

public func CVPixelBufferGetBaseAddress(_ buffer: CVPixelBuffer) -> UnsafeMutableRawPointer? {
    buffer.locks > 0 ? buffer.planes[0].memory.baseAddress : nil
}

public func CVPixelBufferGetBytesPerRowOfPlane(_ buffer: CVPixelBuffer, _ plane: Int) -> Int {
    buffer.planes[plane].bytesPerRow
}

public func CVPixelBufferGetHeightOfPlane(_ buffer: CVPixelBuffer, _ plane: Int) -> Int {
    buffer.planes[plane].height
}

public func CVPixelBufferGetBaseAddressOfPlane(
    _ buffer: CVPixelBuffer, _ plane: Int
) -> UnsafeMutableRawPointer? {
    buffer.locks > 0 ? buffer.planes[plane].memory.baseAddress : nil
}

public func CVBufferCopyAttachment(
    _ buffer: CVBuffer, _: CFString, _: UnsafeMutablePointer<CVAttachmentMode>?
) -> CFTypeRef? {
    buffer.matrix
}
