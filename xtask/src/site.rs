//! What browsers load: WASM, its JavaScript glue, the style sheet and `public/`.
//!
//! The three built files lie in a directory named after their content, so that browsers may keep
//! them for ever; `site.json` tells the server that name. The server itself is not built here.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::ctx::Ctx;
use crate::stamp;
use crate::step;
use crate::tools;

const FILES: [&str; 3] = ["flowo.js", "flowo.wasm", "flowo.css"];

/// What rustc may use in WASM; wasm-opt keeps to the same. Every browser since 2023 has these.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

pub struct Site {
    /// For `FLOWO_SITE_DIR`.
    pub dir: PathBuf,
    /// The directory of the built files, named after their content.
    pub pkg: PathBuf,
}

impl Site {
    /// Bytes a browser loads for one of the built files.
    pub fn brotli_size(&self, file: &str) -> Result<u64> {
        let path = self.pkg.join(format!("{file}.br"));
        Ok(fs::metadata(&path).with_context(|| format!("{} is missing", path.display()))?.len())
    }
}

/// The site, made from the sources as they are now.
pub fn build(ctx: &Ctx) -> Result<Site> {
    let dir = ctx.out.join("site");
    let sources = stamp::sources(&ctx.root, stamp::SITE, &ctx.rustc)?;
    // The stamp is kept beside the directory, not in it: nothing but the site is served.
    let seal = ctx.out.join("site.built");
    if stamp::is_current(&seal, &sources)
        && let Ok(site) = open(&dir)
    {
        step::present("site");
        return Ok(site);
    }
    tools::wasm_target(ctx)?;
    let bindgen = tools::wasm_bindgen(ctx)?;
    let npm = tools::npm(ctx)?;

    let work = ctx.out.join("site-work");
    fresh(&work)?;
    step::step("site: wasm", || compile(ctx, &bindgen, &work))?;
    step::step("site: wasm-opt", || {
        let mut opt = Command::new(npm.join("node_modules/.bin/wasm-opt"));
        opt.arg("-Oz").args(WASM_FEATURES).arg(work.join("glue/flowo_bg.wasm"));
        step::run(opt.arg("-o").arg(work.join("flowo.wasm"))).map(drop)
    })?;
    step::step("site: scripts and styles", || bundle(ctx, &npm, &work))?;
    let site = step::step("site: compress", || assemble(ctx, &work, &dir))?;
    fs::remove_dir_all(&work)?;
    fs::write(&seal, "")?;
    stamp::set(&seal, &sources)?;
    for file in FILES {
        step::note(&format!("{file}: {} bytes for a browser", site.brotli_size(file)?));
    }
    Ok(site)
}

/// Where cargo keeps the sources of foreign crates.
fn registry() -> Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let sources = home.context("cargo has no home")?.join("registry/src");
    // One directory below it for each registry; the first is the one we use.
    let below = fs::read_dir(&sources).ok().and_then(|mut entries| entries.next()?.ok());
    Ok(format!("{}/", below.map_or(sources, |entry| entry.path()).display()))
}

fn compile(ctx: &Ctx, bindgen: &Path, work: &Path) -> Result<()> {
    let _turn = ctx.turn()?;
    let mut cargo = ctx.cargo(["build", "--package", "frontend", "--lib", "--target", tools::WASM, "--profile", "wasm-release"]);
    // Replaces the flags of .cargo/config.toml. Paths of this machine have no business in a browser.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", format!("--cfg\u{1f}erase_components\u{1f}--remap-path-prefix={}=", registry()?));
    step::run(&mut cargo)?;
    let built = ctx.target.join(tools::WASM).join("wasm-release/frontend.wasm");
    let mut glue = Command::new(bindgen);
    glue.args(["--target", "web", "--no-typescript", "--out-name", "flowo", "--out-dir"]);
    step::run(glue.arg(work.join("glue")).arg(built))?;
    Ok(())
}

fn bundle(ctx: &Ctx, npm: &Path, work: &Path) -> Result<()> {
    let glue = work.join("glue/flowo.js");
    // The pages name the WASM themselves; this is where the script looks when nobody does.
    let script = fs::read_to_string(&glue)?.replace("flowo_bg.wasm", "flowo.wasm");
    fs::write(&glue, script)?;
    let esbuild = |input: &Path, output: &str| {
        let mut command = Command::new(npm.join("node_modules/.bin/esbuild"));
        command.arg(input).arg(format!("--outfile={}", work.join(output).display()));
        command.args(["--bundle", "--minify", "--log-level=warning"]).current_dir(&ctx.root);
        command
    };
    step::run(esbuild(&glue, "flowo.js").args(["--format=esm", "--target=es2022"]))?;
    // Fonts and pictures lie in public/ and keep their addresses.
    let mut style = esbuild(&ctx.root.join("style/flowo.css"), "flowo.css");
    step::run(style.args(["woff2", "svg", "png"].map(|end| format!("--external:*.{end}"))))?;
    let style = fs::read_to_string(work.join("flowo.css"))?;
    ensure!(!style.contains("@import"), "an @import of style/flowo.css was not taken in");
    Ok(())
}

/// Puts the site together beside the old one and swaps them.
fn assemble(ctx: &Ctx, work: &Path, dir: &Path) -> Result<Site> {
    let next = dir.with_extension("next");
    fresh(&next)?;
    let mut hash = Sha256::new();
    for file in FILES {
        hash.update(fs::read(work.join(file)).with_context(|| format!("{file} was not built"))?);
    }
    let name = format!("pkg-{}", stamp::short(hash));
    fs::create_dir(next.join(&name))?;
    for file in FILES {
        let bytes = fs::read(work.join(file))?;
        let path = next.join(&name).join(file);
        fs::write(&path, &bytes)?;
        fs::write(path.with_added_extension("gz"), gzip(&bytes)?)?;
        fs::write(path.with_added_extension("br"), brotli(&bytes)?)?;
    }
    copy_tree(&ctx.root.join("public"), &next)?;
    fs::write(next.join("site.json"), serde_json::json!({ "pkg": name }).to_string())?;
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::rename(&next, dir)?;
    open(dir)
}

/// The site in `dir`, if it is whole.
fn open(dir: &Path) -> Result<Site> {
    let site: serde_json::Value = serde_json::from_reader(File::open(dir.join("site.json"))?)?;
    let pkg = dir.join(site["pkg"].as_str().context("site.json names no pkg")?);
    for file in FILES {
        fs::metadata(pkg.join(file))?;
    }
    Ok(Site { dir: dir.to_path_buf(), pkg })
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn brotli(mut bytes: &[u8]) -> Result<Vec<u8>> {
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut bytes, &mut packed, &params)?;
    Ok(packed)
}

fn fresh(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}

/// Copies what is in `from`; that there is no `from` means there is nothing to copy.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for entry in walkdir::WalkDir::new(from).into_iter().filter_map(Result::ok) {
        let target = to.join(entry.path().strip_prefix(from)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn compressed_files_unpack_to_what_they_were() {
        let text = b"the same words, the same words, the same words".repeat(50);

        let (gz, br) = (gzip(&text).unwrap(), brotli(&text).unwrap());

        let mut from_gz = Vec::new();
        flate2::read::GzDecoder::new(&gz[..]).read_to_end(&mut from_gz).unwrap();
        let mut from_br = Vec::new();
        brotli::Decompressor::new(&br[..], 4096).read_to_end(&mut from_br).unwrap();
        assert_eq!((from_gz, from_br), (text.clone(), text));
    }
}
