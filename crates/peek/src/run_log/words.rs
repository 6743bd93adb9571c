//! Lines and texts of a run's log: what a line begins, and what it contains.
//!
//! Pure, and trusts nothing: every function returns a result for every text.

use super::{LINE, NAME, TEXT};
use model::{cut::head, text::count};

/// Beginnings of lines that Snakemake prints on its own account; they end the previous record.
pub(super) const RECORDS: &str = "Activating conda environment: |Activating singularity image |BUG: Out of jobs ready |Building DAG of jobs|\
    Changing to shadow directory: |Cleaning up |Complete log|Creating conda environment |DAG of jobs will be updated |Elapsed time: |\
    Error executing |Error in group |Execute |Exiting because |Finished job|Finished retrieval.|Finished upload.|Full Traceback |\
    Handing over execution |Job failed, |Job rate limit |Job stats:|Keeping shadow directory: |Logfile |Provided |Raising priority of |\
    Remaining jobs:|Removing |Restored previous |Retrieving from storage: |SNAKEMAKE|Select jobs to execute|Shell command:|Shutting down, |\
    Storing in storage: |Storing output |Terminating |Touching output file |Traceback |Trying to restart job |Updating checkpoint |\
    Using shell: |Waiting at most |Waiting for queue |Warning: the following |Will exit after |Write-protecting output file |host: ";

/// The text of a time stamp such as `[Sun Nov  2 07:11:40 2026]`, and what follows it.
pub(super) fn stamp(text: &str) -> Option<(&str, &str)> {
    let (at, rest) = text.trim_start_matches(' ').strip_prefix('[')?.split_once(']')?;
    let clock = at.get(10..20)?;
    (at.len() == 24 && clock.starts_with(' ') && clock.ends_with(' ') && clock.matches(':').count() == 2).then_some((at, rest.trim_start()))
}

/// The first line of an exception, parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heading<'a> {
    pub class: &'a str,
    /// Empty if the line names no rule; the same holds for `place`: `file "/a/Snakefile", line 3`.
    pub rule: &'a str,
    pub place: &'a str,
}

/// `RuleException:`, `KeyError in file Snakefile, line 3:`, `MissingOutputException in rule a in file "Snakefile", line 3:`.
pub(super) fn heading(line: &str) -> Option<Heading<'_>> {
    let line = line.strip_suffix([':', '.'])?;
    let (class, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (rule, place) = match rest.strip_prefix("in rule ") {
        Some(rest) => rest.split_once(" in ")?,
        None => ("", rest.strip_prefix("in ").unwrap_or(rest)),
    };
    let alone = place.is_empty() && (class.ends_with("Error") || class.ends_with("Exception"));
    let named = class.starts_with(char::is_uppercase) && class.chars().all(char::is_alphanumeric) && line != "Error";
    (named && (alone || place.starts_with("file "))).then_some(Heading { class, rule, place })
}

/// The class of an exception that Python itself printed: it is in the last line that is not indented.
pub(super) fn traced(text: &str) -> Option<&str> {
    let last = text.lines().rfind(|line| !line.trim().is_empty() && !line.starts_with(' '))?;
    let class = last.split(':').next()?.rsplit('.').next()?;
    (class.starts_with(char::is_uppercase) && class.chars().all(char::is_alphanumeric)).then_some(class)
}

/// The job that did its work but whose files are missing; Snakemake omits the number 0.
pub(super) fn without_output(text: &str) -> Option<i64> {
    let (before, _) = text.split_once(" completed successfully, but some output files are missing")?;
    let (_, job) = before.rsplit_once("Job ")?;
    if job.trim().is_empty() { Some(0) } else { job.trim().parse().ok() }
}

