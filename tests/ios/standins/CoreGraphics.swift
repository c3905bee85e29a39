// Stands in for Apple's CoreGraphics on Linux: what ApplePictures.swift and OutputPicture.swift call of it, as its Swift interface declares it.

@_exported import struct Foundation.CGRect

public enum CGColorSpaceModel: Int32, Sendable {
    case monochrome
    case rgb
    case cmyk
    case indexed = 5
}

public final class CGColorSpace: Sendable {
    public let model: CGColorSpaceModel
    public let baseColorSpace: CGColorSpace?
    public let supportsOutput: Bool

    public init(_ model: CGColorSpaceModel, base: CGColorSpace? = nil, supportsOutput: Bool = true) {
        self.model = model
        baseColorSpace = base
        self.supportsOutput = supportsOutput
    }
}

public func CGColorSpaceCreateDeviceRGB() -> CGColorSpace { CGColorSpace(.rgb) }

public enum CGImageAlphaInfo: UInt32, Sendable {
    case none
    case premultipliedLast
}

/// Pixels of 8 bits: grey, or RGBA not multiplied with alpha.
public final class CGImage {
    public let width: Int
    public let height: Int
    public let colorSpace: CGColorSpace?
    let bytes: [UInt8]

    public init(width: Int, height: Int, colorSpace: CGColorSpace?, bytes: [UInt8]) {
        self.width = width
        self.height = height
        self.colorSpace = colorSpace
        self.bytes = bytes
    }
}

public final class CGContext {
    private let memory: UnsafeMutableRawPointer
    private let width: Int
    private let height: Int
    private let channels: Int
    private let space: CGColorSpace

    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) {
        let info: CGImageAlphaInfo = space.model == .monochrome ? .none : .premultipliedLast
        channels = space.model == .monochrome ? 1 : 4
        guard let data, space.supportsOutput, bitsPerComponent == 8, bitmapInfo == info.rawValue,
            bytesPerRow == width * channels
        else { return nil }
        memory = data
        self.width = width
        self.height = height
        self.space = space
    }

    /// A copy of what is drawn, whose colours are multiplied with alpha.
    public func makeImage() -> CGImage? {
        var bytes = [UInt8](UnsafeRawBufferPointer(start: memory, count: width * height * channels))
        for i in bytes.indices where channels == 4 && i % 4 != 3 && bytes[i / 4 * 4 + 3] > 0 {
            bytes[i] = UInt8(min(255, (Int(bytes[i]) * 255 + Int(bytes[i / 4 * 4 + 3]) / 2) / Int(bytes[i / 4 * 4 + 3])))
        }
        return CGImage(width: width, height: height, colorSpace: space, bytes: bytes)
    }

    public func draw(_ image: CGImage, in _: CGRect) {
        for i in 0..<image.width * image.height * channels {
            let alpha = channels == 4 ? Int(image.bytes[i / 4 * 4 + 3]) : 255
            let over = channels == 4 && i % 4 == 3 ? 255 : Int(image.bytes[i])
            let under = Int(memory.load(fromByteOffset: i, as: UInt8.self))
            let mixed = (2 * (over * alpha + under * (255 - alpha)) + 255) / 510
            memory.storeBytes(of: UInt8(mixed), toByteOffset: i, as: UInt8.self)
        }
    }
}
