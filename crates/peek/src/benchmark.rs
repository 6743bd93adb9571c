//! Benchmark files of Snakemake: the resources that a job used, one entry for each time it was run. Parses text, opens no files.

use model::preview::Benchmark;
use serde_json::Value;

/// How many repeats are read.
const TIMES: usize = 1_000;
const MIB: f64 = 1_048_576.0;

/// The figures of one repeat, as far as they were measured, in the units of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Time {
    seconds: f64,
    cpu_seconds: Option<f64>,
    /// In MiB, like the following two.
    memory: Option<f64>,
    read: Option<f64>,
    written: Option<f64>,
    load: Option<f64>,
}

/// The content of a benchmark file: means over its repeats, but the maximum for memory. `None` if it is not such a file.
///
/// The file is a table separated by tabs or, if its name ends in `.jsonl`, has one object per line;
/// `--benchmark-extended` adds columns to either. Columns are found by name, because versions of Snakemake differ in which they have.
pub fn benchmark(bytes: &[u8]) -> Option<Benchmark> {
    let (times, more) = if bytes.trim_ascii_start().starts_with(b"{") { of_lines(bytes) } else { of_table(bytes)? };
    let values = |of: fn(&Time) -> Option<f64>| times.iter().filter_map(of).collect::<Vec<f64>>();
    let mean = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let most = |values: Vec<f64>| values.into_iter().max_by(f64::total_cmp);
    let bytes = |mib: f64| (mib * MIB) as u64;
    Some(Benchmark {
        times: times.len() as u32,
        more,
        seconds: mean(values(|time| Some(time.seconds)))?,
        cpu_seconds: mean(values(|time| time.cpu_seconds)),
        memory: most(values(|time| time.memory)).map(bytes),
        read: mean(values(|time| time.read)).map(bytes),
        written: mean(values(|time| time.written)).map(bytes),
        load: mean(values(|time| time.load)),
    })
}

/// Like [`benchmark`], for the beginning of a file: a repeat that is cut off does not count.
pub fn beginning(bytes: &[u8]) -> Option<Benchmark> {
    let whole = memchr::memrchr(b'\n', bytes).map_or(0, |last| last + 1);
    benchmark(&bytes[..whole]).map(|found| Benchmark { more: true, ..found })
}

/// The first repeats, and whether there are more. `None` if a column is missing that all versions have.
fn of_table(bytes: &[u8]) -> Option<(Vec<Time>, bool)> {
    // Extended columns contain values in Python syntax, including quotes.
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).flexible(true).from_reader(bytes);
    let names = reader.byte_headers().ok()?.clone();
    let column = |name: &str| names.iter().position(|held| held == name.as_bytes());
    column("s").and(column("h:m:s"))?;
    let rows = reader.byte_records().filter_map(Result::ok);
    Some(first(rows.filter_map(|row| {
        // `NA` and `-` are not numbers.
        time(|name| std::str::from_utf8(row.get(column(name)?)?).ok()?.trim().parse().ok())
    })))
}

fn of_lines(bytes: &[u8]) -> (Vec<Time>, bool) {
    let lines = bytes.split(|byte| *byte == b'\n');
    first(lines.filter_map(|line| {
        let object: Value = serde_json::from_slice(line).ok()?;
        object.get("h:m:s")?;
        time(|name| object.get(name)?.as_f64())
    }))
}

fn first(mut times: impl Iterator<Item = Time>) -> (Vec<Time>, bool) {
    let first = times.by_ref().take(TIMES).collect();
    (first, times.next().is_some())
}

