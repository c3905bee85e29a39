import BgrKit
import ChwKit
import Foundation
import GreyKit
import RawKit
import RgbKit
import SoundModelKit

/// For each line of a file of cases the results as bits, those of each output after a bar.
@main
enum Answers {
    static func main() throws {
        let (rgb, bgr, grey, raw, chw) = (try Rgb(), try Bgr(), try Grey(), try Raw(), try Chw())
        let sound = try SoundModel()
        let text = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: words.last ?? "")))
            let n = words.dropLast().compactMap { Int($0) }
            switch words[0] {
            case "sound":
                let pcm = stride(from: 0, to: data.count, by: 2).map {
                    Int16(bitPattern: UInt16(data[$0]) | UInt16(data[$0 + 1]) << 8)
                }
                print(bits(try sound.predict(Sound(pcm16: pcm, sampleRate: n[0], channels: n[1]))))
            case "rgb":
                let region = try RgbKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let picture: any RgbKit.Picture =
                    words[1] == "rgb"
                    ? try RgbKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                    : try RgbKit.YUVPicture.i420(data, width: n[0], height: n[1])
                let found = try rgb.predict(
                    picture, orientation: RgbKit.Orientation(rotation: n[2]), region: region, maxResults: 5)
                var scores = [Float](repeating: 0, count: 5)
                for category in found.scores.categories { scores[category.index] = category.score }
                print("\(bits(scores))|\(bits(found.twice))")
            case "bgr":
                let region = try BgrKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let picture: any BgrKit.Picture =
                    words[1] == "rgb"
                    ? try BgrKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                    : try BgrKit.YUVPicture.i420(data, width: n[0], height: n[1])
                let found = try bgr.predict(
                    picture, orientation: BgrKit.Orientation(rotation: n[2]), region: region)
                print("\(bits(found.scores))|\(bits(found.twice))")
            case "grey":
                let region = try GreyKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let picture: any GreyKit.Picture =
                    words[1] == "rgb"
                    ? try GreyKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                    : try GreyKit.YUVPicture.i420(data, width: n[0], height: n[1])
                let found = try grey.predict(
                    picture, orientation: GreyKit.Orientation(rotation: n[2]), region: region)
                print("\(bits(found.scores))|\(bits(found.twice))")
            case "raw":
                let region = try RawKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let picture: any RawKit.Picture =
                    words[1] == "rgb"
                    ? try RawKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                    : try RawKit.YUVPicture.i420(data, width: n[0], height: n[1])
                print(bits(try raw.predict(picture, orientation: RawKit.Orientation(rotation: n[2]), region: region)))
            default:
                let region = try ChwKit.Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
                let picture: any ChwKit.Picture =
                    words[1] == "rgb"
                    ? try ChwKit.BytePicture(data, width: n[0], height: n[1], format: .rgb)
                    : try ChwKit.YUVPicture.i420(data, width: n[0], height: n[1])
                print(bits(try chw.predict(picture, orientation: ChwKit.Orientation(rotation: n[2]), region: region)))
            }
        }
    }

    static func bits(_ values: [Float]) -> String {
        values.map { String($0.bitPattern) }.joined(separator: " ")
    }
}
