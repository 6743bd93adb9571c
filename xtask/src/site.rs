//! The files for browsers: WASM, its JavaScript glue, the style sheet and `public/`.
//!
//! The WASM is split: code that only one page needs (`#[lazy_route]`) is loaded with that page. The built files are in
//! a directory named after their content, so that browsers may cache them for ever; `site.json` gives the server that
//! name. The server itself is not built here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::ctx::Ctx;
use crate::stamp;
use crate::step;
use crate::tools;

/// What every page loads.
const FILES: [&str; 4] = ["flowo.js", LOADER, "flowo.wasm", "flowo.css"];
/// Loads the other parts of the WASM; Leptos expects this name.
pub const LOADER: &str = "__wasm_split.______________________.js";
/// Tells the server which parts each page needs.
const MANIFEST: &str = "__wasm_split_manifest.json";

/// Features that rustc may use in WASM; wasm-opt uses the same. Every browser since 2023 has them.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

pub struct Site {
    /// The value of `FLOWO_SITE_DIR`.
    pub dir: PathBuf,
    /// The same as one file, for a server that carries its pages.
    pub archive: PathBuf,
    /// The directory of the built files, named after their content.
    pub pkg: PathBuf,
}

impl Site {
    /// The size of one built file as a browser loads it, in bytes.
    pub fn brotli_size(&self, file: &str) -> Result<u64> {
        let path = self.pkg.join(format!("{file}.br"));
        Ok(fs::metadata(&path).with_context(|| format!("{} is missing", path.display()))?.len())
    }
}

/// The site, built from the current sources.
pub fn build(ctx: &Ctx) -> Result<Site> {
    let dir = ctx.out.join("site");
    let sources = stamp::sources(&ctx.root, stamp::SITE, &ctx.rustc)?;
    // The stamp is beside the directory, not in it, because only the site itself may be served.
    let seal = ctx.out.join("site.built");
    if stamp::is_current(&seal, &sources)
        && let Ok(site) = open(&dir)
    {
        step::present("site");
        return Ok(site);
    }
    tools::wasm_target(ctx)?;
    let npm = tools::npm(ctx)?;

    let work = ctx.out.join("site-work");
    fresh(&work)?;
    fs::create_dir(work.join("pkg"))?;
    step::step("site: wasm", || compile(ctx, &work))?;
    step::step("site: glue", || glue(&work))?;
    step::step("site: wasm-opt", || optimize(&npm, &work))?;
    step::step("site: scripts and styles", || bundle(ctx, &npm, &work))?;
    let site = step::step("site: compress", || assemble(ctx, &work, &dir))?;
    fs::remove_dir_all(&work)?;
    fs::write(&seal, "")?;
    stamp::set(&seal, &sources)?;
    for file in files(&site.pkg)?.iter().filter_map(|file| file.strip_suffix(".br")) {
        step::note(&format!("{file}: {} bytes for a browser", site.brotli_size(file)?));
    }
    Ok(site)
}

/// The directory in which cargo keeps the sources of foreign crates.
fn registry() -> Result<String> {
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let sources = home.context("cargo has no home")?.join("registry/src");
    // It has one subdirectory per registry; the first is the one we use.
    let below = fs::read_dir(&sources).ok().and_then(|mut entries| entries.next()?.ok());
    Ok(format!("{}/", below.map_or(sources, |entry| entry.path()).display()))
}

/// Compiles the WASM and splits it; the part that every page loads is `main.wasm`.
fn compile(ctx: &Ctx, work: &Path) -> Result<()> {
    let _turn = ctx.turn()?;
    let mut cargo =
        ctx.cargo(["build", "--package", "frontend", "--lib", "--target", tools::WASM, "--profile", "wasm-release", "--features", "split"]);
    // Replaces the flags of .cargo/config.toml. Removes paths of this machine, which browsers must not get. The
    // splitter needs the relocations to find dependencies.
    let flags = ["--cfg", "erase_components", "-Clink-args=--emit-relocs"];
    cargo.env("CARGO_ENCODED_RUSTFLAGS", format!("{}\u{1f}--remap-path-prefix={}=", flags.join("\u{1f}"), registry()?));
    step::run(&mut cargo)?;
    split(&ctx.target.join(tools::WASM).join("wasm-release/frontend.wasm"), work)
}

/// The script between browser and WASM, as the command `wasm-bindgen` generates it.
fn glue(work: &Path) -> Result<()> {
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.web(true)?.typescript(false).demangle(false).keep_lld_exports(true).out_name("flowo").input_path(work.join("main.wasm"));
    bindgen.generate(work.join("glue")).context("wasm-bindgen failed; its version in xtask/Cargo.toml must be that in Cargo.toml")
}

/// Writes the parts that are loaded later into `pkg/`, and the rest into `main.wasm`.
fn split(whole: &Path, work: &Path) -> Result<()> {
    let whole = fs::read(whole).with_context(|| format!("{} was not built", whole.display()))?;
    let (main, parts) = (work.join("main.wasm"), work.join("pkg"));
    let loader = format!("./{LOADER}");
    let mut options = wasm_split_cli_support::Options::new(&whole);
    options.output_dir = &parts;
    options.main_out_path = &main;
    options.main_module = "./flowo.js";
    options.link_name = &loader;
    let done = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("cannot split the WASM: {error:#}"))?;
    // Sorted, so that the same parts give the same file.
    let needs: BTreeMap<_, _> = done.prefetch_map.into_iter().collect();
    fs::write(parts.join(MANIFEST), serde_json::to_string(&needs)?)?;
    Ok(())
}

