//! Whatever a page or an answer leaves out is counted, with a link to the rest.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// A run of the owner in a directory, modified by SQL statements.
async fn prepared(directory: &str, statements: &str) -> (Lab, String) {
    let lab = Lab::new().await;
    let run = format!(
        "insert into workflow_runs (id, workflow_name, status, user_id, user_name, source, directory)
         values ('{RUN}', 'one', 'running', {}, 'owner', 'flowo', '{directory}')",
        lab.owner
    );
    lab.database.sql(&run).await;
    lab.database.sql(&statements.replace("RUN", &format!("'{RUN}'"))).await;
    let cookie = lab.session(lab.owner).await;
    (lab, cookie)
}

async fn get(lab: &Lab, cookie: &str, path: &str) -> (StatusCode, String) {
    let response = lab.request(Method::GET, path).header("cookie", cookie).send().await.expect("an answer");
    (response.status(), response.text().await.expect("text"))
}

/// The run's page with a query, as the server renders it.
async fn page(lab: &Lab, cookie: &str, query: &str) -> String {
    let (status, html) = get(lab, cookie, &format!("/runs/{RUN}{query}")).await;
    assert_eq!(status, StatusCode::OK, "{query}");
    html
}

fn holds(html: &str, all: &[&str]) {
    for text in all {
        assert!(html.contains(text), "{text:?} is not in {html}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cut_report_or_value_leads_to_all_of_it_for_whom_the_run_is_open() {
    let (lab, cookie) = prepared(
        "/lab",
        "insert into ingest_events (id, workflow_run_id, source, event, body, received_at, outcome)
         values (7, RUN, 'flowo', 'job_info', jsonb_build_object('text', repeat('ä', 30000)), now(), 'applied');
         insert into log_entries (workflow_run_id, level, message) values (RUN, 'error', repeat('ü', 5000))",
    )
    .await;
    let line = lab.database.text("select id::text from change_notifications where table_name = 'log_entries'").await.expect("a line");
    let (report, line) = (format!("/runs/{RUN}/reports/7"), format!("/runs/{RUN}/history/{line}"));

    holds(&page(&lab, &cookie, "?tab=info").await, &["… 10\u{202f}012 more letters.", &report]);
    holds(&page(&lab, &cookie, "?tab=history").await, &["… (4\u{202f}880 more letters)", &line]);

    for (path, letters) in [(&report, "ä".repeat(30_000)), (&line, "ü".repeat(5_000))] {
        let (status, text) = get(&lab, &cookie, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(serde_json::from_str::<Value>(&text).is_ok() && text.contains(&letters), "{path}");
    }
    let stranger = lab.session(lab.user("ben", "member").await).await;
    for path in [report, line, format!("/runs/{RUN}/reports/8"), format!("/runs/{RUN}/history/x")] {
        assert_eq!(get(&lab, &stranger, &path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get(&lab, &cookie, &format!("/runs/{RUN}/reports/8")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_of_the_runs_page_says_how_many_tags_it_has_and_names_what_is_cut() {
    let (lab, cookie) =
        prepared("/lab", "update workflow_runs set tags = array['a', 'b', 'c', 'd', 'e'], user_name = 'somebody.with.a.long.name'").await;

    let (_, html) = get(&lab, &cookie, "/runs").await;

    holds(
        &html,
        &["title=\"a, b, c, d, e\"", ">+2<", ">5 tags<", "title=\"somebody.with.a.long.name\"", "title=\"one\"", "title=\"flowo\""],
    );
    assert!(!html.contains("q=tag%3Ad"), "the fourth is behind the number");
    holds(&page(&lab, &cookie, "").await, &[&format!("title=\"{RUN}\""), "0193a4c2…"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rules_that_are_not_offered_are_counted_and_listed_elsewhere() {
    let (lab, cookie) = prepared(
        "/lab",
        "insert into rules (workflow_run_id, name, code, position) select RUN, 'rule' || n, 'true', n from generate_series(1, 230) n;
         insert into job_executions (workflow_run_id, job_id, rule, wildcards)
         select RUN, n, 'rule' || n, '{\"sample\": \"A\"}' from generate_series(1, 310) n;
         update workflow_runs set config_files = (select array_agg('config' || n || '.yaml') from generate_series(1, 23) n)",
    )
    .await;

    holds(&page(&lab, &cookie, "").await, &["110 more rules"]);
    holds(&page(&lab, &cookie, "?tab=info").await, &["rule=rule310"]);
    holds(&page(&lab, &cookie, "?tab=code").await, &["30 more rules", "rule=rule230", "3 more configuration files"]);
    holds(&page(&lab, &cookie, "?as=matrix").await, &["10 more rules have no column here; choose one"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_of_a_matrix_and_wildcards_of_a_job_are_reached_without_script() {
    let (lab, cookie) = prepared(
        "/lab",
        "insert into job_executions (workflow_run_id, job_id, rule, wildcards)
         select RUN, n, 'map', jsonb_build_object('a', 'S' || n) || '{\"b\":\"1\",\"c\":\"1\",\"d\":\"1\",\"e\":\"1\",\"f\":\"1\",\"g\":\"7\",\"h\":\"8\"}'
           from generate_series(1, 60) n",
    )
    .await;

    let first = page(&lab, &cookie, "?as=matrix&by=a").await;
    let last = page(&lab, &cookie, "?as=matrix&by=a&after=40").await;
    let by_last = page(&lab, &cookie, "?as=matrix&by=h").await;
    let jobs = page(&lab, &cookie, "?rule=map").await;

    holds(&first, &["40 of 60 rows", "after=40", "title=\"S40\"", "2 more", "by=h"]);
    assert!(!first.contains("title=\"S41\""), "that is a further row");
    holds(&last, &["41–60 of 60 rows", "First rows", "title=\"S60\""]);
    assert!(!last.contains("title=\"S40\"") && !last.contains("Further rows"), "these are the last");
    holds(&by_last, &["1 more"]);
    holds(&jobs, &["+2 more", "title=\"g=7 h=8\""]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wildcards_that_are_not_offered_are_counted_and_reached_by_name() {
    let (lab, cookie) = prepared(
        "/lab",
        "insert into job_executions (workflow_run_id, job_id, rule, wildcards)
         select RUN, 1, 'map', jsonb_object_agg('w' || lpad(n::text, 4, '0'), 'V' || n) from generate_series(1, 1250) n",
    )
    .await;

    let first = page(&lab, &cookie, "?as=matrix").await;
    let last = page(&lab, &cookie, "?as=matrix&by=w1250").await;

    holds(&first, &["1\u{202f}244 more", "by=w1000", "250 wildcards not listed; add by=NAME to the URL"]);
    assert!(!first.contains("by=w1001"), "that one is not listed");
    holds(&last, &["title=\"V1250\"", "249 wildcards not listed", "aria-current=\"true\" class=\"\">w1250"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_graph_of_too_many_jobs_says_how_many_and_leads_to_the_table() {
    let (lab, cookie) = prepared(
        "/lab",
        "insert into job_executions (workflow_run_id, job_id, rule) select RUN, n, 'map' from generate_series(1, 10050) n",
    )
    .await;

    let whole = page(&lab, &cookie, "?as=graph").await;
    let of_rule = page(&lab, &cookie, "?rule=map&as=graph").await;

    holds(&whole, &["This run has 10\u{202f}050 jobs. With their dependencies, they are too many for one picture. Choose a rule"]);
    holds(&of_rule, &["This rule has 10\u{202f}050 jobs.", "See them as a table"]);
    assert!(!of_rule.contains("Choose a rule"), "one is chosen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_long_text_says_how_much_of_it_is_shown() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("Snakefile"), "# a line of ten and six\n".repeat(12_500)).expect("a file");
    fs::write(directory.path().join("map.log"), "working\n".repeat(30)).expect("a file");
    let lab = Lab::new().await;
    let context = |run: Option<&str>| {
        json!({ "current_workflow_id": run, "dryrun": false, "jobs": {}, "logfile": directory.path().join("run.log"), "flowo_project_name": "x",
                "flowo_tags": [], "workdir": directory.path() })
    };
    let code = "true\n".repeat(50_000);
    let started = json!({ "workflow_id": RUN, "snakefile": directory.path().join("Snakefile"),
                          "rules": [{ "name": "map", "code": code, "language": "bash" }] });
    assert_eq!(lab.event("workflow_started", started, context(None)).await.status(), StatusCode::OK);
    let job = json!({ "job_id": 1, "rule_name": "map", "threads": 1, "input": [], "output": [], "log": ["map.log"], "benchmark": null,
                      "rule_msg": null, "wildcards": {}, "reason": "", "shellcmd": "", "priority": 0, "resources": {} });
    assert_eq!(lab.event("job_info", job, context(Some(RUN))).await.status(), StatusCode::OK);
    let cookie = lab.session(lab.owner).await;
    let job = lab.database.text("select id::text from job_executions").await.expect("a job");

    let code = page(&lab, &cookie, "?tab=code").await;
    let drawer = page(&lab, &cookie, &format!("?job={job}")).await;

    holds(&code, &["; 100 kB more are not shown", "The whole file", "; 50 kB more are not shown", "Copy the shown text"]);
    holds(&drawer, &["The last 20 lines of "]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_api_pages_through_the_rules_of_a_run() {
    let (lab, _) = prepared(
        "/lab",
        "insert into rules (workflow_run_id, name, code, position) select RUN, 'rule' || n, 'true ' || n, n from generate_series(1, 12) n",
    )
    .await;

    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let found = lab.api(&format!("/runs/{RUN}/rules?limit=5{after}")).await;
        let items = found["items"].as_array().expect("rules");
        names.extend(
            items.iter().map(|rule| (rule["name"].as_str().expect("a name").to_owned(), rule["code"].as_str().expect("code").to_owned())),
        );
        match found["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }

    assert_eq!(names, (1..=12).map(|n| (format!("rule{n}"), format!("true {n}"))).collect::<Vec<_>>());
    assert_eq!(lab.api(&format!("/runs/{RUN}/rules")).await["next"], Value::Null);
    for wrong in ["after=x", "after=-1", "limit=0", "limit=5001"] {
        let response = lab.get(&format!("/api/flowo/v1/runs/{RUN}/rules?{wrong}")).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_list_of_panoptes_says_beside_it_how_many_workflows_it_leaves_out() {
    let (lab, _) = prepared("/lab", "").await;
    let count = async || {
        let response = lab.get("/api/workflows").send().await.expect("an answer");
        let left_out = response.headers().get("x-flowo-left-out").map(|count| count.to_str().expect("text").to_owned());
        let body: Value = response.json().await.expect("JSON");
        (body["count"].as_u64(), left_out)
    };
    assert_eq!(count().await, (Some(0), None));

    lab.database
        .sql(
            "set session_replication_role = replica;
             insert into workflow_runs (workflow_name, source, panoptes_id) select 'flow ' || n, 'panoptes', n from generate_series(1, 10004) n;
             set session_replication_role = origin",
        )
        .await;

    assert_eq!(count().await, (Some(10_000), Some("4".into())));
}
