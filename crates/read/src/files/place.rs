//! Where a path of a run leads: which directory it may not leave, and the path below that directory. Examines names
//! only; `open` ensures that no link leads outside.

use super::Reach;
use model::{
    access::{FileReach, name_in_root},
    file::NoFile,
};
use std::path::{Component, Path, PathBuf};

/// Placeholder for the name of the reader's account.
const USER: &str = "{user}";

/// How paths of clients map to paths of this machine, and below which directories accounts may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// The tree that clients know by the first path has the second path here.
    pub mapped: Option<(PathBuf, PathBuf)>,
    /// Directories, by the paths that clients use, below which an account may read; they may contain `{user}`. If
    /// empty, each account may read below the directory of its name in the mapped tree.
    pub given: Vec<PathBuf>,
}

/// A directory below which somebody may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The part that an admin named; for the owner, the part that the run named.
    pub top: PathBuf,
    /// The part from the first component that contains the name of an account: the account's owner may have put a link there.
    pub rest: PathBuf,
}

impl Root {
    fn whole(top: PathBuf) -> Self {
        Self { top, rest: PathBuf::new() }
    }

    pub fn path(&self) -> PathBuf {
        if self.rest.as_os_str().is_empty() { self.top.clone() } else { self.top.join(&self.rest) }
    }
}

/// A directory that may not be left, and a path that starts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub root: Root,
    /// Without `.` and `..`; empty for the root itself.
    pub way: PathBuf,
    /// All directories of this reader, including the root; a link may lead from one to another.
    pub all: Vec<Root>,
}

/// A directory: its path for clients, and its path on this machine.
type Named = (PathBuf, Root);

impl Roots {
    /// Where `path` leads, which may be relative to the directory in which the run ran.
    ///
    /// The owner may read whatever the run itself named, wherever it is; everybody else only below the roots of their account.
    ///
    /// # Errors
    /// [`NoFile::NotAPath`], [`NoFile::Nowhere`], [`NoFile::Outside`] or [`NoFile::NotGiven`].
    pub fn place(&self, reach: &Reach, path: &Path) -> Result<Place, NoFile> {
        use std::os::unix::ffi::OsStrExt as _;
        let bytes = path.as_os_str().as_bytes();
        if bytes.is_empty() || bytes.contains(&0) {
            return Err(NoFile::NotAPath);
        }
        let directory = reach.directory.as_deref().filter(|directory| directory.is_absolute()).map(plain).transpose()?;
        let whole = if path.is_absolute() { path.to_owned() } else { directory.as_deref().ok_or(NoFile::Nowhere)?.join(path) };
        let whole = plain(&whole)?;
        if reach.beneath && !directory.as_deref().is_some_and(|directory| whole.starts_with(directory)) {
            return Err(if directory.is_some() { NoFile::Outside } else { NoFile::Nowhere });
        }
        let roots = match (reach.extent, &self.mapped, directory) {
            (FileReach::Roots, ..) => self.of(&reach.account),
            (FileReach::Machine, Some((from, to)), _) => [vec![(from.clone(), Root::whole(to.clone()))], self.of(&reach.account)].concat(),
            // When somebody browses a directory, no link may lead out of it, unless the run named the file.
            (FileReach::Machine, None, Some(directory)) if reach.beneath => vec![(directory.clone(), Root::whole(directory))],
            (FileReach::Machine, None, _) => vec![("/".into(), Root::whole("/".into()))],
        };
        let refused = if reach.extent == FileReach::Roots { NoFile::NotGiven } else { NoFile::Outside };
        // Of two nested roots, the outer one.
        let widest = roots.iter().filter(|(called, _)| whole.starts_with(called)).min_by_key(|(called, _)| called.components().count());
        let (called, root) = widest.ok_or(refused)?;
        let way = whole.strip_prefix(called).map_err(|_| NoFile::Outside)?.to_owned();
        Ok(Place { root: root.clone(), way, all: roots.iter().map(|(_, here)| here.clone()).collect() })
    }

    /// Whether an account may read below any directory.
    pub fn any(&self, account: &str) -> bool {
        !self.of(account).is_empty()
    }

