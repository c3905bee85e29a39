// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "LiteRT",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "LiteRT", targets: ["LiteRT"])],
    targets: [
        .systemLibrary(name: "CLiteRT", path: "Sources/CLiteRT"),
        .target(name: "LiteRT", dependencies: ["CLiteRT"]),
    ],
    swiftLanguageModes: [.v5]
)
