"""What the dashboards are made of, in Grafana's JSON: queries, panels, variables, the frame, and the colours
of causes.

The causes, and the layer of each, come from the exporter's own table (exporter/model/cause.cc).
"""
import pathlib
import re
import sys

CAUSE_TABLE = pathlib.Path(__file__).resolve().parent.parent / "exporter" / "model" / "cause.cc"

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
GOOD, WARN, BAD, NEUTRAL, PLAIN = "#56A64B", "#E0B400", "#E02F44", "#3274D9", "#808080"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
ALL = 'job=~"$job", instance=~"$instance"'


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


def label_as_number(selected, label, names, by):
    """One series per `by`: which of the names the label has, counted from 1; 0 for one that is not among them.

    A state timeline draws one row per series, so each row must be ONE series whose value is its state. The
    exporter has one series per row and state, value 1. The join with constant vectors turns the label into a
    number; the panel's value mappings turn the number back into the name.
    """
    numbers = "\n    or ".join(
        f'label_replace(vector({number}), "{label}", "{name}", "", "")'
        for number, name in enumerate(names, start=1)
    )
    return (
        f"max by ({by}) (\n  {selected}\n  * on ({label}) group_left () (\n    {numbers}\n  )\n"
        f"  or {selected} * 0\n)"
    )


def cause_as_number(selected, by):
    return label_as_number(selected, "cause", [name for name, _ in causes()], by)


def rate(metric, labels=ALL):
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


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


def cause_states():
    """The states of cause_as_number."""
    states = {0: ("other", PLAIN)}
    return states | {n: (name, LAYER_COLOURS[layer]) for n, (name, layer) in enumerate(causes(), start=1)}


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


def timeline(title, description, expr, legend, states):
    """States over time, one row per series; states as for value_mapping."""
    made = panel(
        "state-timeline", title, description, "none", [query("A", expr, legend)],
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
    made["maxDataPoints"] = 400
    return made


def text_colours(column, colours):
    """A table's column whose words have colours."""
    return {
        "matcher": {"id": "byName", "options": column},
        "properties": [
            {"id": "custom.cellOptions", "value": {"type": "color-text"}},
            {"id": "mappings", "value": value_mapping({k: (k, v) for k, v in colours.items()})["mappings"]},
        ],
    }


def table(title, description, expr, columns, sort_by, renamed=None, overrides=()):
    """An instant query's series as rows: their labels in the order of `columns`, "Value" among them or not."""
    made = panel(
        "table", title, description, "none", [query("A", expr, "", True, "table")],
        {
            "showHeader": True,
            "frameIndex": 0,
            "cellHeight": "sm",
            "sortBy": [{"displayName": sort_by, "desc": False}],
        },
        {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True},
        None, overrides,
    )
    hidden = [name for name in ("Time", "__name__", "job", "Value") if name not in columns]
    made["transformations"] = [
        {
            "id": "organize",
            "options": {
                "excludeByName": {name: True for name in hidden},
                "indexByName": {name: index for index, name in enumerate(columns)},
                "renameByName": renamed or {},
            },
        }
    ]
    return made


# ---- the dashboard ----------------------------------------------------------------------------------------


def placed_panels(rows):
    """Rows and panels with ids and places: left to right on the 24 columns, then down."""
    out, y, next_id = [], 0, 1
    for title, panels in rows:
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


def common_variables(metric):
    """Data source, job and instance, from the exporters that have the metric."""
    source = {
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
    }
    return [
        source,
        variable("job", "Job", f"label_values({metric}, job)"),
        variable("instance", "Instance", f'label_values({metric}{{job=~"$job"}}, instance)'),
    ]


def link(uid, title):
    """To another dashboard. It takes no instance along: probers and hosts are seldom the same."""
    return {
        "type": "link",
        "title": title,
        "url": f"/d/{uid}?${{datasource:queryparam}}&${{job:queryparam}}",
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
        "icon": "dashboard",
        "tooltip": "",
    }


def dashboard(uid, title, description, links, variables, rows):
    """rows: (title, panels); a panel is (width, height, panel)."""
    return {
        "uid": uid,
        "title": title,
        "description": description,
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
        "links": links,
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
        "templating": {"list": variables},
        "panels": placed_panels(rows),
    }
