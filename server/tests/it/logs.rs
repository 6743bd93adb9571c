//! Logs of runs over HTTP: followed as a terminal shows them, compressed, in other encodings, and files that are not text.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::PathBuf,
};
use testkit::Tab;

/// `line 1` and `ERROR line 2`, compressed with gzip.
const PACKED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xc9\xcc\x4b\x55\x30\xe4\x72\x0d\x0a\xf2\x0f\x52\xc8\x01\x71\x8c\xb8\x00\xca\x73\x7d\x69\x14\x00\x00\x00";

/// A run in a real directory, one of whose jobs writes `job.log`, and its owner at a browser.
struct Desk {
    lab: Lab,
    cookie: String,
    run: String,
    directory: tempfile::TempDir,
    context: Value,
}

impl Desk {
    async fn new() -> Self {
        let lab = Lab::new().await;
        let cookie = lab.session(lab.owner).await;
        let directory = tempfile::tempdir().expect("a directory");
        let run = uuid::Uuid::now_v7().to_string();
        let mut context = json!({ "current_workflow_id": null, "dryrun": false, "jobs": {}, "logfile": directory.path().join("run.log"),
            "flowo_project_name": "logs", "flowo_tags": [], "workdir": directory.path() });
        let started = json!({ "workflow_id": run, "snakefile": "Snakefile", "rules": [] });
        assert_eq!(lab.event("workflow_started", started, context.clone()).await.status(), StatusCode::OK);
        context["current_workflow_id"] = json!(run);
        let job = json!({ "job_id": 1, "rule_name": "map", "threads": 1, "input": [], "output": [], "log": ["job.log"], "benchmark": null,
            "rule_msg": null, "wildcards": {}, "reason": "", "shellcmd": "", "priority": 0, "resources": {} });
        assert_eq!(lab.event("job_info", job, context.clone()).await.status(), StatusCode::OK);
        Self { lab, cookie, run, directory, context }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    fn append(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(name)).expect("a file");
        file.write_all(text.as_bytes()).expect("room");
    }

