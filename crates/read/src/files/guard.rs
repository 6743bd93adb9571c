//! Files that nobody may read, whoever asks and whatever path a run named: keys, passwords, and Flowo's own files.
//!
//! The guard examines the opened file, not the path that was requested: its real path, the directories along that path,
//! and its inode number, which hard links share. It neither opens files nor knows who asks.

use model::{
    clock::{Clock, Instant},
    file::NoFile,
};
use std::{
    collections::HashSet,
    fs::{self, File, Metadata},
    os::{
        fd::{AsFd, AsRawFd as _},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Consecutive names in a path, ignoring case: everything below such a directory is guarded.
const DIRECTORIES: &[&[&str]] = &[
    &[".ssh"],
    &[".gnupg"],
    &[".aws"],
    &[".azure"],
    &[".kube"],
    &[".docker"],
    &[".oci"],
    &[".globus"],
    &[".irods"],
    &[".password-store"],
    &[".config", "flowo"],
    &[".config", "gcloud"],
    &[".config", "gh"],
    &[".config", "rclone"],
    &[".local", "share", "flowo"],
    &[".local", "share", "keyrings"],
    &["etc", "sudoers.d"],
    &["etc", "ssh"],
    &["etc", "ssl", "private"],
    &["etc", "pki", "tls", "private"],
    &["etc", "letsencrypt"],
    &["etc", "wireguard"],
    &["etc", "networkmanager", "system-connections"],
];
/// The same for files: the last parts of their paths.
const FILES: &[&[&str]] = &[
    &["id_rsa"],
    &["id_dsa"],
    &["id_ecdsa"],
    &["id_ed25519"],
    &[".env"],
    &[".envrc"],
    &[".pgpass"],
    &[".netrc"],
    &["_netrc"],
    &[".git-credentials"],
    &[".my.cnf"],
    &[".mylogin.cnf"],
    &[".pypirc"],
    &[".npmrc"],
    &[".boto"],
    &[".s3cfg"],
    &[".dockercfg"],
    &[".htpasswd"],
    &[".vault-token"],
    &[".renviron"],
    &[".bash_history"],
    &[".zsh_history"],
    &[".psql_history"],
    &["etc", "shadow"],
    &["etc", "shadow-"],
    &["etc", "gshadow"],
    &["etc", "gshadow-"],
    &["etc", "master.passwd"],
    &["etc", "security", "opasswd"],
    &["etc", "sudoers"],
    &["etc", "krb5.keytab"],
];
/// Where containers and clusters put secrets for programs.
const ENTRUSTED: [&str; 2] = ["/run/secrets", "/var/run/secrets"];
/// Prefixes of names of such files.
const BEGINNINGS: &[&str] = &[".env.", "krb5cc_"];

/// How long the inode numbers of guarded files are cached.
const FRESH: Duration = Duration::from_secs(5);
/// How many entries of one guarded directory are known by their inode numbers; hard links to further entries are not detected.
const ENTRIES: usize = 20_000;

/// A device and an inode number on it.
type Number = (u64, u64);

/// Decides what is shown to nobody.
#[derive(Debug, Default)]
pub struct Guard {
    places: Vec<PathBuf>,
    known: Mutex<Option<(Instant, Arc<Known>)>>,
}

/// Inode numbers of what is shown to nobody.
#[derive(Debug, Default)]
struct Known {
    places: HashSet<Number>,
    /// Files below guarded directories.
    beneath: HashSet<Number>,
}

impl Guard {
    /// Guards `places`, which are Flowo's own, and the private files in `home`.
    pub fn new(mut places: Vec<PathBuf>, home: Option<&Path>) -> Self {
        let ends = DIRECTORIES.iter().chain(FILES).map(|parts| parts.iter().collect::<PathBuf>());
        places.extend(ends.filter_map(|end| if end.starts_with("etc") { Some(Path::new("/").join(end)) } else { Some(home?.join(end)) }));
        places.extend(ENTRUSTED.map(PathBuf::from));
        // The settings with which Flowo itself was started.
        places.extend(std::env::current_dir().ok().map(|here| here.join(".env")));
        Self { places, known: Mutex::default() }
    }

    /// Returns an error if the opened `file` is guarded; `real` is its real path.
    ///
    /// Costs one file system query for each directory on the path.
    ///
    /// # Errors
    /// [`NoFile::Secret`], or [`NoFile::Missing`] for a file that has no name any more.
    pub fn check(&self, file: &Metadata, real: &Path, clock: &Clock) -> Result<(), NoFile> {
        if is_named(real) {
            return Err(NoFile::Secret);
        }
        if file.nlink() == 0 {
            return Err(NoFile::Missing);
        }
        let known = self.known(clock);
        let is_one = |number: Number| known.places.contains(&number);
        let number = (file.dev(), file.ino());
        let above = real.ancestors().skip(1).filter_map(|above| fs::metadata(above).ok());
        let has_other_names = file.nlink() > 1 && known.beneath.contains(&number);
        if is_one(number) || has_other_names || above.map(|above| (above.dev(), above.ino())).any(is_one) {
            return Err(NoFile::Secret);
        }
        Ok(())
    }

    /// The inode numbers now or a moment ago: a directory may have been created or moved.
    fn known(&self, clock: &Clock) -> Arc<Known> {
        let mut held = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, known)) = &mut *held {
            if clock.since(*at) < FRESH {
                return Arc::clone(known);
            }
            // Other requests go on with the old numbers: a hanging file system delays only the request that refreshes them.
            *at = clock.instant();
            drop(held);
            let known = self.look();
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((clock.instant(), Arc::clone(&known)));
            return known;
        }
        let known = self.look();
        *held = Some((clock.instant(), Arc::clone(&known)));
        known
    }

    fn look(&self) -> Arc<Known> {
        let mut known = Known::default();
        for place in &self.places {
            let Ok(facts) = fs::metadata(place) else { continue };
            known.places.insert((facts.dev(), facts.ino()));
            if facts.is_dir() {
                note(place, &mut known.beneath);
            }
        }
        Arc::new(known)
    }
}

