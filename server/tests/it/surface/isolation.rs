//! No answer to one person contains data of another: every function and route with generated values, asked by a member
//! about their own run, by another member, by a viewer and by a second admin.

use super::{
    Credential, Flowod, Known, Maker, Question,
    functions::Declared,
    question,
    stage::{self, Reporter},
};
use flowo_server::commands::serve;
use model::{
    UserId,
    access::{Role, TokenScope},
};
use serde_json::json;
use std::{collections::BTreeSet, path::Path};
use store::people;
use tempfile::TempDir;
use testkit::TestDatabase;
use tokio::time::timeout;

/// A word in every text that is reported of the run.
const REPORTED: &str = "heronry";
/// A word in its files, and nowhere else.
const WRITTEN: &str = "kingfisher";
/// Requests of each credential.
const REQUESTS: usize = 700;

/// A session, and a token of each scope.
async fn person(database: &TestDatabase, name: &str, role: Role) -> (UserId, Vec<Credential>) {
    let secrets = serve::key(&database.store).await.expect("a key");
    let mut conn = database.store.conn().await.expect("a connection");
    let user = UserId(people::os_user(&mut conn, name, name, role).await.expect("a user").id);
    let mut all = vec![stage::session(&mut conn, &secrets, user).await];
    for scope in TokenScope::ALL {
        all.push(stage::token(&mut conn, &secrets, user, scope).await);
    }
    (user, all)
}

/// A run whose texts and files hold the words; returns its id.
async fn reported(base: &str, token: &str, dir: &Path) -> String {
    std::fs::create_dir_all(dir.join("out")).expect("a directory");
    for file in ["run.log", "out/a.txt", "Snakefile"] {
        std::fs::write(dir.join(file), format!("{WRITTEN}\tvalue\n{WRITTEN}\t1\n")).expect("a file");
    }
    let rules = json!([{ "name": REPORTED, "code": format!("echo {REPORTED}"), "language": "bash" }]);
    let name = format!("{REPORTED} run");
    let reporter = Reporter::begin((base, token), dir, (name.as_str(), REPORTED), rules, (REPORTED, "map")).await;
    for job in 1..=6 {
        let info = json!({ "job_id": job, "rule_name": REPORTED, "threads": 1, "input": [format!("{REPORTED}.in")], "output": ["out/a.txt"],
                           "log": ["run.log"], "benchmark": null, "rule_msg": REPORTED, "wildcards": { "sample": REPORTED }, "reason": REPORTED,
                           "shellcmd": format!("cat {REPORTED}"), "priority": 0, "resources": { "tmpdir": REPORTED } });
        reporter.job(job, info).await;
    }
    reporter.error(json!({ "exception": REPORTED, "location": null, "rule": REPORTED, "traceback": REPORTED })).await;
    reporter.id()
}

/// The functions and routes whose answers held a word.
#[derive(Debug, Default)]
struct Seen {
    reported: BTreeSet<String>,
    written: BTreeSet<String>,
}

/// Sends generated requests with each of somebody's credentials.
async fn asked(base: &str, who: &[Credential], (known, declared): (&Known, &Declared), seed: u64) -> Seen {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let mut seen = Seen::default();
    for (at, credential) in who.iter().enumerate() {
        let mut maker = Maker::new(seed + at as u64, known, declared);
        for _ in 0..REQUESTS {
            let Question { what, request, .. } =
                question(&mut maker, &client, base, std::slice::from_ref(credential), declared, &known.talked_of);
            if what.ends_with("/live") {
                continue; // Endless; its own tests try who may follow what.
            }
            let answer = async { request.send().await?.bytes().await };
            // Some requests never leave the client, and some bodies are refused while they are sent.
            let Ok(Ok(bytes)) = timeout(super::ANSWER_TIMEOUT, answer).await else { continue };
            let holds = |word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
            if holds(REPORTED) {
                seen.reported.insert(what.clone());
            }
            if holds(WRITTEN) {
                seen.written.insert(what);
            }
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_belongs_to_one_person_is_in_no_answer_to_another() {
    let (database, files) = (TestDatabase::new().await, TempDir::new().expect("a directory"));
    let roots = files.path().join("{user}").display().to_string();
    let flowod = Flowod::start_as(&database, &[("FLOWO_FILE_ROOTS", &roots)]).await;
    let (_, ana) = person(&database, "ana", Role::Member).await;
    let (_, ben) = person(&database, "ben", Role::Member).await;
    let (_, viewer) = person(&database, "visitor", Role::Viewer).await;
    let (_, second) = person(&database, "second", Role::Admin).await;
    let Some(Credential::Token(reporter)) = ana.get(1) else { panic!("a token") };
    let run = reported(&flowod.base, reporter, &files.path().join("ana")).await;
    let known = Known { runs: vec![run.clone()], talked_of: run, numbers: stage::numbers(&database).await };
    let declared = Declared::read();
    let kept = "select concat_ws(' ', r.workflow_name, r.status, r.deleted_at, j.id, j.status, j.attempt, j.rule, j.shell_command)
                  from workflow_runs r join job_executions j on j.workflow_run_id = r.id where r.user_name = 'ana' order by 1";
    let before = database.texts(kept).await;
    assert_eq!(before.len(), 6, "{before:?}");
    let ask = async |who: &[Credential], seed: u64| asked(&flowod.base, who, (&known, &declared), seed).await;

    let to_ben = ask(&ben, 1_000).await;
    let to_viewer = ask(&viewer, 2_000).await;
    assert_eq!(database.texts(kept).await, before, "neither another member nor a viewer changes it");
    let to_second = ask(&second, 3_000).await;
    let to_ana = ask(&ana[..4], 4_000).await;

    assert_eq!((to_ben.reported, to_ben.written), (BTreeSet::new(), BTreeSet::new()), "another member");
    assert_eq!((to_viewer.written, to_second.written), (BTreeSet::new(), BTreeSet::new()), "whoever sees a run does not read its files");
    for (who, reported) in [("a viewer", to_viewer.reported), ("a second admin", to_second.reported), ("ana", to_ana.reported)] {
        assert!(reported.len() > 20, "{who} sees the run in few answers only: {reported:?}");
    }
    assert!(to_ana.written.len() > 3, "her files are in few answers only: {:?}", to_ana.written);
    flowod.end().await;
}
