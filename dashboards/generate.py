#!/usr/bin/env python3
"""Writes ssh-fleet.json, the Grafana dashboard, from the panels below.

    dashboards/generate.py            writes it
    dashboards/generate.py --check    exits 1 if the file differs

The causes, and the layer of each, come from the exporter's own table (exporter/model/cause.cc): a new cause
gets its colour and its state in the timeline by running this again.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
CAUSE_TABLE = HERE.parent / "exporter" / "model" / "cause.cc"
OUTPUT = HERE / "ssh-fleet.json"

# One colour per layer, told apart on both themes.
LAYER_COLOURS = {
    "none": "#56A64B",
    "dns": "#8F3BB8",
    "client": "#3274D9",
    "network": "#0F9D9D",
    "cloud_firewall": "#FFA657",
    "host_firewall": "#FF780A",
    "access_policy": "#E0B400",
    "service": "#E02F44",
    "binding": "#D6409F",
    "overload": "#A0612B",
    "protocol": "#5794F2",
    "auth": "#B877D9",
    "unknown": "#808080",
}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
ALL = 'job=~"$job", instance=~"$instance"'
BY_CAUSE = ALL + ', layer=~"$layer", cause=~"$cause"'
TARGET = ALL + ', target=~"$target"'
TARGET_CAUSE = BY_CAUSE + ', target=~"$target"'


def causes():
    """(cause, layer) of every row of the exporter's table, in its order."""
    rows = re.findall(r'\{Cause::\w+,\s*"(\w+)",\s*Layer::(\w+),', CAUSE_TABLE.read_text())
    if not rows or len({name for name, _ in rows}) != len(rows):
        sys.exit(f"{CAUSE_TABLE}: no table of causes that this script understands")
    for name, layer in rows:
        if layer not in LAYER_COLOURS:
            sys.exit(f"{CAUSE_TABLE}: layer {layer} of {name} has no colour in {__file__}")
    return rows


# ---- queries ----------------------------------------------------------------------------------------------


def cause_as_number():
    """Each target's cause as its row number in the table, 0 for one that the table does not have.

    A state timeline draws one row per series, so each target must be ONE series whose value is its state. The
    exporter has one series per (target, cause), value 1. The join with constant vectors turns the label into
    a number; the panel's value mappings turn the number back into the name. Targets that never failed in the
    shown time are left out first: they are most of a fleet, and the join is the costly part.
    """
    failed = f"min_over_time(ssh_probe_success{{{TARGET}}}[$__range] @ end()) == 0"
    selected = f"(ssh_probe_cause{{{TARGET_CAUSE}}} and on (job, instance, target) {failed})"
    numbers = "\n    or ".join(
        f'label_replace(vector({number}), "cause", "{name}", "", "")'
        for number, (name, _) in enumerate(causes(), start=1)
    )
    return (
        f"max by (instance, target) (\n  {selected}\n  * on (cause) group_left () (\n    {numbers}\n  )\n"
        f"  or {selected} * 0\n)"
    )


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


def quantile(q, metric, by, labels):
    buckets = f"rate({metric}_bucket{{{labels}}}[$__rate_interval])"
    return f"histogram_quantile({q}, sum by ({by}, le) ({buckets}))"


# ---- parts of a panel -------------------------------------------------------------------------------------


def query(ref, expr, legend="", instant=False, kind="time_series"):
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": expr,
        "legendFormat": legend,
        "instant": instant,
        "range": not instant,
        "format": kind,
    }


def panel(kind, title, description, unit, queries, options, custom=None, defaults=None, overrides=()):
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": queries,
        "options": options,
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "color": {"mode": "palette-classic"},
                "custom": custom or {},
                **(defaults or {}),
            },
            "overrides": list(overrides),
        },
    }


def fixed_colour(name, colour):
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }


def cause_colours():
    return [fixed_colour(name, LAYER_COLOURS[layer]) for name, layer in causes()]


def layer_colours():
    return [fixed_colour(layer, colour) for layer, colour in LAYER_COLOURS.items()]


def thresholds(*steps):
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}


def by_threshold(*steps):
    return {"color": {"mode": "thresholds"}, "thresholds": thresholds(*steps)}


def value_mapping(states):
    """states: value → (text, colour)."""
    return {
        "mappings": [
            {
                "type": "value",
                "options": {
                    str(value): {"text": text, "color": colour, "index": index}
                    for index, (value, (text, colour)) in enumerate(states.items())
                },
            }
        ]
    }


