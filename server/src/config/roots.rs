//! Reads from the environment where files of runs are on this machine, and the directories below which accounts may
//! read. `files::place` decides what that means for a path.

use super::env;
use anyhow::{Result, bail};
use read::files::Roots;
use std::path::{Component, PathBuf};

/// `FLOWO_WORKING_PATH` is what clients call the tree of all runs, `CONTAINER_MOUNT_PATH` is where that tree is here,
/// and `FLOWO_FILE_ROOTS` lists the directories below which accounts may read.
pub fn roots() -> Result<Roots> {
    let path = |name: &str| match env(name).map(PathBuf::from) {
        Some(path) if !path.is_absolute() => bail!("{name} is {}; an absolute path is needed", path.display()),
        path => Ok(path),
    };
    let top = || PathBuf::from("/");
    Ok(Roots {
        mapped: match (path("FLOWO_WORKING_PATH")?, path("CONTAINER_MOUNT_PATH")?) {
            (from, Some(to)) => Some((from.unwrap_or_else(top), to)),
            (Some(from), None) if from != top() => Some((from.clone(), from)),
            (_, None) => None,
        },
        given: env("FLOWO_FILE_ROOTS").map(|list| file_roots(&list)).transpose()?.unwrap_or_default(),
    })
}

/// A list of directories, separated by `:` or `,`; `{user}` in a directory stands for the name of an account.
fn file_roots(list: &str) -> Result<Vec<PathBuf>> {
    let parts = list.split([':', ',']).map(str::trim).filter(|part| !part.is_empty());
    let roots = parts.map(|part| {
        let root = PathBuf::from(part);
        let is_plain = root.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let left = part.replace("{user}", "");
        if !root.is_absolute() || !is_plain || left.contains(['{', '}']) {
            bail!("FLOWO_FILE_ROOTS names {part:?}; an absolute path without `..` is needed, with `{{user}}` as its only placeholder");
        }
        if root.components().count() < 2 {
            bail!("FLOWO_FILE_ROOTS names {part:?}, which would give every file of this machine to everybody");
        }
        // Without doubled or trailing slashes, because paths of runs are compared without them.
        Ok(root.components().collect())
    });
    roots.collect()
}

#[cfg(test)]
mod tests {
    use super::file_roots;
    use std::path::Path;

    #[test]
    fn file_roots_are_whole_directories_below_the_top() {
        let roots = file_roots("/lab/{user}: /ref/ ,/data//raw,").unwrap();
        assert_eq!(roots, ["/lab/{user}", "/ref", "/data/raw"].map(Path::new));
        for list in ["/", "lab", "./lab", "/lab/../etc", "/lab/{team}", "/lab/{user", "/ref:/"] {
            assert!(file_roots(list).is_err(), "{list:?}");
        }
    }
}
