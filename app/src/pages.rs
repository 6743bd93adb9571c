//! Pages arrange parts.

mod login;
mod not_found;
mod run;
mod runs;

pub use login::LoginPage;
pub use not_found::NotFound;
pub use run::RunRoute;
pub use runs::RunsPage;
