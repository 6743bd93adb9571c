//! Logs that real runs wrote, shortened to what matters, fed whole and in pieces; and texts that are not logs.

use super::*;

mod failures;

const HEADER: &str = r#"Assuming unrestricted shared filesystem usage.

SNAKEMAKE
=========
  Date: 2026-11-22 07:23:28
  Workflow ID: 7fbfd7f8-d81f-44ef-be73-243b129104d2
  Platform: Linux-6.18.44-x86_64-with-glibc2.36
  Host: vm
  User: ada
  Snakemake version: 9.27.1
  Python version: 3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]
  Command: snakemake --logger flowo --cores 16 --configfile c1.yaml größe's c2.yaml --config xx=a
b
  Snakefile: /data/lab/many/Snakefile
  Base directory: /data/lab/many
  Run directory: /data/lab
  Working directory: /data/lab/work
  Config file(s): [PosixPath('/data/lab/c1.yaml'), PosixPath("/data/lab/größe's c2.yaml"), 'c3(1).yaml']
  Config MD5: 6f547a70b9390f9b82e90298380a996b

Building DAG of jobs...
None
Using shell: /usr/bin/bash
Provided cores: 1 (use --cores to define parallelism)
Rules claiming more threads will be scaled down.
Provided resources: gpu=Resource("gpu", 2), mem_mb=Resource("mem_mb", 1000)
Job stats:
job      count
-----  -------
make         2

Select jobs to execute...
Execute 1 jobs...
[Sun Nov 22 07:15:31 2026]
localrule make:
    output: out/größe_α.txt
    jobid: 1
    wildcards: s=größe_α
Shell command: echo größe_α > out/größe_α.txt
[Sun Nov 22 07:15:31 2026]
Finished jobid: 1 (Rule: make)
1 of 2 steps (50%) done
Complete log(s): /data/lab/work/.snakemake/log/2026-11-22T072328.025253.snakemake.log
Elapsed time: 0:00:00.790237
"#;

/// Local jobs: a command of many lines, a signal, missing output without an error block, a rule with a message.
const SHELL: &str = r#"Execute 4 jobs...
[Sun Nov 22 07:11:40 2026]
localrule bad:
    output: bad.txt
    log: logs/bad.log
    jobid: 2
Shell command:
        echo to be bad > logs/bad.log
        exit 3

Waiting at most 1 seconds for missing files:
miss.txt (missing locally)
RuleException:
CalledProcessError in file "/data/lab/fail/Snakefile", line 21:
Command 'set -euo pipefail;  kill -9 $$' died with <Signals.SIGKILL: 9>.
[Sun Nov 22 07:11:40 2026]
Error in rule sig:
    message: None
    jobid: 4
    output: sig.txt
    shell:
        kill -9 $$
        (command exited with non-zero exit code)
RuleException:
CalledProcessError in file "/data/lab/fail/Snakefile", line 10:
Command 'set -euo pipefail;
        echo to be bad > logs/bad.log
        exit 3' returned non-zero exit status 3.
[Sun Nov 22 07:11:41 2026]
Error in rule bad:
    message: None
    jobid: 2
    output: bad.txt
    log: logs/bad.log (check log file(s) for error details)
    shell:

        echo to be bad > logs/bad.log
        exit 3

        (command exited with non-zero exit code)
MissingOutputException in rule miss in file "/data/lab/fail/Snakefile", line 22:
Job 5  completed successfully, but some output files are missing. Missing files after 1 seconds.
miss.txt (missing locally, parent dir not present)
Select jobs to execute...
Exiting because a job execution failed. Look above for error messages
WorkflowError:
At least one job did not complete successfully.
"#;

/// Two jobs fail at the same time, one is retried; then a script and a `run:` rule.
const MIXED: &str = r#"[Sun Nov 22 07:11:54 2026]
localrule b:
    jobid: 2
Shell command: exit 14
RuleException:
CalledProcessError in file "/data/lab/retry/Snakefile", line 10:
Command 'set -euo pipefail;  exit 4' returned non-zero exit status 4.
RuleException:
CalledProcessError in file "/data/lab/retry/Snakefile", line 6:
Command 'set -euo pipefail;  exit 14' returned non-zero exit status 14.
[Sun Nov 22 07:11:54 2026]
Error in rule b:
    message: None
    jobid: 2
    shell:
        exit 14
        (command exited with non-zero exit code)
