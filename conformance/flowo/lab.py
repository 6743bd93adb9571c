"""What the tests need: a flowod of their own, its public API, a real Snakemake, a recording proxy.

Knows nothing of individual workflows and expects nothing of them. The clients are the published programs,
unmodified, and run as a person would run them. Standard library only; times are in seconds.
"""

import http.client
import json
import os
import pprint
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WORKFLOWS = Path(__file__).parent / "workflows"
CLIENTS = Path(sys.executable).parent
"""The directory of `snakemake` and `flowo`: that of the Python that runs the tests."""

START = 120
"""The first start creates a PostgreSQL cluster, which may take long on a busy machine."""

STOP = 60
RUN = 90
"""Longer than any workflow here takes, but not longer than anyone would wait."""

DECIDED_BY_THE_TESTS = re.compile(
    r"FLOWO_(HOST|USER_TOKEN|WORKING_PATH|LISTEN|DATA_DIR|HEARTBEAT_.*|QUIET_.*)"
    r"|PORT|DATABASE_URL|POSTGRES_.*|PG[A-Z]+|SNAKEMAKE_.*|PYTHON.*|XDG_.*|HOME"
)
"""Variables of the caller's environment that would change what a test sees."""

# A shell without job control starts background processes with SIGINT ignored. A Snakemake started by us would inherit
# that and could never be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)


def until(look, wanted, what, seconds):
    """Returns the result of `look()` as soon as `wanted` is true of it.

    Fails after `seconds`, and then prints `what` it waited for and the last result.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if wanted(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not within {seconds} s: {what}; last seen:\n{pprint.pformat(seen)}"
            )
        time.sleep(0.05)


def environment(home, **extra):
    """The caller's environment as it would be for a user whose home is `home`."""
    kept = {k: v for k, v in os.environ.items() if not DECIDED_BY_THE_TESTS.fullmatch(k)}
    return {
        # The tools that flowod may need are in the caller's cache, not in that of `home`.
        "FLOWO_CACHE": str(Path("~/.cache/flowo").expanduser()),
        **kept,
        "PATH": f"{CLIENTS}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        **extra,
    }


class Flowod:
    """A server on a free loopback port, with its own home and database.

    `settings` are environment variables. The clients use the same home, so they find the address and the
    token where the server wrote them.
    """

    def __init__(self, **settings):
        self.binary = os.environ["FLOWOD"]
        self.site = os.environ["FLOWO_SITE_DIR"]
        self.settings = settings
        # PostgreSQL may run as another user, who must be able to reach its directory.
        self.base = Path(tempfile.mkdtemp(prefix="flowo-")).resolve()
        self.base.chmod(0o755)
        self.home = self.base / "home"
        self.data = self.base / "data"
        self.home.mkdir()
        self.log = self.base / "flowod.log"
        self.listen = "127.0.0.1:0"
        self.process = None

    def start(self):
        """Starts the server and waits for its three lines; a second start keeps the port."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "--listen", self.listen, "--data-dir", str(self.data)],
                env=environment(self.home, FLOWO_SITE_DIR=self.site, **self.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        lines = self.said = []
        threading.Thread(target=self._read, args=(self.process, lines), daemon=True).start()
        lines, ended = until(
            lambda: (list(lines), self.process.poll()),
            lambda seen: len(seen[0]) >= 3 or seen[1] is not None,
            "the three lines of a started server",
            START,
        )
        ready = re.fullmatch(r"Flowo \S+ is ready at (http://\S+)", lines[0]) if lines else None
        if not ready or ended is not None:
            raise AssertionError(f"flowod did not start ({ended}): {lines}\n{self.log_tail()}")
        self.url = ready[1]
        self.listen = urllib.parse.urlsplit(self.url).netloc
        self.config = tomllib.loads((self.home / ".config/flowo/config.toml").read_text())
        self.api = Api(self.url, self.config["FLOWO_USER_TOKEN"])

    @staticmethod
    def _read(process, lines):
        with process.stdout:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))

    def stop(self):
        """Asks the server to stop; it must leave nothing running."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP)
        left = [str(path) for path in self.data.rglob("postmaster.pid")]
        if status != 0 or left:
            raise AssertionError(f"flowod ended with {status}, left {left}\n{self.log_tail()}")

    def kill(self):
        """Kills the server in the middle of its work."""
        self.process.kill()
        self.process.wait(STOP)

    def destroy(self):
        """Removes every trace, whatever state a failed test has left."""
        if self.process and self.process.poll() is None:
            self.kill()
        for path in self.data.rglob("postmaster.pid"):
            try:
                os.kill(int(path.read_text().split()[0]), signal.SIGQUIT)
            except (OSError, ValueError, IndexError):
                pass  # It has ended in the meantime.
        shutil.rmtree(self.base, ignore_errors=True)

    def log_tail(self):
        return self.log.read_text(errors="replace")[-4000:]


