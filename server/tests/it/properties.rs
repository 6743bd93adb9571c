//! Whole conversations with lost and reordered reports, through the real server and database.

use crate::{
    lab::Lab,
    recordings::check,
    replay::{Client, Line, expected, hold, lines},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

/// Small conversations of every kind.
const NAMES: [&str; 9] =
    ["ok", "fail_retry_keepgoing", "retry_then_ok", "dry_run", "dag_error", "prioritized", "group_ok", "group_fail", "sigterm"];

/// The same random numbers in every run, so that a failure can be reproduced.
fn rng() -> StdRng {
    StdRng::seed_from_u64(20_261_121)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn conversations_held_at_once_in_any_order_end_as_if_held_alone() {
    let lab = Lab::new().await;
    let expected = expected("2.2.0");
    let mut rng = rng();
    for round in 0..6 {
        let talks: Vec<(&str, Vec<Line>)> = NAMES.iter().map(|name| (*name, lines("2.2.0", name))).collect();
        let mut turns: Vec<usize> = talks.iter().enumerate().flat_map(|(at, (_, lines))| vec![at; lines.len()]).collect();
        turns.shuffle(&mut rng);
        let mut clients: Vec<Client<'_>> = talks.iter().map(|(_, lines)| Client::new(&lab, lines)).collect();
        let mut next = vec![0; talks.len()];
        for at in turns {
            let line = &talks[at].1[next[at]];
            next[at] += 1;
            // Sometimes a report is applied although its sender stopped waiting for the answer.
            if rng.random_ratio(1, 8) {
                clients[at].send(line).await;
            }
            clients[at].send(line).await;
        }
        for ((name, _), client) in talks.iter().zip(&clients) {
            let id = client.run.as_deref().expect("the server named the run");
            check(&lab, &format!("{name} in round {round}"), id, &expected[*name], true).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_report_leaves_a_run_to_which_the_rest_applies() {
    let lab = Lab::new().await;
    for name in ["fail_retry_keepgoing", "retry_then_ok", "group_fail", "dry_run"] {
        let count = lines("2.2.0", name).len();
        for lost in 0..count {
            let mut rest = lines("2.2.0", name);
            let line = rest.remove(lost);
            let id = hold(&lab, &rest).await;
            let run = lab.api(&format!("/runs/{id}")).await;
            let closed = !line.path.ends_with("/close");
            let status = run["status"].as_str().expect("a status");
            assert_eq!(closed, status != "running", "{name} without line {lost}: {run:#}");
            let jobs = lab.all(&format!("/runs/{id}/jobs")).await;
            let open = jobs.iter().filter(|job| job["status"] == "running").count();
            assert!(!closed || open == 0, "{name} without line {lost}: {open} jobs still run");
            assert_eq!(jobs.len() as i64, run["jobs"]["seen"].as_i64().expect("a count"), "{name} without line {lost}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_always_equal_the_rows_they_count() {
    let lab = Lab::new().await;
    for name in NAMES {
        hold(&lab, &lines("2.2.0", name)).await;
    }
    let wrong = lab
        .database
        .texts(
            "select r.workflow_name || ': ' || s.status from workflow_runs r,
                    lateral (values ('running', r.jobs_running), ('success', r.jobs_success), ('failed', r.jobs_failed),
                                    ('lost', r.jobs_lost), ('waiting', r.jobs_waiting)) as s(status, n)
              where s.n <> (select count(*) from job_executions j where j.workflow_run_id = r.id and j.status = s.status and not j.superseded)
                 or s.n <> (select coalesce(sum(case s.status when 'running' then c.running when 'success' then c.success when 'failed' then c.failed
                                                     when 'lost' then c.lost else c.waiting end), 0) from rule_counts c where c.workflow_run_id = r.id)",
        )
        .await;
    assert_eq!(wrong, Vec::<String>::new());
}
