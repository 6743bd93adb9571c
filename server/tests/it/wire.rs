//! Connections and bodies of attackers: honest clients are served all the same, and memory stays bounded.

use crate::{
    lab::Lab,
    private_postgres::{many_files, open_dir, setting, start_with, start_with_files, stop},
};
use flowo_server::{commands::serve, secrets};
use model::{
    UserId,
    access::{Role, TokenScope},
};
use reqwest::{Method, StatusCode};
use rustix::process::{Resource, Rlimit};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use store::{Loop, clock, people};
use testkit::TestDatabase;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

const RUN: &str = "0193a4c2-0000-7000-8000-00000000000d";
const OTHER: &str = "0193a4c2-0000-7000-8000-00000000000e";
/// No honest request may take longer than this.
const BOUND: Duration = Duration::from_secs(10);

/// A connection from an address of this machine, on which `said` has been sent.
async fn connect(from: [u8; 4], to: SocketAddr, said: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::from(from), 0).into()).expect("an address of this machine");
    let mut stream = socket.connect(to).await.expect("a connection");
    let _ = stream.write_all(said).await;
    stream
}

fn context() -> Value {
    context_of(RUN)
}

fn context_of(run: &str) -> Value {
    json!({ "current_workflow_id": run, "dryrun": false, "jobs": {}, "logfile": format!("/lab/{run}.log"), "flowo_project_name": "wire", "flowo_tags": [], "workdir": "/lab" })
}

/// Honest clients: they report, view a page, and check the health. Keeps the durations by kind of request.
struct Honest {
    base: String,
    http: reqwest::Client,
    token: String,
    cookie: Option<String>,
    took: BTreeMap<&'static str, Vec<Duration>>,
}

impl Honest {
    fn new(base: &str, token: &str, cookie: Option<String>) -> Self {
        Self { base: base.into(), http: testkit::client(), token: token.into(), cookie, took: BTreeMap::new() }
    }

    async fn timed(&mut self, what: &'static str, request: reqwest::RequestBuilder) {
        let clock = clock::system();
        let began = clock.instant();
        let answer = timeout(BOUND, request.send()).await.unwrap_or_else(|_| panic!("{what} took longer than {BOUND:?}"));
        assert_eq!(answer.expect("an answer").status(), StatusCode::OK, "{what}");
        self.took.entry(what).or_default().push(clock.since(began));
    }

    async fn report(&mut self, event: &str, record: Value) {
        let body = json!({ "event": event, "record": record, "context": context() });
        let request = self.http.post(format!("{}/api/v1/reports/", self.base)).bearer_auth(&self.token).json(&body);
        self.timed("report", request).await;
    }

    async fn start(&mut self) {
        self.report("workflow_started", json!({ "workflow_id": RUN, "snakefile": "Snakefile", "rules": [] })).await;
    }

    async fn round(&mut self, job: usize) {
        self.report("job_info", json!({ "job_id": job, "rule_name": "bwa", "threads": 1, "input": ["a"], "output": ["b"] })).await;
        self.timed("health", self.http.get(format!("{}/healthz", self.base))).await;
        self.timed("list", self.http.get(format!("{}/api/flowo/v1/runs", self.base)).bearer_auth(&self.token)).await;
        if let Some(cookie) = self.cookie.clone() {
            self.timed("page", self.http.get(format!("{}/runs", self.base)).header("cookie", cookie)).await;
        }
    }

