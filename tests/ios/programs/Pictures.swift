import CoreGraphics
import CoreVideo
import Dispatch
import Foundation
import RgbKit

/// Of a model whose `twice` is twice the picture that it takes, upright and as large as the tensor: 20 x 16.
@main
enum Pictures {
    static func main() async throws {
        switch CommandLine.arguments[1] {
        case "turned": try await turned()
        case "apple": try await apple()
        case "cancelled": try await cancelled()
        case "released": try await released()
        case "sizes": try sizes()
        case "opening":
            let opening = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await Rgb.open()
            }
            print(await outcome(opening))
        default: fatalError()
        }
    }

    static func turned() async throws {
        let model = try await Rgb.open()
        let upright = picture(20, 16, color)
        let wanted = try await model.predict(upright).twice
        let left = picture(16, 20) { x, y in color(19 - y, x) }  // a quarter to the left
        let inside = picture(50, 40) { x, y in color(min(max(x - 7, 0), 19), min(max(y - 9, 0), 15)) }
        let region = try Region(left: 7, top: 9, right: 27, bottom: 25)
        print(try await model.predict(left, orientation: .rotated90).twice == wanted)
        print(try await model.predict(left).twice == wanted)
        print(try await model.predict(inside, region: region).twice == wanted)
        let turned = picture(40, 50) { x, y in
            color(min(max(49 - y - 7, 0), 19), min(max(x - 9, 0), 15))
        }
        print(try await model.predict(turned, orientation: .rotated90, region: region).twice == wanted)
        print(try await model.predict(upright, maxResults: 3).scores.categories.count)
    }

    /// The same of what Apple's frameworks call a picture, from where a view would call it.
    @MainActor
    static func apple() async throws {
        let model = try await Rgb.open()
        let wanted = try await model.predict(picture(20, 16, color)).twice
        let buffer = buffer(16, 20) { x, y in color(19 - y, x) }
        print(try await model.predict(buffer, orientation: .right).twice == wanted)
        print(try blocking(model, buffer) == wanted)
        let pixels: [UInt8] = bytes(20, 16, color).flatMap { $0 + [255] }
        let image = CGImage(width: 20, height: 16, colorSpace: CGColorSpace(.rgb), bytes: pixels)
        print(try await model.predict(image).twice == wanted)
        print(try await model.predict(buffer, orientation: .left).twice != wanted)
    }

    static func blocking(_ model: Rgb, _ buffer: CVPixelBuffer) throws -> [Float] {
        try model.predict(buffer, orientation: .right).twice
    }

    /// What waits and is cancelled does not begin; what runs is waited for.
    static func cancelled() async throws {
        let model = try await Rgb.open()
        let (first, second) = (Slow(), Slow())
        let running = Task { try await model.predict(first).twice.count }
        await first.hasBegun()
        let waiting = Task { try await model.predict(second).twice.count }
        try await Task.sleep(nanoseconds: 50_000_000)
        waiting.cancel()
        running.cancel()
        first.goOn()
        print(await outcome(waiting))
        print(second.isBegun)
        print(try await running.value)
    }

    /// When the call is done, nothing holds what it was given: a buffer is not locked any more.
    @MainActor
    static func released() async throws {
        let model = try await Rgb.open()
        var held = 0
        for _ in 0..<2_000 {
            let buffer = buffer(20, 16, color)
            _ = try await model.predict(buffer)
            if buffer.locks != 0 { held += 1 }
        }
        print(held)
    }

    /// Pictures of one's own that have no pixels, or more than there can be.
    static func sizes() throws {
        let model = try Rgb()
        for (width, height) in [(0, 1), (1, 0), (-5, 3), (Int.max, 1)] {
            do {
                _ = try model.predict(Sized(width: width, height: height))
                print("nothing is refused")
            } catch ModelError.invalidArgument(let reason) {
                print(reason)
            }
        }
    }

    static func outcome<Value>(_ task: Task<Value, any Error>) async -> String {
        do {
            _ = try await task.value
            return "no error"
        } catch {
            return "\(type(of: error))"
        }
    }

    static func color(_ x: Int, _ y: Int) -> [UInt8] {
        [UInt8(x * 11), UInt8(y * 13), UInt8(truncatingIfNeeded: x * y)]
    }

    static func bytes(
        _ width: Int, _ height: Int, _ pixel: (Int, Int) -> [UInt8]
    ) -> [[UInt8]] {
        (0..<height).flatMap { y in (0..<width).map { x in pixel(x, y) } }
    }

    static func picture(_ width: Int, _ height: Int, _ pixel: (Int, Int) -> [UInt8]) -> BytePicture {
        let values = bytes(width, height, pixel).flatMap { $0 }
        do {
            return try BytePicture(values, width: width, height: height, format: .rgb)
        } catch {
            fatalError("\(error)")
        }
    }

    static func buffer(_ width: Int, _ height: Int, _ pixel: (Int, Int) -> [UInt8]) -> CVPixelBuffer {
        let values: [UInt8] = bytes(width, height, pixel).flatMap { $0.reversed() + [255] }
        let plane = CVBuffer.Plane(bytes: values, bytesPerRow: 4 * width, height: height)
        return CVBuffer(width: width, height: height, format: kCVPixelFormatType_32BGRA, planes: [plane])
    }
}

struct Sized: Picture {
    let width: Int
    let height: Int

    func readRow(_ y: Int, columns: [Int], into pixels: inout [UInt32]) {}
}

/// Waits until it may be read.
final class Slow: Picture, @unchecked Sendable {
    let width = 20
    let height = 16
    private let lock = NSLock()
    private var begun = false
    private let may = DispatchSemaphore(value: 0)

    var isBegun: Bool { lock.withLock { begun } }

    func hasBegun() async {
        while !isBegun { try? await Task.sleep(nanoseconds: 1_000_000) }
    }

    func goOn() { may.signal() }

    func readRow(_ y: Int, columns: [Int], into pixels: inout [UInt32]) {
        lock.withLock { begun = true }
        if y == 0 { may.wait() }
    }
}
