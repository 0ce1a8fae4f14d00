"""A server to fetch from and a command that does it."""

import pytest
import urllib3
from file_server import CONTENT, VOCAB, FileServer

from electra_bench.cli.main import main
from electra_bench.interop.fetch import download


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(
        download,
        "RETRY",
        urllib3.Retry(
            total=2,
            connect=1,
            backoff_factor=0.001,
            status_forcelist=(503,),
            raise_on_status=False,
        ),
    )
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # Small pieces, so that there is a middle to break off in.
    monkeypatch.setattr(download, "CHUNK_BYTES", 1 << 14)
    with FileServer({VOCAB: CONTENT}) as running:
        yield running
        running.shutdown()


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def fetch(server, data):
    def run(*arguments):
        base = () if "--base_url" in arguments else ("--base_url", server.url)
        return main(["fetch", *arguments, *base, "--data_dir", str(data)])

    return run
