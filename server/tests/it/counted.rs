//! Whatever a page, the saved report or the API leaves out is counted, with a link to the rest.

use crate::lab::Lab;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const RUN: &str = "0193a4c2-0000-7000-8000-00000000000c";

/// A page as the owner's browser gets it.
async fn page(lab: &Lab, path: &str) -> String {
    let cookie = lab.session(lab.owner).await;
    let response = lab.request(Method::GET, path).header("cookie", cookie).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.expect("a page")
}

/// The text without hydration markers.
fn plain(html: &str) -> String {
    html.replace("<!>", "").replace('\u{202f}', " ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn failures_that_are_not_named_are_a_link_on_the_page_and_in_its_report() {
    let lab = Lab::new().await;
    lab.database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name, status, started_at, ended_at, user_id, user_name, cuts)
             values ('{RUN}', 'odd', 'failed', now(), now(), {}, 'owner', '[{{\"part\": \"errors\", \"kept\": 100, \"of\": 250}}]');
             insert into job_executions (workflow_run_id, job_id, rule, informed, status, error, started_at, ended_at)
             select '{RUN}', n, 'rule ' || chr(96 + n), true, 'failed', 'Odd' || chr(96 + n) || 'Error: no', now(), now() from generate_series(1, 11) n;
             insert into paths (workflow_run_id, path) select '{RUN}', 'logs/' || n || '.log' from generate_series(1, 10) n;
             insert into job_files (job_execution_id, path_id, role, position)
             select j.id, p.id, 'log', p.id from job_executions j, paths p where j.job_id = 1",
            lab.owner
        ))
        .await;

    let shown = plain(&page(&lab, &format!("/runs/{RUN}")).await);
    let saved = plain(&page(&lab, &format!("/runs/{RUN}/report")).await);

    for (where_, html) in [("page", &shown), ("report", &saved)] {
        let link = html.split("3 more causes</a>").next().filter(|before| before.len() < html.len());
        let link = link.and_then(|before| before.rsplit("href=\"").next()).unwrap_or_default();
        assert!(link.contains(&format!("/runs/{RUN}?status=failed\"")), "{where_}: {link}");
        assert!(html.contains("The client reported 250 errors. The first 100 are listed here"), "{where_}");
    }
    assert!(saved.contains("Further logs: ") && saved.contains("logs/8.log, and 2 more"), "{saved}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_filter_longer_than_is_read_is_refused_by_the_api_and_named_on_the_page() {
    let lab = Lab::new().await;
    let words: Vec<String> = (0..52).map(|n| format!("w{n}")).collect();
    let q = words.join("%20");

    let answer = lab.get(&format!("/api/flowo/v1/runs?q={q}")).send().await.expect("an answer");

    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let problem: Value = answer.json().await.expect("JSON");
    assert!(
        problem["detail"].as_str().is_some_and(|detail| detail.contains("w50 w51") && detail.contains("at most 50 words")),
        "{problem}"
    );
    let html = plain(&page(&lab, &format!("/runs?q={q}")).await);
    assert!(html.contains("w50 w51</code> is left out. Allowed: at most 50 words"), "{html}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_job_with_many_reports_the_newest_are_shown_and_the_others_counted() {
    let lab = Lab::new().await;
    let context = json!({ "current_workflow_id": null, "dryrun": false, "jobs": {}, "logfile": "/lab/flowo_logs/x.log", "flowo_project_name": "many",
                          "flowo_tags": [], "workdir": "/lab" });
    let mut known = context.clone();
    known["current_workflow_id"] = json!(RUN);
    lab.event("workflow_started", json!({ "workflow_id": RUN, "snakefile": "Snakefile", "rules": [] }), context).await;
    lab.event("job_started", json!({ "job_ids": [7] }), known.clone()).await;
    for n in 0..70 {
        let record = json!({ "job_id": 7, "rule_name": "make", "reason": format!("for the {n}th time"), "wildcards": {} });
        assert_eq!(lab.event("job_info", record, known.clone()).await.status(), StatusCode::OK);
    }
    let key = lab.database.text("select id::text from job_executions").await.expect("a job");

    let html = plain(&page(&lab, &format!("/runs/{RUN}?job={key}")).await);

    assert!(html.contains("for the 69th time") && html.contains("44 or more earlier</a>"), "{html}");
    assert!(html.contains(&format!("/runs/{RUN}?tab=info")), "a link to all of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logs_of_a_rule_go_on_where_their_list_ends() {
    let lab = Lab::new().await;
    lab.database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name, user_id, user_name, logfile) values ('{RUN}', 'many', {}, 'owner', '/lab/run.log');
             insert into job_executions (workflow_run_id, job_id, rule, informed, status, started_at, ended_at)
             select '{RUN}', n, 'make', true, 'success', now(), now() from generate_series(1, 70) n;
             insert into paths (workflow_run_id, path) select '{RUN}', 'logs/' || n || '.log' from generate_series(1, 70) n;
             insert into job_files (job_execution_id, path_id, role, position)
             select j.id, p.id, 'log', 0 from job_executions j join paths p on p.path = 'logs/' || j.job_id || '.log'",
            lab.owner
        ))
        .await;
    let lists = |html: &str| (1..=70).filter(|n| html.contains(&format!("title=\"logs/{n}.log\""))).collect::<Vec<_>>();

    let all = plain(&page(&lab, &format!("/runs/{RUN}?tab=logs")).await);
    let first = plain(&page(&lab, &format!("/runs/{RUN}?tab=logs&rule=make")).await);

    assert!(all.contains("10 more jobs. Choose a rule to see theirs."), "{all}");
    let link = first.split("10 earlier jobs").next().filter(|before| before.len() < first.len()).expect("a link to the others");
    let link = link.rsplit("href=\"").next().and_then(|rest| rest.split('"').next()).expect("an address").replace("&amp;", "&");
    let second = plain(&page(&lab, &link).await);
    assert_eq!((lists(&first), lists(&second)), ((11..=70).collect(), (1..=10).collect()));
    assert!(!second.contains("earlier job"), "{second}");
}
