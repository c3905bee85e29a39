// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "TensorFlowLite",
    platforms: [.iOS(.v12), .macOS(.v10_13)],
    products: [.library(name: "TensorFlowLite", targets: ["TensorFlowLite"])],
    targets: [
        .systemLibrary(name: "TensorFlowLiteC", path: "Sources/TensorFlowLiteC"),
        .target(name: "TensorFlowLite", dependencies: ["TensorFlowLiteC"]),
    ],
    swiftLanguageModes: [.v5]
)
