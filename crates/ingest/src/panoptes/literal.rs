//! Parses Python literals, the output of `repr()` for a message, into JSON values. Reads, never evaluates.
//!
//! Tolerant: anything that is not a literal (a name, a call, `<an object at 0x7f>`) becomes a text of its source.
//! Linear in the length of the text, with nesting up to [`MAX_DEPTH`] and at most [`MAX_VALUES`] values.

use serde_json::{Map, Number, Value};

/// Deeper nesting than any client produces.
pub const MAX_DEPTH: usize = 32;

/// The maximum number of values. Each dictionary counts as ten, because it takes as much memory.
pub const MAX_VALUES: usize = 1_500_000;
const DICTIONARY: usize = 9;

/// Why a text could not be parsed, and the byte at which the error was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("something is missing at byte {0}")]
    Missing(usize),
    #[error("not a Python literal from byte {0} on")]
    Odd(usize),
    #[error("nested more than {MAX_DEPTH} levels deep")]
    Deep,
    #[error("more than {MAX_VALUES} values")]
    Many,
}

/// The value that a text represents. Tuples and sets become lists; bytes become texts; keys become texts (their
/// source); numbers that JSON cannot represent become texts.
///
/// # Errors
/// [`Broken`] if brackets or quotes are not closed, something follows the value, or it is nested too deeply.
pub fn parse(text: &str) -> Result<Value, Broken> {
    let mut reader = Reader { text, at: 0, tries: TRIES, left: MAX_VALUES };
    let value = reader.value(0, false)?;
    reader.blanks();
    if reader.at < text.len() { Err(Broken::Odd(reader.at)) } else { Ok(value) }
}

/// How often the parser searches for the end of a quote that is never closed; each search examines all the remaining text.
const TRIES: u32 = 16;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    tries: u32,
    /// How many more values are allowed.
    left: usize,
}

