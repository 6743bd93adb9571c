//! Rust text split into code and string literals, as far as searching for words needs it.
//!
//! Not a parser: it knows comments, strings, characters and where the inline tests begin.

/// A file with its strings taken out.
pub struct Lexed {
    /// The text with comments and the insides of strings blanked; lines keep their numbers.
    pub code: String,
    /// String literals with the line, from 1, on which each begins.
    pub strings: Vec<(usize, String)>,
    /// The line, from 1, at which an inline test module begins; past the end if there is none.
    pub tests_at: usize,
}

impl Lexed {
    pub fn new(text: &str) -> Self {
        let mut splitter = Splitter { code: String::with_capacity(text.len()), strings: Vec::new() };
        let mut rest = text;
        while !rest.is_empty() {
            rest = splitter.step(rest);
        }
        let Splitter { code, strings } = splitter;
        let tests_at = tests_at(&code);
        Self { code, strings, tests_at }
    }

    /// Lines of code that are not tests, with their numbers from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line)).take(self.tests_at - 1)
    }

    /// String literals that are not in tests.
    pub fn literals(&self) -> impl Iterator<Item = (usize, &str)> {
        let literals = self.strings.iter().map(|(line, text)| (*line, text.as_str()));
        literals.filter(|(line, _)| *line < self.tests_at)
    }
}

struct Splitter {
    code: String,
    strings: Vec<(usize, String)>,
}

impl Splitter {
    /// Takes one comment, literal or character off the front.
    fn step<'a>(&mut self, rest: &'a str) -> &'a str {
        if rest.starts_with("//") {
            return self.blank(rest, rest.find('\n').unwrap_or(rest.len()));
        }
        if rest.starts_with("/*") {
            return self.blank(rest, comment_end(rest));
        }
        if rest.starts_with('"') {
            return self.string(rest, 1, escaped_end(rest), 1);
        }
        if let Some(hashes) = self.raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let from = hashes + 2;
            let to = rest[from..].find(&close).map_or(rest.len(), |at| from + at);
            return self.string(rest, from, to, close.len());
        }
        let length = char_literal(rest);
        if length > 0 {
            return self.blank(rest, length);
        }
        let mut chars = rest.chars();
        self.code.extend(chars.next());
        chars.as_str()
    }

    /// Number of hashes if a raw string begins here: `r"`, `r#"`, also after `b` and `c`.
    fn raw_string(&self, rest: &str) -> Option<usize> {
        let in_word = self.code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let after_prefix = ["b", "c"].iter().any(|prefix| {
            self.code.strip_suffix(prefix).is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        if in_word && !after_prefix {
            return None;
        }
        let tail = rest.strip_prefix('r')?;
        let hashes = tail.len() - tail.trim_start_matches('#').len();
        tail[hashes..].starts_with('"').then_some(hashes)
    }

    fn string<'a>(&mut self, rest: &'a str, from: usize, to: usize, close: usize) -> &'a str {
        let line = self.code.matches('\n').count() + 1;
        self.strings.push((line, rest[from..to].to_owned()));
        self.code.push('"');
        self.blank(&rest[from..], to - from);
        self.code.push('"');
        &rest[(to + close).min(rest.len())..]
    }

    fn blank<'a>(&mut self, rest: &'a str, length: usize) -> &'a str {
        let breaks = rest[..length].matches('\n').count();
        self.code.push(' ');
        self.code.extend(std::iter::repeat_n('\n', breaks));
        &rest[length..]
    }
}

/// Where a block comment ends; they nest.
fn comment_end(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Index of the quote that closes a string with escapes.
fn escaped_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => (),
        }
    }
    rest.len()
}

/// Length of a character literal; 0 if this is a lifetime or something else.
fn char_literal(rest: &str) -> usize {
    let Some(inner) = rest.strip_prefix('\'') else {
        return 0;
    };
    if let Some(escape) = inner.strip_prefix('\\') {
        // The escaped character itself may be a quote.
        let skip = escape.chars().next().map_or(0, char::len_utf8);
        return escape[skip..].find('\'').map_or(0, |at| at + skip + 3);
    }
    let Some(c) = inner.chars().next() else {
        return 0;
    };
    if inner[c.len_utf8()..].starts_with('\'') { c.len_utf8() + 2 } else { 0 }
}

/// A test module written in the file; `mod tests;` is a file of its own and ends nothing.
fn tests_at(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    for (at, line) in lines.iter().enumerate() {
        let next = lines[at + 1..].iter().find(|line| !line.is_empty()).unwrap_or(&"");
        if line.starts_with("#[cfg(test)]") && next.starts_with("mod ") && next.ends_with('{') {
            return at + 1;
        }
    }
    lines.len() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_taken_out_and_comments_blanked() {
        let text = "//! a \"comment\"\nlet a = \"one \\\" two\"; // tail\nlet b = r#\"raw \"x\" \
                    end\"#;\n/* /* \"nested\" */ */ let c = '\"'; let d: &'static str = \"y\";\n";

        let lexed = Lexed::new(text);

        let strings: Vec<(usize, &str)> = lexed.literals().collect();
        assert_eq!(strings, [(2, "one \\\" two"), (3, "raw \"x\" end"), (4, "y")]);
        assert!(lexed.code.contains("let d: &'static str"), "{}", lexed.code);
        assert!(!lexed.code.contains("comment") && !lexed.code.contains("tail"), "{}", lexed.code);
        assert_eq!(lexed.code.lines().count(), text.lines().count());
    }

    #[test]
    fn an_escaped_quote_is_a_character_and_a_lifetime_is_not() {
        let lexed = Lexed::new("match c { '\\'' => \"q\", '\\\\' => \"b\", 'a' => x::<'a>() }");

        let strings: Vec<&str> = lexed.literals().map(|(_, text)| text).collect();
        assert_eq!(strings, ["q", "b"]);
    }

    #[test]
    fn lines_keep_their_numbers_behind_long_strings() {
        let lexed = Lexed::new("let a = \"x\ny\nz\";\nlet b = \"w\";\n");

        assert_eq!(lexed.strings[1], (4, "w".to_owned()));
    }

    #[test]
    fn tests_begin_at_the_inline_module_only() {
        assert_eq!(Lexed::new("fn a() {}\n#[cfg(test)]\nmod tests {\n}\n").tests_at, 2);
        assert_eq!(Lexed::new("#[cfg(test)]\nmod tests;\nfn a() {}\n").tests_at, 4);
    }
}
