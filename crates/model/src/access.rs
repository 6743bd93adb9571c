//! Who asks, and what that person may do. One function decides: [`may`].
//!
//! The route table, which the API is in, and the server functions ask it; pages leave out what it refuses.
//! Which runs a person sees is an [`Audience`], by which every query filters. Which files, is [`FileReach`]: a right
//! of its own that never follows from seeing a run.

mod credential;
mod files;
mod rights;
mod viewer;

pub use credential::{Credential, Proof};
pub use files::{FileReach, Reader, file_reach, name_in_root};
pub use rights::{Audience, Grant, Means, Permission, Refusal, Role, TokenScope, may};
pub use viewer::Viewer;
