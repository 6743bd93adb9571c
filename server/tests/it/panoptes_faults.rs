//! Panoptes clients in bad conditions: a database that goes away, two servers, strange bodies, callers without permission.

use crate::{
    lab::Lab,
    panoptes_api::{Api, info},
};
use model::clock::MockClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use store::{Loop, clock};
use testkit::{Line, TestDatabase, until};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

/// Waits until everything acknowledged is in the database, as every API query does.
async fn settle(lab: &Lab) {
    Api(lab).get("/api/workflows").await;
}

async fn sent_update(lab: &Lab, id: &Value, message: &Value) -> (StatusCode, String) {
    let fields = [("msg", message.to_string()), ("timestamp", "x".into()), ("id", id.to_string())];
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = lab.post("/update_workflow_status").header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(form).send().await.expect("an answer");
    (response.status(), response.text().await.expect("a body"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_database_is_away_updates_are_refused_and_clients_do_not_wait() {
    const REFUSED: usize = 250;
    let database = TestDatabase::new().await;
    let (line, store) = database.through(8).await;
    let lab = Lab::over(database, store).await;
    let flow = Api(&lab).create("").await;
    Api(&lab).send_update(&flow, info(1)).await;
    settle(&lab).await;
    line.close();
    let clock = clock::system();
    let mut waited = Vec::new();
    let mut refused = 0;
    while refused < REFUSED {
        let began = clock.instant();
        let (status, body) = sent_update(&lab, &flow["id"], &json!({"level": "info", "msg": "said to nobody"})).await;
        waited.push(clock.since(began));
        // The first updates are accepted until the server notices.
        refused += usize::from(status == StatusCode::SERVICE_UNAVAILABLE);
        assert!(status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::OK && refused == 0, "{}: {status} {body}", waited.len());
        assert!(waited.len() < 20_000, "clients are told that the database is away");
        if waited.len() == 1 {
            let create = lab.get("/create_workflow").send().await.expect("an answer");
            assert_eq!(create.status(), StatusCode::SERVICE_UNAVAILABLE, "it is not 500, at which clients end");
            let answer: Value = create.json().await.expect("JSON");
            assert_eq!(answer["id"], 0, "clients also end without a number; number 0 ends nothing");
            let named = Api(&lab).ask(Method::PUT, "/api/workflow/0", Some(json!({"name": "x"}))).await;
            assert_eq!(named.0, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(sent_update(&lab, &answer["id"], &info(1)).await.0, StatusCode::OK);
        }
        if waited.len() % 50 == 1 {
            // An update of an unknown run: refusing it must not lose the updates of others.
            let (status, body) = sent_update(&lab, &json!(99_999), &json!({"level": "info", "msg": "x"})).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
        }
    }
    waited.sort_unstable();
    println!("refused in {:?} (median), {:?} (the slowest of {})", waited[waited.len() / 2], waited[waited.len() - 1], waited.len());
    // All acknowledged updates are kept, including this one.
    sent_update(&lab, &flow["id"], &json!({"level": "job_finished", "jobid": 1})).await;
    line.open();
    assert_eq!(Api(&lab).ask(Method::PUT, "/api/workflow/0", Some(json!({"name": "x"}))).await.0, StatusCode::SERVICE_UNAVAILABLE);
    until("an update that is taken", || async {
        (sent_update(&lab, &flow["id"], &json!({"level": "info", "msg": "said again"})).await.0 == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(Api(&lab).jobs(&flow).await[0]["status"], "Done");
    let said = lab.database.text("select count(*)::text from log_entries where message = 'said to nobody'").await;
    assert_eq!(said, Some(waited.len().to_string()), "nothing is lost");
}

/// At most a thousand updates a second from clients that wait for each answer as long as the plugin does by default, while the
/// database is up, hangs, is away, and is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_the_database_does_clients_are_answered_in_time_and_what_they_say_is_kept() {
    const CLIENTS: usize = 32;
    const UPDATES: usize = 400;
    const EVERY: Duration = Duration::from_millis(32);
    let database = TestDatabase::new().await;
    let (line, store) = database.through(8).await;
    let lab = Lab::over(database, store).await;
    let mut flows = Vec::new();
    for _ in 0..CLIENTS {
        let flow = Api(&lab).create("").await;
        Api(&lab).send_update(&flow, json!({"level": "info", "msg": "the first"})).await;
        flows.push(flow["id"].clone());
    }
    let (clock, all) = (clock::system(), watch::Sender::new(0));
    let began = clock.instant();
    let clients = flows.iter().map(async |id| {
        let mut slowest = Duration::ZERO;
        let mut pace = Loop::new("A client", EVERY, CancellationToken::new());
        for n in 0..UPDATES {
            pace.next().await;
            let asked = clock.instant();
            let message = json!({"level": "info", "msg": format!("said {n}")});
            let answer = timeout(Duration::from_secs(10), sent_update(&lab, id, &message)).await;
            let (status, body) = answer.expect("an answer within the client's time-out");
            assert!([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&status), "{status} {body}");
            slowest = slowest.max(clock.since(asked));
            all.send_modify(|all| *all += 1);
        }
        slowest
    });
    // Each fault lasts for so many updates of a thousand a second, or longer if clients wait.
    let answered = async |updates: usize| drop(all.subscribe().wait_for(|all| *all >= updates).await);
    let faults = async {
        answered(1_000).await;
        line.set(Line::Stalled);
        // Each attempt leaves a connection that waits in PostgreSQL, which takes a hundred.
        tokio::select! {
            () = answered(9_000) => {}
            () = line.connected(30) => {}
        }
        line.close();
        answered(11_000).await;
        line.set(Line::Whole);
        line.open();
    };
    let (slowest, ()) = tokio::join!(futures::future::join_all(clients), faults);
    let rate = (CLIENTS * UPDATES) as f64 / clock.since(began).as_secs_f64();
    println!("{rate:.0} updates/s over all faults, the slowest answer after {:?}", slowest.iter().max());
    until("all that was said, once", || async {
        let said = lab.database.text("select count(*) || ' ' || count(distinct (workflow_run_id, message)) from log_entries").await;
        let all = CLIENTS * (UPDATES + 1);
        (said? == format!("{all} {all}")).then_some(())
    })
    .await;
}

/// Like a server that has just been restarted: it has no tokens in its cache.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_database_hangs_one_client_nobody_knows_waits_for_it_and_the_next_ones_do_not() {
    let database = TestDatabase::new().await;
    let (line, store) = database.through(8).await;
    let lab = Lab::over(database, store.clone()).await;
    let mut tokens = Vec::new();
    for _ in 0..40 {
        tokens.push(lab.token(lab.owner, "report").await);
    }
    line.set(Line::Stalled);
    let create = |token: String| {
        let request = lab.request(Method::GET, "/create_workflow").bearer_auth(token);
        async move { request.send().await.expect("an answer").status() }
    };
    // Each lookup by itself would wait four seconds.
    let all = async {
        for token in tokens {
            assert_eq!(create(token).await, StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    timeout(Duration::from_secs(30), all).await.expect("all are answered soon");
    assert!(store.hangs());
    line.cut();
    line.set(Line::Whole);
    until("a database that answers", || async { (!store.hangs()).then_some(()) }).await;
    let last = lab.token(lab.owner, "report").await;
    until("a workflow that is made", || async { (create(last.clone()).await == StatusCode::OK).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reports_go_to_the_newest_attempt_whichever_server_began_it() {
    let database = TestDatabase::new().await;
    let mock = MockClock::new(database.store.clock().now());
    let one = Lab::over(database.again(), database.store.clone().with_clock(mock.clock())).await;
    let other = Lab::over(database.again(), database.store.clone()).await;
    let first = Api(&one).create("?workflow_id=same").await;
    Api(&one).send_update(&first, info(1)).await;
    Api(&one)
        .send_update(&first, json!({"level": "error", "msg": "WorkflowError", "rule": null, "location": null, "traceback": null}))
        .await;
    settle(&one).await; // Another server cannot see what is only in this one's journal.
    let second = Api(&other).create("?workflow_id=same").await;
    assert_eq!(second["id"], first["id"]);
    Api(&other).send_update(&second, info(2)).await;
    settle(&other).await;
    // The first server knows that number too; it refreshes its knowledge once a second.
    mock.advance(Duration::from_secs(1));
    Api(&one).send_update(&second, info(3)).await;
    settle(&one).await;
    let query = "select r.attempt || ':' || j.job_id from job_executions j join workflow_runs r on r.id = j.workflow_run_id order by 1";
    assert_eq!(database.texts(query).await, ["1:1", "2:2", "2:3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_who_reports_makes_a_workflow() {
    let lab = Lab::new().await;
    let looked = lab.request(Method::HEAD, "/create_workflow").bearer_auth(&lab.admin).send().await.expect("an answer");
    assert_eq!(looked.status(), StatusCode::OK);
    let cookie = lab.session(lab.owner).await;
    let clicked = lab.request(Method::GET, "/create_workflow").header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(clicked.status(), StatusCode::UNAUTHORIZED, "a link somebody was sent makes nothing");
    assert_eq!(lab.database.text("select count(*)::text from workflow_runs").await.as_deref(), Some("0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_body_holds_is_taken_as_it_is_but_for_secrets() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let command = format!("command=snakemake --wms-monitor http://lab:{}@host:1 -n\0", lab.admin);
    let made = lab.get("/create_workflow?workflow_id=a%00b").header("content-type", "application/x-www-form-urlencoded").body(command);
    let flow: Value = made.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(flow["name"], "a\u{fffd}b");
    assert_eq!(
        lab.database.text("select command_line from workflow_runs").await.as_deref(),
        Some("snakemake --wms-monitor http://lab:***@host:1 -n\u{fffd}")
    );
    settle(&lab).await;
    let raw = lab.database.text("select string_agg(body::text, '') from ingest_events").await.expect("reports");
    assert!(!raw.contains(&lab.admin), "{raw}");
    // `-n` may be part of a cluster command, so a run is dry only if its output says so.
    api.send_update(&flow, json!({"level": "resources_info", "msg": "Provided cores: 2"})).await;
    api.send_update(&flow, json!({"level": "job_info", "jobid": 1, "name": "make"})).await;
    assert_eq!((&api.now(&flow).await["status"], &api.jobs(&flow).await[0]["status"]), (&json!("Running"), &json!("Running")));
    for odd in [
        json!({"level": "no\u{0}such", "x": "\u{0}"}),
        json!({"level": "l".repeat(5000)}),
        json!({"level": "info", "msg": "x", "timestamp": 1e300}),
        json!({"level": ["info"], "msg": {"a": 1}}),
        json!({"level": "job_info", "jobid": -9_223_372_036_854_775_808_i64, "name": "\u{0}", "wildcards": {"\u{0}": "\u{0}"}, "input": ["\u{0}"]}),
        json!({"level": "job_finished", "jobid": 9_223_372_036_854_775_807_i64}),
        json!({"level": "progress", "done": 1e18, "total": i64::MAX}),
    ] {
        let (status, body) = sent_update(&lab, &flow["id"], &odd).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, "ok"), "{odd}");
    }
    assert_eq!(api.now(&flow).await["status"], "Running");
    let kept = lab.database.texts("select event from ingest_events where event like 'no%' or event like 'l%' order by event desc").await;
    assert_eq!(kept, ["no\u{fffd}such".to_owned(), format!("{}… (4\u{202f}900 more letters)", "l".repeat(100))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_that_begin_after_the_end_do_not_run_for_ever() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    api.send_update(&flow, info(1)).await;
    assert_eq!(api.ask(Method::POST, &format!("/api/workflow/{}/cancel", flow["id"]), None).await.0, StatusCode::OK);
    api.send_update(&flow, info(2)).await;
    api.send_update(&flow, info(3)).await;
    api.send_update(&flow, json!({"level": "job_finished", "jobid": 3})).await;
    settle(&lab).await;
    let statuses = lab.database.texts("select status from job_executions order by job_id").await;
    assert_eq!(statuses, ["lost", "lost", "success"], "a reported end counts");
    assert_eq!(lab.database.text("select jobs_running::text from workflow_runs").await.as_deref(), Some("0"));
    assert_eq!(api.now(&flow).await["status"], "Cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logs_named_by_a_failed_job_are_added_to_those_it_has() {
    let lab = Lab::new().await;
    let api = Api(&lab);
    let flow = api.create("").await;
    api.send_update(&flow, json!({"level": "job_info", "jobid": 1, "name": "make", "log": ["make.log"], "shellcmd": "true"})).await;
    let failed = |log: Value| json!({"level": "job_error", "jobid": 1, "name": "make", "log": log});
    api.send_update(&flow, failed(json!(["make.log", "slurm/7.out", "slurm/7.err", "slurm/7.out"]))).await;
    api.send_update(&flow, failed(json!(["slurm/7.err", "late.log"]))).await;
    assert_eq!(api.jobs(&flow).await[0]["log"], json!(["make.log", "slurm/7.out", "slurm/7.err", "late.log"]));
}

/// What a server acknowledged before it was killed is written by the next one, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_killed_server_had_in_its_journal_is_written_by_the_next_one() {
    let database = TestDatabase::new().await;
    let (line, store) = database.through(8).await;
    let dir = tempfile::TempDir::new().expect("a directory");
    let lab = Lab::with_journal(database.again(), store, dir.path()).await;
    let flow = Api(&lab).create("").await;
    Api(&lab).send_update(&flow, info(1)).await;
    settle(&lab).await;
    line.close();
    for message in [
        json!({"level": "job_finished", "jobid": 1}),
        json!({"level": "job_info", "jobid": 2, "name": "later", "shellcmd": "true"}),
        json!({"level": "job_error", "jobid": 2}),
        json!({"level": "info", "msg": "said once"}),
    ] {
        sent_update(&lab, &flow["id"], &message).await;
    }
    // What a kill leaves behind: the files as they are, without the lock, which ends with the process.
    let left = tempfile::TempDir::new().expect("a directory");
    copy(&dir.path().join("0"), &left.path().join("0"));
    drop(lab); // Its connection to the database stays closed.
    for _ in 0..2 {
        let again = tempfile::TempDir::new().expect("a directory");
        copy(&left.path().join("0"), &again.path().join("0"));
        let lab = Lab::with_journal(database.again(), database.store.clone(), again.path()).await;
        until("the jobs", || async {
            let jobs = database.texts("select job_id || ' ' || attempt || ' ' || status from job_executions order by 1").await;
            (jobs == ["1 1 success", "2 1 failed"]).then_some(())
        })
        .await;
        until("a journal that is written", || async {
            let health: Value = lab.get("/healthz").send().await.ok()?.json().await.ok()?;
            (health["journal"]["waiting"] == 0).then_some(())
        })
        .await;
        let said = database.text("select count(*)::text from log_entries where message = 'said once'").await;
        assert_eq!(said.as_deref(), Some("1"));
    }
}

/// Positions applied from another server's journal say nothing about one's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_journal_of_another_server_is_written_and_ones_own_stays_until_it_is() {
    const OWN: &str = "0193a4c2-0000-7000-8000-00000000000a";
    let database = TestDatabase::new().await;
    database
        .sql(&format!(
            "create table holds as select 1;
             create function held() returns trigger language plpgsql as
             $$ begin while exists (select from holds) loop perform pg_sleep(0.02); end loop; return new; end $$;
             create trigger held before insert or update on journals for each row when (new.id = '{OWN}') execute function held()"
        ))
        .await;
    let dir = tempfile::TempDir::new().expect("a directory");
    let write = |slot: &str, id: &str, lines: &[i64]| {
        std::fs::create_dir(dir.path().join(slot)).expect("a directory");
        std::fs::write(dir.path().join(slot).join("id"), id).expect("written");
        for number in lines {
            std::fs::write(dir.path().join(slot).join(format!("{number:020}.log")), format!("{number}\tsaid\n")).expect("written");
        }
    };
    write("0", OWN, &[1, 900]);
    write("1", "0193a4c2-0000-7000-8000-00000000000b", &[5000]);
    let lab = Lab::with_journal(database.again(), database.store.clone(), dir.path()).await;
    until("its own turn", || async {
        let waits = "select count(*)::text from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()";
        (lab.database.text(waits).await? == "1").then_some(())
    })
    .await;
    let own = || {
        std::fs::read_dir(dir.path().join("0"))
            .expect("files")
            .filter(|file| file.as_ref().is_ok_and(|file| file.path().extension().is_some()))
            .count()
    };
    assert_eq!(own(), 2);
    assert_eq!(lab.database.texts("select applied::text from journals").await, ["5000"]);
    lab.database.sql("delete from holds").await;
    until("both journals written", || async {
        let applied = lab.database.texts("select applied::text from journals order by id").await;
        (applied == ["900", "5000"]).then_some(())
    })
    .await;
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("a copy");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_room_for_a_journal_updates_are_answered_when_they_are_written() {
    let database = TestDatabase::new().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let lab = Lab::with_journal(database.again(), database.store.clone(), file.path()).await;
    let health: Value = lab.get("/healthz").send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(health["journal"], Value::Null);
    let flow = Api(&lab).create("").await;
    Api(&lab).send_update(&flow, info(1)).await;
    assert_eq!(database.texts("select status from job_executions").await, ["running"], "at once");
    // The same happens if the directory disappears later.
    let dir = tempfile::TempDir::new().expect("a directory");
    let lab = Lab::with_journal(database.again(), database.store.clone(), dir.path()).await;
    std::fs::remove_dir_all(dir.path()).expect("removed");
    Api(&lab).send_update(&flow, json!({"level": "job_finished", "jobid": 1})).await;
    assert_eq!(database.texts("select status from job_executions").await, ["success"], "at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_update_that_cannot_be_stored_is_set_aside_and_the_others_are_not() {
    let lab = Lab::new().await;
    let flow = Api(&lab).create("").await;
    lab.database
        .sql(
            "create function spoilt() returns trigger language plpgsql as
             $$ begin
                 if new.body::text like '%spoilt for good%' or new.body::text like '%spoilt%' and new.outcome = 'applied' then
                     raise exception 'not this one';
                 end if;
                 return new;
             end $$;
             create trigger spoilt before insert on ingest_events for each row execute function spoilt()",
        )
        .await;
    for message in [
        info(1),
        json!({"level": "info", "msg": "spoilt"}),
        json!({"level": "info", "msg": "spoilt for good"}),
        json!({"level": "info", "msg": "whole"}),
        json!({"level": "job_finished", "jobid": 1}),
    ] {
        Api(&lab).send_update(&flow, message).await;
    }
    assert_eq!(Api(&lab).jobs(&flow).await[0]["status"], "Done");
    let kept = "select count(*) || ' ' || count(*) filter (where outcome = 'quarantined') from ingest_events";
    assert_eq!(lab.database.text(kept).await.as_deref(), Some("5 1"), "with the one that began it, without the one that cannot be kept");
    assert_eq!(lab.database.texts("select message from log_entries order by message").await, ["whole"]);
}
