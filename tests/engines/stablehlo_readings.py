"""What litert-converter's MLIR reads of the programs of `stablehlo_programs`: one line of JSON for each.

    PYTHON stablehlo_readings.py FOLDER         with the Python of the toolchain `core`

A program that it cannot read may end the process; the last line then says which it was.
"""

import json
import sys
from pathlib import Path

from litert_converter import converter_api_ext as converter
from litert_converter.mlir import ir

for folder in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    print(json.dumps({"name": folder.name}), flush=True)
    context = ir.Context()
    converter.prepare_mlir_context(context)
    (chosen,) = [file for file in (folder / "chosen").iterdir() if file.suffix in (".mlir", ".mlirbc")]
    code = chosen.read_text("utf-8") if chosen.suffix == ".mlir" else chosen.read_bytes()
    read = ir.Module.parse(code, context)
    text = ir.Module.parse((folder / "text" / "0.mlir").read_text("utf-8"), context)
    operations = set()

    def look(operation, operations=operations):
        operations.add(operation.name)
        return ir.WalkResult.ADVANCE

    read.operation.walk(look)
    forms = [module.operation.get_asm(enable_debug_info=True) for module in (read, text)]
    same = forms[0] == forms[1] and read.operation.verify()
    print(
        json.dumps({"name": folder.name, "file": chosen.suffix, "same": same, "operations": sorted(operations)}),
        flush=True,
    )
