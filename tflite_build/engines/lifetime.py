"""That an engine process ends with the tool that started it, from its first line on.

Imported before anything else of this code: whatever is imported first is time in which the tool may be killed, and the
process would live on until it looks at its pipe. Standard library only, and little of it.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def bind(tool: int) -> None:
    """Have the kernel kill this process when the tool dies, on Linux; elsewhere the end of its request pipe does.

    Args:
        tool: The process id of the tool, which may be gone by now: then this ends at once.
    """
    if os.getppid() != tool:
        os._exit(1)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != tool:  # it died just before
            os._exit(1)
