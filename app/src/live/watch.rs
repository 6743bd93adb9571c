//! The one file that a page follows through its stream, and who receives its news.

use leptos::prelude::*;
use model::file::FileRef;
use view::logs::FileNews;

/// The followed file. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Watch {
    /// Part of the stream's URL: when it changes, the stream is reopened.
    pub file: RwSignal<Option<FileRef>>,
    take: StoredValue<Option<Callback<FileNews>>>,
}

impl Watch {
    /// Follows nothing yet; lives as long as the caller's owner.
    pub fn of_nothing() -> Self {
        Self { file: RwSignal::new(None), take: StoredValue::new(None) }
    }

    /// Follows a file while `on` is true and the caller's owner lives. In the browser only.
    pub fn follow(self, file: FileRef, on: Signal<bool>, take: Callback<FileNews>) {
        let held = file.clone();
        Effect::new(move |_| {
            if on.get() {
                self.take.try_set_value(Some(take));
                self.turn(Some(held.clone()));
            } else {
                self.leave(&held);
            }
        });
        on_cleanup(move || self.leave(&file));
    }

    /// Passes on news of the file.
    pub fn hear(self, news: FileNews) {
        let ours = self.file.try_with_untracked(|file| file.as_ref() == Some(&news.file));
        if let (Some(true), Some(Some(take))) = (ours, self.take.try_get_value()) {
            take.try_run(news);
        }
    }

    /// Stops following this file, unless another one is followed already.
    fn leave(self, file: &FileRef) {
        if self.file.try_with_untracked(|held| held.as_ref() == Some(file)) == Some(true) {
            self.turn(None);
        }
    }

    fn turn(self, file: Option<FileRef>) {
        if self.file.try_with_untracked(|held| *held != file) == Some(true) {
            self.file.try_set(file);
        }
    }
}