class Api:
    """The public read API, as the owner of the token sees it."""

    def __init__(self, url, token):
        self.prefix = f"{url}/api/flowo/v1"
        self.token = token

    def get(self, path, **query):
        url = f"{self.prefix}{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"GET {url}: {error.code} {error.read()[:2000]!r}") from error

    def pages(self, path, **query):
        """The pages of a list, from first to last, each a list of items."""
        pages, cursors = [], set()
        while True:
            page = self.get(path, **query)
            pages.append(page["items"])
            if page["next"] is None:
                return pages
            assert page["next"] not in cursors, f"{path} repeats the page after {page['next']}"
            cursors.add(page["next"])
            query["after"] = page["next"]

    def items(self, path, **query):
        return [item for page in self.pages(path, **query) for item in page]

    def runs(self, directory):
        """The runs that were started in `directory`, in the order of their starts."""
        runs = self.items("/runs", sort="started:asc", limit=200)
        return [run for run in runs if run["directory"] == str(directory)]

    def run(self, run_id):
        return self.get(f"/runs/{run_id}")

    def jobs(self, run_id, attempts="all"):
        return self.items(f"/runs/{run_id}/jobs", attempts=attempts, limit=500)

    def rules(self, run_id):
        return {rule["name"]: rule for rule in self.items(f"/runs/{run_id}/rules")}


class Snakemake:
    """A running Snakemake that reports through Flowo's plugin.

    Address and token come from the config file in the home of `server`, unless `settings` (environment
    variables) override them.
    """

    def __init__(self, server, directory, *arguments, **settings):
        self.directory = directory
        self.console_file = directory / "console.txt"
        with self.console_file.open("ab") as console:
            self.process = subprocess.Popen(
                [CLIENTS / "snakemake", "--logger", "flowo", *arguments],
                cwd=directory,
                env=environment(server.home, **settings),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                # A process group of its own, so that `end` also finds the jobs of a killed Snakemake.
                start_new_session=True,
            )

    def signal(self, number):
        """Sends a signal to Snakemake alone, not to its jobs."""
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end and returns the exit status, negative for a signal."""
        try:
            return self.process.wait(RUN)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"Snakemake still runs:\n{self.console()}") from error

    def console(self):
        return self.console_file.read_text(errors="replace")

    def end(self):
        """Ends what is left of Snakemake and its jobs."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # All have ended.
        self.process.wait(STOP)


@dataclass(frozen=True)
class Exchange:
    """One request of a client, and the status of the server's answer."""

    path: str
    event: str | None
    record: dict | None
    status: int


class Witness:
    """Forwards requests to `url` unchanged and records the server's answers.

    `answered` is called with each exchange after the server has answered and before the client gets the
    answer. If the server is down, the client gets 502.
    """

    def __init__(self, url, answered=lambda exchange: None):
        target = urllib.parse.urlsplit(url).netloc
        exchanges = self.exchanges = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, kind, answer = self.pass_on(body)
                said = json.loads(body) if body else {}
                exchange = Exchange(self.path, said.get("event"), said.get("record"), status)
                exchanges.append(exchange)
                answered(exchange)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def pass_on(self, body):
                server = http.client.HTTPConnection(target, timeout=10)
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("host", "connection", "accept-encoding")
                }
                try:
                    server.request("POST", self.path, body, headers)
                    answer = server.getresponse()
                    kind = answer.getheader("Content-Type", "application/octet-stream")
                    return answer.status, kind, answer.read()
                except (OSError, http.client.HTTPException) as error:
                    return 502, "text/plain", str(error).encode()
                finally:
                    server.close()

            def log_message(self, *_):
                """Prints nothing: everything relevant is in `exchanges`."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def statuses(self):
        return {exchange.status for exchange in self.exchanges}

    def records(self, event):
        """The records of the accepted events with that name, in order."""
        return [
            exchange.record
            for exchange in self.exchanges
            if exchange.event == event and exchange.status == 200
        ]
