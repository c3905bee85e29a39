"""The apps' packages of the examples build by their own manifests, pass their own tests, and do what the READMEs show."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Ran
from swift_bed import Swift
from swift_packages import RUNTIMES, Package, Runtimes, build, build_alone

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = [folder.parent.name for folder in sorted(EXAMPLES.glob("*/model.toml")) if "[ios]" in folder.read_text("utf-8")]
# What the README's view has from SwiftUI, as far as it calls that.
SWIFTUI = """
@_exported import CoreGraphics
@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    var body: Body { get }
}
extension Never: View { public var body: Never { fatalError() } }
public struct Text: View {
    public init(_ text: String) {}
    public var body: Never { fatalError() }
}
@propertyWrapper public struct State<Value> {
    final class Box { var value: Value; init(_ value: Value) { self.value = value } }
    private let box: Box
    public init(wrappedValue: Value) { box = Box(wrappedValue) }
    public var wrappedValue: Value {
        get { box.value }
        nonmutating set { box.value = newValue }
    }
}
extension View {
    public func task<ID: Equatable>(
        id: ID, @_inheritActorContext _ action: sending @escaping @isolated(any) () async -> Void
    ) -> some View { self }
}
"""
APP = """// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "App",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "{package}"), .package(path: "{litert}")],
    targets: [
        .target(name: "SwiftUI"),
        .executableTarget(name: "App", dependencies: [.product(name: "DigitsKit", package: "DigitsKit"), "SwiftUI"]),
    ],
    swiftLanguageModes: [.v6]
)
"""
MAIN = """
@main
enum Main {
    static func main() async throws {
        let digits = try await Digits.open()
        let black = try BytePicture([UInt8](repeating: 0, count: 300), width: 10, height: 10, format: .rgb)
        print(digits.accelerator, try await digits.classify(black).categories.count)
    }
}
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory, module_cli: Callable[..., Ran]) -> dict[str, Package]:
    root = tmp_path_factory.mktemp("examples")
    for name in NAMES:
        shutil.copytree(EXAMPLES / name, root / name, ignore=shutil.ignore_patterns("build"))
    ran = module_cli("build", "--locked", root)
    assert ran.code == 0, ran.text
    return {name: Package(next((root / name / "build").glob("*/ios/*Kit"))) for name in NAMES}


def test_there_are_both_runtimes(packages: dict[str, Package]) -> None:
    assert {name: package.runtime for name, package in packages.items()} == {
        "digit_boxes": "LiteRT",
        "digits": "LiteRT",
        "photographs": "TensorFlowLite",
        "handwriting": "TensorFlowLite",
        "segments": "TensorFlowLite",
        "tones": "TensorFlowLite",
        "topics": "LiteRT",
    }


@pytest.mark.parametrize("name", NAMES)
def test_its_own_test_passes(
    name: str, packages: dict[str, Package], swift: Swift, runtimes: Runtimes, tmp_path: Path
) -> None:
    built = build_alone(packages[name], swift, runtimes, tmp_path)
    assert len(built.test().require()) == (5 if name == "handwriting" else 3)


def test_an_app_with_the_package_as_it_is(
    packages: dict[str, Package], swift: Swift, runtimes: Runtimes, tmp_path: Path
) -> None:
    """A local package called as the runtime is takes the place of the one by revision; a released app opens the model
    without looking at its SHA-256. The view is the README's.
    """
    folder = tmp_path / "App"
    package = shutil.copytree(packages["digits"].folder, tmp_path / "DigitsKit")
    for name, text in (("SwiftUI", SWIFTUI), ("App", f"{shown()}{MAIN}")):
        (folder / "Sources" / name).mkdir(parents=True)
        (folder / "Sources" / name / f"{name}.swift").write_text(text, "utf-8")
    manifest = APP.format(package=package, litert=RUNTIMES / "LiteRT")
    (folder / "Package.swift").write_text(manifest, "utf-8")
    (file,) = package.rglob("*.tflite")
    content = bytearray(file.read_bytes())
    content[content.index(b"TFLITE_METADATA")] ^= 1
    file.write_bytes(content)
    built = build(swift, runtimes, folder, ["-c", "release"], tests=False)
    ran = built.run("App")
    assert ran.code == 0 and ran.out == "cpu 10\n", ran.text


def shown() -> str:
    """The Swift of the README."""
    text = (EXAMPLES / "digits" / "README.md").read_text("utf-8")
    (block,) = (part.partition("```")[0] for part in text.split("```swift\n")[1:])
    return block
