//! Fuzzes the parser of Python literals: any text is read or refused, never crashes the parser, and its value grows by
//! no more than its escapes.
#![no_main]

#[path = "../../src/panoptes/literal.rs"]
mod literal;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(value) = literal::parse(text) {
        // The value written as JSON must read back as the same value, because JSON literals are also valid Python literals here.
        let shown = value.to_string();
        assert_eq!(literal::parse(&shown), Ok(value), "{text}");
        assert!(shown.len() <= 12 * text.len() + 64, "{text}");
    }
});
