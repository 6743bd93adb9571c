//! Where a path of a run leads: which directory it may not leave, and the way from there. Looks at names
//! only; that no link leads out is the affair of `open`.

use app::state::Reach;
use model::file::NoFile;
use std::path::{Component, Path, PathBuf};

/// How the paths of clients and those of this machine belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// The tree that clients call by the first name is here by the second. Nothing else is shown if it is set.
    pub mapped: Option<(PathBuf, PathBuf)>,
}

/// A directory that may not be left, and a way that begins there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub root: PathBuf,
    /// Without `.` and `..`; empty for the root itself.
    pub way: PathBuf,
}

impl Roots {
    /// Where `path` leads, which may be relative to where the run ran.
    ///
    /// What the run itself named the owner may read wherever it is.
    ///
    /// # Errors
    /// [`NoFile::NotAPath`], [`NoFile::Nowhere`] or [`NoFile::Outside`].
    pub fn place(&self, reach: &Reach, path: &Path) -> Result<Place, NoFile> {
        use std::os::unix::ffi::OsStrExt as _;
        let named = !reach.beneath;
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() || bytes.contains(&0) {
            return Err(NoFile::NotAPath);
        }
        let directory = reach.directory.as_deref().filter(|directory| directory.is_absolute()).map(plain).transpose()?;
        let whole = if path.is_absolute() { path.to_owned() } else { directory.as_deref().ok_or(NoFile::Nowhere)?.join(path) };
        let whole = plain(&whole)?;
        if let Some((from, to)) = &self.mapped {
            let way = whole.strip_prefix(from).map_err(|_| NoFile::Outside)?;
            let inside = directory.is_some_and(|directory| whole.starts_with(directory));
            return if inside || named { Ok(Place { root: to.clone(), way: way.to_owned() }) } else { Err(NoFile::Outside) };
        }
        if !reach.owner {
            return Err(NoFile::Outside);
        }
        if named {
            let way = whole.strip_prefix("/").map_err(|_| NoFile::Outside)?;
            return Ok(Place { root: "/".into(), way: way.to_owned() });
        }
        let directory = directory.ok_or(NoFile::Nowhere)?;
        let way = whole.strip_prefix(&directory).map_err(|_| NoFile::Outside)?;
        Ok(Place { way: way.to_owned(), root: directory })
    }
}

/// `path`, which is absolute, without `.` and `..`; an error if it would climb above the top.
fn plain(path: &Path) -> Result<PathBuf, NoFile> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if !plain.pop() => return Err(NoFile::Outside),
            Component::ParentDir | Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => plain.push(part),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(roots: &Roots, reach: &Reach, path: &str, named: bool) -> Result<(String, String), NoFile> {
        let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
        roots.place(&Reach { beneath: !named, ..reach.clone() }, Path::new(path)).map(|place| (text(place.root), text(place.way)))
    }

    fn to(root: &str, way: &str) -> (String, String) {
        (root.into(), way.into())
    }

    #[test]
    fn an_owner_reads_beneath_the_directory_and_what_the_run_named() {
        let (roots, reach) = (Roots::default(), Reach { directory: Some("/data/run".into()), owner: true, beneath: false });
        assert_eq!(at(&roots, &reach, "out/a.txt", false), Ok(to("/data/run", "out/a.txt")));
        assert_eq!(at(&roots, &reach, "/data/run/./out/../b", false), Ok(to("/data/run", "b")));
        assert_eq!(at(&roots, &reach, "/data/other/b", false), Err(NoFile::Outside));
        assert_eq!(at(&roots, &reach, "../other/b", false), Err(NoFile::Outside));
        assert_eq!(at(&roots, &reach, "/data/running/b", false), Err(NoFile::Outside), "not by its letters");
        assert_eq!(at(&roots, &reach, "/ref/genome.fa", true), Ok(to("/", "ref/genome.fa")));
        assert_eq!(at(&roots, &reach, "", false), Err(NoFile::NotAPath));
        assert_eq!(at(&roots, &reach, "a\0b", false), Err(NoFile::NotAPath));
        assert_eq!(at(&roots, &Reach { directory: None, owner: true, beneath: false }, "out", false), Err(NoFile::Nowhere));
        assert_eq!(at(&roots, &Reach { owner: false, ..reach }, "out/a.txt", true), Err(NoFile::Outside));
    }

    #[test]
    fn a_mapped_tree_is_all_there_is() {
        let roots = Roots { mapped: Some(("/lab".into(), "/mnt/flowo".into())) };
        let reach = Reach { directory: Some("/lab/ana/run".into()), owner: false, beneath: false };
        assert_eq!(at(&roots, &reach, "out/a", false), Ok(to("/mnt/flowo", "ana/run/out/a")));
        assert_eq!(at(&roots, &reach, "/lab/ref/g.fa", true), Ok(to("/mnt/flowo", "ref/g.fa")));
        assert_eq!(at(&roots, &reach, "/lab/ref/g.fa", false), Err(NoFile::Outside), "of another run, perhaps");
        assert_eq!(at(&roots, &reach, "/etc/passwd", true), Err(NoFile::Outside));
        assert_eq!(at(&roots, &reach, "/lab/../etc/passwd", true), Err(NoFile::Outside));
        assert_eq!(at(&roots, &reach, "../../../../etc/passwd", true), Err(NoFile::Outside));
    }
}
