//! The server under test: the real binary with its private PostgreSQL in a temporary directory.
//!
//! The server's settings are the defaults, with two exceptions: runs that the load leaves open must not become lost
//! before they are counted, and one person may open as many streams as a whole lab.

use std::env;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tempfile::TempDir;

/// The first start creates a database cluster.
const START_PATIENCE: Duration = Duration::from_mins(2);
/// Longer than the server itself needs to drain and to stop PostgreSQL.
const STOP_PATIENCE: Duration = Duration::from_mins(1);
/// The server's output, in its directory.
const LOG: &str = "flowod.log";
/// Environment variables that would change where the server listens or stores its data.
const UNWANTED: [&str; 14] = [
    "DATABASE_URL",
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_DB",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "PORT",
    "FLOWO_HOST",
    "FLOWO_LISTEN",
    "FLOWO_DATA_DIR",
    "FLOWO_LOG",
    "FLOWO_LOG_FORMAT",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
];

/// A running server; stopped when dropped.
pub struct Server {
    child: Child,
    dir: TempDir,
    address: SocketAddr,
    sign_in: String,
    token: String,
    /// Kept open, because the server may write more.
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts the binary that `FLOWOD` names and waits until it is ready.
    ///
    /// # Errors
    /// Says what is missing, or shows the end of the server's log.
    pub async fn start() -> Result<Self> {
        let flowod = given("FLOWOD", "the flowod binary")?;
        let site = given("FLOWO_SITE_DIR", "the directory of the pages")?;
        tokio::task::spawn_blocking(move || start(&flowod, &site)).await?
    }

    /// Kills the server as a power cut would; its PostgreSQL keeps running.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Restarts the server at the same address, on the same data.
    ///
    /// # Errors
    /// Shows the end of the server's log.
    pub fn start_again(&mut self) -> Result<()> {
        let (child, stdout, ..) =
            spawn(&given("FLOWOD", "the flowod binary")?, &given("FLOWO_SITE_DIR", "the pages")?, self.dir.path(), self.address)?;
        self.child = child;
        self.stdout = stdout;
        Ok(())
    }

    /// Kills PostgreSQL: every backend at once, or with `hard` the postmaster too.
    pub fn kill_postgres(&self, hard: bool) {
        signal_postgres(&self.dir.path().join("data"), if hard { Signal::KILL } else { Signal::QUIT });
    }

    /// The end of the server's log.
    pub fn log(&self) -> String {
        log_of(self.dir.path())
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The token of the user who started the server.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The link that creates a session, once.
    pub fn sign_in(&self) -> &str {
        &self.sign_in
    }

    /// A connection to the private PostgreSQL.
    pub async fn database(&self) -> Result<PgConnection> {
        self.database_options().connect().await.context("cannot reach the private PostgreSQL")
    }

    /// The options for a connection to it.
    pub fn database_options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(self.dir.path().join("data/run")).username("flowo").database("flowo")
    }

    /// Generates one very large run through ingest; returns its id.
    ///
    /// # Errors
    /// Contains the output of the generator.
    pub async fn play_big(&self, jobs: u32, rules: u32, samples: u32) -> Result<String> {
        let mut command = tokio::process::Command::new(given("FLOWOD", "the flowod binary")?);
        command.arg("demo").arg("--data-dir").arg(self.dir.path().join("data"));
        command.args(["--big", &jobs.to_string(), "--rules", &rules.to_string(), "--samples", &samples.to_string()]);
        for name in UNWANTED {
            command.env_remove(name);
        }
        let done = command.stdin(Stdio::null()).output().await.context("cannot start the player")?;
        let said = String::from_utf8_lossy(&done.stdout);
        ensure!(done.status.success(), "the player ended with {}: {said}{}", done.status, String::from_utf8_lossy(&done.stderr));
        let id = said.lines().find_map(|line| line.split_once("/runs/")).map(|(_, id)| id.trim().to_owned());
        id.context("the player named no run")
    }

    /// Resident memory of the server without its database, in MiB; `None` where the system does not report it.
    pub fn memory(&self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&mut self.child, &self.dir.path().join("data"));
    }
}

/// Raises the limit of open files to the system's maximum, for us and the server.
///
/// # Errors
/// The system refuses.
pub fn raise_open_files() -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).context("cannot raise the number of open files")?;
    }
    Ok(())
}

fn given(name: &str, what: &str) -> Result<PathBuf> {
    let path = env::var_os(name).with_context(|| format!("{name} must name {what}"))?;
    let path = PathBuf::from(path);
    fs::canonicalize(&path).with_context(|| format!("{name} names {}", path.display()))
}

