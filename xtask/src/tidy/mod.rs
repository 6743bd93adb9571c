//! `cargo xtask tidy`: the design invariants that can be checked in the files.
//!
//! Reads files that git tracks or would track. Each finding has its place, its rule and the reason.

mod deps;
mod imports;
mod lex;
mod settings;
mod shape;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::ctx::Ctx;
use lex::Lexed;

/// A violation of a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    /// From 1; 0 for the whole file.
    pub line: usize,
    pub what: String,
    pub why: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, what, why } = self;
        write!(f, "{file}:{}: {what} ({why})", line.max(&1))
    }
}

/// A file of the checkout.
struct Source {
    /// Relative to the checkout, with slashes.
    path: String,
    bytes: u64,
    /// Empty when the file is not text.
    text: String,
}

impl Source {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|end| end == extension)
    }

    /// Whether the whole file exists only for tests.
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || ["/tests/", "/tests.rs", "crates/testkit/"].iter().any(|part| self.path.contains(part))
    }

    fn finding(&self, line: usize, what: impl Into<String>, why: &'static str) -> Finding {
        Finding { file: self.path.clone(), line, what: what.into(), why }
    }
}

pub fn run(ctx: &Ctx) -> Result<ExitCode> {
    let findings = findings(ctx)?;
    for finding in &findings {
        println!("{finding}");
    }
    println!("{} findings", findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All violations, by file and line.
pub fn findings(ctx: &Ctx) -> Result<Vec<Finding>> {
    let sources = sources(&ctx.root)?;
    let mut found = Vec::new();
    for source in &sources {
        if source.is("rs") {
            let lexed = Lexed::new(&source.text);
            words::rust(source, &lexed, &mut found);
            words::sleeps(source, &lexed, &mut found);
            words::times(source, &lexed, &mut found);
            shape::rust(source, &lexed, &mut found);
        }
        words::sql(source, &mut found);
        words::scripts(source, &mut found);
        words::places(source, &mut found);
        shape::any(source, &mut found);
    }
    let paths: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    shape::migrations(&paths, &mut found);
    if let Some(manifest) = sources.iter().find(|source| source.path == "Cargo.toml") {
        deps::reasons(manifest, &mut found);
    }
    imports::check(&sources, &mut found);
    settings::check(&sources, &mut found);
    deps::browser(ctx, &mut found)?;
    found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Ok(found)
}

fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = git.output().context("cannot run git")?;
    ensure!(listed.status.success(), "git: {}", String::from_utf8_lossy(&listed.stderr).trim());
    let mut sources = Vec::new();
    for path in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
        // The file may have been removed from disk but not from the index.
        let Ok(bytes) = fs::read(root.join(path)) else {
            continue;
        };
        sources.push(Source { path: path.to_owned(), bytes: bytes.len() as u64, text: String::from_utf8(bytes).unwrap_or_default() });
    }
    Ok(sources)
}

#[cfg(test)]
fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), bytes: text.len() as u64, text: text.to_owned() }
}
