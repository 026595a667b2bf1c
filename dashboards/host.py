"""SSH host: what the exporters on SSH hosts know of their own sshd, and why it would refuse."""
from parts import (
    ALL, BAD, GOOD, LAYER_COLOURS, LEGEND_TABLE, LINES, NEUTRAL, PLAIN, STACKED, WARN, bars, by_threshold,
    cause_as_number, cause_states, common_variables, dashboard, label_as_number, link, query, rate, series,
    stat, table, text_colours, timeline, value_mapping,
)

# systemd's active states, and how worrying each is for SSH.
UNIT_STATES = {
    "active": GOOD,
    "reloading": NEUTRAL,
    "activating": WARN,
    "deactivating": WARN,
    "inactive": PLAIN,
    "failed": BAD,
}
# Of an endpoint in the table of listeners.
BOUND, COVERED, EXTRA, MISSING, TAKEN = (
    "bound as configured", "configured, served by another listener", "bound, not configured as such",
    "missing", "taken by another program",
)
ENDPOINT = "on (job, instance, address, port)"


def of_host(metric, more=""):
    return f"{metric}{{{ALL}{more}}}"


def stated(expr, state):
    return f'label_replace({expr}, "state", "{state}", "", "")'


def per_host(expr):
    """0 for hosts for which there is nothing to add up."""
    return f'{expr} or 0 * max by (instance) ({of_host("sshd_up")})'


def missing_listeners():
    return per_host(f'sum by (instance) ({of_host("sshd_listener_missing")})')


def endpoints():
    """Every endpoint that is configured or bound, or that another program has, with its state."""
    bound, wanted = of_host("sshd_listener"), of_host("sshd_config_listen_info")
    missing, taken = f'({of_host("sshd_listener_missing")} == 1)', of_host("sshd_port_conflict_info")
    parts = [
        stated(f"{bound} and {ENDPOINT} {wanted}", BOUND),
        stated(f"{bound} unless {ENDPOINT} {wanted}", EXTRA),
        stated(f"{wanted} unless {ENDPOINT} {bound} unless {ENDPOINT} {missing}", COVERED),
        stated(f"{missing} unless {ENDPOINT} {taken}", MISSING),
        stated(taken, TAKEN),
    ]
    return "max by (instance, address, port, process, state) (\n  " + "\n  or ".join(parts) + "\n)"


def now_row():
    yield 8, 5, stat(
        "Cause now", "Why a new connection to this host's SSH would fail; none if it would not.", "none",
        cause_as_number(of_host("sshd_cause"), "instance"), value_mapping(cause_states()), "{{instance}}",
        "value_and_name",
    )
    yield 4, 5, stat(
        "Listens", "Whether something that speaks for sshd listens: sshd itself or its systemd socket.", "none",
        of_host("sshd_up"), value_mapping({0: ("nothing listens", BAD), 1: ("listens", GOOD)}), "{{instance}}",
        "value_and_name",
    )
    yield 4, 5, stat(
        "Configuration",
        "Whether sshd -t accepts the configuration and its host keys: an sshd that is started now would start.",
        "none", of_host("sshd_config_valid"),
        value_mapping({0: ("invalid", BAD), 1: ("valid", GOOD)}), "{{instance}}", "value_and_name",
    )
    yield 4, 5, stat(
        "Missing listeners", "Configured addresses and ports on which nothing is bound.", "short",
        missing_listeners(), by_threshold((None, GOOD), (1, BAD)), "{{instance}}", "value_and_name",
    )
    yield 4, 5, stat(
        "Port conflicts", "Configured ports that another program owns.", "short",
        per_host(f'count by (instance) ({of_host("sshd_port_conflict_info")})'),
        by_threshold((None, GOOD), (1, BAD)), "{{instance}}", "value_and_name",
    )
    yield 24, 7, table(
        "Causes", "The cause of each host, the layer that it belongs to, and how sure it is.",
        of_host("sshd_cause"), ["instance", "cause", "layer", "confidence"], "cause", None,
        [text_colours("layer", LAYER_COLOURS)],
    )


def time_row():
    yield 24, 8, timeline(
        "Cause over time",
        "One row for each host: why a new connection would have failed, and when. Colours tell the layer, "
        "green is well; a gap is a time without a result. \"other\" is a cause newer than this dashboard.",
        cause_as_number(of_host("sshd_cause"), "instance"), "{{instance}}", cause_states(),
    )
    states = {0: ("other", PLAIN)} | {n: state for n, state in enumerate(UNIT_STATES.items(), start=1)}
    yield 24, 8, timeline(
        "Units over time",
        "The state of each unit of SSH as systemd sees it. With socket activation an inactive service is "
        "healthy as long as its socket is active.",
        label_as_number(f'({of_host("sshd_unit_state")} == 1)', "state", UNIT_STATES, "instance, unit"),
        "{{unit}} ({{instance}})", states,
    )


def units_row():
    yield 8, 8, table(
        "Units at boot", "Whether each unit is enabled, disabled, masked, …: what happens at the next boot.",
        f'{of_host("sshd_unit_enabled")} == 1', ["instance", "unit", "state"], "unit", None,
        [text_colours("state", {"enabled": GOOD, "static": PLAIN, "disabled": WARN, "masked": BAD})],
    )
    yield 8, 8, stat(
        "Active since", "When each unit last became active.", "dateTimeFromNow",
        f'{of_host("sshd_unit_start_time_seconds")} * 1000', by_threshold((None, PLAIN)),
        "{{unit}} ({{instance}})", "value_and_name", False,
    )
    yield 8, 8, series(
        "Restarts", "How often systemd started a unit again after a failure, in each step of the graph.",
        "short",
        [query("A", f'increase({of_host("sshd_unit_restarts_total")}[$__rate_interval])',
               "{{unit}} ({{instance}})")],
    )


