//! Makes the allocator return memory to the system.
//!
//! glibc keeps freed memory in its arenas, up to eight per core. Memory that a large report used stays in its arena, so
//! a server that sometimes receives large reports grows to several times the memory that it needs. The number of arenas
//! is set in the environment, before a program starts. Other C libraries are not affected.

use std::{env, os::unix::process::CommandExt as _, process::Command};

/// Two arenas. A block larger than a megabyte is returned as soon as it is freed, and so is the end of an arena once 16
/// MiB of it are free. With lower limits each answer of a run's page, some 100 KiB, would take new memory from the
/// system.
pub const SETTINGS: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_MMAP_THRESHOLD_", "1048576"), ("MALLOC_TRIM_THRESHOLD_", "16777216")];

/// Executes this program again, in the same process and with the same arguments, unless these settings are already set.
/// Must be called before anything else, or not at all.
pub fn be_thrifty() {
    let is_chosen = SETTINGS.iter().any(|(name, _)| env::var_os(name).is_some());
    if is_chosen || !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return;
    }
    let (Ok(program), mut args) = (env::current_exe(), env::args_os()) else { return };
    let mut anew = Command::new(program);
    if let Some(name) = args.next() {
        anew.arg0(name);
    }
    // Returns only on an error; the program then goes on as it is.
    let error = anew.args(args).envs(SETTINGS).exec();
    eprintln!("flowod: could not set up the memory allocator: {error}");
}
