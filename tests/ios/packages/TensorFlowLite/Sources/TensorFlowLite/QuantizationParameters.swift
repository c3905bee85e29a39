public struct QuantizationParameters: Equatable, Hashable {
    public let scale: Float
    public let zeroPoint: Int

    init(scale: Float, zeroPoint: Int) {
        self.scale = scale
        self.zeroPoint = zeroPoint
    }
}
