//! Fuzzes the parser of updates: arbitrary bytes in each encoding, and the message inside.
#![no_main]

#[path = "../../src/panoptes"]
mod panoptes {
    pub mod literal;
    pub mod wire;
}

use libfuzzer_sys::fuzz_target;
use panoptes::wire;

fuzz_target!(|body: &[u8]| {
    for kind in [None, Some("application/json"), Some("application/x-www-form-urlencoded")] {
        let Ok(update) = wire::fields(kind, body).and_then(wire::update) else { continue };
        let read = wire::message(&update.msg);
        if let (Err(_), Some(text)) = (read, update.msg.as_str()) {
            let _ = wire::level_of(text);
        }
    }
});
