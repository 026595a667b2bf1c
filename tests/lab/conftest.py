"""Fixtures of the lab; README.md lists them."""

import os
import signal
from types import SimpleNamespace

import pytest

from lab import booted, exporter as exporter_module, netns
from lab.daemons import Daemons, Keys
from lab.exporter import Exporter
from lab.skip import impossible
from lab.sniffer import SynSniffer
from lab.topology import FAMILIES, Topology


def pytest_configure(config):
    # A terminated run must remove its namespaces just as an interrupted one does.
    def stop(number, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stop)


def pytest_collection_modifyitems(items):
    """The soaks take minutes: each at the head of what another of pytest-xdist's workers is given first."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    share = max(len(items) // (4 * workers), 2)
    longest = [item for item in items if item.name.startswith("test_soak")]
    items[:] = [item for item in items if item not in longest]
    for number, item in enumerate(longest):
        items.insert(number * share, item)


@pytest.fixture(scope="session")
def possible():
    """Namespaces and firewall rules can be had here; what killed runs left is gone."""
    reason = netns.why_impossible()
    if reason:
        impossible(reason)
    netns.remove_stale()


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def topology(possible):
    """client – router – host, fresh for each case."""
    made = Topology()
    yield made
    made.close()


@pytest.fixture
def daemons(topology, keys, tmp_path):
    """Starts real servers and scripted peers."""
    made = Daemons(tmp_path, keys)
    yield made
    made.close()


@pytest.fixture
def exporter(topology, tmp_path):
    """Runs the program under test."""
    if not exporter_module.binary().exists():
        impossible(f"there is no {exporter_module.binary()}; build it, or set SSH_REFUSAL_EXPORTER")
    folder = tmp_path / "exporter"
    folder.mkdir()
    made = Exporter(folder)
    yield made
    made.close()


@pytest.fixture(scope="session")
def bootable(possible):
    """Debian hosts can be booted here; what killed runs left is gone."""
    reason = booted.why_impossible()
    if reason:
        impossible(reason)
    booted.remove_stale()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """The program under test with its libraries, for a host of any release; None if it is not built."""
    if not exporter_module.binary().exists():
        return None
    return booted.Bundle(exporter_module.binary(), tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def boot(bootable, bundle, tmp_path):
    """Boots hosts: boot("trixie"). They end with the case."""
    hosts = []

    def make(suite, **options):
        folder = tmp_path / f"host-{len(hosts)}"
        folder.mkdir()
        hosts.append(booted.Booted(suite, folder, bundle, **options))
        return hosts[-1]
    yield make
    for host in hosts:
        host.close()


@pytest.fixture
def sniffer(topology):
    """Sees every connection attempt that reaches the host."""
    made = SynSniffer(topology.host)
    yield made
    made.stop()


@pytest.fixture
def lab(topology, daemons, tmp_path):
    """Everything a case's scene needs, in one value; `a` (addresses) is set by parametrised cases."""
    return SimpleNamespace(topology=topology, client=topology.client, router=topology.router,
                           host=topology.host, daemons=daemons, folder=tmp_path, a=FAMILIES[4])
