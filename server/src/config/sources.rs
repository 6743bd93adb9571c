//! Settings by name: from the environment, else from `.env` in the working directory.
//!
//! A working directory may belong to anybody: a cloned repository, a shared scratch space. So a `.env` is refused if
//! others own it or may write it, or if it names programs or directories whose content is executed.

use anyhow::{Context as _, Result, bail};
use rustix::process::geteuid;
use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::OnceLock,
};

/// The name of the file, in the working directory.
const FILE: &str = ".env";
/// Bytes of the file that are read; no honest one is longer.
const MAX_FILE: u64 = 1 << 20;
/// Settings that the file may not contain, and where to set them instead. Each names code that is executed.
const NOT_IN_FILE: [(&str, &str); 3] = [
    ("FLOWO_PG_BIN", "the environment"),
    ("FLOWO_DATA_DIR", "--data-dir or the environment"),
    ("FLOWO_SITE_DIR", "--site-dir or the environment"),
];

/// Settings that nobody else should read.
const SECRETS: [&str; 3] = ["SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_URL"];

/// Where a setting comes from; the first place wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Environment,
    File,
}

impl Place {
    pub const ALL: [Self; 2] = [Self::Environment, Self::File];

    /// A setting from this place; empty counts as absent.
    pub fn get(self, name: &str) -> Option<String> {
        match self {
            Self::Environment => process(name),
            Self::File => file().as_ref().ok()?.get(name).cloned(),
        }
    }
}

/// A setting from the environment or from `.env`; empty counts as absent.
pub fn env(name: &str) -> Option<String> {
    Place::ALL.into_iter().find_map(|place| place.get(name))
}

/// A setting from the environment alone, for names of programs, homes and people.
pub fn process(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads `.env`, so that a bad one stops the program before any of its settings is used.
///
/// # Errors
/// The file belongs to somebody else, others may write it, it cannot be read, or it contains a setting that it may not.
pub fn check() -> Result<()> {
    match file() {
        Ok(_) => Ok(()),
        Err(why) => bail!("{why}"),
    }
}

/// Fails if a file or directory exists and belongs to somebody else.
///
/// # Errors
/// The owner is neither the current user nor root.
pub fn ours(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(()) };
    owned(&metadata, geteuid().as_raw()).with_context(|| format!("{} is refused", path.display()))
}

/// The settings in `.env`, or why the file is refused; read once.
fn file() -> &'static Result<HashMap<String, String>, String> {
    static READ: OnceLock<Result<HashMap<String, String>, String>> = OnceLock::new();
    READ.get_or_init(|| read(Path::new(FILE), geteuid().as_raw()).map_err(|error| format!("{error:#}")))
}

/// The settings of a file, for the user with id `me`; none if there is no such file.
fn read(path: &Path, me: u32) -> Result<HashMap<String, String>> {
    // A directory of that name is a Python environment.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(HashMap::new());
    }
    let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let shown = shown.display();
    // A symbolic link owned by somebody else could point to a file of ours that was meant for another place.
    let link = fs::symlink_metadata(path).with_context(|| format!("{shown} cannot be inspected"))?;
    owned(&link, me).with_context(|| format!("{shown} is refused"))?;
    let file = File::open(path).with_context(|| format!("{shown} cannot be read, so its settings would be ignored"))?;
    let metadata = file.metadata().with_context(|| format!("{shown} cannot be inspected"))?;
    owned(&metadata, me).with_context(|| format!("{shown} is refused"))?;
    if metadata.mode() & 0o022 != 0 {
        bail!("{shown} is refused: others may write it (mode {:o}). `chmod go-w {shown}` fixes that", metadata.mode() & 0o777);
    }
    let mut text = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut text).with_context(|| format!("{shown} cannot be read"))?;
    if text.len() as u64 > MAX_FILE {
        bail!("{shown} is refused: it is longer than {MAX_FILE} bytes");
    }
    let (mut settings, mut unread) = (HashMap::new(), 0);
    for line in dotenvy::from_read_iter(text.as_slice()) {
        match line {
            Ok((name, value)) if !value.is_empty() => drop(settings.insert(name, value)),
            Ok(_) => {}
            Err(_) => unread += 1, // The line is not shown: it may hold a password.
        }
    }
    if unread > 0 {
        eprintln!("flowod: {unread} lines of {shown} are not valid and have no effect");
    }
    if metadata.mode() & 0o044 != 0 && SECRETS.iter().any(|name| settings.contains_key(*name)) {
        eprintln!("flowod: others can read {shown}, which holds a password or key; `chmod 600 {shown}` fixes that");
    }
    for (name, instead) in NOT_IN_FILE {
        if settings.contains_key(name) {
            bail!(
                "{shown} sets {name}, which names code that runs. A file in the working directory may not set it. Remove it from \
                 {shown}, and use {instead}"
            );
        }
    }
    Ok(settings)
}

/// Fails unless `me` or root owns the file.
fn owned(metadata: &Metadata, me: u32) -> Result<()> {
    if metadata.uid() == me || metadata.uid() == 0 {
        return Ok(());
    }
    bail!("it belongs to user {}, and flowod runs as user {me}. Start flowod in a directory of your own", metadata.uid());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn file(dir: &Path, text: &str, mode: u32) -> std::path::PathBuf {
        let path = dir.join(".env");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_of_ones_own_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), "# said\nPORT=3200\nexport FLOWO_HOST=\"http://h\"\nEMPTY=\n", 0o600);
        let settings = read(&path, geteuid().as_raw()).unwrap();
        assert_eq!((settings["PORT"].as_str(), settings["FLOWO_HOST"].as_str()), ("3200", "http://h"));
        assert!(!settings.contains_key("EMPTY"));
    }

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o666, 0o664, 0o622, 0o777] {
            let refused = read(&file(dir.path(), "PORT=3200\n", mode), geteuid().as_raw()).unwrap_err();
            assert!(format!("{refused:#}").contains("chmod go-w"), "{mode:o}: {refused:#}");
        }
    }

    #[test]
    fn a_file_or_link_of_somebody_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), "PORT=3200\n", 0o644);
        let me = geteuid().as_raw();
        if me == 0 {
            std::os::unix::fs::chown(&path, Some(4242), None).unwrap();
        }
        let stranger = if me == 0 { me } else { me + 1 };
        let refused = read(&path, stranger).unwrap_err();
        assert!(format!("{refused:#}").contains("belongs to user"), "{refused:#}");

        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(read(&link, stranger).is_err());
    }

    #[test]
    fn no_file_names_programs() {
        let dir = tempfile::tempdir().unwrap();
        for (name, _) in NOT_IN_FILE {
            let refused = read(&file(dir.path(), &format!("{name}=/evil\n"), 0o600), geteuid().as_raw()).unwrap_err();
            assert!(format!("{refused:#}").contains(name), "{refused:#}");
        }
    }

    #[test]
    fn what_is_no_file_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".env")).unwrap();
        for name in [".env", "absent"] {
            assert!(read(&dir.path().join(name), geteuid().as_raw()).unwrap().is_empty(), "{name}");
        }
    }
}
