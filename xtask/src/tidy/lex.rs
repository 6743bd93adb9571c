//! Splits Rust text into code and string literals, as precisely as a search for words needs.
//!
//! Not a parser: the compiler's lexer distinguishes comments, strings and characters; the beginning of the inline tests
//! is recognised by its line.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// A file without its strings.
pub struct Lexed {
    /// The text with comments and the contents of strings blanked; line numbers are unchanged.
    pub code: String,
    /// String literals, each with the line, from 1, on which it begins.
    pub strings: Vec<(usize, String)>,
    /// The line, from 1, at which an inline test module begins; past the end if there is none.
    pub tests_at: usize,
}

impl Lexed {
    pub fn new(text: &str) -> Self {
        let (mut code, mut strings) = (String::with_capacity(text.len()), Vec::new());
        let (mut rest, mut line) = (text, 1);
        for token in tokenize(text, FrontmatterAllowed::No) {
            let (part, after) = rest.split_at(token.len as usize);
            match token.kind {
                TokenKind::LineComment { .. }
                | TokenKind::BlockComment { .. }
                | TokenKind::Literal { kind: LiteralKind::Char { .. } | LiteralKind::Byte { .. }, .. } => blank(&mut code, part),
                TokenKind::Literal { .. } if part.contains('"') => {
                    let inside = inside(part);
                    strings.push((line, inside.to_owned()));
                    code.push('"');
                    blank(&mut code, inside);
                    code.push('"');
                }
                _ => code.push_str(part),
            }
            line += part.matches('\n').count();
            rest = after;
        }
        let tests_at = tests_at(&code);
        Self { code, strings, tests_at }
    }

    /// Lines of code outside tests, numbered from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line)).take(self.tests_at - 1)
    }

    /// String literals outside tests.
    pub fn literals(&self) -> impl Iterator<Item = (usize, &str)> {
        let literals = self.strings.iter().map(|(line, text)| (*line, text.as_str()));
        literals.filter(|(line, _)| *line < self.tests_at)
    }
}

/// The text between the quotes of a string of any kind; an unclosed string extends to the end of the text.
fn inside(literal: &str) -> &str {
    let from = literal.find('"').map_or(0, |quote| quote + 1);
    let to = literal.rfind('"').filter(|quote| *quote >= from).unwrap_or(literal.len());
    &literal[from..to]
}

/// Replaces a non-code part by a space and its line breaks.
fn blank(code: &mut String, part: &str) {
    code.push(' ');
    code.extend(std::iter::repeat_n('\n', part.matches('\n').count()));
}

/// The line of an inline test module; `mod tests;` is in another file and does not count.
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
