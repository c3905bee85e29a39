import CalibratedKit
import EmbeddedKit
import Foundation
import ScenesKit

/// What classes are called in some languages; then for each line of a file of cases, a picture, the results as bits.
@main
enum Classes {
    static func main() throws {
        let (scenes, calibrated, embedded) = (try Scenes(), try Calibrated(), try Embedded())
        let tags = ["de", "de-AT", "DE_at", "zh-Hant-TW", "zh", "fr", "d", ""]
        print(tags.map { ScenesLabels.animalIn($0)[3] }.joined(separator: "|"))
        var before: Embedding?
        for line in try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let (width, height) = (Int(words[0])!, Int(words[1])!)
            let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: words[2])))
            let one = try scenes.classify(
                ScenesKit.BytePicture(data, width: width, height: height, format: .rgb), locale: "de-AT")
            precondition(one.animal.categories.allSatisfy { $0.label == ScenesLabels.animalDe[$0.index] })
            let two = try calibrated.classify(
                CalibratedKit.BytePicture(data, width: width, height: height, format: .rgb))
            let three = try embedded.embed(EmbeddedKit.BytePicture(data, width: width, height: height, format: .rgb))
            var parts = [one.animal, one.tags].map { answered($0.categories.map { ($0.index, $0.score) }) }
            parts += [two.plain, two.logs, two.inverse].map { answered($0.categories.map { ($0.index, $0.score) }) }
            parts += [bits(three.near.values), bits(three.raw.values)]
            parts.append(bits([try three.near.cosine(three.raw), try three.near.distance(three.raw)]))
            if let before { parts.append(bits([try three.raw.cosine(before), try three.raw.distance(before)])) }
            before = three.raw
            print(parts.joined(separator: "|"))
        }
    }

    static func answered(_ categories: [(Int, Float)]) -> String {
        categories.map { "\($0.0):\(bits([$0.1]))" }.joined(separator: " ")
    }

    static func bits(_ values: [Float]) -> String {
        values.map { String($0.bitPattern) }.joined(separator: " ")
    }
}
