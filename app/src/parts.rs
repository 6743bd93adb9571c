//! Parts know the product; pages put them together.

pub mod confirm;
pub mod error;
pub mod failure_card;
pub mod filter_bar;
pub mod first_run;
pub mod frame;
pub mod job_drawer;
pub mod job_table;
pub mod keys;
pub mod live_chip;
pub mod overview;
pub mod palette;
pub mod rule_graph;
pub mod run_head;
pub mod run_table;
pub mod toasts;
