//! How memory goes back to the system.
//!
//! glibc keeps what is freed in heaps of its own, up to eight a core; what a large report leaves in one of them stays
//! there, so a server that takes large reports now and then grows to several times what it needs. How many heaps
//! there are is said in the environment, before a program begins. Says nothing about other C libraries.

use std::{env, os::unix::process::CommandExt as _, process::Command};

/// Two heaps. A block larger than a megabyte is given back as soon as it is free, and so is the end of a heap once 16 MiB
/// of it are free. With lower limits each answer of a run's page, some 100 KiB, would take new memory from the system.
pub const SETTINGS: [(&str, &str); 3] =
    [("MALLOC_ARENA_MAX", "2"), ("MALLOC_MMAP_THRESHOLD_", "1048576"), ("MALLOC_TRIM_THRESHOLD_", "16777216")];

/// Begins this program anew, in the same process and with the same arguments, unless somebody chose these settings
/// already. Before anything else, or not at all.
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
    // Comes back only with an error: then it goes on as it is.
    let error = anew.args(args).envs(SETTINGS).exec();
    eprintln!("flowod: memory is not given back as it should be: {error}");
}
