// Stands in for Apple's ImageIO on Linux: what ApplePictures.swift calls of it, as its Swift interface declares it.

public enum CGImagePropertyOrientation: UInt32, Sendable {
    case up = 1
    case upMirrored
    case down
    case downMirrored
    case leftMirrored
    case right
    case rightMirrored
    case left
}
