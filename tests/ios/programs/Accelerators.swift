import GpuInterpreterKit
import GpuKit

@main
enum Accelerators {
    static func main() async throws {
        let image = [Float](repeating: 0.5, count: 128)
        let asked = CommandLine.arguments[2...]
        do {
            if CommandLine.arguments[1] == "gpu" {
                let wanted = asked.compactMap { GpuKit.Accelerator(rawValue: $0) }
                let model = try await Gpu.open(accelerators: wanted.isEmpty ? Gpu.accelerators : wanted)
                print(model.accelerator, try await model.classify(image).categories.count)
            } else {
                let wanted = asked.compactMap { GpuInterpreterKit.Accelerator(rawValue: $0) }
                let model = try await GpuInterpreter.open(
                    accelerators: wanted.isEmpty ? GpuInterpreter.accelerators : wanted)
                print(model.accelerator, try await model.classify(image).categories.count)
            }
        } catch GpuKit.ModelError.cannotOpen(let reason) {
            print("cannotOpen: \(reason)")
        } catch GpuInterpreterKit.ModelError.cannotOpen(let reason) {
            print("cannotOpen: \(reason)")
        }
    }
}
