// swift-tools-version: 6.0

import PackageDescription

// What a team may turn on for all of its own code, and not for that of a package which it takes in.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "Programs",
    platforms: [.iOS(.v15), .macOS(.v12)],
    dependencies: [.package(path: "../LiteRT"), .package(path: "../TensorFlowLite")],
    targets: [
        .executableTarget(
            name: "Compiled", dependencies: [.product(name: "LiteRT", package: "LiteRT")], swiftSettings: settings),
        .executableTarget(
            name: "Interpreted", dependencies: [.product(name: "TensorFlowLite", package: "TensorFlowLite")],
            swiftSettings: settings),
    ]
)
