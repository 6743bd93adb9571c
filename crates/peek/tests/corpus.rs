//! Runs the inputs that fuzzing has kept through the same functions again: every finding remains a test.
#![forbid(unsafe_code)]

use peek::fuzzed::{TARGETS, scratch};
use std::{fs, path::Path};

#[test]
fn the_kept_corpus_is_read_without_a_crash() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut file = scratch();
    for (name, target) in TARGETS {
        let kept = fs::read_dir(corpus.join(name)).expect("a corpus");
        let mut read = 0;
        for entry in kept {
            let bytes = fs::read(entry.expect("an entry").path()).expect("a file");
            target(&bytes, &mut file);
            read += 1;
        }
        assert!(read >= 20, "{name} has a corpus, and it is read: {read}");
    }
}
