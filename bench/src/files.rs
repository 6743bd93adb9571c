//! Large files of a run: the end and the middle of a 5 GB log, a search in a 1 GB log, the first rows of large tables;
//! and the growth of the server's memory.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use parquet::column::writer::ColumnWriter;
use parquet::file::{properties::WriterProperties, writer::SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};

use crate::results::{Results, Target, ms};
use crate::run_page::{Measured, Reader};
use crate::server::Server;
use crate::{FilesArgs, Kept, http, runs};

const GB: u64 = 1 << 30;
/// Bytes of a block of lines that is written repeatedly.
const BLOCK: usize = 8 << 20;

pub async fn run(args: &FilesArgs) -> Result<Kept> {
    let server = Server::start().await?;
    let start = server.memory();
    let mut results = Results::open("files", &server).await?;
    let directory = tempfile::tempdir()?;
    eprintln!("files: writing them");
    let (log, searched) = (directory.path().join("large.log"), directory.path().join("searched.log"));
    let large = lines(&log, 5 * GB)?;
    lines(&searched, GB)?;
    let csv = table(&directory.path().join("rows.csv"), 1_000_000)?;
    let parquet = columns(&directory.path().join("rows.parquet"), GB)?;
    lines(&directory.path().join("small.log"), 1 << 20)?;
    table(&directory.path().join("small.csv"), 1000)?;

    let id = started(&server, directory.path(), &log).await?;
    let reader = Reader { http: http::client()?, cookie: runs::sign_in(&server).await?, base: server.url("") };
    let look = |file: &str, at: u64| json!({ "id": id, "file": { "Under": file }, "at": at });
    // The same requests for small files allocate whatever stays, whatever the size: pools, caches, the code itself.
    for _ in 0..args.times {
        reader.get(&format!("/runs/{id}?tab=logs&file=./small.log")).await?;
        reader.call("results/preview", &look("small.csv", 0)).await?;
    }
    let before = server.memory();

    let mut rows = Vec::new();
    let mut targets = Vec::new();
    let mut row = |what: &str, measured: &Measured, most: f64, targets: &mut Vec<Target>| {
        let latency = &measured.latency;
        rows.push(vec![what.to_owned(), ms(measured.first_ms), ms(latency.quantile_ms(0.5)), ms(latency.max_ms())]);
        targets.push(Target::at_most(format!("{what}, the slowest, ms"), latency.max_ms(), most));
    };
    let times = args.times;

    let mut end = Measured::default();
    for _ in 0..times {
        end.take(reader.get(&format!("/runs/{id}?tab=logs&file=./large.log")).await?);
    }
    row("page with the end of a log of 5 GiB", &end, 300.0, &mut targets);
    let mut middle = Measured::default();
    for n in 0..times {
        let at = large / u64::from(times + 1) * u64::from(n + 1);
        let answer = reader.call("logs/window", &json!({ "id": id, "file": { "Under": "large.log" }, "part": { "From": at } })).await?;
        ensure!(answer.1["window"]["Ok"]["lines"].as_array().is_some_and(|lines| lines.len() > 100), "lines from {at} on");
        middle.take(answer);
    }
    row("a jump into it", &middle, 300.0, &mut targets);

    let (first, all) = search(&reader, &id).await?;
    row("first hits in a log of 1 GiB", &first, 1000.0, &mut targets);

    for (what, file, size) in
        [("first rows of a CSV of 1 000 000 rows", "rows.csv", csv), ("first rows of a Parquet of 1 GiB", "rows.parquet", parquet)]
    {
        let mut measured = Measured::default();
        for _ in 0..times {
            let answer = reader.call("results/preview", &look(file, 0)).await?;
            ensure!(answer.1["Ok"][1]["Table"]["rows"].as_array().is_some_and(|rows| rows.len() == 200), "{what} ({size} bytes)");
            measured.take(answer);
        }
        row(what, &measured, 500.0, &mut targets);
    }

    let after = server.memory();
    if let (Some(start), Some(before), Some(after)) = (start, before, after) {
        results.text(&format!(
            "The server had {start:.0} MiB when it was ready, {before:.0} after the same questions to small files, {after:.0} in the end."
        ));
        targets.push(Target::at_most("what the server's memory grew by, MiB", (after - before).max(0.0), 32.0));
    }
    results.text(&format!(
        "Every question asked {times} times, one after the other. All of the log of 1 GiB was looked through in {all:.1} s, by questions \
         of a quarter of a second: who goes away asks no more. The Parquet has {parquet} bytes, the CSV {csv}."
    ));
    results.table(&["what", "first ms", "p50 ms", "max ms"], rows.into_iter());
    results.targets(&targets);
    results.print();
    Ok(Kept::All)
}