Trying to restart job 2.
[Sun Nov 22 07:11:54 2026]
Error in rule a:
    message: None
    jobid: 1
    shell:
        exit 4
        (command exited with non-zero exit code)
RuleException:
CalledProcessError in file "/data/lab/retry/Snakefile", line 6:
Command 'set -euo pipefail;  exit 14' returned non-zero exit status 15.
[Sun Nov 22 07:11:55 2026]
Error in rule b:
    message: None
    jobid: 2
    log: b.log (check log file(s) for error details)
    shell:
        exit 14
        (command exited with non-zero exit code)
[Sun Nov 22 07:11:55 2026]
Error in rule py:
    message: None
    jobid: 3
    output: a.txt
RuleException:
CalledProcessError in file "/data/lab/runrule/Snakefile", line 9:
Command 'set -euo pipefail;  python3 /data/lab/.snakemake/scripts/tmpd1ikq8_t.s.py' returned non-zero exit status 1.
[Sun Nov 22 07:11:56 2026]
Error in rule scr:
    message: None
    jobid: 4
    output: b.txt
Exiting because a job execution failed. Look below for error messages
[Sun Nov 22 07:12:00 2026]
Error in rule b:
    message: None
    jobid: 2
    shell:
        exit 14
        (command exited with non-zero exit code)
"#;

/// A pipe group on this host, whose second member failed.
const PIPE: &str = r"Execute 1 jobs...
[Sun Nov 22 07:11:51 2026] Group job eb10ad4e-7396-48ba-882e-24a1b0de24da (jobs in lexicogr. order):
    [Sun Nov 22 07:11:51 2026]
    localrule p:
        output: p.txt (pipe)
        jobid: 1
        resources: tmpdir=/tmp
Shell command: echo hi > p.txt
    [Sun Nov 22 07:11:51 2026]
    Job 0: Reading the pipe
    Reason: Missing output files: q.txt
Shell command: cat p.txt > q.txt; exit 5
RuleException:
CalledProcessError in file Snakefile, line 22:
Command 'set -euo pipefail;  cat p.txt > q.txt; exit 5' returned non-zero exit status 5.
[Sun Nov 22 07:11:52 2026]
    message: Error in group eb10ad4e-7396-48ba-882e-24a1b0de24da
    jobs:
        rule p:
            jobid: 1
            output: p.txt (pipe)
        rule q:
            jobid: 0
            log: logs/q.log (check log file(s) for error details)
    [Sun Nov 22 07:11:52 2026]
    Error in rule p:
        message: None
        jobid: 1
        output: p.txt (pipe)
        shell:
            echo hi > p.txt
            (command exited with non-zero exit code)
    [Sun Nov 22 07:11:52 2026]
    Error in rule q:
        message: None
        jobid: 0
        log: logs/q.log (check log file(s) for error details)
        shell:
            cat p.txt > q.txt; exit 5
            (command exited with non-zero exit code)
Removing output files of failed job p since they might be corrupted:
p.txt
";

const CLUSTER: &str = r"Provided remote nodes: 4
[Sun Nov 22 07:11:56 2026] Group job pair (jobs in lexicogr. order):
    [Sun Nov 22 07:11:56 2026]
    rule c:
        jobid: 4
Shell command: touch c2.txt
    [Sun Nov 22 07:11:56 2026]
    rule d:
        jobid: 3
Shell command:
test 2 = 1 && touch d2.txt
Submitted group job 5fd6358c-4213-55da-8ebc-6b38c03adc00 with external jobid '1001'.
[Sun Nov 22 07:11:56 2026] Group job pair (jobs in lexicogr. order):
    [Sun Nov 22 07:11:56 2026]
    rule c:
        jobid: 2
Submitted group job ec246453-ca3b-5399-96d0-9715532b4fa7 with external jobid '1002'.
[Sun Nov 22 07:11:56 2026]
rule e:
    jobid: 5
