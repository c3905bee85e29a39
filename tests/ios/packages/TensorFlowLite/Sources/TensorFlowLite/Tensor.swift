import Foundation

public struct Tensor: Equatable, Hashable {
    public let name: String
    public let dataType: DataType
    public let shape: Shape
    public let data: Data
    public let quantizationParameters: QuantizationParameters?

    /// A tensor, unless the Swift classes know no such type, as int8.
    init?(_ state: Engine.State, _ data: Data) {
        guard let dataType = DataType(numpy: state.type) else { return nil }
        name = state.tensor
        self.dataType = dataType
        shape = Shape(state.shape)
        self.data = data
        quantizationParameters =
            state.scale == 0 ? nil : QuantizationParameters(scale: state.scale, zeroPoint: state.zeroPoint)
    }
}

extension Tensor {
    public enum DataType: Equatable, Hashable {
        case bool
        case uInt8
        case int16
        case int32
        case int64
        case float16
        case float32
        case float64

        init?(numpy name: String) {
            switch name {
            case "bool": self = .bool
            case "uint8": self = .uInt8
            case "int16": self = .int16
            case "int32": self = .int32
            case "int64": self = .int64
            case "float16": self = .float16
            case "float32": self = .float32
            case "float64": self = .float64
            default: return nil
            }
        }
    }
}

extension Tensor {
    public struct Shape: Equatable, Hashable {
        public let rank: Int
        public let dimensions: [Int]

        public init(_ dimensions: [Int]) {
            rank = dimensions.count
            self.dimensions = dimensions
        }

        public init(_ elements: Int...) {
            self.init(elements)
        }
    }
}

extension Tensor.Shape: ExpressibleByArrayLiteral {
    public init(arrayLiteral: Int...) {
        self.init(arrayLiteral)
    }
}
