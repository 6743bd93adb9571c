//! Files that a run's client named as its code, and the last lines of its logs: read for the person who
//! started Flowo, who may read them anyway.
//!
//! Not for results or whole logs: they have a gate of their own.

use app::state::{Reading, Sources};
use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read as _, Seek as _, SeekFrom},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;

/// A file on a network that hangs is given up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads as the user Flowo runs as. Right as long as that user is the only one who signs in.
#[derive(Clone, Copy, Debug)]
pub struct OwnFiles;

impl Sources for OwnFiles {
    fn read(&self, path: PathBuf, most: usize) -> Reading {
        patiently(move || start_of(&path, most))
    }

    fn tail(&self, path: PathBuf, lines: usize) -> Reading {
        patiently(move || end_of(&path, lines))
    }
}

fn patiently(read: impl FnOnce() -> Result<(String, bool), String> + Send + 'static) -> Reading {
    Box::pin(async move {
        match timeout(PATIENCE, tokio::task::spawn_blocking(read)).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err("It could not be read.".to_owned()),
            Err(_) => Err("The file system did not answer.".to_owned()),
        }
    })
}

/// Bytes of the end of a log in which its last lines are looked for.
const END: u64 = 64 << 10;

fn open(path: &Path) -> Result<File, String> {
    if !path.is_absolute() {
        return Err("Nobody said in which directory it is.".to_owned());
    }
    // A pipe must not keep us waiting for somebody to write.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(why)?;
    if file.metadata().map_err(why)?.is_file() { Ok(file) } else { Err("It is not a file.".to_owned()) }
}

/// As a terminal would show it: without colours, and of a line that was written over only the last state.
fn end_of(path: &Path, lines: usize) -> Result<(String, bool), String> {
    let mut file = open(path)?;
    let length = file.metadata().map_err(why)?.len();
    let from = length.saturating_sub(END);
    file.seek(SeekFrom::Start(from)).map_err(why)?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes).map_err(why)?;
    if bytes.contains(&0) {
        return Err("It is not text.".to_owned());
    }
    let text = String::from_utf8_lossy(&bytes);
    let text = anstream::adapter::strip_str(&text).to_string();
    let all: Vec<&str> = text.trim_end().lines().map(|line| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or(line)).collect();
    let first = all.len().saturating_sub(lines);
    Ok((all[first..].join("\n"), from > 0 || first > 0))
}

fn why(error: std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "It is not on this machine.".to_owned(),
        ErrorKind::PermissionDenied => "Flowo may not read it.".to_owned(),
        _ => format!("It could not be read: {error}."),
    }
}

fn start_of(path: &Path, most: usize) -> Result<(String, bool), String> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(why)?;
    let cut = bytes.len() > most;
    bytes.truncate(most);
    // Cut inside a letter is no reason to call it binary.
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(error) if cut && error.error_len().is_none() => String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned(),
        Err(_) => return Err("It is not text.".to_owned()),
    };
    if text.contains('\0') { Err("It is not text.".to_owned()) } else { Ok((text, cut)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_to_a_bound_and_everything_else_says_why_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("text"), "größe\n").unwrap();
        std::fs::write(at("binary"), [0_u8, 159, 146, 150]).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(pipe.success());

        assert_eq!(start_of(&at("text"), 100), Ok(("größe\n".into(), false)));
        assert_eq!(start_of(&at("text"), 3), Ok(("gr".into(), true)), "not half a letter");
        for (name, why) in [("binary", "not text"), ("pipe", "not a file"), ("none", "not on this machine"), ("", "not a file")] {
            assert!(start_of(&at(name), 100).unwrap_err().contains(why), "{name}");
        }
        assert!(start_of(Path::new("text"), 100).unwrap_err().contains("directory"));
    }

    #[test]
    fn the_end_of_a_log_is_what_a_terminal_would_show() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("log");
        std::fs::write(&at, "one\n10 %\r50 %\r100 %\r\n\u{1b}[31mred\u{1b}[0m\nend\n\n").unwrap();
        assert_eq!(end_of(&at, 10), Ok(("one\n100 %\nred\nend".into(), false)));
        assert_eq!(end_of(&at, 2), Ok(("red\nend".into(), true)));
        std::fs::write(&at, "line of a long log\n".repeat(100_000)).unwrap();
        assert_eq!(end_of(&at, 1), Ok(("line of a long log".into(), true)));
        std::fs::write(&at, "").unwrap();
        assert_eq!(end_of(&at, 5), Ok((String::new(), false)));
        std::fs::write(&at, "a\0b").unwrap();
        assert!(end_of(&at, 5).is_err());
    }
}
