// Reads cases, a line each, and writes what the shared sources make of them: the Python test holds it against numpy.

import Foundation

#if os(Linux)  // Apple's frameworks are stood in for
import CoreGraphics
import CoreVideo
import ImageIO
#endif

struct Case {
    let what: String
    private let words: [String: String]
    private let data: [UInt8]

    init(_ line: Substring, _ data: [UInt8]) {
        let parts = line.split(separator: " ")
        what = String(parts[0])
        words = Dictionary(
            uniqueKeysWithValues: parts.dropFirst().map { word in
                let pair = word.split(separator: "=", maxSplits: 1)
                return (String(pair[0]), String(pair[1]))
            })
        self.data = data
    }

    func has(_ key: String) -> Bool { words[key] != nil }

    func text(_ key: String) -> String { words[key]! }

    func int(_ key: String) -> Int { Int(text(key))! }

    func flag(_ key: String) -> Bool { text(key) == "True" }

    func ints(_ key: String) -> [Int] { text(key).split(separator: ",").map { Int($0)! } }

    func floats(_ key: String) -> [Float] { text(key).split(separator: ",").map { Float($0)! } }

    func bytes(_ key: String) -> [UInt8] {
        let place = ints(key)
        return Array(data[place[0]..<place[0] + place[1]])
    }

    /// Memory that does not begin with the picture, and where it begins.
    func memory(_ key: String) -> (any PixelMemory, offset: Int) {
        let spare = 3
        let bytes = [UInt8](repeating: 0, count: spare) + bytes(key)
        return (flag("direct") ? Lent(bytes) : bytes, spare)
    }

    func values<Value: BitwiseCopyable>(_ key: String, as _: Value.Type = Value.self) -> [Value] {
        bytes(key).withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Value>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Value.self)
            }
        }
    }
}

/// Memory that is not an array's.
final class Lent: PixelMemory, @unchecked Sendable {
    private let bytes: UnsafeMutableRawBufferPointer

    init(_ values: [UInt8]) {
        bytes = .allocate(byteCount: values.count, alignment: 1)
        bytes.copyBytes(from: values)
    }

    deinit { bytes.deallocate() }

    var count: Int { bytes.count }

    func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) { body(UnsafeRawBufferPointer(bytes)) }
}

/// Big-endian, as Java writes them.
struct Answers {
    var bytes: [UInt8] = []

    mutating func put<Value: FixedWidthInteger>(_ values: [Value]) {
        for value in values { withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) } }
    }

    mutating func put(_ values: [Int]) { put(values.map { Int32($0) }) }

    mutating func put(_ values: [Float]) { put(values.map(\.bitPattern)) }
}

extension ColorSpace {
    init(_ name: String) { self = ["RGB": .rgb, "BGR": .bgr, "GRAYSCALE": .grayscale][name]! }
}

extension Resize {
    init(_ name: String) { self = ["NEAREST": .nearest, "BILINEAR": .bilinear, "AREA": .area][name]! }
}

extension Fit {
    init(_ name: String) { self = ["STRETCH": .stretch, "CROP": .crop, "LETTERBOX": .letterbox][name]! }
}

extension PixelFormat {
    init(_ name: String) {
        self = ["RGB": .rgb, "BGR": .bgr, "RGBA": .rgba, "BGRA": .bgra, "GRAY": .gray, "GRAY_ALPHA": .grayAlpha][name]!
    }
}

extension YUVEncoding {
    init(_ name: String) {
        self =
            [
                "601_full": .jpeg,
                "601_video": YUVEncoding(matrix: .bt601, range: .video),
                "709_full": YUVEncoding(matrix: .bt709, range: .full),
                "709_video": YUVEncoding(matrix: .bt709, range: .video),
            ][name]!
    }
}

