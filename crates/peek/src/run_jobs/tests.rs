//! Logs that real runs of Snakemake 9.27.1 wrote, shortened to what matters, fed whole and in pieces.

use super::*;

const PRIORITIZED: &str = "Assuming unrestricted shared filesystem usage.

SNAKEMAKE
=========
  Date: 2026-11-29 19:25:54
  Command: snakemake --logger flowo --cores 1 -P o1.txt

Select jobs to execute...
Execute 1 jobs...
[Sun Nov 29 19:25:55 2026]
localrule make:
    input: a.txt, b.fifo (pipe)
    output: o1.txt
    log: logs/1.log
    jobid: 2
    reason: Missing output files: o1.txt
    wildcards: n=1, s=x
    priority: highest
    threads: 4
    resources: tmpdir=/tmp, mem_mb=10
Shell command: sleep 1
[ 1 = 1 ] || echo rule other:
echo 1 > o1.txt
Select jobs to execute...
[Sun Nov 29 19:25:56 2026]
Finished jobid: 2 (Rule: make)
1 of 2 steps (50%) done
Execute 1 jobs...
[Sun Nov 29 19:25:58 2026]
localrule all:
    input: o1.txt
    jobid: 0
    resources: tmpdir=/tmp
Shell command: None
[Sun Nov 29 19:25:58 2026]
Finished jobid: 0 (Rule: all)
2 of 2 steps (100%) done
Complete log(s): /lab/.snakemake/log/x.snakemake.log
Elapsed time: 0:00:03.095230
";

const FAILED: &str = "[Sun Nov 29 19:26:23 2026]
rule make:
    output: o0.txt
    jobid: 1
Shell command: sleep 6
[Sun Nov 29 19:26:24 2026]
Job 2: Making b, as one says
Reason: Missing output files: b
Shell command: sleep 6
RuleException:
CalledProcessError in file \"/lab/Snakefile\", line 6:
Command 'set -euo pipefail;  sleep 6' died with <Signals.SIGINT: 2>.
[Sun Nov 29 19:26:25 2026]
Error in rule make:
    message: None
    jobid: 1
    output: o0.txt
    shell:
        sleep 6
        (command exited with non-zero exit code)
Trying to restart job 1.
[Sun Nov 29 19:26:26 2026]
rule make:
    output: o0.txt
    jobid: 1
Complete log(s): /lab/.snakemake/log/x.snakemake.log
Elapsed time: 0:00:01.695568
WorkflowError:
At least one job did not complete successfully.
";

const GROUP: &str = "[Sun Nov 29 20:00:00 2026]
Group job g1 (jobs in lexicogr. order):
    rule a:
        output: a.txt
        jobid: 3
        wildcards: x=1
    rule b:
        input: a.txt
        output: b.txt
        jobid: 4
[Sun Nov 29 20:00:09 2026]
Finished job 3.
";

fn read(text: &str) -> RunJobs {
    let mut reader = RunJobsReader::new();
    reader.feed(text.as_bytes());
    reader.found().clone()
}

/// Each attempt by the seconds since the first, and its end.
fn attempts(found: &RunJobs, job: i64) -> Vec<(i64, Option<(End, i64)>)> {
    let first = found.jobs.values().flatten().map(|attempt| attempt.started).min().unwrap_or(0);
    found.jobs[&job].iter().map(|attempt| (attempt.started - first, attempt.ended.map(|(end, at)| (end, at - first)))).collect()
}