Shell command: exit 9
Submitted job 5 with external jobid '1003'.
[Sun Nov 22 07:11:59 2026]
Error in rule e:
    message: For further error details see the cluster/cloud log and the log files of the involved rule(s).
    jobid: 5
    shell:
        exit 9
        (command exited with non-zero exit code)
    external_jobid: 1003
";

const SLURM: &str = "SLURM run ID: 2983c61f-58c0-4d28-90a3-1bfc485fe0a9
Provided remote nodes: unlimited
[Sun Nov 22 07:15:34 2026] Group job pair (jobs in lexicogr. order):
    [Sun Nov 22 07:15:34 2026]
    rule c:
        jobid: 4
[Sun Nov 22 07:15:34 2026] Group job pair (jobs in lexicogr. order):
    [Sun Nov 22 07:15:34 2026]
    rule c:
        jobid: 2
No wall time information given. This might or might not work on your cluster.
Job ec246453-ca3b-5399-96d0-9715532b4fa7 has been submitted with SLURM jobid 4712 (log: /data/slurm_logs/group_pair_c/4712.log).
Job 5fd6358c-4213-55da-8ebc-6b38c03adc00 has been submitted with SLURM jobid 4713 (log: /data/slurm_logs/group_pair_c/4713.log).
Job 12 has been submitted with SLURM jobid 1234 (log: /data/slurm_logs/rule_one/c/1234.log).
[Sun Nov 22 07:15:36 2026]
    message: Error in group pair
    log: /data/slurm_logs/group_pair_c/4712.log (check log file(s) for error details)
    jobs:
        rule c:
            jobid: 2
            log: logs/c1.log (check log file(s) for error details)
    [Sun Nov 22 07:15:36 2026]
    Error in rule c:
        message: None
        jobid: 2
        log: logs/c1.log (check log file(s) for error details)
        shell:
            touch c1.txt
            (command exited with non-zero exit code)
[Sun Nov 22 07:22:44 2026]
Error in rule one:
    message: SLURM-job '1234' failed, SLURM status is: 'TIMEOUT'. Reason: Unknown.\
        For further error details see the cluster/cloud log and the log files of the involved rule(s).
    jobid: 12
    log: logs/c.log, /data/slurm_logs/rule_one/c/1234.log (check log file(s) for error details)
    shell:
        touch c.txt
        (command exited with non-zero exit code)
    external_jobid: 1234
Trying to restart job 12.
Job 12 has been submitted with SLURM jobid 1240 (log: /data/slurm_logs/rule_one/c/1240.log).
Job 13 has been submitted with flux jobid ƒ2Zs1 (log: 13.log).
";

const SEVEN: &str = r"Building DAG of jobs...
Using shell: /usr/bin/bash
Provided cluster nodes: 4
[Sun Nov 22 07:15:42 2026]

group job pair (jobs in lexicogr. order):

    [Sun Nov 22 07:15:42 2026]
    rule c:
        jobid: 4
        resources: tmpdir=<TBD>


    [Sun Nov 22 07:15:42 2026]
    rule d:
        jobid: 3

Submitted group job 5fd6358c-4213-55da-8ebc-6b38c03adc00 with external jobid '1004'.
[Sun Nov 22 07:15:52 2026]
Error in rule e:
    jobid: 5
    output: e.txt
    shell:
        exit 9
        (one of the commands exited with non-zero exit code; note that snakemake uses bash strict mode!)
    cluster_jobid: 1005

Error executing rule e on cluster (jobid: 5, external: 1005, jobscript: snakejob.e.5.sh).
[Sun Nov 22 07:15:52 2026]
Error in rule scr:
    jobid: 6
    output: b.txt

RuleException:
CalledProcessError in file Snakefile, line 9:
Command 'set -euo pipefail;  python s.py' returned non-zero exit status 1.
[Sun Nov 22 07:15:53 2026]
Error in rule py:
    jobid: 7
    output: a.txt

Complete log: .snakemake/log/2026-11-22T071542.595152.snakemake.log
";

const UNBUILT: &str = r#"Building DAG of jobs...
InputFunctionException in rule x in file "/data/lab/Snakefile", line 5:
Error:
  KeyError: 'sample x'
Wildcards:
  s=x
"#;

