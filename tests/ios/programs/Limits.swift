import TwoKit

@main
enum Limits {
    static func main() throws {
        let model = try Two()
        let x: [Float] = [0.1, 0.2, 0.3, 0.4]
        let usual = try model.classify(x: x, aMaxResults: 0)
        let chosen = try model.classify(
            x: x, aMaxResults: 0, aMaxResults2: 9, aMinScore: 0, bMaxResults: 2, bMinScore: 1)
        print([usual.a, usual.b, chosen.a, chosen.b].map { $0.categories.map(\.index) })
    }
}
