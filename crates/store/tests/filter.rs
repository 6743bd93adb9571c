//! The filter language means the same in SQL and in memory.
#![forbid(unsafe_code)]

use model::{RunId, filter::RunFilter, page::RunSort, run::RunSummary};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::collections::{BTreeMap, BTreeSet};
use store::runs::{Audience, list};
use testkit::TestDatabase;

/// The current time for all filters: after every row.
const NOW: i64 = 1_795_300_000_000;

/// Rows with every combination worth distinguishing, some of them hostile.
const ROWS: &str = r"
    insert into workflow_runs (workflow_name, status, source, user_name, directory, tags, dry_run, attempt, started_at, created_at, ended_at)
    select (array['rna-seq liver', 'RNA%', 'wgs_cohort', '', 'a:b', 'Größe \x', 'it''s', 'wgs'])[1 + n % 8],
           (array['running', 'failed', 'success', 'lost', 'waiting', 'cancelled'])[1 + n % 6],
           (array['flowo', 'sql', 'Panoptes'])[1 + n % 3],
           (array['ana', 'Ben', 'two words', ''])[1 + n % 4],
           (array['/data/lab', null, '/DATA/x_y'])[1 + n % 3],
           (array['{}', '{qc}', '{qc,RNA}', '{two words}'])[1 + n % 4]::text[],
           n % 5 = 0, 1 + n % 3,
           case when n % 7 > 0 then timestamptz '2026-11-20 00:00Z' - n * interval '5 hours' end,
           timestamptz '2026-11-20 00:00Z' - n * interval '5 hours',
           case when n % 6 not in (0, 4) then timestamptz '2026-11-20 00:00Z' - n * interval '5 hours' + n * interval '90 seconds' end
      from generate_series(0, 119) n;
    insert into rule_counts (workflow_run_id, rule, running)
    select id, rule, 1 from workflow_runs, (values ('bwa', 2), ('Sort', 3)) as r(rule, every) where number % every = 0";

fn word() -> impl Strategy<Value = String> {
    let body = prop_oneof![
        prop::sample::select(vec![
            "rna",
            "RNA%",
            "_",
            "wgs",
            "\"two words\"",
            "größe",
            "Größe",
            "\\x",
            "it's",
            "a:b",
            "lab",
            "qc",
            "ana",
            "nothing-like-it",
            "status:failed",
            "status:running,lost",
            "status:done",
            "user:ana",
            "user:BEN",
            "user:\"two words\"",
            "tag:qc",
            "tag:rna",
            "tag:\"two words\",qc",
            "source:flowo",
            "source:panoptes",
            "name:rna",
            "name:%",
            "dir:data",
            "dir:x_y",
            "dir:xzy",
            "rule:bwa",
            "rule:sort",
            "rule:none",
            "after:2026-11-10",
            "before:2026-11-05T12:00",
            "after:7d",
            "before:3d",
            "duration:>1h",
            "duration:<30m",
            "is:dry",
            "is:retry",
        ])
        .prop_map(str::to_owned),
        "[a-z%_]{1,3}",
    ];
    (body, any::<bool>()).prop_map(|(body, not)| if not { format!("-{body}") } else { body })
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_and_memory_agree_on_every_filter() {
    let database = TestDatabase::new().await;
    database.sql(ROWS).await;
    let mut conn = database.store.conn().await.expect("a connection");
    let rows = page(&mut conn, &RunFilter::default()).await;
    assert_eq!(rows.len(), 120);
    let mut rules: BTreeMap<RunId, Vec<String>> = BTreeMap::new();
    for line in database.texts("select workflow_run_id || ' ' || rule from rule_counts").await {
        let (id, rule) = line.split_once(' ').expect("two words");
        rules.entry(id.parse().expect("an id")).or_default().push(rule.to_owned());
    }
    let handle = tokio::runtime::Handle::current();
    let conn = std::cell::RefCell::new(conn);
    let words = proptest::collection::vec(word(), 1..4);
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() }).run(&words, |words| {
            let filter = RunFilter::parse(&words.join(" "));
            let found = handle.block_on(page(&mut conn.borrow_mut(), &filter));
            let found: BTreeSet<RunId> = found.iter().map(|run| run.id).collect();
            let none = Vec::new();
            let expected: BTreeSet<RunId> = rows
                .iter()
                .filter(|run| filter.matches(run, Some(rules.get(&run.id).unwrap_or(&none)), NOW) == Some(true))
                .map(|run| run.id)
                .collect();
            prop_assert_eq!(found, expected, "{}", filter);
            Ok(())
        })
    });
    outcome.expect("SQL and memory agree");
}

async fn page(conn: &mut store::Conn, filter: &RunFilter) -> Vec<RunSummary> {
    let query = list::Query { audience: Audience::All, filter, sort: RunSort::default(), limit: 200, after: None, now: NOW };
    list::list(conn, &query).await.expect("the list").items
}
