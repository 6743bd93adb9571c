//! What lists leave out: they count it, and a further request returns the rest. Nothing is lost between two windows.
#![forbid(unsafe_code)]

use model::{
    JobKey, RunId,
    job::{FileRole, JobFile},
    page::Total,
};
use store::{
    jobs::{self, files},
    runs::find,
};
use testkit::TestDatabase;

const RUN: &str = "0193a4c2-0000-7000-8000-000000000001";

/// One job of `gather` with 1 200 inputs, 40 outputs and 2 logs. The first 30 inputs are made by `one`, the next by
/// `two`; those from 600 on lie in directories that `tree` makes. All 70 jobs of `use` read its first output.
const MANY: &str = "
    insert into workflow_runs (id, workflow_name) values ('0193a4c2-0000-7000-8000-000000000001', 'many');
    insert into job_executions (workflow_run_id, job_id, rule, informed, status)
    select id, n, rule, true, 'success'
      from workflow_runs, (values (1, 'one'), (2, 'two'), (3, 'tree'), (4, 'gather')) j(n, rule)
     order by n;
    insert into job_executions (workflow_run_id, job_id, rule, informed, status)
    select id, n, 'use', true, 'success' from workflow_runs, generate_series(101, 250) n order by n;
    insert into paths (workflow_run_id, path)
    select id, case when n < 600 then 'in/' || lpad(n::text, 4, '0') || '.txt' else 'made/' || n % 7 || '/deep/' || n || '.txt' end
      from workflow_runs, generate_series(0, 1199) n;
    insert into paths (workflow_run_id, path)
    select id, path from workflow_runs,
           (select 'out/' || lpad(n::text, 2, '0') || '.vcf' from generate_series(0, 39) n
             union all select 'a.log' union all select 'b.log' union all select 'made/' || n || case when n % 2 = 0 then '/' else '' end from generate_series(0, 6) n) p(path);
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, case when p.path like 'out/%' then 'output' when p.path like '%.log' then 'log' else 'input' end,
           row_number() over (order by p.id) - 1
      from job_executions j
      join paths p on p.workflow_run_id = j.workflow_run_id and (p.path like '%.txt' or p.path like 'out/%' or p.path like '%.log')
     where j.rule = 'gather';
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, 'output', row_number() over (partition by j.id order by p.id) - 1
      from job_executions j
      join paths p on p.workflow_run_id = j.workflow_run_id
       and case j.rule when 'one' then p.path between 'in/0000.txt' and 'in/0029.txt' when 'two' then p.path between 'in/0030.txt' and 'in/0059.txt'
                       when 'tree' then p.path ~ '^made/[0-9]/?$' end;
    insert into job_files (job_execution_id, path_id, role, position)
    select j.id, p.id, 'input', 0
      from job_executions j join paths p on p.workflow_run_id = j.workflow_run_id and p.path = 'out/00.vcf'
     where j.rule = 'use';
    analyze";

fn run() -> RunId {
    RUN.parse().expect("an id")
}

async fn key(database: &TestDatabase, job: i64) -> JobKey {
    let query = format!("select max(id)::text from job_executions where job_id = {job}");
    JobKey(database.text(&query).await.and_then(|id| id.parse().ok()).expect("the job is there"))
}

fn of(files: &[JobFile], role: FileRole) -> Vec<&str> {
    files.iter().filter(|file| file.role == role).map(|file| file.path.as_str()).collect()
}

#[tokio::test]
async fn a_job_with_many_inputs_keeps_its_outputs_and_logs_and_counts_the_rest() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let gather = key(&database, 4).await;

    let detail = jobs::detail(&mut conn, run(), gather).await.expect("no error").expect("the job");
    let listed = FileRole::ALL.map(|role| (of(&detail.files, role).len(), detail.unlisted.of(role)));
    assert_eq!(listed, [(500, 700), (40, 0), (2, 0), (0, 0)]);

    let mut all: Vec<String> = Vec::new();
    loop {
        let (files, more) = jobs::files_of(&mut conn, gather, FileRole::Input, all.len() as u32).await.expect("no error");
        all.extend(files.into_iter().map(|file| file.path));
        if more == 0 {
            break;
        }
        assert_eq!(all.len() as u64 + more, 1_200);
    }
    assert_eq!(all[..500], of(&detail.files, FileRole::Input));
    let whole: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!((all.len(), whole.len()), (1_200, 1_200), "each once, over all windows");
}

