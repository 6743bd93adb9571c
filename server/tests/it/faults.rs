//! Faults between server and database, and between server and browser: nothing that was acknowledged is lost, and a
//! page is either up to date or knows that it is not.

use crate::{
    lab::Lab,
    replay::{hold, lines},
};
use model::live::LiveCursor;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use store::{
    clock,
    listen::{CHANGES, Heard, Listener},
    prune::{self, Policy},
};
use testkit::{Event, Line, Proxy, Tab, TestDatabase, until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
    time::timeout,
};

async fn behind_a_line() -> (Lab, Proxy) {
    let database = TestDatabase::new().await;
    let (proxy, store) = database.through(8).await;
    (Lab::over(database, store).await, proxy)
}

async fn insert(lab: &Lab, name: &str) {
    lab.database.sql(&format!("insert into workflow_runs (workflow_name, status) values ('{name}', 'running')")).await;
}

fn is_about(event: &Event, name: &str) -> bool {
    event.data["runs"].as_array().into_iter().flatten().any(|change| change["now"]["name"] == name)
}

async fn live(tab: &mut Tab) {
    tab.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
}

async fn hears(lab: &Lab, state: &str) {
    until(&format!("a listener that is {state}"), || async {
        let health: Value = lab.get("/healthz").send().await.ok()?.json().await.ok()?;
        (health["listener"]["state"] == state).then_some(())
    })
    .await;
}

