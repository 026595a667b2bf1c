"""One host, its SSH server broken and mended in random order: every state is told in time, and nothing grows.

    LAB_SOAK_STEPS=1000 LAB_SEED=… /usr/bin/python3 -m pytest tests/lab/test_agent_soak.py
"""

import os
import random
import threading
import time

import pytest

from lab.breakages import ALL, SUITES

INTERVAL = 1.0
# A collection runs sshd three times (its version, -T, -t: 20 ms each), which a machine with taken cores stretches.
GRACE = 2.0
# Of each release; 100 take 3 minutes, mostly waiting.
STEPS = int(os.environ.get("LAB_SOAK_STEPS", "100"))
# Steps after which all that is allocated once has been allocated.
WARM_UP = 10
# Two connections of the sampler and one of the case may be open at any moment.
DESCRIPTORS = 4
MEMORY = 8 << 20

# Cannot be mended in place, or last for seconds by themselves.
LEFT_OUT = {"purged", "removed", "socket_trigger_limit", "crashed_too_often", "no_user_sshd"}
# What a host is in the middle of a change: stopped and not yet started, edited and not yet restarted.
IN_BETWEEN = {"none", "sshd_not_running", "sshd_disabled", "sshd_starting", "sshd_failed", "wrong_port"}


class Sampler:
    """Reads the page all the time, as no Prometheus would, and keeps what was said with certainty."""

    def __init__(self, agent):
        self.agent = agent
        self.said = []              # (when the page was asked for, cause, confidence)
        self.failed = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stop.wait(0.1):
            asked = time.monotonic()
            try:
                found = self.agent.metrics().all("sshd_cause")
                assert len(found) == 1, found
            except (OSError, AssertionError) as error:
                self.failed = error
                return
            self.said.append((asked, found[0][0]["cause"], found[0][0]["confidence"]))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(10)

    def between(self, since, until):
        return [(round(when - since, 1), cause, confidence) for when, cause, confidence in list(self.said)
                if since <= when < until]


def settle(agent, sampler, causes, what):
    """Wait until one of the causes is told: at most two intervals; when that was."""
    deadline = time.monotonic() + 2 * INTERVAL + GRACE
    while True:
        assert sampler.failed is None, sampler.failed
        samples = agent.metrics()
        if samples.labels("sshd_cause")["cause"] in causes:
            return time.monotonic()
        assert time.monotonic() < deadline, \
            f"{what}: {samples.labels('sshd_cause')} instead of {causes}\n{agent.get('/api/v1/evidence').text}"
        time.sleep(0.1)


def step(host, agent, sampler, suite, breakage):
    causes = breakage.any_of("cause", suite)
    begun = time.monotonic()
    host.run(breakage.do, check=False)
    # Some causes show only when somebody connects; 10.0 forgets this one with the restart below.
    host.look(patience=0.2)
    told = settle(agent, sampler, causes, breakage.name)
    time.sleep(INTERVAL / 2)
    ended = time.monotonic()
    wrong = [s for s in sampler.between(begun, told) if s[2] == "certain" and s[1] not in causes | IN_BETWEEN]
    wrong += [s for s in sampler.between(told, ended) if s[1] not in causes]
    assert not wrong, f"{breakage.name}: expected {causes}, but told: {wrong}"
    host.mend(breakage.undo)
    settle(agent, sampler, {"none"}, f"{breakage.name}, mended")


def size(agent):
    samples = agent.metrics()
    return samples.value("process_open_fds"), samples.value("process_resident_memory_bytes")


@pytest.mark.parametrize("suite", SUITES)
def test_soak(suite, boot):
    seed = int(os.environ.get("LAB_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    print(f"LAB_SEED={seed}")
    host = boot(suite)
    host.program()
    agent = host.exporter({"targets": [], "local": {"interval": f"{INTERVAL:.0f}s"}})
    settle_first = time.monotonic() + 10
    while not agent.metrics().all("sshd_cause"):
        assert time.monotonic() < settle_first, agent.log()
        time.sleep(0.1)
    usable = [b for b in ALL if suite in b.suites and b.name not in LEFT_OUT]
    warm = None
    with Sampler(agent) as sampler:
        for number in range(STEPS):
            breakage = chance.choice(usable)
            print(f"{number}: {breakage.name}")
            step(host, agent, sampler, suite, breakage)
            if number + 1 == min(WARM_UP, STEPS // 2):
                warm = size(agent)
    descriptors, memory = size(agent)
    print(f"descriptors {warm[0]:.0f} -> {descriptors:.0f}, resident {warm[1]:.0f} -> {memory:.0f}")
    assert descriptors <= warm[0] + DESCRIPTORS
    assert memory <= warm[1] + MEMORY
