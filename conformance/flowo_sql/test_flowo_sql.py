"""Flowo's plugin 0.1.10, which writes SQL, unmodified, into the views made for it.

`RealRuns` runs workflows with Snakemake 9.12.0 like a user in Shanghai, on a server that uses UTC, and reads
our own tables. `Writers` sends the statements that the plugin sends, and some that it never would. `Access`
tries what a role with write access must not do.
"""

import json
import shutil
import signal
import time
import unittest
import uuid
from collections import Counter

import psycopg2
from lab import Database, Place, Snakemake, until

SOON = 30
"""For changes that follow by themselves: seconds that only a fault uses up."""

TROUBLE = ("Database error", "psycopg2", "sqlalchemy", "Error closing workflow")
"""What the plugin prints if the database refuses something. Snakemake's own errors look different."""


class SqlTest(unittest.TestCase):
    """One database for the tests of a class, with their common queries."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.database = Database()
        cls.addClassCleanup(cls.database.drop)
        cls.place = Place()
        cls.addClassCleanup(cls.place.remove)
        with cls.database.session(None) as admin:
            admin.execute("alter database " + cls.database.name + " set timezone = 'UTC'")
            admin.execute(
                """insert into users (name, email) values
                   ('ada', 'ada@example.org'), ('bob', 'bob@example.org'), ('two@example.org', null),
                   ('zwei', 'two@example.org')"""
            )

    def setUp(self):
        owner = self.database.session(self.database.owner)
        self.addCleanup(owner.__exit__, None, None, None)
        self.owner = owner.__enter__()

    def rows(self, query, *values):
        self.owner.execute(query, values)
        return [dict(row) for row in self.owner.fetchall()]

    def row(self, query, *values):
        rows = self.rows(query, *values)
        self.assertEqual(len(rows), 1, rows)
        return rows[0]

    def run_of(self, run_id):
        return self.row("select * from workflow_runs where id = %s", run_id)

    def histories(self, run_id):
        """The statuses of a job's attempts, by rule and wildcards as in `align alpha u1`."""
        states = {}
        for job in self.rows(
            "select * from job_executions where workflow_run_id = %s order by job_id, attempt", run_id
        ):
            values = [value for _, value in sorted((job["wildcards"] or {}).items())]
            states.setdefault(" ".join([str(job["rule"]), *values]), []).append(job["status"])
        return states

    def counted(self, run_id):
        """The counters of a run, after comparing them with its jobs and with the rules' counters."""
        run = self.run_of(run_id)
        names = ("waiting", "running", "success", "failed", "lost")
        kept = {name: run[f"jobs_{name}"] for name in names}
        jobs = self.rows(
            "select status from job_executions where workflow_run_id = %s and not superseded", run_id
        )
        seen = Counter(job["status"] for job in jobs)
        self.assertEqual(kept, {name: seen[name] for name in names})
        rules = self.row(
            """select coalesce(sum(waiting), 0) as waiting, coalesce(sum(running), 0) as running,
                      coalesce(sum(success), 0) as success, coalesce(sum(failed), 0) as failed,
                      coalesce(sum(lost), 0) as lost
                 from rule_counts where workflow_run_id = %s""",
            run_id,
        )
        self.assertEqual(kept, rules)
        return {name: n for name, n in kept.items() if n}


