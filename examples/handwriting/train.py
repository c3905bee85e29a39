"""Trains the weights of this example in plain JAX, on scikit-learn's digits: 1,797 real handwritten digits of 8x8 pixels.

Of 1 and 7 it sees none, so that there is something left for the phone to learn. Run it to make weights.npz anew (bytes of a
training differ from machine to machine):

    uv run --no-project --python 3.11 --with jax==0.10.2 --with scikit-learn==1.7.2 train.py
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
LEFT = (1, 7)


def logits(weights, x):
    below = jnp.tanh(x @ weights["below"] + weights["below_bias"])
    return below @ weights["weights"] + weights["bias"]


def main() -> None:
    digits = load_digits()
    x, y = (digits.data / 16).astype(np.float32), digits.target
    order = np.random.default_rng(0).permutation(len(x))
    known = ~np.isin(y, LEFT)
    train, test = ([i for i in part if known[i]] for part in (order[:1400], order[1400:]))
    one, two = jax.random.split(jax.random.key(0))
    weights = {
        "below": jax.random.normal(one, (64, 48)) * 0.15,
        "below_bias": jnp.zeros(48),
        "weights": jax.random.normal(two, (48, 10)) * 0.1,
        "bias": jnp.zeros(10),
    }

    @jax.jit
    def step(weights):
        def loss(weights):
            rows = jax.nn.log_softmax(logits(weights, x[np.array(train)]))
            return -rows[jnp.arange(len(train)), y[np.array(train)]].mean()

        grads = jax.grad(loss)(weights)
        return {k: v - 0.5 * grads[k] for k, v in weights.items()}

    for _ in range(800):
        weights = step(weights)
    print("accuracy on the test set:", (np.asarray(logits(weights, x[test])).argmax(1) == y[test]).mean())
    np.savez(HERE / "weights.npz", **{k: np.asarray(v, np.float32) for k, v in weights.items()})


if __name__ == "__main__":
    main()
