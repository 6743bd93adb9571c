//! Replays recorded conversations as their clients had them.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::{fs, path::PathBuf};
use uuid::Uuid;

/// One recorded request.
#[derive(Clone, Debug)]
pub struct Line {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub body: Value,
}

/// The directory of the recordings.
pub fn folder(version: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/recordings/flowo").join(version)
}

/// The expected final state.
pub fn expected(version: &str) -> Value {
    let text = fs::read_to_string(folder(version).join("expected.json")).expect("expected.json");
    serde_json::from_str(&text).expect("JSON")
}

/// A conversation with fresh ids, so that it can be replayed any number of times.
pub fn lines(version: &str, name: &str) -> Vec<Line> {
    let text = fs::read_to_string(folder(version).join(format!("{name}.jsonl"))).expect("a recording");
    let mut text = text;
    let salt = Uuid::now_v7();
    for id in ids(&text) {
        let fresh = Uuid::new_v5(&salt, id.as_bytes()).to_string();
        text = text.replace(&id, &fresh);
    }
    let logs = format!("/flowo_logs/{}", salt.simple());
    let text = text.replace("/flowo_logs/", &format!("{logs}/"));
    text.lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("a recorded line");
            let field = |key: &str| line[key].as_str().unwrap_or("").to_owned();
            Line {
                method: field("method").parse().expect("a method"),
                path: field("path"),
                query: field("query"),
                body: line["body"].clone(),
            }
        })
        .collect()
}

/// The workflow ids in a recording: those that starts name, and the placeholder of one recording.
fn ids(text: &str) -> Vec<String> {
    let mut ids = vec!["aaaaaaaa-0000-4000-8000-000000000001".to_owned()];
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a recorded line");
        if let Some(id) = line.pointer("/body/record/workflow_id").and_then(Value::as_str) {
            ids.push(id.to_owned());
        }
    }
    ids.dedup();
    ids
}

/// The id that later lines use although no start names it: the one that the recorded server assigned.
fn given(lines: &[Line]) -> Option<String> {
    let ids: Vec<&str> = lines.iter().filter_map(|line| line.body.pointer("/record/workflow_id")?.as_str()).collect();
    let used = lines.iter().filter_map(|line| line.body.pointer("/context/current_workflow_id")?.as_str());
    used.into_iter().find(|id| !ids.contains(id)).map(str::to_owned)
}

/// A client during its conversation.
pub struct Client<'a> {
    lab: &'a Lab,
    /// The recorded id that stands for the id that our server assigns.
    given: Option<String>,
    /// The run's id on our server.
    pub run: Option<String>,
}

impl<'a> Client<'a> {
    pub fn new(lab: &'a Lab, lines: &[Line]) -> Self {
        Self { lab, given: given(lines), run: None }
    }

    /// Sends one line with the assigned id, as the plugin does.
    pub async fn send(&mut self, line: &Line) {
        let (mut body, mut query) = (line.body.to_string(), line.query.clone());
        if let (Some(theirs), Some(ours)) = (&self.given, &self.run) {
            body = body.replace(theirs, ours);
            query = query.replace(theirs, ours);
        }
        let path = if query.is_empty() { line.path.clone() } else { format!("{}?{query}", line.path) };
        let mut request = self.lab.request(line.method.clone(), &path).bearer_auth(&self.lab.admin);
        if !line.body.is_null() {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "{} {path}: {body}", line.method);
        let answer: Value = response.json().await.expect("JSON");
        if let Some(id) = answer.pointer("/context/current_workflow_id").and_then(Value::as_str) {
            self.run = Some(id.to_owned());
        }
    }
}

/// Replays a whole conversation; returns the id of its run.
pub async fn hold(lab: &Lab, lines: &[Line]) -> String {
    let mut client = Client::new(lab, lines);
    for line in lines {
        client.send(line).await;
    }
    client.run.expect("the server named the run")
}