#[test]
fn jobs_begin_and_end_as_the_log_says() {
    let found = read(PRIORITIZED);
    assert_eq!(found.jobs.keys().copied().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(attempts(&found, 2), [(0, Some((End::Done, 1)))]);
    assert_eq!(attempts(&found, 0), [(3, Some((End::Done, 3)))]);
    assert_eq!((found.began, found.last, found.end), (Some(1_795_980_354), Some(1_795_980_358), Some(End::Done)));
}

#[test]
fn a_description_is_read_again_from_where_it_stands() {
    let found = read(PRIORITIZED);
    let description = describe(&PRIORITIZED.as_bytes()[found.jobs[&2][0].at as usize..]);
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!((description.rule.as_deref(), description.threads, description.checkpoint), (Some("make"), Some(4), false));
    assert_eq!(
        (description.input, description.output, description.log),
        (strings(&["a.txt", "b.fifo"]), strings(&["o1.txt"]), strings(&["logs/1.log"]))
    );
    assert_eq!(description.wildcards, [("n".to_owned(), "1".to_owned()), ("s".to_owned(), "x".to_owned())]);
    assert_eq!(description.reason.as_deref(), Some("Missing output files: o1.txt"));
    assert_eq!(description.shell_command.as_deref(), Some("sleep 1\n[ 1 = 1 ] || echo rule other:\necho 1 > o1.txt"));
    assert_eq!(describe(&PRIORITIZED.as_bytes()[found.jobs[&0][0].at as usize..]).shell_command, None);
}

#[test]
fn a_description_says_whether_its_end_was_read() {
    let inputs = (0..9_000).map(|n| format!("in/{n:06}.txt")).collect::<Vec<_>>().join(", ");
    let text = format!("[Sun Nov 29 19:26:23 2026]\nrule all:\n    input: {inputs}\n    jobid: 1\nShell command: cat\nFinished jobid: 1\n");
    let whole = describe(text.as_bytes());
    assert_eq!((whole.open, whole.input.len(), whole.shell_command.as_deref()), (false, 9_000, Some("cat")));
    let cut = describe(&text.as_bytes()[..64 << 10]);
    assert!(cut.open && cut.input.len() < 9_000 && cut.shell_command.is_none(), "{}", cut.input.len());
}

#[test]
fn attempts_follow_each_other_and_messages_are_no_rules() {
    let found = read(FAILED);
    assert_eq!(attempts(&found, 1), [(0, Some((End::Failed, 2))), (3, None)]);
    assert_eq!((attempts(&found, 2), found.end), (vec![(1, None)], Some(End::Failed)));
    let description = describe(&FAILED.as_bytes()[found.jobs[&2][0].at as usize..]);
    assert_eq!((description.rule, description.message.as_deref()), (None, Some("Making b, as one says")));
    assert_eq!(description.reason.as_deref(), Some("Missing output files: b"));
    assert_eq!(found.jobs[&2][0].rule.as_deref(), Some(""), "nothing names it yet");
    let found = read(&format!("{FAILED}[Sun Nov 29 19:26:27 2026]\nFinished jobid: 2 (Rule: announce)\n"));
    assert_eq!(found.jobs[&2][0].rule.as_deref(), Some("announce"));
}

#[test]
fn what_its_user_stopped_was_cancelled() {
    let stopped = format!("Terminating processes on user request, this might take some time.\n{FAILED}");
    let found = read(&stopped);
    assert_eq!(attempts(&found, 1)[0], (0, Some((End::Cancelled, 2))));
    assert_eq!(found.end, Some(End::Cancelled));
    assert_eq!(read("Terminating processes on user request, this might take some time.\n").end, None, "not yet over");
}

#[test]
fn members_of_a_group_are_jobs() {
    let found = read(GROUP);
    assert_eq!(attempts(&found, 3), [(0, Some((End::Done, 9)))]);
    assert_eq!(attempts(&found, 4), [(0, None)]);
    let description = describe(&GROUP.as_bytes()[found.jobs[&4][0].at as usize..]);
    assert_eq!((description.rule.as_deref(), description.input), (Some("b"), vec!["a.txt".to_owned()]));
}

#[test]
fn a_log_in_pieces_tells_what_it_tells_whole() {
    for text in [PRIORITIZED, FAILED, GROUP] {
        for size in [1, 7, 100] {
            let mut reader = RunJobsReader::new();
            text.as_bytes().chunks(size).for_each(|piece| reader.feed(piece));
            assert_eq!(*reader.found(), read(text), "{size}");
        }
    }
}

#[test]
fn nonsense_is_no_log() {
    for text in [
        "",
        "\n\n[]\n",
        "[Sun Nov 99 99:99:99 9999999999999]\nrule x:\n    jobid: 1\n",
        "jobid: 1\nFinished jobid: 1\n",
        "\u{0}\u{ff}[\n] of steps (%) done\n",
    ] {
        assert_eq!(read(text).jobs.len(), 0, "{text:?}");
        let _ = describe(text.as_bytes());
    }
}