class RealRuns(SqlTest):
    NORMAL = {
        "all",
        "count",
        *(f"{rule} {s}" for rule in ("fetch", "merge") for s in ("alpha", "beta", "gamma")),
        *(f"align {s} {u}" for s in ("alpha", "beta", "gamma") for u in ("u1", "u2")),
    }

    def start(self, workflow, *arguments, user=None, **settings):
        self.name = self._testMethodName.removeprefix("test_").replace("_", " ")
        self.directory = self.place.lay_out(workflow, self._testMethodName)
        settings = {
            **self.database.client(user),
            "FLOWO_USER": "ada",
            "FLOWO_WORKING_PATH": str(self.place.base),
            **settings,
        }
        settings = {name: value for name, value in settings.items() if value is not None}
        arguments = ("--logger-flowo-name", self.name, *arguments)
        snakemake = Snakemake(self.directory, *arguments, settings=settings)
        self.addCleanup(snakemake.end)
        return snakemake

    def snakemake(self, workflow, *arguments, **settings):
        """Runs Snakemake to its end; it must end as it does without the plugin, and without errors of the plugin."""
        snakemake = self.start(workflow, *arguments, **settings)
        status = snakemake.wait()
        plain = self.place.lay_out(workflow, f"{self._testMethodName}-plain")
        alone = Snakemake(plain, *[word for word in arguments if word not in self.logger(arguments)])
        self.addCleanup(alone.end)
        self.assertEqual(status, alone.wait(), snakemake.console())
        self.assert_no_trouble(snakemake)
        return status

    @staticmethod
    def logger(arguments):
        at = [i for i, word in enumerate(arguments) if word.startswith("--logger")]
        return {arguments[i + k] for i in at for k in (0, 1)}

    def assert_no_trouble(self, snakemake):
        for trouble in TROUBLE:
            self.assertNotIn(trouble, snakemake.console())

    def only_run(self):
        return self.row("select * from workflow_runs where directory = %s", str(self.directory))

    def assert_now(self, row):
        """A difference of eight hours would mean Shanghai's local time."""
        for name in ("started_at", "ended_at"):
            self.owner.execute("select extract(epoch from now() - %s)", [row[name]])
            self.assertLess(abs(self.owner.fetchone()[0]), 300, (name, row))
        self.assertLessEqual(row["started_at"], row["ended_at"])

    def test_no_setting_comes_from_the_config_file_of_newer_plugins(self):
        config = self.place.base / ".config/flowo/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('FLOWO_USER = "bob"\nFLOWO_WORKING_PATH = "/"\n')
        self.addCleanup(shutil.rmtree, config.parent)

        snakemake = self.start("flaky", "--cores", "1", FLOWO_USER=None, FLOWO_WORKING_PATH=None)

        self.assertEqual(snakemake.wait(), 0, snakemake.console())
        self.assertIn("flowo_working_path is not configured", snakemake.console())
        run = self.only_run()
        self.assertEqual((run["status"], run["user_name"], run["user_id"]), ("success", "", None))

    def test_a_run_without_trouble_is_reported_in_full(self):
        status = self.snakemake("normal", "--cores", "4", "--logger-flowo-tags", "qc, rna")

        self.assertEqual(status, 0)
        run = self.only_run()
        self.assertEqual(
            {
                name: run[name]
                for name in ("status", "source", "workflow_name", "user_name", "tags", "dry_run")
            },
            {
                "status": "success",
                "source": "sql",
                "workflow_name": self.name,
                "user_name": "ada",
                "tags": ["qc", "rna"],
                "dry_run": False,
            },
        )
        [ada] = self.rows("select id from users where name = 'ada'")
        self.assertEqual(run["user_id"], ada["id"])
        self.assertEqual(run["snakefile"], str(self.directory / "Snakefile"))
        self.assertTrue(run["logfile"].startswith(str(self.directory / "flowo_logs/log_")))
        self.assertEqual((run["errors"], run["closed_by_client"], run["config"]), ([], True, None))
        self.assertEqual(
            run["planned"], {"all": 1, "fetch": 3, "align": 6, "merge": 3, "count": 1}
        )
        self.assertEqual(run["jobs_planned"], 14)
        self.assert_now(run)

        graph = run["rule_graph"]
        named = [node["rule"] for node in graph["nodes"]]
        links = {(named[link["source"]], named[link["target"]]) for link in graph["links"]}
        self.assertEqual(
            links,
            {
                ("fetch", "align"),
                ("align", "merge"),
                ("merge", "count"),
                ("merge", "all"),
                ("count", "all"),
            },
        )
        self.assertEqual(
            {rule["name"] for rule in self.rows("select name from rules where workflow_run_id = %s", run["id"])},
            set(named),
        )

        self.assertEqual(self.histories(run["id"]), {job: ["success"] for job in self.NORMAL})
        self.assertEqual(self.counted(run["id"]), {"success": 14})
        for job in self.rows("select * from job_executions where workflow_run_id = %s", run["id"]):
            self.assert_now(job)
            self.assertTrue(job["informed"])

        align = self.row(
            """select * from job_executions where workflow_run_id = %s and rule = 'align'
                and wildcards = '{"sample": "beta", "unit": "u2"}'""",
            run["id"],
        )
        self.assertEqual((align["threads"], align["priority"]), (2, 5))
        self.assertEqual(align["resources"]["mem_mb"], 100)
        self.assertEqual(align["message"], "Aligning beta, unit u2")
        self.assertEqual(align["shell_command"], "cat raw/beta.txt > aligned/beta.u2.txt")
        self.assertIn("aligned/beta.u2.txt", align["reason"])
        said = self.rows(
            "select level, message from log_entries where job_execution_id = %s", align["id"]
        )
        self.assertEqual(said, [{"level": "info", "message": "Aligning beta, unit u2"}])

        files = self.rows(
            """select j.rule, f.role, f.position, p.path
                 from job_executions j
                 join job_files f on f.job_execution_id = j.id
                 join paths p on p.id = f.path_id and p.workflow_run_id = j.workflow_run_id
                where j.workflow_run_id = %s
                  and (j.wildcards ->> 'sample' = 'alpha' or j.rule = 'count')
                order by j.rule, f.role, f.position""",
            run["id"],
        )
        listed = {(f["rule"], f["role"], f["position"], f["path"]) for f in files}
        self.assertLessEqual(
            {
                ("fetch", "output", 0, "raw/alpha.txt"),
                ("fetch", "log", 0, "logs/fetch.alpha.log"),
                ("fetch", "benchmark", 0, "bench/fetch.alpha.tsv"),
                ("align", "input", 0, "raw/alpha.txt"),
                ("merge", "input", 0, "aligned/alpha.u1.txt"),
                ("merge", "input", 1, "aligned/alpha.u2.txt"),
                ("count", "input", 2, "merged/gamma.txt"),
                ("count", "output", 0, "report/lines.txt"),
            },
            listed,
        )

    def test_a_run_with_a_job_that_fails_for_good_has_failed(self):
        status = self.snakemake("failing", "--cores", "1", "--keep-going")

        self.assertEqual(status, 1)
        run = self.only_run()
        self.assertEqual(run["status"], "failed")
        self.assertEqual(
            self.histories(run["id"]),
            {"step ok1": ["success"], "step ok2": ["success"], "step bad": ["failed", "failed"]},
        )
        self.assertEqual(self.counted(run["id"]), {"success": 2, "failed": 1})
        self.assertEqual(
            [error["exception"] for error in run["errors"]],
            ["RuleException", "RuleException", "WorkflowError"],
        )
        for error in run["errors"]:
            self.assertEqual(error.keys(), {"exception", "rule", "location", "traceback", "at"})
            self.assertLess(abs(error["at"] / 1000 - time.time()), 300)
        self.assertTrue(run["closed_by_client"])
        self.assert_now(run)
        attempts = self.rows(
            """select attempt, superseded from job_executions
                where workflow_run_id = %s and wildcards ->> 'sample' = 'bad' order by attempt""",
            run["id"],
        )
        self.assertEqual(
            attempts, [{"attempt": 1, "superseded": True}, {"attempt": 2, "superseded": False}]
        )
        words = self.rows(
            "select message from log_entries where workflow_run_id = %s and level = 'error' order by id",
            run["id"],
        )
        self.assertEqual(
            [word["message"].split(" ")[0] for word in words],
            ["RuleException", "Job", "RuleException", "Job", "WorkflowError"],
        )

    def test_a_run_whose_failed_job_succeeds_when_retried_has_succeeded(self):
        status = self.snakemake("flaky", "--cores", "1")

        self.assertEqual(status, 0)
        run = self.only_run()
        self.assertEqual(run["status"], "success")
        self.assertEqual(
            self.histories(run["id"]),
            {"flaky": ["failed", "success"], "calm": ["success"], "all": ["success"]},
        )
        self.assertEqual([error["exception"] for error in run["errors"]], ["RuleException"])

    def test_a_run_with_an_ambiguous_rule_fails_without_jobs(self):
        status = self.snakemake("ambiguous", "--cores", "1")

        self.assertEqual(status, 1)
        run = self.only_run()
        self.assertEqual((run["status"], run["jobs_planned"]), ("failed", None))
        self.assertEqual([e["exception"] for e in run["errors"]], ["AmbiguousRuleException"])
        self.assertEqual(self.histories(run["id"]), {})

    def test_a_dry_run_writes_nothing(self):
        self.snakemake("normal", "--cores", "4", "--dry-run")

        self.assertEqual(
            self.rows("select id from workflow_runs where directory = %s", str(self.directory)), []
        )

    def test_a_batch_of_jobs_keeps_its_order(self):
        self.snakemake("many", "--cores", "64")

        run = self.only_run()
        self.assertEqual(run["status"], "success")
        self.assertEqual(
            self.histories(run["id"]),
            {"all": ["success"], **{f"make {n}": ["success"] for n in range(500)}},
        )
        self.assertEqual(self.counted(run["id"]), {"success": 501})

    def hold(self):
        """Starts the workflow `held` and waits until the job `held` is known to be running."""
        snakemake = self.start("held", "--cores", "1")
        until(
            lambda: (
                snakemake.process.poll(),
                self.rows(
                    """select j.id from job_executions j join workflow_runs r on r.id = j.workflow_run_id
                        where r.directory = %s and j.rule = 'held' and j.status = 'running'""",
                    str(self.directory),
                ),
            ),
            lambda seen: seen[0] is not None or seen[1],
            "the job `held` running",
            SOON,
        )
        self.assertIsNone(snakemake.process.poll(), snakemake.console())
        return snakemake

    def test_a_run_is_seen_while_it_runs_and_an_interrupted_one_loses_its_job(self):
        snakemake = self.hold()
        run = self.only_run()
        self.assertEqual((run["status"], run["jobs_running"], run["ended_at"]), ("running", 1, None))

        snakemake.signal(signal.SIGINT)
        words = "Terminating processes on user request"
        until(snakemake.console, lambda text: words in text, words, SOON)
        (self.directory / "release").touch()

        self.assertEqual(snakemake.wait(), 1, snakemake.console())
        self.assert_no_trouble(snakemake)
        run = self.only_run()
        self.assertEqual(run["status"], "failed")
        self.assertEqual(self.counted(run["id"]), {"success": 2, "lost": 1})

    def test_a_killed_run_stays_open_for_the_sweep(self):
        snakemake = self.hold()

        snakemake.signal(signal.SIGKILL)

        self.assertEqual(snakemake.wait(), -signal.SIGKILL)
        run = self.only_run()
        self.assertEqual((run["status"], run["heartbeats"]), ("running", False))

    def test_a_failed_run_and_its_repetition_are_attempts_of_one_thing(self):
        first = self.start("mended", "--cores", "1")
        self.assertEqual(first.wait(), 1)
        snakefile = self.directory / "Snakefile"
        snakefile.write_text(snakefile.read_text().replace("false && ", ""))

        settings = {**self.database.client(), "FLOWO_USER": "ada"}
        second = Snakemake(self.directory, "--cores", "1", settings=settings)
        self.addCleanup(second.end)

        self.assertEqual(second.wait(), 0, second.console())
        one, two = self.rows(
            "select * from workflow_runs where directory = %s order by number", str(self.directory)
        )
        self.assertEqual((one["attempt"], two["attempt"]), (1, 2))
        self.assertEqual(one["lineage_id"], two["lineage_id"])

    def test_the_owner_of_the_tables_writes_nothing_and_is_told_why(self):
        before = self.row("select count(*) as n from workflow_runs")

        snakemake = self.start("flaky", "--cores", "1", user=self.database.owner)

        self.assertEqual(snakemake.wait(), 0, snakemake.console())
        self.assertIn('relation "workflows" does not exist', snakemake.console())
        self.assertEqual(self.row("select count(*) as n from workflow_runs"), before)
        self.assertEqual(self.rows("select * from rules where name = 'flaky' and position = 0"), [])


