//! The texts for what went wrong: which failure represents the run, and what to say about each.
//!
//! Pure. An error text is shown only for the job or rule that it names.

use model::{
    JobKey,
    job::{Failure, Failures, class},
    run::ReportedError,
};

/// The first part of the card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lead {
    pub heading: String,
    pub says: String,
    pub text: Option<String>,
}

/// One of the other causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    pub heading: String,
    pub says: String,
    pub text: Option<String>,
    /// The job that represents this cause, with the client's number of the job.
    pub job: Option<(JobKey, Option<i64>)>,
    /// The rule, and how many of its jobs failed this way, if there are several.
    pub rule: Option<(String, u32)>,
}

/// The first failed job; if the run's jobs succeeded, what the client reported about the run.
pub fn lead(failures: &Failures) -> Lead {
    match failures.groups.first() {
        Some(first) => {
            let error = of_job(failures, first);
            let class = first.class().map(str::to_owned).or_else(|| error.map(|error| error.exception.clone()));
            let says = [first.exit_code.map(|code| format!("exit {code}")), class].into_iter().flatten().collect::<Vec<_>>().join(" · ");
            Lead { heading: failed(&first.rule), says, text: not_blank(first.error.as_ref()).or_else(|| error.and_then(said)) }
        }
        None => match of_run(&failures.errors) {
            Some(error) => Lead { heading: error.exception.clone(), says: place(error), text: said(error) },
            None => Lead { heading: "The run failed".into(), ..Lead::default() },
        },
    }
}

/// The other causes, and errors of the run or of a rule without a job.
pub fn others(failures: &Failures) -> Vec<Cause> {
    let Some(first) = failures.groups.first() else {
        let shown = of_run(&failures.errors);
        return failures.errors.iter().filter(|error| says_a_cause(error) && shown != Some(*error)).map(of_error).collect();
    };
    let shown = of_job(failures, first);
    let jobs = failures.groups.iter().skip(1).map(|group| {
        let class = group.class().map(str::to_owned);
        let with_group =
            (!group.is_explained() && group.group.is_some() && group.group == first.group).then(|| "with its group".to_owned());
        let count = (group.count > 1).then(|| format!("{} jobs", group.count));
        let says = [group.exit_code.map(|code| format!("exit {code}")), class, with_group, count];
        Cause {
            heading: failed(&group.rule),
            says: says.into_iter().flatten().collect::<Vec<_>>().join(" · "),
            text: not_blank(group.error.as_ref()),
            job: Some((group.first, group.job_id)),
            rule: (group.count > 1).then(|| (group.rule.clone(), group.count)),
        }
    });
    let errors = failures.errors.iter().filter(|error| error.job_id.is_none() && says_a_cause(error) && shown != Some(*error));
    jobs.chain(errors.map(of_error)).collect()
}

fn of_error(error: &ReportedError) -> Cause {
    Cause { heading: error.exception.clone(), says: place(error), text: said(error), ..Cause::default() }
}

fn failed(rule: &str) -> String {
    if rule.is_empty() { "A job failed".to_owned() } else { format!("{rule} failed") }
}

/// What the client reported about a job: by its number, else by its rule. If it is the only cause, an error that names
/// nothing, else any error, also applies.
fn of_job<'a>(failures: &'a Failures, first: &Failure) -> Option<&'a ReportedError> {
    let errors = || failures.errors.iter().rev();
    let by_job = errors().find(|error| error.job_id.is_some() && error.job_id == first.job_id);
    let by_rule = || errors().find(|error| error.job_id.is_none() && error.rule.as_ref() == Some(&first.rule));
    let is_only = failures.groups.len() == 1 && failures.more == 0;
    let unnamed = || errors().find(|error| error.job_id.is_none() && error.rule.is_none() && error.exception != "WorkflowError");
    by_job.or_else(by_rule).or_else(|| unnamed().filter(|_| is_only)).or_else(|| errors().next().filter(|_| is_only))
}

/// The error that represents a run: the newest one that says more than that something failed earlier.
fn of_run(errors: &[ReportedError]) -> Option<&ReportedError> {
    let newest = |wanted: fn(&ReportedError) -> bool| errors.iter().rev().find(|error| wanted(error));
    newest(says_a_cause).or_else(|| newest(|error| error.exception != "WorkflowError")).or(errors.last())
}

/// Whether the error has a text that says more than that something failed earlier.
fn says_a_cause(error: &ReportedError) -> bool {
    said(error).is_some_and(|text| !text.contains("At least one job did not complete successfully"))
}

fn said(error: &ReportedError) -> Option<String> {
    not_blank(error.text.as_ref()).or_else(|| not_blank(error.traceback.as_ref())).or_else(|| not_blank(error.location.as_ref()))
}

