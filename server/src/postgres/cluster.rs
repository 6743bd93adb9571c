//! One private cluster: created once, started, taken over, stopped.

use super::find::{Binaries, REMEDY, find};
use anyhow::{Context as _, Result, bail};
use model::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions},
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use store::{Loop, Store};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The name of the database and of the role in it.
const NAME: &str = "flowo";
/// How long a start may take; recovery of a large database after a crash takes its time.
const START_PATIENCE: Duration = Duration::from_mins(5);
/// How long a fast shutdown may take before an immediate one follows.
const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// How often to check on the server; then the first and the longest pause after a failed start.
const WATCH: Duration = Duration::from_millis(200);
const AGAIN: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Unix socket paths end at 107 bytes; the socket's file name takes 20 of them.
const LONGEST_SOCKET_DIR: usize = 85;

/// A running private PostgreSQL.
#[derive(Debug)]
pub struct Cluster {
    /// The child process, if we started it; `None` if an earlier `flowod` did.
    child: Option<Child>,
    pid: Option<i32>,
    socket_dir: PathBuf,
    clock: Clock,
}

/// The account that runs the server: PostgreSQL refuses root.
#[derive(Clone, Copy, Debug)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Starts the cluster below `data_dir`, or takes over one that is running there.
    ///
    /// # Errors
    /// There are no binaries, permissions are missing, or the server does not come up: each error says what to do.
    pub async fn start(data_dir: &Path, clock: Clock) -> Result<Self> {
        let root = data_dir.join("pg");
        let existing = existing_major(&root);
        let Some(binaries) = find(existing) else {
            match existing {
                Some(major) => bail!(
                    "the data below {} belongs to PostgreSQL {major}, whose programs are missing; install them again\n{REMEDY}",
                    root.display()
                ),
                None => bail!("{REMEDY}"),
            }
        };
        let account = account();
        let dir = root.join(binaries.major.to_string());
        let socket_dir = socket_dir(data_dir);
        private_dir(&root, None)?;
        // Another account must be able to pass through to its own directory, but not to list this one.
        let mode = if account.is_some() { 0o711 } else { 0o700 };
        fs::set_permissions(&root, fs::Permissions::from_mode(mode))?;
        private_dir(&socket_dir, account)?;
        if !dir.join("PG_VERSION").exists() {
            init(&binaries, &dir, account)?;
        }
        if let Some(pid) = running(&dir) {
            let cluster = Self { child: None, pid: Some(pid), socket_dir: socket_dir.clone(), clock: clock.clone() };
            if cluster.wait().await.is_ok() {
                info!(pid, "Took over the private PostgreSQL that was still running");
                return Ok(cluster);
            }
            warn!(pid, "A process holds the private database but does not answer; starting a new one");
        }
        let child = launch(&binaries, &dir, &socket_dir, &root.join("postgres.log"), account)?;
        let pid = i32::try_from(child.id()).ok();
        let mut cluster = Self { child: Some(child), pid, socket_dir, clock };
        if let Err(error) = cluster.wait_or_exit().await {
            let log = tail(&root.join("postgres.log"));
            return Err(error.context(format!("the private PostgreSQL below {} did not start; its log ends with:\n{log}", root.display())));
        }
        Ok(cluster)
    }

    /// A handle on a running cluster; starts none.
    pub fn running_at(data_dir: &Path, clock: Clock) -> Option<Self> {
        let root = data_dir.join("pg");
        let dir = root.join(existing_major(&root)?.to_string());
        let pid = running(&dir)?;
        Some(Self { child: None, pid: Some(pid), socket_dir: socket_dir(data_dir), clock })
    }

    /// A pool of `size` connections to the cluster's database.
    pub fn store(&self, size: u32) -> Store {
        Store::local(&self.socket_dir, NAME, NAME, size, self.clock.clone())
    }

    async fn wait(&self) -> Result<()> {
        let admin = Store::local(&self.socket_dir, NAME, "postgres", 1, self.clock.clone());
        let outcome = store::admin::ensure_database(&admin, NAME).await;
        admin.close().await;
        outcome.context("the private PostgreSQL does not answer")
    }

    async fn wait_or_exit(&mut self) -> Result<()> {
        let until = self.clock.instant() + START_PATIENCE;
        loop {
            let Err(error) = self.wait().await else { return Ok(()) };
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                bail!("it ended with {status}");
            }
            if self.clock.instant() > until {
                return Err(error);
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// Restarts the server whenever it ends, until `cancel`: nobody else would.
    pub async fn keep(mut self, data_dir: PathBuf, cancel: CancellationToken) -> Self {
        let mut pause = AGAIN;
        let mut rounds = Loop::new("Watching the private PostgreSQL", WATCH, cancel.clone());
        while rounds.next().await {
            if !self.has_ended() {
                continue;
            }
            warn!("The private PostgreSQL ended; starting it again");
            match Self::start(&data_dir, self.clock.clone()).await {
                Ok(again) => (self, pause) = (again, AGAIN),
                Err(error) => {
                    // What the old server left behind may take a moment to disappear.
                    warn!(error = format!("{error:#}"), "The private PostgreSQL does not start; trying again in {pause:?}");
                    let _ = timeout(pause, cancel.cancelled()).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        self
    }

    fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => self.pid.and_then(Pid::from_raw).is_none_or(|pid| rustix::process::test_kill_process(pid).is_err()),
        }
    }

    /// Stops the server: a fast shutdown first, an immediate one if that takes too long. Either way no committed data is lost.
    pub async fn stop(mut self) {
        let Some(pid) = self.pid.and_then(Pid::from_raw) else { return };
        for signal in [Signal::INT, Signal::QUIT] {
            let _ = kill_process(pid, signal);
            let until = self.clock.instant() + STOP_PATIENCE;
            while self.clock.instant() < until {
                if self.has_ended() {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
            warn!("The private PostgreSQL takes long to stop");
        }
    }
}

fn existing_major(root: &Path) -> Option<i32> {
    let entries = fs::read_dir(root).ok()?;
    let majors = entries.flatten().filter(|entry| entry.path().join("PG_VERSION").exists());
    majors.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).max()
}

/// The id of the process that holds the cluster, if it is alive.
fn running(dir: &Path) -> Option<i32> {
    let text = fs::read_to_string(dir.join("postmaster.pid")).ok()?;
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    rustix::process::test_kill_process(Pid::from_raw(pid)?).ok()?;
    Some(pid)
}

/// For root: the account that the distribution made for PostgreSQL, or else nobody. For others: `None`, which means ourselves.
fn account() -> Option<Account> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2);
        Some(Account { uid: parts.next()?.parse().ok()?, gid: parts.next()?.parse().ok()? })
    };
    entry("postgres").or_else(|| entry("nobody")).or(Some(Account { uid: 65_534, gid: 65_534 }))
}