class Writers(SqlTest):
    """Statements in the form of the plugin's, in any order, with any value."""

    def setUp(self):
        super().setUp()
        self.writer = self.open()
        self.run_id = str(uuid.uuid4())

    def open(self):
        session = self.database.session(self.database.writer)
        self.addCleanup(session.__exit__, None, None, None)
        return session.__enter__()

    def write(self, statement, *values):
        self.writer.execute(statement, values)
        return [row[0] for row in self.writer.fetchall()] if self.writer.description else []

    def start(self, run_id=None, **more):
        columns = {
            "id": run_id or self.run_id,
            "snakefile": "/data/Snakefile",
            "status": "RUNNING",
            "dryrun": False,
            **more,
        }
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join(["%s"] * len(columns))
        self.write(f"insert into workflows ({names}, started_at) values ({places}, localtimestamp)", *columns.values())

    def jobs(self, *numbers, run_id=None):
        """One statement for all rows, as SQLAlchemy builds it; returns the ids."""
        rows = ", ".join(
            self.writer.mogrify(
                "(%s, %s::uuid, 'RUNNING', localtimestamp, %s)", (n, run_id or self.run_id, at)
            ).decode()
            for at, n in enumerate(numbers)
        )
        return self.write(
            f"""insert into jobs (snakemake_id, workflow_id, status, started_at)
                select p0::integer, p1::uuid, p2::status, p3::timestamp without time zone
                  from (values {rows}) as imp_sen(p0, p1, p2, p3, sen_counter)
                 order by sen_counter returning jobs.id"""
        )

    def end(self, job, status="SUCCESS"):
        self.write("update jobs set status = %s, end_time = localtimestamp where jobs.id = %s", status, job)

    def error(self, exception="RuleException", **more):
        columns = {"exception": exception, "workflow_id": self.run_id, **more}
        self.write(
            f"insert into errors (timestamp, {', '.join(columns)}) values (%s, {', '.join(['%s'] * len(columns))}) returning id",
            "2020-01-01T00:00:00+00:00",
            *columns.values(),
        )

    def close(self, status="SUCCESS"):
        end = ", end_time = localtimestamp" if status == "SUCCESS" else ""
        self.write(f"update workflows set status = %s{end} where workflows.id = %s", status, self.run_id)

    def attempts(self):
        return [
            (job["job_id"], job["attempt"], job["superseded"], job["status"])
            for job in self.rows(
                "select * from job_executions where workflow_run_id = %s order by job_id, attempt",
                self.run_id,
            )
        ]

    def test_ids_come_in_the_order_of_the_rows(self):
        self.start()

        ids = self.jobs(*range(500, 0, -1))

        self.assertEqual(ids, sorted(set(ids)))
        by_id = self.rows("select id, job_id from job_executions where workflow_run_id = %s", self.run_id)
        self.assertEqual({job["id"]: job["job_id"] for job in by_id}, dict(zip(ids, range(500, 0, -1))))

    def test_a_job_reported_twice_is_one_and_a_job_started_again_another(self):
        self.start()
        [job] = self.jobs(7)
        [again] = self.jobs(7)
        self.assertEqual(again, job)
        self.write("update jobs set threads = 1, shellcmd = 'x' where id = %s", job)
        self.end(job, "ERROR")

        [retry] = self.jobs(7)

        self.assertNotEqual(retry, job)
        self.assertEqual(self.attempts(), [(7, 1, True, "failed"), (7, 2, False, "running")])
        newest = self.row("select * from job_executions where id = %s", retry)
        self.assertEqual((newest["shell_command"], newest["threads"], newest["informed"]), ("x", 1, False))
        self.end(job, "SUCCESS")
        self.end(retry)
        self.end(retry, "ERROR")
        self.assertEqual(self.attempts(), [(7, 1, True, "failed"), (7, 2, False, "success")])
        self.assertEqual(self.counted(self.run_id), {"success": 1})

    def test_a_run_reported_twice_keeps_what_was_reported_first(self):
        self.start(name="first", user="bob")

        self.start(name="second", user="ada", directory="/data")

        run = self.run_of(self.run_id)
        self.assertEqual((run["workflow_name"], run["user_name"], run["directory"]), ("first", "bob", "/data"))

    def test_a_job_of_a_run_nobody_reported_makes_it_and_its_start_may_follow(self):
        [job] = self.jobs(1)
        self.assertEqual(self.run_of(self.run_id)["status"], "running")

        self.start(name="late", tags=["a", "", "a", "b"])

        run = self.run_of(self.run_id)
        self.assertEqual((run["workflow_name"], run["tags"], run["jobs_running"]), ("late", ["a", "b"], 1))
        self.assertEqual(self.write("select id from jobs where workflow_id = %s", self.run_id), [job])

    def test_what_is_reported_of_unknown_things_is_lost_without_an_error(self):
        ids = self.write(
            """insert into files (path, file_type, job_id)
               values ('a', 'INPUT', -5), ('b', 'INPUT', null), (null, null, 1) returning id"""
        )
        self.assertEqual(len(ids), 3)
        self.write("update jobs set status = 'ERROR' where id = -5")
        self.write("update workflows set status = 'ERROR' where id = %s", self.run_id)
        self.write("insert into jobs (snakemake_id, workflow_id) values (1, null) returning id")
        self.write("insert into rules (name, workflow_id) values (null, %s) returning id", self.run_id)
        self.write("insert into errors (exception) values ('E') returning id")
        self.write("insert into errors (workflow_id) values (%s) returning id", self.run_id)
        self.write("insert into workflows (name) values ('no id, no status')")
        self.assertEqual(self.run_of(self.run_id)["errors"][0]["exception"], "Error")

    def test_a_deleted_run_does_not_come_back(self):
        self.start()
        [job] = self.jobs(1)
        self.owner.execute("delete from workflow_runs where id = %s", [self.run_id])
        self.owner.execute("insert into deleted_runs (id) values (%s)", [self.run_id])

        self.assertEqual(len(self.jobs(2, 3)), 2)
        self.end(job, "ERROR")
        self.write("insert into rules (name, workflow_id) values ('r', %s) returning id", self.run_id)
        self.write("insert into files (path, file_type, job_id) values ('a', 'INPUT', %s) returning id", job)
        self.error()
        self.start()
        self.close()

        self.assertEqual(self.rows("select 1 from workflow_runs where id = %s", self.run_id), [])

    def test_what_comes_after_the_close_changes_no_status(self):
        self.start()
        one, two = self.jobs(1, 2)
        self.end(one)
        self.close()
        self.assertEqual(self.run_of(self.run_id)["status"], "success")
        self.assertEqual(self.counted(self.run_id), {"success": 1, "lost": 1})

        self.end(two, "ERROR")
        self.error()
        self.close("ERROR")
        self.write("update workflows set status = 'RUNNING', end_time = null where id = %s", self.run_id)

        run = self.run_of(self.run_id)
        self.assertEqual((run["status"], len(run["errors"])), ("success", 1))
        self.assertEqual(self.counted(self.run_id), {"success": 1, "failed": 1})

    def test_a_lost_run_that_speaks_again_runs_again(self):
        self.start()
        [job] = self.jobs(1)
        self.owner.execute("update workflow_runs set status = 'lost' where id = %s", [self.run_id])
        self.owner.execute("update job_executions set status = 'lost' where id = %s", [job])

        self.end(job)

        self.assertEqual((self.run_of(self.run_id)["status"], self.attempts()), ("running", [(1, 1, False, "success")]))

    def test_an_error_ends_no_run(self):
        self.start()
        self.write(
            "update workflows set status = 'ERROR', end_time = localtimestamp where id = %s", self.run_id
        )
        self.error()

        self.assertEqual(self.run_of(self.run_id)["status"], "running")
        self.assertEqual(self.write("select status from workflows where id = %s", self.run_id), ["RUNNING"])

    def test_an_error_of_the_oldest_clients_ends_no_run_either(self):
        """0.1.0 and 0.1.1 report an error in the same way as 0.1.10 closes; the rest of the transaction shows
        the difference.
        """
        self.start()
        [job] = self.jobs(1)
        self.writer.execute("begin")
        self.close("ERROR")
        self.error()
        self.writer.execute("commit")
        self.assertEqual((self.run_of(self.run_id)["status"], self.attempts()[0][3]), ("running", "running"))

        self.end(job, "ERROR")
        self.close("ERROR")

        run = self.run_of(self.run_id)
        self.assertEqual((run["status"], run["closed_by_client"]), ("failed", True))

    def test_a_clock_of_another_zone_is_put_right_and_one_of_the_past_believed(self):
        self.start()
        for job, (offset, wanted) in enumerate(
            (
                ("8 hours", 0),
                ("-14 hours", 0),
                ("6 minutes", 0),
                ("-2 minutes", -120),
                ("-3 days", -259200),
                ("3 days", 0),
                ("infinity", 0),
            )
        ):
            value = "'infinity'" if offset == "infinity" else f"localtimestamp + interval '{offset}'"
            self.write(
                f"""insert into jobs (snakemake_id, workflow_id, status, started_at)
                    values (%s, %s, 'RUNNING', {value}) returning id""",
                job,
                self.run_id,
            )
            seen = self.row(
                """select extract(epoch from started_at - now()) as d from job_executions
                    where workflow_run_id = %s and job_id = %s""",
                self.run_id,
                job,
            )
            self.assertAlmostEqual(float(seen["d"]), wanted, delta=30, msg=offset)

    def test_an_end_before_the_start_is_the_start(self):
        self.start()
        [job] = self.write(
            """insert into jobs (snakemake_id, workflow_id, status, started_at)
               values (1, %s, 'RUNNING', localtimestamp + interval '4 minutes') returning id""",
            self.run_id,
        )

        self.end(job)
        self.write(
            """update workflows set status = 'SUCCESS', end_time = localtimestamp - interval '3 days'
                where id = %s""",
            self.run_id,
        )

        for row in (self.row("select * from job_executions where id = %s", job), self.run_of(self.run_id)):
            self.assertEqual(row["started_at"], row["ended_at"])

    def test_values_that_fit_nowhere_are_bent(self):
        big = "x" * 3_000_000
        wide = "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 5000
        self.start(name=wide, user=wide, tags=[wide] * 300, logfile=wide, directory=wide)
        [job] = self.jobs(1)
        self.write("insert into rules (name, workflow_id) values (%s, %s) returning id", big, self.run_id)
        [rule] = self.write("select id from rules where workflow_id = %s", self.run_id)

        self.write(
            """update jobs set rule_id = %s, message = %s, reason = %s, shellcmd = %s, threads = 99999999999,
                      priority = -99999999999, wildcards = %s::json, resources = %s::json where id = %s""",
            rule,
            big,
            big,
            big,
            json.dumps({"nul\0": "a\0b", "half": "\ud800", "kept": "\\u0000"}),
            '{"n": 1e999999}',
            job,
        )
        self.write("insert into files (path, file_type, job_id) values (%s, 'LOG', %s) returning id", big, job)
        self.error(big, traceback=big, location=big)
        self.write(
            "update workflows set rulegraph_data = %s::json, run_info = %s::json where id = %s",
            '"no graph"',
            '{"a": 5000000000, "b": "x", "total": -1}',
            self.run_id,
        )

        run = self.run_of(self.run_id)
        self.assertEqual((run["planned"], run["jobs_planned"]), ({"a": 2147483647}, 0))
        self.assertEqual((len(run["tags"]), len(run["user_name"])), (1, 200))
        row = self.row("select * from job_executions where id = %s", job)
        self.assertEqual((row["threads"], row["priority"]), (2147483647, -2147483648))
        self.assertEqual(row["wildcards"], {"nul\ufffd": "a\ufffdb", "half": "\ufffd", "kept": "\\u0000"})
        self.assertEqual(row["rule"], big)

    def test_files_keep_role_and_order_and_are_replaced_when_reported_again(self):
        self.start()
        [job] = self.jobs(1)
        rows = [("b", "INPUT"), ("a", "INPUT"), ("o", "OUTPUT"), ("l", "LOG"), ("t", "BENCHMARK")]
        values = ", ".join(f"('{path}', '{role}', {job}, {at})" for at, (path, role) in enumerate(rows))
        for _ in range(2):
            ids = self.write(
                f"""insert into files (path, file_type, job_id) select p0::varchar, p1::filetype, p2::integer
                      from (values {values}) as imp_sen(p0, p1, p2, n) order by n returning files.id"""
            )
            self.assertEqual(ids, sorted(set(ids)))
            listed = self.rows(
                """select role, position, path from job_files f join paths p on p.id = f.path_id
                    where job_execution_id = %s
                    order by array_position(array['input', 'output', 'log', 'benchmark'], role), position""",
                job,
            )
            self.assertEqual(
                [(file["path"], file["role"].upper()) for file in listed],
                rows,
            )
            self.assertEqual(self.write("select id from files where job_id = %s order by id", job), ids)

    def test_what_the_plugin_asks_is_answered(self):
        self.start(name="n", tags=["t"], user="bob")
        [job] = self.jobs(3)
        [rule] = self.write("insert into rules (name, workflow_id) values ('align', %s) returning id", self.run_id)
        self.write(
            "update jobs set rule_id = %s, wildcards = %s::json, threads = 2 where id = %s", rule, '{"s": "a"}', job
        )
        self.end(job, "ERROR")
        self.error(rule_id=rule)
        self.write("update workflows set run_info = %s::json where id = %s", '{"align": 1, "total": 1}', self.run_id)

        self.writer.execute(
            """select id, snakemake_id, workflow_id, rule_id, message, wildcards, reason, resources, shellcmd, threads,
                      priority, status, started_at, end_time, group_id from jobs where jobs.id = %s""",
            [job],
        )
        [row] = self.writer.fetchall()
        self.assertEqual(
            [str(row[name]) for name in ("id", "snakemake_id", "workflow_id", "rule_id", "threads", "status")],
            [str(value) for value in (job, 3, self.run_id, rule, 2, "ERROR")],
        )
        self.assertEqual(
            row["wildcards"],
            {"s": "a"},
        )
        self.assertEqual(
            self.write("select exists (select * from jobs where workflow_id = %s and status = 'ERROR')", self.run_id), [True]
        )
        self.assertEqual(
            self.write("select id from rules where name = 'align' and workflow_id = %s limit 1", self.run_id), [rule]
        )
        self.writer.execute("select id, exception, rule_id from errors where workflow_id in (%s)", [self.run_id])
        self.assertEqual([list(error) for error in self.writer.fetchall()], [[1, "RuleException", rule]])
        self.writer.execute('select name, tags, "user", status, run_info from workflows where id = %s', [self.run_id])
        [row] = self.writer.fetchall()
        self.assertEqual(list(row), ["n", ["t"], "bob", "RUNNING", {"align": 1, "total": 1}])

    def test_an_owner_is_found_by_name_or_address_if_only_one_has_it(self):
        for user, wanted in (
            ("ada", "ada"),
            ("BOB@example.org", "bob"),
            ("two@example.org", None),
            ("nobody", None),
            ("", None),
        ):
            run_id = str(uuid.uuid4())
            self.start(run_id, user=user)
            [run] = self.rows(
                "select r.user_name, u.name from workflow_runs r left join users u on u.id = r.user_id where r.id = %s",
                run_id,
            )
            self.assertEqual((run["user_name"], run["name"]), (user, wanted))

    def test_every_write_is_a_sign_of_life_and_tells_the_listeners(self):
        self.start()
        [job] = self.jobs(1)
        self.owner.execute("update workflow_runs set last_seen_at = now() - interval '1 hour' where id = %s", [self.run_id])
        before = self.row("select revision from job_executions where id = %s", job)
        with self.database.session(self.database.owner) as listener:
            listener.execute("listen flowo_changes")
            self.end(job)
            heard = lambda: listener.connection.poll() or list(listener.connection.notifies)  # noqa: E731
            until(heard, bool, "a notification", SOON)
        run = self.row("select now() - last_seen_at < interval '1 minute' as alive from workflow_runs where id = %s", self.run_id)
        self.assertTrue(run["alive"])
        after = self.row("select revision from job_executions where id = %s", job)
        self.assertGreater(after["revision"], before["revision"])

    def test_the_script_may_run_again_under_a_writer(self):
        self.start()
        for script in self.database.scripts():
            self.owner.execute(script.read_text())
        [job] = self.jobs(1)
        self.end(job)
        self.close()

        self.assertEqual(self.run_of(self.run_id)["status"], "success")


