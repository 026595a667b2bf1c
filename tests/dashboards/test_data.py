"""Every query and variable of the dashboards against a real Prometheus that scrapes a page of the exporter."""

import json
import math
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from exporter_facts import impossible
from pages import GOLDEN, HOST, Page, families, label_names, sample_page
from panels import DASHBOARDS, load, queries, substitute

PATIENCE = 30
# Scraped every second: five scrapes for a rate.
INTERVALS = {"$__rate_interval": "5s", "$__interval": "1s", "$__range": "30s"}

QUERIES = {f"{path.stem}/{query.id}": query for path in DASHBOARDS for query in queries(load(path))}
VARIABLES = {f"{path.stem}/{variable['name']}": variable["query"]["query"] for path in DASHBOARDS
             for variable in load(path)["templating"]["list"] if variable["type"] == "query"}


class Prometheus:
    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"

    def get(self, path, **parameters):
        url = f"{self.address}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.address}/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def has_data(self, query):
        """At least one sample that is a number."""
        expr = substitute(query.expr, INTERVALS)
        if query.instant:
            result = self.get("/api/v1/query", query=expr)["result"]
        else:
            now = time.time()
            result = self.get("/api/v1/query_range", query=expr, start=now - 30, end=now, step=1)["result"]
        values = [value for series in result for _, value in series.get("values", [series.get("value")])]
        return any(not math.isnan(float(value)) for value in values)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    if not shutil.which("prometheus"):
        impossible("there is no prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    page = Page(sample_page())
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [
        {"job_name": "ssh_refusal", "static_configs": [{"targets": [f"127.0.0.1:{page.port}"]}]}]}
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(config))         # JSON is YAML
    port = free_port()
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
            stdout=log, stderr=subprocess.STDOUT)
    try:
        api = Prometheus(port)
        wait_until(lambda: api.is_ready() or process.poll() is not None, "Prometheus is not ready")
        assert process.poll() is None, (folder / "log").read_text()
        scraped = 'count_over_time(up{job="ssh_refusal"}[1m]) >= 3'
        wait_until(lambda: api.get("/api/v1/query", query=scraped)["result"], "nothing is scraped")
        up = api.get("/api/v1/query", query="up == 1")["result"]
        assert up, f"the page is not accepted: {api.get('/api/v1/targets')}"
        yield api
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        page.close()


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_every_query_has_data(prometheus, query):
    wait_until(lambda: prometheus.has_data(query), f"no data: {query.expr}")


@pytest.mark.parametrize("text", VARIABLES.values(), ids=VARIABLES.keys())
def test_every_variable_has_values(prometheus, text):
    expr, label = text.removeprefix("label_values(").rstrip(")").rsplit(", ", 1)
    # A bare name is a selector as well; Grafana sends both alike.
    assert prometheus.get(f"/api/v1/label/{label}/values", **{"match[]": substitute(expr)})


def test_the_sample_is_as_the_golden_page():
    """Families of both have the same type and labels: the sample says nothing that the exporter does not."""
    golden, sample = families(GOLDEN.read_text()), families(HOST.read_text())
    for name in golden.keys() & sample.keys():
        assert label_names(sample[name]) <= label_names(golden[name]), name
        assert golden[name][1] == sample[name][1], name