fn start(flowod: &Path, site: &Path) -> Result<Server> {
    let dir = tempfile::Builder::new().prefix("flowo-bench-").tempdir()?;
    // PostgreSQL may run as another user, who must be able to enter.
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
    let (data, home) = (dir.path().join("data"), dir.path().join("home"));
    for made in [&data, &home] {
        fs::create_dir(made)?;
        fs::set_permissions(made, Permissions::from_mode(0o755))?;
    }
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let (child, stdout, address, sign_in) = spawn(flowod, site, dir.path(), anywhere)?;
    let mut server = Server { child, dir, address, sign_in, token: String::new(), stdout };
    server.token = token(&home.join(".config/flowo/config.toml"))?;
    Ok(server)
}

/// Starts the binary on the data in `dir` and waits until it is ready.
fn spawn(flowod: &Path, site: &Path, dir: &Path, listen: SocketAddr) -> Result<(Child, BufReader<ChildStdout>, SocketAddr, String)> {
    let (data, home) = (dir.join("data"), dir.join("home"));
    let mut command = Command::new(flowod);
    command.arg("serve").args(["--listen", &listen.to_string(), "--data-dir"]).arg(&data);
    command.arg("--site-dir").arg(site).current_dir(&home).env("HOME", &home);
    command.env("FLOWO_HEARTBEAT_TIMEOUT_SECONDS", "7200").env("FLOWO_STREAMS_PER_PERSON", "20000");
    for name in UNWANTED {
        command.env_remove(name);
    }
    let log = File::options().create(true).append(true).open(dir.join(LOG))?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", flowod.display()))?;
    match ready(&mut child) {
        Ok((stdout, address, sign_in)) => Ok((child, stdout, address, sign_in)),
        Err(error) => {
            stop(&mut child, &data);
            Err(error.context(format!("the server did not start; its log ends with:\n{}", log_of(dir))))
        }
    }
}

fn log_of(dir: &Path) -> String {
    let log = fs::read_to_string(dir.join(LOG)).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(25).collect();
    tail.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Reads the lines that the server prints when it is ready.
fn ready(child: &mut Child) -> Result<(BufReader<ChildStdout>, SocketAddr, String)> {
    let stdout = child.stdout.take().context("the server has no output")?;
    let (sender, lines) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut read = || -> Result<(SocketAddr, String)> {
            let ready = line(&mut stdout, " is ready at http://")?;
            let sign_in = line(&mut stdout, "Sign in: ")?;
            line(&mut stdout, "Token for this user: ")?;
            Ok((ready.parse().context("the server's address")?, sign_in))
        };
        let found = read();
        // If it took too long, nobody is waiting any more.
        let _ = sender.send(found.map(|(address, sign_in)| (stdout, address, sign_in)));
    });
    lines.recv_timeout(START_PATIENCE).context("the server is not ready in time")?
}

/// The rest of the next line after `mark`.
fn line(stdout: &mut impl BufRead, mark: &str) -> Result<String> {
    let mut line = String::new();
    ensure!(stdout.read_line(&mut line)? > 0, "the server ended before it said {mark:?}");
    let rest = line.trim_end().split_once(mark).map(|(_, rest)| rest.to_owned());
    rest.with_context(|| format!("the server said {line:?} where {mark:?} was expected"))
}

/// The token that the server wrote for this user's clients.
fn token(path: &Path) -> Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("the server wrote no {}", path.display()))?;
    let value = text.lines().find_map(|line| line.strip_prefix("FLOWO_USER_TOKEN = "));
    let value = value.context("the client configuration names no token")?;
    Ok(value.trim().trim_matches('"').to_owned())
}

/// Asks the server to stop. If it does not, kills it and its PostgreSQL.
fn stop(child: &mut Child, data: &Path) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return stop_postgres(data);
    }
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
    let until = Instant::now() + STOP_PATIENCE;
    while Instant::now() < until {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    eprintln!("The server does not stop; killing it");
    let _ = child.kill();
    let _ = child.wait();
    stop_postgres(data);
}

/// After an unexpected end of the server, its PostgreSQL is still running.
fn stop_postgres(data: &Path) {
    signal_postgres(data, Signal::QUIT);
}

fn signal_postgres(data: &Path, signal: Signal) {
    let clusters = fs::read_dir(data.join("pg")).into_iter().flatten().flatten();
    for cluster in clusters {
        let text = fs::read_to_string(cluster.path().join("postmaster.pid")).unwrap_or_default();
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}
