//! The one file that a page follows through its stream: which, and who hears of it.

use leptos::prelude::*;
use model::file::FileRef;
use view::logs::FileNews;

/// What the page follows. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Watch {
    /// In the address of the stream: another file, and the stream is opened anew.
    pub file: RwSignal<Option<FileRef>>,
    take: StoredValue<Option<Callback<FileNews>>>,
}

impl Watch {
    /// Of nothing yet; lives as long as the caller's owner.
    pub fn of_nothing() -> Self {
        Self { file: RwSignal::new(None), take: StoredValue::new(None) }
    }

    /// Follows a file as long as `on` says so and the caller's owner lives. In the browser only.
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

    /// Passes on what the stream says.
    pub fn hear(self, news: FileNews) {
        let ours = self.file.try_with_untracked(|file| file.as_ref() == Some(&news.file));
        if let (Some(true), Some(Some(take))) = (ours, self.take.try_get_value()) {
            take.try_run(news);
        }
    }

    /// Nothing more of this file, unless another one is followed already.
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