    fn show(&mut self, when: &str) {
        for (what, took) in &mut self.took {
            took.sort();
            println!("{when}: {what}: {} times, median {:?}, longest {:?}", took.len(), took[took.len() / 2], took[took.len() - 1]);
        }
        self.took.clear();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousands_of_silent_half_open_and_slow_connections_keep_nobody_from_being_served() {
    many_files();
    let lab = Lab::new().await;
    let address: SocketAddr = lab.base.trim_start_matches("http://").parse().expect("an address");
    let cookie = lab.session(lab.owner).await;
    let mut honest = Honest::new(&lab.base, &lab.admin, Some(cookie));
    honest.start().await;
    for job in 0..10 {
        honest.round(job).await;
    }
    honest.show("before");

    let slow = format!(
        "POST /api/v1/reports/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n",
        lab.admin
    );
    let mut held = Vec::new();
    for n in 0..2000_u32 {
        held.push(connect([127, 0, 1, (2 + n % 20) as u8], address, b"").await);
    }
    // More connections than allowed, from the address that honest clients share.
    for _ in 0..1500 {
        held.push(connect([127, 0, 0, 1], address, b"").await);
    }
    for n in 0..500_u32 {
        held.push(connect([127, 0, 2, (2 + n % 20) as u8], address, b"GET /healthz HTTP/1.1\r\nhost: ").await);
    }
    let mut trickling = JoinSet::new();
    for n in 0..200_u32 {
        let mut stream = connect([127, 0, 3, (2 + n % 20) as u8], address, slow.as_bytes()).await;
        trickling.spawn(async move {
            let mut seconds = Loop::new("Trickling", Duration::from_secs(1), CancellationToken::new());
            while seconds.next().await && stream.write_all(b" ").await.is_ok() {}
        });
    }
    for job in 10..60 {
        honest.round(job).await;
    }
    honest.show("with 4 200 connections that say nothing, or not all");

    drop(held);
    trickling.shutdown().await;
    assert_eq!(lab.api(&format!("/runs/{RUN}")).await["jobs"]["seen"], 60);
}

/// Like a shell or a unit without a limit of its own, where connections use up the file descriptors first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn silent_connections_beyond_the_files_of_a_process_keep_nobody_from_being_served() {
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let mut server = Ended(start_with_files(dir.path(), &["--database-url", &database.url()], (1024, 1024)));
    let (base, token) = (setting(dir.path(), "FLOWO_HOST"), setting(dir.path(), "FLOWO_USER_TOKEN"));
    let address: SocketAddr = base.trim_start_matches("http://").parse().expect("an address");
    let mut honest = Honest::new(&base, &token, None);
    honest.start().await;
    let mut held = Vec::new();
    for n in 0..1_100_u32 {
        held.push(timeout(BOUND, connect([127, 0, 1, (2 + n % 20) as u8], address, b"")).await);
    }

    honest.http = testkit::client(); // New clients need new connections.
    for job in 0..5 {
        honest.round(job).await;
    }

    drop(held);
    stop(&server.0);
    server.0.wait().expect("it ends");
}

/// The limit that many shells set is below what the system would allow.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_raises_its_limit_of_open_files_as_far_as_it_may() {
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let mut server = Ended(start_with_files(dir.path(), &["--database-url", &database.url()], (256, 2000)));

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.0.id())).expect("a process");
    stop(&server.0);
    server.0.wait().expect("it ends");

    let files = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit");
    assert_eq!(files.split_whitespace().skip(3).take(2).collect::<Vec<_>>(), ["2000", "2000"]);
}

/// The kernel refuses connections that the server expected to have room for: its limit was lowered while it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_that_cannot_be_accepted_makes_room_and_ends_nothing() {
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let mut server = Ended(start_with(dir.path(), &["--database-url", &database.url()]));
    let (base, token) = (setting(dir.path(), "FLOWO_HOST"), setting(dir.path(), "FLOWO_USER_TOKEN"));
    let address: SocketAddr = base.trim_start_matches("http://").parse().expect("an address");
    let mut honest = Honest::new(&base, &token, None);
    honest.start().await;
    honest.round(0).await;
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.0.id())).expect("a process");
    let open: BTreeSet<u64> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The kernel gives the lowest free number, so the limit leaves eight of these.
    let limit = (0..).filter(|file| !open.contains(file)).nth(8);
    let pid = rustix::process::Pid::from_child(&server.0);
    rustix::process::prlimit(Some(pid), Resource::Nofile, Rlimit { current: limit, maximum: limit }).expect("a limit");
    let mut held = Vec::new();
    for n in 0..32_u32 {
        held.push(connect([127, 0, 1, (2 + n % 20) as u8], address, b"").await);
    }

    honest.http = testkit::client(); // New clients need new connections.
    for job in 1..4 {
        honest.round(job).await;
    }

    let metrics = honest.http.get(format!("{base}/metrics")).send().await.expect("an answer").text().await.expect("metrics");
    let closed = metrics.lines().find(|line| line.starts_with("flowo_connections_closed_total") && line.contains("no descriptors"));
    assert!(closed.is_some_and(|line| !line.ends_with(" 0")), "no connection was refused by the kernel: {metrics}");
    drop(held);
    stop(&server.0);
    server.0.wait().expect("it ends");
}

