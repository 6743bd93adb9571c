"""The published Panoptes clients, unmodified, against our server.

`CLIENTS` in the environment lists them, as JSON from version to the directory of its `snakemake`. `PANOPTES`
is the program of Panoptes itself, whose database is imported. Each client runs workflows of `workflows/` as a
person would, with and without a token. The result is read from the server over Panoptes' own API and over
ours. How Snakemake ends is compared with how it ends without a monitor.
"""

import datetime
import email.utils
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flowo"))

from lab import RUN, Flowod, environment, until  # noqa: E402

WORKFLOWS = HERE / "workflows"
VERSIONS = {version: Path(place) for version, place in json.loads(os.environ["CLIENTS"]).items()}
IN_ADDRESS = "in the address"
"""A token that a client knows only as part of the address."""


def generation(version):
    """The client's generation, 1 to 5, according to what it sends."""
    numbers = tuple(int(part) for part in version.split("."))
    return 1 + sum(numbers >= first for first in [(5, 32), (7, 32), (8, 0), (9, 0)])


class Panoptes:
    """Panoptes' API as its users see it."""

    def __init__(self, url, token=None):
        self.url, self.token = url, token

    def get(self, path):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def newest(self):
        workflows = self.get("/api/workflows")["workflows"]
        return workflows[-1] if workflows else None

    def jobs(self, workflow):
        return self.get(f"/api/workflow/{workflow['id']}/jobs")["jobs"]


