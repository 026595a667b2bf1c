"""SSH fleet: every target that is probed, by cause and layer, now and over time."""
from parts import (
    ALL, BAD, GOOD, LAYER_COLOURS, LEGEND_TABLE, NEUTRAL, PLAIN, STACKED, WARN, bars, by_threshold,
    cause_as_number, cause_colours, cause_states, common_variables, dashboard, layer_colours, link, panel,
    quantile, query, rate, series, stat, table, text_colours, timeline, value_mapping, variable,
)

BY_CAUSE = ALL + ', layer=~"$layer", cause=~"$cause"'
TARGET = ALL + ', target=~"$target"'
TARGET_CAUSE = BY_CAUSE + ', target=~"$target"'


def failed_targets():
    """Those that failed within the shown time: few of a fleet, and the join of the timeline is costly."""
    failed = f"min_over_time(ssh_probe_success{{{TARGET}}}[$__range] @ end()) == 0"
    return f"(ssh_probe_cause{{{TARGET_CAUSE}}} and on (job, instance, target) {failed})"


def failing_targets():
    """One row per failing target: its cause, what was seen and who answered; value: when, in milliseconds."""
    on = "on (job, instance, target)"
    seen = (
        f'ssh_probe_cause{{{TARGET_CAUSE}, cause!="none"}}\n'
        f"    * {on} group_left (outcome, stage) ssh_probe_outcome{{{TARGET}}}\n"
        f"    * {on} group_left () ssh_probe_last_completed_timestamp_seconds{{{TARGET}}} * 1000"
    )
    responder = f"topk by (job, instance, target) (1, ssh_probe_responder_info{{{TARGET}}})"
    return (
        f"(\n    {seen}\n    * {on} group_left (responder, role, signal) {responder}\n)\n"
        f"or {on}\n(\n    {seen}\n)"
    )


def now_row():
    grey_when_zero = by_threshold((None, PLAIN), (1, BAD))
    yield 4, 4, stat(
        "Targets", "SSH endpoints that are probed and have a result.", "short",
        f"sum(ssh_targets{{{ALL}}})",
        by_threshold((None, PLAIN), (1, NEUTRAL)),
    )
    yield 4, 4, stat(
        "Refused now", "Targets that a new connection cannot get into, for whatever cause.", "short",
        f'sum(ssh_targets{{{BY_CAUSE}, cause!="none"}}) or vector(0)',
        by_threshold((None, GOOD), (1, BAD)),
    )
    yield 4, 4, stat(
        "Reachable", "Share of the targets whose last probe reached the configured depth.", "percentunit",
        f'(sum(ssh_targets{{{ALL}, cause="none"}}) or vector(0)) / sum(ssh_targets{{{ALL}}})',
        {**by_threshold((None, BAD), (0.95, WARN), (1, GOOD)), "max": 1, "min": 0},
    )
    yield 4, 4, stat(
        "Refused by the host itself",
        "Targets whose own sshd, its binding or its load is the cause: layers service, binding, overload.",
        "short",
        f'sum(ssh_targets{{{ALL}, layer=~"service|binding|overload"}}) or vector(0)', grey_when_zero,
    )
    yield 4, 4, stat(
        "Refused before the host",
        "Targets that name resolution, the network or a firewall keeps out of reach: layers dns, network, "
        "host_firewall, cloud_firewall.",
        "short",
        f'sum(ssh_targets{{{ALL}, layer=~"dns|network|.+_firewall"}}) or vector(0)', grey_when_zero,
    )
    yield 4, 4, stat(
        "Prober's own trouble",
        "Targets that the prober's own machine cannot send to: layer client. They say nothing of the target.",
        "short",
        f'sum(ssh_targets{{{ALL}, layer="client"}}) or vector(0)', grey_when_zero,
    )
    yield 12, 9, bars(
        "Targets by cause", "How many targets each cause keeps out now. Colours tell the layer.", "short",
        f'sort_desc(sum by (cause) (ssh_targets{{{BY_CAUSE}, cause!="none"}}) > 0)',
        "{{cause}}", cause_colours(),
    )
    yield 12, 9, bars(
        "Targets by layer", "How many targets each layer keeps out now; none is those that are well.",
        "short",
        f"sort_desc(sum by (layer) (ssh_targets{{{BY_CAUSE}}}) > 0)", "{{layer}}", layer_colours(),
    )


