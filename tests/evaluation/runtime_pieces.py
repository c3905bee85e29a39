"""Run by the Python of the core toolchain: for each file named, what the runtime itself makes of its graph, as JSON.

`pieces`: how many nodes of its default delegate, XNNPACK, it has. `addresses`: where its plain kernels find each tensor.
"""

import json
import sys
import warnings

from ai_edge_litert.interpreter import Interpreter, OpResolverType

warnings.simplefilter("ignore")
PLAIN = OpResolverType.BUILTIN_REF  # these kernels ask for no scratch memory to unfold pictures


def looked_at(path):
    delegated = Interpreter(model_path=path)
    delegated.allocate_tensors()
    names = [operator["op_name"] for operator in delegated._get_ops_details()]
    plain = Interpreter(model_path=path, experimental_op_resolver_type=PLAIN)
    plain.allocate_tensors()
    addresses = {}
    for tensor in plain.get_tensor_details():
        try:
            array = plain.tensor(tensor["index"])()
        except ValueError:  # it has no memory
            continue
        addresses[tensor["index"]] = array.__array_interface__["data"][0]
    return {
        "pieces": names.count("DELEGATE"),
        "operators": len(names) - names.count("DELEGATE"),
        "addresses": addresses,
    }


json.dump({path: looked_at(path) for path in sys.argv[1:]}, sys.stdout)