    /// The directories below which an account may read.
    fn of(&self, account: &str) -> Vec<Named> {
        let usual = || self.mapped.iter().map(|(from, _)| from.join(USER)).collect();
        let given: Vec<PathBuf> = if self.given.is_empty() { usual() } else { self.given.clone() };
        let named = given.iter().filter_map(|root| named(root, account));
        named.map(|(called, parts)| (called.clone(), split(&self.here(&called), parts))).collect()
    }

    /// The path on this machine for a path that clients use.
    fn here(&self, called: &Path) -> PathBuf {
        let mapped = self.mapped.as_ref().and_then(|(from, to)| Some(to.join(called.strip_prefix(from).ok()?)));
        mapped.unwrap_or_else(|| called.to_owned())
    }
}

/// A root with the account's name inserted, and the number of components from that name on; `None` if the name could
/// lead elsewhere.
fn named(root: &Path, account: &str) -> Option<(PathBuf, usize)> {
    let text = root.to_str()?;
    if !text.contains(USER) {
        return Some((root.to_owned(), 0));
    }
    let before = root.iter().take_while(|part| !part.to_string_lossy().contains(USER)).count();
    Some((text.replace(USER, name_in_root(account)?).into(), root.iter().count() - before))
}

/// Splits a directory whose last `parts` components contain the name of an account or lie below such a component.
fn split(here: &Path, parts: usize) -> Root {
    let top = here.iter().count().saturating_sub(parts).max(1);
    Root { top: here.iter().take(top).collect(), rest: here.iter().skip(top).collect() }
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

    fn reach(extent: FileReach, account: &str, directory: &str) -> Reach {
        Reach { directory: Some(directory.into()), extent, account: account.into(), beneath: false }
    }

    fn at(roots: &Roots, reach: &Reach, path: &str, named: bool) -> Result<(String, String), NoFile> {
        let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
        roots.place(&Reach { beneath: !named, ..reach.clone() }, Path::new(path)).map(|place| (text(place.root.path()), text(place.way)))
    }

    fn to(root: &str, way: &str) -> (String, String) {
        (root.into(), way.into())
    }

    #[test]
    fn an_owner_reads_beneath_the_directory_and_what_the_run_named() {
        let (roots, reach) = (Roots::default(), reach(FileReach::Machine, "owner", "/data/run"));
        assert_eq!(at(&roots, &reach, "out/a.txt", false), Ok(to("/data/run", "out/a.txt")));
        assert_eq!(at(&roots, &reach, "/data/run/./out/../b", false), Ok(to("/data/run", "b")));
        assert_eq!(at(&roots, &reach, "/data/other/b", false), Err(NoFile::Outside));
        assert_eq!(at(&roots, &reach, "../other/b", false), Err(NoFile::Outside));
        assert_eq!(at(&roots, &reach, "/data/running/b", false), Err(NoFile::Outside), "compared by components, not by characters");
        assert_eq!(at(&roots, &reach, "/ref/genome.fa", true), Ok(to("/", "ref/genome.fa")));
        assert_eq!(at(&roots, &reach, "", false), Err(NoFile::NotAPath));
        assert_eq!(at(&roots, &reach, "a\0b", false), Err(NoFile::NotAPath));
        assert_eq!(at(&roots, &Reach { directory: None, ..reach.clone() }, "out", false), Err(NoFile::Nowhere));
        assert_eq!(at(&roots, &Reach { directory: None, ..reach }, "/etc/hosts", false), Err(NoFile::Nowhere));
    }

    #[test]
    fn without_roots_nobody_else_reads_anything() {
        for directory in ["/data/run", "/", "/etc"] {
            let reach = reach(FileReach::Roots, "ana", directory);
            for path in ["out/a.txt", "shadow", "etc/passwd", "/etc/passwd", "."] {
                for named in [true, false] {
                    let found = at(&Roots::default(), &reach, path, named);
                    assert!(matches!(found, Err(NoFile::NotGiven | NoFile::Outside)), "{path} in {directory}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn a_reader_reads_beneath_the_own_roots_whatever_the_run_calls_its_directory() {
        let roots = Roots { mapped: None, given: vec!["/lab/{user}".into(), "/ref".into()] };
        let ana = reach(FileReach::Roots, "ana", "/lab/ana/run");
        assert_eq!(at(&roots, &ana, "out/a", false), Ok(to("/lab/ana", "run/out/a")));
        assert_eq!(at(&roots, &ana, "/lab/ana/other/a", true), Ok(to("/lab/ana", "other/a")));
        assert_eq!(at(&roots, &ana, "/lab/ana/other/a", false), Err(NoFile::Outside), "not of this run");
        assert_eq!(at(&roots, &ana, "/ref/g.fa", true), Ok(to("/ref", "g.fa")));
        assert_eq!(at(&roots, &ana, "/lab/ben/a", true), Err(NoFile::NotGiven));
        assert_eq!(at(&roots, &ana, "/lab/anabel/a", true), Err(NoFile::NotGiven), "compared by components, not by characters");
        assert_eq!(at(&roots, &ana, "/lab/ana/../ben/a", true), Err(NoFile::NotGiven));
        for wide in ["/", "/lab"] {
            let wide = reach(FileReach::Roots, "ana", wide);
            assert_eq!(at(&roots, &wide, "lab/ben/a", false), Err(NoFile::NotGiven));
            assert_eq!(at(&roots, &wide, "etc/shadow", false), Err(NoFile::NotGiven));
        }
        // Another reader of the same run has separate roots.
        assert_eq!(at(&roots, &Reach { account: "ben".into(), ..ana }, "out/a", false), Err(NoFile::NotGiven));
    }

    #[test]
    fn an_account_whose_name_is_a_way_has_no_root_of_its_own() {
        let roots = Roots { mapped: Some(("/lab".into(), "/mnt".into())), given: Vec::new() };
        for name in ["", ".", "..", "ana/..", "../ben", "/", "a\0"] {
            assert!(!roots.any(name), "{name:?}");
            assert_eq!(at(&roots, &reach(FileReach::Roots, name, "/lab/ana"), "a", false), Err(NoFile::NotGiven), "{name:?}");
        }
    }

    #[test]
    fn a_root_is_an_admins_word_up_to_the_name_of_the_account() {
        for (given, mapped, top, rest) in [
            ("/lab/{user}", None, "/lab", "ana"),
            ("/lab/u-{user}/flowo", None, "/lab", "u-ana/flowo"),
            ("/{user}", Some(("/", "/mnt/flowo")), "/mnt/flowo", "ana"),
            ("/lab/{user}", Some(("/lab", "/mnt/flowo")), "/mnt/flowo", "ana"),
            ("/ref/genomes", Some(("/lab", "/mnt/flowo")), "/ref/genomes", ""),
        ] {
            let mapped = mapped.map(|(from, to): (&str, &str)| (from.into(), to.into()));
            let roots = Roots { mapped, given: vec![given.into()] };
            let found: Vec<Root> = roots.of("ana").into_iter().map(|(_, root)| root).collect();
            assert_eq!(found, [Root { top: top.into(), rest: rest.into() }], "{given}");
        }
    }

    #[test]
    fn of_a_mapped_tree_the_owner_has_all_and_others_have_what_bears_their_name() {
        let roots = Roots { mapped: Some(("/lab".into(), "/mnt/flowo".into())), given: Vec::new() };
        let owner = reach(FileReach::Machine, "owner", "/lab/ana/run");
        assert_eq!(at(&roots, &owner, "out/a", false), Ok(to("/mnt/flowo", "ana/run/out/a")));
        assert_eq!(at(&roots, &owner, "/lab/ref/g.fa", true), Ok(to("/mnt/flowo", "ref/g.fa")));
        assert_eq!(at(&roots, &owner, "/lab/ref/g.fa", false), Err(NoFile::Outside), "of another run, perhaps");
        for path in ["/etc/passwd", "/lab/../etc/passwd", "../../../../etc/passwd", "/mnt/flowo/a"] {
            assert_eq!(at(&roots, &owner, path, true), Err(NoFile::Outside), "{path}");
        }
        let ana = reach(FileReach::Roots, "ana", "/lab/ana/run");
        assert_eq!(at(&roots, &ana, "out/a", false), Ok(to("/mnt/flowo/ana", "run/out/a")));
        assert_eq!(at(&roots, &ana, "/lab/ben/secret", true), Err(NoFile::NotGiven));
        assert_eq!(at(&roots, &reach(FileReach::Roots, "ana", "/lab"), "ben/secret", false), Err(NoFile::NotGiven));
        assert!(roots.any("ana"));
    }
}
