//! Says in words what was left out of a run's log because there was too much of it. Pure.

use model::text::count;
use peek::run_log::RunLog;
use std::collections::BTreeSet;

/// The reasons, joined by commas; `None` if nothing is left out.
///
/// `attempts`: attempts of jobs beyond the limit; `long`: jobs whose descriptions are cut; `cut`: how many bytes are
/// read of a longer log, and its size.
pub fn says(log: &RunLog, attempts: u64, long: &BTreeSet<i64>, cut: Option<(u64, u64)>) -> Option<String> {
    let n = |more: u32| i64::from(more);
    let attempts = i64::try_from(attempts).unwrap_or(i64::MAX);
    let counted = [
        (n(log.more_errors), "error of a job", "errors of jobs"),
        (n(log.more_exceptions), "exception", "exceptions"),
        (n(log.more_groups), "member of a group", "members of groups"),
        (n(log.more_submitted), "cluster job", "cluster jobs"),
        (attempts, "attempt of a job", "attempts of jobs"),
        (
            n(log.unfollowed),
            "job whose errors could not be assigned, because it ran beside too many others",
            "jobs whose errors could not be assigned, because they ran beside too many others",
        ),
    ];
    let counted = counted.into_iter().filter(|(more, ..)| *more > 0);
    let counted = counted.map(|(more, one, many)| format!("{} more {}", count(more), if more == 1 { one } else { many }));
    let unread =
        cut.map(|(read, size)| format!("all after its first {} of {} MiB", count((read >> 20) as i64), count((size >> 20) as i64)));
    let ends = long.first().map(|first| match long.len() {
        1 => format!("the end of the long description of job {first}"),
        more => format!("the ends of {} long descriptions, the first of job {first}", count(more as i64)),
    });
    let all: Vec<String> = unread.into_iter().chain(counted).chain(ends).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_of_a_log_is_named_with_its_number() {
        let none = RunLog::default();
        assert_eq!(says(&none, 0, &BTreeSet::new(), None), None);
        let some = RunLog { more_errors: 12, more_exceptions: 1, unfollowed: 3, ..RunLog::default() };
        let text = says(&some, 1_200, &BTreeSet::from([17]), Some((64 << 20, 180 << 20))).expect("much is left out");
        for words in [
            "all after its first 64 of 180 MiB",
            "12 more errors of jobs",
            "1 more exception,",
            "1\u{202f}200 more attempts of jobs",
            "3 more jobs whose errors could not be assigned",
            "the end of the long description of job 17",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("group"), "{text}");
    }
}
