//! Graphs laid out by the server: of rules, generated or read from files, and of ten thousand jobs. Each is requested
//! twice: the first answer waits for the layout, the second finds it cached.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, COOKIE};
use serde_json::{Value, json};

use crate::results::{Results, Target, ms};
use crate::server::Server;
use crate::{GraphArgs, Kept, http, runs};

/// Names of rules, and their dependencies.
struct Graph {
    name: String,
    rules: Vec<String>,
    edges: Vec<(usize, usize)>,
}

pub async fn run(args: &GraphArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let mut results = Results::open("graph", &server).await?;
    let mut graphs: Vec<Graph> = [30, 100, 300].map(generated).into();
    if let Some(dir) = &args.graphs {
        graphs.extend(found(dir)?);
    }
    let (http, cookie) = (http::client()?, runs::sign_in(&server).await?);
    let mut rows = Vec::new();
    let mut targets = Vec::new();
    for graph in &graphs {
        let run = stored(&http, &server, graph).await?;
        let ask = json!({ "id": run, "direction": "Down" });
        let first = asked(&http, &server, &cookie, "runs/graph", &ask).await?;
        let again = asked(&http, &server, &cookie, "runs/graph", &ask).await?;
        rows.push(vec![graph.name.clone(), graph.rules.len().to_string(), graph.edges.len().to_string(), millis(first), millis(again)]);
        if graph.rules.len() == 300 {
            targets.push(Target::at_most("300 rules, first answer, ms", first.as_secs_f64() * 1000.0, 100.0));
        }
    }
    let run = server.play_big(args.jobs, 60, args.jobs.div_ceil(62)).await?;
    let ask = json!({ "id": run, "rule": null });
    let first = asked(&http, &server, &cookie, "jobs/graph", &ask).await?;
    let again = asked(&http, &server, &cookie, "jobs/graph", &ask).await?;
    rows.push(vec!["jobs of a run".into(), args.jobs.to_string(), "–".into(), millis(first), millis(again)]);
    targets.push(Target::at_most(format!("{} jobs, first answer, ms", args.jobs), first.as_secs_f64() * 1000.0, 1500.0));
    results.table(&["graph", "nodes", "edges", "first ms", "again ms"], rows.into_iter());
    results.targets(&targets);
    results.print();
    Ok(Kept::All)
}

fn millis(took: Duration) -> String {
    ms(took.as_secs_f64() * 1000.0)
}

/// Layers of some rules; each rule depends on one to three rules of the two layers before.
fn generated(rules: usize) -> Graph {
    let wide = (rules as f64).sqrt() as usize;
    let mut chance = 11_u64;
    let mut edges = Vec::new();
    for rule in wide..rules {
        for _ in 0..=rule % 3 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let back = 1 + (chance >> 33) as usize % (2 * wide - 1);
            edges.push((rule.saturating_sub(back), rule));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    Graph { name: format!("generated, {rules}"), rules: (0..rules).map(|rule| format!("rule_{rule:03}_of_{rules}")).collect(), edges }
}

/// The graphs in a directory: JSON with `rules`, each with a `name`, and `rule_edges` of two names each.
fn found(dir: &Path) -> Result<Vec<Graph>> {
    let mut graphs = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        let whole: Value = serde_json::from_slice(&std::fs::read(&path)?).with_context(|| format!("{} is no JSON", path.display()))?;
        let (Some(rules), Some(edges)) = (whole["rules"].as_array(), whole["rule_edges"].as_array()) else { continue };
        let rules: Vec<String> = rules.iter().filter_map(|rule| rule["name"].as_str().map(str::to_owned)).collect();
        let place = |name: &Value| rules.iter().position(|rule| Some(rule.as_str()) == name.as_str());
        let edges = edges.iter().filter_map(|edge| Some((place(&edge[0])?, place(&edge[1])?))).collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        graphs.push(Graph { name, rules, edges });
    }
    graphs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(graphs)
}

/// Reports a run with this graph; returns its id.
async fn stored(http: &Client, server: &Server, graph: &Graph) -> Result<String> {
    let id = uuid::Uuid::new_v4().to_string();
    let rules: Vec<Value> = graph.rules.iter().map(|name| json!({ "name": name, "code": null, "language": null })).collect();
    let nodes: Vec<Value> = graph.rules.iter().map(|name| json!({ "rule": name })).collect();
    let link = |(from, to): &(usize, usize)| json!({ "source": from, "target": to, "sourcerule": graph.rules[*from], "targetrule": graph.rules[*to] });
    let links: Vec<Value> = graph.edges.iter().map(link).collect();
    let reports = [
        ("workflow_started", json!({ "workflow_id": id, "snakefile": "/data/bench/Snakefile", "rules": rules })),
        ("rulegraph", json!({ "rulegraph": { "nodes": nodes, "links": links } })),
    ];
    for (event, record) in reports {
        let context = json!({
            "current_workflow_id": if event == "rulegraph" { json!(id) } else { Value::Null },
            "dryrun": false, "jobs": {}, "logfile": format!("/data/bench/{id}.log"), "flowo_project_name": graph.name, "flowo_tags": ["bench"],
            "flowo_catalog_slug": null, "workdir": "/data/bench", "configfiles": [], "config_digest": id,
        });
        let request = http.post(server.url("/api/v1/reports/")).bearer_auth(server.token());
        let answer = request.json(&json!({ "event": event, "record": record, "context": context })).send().await?;
        ensure!(answer.status().is_success(), "{event} answers {}: {}", answer.status(), answer.text().await?);
    }
    Ok(id)
}

/// The time that an answer took.
async fn asked(http: &Client, server: &Server, cookie: &str, name: &str, body: &Value) -> Result<Duration> {
    let began = Instant::now();
    let request = http.post(server.url(&format!("/_fn/{name}"))).header(COOKIE, cookie);
    let answer = request.header(CONTENT_TYPE, "application/json").body(body.to_string()).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    ensure!(status.is_success(), "{name} answers {status}: {text}");
    ensure!(text.contains("Drawn"), "{name} has no picture: {}", &text[..text.len().min(200)]);
    Ok(began.elapsed())
}
