//! Any text as a Python literal: it is read or refused, never a crash, and never larger than it was by more than its escapes.
#![no_main]

#[path = "../../src/panoptes/literal.rs"]
mod literal;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(value) = literal::parse(text) {
        // What was read is written as JSON and read again as it was: JSON's own literals are a part of these.
        let shown = value.to_string();
        assert_eq!(literal::parse(&shown), Ok(value), "{text}");
        assert!(shown.len() <= 12 * text.len() + 64, "{text}");
    }
});
