//! Pages arrange parts.

mod login;
mod logs;
mod not_found;
mod run;
mod runs;

pub use login::{LoginRoute, SignInPage};
pub use logs::LogsRoute;
pub use not_found::NotFound;
pub use run::RunRoute;
pub use runs::RunsPage;
