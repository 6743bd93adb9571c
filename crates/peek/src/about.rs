//! The text before a file's rows, such as a header: its first complete lines, and how many lines follow them.

/// How many bytes of it are shown.
const MOST: usize = 64 << 10;

/// Lines, each with its line break.
#[derive(Debug, Default)]
pub struct About {
    text: String,
    /// The number of lines from the first one that did not fit.
    more: u64,
}

impl About {
    /// Adds the next line.
    pub fn push(&mut self, line: &str) {
        if self.more == 0 && self.text.len() + line.len() <= MOST {
            self.text.push_str(line);
        } else {
            self.more += 1;
        }
    }

    /// Removes the last line again; `line` is its text.
    pub fn pop(&mut self, line: &str) {
        if self.more == 0 {
            self.text.truncate(self.text.len().saturating_sub(line.len()));
        } else {
            self.more -= 1;
        }
    }

    /// The lines that are shown, if any, and the number of lines that are not.
    pub fn finish(self) -> (Option<String>, u64) {
        ((!self.text.is_empty()).then_some(self.text), self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_one_finds_no_room() {
        let mut about = About::default();
        about.push("##first\n");
        about.push(&format!("##{}\n", "x".repeat(MOST)));
        about.push("##short\n");
        about.push("#names\n");
        about.pop("#names\n");
        assert_eq!(about.finish(), (Some("##first\n".to_owned()), 2));
        assert_eq!(About::default().finish(), (None, 0));
    }
}
