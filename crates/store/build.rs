//! Builds the crate again when a migration is added: the macro that embeds them sees changes only.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
