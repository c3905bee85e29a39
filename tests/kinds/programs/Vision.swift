import CoreGraphics
import Foundation
import NumbersKit
import PlanesKit
import StreetKit

/// For each line of a file of cases the results, as arrays of 32 bits after how many there are.
@main
enum Vision {
    static func main() throws {
        let (street, planes, numbers) = (try Street(), try Planes(), try Numbers())
        var out = Data()
        func put(_ values: [UInt32]) {
            for value in [UInt32(values.count)] + values {
                withUnsafeBytes(of: value.bigEndian) { out.append(contentsOf: $0) }
            }
        }
        func put(_ values: [UInt8]) { put(values.map(UInt32.init)) }
        func put(_ values: [Int]) { put(values.map(UInt32.init)) }
        func put(_ values: [Float]) { put(values.map(\.bitPattern)) }

        let text = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: words[words.count - 1])))
            let n = words.dropLast().compactMap { Int($0) }
            switch words[0] {
            case "street":
                let picture = try StreetKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                let turned = try StreetKit.Orientation(rotation: n[2])
                let region = try StreetKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let found = try street.predict(picture, orientation: turned, region: region, minScore: -.infinity)
                put(found.parts.toPicture())
                put(found.parts.toUpright())
                put(try found.parts.scaled(width: 37, height: 29))
                put([try found.parts.classAt(x: n[0] / 3, y: n[1] / 2)])
                put(try found.parts.confidences(1))
                put(try found.parts.scaledConfidences(3, width: 41, height: 23))
                put(try found.parts.scaledOverlay(width: 19, height: 31, isUpright: true).pixels)
                put(
                    found.pose.all.flatMap {
                        [$0.score, $0.point.x, $0.point.y, $0.upright.x, $0.upright.y, $0.z]
                    })
                let sure = try street.predict(picture, orientation: turned, region: region).pose
                put(sure.edges.flatMap { [$0.0.index, $0.1.index] })
                guard let image = found.drawing.cgImage() else { fatalError() }
                put(pixels(try StreetKit.BytePicture(image)))
            case "planes":
                let picture = try PlanesKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                let region = try PlanesKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let turned = try PlanesKit.Orientation(rotation: n[2])
                let found = try planes.predict(picture, orientation: turned, region: region)
                put(found.cat.toPicture())
                put(try found.cat.scaledConfidences(0, width: 33, height: 44, isUpright: true))
                put(
                    found.joints.all.flatMap {
                        [$0.score, $0.point.x, $0.point.y, $0.upright.x, $0.upright.y, $0.z]
                    })
                put(found.painting.pixels)
            default:
                let picture = try NumbersKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                let region = try NumbersKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let turned = try NumbersKit.Orientation(rotation: n[2])
                let found = try numbers.predict(picture, orientation: turned, region: region)
                put(found.mask.toPicture())
                put(found.mask.overlay().pixels)
                for points in [found.corners, found.places] {
                    put(points.all.flatMap { [$0.score, $0.point.x, $0.point.y, $0.upright.x, $0.upright.y, $0.z] })
                }
                put(found.grey.pixels)
            }
        }
        try out.write(to: URL(fileURLWithPath: CommandLine.arguments[2]))
    }

    /// All pixels of a picture, 0xAARRGGBB.
    static func pixels(_ picture: any StreetKit.Picture) -> [UInt32] {
        var row = [UInt32](repeating: 0, count: picture.width)
        return (0..<picture.height).flatMap { y in
            picture.readRow(y, columns: Array(0..<picture.width), into: &row)
            return row
        }
    }
}