/// Records the files below a directory. Follows no links.
fn note(dir: &Path, found: &mut HashSet<Number>) {
    let (mut open, mut left) = (vec![dir.to_owned()], ENTRIES);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
            if left == 0 {
                return;
            }
            left -= 1;
            let Ok(facts) = entry.metadata() else { continue };
            if facts.is_dir() {
                open.push(entry.path());
            } else if facts.is_file() {
                found.insert((facts.dev(), facts.ino()));
            }
        }
    }
}

/// Whether a real path has a guarded name, ignoring case, because some file systems do.
fn is_named(real: &Path) -> bool {
    let parts: Vec<String> = real.components().map(|part| part.as_os_str().to_string_lossy().to_ascii_lowercase()).collect();
    let is_beneath = DIRECTORIES.iter().any(|name| parts.windows(name.len()).any(|some| some == *name));
    let is_one = FILES.iter().any(|name| parts.ends_with(&name.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>()));
    is_beneath || is_one || parts.last().is_some_and(|last| BEGINNINGS.iter().any(|start| last.starts_with(start)))
}

/// The real path of the opened file, with all links resolved.
///
/// # Errors
/// [`NoFile::Outside`] if it cannot be determined because the file is being moved.
pub fn real(opened: impl AsFd, way: &Path) -> Result<PathBuf, NoFile> {
    let opened = opened.as_fd();
    if let Ok(real) = fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd())) {
        return Ok(real);
    }
    // Without /proc: the path that was used, if it still leads to the same file.
    let file = opened.try_clone_to_owned().map(File::from);
    let numbers = file.and_then(|file| file.metadata()).map(|facts| (facts.dev(), facts.ino()));
    let real = way.canonicalize().map_err(|_| NoFile::Outside)?;
    let there = fs::metadata(&real).map(|facts| (facts.dev(), facts.ino()));
    match (numbers, there) {
        (Ok(one), Ok(other)) if one == other => Ok(real),
        _ => Err(NoFile::Outside),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_passwords_are_known_by_their_names() {
        for path in [
            "/home/ana/.ssh/config",
            "/home/ana/.SSH/known_hosts",
            "/data/run/.env",
            "/data/run/.env.production",
            "/etc/shadow",
            "/mnt/image/etc/shadow",
            "/home/ana/.config/flowo/config.toml",
            "/home/ana/.aws/credentials",
            "/tmp/krb5cc_1000",
            "/data/run/keys/id_ed25519",
            "/etc/NetworkManager/system-connections/lab",
        ] {
            assert!(is_named(Path::new(path)), "{path}");
        }
        for path in [
            "/data/run/a.env",
            "/data/env/x",
            "/data/run/environment.yaml",
            "/data/ssh/x",
            "/data/shadow",
            "/data/run/config/flowo/x",
            "/etc/passwd",
            "/data/.envs/map/bin/x",
            "/data/run/.env/bin/python",
            "/data/run/secrets/x.tsv",
            "/data/run/secrets.tsv",
        ] {
            assert!(!is_named(Path::new(path)), "{path}");
        }
    }
}
