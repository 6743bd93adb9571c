//! Owner mode: the person who started the server owns it, and that person's clients need no setup.

use crate::{
    config::{Config, env, process},
    http::access::Identity,
    secrets::{self, Secrets},
};
use anyhow::{Context as _, Result, bail};
use model::{
    UserId,
    access::{Grant, Means, Role, TokenScope},
};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use store::{Store, people};
use tracing::warn;

/// The account of the operating-system user we run as.
///
/// # Errors
/// We listen on an address that others can reach, and nobody has an account yet.
pub async fn ensure(store: &Store, config: &Config) -> Result<UserId> {
    let mut conn = store.conn().await?;
    if !config.listen.ip().is_loopback() && !people::any_user(&mut conn, crate::demo::play::MARK).await? {
        bail!(
            "others can reach {}, but no account exists yet. `flowod link --listen 127.0.0.1:3100` creates the owner's account and prints a sign-in \
             link; after that, Flowo can listen on {}",
            config.listen,
            config.listen.ip()
        );
    }
    let name = os_user();
    let mut user = people::os_user(&mut conn, &name, &name, Role::Admin).await?;
    if !people::is_of(&mut conn, UserId(user.id), &name).await? {
        // The name is taken, by an account made by hand or by a user of the demo lab.
        user = people::os_user(&mut conn, &name, &format!("{name} (this machine)"), Role::Admin).await?;
    }
    Ok(UserId(user.id))
}

/// The owner as a caller that may report and change the owner's own runs, but neither other people's runs nor accounts.
pub async fn identity(store: &Store, owner: UserId) -> Result<Identity> {
    let mut conn = store.conn().await?;
    let person = people::user(&mut conn, owner).await?.context("the owner has no account")?;
    let grant = Grant { role: Role::Member, means: Means::Token(TokenScope::Write) };
    Ok(Identity::Known { id: owner, name: person.name, grant, credential: None })
}

/// The name of the operating-system user.
pub fn os_user() -> String {
    let from_passwd = || {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let passwd = fs::read_to_string("/etc/passwd").ok()?;
        passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid))?.split(':').next().map(str::to_owned)
    };
    from_passwd().or_else(|| process("USER")).or_else(|| process("LOGNAME")).unwrap_or_else(|| "owner".into())
}

/// The result of writing the client configuration.
pub struct ClientConfig {
    /// The path as people write it, with `~`.
    pub path: String,
    /// The text for the start line.
    pub line: String,
}

/// Writes the address and a token for this user's clients, if they have no configuration yet.
pub async fn write_client_config(store: &Store, secrets: &Secrets, owner: &UserId, base_url: &str) -> ClientConfig {
    let Some(path) = config_path() else {
        return ClientConfig { path: "~/.config/flowo/config.toml".into(), line: "not written: there is no home directory".into() };
    };
    let shown = tilde(&path);
    if path.exists() {
        return ClientConfig { line: format!("{shown} exists and was not changed"), path: shown };
    }
    match write(store, secrets, owner, base_url, &path).await {
        Ok(()) => ClientConfig { line: shown.clone(), path: shown },
        Err(error) => {
            warn!(error = format!("{error:#}"), "Could not write the client configuration");
            ClientConfig { line: format!("{shown} could not be written; `flowod token create` creates a token"), path: shown }
        }
    }
}

async fn write(store: &Store, secrets: &Secrets, owner: &UserId, base_url: &str, path: &PathBuf) -> Result<()> {
    let token = secrets::token()?;
    let dir = path.parent().context("the configuration has no directory")?;
    fs::create_dir_all(dir).with_context(|| format!("could not create {}", dir.display()))?;
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()), // Another process was faster.
        Err(error) => return Err(error).with_context(|| format!("could not write {}", path.display())),
    };
    let mut conn = store.conn().await?;
    people::add_token(&mut conn, *owner, "this user's clients", &secrets::shown(&token), &secrets.hash(&token), TokenScope::Admin, None)
        .await?;
    writeln!(file, "FLOWO_HOST = {}", quoted(base_url))?;
    writeln!(file, "FLOWO_USER_TOKEN = {}", quoted(&token))?;
    writeln!(file, "FLOWO_WORKING_PATH = {}", quoted(&working_path()))?;
    Ok(())
}

/// The directory of all runs, as clients call it. Without this setting they would warn about every run.
pub fn working_path() -> String {
    env("FLOWO_WORKING_PATH").unwrap_or_else(|| "/".into())
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string() // JSON's escapes are a subset of TOML's.
}

/// This user's own Flowo files: what `flowod` stores below `data_dir`, and what its clients store.
pub fn places(data_dir: &Path) -> Vec<PathBuf> {
    let config = config_path().and_then(|file| file.parent().map(Path::to_owned));
    [data_dir.to_owned()].into_iter().chain(config).collect()
}

fn config_path() -> Option<PathBuf> {
    let base = process("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| process("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("flowo/config.toml"))
}

fn tilde(path: &Path) -> String {
    match process("HOME").and_then(|home| path.strip_prefix(home).ok().map(ToOwned::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