class Access(SqlTest):
    """What the role may do apart from writing, which is nothing."""

    REFUSALS = (
        psycopg2.errors.InsufficientPrivilege,
        psycopg2.errors.ObjectNotInPrerequisiteState,  # A view without a rule or trigger for deletes.
    )

    def refused(self, statement):
        with self.database.session(self.database.writer) as writer:
            with self.assertRaises(self.REFUSALS, msg=statement):
                writer.execute(statement)

    def test_our_tables_are_out_of_reach(self):
        for table in ("users", "tokens", "workflow_runs", "job_executions", "rules", "settings", "paths"):
            for statement in (
                f"select * from public.{table}",
                f"delete from public.{table}",
                f"insert into public.{table} default values",
                f"truncate public.{table}",
            ):
                self.refused(statement)

    def test_only_the_views_may_be_written_and_nothing_deleted(self):
        for statement in (
            "delete from workflows",
            "delete from jobs",
            "update files set path = 'x'",
            "update errors set exception = 'x'",
            "create table flowo_sql.mine (n integer)",
            "create table public.mine (n integer)",
            "create or replace view flowo_sql.jobs as select 1",
            "drop view flowo_sql.jobs",
            "select flowo_sql.allow('public')",
            "select flowo_sql.hold(gen_random_uuid(), false)",
            "select flowo_sql.close(gen_random_uuid(), now())",
        ):
            self.refused(statement)

    def test_the_triggers_cannot_be_hung_on_another_table(self):
        with self.database.session(self.database.writer) as writer:
            writer.execute("create temporary table mine (id bigint)")
            for function in ("jobs_insert", "workflow_runs_closing"):
                with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
                    writer.execute(
                        f"create trigger t before insert on mine for each row execute function flowo_sql.{function}()"
                    )

    def test_a_session_cannot_bend_what_the_triggers_call(self):
        run_id = str(uuid.uuid4())
        with self.database.session(self.database.writer) as writer:
            for table in ("workflow_runs", "deleted_runs", "job_executions", "rule_counts", "change_notifications"):
                writer.execute(f"create temporary table {table} (id uuid)")
            writer.execute("create function pg_temp.md5(text) returns text language sql as 'select null::text'")
            writer.execute("set search_path = pg_temp, pg_catalog, flowo_sql")
            writer.execute("set flowo.counting = 'on'")
            writer.execute("set flowo.actor = 'user ada'")
            writer.execute("set application_name = 'user ada'")
            writer.execute("set standard_conforming_strings = off")
            writer.execute("set flowo.clock_shift = '1 year'")
            writer.execute(
                """insert into workflows (id, status, dryrun, started_at, config)
                   values (%s, 'RUNNING', false, pg_catalog.now(), %s)""",
                [run_id, json.dumps({"a": "\0"})],
            )
            writer.execute("insert into jobs (snakemake_id, workflow_id, status) values (1, %s, 'RUNNING')", [run_id])
            writer.execute("update workflows set status = 'SUCCESS' where id = %s", [run_id])
        self.assertEqual(self.run_of(run_id)["config"], {"a": "\ufffd"})
        self.assertEqual(self.counted(run_id), {"lost": 1})
        changes = self.rows(
            """select operation, actor from change_notifications
                where workflow_run_id = %s and table_name = 'workflow_runs' order by id""",
            run_id,
        )
        self.assertEqual([change["operation"] for change in changes], ["INSERT", "UPDATE"])
        self.assertEqual({change["actor"] for change in changes}, {f"role {self.database.writer}"})
        times = self.row(
            """select greatest(max(c."timestamp"), max(r.last_seen_at), max(r.ended_at)) < now() + interval '1 minute' as are_true
                 from workflow_runs r join change_notifications c on c.workflow_run_id = r.id
                where r.id = %s""",
            run_id,
        )
        self.assertTrue(times["are_true"])

    def test_a_setting_that_is_no_time_refuses_no_write(self):
        run_id = str(uuid.uuid4())
        with self.database.session(self.database.writer) as writer:
            writer.execute("set flowo.clock_shift = 'soon'")
            writer.execute("insert into workflows (id, status, dryrun) values (%s, 'RUNNING', false)", [run_id])
            writer.execute("insert into errors (exception, workflow_id) values ('E', %s)", [run_id])
        self.assertTrue(self.run_of(run_id)["last_was_error"])

    def test_runs_of_others_are_neither_seen_nor_changed(self):
        theirs = {}
        for source, version in (("flowo", "2.2.0"), ("sql", None)):
            [row] = self.rows(
                """insert into workflow_runs (workflow_name, directory, source, client_version)
                   values ('secret', '/secret', %s, %s) returning id""",
                source,
                version,
            )
            theirs[source] = row["id"]
        before = self.rows("select * from workflow_runs where workflow_name = 'secret' order by id")
        with self.database.session(self.database.writer) as writer:
            writer.execute(
                """create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0001 as
                   'begin raise notice ''seen %'', $1; return true; end'"""
            )
            # A bare column: only functions cheaper than our own condition run before it.
            writer.execute("select name from workflows where pg_temp.leak(directory)")
            self.assertNotIn("secret", "".join(writer.connection.notices))
            for run in theirs.values():
                writer.execute("insert into workflows (id, name, status, dryrun) values (%s, 'mine', 'ERROR', true)", [run])
                writer.execute("update workflows set status = 'ERROR' where id = %s", [run])
                writer.execute("insert into jobs (snakemake_id, workflow_id, status) values (1, %s, 'RUNNING')", [run])
                writer.execute("insert into rules (name, workflow_id) values ('mine', %s)", [run])
                writer.execute("insert into errors (exception, workflow_id) values ('mine', %s)", [run])
        self.assertEqual(self.rows("select * from workflow_runs where workflow_name = 'secret' order by id"), before)
        self.assertEqual(self.rows("select * from job_executions where workflow_run_id = any(%s)", list(theirs.values())), [])

    def test_a_role_that_may_write_in_public_is_not_allowed_in(self):
        with self.database.session(None) as admin:
            role = f"{self.database.name}_other"
            admin.execute(f"create role {role}")
            admin.execute(f"grant create on schema public to {role}")
            try:
                with self.assertRaisesRegex(psycopg2.Error, "may create objects in the schema public"):
                    admin.execute("select flowo_sql.allow(%s)", [role])
            finally:
                admin.execute(f"drop owned by {role}")
                admin.execute(f"drop role {role}")

    def test_an_owner_who_may_not_set_up_roles_is_told_so(self):
        with self.assertRaisesRegex(psycopg2.Error, "may not set up the role"):
            self.owner.execute("select flowo_sql.allow(%s)", [self.database.writer])


if __name__ == "__main__":
    unittest.main()
