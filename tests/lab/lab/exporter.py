"""The program under test: `diagnose` to its end, and `serve` in the background."""

import contextlib
import gzip
import http.client
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEFAULT_BINARY = ROOT / "build" / "release" / "ssh_refusal_exporter"
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')


def binary():
    return Path(os.environ.get("SSH_REFUSAL_EXPORTER", DEFAULT_BINARY))


class Samples(list):
    """The samples of a page: (name, labels, value)."""

    @classmethod
    def parse(cls, page):
        found = cls()
        for line in page.splitlines():
            if not line or line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            assert match, f"not a sample: {line!r}"
            found.append((match[1], dict(LABEL.findall(match[2] or "")), float(match[3])))
        return found

    def all(self, name, **labels):
        return [(l, v) for n, l, v in self if n == name and all(l.get(k) == x for k, x in labels.items())]

    def value(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name}{labels}: {len(found)} series: {found}"
        return found[0][1]

    def labels(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name}{labels}: {len(found)} series: {found}"
        return found[0][0]

    def cause(self, target):
        """The one cause of a target, None before its first probe."""
        found = self.all("ssh_probe_cause", target=target)
        assert len(found) <= 1, f"more than one cause: {found}"
        return found[0][0]["cause"] if found else None


# The machine that runs the lab is not the host under test. Files and processes of its own would be
# taken for those of whichever namespace a program runs in.
NOT_HERE = {"enabled": False}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8")


class Exporter:
    """A factory; everything it has started ends with `close()`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self._running = []
        self._files = 0

    def write_config(self, config, name=None):
        """A configuration from a dict (JSON is YAML) or as text; the path of the file."""
        self._files += 1
        if not isinstance(config, str):
            config = {"local": NOT_HERE, **config}
        path = self.folder / (name or f"exporter-{self._files}.yml")
        path.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))
        return path

    def diagnose(self, namespace, *targets, probe=None, timeout=None, wait=60, prefix=()):
        """`diagnose --json`: one dict per target. `probe` are keys of the `probe:` section."""
        argv = [*prefix, binary(), "diagnose", "--json"]
        probe = dict(probe or {})
        if timeout is not None:
            probe["timeout"] = f"{timeout}s"
        argv += ["--config.file", self.write_config({"probe": probe})]
        done = namespace.run([*argv, *targets], check=False, text=False, timeout=wait, stderr=subprocess.PIPE)
        context = f"exit {done.returncode}\n{done.stdout[:4000]!r}\n{done.stderr[:2000]!r}"
        assert done.returncode in (0, 1), context
        try:
            found = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
        except ValueError as error:
            raise AssertionError(f"not JSON, one object a line: {error}: {context}") from None
        assert len(found) == len(targets), context
        assert done.returncode == (0 if all(f["success"] for f in found) else 1), context
        for result in found:
            result["stderr"] = done.stderr.decode("utf-8", "replace")
        return found

    def serve(self, namespace, config, port=10062, address="127.0.0.1", flags=(), ready=True, prefix=()):
        """Start `serve` with a configuration (dict, text, or a path) and wait until it is ready."""
        path = config if isinstance(config, Path) else self.write_config(config)
        running = Running(self, namespace, path, port, address, flags, prefix)
        self._running.append(running)
        if ready:
            running.wait_ready()
        return running

    def close(self):
        for running in self._running:
            running.kill()


class Running:
    def __init__(self, exporter, namespace, config, port, address, flags, prefix):
        self.namespace, self.config, self.port, self.address = namespace, config, port, address
        self.log_path = exporter.folder / f"exporter-{port}-{len(exporter._running)}.log"
        host = f"[{address}]" if ":" in address else address
        self.argv = [*prefix, binary(), f"--config.file={config}", f"--web.listen-address={host}:{port}",
                     *flags]
        with open(self.log_path, "wb") as log:
            self.process = namespace.popen(self.argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_ready(self, seconds=10):
        deadline = time.monotonic() + seconds
        while True:
            assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.log()}"
            try:
                if self.get("/-/ready").status == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, f"not ready after {seconds} s:\n{self.log()}"
            time.sleep(0.05)

    def open(self, timeout=10.0):
        """A raw TCP connection to it."""
        return self.namespace.connect(self.address, self.port, timeout)

    def request(self, method, path, headers=None, body=None, timeout=10.0):
        connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        connection.sock = self.open(timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            data = answer.read()
            if answer.getheader("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
            return Answer(answer.status, answer.headers, data)
        except http.client.HTTPException as error:
            raise OSError(f"{method} {path}: {error!r}") from None
        finally:
            connection.close()

    def get(self, path, headers=None, timeout=10.0):
        return self.request("GET", path, headers, timeout=timeout)

    def metrics(self, path="/metrics"):
        answer = self.get(path)
        assert answer.status == 200, answer.text
        return Samples.parse(answer.text)

    def wait_for(self, condition, seconds=15, every=0.2):
        """The first page of samples for which condition(samples) is true."""
        deadline = time.monotonic() + seconds
        while True:
            samples = self.metrics()
            if condition(samples):
                return samples
            assert time.monotonic() < deadline, f"not seen within {seconds} s:\n{self._told(samples)}"
            time.sleep(every)

    def _told(self, samples):
        """What a failed case shows: the page but for histograms and zeros, and the end of the log."""
        shown = [s for s in samples if s[2] and "le" not in s[1] and not s[0].startswith("process_")]
        return "\n".join(map(str, shown)) + "\n" + self.log()[-3000:]

    def wait_for_causes(self, *targets, seconds=15):
        """The samples once every target has a cause."""
        return self.wait_for(lambda samples: all(samples.cause(t) for t in targets), seconds)

    def reload(self):
        """SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self, seconds=5.0):
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)
