"""While [limits] memory is set, a refusal is believed of a process that was far from it, and of no other."""

from __future__ import annotations

from harness import Workshop

MODEL = """
import mmap

from jax.extend.core import Primitive

# Counts against the limit though it is never touched, as the stacks of threads do.
reserved = mmap.mmap(-1, {reserved}, flags=mmap.MAP_PRIVATE)
unheard_of = Primitive("unheard_of")
unheard_of.def_abstract_eval(lambda x: x)


def predict(x):
    return unheard_of.bind(x)
"""
TOML = """
format = "jax"
entry = "model.py:predict"
[input.x]
shape = [1, 4]
dtype = "float32"
[limits]
memory = "2 GB"
"""


def test_a_refusal_near_the_limit_is_not_believed(workshop: Workshop) -> None:
    for name, reserved in (("far", 2**20), ("near", 14 * 10**8)):
        workshop.model(name, TOML, {"model.py": MODEL.format(reserved=reserved)})
    said = workshop.build()
    assert said["far"].error["code"] == 1
    assert "JAX cannot lower this model" in said["far"].error["message"]
    assert said["near"].error["code"] == 3
    assert said["near"].error["message"] == (
        "lower: the litert process failed, perhaps for lack of memory; [limits] memory allows 2 GB"
    )
    assert "JAX cannot lower this model" in said["near"].error["detail"]
