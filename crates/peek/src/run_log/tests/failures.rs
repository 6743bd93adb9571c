//! Every way in which Snakemake 9.27.1 reports that a job failed, as it prints it, and the job that each belongs to.

use super::*;

/// A job that begins at a given second.
fn job(rule: &str, id: i64, output: &str, wildcards: &str, command: &str) -> String {
    let wildcards = if wildcards.is_empty() { String::new() } else { format!("    wildcards: {wildcards}\n") };
    format!(
        "[Sun Nov 29 19:25:19 2026]\nlocalrule {rule}:\n    output: {output}\n    jobid: {id}\n    reason: Missing output files: {output}\n\
         {wildcards}    resources: tmpdir=/tmp\nShell command: {command}\n"
    )
}

const MISSING: &str = r#"Waiting at most 1 seconds for missing files:
b.txt (missing locally)
MissingOutputException in rule sub in file "/data/lab/Snakefile", line 3:
Job 1  completed successfully, but some output files are missing. Missing files after 1 seconds. This might be due to filesystem latency. If that is the case, consider to increase the wait time with --latency-wait:
b.txt (missing locally, parent dir not present)
"#;

const FIRST: &str = r#"MissingOutputException in rule all in file "/data/lab/Snakefile", line 1:
Job  completed successfully, but some output files are missing. Missing files after 1 seconds.
z.txt (missing locally)
"#;

const EMPTY: &str = r#"WorkflowError in rule checked in file "/data/lab/Snakefile", line 6:
Detected unexpected empty output files. Something went wrong in the rule without an error being reported:
c1.txt (rule checked, line 23, /data/lab/Snakefile)
Removing output files of failed job checked since they might be corrupted:
c1.txt
"#;

const SUMMED: &str = r#"WorkflowError in rule checked in file "/data/lab/Snakefile", line 6:
Output files have checksums that differ from the expected ones defined in the workflow:
c2.txt (rule checked, line 23, /data/lab/Snakefile)
"#;

const IMPROPER: &str = r#"ImproperOutputException in rule improper in file "/data/lab/Snakefile", line 9:
Outputs of incorrect type (directories when expecting files or vice versa). Output directories must be flagged with directory(). for rule improper:
    output: i.txt
    affected files:
        i.txt
"#;

const PROTECTED: &str = r#"ProtectedOutputException in rule kept in file "/data/lab/Snakefile", line 12:
Write-protected output files for rule kept:
    output: p.txt
    affected files:
        p.txt
"#;

const OLDER: &str = r#"WorkflowError in rule late in file "/data/lab/Snakefile", line 12:
Output l2.txt has older modification time (2026-11-29 19:25:18) than input in.txt (2026-11-29 19:25:19). This could indicate a clock skew problem in your network. (rule late, line 12, /data/lab/Snakefile)
"#;

const UPLOAD: &str = "Storing in storage: s3://lab/u2.txt\nWorkflowError:\nFailed to store output in storage s3://lab/u2.txt\nNoSuchBucket: it is not there\n";

const UNFORMATTED: &str = r#"RuleException in rule f in file "/data/lab/Snakefile", line 3:
AttributeError: 'Params' object has no attribute 'nope', when formatting the following:
echo {params.nope} > {output}
"#;

