"""Runs a command and writes its exit code, seconds and largest memory as JSON: FILE COMMAND...

A process of its own, since the largest memory of a child begins with that of the process it was forked from.
"""

import json
import os
import sys
import time
from pathlib import Path

begun = time.perf_counter()
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
size = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
found = {"code": os.waitstatus_to_exitcode(status), "seconds": time.perf_counter() - begun, "memory": size}
Path(sys.argv[1]).write_text(json.dumps(found), "utf-8")
