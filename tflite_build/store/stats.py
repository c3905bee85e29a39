"""What the file system says of a file, as text that stays the same as long as the file does.

Imports nothing but the built-in modules: the fast path of a build with nothing to do begins here.
"""

from __future__ import annotations

import os

_GRANULARITY_NS = 50_000_000  # Linux stamps files with a clock that ticks every 1 to 10 ms
_COARSE_NS = 2_000_000_000  # file systems that keep whole seconds, or two, as FAT does
_SECOND_NS = 1_000_000_000


def stat_text(stat: os.stat_result) -> str:
    """Size, the times of the last change of content and of anything, and the inode.

    The time of the last change of anything cannot be set by programs, so that it tells an edit whose time was put back.
    """
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"


def is_settled(stat: os.stat_result, looked_ns: int) -> bool:
    """Whether a later change of the file would show in its `stat_text`.

    One within the clock's granularity may not: such a file has to be read again (git calls it racily clean).

    Args:
        stat: Of the file.
        looked_ns: The time before its content was read, in nanoseconds since the epoch.
    """
    coarse = not (stat.st_mtime_ns % _SECOND_NS or stat.st_ctime_ns % _SECOND_NS)
    changed = max(stat.st_mtime_ns, stat.st_ctime_ns)
    return looked_ns - changed > (_COARSE_NS if coarse else _GRANULARITY_NS)