impl<'a> Reader<'a> {
    fn counts(&mut self, values: usize) -> Result<(), Broken> {
        self.left = self.left.checked_sub(values).ok_or(Broken::Many)?;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// One value; a key ends at a colon.
    fn value(&mut self, depth: usize, is_key: bool) -> Result<Value, Broken> {
        if depth > MAX_DEPTH {
            return Err(Broken::Deep);
        }
        self.counts(1)?;
        self.blanks();
        let start = self.at;
        let read = match self.peek().ok_or(Broken::Missing(start))? {
            b'{' => self.braces(depth)?,
            b'[' => self.items(b']', depth)?,
            b'(' => self.round(depth)?,
            _ => match self.texts()? {
                Some(text) => Value::String(text),
                None => return self.atom(depth, is_key),
            },
        };
        // `'a'.join(x)`, `[1] * 2`: it is an expression after all.
        if self.ends(is_key) {
            Ok(read)
        } else {
            self.at = start;
            self.opaque(is_key)
        }
    }

    /// Whether the value is complete here.
    fn ends(&mut self, is_key: bool) -> bool {
        self.blanks();
        match self.peek() {
            None | Some(b',' | b'}' | b']' | b')') => true,
            Some(b':') => is_key,
            Some(_) => false,
        }
    }

    /// A dictionary, or a set.
    fn braces(&mut self, depth: usize) -> Result<Value, Broken> {
        self.counts(DICTIONARY)?;
        self.at += 1;
        let (mut map, mut items) = (Map::new(), Vec::new());
        loop {
            self.blanks();
            if self.takes(b'}') {
                return Ok(if items.is_empty() { Value::Object(map) } else { Value::Array(items) });
            }
            let start = self.at;
            let first = self.value(depth + 1, true)?;
            let source = self.text[start..self.at].trim_end();
            self.blanks();
            if self.takes(b':') {
                let value = self.value(depth + 1, false)?;
                // Any other key becomes its source: written as JSON, and again within another key, it would double in size each time.
                let key = if let Value::String(text) = first { text } else { source.to_owned() };
                map.insert(key, value);
            } else {
                items.push(first);
            }
            self.comma(b'}')?;
        }
    }

    fn items(&mut self, close: u8, depth: usize) -> Result<Value, Broken> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.takes(close) {
                return Ok(Value::Array(items));
            }
            items.push(self.value(depth + 1, false)?);
            self.comma(close)?;
        }
    }

    /// A tuple, or a value in parentheses, such as a complex number.
    fn round(&mut self, depth: usize) -> Result<Value, Broken> {
        let start = self.at;
        let Value::Array(mut items) = self.items(b')', depth)? else { return Err(Broken::Odd(start)) };
        let is_tuple = items.len() != 1 || self.text[start..self.at - 1].trim_end().ends_with(',');
        Ok(match items.pop() {
            Some(only) if !is_tuple => only,
            last => {
                items.extend(last);
                Value::Array(items)
            }
        })
    }

    /// A comma, or the closing bracket.
    fn comma(&mut self, close: u8) -> Result<(), Broken> {
        self.blanks();
        if self.takes(b',') || self.peek() == Some(close) {
            return Ok(());
        }
        Err(if self.peek().is_none() { Broken::Missing(self.at) } else { Broken::Odd(self.at) })
    }

    /// Adjacent string literals, which form one text; `None` if there is none here.
    fn texts(&mut self) -> Result<Option<String>, Broken> {
        let mut whole: Option<String> = None;
        loop {
            let start = self.at;
            let prefix = self.rest().bytes().take(3).take_while(|byte| matches!(byte.to_ascii_lowercase(), b'b' | b'u' | b'r')).count();
            let quote = self.text.as_bytes().get(start + prefix).copied().filter(|byte| matches!(byte, b'\'' | b'"'));
            let Some(quote) = quote.filter(|_| prefix < 3) else { return Ok(whole) };
            let is_raw = self.text.as_bytes()[start..start + prefix].iter().any(|byte| byte.eq_ignore_ascii_case(&b'r'));
            self.at = start + prefix;
            let text = whole.get_or_insert_default();
            self.text_in(quote, is_raw, text)?;
            let end = self.at;
            self.blanks();
            if !matches!(self.peek(), Some(b'\'' | b'"' | b'b' | b'B' | b'u' | b'U' | b'r' | b'R')) {
                self.at = end;
                return Ok(whole);
            }
        }
    }

    fn text_in(&mut self, quote: u8, is_raw: bool, text: &mut String) -> Result<(), Broken> {
        let start = self.at;
        let triple = [quote; 3];
        let close: &[u8] = if self.rest().as_bytes().starts_with(&triple) { &triple } else { &triple[..1] };
        self.at += close.len();
        loop {
            let rest = self.rest();
            if rest.as_bytes().starts_with(close) {
                self.at += close.len();
                return Ok(());
            }
            let letter = rest.chars().next().ok_or(Broken::Missing(start))?;
            self.at += letter.len_utf8();
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let escaped = self.rest().chars().next().ok_or(Broken::Missing(start))?;
            if is_raw {
                text.push('\\');
                text.push(escaped);
                self.at += escaped.len_utf8();
            } else {
                self.escape(escaped, text);
            }
        }
    }

    /// Handles the character after a backslash. Unknown escapes stay as they are.
    fn escape(&mut self, letter: char, text: &mut String) {
        self.at += letter.len_utf8();
        let plain = match letter {
            '\\' | '\'' | '"' => letter,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            '\n' => return, // A line continuation.
            '0'..='7' => {
                self.at -= 1;
                return self.code(3, 8, text);
            }
            'x' => return self.coded('x', 2, text),
            'u' => return self.coded('u', 4, text),
            'U' => return self.coded('U', 8, text),
            _ => {
                text.push('\\');
                letter
            }
        };
        text.push(plain);
    }

    fn coded(&mut self, letter: char, digits: usize, text: &mut String) {
        let whole = self.rest().bytes().take(digits).take_while(u8::is_ascii_hexdigit).count() == digits;
        if whole {
            self.code(digits, 16, text);
        } else {
            text.push('\\');
            text.push(letter);
        }
    }

    /// The character with a number of at most this many digits. Half of a surrogate pair is not a character.
    fn code(&mut self, digits: usize, radix: u32, text: &mut String) {
        let mut number = 0;
        for _ in 0..digits {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(radix)) else { break };
            number = number * radix + digit;
            self.at += 1;
        }
        text.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// A name, a number, `set()`, or something that is not a literal.
    fn atom(&mut self, depth: usize, is_key: bool) -> Result<Value, Broken> {
        let start = self.at;
        for (empty, value) in [("set()", Value::Array(Vec::new())), ("frozenset()", Value::Array(Vec::new()))] {
            if self.rest().starts_with(empty) {
                self.at += empty.len();
                if self.ends(is_key) {
                    return Ok(value);
                }
                self.at = start;
            }
        }
        if self.rest().starts_with("frozenset({") {
            self.at += "frozenset(".len();
            let items = self.braces(depth + 1);
            if let Ok(Value::Array(items)) = items
                && self.takes(b')')
                && self.ends(is_key)
            {
                return Ok(Value::Array(items));
            }
            self.at = start;
        }
        let source = self.source(is_key)?;
        Ok(match source {
            "None" | "null" => Value::Null,
            "True" | "true" => Value::Bool(true),
            "False" | "false" => Value::Bool(false),
            _ => number(source).unwrap_or_else(|| Value::String(source.to_owned())),
        })
    }

    fn opaque(&mut self, is_key: bool) -> Result<Value, Broken> {
        self.source(is_key).map(|source| Value::String(source.to_owned()))
    }

    /// The source of an expression that ends where a value ends: its brackets and quotes are balanced.
    fn source(&mut self, is_key: bool) -> Result<&'a str, Broken> {
        let start = self.at;
        let mut open: Vec<u8> = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b'}' | b']' | b')' if open.is_empty() => break,
                b':' if open.is_empty() && is_key => break,
                b'{' | b'[' | b'(' | b'<' => open.push(byte),
                b'}' | b']' | b')' | b'>' => {
                    // `a -> b`, `x > 1`: not every angle bracket closes one.
                    while open.last() == Some(&b'<') && byte != b'>' {
                        open.pop();
                    }
                    if open.last().is_some_and(|opened| closes(*opened, byte)) {
                        open.pop();
                    } else if byte != b'>' {
                        break;
                    }
                }
                b'\'' | b'"' if self.tries > 0 && self.quotes(start) => {
                    let from = self.at;
                    if self.text_in(byte, false, &mut String::new()).is_err() {
                        self.at = from + 1; // A quote that is never closed is an ordinary character.
                        self.tries -= 1;
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        let source = self.text[start..self.at].trim_end();
        if source.is_empty() || (!open.is_empty() && self.at >= self.text.len()) { Err(Broken::Missing(self.at)) } else { Ok(source) }
    }

    /// Whether a quote here opens a text; one within a word does not.
    fn quotes(&self, start: usize) -> bool {
        self.at == start || !self.text.as_bytes()[self.at - 1].is_ascii_alphanumeric()
    }
}

const fn closes(open: u8, close: u8) -> bool {
    matches!((open, close), (b'{', b'}') | (b'[', b']') | (b'(', b')') | (b'<', b'>'))
}

/// A number as Python writes it; `None` if the source is not a number, or not one that JSON can represent.
fn number(source: &str) -> Option<Value> {
    let digits = source.strip_prefix(['-', '+']).unwrap_or(source);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None; // Includes names, inf and nan.
    }
    if let Ok(whole) = source.parse::<i64>() {
        return Some(Value::Number(whole.into()));
    }
    if let Ok(whole) = source.parse::<u64>() {
        return Some(Value::Number(whole.into()));
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None; // Too large: as text it keeps all its digits.
    }
    Number::from_f64(source.parse().ok()?).map(Value::Number)
}

#[cfg(test)]
mod tests;
