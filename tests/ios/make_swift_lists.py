"""Makes api/LiteRT.txt and api/TensorFlowLite.txt from a checkout of google-ai-edge/LiteRT.

    python3 tests/ios/make_swift_lists.py LiteRT CHECKOUT > tests/ios/api/LiteRT.txt
    python3 tests/ios/make_swift_lists.py TensorFlowLite CHECKOUT > tests/ios/api/TensorFlowLite.txt

`git archive` of the commit that a list names gives the same. Stand-ins in packages/ are held against these lists.
"""

from __future__ import annotations

import sys
from pathlib import Path

import swift_api

# The folder of each module, and the commit that its list is of: LiteRT's is the release that apps take, v2.2.0.
MODULES = {
    "LiteRT": ("litert/swift/Sources", "145c7523ff08d5e57ab5c582141775eea47da9c7"),
    "TensorFlowLite": ("tflite/swift/Sources", "f67457790c9c2ab67347d6fe53270e8d3df20868"),
}


def main(module: str, checkout: Path) -> None:
    folder, commit = MODULES[module]
    print(f"# Public declarations of {folder} of google-ai-edge/LiteRT, {commit}: by make_swift_lists.py.")
    print("\n".join(swift_api.of_folder(checkout / folder)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