#if os(Linux)
/// A picture of a kind that Apple's frameworks have.
func applePicture(_ given: Case) throws -> (any Picture)? {
    let width = given.int("width")
    let height = given.int("height")
    let buffer: CVPixelBuffer
    switch given.text("kind") {
    case "rgb_image":  // with a palette
        let space = CGColorSpace(.indexed, base: CGColorSpace(.rgb, supportsOutput: false))
        return try BytePicture(
            CGImage(width: width, height: height, colorSpace: space, bytes: given.bytes("data")))
    case "gray_image":
        let space = CGColorSpace(.monochrome)
        return try BytePicture(
            CGImage(width: width, height: height, colorSpace: space, bytes: given.bytes("data")))
    case "bgra_buffer":
        let plane = CVBuffer.Plane(bytes: given.bytes("data"), bytesPerRow: given.int("stride"), height: height)
        buffer = CVBuffer(width: width, height: height, format: kCVPixelFormatType_32BGRA, planes: [plane])
    case "yuv_buffer":
        let encoding = YUVEncoding(given.text("encoding"))
        let strides = given.ints("strides")
        buffer = CVBuffer(
            width: width,
            height: height,
            format: encoding.range == .full
                ? kCVPixelFormatType_420YpCbCr8BiPlanarFullRange : kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange,
            planes: [
                CVBuffer.Plane(bytes: given.bytes("y"), bytesPerRow: strides[0], height: height),
                CVBuffer.Plane(bytes: given.bytes("uv"), bytesPerRow: strides[1], height: (height + 1) / 2),
            ],
            matrix: encoding.matrix == .bt709 ? kCVImageBufferYCbCrMatrix_ITU_R_709_2 : nil)
    default: return nil
    }
    return try PixelBufferPicture(buffer)
}

/// What cannot be read of Apple's frameworks.
func appleRefusals() -> [() throws -> Any] {
    [
        { Orientation(CGImagePropertyOrientation.left) },
        { try PixelBufferPicture(CVBuffer(width: 1, height: 1, format: 32, planes: [])) },
        { try BytePicture(CGImage(width: 1, height: 1, colorSpace: CGColorSpace(.cmyk), bytes: [])) },
        { try BytePicture(CGImage(width: 1, height: 1, colorSpace: nil, bytes: [])) },
    ]
}
#else
func applePicture(_ given: Case) throws -> (any Picture)? { nil }

func appleRefusals() -> [() throws -> Any] { [] }
#endif

func picture(_ given: Case) throws -> any Picture {
    if let picture = try applePicture(given) { return picture }
    let width = given.int("width")
    let height = given.int("height")
    let kind = given.text("kind")
    switch kind {
    case "argb": return try ARGBPicture(given.values("data"), width: width, height: height)
    case "bitmap":
        let pixels: [UInt32] = given.values("data")
        let gap = [UInt32](repeating: 0, count: 5)
        let rows = stride(from: 0, to: pixels.count, by: width).flatMap { gap + pixels[$0..<$0 + width] }
        return try ARGBPicture(rows, width: width, height: height, offset: 5, rowStride: width + 5)
    case "nv21": return try YUVPicture.nv21(given.bytes("data"), width: width, height: height)
    case "nv12": return try YUVPicture.nv12(given.bytes("data"), width: width, height: height)
    case "i420": return try YUVPicture.i420(given.bytes("data"), width: width, height: height)
    case "image":
        let planes = (0..<3).map { i in
            let (memory, offset) = given.memory(["y", "u", "v"][i])
            return Plane(
                memory: memory, offset: offset, rowStride: given.ints("strides")[i],
                pixelStride: given.ints("steps")[i])
        }
        let crop = given.ints("crop")
        return try YUVPicture(
            width: crop[2] - crop[0], height: crop[3] - crop[1], y: planes[0], u: planes[1], v: planes[2],
            left: crop[0], top: crop[1])
    default:
        let format = kind == "rgba_image" ? .rgba : PixelFormat(kind)
        guard given.has("stride") else {
            return try BytePicture(given.bytes("data"), width: width, height: height, format: format)
        }
        let (memory, offset) = given.memory("data")
        return try BytePicture(
            memory: memory, width: width, height: height, format: format, offset: offset,
            rowStride: given.int("stride"))
    }
}

