//! Progress on standard error: one line per step, and a sign of life every 20 seconds.
//!
//! The output of tools is held back and shown only when they fail, or always with `--verbose`. Standard output is
//! reserved for results.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Often enough that a reader of the log does not think the job hangs.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// Lines of a failed tool's output that are shown.
const TAIL: usize = 80;

static VERBOSE: AtomicBool = AtomicBool::new(false);
/// The step whose unfinished line was the last output. Two may run side by side.
static OPEN: Mutex<Option<String>> = Mutex::new(None);

pub fn set_verbose(on: bool) {
    VERBOSE.store(on, Ordering::Relaxed);
}

/// Prints a line of its own between the steps.
pub fn note(text: &str) {
    close_line();
    eprintln!("  {text}");
}

/// Reports that something needed is already present.
pub fn present(name: &str) {
    close_line();
    eprintln!("▸ {name} … present");
}

/// Runs `work` under a progress line with its outcome and duration.
pub fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    begin(name);
    let (stop, stopped) = sync_channel::<()>(0);
    let heart = thread::spawn({
        let name = name.to_owned();
        move || {
            while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                note(&format!("{name}: still at it after {} s", started.elapsed().as_secs()));
            }
        }
    });
    let outcome = work();
    drop(stop);
    heart.join().ok();
    let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
    end(name, &format!("{verdict} {:.1} s", started.elapsed().as_secs_f64()));
    outcome
}

/// The output of a tool, both streams in order of arrival, and its exit status.
pub struct Captured {
    pub status: ExitStatus,
    pub lines: Vec<String>,
}

impl Captured {
    /// The end of the output, to show a failure.
    pub fn tail(&self) -> String {
        self.lines[self.lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

/// Runs a tool to its end. A failure of the tool is not an error here.
pub fn capture(command: &mut Command) -> Result<Captured> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let (sender, receiver) = sync_channel(256);
    let readers =
        [forward(child.stdout.take().expect("it is piped"), sender.clone()), forward(child.stderr.take().expect("it is piped"), sender)];
    let mut lines = Vec::new();
    for line in receiver {
        if VERBOSE.load(Ordering::Relaxed) {
            close_line();
            eprintln!("{line}");
        }
        lines.push(line);
    }
    for reader in readers {
        reader.join().ok();
    }
    let status = child.wait().with_context(|| format!("lost sight of {name}"))?;
    Ok(Captured { status, lines })
}

/// Runs a tool that must succeed; the error carries the end of its output.
pub fn run(command: &mut Command) -> Result<Captured> {
    let done = capture(command)?;
    if !done.status.success() {
        let name = command.get_program().to_string_lossy().into_owned();
        let shown = if VERBOSE.load(Ordering::Relaxed) { String::new() } else { done.tail() };
        bail!("{name} ended with {}\n{shown}", done.status);
    }
    Ok(done)
}

fn forward(from: impl Read + Send + 'static, to: SyncSender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if to.send(text).is_err() {
                return;
            }
            line.clear();
        }
    })
}

fn begin(name: &str) {
    let mut open = opened();
    close(&mut open);
    eprint!("▸ {name} … ");
    *open = Some(name.to_owned());
}

fn end(name: &str, outcome: &str) {
    let mut open = opened();
    if open.as_deref() == Some(name) {
        *open = None;
        eprintln!("{outcome}");
    } else {
        close(&mut open);
        eprintln!("▸ {name} … {outcome}");
    }
}

fn close_line() {
    close(&mut opened());
}

fn close(open: &mut Option<String>) {
    if open.take().is_some() {
        eprintln!();
    }
}

fn opened() -> MutexGuard<'static, Option<String>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_and_the_status_of_a_tool_are_kept() {
        let done = capture(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"])).unwrap();

        let mut lines = done.lines.clone();
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
        assert_eq!(done.status.code(), Some(3));
    }

    #[test]
    fn a_failed_tool_shows_the_end_of_what_it_wrote() {
        let script = "for i in $(seq 1 200); do echo line $i; done; exit 1";

        let err = run(Command::new("sh").args(["-c", script])).map(|_| ()).unwrap_err();

        let text = format!("{err:#}");
        assert!(text.contains("line 200") && text.contains("line 121"), "{text}");
        assert!(!text.contains("line 120\n"), "{text}");
    }
}
