//! A sequence record as text: its figures, its letters in lines, and which letters have a colour.

use model::{preview::Sequence, text};

/// Letters per line.
const LINE: usize = 60;

/// Length, share of G and C, and mean quality, as far as they are known.
pub fn facts(record: &Sequence) -> String {
    let length = text::count(record.length as i64);
    let mut facts = vec![if record.cut { format!("more than {length} letters") } else { format!("{length} letters") }];
    facts.extend(record.gc.map(|gc| format!("GC {}.{} %", gc / 10, gc % 10)));
    facts.extend(record.quality.map(|quality| format!("mean Q {}.{}", quality / 10, quality % 10)));
    facts.join(" · ")
}

/// Letters in lines of equal length.
pub fn lines(letters: &str) -> String {
    let mut lines = String::new();
    for (at, letter) in letters.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            lines.push('\n');
        }
        lines.push(letter);
    }
    lines
}

/// Consecutive letters of the same colour, each group with its CSS class; a line break belongs to the group before it.
pub fn inked(letters: &str) -> Vec<(&'static str, String)> {
    let kind = |letter: char| match letter.to_ascii_uppercase() {
        'A' => "nt-a",
        'C' => "nt-c",
        'G' => "nt-g",
        'T' | 'U' => "nt-t",
        _ => "",
    };
    let mut pieces: Vec<(&str, String)> = Vec::new();
    for letter in letters.chars() {
        match pieces.last_mut() {
            Some((last, text)) if *last == kind(letter) || letter == '\n' => text.push(letter),
            _ => pieces.push((kind(letter), letter.into())),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_keep_their_order_in_lines_and_in_colours() {
        let letters = "AAcc".repeat(40);
        let lines = lines(&letters);
        assert_eq!(lines.lines().map(str::len).collect::<Vec<_>>(), [60, 60, 40]);
        let inked = inked("aAN\nNc");
        assert_eq!(inked, [("nt-a", "aA".to_owned()), ("", "N\nN".to_owned()), ("nt-c", "c".to_owned())]);
    }
}
