//! The severity of a log line, judged by its own words. Knows how programs phrase messages, not what the programs do.

use serde::{Deserialize, Serialize};

/// The severity of a line, judged by its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Debug,
    Warning,
    Error,
}

/// How many letters at the start of a line are searched for the name of a level.
const NEAR: usize = 120;
/// How many letters of a line are searched for a description of a failure.
const FAR: usize = 1_000;

/// Words after `error` or `warning` that make it something measured, counted or stored, not a message.
const THINGS: [&str; 52] = [
    "bar",
    "bars",
    "bound",
    "bounds",
    "budget",
    "checking",
    "code",
    "codes",
    "corrected",
    "correcting",
    "correction",
    "corrections",
    "corrector",
    "count",
    "counts",
    "distribution",
    "distributions",
    "estimate",
    "estimates",
    "estimation",
    "file",
    "free",
    "frequency",
    "function",
    "handler",
    "handling",
    "level",
    "log",
    "logs",
    "margin",
    "matrix",
    "metric",
    "metrics",
    "model",
    "models",
    "percentage",
    "probabilities",
    "probability",
    "profile",
    "profiles",
    "rate",
    "rates",
    "ratio",
    "region",
    "reporting",
    "score",
    "statistics",
    "sum",
    "term",
    "threshold",
    "tolerance",
    "variance",
];

/// Words before `error:` in lower case that make it a message: `runtime error: …`. After other words it is part of a
/// sentence or a figure: `mean error: …`.
const KINDS: [&str; 35] = [
    "assertion",
    "bus",
    "command",
    "compilation",
    "config",
    "configuration",
    "connection",
    "disk",
    "encoding",
    "execution",
    "fatal",
    "format",
    "import",
    "input",
    "internal",
    "io",
    "limit",
    "link",
    "lookup",
    "memory",
    "network",
    "o",
    "output",
    "parameter",
    "parse",
    "parsing",
    "permission",
    "runtime",
    "server",
    "syntax",
    "system",
    "unexpected",
    "unknown",
    "usage",
    "user",
];

/// Phrases that describe a failure wherever they appear, in lower case.
const FAILURE_PHRASES: [&str; 19] = [
    ": command not found",
    ": no such file or directory",
    ": permission denied",
    ": cannot ",
    "bus error",
    "core dumped",
    "disk quota exceeded",
    "execution halted",
    "exiting because of",
    "has occurred: ",
    "make: *** ",
    "no space left on device",
    "oom-kill",
    "out of memory",
    "panicked at ",
    "segmentation fault",
    "syntax error near ",
    "terminated with signal",
    "unbound variable",
];

impl Level {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level that a word in a URL names.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Debug, Self::Warning, Self::Error].into_iter().find(|level| level.as_str() == word)
    }

    /// Every line of at least this level contains one of these words, ignoring case, or begins with one of [`Self::LETTERS`].
    pub const HINTS: [&str; 27] = [
        "error",
        "fatal",
        "critical",
        "traceback",
        "exception",
        "fail",
        "warn",
        "[e::",
        "[w::",
        "killed",
        "panic",
        ": command not found",
        ": no such file or directory",
        ": permission denied",
        ": cannot ",
        "core dumped",
        "disk quota exceeded",
        "execution halted",
        "exiting because of",
        "has occurred: ",
        "make: *** ",
        "no space left on device",
        "oom-kill",
        "out of memory",
        "segmentation fault",
        "terminated with signal",
        "unbound variable",
    ];
    pub const LETTERS: [u8; 3] = *b"EFW";

    /// The level that a line names near its start, the way programs do: `ERROR`, `Warning:`, `[debug]`, `ValueError:`,
    /// `[E::hts_open]`; or an error if the line describes a failure, such as `No space left on device`.
    ///
    /// Words within a sentence are not levels, nor are figures: `Error rate: 0.01`.
    pub fn of(line: &str) -> Option<Self> {
        let near = start(line, NEAR);
        if let Some(level) = letter(near) {
            return Some(level);
        }
        match named(near) {
            Named::Level(level) => return Some(level),
            Named::Harmless => return None,
            Named::Nothing => {}
        }
        let far = start(line, FAR).to_lowercase();
        let killed = far.trim_end().strip_suffix("killed").is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t', ':']));
        (killed || FAILURE_PHRASES.iter().any(|words| far.contains(words))).then_some(Self::Error)
    }
}

