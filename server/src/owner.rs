//! Owner mode: who started the server owns it, and that person's clients just work.

use crate::{
    access::{Identity, Scope},
    config::{Config, env},
    secrets::{self, Secrets},
};
use anyhow::{Context as _, Result, bail};
use model::UserId;
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};
use store::{Store, people};
use tracing::warn;

/// The account of the operating-system user we run as.
///
/// # Errors
/// We listen where others can reach us, and nobody has an account yet.
pub async fn ensure(store: &Store, config: &Config) -> Result<UserId> {
    let mut conn = store.conn().await?;
    if !config.listen.ip().is_loopback() && !people::any_user(&mut conn, crate::lab::MARK).await? {
        bail!(
            "{} can be reached by others and nobody has an account yet. `flowod link --listen 127.0.0.1:3100` makes the owner's and prints a link; \
             start once on 127.0.0.1 to use it, then listen on {}",
            config.listen,
            config.listen.ip()
        );
    }
    let name = os_user();
    let mut user = people::os_user(&mut conn, &name, &name, "admin").await?;
    if !people::is_of(&mut conn, UserId(user.id), &name).await? {
        // Somebody else has the name: an account made by hand, or a guest of the demo lab.
        user = people::os_user(&mut conn, &name, &format!("{name} (this machine)"), "admin").await?;
    }
    Ok(UserId(user.id))
}

/// The owner as a caller that may report and change their own, but neither what others have nor who they are.
pub async fn identity(store: &Store, owner: UserId) -> Result<Identity> {
    let mut conn = store.conn().await?;
    let person = people::user(&mut conn, owner).await?.context("the owner has no account")?;
    Ok(Identity::Known { id: owner, name: person.name, role: "member".to_owned(), scope: Scope::Write, session: false })
}

/// The name of the operating-system user.
pub fn os_user() -> String {
    let from_passwd = || {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let passwd = fs::read_to_string("/etc/passwd").ok()?;
        passwd.lines().find(|line| line.split(':').nth(2) == Some(&uid))?.split(':').next().map(str::to_owned)
    };
    from_passwd().or_else(|| env("USER")).or_else(|| env("LOGNAME")).unwrap_or_else(|| "owner".into())
}

/// What became of the client configuration.
pub struct ClientConfig {
    /// As people write it, with `~`.
    pub path: String,
    /// For the start line.
    pub line: String,
}

/// Writes address and a token for this user's clients, if they have no configuration yet.
pub async fn write_client_config(store: &Store, secrets: &Secrets, owner: &UserId, base_url: &str) -> ClientConfig {
    let Some(path) = config_path() else {
        return ClientConfig { path: "~/.config/flowo/config.toml".into(), line: "not written: there is no home directory".into() };
    };
    let shown = tilde(&path);
    if path.exists() {
        return ClientConfig { line: format!("{shown} exists, left alone"), path: shown };
    }
    match write(store, secrets, owner, base_url, &path).await {
        Ok(()) => ClientConfig { line: shown.clone(), path: shown },
        Err(error) => {
            warn!(error = format!("{error:#}"), "Could not write the client configuration");
            ClientConfig { line: format!("{shown} could not be written; `flowod token create` makes one"), path: shown }
        }
    }
}

async fn write(store: &Store, secrets: &Secrets, owner: &UserId, base_url: &str, path: &PathBuf) -> Result<()> {
    let token = secrets::token()?;
    let dir = path.parent().context("the configuration has no directory")?;
    fs::create_dir_all(dir).with_context(|| format!("could not make {}", dir.display()))?;
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()), // Somebody was faster.
        Err(error) => return Err(error).with_context(|| format!("could not write {}", path.display())),
    };
    let mut conn = store.conn().await?;
    people::add_token(&mut conn, *owner, "this user's clients", &secrets::shown(&token), &secrets.hash(&token), "admin", None).await?;
    let working_path = env("FLOWO_WORKING_PATH").unwrap_or_else(|| "/".into());
    writeln!(file, "FLOWO_HOST = {}", quoted(base_url))?;
    writeln!(file, "FLOWO_USER_TOKEN = {}", quoted(&token))?;
    writeln!(file, "FLOWO_WORKING_PATH = {}", quoted(&working_path))?;
    Ok(())
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string() // JSON's escapes are a part of TOML's.
}

fn config_path() -> Option<PathBuf> {
    let base = env("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| env("HOME").map(|home| PathBuf::from(home).join(".config")))?;
    Some(base.join("flowo/config.toml"))
}

fn tilde(path: &std::path::Path) -> String {
    match env("HOME").and_then(|home| path.strip_prefix(home).ok().map(ToOwned::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
