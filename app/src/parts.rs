//! Parts know the product; pages put them together.

pub mod code_view;
pub mod confirm;
pub mod error;
pub mod failure_card;
pub mod files_view;
pub mod filter_bar;
pub mod first_run;
pub mod frame;
pub mod info_view;
pub mod ink;
pub mod job_drawer;
pub mod job_graph;
pub mod job_table;
pub mod keys;
pub mod live_chip;
pub mod matrix;
pub mod minimap;
pub mod overview;
pub mod palette;
pub mod rule_graph;
pub mod run_head;
pub mod run_table;
pub mod run_tabs;
pub mod timeline;
pub mod toasts;
