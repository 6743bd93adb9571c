//! Every kind of caller against files of every kind of run: who can read what, by which route, now and in the past.

use crate::lab::{Lab, Terms};
use model::{UserId, access::Role};
use read::files::Roots;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};
use store::people;
use testkit::{Tab, until};

/// The files, each with its unique word.
const FILES: [(&str, &str); 6] = [
    ("private/p.txt", "wordprivate"),
    ("lab/ana/a.txt", "wordana"),
    ("lab/ben/b.txt", "wordben"),
    ("ref/g.txt", "wordref"),
    ("private/.env", "wordsecret"),
    // A symbolic link in ana's directory to ben's file.
    ("lab/ana/link.txt", "wordben"),
];
/// A file in a directory that no run named.
const HIDDEN: &str = "nobody-named-this.txt";

/// Somebody who asks.
#[derive(Clone, Debug)]
struct Caller {
    name: &'static str,
    sees_all: bool,
    /// The scope of a token; `None` for a session.
    scope: Option<&'static str>,
    secret: String,
}

impl Caller {
    fn with(&self, request: RequestBuilder) -> RequestBuilder {
        if self.scope.is_some() { request.bearer_auth(&self.secret) } else { request.header("cookie", &self.secret) }
    }

    fn sees(&self, run: &Ran) -> bool {
        self.sees_all || self.name == run.of
    }

    /// The rule that all tests in this file check.
    fn reads(&self, run: &Ran, file: &str) -> bool {
        let is_owner_on_own = self.name == "owner" && self.scope.is_none() && run.of == "owner";
        self.scope != Some("report")
            && self.sees(run)
            && match file {
                "private/.env" => false,
                _ if is_owner_on_own => true,
                "lab/ana/a.txt" => self.name == "ana",
                "lab/ben/b.txt" => self.name == "ben",
                "ref/g.txt" => true,
                _ => false,
            }
    }
}

/// A run in the top directory that names all files.
struct Ran {
    of: &'static str,
    id: String,
    jobs: Vec<i64>,
}

struct Stage {
    is_mapped: bool,
    lab: Lab,
    base: tempfile::TempDir,
    callers: Vec<Caller>,
    runs: Vec<Ran>,
}

impl Stage {
    /// `is_mapped` decides whether clients' paths are the server's own or are mapped to another tree.
    async fn set(is_mapped: bool) -> Self {
        let base = tempfile::tempdir().expect("a directory");
        for (file, word) in FILES {
            let path = base.path().join(file);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            if file.ends_with("link.txt") {
                symlink("../ben/b.txt", path).expect("a link");
            } else {
                fs::write(path, format!("{word}\n")).expect("a file");
            }
        }
        fs::write(base.path().join("private").join(HIDDEN), "x").expect("a file");
        let given = vec![base.path().join("lab/{user}"), base.path().join("ref")];
        let lab = Lab::on(Terms {
            roots: Roots { mapped: is_mapped.then(|| (base.path().to_owned(), base.path().to_owned())), given },
            ..Terms::default()
        })
        .await;
        let people = [
            ("owner", "admin", lab.owner),
            ("second", "admin", lab.user("second", "admin").await),
            ("visitor", "viewer", lab.user("visitor", "viewer").await),
            ("ana", "member", lab.user("ana", "member").await),
            ("ben", "member", lab.user("ben", "member").await),
        ];
        let mut callers = Vec::new();
        for (name, role, id) in people {
            let sees_all = role != "member";
            callers.push(Caller { name, sees_all, scope: None, secret: lab.session(id).await });
            let scopes: &[&str] = if matches!(name, "owner" | "ana") { &["report", "read", "write", "admin"] } else { &["read"] };
            for scope in scopes {
                callers.push(Caller { name, sees_all, scope: Some(scope), secret: lab.token(id, scope).await });
            }
        }
        let mut conn = lab.database.store.conn().await.expect("a connection");
        let demo = people::os_user(&mut conn, flowo_server::demo::play::MARK, "mira", Role::Member).await.expect("a user of the demo lab");
        drop(conn);
        let mut runs = Vec::new();
        for (of, id) in [("owner", lab.owner), ("ana", people[3].2), ("mira", UserId(demo.id))] {
            runs.push(ran(&lab, of, id, base.path()).await);
        }
        Self { is_mapped, lab, base, callers, runs }
    }

    /// Calls a server function as a page does.
    async fn call(&self, caller: &Caller, name: &str, body: &Value) -> (StatusCode, String) {
        let request = self.lab.request(Method::POST, &format!("/_fn/{name}")).json(body);
        let response = caller.with(request).send().await.expect("an answer");
        (response.status(), response.text().await.expect("text"))
    }

    fn path(&self, file: &str) -> String {
        self.base.path().join(file).display().to_string()
    }
}

