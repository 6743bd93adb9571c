//! The functions that both fuzzing and the corpus test run on arbitrary bytes, so that every finding remains a test.

use crate::{counts::Counts, find, log_lines, peek, run_log::RunLogReader};
use model::{
    clock::{Clock, MockClock},
    encoding::Encoding,
    log::{Level, LogPart, Look, Wanted},
    preview::{Ask, Preview},
};
use std::{
    fs::File,
    io::{Seek as _, SeekFrom, Write as _},
};

/// Arbitrary bytes, and a file that may be filled with them.
type Target = fn(&[u8], &mut File);

/// The targets by name.
pub const TARGETS: [(&str, Target); 5] =
    [("log_lines", log_lines), ("run_log", run_log), ("find", find), ("text_files", text_files), ("marked_up", marked_up)];

/// File extensions of formats that this crate parses.
const TEXTS: [&str; 12] = ["csv", "tsv", "txt", "vcf", "sam", "bed", "gff3", "fa", "fq", "faa", "log", "py"];
/// File extensions of formats that libraries parse and this crate sanitizes.
const MARKED: [&str; 4] = ["md", "ipynb", "json", "yaml"];

fn filled(file: &mut File, bytes: &[u8]) {
    file.set_len(0).expect("a file");
    file.seek(SeekFrom::Start(0)).expect("a file");
    file.write_all(bytes).expect("room");
}

/// A clock that stands still: no input is examined only in part because a machine is slow.
fn still() -> Clock {
    MockClock::new(0).clock()
}

/// The lines of each window continue those of the previous window.
pub fn log_lines(bytes: &[u8], _: &mut File) {
    let (which, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let encoding = Encoding::ALL[usize::from(*which) % Encoding::ALL.len()];
    let size = bytes.len() as u64;
    let of = |part| log_lines::window(bytes, size, part, encoding).expect("read");
    let mut at = 0;
    loop {
        let found = of(LogPart::From(at));
        for line in &found.lines {
            assert!(line.at < size);
            assert!(line.text.iter().all(|(_, text)| !text.contains(['\u{1b}', '\u{202e}'])));
        }
        assert!(found.from <= found.to && found.to >= at && found.to <= size);
        if found.to == at {
            break;
        }
        at = found.to;
    }
    let last = of(LogPart::End);
    assert!(last.from <= last.to && last.to <= size);
    assert!(of(LogPart::Before(last.from)).from <= last.from);
}

/// A log that is fed in pieces gives the same result as the whole log.
pub fn run_log(bytes: &[u8], _: &mut File) {
    let mut whole = RunLogReader::new();
    whole.feed(bytes);
    let mut pieces = RunLogReader::new();
    for piece in bytes.chunks(usize::from(bytes.first().copied().unwrap_or(1)).max(1)) {
        pieces.feed(piece);
        let _ = pieces.found();
    }
    assert_eq!(whole.finish(), pieces.finish());
}

/// Every match is real, and the search terminates.
pub fn find(bytes: &[u8], file: &mut File) {
    let (words, text) = bytes.split_at(bytes.len().min(3));
    let words = String::from_utf8_lossy(words).replace('\n', " ");
    filled(file, text);
    let counts = Counts::new(still());
    let lines = memchr::memchr_iter(b'\n', text).count() as u64;
    assert_eq!(counts.before(file, text.len() as u64).expect("read"), Some(lines));
    let at = counts.line(file, u64::from(bytes.first().copied().unwrap_or(0))).expect("read").expect("counted");
    assert!(at <= text.len() as u64);
    if words.is_empty() {
        return;
    }
    let size = text.len() as u64;
    let look = |wanted| Look { wanted, from: 0, encoding: Some(Encoding::UTF_8) };
    let matters = find::find(file, size, &look(Wanted::Level(Level::Warning)), &still()).expect("read");
    assert!(matters.hits.iter().all(|hit| hit.at <= size && hit.level >= Some(Level::Warning)));
    let found = find::find(file, size, &look(Wanted::Words(words.clone())), &still()).expect("read");
    assert!(found.hits.iter().all(|hit| hit.at <= text.len() as u64));
    assert!(found.hits.is_empty() || text.to_ascii_lowercase().windows(words.len()).any(|at| at == words.to_ascii_lowercase().as_bytes()));
}

/// Windows of texts advance, and end.
pub fn text_files(bytes: &[u8], file: &mut File) {
    let (kind, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let _ = crate::benchmark::benchmark(bytes);
    filled(file, bytes);
    let name = format!("x.{}", TEXTS[usize::from(*kind) % TEXTS.len()]);
    let mut at = 0;
    for _ in 0..20 {
        let next = match peek(file, &Ask { name: name.clone(), at, ..Ask::default() }, &still()).expect("read") {
            Preview::Table(table) => table.next,
            Preview::Sequences(found) => found.next,
            _ => None,
        };
        match next {
            Some(next) => {
                assert!(next > at && next <= bytes.len() as u64, "from {at} to {next} of {}", bytes.len());
                at = next;
            }
            None => return,
        }
    }
}

/// Nothing active remains in sanitized markup.
pub fn marked_up(bytes: &[u8], file: &mut File) {
    let (kind, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    filled(file, bytes);
    let name = format!("x.{}", MARKED[usize::from(*kind) % MARKED.len()]);
    if let Preview::Rich(html) = peek(file, &Ask { name, ..Ask::default() }, &still()).expect("read") {
        let low = html.to_lowercase();
        assert!(
            !["<script", "<iframe", "<object", "<style", "<form", "<base", "<meta", "<link"].iter().any(|bad| low.contains(bad)),
            "{html}"
        );
    }
}

/// A file that is deleted automatically; in memory if the system supports that.
pub fn scratch() -> File {
    let memory = std::path::Path::new("/dev/shm");
    let dir = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let path = dir.join(format!("peek-{}-{:?}", std::process::id(), std::thread::current().id()));
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&path).expect("a file");
    let _ = std::fs::remove_file(path);
    file
}