REDUCE_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
LEGEND_TABLE = {
    "legend": {
        "displayMode": "table",
        "placement": "right",
        "showLegend": True,
        "calcs": ["lastNotNull", "max"],
        "sortBy": "Last *",
        "sortDesc": True,
    },
    "tooltip": {"mode": "multi", "sort": "desc"},
}
LEGEND_LIST = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
NO_LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []}
LINES = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 5, "showPoints": "never", "spanNulls": False}
STACKED = {**LINES, "fillOpacity": 60, "lineWidth": 0, "stacking": {"mode": "normal", "group": "A"}}


def stat(title, description, unit, expr, defaults, legend="", text="auto", background=True):
    options = {
        "reduceOptions": REDUCE_LAST,
        "colorMode": "background" if background else "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "textMode": text,
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
    }
    return panel("stat", title, description, unit, [query("A", expr, legend, True)], options, None, defaults)


def bars(title, description, unit, expr, legend, overrides):
    options = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "valueMode": "color",
        "namePlacement": "left",
        "sizing": "auto",
        "minVizHeight": 16,
        "minVizWidth": 8,
        "maxVizHeight": 300,
        "showUnfilled": True,
        "reduceOptions": REDUCE_LAST,
        "legend": NO_LEGEND,
    }
    queries = [query("A", expr, legend, True)]
    return panel("bargauge", title, description, unit, queries, options, None, {"min": 0}, overrides)


def series(title, description, unit, queries, custom=LINES, overrides=(), options=LEGEND_LIST, minimum=0):
    defaults = {"min": minimum}
    return panel("timeseries", title, description, unit, queries, options, custom, defaults, overrides)


# ---- the dashboard ----------------------------------------------------------------------------------------