/// The text up to the end of the command, and the exit status.
pub(super) fn outcome(text: &str) -> Option<(&str, i32)> {
    let exit = text.rsplit_once("' returned non-zero exit status ").map(|parts| (parts, 1));
    let ((before, rest), sign) = exit.or_else(|| Some((text.rsplit_once("' died with ")?, -1)))?;
    let number = rest.lines().next()?.trim_end_matches(['.', '>']).rsplit(' ').next()?;
    Some((before, number.parse::<i32>().ok()?.checked_mul(sign)?))
}

/// The id of a job or the uuid of a group, and the cluster's id.
pub(super) fn submission(line: &str) -> Option<(&str, &str)> {
    let (before, external) = line.split_once(" jobid ")?;
    let job = match before.strip_prefix("Job ") {
        Some(job) => job.split_once(" has been submitted with ")?.0,
        None => before.strip_suffix(" with external").filter(|_| before.starts_with("Submitted ") || before.starts_with("Resuming "))?,
    };
    Some((job.rsplit(' ').next()?, external.split(" (log: ").next()?.trim_end_matches('.').trim_matches('\'')))
}

/// The text after a key at the beginning of a line.
pub(super) fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim_start().strip_prefix(key))
}

/// The message, if there is one, without the advice that Snakemake always appends.
pub(super) fn said(text: &str) -> Option<String> {
    let text = text.split("For further error details see the cluster").next()?.split(" (check log file(s) for ").next()?.trim();
    (!text.is_empty() && text != "None").then(|| shortened(text, TEXT))
}

/// A command normalized for comparison: without differences in white space and without the quotes around it.
pub(super) fn words(command: &str) -> String {
    command.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(['\'', '"']).to_owned()
}

/// Whether a command is a job's: environments prepend their own commands, and long lines are cut in the middle, at
/// different positions.
pub(super) fn is_same(command: &str, shell: &str) -> bool {
    let start = if shell.len() < LINE / 2 { 0 } else { shell.ceil_char_boundary(shell.len() - NAME) };
    shell.get(start..).is_some_and(|end| !end.is_empty() && command.ends_with(end))
}

/// The paths in a list in Python syntax: `['a.yaml', PosixPath('/b.yaml')]`.
pub(super) fn paths(list: &str) -> Vec<String> {
    let items = list.trim_matches(['[', ']']).split(", ").map(|item| item.trim_start_matches("PosixPath(").trim_end_matches(')'));
    items.map(|item| cut(item.trim_matches(['\'', '"']), TEXT)).filter(|path| !path.is_empty()).collect()
}

/// Fills a slot once, unless Python printed no value. At most `bound` bytes.
pub(super) fn keep(slot: &mut Option<String>, value: &str, bound: usize) {
    if slot.is_none() && !value.is_empty() && value != "None" {
        *slot = Some(shortened(value, bound));
    }
}

/// The beginning of a text, at most `bound` bytes.
pub(super) fn cut(text: &str, bound: usize) -> String {
    text.get(..text.floor_char_boundary(bound)).unwrap_or_default().to_owned()
}

/// A name, or its beginning and an ellipsis. At most [`NAME`] bytes.
pub(super) fn named(text: &str) -> String {
    head(text, if text.len() > NAME { NAME - '…'.len_utf8() } else { NAME })
}

/// The beginning of a text that people read; the amount left out is noted after it. At most `bound` bytes.
pub(super) fn shortened(text: &str, bound: usize) -> String {
    const NOTE: usize = 40; // The size of the note in bytes.
    if text.len() <= bound {
        return text.to_owned();
    }
    let kept = cut(text, bound - NOTE);
    let left = text.len() - kept.len();
    format!("{kept}… ({} more bytes)", count(left as i64))
}

/// The line without terminal escape sequences and control characters.
pub(super) fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let after = |part: &str| Some(part.strip_prefix('[')?.find(|end| ('@'..='~').contains(&end))? + 2);
    let rest = parts.filter_map(|part| part.get(after(part).unwrap_or_default()..));
    rest.fold(first.to_owned(), |text, part| text + part).replace(|letter: char| letter.is_control() && letter != '\t', "")
}
