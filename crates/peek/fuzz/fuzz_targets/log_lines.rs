//! Runs `peek::fuzzed::log_lines` on arbitrary bytes.
#![no_main]

use std::sync::Mutex;

static FILE: Mutex<Option<std::fs::File>> = Mutex::new(None);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = FILE.lock().expect("one thread");
    let file = file.get_or_insert_with(peek::fuzzed::scratch);
    peek::fuzzed::log_lines(bytes, file);
});
