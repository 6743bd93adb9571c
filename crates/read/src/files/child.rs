//! Examines files in separate processes, with limits on memory and time. A crash there does not affect the server.
//!
//! The child gets the open file as its standard input and nothing else: no environment, no other file, no path.

use model::{clock::Clock, file::NoFile};
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

/// How many files are examined at the same time; memory and processor seconds of each process; bytes of an answer.
const TURNS: usize = 4;
const MEMORY: u64 = 1 << 30;
const SECONDS: u64 = 3;
const ANSWER: u64 = 16 << 20;
/// The exit code of a process that panicked.
const PANICKED: i32 = 101;
/// How long a request waits for its turn, and how long it may then take.
const PEEK_TIMEOUT: Duration = Duration::from_secs(5);

/// Starts such processes.
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
    /// [`NoFile::TooMuch`] if the process exceeds its limits, [`NoFile::Broken`] if it crashes, [`NoFile::Busy`]
    /// if no turn becomes free.
    pub async fn peek<T: DeserializeOwned>(&self, file: File, ask: &(impl Serialize + Sync)) -> Result<T, NoFile> {
        let turn = timeout(PEEK_TIMEOUT, self.turns.acquire()).await;
        let _turn = turn.map_err(|_| NoFile::Busy)?.map_err(|_| NoFile::Busy)?;
        timeout(PEEK_TIMEOUT, self.answer(file, ask)).await.map_err(|_| NoFile::TooMuch)?
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

/// The child process: examines its standard input and writes the result to its standard output.
///
/// # Errors
/// It has no standard input, or nobody reads its output.
pub fn peek(question: &str, clock: &Clock) -> io::Result<()> {
    let bounds = [(Resource::As, MEMORY), (Resource::Cpu, SECONDS), (Resource::Core, 0), (Resource::Fsize, 0)];
    for (resource, most) in bounds {
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The operating system's error text stays here; the reader gets only the kind of error.
    let answer = ::peek::ask(&file, question, clock).map_err(|error| super::open::why(&error));
    let text = match answer {
        Ok(preview) => format!("{{\"Ok\":{preview}}}"),
        Err(why) => serde_json::to_string(&Err::<(), _>(why))?,
    };
    io::stdout().write_all(text.as_bytes())
}