#[tokio::test]
async fn files_of_a_rule_are_counted_for_each_role_of_each_job() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    let mut conn = database.store.conn().await.expect("a connection");

    let (jobs, later) = files::of_rule(&mut conn, run(), "gather", None).await.expect("no error");
    let [gather] = &jobs[..] else { panic!("{jobs:?}") };
    let listed = [FileRole::Input, FileRole::Output].map(|role| (of(&gather.files, role).len(), gather.unlisted.of(role)));
    assert_eq!((listed, later), ([(60, 1_140), (40, 0)], None));

    let (jobs, later) = files::of_rule(&mut conn, run(), "use", None).await.expect("no error");
    assert_eq!((jobs.len(), later), (25, Some(Total { count: 125, is_exact: true })));

    let rules = files::by_rule(&mut conn, run()).await.expect("no error");
    let gather = rules.iter().find(|rule| rule.rule == "gather").expect("the rule");
    let listed = (gather.inputs.len(), gather.unlisted.of(FileRole::Input), gather.outputs.len(), gather.unlisted.of(FileRole::Output));
    assert_eq!(listed, (3, 1_197, 3, 37));
}

#[tokio::test]
async fn outputs_of_a_job_are_all_reached_window_by_window() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let gather = key(&database, 4).await;
    let mut all = Vec::new();
    for (skip, left) in [(0, 28), (12, 16), (24, 4), (36, 0)] {
        let window = files::window_of_role(&mut conn, &[gather], FileRole::Output, skip, 12).await.expect("no error");
        assert!(window.iter().all(|(job, _, more)| (*job, *more) == (gather, left)), "{skip}: {window:?}");
        all.extend(window.into_iter().map(|(_, path, _)| path.path));
    }
    assert_eq!(all, (0..40).map(|n| format!("out/{n:02}.vcf")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_rule_is_linked_to_the_makers_of_all_that_it_reads() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let links = files::links(&mut conn, run()).await.expect("no error");
    let links: Vec<(&str, &str)> = links.iter().map(|(maker, reader)| (maker.as_str(), reader.as_str())).collect();
    assert_eq!(links, [("gather", "use"), ("one", "gather"), ("tree", "gather"), ("two", "gather")]);
}

#[tokio::test]
async fn paths_that_words_find_are_all_reached_window_by_window() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let (mut all, mut after): (Vec<String>, Option<i64>) = (Vec::new(), None);
    loop {
        let (found, more) = files::find(&mut conn, run(), "TXT", after).await.expect("no error");
        after = found.last().map(|row| row.id);
        all.extend(found.into_iter().map(|row| row.path));
        assert_eq!(all.len() as u64 + more, 1_200);
        if more == 0 {
            break;
        }
    }
    let whole: std::collections::BTreeSet<&String> = all.iter().collect();
    assert_eq!(whole.len(), 1_200, "each once, over all windows");
}

#[tokio::test]
async fn jobs_that_use_a_path_are_counted_and_go_on_after_one() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let first = files::path(&mut conn, run(), "out/00.vcf").await.expect("no error").expect("the path");
    let users: Vec<JobKey> = first.jobs.iter().filter(|job| job.role == FileRole::Input).map(|job| job.job).collect();
    assert_eq!((users.len(), first.unlisted.of(FileRole::Input), first.unlisted.of(FileRole::Output)), (100, 50, 0));

    let after = users.last().copied();
    let rest =
        files::window_of_path(&mut conn, run(), "out/00.vcf", Some(FileRole::Input), after).await.expect("no error").expect("the path");
    assert_eq!((rest.jobs.len(), rest.unlisted.of(FileRole::Input)), (50, 0));
    assert!(rest.jobs.iter().all(|job| job.role == FileRole::Input && Some(job.job) > after));

    let over = files::window_of_path(&mut conn, run(), "out/00.vcf", Some(FileRole::Input), rest.jobs.last().map(|job| job.job)).await;
    assert_eq!(over.expect("no error").map(|path| path.jobs.len()), Some(0), "a path without further users is still one");
}

