//! The whole server on a socket of its own and a database of its own, asked over HTTP.
#![forbid(unsafe_code)]

mod access;
mod bad_input;
mod device;
mod faults;
mod files;
mod lab;
mod live;
mod monitor;
mod panoptes;
mod panoptes_api;
mod panoptes_faults;
mod private_postgres;
mod properties;
mod recordings;
mod replay;