fn socket_dir(data_dir: &Path) -> PathBuf {
    let near = data_dir.join("run");
    if near.as_os_str().len() <= LONGEST_SOCKET_DIR {
        return near;
    }
    let hash = format!("{:x}", Sha256::digest(data_dir.as_os_str().as_encoded_bytes()));
    std::env::temp_dir().join(format!("flowo-{}", &hash[..12]))
}

/// Makes a directory that only its owner can enter. An existing one must already belong to that owner.
fn private_dir(dir: &Path, account: Option<Account>) -> Result<()> {
    if !dir.exists() {
        fs::DirBuilder::new().mode(0o700).create(dir).with_context(|| format!("could not make {}", dir.display()))?;
        if let Some(account) = account {
            std::os::unix::fs::chown(dir, Some(account.uid), Some(account.gid))
                .with_context(|| format!("could not hand over {}", dir.display()))?;
        }
        return Ok(());
    }
    let owner = fs::symlink_metadata(dir)?.uid();
    let expected = account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.uid);
    if owner != expected {
        bail!("{} belongs to user {owner}, not to user {expected}; remove it or name another --data-dir", dir.display());
    }
    Ok(())
}

/// A PostgreSQL program, run under the right account and in its own process group, so that Ctrl-C in the terminal
/// reaches us first.
fn program(binaries: &Binaries, name: &str, account: Option<Account>) -> Command {
    let mut command = Command::new(binaries.dir.join(name));
    command.current_dir("/").stdin(Stdio::null()).process_group(0).env_remove("PGDATA");
    // These settings are tuned for this program, not for PostgreSQL.
    for (name, _) in crate::memory::SETTINGS {
        command.env_remove(name);
    }
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Makes the cluster in a temporary directory and renames it into place, so that a crash half-way leaves no partial cluster.
fn init(binaries: &Binaries, dir: &Path, account: Option<Account>) -> Result<()> {
    info!(version = binaries.major, "Creating the private database; this happens only once");
    let aside = dir.with_extension("new");
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    private_dir(&aside, account)?;
    let done = program(binaries, "initdb", account)
        .arg("-D")
        .arg(&aside)
        .args(["-U", NAME, "-A", "trust", "-E", "UTF8", "--no-locale", "--data-checksums"])
        .output()
        .context("could not run initdb")?;
    if !done.status.success() {
        bail!(
            "initdb failed below {} (the account that runs PostgreSQL needs access to every directory above it):\n{}",
            dir.display(),
            String::from_utf8_lossy(&done.stderr).trim()
        );
    }
    fs::rename(&aside, dir).with_context(|| format!("could not move the new cluster to {}", dir.display()))
}

fn launch(binaries: &Binaries, dir: &Path, socket_dir: &Path, log: &Path, account: Option<Account>) -> Result<Child> {
    let log: File = private_log(log)?;
    let mut command = program(binaries, "postgres", account);
    command.arg("-D").arg(dir).stdout(log.try_clone()?).stderr(log);
    let socket_dir = socket_dir.display();
    for setting in [
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories={socket_dir}"),
        "unix_socket_permissions=0700".into(),
        "max_connections=60".into(),
        "shared_buffers=128MB".into(),
        "wal_compression=on".into(),
        "max_wal_size=2GB".into(),
        "log_min_duration_statement=2000".into(),
        // Keeps values from reports out of the log: they appear neither as parameters nor in the row that a constraint refused.
        "log_parameter_max_length=0".into(),
        "log_parameter_max_length_on_error=0".into(),
        "log_error_verbosity=terse".into(),
        "log_timezone=UTC".into(),
        "timezone=UTC".into(),
    ] {
        command.arg("-c").arg(setting);
    }
    command.spawn().context("could not run postgres")
}

/// Opens the server's log for its owner alone, even if an earlier version left it readable for others.
fn private_log(path: &Path) -> Result<File> {
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let log = log.with_context(|| format!("could not open {}", path.display()))?;
    log.set_permissions(fs::Permissions::from_mode(0o600)).with_context(|| format!("could not make {} private", path.display()))?;
    Ok(log)
}

fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4096)..]).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