#[test]
fn a_job_that_snakemake_calls_failed_in_whatever_words_has_failed() {
    let twins = |rule: &str, one: &str, other: &str| [job(rule, 1, one, "n=1", "true"), job(rule, 2, other, "n=2", "true")].concat();
    for (begun, text, rule, id) in [
        (job("sub", 1, "b.txt", "", "true") + &job("sub", 2, "b2.txt", "", "true"), MISSING, "sub", 1),
        (job("all", 0, "z.txt", "", "None"), FIRST, "all", 0),
        (twins("checked", "c1.txt", "c2.txt"), EMPTY, "checked", 1),
        (twins("checked", "c1.txt", "c2.txt"), SUMMED, "checked", 2),
        (job("improper", 3, "i.txt", "", "mkdir i.txt"), IMPROPER, "improper", 3),
        (job("kept", 4, "p.txt", "", "true") + &job("other", 5, "o.txt", "", "true"), PROTECTED, "kept", 4),
        (twins("late", "l1.txt", "l2.txt"), OLDER, "late", 2),
        (twins("up", "s3://lab/u1.txt (send to storage)", "s3://lab/u2.txt (send to storage)"), UPLOAD, "", 2),
    ] {
        let log = read(begun + text + "Select jobs to execute...\nExiting because a job execution failed. Look above for error messages\n");

        let found: Vec<_> = log.errors.iter().map(|error| (error.rule.as_str(), error.job, error.attempt, error.is_silent)).collect();
        assert_eq!(found, [(rule, Some(id), 1, true)], "{text}");
        let heading = text.find("Exception in").or(text.find("WorkflowError")).unwrap();
        let from = text[..heading].rfind('\n').map_or(0, |end| end + 1);
        let message = log.errors[0].message.as_deref().unwrap();
        assert!(text[from..].starts_with(message), "as it is printed, from the heading on: {message}");
        let said: Vec<_> = log.exceptions.iter().map(|exception| (exception.job, exception.text.as_str())).collect();
        assert_eq!(said, [(Some(id), message)]);
    }
}

