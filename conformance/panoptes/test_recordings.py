"""Recorded conversations of Panoptes clients, replayed against a `flowod` of their own.

Each recording of `server/tests/data/recordings/panoptes` is sent line by line, with the numbers and the token
of this server; then both APIs must show what its `expected.json` says. Runs no clients: `test_panoptes.py`
does that.
"""

import base64
import http.client
import json
import sys
import unittest
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flowo"))

from lab import Flowod, until  # noqa: E402

RECORDINGS = HERE.parent.parent / "server/tests/data/recordings/panoptes"
RECORDED = "flw_TESTTOKEN0123456789abcdefghijklmnopqrstuvwx"
"""The token of all recordings."""

API_WORDS = {"planned": "Pending", "unknown": "Unknown"}
OWN_WORDS = {
    "planned": "waiting",
    "unknown": "lost",
    "Done": "success",
    "No Execution": "success",
    "Error": "failed",
    "Running": "running",
}


class Conversation:
    """A client during its conversation."""

    def __init__(self, server, old_port):
        self.token = server.config["FLOWO_USER_TOKEN"]
        self.hosts = {place: urllib.parse.urlsplit(place).netloc for place in (server.url, old_port)}
        self.url, self.old_port = server.url, old_port
        self.ids = {}
        """Maps each of the recording's numbers to ours."""

    def send(self, line):
        """Sends what the client sent; returns the status and text of the answer."""
        path = line["path"].replace(RECORDED, self.token)
        start, _, last = path.rpartition("/")
        if start.endswith("/api/workflow"):
            path = f"{start}/{self.ids[int(last)]}"
        headers = dict(line["headers"])
        authorization = headers.get("authorization", "")
        kind, _, secret = authorization.partition(" ")
        if kind == "Basic":
            pair = base64.b64decode(secret).decode().replace(RECORDED, self.token)
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif kind:
            headers["authorization"] = f"{kind} {secret.replace(RECORDED, self.token)}"
        # A client without a token uses the port that needs none.
        has_token = authorization or path.startswith("/t/")
        connection = http.client.HTTPConnection(self.hosts[self.url if has_token else self.old_port], timeout=10)
        try:
            query = f"?{line['query']}" if line["query"] else ""
            connection.request(line["method"], path + query, self.body(line["body"]), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if path.endswith("/create_workflow") and answer.status == 200:
            self.ids[line["reply"]["id"]] = json.loads(text)["id"]
        return answer.status, text

    def body(self, body):
        if body is None:
            return None
        if isinstance(body, str):
            pairs = urllib.parse.parse_qsl(body, keep_blank_values=True)
            return urllib.parse.urlencode([(name, self.ids[int(value)] if name == "id" else value) for name, value in pairs])
        return json.dumps({name: self.ids[value] if name == "id" else value for name, value in body.items()})


class Recordings(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = Flowod(FLOWO_PANOPTES_LISTEN="127.0.0.1:0")
        cls.addClassCleanup(cls.server.destroy)
        cls.server.start()
        said = until(lambda: list(cls.server.said), lambda lines: len(lines) > 3, "the old port", 20)
        cls.old_port = said[3].split()[2]

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def get(self, path):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.old_port).netloc, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200, path)
            return json.load(answer)
        finally:
            connection.close()

    def runs(self):
        return {run["id"]: run for run in self.server.api.items("/runs", sort="started:asc", limit=200)}

    def replay(self, generation, name, wanted):
        before = set(self.runs())
        talk = Conversation(self.server, self.old_port)
        for line in (RECORDINGS / generation / f"{name}.jsonl").read_text().splitlines():
            line = json.loads(line)
            status, text = talk.send(line)
            # Panoptes answers 200 to an invalid name. Its clients need only to keep running.
            wanted_status = 400 if line["method"] == "PUT" and line["body"] in ({}, "{}") else 200
            self.assertEqual(status, wanted_status, f"{line['method']} {line['path']}: {text}")
            if line["path"].endswith("/update_workflow_status"):
                self.assertEqual(text, "ok")
        flows = list(dict.fromkeys(talk.ids.values()))
        self.assertEqual(len(flows), len(wanted["expected_runs"]), "the same number for the same name")
        for flow, one in zip(flows, wanted["expected_runs"]):
            self.check(flow, one)
        made = [run for key, run in self.runs().items() if key not in before]
        ends = wanted["expected_earlier_attempts"] + wanted["expected_runs"]
        self.assertEqual(len(made), len(ends))
        for run, one in zip(made, ends):
            self.check_run(run, one)

    def check(self, flow, wanted):
        shown = self.get(f"/api/workflow/{flow}")["workflow"]
        self.assertIn(shown["status"], wanted["status_any_of"])
        self.assertEqual(shown["jobs_done"], wanted["jobs_done"])
        if wanted["jobs_total"] is not None:
            self.assertEqual(shown["jobs_total"], wanted["jobs_total"])
        listed = self.get(f"/api/workflow/{flow}/jobs")
        facts = {str(job["jobid"]): (job["name"], job["status"], job["wildcards"]) for job in listed["jobs"]}
        jobs = wanted["jobs"].items()
        self.assertEqual(facts, {key: (job["rule"], API_WORDS.get(job["status"], job["status"]), job["wildcards"]) for key, job in jobs})

    def check_run(self, run, wanted):
        """Checks the same through our own API, which shows more."""
        self.assertEqual((run["status"], run["dry_run"]), (OWN_WORDS[wanted["status_any_of"][0]], wanted["dry_run"]))
        attempts_of = {}
        for job in self.server.api.items(f"/runs/{run['id']}/jobs", attempts="all", limit=200):
            attempts_of.setdefault(str(job["job_id"]), []).append((job["attempt"], job["status"], job["threads"]))
        states = {key: [status for _, status, _ in sorted(attempts)] for key, attempts in attempts_of.items()}
        jobs = wanted["jobs"].items()
        self.assertEqual(states, {key: [OWN_WORDS[word] for word in job["attempt_states"]] for key, job in jobs})
        self.assertEqual({key: min(attempts)[2] for key, attempts in attempts_of.items()}, {key: job["threads"] for key, job in jobs})


def each_recording():
    """A test for each recorded conversation."""
    for generation in sorted(path.name for path in RECORDINGS.iterdir() if path.is_dir()):
        wanted = json.loads((RECORDINGS / generation / "expected.json").read_text())
        for name, ends in wanted.items():
            test = f"test_{generation}_{name}"
            setattr(Recordings, test, lambda self, arguments=(generation, name, ends): self.replay(*arguments))


each_recording()