def now_row():
    grey_when_zero = by_threshold((None, "#808080"), (1, "#E02F44"))
    yield 4, 4, stat(
        "Targets", "SSH endpoints that are probed and have a result.", "short",
        f"sum(ssh_targets{{{ALL}}})",
        by_threshold((None, "#808080"), (1, "#3274D9")),
    )
    yield 4, 4, stat(
        "Refused now", "Targets that a new connection cannot get into, for whatever cause.", "short",
        f'sum(ssh_targets{{{BY_CAUSE}, cause!="none"}}) or vector(0)',
        by_threshold((None, "#56A64B"), (1, "#E02F44")),
    )
    yield 4, 4, stat(
        "Reachable", "Share of the targets whose last probe reached the configured depth.", "percentunit",
        f'(sum(ssh_targets{{{ALL}, cause="none"}}) or vector(0)) / sum(ssh_targets{{{ALL}}})',
        {**by_threshold((None, "#E02F44"), (0.95, "#E0B400"), (1, "#56A64B")), "max": 1, "min": 0},
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
    hidden = {"Time": True, "__name__": True, "job": True}
    order = ["target", "cause", "layer", "confidence", "stage", "outcome", "responder", "role", "signal",
             "instance", "Value"]
    table = panel(
        "table", "Failing targets",
        "Every target that refuses now: the cause and how sure it is, the raw observation (stage, outcome), "
        "who answered (responder, role, signal) if anybody did, and when it was seen last.",
        "none",
        [query("A", failing_targets(), "", True, "table")],
        {
            "showHeader": True,
            "frameIndex": 0,
            "cellHeight": "sm",
            "sortBy": [{"displayName": "target", "desc": False}],
        },
        {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True},
        None,
        [
            {
                "matcher": {"id": "byName", "options": "layer"},
                "properties": [
                    {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                    {
                        "id": "mappings",
                        "value": value_mapping({k: (k, v) for k, v in LAYER_COLOURS.items()})["mappings"],
                    },
                ],
            },
            {
                "matcher": {"id": "byName", "options": "seen"},
                "properties": [{"id": "unit", "value": "dateTimeFromNow"}],
            },
        ],
    )
    table["transformations"] = [
        {
            "id": "organize",
            "options": {
                "excludeByName": hidden,
                "indexByName": {name: index for index, name in enumerate(order)},
                "renameByName": {"Value": "seen", "instance": "prober"},
            },
        }
    ]
    yield 24, 9, table


def time_row():
    states = {0: ("other", "#808080")}
    states |= {n: (name, LAYER_COLOURS[layer]) for n, (name, layer) in enumerate(causes(), start=1)}
    timeline = panel(
        "state-timeline", "Cause by target",
        "One row for each target that failed within the shown time: what kept it out, and when. Colours tell "
        "the layer, green is well; a gap is a time without a result. The query joins each cause with its number, and value mappings turn "
        "the numbers back into names, because a state timeline needs one series with one value per row. "
        "\"other\" is a cause newer than this dashboard.",
        "none",
        [query("A", cause_as_number(), "{{target}} ({{instance}})")],
        {
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.85,
            "perPage": 25,
            "legend": NO_LEGEND,
            "tooltip": {"mode": "single", "sort": "none"},
        },
        {"fillOpacity": 80, "lineWidth": 0},
        value_mapping(states),
    )
    timeline["maxDataPoints"] = 400
    yield 24, 12, timeline
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
            "exemplars": {"color": "#808080"},
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
        value_mapping({0: ("rejected", "#E02F44"), 1: ("accepted", "#56A64B")}),
        "{{instance}}", "value_and_name",
    )
    yield 8, 4, stat(
        "Configuration in force since", "When the exporter last accepted a configuration.", "dateTimeFromNow",
        f"ssh_refusal_exporter_config_last_reload_success_timestamp_seconds{{{ALL}}} * 1000",
        by_threshold((None, "#808080")), "{{instance}}", "value_and_name", False,
    )
    yield 8, 4, stat(
        "Version", "Version of each exporter.", "none",
        f"ssh_refusal_exporter_build_info{{{ALL}}}",
        by_threshold((None, "#808080")), "{{version}} on {{instance}}", "name", False,
    )


def rows():
    yield "Now", now_row()
    yield "Failing targets", failing_row()
    yield "Over time", time_row()
    yield "Latency", latency_row()
    yield "Prober", prober_row()


def placed_panels():
    """Rows and panels with ids and places: left to right on the 24 columns, then down."""
    out, y, next_id = [], 0, 1
    for title, panels in rows():
        out.append({"type": "row", "id": next_id, "title": title, "collapsed": False, "panels": [],
                    "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        next_id += 1
        x, y, line_height = 0, y + 1, 0
        for width, height, one in panels:
            if x + width > 24:
                x, y, line_height = 0, y + line_height, 0
            out.append({"id": next_id, **one, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
            next_id += 1
            x, line_height = x + width, max(line_height, height)
        y += line_height
    return out


def variable(name, label, expr):
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": {"qryType": 1, "query": expr, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
        "regex": "",
        "hide": 0,
        "skipUrlSync": False,
    }


def variables():
    chosen = "ssh_probe_cause{" + ALL
    # The repeated heatmap needs the phases' names, so that phase has no allValue in their place.
    phases = f"label_values(ssh_probe_phase_duration_seconds_count{{{ALL}}}, phase)"
    phase = variable("phase", "Phase", phases)
    del phase["allValue"]
    return [
        {
            "type": "datasource",
            "name": "datasource",
            "label": "Data source",
            "query": "prometheus",
            "current": {"selected": False, "text": "default", "value": "default"},
            "hide": 0,
            "includeAll": False,
            "multi": False,
            "options": [],
            "refresh": 1,
            "regex": "",
            "skipUrlSync": False,
        },
        variable("job", "Job", "label_values(ssh_refusal_exporter_build_info, job)"),
        variable("instance", "Instance",
                 'label_values(ssh_refusal_exporter_build_info{job=~"$job"}, instance)'),
        variable("layer", "Layer", f"label_values({chosen}}}, layer)"),
        variable("cause", "Cause", f'label_values({chosen}, layer=~"$layer"}}, cause)'),
        variable("target", "Target",
                 f'label_values({chosen}, layer=~"$layer", cause=~"$cause"}}, target)'),
        phase,
    ]


def dashboard():
    return {
        "uid": "ssh-fleet",
        "title": "SSH fleet",
        "description": "What refuses SSH connections: every target of ssh_refusal_exporter by cause and "
                       "layer, now and over time.",
        "tags": ["ssh", "ssh_refusal_exporter"],
        "schemaVersion": 42,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "liveNow": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "weekStart": "",
        "fiscalYearStartMonth": 0,
        "preload": False,
        "links": [
            {
                "type": "dashboards",
                "title": "SSH dashboards",
                "tags": ["ssh_refusal_exporter"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "annotations": {
            "list": [
                {
                    "name": "Annotations & Alerts",
                    "type": "dashboard",
                    "builtIn": 1,
                    "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                    "enable": True,
                    "hide": True,
                    "iconColor": "rgba(0, 211, 255, 1)",
                }
            ]
        },
        "templating": {"list": variables()},
        "panels": placed_panels(),
    }


def main():
    text = json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--check"]:
        if not OUTPUT.exists() or OUTPUT.read_text() != text:
            sys.exit(f"{OUTPUT.name} differs from what generate.py writes: run dashboards/generate.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        OUTPUT.write_text(text)


if __name__ == "__main__":
    main()
