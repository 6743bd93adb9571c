//! The recorded conversations of Panoptes' clients, translated; see `crate::recorded`.

use super::{Conversation, Hints, Told};
use crate::{
    panoptes::wire,
    recorded::{Events, compare, expected, jobs, kept, lines, time},
};
use model::{JobStatus, RunStatus};
use serde_json::Value;
use uuid::Uuid;

const GENERATIONS: [&str; 5] =
    ["G1_snakemake-5.31.1", "G2_snakemake-7.31.1", "G3_snakemake-7.32.4", "G4_snakemake-8.30.0", "G5_plugin-0.3.0_snakemake-9.27.1"];

/// What the lines of a recording mean, run by run.
fn translated(lines: &[Value]) -> Vec<Events> {
    let mut runs: Vec<(Conversation, Events)> = Vec::new();
    for line in lines {
        let body = match &line["body"] {
            Value::Null => String::new(),
            Value::String(form) => form.clone(),
            value => value.to_string(),
        };
        let fields = || wire::fields(line["headers"]["content-type"].as_str(), body.as_bytes());
        match line["path"].as_str().and_then(|path| path.rsplit('/').next()) {
            Some("create_workflow") => {
                let command = fields().ok().and_then(|fields| Some(fields.get("command")?.as_str()?.to_owned()));
                runs.push((Conversation::new(command.as_deref().map(Hints::of).unwrap_or_default()), Vec::new()));
            }
            Some("update_workflow_status") => {
                let (talk, events) = runs.last_mut().expect("a workflow that was made");
                let envelope = fields().and_then(wire::update).expect("an envelope");
                let told = Told { run: Uuid::nil(), user: None, name: String::new(), version: None, at: time(line), envelope };
                let Ok((reports, _)) = told.read(talk, false) else { continue };
                events.extend(reports.into_iter().map(|incoming| (incoming.report.at, incoming.report.event)));
            }
            _ => {}
        }
    }
    runs.into_iter().map(|(_, events)| events).collect()
}

#[test]
fn the_events_of_every_conversation_of_a_panoptes_client_are_the_kept_ones() {
    let run_word = |word: &str| match word {
        "Done" | "No Execution" => RunStatus::Success,
        "Error" => RunStatus::Failed,
        "Running" => RunStatus::Running,
        other => panic!("no word for {other}"),
    };
    let job_word = |word: &str| match word {
        "planned" => JobStatus::Waiting,
        "unknown" => JobStatus::Lost,
        "Done" => JobStatus::Success,
        "Error" => JobStatus::Failed,
        "Running" => JobStatus::Running,
        other => panic!("no word for {other}"),
    };
    for generation in GENERATIONS {
        let client = format!("panoptes/{generation}");
        for (name, wanted) in expected(&client) {
            let runs = translated(&lines(&client, &name));
            let earlier = wanted["expected_earlier_attempts"].as_array().into_iter().flatten();
            let wanted: Vec<&Value> = earlier.chain(wanted["expected_runs"].as_array().expect("runs")).collect();
            assert_eq!(runs.len(), wanted.len(), "{name}");
            for (at, (events, wanted)) in runs.iter().zip(&wanted).enumerate() {
                let name = if runs.len() > 1 { format!("{name}-{}", at + 1) } else { name.clone() };

                let fold = kept(&client, &name, events);

                let status = run_word(wanted["status_any_of"][0].as_str().expect("a word"));
                compare(&name, &fold, status, &jobs(wanted, "status", job_word));
            }
        }
    }
}