func run(_ given: Case, _ answers: inout Answers) throws {
    switch given.what {
    case "picture":
        let to = given.ints("to")
        let preprocessing = try PicturePreprocessing(
            width: to[0],
            height: to[1],
            colorSpace: ColorSpace(given.text("color")),
            mean: given.floats("mean"),
            std: given.floats("std"),
            invert: given.flag("invert"),
            resize: Resize(given.text("resize")),
            antialias: given.flag("antialias"),
            fit: Fit(given.text("fit")),
            fill: given.ints("fill").map { UInt8($0) },
            channelsFirst: given.flag("first"))
        let orientation =
            given.has("rotation")
            ? try Orientation(rotation: given.int("rotation")) : Orientation(exif: given.int("orientation"))
        let ends = given.has("region") ? given.ints("region") : nil
        let region = try ends.map { try Region(left: $0[0], top: $0[1], right: $0[2], bottom: $0[3]) }
        let made = try preprocessing.prepare(picture(given), orientation: orientation, region: region)
        answers.put(made.pixels)
        answers.put(made.bytes())
        answers.put(made.floats())
        answers.put(try made.quantized(Quantization(scale: 0.02, zeroPoint: 3, type: .int8), as: Int8.self))
        answers.put(try made.quantized(Quantization(scale: 0.5, zeroPoint: 100, type: .uint8), as: UInt8.self))
        answers.put(try made.quantized(Quantization(scale: 0.001, zeroPoint: 0, type: .int16), as: Int16.self))
        for (x, y) in [(0, 0), (Float(to[0]), 0), (0.5, Float(to[1]) - 0.25)] {
            let upright = made.transform.toUpright(x: x, y: y)
            let raw = made.transform.toPicture(x: x, y: y)
            answers.put([upright.x, upright.y, raw.x, raw.y])
        }
    case "sound":
        let channels = given.int("channels")
        let rate = given.int("rate")
        let sound: Sound
        switch given.text("kind") {
        case "pcm16": sound = try Sound(pcm16: given.values("data"), sampleRate: rate, channels: channels)
        case "float": sound = try Sound(floats: given.values("data"), sampleRate: rate, channels: channels)
        default:
            let samples: [Int32] = given.values("data")
            sound = try Sound(samples.count, sampleRate: rate, channels: channels, offset: 0, count: nil) {
                Int(samples[$0])
            }
        }
        let preprocessing = try SoundPreprocessing(
            sampleRate: given.int("to"), length: given.int("length"), hop: given.has("hop") ? given.int("hop") : nil,
            mean: given.floats("mean")[0], std: given.floats("std")[0])
        answers.put(try Resampler.resample(sound.samples, from: rate, to: given.int("to")))
        for frame in try preprocessing.frames(sound) { answers.put(frame) }
    case "kernel": answers.put(Resampler.kernel)
    case "quantized":
        let type: QuantizedType = ["INT8": .int8, "UINT8": .uint8, "INT16": .int16][given.text("dtype")]!
        let quantization = try Quantization(
            scale: given.floats("scale")[0], zeroPoint: given.int("zero"), type: type)
        let real: [Float] = given.values("data")
        answers.put(real.map { quantization.quantize($0) })
        switch type {
        case .int8: answers.put(try quantization.dequantize(quantization.quantize(real, as: Int8.self)))
        case .uint8: answers.put(try quantization.dequantize(quantization.quantize(real, as: UInt8.self)))
        case .int16: answers.put(try quantization.dequantize(quantization.quantize(real, as: Int16.self)))
        }
    case "scores":
        let scores: [Float] = given.values("data")
        answers.put(try Scores.softmax(scores))
        answers.put(Scores.sigmoid(scores))
        let labels = scores.indices.map { "label \($0)" }
        let found = try Classification(
            scores: scores, labels: labels, threshold: given.floats("threshold")[0], maxResults: given.int("most"))
        precondition(found.categories.allSatisfy { $0.label == labels[$0.index] && $0.score == scores[$0.index] })
        answers.put(found.categories.map(\.index))
    default: fatalError("no case: \(given.what)")
    }
}