class Clients(unittest.TestCase):
    """One server for all tests; the old port is open to programs on this machine."""

    maxDiff = None
    plain_ends = {}
    """How each version ends a workflow without a monitor."""

    @classmethod
    def setUpClass(cls):
        cls.server = Flowod(FLOWO_PANOPTES_LISTEN="127.0.0.1:0")
        cls.addClassCleanup(cls.server.destroy)
        cls.server.start()
        said = until(lambda: list(cls.server.said), lambda lines: len(lines) > 3, "the old port", 20)
        cls.old_port = said[3].split()[2]
        cls.token = cls.server.config["FLOWO_USER_TOKEN"]
        cls.panoptes = Panoptes(cls.server.url, cls.token)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def lay_out(self, workflow, *more):
        directory = self.server.home / "_".join([self._testMethodName, workflow, *more])
        shutil.copytree(WORKFLOWS / workflow, directory)
        return directory

    def start(self, version, directory, *arguments, monitor=(), **settings):
        command = [VERSIONS[version] / "snakemake", "--cores", "2", "-s", "Snakefile", *arguments, *monitor]
        self.console = directory / "console.txt"
        with self.console.open("wb") as console:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=environment(self.server.home, PATH=f"{VERSIONS[version]}{os.pathsep}{os.environ['PATH']}", **settings),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # All have ended.
        process.wait(RUN)

    def run_once(self, version, directory, *arguments, **settings):
        process = self.start(version, directory, *arguments, **settings)
        try:
            return process.wait(RUN)
        except subprocess.TimeoutExpired:
            self.fail(f"Snakemake still runs:\n{self.console.read_text()}")

    def plain_end(self, version, workflow, *arguments):
        """How Snakemake ends without a monitor."""
        key = (version, workflow, arguments)
        if key not in self.plain_ends:
            directory = self.lay_out(workflow, version, "plain", *arguments)
            self.plain_ends[key] = self.run_once(version, directory, *arguments)
        return self.plain_ends[key]

    def monitor(self, version, token):
        """The arguments and the environment with which a client reports here."""
        host = self.server.url.removeprefix("http://")
        if generation(version) == 5:
            # This client has no setting for a token, so the token is in the URL.
            address = f"http://lab:{self.token}@{host}" if token else self.old_port
            return ("--logger", "panoptes", "--logger-panoptes-address", address), {}
        if generation(version) == 1:
            return ("--wms-monitor", f"http://lab:{self.token}@{host}" if token else self.old_port), {}
        if token == IN_ADDRESS:
            return ("--wms-monitor", f"{self.server.url}/t/{self.token}"), {}
        settings = {"WMS_MONITOR_TOKEN": self.token} if token else {}
        return ("--wms-monitor", self.server.url if token else self.old_port), settings

    def watched(self, version, token, workflow, *arguments):
        """Runs it with a monitor; returns the workflow and its jobs in Panoptes' API, and our run."""
        before = self.panoptes.newest()
        plain = self.plain_end(version, workflow, *arguments)
        directory = self.lay_out(workflow, version, "token" if token else "open", *arguments)
        monitor, settings = self.monitor(version, token)
        status = self.run_once(version, directory, *arguments, monitor=monitor, **settings)
        self.assertEqual(status, plain, self.console.read_text())
        workflow = self.panoptes.newest()
        if workflow == before:
            return None, [], None
        runs = self.server.api.items("/runs", sort="started:desc", limit=1)
        return workflow, self.panoptes.jobs(workflow), runs[0]

    def normal(self, version, token):
        workflow, jobs, run = self.watched(version, token, "normal")
        self.assertEqual((workflow["status"], workflow["jobs_done"], workflow["jobs_total"]), ("Done", 5, 5))
        self.assertIsNotNone(workflow["completed_at"])
        self.assertEqual(sorted(job["name"] for job in jobs), ["all", "make", "make", "sum_up", "sum_up"])
        self.assertEqual({job["status"] for job in jobs}, {"Done"})
        made = next(job for job in jobs if job["name"] == "make" and job["wildcards"] == {"s": "a"})
        self.assertEqual(
            (made["output"], made["log"], made["msg"], made["shell_command"], made["is_checkpoint"]),
            (["raw/a.txt"], ["logs/a.log"], "making a, isn't it", "echo a > raw/a.txt 2> logs/a.log", False),
        )
        self.assertEqual(run["status"], "success", run)
        own = self.server.api.jobs(run["id"])
        self.assertEqual({(job["status"], job["attempt"]) for job in own}, {("success", 1)})
        summed = next(job for job in own if job["rule"] == "sum_up")
        self.assertEqual((summed["threads"], summed["priority"]), (2, 3))
        if 1 < generation(version) < 5:
            self.assertEqual(run["directory"], str(self.console.parent))
        # Again in the same directory, where everything is up to date.
        monitor, settings = self.monitor(version, token)
        status = self.run_once(version, self.console.parent, monitor=monitor, **settings)
        self.assertEqual(status, 0, self.console.read_text())
        again = self.panoptes.newest()
        self.assertNotEqual(again["id"], workflow["id"])
        self.assertIn(again["status"], ["No Execution", "Done"])
        self.assertEqual(again["jobs_done"], 0)

    def failing(self, version, token):
        workflow, jobs, run = self.watched(version, token, "failing", "--keep-going")
        self.assertEqual((workflow["status"], workflow["jobs_done"], workflow["jobs_total"]), ("Error", 2, 5))
        self.assertEqual(sorted((job["name"], job["status"]) for job in jobs), [("make", "Done"), ("make", "Error"), ("sum_up", "Done")])
        self.assertEqual(run["status"], "failed", run)
        failed = next(job for job in self.server.api.jobs(run["id"]) if job["status"] == "failed")
        self.assertEqual((failed["rule"], failed["wildcards"]), ("make", {"s": "b"}))

    def flaky(self, version, token):
        workflow, jobs, run = self.watched(version, token, "flaky", "-T", "1")
        self.assertEqual((workflow["status"], workflow["jobs_done"], workflow["jobs_total"]), ("Done", 3, 3))
        self.assertEqual({job["status"] for job in jobs}, {"Done"})
        self.assertEqual(run["status"], "success", run)
        attempts = [(job["attempt"], job["status"]) for job in self.server.api.jobs(run["id"]) if job["rule"] == "flaky"]
        self.assertEqual(sorted(attempts), [(1, "failed"), (2, "success")])

    def dry_run(self, version, token):
        workflow, jobs, run = self.watched(version, token, "normal", "-n")
        if generation(version) == 5:
            self.assertIsNone(workflow, "this client says nothing of a dry run")
            return
        self.assertEqual(workflow["status"], "No Execution")
        self.assertEqual({job["status"] for job in jobs}, {"Pending"})
        self.assertEqual((len(jobs), run["dry_run"]), (5, True))

    def questions(self, version):
        """A command that only queries a workflow has no jobs and does not stay running."""
        for question in ("--summary", "--dag", "--list"):
            workflow, jobs, run = self.watched(version, True, "normal", question)
            if generation(version) == 5:
                self.assertIsNone(workflow, "this client says nothing of a question")
                continue
            self.assertEqual((question, workflow["status"], jobs), (question, "No Execution", []))
            self.assertEqual((run["status"], run["jobs"]["total"]), ("skipped", 0))

    def quiet(self, version):
        """With --quiet it reports errors, but no end of a job. Its token is in the address."""
        workflow, jobs, run = self.watched(version, IN_ADDRESS, "normal", "--quiet")
        self.assertEqual((workflow["status"], workflow["jobs_done"], workflow["jobs_total"]), ("Done", 5, 5))
        self.assertEqual([job["status"] for job in jobs], ["Done"] * 5)
        self.assertEqual((run["status"], run["jobs"]["success"], run["jobs"]["lost"]), ("success", 5, 0))
        filled = [job["filled_from"] for job in self.server.api.jobs(run["id"])]
        self.assertTrue(len(filled) == 5 and all(filled), f"it is said that no end was reported: {filled}")
        self.assertTrue(self.server.api.run(run["id"])["notes"])
        _, _, run = self.watched(version, IN_ADDRESS, "failing", "--quiet", "--keep-going")
        self.assertEqual(run["status"], "failed")

    def bad_token(self, version):
        directory = self.lay_out("normal", version)
        status = self.run_once(version, directory, monitor=("--wms-monitor", self.server.url), WMS_MONITOR_TOKEN="guessed")
        self.assertEqual(status, 255, self.console.read_text())
        self.assertIn("Authorization is required", self.console.read_text())
        self.assertFalse((directory / "raw").exists(), "no job ran")

    def lost_database(self, version):
        directory = self.lay_out("held", version)
        monitor, settings = self.monitor(version, True)
        process = self.start(version, directory, monitor=monitor, **settings)
        until(lambda: (directory / "held.started").exists(), bool, "the job running", RUN)
        for path in self.server.data.rglob("postmaster.pid"):
            os.kill(int(path.read_text().split()[0]), signal.SIGQUIT)
        (directory / "release").touch()
        self.assertEqual(process.wait(RUN), 0, self.console.read_text())
        self.assertNotIn("response code", self.console.read_text(), f"each request was taken; the server:\n{self.server.log_tail()}")
        until(self.healthy, bool, "the database back", RUN)
        # Nothing that was sent meanwhile is lost, although the client sends nothing twice.
        facts = ("status", "jobs_done", "jobs_total")
        until(self.newest_or_none, lambda flow: flow and [flow[fact] for fact in facts] == ["Done", 3, 3], "all of it", RUN)
        self.assertEqual({job["status"] for job in self.panoptes.jobs(self.panoptes.newest())}, {"Done"})

    def hung_database(self, version):
        """Begins, runs and ends while the database accepts connections and answers nothing."""
        directory = self.lay_out("normal", version)
        monitor, settings = self.monitor(version, True)
        postgres = self.postgres()
        self.assertGreater(len(postgres), 3)
        try:
            for pid in postgres:
                self.signal(pid, signal.SIGSTOP)
            status = self.run_once(version, directory, monitor=monitor, **settings)
        finally:
            for pid in postgres:
                self.signal(pid, signal.SIGCONT)
        self.assertEqual(status, 0, self.console.read_text())
        until(self.healthy, bool, "the database back", RUN)

    @staticmethod
    def signal(pid, what):
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            pass  # It has ended since it was listed.

    def postgres(self):
        """The processes of the database, the postmaster first."""
        (path,) = self.server.data.rglob("postmaster.pid")
        first = int(path.read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]

    def newest_or_none(self):
        try:
            return self.panoptes.newest()
        except urllib.error.HTTPError:
            return None  # Not yet.

    def test_a_database_of_panoptes_is_taken_over(self):
        """Panoptes itself, used by a real client; then its database file is imported, twice."""
        version = next(version for version in VERSIONS if generation(version) == 5)
        home = self.server.home / "panoptes"
        home.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        panoptes = subprocess.Popen(
            [os.environ["PANOPTES"], "--ip", "127.0.0.1", "--port", str(port)],
            cwd=home,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(panoptes.wait)
        self.addCleanup(panoptes.kill)
        theirs = Panoptes(f"http://127.0.0.1:{port}")
        until(lambda: self.answers(theirs), bool, "Panoptes", RUN)
        monitor = ("--logger", "panoptes", "--logger-panoptes-address", theirs.url)
        for workflow, status in (("normal", 0), ("failing", 1)):
            self.assertEqual(self.run_once(version, self.lay_out(workflow), "--keep-going", monitor=monitor), status)
        there = theirs.get("/api/workflows")["workflows"]
        jobs = {workflow["id"]: theirs.jobs(workflow) for workflow in there}
        panoptes.kill()
        panoptes.wait()
        (file,) = home.rglob("*.db")
        before = self.panoptes.get("/api/workflows")["workflows"]

        # The state of its tables after years of use: some workflows still running, one unreadable, and one with a text
        # that is not valid.
        with sqlite3.connect(file) as table:
            copied = "insert into workflows (name, status, done, total, started_at) select ?, ?, done, total, ? from workflows limit 1"
            table.execute(copied, ("runs there", "Running", "2026-01-02 03:04:05"))
            table.execute(copied, ("broken", "Done", "no time at all"))
            table.execute(copied, ("goes on", "Error", "2026-01-02 03:04:05"))
            table.execute("update workflows set updated_at = ? where name = 'goes on'", (str(datetime.datetime.now()),))
            insert = "insert into workflow_jobs (wf_id, jobid, name, msg, status, started_at, shell_command) select id, 1, 'make', ?, 'Running', started_at, ? from workflows where name = ?"
            table.execute(insert, (b"\xff\xfe", "tool --password hunter2Zq9xW7", "goes on"))
        table.close()

        would = self.take_over(file, "--dry-run")
        self.assertIn("Would import 3 workflows with 8 jobs; 0 were already imported.", would)
        self.assertIn("2 are still running in Panoptes", would)
        self.assertEqual(self.panoptes.get("/api/workflows")["workflows"], before)
        took = self.take_over(file, status=1)
        self.assertIn("Imported 2 workflows with 8 jobs; 0 were already imported.", took)
        self.assertIn("(broken) could not be imported", took)
        with sqlite3.connect(file) as table:
            table.execute("delete from workflows where name = 'broken'")
            table.execute("update workflows set updated_at = '2026-01-02 03:04:06' where name = 'goes on'")
        table.close()
        self.assertIn("Imported 1 workflows with 1 jobs; 2 were already imported.", self.take_over(file))
        (given_up,) = [workflow for workflow in self.panoptes.get("/api/workflows")["workflows"] if workflow["name"] == "goes on"]
        (job,) = self.panoptes.jobs(given_up)
        self.assertEqual([given_up["status"], job["status"], job["shell_command"]], ["Error", "Unknown", "tool --password ***"])
        self.assertIn("Imported 0 workflows with 0 jobs; 3 were already imported.", self.take_over(file))

        here = self.panoptes.get("/api/workflows")["workflows"][len(before):][:len(there)]
        facts = ("status", "jobs_done", "jobs_total")
        self.assertEqual([[w[fact] for fact in facts] for w in here], [[w[fact] for fact in facts] for w in there])
        # Panoptes writes GMT but means this machine's local time.
        for ours, old in zip(here, there):
            started = email.utils.parsedate_to_datetime(old["started_at"]).replace(tzinfo=None).astimezone()
            self.assertEqual(email.utils.parsedate_to_datetime(ours["started_at"]), started)
            kept = [{**job, "workflow_id": 0, "started_at": 0, "completed_at": 0} for job in self.panoptes.jobs(ours)]
            wanted = [{**job, "workflow_id": 0, "started_at": 0, "completed_at": 0} for job in jobs[old["id"]]]
            self.assertEqual(kept, wanted)

    def take_over(self, file, *arguments, status=0):
        done = subprocess.run(
            [self.server.binary, "import", "panoptes", file, "--data-dir", self.server.data, *arguments],
            env=environment(self.server.home),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout + done.stderr

    @staticmethod
    def answers(panoptes):
        try:
            return panoptes.get("/api/service-info") == {"status": "running"}
        except (urllib.error.URLError, OSError, http.client.HTTPException):
            return False

    def healthy(self):
        try:
            with urllib.request.urlopen(f"{self.server.url}/healthz", timeout=10) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError, http.client.HTTPException):
            return False


def each_client():
    """A test for each client and each task."""
    for version in VERSIONS:
        for workflow in ("normal", "failing", "flaky", "dry_run"):
            for token in (True, False):
                name = f"test_{version}_{workflow}_{'with' if token else 'without'}_a_token"
                arguments = (getattr(Clients, workflow), version, token)
                setattr(Clients, name, lambda self, arguments=arguments: arguments[0](self, *arguments[1:]))
        setattr(Clients, f"test_{version}_that_is_only_asked_leaves_no_running_workflow", lambda self, version=version: self.questions(version))
        setattr(Clients, f"test_{version}_that_says_little_is_done", lambda self, version=version: self.quiet(version))
        setattr(Clients, f"test_{version}_survives_the_loss_of_the_database", lambda self, version=version: self.lost_database(version))
        setattr(Clients, f"test_{version}_survives_a_database_that_hangs", lambda self, version=version: self.hung_database(version))
        if generation(version) not in (1, 5):  # These two keep running without a monitor.
            name = f"test_{version}_ends_at_a_bad_token_before_anything_runs"
            setattr(Clients, name, lambda self, version=version: self.bad_token(version))


each_client()
