//! The server: configuration, access, routes and the life of the process.
//!
//! Start reading at `commands::serve`: configuration, database, schema, loops, routes, and the orderly shutdown.
#![forbid(unsafe_code)]

pub mod commands;
pub mod config;
pub mod database;
pub mod demo;
pub mod http;
pub mod logs;
pub mod loops;
pub mod memory;
pub mod monitor;
pub mod owner;
pub mod postgres;
mod run_logs;
pub mod running;
pub mod secrets;
