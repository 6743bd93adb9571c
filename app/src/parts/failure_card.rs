//! What went wrong: the rule, the job, the cause, and where to look. Above everything else of a run.

use crate::{
    api::jobs::FailuresView,
    parts::log_tail::Tail,
    paths::{self, RunPlace},
};
use leptos::prelude::*;
use model::{
    RunId,
    job::{Failure, Failures},
    run::ReportedError,
};

/// The card of a failed run. One whose jobs all did well says what the workflow itself reported.
#[component]
pub fn FailureCard(id: RunId, found: FailuresView, place: Memo<RunPlace>) -> impl IntoView {
    let FailuresView { failures: Failures { groups, errors }, log } = found;
    let mut groups = groups.into_iter();
    let first = groups.next();
    let others: Vec<Failure> = groups.collect();
    let told = told(&errors, first.as_ref());
    let cause = told.map(|error| error.exception.clone());
    let text = told.and_then(|error| error.traceback.clone().or(error.location.clone()));
    let text = first.as_ref().and_then(|first| first.error.clone()).or(text).filter(|text| !text.trim().is_empty());
    let heading = match (&first, &cause) {
        (Some(first), _) if first.rule.is_empty() => "A job failed".to_owned(),
        (Some(first), _) => format!("{} failed", first.rule),
        (None, Some(cause)) => cause.clone(),
        (None, None) => "The run failed".to_owned(),
    };
    let says = match &first {
        Some(first) => [first.exit_code.map(|code| format!("exit {code}")), cause].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        None => "reported by the workflow".to_owned(),
    };
    let open = first.as_ref().map(|first| {
        let job = first.first;
        view! { <a class="btn small" href=move || paths::run_at(id, &place.get().of_job(Some(job)))>"Open job"</a> }
    });
    let code = first.as_ref().filter(|first| !first.rule.is_empty()).map(|first| {
        let rule = first.rule.clone();
        view! { <a class="btn ghost small" href=move || paths::run_at(id, &place.get().of_tab(Some("code")).of_rule(Some(&rule)))>"Open code"</a> }
    });
    let facts = first.map(|first| {
        let wildcards: Vec<String> = first.wildcards.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let wildcards =
            (!wildcards.is_empty()).then(|| view! { <div><dt>"Wildcards"</dt><dd><code>{wildcards.join(" ")}</code></dd></div> });
        let same = (first.count > 1).then(|| {
            view! { <div><dt>"Same cause"</dt><dd>{link(id, &first.rule, format!("{} jobs", first.count))}</dd></div> }
        });
        let others = (!others.is_empty()).then(|| {
            let mut rules: Vec<&str> = others.iter().map(|other| other.rule.as_str()).collect();
            rules.dedup();
            let links = rules.iter().map(|rule| view! { {link(id, rule, (*rule).to_owned())} " " }).collect_view();
            view! { <div><dt>"Also failed"</dt><dd>{links}</dd></div> }
        });
        (wildcards.is_some() || same.is_some() || others.is_some()).then(|| view! { <dl class="cause">{wildcards} {same} {others}</dl> })
    });
    view! {
        <section class="failure" aria-label="What went wrong">
            <header>
                <h2>
                    <svg class="st-i" data-status="failed" aria-hidden="true"><use href="#st-failed"></use></svg>
                    {heading}
                </h2>
                <p>{says}</p>
                <div class="acts">{open} {code}</div>
            </header>
            {facts}
            {log.map(|log| view! { <Tail run=id log/> })}
            {text.map(|text| view! { <div class="tail" tabindex="0" role="region" aria-label="Error text"><pre>{text}</pre></div> })}
        </section>
    }
}

/// The failed jobs of a rule.
fn link(id: RunId, rule: &str, words: String) -> impl IntoView {
    view! { <a class="link" href=paths::run_at(id, &RunPlace::default().of_rule(Some(rule)).of_status(Some("failed")))>{words}</a> }
}

/// What the client said of the failure: of its rule if it named that; else the newest that says
/// more than that something had failed before.
fn told<'a>(errors: &'a [ReportedError], first: Option<&Failure>) -> Option<&'a ReportedError> {
    let of_rule = first.and_then(|first| errors.iter().rev().find(|error| error.rule.as_ref() == Some(&first.rule)));
    of_rule.or_else(|| errors.iter().rev().find(|error| error.exception != "WorkflowError")).or(errors.last())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::JobKey;

    #[test]
    fn the_cause_is_what_was_said_of_the_rule_before_what_was_said_last() {
        let error = |exception: &str, rule: Option<&str>| ReportedError {
            exception: exception.into(),
            rule: rule.map(str::to_owned),
            location: None,
            traceback: None,
            at: 0,
        };
        let failed = |rule: &str| Failure {
            rule: rule.into(),
            count: 1,
            first: JobKey(1),
            log: None,
            job_id: None,
            wildcards: std::collections::BTreeMap::new(),
            exit_code: None,
            error: None,
        };
        let errors = [error("RuleException", Some("map")), error("CalledProcessError", None), error("WorkflowError", None)];
        let told = |first: Option<&Failure>| told(&errors, first).map(|error| error.exception.clone());
        assert_eq!(told(Some(&failed("map"))).as_deref(), Some("RuleException"));
        assert_eq!(told(Some(&failed("call"))).as_deref(), Some("CalledProcessError"));
        assert_eq!(told(None).as_deref(), Some("CalledProcessError"));
        assert_eq!(super::told(&errors[2..], None).map(|error| error.exception.as_str()), Some("WorkflowError"));
        assert_eq!(super::told(&[], None), None);
    }
}
