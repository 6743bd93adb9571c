//! Every HTTP endpoint, called with values of every kind: each server function as its source declares it, and each
//! route of the table. The real program answers, on a database with runs, jobs and files.
//!
//! Whatever the request: no answer reports an internal error, none is late, the health check keeps answering, the
//! process does not grow, and it ends when told to. `FLOWO_SURFACE_REQUESTS` sends more than [`REQUESTS`],
//! `FLOWO_SURFACE_SEED` repeats the requests of an earlier run.

mod functions;
mod isolation;
mod stage;
mod values;

use flowo_server::{commands::serve, http::access::routes};
use functions::Declared;
use model::{
    UserId,
    access::{Role, TokenScope},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use stage::Reporter;
use std::{
    collections::BTreeMap,
    path::Path,
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use store::{Loop, clock, people};
use tempfile::TempDir;
use testkit::TestDatabase;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use values::{Known, Maker};

/// Functions that need a code or position from an earlier answer.
const NEEDS_EARLIER_ANSWER: [&str; 2] = ["devices/pending", "runs/more"];
/// Requests in a normal run of the tests.
const REQUESTS: u64 = 10_000;
/// Requests before the first look at the memory; at least as many must follow.
const WARM: u64 = 2_000;
/// Concurrent callers.
const CLIENTS: u64 = 8;
/// The longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait for the end of the process.
const END: Duration = Duration::from_secs(30);
/// How much the process may grow, in KiB.
const GROWTH: u64 = 64 << 10;
/// Slow requests to list.
const SLOWEST: usize = 10;

/// Functions and routes that remove what the other requests need: called only without permission.
const DESTRUCTIVE: [&str; 5] = ["demo/load", "demo/clear", "runs/delete", "/api/workflows/all", "/sign-out"];

/// Answered with 503 on purpose: a workflow that could not be created has no number, and at 404 its client would end
/// its user's run.
const ON_PURPOSE: &str = "PUT /api/workflow/0";

/// A running `flowod`. Dropping it ends the process.
struct Flowod {
    child: Child,
    base: String,
    /// Kept open, so that the server's later output cannot fail.
    _said: Lines<BufReader<ChildStdout>>,
    dir: TempDir,
}

impl Flowod {
    async fn start(database: &TestDatabase) -> Self {
        Self::start_as(database, &[]).await
    }

    /// Starts it with further settings.
    async fn start_as(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().expect("a directory");
        let site = dir.path().join("site");
        std::fs::create_dir_all(site.join("pkg-test")).expect("a directory");
        std::fs::create_dir_all(site.join("fonts")).expect("a directory");
        std::fs::write(site.join("site.json"), r#"{"pkg":"pkg-test"}"#).expect("a file");
        let log = std::fs::File::create(dir.path().join("log")).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowod"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &database.url()]);
        command.arg("--data-dir").arg(dir.path().join("data"));
        command.env("HOME", dir.path()).env("FLOWO_SITE_DIR", site).env("RUST_LOG", "error");
        for name in
            ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "DATABASE_URL", "POSTGRES_HOST", "PORT", "FLOWO_LISTEN", "FLOWO_HOST", "SECRET_KEY"]
        {
            command.env_remove(name);
        }
        command.envs(settings.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn().expect("flowod starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut base = None;
        let ready = async {
            while let Some(line) = lines.next_line().await.expect("text") {
                base = base.take().or_else(|| line.split_once("is ready at ").map(|(_, base)| base.trim().to_owned()));
                if line.starts_with("Token for this user") {
                    break;
                }
            }
        };
        timeout(Duration::from_mins(1), ready).await.expect("it says that it is ready");
        let said = || std::fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        let base = base.unwrap_or_else(|| panic!("flowod did not start: {}", said()));
        Self { child, base, _said: lines, dir }
    }

    fn pid(&self) -> i32 {
        self.child.id().and_then(|pid| i32::try_from(pid).ok()).expect("it runs")
    }

    /// The memory of the process, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Ends it as a supervisor does; returns what it logged.
    async fn end(mut self) -> String {
        kill_process(Pid::from_raw(self.pid()).expect("a process"), Signal::TERM).expect("a signal");
        let status = timeout(END, self.child.wait()).await.expect("it ends when it is told to").expect("its end");
        assert!(status.success(), "{status}");
        std::fs::read_to_string(self.dir.path().join("log")).expect("its log")
    }
}

/// A caller's credential.
#[derive(Clone, Debug)]
enum Credential {
    Cookie(String),
    Token(String),
    None,
}

/// Credentials of all kinds; the most powerful ones are more frequent.
async fn credentials(database: &TestDatabase) -> Vec<Credential> {
    let secrets = serve::key(&database.store).await.expect("a key");
    let mut conn = database.store.conn().await.expect("a connection");
    let owner = database.text("select min(id)::text from users").await.and_then(|id| id.parse().ok()).map(UserId).expect("the owner");
    let viewer = UserId(people::os_user(&mut conn, "surface viewer", "surface viewer", Role::Viewer).await.expect("a user").id);
    let member = UserId(people::os_user(&mut conn, "surface member", "surface member", Role::Member).await.expect("a user").id);
    let mut all = vec![Credential::None, Credential::Token("flw_nobody".into())];
    for (user, scope) in [
        (owner, TokenScope::Admin),
        (owner, TokenScope::Read),
        (owner, TokenScope::Report),
        (member, TokenScope::Write),
        (owner, TokenScope::Admin),
        (owner, TokenScope::Admin),
    ] {
        all.push(stage::token(&mut conn, &secrets, user, scope).await);
    }
    for user in [owner, viewer, owner, owner] {
        all.push(stage::session(&mut conn, &secrets, user).await);
    }
    all
}

/// A run with jobs in every state, in a directory with files: small ones, one with many lines, one that is endless.
async fn seed(flowod: &Flowod, token: &str, directory: &Path) -> String {
    std::fs::create_dir_all(directory.join("out")).expect("a directory");
    std::fs::write(directory.join("run.log"), "a line of many\n".repeat(200_000)).expect("a file");
    std::fs::write(directory.join("out/a.txt"), "sample\tvalue\nS1\t1\n".repeat(500)).expect("a file");
    std::fs::write(directory.join("Snakefile"), "rule map:\n    shell: 'true'\n").expect("a file");
    let hollow = std::fs::File::create(directory.join("out/hollow.log")).expect("a file");
    hollow.set_len(10 << 40).expect("a file without end");
    let rules = json!([{ "name": "map", "code": "true", "language": "bash" }, { "name": "merge", "code": "cat", "language": "bash" }]);
    let reporter = Reporter::begin((flowod.base.as_str(), token), directory, ("surface", "a"), rules, ("map", "merge")).await;
    for job in 1..=30 {
        let (rule, out) = if job == 30 { ("merge", "out/a.txt".to_owned()) } else { ("map", format!("out/{job}.txt")) };
        let inputs: Vec<String> = if job == 30 { (1..30).map(|job| format!("out/{job}.txt")).collect() } else { vec!["in.txt".into()] };
        let log = if job == 29 { "out/hollow.log" } else { "run.log" };
        let info = json!({ "job_id": job, "rule_name": rule, "threads": job, "input": inputs, "output": [out], "log": [log], "benchmark": null,
                           "rule_msg": null, "wildcards": { "sample": format!("S{job}") }, "reason": "missing", "shellcmd": "true", "priority": 0,
                           "resources": {} });
        reporter.job(job, info).await;
    }
    reporter.id()
}

/// The results of all requests.
#[derive(Default)]
struct Results {
    asked: AtomicU64,
    /// For each server function and route, the number of answers per status.
    answers: Mutex<BTreeMap<String, BTreeMap<u16, u64>>>,
    slowest: Mutex<Vec<(Duration, String)>>,
    /// For each server function and route, the number of failures, and the first ones.
    faults: Mutex<BTreeMap<String, (u64, Vec<String>)>>,
}

impl Results {
    fn fault(&self, what: &str, text: String) {
        let mut faults = self.faults.lock().expect("the faults");
        let (count, first) = faults.entry(what.to_owned()).or_default();
        *count += 1;
        if first.len() < 3 {
            first.push(text);
        }
    }

    fn answered(&self, what: &str, question: &str, status: StatusCode, took: Duration) {
        *self.answers.lock().expect("the answers").entry(what.to_owned()).or_default().entry(status.as_u16()).or_default() += 1;
        if status.is_server_error() && !question.starts_with(ON_PURPOSE) {
            self.fault(what, format!("{status} for {question}"));
        }
        let mut slowest = self.slowest.lock().expect("the slowest");
        if slowest.len() < SLOWEST || slowest.last().is_some_and(|(least, _)| took > *least) {
            slowest.push((took, question.to_owned()));
            slowest.sort_by_key(|(took, _)| std::cmp::Reverse(*took));
            slowest.truncate(SLOWEST);
        }
    }

    fn print(&self) {
        println!("{} questions; the slowest:", self.asked.load(Relaxed));
        for (took, question) in self.slowest.lock().expect("the slowest").iter() {
            println!("{:>6} ms  {question}", took.as_millis());
        }
    }
}

/// One request: its function or route, its printed form, and the request itself.
struct Question {
    what: String,
    shown: String,
    /// Size of its body in bytes.
    size: usize,
    request: RequestBuilder,
}

/// Fields of all kinds of reports.
const FIELDS: [&str; 20] = [
    "job_id",
    "job_ids",
    "rule_name",
    "threads",
    "input",
    "output",
    "log",
    "benchmark",
    "wildcards",
    "resources",
    "reason",
    "shellcmd",
    "priority",
    "stats",
    "exception",
    "rule",
    "location",
    "workflow_id",
    "rules",
    "rulegraph",
];
const EVENTS: [&str; 11] = [
    "workflow_started",
    "job_info",
    "job_started",
    "job_finished",
    "job_error",
    "group_info",
    "group_error",
    "run_info",
    "rulegraph",
    "error",
    "shellcmd",
];

/// Generates the next request.
fn question(
    maker: &mut Maker<'_>,
    http: &reqwest::Client,
    base: &str,
    who: &[Credential],
    declared: &Declared,
    talked_of: &str,
) -> Question {
    let is_function = maker.one_in(2);
    let (method, path, body, what) = if is_function {
        let function = maker.of(&declared.functions);
        let method = if maker.one_in(30) { Method::GET } else { Method::POST };
        (method, format!("/_fn/{}", function.endpoint), maker.body(function), function.endpoint.clone())
    } else {
        let all: Vec<_> = routes().collect();
        let (method, pattern, _) = maker.of(&all);
        let body = match **method {
            Method::GET if !maker.one_in(10) => Vec::new(),
            _ => other_body(maker, pattern, talked_of),
        };
        let query = maker.query();
        let glue = if query.is_empty() { "" } else { "?" };
        (Method::clone(method), format!("{}{glue}{query}", filled(maker, pattern)), body, format!("{method} {pattern}"))
    };
    let destroys = DESTRUCTIVE.iter().any(|name| what.ends_with(name)) || method == Method::DELETE;
    let credential = if destroys { &Credential::None } else { maker.of(who) };
    let kinds = ["application/json", "application/json", "application/json", "application/x-www-form-urlencoded", "text/plain"];
    let kind = if is_function && !maker.one_in(30) { kinds[0] } else { *maker.of(&kinds) };
    let seen = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
    let shown = format!("{method} {} with {} bytes: {seen}", path.chars().take(300).collect::<String>(), body.len());
    let size = body.len();
    let request = http.request(method, format!("{base}{path}")).header("content-type", kind).body(body);
    let request = if maker.one_in(15) { request.header("range", format!("bytes={}-{}", maker.whole(), maker.whole())) } else { request };
    let request = match credential {
        Credential::Cookie(cookie) => request.header("cookie", cookie),
        Credential::Token(token) => request.bearer_auth(token),
        Credential::None => request,
    };
    Question { what, shown, size, request }
}

/// Fills the placeholders of a route pattern.
fn filled(maker: &mut Maker<'_>, pattern: &str) -> String {
    let fill = |part: &str| match part {
        "{id}" if pattern.contains("/workflow/") => maker.whole().to_string(),
        "{id}" => percent_encoding::utf8_percent_encode(&maker.run(), percent_encoding::NON_ALPHANUMERIC).to_string(),
        "{jobid}" | "{number}" => maker.whole().to_string(),
        part if part.starts_with('{') => maker.part(),
        part => part.to_owned(),
    };
    pattern.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// The body of a request that is not a function call: a report, a form, or anything.
fn other_body(maker: &mut Maker<'_>, pattern: &str, talked_of: &str) -> Vec<u8> {
    match maker.below(10) {
        0 => maker.wild(),
        1..4 => {
            let (msg, more) = (maker.record(&FIELDS), maker.query());
            let msg = percent_encoding::percent_encode(&msg, percent_encoding::NON_ALPHANUMERIC).to_string();
            format!("msg={msg}&timestamp=Sat+Nov+21&id={}&{more}", maker.whole()).into_bytes()
        }
        _ if pattern.contains("/reports/") => {
            let (event, record) = ((*maker.of(&EVENTS)).to_owned(), maker.record(&FIELDS));
            let run = if maker.one_in(4) { maker.value("Option<String>") } else { format!("\"{talked_of}\"").into_bytes() };
            let head = format!("{{\"event\":\"{event}\",\"record\":");
            let parts: [&[u8]; 5] = [head.as_bytes(), &record, b",\"context\":{\"current_workflow_id\":", &run, b",\"logfile\":\"/x\"}}"];
            parts.concat()
        }
        _ => maker.record(&["ttl_days", "device_code", "name", "id", "status"]),
    }
}

/// Sends a share of the requests.
async fn ask(results: &Results, count: u64, seed: u64, base: &str, who: &[Credential], (known, declared): (&Known, &Declared)) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let mut maker = Maker::new(seed, known, declared);
    let clock = clock::system();
    for _ in 0..count {
        let Question { what, shown, size, request } = question(&mut maker, &client, base, who, declared, &known.talked_of);
        let began = clock.instant();
        results.asked.fetch_add(1, Relaxed);
        let again = request.try_clone();
        let whole = !what.ends_with("/live");
        let answer = async {
            match (status_of(request, whole).await, again) {
                // The connection was closed because the server had not read the previous body.
                (Err(error), Some(again)) if error.is_request() => status_of(again, whole).await,
                (status, _) => status,
            }
        };
        match timeout(ANSWER_TIMEOUT, answer).await {
            Ok(Ok(status)) => results.answered(&what, &shown, status, clock.since(began)),
            // An invalid URL never leaves the client; a body that is too large is refused while it is being sent.
            Ok(Err(error)) if error.is_builder() || error.is_request() && size > 900_000 => {}
            Ok(Err(error)) => results.fault(&what, format!("{error:?} for {shown}")),
            Err(_) => results.fault(&what, format!("no answer within {ANSWER_TIMEOUT:?} to {shown}")),
        }
    }
}

/// The status of an answer once it is complete; for endless answers, once it has begun.
async fn status_of(request: RequestBuilder, whole: bool) -> Result<StatusCode, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status();
    if whole {
        response.bytes().await?;
    }
    Ok(status)
}

/// Checks the server's health again and again.
async fn watch(results: &Results, base: &str, over: &AtomicBool) {
    let client = testkit::client();
    let mut beats = Loop::new("Asking for the health", Duration::from_millis(250), CancellationToken::new());
    while !over.load(Relaxed) && beats.next().await {
        match timeout(ANSWER_TIMEOUT, client.get(format!("{base}/healthz")).send()).await {
            Ok(Ok(response)) if response.status() == StatusCode::OK => {}
            other => results.fault("/healthz", format!("{other:?}")),
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_question_breaks_stalls_or_bloats_the_server() {
    let (requests, seed_of_all) = (setting("FLOWO_SURFACE_REQUESTS", REQUESTS), setting("FLOWO_SURFACE_SEED", 20_261_129));
    println!("FLOWO_SURFACE_SEED={seed_of_all} FLOWO_SURFACE_REQUESTS={requests}");
    let database = TestDatabase::new().await;
    let flowod = Flowod::start(&database).await;
    let who = credentials(&database).await;
    let Some(Credential::Token(reporter)) = who.get(2) else { panic!("the owner's token") };
    let (http, files) = (testkit::client(), TempDir::new().expect("a directory"));
    let mut known = Known::default();
    for at in 0..3 {
        known.runs.push(seed(&flowod, reporter, &files.path().join(at.to_string())).await);
    }
    known.talked_of = seed(&flowod, reporter, &files.path().join("talked of")).await;
    known.numbers = stage::numbers(&database).await;
    let (results, declared, over) = (Results::default(), Declared::read(), AtomicBool::new(false));

    let round = async |count: u64, seed: u64| {
        let clients = (0..CLIENTS).map(|n| ask(&results, count / CLIENTS, seed + n, &flowod.base, &who, (&known, &declared)));
        futures::future::join_all(clients).await;
    };
    let rounds = async {
        round(WARM, seed_of_all).await;
        let before = flowod.memory();
        round(requests.saturating_sub(WARM).max(WARM), seed_of_all + CLIENTS).await;
        over.store(true, Relaxed);
        (before, flowod.memory())
    };
    let ((before, after), ()) = tokio::join!(rounds, watch(&results, &flowod.base, &over));

    results.print();
    println!("memory: {before} KiB, then {after} KiB");
    // Open streams and requests in progress do not prevent the process from ending.
    let open = http.get(format!("{}/live?scope=runs", flowod.base)).bearer_auth(reporter).send().await.expect("a stream");
    let base = flowod.base.clone();
    let ignored = Results::default();
    let ((), log) = tokio::join!(ask(&ignored, 50, seed_of_all, &base, &who, (&known, &declared)), flowod.end());
    drop(open);
    for line in log.lines().filter(|line| line.contains("panicked at")) {
        results.fault("the log", line.to_owned());
    }
    let faults = results.faults.lock().expect("the faults");
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(after <= before + GROWTH, "it grew from {before} to {after} KiB");
    let answers = results.answers.lock().expect("the answers");
    let good = |what: &String| {
        answers.get(what).is_some_and(|seen| seen.contains_key(&200) || (NEEDS_EARLIER_ANSWER.contains(&what.as_str()) && seen.len() > 1))
    };
    let asked = declared.functions.iter().map(|function| &function.endpoint).filter(|name| !DESTRUCTIVE.contains(&name.as_str()));
    let silent: Vec<_> = asked.filter(|name| !good(name)).map(|name| (name, answers.get(name))).collect();
    assert!(silent.is_empty(), "no request to these was ever valid: {silent:?}");
    let missed: Vec<_> =
        routes().map(|(method, pattern, _)| format!("{method} {pattern}")).filter(|what| !answers.contains_key(what)).collect();
    assert!(missed.is_empty(), "these were never asked: {missed:?}");
}
