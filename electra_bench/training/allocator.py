"""Keeping freed memory for the next training step."""

import ctypes

# glibc's mallopt(3); the numbers are part of its ABI.
M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
M_ARENA_MAX = -8


def keep_freed_memory() -> None:
    """Makes glibc reuse freed memory instead of handing it back to the system.

    TensorFlow allocates the tensors of every step with malloc. By default glibc maps large
    ones anew each time and unmaps them when they are freed, so every step faults all its
    activations in, page by page: half of a small model's time where page faults are slow,
    as on virtual machines (docs/design/trainer.md). The price is that the process keeps
    its peak size.

    Call it before the first tensor, since threads that have an arena of their own keep it.
    Does nothing under another C library than glibc, which has no such switches.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(M_MMAP_MAX, 0)  # no mapping of single blocks
    mallopt(M_TRIM_THRESHOLD, -1)  # never shrink the heap
    mallopt(M_ARENA_MAX, 1)  # only the main arena is not made of small mappings
