//! What the tests of this folder set up alike: credentials of accounts, and a run as its client reports it. What the run
//! is about, each test says itself.

use super::Credential;
use flowo_server::{
    http::access::COOKIE,
    secrets::{self, Secrets},
};
use model::{UserId, access::TokenScope};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::Path;
use store::{Conn, people};
use testkit::TestDatabase;

/// A new session of an account.
pub(super) async fn session(conn: &mut Conn, secrets: &Secrets, user: UserId) -> Credential {
    let session = secrets::random().expect("randomness");
    people::add_session(conn, user, &secrets.hash(&session), 1).await.expect("a session");
    Credential::Cookie(format!("{COOKIE}={session}"))
}

/// A new token of an account.
pub(super) async fn token(conn: &mut Conn, secrets: &Secrets, user: UserId, scope: TokenScope) -> Credential {
    let token = secrets::token().expect("randomness");
    let hash = secrets.hash(&token);
    people::add_token(conn, user, scope.as_str(), &secrets::shown(&token), &hash, scope, None).await.expect("a token");
    Credential::Token(token)
}

/// The numbers of all jobs, paths and runs.
pub async fn numbers(database: &TestDatabase) -> Vec<i64> {
    let numbers =
        "select id::text from (select id from job_executions union select id from paths union select number from workflow_runs) n";
    database.texts(numbers).await.iter().filter_map(|text| text.parse().ok()).collect()
}

/// A client that reports one run.
pub struct Reporter<'a> {
    http: reqwest::Client,
    base: &'a str,
    token: &'a str,
    directory: &'a Path,
    /// The name and the tag of the run.
    called: (&'a str, &'a str),
    id: String,
}

impl<'a> Reporter<'a> {
    /// Reports that a run has started: its rules, and the graph in which the rule `before` comes before `after`.
    pub async fn begin(
        (base, token): (&'a str, &'a str),
        directory: &'a Path,
        called: (&'a str, &'a str),
        rules: Value,
        (before, after): (&str, &str),
    ) -> Self {
        let id = uuid::Uuid::now_v7().to_string();
        let reporter = Self { http: testkit::client(), base, token, directory, called, id };
        let started = json!({ "workflow_id": reporter.id, "snakefile": directory.join("Snakefile"), "rules": rules });
        reporter.send("workflow_started", started, false).await;
        let graph = json!({ "nodes": [{ "rule": before }, { "rule": after }], "links": [{ "source": 0, "target": 1 }] });
        reporter.send("rulegraph", json!({ "rulegraph": graph }), true).await;
        reporter
    }

    async fn send(&self, event: &str, record: Value, begun: bool) {
        let context = json!({ "current_workflow_id": begun.then_some(&self.id), "dryrun": false, "jobs": {},
                              "logfile": self.directory.join("run.log"), "flowo_project_name": self.called.0,
                              "flowo_tags": [self.called.1], "workdir": self.directory });
        let body = json!({ "event": event, "record": record, "context": context });
        let url = format!("{}/api/v1/reports/", self.base);
        let answer = self.http.post(url).bearer_auth(self.token).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{event}");
    }

    /// Reports a job, its description and its start. Of three jobs in a row, one ends well, one fails and one goes on.
    pub async fn job(&self, number: u64, info: Value) {
        self.send("job_info", info, true).await;
        self.send("job_started", json!({ "job_ids": [number] }), true).await;
        match number % 3 {
            0 => self.send("job_finished", json!({ "job_id": number }), true).await,
            1 => self.send("job_error", json!({ "job_id": number }), true).await,
            _ => {}
        }
    }

    /// Reports an error of the run.
    pub async fn error(&self, record: Value) {
        self.send("error", record, true).await;
    }

    /// The id of the run.
    pub fn id(self) -> String {
        self.id
    }
}