def failing_row():
    yield 24, 9, table(
        "Failing targets",
        "Every target that refuses now: the cause and how sure it is, the raw observation (stage, outcome), "
        "who answered (responder, role, signal) if anybody did, and when it was seen last.",
        failing_targets(),
        ["target", "cause", "layer", "confidence", "stage", "outcome", "responder", "role", "signal",
         "instance", "Value"],
        "target", {"Value": "seen", "instance": "prober"},
        [
            text_colours("layer", LAYER_COLOURS),
            {
                "matcher": {"id": "byName", "options": "seen"},
                "properties": [{"id": "unit", "value": "dateTimeFromNow"}],
            },
        ],
    )


def time_row():
    yield 24, 12, timeline(
        "Cause by target",
        "One row for each target that failed within the shown time: what kept it out, and when. Colours tell "
        "the layer, green is well; a gap is a time without a result. The query joins each cause with its "
        "number, and value mappings turn the numbers back into names, because a state timeline needs one "
        "series with one value per row. "
        "\"other\" is a cause newer than this dashboard.",
        cause_as_number(failed_targets(), "instance, target"), "{{target}} ({{instance}})", cause_states(),
    )
    yield 12, 9, series(
        "Refused targets by cause over time", "Targets that each cause keeps out, stacked.", "short",
        [query("A", f'sum by (cause) (ssh_targets{{{BY_CAUSE}, cause!="none"}}) > 0', "{{cause}}")],
        STACKED, cause_colours(), LEGEND_TABLE,
    )
    yield 12, 9, bars(
        "Top causes of the shown time",
        "The ten causes with most failed probes within the time that the dashboard shows.", "short",
        f"topk(10, sum by (cause) (increase(ssh_probe_failures_total{{{TARGET_CAUSE}}}[$__range])) > 0)",
        "{{cause}}", cause_colours(),
    )


def latency_row():
    heat = f"rate(ssh_probe_phase_duration_seconds_bucket{{{ALL}, phase=~\"$phase\"}}[$__rate_interval])"
    heatmap = panel(
        "heatmap", "Duration of phase $phase",
        "How long this phase of a probe took, over all targets: the brighter, the more probes.", "s",
        [query("A", f"sum by (le) ({heat})", "{{le}}", kind="heatmap")],
        {
            "calculate": False,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "#FF780A",
                      "reverse": False},
            "cellGap": 1,
            "cellValues": {"unit": "cps"},
            "filterValues": {"le": 1e-9},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "yAxis": {"axisPlacement": "left", "unit": "s", "reverse": False},
            "exemplars": {"color": PLAIN},
            "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
        },
        {"scaleDistribution": {"type": "linear"},
         "hideFrom": {"legend": False, "tooltip": False, "viz": False}},
    )
    heatmap |= {"repeat": "phase", "repeatDirection": "h", "maxPerRow": 4}
    yield 24, 8, heatmap
    for name, q in (("Median", 0.5), ("99th percentile", 0.99)):
        yield 12, 8, series(
            f"{name} of each phase",
            f"{name} of the duration of each phase, over all targets, from the histogram's buckets.", "s",
            [query("A", quantile(q, "ssh_probe_phase_duration_seconds", "phase",
                                 ALL + ', phase=~"$phase"'), "{{phase}}")],
        )