/// Sums over all representable time, of an ordinary run.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_widest_span_of_a_timeline_is_summed_up_at_once() {
    let lab = Lab::new().await;
    let mut honest = Honest::new(&lab.base, &lab.admin, None);
    honest.start().await;
    honest.round(1).await;
    let arrangement = json!({ "rule": null, "skip_idle": false, "at": null });
    let asked = json!({ "id": RUN, "arrangement": arrangement, "from": i64::MIN + 1, "to": i64::MAX });

    let answer = timeout(BOUND, lab.post("/_fn/timeline/sums").json(&asked).send()).await.expect("an answer in time").expect("an answer");

    assert_eq!(answer.status(), StatusCode::OK);
}

/// Counting an endless file takes hours; the caller is told to ask again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_still_counted_does_not_keep_the_server_from_ending() {
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let log = dir.path().join("hollow.log");
    std::fs::File::create(&log).and_then(|file| file.set_len(10 << 40)).expect("a file of ten terabytes of nothing");
    let mut server = Ended(start_with(dir.path(), &["--database-url", &database.url()]));
    let (base, token) = (setting(dir.path(), "FLOWO_HOST"), setting(dir.path(), "FLOWO_USER_TOKEN"));
    let http = testkit::client();
    let context = json!({ "current_workflow_id": null, "dryrun": false, "jobs": {}, "logfile": log, "flowo_project_name": "x", "flowo_tags": [],
                          "workdir": dir.path() });
    let started =
        json!({ "event": "workflow_started", "record": { "workflow_id": RUN, "snakefile": "S", "rules": [] }, "context": context });
    let answer = http.post(format!("{base}/api/v1/reports/")).bearer_auth(&token).json(&started).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let cookie = own_session(&database).await;
    let mut asking = JoinSet::new();
    for _ in 0..33 {
        let body = json!({ "id": RUN, "file": { "Under": "hollow.log" }, "number": 1_000_000_000_000_u64 });
        let request = http.post(format!("{base}/_fn/logs/line")).header("cookie", format!("flowo_session={cookie}")).json(&body);
        asking.spawn(async move { request.send().await.expect("an answer").status() });
    }
    let answers = timeout(BOUND, asking.join_all()).await.expect("all are answered");
    assert!(answers.iter().all(|status| *status == StatusCode::OK), "{answers:?}");

    stop(&server.0);
    let ended = tokio::task::spawn_blocking(move || server.0.wait());

    assert!(timeout(Duration::from_secs(30), ended).await.expect("it ends").expect("a thread").expect("its end").success());
}

/// A line of `/proc/PID/status`, in MiB.
fn memory(pid: u32, line: &str) -> u64 {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).expect("a process");
    let kib = text.lines().find_map(|text| text.strip_prefix(line)?.trim_start_matches(':').trim().split(' ').next()?.parse::<u64>().ok());
    kib.expect("a number") / 1024
}

