//! Streams, followed files and downloads end with the session or token that opened them, a followed file also with the
//! right to see its run. Nobody takes the places of others.

use crate::lab::{Lab, Terms};
use model::UserId;
use read::files::Roots;
use reqwest::{Method, Response, StatusCode};
use std::{fs, path::Path};
use store::people;
use testkit::{Event, TEST_TIMEOUT, Tab, until};
use tokio::time::timeout;

/// Waits until a stream has ended.
async fn ended(tab: &mut Tab, what: &str) {
    let end = timeout(TEST_TIMEOUT, async { while tab.next().await.is_some() {} });
    assert!(end.await.is_ok(), "{what} goes on; seen: {:#?}", tab.seen);
}

async fn sign_out(lab: &Lab, cookie: &str) {
    let response = lab.request(Method::POST, "/sign-out").header("cookie", cookie).send().await.expect("an answer");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
}

/// A run of `user` in `directory`.
async fn run(lab: &Lab, user: UserId, directory: &Path) -> String {
    let insert = format!(
        "insert into workflow_runs (workflow_name, user_id, directory, logfile) values ('files', {user}, '{dir}', '{dir}/run.log')",
        dir = directory.display()
    );
    lab.database.sql(&insert).await;
    lab.database.text("select id::text from workflow_runs where workflow_name = 'files'").await.expect("an id")
}

