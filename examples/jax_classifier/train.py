"""Trains the weights of this example in plain JAX, on scikit-learn's wine data: 178 wines, 13 measures, 3 cultivars.

uv run --no-project --python 3.11 --with jax==0.10.2 --with scikit-learn==1.7.2 train.py
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_wine

HERE = Path(__file__).parent


def logits(weights, x):
    x = (x - weights["mean"]) / weights["std"]
    return jnp.tanh(x @ weights["w1"] + weights["b1"]) @ weights["w2"] + weights["b2"]


def main() -> None:
    wine = load_wine()
    x, y = wine.data.astype(np.float32), wine.target
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:130], order[130:]
    one, two = jax.random.split(jax.random.key(0))
    weights = {
        "mean": x[train].mean(0),
        "std": x[train].std(0),
        "w1": jax.random.normal(one, (13, 16)) * 0.3,
        "b1": jnp.zeros(16),
        "w2": jax.random.normal(two, (16, 3)) * 0.3,
        "b2": jnp.zeros(3),
    }

    @jax.jit
    def step(weights):
        def loss(weights):
            rows = jax.nn.log_softmax(logits(weights, x[train]))
            return -rows[jnp.arange(len(train)), y[train]].mean()

        grads = jax.grad(loss)(weights)
        return {k: v if k in ("mean", "std") else v - 0.2 * grads[k] for k, v in weights.items()}

    for _ in range(600):
        weights = step(weights)
    accuracy = (np.asarray(logits(weights, x[test])).argmax(1) == y[test]).mean()
    print("accuracy on the test set:", accuracy)
    np.savez(HERE / "weights.npz", **{k: np.asarray(v, np.float32) for k, v in weights.items()})
    np.savez(HERE / "calibration.npz", **{"classify/measures": x[train], "embed/measures": x[train]})


if __name__ == "__main__":
    main()