fn not_blank(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).cloned()
}

/// Where the error occurred, as far as it was reported.
fn place(error: &ReportedError) -> String {
    let rule = error.rule.as_ref().map(|rule| format!("in rule {rule}"));
    let wrapped = error.text.as_deref().and_then(class).filter(|class| *class != error.exception).map(str::to_owned);
    let words: Vec<String> = [wrapped, rule, error.location.clone()].into_iter().flatten().collect();
    if words.is_empty() { "reported by the workflow".to_owned() } else { words.join(" · ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(exception: &str, rule: Option<&str>, job_id: Option<i64>, text: Option<&str>) -> ReportedError {
        let owned = |text: &str| text.to_owned();
        ReportedError { exception: exception.into(), rule: rule.map(owned), job_id, text: text.map(owned), ..ReportedError::at(0) }
    }

    fn group(rule: &str, job: i64, error: Option<&str>) -> Failure {
        Failure { job_id: Some(job), error: error.map(str::to_owned), ..Failure::of(rule.into(), JobKey(job)) }
    }

    fn of(groups: &[Failure], errors: &[ReportedError]) -> Failures {
        Failures { groups: groups.to_vec(), errors: errors.to_vec(), ..Failures::default() }
    }

    #[test]
    fn a_failure_without_a_text_does_not_take_that_of_another() {
        let text = "CalledProcessError in file Snakefile, line 12:\nCommand 'b' returned non-zero exit status 2.";
        let reported = [
            error("RuleException", Some("B"), Some(2), None),
            error("WorkflowError", None, None, Some("WorkflowError:\nAt least one job did not complete successfully.")),
        ];
        let found = of(&[Failure { exit_code: Some(2), ..group("B", 2, Some(text)) }, group("A", 1, None)], &reported);

        assert_eq!(lead(&found), Lead { heading: "B failed".into(), says: "exit 2 · CalledProcessError".into(), text: Some(text.into()) });
        let others = others(&found);
        assert_eq!(others.len(), 1);
        assert_eq!((others[0].heading.as_str(), others[0].says.as_str(), &others[0].text), ("A failed", "", &None));
        let alone = lead(&of(&[group("A", 1, None), group("B", 2, Some(text))], &reported));
        assert_eq!((alone.says.as_str(), alone.text), ("", None));
    }

    #[test]
    fn the_only_failure_is_the_one_that_an_error_without_a_name_is_about() {
        let found =
            of(&[group("map", 1, None)], &[error("CalledProcessError", None, None, None), error("WorkflowError", None, None, None)]);
        assert_eq!(lead(&found).says, "CalledProcessError");
        let two = of(&[group("map", 1, None), group("call", 2, None)], &found.errors);
        assert_eq!(lead(&two).says, "");
        let named = of(&two.groups, &[error("RuleException", Some("map"), None, None), error("Odd", None, None, None)]);
        assert_eq!(lead(&named).says, "RuleException");
    }

    #[test]
    fn a_run_that_failed_before_its_first_job_says_where_and_why() {
        let text = "MissingInputException in rule x in file \"/lab/a.smk\", line 3:\nMissing input files for rule x:";
        let missing = ReportedError {
            location: Some("file \"/lab/a.smk\", line 3".into()),
            ..error("MissingInputException", Some("x"), None, Some(text))
        };
        let found = of(&[], &[missing, error("WorkflowError", None, None, None)]);

        assert_eq!(
            lead(&found),
            Lead {
                heading: "MissingInputException".into(),
                says: "in rule x · file \"/lab/a.smk\", line 3".into(),
                text: Some(text.into())
            }
        );
        assert!(others(&found).is_empty());
        assert_eq!(lead(&of(&[], &[])).heading, "The run failed");
        assert_eq!(lead(&of(&[], &[error("KeyError", None, None, None), error("WorkflowError", None, None, None)])).heading, "KeyError");
        assert_eq!(lead(&of(&[], &[error("WorkflowError", None, None, None)])).says, "reported by the workflow");
    }

    #[test]
    fn what_was_said_of_the_run_stands_beside_its_jobs_and_members_of_a_group_fail_together() {
        let in_group = |failure: Failure| Failure { group: Some("g1".into()), ..failure };
        let groups = [in_group(group("producer", 2, Some("CalledProcessError:\nx"))), in_group(group("consumer", 1, None))];
        let found = of(&groups, &[error("WorkflowError", None, None, Some("WorkflowError:\nno such bucket"))]);

        let words: Vec<_> = others(&found).into_iter().map(|cause| (cause.heading, cause.says)).collect();

        let expected = [("consumer failed", "with its group"), ("WorkflowError", "reported by the workflow")];
        assert_eq!(words, expected.map(|(heading, says)| (heading.to_owned(), says.to_owned())));
    }
}