async fn live(lab: &Lab, token: &str) -> Response {
    lab.request(Method::GET, "/live?scope=runs").bearer_auth(token).send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn streams_end_with_their_token_and_those_of_others_go_on() {
    let lab = Lab::new().await;
    let (token, other) = (lab.token(lab.owner, "read").await, lab.token(lab.owner, "read").await);
    let (mut tab, mut stays) = (Tab::new(live(&lab, &token).await), Tab::new(live(&lab, &other).await));
    tab.until("a greeting", |event| event.name == "hello").await;
    let mut conn = lab.database.store.conn().await.expect("a connection");
    let one = people::tokens(&mut conn, lab.owner).await.expect("tokens").0.into_iter().find(|one| token.starts_with(&one.prefix));

    assert!(people::revoke_token(&mut conn, lab.owner, one.expect("the token").id).await.expect("revoked"));

    ended(&mut tab, "the stream of a revoked token").await;
    lab.database.sql("insert into workflow_runs (workflow_name) values ('afterwards')").await;
    stays.until("what comes then", |event| event.data["runs"][0]["now"]["name"] == "afterwards").await;
    // While the token is still cached, it can open only streams that end at once.
    until("a refusal", async || {
        let response = live(&lab, &token).await;
        if response.status() == StatusCode::OK {
            ended(&mut Tab::new(response), "another stream of it").await;
            return None;
        }
        (response.status() == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follow_and_a_download_end_when_their_session_is_signed_out() {
    let lab = Lab::new().await;
    let base = tempfile::tempdir().expect("a directory");
    fs::write(base.path().join("run.log"), "begin\n").expect("a log");
    // A sparse file, larger than anybody reads while this test runs.
    fs::File::create(base.path().join("big.bin")).and_then(|file| file.set_len(1 << 40)).expect("a file");
    let id = run(&lab, lab.owner, base.path()).await;
    let cookie = lab.session(lab.owner).await;
    let mut tab = lab.open_as(&cookie, &format!("scope=run:{id}&file=run")).await;
    tab.until("the log", |event| event.name == "file" && event.data["facts"]["Ok"]["size"] == 6).await;
    let address = lab.ticket(&cookie, &id, "./big.bin").await.expect("an address");
    let mut download = lab.request(Method::GET, &address).send().await.expect("an answer");
    assert_eq!(download.status(), StatusCode::OK);
    assert!(download.chunk().await.expect("bytes").is_some());

    sign_out(&lab, &cookie).await;

    ended(&mut tab, "the stream of a session that was signed out").await;
    testkit::until("nobody follows", async || (lab.followers.followed() == 0).then_some(())).await;
    let rest = timeout(TEST_TIMEOUT, async {
        loop {
            match download.chunk().await {
                Ok(Some(_)) => {}
                other => return other.map(|_| ()),
            }
        }
    });
    assert!(rest.await.expect("the download goes on").is_err(), "a part is not taken for the whole");
    let again = lab.request(Method::GET, &address).send().await.expect("an answer");
    assert_eq!(again.status(), StatusCode::NOT_FOUND, "the address went with the session");
}

/// Waits until commits reach the streams.
async fn heard(lab: &Lab) {
    lab.open("scope=runs").await.until("the listener", |event| event.name == "status" && event.data["listening"] == "live").await;
}

/// Whether an event says that the followed file has this size.
fn is_size(event: &Event, bytes: u64) -> bool {
    event.name == "file" && event.data["facts"]["Ok"]["size"] == bytes
}

/// Whether an event says why the followed file is not shown any more.
fn is_refused(event: &Event, why: &str) -> bool {
    event.name == "file" && event.data["facts"]["Err"] == why
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follow_ends_with_the_right_to_see_its_run_and_begins_anew_when_the_run_comes_back() {
    let base = tempfile::tempdir().expect("a directory");
    let log = base.path().join("run.log");
    let roots = Roots { given: vec![base.path().to_owned()], ..Roots::default() };
    let lab = Lab::on(Terms { roots, ..Terms::default() }).await;
    let (ana, ben, guest) = (lab.user("ana", "member").await, lab.user("ben", "member").await, lab.user("guest", "viewer").await);
    heard(&lab).await;
    for (who, ends, returns) in [
        (guest, "audience = 'owner and team'".to_owned(), "audience = 'everyone'".to_owned()),
        (guest, "deleted_at = now()".to_owned(), "deleted_at = null".to_owned()),
        (ana, "deleted_at = now()".to_owned(), "deleted_at = null".to_owned()),
        (ana, format!("owner_id = {ben}"), "owner_id = null".to_owned()),
        (ana, format!("user_id = {ben}"), format!("user_id = {ana}")),
    ] {
        fs::write(&log, "begin\n").expect("a log");
        let id = run(&lab, ana, base.path()).await;
        let mut tab = lab.open_as(&lab.session(who).await, &format!("scope=run:{id}&file=run")).await;
        tab.until("the log", |event| is_size(event, 6)).await;

        lab.database.sql(&format!("update workflow_runs set {ends}")).await;
        tab.until(&ends, |event| is_refused(event, "Hidden")).await;
        until("nobody follows", async || (lab.followers.followed() == 0).then_some(())).await;
        fs::write(&log, "begin\nwhispered\n").expect("a log");
        lab.database.sql(&format!("update workflow_runs set {returns}")).await;
        tab.until("the log of the run that came back", |event| is_size(event, 16)).await;
        lab.database.sql("delete from workflow_runs").await;
        tab.until("the run to go for good", |event| is_refused(event, "Hidden")).await;

        let news = tab.seen.iter().filter(|event| event.name == "file").count();
        assert_eq!(news, 4, "{ends}: {:#?}", tab.seen);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follow_ends_when_its_reader_has_no_reach_to_the_file_any_more() {
    let base = tempfile::tempdir().expect("a directory");
    fs::write(base.path().join("run.log"), "begin\n").expect("a log");
    let lab = Lab::new().await;
    let ana = lab.user("ana", "member").await;
    heard(&lab).await;
    let id = run(&lab, lab.owner, base.path()).await;
    let mut tab = lab.open_as(&lab.session(lab.owner).await, &format!("scope=run:{id}&file=run")).await;
    tab.until("the log", |event| is_size(event, 6)).await;

    // The owner sees everybody's runs, but reads whatever the machine holds on runs of their own only.
    lab.database.sql(&format!("update workflow_runs set user_id = {ana}")).await;
    tab.until("the refusal", |event| is_refused(event, "NotGiven")).await;
    until("the end of the reads for the owner", async || (lab.followers.followed() == 1).then_some(())).await;
    fs::write(base.path().join("run.log"), "begin\nwhispered\n").expect("a log");
    lab.database.sql(&format!("update workflow_runs set user_id = {}", lab.owner)).await;
    tab.until("the log of an own run", |event| is_size(event, 16)).await;

    let news = tab.seen.iter().filter(|event| event.name == "file").count();
    assert_eq!(news, 3, "{:#?}", tab.seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follow_ends_even_if_too_much_changed_at_once_to_say_what() {
    let base = tempfile::tempdir().expect("a directory");
    fs::write(base.path().join("run.log"), "begin\n").expect("a log");
    let roots = Roots { given: vec![base.path().to_owned()], ..Roots::default() };
    let lab = Lab::on(Terms { roots, ..Terms::default() }).await;
    let guest = lab.user("guest", "viewer").await;
    lab.database.sql("insert into workflow_runs (workflow_name) select 'many' from generate_series(1, 2001)").await;
    let id = run(&lab, lab.owner, base.path()).await;
    heard(&lab).await;
    let mut tab = lab.open_as(&lab.session(guest).await, &format!("scope=run:{id}&file=run")).await;
    tab.until("the log", |event| is_size(event, 6)).await;

    lab.database.sql("update workflow_runs set audience = 'owner and team'").await;

    tab.until("the end", |event| is_refused(event, "Hidden")).await;
    assert!(tab.seen.iter().any(|event| event.name == "reset"), "{:#?}", tab.seen);
    until("nobody follows", async || (lab.followers.followed() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stream_ends_when_its_account_gets_another_role_or_is_removed() {
    let lab = Lab::new().await;
    for change in ["update users set role = 'member' where name = 'visitor'", "delete from users where name = 'visitor'"] {
        let visitor = lab.user("visitor", "viewer").await;
        let cookie = lab.session(visitor).await;
        let mut tab = lab.open_as(&cookie, "scope=runs").await;
        tab.until("a greeting", |event| event.name == "hello").await;

        lab.database.sql(change).await;

        ended(&mut tab, change).await;
        lab.database.sql("delete from users where name = 'visitor'").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_person_cannot_take_the_places_of_others() {
    let lab = Lab::on(Terms { streams: 4, ..Terms::default() }).await;
    let ana = lab.user("ana", "member").await;
    let (token, cookie) = (lab.token(ana, "read").await, lab.session(ana).await);
    let by_cookie = async || lab.request(Method::GET, "/live?scope=runs").header("cookie", &cookie).send().await.expect("an answer");
    let mut open = vec![live(&lab, &token).await, live(&lab, &token).await];

    let third = live(&lab, &token).await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS, "a token has half of the places");
    assert!(third.headers().contains_key("retry-after"));
    open.extend([by_cookie().await, by_cookie().await]);
    assert!(open.iter().all(|response| response.status() == StatusCode::OK));
    assert_eq!(by_cookie().await.status(), StatusCode::TOO_MANY_REQUESTS, "the person has them all");
    assert_eq!(live(&lab, &lab.admin).await.status(), StatusCode::OK, "others have theirs");

    open.clear();
    until("a place that was given back", async || (by_cookie().await.status() == StatusCode::OK).then_some(())).await;
}
