//! Modal dialogs, opened by a condition. Closing is up to the browser and to the dialog's own buttons.

use leptos::{html::Dialog, prelude::*};

/// Opens the dialog when `wanted` becomes true, and then calls `opened`.
pub fn open_when(dialog: NodeRef<Dialog>, wanted: impl Fn() -> bool + 'static, opened: impl Fn() + 'static) {
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get()
            && wanted()
            && !dialog.open()
        {
            let _ = dialog.show_modal();
            opened();
        }
    });
}