def prober_row():
    yield 8, 7, series(
        "Probes per second", "Probes completed, and those of them that failed, by prober.", "cps",
        [
            query("A", f"sum by (instance) (rate(ssh_probes_total{{{TARGET}}}[$__rate_interval]))",
                  "{{instance}} completed"),
            query("B", f"sum by (instance) (rate(ssh_probe_failures_total{{{TARGET}}}[$__rate_interval]))",
                  "{{instance}} failed"),
        ],
    )
    lag = "ssh_refusal_exporter_scheduler_lag_seconds"
    yield 8, 7, series(
        "Scheduler lag", "How much later than planned probes start: median and 99th percentile.", "s",
        [
            query("A", quantile(0.5, lag, "instance", ALL), "{{instance}} median"),
            query("B", quantile(0.99, lag, "instance", ALL), "{{instance}} 99 %"),
        ],
    )
    yield 8, 7, series(
        "Probes in flight",
        "Probes that have begun and not ended. Silent targets hold theirs until the time limit.",
        "short",
        [query("A", f"ssh_refusal_exporter_probes_in_flight{{{ALL}}}", "{{instance}}")],
    )
    yield 8, 7, series(
        "Age of the oldest result",
        "The target whose last completed probe is longest ago. It stays near the longest interval; a line "
        "that climbs is a target that is no longer probed.",
        "s",
        [query("A", "time() - min by (instance) "
                    f"(ssh_probe_last_completed_timestamp_seconds{{{TARGET}}})", "{{instance}}")],
    )
    yield 8, 7, series(
        "Scrape duration", "How long the exporter took to write its page at the last scrape.", "s",
        [query("A", f"ssh_refusal_exporter_scrape_duration_seconds{{{ALL}}}", "{{instance}}")],
    )
    memory = {
        "matcher": {"id": "byRegexp", "options": ".* memory"},
        "properties": [{"id": "unit", "value": "bytes"}, {"id": "custom.axisPlacement", "value": "right"}],
    }
    yield 8, 7, series(
        "Processor and memory", "Processor time (share of one processor, left) and resident memory (right).",
        "percentunit",
        [
            query("A", f"rate(process_cpu_seconds_total{{{ALL}}}[$__rate_interval])",
                  "{{instance}} processor"),
            query("B", f"process_resident_memory_bytes{{{ALL}}}", "{{instance}} memory"),
        ],
        overrides=[memory],
    )
    yield 8, 4, stat(
        "Last reload", "Whether the exporter accepted its configuration at the last reload.", "none",
        f"ssh_refusal_exporter_config_last_reload_successful{{{ALL}}}",
        value_mapping({0: ("rejected", BAD), 1: ("accepted", GOOD)}),
        "{{instance}}", "value_and_name",
    )
    yield 8, 4, stat(
        "Configuration in force since", "When the exporter last accepted a configuration.", "dateTimeFromNow",
        f"ssh_refusal_exporter_config_last_reload_success_timestamp_seconds{{{ALL}}} * 1000",
        by_threshold((None, PLAIN)), "{{instance}}", "value_and_name", False,
    )
    yield 8, 4, stat(
        "Version", "Version of each exporter.", "none",
        f"ssh_refusal_exporter_build_info{{{ALL}}}",
        by_threshold((None, PLAIN)), "{{version}} on {{instance}}", "name", False,
    )


def rows():
    yield "Now", now_row()
    yield "Failing targets", failing_row()
    yield "Over time", time_row()
    yield "Latency", latency_row()
    yield "Prober", prober_row()


def variables():
    chosen = "ssh_probe_cause{" + ALL
    # The repeated heatmap needs the phases' names, so that phase has no allValue in their place.
    phases = f"label_values(ssh_probe_phase_duration_seconds_count{{{ALL}}}, phase)"
    phase = variable("phase", "Phase", phases)
    del phase["allValue"]
    return common_variables("ssh_refusal_exporter_build_info") + [
        variable("layer", "Layer", f"label_values({chosen}}}, layer)"),
        variable("cause", "Cause", f'label_values({chosen}, layer=~"$layer"}}, cause)'),
        variable("target", "Target",
                 f'label_values({chosen}, layer=~"$layer", cause=~"$cause"}}, target)'),
        phase,
    ]


def fleet():
    return dashboard(
        "ssh-fleet", "SSH fleet",
        "What refuses SSH connections: every target of ssh_refusal_exporter by cause and layer, now and over "
        "time.",
        [link("ssh-host", "SSH host")], variables(), rows(),
    )
