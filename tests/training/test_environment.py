"""What a record says of the machine and the packages."""

from importlib import metadata

from electra_bench.training.environment import PACKAGES, packages


def test_a_package_that_is_absent_is_left_out(monkeypatch):
    version = metadata.version

    def without_t5(name):
        if name == "t5":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    everything = packages()
    assert set(everything) == set(PACKAGES) and everything["tensorflow"] >= "2.21"
    monkeypatch.setattr(metadata, "version", without_t5)
    assert set(packages()) == set(PACKAGES) - {"t5"}
