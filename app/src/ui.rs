//! Primitives that know nothing of the product: icons, times, numbers.

mod copy;
mod icon;
mod if_;
mod once;
mod progress;
mod status;
mod submit;
mod time;
mod windowed;

pub use copy::{CopyButton, CopyLine, CopyLink, copy_text};
pub use icon::Icon;
pub use if_::If;
pub use once::rendered_once;
pub use progress::{JobBar, Progress};
pub use status::{JobBadge, StatusBadge, StatusMark};
pub use submit::submit_in_place;
pub use time::{Ago, Took, local_precise};
pub use windowed::Windowed;
