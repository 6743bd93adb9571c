//! The meaning of single messages, and what is remembered between them.

use super::*;
use model::event::LastWord;
use serde_json::json;

fn meaning(talk: &mut Conversation, message: Value) -> Vec<Event> {
    let Value::Object(message) = message else { panic!("an object") };
    talk.meaning(&message, 5)
}

fn one(talk: &mut Conversation, message: Value) -> Event {
    let mut events = meaning(talk, message);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn a_command_belongs_to_the_job_described_before_it() {
    let mut talk = Conversation::resumed(Hints::default());
    assert!(matches!(one(&mut talk, json!({"level": "shellcmd", "msg": "true"})), Event::Said { .. }), "of no job yet");
    meaning(&mut talk, json!({"level": "job_info", "jobid": 4, "name": "make"}));
    let Event::JobUpdated { job_id, update } = one(&mut talk, json!({"level": "shellcmd", "jobid": null, "msg": "echo x"})) else {
        panic!()
    };
    assert_eq!((job_id, update.shell_command.as_deref()), (4, Some("echo x")));
}

#[test]
fn an_error_goes_with_the_job_whose_command_it_names() {
    let mut talk = Conversation::resumed(Hints::default());
    let error = |command: &str, status| json!({"level": "error", "msg": format!("RuleException:\nCalledProcessError in file /a/Snakefile, line 7:\nCommand 'set -e; {command}' returned non-zero exit status {status}.")});
    let Event::Error(reported) = one(&mut talk, error("one", 2)) else { panic!() };
    assert_eq!((reported.exception.as_str(), reported.location.as_deref()), ("RuleException", Some("/a/Snakefile, line 7")));
    meaning(&mut talk, error("two", 3));
    for (job, command, code) in [(8, "two", 3), (7, "one", 2)] {
        let Event::JobFailed { job_id, update } = one(&mut talk, json!({"level": "job_error", "jobid": job, "shellcmd": command})) else {
            panic!()
        };
        assert_eq!((job_id, update.exit_code), (job, Some(code)));
        assert!(update.error.is_some_and(|error| error.contains(command)));
    }
}

#[test]
fn what_only_says_what_it_would_do_announces_jobs() {
    let mut talk = Conversation::new(Hints::default());
    let planned =
        |talk: &mut Conversation| matches!(one(talk, json!({"level": "job_info", "jobid": 1})), Event::JobInfo(info) if info.planned);
    assert!(planned(&mut talk));
    assert_eq!(one(&mut talk, json!({"level": "info", "msg": "This was a dry-run (flag -n). …"})), Event::WasDryRun);
    meaning(&mut talk, json!({"level": "resources_info", "msg": "Provided cores: 2"}));
    assert!(!planned(&mut talk));
}

#[test]
fn a_command_that_only_asks_is_known_by_its_options() {
    for command in ["snakemake --summary", "snakemake -s S --dag=dot all", "snakemake -j1 --report out.html", "snakemake --list-conda-envs"]
    {
        assert!(Hints::of(command).asks, "{command}");
    }
    for command in [
        "snakemake",
        "snakemake --report-after-run",
        "snakemake --touch -j 1",
        "snakemake --cores 1 dag list summary",
        "snakemake -n",
        "snakemake -j9 --cluster qsub -l nodes=1 -S /bin/bash -D /wd",
        "snakemake --use-conda --conda-cleanup-pkgs cache -j 8",
    ] {
        assert!(!Hints::of(command).asks, "{command}");
    }
}

#[test]
fn a_dry_run_that_says_little_is_over_when_it_has_said_what_there_would_be() {
    let stats =
        json!({"level": "run_info", "msg": "Job stats:\njob      count\n-----  -------\nall          1\nmake         2\ntotal        3\n"});
    let dry = |talk: &mut Conversation| meaning(talk, stats.clone()).contains(&Event::WasDryRun);
    for command in ["snakemake -n -q", "snakemake --dry-run --quiet all", "snakemake -nq -j 1", "snakemake --dryrun -rpq x"] {
        assert!(dry(&mut Conversation::new(Hints::of(command))), "{command}");
    }
    for command in ["snakemake -n", "snakemake -q --cores 1", "snakemake --name -quantify -n", ""] {
        assert!(!dry(&mut Conversation::new(Hints::of(command))), "{command}");
    }
    // A real run whose command line contains an option's value that looks like an option.
    let mut talk = Conversation::new(Hints::of("snakemake --quiet --cluster qsub -n 4"));
    meaning(&mut talk, json!({"level": "info", "msg": "Using shell: /usr/bin/bash"}));
    assert!(!dry(&mut talk));
}

#[test]
fn jobs_of_a_cluster_run_though_nothing_is_said_of_cores() {
    let mut talk = Conversation::new(Hints::default());
    meaning(&mut talk, json!({"level": "info", "msg": "Using shell: /usr/bin/bash"}));
    let Event::JobInfo(info) = one(&mut talk, json!({"level": "job_info", "jobid": 1})) else { panic!() };
    assert!(!info.planned);
    let Event::Error(_) = one(&mut talk, json!({"level": "error", "msg": "The job status query failed"})) else {
        panic!("not the last word")
    };
}

#[test]
fn no_job_has_more_files_than_a_run_of_a_hundred_thousand() {
    let mut talk = Conversation::new(Hints::default());
    let many: Vec<String> = (0..MOST_PATHS).map(|n| n.to_string()).collect();
    let info = json!({"level": "job_info", "jobid": 1, "input": many.clone(), "output": ["o"], "log": ["l"]});
    let events = meaning(&mut talk, info);
    let [Event::JobInfo(info), Event::Said { level: "warning", message, .. }] = events.as_slice() else { panic!("{}", events.len()) };
    assert_eq!((info.files.output.len(), info.files.log.len(), info.files.input.len()), (1, 1, MOST_PATHS - 2));
    assert_eq!(message, "Job 1 names 2 files more than are kept of a job.");
    let logs: Vec<String> = (0..=MOST_PATHS).map(|n| n.to_string()).collect();
    let events = meaning(&mut talk, json!({"level": "job_error", "jobid": 1, "log": logs}));
    let [Event::JobFailed { update, .. }, Event::Said { level: "warning", message, .. }] = events.as_slice() else {
        panic!("{}", events.len())
    };
    assert_eq!((update.logs.len(), message.as_str()), (MOST_PATHS, "Job 1 names 1 file more than are kept of a job."));
}

#[test]
fn errors_end_a_run_where_nothing_else_would() {
    let fatal = |talk: &mut Conversation, message| match one(talk, message) {
        Event::Fatal { idle, .. } => Some(idle),
        _ => None,
    };
    let old = |text: &str| json!({"level": "error", "msg": text});
    assert_eq!(
        fatal(&mut Conversation::new(Hints::default()), old("SyntaxError in line 2 of /a/Snakefile:\ninvalid syntax")),
        Some(false),
        "before anything ran"
    );
    assert_eq!(fatal(&mut Conversation::resumed(Hints::default()), old("RuleException:\n…")), None);
    assert_eq!(
        fatal(&mut Conversation::resumed(Hints::default()), old("Exiting because a job execution failed. Look above for error message")),
        Some(false)
    );
    let new = |class: &str| json!({"level": "error", "msg": class, "rule": null, "location": null, "traceback": null});
    assert_eq!(fatal(&mut Conversation::resumed(Hints::default()), new("RuleException")), Some(true));
    assert_eq!(fatal(&mut Conversation::resumed(Hints::default()), new("WorkflowError")), Some(false));
}

#[test]
fn tables_of_jobs_are_read_in_both_forms() {
    let wanted = Event::Planned { per_rule: BTreeMap::from([("all".into(), 1), ("make".into(), 2)]), total: 3 };
    let old = "Job counts:\n\tcount\tjobs\n\t1\tall\n\t2\tmake\n\t3";
    let new = "Job stats:\njob      count\n-----  -------\nall          1\nmake         2\ntotal        3\n";
    let wide = "Job stats:\njob      count    min threads    max threads\n-----  -------  -------------  -------------\nall          1              1              1\nmake         2              1              1\ntotal        3              1              1\n";
    for text in [old, new, wide] {
        assert_eq!(one(&mut Conversation::new(Hints::default()), json!({"level": "run_info", "msg": text})), wanted, "{text}");
    }
    // A rule named `total` precedes the sum.
    let total = "Job stats:\njob      count\n-----  -------\nall          1\nmake         2\ntotal        2\ntotal        5\n";
    let wanted = Event::Planned { per_rule: BTreeMap::from([("all".into(), 1), ("make".into(), 2), ("total".into(), 2)]), total: 5 };
    for text in [total, "Job counts:\n\tcount\tjobs\n\t1\tall\n\t2\tmake\n\t2\ttotal\n\t5"] {
        assert_eq!(one(&mut Conversation::new(Hints::default()), json!({"level": "run_info", "msg": text})), wanted, "{text}");
    }
}

#[test]
fn words_of_a_cluster_name_its_job() {
    let mut talk = Conversation::resumed(Hints::default());
    let Event::JobUpdated { job_id, update } =
        one(&mut talk, json!({"level": "info", "msg": "Submitted job 3 with external jobid 'Submitted batch job 4711'."}))
    else {
        panic!()
    };
    assert_eq!((job_id, update.external_id.as_deref()), (3, Some("Submitted batch job 4711")));
    let Event::JobFailed { update, .. } =
        one(&mut talk, json!({"level": "job_error", "jobid": 3, "aux": {"external_jobid": 4711}, "conda_env": "/e"}))
    else {
        panic!()
    };
    assert_eq!((update.external_id.as_deref(), update.conda_env.as_deref()), (Some("4711"), Some("/e")));
}

#[test]
fn twins_are_known_among_the_last_few_and_may_come_again_if_they_were_not_stored() {
    let mut talk = Conversation::new(Hints::default());
    let hash = talk.is_twin("a").expect("new");
    assert_eq!(talk.is_twin("a"), Err(Twin));
    talk.forget(hash);
    assert!(talk.is_twin("a").is_ok());
    for n in 0..TWINS {
        assert!(talk.is_twin(&n.to_string()).is_ok());
    }
    assert!(talk.is_twin("a").is_ok(), "forgotten");
}

#[test]
fn times_are_the_clients_by_our_clock() {
    let mut talk = Conversation::new(Hints::default());
    let mut time = |seconds: f64, now| {
        let Value::Object(message) = json!({"timestamp": seconds}) else { panic!() };
        talk.time(&message, now)
    };
    // The client's clock is an hour behind, and the first message took 40 ms.
    assert_eq!(time(1000.0, 4_600_040), 4_600_040);
    assert_eq!(time(1001.0, 4_601_010), 4_601_010, "faster: that is the difference of the clocks");
    assert_eq!(time(1002.0, 4_602_500), 4_602_010, "held up");
    assert_eq!(time(f64::NAN, 7), 7);
}

#[test]
fn idle_talk_costs_a_write_now_and_then() {
    let mut talk = Conversation::new(Hints::default());
    let Value::Object(debug) = json!({"level": "debug", "msg": "x"}) else { panic!() };
    assert_eq!(talk.translate(&debug, LIFE), [Event::Seen]);
    assert!(talk.translate(&debug, LIFE + 1).is_empty());
    assert_eq!(talk.translate(&debug, 2 * LIFE), [Event::Seen]);
}

#[test]
fn what_a_job_that_failed_calls_its_logs_is_kept() {
    let message = json!({"level": "job_error", "jobid": 3, "log": ["l", "slurm/1.out"]});
    let Event::JobFailed { update, .. } = one(&mut Conversation::resumed(Hints::default()), message) else { panic!() };
    assert_eq!(update.logs, ["l", "slurm/1.out"]);
}

#[test]
fn an_error_is_nobodys_unless_it_names_the_command_or_came_right_before() {
    let error = json!({"level": "error", "msg": "RuleException:\nCalledProcessError in file /a/Snakefile, line 7:\nCommand 'set -e; one' returned non-zero exit status 2."});
    let failed = |talk: &mut Conversation, job, command| {
        let Event::JobFailed { update, .. } = one(talk, json!({"level": "job_error", "jobid": job, "shellcmd": command})) else { panic!() };
        update.error
    };
    // A cluster job fails without an error of its own, long after an error of another job.
    let mut talk = Conversation::resumed(Hints::default());
    meaning(&mut talk, error.clone());
    meaning(&mut talk, json!({"level": "progress", "done": 1, "total": 9}));
    assert_eq!(failed(&mut talk, 8, "eight"), None);
    assert!(failed(&mut talk, 1, "one").is_some(), "still kept for the job that it names");
    assert_eq!(failed(&mut talk, 1, "one"), None, "once");
    // The error of a script contains no command.
    meaning(&mut talk, error);
    assert!(failed(&mut talk, 2, "script").is_some());
}

/// What the end of the log means, after a client with this command line has sent these messages.
fn last_word(command: &str, words: &[&str]) -> LastWord {
    let mut talk = Conversation::resumed(Hints::of(command));
    for words in words {
        meaning(&mut talk, json!({"level": "info", "msg": words}));
    }
    match one(&mut talk, json!({"level": "info", "msg": "Complete log: .snakemake/log/x.log"})) {
        Event::Said { end: Some(word), logfile: Some(_), .. } => word,
        event => panic!("{event:?}"),
    }
}

#[test]
fn who_was_stopped_has_not_succeeded() {
    let by_user = "Terminating processes on user request, this might take some time.";
    let otherwise = "Will exit after finishing currently running jobs.";
    for (command, words, wanted) in [
        ("snakemake --cores 1", &[][..], LastWord::DoneIfIdle),
        ("snakemake --cores 1", &[by_user], LastWord::Cancelled),
        ("snakemake --cores 1", &[otherwise], LastWord::Failed),
        ("snakemake --cores 1", &[by_user, otherwise], LastWord::Cancelled),
        ("snakemake --cores 1 --quiet", &[by_user], LastWord::Cancelled),
        ("snakemake --cores 1 --quiet", &[otherwise], LastWord::Failed),
    ] {
        assert_eq!(last_word(command, words), wanted, "{command} {words:?}");
    }
}

#[test]
fn who_says_little_has_done_what_it_does_not_call_failed() {
    for command in
        ["snakemake --quiet", "snakemake -q -j 1", "snakemake --quiet progress --cores 2", "snakemake --quiet=all", "snakemake -pq"]
    {
        assert_eq!(last_word(command, &[]), LastWord::Done, "{command}");
    }
    for command in ["snakemake", "snakemake --config quiet=1", "snakemake -j 1 quiet"] {
        assert_eq!(last_word(command, &[]), LastWord::DoneIfIdle, "{command}");
    }
}

#[test]
fn who_sends_no_command_line_says_little_unless_it_reports_an_end() {
    let end = json!({"level": "info", "msg": "Complete log: x.log"});
    for (message, wanted) in [
        (json!({"level": "job_info", "jobid": 1}), LastWord::Done),
        (json!({"level": "job_error", "jobid": 1}), LastWord::Done),
        (json!({"level": "job_finished", "jobid": 1}), LastWord::DoneIfIdle),
        (json!({"level": "progress", "done": 1, "total": 2}), LastWord::DoneIfIdle),
        (json!({"level": "info", "msg": "Will exit after finishing currently running jobs."}), LastWord::Failed),
    ] {
        let mut talk = Conversation::new(Hints::default());
        meaning(&mut talk, message.clone());
        let Event::Said { end: Some(word), .. } = one(&mut talk, end.clone()) else { panic!("{message}") };
        assert_eq!(word, wanted, "{message}");
    }
    let mut resumed = Conversation::resumed(Hints::default());
    let Event::Said { end: Some(word), .. } = one(&mut resumed, end) else { panic!() };
    assert_eq!(word, LastWord::DoneIfIdle, "its beginning, heard by another process, may have reported ends");
}

#[test]
fn a_job_that_ends_when_its_user_stops_the_run_is_cancelled() {
    let mut talk = Conversation::resumed(Hints::default());
    meaning(&mut talk, json!({"level": "info", "msg": "Terminating processes on user request, this might take some time."}));
    let error = "RuleException:\nCalledProcessError in file /a/Snakefile, line 6:\nCommand 'set -e; one' died with <Signals.SIGINT: 2>.";
    meaning(&mut talk, json!({"level": "error", "msg": error}));
    let events = meaning(&mut talk, json!({"level": "job_error", "jobid": 1, "shellcmd": "one"}));
    let [ended, Event::JobUpdated { job_id: 1, update }] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(*ended, Event::JobEnded { job_id: 1, status: JobStatus::Cancelled });
    assert_eq!(update.exit_code, Some(-2));
}

#[test]
fn what_a_workflow_prepares_first_does_not_end_it() {
    let mut talk = Conversation::new(Hints::default());
    let say = |talk: &mut Conversation, words: &str| one(talk, json!({"level": "info", "msg": words}));
    say(&mut talk, "Executing subworkflow before.");
    assert!(meaning(&mut talk, json!({"level": "progress", "done": 2, "total": 2})).is_empty());
    for words in ["Complete log: x", "Nothing to be done."] {
        assert!(!say(&mut talk, words).may_close(), "{words}");
    }
    say(&mut talk, "Executing main workflow.");
    assert!(matches!(one(&mut talk, json!({"level": "progress", "done": 2, "total": 2})), Event::Progress { done: 2, total: 2 }));
    assert_eq!(say(&mut talk, "Nothing to be done."), Event::NothingToDo);
}

#[test]
fn long_lists_are_taken_whole_or_say_what_is_missing() {
    let mut talk = Conversation::new(Hints::default());
    let jobs: Vec<usize> = (0..MOST_JOBS + 5).collect();
    let events = meaning(&mut talk, json!({"level": "job_started", "jobs": jobs}));
    let [Event::JobsStarted(first), Event::JobsStarted(rest)] = events.as_slice() else { panic!("{}", events.len()) };
    assert_eq!((first.len(), rest.len()), (MOST_JOBS, 5));
    let members: Vec<Value> = (0..MOST_MEMBERS + 5).map(|job| json!({"jobid": job})).collect();
    let events = meaning(&mut talk, json!({"level": "group_error", "msg": "x", "job_error_info": members}));
    assert_eq!(events.len(), MOST_MEMBERS + 2);
    let Some(Event::Said { message, .. }) = events.last() else { panic!() };
    assert_eq!(message, "5 more jobs of the group failed.");
}

#[test]
fn strange_numbers_have_bounds() {
    let mut talk = Conversation::new(Hints::default());
    let Event::Progress { done, total } = one(&mut talk, json!({"level": "progress", "done": -4, "total": 1e300})) else { panic!() };
    assert_eq!((done, total), (0, 0));
    for seconds in [json!(1e300), json!(-1e300), json!(-5), json!("soon"), json!(null)] {
        let Value::Object(message) = json!({"timestamp": seconds}) else { panic!() };
        assert_eq!(talk.time(&message, 7), 7, "{message:?}");
    }
}
