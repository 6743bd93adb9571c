//! Foreign crates against the advisory database of `RustSec`: the whole of it, or the snapshot beside this file.
//!
//! The snapshot has one line per advisory, with the facts that decide whether a version is affected. It needs no
//! network, so every test run checks it; it does not know advisories that are younger than itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use semver::{Version, VersionReq};

use crate::ctx::{self, Ctx};
use crate::step;
use crate::tools;

/// The snapshot, relative to the checkout.
const SNAPSHOT: &str = "xtask/src/advisories.tsv";
/// The name under which cargo-deny stores the database from this URL.
const DATABASE: (&str, &str) = ("https://github.com/rustsec/advisory-db", "advisory-db-3157b0e258782691");
/// Separates the ranges of versions in one column.
const OR: &str = " || ";

/// One line of the snapshot.
#[derive(Debug, PartialEq, Eq)]
struct Advisory {
    id: String,
    package: String,
    /// `unmaintained`, `unsound` and the like; empty for a vulnerability.
    kind: String,
    /// Ranges of versions that are not affected: mended, or never had the fault.
    safe: Vec<String>,
}

impl Advisory {
    /// Reads one file of the database; `None` if the advisory was withdrawn.
    fn of_file(text: &str) -> Result<Option<Self>> {
        let head = text.split("```").nth(1).and_then(|head| head.strip_prefix("toml")).context("no TOML at its beginning")?;
        let head: toml::Table = head.parse()?;
        let facts = head.get("advisory").and_then(toml::Value::as_table).context("no [advisory]")?;
        if facts.contains_key("withdrawn") {
            return Ok(None);
        }
        let word = |key: &str| facts.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let versions = head.get("versions").and_then(toml::Value::as_table);
        let ranges = |key: &str| {
            let list = versions.and_then(|versions| versions.get(key)?.as_array()).map_or(&[][..], Vec::as_slice);
            list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let safe = [ranges("patched"), ranges("unaffected")].concat();
        Ok(Some(Self { id: word("id"), package: word("package"), kind: word("informational"), safe }))
    }

    fn of_line(line: &str) -> Result<Self> {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, package, kind, safe] = columns[..] else { anyhow::bail!("{line:?} has not four columns") };
        let safe = safe.split(OR).filter(|range| !range.is_empty()).map(str::to_owned).collect();
        Ok(Self { id: id.to_owned(), package: package.to_owned(), kind: kind.to_owned(), safe })
    }

    fn line(&self) -> String {
        [self.id.as_str(), &self.package, &self.kind, &self.safe.join(OR)].join("\t")
    }

