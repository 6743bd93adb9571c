//! Files that a run's client named as its code: read by the person who started Flowo, who may read them anyway.
//!
//! Not for what jobs write: results and logs have a gate of their own.

use app::state::{Reading, Sources};
use std::{
    fs::OpenOptions,
    io::{ErrorKind, Read as _},
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
        Box::pin(async move {
            let reading = tokio::task::spawn_blocking(move || start_of(&path, most));
            match timeout(PATIENCE, reading).await {
                Ok(Ok(found)) => found,
                Ok(Err(_)) => Err("It could not be read.".to_owned()),
                Err(_) => Err("The file system did not answer.".to_owned()),
            }
        })
    }
}

fn start_of(path: &Path, most: usize) -> Result<(String, bool), String> {
    let why = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => "It is not on this machine.".to_owned(),
        ErrorKind::PermissionDenied => "Flowo may not read it.".to_owned(),
        _ => format!("It could not be read: {error}."),
    };
    if !path.is_absolute() {
        return Err("Nobody said in which directory it is.".to_owned());
    }
    // A pipe must not keep us waiting for somebody to write.
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(why)?;
    if !file.metadata().map_err(why)?.is_file() {
        return Err("It is not a file.".to_owned());
    }
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
}
