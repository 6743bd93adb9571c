//! The filter language as conditions on `workflow_runs r`.
//!
//! Means the same as `RunFilter::matches`; `tests/filter.rs` checks that both agree.

use super::Audience;
use crate::audience::asked_by;
use model::{
    Millis,
    filter::{Compare, RunFilter, Term, Trait, fold},
};
use sqlx::{Postgres, QueryBuilder};

/// Appends ` where …`: visible to `audience`, not deleted, and passing the filter at time `now`.
pub(super) fn push(sql: &mut QueryBuilder<Postgres>, audience: Audience, filter: &RunFilter, now: Millis) {
    sql.push(" where r.deleted_at is null");
    if audience != Audience::All {
        let (reader, reach) = asked_by(audience);
        sql.push(" and sees_run(r, ").push_bind(reader).push(", ").push_bind(reach).push(")");
    }
    for clause in &filter.clauses {
        if clause.not {
            // A comparison with an absent value is null; its negation must not be null, too.
            sql.push(" and not coalesce((");
            term(sql, &clause.term, now);
            sql.push("), false)");
        } else {
            sql.push(" and (");
            term(sql, &clause.term, now);
            sql.push(")");
            indexable(sql, &clause.term);
        }
    }
}

fn term(sql: &mut QueryBuilder<Postgres>, term: &Term, now: Millis) {
    match term {
        Term::Text(part) => {
            sql.push("r.search like ").push_bind(like(part));
        }
        Term::Name(part) => {
            sql.push("fold(r.workflow_name) like ").push_bind(like(part));
        }
        Term::Directory(part) => {
            sql.push("fold(r.directory) like ").push_bind(like(part));
        }
        Term::Status(list) => {
            any_of(sql, "r.status", list.iter().map(|status| status.as_str().to_owned()).collect());
        }
        Term::User(list) => any_of(sql, "fold(r.user_name)", list.clone()),
        Term::Source(list) => {
            sql.push("fold(r.source) = any(").push_bind(list.clone()).push(")");
        }
        Term::Tag(list) => {
            sql.push("exists (select from unnest(r.tags) t where fold(t) = any(").push_bind(list.clone()).push("))");
        }
        Term::Rule(list) => {
            sql.push("exists (select from rule_counts c where c.workflow_run_id = r.id and fold(c.rule) = any(")
                .push_bind(list.clone())
                .push("))");
        }
        Term::After(moment) => {
            sql.push("r.started_at >= at_ms(").push_bind(moment.millis(now)).push(")");
        }
        Term::Before(moment) => {
            sql.push("r.started_at < at_ms(").push_bind(moment.millis(now)).push(")");
        }
        Term::Duration(compare, limit) => {
            duration(sql, now);
            sql.push(match compare {
                Compare::Over => " > ",
                Compare::Under => " < ",
            });
            sql.push_bind(*limit);
        }
        Term::Is(Trait::DryRun) => {
            sql.push("r.dry_run");
        }
        Term::Is(Trait::Retry) => {
            sql.push("r.attempt > 1");
        }
    }
}

/// Adds a condition that an index can answer and that follows from a term that no index can answer.
fn indexable(sql: &mut QueryBuilder<Postgres>, term: &Term) {
    if let Term::Name(part) | Term::Directory(part) = term {
        sql.push(" and r.search like ").push_bind(like(part));
    }
}

/// `expression in (values)`. For a single value an index also gives the order, so that a page costs only its own rows.
fn any_of(sql: &mut QueryBuilder<Postgres>, expression: &str, mut values: Vec<String>) {
    sql.push(expression);
    match values.pop() {
        Some(value) if values.is_empty() => sql.push(" = ").push_bind(value),
        last => {
            values.extend(last);
            sql.push(" = any(").push_bind(values).push(")")
        }
    };
}

/// Milliseconds from start to end, or to `now`; null before the start (`greatest` alone would say 0).
pub(super) fn duration(sql: &mut QueryBuilder<Postgres>, now: Millis) {
    sql.push("case when r.started_at is not null then greatest(coalesce(ms(r.ended_at), ")
        .push_bind(now)
        .push(") - ms(r.started_at), 0) end");
}

/// `part` anywhere, taken literally.
fn like(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for c in fold(part).chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