    /// Calls a server function about the run, as its page does.
    async fn ask(&self, name: &str, mut body: Value) -> Value {
        body["id"] = json!(self.run);
        let request = self.lab.request(Method::POST, &format!("/_fn/{name}")).header("cookie", &self.cookie).json(&body);
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("text");
        assert_eq!(status, StatusCode::OK, "{name} {body}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// The run's page with a query, as the server renders it.
    async fn page(&self, query: &str) -> String {
        let request = self.lab.request(Method::GET, &format!("/runs/{}{query}", self.run)).header("cookie", &self.cookie);
        request.send().await.expect("an answer").text().await.expect("a page")
    }

    async fn window(&self, file: Value, part: Value, encoding: Option<&str>) -> Value {
        self.ask("logs/window", json!({ "file": file, "part": part, "encoding": encoding })).await
    }
}

/// The lines of a window, without colours.
fn lines(window: &Value) -> Vec<String> {
    let pieces = |line: &Value| line["text"].as_array().into_iter().flatten().filter_map(|piece| piece[1].as_str()).collect::<String>();
    window["lines"].as_array().into_iter().flatten().map(pieces).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_that_is_written_over_is_followed_as_it_is_read_again() {
    let desk = Desk::new().await;
    desk.write("job.log", b"begin\n\r1%");
    let open = desk.window(json!({ "Named": "job.log" }), json!("End"), None).await;
    let window = &open["window"]["Ok"];
    let mut held: Vec<(u64, String)> = Vec::new();
    let take = |held: &mut Vec<(u64, String)>, window: &Value| {
        let from = window["from"].as_u64().expect("a place");
        held.retain(|(at, _)| *at < from);
        let at = window["lines"].as_array().into_iter().flatten().filter_map(|line| line["at"].as_u64());
        held.extend(at.zip(lines(window)));
    };
    take(&mut held, window);
    let mut to = window["to"].as_u64().expect("a place");
    assert_eq!(held, [(0, "begin".to_owned()), (6, "1%".to_owned())]);
    let path = format!("/live?scope=run:{}&file==job.log", desk.run);
    let response = desk.lab.request(Method::GET, &path).header("cookie", &desk.cookie).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    let mut tab = Tab::new(response);
    tab.until("how the file is", |event| event.name == "file").await;

    for percent in 2..=12 {
        desk.append("job.log", &format!("\r{percent}%"));
        let size = fs::metadata(desk.path("job.log")).expect("there").len();
        let news = tab.until("what was written", |event| event.name == "file" && event.data["facts"]["Ok"]["size"] == size).await;
        let window = &news.data["lines"];
        assert!(window["from"].as_u64().is_some_and(|from| from <= to), "it goes on where the page is: {news:?}");
        take(&mut held, window);
        to = window["to"].as_u64().expect("a place");

        let again = desk.window(json!({ "Named": "job.log" }), json!("End"), None).await;
        let read: Vec<String> = held.iter().map(|(_, text)| text.clone()).collect();
        assert_eq!(read, ["begin".to_owned(), format!("{percent}%")]);
        assert_eq!(lines(&again["window"]["Ok"]), read, "read again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_is_read_packed_or_not_and_in_any_encoding() {
    let desk = Desk::new().await;
    let wide: Vec<u8> = "\u{feff}Gr\u{f6}\u{df}e\nERROR: x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files: [(&str, &[u8], &[&str], &str); 5] = [
        ("packed.log.gz", PACKED, &["line 1", "ERROR line 2"], "fits"),
        ("nul.log", b"before\nwith \0\0 nul\nERROR after\n", &["before", "with \u{2400}\u{2400} nul", "ERROR after"], "fits"),
        ("wide.log", &wide, &["Gr\u{f6}\u{df}e", "ERROR: x"], "marked"),
        (
            "latin.log",
            b"Gr\xf6\xdfe der \xd6ffnung f\xfcr \xc4rzte\nERROR\n",
            &["Gr\u{f6}\u{df}e der \u{d6}ffnung f\u{fc}r \u{c4}rzte", "ERROR"],
            "guessed",
        ),
        ("plain.log", b"1\nERROR\n", &["1", "ERROR"], "fits"),
    ];
    for (name, bytes, wanted, because) in files {
        desk.write(name, bytes);
        let file = json!({ "Under": name });

        let open = desk.window(file.clone(), json!("End"), None).await;
        let window = &open["window"]["Ok"];
        assert_eq!(lines(window), wanted, "{name}");
        assert_eq!((window["read"]["because"].as_str(), window["before"].as_u64()), (Some(because), Some(0)), "{name}: {window}");

        let found = desk.ask("logs/find", json!({ "file": file, "level": "error", "from": 0 })).await;
        let hits = found["Ok"]["hits"].as_array().expect("hits");
        assert_eq!((hits.len(), hits[0]["text"].as_str()), (1, wanted.last().copied()), "{name}: {found}");
        let last = desk.ask("logs/line", json!({ "file": file, "number": wanted.len() })).await;
        assert_eq!(last["Ok"], hits[0]["at"], "{name}");
    }
    let chosen = desk.window(json!({ "Under": "latin.log" }), json!("End"), Some("KOI8-R")).await;
    assert_eq!(chosen["window"]["Ok"]["read"], json!({ "encoding": "KOI8-R", "because": "chosen" }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_no_text_gives_its_size_and_first_bytes() {
    let desk = Desk::new().await;
    let program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0\n";
    desk.write("program", program);

    let open = desk.window(json!({ "Under": "program" }), json!("End"), None).await;

    assert_eq!(open["window"]["Err"], "NotText");
    assert_eq!(open["bytes"][0]["size"], program.len());
    assert!(open["bytes"][1]["head"].as_str().is_some_and(|head| head.starts_with("00000000  7f 45 4c 46 ")), "{open}");
    let anyway = desk.window(json!({ "Under": "program" }), json!("End"), Some("UTF-8")).await;
    assert_eq!(lines(&anyway["window"]["Ok"]).len(), 1, "as the reader chose: {anyway}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_is_empty_so_far_until_its_job_has_ended() {
    let desk = Desk::new().await;
    desk.write("job.log", b"");
    let open = desk.window(json!({ "Named": "job.log" }), json!("End"), None).await;
    assert_eq!((open["over"].as_bool(), open["window"]["Ok"]["size"].as_u64()), (Some(false), Some(0)), "{open}");

    let answer = desk.lab.event("job_finished", json!({ "job_id": 1 }), desk.context.clone()).await;
    assert_eq!(answer.status(), StatusCode::OK);

    let open = desk.window(json!({ "Named": "job.log" }), json!("End"), None).await;
    assert_eq!(open["over"].as_bool(), Some(true), "{open}");
    let page = desk.page("?tab=logs&file=%3Djob.log").await;
    assert!(page.contains("It is empty.") && !page.contains("empty so far"), "{page}");
}