const UNREAD: &str = "SyntaxError in file \"/data/lab/Snakefile\", line 3:\nNo rule keywords allowed after run.:\nNone\n";

/// A command and a job's log that look like something else.
const FAKED: &str = r#"Shell command:
python - <<EOF
Error in rule fake:
    jobid: 99
EOF
[Sun Nov 22 07:18:20 2026]
Finished jobid: 3 (Rule: c)
RuleException:
CalledProcessError in file "Snakefile", line 6:
Command 'set -euo pipefail;
cat <<EOF
Error in group fake
Removing 'it'
EOF
exit 6' returned non-zero exit status 6.
[Sun Nov 22 07:18:20 2026]
Error in rule a:
    message: None
    jobid: 1
    shell:

cat <<EOF
Error in group fake
Removing 'it'
EOF
exit 6
        (command exited with non-zero exit code)
Logfile b.log:
===================
Error in rule fake:
    jobid: 98
Command: evil
===================
"#;

const ALL: [&str; 13] = [
    HEADER,
    SHELL,
    MIXED,
    PIPE,
    CLUSTER,
    SLURM,
    SEVEN,
    UNBUILT,
    UNREAD,
    FAKED,
    failures::GROUPS,
    failures::POSTPROCESSED,
    failures::SCRIPTS,
];

fn read(log: impl AsRef<[u8]>) -> RunLog {
    let mut reader = RunLogReader::new();
    reader.feed(log.as_ref());
    reader.finish()
}

/// Rule, job, exit status and first line of the message of each error.
fn reasons(log: &RunLog) -> Vec<(&str, Option<i64>, Option<i32>, &str)> {
    fn first_line(error: &RuleError) -> &str {
        error.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default()
    }
    log.errors.iter().map(|error| (error.rule.as_str(), error.job, error.exit_status, first_line(error))).collect()
}

fn error(log: &RunLog, job: i64) -> &RuleError {
    log.errors.iter().find(|error| error.job == Some(job)).unwrap()
}

fn submitted(log: &RunLog) -> Vec<(i64, &str)> {
    log.submitted.iter().map(|job| (job.job, job.external.as_str())).collect()
}

fn groups(log: &RunLog) -> Vec<(&str, u32, i64, Option<&str>)> {
    log.groups.iter().map(|member| (member.group.as_str(), member.nth, member.job, member.rule.as_deref())).collect()
}

/// The same numbers in every test run, random enough for testing.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn the_header_tells_who_ran_what_and_where() {
    let log = read(HEADER);

    let some = |text: &str| Some(text.to_owned());
    let expected = RunLog {
        command: some("snakemake --logger flowo --cores 16 --configfile c1.yaml größe's c2.yaml --config xx=a\nb"),
        date: some("2026-11-22 07:23:28"),
        workflow_id: some("7fbfd7f8-d81f-44ef-be73-243b129104d2"),
        host: some("vm"),
        user: some("ada"),
        platform: some("Linux-6.18.44-x86_64-with-glibc2.36"),
        version: some("9.27.1"),
        python: some("3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]"),
        snakefile: some("/data/lab/many/Snakefile"),
        directory: some("/data/lab/work"),
        base_directory: some("/data/lab/many"),
        config_files: ["/data/lab/c1.yaml", "/data/lab/größe's c2.yaml", "c3(1).yaml"].map(String::from).into(),
        config_md5: some("6f547a70b9390f9b82e90298380a996b"),
        cores: some("1"),
        resources: some(r#"gpu=Resource("gpu", 2), mem_mb=Resource("mem_mb", 1000)"#),
        shell: some("/usr/bin/bash"),
        own_log: some("/data/lab/work/.snakemake/log/2026-11-22T072328.025253.snakemake.log"),
        elapsed: some("0:00:00.790237"),
        ..RunLog::default()
    };
    assert_eq!(log, expected);
}