/// Reports a run with one job per file, which is the job's log and benchmark; all jobs failed.
async fn ran(lab: &Lab, of: &'static str, user: UserId, base: &Path) -> Ran {
    let token = lab.token(user, "report").await;
    let id = uuid::Uuid::now_v7().to_string();
    let paths: Vec<PathBuf> = FILES.iter().map(|(file, _)| base.join(file)).collect();
    let send = async |event: &str, record: Value, run: Option<&str>| {
        let context = json!({ "current_workflow_id": run, "dryrun": false, "jobs": {}, "logfile": paths[0], "flowo_project_name": "files",
                              "flowo_tags": [], "workdir": "/" });
        let body = json!({ "event": event, "record": record, "context": context });
        let response = lab.request(Method::POST, "/api/v1/reports/").bearer_auth(&token).json(&body).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
    };
    send("workflow_started", json!({ "workflow_id": id, "snakefile": paths[0], "rules": [] }), None).await;
    for (at, path) in paths.iter().enumerate() {
        let job = json!({ "job_id": at, "rule_name": format!("rule{at}"), "threads": 1, "input": [], "output": [path], "log": [path],
                          "benchmark": [path], "rule_msg": null, "wildcards": {}, "reason": "", "shellcmd": "", "priority": 0,
                          "resources": {} });
        send("job_info", job, Some(&id)).await;
    }
    let mine = format!("where workflow_run_id = '{id}'");
    lab.database.sql(&format!("update job_executions set status = 'failed', ended_at = now() {mine}")).await;
    let jobs = lab.database.text(&format!("select string_agg(id::text, ' ' order by job_id) from job_executions {mine}")).await;
    let jobs: Vec<i64> = jobs.expect("jobs").split(' ').filter_map(|id| id.parse().ok()).collect();
    assert_eq!(jobs.len(), FILES.len());
    Ran { of, id, jobs }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_are_read_by_whom_they_were_given_to_whatever_the_door_and_the_moment() {
    each_file_is_read_only_by_whom_it_may(Stage::set(false).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_are_read_by_whom_they_were_given_to_whatever_the_door_and_the_moment_also_in_a_mapped_tree() {
    each_file_is_read_only_by_whom_it_may(Stage::set(true).await).await;
}

async fn each_file_is_read_only_by_whom_it_may(stage: Stage) {
    for caller in &stage.callers {
        for run in &stage.runs {
            let whole = asked_of_the_run(&stage, caller, run).await;
            for ((file, word), job) in FILES.iter().zip(&run.jobs) {
                let reads = caller.reads(run, file);
                let context = format!("{file} of {}'s run, to {} by {}", run.of, caller.name, caller.scope.unwrap_or("session"));
                let (id, path) = (&run.id, stage.path(file));
                let (named, under) = (json!({ "Named": path }), json!({ "Under": path.trim_start_matches('/') }));
                let open = json!({ "rule": null, "file": named, "after": null, "tree": null });
                for (name, body) in [
                    ("logs/window", json!({ "id": id, "file": named, "part": "End" })),
                    ("logs/window", json!({ "id": id, "file": under, "part": { "From": 0 } })),
                    ("logs/find", json!({ "id": id, "file": named, "words": word, "from": 0 })),
                    ("logs/list", json!({ "id": id, "ask": { "rule": null, "file": under, "at": null } })),
                    ("results/preview", json!({ "id": id, "file": named, "at": 0 })),
                    ("results/preview", json!({ "id": id, "file": under, "at": 0 })),
                    ("results/list", json!({ "id": id, "ask": open })),
                    ("jobs/read", json!({ "id": id, "job": job, "at": null })),
                    ("jobs/read", json!({ "id": id, "job": job, "at": stage.lab.database.store.clock().now() })),
                ] {
                    let (status, text) = stage.call(caller, name, &body).await;
                    assert_eq!(text.contains(word), reads, "{name} with {body}: {context}: {status} {text}");
                    assert_eq!(status, door(caller, run), "{name}: {context}: {status} {text}");
                }
                streamed(&stage, caller, run, &path, reads, &context).await;
                downloaded(&stage, caller, run, &path, reads.then_some(*word), &context).await;
                assert!(reads || !whole.contains(word) || is_read_elsewhere(caller, run, word), "the run's own pages: {context}");
            }
        }
    }
    // The audit log records only what the owner read by the special right of owners.
    let read = "select string_agg(distinct concat(u.name, ' ', a.target), ', ') from audit_log a join users u on u.id = a.user_id where a.action = 'read.file'";
    assert_eq!(stage.lab.database.text(read).await, Some(format!("owner {}", stage.runs[0].id)));
}

/// Whether another file with the same word may be read.
fn is_read_elsewhere(caller: &Caller, run: &Ran, word: &str) -> bool {
    FILES.iter().any(|(file, other)| *other == word && caller.reads(run, file))
}

fn door(caller: &Caller, run: &Ran) -> StatusCode {
    match caller.scope {
        Some("report") => StatusCode::FORBIDDEN,
        _ if caller.sees(run) => StatusCode::OK,
        _ => StatusCode::NOT_FOUND,
    }
}

/// Everything that is shown of the whole run, as one text: code, failures, directories, report.
async fn asked_of_the_run(stage: &Stage, caller: &Caller, run: &Ran) -> String {
    let id = &run.id;
    let mut all = String::new();
    for (name, body) in [
        ("runs/code", json!({ "id": id, "rule": null })),
        ("jobs/failures", json!({ "id": id, "at": null })),
        ("jobs/failures", json!({ "id": id, "at": stage.lab.database.store.clock().now() })),
    ] {
        let (status, text) = stage.call(caller, name, &body).await;
        assert_eq!(status, door(caller, run), "{name} by {caller:?}: {text}");
        all.push_str(&text);
    }
    let tree = stage.path("private");
    let ask = json!({ "id": id, "ask": { "rule": null, "file": null, "after": null, "tree": tree } });
    let (_, text) = stage.call(caller, "results/list", &ask).await;
    // The tree begins at the directory of the run, which lies above a mapped one.
    assert_eq!(text.contains(HIDDEN), !stage.is_mapped && caller.reads(run, FILES[0].0), "the directory by {caller:?}: {text}");
    if caller.scope.is_none() {
        let report = caller.with(stage.lab.request(Method::GET, &format!("/runs/{id}/report"))).send().await.expect("an answer");
        assert_eq!(report.status(), door(caller, run), "the report by {caller:?}");
        all.push_str(&report.text().await.expect("text"));
    }
    assert_eq!(all.contains(FILES[0].1), caller.reads(run, FILES[0].0), "the code and the log of {}'s run by {caller:?}: {all}", run.of);
    all
}

/// Follows the file through the live stream of the run.
async fn streamed(stage: &Stage, caller: &Caller, run: &Ran, path: &str, reads: bool, context: &str) {
    let address = format!("/live?scope=run:{}&file=%3D{path}", run.id);
    let response = caller.with(stage.lab.request(Method::GET, &address)).send().await.expect("an answer");
    assert_eq!(response.status(), door(caller, run), "the stream: {context}");
    if response.status() == StatusCode::OK {
        let first = Tab::new(response).until("how the file is", |event| event.name == "file").await;
        assert_eq!(first.data["facts"]["Ok"].is_object(), reads, "the stream: {context}: {first:?}");
    }
}

/// Downloads the bytes. Only sessions get download URLs.
async fn downloaded(stage: &Stage, caller: &Caller, run: &Ran, path: &str, word: Option<&str>, context: &str) {
    for file in [format!("%3D{path}"), format!(".{path}")] {
        let address = format!("/runs/{}/raw?file={file}", run.id);
        let response = caller.with(stage.lab.request(Method::GET, &address)).send().await.expect("an answer");
        let to = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        if caller.scope.is_some() {
            assert_eq!(to, "/login", "{context}");
            continue;
        }
        assert_eq!(to.starts_with("/raw/"), caller.sees(run), "{context}: {to}");
        if to.starts_with("/raw/") {
            let response = stage.lab.request(Method::GET, &to).send().await.expect("an answer");
            let (status, text) = (response.status(), response.text().await.expect("text"));
            assert_eq!(status == StatusCode::OK && Some(text.trim()) == word, word.is_some(), "{context}: {status} {text}");
            assert!(word.is_some() || status == StatusCode::FORBIDDEN, "{context}: {status} {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refusal_says_what_can_be_done_about_it() {
    let stage = Stage::set(false).await;
    let (visitor, run) = (stage.callers.iter().find(|caller| caller.name == "visitor").expect("a viewer"), &stage.runs[0]);
    let address = stage.lab.ticket(&visitor.secret, &run.id, &format!("%3D{}", stage.path(FILES[0].0))).await.expect("an address");
    let refused = stage.lab.request(Method::GET, &address).send().await.expect("an answer");
    let text = refused.text().await.expect("text");
    assert!(text.contains("Ask an admin") && text.contains("FLOWO_FILE_ROOTS"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logs_of_runs_are_read_only_where_their_account_may() {
    let stage = Stage::set(false).await;
    for log in ["private/run.log", "lab/ana/run.log", "lab/ben/run.log"] {
        fs::write(stage.base.path().join(log), "host: node7\n").expect("a log");
    }
    let (lab, base) = (&stage.lab, stage.base.path().display());
    lab.database
        .sql(&format!(
            "delete from workflow_runs;
             insert into workflow_runs (workflow_name, user_id, directory, logfile, status, ended_at)
             select concat(u.name, ' ', l), u.id, '/', concat('{base}/', l, '/run.log'), 'success', now()
               from users u, unnest(array['private', 'lab/ana', 'lab/ben']) as l where u.name in ('owner', 'second', 'ana', 'mira')"
        ))
        .await;

    until("all logs", async || {
        let left = "select count(*)::text from workflow_runs w where not exists (select from run_logs l where l.workflow_run_id = w.id)";
        (lab.database.text(left).await.as_deref() == Some("0")).then_some(())
    })
    .await;

    let query = "select string_agg(workflow_name, ', ' order by workflow_name) from workflow_runs where host = 'node7'";
    assert_eq!(lab.database.text(query).await.as_deref(), Some("ana lab/ana, owner lab/ana, owner lab/ben, owner private"));
}