/// What the words near the start of a line mean.
enum Named {
    Level(Level),
    /// The line is informational, whatever follows.
    Harmless,
    Nothing,
}

/// The first `most` bytes of a text, or fewer so that it ends between two characters.
fn start(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// A level by one letter: `[E::main]` of htslib, `E1121 08:41:11` of glog, `E: ` of apt.
fn letter(line: &str) -> Option<Level> {
    let of = |letter: char| match letter {
        'E' | 'F' => Some(Level::Error),
        'W' => Some(Level::Warning),
        _ => None,
    };
    let mut letters = line.chars();
    let first = letters.next()?;
    let rest = letters.as_str();
    if first == '[' {
        let level = of(letters.next()?)?;
        return letters.as_str().starts_with("::").then_some(level);
    }
    let level = of(first)?;
    let glog =
        rest.len() > 8 && rest.bytes().take(4).all(|byte| byte.is_ascii_digit()) && rest[4..].trim_start().as_bytes().get(2) == Some(&b':');
    (rest.starts_with(": ") || glog).then_some(level)
}

fn named(near: &str) -> Named {
    let mut begin = 0;
    let mut before = "";
    loop {
        let rest = &near[begin..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        if !word.is_empty() {
            match level(word, &near[..begin], before, after) {
                Named::Nothing => {}
                found => return found,
            }
            before = word;
        }
        let Some(between) = after.chars().next() else { return Named::Nothing };
        begin += length + between.len_utf8();
    }
}

/// What `word` means after the text `ahead`, whose last word is `before`, and before the text `after`.
fn level(word: &str, ahead: &str, before: &str, after: &str) -> Named {
    let small = word.to_ascii_lowercase();
    let loud = word.bytes().all(|byte| byte.is_ascii_uppercase());
    let ahead_ends = ahead.trim_end();
    let first = (ahead_ends.is_empty() || ahead_ends.ends_with([':', ']'])) && word.starts_with(|c: char| c.is_ascii_uppercase());
    // Written by a program, not within a sentence: nothing or punctuation precedes it.
    let alone = !ahead_ends.ends_with(|c: char| c.is_alphabetic());
    let closed = after.starts_with([':', ']', '>', '!', '[']) || after.starts_with(" :");
    let found = match small.as_str() {
        "error" | "fatal" | "critical" => Level::Error,
        "traceback" if after.starts_with(" (most recent call last)") => return Named::Level(Level::Error),
        "warning" | "warn" => Level::Warning,
        "debug" | "trace" => Level::Debug,
        "info" | "notice" if loud || word == "Info" && closed => return Named::Harmless,
        "fail" | "failed" if alone && after.starts_with(" to ") => return Named::Level(Level::Error),
        _ if word.ends_with("Warning") && after.starts_with(':') => return Named::Level(Level::Warning),
        _ if word.ends_with("Error") || word.ends_with("Exception") => {
            let ends = after.trim().is_empty() || after.starts_with(':') || first && after.starts_with([' ', '(']);
            let caught = matches!(before, "except" | "raise" | "catch" | "throw" | "throws") || ahead.trim_start().starts_with("import ");
            return if ends && !caught { Named::Level(Level::Error) } else { Named::Nothing };
        }
        _ => return Named::Nothing,
    };
    if is_thing(after) || is_figure(after) {
        return Named::Nothing;
    }
    let field = ahead.trim_end_matches(['"', '\'', ' ', ':', '=']);
    let said = ["level", "lvl", "severity"].iter().any(|name| field.ends_with(name)) && field.len() < ahead.len();
    let kind = KINDS.contains(&before.to_ascii_lowercase().as_str());
    // `Fatal errors: 0` and `Critical value` are not messages.
    let first = first && !matches!(small.as_str(), "fatal" | "critical");
    if loud || said || first || closed && (alone || kind) { Named::Level(found) } else { Named::Nothing }
}

/// Whether the next word makes it a thing and not a message: `error rate`.
fn is_thing(after: &str) -> bool {
    let Some(next) = after.strip_prefix([' ', '-', '\t']) else { return false };
    let end = next.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(next.len());
    THINGS.contains(&next[..end].to_ascii_lowercase().as_str())
}

/// Whether only a number follows, as in `Error: 0.01`.
fn is_figure(after: &str) -> bool {
    let value = after.trim_start_matches([':', '=', ' ', '\t']);
    let value = value.trim_end().trim_end_matches(['%', '.', ',', ';', ' ']);
    value.len() < after.len() && value.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of real programs, verbatim.
    const ERRORS: [&str; 66] = [
        // bwa, samtools and related tools.
        "[E::bwa_idx_load_from_disk] fail to locate the index files",
        "[E::hts_open_format] Failed to open file \"x.bam\" : No such file or directory",
        "[E::bwa_set_rg] the read group line is not started with @RG",
        "[main_samview] fail to read the header from \"x.bam\".",
        "samtools view: failed to open \"x.bam\" for reading: No such file or directory",
        "samtools index: failed to create index for \"x.bam\"",
        "Failed to open -: unknown file type",
        "Error: Unable to open file x.bed. Exiting.",
        // R.
        "Error in library(DESeq2) : there is no package called 'DESeq2'",
        "Error in file(file, \"rt\") : cannot open the connection",
        "Error: object 'counts' not found",
        "Error in `dplyr::filter()`:",
        "Execution halted",
        // Python.
        "Traceback (most recent call last):",
        "ValueError: could not convert string to float: 'NA'",
        "KeyError: 'gene_id'",
        "ModuleNotFoundError: No module named 'pysam'",
        "subprocess.CalledProcessError: Command 'x' returned non-zero exit status 1.",
        "MemoryError",
        "pandas.errors.EmptyDataError: No columns to parse from file",
        "ERROR:root:no reads left",
        "CRITICAL:root:giving up",
        "2026-11-21 08:41:11,123 - multiqc - ERROR - no reports found",
        "usage.py: error: the following arguments are required: --input",
        // Java, GATK, Picard.
        "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space",
        "java.lang.NullPointerException",
        "Caused by: java.io.IOException: Broken pipe",
        "A USER ERROR has occurred: Argument --reference was missing",
        "14:02:11.123 ERROR HaplotypeCaller - something bad",
        "##### ERROR MESSAGE: Invalid command line",
        "ERROR\t2026-11-21 14:02:11\tProcessExecutor\tx",
        "htsjdk.samtools.SAMFormatException: Error parsing text SAM file",
        // STAR, HISAT2, Bowtie 2, salmon.
        "EXITING because of FATAL ERROR in reads input: short read sequence line: 1",
        "EXITING: FATAL INPUT ERROR: unrecognized parameter name \"x\"",
        "Fatal LIMIT error: the number of junctions to be inserted on the fly =1000001 is larger",
        "Nov 21 08:41:11 ...... FATAL ERROR, exiting",
        "(ERR): hisat2-align died with signal 9 (KILL): fatal: x",
        "Error: reads file does not look like a FASTQ file",
        "[2026-11-21 08:41:11.123] [jointLog] [error] The index could not be read",
        // Shells, kernels, schedulers.
        "/bin/bash: line 1: bwa: command not found",
        "cp: cannot stat 'x': No such file or directory",
        "bash: ./run.sh: Permission denied",
        "Segmentation fault (core dumped)",
        "Killed",
        "/usr/bin/bash: line 3: 12345 Killed",
        "x.sh: line 4: SAMPLE: unbound variable",
        "bash: -c: line 2: syntax error near unexpected token `('",
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=1.batch.",
        "write error: No space left on device",
        "tee: x.log: Disk quota exceeded",
        // Compilers and tools.
        "foo.c:1:10: fatal error: zlib.h: No such file or directory",
        "foo.c:3:5: error: expected ';' before 'return'",
        "error[E0308]: mismatched types",
        "make: *** [Makefile:3: all] Error 2",
        "thread 'main' panicked at src/main.rs:3:5:",
        "fatal: not a git repository (or any of the parent directories): .git",
        "E: Unable to locate package samtols",
        "E1121 08:41:11.123456   123 file.cc:3] it broke",
        "time=2026-11-21T08:41:11Z level=error msg=\"no route\"",
        "{\"level\":\"error\",\"msg\":\"no route\"}",
        "runtime error: index out of range",
        // Workflow programs.
        "Error in rule map:",
        "MissingInputException in rule all in file \"Snakefile\", line 1:",
        "CalledProcessError in file \"Snakefile\", line 4:",
        "ERROR ~ Error executing process > 'FASTQC (1)'",
        "Error executing process > 'FASTQC (1)'",
    ];

    const WARNINGS: [&str; 17] = [
        "[W::bam_hdr_read] EOF marker is absent. The input is probably truncated",
        "Warning message:",
        "Warning messages:",
        "In addition: Warning message:",
        "Warning: package 'dplyr' was built under R version 4.3.1",
        "Warning in file(con) : incomplete final line found",
        "/usr/lib/python3/x.py:3: DeprecationWarning: y is old",
        "UserWarning: z",
        "WARNING:root:few reads",
        "08:41:11.123 WARN  NativeLibraryLoader - cannot load it",
        "!!!!! WARNING: --genomeSAindexNbases 14 is too large",
        "WARN: There's no process matching config selector: x",
        "[08:00] warn: y",
        "foo.c:3:5: warning: unused variable 'x'",
        "W: Some index files are missing",
        "W1121 08:41:11.123456   123 file.cc:3] odd",
        "level=warning msg=odd",
    ];

    const NEITHER: [&str; 62] = [
        "",
        "Error rate: 0.01",
        "error rate: 0.01",
        "Error rate\t0.01",
        "ERROR RATE: 0.01",
        "Maximum error rate: 10.00%",
        "SN\terror rate:\t2.7e-03\t# mismatches / bases mapped (cigar)",
        "Error: 0.0123",
        "error = 1e-5",
        "Mean error: 0.02",
        "Training error: 0.123",
        "Standard Error: 0.3",
        "            Estimate Std. Error t value Pr(>|t|)",
        "Residual standard error: 1.2 on 10 degrees of freedom",
        "Error probability: 0.05",
        "Error correction finished",
        "Error-corrected reads: 1234",
        "error correction of 12 reads",
        "Error profile written to out.txt",
        "Error model: loglinear",
        "Learning error rates from 3 samples",
        "Errors: 0",
        "errors: 0",
        "Warnings: 0",
        "Number of errors: 0",
        "0 errors found",
        "No errors found",
        "no error here",
        "finished without error",
        "Fatal errors: 0",
        "Critical value: 1.96",
        "ERROR_RATE 0.02",
        "--error-rate 0.1 --quality-cutoff 20",
        "errors.txt",
        "error.log is empty",
        "logs/error.log",
        "stderr: x",
        "the warning was ignored",
        "If you see an error: write to us",
        "This is not an error.",
        "set -o errtrace",
        "größe ü",
        "INFO: error handling is on",
        "INFO  08:41:11,123 HelpFormatter - Error rate is fine",
        "[INFO] 08:41 retry after error: gone",
        "[M::bwa_mem_main] read 1000 sequences",
        "[main] Real time: 1.2 sec; CPU: 1.1 sec",
        "Exceptional quality",
        "    except ValueError:",
        "    raise ValueError(x)",
        "import java.io.IOException",
        "\tat java.io.FileNotFoundException.<init>(x)",
        "Eggs: 3",
        "Warm: 3",
        "E coli: 12 reads",
        "W303 strain",
        "killed 3 mice",
        "Skilled",
        "Warning threshold: 5",
        "Debugger",
        "traceback is off",
        "Failures 0",
    ];

    /// The lines whose level is not the wanted one, with the level they have.
    fn others(lines: &[&'static str], wanted: Option<Level>) -> Vec<(&'static str, Option<Level>)> {
        lines.iter().map(|line| (*line, Level::of(line))).filter(|(_, level)| *level != wanted).collect()
    }

    #[test]
    fn errors_are_recognised_as_programs_write_them() {
        assert_eq!(others(&ERRORS, Some(Level::Error)), []);
        assert_eq!(Level::of("größe\u{fffd}\u{fffd} é: ERROR \u{2014} x"), Some(Level::Error), "whatever characters come between");
    }

    #[test]
    fn warnings_are_recognised_as_programs_write_them() {
        assert_eq!(others(&WARNINGS, Some(Level::Warning)), []);
        assert_eq!(Level::of("DEBUG x"), Some(Level::Debug));
    }

    #[test]
    fn figures_and_sentences_are_no_levels() {
        assert_eq!(others(&NEITHER, None), []);
    }

    #[test]
    fn every_line_that_matters_has_a_hint() {
        let hinted = |line: &str| {
            let small = line.to_lowercase();
            Level::HINTS.iter().any(|hint| small.contains(hint)) || Level::LETTERS.contains(&line.as_bytes()[0])
        };
        let without: Vec<&str> = ERRORS.into_iter().chain(WARNINGS).chain(FAILURE_PHRASES).filter(|line| !hinted(line)).collect();
        assert_eq!(without, [""; 0]);
    }
}
