//! Looks into files in processes of their own, with bounds on memory and time. What breaks there breaks nothing here.
//!
//! The child gets the open file as its standard input and nothing else: no environment, no other file, no path.

use model::file::NoFile;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::AsFd as _,
    path::PathBuf,
    process::Stdio,
    time::Duration,
};
use tokio::{io::AsyncReadExt as _, process::Command, sync::Semaphore, time::timeout};

/// Files that are looked into at the same time; memory and seconds of processor for one; bytes of an answer.
const TURNS: usize = 4;
const MEMORY: u64 = 1 << 30;
const SECONDS: u64 = 3;
const ANSWER: u64 = 16 << 20;
/// How a process ends that panicked.
const PANICKED: i32 = 101;
/// How long one may wait for its turn and then take, whatever it does.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the processes.
#[derive(Debug)]
pub struct Peeker {
    program: PathBuf,
    turns: Semaphore,
}

impl Peeker {
    pub fn new(program: PathBuf) -> Self {
        Self { program, turns: Semaphore::new(TURNS) }
    }

    /// # Errors
    /// [`NoFile::TooMuch`] for what breaks the bounds, [`NoFile::Broken`] for what breaks by itself, [`NoFile::Busy`]
    /// if there is no turn.
    pub async fn peek<T: DeserializeOwned>(&self, file: File, ask: &(impl Serialize + Sync)) -> Result<T, NoFile> {
        let turn = timeout(PATIENCE, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| NoFile::Busy)?.map_err(|_| NoFile::Busy)?;
        timeout(PATIENCE, self.answer(file, ask)).await.map_err(|_| NoFile::TooMuch)?
    }

    async fn answer<T: DeserializeOwned>(&self, file: File, ask: &(impl Serialize + Sync)) -> Result<T, NoFile> {
        let broken = |error: io::Error| NoFile::Other(error.to_string());
        let question = serde_json::to_string(ask).map_err(|error| NoFile::Other(error.to_string()))?;
        let mut child = Command::new(&self.program)
            .arg("peek")
            .arg(question)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(file))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(broken)?;
        let mut answer = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(ANSWER).read_to_end(&mut answer).await.map_err(broken)?;
        }
        let status = child.wait().await.map_err(broken)?;
        match status.code() {
            Some(0) => {}
            Some(PANICKED) => return Err(NoFile::Broken),
            _ => return Err(NoFile::TooMuch),
        }
        if answer.len() as u64 == ANSWER {
            return Err(NoFile::TooMuch);
        }
        let answer: Result<T, NoFile> = serde_json::from_slice(&answer).map_err(|_| NoFile::Broken)?;
        answer
    }
}

/// The child: looks into its standard input and writes what it finds to its standard output.
///
/// # Errors
/// If it has no standard input, or nobody reads what it writes.
pub fn peek(question: &str) -> io::Result<()> {
    let bounds = [(Resource::As, MEMORY), (Resource::Cpu, SECONDS), (Resource::Core, 0), (Resource::Fsize, 0)];
    for (resource, most) in bounds {
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The system's words stay with us; kinds of errors are for the reader.
    let answer = ::peek::ask(&file, question).map_err(|error| super::open::why(&error));
    let text = match answer {
        Ok(preview) => format!("{{\"Ok\":{preview}}}"),
        Err(why) => serde_json::to_string(&Err::<(), _>(why))?,
    };
    io::stdout().write_all(text.as_bytes())
}