#[tokio::test]
async fn reports_and_attempts_of_a_job_that_are_not_listed_lead_on() {
    let database = TestDatabase::new().await;
    database.sql(MANY).await;
    database
        .sql(&format!(
            "update job_executions set superseded = true where job_id = 1;
             insert into job_executions (workflow_run_id, job_id, attempt, rule, status, superseded)
             select '{RUN}', 1, n, 'one', 'failed', n < 300 from generate_series(2, 300) n order by n;
             insert into ingest_events (workflow_run_id, source, event, body, received_at, outcome)
             select '{RUN}', 'flowo', 'event', '{{}}', now(), 'applied' from generate_series(1, 32);
             update job_executions set reports = (select array_agg(id order by id) from ingest_events) where job_id = 4"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");
    let gather = jobs::detail(&mut conn, run(), key(&database, 4).await).await.expect("no error").expect("the job");
    let more = gather.more_reports.expect("earlier ones");
    assert_eq!((gather.reports.len(), more.count), (20, 12));
    assert!(more.first < gather.reports[0].id);

    // From the newest attempt back to the first, following what is not listed.
    let mut open = key(&database, 1).await;
    let mut seen = Vec::new();
    loop {
        let job = jobs::detail(&mut conn, run(), open).await.expect("no error").expect("the job");
        let listed: Vec<i32> = job.attempts.iter().map(|attempt| attempt.attempt).collect();
        assert!(listed.len() <= 100 && listed.contains(&job.row.attempt) && listed.is_sorted(), "{listed:?}");
        assert_eq!(job.beyond.1.as_ref().map(|next| next.attempt), listed.last().map(|last| last + 1).filter(|next| *next <= 300));
        seen.extend(listed);
        let Some(earlier) = job.beyond.0 else { break };
        assert_eq!(Some(earlier.attempt + 1), job.attempts.first().map(|first| first.attempt));
        open = earlier.id;
    }
    let whole: std::collections::BTreeSet<i32> = seen.into_iter().collect();
    assert_eq!(whole, (1..=300).collect());
}

#[tokio::test]
async fn rules_are_counted_and_go_on_after_some() {
    let database = TestDatabase::new().await;
    database
        .sql(&format!(
            "insert into workflow_runs (id, workflow_name) values ('{RUN}', 'many');
             insert into rules (workflow_run_id, name, code, position) select '{RUN}', 'rule ' || n, 'code ' || n, n from generate_series(1, 5002) n;
             insert into job_executions (workflow_run_id, job_id, rule) select '{RUN}', n, 'rule 7' from generate_series(1, 3) n;
             insert into job_executions (workflow_run_id, job_id) values ('{RUN}', 4)"
        ))
        .await;
    let mut conn = database.store.conn().await.expect("a connection");
    let detail = store::runs::detail(&mut conn, store::runs::Audience::All, run()).await.expect("no error").expect("the run");
    assert_eq!(detail.rules.len(), 5_000);
    let note = detail.notes().join("\n").replace('\u{202f}', " ");
    assert!(note.contains("This run has 5 003 rules. The first 5 000 are listed"), "{note}");

    let (rest, all) = find::rules_from(&mut conn, run(), 5_000, 100).await.expect("no error");
    assert_eq!((rest.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), all), (vec!["rule 5001", "rule 5002", ""], 5_003));
    assert_eq!(store::jobs::count(&mut conn, run(), Some("rule 7")).await.expect("no error"), 3);
    assert_eq!(store::jobs::count(&mut conn, run(), Some("no such")).await.expect("no error"), 0);
    let codes = find::codes_of(&mut conn, run(), &["rule 5002".to_owned()]).await.expect("no error");
    assert_eq!(codes.iter().map(|rule| rule.code.as_deref()).collect::<Vec<_>>(), [Some("code 5002")]);
}