/// One repeat, by its columns; `None` without a wall-clock time.
fn time(column: impl Fn(&str) -> Option<f64>) -> Option<Time> {
    let column = |name| column(name).filter(|value| value.is_finite() && *value >= 0.0);
    let seconds = column("s")?;
    // A running process has memory. For a process that ended before it was measured, the file contains zeros.
    let Some(memory) = column("max_rss").filter(|memory| *memory > 0.0) else { return Some(Time { seconds, ..Time::default() }) };
    // For a process that was measured only once, neither of these is available.
    let seen = |name| column(name).filter(|value| *value > 0.0);
    Some(Time {
        seconds,
        cpu_seconds: seen("cpu_time"),
        memory: Some(memory),
        read: column("io_in"),
        written: column("io_out"),
        load: seen("mean_load"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &str = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time";

    fn found(text: &str) -> Benchmark {
        benchmark(text.as_bytes()).expect("a benchmark")
    }

    #[test]
    fn tables_of_all_versions_are_read() {
        let both = found(&format!(
            "{NAMES}\n1.5\t0:00:01\t10.00\t20\t5\t6\t0.50\t2.00\t80.00\t1.25\n2.5\t0:00:02\t30.00\t20\t5\t6\t1.50\tNA\t-\t2.25\n"
        ));
        assert_eq!((both.times, both.seconds, both.cpu_seconds), (2, 2.0, Some(1.75)));
        assert_eq!((both.memory, both.read, both.written), (Some(30 << 20), Some(1 << 20), Some(2 << 20)));
        assert_eq!(both.load, Some(80.0));
        let short = found("s\th:m:s\n0.3\t0:00:00\n");
        assert_eq!((short.seconds, short.memory), (0.3, None));
        let extended = found(&format!(
            "{NAMES}\tjobid\trule_name\twildcards\tparams\tthreads\tcpu_usage\tresources\tinput_size_mb\n\
             1.0\t0:00:01\t4.86\t7.11\t0.38\t0.56\t0.00\t0.00\t12.50\t0.25\t2\tb\t{{'x': \"it's\"}}\t{{}}\t1\t0\t{{'tmpdir': '/tmp'}}\t{{}}\n"
        ));
        assert_eq!((extended.times, extended.load, extended.read), (1, Some(12.5), Some(0)));
    }

    #[test]
    fn objects_of_lines_are_read_like_tables() {
        let line = r#"{"cpu_time": 1.25, "cpu_usage": 0.0, "h:m:s": "0:00:01", "input_size_mb": {}, "io_in": 0.5, "io_out": null, "jobid": 1, "max_pss": 0.5, "max_rss": 10.0, "max_uss": 0.3, "max_vms": 7.1, "mean_load": 80.0, "params": {}, "s": 1.5}"#;
        let one = found(line);
        assert_eq!((one.times, one.seconds, one.cpu_seconds, one.load), (1, 1.5, Some(1.25), Some(80.0)));
        assert_eq!((one.memory, one.read, one.written), (Some(10 << 20), Some(1 << 19), None));
        let cut = found(&format!("{line}\n{}\n{}", line.replace("1.5,", "2.5,").replace("10.0", "30.0"), &line[..40]));
        assert_eq!((cut.times, cut.memory), (2, Some(30 << 20)));
        let none = found(r#"{"h:m:s": "0:00:00", "s": 0.0123, "max_rss": "NA", "io_in": "NA", "cpu_time": "NA", "mean_load": "NA"}"#);
        assert_eq!((none.seconds, none.memory, none.read, none.cpu_seconds, none.load), (0.0123, None, None, None, None));
    }

    #[test]
    fn what_was_not_measured_is_absent_and_not_nought() {
        let gone = found(&format!("{NAMES}\n0.01\t0:00:00\t0\t0\t0\t0\t0.00\t0.00\t0.00\t0.00\n"));
        assert_eq!(
            gone,
            Benchmark { times: 1, more: false, seconds: 0.01, cpu_seconds: None, memory: None, read: None, written: None, load: None }
        );
        let one_of_two = found(&format!(
            "{NAMES}\n0.01\t0:00:00\t0\t0\t0\t0\t0.00\t0.00\t0.00\t0.00\n0.03\t0:00:00\t2.00\t3\t1\t1\t4.00\t0.00\t0.00\t0.00\n"
        ));
        assert_eq!((one_of_two.times, one_of_two.seconds), (2, 0.02));
        assert_eq!((one_of_two.memory, one_of_two.read, one_of_two.written), (Some(2 << 20), Some(4 << 20), Some(0)), "as measured");
        assert_eq!((one_of_two.cpu_seconds, one_of_two.load), (None, None));
    }

    #[test]
    fn repeats_beyond_those_that_are_read_are_noticed() {
        let of = |times: usize| format!("s\th:m:s\n{}", "1.0\t0:00:01\n".repeat(times));
        assert_eq!((found(&of(TIMES)).times, found(&of(TIMES)).more), (1_000, false));
        assert_eq!((found(&of(TIMES + 1)).times, found(&of(TIMES + 1)).more), (1_000, true));
        let cut = beginning(format!("{}12.7", of(2)).as_bytes()).expect("a benchmark");
        assert_eq!((cut.times, cut.more, cut.seconds), (2, true, 1.0), "an incomplete number does not count");
    }

    #[test]
    fn other_files_are_no_benchmarks() {
        for other in [&b""[..], b"a\tb\n1\t2\n", b"s\th:m:s\nNA\tNA\n", b"\xff\0", b"{\"s\": 1}\n", b"{}", b"{\"h:m:s\": 1, \"s\": null}"] {
            assert_eq!(benchmark(other), None);
        }
    }
}
