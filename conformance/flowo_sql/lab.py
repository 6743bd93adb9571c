"""What the tests need: a database of their own with our schema, a real Snakemake, a second session.

Knows nothing of individual workflows and expects nothing of them. The client is the published plugin,
unmodified; its environment says where to write. Uses the standard library and psycopg2, which the plugin
brings; times are in seconds.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import psycopg2.extras

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORKFLOWS = HERE.parent / "flowo/workflows"
"""The workflows of the newer plugin's tests: what they do does not depend on the plugin that reports."""

CLIENTS = Path(sys.executable).parent
"""The directory of `snakemake`: that of the Python that runs the tests."""

RUN = 90
"""Longer than any workflow here takes, but not longer than anyone would wait."""

STOP = 10

DECIDED_BY_THE_TESTS = re.compile(
    r"FLOWO_.*|PORT|DATABASE_URL|POSTGRES_.*|PG[A-Z]+|SNAKEMAKE_.*|PYTHON.*|XDG_.*|HOME|TZ|SQL_ECHO"
)
"""Variables of the caller's environment that would change what a test sees."""

# A shell without job control starts background processes with SIGINT ignored. A Snakemake started by us would inherit
# that and could never be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)

psycopg2.extras.register_uuid()


def until(look, wanted, what, seconds):
    """Returns the result of `look()` as soon as `wanted` is true of it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if wanted(seen):
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {seen}")
        time.sleep(0.05)


class Database:
    """A new database in the cluster of `DATABASE_URL`, with our tables, scripts and one writer.

    Its owner may log in and nothing else: the views must not need a superuser. `DATABASE_URL` names a
    superuser of a disposable cluster, because roles are created in it.
    """

    PASSWORD = "flowo password"

    def __init__(self):
        self.url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
        name = f"flowo_sql_{os.getpid()}_{time.monotonic_ns()}"
        self.name, self.owner, self.writer = name, f"{name}_owner", f"{name}_writer"
        with self.session(None, os.environ["DATABASE_URL"]) as admin:
            admin.execute(f"create role {self.owner} login password '{self.PASSWORD}'")
            admin.execute(f"create role {self.writer} login password '{self.PASSWORD}'")
            admin.execute(f"create database {name} owner {self.owner}")
        with self.session(self.owner) as owner:
            for script in (*sorted(ROOT.glob("migrations/*.sql")), *self.scripts()):
                owner.execute(script.read_text())
            owner.execute("select ensure_daily_partitions(7)")
        with self.session(None) as admin:
            admin.execute("select flowo_sql.allow(%s)", [self.writer])

    @staticmethod
    def scripts():
        return sorted(ROOT.glob("init-db/*.sql"))

    def address(self):
        """Host and port in libpq's form; the host may be the directory of a socket."""
        query = dict(urllib.parse.parse_qsl(self.url.query))
        return query.get("host", self.url.hostname), int(query.get("port", self.url.port or 5432))

    @contextmanager
    def session(self, user, url=None, autocommit=True):
        """A cursor of a connection as that role; `None` is the superuser."""
        host, port = self.address()
        if url:
            connection = psycopg2.connect(url)
        elif user:
            connection = psycopg2.connect(
                dbname=self.name, user=user, password=self.PASSWORD, host=host, port=port
            )
        else:
            connection = psycopg2.connect(
                dbname=self.name,
                user=self.url.username,
                password=self.url.password,
                host=host,
                port=port,
            )
        connection.autocommit = autocommit
        try:
            with connection.cursor(cursor_factory=psycopg2.extras.DictCursor) as cursor:
                yield cursor
        finally:
            connection.close()

    def client(self, user=None):
        """The environment of a client that writes here as that role."""
        host, port = self.address()
        socket = host.startswith("/")
        return {
            "POSTGRES_USER": user or self.writer,
            "POSTGRES_PASSWORD": urllib.parse.quote(self.PASSWORD),
            # The plugin builds a URL from its settings; a socket's directory can only be given after the database name.
            "POSTGRES_HOST": "localhost" if socket else host,
            "POSTGRES_PORT": str(port),
            "POSTGRES_DB": f"{self.name}?host={host}" if socket else self.name,
        }

    def drop(self):
        with self.session(None, os.environ["DATABASE_URL"]) as admin:
            admin.execute(f"drop database {self.name} with (force)")
            admin.execute(f"drop role {self.writer}")
            admin.execute(f"drop role {self.owner}")


class Snakemake:
    """A running Snakemake of a user in Shanghai; with `settings` it reports through the plugin."""

    def __init__(self, directory, *arguments, settings=None):
        self.directory = directory
        self.console_file = directory / "console.txt"
        kept = {k: v for k, v in os.environ.items() if not DECIDED_BY_THE_TESTS.fullmatch(k)}
        home = directory.parent
        logger = ("--logger", "flowo") if settings else ()
        with self.console_file.open("ab") as console:
            self.process = subprocess.Popen(
                [CLIENTS / "snakemake", *logger, *arguments],
                cwd=directory,
                env={
                    **kept,
                    "PATH": f"{CLIENTS}{os.pathsep}{os.environ['PATH']}",
                    "HOME": str(home),
                    "XDG_CACHE_HOME": str(home / ".cache"),
                    "TZ": "Asia/Shanghai",
                    **(settings or {}),
                },
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


class Place:
    """A directory for workflows and a home for their user."""

    def __init__(self):
        self.base = Path(tempfile.mkdtemp(prefix="flowo-sql-")).resolve()

    def lay_out(self, workflow, name):
        return Path(shutil.copytree(WORKFLOWS / workflow, self.base / name))

    def remove(self):
        shutil.rmtree(self.base, ignore_errors=True)