/// A picture of one colour that takes no memory.
struct Plain: Picture {
    let width: Int
    var height: Int { width }

    func readRow(_ y: Int, columns: [Int], into pixels: inout [UInt32]) {
        for i in columns.indices { pixels[i] = 0xFFFF_FFFF }
    }
}

/// What does not fit.
func refusals() throws -> [() throws -> Any] {
    let picture = try ARGBPicture([UInt32](repeating: 0, count: 12), width: 4, height: 3)
    let preprocessing = try PicturePreprocessing(width: 2, height: 2)
    let made = try preprocessing.prepare(picture)
    let int8 = try Quantization(scale: 0.5, zeroPoint: 0, type: .int8)
    func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
    func plane(_ count: Int) -> Plane { Plane(bytes(count), rowStride: 4, pixelStride: 1) }
    return [
        { try ARGBPicture([UInt32](repeating: 0, count: 11), width: 4, height: 3) },
        { try ARGBPicture([UInt32](repeating: 0, count: 12), width: 0, height: 3) },
        { try BytePicture(bytes(35), width: 4, height: 3, format: .rgb) },
        { try BytePicture(bytes(40), width: 4, height: 3, format: .rgb, rowStride: 11) },
        { try YUVPicture.nv21(bytes(17), width: 4, height: 3) },
        { try Orientation(rotation: 45) },
        { try Region(left: 2, top: 0, right: 2, bottom: 3) },
        {
            let region = try Region(left: 0, top: 0, right: 4, bottom: 3)
            return try preprocessing.prepare(picture, orientation: .rotated90, region: region)
        },
        { try PicturePreprocessing(width: 1, height: 1, antialias: true).prepare(Plain(width: 100_000)) },
        { try PicturePreprocessing(width: 2, height: 0) },
        { try PicturePreprocessing(width: 2, height: 2, mean: [1, 2]) },
        { try PicturePreprocessing(width: 2, height: 2, std: [0]) },
        { try made.quantized(int8, as: Int16.self) },
        { try made.quantized(Quantization(scale: 1, zeroPoint: 0, type: .int16), as: UInt8.self) },
        { try Quantization(scale: 0, zeroPoint: 0, type: .int8) },
        { try Quantization(scale: 1, zeroPoint: -1, type: .uint8) },
        { try Sound(pcm16: [0, 0, 0, 0, 0], sampleRate: 16000, channels: 2) },
        { try Sound(pcm16: [0, 0, 0, 0, 0], sampleRate: 16000, count: 6) },
        { try Sound(pcm16: [], sampleRate: 16000) },
        { try Sound(floats: [0, .nan], sampleRate: 16000) },
        { try SoundPreprocessing(sampleRate: 16000, length: 0) },
        { try SoundPreprocessing(sampleRate: 16000, length: 1, hop: 0) },
        { try Classification(scores: [0, 0, 0], labels: ["a", "b"]) },
        { try Classification(scores: [0], labels: ["a"], maxResults: 0) },
        { try Scores.softmax([]) },
        { try Classification(scores: [0.1, 0.2], labels: ["a", "b"], threshold: 0.3).top as Any },
        // What Kotlin cannot say, or cannot be given.
        { try PicturePreprocessing(width: 2, height: 2, fill: [1, 2]) },
        { try PicturePreprocessing(width: .max, height: 2) },
        { try PicturePreprocessing(width: 1 << 30, height: 1 << 30) },
        { try int8.dequantize([UInt8](repeating: 0, count: 2)) },
        { try ARGBPicture([0], width: 1, height: 1, offset: .max) },
        { try ARGBPicture([0], width: 1, height: 1, offset: 1, rowStride: .max) },
        { try BytePicture([0], width: .max, height: 1, format: .gray) },
        { try YUVPicture(width: 4, height: 3, y: plane(12), u: plane(8), v: plane(5)) },
        { try YUVPicture(width: 4, height: 3, y: plane(12), u: plane(8), v: plane(8), left: .max) },
        { try Sound(pcm16: [0], sampleRate: 16000, offset: .min, count: .max) },
        { try Sound(pcm16: [0], sampleRate: 16000, offset: .min) },
        { try Sound(pcm16: [0], sampleRate: 16000, channels: .max) },
        { try Resampler.resample([0, 0], from: 1, to: Int(Int32.max)) },
    ]
}

