//! Benchmark files of Snakemake: a row of numbers for each time a job was run. Reads text, no files.

use model::preview::Benchmark;

/// Repeats that are looked at.
const TIMES: usize = 1_000;
const MIB: f64 = 1_048_576.0;

/// What a benchmark file says: means over its repeats, of memory the most. `None` for what is no such file.
///
/// Columns are found by name; versions of Snakemake differ in which they have. `NA` and `-` are no numbers.
pub fn benchmark(bytes: &[u8]) -> Option<Benchmark> {
    let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').flexible(true).from_reader(bytes);
    let names = reader.byte_headers().ok()?.clone();
    let column = |name: &str| names.iter().position(|held| held == name.as_bytes());
    let (seconds, clock) = (column("s")?, column("h:m:s")?);
    let _ = clock;
    let rows: Vec<csv::ByteRecord> = reader.byte_records().take(TIMES).filter_map(Result::ok).collect();
    let values = |column: Option<usize>| -> Vec<f64> {
        let cells = rows.iter().filter_map(|row| std::str::from_utf8(row.get(column?)?).ok()?.trim().parse::<f64>().ok());
        cells.filter(|value| value.is_finite() && *value >= 0.0).collect()
    };
    let mean = |values: &[f64]| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let most = |values: &[f64]| values.iter().copied().max_by(f64::total_cmp);
    // A job that was over before it was looked at a second time has a processor time of nought.
    let seen = |value: &f64| *value > 0.0;
    let took = values(Some(seconds));
    Some(Benchmark {
        times: took.len() as u32,
        seconds: mean(&took)?,
        cpu_seconds: mean(&values(column("cpu_time"))).filter(seen),
        memory: most(&values(column("max_rss"))).map(|mib| (mib * MIB) as u64),
        read: mean(&values(column("io_in"))).map(|mib| (mib * MIB) as u64),
        written: mean(&values(column("io_out"))).map(|mib| (mib * MIB) as u64),
        load: mean(&values(column("mean_load"))).filter(seen),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_all_versions_are_read() {
        let text = b"s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n\
                     1.5\t0:00:01\t10.00\t20\t5\t6\t0.50\t2.00\t80.00\t1.25\n2.5\t0:00:02\t30.00\t20\t5\t6\t1.50\tNA\t-\t2.25\n";
        let found = benchmark(text).expect("a benchmark");
        assert_eq!((found.times, found.seconds, found.cpu_seconds), (2, 2.0, Some(1.75)));
        assert_eq!((found.memory, found.read, found.written), (Some(30 << 20), Some(1 << 20), Some(2 << 20)));
        assert_eq!(found.load, Some(80.0));
        let short = benchmark(b"s\th:m:s\n0.3\t0:00:00\n").expect("a benchmark");
        assert_eq!((short.seconds, short.memory), (0.3, None));
        let once = benchmark(b"s\th:m:s\tmax_rss\tmean_load\tcpu_time\n0.1\t0:00:00\t3.5\t0.00\t0.00\n").expect("a benchmark");
        assert_eq!((once.memory, once.load, once.cpu_seconds), (Some(7 << 19), None, None));
        for other in [&b""[..], b"a\tb\n1\t2\n", b"s\th:m:s\nNA\tNA\n", b"\xff\0"] {
            assert_eq!(benchmark(other), None);
        }
    }
}
