import CLiteRT

public enum ElementType: UInt32 {
    case none = 0
    case bool = 6
    case int2 = 20
    case int4 = 18
    case int8 = 9
    case int16 = 7
    case int32 = 2
    case int64 = 4
    case uint8 = 3
    case uint16 = 17
    case uint32 = 16
    case uint64 = 13
    case float16 = 10
    case bfloat16 = 19
    case float32 = 1
    case float64 = 11
    case complex64 = 8
    case complex128 = 12
    case tfResource = 14
    case tfString = 5
    case tfVariant = 15

    public init?(cType: LiteRtElementType) {
        self.init(rawValue: cType.rawValue)
    }

    public var cType: LiteRtElementType {
        LiteRtElementType(rawValue: rawValue)
    }
}

public struct Layout: Equatable {
    public let dimensions: [Int]
    public let strides: [Int]

    public init(dimensions: [Int], strides: [Int] = []) {
        self.dimensions = dimensions
        self.strides = strides
    }

    public var rank: Int {
        dimensions.count
    }

    public var hasStrides: Bool {
        !strides.isEmpty
    }

    public var elementCount: Int? {
        dimensions.contains { $0 < 0 } ? nil : dimensions.reduce(1, *)
    }
}

public struct TensorType: Equatable {
    public let elementType: ElementType
    public let layout: Layout

    public init(elementType: ElementType, layout: Layout) {
        self.elementType = elementType
        self.layout = layout
    }
}

extension Layout {
    init(_ layout: LiteRtLayout) {
        let rank = min(8, Int(layout.rank_and_has_strides & 0x7F))
        let sizes = withUnsafeBytes(of: layout.dimensions) { $0.bindMemory(to: Int32.self).prefix(rank).map(Int.init) }
        let strides = withUnsafeBytes(of: layout.strides) { $0.bindMemory(to: UInt32.self).prefix(rank).map(Int.init) }
        self.init(dimensions: sizes, strides: layout.rank_and_has_strides & 0x80 == 0 ? [] : strides)
    }

    var cLayout: LiteRtLayout {
        var layout = LiteRtLayout()
        layout.rank_and_has_strides = UInt32(rank & 0x7F) | (hasStrides ? 0x80 : 0)
        withUnsafeMutableBytes(of: &layout.dimensions) { bytes in
            let sizes = bytes.bindMemory(to: Int32.self)
            for (index, size) in dimensions.prefix(8).enumerated() { sizes[index] = Int32(size) }
        }
        withUnsafeMutableBytes(of: &layout.strides) { bytes in
            let steps = bytes.bindMemory(to: UInt32.self)
            for (index, stride) in strides.prefix(8).enumerated() { steps[index] = UInt32(stride) }
        }
        return layout
    }
}

extension TensorType {
    init(_ type: LiteRtRankedTensorType) {
        self.init(elementType: ElementType(cType: type.element_type) ?? .none, layout: Layout(type.layout))
    }

    var cType: LiteRtRankedTensorType {
        LiteRtRankedTensorType(element_type: elementType.cType, layout: layout.cLayout)
    }
}
