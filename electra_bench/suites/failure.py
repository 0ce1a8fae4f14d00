"""Why a command failed, in the words of its log."""

import signal

# Where a cell's command says in one sentence what was wrong.
SAYS = "error: "
# Enough for a sentence and what stands after it.
TAIL_BYTES = 64 * 2**10


def failure(log: str, start: int, status: int) -> str:
    """The last error sentence of a log, or how the command ended.

    Args:
        log: path of the log.
        start: byte at which the attempt's lines begin.
        status: exit status, or minus the number of a signal.
    """
    with open(log, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(start, size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        if SAYS in line:
            return line
    how = f"exit status {status}"
    if status < 0:
        how = f"killed by {signal.Signals(-status).name}"
        if status == -signal.SIGKILL:
            how += ", as when memory runs out"
    return f"{how}; last line: {lines[-1]}" if lines else f"{how}, without a word"
