//! Who is asking, and what that person may do. One function decides: [`may`].
//!
//! The route table, which includes the API, and the server functions call it; pages hide what it refuses.
//! An [`Audience`] says which runs a person sees; every query filters by it. A [`FileReach`] says which files: a
//! separate right that never follows from seeing a run.

mod audience;
mod credential;
mod files;
mod rights;
mod viewer;

pub use audience::{Audience, Belonging, SharedWith};
pub use credential::{Credential, Proof};
pub use files::{FileReach, FileReader, file_reach, name_in_root};
pub use rights::{Grant, Means, Permission, Refusal, Role, TokenScope, may};
pub use viewer::Viewer;