def listeners_row():
    colours = {BOUND: GOOD, COVERED: GOOD, EXTRA: PLAIN, MISSING: BAD, TAKEN: BAD}
    yield 16, 9, table(
        "Listeners against configuration",
        "Addresses and ports that the configuration asks for, or that SSH is bound to, and who owns them. "
        "[::] may serve what is configured as 0.0.0.0.",
        endpoints(), ["instance", "address", "port", "state", "process"], "address", None,
        [text_colours("state", colours)],
    )
    yield 8, 9, series(
        "Missing listeners over time", "Configured addresses and ports on which nothing is bound.", "short",
        [query("A", missing_listeners(), "{{instance}}")],
    )
    yield 24, 7, table(
        "Host keys", "Keys that the configuration names, and whether sshd can load each.",
        of_host("sshd_host_key_usable"), ["instance", "path", "type", "Value"], "path", {"Value": "usable"},
        [
            {
                "matcher": {"id": "byName", "options": "usable"},
                "properties": [
                    {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                    {"id": "mappings",
                     "value": value_mapping({0: ("no", BAD), 1: ("yes", GOOD)})["mappings"]},
                ],
            },
        ],
    )


def limit(pattern):
    """A line that others should stay below."""
    return {
        "matcher": {"id": "byRegexp", "options": pattern},
        "properties": [
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}},
            {"id": "custom.fillOpacity", "value": 0},
        ],
    }


def load_row():
    yield 8, 8, series(
        "Startups and MaxStartups",
        "Connections that have not logged in. From begin on sshd turns new ones away by chance, at full all.",
        "short",
        [
            query("A", of_host("sshd_startups"), "{{instance}}"),
            query("B", of_host("sshd_config_max_startups", ', bound=~"begin|full"'),
                  "{{bound}} ({{instance}})"),
        ],
        overrides=[limit("(begin|full) .*")],
    )
    yield 8, 8, series(
        "Sessions", "Connections that are logged in.", "short",
        [query("A", of_host("sshd_sessions"), "{{instance}}")],
    )
    yield 8, 8, series(
        "Accept queue", "Connections that wait for sshd to accept them, and how many may.", "short",
        [
            query("A", of_host("sshd_listener_queue_length"), "{{address}} port {{port}} ({{instance}})"),
            query("B", of_host("sshd_listener_queue_limit"),
                  "limit of {{address}} port {{port}} ({{instance}})"),
        ],
        overrides=[limit("limit of .*")],
    )
    yield 8, 8, series(
        "Listen overflows and drops",
        "Connections per second that the kernel dropped at a listening socket, of whatever program: since its "
        "queue was full (overflows), or for any reason (drops).",
        "cps",
        [
            query("A", rate("sshd_tcp_listen_overflows_total"), "{{instance}} overflows"),
            query("B", rate("sshd_tcp_listen_drops_total"), "{{instance}} drops"),
        ],
    )
    yield 8, 8, series(
        "Connection tracking", "Entries of the kernel's table of connections, and how many it takes.", "short",
        [
            query("A", of_host("sshd_conntrack_entries"), "{{instance}}"),
            query("B", of_host("sshd_conntrack_entries_limit"), "limit of {{instance}}"),
        ],
        overrides=[limit("limit of .*")],
    )
    yield 8, 8, stat(
        "Login grace time", "How long a connection may take to log in; 0 is without limit.", "s",
        of_host("sshd_config_login_grace_seconds"), by_threshold((None, PLAIN)), "{{instance}}",
        "value_and_name", False,
    )


def log_row():
    yield 16, 9, series(
        "Log events", "Lines of sshd and of systemd about it, per second, by what they say.", "cps",
        [query("A", f'sum by (event) ({rate("sshd_log_events_total")}) > 0', "{{event}}")],
        STACKED, options=LEGEND_TABLE,
    )
    yield 8, 9, bars(
        "Log events of the shown time",
        "The ten events with most lines within the time that the dashboard shows.", "short",
        f'topk(10, sum by (event) (increase({of_host("sshd_log_events_total")}[$__range])) > 0)',
        "{{event}}", [],
    )


def collectors_row():
    yield 12, 8, timeline(
        "Collectors over time", "Whether each part of these facts could be collected.",
        of_host("sshd_collector_success"), "{{collector}} ({{instance}})",
        {0: ("failed", BAD), 1: ("collected", GOOD)},
    )
    yield 12, 8, series(
        "Duration of collectors", "How long each collector took when it last ran.", "s",
        [query("A", of_host("sshd_collector_duration_seconds"), "{{collector}} ({{instance}})")],
        LINES, options=LEGEND_TABLE,
    )


def rows():
    yield "Now", now_row()
    yield "Over time", time_row()
    yield "Units", units_row()
    yield "Listeners and keys", listeners_row()
    yield "Load", load_row()
    yield "Log", log_row()
    yield "Collectors", collectors_row()


def host():
    return dashboard(
        "ssh-host", "SSH host",
        "What the ssh_refusal_exporter on an SSH host knows of that host's own SSH: why a new connection would "
        "fail, and what is about to.",
        [link("ssh-fleet", "SSH fleet")], common_variables("sshd_cause"), rows(),
    )
