//! Lines of a log, read: what they say besides their words.

use super::{CLASS, cut};
use model::event::{Event, JobTold};
use std::collections::BTreeMap;

/// What a line of the log says; `stops`: the run was asked to stop before.
pub(super) fn info(said: &str, stops: bool) -> Event {
    if said.starts_with("Nothing to be done") {
        return Event::NothingToDo;
    }
    if said.starts_with("This was a dry-run") {
        return Event::WasDryRun;
    }
    if let Some(path) = said.strip_prefix("Complete log: ").or_else(|| said.strip_prefix("Complete log(s): ")) {
        return Event::Said { level: "info", message: said.to_owned(), logfile: Some(path.trim().to_owned()), last: true, failed: stops };
    }
    submitted(said).unwrap_or_else(|| words("info", said))
}

/// Whether a command line has words of a dry run and words that make it say little.
///
/// Such a run says how many jobs there would be, and no more. The line was joined without quotes, so the words may be
/// those of an option's value: it is a hint.
pub fn is_quiet_dry(command: &str) -> bool {
    let flags = |word: &str, letter: char| {
        let letters = word.strip_prefix('-').unwrap_or("");
        letters.contains(letter) && letters.chars().all(|letter| "npqrkFR".contains(letter))
    };
    let has = |letter, names: &[&str]| command.split_whitespace().any(|word| names.contains(&word) || flags(word, letter));
    has('n', &["--dry-run", "--dryrun"]) && has('q', &["--quiet"])
}

/// Nothing but words.
pub(super) fn words(level: &'static str, message: &str) -> Event {
    Event::Said { level, message: message.to_owned(), logfile: None, last: false, failed: false }
}

/// `… returned non-zero exit status 7.`
pub(super) fn exit_code(text: &str) -> Option<i32> {
    let after = text.split("non-zero exit status ").nth(1)?;
    after[..after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len())].parse().ok()
}

/// `CalledProcessError in file /a/Snakefile, line 7:`, or `… in line 7 of /a/Snakefile:`
pub(super) fn location(text: &str) -> Option<String> {
    let line = text.lines().next()?.trim().trim_end_matches(':');
    let at = line.find(" in file ").map(|at| at + " in file ".len()).or_else(|| line.find(" in line ").map(|at| at + " in ".len()))?;
    Some(cut(&line[at..], CLASS))
}

/// `Submitted job 3 with external jobid '4711'.`
fn submitted(text: &str) -> Option<Event> {
    let (job, rest) = text.strip_prefix("Submitted job ")?.split_once(" with external jobid '")?;
    let (external, _) = rest.rsplit_once('\'')?;
    let told = JobTold { external_id: Some(external.to_owned()), ..JobTold::default() };
    Some(Event::JobTold { job_id: job.parse().ok()?, told: Box::new(told) })
}

/// The table of jobs by rule, in the older form (count first) or the newer one (rule first).
pub(super) fn planned(text: &str) -> Option<Event> {
    let mut lines = text.lines();
    let head = lines.next()?;
    let is_old = head.starts_with("Job counts");
    if !is_old && !head.starts_with("Job stats") {
        return None;
    }
    let (mut per_rule, mut total) = (BTreeMap::new(), None);
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let count = |word: &str| word.parse().ok().filter(|count: &i32| *count >= 0);
        match words.as_slice() {
            [sum] if is_old => total = count(sum),
            [told, rule] if is_old => per_rule.extend(count(told).map(|count| ((*rule).to_owned(), count))),
            ["total", sum, ..] => {
                // The last one is the sum; one before it is a rule of that name.
                let rule = std::mem::replace(&mut total, count(sum));
                per_rule.extend(rule.map(|count| ("total".to_owned(), count)));
            }
            [rule, told, ..] if !is_old => per_rule.extend(count(told).map(|count| ((*rule).to_owned(), count))),
            _ => {}
        }
    }
    let sum = per_rule.values().fold(0, |sum: i32, count| sum.saturating_add(*count));
    (sum > 0).then(|| Event::Planned { total: total.unwrap_or(sum).max(0), per_rule })
}