/// A report padded to about `bytes` bytes.
fn padded(event: &str, begin: &str, fill: impl Fn(usize) -> String, end: &str, bytes: usize) -> Arc<Vec<u8>> {
    let mut text = format!("{{\"event\":\"{event}\",\"context\":{},\"record\":{{{begin}", context_of(OTHER));
    let room = bytes - end.len() - 2;
    for n in 0.. {
        let part = fill(n);
        if text.len() + part.len() + 1 > room {
            break;
        }
        if n > 0 {
            text.push(',');
        }
        text.push_str(&part);
    }
    text.push_str(end);
    text.push_str("}}");
    Arc::new(text.into_bytes())
}

/// Sends a report, whole or in part; returns the status of the answer, or 0 if the connection was cut.
async fn send(address: SocketAddr, token: Arc<str>, body: Arc<Vec<u8>>, part: usize) -> u16 {
    let head = format!(
        "POST /api/v1/reports/ HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let (mut read, mut write) = connect([127, 0, 0, 1], address, head.as_bytes()).await.into_split();
    let writing = tokio::spawn(async move {
        let _ = write.write_all(&body[..part.min(body.len())]).await;
        write // Kept open, because closing would look like the end of the body.
    });
    let mut answer = vec![0; 64];
    let read = timeout(Duration::from_mins(1), read.read(&mut answer)).await.expect("an answer or an end");
    writing.abort();
    let text = String::from_utf8_lossy(&answer[..read.unwrap_or(0)]).into_owned();
    text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A process that is killed when a test fails.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

/// A session of the owner.
async fn own_session(database: &TestDatabase) -> String {
    let secrets = serve::key(&database.store).await.expect("a key");
    let cookie = secrets::token().expect("randomness");
    let owner = database.text("select min(id)::text from users").await.and_then(|id| id.parse().ok()).expect("an owner");
    let mut conn = database.store.conn().await.expect("a connection");
    people::add_session(&mut conn, UserId(owner), &secrets.hash(&cookie), 1).await.expect("a session");
    cookie
}

/// A token of another reporter.
async fn another(database: &TestDatabase) -> String {
    let secrets = serve::key(&database.store).await.expect("a key");
    let token = secrets::token().expect("randomness");
    let mut conn = database.store.conn().await.expect("a connection");
    let ben = UserId(people::os_user(&mut conn, "ben", "ben", Role::Member).await.expect("a user").id);
    people::add_token(&mut conn, ben, "report", &secrets::shown(&token), &secrets.hash(&token), TokenScope::Report, None)
        .await
        .expect("a token");
    token
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_largest_bodies_of_any_shape_are_taken_in_bounded_memory() {
    const LARGEST: usize = 64 << 20;
    let database = TestDatabase::new().await;
    let dir = open_dir();
    let mut server = Ended(start_with(dir.path(), &["--database-url", &database.url()]));
    let pid = server.0.id();
    let (base, token) = (setting(dir.path(), "FLOWO_HOST"), setting(dir.path(), "FLOWO_USER_TOKEN"));
    let address: SocketAddr = base.trim_start_matches("http://").parse().expect("an address");
    let mut honest = Honest::new(&base, &token, None);
    honest.start().await;
    for job in 0..10 {
        honest.round(job).await;
    }
    honest.show("before");
    let idle = memory(pid, "VmRSS");

    let zeros = padded("job_info", "\"job_id\":901,\"input\":[", |_| "0".into(), "]", LARGEST);
    let objects = padded("rulegraph", "\"rulegraph\":[", |_| "{\"\":0}".into(), "]", LARGEST);
    let inputs = padded("job_info", "\"job_id\":902,\"rule_name\":\"all\",\"input\":[", |n| format!("\"{n:0620}\""), "]", LARGEST);
    let rules = padded(
        "workflow_started",
        &format!("\"workflow_id\":\"{OTHER}\",\"rules\":["),
        |n| format!("{{\"name\":\"rule_{n}\",\"code\":\"{}\",\"language\":\"bash\"}}", "x".repeat(20_000)),
        "]",
        LARGEST,
    );
    let token: Arc<str> = token.into();
    let other: Arc<str> = another(&database).await.into();
    let mut sending = JoinSet::new();
    for n in 0..32 {
        let (name, body) = [("zeros", &zeros), ("objects", &objects), ("inputs", &inputs), ("rules", &rules)][n % 4];
        let part = if n < 16 { body.len() } else { body.len() - (1 << 20) };
        let (token, body) = (Arc::clone(if n % 3 == 0 { &other } else { &token }), Arc::clone(body));
        sending.spawn(async move { (name, send(address, token, body, part).await) });
    }
    let mut answers = Vec::new();
    let mut job = 10;
    while !sending.is_empty() {
        honest.round(job).await;
        job += 1;
        while let Some(answer) = sending.try_join_next() {
            answers.push(answer.expect("it was sent"));
        }
    }
    honest.show("with 32 of the largest bodies");
    let peak = memory(pid, "VmHWM");
    answers.sort_unstable();
    println!("{idle} MiB idle, {peak} MiB at most, {} MiB afterwards; {answers:?}", memory(pid, "VmRSS"));
    assert!(peak <= idle + 400, "{idle} MiB idle, {peak} MiB at most");
    assert!(answers.iter().all(|(_, status)| [0, 200, 403, 408, 503].contains(status)), "{answers:?}");

    // A single report is accepted, whatever came before.
    let again = async |body: &Arc<Vec<u8>>| send(address, Arc::clone(&token), Arc::clone(body), LARGEST).await;
    for body in [&inputs, &zeros, &objects, &rules, &inputs] {
        assert_eq!(again(body).await, 200);
    }
    let read = |query: &'static str| database.text(query);
    assert_eq!(read("select count(*)::text from job_files where role = 'input'").await.map(|n| n.len()), Some(6));
    assert_eq!(read("select (max(length(body::text)) < 9000000)::text from ingest_events").await.as_deref(), Some("true"));
    let reasons = database.texts("select distinct left(detail, 40) from ingest_events where outcome = 'quarantined'").await;
    assert!(reasons.iter().all(|reason| reason.contains("holds more than")) && !reasons.is_empty(), "{reasons:?}");
    let peak = memory(pid, "VmHWM");
    println!("{peak} MiB at most in all");
    // A report is read whole, and the database driver holds copies of it while it is written.
    assert!(peak <= idle + 400, "{idle} MiB idle, {peak} MiB at most");
    stop(&server.0);
    assert!(server.0.wait().expect("its end").success());
}

/// The server functions with their parameters, as the sources declare them.
fn functions() -> Vec<(String, Vec<String>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src/api");
    let mut found = Vec::new();
    let files = std::fs::read_dir(dir).expect("the sources").flatten().filter(|entry| entry.path().is_file());
    for entry in files {
        let text = std::fs::read_to_string(entry.path()).expect("a source");
        for part in text.split("#[server(").skip(1) {
            let endpoint = part.split("endpoint = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("an endpoint");
            let params = part.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).map(|(_, rest)| rest).expect("a function");
            let params = params.split_once(") ->").expect("a result").0;
            let names = params.split(',').filter_map(|param| Some(param.split_once(':')?.0.trim().to_owned()));
            found.push((
                endpoint.to_owned(),
                names.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')).collect(),
            ));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nul_in_any_parameter_of_any_function_or_route_is_a_mistake_of_the_caller() {
    let lab = Lab::new().await;
    let cookie = lab.session(lab.owner).await;
    lab.event("workflow_started", json!({ "workflow_id": RUN, "snakefile": "Snakefile", "rules": [] }), context()).await;
    let functions = functions();
    assert!(functions.len() > 25, "{functions:?}");
    for (endpoint, params) in functions {
        for param in params {
            for value in [json!("a\0b"), json!(["\0"]), json!({ "after": "\0", "\0": 1 })] {
                let mut body = json!({ "id": RUN, "q": "", "sort": "", "after": null });
                body[&param] = value;
                let answer = lab.post(&format!("/_fn/{endpoint}")).json(&body).send().await.expect("an answer");
                assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{endpoint} {param}");
                let problem: Value = answer.json().await.expect("JSON");
                assert!(problem["Invalid"]["rule"].as_str().is_some_and(|rule| rule.contains("U+0000")), "{problem}");
            }
        }
    }
    for (method, pattern, _) in flowo_server::http::access::routes() {
        for path in [pattern.replace(['{', '}', '*'], "%00"), format!("{}?q=%00&id=%00&after=%00", pattern.replace(['{', '}', '*'], ""))] {
            let request = lab.request(method.clone(), &path).header("cookie", &cookie).send().await.expect("an answer");
            assert!(!request.status().is_server_error(), "{method} {path}: {}", request.status());
        }
    }
    let cookie = lab.session(lab.owner).await; // The walk has signed the owner out.
    for path in ["/api/flowo/v1/runs?q=%00", "/api/flowo/v1/runs/%00", "/api/flowo/v1/runs?after=%00", "/live?scope=%00", "/runs?q=%00"] {
        let answer = lab.request(Method::GET, path).header("cookie", &cookie).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_place_in_a_list_that_is_none_is_a_mistake_of_the_caller() {
    let lab = Lab::new().await;
    lab.event("workflow_started", json!({ "workflow_id": RUN, "snakefile": "Snakefile", "rules": [] }), context()).await;
    for place in ["x", "~", "7~.00", "7~.zz", "7~x", "0193a4c2-0000-7000-8000-00000000000d~.00", "99999999999999999999", "-"] {
        for (endpoint, body) in [
            ("runs/list", json!({ "q": "", "sort": "name", "after": place })),
            ("runs/list", json!({ "q": "", "sort": "", "after": place })),
            ("runs/more", json!({ "q": "", "sort": "duration", "after": place })),
            ("runs/info", json!({ "id": RUN, "after": place })),
            ("runs/history", json!({ "id": RUN, "of": "run", "before": place })),
            ("jobs/list", json!({ "id": RUN, "ask": { "after": place } })),
            ("runs/files", json!({ "id": RUN, "ask": { "rule": "bwa", "after": place } })),
            ("results/list", json!({ "id": RUN, "ask": { "rule": "bwa", "after": place } })),
        ] {
            let answer = lab.post(&format!("/_fn/{endpoint}")).json(&body).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{endpoint} {body}: {}", answer.text().await.unwrap_or_default());
        }
        for path in ["/runs?sort=name&", "/runs?", &format!("/runs/{RUN}/jobs?")] {
            let answer = lab.get(&format!("/api/flowo/v1{path}after={place}")).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path} {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bodies_heads_and_addresses_that_are_too_long_are_refused_in_the_words_of_their_protocol() {
    let lab = Lab::new().await;
    let long = "x".repeat((1 << 20) + 1);
    for (path, status, place) in [
        ("/_fn/runs/list", StatusCode::PAYLOAD_TOO_LARGE, "/Invalid/rule"),
        ("/api/v1/reports/close", StatusCode::PAYLOAD_TOO_LARGE, "/detail"),
        ("/create_workflow", StatusCode::PAYLOAD_TOO_LARGE, "/errors/msg/0"),
        ("/api/flowo/v1/runs/x/restore", StatusCode::PAYLOAD_TOO_LARGE, "/detail"),
    ] {
        let answer = lab.post(path).body(long.clone()).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
        let problem: Value = answer.json().await.expect("JSON");
        assert!(problem.pointer(place).and_then(Value::as_str).is_some_and(|text| text.contains("1 MiB")), "{path}: {problem}");
    }
    let address: SocketAddr = lab.base.trim_start_matches("http://").parse().expect("an address");
    for head in [
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(1 << 20)),
        format!("GET /healthz?{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1 << 20)),
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(1000)),
    ] {
        let mut stream = connect([127, 0, 0, 1], address, head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = timeout(BOUND, stream.read_to_end(&mut answer)).await.expect("an answer or an end");
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    assert_eq!(lab.request(Method::GET, "/healthz").send().await.expect("an answer").status(), StatusCode::OK);
}
