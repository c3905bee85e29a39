import WideKit

@main
enum Sizes {
    static func main() throws {
        let model = try Wide()
        for n in [3, 7, 2, 7] {
            let ids = (0..<Int32(2 * n)).map { $0 }
            let found = try model.predict(ids: ids, flags: [true, false, true], n: Int32(n), n2: n)
            var tensors = try WideTensors(n2: n)
            tensors.ids = ids
            tensors.flags = [true, true, true]
            try model.run(&tensors)
            print(
                found.sum == ids.map { Float($0) * 2 } && tensors.sum == found.sum && found.next == Int32(n + 1)
                    && found.not == [false, true, false] && tensors.all == [true] && !found.all
                    && found.half == Float(n) / 2)
        }
        for n in [0, -1, 1 << 30, .max] {
            refused { _ = try model.predict(ids: [], flags: [false, false, false], n: 0, n2: n) }
        }
        refused { _ = try WideTensors(n2: -1) }
    }

    static func refused(_ call: () throws -> Void) {
        do {
            try call()
            print("nothing is refused")
        } catch ModelError.invalidArgument(let reason) {
            print("invalidArgument: \(reason)")
        } catch {
            print("\(error)")
        }
    }
}
