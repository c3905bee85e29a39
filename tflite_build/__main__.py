"""`python -m tflite_build` is `tflite-build`."""

from .cli import main

main()
