//! `flowod monitor`: prints every change as it is committed, or passes it to a command.

use crate::{
    config::MonitorArgs,
    database,
    monitor::{self, Plan, Sink, Start},
};
use anyhow::Result;
use futures::stream::{self, StreamExt as _};
use model::terminal;
use std::{
    io::{self, Write as _},
    process::Stdio,
    time::Duration,
};
use store::monitor::{Line, Wanted};
use tokio::{
    io::AsyncWriteExt as _,
    process::Command,
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

pub async fn run(args: MonitorArgs) -> Result<()> {
    let open = database::join(&args.database.resolve()?, "monitor").await?;
    store::migrate::migrate(&open.store).await?;
    let operations = args.operation.iter().map(|word| word.to_ascii_uppercase()).collect();
    let wanted = Wanted { tables: args.table.clone(), operations, run: args.run, unprocessed: false };
    let plan = Plan {
        name: name(&wanted),
        wanted,
        start: if args.all { Start::Unprocessed } else { Start::Last },
        marks: !args.peek,
        once: args.once,
    };
    let cancel = CancellationToken::new();
    tokio::spawn(stop_with(cancel.clone()));
    if !args.once {
        eprintln!("Monitoring changes; Ctrl-C stops.");
    }
    let mut out = Out { args };
    let outcome = monitor::run(&open.store, plan, &mut out, &cancel).await;
    open.close().await;
    Ok(outcome?)
}

/// Each set of filters has its own saved position: a monitor that skips some changes must not move the position of one
/// that wants them.
fn name(wanted: &Wanted) -> String {
    let run = wanted.run.map(|run| run.to_string());
    let mut words: Vec<&str> = wanted.tables.iter().chain(&wanted.operations).map(String::as_str).chain(run.as_deref()).collect();
    words.sort_unstable();
    words.dedup();
    format!("command {}", words.join(" ")).trim_end().to_owned()
}

async fn stop_with(cancel: CancellationToken) {
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    cancel.cancel();
}

/// Writes to standard output, and runs the command.
struct Out {
    args: MonitorArgs,
}

impl Sink for Out {
    async fn take(&mut self, lines: &[Line]) -> Option<Vec<i64>> {
        if self.print(lines).is_err() {
            return None; // The reader of our output has gone.
        }
        let Some(command) = &self.args.exec else { return Some(lines.iter().map(|line| line.id).collect()) };
        let patience = Duration::from_secs(self.args.patience);
        let done = stream::iter(lines.to_vec()).map(|line| {
            let command = command.clone();
            async move {
                let outcome = call(&command, &line, patience).await;
                outcome.inspect_err(|why| eprintln!("change {}: {why}", line.id)).ok().map(|()| line.id)
            }
        });
        Some(done.buffered(usize::from(self.args.jobs)).filter_map(|done| async move { done }).collect().await)
    }
}

impl Out {
    fn print(&self, lines: &[Line]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for line in lines {
            if self.args.json {
                writeln!(out, "{}", document(line)?)?;
            } else {
                writeln!(out, "{}", monitor::readable(line))?;
            }
        }
        out.flush()
    }
}

/// A change as JSON that is safe to print on a terminal.
fn document(line: &Line) -> serde_json::Result<String> {
    Ok(terminal::json(&serde_json::to_string(line)?).into_owned())
}

/// Runs the command for a change, waits for it, and kills it when it takes too long.
async fn call(command: &str, line: &Line, patience: Duration) -> Result<(), String> {
    let run = line.workflow_run_id.map(|run| run.to_string()).unwrap_or_default();
    let child = Command::new("sh")
        .args(["-c", command])
        .env("FLOWO_CHANGE", line.id.to_string())
        .env("FLOWO_TABLE", &line.table_name)
        .env("FLOWO_OPERATION", &line.operation)
        .env("FLOWO_RUN", run)
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(|error| format!("the command does not start: {error}"))?;
    let body = document(line).map_err(|error| error.to_string())?;
    let work = async {
        if let Some(mut input) = child.stdin.take() {
            // It is fine for a command not to read its input.
            let _ = input.write_all(body.as_bytes()).await;
        }
        child.wait().await
    };
    match timeout(patience, work).await {
        Err(_) => Err(format!("the command took longer than {patience:?} and was killed")),
        Ok(Err(error)) => Err(format!("the command cannot be waited for: {error}")),
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("the command ended with {status}")),
    }
}