#[test]
fn a_job_that_could_not_be_printed_is_not_taken_for_another_of_its_rule() {
    let log = read(job("f", 1, "f1", "n=1", "true") + UNFORMATTED);

    let error = &log.errors[0];
    assert_eq!((error.rule.as_str(), error.job, error.before_start), ("f", None, true));
    assert!(error.message.as_deref().unwrap().ends_with("echo {params.nope} > {output}"));
    let exception = &log.exceptions[0];
    assert_eq!((exception.class.as_str(), exception.rule.as_deref(), exception.job), ("RuleException", Some("f"), None));
    assert_eq!(exception.place.as_deref(), Some(r#"file "/data/lab/Snakefile", line 3"#));
}

#[test]
fn an_exception_that_may_be_of_several_jobs_is_of_none_until_one_is_tried_again() {
    let unclear = "WorkflowError in rule r in file \"Snakefile\", line 3:\nError calling checksum function provided to ensure marker.\n";
    let begun = [job("r", 1, "r1", "n=1", "true"), job("r", 2, "r2", "n=2", "true")].concat();

    let nobody = read(format!("{begun}{unclear}Select jobs to execute...\nTrying to restart job 1.\n"));
    let second = read(format!("{begun}{unclear}Trying to restart job 2.\nSelect jobs to execute...\n"));
    let first = read(format!("{begun}{unclear}Removing output files of failed job r since they might be corrupted:\nr1\n"));

    for (log, of) in [(nobody, None), (second, Some(2)), (first, Some(1))] {
        let found: Vec<_> = log.errors.iter().map(|error| (error.rule.as_str(), error.job, error.before_start)).collect();
        assert_eq!(found, [("r", of, false)]);
        assert_eq!(log.exceptions[0].job, of);
    }
}

#[test]
fn every_attempt_keeps_its_own_error_and_cluster_id() {
    let submit = |id: &str| format!("{}Submitted job 1 with external jobid '{id}'.\n", job("y", 1, "y.txt", "", "./y"));
    let failed = |status: i32, external: &str| {
        format!(
            "RuleException:\nCalledProcessError in file Snakefile, line 6:\nCommand 'set -euo pipefail;  ./y' returned non-zero exit status {status}.\n\
             [Sun Nov 29 19:25:19 2026]\nError in rule y:\n    message: None\n    jobid: 1\n    output: y.txt\n    shell:\n        ./y\n\
             \x20       (command exited with non-zero exit code)\n    external_jobid: {external}\nTrying to restart job 1.\n"
        )
    };

    let log = read([submit("7001"), failed(3, "7001"), submit("7002"), failed(9, "7002"), submit("7003")].concat());

    let errors: Vec<_> = log.errors.iter().map(|error| (error.job, error.attempt, error.exit_status)).collect();
    assert_eq!(errors, [(Some(1), 1, Some(3)), (Some(1), 2, Some(9))]);
    let ids: Vec<_> = log.submitted.iter().map(|job| (job.attempt, job.external.as_str())).collect();
    assert_eq!(ids, [(1, "7001"), (2, "7002"), (3, "7003")]);
}

/// Two groups that were submitted at the same time; the first is retried.
pub(super) const GROUPS: &str = r"Provided remote nodes: 4
[Sun Nov 29 19:34:06 2026] Group job pair (jobs in lexicogr. order):
    [Sun Nov 29 19:34:06 2026]
    rule c:
        output: c1.txt
        jobid: 1
        wildcards: n=1
    [Sun Nov 29 19:34:06 2026]
    rule d:
        input: c1.txt
        output: d1.txt
        jobid: 0
        wildcards: n=1
Shell command: exit 3
[Sun Nov 29 19:34:06 2026] Group job pair (jobs in lexicogr. order):
    [Sun Nov 29 19:34:06 2026]
    rule c:
        output: c2.txt
        jobid: 3
        wildcards: n=2
    [Sun Nov 29 19:34:06 2026]
    rule d:
        input: c2.txt
        output: d2.txt
        jobid: 2
        wildcards: n=2
Submitted group job 5fd6358c-4213-55da-8ebc-6b38c03adc00 with external jobid '77314'.
Submitted group job ec246453-ca3b-5399-96d0-9715532b4fa7 with external jobid '73326'.
[Sun Nov 29 19:34:16 2026]
    message: Error in group pair
    jobs:
        rule d:
            jobid: 0
            output: d1.txt
    [Sun Nov 29 19:34:16 2026]
    Error in rule c:
        message: None
        jobid: 1
        output: c1.txt
    [Sun Nov 29 19:34:16 2026]
    Error in rule d:
        message: None
        jobid: 0
        output: d1.txt
        shell:
            exit 3
            (command exited with non-zero exit code)
Removing output files of failed job c since they might be corrupted:
c1.txt
Trying to restart job ec246453-ca3b-5399-96d0-9715532b4fa7.
Select jobs to execute...
[Sun Nov 29 19:34:16 2026] Group job pair (jobs in lexicogr. order):
    [Sun Nov 29 19:34:16 2026]
    rule c:
        output: c1.txt
        jobid: 1
        wildcards: n=1
    [Sun Nov 29 19:34:16 2026]
    rule d:
        output: d1.txt
        jobid: 0
        wildcards: n=1
Submitted group job ec246453-ca3b-5399-96d0-9715532b4fa7 with external jobid '70972'.
";

#[test]
fn groups_submitted_side_by_side_are_known_by_the_ids_that_snakemake_makes_of_their_last_jobs() {
    let log = read(GROUPS);

    let ids: Vec<_> = log.submitted.iter().map(|job| (job.job, job.attempt, job.external.as_str())).collect();
    let expected = [(3, 1, "77314"), (2, 1, "77314"), (1, 1, "73326"), (0, 1, "73326"), (1, 2, "70972"), (0, 2, "70972")];
    assert_eq!(ids, expected);
    let errors: Vec<_> = log.errors.iter().map(|error| (error.job, error.attempt, error.message.as_deref())).collect();
    assert_eq!(errors, [(Some(1), 1, None), (Some(0), 1, None)]);
}

/// A local group in which one member did not make its file.
pub(super) const POSTPROCESSED: &str = r"[Sun Nov 29 19:34:01 2026] Group job 85148a3f-c4b2-40e8-9caf-99166d300779 (jobs in lexicogr. order):
    [Sun Nov 29 19:34:01 2026]
    localrule consumer:
        input: p.fifo
        output: r.txt
        jobid: 0
Shell command: cat p.fifo > /dev/null
    [Sun Nov 29 19:34:01 2026]
    localrule producer:
        output: p.fifo (pipe)
        jobid: 1
Shell command: echo x > p.fifo
WorkflowError:
Error postprocessing group job 8a5ca0ec-8da0-5d4d-afbe-58b76faf2220.
MissingOutputException: Job 0 completed successfully, but some output files are missing. Missing files after 1 seconds.
r.txt (missing locally, parent dir not present)
Removing output files of failed job producer since they might be corrupted:
p.fifo
Exiting because a job execution failed. Look above for error messages
WorkflowError:
At least one job did not complete successfully.
";

#[test]
fn a_group_fails_with_the_member_whose_files_are_missing() {
    let log = read(POSTPROCESSED);

    let found: Vec<_> = log.errors.iter().map(|error| (error.rule.as_str(), error.job, error.message.is_some(), error.is_silent)).collect();
    assert_eq!(found, [("consumer", Some(0), true, true), ("producer", Some(1), false, true)]);
    let said: Vec<_> = log.exceptions.iter().map(|exception| (exception.class.as_str(), exception.job)).collect();
    assert_eq!(said, [("WorkflowError", Some(0)), ("WorkflowError", None)]);
}

/// A `run:` rule and two scripts of one rule that fail in the same second, along with a shell rule.
pub(super) const SCRIPTS: &str = r#"RuleException:
CalledProcessError in file "/data/lab/Snakefile", line 6:
Command 'set -euo pipefail;  /usr/bin/python3 /data/lab/.snakemake/scripts/tmp7y91k_tm.boom.py' returned non-zero exit status 1.
RuleException:
CalledProcessError in file "/data/lab/Snakefile", line 9:
Command 'set -euo pipefail;  exit 7' returned non-zero exit status 7.
RuleException:
CalledProcessError in file "/data/lab/Snakefile", line 6:
Command 'set -euo pipefail;  /usr/bin/python3 /data/lab/.snakemake/scripts/tmpghsd1vnw.boom.py' returned non-zero exit status 1.
[Sun Nov 29 19:30:07 2026]
Error in rule scr:
    message: None
    jobid: 2
    output: s2
[Sun Nov 29 19:30:07 2026]
Error in rule py:
    message: None
    jobid: 3
    output: r1
[Sun Nov 29 19:30:07 2026]
Error in rule sh:
    message: None
    jobid: 4
    output: x
    shell:
        exit 7
        (command exited with non-zero exit code)
[Sun Nov 29 19:30:07 2026]
Error in rule scr:
    message: None
    jobid: 1
    output: s1
"#;

#[test]
fn texts_of_scripts_that_fail_together_go_to_their_rule_and_to_no_other() {
    let begun = [
        job("scr", 1, "s1", "n=1", "None"),
        job("scr", 2, "s2", "n=2", "None"),
        job("py", 3, "r1", "", "None"),
        job("sh", 4, "x", "", "exit 7"),
    ];

    let log = read(begun.concat() + SCRIPTS);

    let found: Vec<_> = log.errors.iter().map(|error| (error.rule.as_str(), error.job, error.exit_status)).collect();
    assert_eq!(found, [("scr", Some(2), Some(1)), ("py", Some(3), None), ("sh", Some(4), Some(7)), ("scr", Some(1), Some(1))]);
    assert_eq!(error(&log, 3).message, None);
    let said: Vec<_> = log.exceptions.iter().map(|exception| (exception.rule.as_deref(), exception.job)).collect();
    assert_eq!(said, [(Some("scr"), Some(2)), (Some("sh"), Some(4)), (Some("scr"), Some(1))]);
}

#[test]
fn what_python_prints_itself_is_an_exception_of_the_run() {
    let log = read(
        "Building DAG of jobs...\nTraceback (most recent call last):\n  File \"/x/dag.py\", line 1, in f\nsnakemake.exceptions.Odd: no\n more\n",
    );

    let exception = &log.exceptions[0];
    assert_eq!((exception.class.as_str(), exception.job), ("Odd", None));
    assert!(exception.text.ends_with("snakemake.exceptions.Odd: no\n more"));
}

#[test]
fn a_text_that_is_cut_says_by_how_much() {
    let log = read(format!("WorkflowError:\n{}\n", "x".repeat(10_000)));

    let text = &log.exceptions[0].text;
    assert!(text.len() <= TEXT && text.ends_with(" more bytes)"), "{}", &text[text.len() - 60..]);
}