/// Waits until the server's listener has sent this many pings to itself: each makes it settle what came before.
async fn pinged(lab: &Lab, cursor: &str, pings: usize) {
    let cursor: LiveCursor = cursor.parse().expect("a cursor");
    let mut ear = Listener::connect(&lab.database.store, &format!("flowo_ping_{:x}", cursor.epoch)).await.expect("a connection");
    let mut heard = 0;
    while heard < pings {
        let next = timeout(testkit::TEST_TIMEOUT, ear.next()).await.expect("a ping").expect("a connection");
        heard += usize::from(matches!(next, Heard::Message { channel, .. } if channel != CHANGES));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_notifications_the_change_log_is_polled_and_pages_are_told() {
    let (lab, line) = behind_a_line().await;
    let mut tab = lab.open("scope=runs").await;
    live(&mut tab).await;
    line.set(Line::Deaf);
    let clock = clock::system();
    let deaf = clock.instant();
    insert(&lab, "while deaf").await;
    tab.until("the state", |event| event.name == "status" && event.data["listening"] == "polling").await;
    println!("pages were told after {:.1} s that the server polls", clock.since(deaf).as_secs_f64());
    hears(&lab, "polling").await;
    tab.until("what was written while deaf", |event| is_about(event, "while deaf")).await;
    insert(&lab, "while polling").await;
    tab.until("what was written while polling", |event| is_about(event, "while polling")).await;
    line.set(Line::Whole);
    tab.until("the state", |event| event.name == "status" && event.data["listening"] == "live").await;
    insert(&lab, "heard again").await;
    tab.until("what was written then", |event| is_about(event, "heard again")).await;
    assert!(tab.seen.iter().all(|event| event.name != "reset"), "nothing was too much");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_database_is_away_reports_are_refused_and_afterwards_taken_without_a_restart() {
    let (lab, line) = behind_a_line().await;
    let id = hold(&lab, &lines("2.2.0", "sigkill")).await;
    let mut tab = lab.open("scope=runs").await;
    live(&mut tab).await;
    line.close();
    let context = json!({ "current_workflow_id": id, "dryrun": false, "jobs": {}, "logfile": null, "workdir": "/lab" });
    let refused = lab.event("job_finished", json!({ "job_id": 1 }), context.clone()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"), "{:?}", refused.headers());
    let page = lab.get("/api/flowo/v1/runs").send().await.expect("an answer");
    assert_eq!((page.status(), page.headers().contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, true));
    let health = lab.get("/healthz").send().await.expect("an answer");
    assert_eq!(health.status(), StatusCode::SERVICE_UNAVAILABLE);
    tab.until("the state", |event| event.name == "status" && event.data["listening"] == "down").await;
    insert(&lab, "while it was away").await;
    line.open();
    tab.until("what was written meanwhile", |event| is_about(event, "while it was away")).await;
    hears(&lab, "live").await;
    let taken = lab.event("job_finished", json!({ "job_id": 1 }), context).await;
    assert_eq!(taken.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_only_reads_refuses_reports_and_shows_runs() {
    let (lab, line) = behind_a_line().await;
    let id = hold(&lab, &lines("2.2.0", "sigkill")).await;
    let name = &lab.database.name;
    lab.database.sql(&format!("alter database \"{name}\" set default_transaction_read_only = on")).await;
    line.cut();
    let context = json!({ "current_workflow_id": id, "dryrun": false, "jobs": {}, "logfile": null, "workdir": "/lab" });
    until("a refusal", || async {
        let refused = lab.event("job_finished", json!({ "job_id": 1 }), context.clone()).await;
        (refused.status() == StatusCode::SERVICE_UNAVAILABLE && refused.headers().contains_key("retry-after")).then_some(())
    })
    .await;
    assert_eq!(lab.api(&format!("/runs/{id}")).await["status"], "running");
    lab.database.sql(&format!("begin read write; alter database \"{name}\" reset default_transaction_read_only; commit")).await;
    line.cut();
    until("a report that is taken", || async {
        let taken = lab.event("job_finished", json!({ "job_id": 1 }), context.clone()).await;
        (taken.status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_disk_refuses_reports_until_there_is_room_and_loses_none() {
    let lab = Lab::new().await;
    let id = hold(&lab, &lines("2.2.0", "sigkill")).await;
    // PostgreSQL's error for a table that cannot grow, raised where it would occur.
    lab.database
        .sql(
            "create function full_disk() returns trigger language plpgsql as
             $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
             create trigger full_disk before insert on ingest_events for each row execute function full_disk()",
        )
        .await;
    let context = json!({ "current_workflow_id": id, "dryrun": false, "jobs": {}, "logfile": null, "workdir": "/lab" });
    let stored = async || lab.database.text(&format!("select count(*)::text from ingest_events where workflow_run_id = '{id}'")).await;
    let before = stored().await;
    for _ in 0..3 {
        let refused = lab.event("job_finished", json!({ "job_id": 1 }), context.clone()).await;
        assert_eq!((refused.status(), refused.headers().contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, true));
    }
    assert_eq!(lab.api(&format!("/runs/{id}")).await["status"], "running", "what is known is shown");
    assert_eq!(stored().await, before);
    lab.database.sql("drop trigger full_disk on ingest_events").await;
    until("a report that is taken", || async {
        let taken = lab.event("job_finished", json!({ "job_id": 1 }), context.clone()).await;
        (taken.status() == StatusCode::OK).then_some(())
    })
    .await;
    let after = stored().await.and_then(|count| count.parse().ok());
    assert_eq!(after, before.and_then(|count| count.parse::<u32>().ok()).map(|count| count + 1), "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_free_connection_pages_and_unknown_senders_are_refused_until_there_is_one() {
    let database = TestDatabase::new().await;
    let (_line, store) = database.through(3).await;
    let lab = Lab::over(database, store.clone()).await;
    let id = hold(&lab, &lines("2.2.0", "sigkill")).await;
    let never_used = lab.token(lab.owner, "report").await;
    let mut held = Vec::new();
    while let Ok(Ok(conn)) = timeout(Duration::from_secs(1), store.conn()).await {
        held.push(conn);
    }
    assert_eq!(held.len(), 3);
    let context = json!({ "current_workflow_id": id, "dryrun": false, "jobs": {}, "logfile": null, "workdir": "/lab" });
    let page = lab.get("/api/flowo/v1/runs").send().await.expect("an answer");
    assert_eq!((page.status(), page.headers().contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, true));
    let asked = lab.request(Method::GET, "/api/flowo/v1/runs").bearer_auth(never_used).send().await.expect("an answer");
    assert_eq!((asked.status(), asked.headers().contains_key("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, true));
    // A client with a cached token can still report: the writer has its own connection.
    let taken = lab.event("job_finished", json!({ "job_id": 1 }), context.clone()).await;
    assert_eq!(taken.status(), StatusCode::OK);
    drop(held);
    until("a page", || async { (lab.get("/api/flowo/v1/runs").send().await.ok()?.status() == StatusCode::OK).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_commits_long_after_later_changes_is_delivered_live_and_after_a_reconnect() {
    let lab = Lab::new().await;
    let (mut stays, mut goes) = (lab.open("scope=runs").await, lab.open("scope=runs").await);
    live(&mut stays).await;
    live(&mut goes).await;
    let mut early = lab.database.raw().await;
    testkit::run(&mut early, "begin; insert into workflow_runs (workflow_name) values ('took its number first')").await;
    insert(&lab, "committed first").await;
    stays.until("the second", |event| is_about(event, "committed first")).await;
    let last = goes.until("the second", |event| is_about(event, "committed first")).await.id.expect("an id");
    drop(goes);
    pinged(&lab, &last, 2).await;
    testkit::run(&mut early, "commit").await;
    stays.until("the first, live", |event| is_about(event, "took its number first")).await;
    let mut back = Tab::new(lab.get("/live?scope=runs").header("last-event-id", &last).send().await.expect("an answer"));
    back.until("the first, after a reconnect", |event| is_about(event, "took its number first")).await;
    assert!(back.seen.iter().all(|event| event.name != "reset"), "{:?}", back.seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_listener_that_is_ended_again_and_again_stays_current() {
    const ENDS: usize = 12;
    const RUNS: usize = 40;
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    live(&mut tab).await;
    let clock = clock::system();
    let mut stalest = Duration::ZERO;
    for end in 0..ENDS {
        hears(&lab, "live").await; // The one that is ended does listen.
        let ended = "select count(pg_terminate_backend(pid))::text from pg_stat_activity where application_name = 'flowo-listener' and datname = current_database()";
        assert_eq!(lab.database.text(ended).await.as_deref(), Some("1"));
        for n in 0..RUNS {
            let name = format!("run {n} after end {end}");
            let written = clock.instant();
            insert(&lab, &name).await;
            tab.until(&name, |event| is_about(event, &name)).await;
            stalest = stalest.max(clock.since(written));
            tab.seen.clear();
        }
    }
    println!("the stalest was {stalest:?} old");
    assert!(stalest < Duration::from_secs(5), "only polling takes that long: {stalest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_that_is_cut_ten_thousand_times_has_no_gap() {
    let lab = Lab::new().await;
    let mut tab = lab.open("scope=runs").await;
    live(&mut tab).await;
    drop(tab);
    insert(&lab, "0").await;
    let (cut, mut cuts_so_far) = watch::channel(0);
    let writing = {
        let database = lab.database.raw().await;
        tokio::spawn(async move {
            let mut database = database;
            for n in 1..=1_000 {
                testkit::run(&mut database, &format!("insert into workflow_runs (workflow_name) values ('{n}')")).await;
                cuts_so_far.wait_for(|cuts| *cuts >= 10 * n).await.expect("a stream that is cut");
            }
        })
    };
    let (mut last, mut seen) = (None::<String>, BTreeSet::new());
    let mut cuts = 0;
    while cuts < 10_000 || !writing.is_finished() || !seen.contains("1000") {
        let request = lab.get("/live?scope=runs");
        let request = match &last {
            Some(last) => request.header("last-event-id", last),
            None => request,
        };
        let mut tab = Tab::new(request.send().await.expect("an answer"));
        // Reads up to the first frame, or through the events that begin every stream.
        for _ in 0..3 {
            let Ok(Some(event)) = timeout(Duration::from_millis(1), tab.next()).await else { break };
            assert_ne!(event.name, "reset");
            let runs = event.data["runs"].as_array().into_iter().flatten();
            seen.extend(runs.filter_map(|change| change["now"]["name"].as_str().map(str::to_owned)));
            if event.name == "frame" || last.is_none() {
                last = event.id.or(last);
            }
        }
        cuts += 1;
        cut.send_replace(cuts);
        assert!(cuts < 100_000, "it ends");
    }
    let missing: Vec<u32> = (1..=1_000).filter(|n| !seen.contains(&n.to_string())).collect();
    assert!(missing.is_empty(), "after {cuts} cuts these are missing: {missing:?}");
}

/// Many runs with long names, so that an update of all makes a large frame.
async fn many(lab: &Lab) {
    lab.database
        .sql("insert into workflow_runs (workflow_name, status) select n || repeat(' long', 100), 'running' from generate_series(1, 300) n")
        .await;
}

async fn touch(lab: &Lab, n: u32) {
    lab.database.sql(&format!("update workflow_runs set tags = array['{n}']")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_that_does_not_read_is_told_to_begin_again_and_keeps_nobody_waiting() {
    let lab = Lab::new().await;
    many(&lab).await;
    let mut tab = lab.open("scope=runs").await;
    live(&mut tab).await;
    let address = lab.base.trim_start_matches("http://").to_owned();
    let mut slow = tokio::net::TcpStream::connect(&address).await.expect("a socket");
    let request = format!("GET /live?scope=runs HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n", lab.admin);
    slow.write_all(request.as_bytes()).await.expect("asked");
    let mut one = [0; 1];
    slow.read_exact(&mut one).await.expect("it began");
    let mut seen = BTreeMap::new();
    for n in 1..=400 {
        touch(&lab, n).await;
        if n % 20 == 0 {
            let _ = timeout(Duration::from_millis(5), slow.read_exact(&mut one)).await; // One byte every few milliseconds.
            let event = tab.until("the others' frames", |event| event.data.to_string().contains(&format!("\"{n}\""))).await;
            seen.insert(n, event.name);
            tab.seen.clear();
        }
    }
    assert!(seen.values().all(|name| name == "frame"), "{seen:?}");
    let mut text = Vec::new();
    let end = async {
        let mut buffer = vec![0; 1 << 20];
        loop {
            let n = slow.read(&mut buffer).await.expect("a stream");
            assert!(n > 0, "it ended");
            text.extend_from_slice(&buffer[..n]);
            if text.windows(12).any(|part| part == b"event: reset") {
                return;
            }
            let keep = text.len().saturating_sub(64);
            text.drain(..keep);
        }
    };
    timeout(testkit::TEST_TIMEOUT, end).await.expect("a reset in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_missed_more_than_is_kept_is_told_so_and_then_has_the_present() {
    let lab = Lab::new().await;
    many(&lab).await;
    let mut tab = lab.open("scope=runs").await;
    live(&mut tab).await;
    touch(&lab, 0).await;
    let last = tab.until("a frame", |event| event.name == "frame").await.id.expect("an id");
    drop(tab);
    let mut other = lab.open("scope=runs").await;
    for n in 1..=200 {
        touch(&lab, n).await;
        other.until("its frame", |event| event.data.to_string().contains(&format!("\"{n}\""))).await;
        other.seen.clear();
    }
    let mut back = Tab::new(lab.get("/live?scope=runs").header("last-event-id", &last).send().await.expect("an answer"));
    back.until("the word that it is too late", |event| event.name == "reset").await;
    let runs = lab.all("/runs").await;
    assert!(runs.len() == 300 && runs.iter().all(|run| run["tags"] == json!(["200"])), "the list is the present");
    touch(&lab, 201).await;
    back.until("what comes then", |event| event.data.to_string().contains("\"201\"")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_on_one_database_are_both_live_and_one_of_them_prunes() {
    let database = TestDatabase::new().await;
    let other = Lab::over(database.again(), database.store.clone()).await;
    let lab = Lab::over(database.again(), database.store.clone()).await;
    let (mut here, mut there) = (lab.open("scope=runs").await, other.open("scope=runs").await);
    live(&mut here).await;
    live(&mut there).await;
    let id = hold(&lab, &lines("2.2.0", "sigkill")).await;
    for tab in [&mut here, &mut there] {
        let names_run = |event: &Event| event.data["runs"].as_array().into_iter().flatten().any(|run| run["now"]["id"] == id.as_str());
        tab.until("the run", names_run).await;
    }
    // A cursor of one server means nothing to the other.
    let mut moved = other.open("scope=runs&after=1-1").await;
    moved.until("a reset", |event| event.name == "reset").await;
    database
        .sql(
            "create table log_entries_20200102 partition of log_entries for values from ('2020-01-02') to ('2020-01-03');
             insert into log_entries (message, logged_at) values ('old', '2020-01-02 12:00')",
        )
        .await;
    let policy = Policy::default();
    let (one, two) = tokio::join!(prune::prune(&database.store, policy, false), prune::prune(&database.store, policy, false));
    let days = |pruned: Option<Vec<prune::Pruned>>| pruned.into_iter().flatten().map(|one| one.days.len()).sum::<usize>();
    assert_eq!(days(one.expect("a pruning")) + days(two.expect("a pruning")), 1);
}
