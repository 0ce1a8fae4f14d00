"""`python -m electra_bench` is `electra-bench`."""

import sys

from electra_bench.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