/// Words in one line of a million, and words that do not occur: the time to the first hits, and through the whole file.
async fn search(reader: &Reader, id: &str) -> Result<(Measured, f64)> {
    let ask = |words: &str, from: u64| json!({ "id": id, "file": { "Under": "searched.log" }, "words": words, "from": from });
    let mut first = Measured::default();
    for _ in 0..20 {
        let began = Instant::now();
        let mut from = 0;
        loop {
            let answer = reader.call("logs/find", &ask("Needle", from)).await?.1;
            let found = &answer["Ok"];
            if found["hits"].as_array().is_some_and(|hits| !hits.is_empty()) {
                break;
            }
            from = found["next"].as_u64().context("a log with the words has a hit")?;
        }
        first.take((began.elapsed(), Value::Null, 0));
    }
    let began = Instant::now();
    let mut from = Some(0);
    while let Some(at) = from {
        from = reader.call("logs/find", &ask("in no line at all", at)).await?.1["Ok"]["next"].as_u64();
    }
    Ok((first, began.elapsed().as_secs_f64()))
}

/// Reports a run that ran in `directory` and wrote `log`; returns its id.
async fn started(server: &Server, directory: &Path, log: &Path) -> Result<String> {
    let id = uuid::Uuid::new_v4().to_string();
    let body = json!({
        "event": "workflow_started",
        "record": { "workflow_id": id, "snakefile": "Snakefile", "rules": [] },
        "context": { "current_workflow_id": null, "dryrun": false, "jobs": {}, "logfile": log, "flowo_project_name": "files", "flowo_tags": [], "workdir": directory },
    });
    let request =
        http::client()?.post(server.url("/api/v1/reports/")).bearer_auth(server.token()).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await?;
    ensure!(answer.status().is_success(), "the report is taken: {}", answer.status());
    Ok(id)
}

/// A log of `size` bytes, written in full; one line of a million contains the search word.
fn lines(path: &Path, size: u64) -> Result<u64> {
    let mut block = Vec::with_capacity(BLOCK + 128);
    let mut n = 0_u64;
    while block.len() < BLOCK {
        writeln!(
            block,
            "2026-11-21 08:{:02}:{:02} INFO step {n}: aligned {} reads of sample S{:04}",
            n / 60 % 60,
            n % 60,
            n * 37 % 100_000,
            n % 1600
        )?;
        n += 1;
    }
    let mut out = File::create(path)?;
    let mut written = 0;
    while written < size {
        out.write_all(&block)?;
        written += block.len() as u64;
    }
    // One per hundred megabytes; the first comes after some megabytes.
    for at in (64..size >> 20).step_by(100) {
        out.write_all_at(b"\nERROR: Needle here\n", at << 20)?;
    }
    out.sync_all()?;
    Ok(written)
}

fn table(path: &Path, rows: u32) -> Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "id,gene,count,lfc,padj,note")?;
    for row in 0..rows {
        writeln!(
            out,
            "{row},ENSG{row:011},{},{:.4},{:e},\"row {row}, as it is\"",
            row % 9173,
            f64::from(row % 771) / 77.0 - 5.0,
            f64::from(row + 1) / 1e9
        )?;
    }
    out.flush()?;
    Ok(fs::metadata(path)?.len())
}

/// A Parquet file of about `size` bytes: numbers that do not compress.
fn columns(path: &Path, size: u64) -> Result<u64> {
    const ROWS: usize = 1 << 20;
    let names: Vec<String> = (0..8).map(|n| format!("required double x{n};")).collect();
    let schema = Arc::new(parse_message_type(&format!("message rows {{ {} }}", names.join(" ")))?);
    let mut writer = SerializedFileWriter::new(
        File::create(path)?,
        schema,
        Arc::new(WriterProperties::builder().set_dictionary_enabled(false).build()),
    )?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut number = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as f64 / 1e6
    };
    let groups = size / (8 * 8 * ROWS as u64);
    for _ in 0..groups.max(1) {
        let mut group = writer.next_row_group()?;
        while let Some(mut column) = group.next_column()? {
            let values: Vec<f64> = (0..ROWS).map(|_| number()).collect();
            if let ColumnWriter::DoubleColumnWriter(out) = column.untyped() {
                out.write_batch(&values, None, None)?;
            }
            column.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(fs::metadata(path)?.len())
}
