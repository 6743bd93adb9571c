"""Flowo's published Snakemake plugin and command, unmodified, against our server.

Each test runs a workflow of `workflows/` as a person would and reads the result from the server over the
public API. Answers to single requests, unusual orders and broken clients are tested elsewhere, with recorded
conversations, which need no Snakemake.

A report is answered only once it is stored. So what is read after Snakemake's end is read once, without
waiting.
"""

import shutil
import signal
import subprocess
import sys
import unittest
from collections import Counter
from datetime import datetime, timedelta

from lab import CLIENTS, RUN, WORKFLOWS, Flowod, Snakemake, Witness, environment, until

SOON = 30
"""For changes that follow by themselves: seconds that only a fault uses up."""


def label(job):
    """Rule and wildcards of a job, as in `align alpha u1`."""
    values = [value for _, value in sorted(job["wildcards"].items())]
    return " ".join([str(job["rule"]), *values])


def histories(jobs):
    """The statuses of a job's attempts, first to last, by label."""
    states = {}
    for job in sorted(jobs, key=lambda job: job["attempt"]):
        states.setdefault(label(job), []).append(job["status"])
    return states


def instant(text):
    return datetime.fromisoformat(text)


class FlowoTest(unittest.TestCase):
    """One server for the tests of a class, with their common actions and queries."""

    maxDiff = None
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Flowod(**cls.settings)
        cls.addClassCleanup(cls.server.destroy)
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def setUp(self):
        self.name = self._testMethodName.removeprefix("test_").replace("_", " ")
        self.directory = self.server.home / self._testMethodName

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        returned = super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(f"--- flowod, {self.id()}\n{self.server.log_tail()}", file=sys.stderr)
        return returned

    # Running

    def lay_out(self, workflow):
        shutil.copytree(WORKFLOWS / workflow, self.directory)

    def start(self, *arguments, **settings):
        """Starts Snakemake in the test's directory, under the test's name."""
        arguments = ("--logger-flowo-name", self.name, *arguments)
        snakemake = Snakemake(self.server, self.directory, *arguments, **settings)
        self.addCleanup(snakemake.end)
        return snakemake

    def snakemake(self, *arguments, status=0, **settings):
        """Runs Snakemake to its end and checks its exit status and that it could report."""
        self.assert_ends(self.start(*arguments, **settings), status)

    def assert_ends(self, snakemake, status):
        self.assertEqual(snakemake.wait(), status, snakemake.console())
        for trouble in ("API reporting failed", "Error reporting", "Error closing"):
            self.assertNotIn(trouble, snakemake.console())

    def witness(self, *answered):
        witness = Witness(self.server.url, *answered)
        self.addCleanup(witness.close)
        return witness

    def hold(self, *arguments, **settings):
        """Starts the workflow `held` and waits until the server knows that the job `held` is running."""
        self.lay_out("held")
        snakemake = self.start("--cores", "1", *arguments, **settings)
        until(
            lambda: (self.histories(), snakemake.process.poll(), snakemake.console()),
            lambda seen: seen[1] is not None
            or (seen[0].get("held") == ["running"] and self.made("held.started")),
            "the job `held` running",
            RUN,
        )
        self.assertIsNone(snakemake.process.poll(), snakemake.console())
        return snakemake

    def release(self):
        (self.directory / "release").touch()

    def made(self, name):
        return (self.directory / name).exists()

    # Reading back

    def histories(self):
        """The current histories of the jobs of the only run in the test's directory."""
        runs = self.server.api.runs(self.directory)
        return histories(self.server.api.jobs(runs[0]["id"])) if runs else {}

    def only_run(self):
        runs = self.server.api.runs(self.directory)
        self.assertEqual(len(runs), 1, runs)
        return self.server.api.run(runs[0]["id"])

    def counts(self, run, *names):
        return {name: run["jobs"][name] for name in names}

    def assert_run(self, run, *, status, planned, jobs, **counts):
        """Checks a run that has ended: its status, the attempts of its jobs, its counts.

        `jobs` are the expected histories; `counts` are success, failed and lost, and zero where missing. Also
        checks whatever must be true of every ended run.
        """
        api = self.server.api
        attempts = api.jobs(run["id"])
        newest = api.jobs(run["id"], attempts="newest")
        seen = len({job["job_id"] for job in attempts})
        total = max(planned or 0, seen)

        self.assertEqual(run["status"], status, run)
        self.assertEqual(histories(attempts), jobs)
        self.assertEqual(
            self.counts(run, "total", "planned", "seen", "running", "success", "failed", "lost"),
            {"total": total, "planned": planned, "seen": seen, "running": 0}
            | {"success": 0, "failed": 0, "lost": 0}
            | counts,
        )

        self.assertEqual((run["source"], run["name"]), ("flowo", self.name))
        self.assertEqual(run["snakefile"], str(self.directory / "Snakefile"))
        self.assertLessEqual(instant(run["started_at"]), instant(run["ended_at"]))

        self.assertEqual(
            sorted(job["id"] for job in newest),
            sorted(job["id"] for job in attempts if not job["superseded"]),
        )
        self.assertEqual(len(newest), seen, "one newest attempt for each job")
        by_status = Counter(job["status"] for job in newest)
        rules = api.rules(run["id"]).values()
        for state in ("success", "failed", "lost"):
            self.assertEqual(by_status[state], run["jobs"][state], state)
            self.assertEqual(sum(rule[state] for rule in rules), run["jobs"][state], state)
        for job in attempts:
            if job["status"] != "waiting":
                self.assertLessEqual(instant(job["started_at"]), instant(job["ended_at"]), job)
                self.assertLessEqual(instant(run["started_at"]), instant(job["started_at"]), job)

        def both():
            listed = next(item for item in api.runs(self.directory) if item["id"] == run["id"])
            page = api.run(run["id"])
            return listed, {key: page[key] for key in listed}

        # Facts from the run's log may be written between the two requests.
        until(both, lambda seen: seen[0] == seen[1], "list and page agree", 10)