fn optimize(npm: &Path, work: &Path) -> Result<()> {
    let parts = files(&work.join("pkg"))?.into_iter().filter(|file| file.strip_suffix(".wasm").is_some());
    let mut all: Vec<(PathBuf, PathBuf)> = parts.map(|part| (work.join("pkg").join(&part), work.join("pkg").join(&part))).collect();
    all.push((work.join("glue/flowo_bg.wasm"), work.join("pkg/flowo.wasm")));
    for (from, to) in all {
        let mut opt = Command::new(npm.join("node_modules/.bin/wasm-opt"));
        opt.arg("-Oz").args(WASM_FEATURES).arg(from);
        step::run(opt.arg("-o").arg(to))?;
    }
    Ok(())
}

/// Names of the files in a directory, sorted.
fn files(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn bundle(ctx: &Ctx, npm: &Path, work: &Path) -> Result<()> {
    let glue = work.join("glue/flowo.js");
    // Pages give the WASM's name explicitly; this is the script's default.
    let script = fs::read_to_string(&glue)?.replace("flowo_bg.wasm", "flowo.wasm");
    fs::write(&glue, script)?;
    let esbuild = |input: &Path, output: &str| {
        let mut command = Command::new(npm.join("node_modules/.bin/esbuild"));
        command.arg(input).arg(format!("--outfile={}", work.join("pkg").join(output).display()));
        command.args(["--bundle", "--minify", "--log-level=warning"]).current_dir(&ctx.root);
        command
    };
    // The two scripts import each other; a browser finds them side by side.
    let outside = ["--external:./flowo.js".to_owned(), format!("--external:./{LOADER}")];
    step::run(esbuild(&glue, "flowo.js").args(["--format=esm", "--target=es2022"]).args(&outside))?;
    let loader = work.join("pkg").join(LOADER);
    step::run(esbuild(&loader, LOADER).args(["--format=esm", "--target=es2022", "--allow-overwrite"]).args(&outside))?;
    // Fonts and pictures are in public/ and keep their URLs.
    let mut style = esbuild(&ctx.root.join("style/flowo.css"), "flowo.css");
    step::run(style.args(["woff2", "svg", "png"].map(|end| format!("--external:*.{end}"))))?;
    let style = fs::read_to_string(work.join("pkg/flowo.css"))?;
    ensure!(!style.contains("@import"), "an @import of style/flowo.css was not taken in");
    Ok(())
}

/// Assembles the site beside the old one and swaps the two.
fn assemble(ctx: &Ctx, work: &Path, dir: &Path) -> Result<Site> {
    let next = dir.with_extension("next");
    fresh(&next)?;
    let built = files(&work.join("pkg"))?;
    let mut hash = Sha256::new();
    for file in &built {
        hash.update(file);
        hash.update(fs::read(work.join("pkg").join(file))?);
    }
    let name = format!("pkg-{}", stamp::short(hash));
    fs::create_dir(next.join(&name))?;
    built.par_iter().try_for_each(|file| {
        let bytes = fs::read(work.join("pkg").join(file))?;
        let path = next.join(&name).join(file);
        fs::write(&path, &bytes)?;
        if file == MANIFEST {
            return Ok(()); // Only the server reads this file.
        }
        fs::write(path.with_added_extension("gz"), gzip(&bytes)?)?;
        fs::write(path.with_added_extension("br"), brotli(&bytes)?)?;
        anyhow::Ok(())
    })?;
    copy_tree(&ctx.root.join("public"), &next)?;
    fs::write(next.join("site.json"), serde_json::json!({ "pkg": name }).to_string())?;
    pack(&next, &archive(dir))?;
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    fs::rename(&next, dir)?;
    open(dir)
}

/// The site as one file, beside its directory.
fn archive(dir: &Path) -> PathBuf {
    dir.with_extension("tar")
}

/// Writes the files of a directory into an archive; the same files give the same bytes.
fn pack(dir: &Path, archive: &Path) -> Result<()> {
    let mut packed = tar::Builder::new(Vec::new());
    packed.mode(tar::HeaderMode::Deterministic);
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            packed.append_path_with_name(entry.path(), entry.path().strip_prefix(dir)?)?;
        }
    }
    fs::write(archive, packed.into_inner()?).with_context(|| format!("cannot write {}", archive.display()))
}

/// The site in `dir`, if it is complete.
fn open(dir: &Path) -> Result<Site> {
    let site: serde_json::Value = serde_json::from_reader(File::open(dir.join("site.json"))?)?;
    let pkg = dir.join(site["pkg"].as_str().context("site.json names no pkg")?);
    for file in FILES {
        fs::metadata(pkg.join(file))?;
    }
    let archive = archive(dir);
    fs::metadata(&archive)?;
    Ok(Site { dir: dir.to_path_buf(), archive, pkg })
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

/// Copies the content of `from`; if `from` does not exist, there is nothing to copy.
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
