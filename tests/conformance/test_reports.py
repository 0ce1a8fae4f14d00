"""The conformance checks over all registered reports."""

import pytest

from electra_bench import registry
from electra_bench.conformance import reports


@pytest.mark.parametrize("name", registry.reports.names())
@pytest.mark.parametrize("check", reports.CHECKS, ids=lambda check: check.__name__)
def test_it_conforms(check, name):
    check(reports.Report(name))
