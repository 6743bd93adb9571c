//! Panoptes' protocol and API: `--wms-monitor` of Snakemake 5.27 to 8, and `snakemake-logger-plugin-panoptes` of 9.
//!
//! Some answers, or the lack of one, make these clients end their user's run: see [`reply::update`]. Five generations
//! of clients write the same messages in different ways; [`wire`] reads all of them.

mod api;
mod conversations;
pub mod literal;
mod protocol;
pub mod reply;
pub mod routes;
mod translate;
mod updates;
pub mod wire;

pub use conversations::Conversations;
pub use protocol::PROTOCOL;
pub use routes::routes;
pub use updates::journal_reader;
