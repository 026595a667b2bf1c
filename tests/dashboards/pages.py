"""A page of the exporter with every series that the dashboards draw, and a server that gives it."""

import http.server
import re
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden" / "metrics.txt"
# A host with a bit of everything, for the families that the golden page does not have.
HOST = HERE / "host_metrics.txt"

_SAMPLE = re.compile(r"^(\w+)(\{.*\})? (\S+)$")
_GROWING = re.compile(r"_(?:total|bucket|sum|count)$")


def families(page):
    """Name → lines, those of HELP and TYPE first, in the page's order."""
    found = {}
    for line in page.splitlines():
        help_line = re.match(r"# HELP (\w+) ", line)
        if help_line:
            lines = found[help_line[1]] = []
        lines.append(line)
    return found


def label_names(lines):
    """The sets of label names of a family's samples."""
    samples = [_SAMPLE.match(line) for line in lines if not line.startswith("#")]
    return {frozenset(re.findall(r'(\w+)="', sample[2] or "")) for sample in samples}


def sample_page():
    merged = families(HOST.read_text()) | families(GOLDEN.read_text())
    return "".join(line + "\n" for lines in merged.values() for line in lines)


def grown(page, times):
    """The page with each counter and histogram at a multiple of what it was."""
    def one(line):
        sample = _SAMPLE.match(line)
        if not sample or not _GROWING.search(sample[1]):
            return line
        return f"{sample[1]}{sample[2] or ''} {float(sample[3]) * times:.17g}"
    return "\n".join(map(one, page.splitlines())) + "\n"


class Page:
    """Serves a page on the loopback interface; its counters have grown at each scrape."""

    def __init__(self, page):
        self._scrapes = 0
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                served._scrapes += 1
                body = grown(page, served._scrapes).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
