"""What a case expects of a diagnosis, and what every diagnosis must keep."""

import dataclasses

# The layer of each cause: also what a new cause has to be added to.
LAYERS = {
    "none": "none",
    "dns_not_found": "dns", "dns_failed": "dns", "dns_bogus_address": "dns",
    "client_no_route": "client", "client_blocked": "client", "client_resource": "client",
    "host_down": "network", "no_route": "network", "path_firewall_reject": "network",
    "no_answer": "network", "port_filtered": "network",
    "host_firewall_reject": "host_firewall",
    "port_closed": "service", "closed_before_banner": "service",
    "sshd_not_installed": "service", "sshd_disabled": "service", "sshd_starting": "service",
    "sshd_not_running": "service", "sshd_failed": "service", "sshd_binary_broken": "service",
    "sshd_config_invalid": "service", "sshd_host_keys_missing": "service",
    "sshd_host_keys_unusable": "service", "sshd_runtime_dir_missing": "service",
    "sshd_upgrade_skew": "service", "socket_unit_failed": "service",
    "wrong_port": "binding", "wrong_address": "binding", "address_family": "binding",
    "socket_port_mismatch": "binding", "port_conflict": "binding", "port_bind_denied": "binding",
    "address_missing": "binding", "loopback_only": "binding",
    "sshd_hung": "overload", "max_startups": "overload", "accept_queue_full": "overload",
    "conntrack_full": "overload",
    "resource_exhausted": "overload",
    "turned_away": "access_policy", "tcp_wrappers_denied": "access_policy",
    "source_penalty": "access_policy",
    "not_ssh": "protocol", "protocol_version": "protocol", "kex_mismatch": "protocol",
    "kex_failed": "protocol",
    "unknown": "unknown",
}

OUTCOMES = {
    "resolve": {"dns_not_found", "dns_failed"},
    "connect": {"refused_rst", "rejected_icmp", "timeout", "local_error"},
    "banner": {"closed", "reset", "timeout", "turned_away", "not_ssh", "unsupported_version"},
    "kexinit": {"closed", "reset", "timeout", "malformed", "no_common_algorithm"},
    "done": {"ok"},
}

SURE = ("certain", "likely")
UMBRELLA = ("possible",)        # the cause is an umbrella: nothing finer is proved


@dataclasses.dataclass(frozen=True)
class Expect:
    """Fields left empty are not looked at; a tuple of texts means any of them."""
    cause: str | tuple
    stage: str | tuple = ()
    outcome: str | tuple = ()
    confidence: tuple = ()
    errno: str = ""             # of the address that decided
    icmp: tuple = ()            # type, code
    offender: str = ""          # the name of an address in lab.a
    role: str | tuple = ()      # of the responder
    signal: str = ""            # of the responder; {type}_{code} follow from icmp
    evidence: tuple = ()        # each of these is somewhere in the evidence; "{host}" is lab.a.host


def _any_of(value):
    return value if isinstance(value, tuple) else (value,)


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def check_shape(result, timeout=None):
    """What holds for every diagnosis, whatever the case."""
    cause, stage, outcome = result["cause"], result["stage"], result["outcome"]
    assert cause in LAYERS, cause
    assert result["layer"] == LAYERS[cause]
    assert result["confidence"] in ("certain", "likely", "possible")
    assert outcome in OUTCOMES[stage], f"{outcome} is no outcome of {stage}"
    assert result["success"] == (cause == "none")
    assert (stage == "done") == (outcome == "ok")
    if result["success"]:
        assert stage == "done"
    else:
        assert result["fix"].strip(), "a failure without a fix"
        assert result["evidence"], "a failure without evidence"
    assert result["summary"].strip()
    assert all(isinstance(e, str) and e.strip() for e in result["evidence"])
    assert result["duration_seconds"] >= 0
    assert result["started_timestamp_seconds"] > 1.6e9
    if timeout:
        assert result["duration_seconds"] <= timeout + 0.5, "later than its deadline"
    assert set(result["phases"]) <= {"resolve", "connect", "banner", "kexinit"}
    assert all(0 <= seconds <= 60 for seconds in result["phases"].values())
    for address in result.get("addresses", []):
        assert address["outcome"] in OUTCOMES[address["stage"]]
        assert address["cause"] in LAYERS
        assert address["layer"] == LAYERS[address["cause"]]
        assert all(len(v) <= 64 for v in address.get("server", {}).values())
    for text in _strings({k: v for k, v in result.items() if k != "stderr"}):
        bad = [c for c in text if ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000]
        assert not bad, f"control characters in {text!r}"


def deciding_address(result):
    """The address entry that shows what the whole result says."""
    for address in result.get("addresses", []):
        if (address["stage"], address["outcome"]) == (result["stage"], result["outcome"]):
            return address
    raise AssertionError("no address shows the outcome of the target")


def check(result, expect, addresses):
    """Assert the expectation; `addresses` are lab.a."""
    assert result["cause"] in _any_of(expect.cause), f"{result['cause']}: {result['evidence']}"
    for key in ("stage", "outcome", "confidence"):
        if wanted := getattr(expect, key):
            assert result[key] in _any_of(wanted), f"{key} {result[key]}: {result['evidence']}"
    evidence = "\n".join(result["evidence"])
    if expect.errno:
        assert deciding_address(result)["errno"] == expect.errno
    if expect.icmp:
        seen = deciding_address(result)["icmp"]
        assert (seen["family"], seen["type"], seen["code"]) == (addresses.family, *expect.icmp)
        responder = result["responder"]
        prefix = "icmp" if addresses.family == 4 else "icmp6"
        assert responder["signal"] == f"{prefix}_{expect.icmp[0]}_{expect.icmp[1]}"
        assert responder["address"] == seen["offender"]
        if expect.offender:
            offender = getattr(addresses, expect.offender)
            assert seen["offender"] == offender
            assert offender in evidence, f"the evidence does not name {offender}: {evidence}"
    if expect.role:
        assert result["responder"]["role"] in _any_of(expect.role)
    if expect.signal:
        assert result["responder"]["signal"] == expect.signal
    for text in expect.evidence:
        if text.startswith("{"):
            text = getattr(addresses, text[1:-1])
        assert text.lower() in evidence.lower(), f"{text!r} is not in the evidence: {evidence}"
