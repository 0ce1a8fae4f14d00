"""Where content-keyed caches lie."""

import os


def cache_dir() -> str:
    """The folder of all caches: `ELECTRA_BENCH_CACHE`, or `~/.cache/electra_bench`.

    It need not exist.
    """
    chosen = os.environ.get("ELECTRA_BENCH_CACHE")
    return chosen or os.path.join(os.path.expanduser("~"), ".cache", "electra_bench")
