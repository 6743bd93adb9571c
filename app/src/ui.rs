//! Primitives that know nothing of the product: icons, times, numbers, tables, buttons.

mod copy;
mod dialog;
mod icon;
mod if_;
mod in_place;
mod once;
mod placeholder;
mod progress;
mod resize;
mod status;
mod table;
mod time;
mod windowed;
mod zoom;

pub use copy::{CopyButton, CopyLine, CopyLink, CopySection, copy_text};
pub use dialog::open_when;
pub use icon::Icon;
pub use if_::If;
pub use in_place::{navigate_in_place, submit_in_place};
pub use once::rendered_once;
pub use placeholder::{Bone, Empty};
pub use progress::{JobBar, Progress};
pub use resize::on_resize;
pub use status::{JobBadge, StatusBadge, StatusIcon, StatusLabel, StatusMark};
pub use table::{SortHead, cell, heads};
pub use time::{Ago, Took, local_precise};
pub use windowed::Windowed;
pub use zoom::{Zoom, ZoomButtons};
