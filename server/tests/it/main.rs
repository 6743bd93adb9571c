//! Tests the whole server over HTTP, each on its own socket and database.
#![forbid(unsafe_code)]

mod access;
mod audience;
mod bad_input;
mod counted;
mod device;
mod doors;
mod ends;
mod failures;
mod faults;
mod files;
mod head;
mod lab;
mod left_out;
mod live;
mod logs;
mod monitor;
mod panoptes;
mod panoptes_api;
mod panoptes_faults;
mod private_postgres;
mod properties;
mod reach;
mod recordings;
mod replay;
mod secrets;
mod settings;
mod surface;
mod unlisted;
mod unreported;
mod viewers;
mod wire;