class Runs(FlowoTest):
    """Runs without special requirements, which therefore share a server."""

    NORMAL = {
        "all": 1,
        "count": 1,
        **{f"fetch {sample}": 1 for sample in ("alpha", "beta", "gamma")},
        **{f"merge {sample}": 1 for sample in ("alpha", "beta", "gamma")},
        **{f"align {s} {u}": 1 for s in ("alpha", "beta", "gamma") for u in ("u1", "u2")},
    }

    def test_a_run_without_trouble_is_reported_in_full(self):
        self.lay_out("normal")
        witness = self.witness()

        self.snakemake("--cores", "4", "--logger-flowo-tags", "qc,rna", FLOWO_HOST=witness.url)

        self.assertEqual(witness.statuses(), {200})
        batches = [record["job_ids"] for record in witness.records("job_started")]
        self.assertGreater(max(map(len, batches)), 1, "jobs were reported in batches")

        run = self.only_run()
        [started] = witness.records("workflow_started")
        self.assertEqual(run["id"], started["workflow_id"])
        self.assert_run(
            run,
            status="success",
            planned=14,
            jobs={job: ["success"] for job in self.NORMAL},
            success=14,
        )
        self.assertEqual(sorted(run["tags"]), ["qc", "rna"])
        self.assertEqual((run["dry_run"], run["closed_by_client"]), (False, True))
        self.assertEqual(run["errors"], [])
        self.assertIsNotNone(run["rule_graph"])

        rules = self.server.api.rules(run["id"])
        self.assertEqual(
            {name: (rule["planned"], rule["success"]) for name, rule in rules.items()},
            {"all": (1, 1), "fetch": (3, 3), "align": (6, 6), "merge": (3, 3), "count": (1, 1)},
        )
        script = (self.directory / "scripts/count.py").read_text()
        for name, language, code in (
            ("merge", "bash", "cat {input} > {output}"),
            ("count", "python", script),
            ("all", None, None),
        ):
            self.assertEqual((rules[name]["language"], rules[name]["code"]), (language, code))

        jobs = {label(job): job for job in self.server.api.jobs(run["id"])}
        align = jobs["align beta u2"]
        self.assertEqual(align["wildcards"], {"sample": "beta", "unit": "u2"})
        self.assertEqual((align["threads"], align["priority"]), (2, 5))
        self.assertEqual(align["resources"]["mem_mb"], 100)
        self.assertEqual(align["message"], "Aligning beta, unit u2")
        self.assertEqual(align["shell_command"], "cat raw/beta.txt > aligned/beta.u2.txt")
        self.assertIn("aligned/beta.u2.txt", align["reason"])
        self.assertEqual(
            jobs["fetch alpha"]["files"], {"input": 0, "output": 1, "log": 1, "benchmark": 1}
        )
        self.assertEqual(jobs["merge alpha"]["files"]["input"], 2)

    def test_a_run_with_a_job_that_fails_for_good_has_failed(self):
        self.lay_out("failing")

        self.snakemake("--cores", "1", "--keep-going", status=1)

        run = self.only_run()
        self.assert_run(
            run,
            status="failed",
            planned=5,
            jobs={
                "step ok1": ["success"],
                "step ok2": ["success"],
                "step bad": ["failed", "failed"],
            },
            success=2,
            failed=1,
        )
        self.assertEqual(
            [error["exception"] for error in run["errors"]],
            ["RuleException", "RuleException", "WorkflowError"],
        )
        self.assertTrue(run["closed_by_client"])
        bad = [job for job in self.server.api.jobs(run["id"]) if label(job) == "step bad"]
        self.assertEqual(
            sorted((job["attempt"], job["superseded"]) for job in bad), [(1, True), (2, False)]
        )

    def test_a_run_whose_failed_job_succeeds_when_retried_has_succeeded(self):
        self.lay_out("flaky")

        self.snakemake("--cores", "1")

        run = self.only_run()
        self.assert_run(
            run,
            status="success",
            planned=3,
            jobs={"flaky": ["failed", "success"], "calm": ["success"], "all": ["success"]},
            success=3,
        )
        self.assertEqual([error["exception"] for error in run["errors"]], ["RuleException"])

    def test_a_dry_run_starts_no_job(self):
        self.lay_out("normal")

        self.snakemake("--cores", "4", "--dry-run")

        run = self.only_run()
        self.assert_run(
            run,
            status="success",
            planned=14,
            jobs={job: ["waiting"] for job in self.NORMAL},
        )
        self.assertEqual((run["dry_run"], run["closed_by_client"]), (True, True))
        self.assertEqual(run["jobs"]["waiting"], 14)
        for job in self.server.api.jobs(run["id"]):
            self.assertEqual((job["started_at"], job["ended_at"]), (None, None), job)

    def test_a_run_with_an_ambiguous_rule_fails_without_jobs(self):
        self.lay_out("ambiguous")

        self.snakemake("--cores", "1", status=1)

        run = self.only_run()
        self.assert_run(run, status="failed", planned=None, jobs={})
        self.assertEqual(
            [error["exception"] for error in run["errors"]], ["AmbiguousRuleException"]
        )
        self.assertEqual(set(self.server.api.rules(run["id"])), {"all", "one", "two"})

    def test_a_run_that_its_user_interrupts_is_cancelled(self):
        """The client reports a failure; the log of the run says that the user interrupted it."""
        snakemake = self.hold()

        snakemake.signal(signal.SIGINT)
        self.await_console(snakemake, "Terminating processes on user request")
        self.release()
        self.assert_ends(snakemake, 1)

        run = until(self.only_run, lambda run: run["status"] == "cancelled", "who stopped it", SOON)
        self.assert_run(
            run,
            status="cancelled",
            planned=6,
            jobs={"quick 1": ["success"], "quick 2": ["success"], "held": ["cancelled"]},
            success=2,
        )
        self.assertEqual([error["exception"] for error in run["errors"]], ["WorkflowError"])
        self.assertTrue(run["closed_by_client"])

    def test_a_quiet_run_is_done_with_all_its_jobs(self):
        """With --quiet the client reports no end of a job."""
        self.lay_out("normal")

        self.snakemake("--cores", "4", "--quiet")

        self.assert_run(
            self.only_run(),
            status="success",
            planned=14,
            jobs={job: ["success"] for job in self.NORMAL},
            success=14,
        )
        jobs = self.server.api.jobs(self.only_run()["id"])
        self.assertEqual({job["filled_from"] for job in jobs}, {"close"}, "it is said")

    def test_looking_at_a_workflow_makes_no_run(self):
        self.lay_out("normal")

        self.look(["--summary"], ["--dag"], ["--rulegraph"], ["--list-changes", "code"])
        self.assertEqual(self.server.api.runs(self.directory), [])

        # An error is shown: Snakemake knows nothing of this file.
        self.snakemake("--cleanup-metadata", "nothing", status=1)
        self.assertEqual([run["status"] for run in self.server.api.runs(self.directory)], ["failed"])

    def test_looking_at_a_finished_workflow_makes_no_second_run(self):
        self.lay_out("normal")
        self.snakemake("--cores", "4")
        run = self.only_run()

        self.look(
            ["--report", "report.html"],
            ["--list-changes", "code"],
            ["--list-untracked"],
            ["--delete-temp-output", "--cores", "1"],
            ["--delete-all-output", "--cores", "1"],
        )

        self.assertTrue(self.made("report.html"))
        self.assertFalse(self.made("report/lines.txt"), "the output is deleted")
        self.assertEqual(self.histories(), {job: ["success"] for job in self.NORMAL})
        now = self.only_run()
        for fact in ("id", "status", "ended_at", "jobs", "errors"):
            self.assertEqual(now[fact], run[fact], "the run is as it was")

    def look(self, *questions):
        """Asks Snakemake about the workflow. The client reports nothing but the rule graph, and closes no run."""
        witness = self.witness()
        for question in questions:
            self.snakemake(*question, FLOWO_HOST=witness.url)
        self.assertEqual(witness.statuses(), {200})
        requests = [exchange.event or exchange.path for exchange in witness.exchanges]
        self.assertEqual(requests, ["rulegraph"] * len(questions))

    def test_a_job_that_is_put_in_front_is_described_from_the_log(self):
        self.lay_out("normal")

        self.snakemake("--cores", "1", "--prioritize", "raw/alpha.txt")

        def described():
            jobs = self.server.api.jobs(self.only_run()["id"])
            return {label(job): job for job in jobs}

        jobs = until(described, lambda jobs: "fetch alpha" in jobs, "its description", SOON)
        first = jobs["fetch alpha"]
        self.assertEqual((first["status"], first["filled_from"]), ("success", "log"))
        self.assertEqual(first["files"], {"input": 0, "output": 1, "log": 1, "benchmark": 1})
        self.assert_run(
            self.only_run(),
            status="success",
            planned=14,
            jobs={job: ["success"] for job in self.NORMAL},
            success=14,
        )

    def test_a_terminated_run_fails_although_its_last_job_ends_well(self):
        snakemake = self.hold()

        snakemake.signal(signal.SIGTERM)
        self.await_console(snakemake, "Will exit after finishing currently running jobs")
        self.release()
        self.assert_ends(snakemake, 1)

        run = self.only_run()
        self.assert_run(
            run,
            status="failed",
            planned=6,
            jobs={"quick 1": ["success"], "quick 2": ["success"], "held": ["success"]},
            success=3,
        )
        self.assertEqual([error["exception"] for error in run["errors"]], ["WorkflowError"])
        self.assertTrue(run["closed_by_client"])

    def await_console(self, snakemake, words):
        until(snakemake.console, lambda text: words in text, f"{words!r} on the console", SOON)

    def test_a_run_with_a_wrong_token_works_but_is_not_shown(self):
        self.lay_out("flaky")
        witness = self.witness()
        before = [run["id"] for run in self.server.api.items("/runs", limit=200)]

        snakemake = self.start(
            "--cores", "1", FLOWO_HOST=witness.url, FLOWO_USER_TOKEN="flw_" + "x" * 43
        )

        self.assertEqual(snakemake.wait(), 0, snakemake.console())
        self.assertTrue(self.made("calm.txt"))
        self.assertEqual(witness.statuses(), {401})
        self.assertIn("API reporting failed: 401", snakemake.console())
        self.assertEqual(
            [run["id"] for run in self.server.api.items("/runs", limit=200)], before
        )

    def test_a_run_of_five_hundred_jobs_is_counted_to_the_last(self):
        self.lay_out("many")

        self.snakemake("--cores", "4")

        run = self.only_run()
        self.assert_run(
            run,
            status="success",
            planned=501,
            jobs={"all": ["success"], **{f"make {n}": ["success"] for n in range(500)}},
            success=501,
        )
        pages = self.server.api.pages(f"/runs/{run['id']}/jobs", limit=200)
        self.assertEqual([len(page) for page in pages], [200, 200, 101])
        self.assertEqual(len({job["id"] for page in pages for job in page}), 501)

    def test_the_status_command_reaches_the_server(self):
        """Every check passes: the catalog is an empty list, and MCP is answered as not offered."""
        status = subprocess.run(
            [CLIENTS / "flowo", "status", "--host", self.server.url],
            cwd=self.server.home,
            env=environment(self.server.home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SOON,
        )

        said = status.stdout + status.stderr
        self.assertIn(f"host: {self.server.url}\n", said)
        self.assertIn("token: configured\n", said)
        self.assertIn("API: reachable\n", said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(status.returncode, 0, said)

    def test_a_mended_workflow_continues_the_lineage_of_the_failed_one(self):
        self.lay_out("mended")
        snakefile = self.directory / "Snakefile"

        self.snakemake("--cores", "1", status=1)
        snakefile.write_text(snakefile.read_text().replace("false && ", ""))
        self.snakemake("--cores", "1", "--dry-run")
        self.snakemake("--cores", "1")

        runs = self.server.api.runs(self.directory)
        first, look, second = (self.server.api.run(run["id"]) for run in runs)
        self.assert_run(
            first,
            status="failed",
            planned=3,
            jobs={"prepare": ["success"], "risky": ["failed"]},
            success=1,
            failed=1,
        )
        self.assert_run(
            second,
            status="success",
            planned=2,
            jobs={"risky": ["success"], "all": ["success"]},
            success=2,
        )
        self.assertEqual((first["attempt"], second["attempt"]), (1, 2))
        self.assertEqual(first["lineage_id"], second["lineage_id"])
        attempts = [
            {"id": first["id"], "attempt": 1, "status": "failed"},
            {"id": second["id"], "attempt": 2, "status": "success"},
        ]
        for run in (first, second):
            self.assertEqual(sorted(run["attempts"], key=lambda run: run["attempt"]), attempts)
        self.assertTrue(look["dry_run"])
        self.assertNotEqual(look["lineage_id"], first["lineage_id"], "a dry run stands apart")


class Failures(FlowoTest):
    """Why runs failed: what a run's log adds to the reports."""

    def causes(self):
        """Status, exit status and error class of each attempt of a job, by label."""
        [run] = self.server.api.runs(self.directory)
        causes = {}
        for job in sorted(self.server.api.jobs(run["id"]), key=lambda job: job["attempt"]):
            class_ = (job["error"] or "").split(" ")[0].split(":")[0]
            causes.setdefault(label(job), []).append((job["status"], job["exit_code"], class_))
        return causes

    def assert_causes(self, wanted):
        until(self.causes, lambda seen: seen == wanted, f"causes {wanted}", SOON)

    def errors(self):
        return self.only_run()["errors"]

    def test_jobs_whose_output_is_missing_have_failed_and_say_so(self):
        self.lay_out("unmade")

        self.snakemake("--cores", "2", "--keep-going", "--latency-wait", "1", status=1)

        missing = [("failed", None, "MissingOutputException")]
        self.assert_causes({"sub": missing, "dd": missing})
        run = self.only_run()
        self.assertEqual(self.counts(run, "failed", "lost"), {"failed": 2, "lost": 0})
        jobs = {job["rule"]: job for job in self.server.api.jobs(run["id"])}
        self.assertIn(f'in rule sub in file "{self.directory}/Snakefile"', jobs["sub"]["error"])
        self.assertIn("b.txt (missing locally", jobs["sub"]["error"])

    def test_a_run_that_fails_before_its_first_job_says_where_and_why(self):
        self.lay_out("unbegun")

        self.snakemake("--cores", "1", status=1)

        [error] = until(self.errors, lambda seen: seen and seen[0]["text"], "a text", SOON)
        self.assertEqual((error["exception"], error["rule"]), ("MissingInputException", "x"))
        self.assertIn(f'file "{self.directory}/Snakefile", line ', error["location"])
        self.assertTrue(error["text"].endswith("        does-not-exist.fa"), error["text"])

    def test_a_function_of_the_input_that_fails_says_where_and_why(self):
        self.lay_out("unbegun")

        self.snakemake("--snakefile", "keyless.smk", "--cores", "1", status=1)

        [error] = until(self.errors, lambda seen: seen and seen[0]["text"], "a text", SOON)
        self.assertEqual((error["exception"], error["rule"]), ("InputFunctionException", "a"))
        self.assertIn("KeyError: 'samples'", error["text"])

    def test_a_command_that_cannot_be_formatted_fails_its_job_of_its_rule(self):
        self.lay_out("unbegun")

        self.snakemake("--snakefile", "unformatted.smk", "--cores", "1", status=1)

        self.assert_causes({"a": [("failed", None, "RuleException")]})
        run = self.only_run()
        self.assertEqual(
            self.counts(run, "total", "failed", "lost"), {"total": 2, "failed": 1, "lost": 0}
        )

    def test_of_a_pipe_the_job_that_broke_has_the_cause_and_its_consumer_none(self):
        self.lay_out("piped")

        self.snakemake("--cores", "4", "--keep-going", status=1)

        self.assert_causes(
            {
                "producer": [("failed", 4, "CalledProcessError")],
                "consumer": [("failed", None, "")],
                "producer2": [("success", None, "")],
                "consumer2": [("success", None, "")],
            }
        )

    def test_texts_go_to_the_jobs_that_they_are_about(self):
        self.lay_out("crashing")

        self.snakemake("--cores", "3", "--keep-going", status=1)

        self.assert_causes(
            {
                "A": [("failed", None, "")],
                "B": [("failed", 7, "CalledProcessError")],
                "C": [("failed", 1, "CalledProcessError")],
            }
        )
        [run] = self.server.api.runs(self.directory)
        jobs = {job["rule"]: job for job in self.server.api.jobs(run["id"])}
        self.assertIn("boom.py", jobs["C"]["error"])
        self.assertIn("exit 7", jobs["B"]["error"])

    def test_attempts_on_a_cluster_keep_their_numbers_in_groups_too(self):
        self.lay_out("clustered")
        submit = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", "./submit.sh")

        self.snakemake(*submit, "--jobs", "4", "--latency-wait", "5", "--retries", "1")

        def numbers():
            [run] = self.server.api.runs(self.directory)
            jobs = [job for job in self.server.api.jobs(run["id"]) if job["rule"] != "all"]
            return {f"{label(job)}#{job['attempt']}": job["external_id"] for job in jobs}

        seen = until(numbers, lambda seen: all(seen.values()), "a number for each attempt", SOON)
        self.assertEqual(len(seen), 10, seen)
        for one, other in (("c 1", "d 1"), ("c 2", "d 2")):
            for attempt in ("#1", "#2"):
                self.assertEqual(seen[one + attempt], seen[other + attempt], "members share it")
        own = {name: number for name, number in seen.items() if not name.startswith("c")}
        self.assertEqual(len(set(own.values())), 6, "each attempt has one of its own")

    def test_attempts_that_fail_within_a_second_keep_their_causes(self):
        self.lay_out("hasty")

        self.snakemake("--cores", "1")

        failed = ("failed", 1, "CalledProcessError")
        self.assert_causes(
            {"flaky": [failed, failed, ("success", None, "")], "all": [("success", None, "")]}
        )


class SilentRuns(FlowoTest):
    """Runs that end without a report, on a server with a short timeout."""

    TIMEOUT = timedelta(seconds=3)
    settings = {"FLOWO_HEARTBEAT_TIMEOUT_SECONDS": "3", "FLOWO_HEARTBEAT_SWEEP_SECONDS": "1"}

    def test_a_killed_run_is_lost_once_its_heartbeats_stay_away(self):
        snakemake = self.hold(FLOWO_HEARTBEAT_INTERVAL_SECONDS="1")

        # No more events arrive: only heartbeats keep the run alive beyond the timeout.
        jobs = self.server.api.jobs(self.only_run()["id"])
        [held] = [job for job in jobs if job["rule"] == "held"]
        alive = until(
            self.only_run,
            lambda run: run["status"] != "running"
            or instant(run["last_seen_at"]) - instant(held["started_at"]) > self.TIMEOUT * 1.5,
            "heartbeats beyond the timeout",
            SOON,
        )
        self.assertEqual((alive["status"], alive["heartbeats"]), ("running", True))

        snakemake.signal(signal.SIGKILL)
        self.assertEqual(snakemake.wait(), -signal.SIGKILL)

        run = until(self.only_run, lambda run: run["status"] != "running", "its loss", SOON)
        self.assert_run(
            run,
            status="lost",
            planned=6,
            jobs={"quick 1": ["success"], "quick 2": ["success"], "held": ["lost"]},
            success=2,
            lost=1,
        )
        self.assertFalse(run["closed_by_client"])

    def test_what_happened_while_the_server_was_away_is_read_from_the_log(self):
        snakemake = self.hold()

        self.server.kill()
        self.release()
        self.assertEqual(snakemake.wait(), 0, snakemake.console())
        self.server.start()

        run = until(self.only_run, lambda run: run["status"] != "running", "its end", SOON)
        run = until(self.only_run, lambda run: run["status"] == "success", "its end as it was", SOON)
        jobs = ("quick 1", "quick 2", "held", "last 1", "last 2", "all")
        self.assert_run(
            run,
            status="success",
            planned=6,
            jobs={job: ["success"] for job in jobs},
            success=6,
        )
        filled = {label(job): job["filled_from"] for job in self.server.api.jobs(run["id"])}
        self.assertEqual(
            filled, {job: None if job.startswith("quick") else "log" for job in jobs}, "it is said"
        )


class Restarts(FlowoTest):
    """A server that is killed during a run."""

    def test_a_run_outlives_a_killed_server_and_nothing_answered_is_gone(self):
        # The kill comes after the last answer before `held` falls silent and before that answer reaches the client: the
        # server has no time to write what it has only acknowledged.
        def kill_at_the_last_word(exchange):
            if exchange.event == "job_info" and exchange.record["rule_name"] == "held":
                self.server.kill()

        self.lay_out("held")
        witness = self.witness(kill_at_the_last_word)
        snakemake = self.start("--cores", "1", FLOWO_HOST=witness.url)
        until(
            lambda: (self.server.process.poll(), snakemake.process.poll(), witness.exchanges),
            lambda seen: seen[0] is not None or seen[1] is not None,
            "the kill of the server",
            RUN,
        )
        self.assertIsNone(snakemake.process.poll(), snakemake.console())

        self.server.start()

        run = self.only_run()
        [started] = witness.records("workflow_started")
        self.assertEqual((run["id"], run["status"]), (started["workflow_id"], "running"))
        self.assertEqual(
            self.counts(run, "planned", "running", "success"),
            {"planned": 6, "running": 1, "success": 2},
        )
        self.assertEqual(
            self.server.api.rules(run["id"]).keys(), {rule["name"] for rule in started["rules"]}
        )
        before = self.server.api.jobs(run["id"])
        self.assertEqual(
            {
                str(job["job_id"]): (job["rule"], job["shell_command"], job["status"])
                for job in before
            },
            self.answered_jobs(witness),
        )

        self.release()
        self.assert_ends(snakemake, 0)

        # A heartbeat may have found no server, but every event and the close did find one.
        exchanges = [exchange for exchange in witness.exchanges if "heartbeat" not in exchange.path]
        self.assertEqual({exchange.status for exchange in exchanges}, {200})
        self.assert_run(
            self.only_run(),
            status="success",
            planned=6,
            jobs={
                job: ["success"]
                for job in ("quick 1", "quick 2", "held", "last 1", "last 2", "all")
            },
            success=6,
        )
        after = {job["id"]: job for job in self.server.api.jobs(run["id"])}
        for job in before:
            if job["status"] == "success":
                self.assertEqual(after[job["id"]], job, "ended before the kill, unchanged by it")
            else:
                self.assertEqual(after[job["id"]]["started_at"], job["started_at"])

    @staticmethod
    def answered_jobs(witness):
        """Rule, command and status of each job, according to the events that the server accepted."""
        finished = {record["job_id"] for record in witness.records("job_finished")}
        return {
            str(info["job_id"]): (
                info["rule_name"],
                info["shellcmd"],
                "success" if info["job_id"] in finished else "running",
            )
            for info in witness.records("job_info")
        }