/// Prints what is said of each.
func say(_ tries: [() throws -> Any]) throws {
    for one in tries {
        do {
            print("nothing: \(try one())")
        } catch let error as ModelError {
            precondition(error.localizedDescription == "\(error)")
            print(error)
        }
    }
}

/// Milliseconds of the processor, which other processes do not lengthen: the first of many calls, and the median.
func measured(_ call: () throws -> Int) throws -> String {
    var times: [Double] = []
    for _ in 0..<21 {
        let start = clock()
        let count = try call()
        precondition(count > 0)
        times.append(Double(clock() - start) * 1000 / Double(CLOCKS_PER_SEC))
    }
    return String(format: "%6.1f ms, then %6.1f ms", times[0], times.dropFirst(6).sorted()[7])
}

func speed() throws {
    let pixels = (0..<UInt32(12_000_000)).map { 0xFF00_0000 | ($0 &* 0x9E37_79B1) >> 8 }
    let bytes = pixels.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8 & 0xFF), UInt8($0 >> 16 & 0xFF), 0xFF] }
    let sources: [(String, any Picture)] = [
        ("ARGB 4000 x 3000", try ARGBPicture(pixels, width: 4000, height: 3000)),
        ("BGRA 4000 x 3000", try BytePicture(bytes, width: 4000, height: 3000, format: .bgra)),
        ("NV21 640 x 480", try YUVPicture.nv21((0..<460_800).map { UInt8($0 * 31 & 0xFF) }, width: 640, height: 480)),
    ]
    for (name, source) in sources {
        for (resize, antialias) in [(Resize.bilinear, false), (.bilinear, true), (.area, false)] {
            let preprocessing = try PicturePreprocessing(width: 224, height: 224, resize: resize, antialias: antialias)
            for turn in [Orientation.upright, .rotated90] {
                let what = "\(name) \(resize) \(antialias ? "antialias " : "")\(turn)"
                let time = try measured { try preprocessing.prepare(source, orientation: turn).floats().count }
                print(what.padding(toLength: 48, withPad: " ", startingAt: 0) + time)
            }
        }
    }
    let samples = (0..<441_000).map { Int16(truncatingIfNeeded: $0 * 7919) }
    let preprocessing = try SoundPreprocessing(sampleRate: 16000, length: 16000, hop: 8000)
    let time = try measured { try preprocessing.frames(Sound(pcm16: samples, sampleRate: 44100)).count }
    print("10 s of 44100 to 16000".padding(toLength: 48, withPad: " ", startingAt: 0) + time)
}

@main
enum Program {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments[0] == "speed" { return try speed() }
        if arguments[0] == "refusals" { return try say(refusals()) }
        if arguments[0] == "apple" { return try say(appleRefusals()) }
        let data = try [UInt8](Data(contentsOf: URL(fileURLWithPath: arguments[1])))
        let lines = try String(contentsOfFile: arguments[0], encoding: .utf8).split(separator: "\n")
        var answers = Answers()
        for line in lines {
            let before = answers.bytes.count
            try run(Case(line, data), &answers)
            print(answers.bytes.count - before)
        }
        try Data(answers.bytes).write(to: URL(fileURLWithPath: arguments[2]))
    }
}