    fn affects(&self, version: &Version) -> Result<bool> {
        for range in &self.safe {
            let range: VersionReq = range.parse().with_context(|| format!("{}: {range:?} is no range", self.id))?;
            if range.matches(version) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What the snapshot says of the foreign crates in the lock file, but for the advisories that `deny.toml` ignores with a reason.
pub fn findings(ctx: &Ctx) -> Result<Vec<String>> {
    let read = |path: &str| fs::read_to_string(ctx.root.join(path)).with_context(|| format!("cannot read {path}"));
    affected(&read(SNAPSHOT)?, &read("Cargo.lock")?, &read("deny.toml")?)
}

fn affected(snapshot: &str, lock: &str, rules: &str) -> Result<Vec<String>> {
    let lock: toml::Table = lock.parse().context("Cargo.lock")?;
    let packages = lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock names no packages")?;
    let of = |package: &toml::Value, key: &str| package.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let mut found = Vec::new();
    for line in snapshot.lines().filter(|line| !line.starts_with('#')) {
        let advisory = Advisory::of_line(line)?;
        if rules.contains(&format!("\"{}\"", advisory.id)) {
            continue;
        }
        for package in packages
            .iter()
            .filter(|package| of(package, "source").is_some() && of(package, "name").is_some_and(|name| name == advisory.package))
        {
            let version = of(package, "version").context("a package without a version")?;
            if advisory.affects(&version.parse()?)? {
                let kind = if advisory.kind.is_empty() { "vulnerable" } else { advisory.kind.as_str() };
                found.push(format!("{} {version} is {kind}: https://rustsec.org/advisories/{}", advisory.package, advisory.id));
            }
        }
    }
    Ok(found)
}

/// Writes the snapshot from a clone of the database.
pub fn keep(ctx: &Ctx, db: &Path) -> Result<()> {
    let mut git = Command::new("git");
    let date = ctx::output(git.arg("-C").arg(db).args(["log", "-1", "--format=%cs"]))?;
    let mut advisories = Vec::new();
    for entry in walkdir::WalkDir::new(db.join("crates")).sort_by_file_name() {
        let path = entry?.into_path();
        if path.extension().is_some_and(|end| end == "md") {
            let text = fs::read_to_string(&path)?;
            advisories.extend(Advisory::of_file(&text).with_context(|| path.display().to_string())?);
        }
    }
    ensure!(!advisories.is_empty(), "{} is not a clone of the advisory database", db.display());
    advisories.sort_by(|one, other| one.id.cmp(&other.id));
    let mut text = format!(
        "# The RustSec advisory database as of {date}; written by `cargo xtask advisories --db DIR --keep`.\n\
         # Advisory, crate, kind unless it is a vulnerability, versions that are not affected.\n"
    );
    for advisory in &advisories {
        text.push_str(&advisory.line());
        text.push('\n');
    }
    fs::write(ctx.root.join(SNAPSHOT), text).with_context(|| format!("cannot write {SNAPSHOT}"))?;
    step::note(&format!("{} advisories of {date} in {SNAPSHOT}", advisories.len()));
    Ok(())
}

/// Checks the lock file against the whole database: a clone at `db`, or the one that cargo-deny fetches.
pub fn check(ctx: &Ctx, db: Option<&Path>) -> Result<()> {
    let deny = tools::cargo_deny(ctx)?;
    step::step("advisories", || {
        let mut check = Command::new(&deny);
        check.arg("--workspace").current_dir(&ctx.root);
        if let Some(db) = db {
            let dir = ctx.cache.join("advisories");
            let (url, name) = DATABASE;
            if dir.join(name).exists() {
                fs::remove_dir_all(dir.join(name))?;
            }
            fs::create_dir_all(&dir)?;
            step::run(
                Command::new("git").args(["clone", "--quiet", "--depth", "1"]).arg(format!("file://{}", db.display())).arg(dir.join(name)),
            )?;
            let rules = fs::read_to_string(ctx.root.join("deny.toml")).context("cannot read deny.toml")?;
            let here = format!(
                "[advisories]\ndb-path = {:?}\ndb-urls = [{url:?}]\nmaximum-db-staleness = \"P3650D\"\n",
                dir.display().to_string()
            );
            let config = dir.join("deny.toml");
            fs::write(&config, rules.replace("[advisories]\n", &here))?;
            check.arg("--offline").arg("--config").arg(config);
        }
        step::run(check.args(["check", "advisories"])).map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"thing\"\n\n[versions]\n\
                        patched = [\">= 1.2.3\", \">= 1.1.9, < 1.2.0\"]\nunaffected = [\"< 1.0.0\"]\n```\n\n# A fault\n";

    fn lock(version: &str) -> String {
        format!("version = 4\n\n[[package]]\nname = \"thing\"\nversion = \"{version}\"\nsource = \"registry\"\n")
    }

    #[test]
    fn a_line_holds_what_decides_and_a_withdrawn_advisory_has_none() {
        let advisory = Advisory::of_file(FILE).unwrap().unwrap();
        assert_eq!(advisory.line(), "RUSTSEC-2026-0001\tthing\t\t>= 1.2.3 || >= 1.1.9, < 1.2.0 || < 1.0.0");
        assert_eq!(Advisory::of_line(&advisory.line()).unwrap(), advisory);

        let withdrawn = FILE.replace("package =", "withdrawn = \"2026-02-01\"\npackage =");
        assert_eq!(Advisory::of_file(&withdrawn).unwrap(), None);
        let unmaintained = FILE.replace("package =", "informational = \"unmaintained\"\npackage =").replace("patched", "other");
        assert_eq!(Advisory::of_file(&unmaintained).unwrap().unwrap().line(), "RUSTSEC-2026-0001\tthing\tunmaintained\t< 1.0.0");
    }

    #[test]
    fn affected_versions_are_found_unless_a_reason_is_given() {
        let snapshot = format!("# A comment\n{}\n", Advisory::of_file(FILE).unwrap().unwrap().line());
        for (version, is_affected) in [("0.9.9", false), ("1.0.0", true), ("1.1.9", false), ("1.2.2", true), ("1.2.3", false)] {
            let found = affected(&snapshot, &lock(version), "").unwrap();
            assert_eq!(found.len(), usize::from(is_affected), "{version}: {found:?}");
        }
        assert!(affected(&snapshot, &lock("1.0.0"), "{ id = \"RUSTSEC-2026-0001\" }").unwrap().is_empty());
        assert!(affected("broken", &lock("1.0.0"), "").is_err(), "a line that cannot be read is not skipped");
    }

    #[test]
    fn the_snapshot_is_whole() {
        let lines: Vec<Advisory> = include_str!("advisories.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| Advisory::of_line(line).unwrap())
            .collect();
        assert!(lines.len() > 1_000, "{}", lines.len());
        assert!(lines.iter().all(|advisory| advisory.affects(&Version::new(0, 0, 0)).is_ok()), "every range is read");
    }
}
