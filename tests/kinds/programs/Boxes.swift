import Foundation
import HeadsKit

/// For each line of a file of cases the boxes as bits: class, score, the box as it was given and the upright one.
@main
enum Boxes {
    static func main() throws {
        let heads = try Heads()
        let text = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let n = words[1..<8].compactMap { Int($0) }
            let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: words.last ?? "")))
            let picture = try BytePicture(data, width: n[0], height: n[1], format: .rgb)
            let turned = try Orientation(rotation: n[2])
            let region = try Region(left: n[3], top: n[4], right: n[5], bottom: n[6])
            let limits = Float(words[8]).flatMap { least in Int(words[9]).map { (least, $0) } }
            let found =
                switch (words[0], limits) {
                case ("listed", let (least, most)?):
                    try heads.listed(picture, orientation: turned, region: region, maxResults: most, minScore: least)
                case ("listed", nil): try heads.listed(picture, orientation: turned, region: region)
                case ("contents", let (least, most)?):
                    try heads.contents(picture, orientation: turned, region: region, maxResults: most, minScore: least)
                case ("contents", nil): try heads.contents(picture, orientation: turned, region: region)
                case ("scored", let (least, most)?):
                    try heads.scored(picture, orientation: turned, region: region, maxResults: most, minScore: least)
                case ("scored", nil): try heads.scored(picture, orientation: turned, region: region)
                case ("yolo5", let (least, most)?):
                    try heads.yolo5(picture, orientation: turned, region: region, maxResults: most, minScore: least)
                case ("yolo5", nil): try heads.yolo5(picture, orientation: turned, region: region)
                case ("yolo8", let (least, most)?):
                    try heads.yolo8(picture, orientation: turned, region: region, maxResults: most, minScore: least)
                case ("yolo8", nil): try heads.yolo8(picture, orientation: turned, region: region)
                case (_, let (least, most)?):
                    try heads.ssd(picture, orientation: turned, region: region, maxResults: most, minScore: least)
                default: try heads.ssd(picture, orientation: turned, region: region)
                }
            print(found.map(bits).joined(separator: " "))
        }
    }

    static func bits(_ thing: Detection) -> String {
        let boxes = [thing.box, thing.upright].flatMap { [$0.left, $0.top, $0.right, $0.bottom] }
        let numbers = [Float(thing.category.index), thing.category.score] + boxes
        return numbers.map { String($0.bitPattern) }.joined(separator: " ")
    }
}
