//! How PostgreSQL executed the statements of a function. The plans come from `auto_explain`, so they are those of the
//! statements that were really sent.

use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::{
    fmt::Debug,
    mem::take,
    sync::{Arc, Mutex},
};
use store::Conn;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

const ASK: &str = "load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_format = 'json';
                   set auto_explain.log_level = 'notice'; set auto_explain.log_nested_statements = on";

/// Receives every plan of one connection, on the thread that created it.
pub struct Plans {
    heard: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Plans {
    /// # Panics
    /// If this user may not load modules.
    pub async fn of(conn: &mut Conn) -> Self {
        sqlx::raw_sql(AssertSqlSafe(ASK.to_owned())).execute(conn).await.expect("a superuser, and auto_explain beside PostgreSQL");
        let heard = Arc::default();
        Self { _guard: tracing::subscriber::set_default(Notices(Arc::clone(&heard))), heard }
    }

    /// How tables were read since the last call: one line each, `table by index` or `table whole`.
    ///
    /// # Panics
    /// If no plan was received.
    pub fn taken(&self) -> Vec<String> {
        let heard = take(&mut *self.heard.lock().expect("no reader broke"));
        let mut lines = Vec::new();
        for plan in heard.iter().filter_map(|text| text.split_once("plan:")) {
            let plan: Value = serde_json::from_str(plan.1).expect("a plan as JSON");
            walk(&plan["Plan"], None, &mut lines);
        }
        assert!(!heard.is_empty(), "PostgreSQL explains what it does");
        lines.sort();
        lines.dedup();
        lines
    }
}

fn walk(node: &Value, table: Option<&str>, lines: &mut Vec<String>) {
    let table = node["Relation Name"].as_str().or(table);
    let whole = node["Node Type"].as_str().is_some_and(|kind| kind.ends_with("Seq Scan"));
    match (table, node["Index Name"].as_str()) {
        (Some(table), Some(index)) => lines.push(format!("{} by {}", bare(table), bare(index))),
        (Some(table), None) if whole => lines.push(format!("{} whole", bare(table))),
        _ => {}
    }
    for part in node["Plans"].as_array().into_iter().flatten() {
        walk(part, table, lines);
    }
}

/// A name without the day of its partition.
fn bare(name: &str) -> String {
    name.split('_').filter(|part| !part.bytes().all(|byte| byte.is_ascii_digit())).collect::<Vec<_>>().join("_")
}

struct Notices(Arc<Mutex<Vec<String>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }
}

impl Subscriber for Notices {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.target() == "sqlx::postgres::notice"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().expect("no reader broke").push(message.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
