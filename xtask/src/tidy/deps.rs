//! Checks foreign crates: each has a reason, and the browser gets none that belong to the server.

use anyhow::Result;

use super::{Finding, Source};
use crate::ctx::Ctx;
use crate::step;
use crate::tools;

/// Crates that would bring I/O or a database into the browser's WASM.
const NOT_IN_BROWSER: [&str; 5] = ["sqlx", "sqlx-core", "tokio", "axum", "hyper"];

const REASON: &str = "a foreign crate has a comment with its why, on its line or the one before";
const TREE: &str = "2: the browser's program has no database, runtime or server in it";

/// Checks `[workspace.dependencies]`.
pub fn reasons(manifest: &Source, found: &mut Vec<Finding>) {
    let mut inside = false;
    let mut before = "";
    for (at, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.trim() == "[workspace.dependencies]";
        }
        let is_entry = line.starts_with(|c: char| c.is_ascii_alphanumeric()) && line.contains('=');
        let has_reason = line.contains(" # ") || before.starts_with('#');
        if inside && is_entry && !has_reason && !line.contains("path = ") {
            let name = line.split([' ', '=']).next().unwrap_or_default();
            found.push(manifest.finding(at + 1, name, REASON));
        }
        before = line.trim_start();
    }
}

/// Checks the dependencies of `frontend` as compiled for the browser.
pub fn browser(ctx: &Ctx, found: &mut Vec<Finding>) -> Result<()> {
    let mut tree = ctx.cargo(["tree", "--locked", "--package", "frontend", "--target", tools::WASM]);
    tree.args(["--edges", "normal,no-proc-macro", "--prefix", "none"]);
    let listed = step::run(&mut tree)?;
    for name in server_crates(&listed.lines) {
        found.push(Finding {
            file: "frontend/Cargo.toml".to_owned(),
            line: 0,
            what: format!("{name} is in the dependency tree"),
            why: TREE,
        });
    }
    Ok(())
}

fn server_crates(tree: &[String]) -> Vec<&'static str> {
    let has = |name: &&str| tree.iter().any(|line| line.split(' ').next() == Some(*name));
    NOT_IN_BROWSER.into_iter().filter(has).collect()
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    #[test]
    fn every_foreign_crate_has_its_reason() {
        let text = "[workspace]\nresolver = \"3\"\n[workspace.dependencies]\n\
                    model = { path = \"crates/model\" }\n# The runtime.\ntokio = \"1\"\n\
                    bytes = \"1\"  # Bodies.\nuuid = \"1\"\n[profile.dev]\ndebug = 1\n";
        let mut found = Vec::new();

        reasons(&source("Cargo.toml", text), &mut found);

        let found: Vec<_> = found.iter().map(|one| (one.line, one.what.as_str())).collect();
        assert_eq!(found, [(8, "uuid")]);
    }

    #[test]
    fn crates_are_compared_by_their_whole_name() {
        let tree = ["frontend v0.1.0", "tokio-util v0.7.20", "axum v0.8.9 (*)"];
        let tree: Vec<String> = tree.iter().map(ToString::to_string).collect();

        assert_eq!(server_crates(&tree), ["axum"]);
    }
}