#[test]
fn a_failed_command_tells_its_exit_status() {
    let log = read(SHELL);

    let expected = [
        ("sig", Some(4), Some(-9), r#"CalledProcessError in file "/data/lab/fail/Snakefile", line 21:"#),
        ("bad", Some(2), Some(3), r#"CalledProcessError in file "/data/lab/fail/Snakefile", line 10:"#),
        ("miss", Some(5), None, r#"MissingOutputException in rule miss in file "/data/lab/fail/Snakefile", line 22:"#),
    ];
    assert_eq!(reasons(&log), expected);
    assert_eq!(error(&log, 2).log.as_deref(), Some("logs/bad.log"));
    assert_eq!(error(&log, 2).at.as_deref(), Some("Sun Nov 22 07:11:41 2026"));
    assert!(error(&log, 2).message.as_deref().unwrap().ends_with("exit 3' returned non-zero exit status 3."));
    let silent: Vec<_> = log.errors.iter().map(|error| error.is_silent).collect();
    assert_eq!(silent, [false, false, true], "only an exception shows that the last one failed");
}

#[test]
fn reasons_of_jobs_that_fail_together_are_not_mixed_up() {
    let log = read(MIXED);

    let statuses: Vec<_> = log.errors.iter().map(|error| (error.rule.as_str(), error.exit_status)).collect();
    assert_eq!(statuses, [("b", Some(14)), ("a", Some(4)), ("b", Some(15)), ("py", None), ("scr", Some(1))]);
    assert_eq!(error(&log, 3).message, None);
}

#[test]
fn a_command_that_a_container_ran_is_still_the_one_of_the_job() {
    let log = read(
        r"RuleException:
CalledProcessError in file Snakefile, line 6:
Command 'singularity exec a.sif bash -c 'set -euo pipefail;  echo '\''a'\'' | grep b'' returned non-zero exit status 2.
[Sun Nov 22 07:11:54 2026]
Error in rule a:
    message: None
    jobid: 1
    shell:
        echo 'a' | grep b
        (command exited with non-zero exit code)
",
    );

    assert_eq!(error(&log, 1).exit_status, Some(2));
}

#[test]
fn a_later_mention_that_says_less_changes_nothing() {
    let log = read(MIXED);

    let last = log.errors.iter().find(|error| (error.job, error.attempt) == (Some(2), 2)).unwrap();
    assert_eq!(last.at.as_deref(), Some("Sun Nov 22 07:11:55 2026"));
    assert_eq!((last.log.as_deref(), last.exit_status), (Some("b.log"), Some(15)));
}

#[test]
fn a_local_group_has_members_and_the_one_that_failed_has_the_reason() {
    let log = read(PIPE);

    let group = "eb10ad4e-7396-48ba-882e-24a1b0de24da";
    assert_eq!(groups(&log), [(group, 1, 1, Some("p")), (group, 1, 0, None)]);
    assert_eq!(reasons(&log), [("p", Some(1), None, ""), ("q", Some(0), Some(5), "CalledProcessError in file Snakefile, line 22:")]);
}

#[test]
fn members_of_a_group_share_the_id_of_the_cluster() {
    let log = read(CLUSTER);

    assert_eq!(submitted(&log), [(4, "1001"), (3, "1001"), (2, "1002"), (5, "1003")]);
    assert_eq!(groups(&log), [("pair", 1, 4, Some("c")), ("pair", 1, 3, Some("d")), ("pair", 2, 2, Some("c"))]);
    assert_eq!(reasons(&log), [("e", Some(5), None, "")]);
    assert_eq!(log.nodes.as_deref(), Some("4"));
}

#[test]
fn groups_submitted_side_by_side_get_no_guessed_ids() {
    let log = read(SLURM);

    assert_eq!(submitted(&log), [(12, "1234"), (12, "1240"), (13, "ƒ2Zs1")]);
    assert_eq!(error(&log, 2).log.as_deref(), Some("logs/c1.log, /data/slurm_logs/group_pair_c/4712.log"));
    assert_eq!(reasons(&log)[1].3, "SLURM-job '1234' failed, SLURM status is: 'TIMEOUT'. Reason: Unknown.");
    assert_eq!(error(&log, 12).log.as_deref(), Some("logs/c.log, /data/slurm_logs/rule_one/c/1234.log"));
}

#[test]
fn a_log_of_snakemake_7_tells_less_but_nothing_wrong() {
    let log = read(SEVEN);

    assert_eq!(reasons(&log), [("e", Some(5), None, ""), ("scr", Some(6), None, ""), ("py", Some(7), None, "")]);
    assert_eq!(groups(&log), [("pair", 1, 4, Some("c")), ("pair", 1, 3, Some("d"))]);
    assert_eq!(submitted(&log), [(4, "1004"), (3, "1004"), (5, "1005")]);
    assert_eq!(log.own_log.as_deref(), Some(".snakemake/log/2026-11-22T071542.595152.snakemake.log"));
}

#[test]
fn a_workflow_that_cannot_start_tells_why() {
    let unbuilt = read(UNBUILT);
    let unread = read(UNREAD);

    assert_eq!(unbuilt.errors.len(), 1);
    assert_eq!((unbuilt.errors[0].rule.as_str(), unbuilt.errors[0].job), ("x", None));
    assert!(unbuilt.errors[0].message.as_deref().unwrap().ends_with("Error:\n  KeyError: 'sample x'\nWildcards:\n  s=x"));
    assert!(unbuilt.errors[0].before_start);
    assert_eq!(unread.exceptions[0].class, "SyntaxError");
    assert_eq!(unread.exceptions[0].place.as_deref(), Some("file \"/data/lab/Snakefile\", line 3"));
    assert!(unread.exceptions[0].text.starts_with("SyntaxError in file \"/data/lab/Snakefile\", line 3:\nNo rule"));
}

#[test]
fn commands_and_logs_that_look_like_errors_are_none() {
    let log = read(FAKED);

    assert_eq!(reasons(&log), [("a", Some(1), Some(6), r#"CalledProcessError in file "Snakefile", line 6:"#)]);
    assert_eq!(log.command, None);
}

#[test]
fn it_does_not_matter_where_the_bytes_are_cut() {
    let mut numbers = Numbers(0x9e37_79b9);
    for log in ALL.map(str::to_owned).into_iter().chain([ALL.concat(), long_line(), ALL.concat().replace('\n', "\r\n")]) {
        let whole = read(&log);
        let mut bytewise = RunLogReader::new();
        log.as_bytes().iter().for_each(|byte| bytewise.feed(&[*byte]));
        assert_eq!(bytewise.finish(), whole);
        for _ in 0..20 {
            let (mut reader, mut rest) = (RunLogReader::new(), log.as_bytes());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(numbers.below(rest.len().min(400)) + 1);
                reader.feed(piece);
                rest = after;
            }
            assert_eq!(reader.finish(), whole);
        }
    }
}

#[test]
fn any_bytes_give_some_log() {
    let mut numbers = Numbers(42);
    let lines: Vec<&[u8]> = ALL.iter().flat_map(|log| log.as_bytes().split_inclusive(|&byte| byte == b'\n')).collect();
    for round in 0..400 {
        let mut reader = RunLogReader::new();
        for _ in 0..numbers.below(400) {
            let line = lines[numbers.below(lines.len())];
            let mut line = line[..line.len() - numbers.below(2) * numbers.below(line.len())].to_vec();
            for _ in 0..round % 4 {
                let at = numbers.below(line.len());
                line[at] = u8::try_from(numbers.below(256)).unwrap();
            }
            reader.feed(&line);
        }
        reader.finish();
    }
    for _ in 0..200 {
        let noise: Vec<u8> = (0..numbers.below(4_000)).map(|_| u8::try_from(numbers.below(256)).unwrap()).collect();
        read(noise);
    }
}

#[test]
fn half_a_log_tells_what_is_in_it() {
    for log in ALL {
        for end in (0..log.len()).step_by(11) {
            read(&log.as_bytes()[..end]);
            read(&log.as_bytes()[end..]);
        }
    }
    let half = read(&SHELL.as_bytes()[..SHELL.find("        exit 3' returned").unwrap()]);
    assert_eq!(half.errors.len(), 1);
}

#[test]
fn what_is_complete_is_known_before_the_end() {
    let mut reader = RunLogReader::new();
    reader.feed(&HEADER.as_bytes()[..HEADER.find("None\nUsing").unwrap()]);

    assert_eq!(reader.found().user.as_deref(), Some("ada"));
    assert_eq!(reader.found().shell, None);
}

#[test]
fn colours_are_no_part_of_the_text() {
    let log = read("\u{1b}[32mhost: \u{1b}[1;31mvm\u{0}\u{1b}[0m\r\n\u{1b}(BUsing shell: /bin/sh\u{1b}[");

    assert_eq!(log.host.as_deref(), Some("vm"));
}

/// A job with so many inputs that its command is longer than the part of a line that is read.
fn long_line() -> String {
    let command = format!("cat {}> out.txt", "input/größe.txt ".repeat(3_000));
    format!(
        "RuleException:\nCalledProcessError in file Snakefile, line 6:\n\
             Command 'set -euo pipefail;  {command}' returned non-zero exit status 7.\n[Sun Nov 22 07:11:54 2026]\n\
             Error in rule a:\n    message: None\n    jobid: 1\n    shell:\n        {command}\n\
             \x20       (command exited with non-zero exit code)\n"
    )
}

#[test]
fn a_very_long_command_still_tells_how_it_ended() {
    let log = read(long_line());

    let message = error(&log, 1).message.as_deref().unwrap();
    assert_eq!(error(&log, 1).exit_status, Some(7));
    assert!(message.len() <= TEXT && message.ends_with("' returned non-zero exit status 7."));
}

#[test]
fn nothing_grows_beyond_its_bound() {
    let long = "x".repeat(20_000);
    let mut reader = RunLogReader::new();
    reader.feed(format!("SNAKEMAKE\n  User: {long}\n  Command: {}\n", format!("{long}\n").repeat(40)).as_bytes());
    reader.feed(b"[Sun Nov 22 07:11:56 2026] Group job pair (jobs in lexicogr. order):\n");
    for job in 0..MEMBERS + 5 {
        reader.feed(format!("    [Sun Nov 22 07:11:56 2026]\n    rule {job}{long:.500}:\n        jobid: {job}\n").as_bytes());
    }
    for job in 0..ERRORS + 5 {
        let texts = format!("    message: {long:.5000}\n    jobid: {job}\n    log: {long:.5000}\n");
        let error = format!("[Sun Nov 22 07:11:56 2026]\nError in rule {long:.500}:\n{texts}");
        reader.feed(error.as_bytes());
    }
    reader.found.submitted.resize(SUBMITTED - 5, Submitted { job: 0, attempt: 1, external: String::new() });
    for job in 0..10 {
        reader.feed(format!("Submitted job {job} with external jobid '{long:.500}'.\n").as_bytes());
    }
    for _ in 0..WAITING + 5 {
        reader.feed(format!("ValueError in file a, line 3:\n{long}\n").as_bytes());
    }
    assert!(reader.waiting.len() <= WAITING && reader.record.len() <= COMMAND + LINE);

    let log = reader.finish();
    assert_eq!((log.errors.len(), log.groups.len(), log.submitted.len()), (ERRORS, MEMBERS, SUBMITTED));
    assert_eq!((log.more_errors, log.more_groups, log.more_submitted), (5, 5, 5), "what is left out is counted");
    assert_eq!((log.exceptions.len(), log.more_exceptions), (WAITING + 5, 0));
    assert!(log.command.is_some_and(|text| (LINE..=COMMAND).contains(&text.len())));
    assert!(log.errors.iter().all(|error| error.rule.len() <= NAME && error.message.as_ref().is_some_and(|text| text.len() <= TEXT)));
    assert!(
        log.user
            .into_iter()
            .chain(log.exceptions.into_iter().map(|exception| exception.text))
            .chain(log.errors.into_iter().filter_map(|error| error.log))
            .all(|text| text.len() <= TEXT)
    );
    assert!(log.submitted.iter().all(|job| job.external.len() <= NAME));
}

#[test]
fn exceptions_and_jobs_beyond_those_that_are_kept_are_counted() {
    let mut reader = RunLogReader::new();
    for job in 0..20_003 {
        reader.feed(format!("[Sun Nov 22 07:11:56 2026]\nrule a:\n    jobid: {job}\n").as_bytes());
    }
    for n in 0..EXCEPTIONS + 7 {
        reader.feed(format!("ValueError in file a, line {n}:\nno\n").as_bytes());
    }

    let log = reader.finish();

    assert_eq!((log.exceptions.len(), log.more_exceptions, log.unfollowed), (EXCEPTIONS, 7, 3));
}
