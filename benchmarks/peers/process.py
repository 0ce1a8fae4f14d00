"""What the operating system says of this process."""

import os
import resource


def since_start() -> float:
    """Seconds since the process was started, with its imports."""
    with open("/proc/self/stat", encoding="ascii") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")


def peak_mb() -> int:
    """The largest resident size so far, in millions of bytes."""
    return round(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
