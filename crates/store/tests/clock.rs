//! The time by which SQL decides: PostgreSQL's, unless the setting of a test shifts it.
#![forbid(unsafe_code)]

use std::time::Duration;
use testkit::TestDatabase;

#[tokio::test]
async fn only_a_shift_moves_the_time_and_what_is_none_is_refused() {
    let database = TestDatabase::new().await;
    let shift = "select (flowo_now() - now())::text";

    assert_eq!(database.text(shift).await.as_deref(), Some("00:00:00"), "no setting");
    for (by, moved) in
        [(Duration::ZERO, "00:00:00"), (Duration::from_millis(90_500), "00:01:30.5"), (Duration::from_hours(49), "2 days 01:00:00")]
    {
        assert_eq!(database.later(by).text(shift).await.as_deref(), Some(moved));
    }
    let name = &database.name;
    for (setting, moved) in [("", "00:00:00"), ("-1 hour", "-01:00:00")] {
        database.sql(&format!("alter database \"{name}\" set flowo.clock_shift = '{setting}'")).await;
        assert_eq!(database.text(shift).await.as_deref(), Some(moved), "{setting:?}");
    }
    let refusal = database.refusal("set flowo.clock_shift = 'soon'; select flowo_now()").await;
    assert!(refusal.contains("invalid input syntax for type interval: \"soon\""), "{refusal}");
}

#[tokio::test]
async fn who_may_only_read_may_ask_for_the_time_under_any_search_path() {
    let database = TestDatabase::new().await;

    database
        .sql(
            "create schema mine; create function mine.now() returns timestamptz language sql as 'select timestamptz ''epoch''';
             grant usage on schema mine to pg_read_all_data; set search_path = mine, public, pg_catalog; set role pg_read_all_data;
             do $$ begin assert public.flowo_now() > timestamptz '2020-01-01', 'it asks another clock'; end $$",
        )
        .await;
}

#[tokio::test]
async fn the_planner_inlines_it_and_an_index_on_a_time_serves() {
    let database = TestDatabase::new().await;

    let plan = database
        .texts("explain (costs off) select from sessions where expires_at < flowo_now() - interval '1 day' order by expires_at limit 1")
        .await
        .join("\n");

    assert!(plan.contains("Index Cond: (expires_at < ") && !plan.contains("flowo_now"), "{plan}");
}
