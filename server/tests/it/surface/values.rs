//! Values of every type, ordinary and extreme, as bytes of JSON and of URLs; all from one seed.

use super::functions::{Declared, Function, parts};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

/// Existing things, so that some requests succeed.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub runs: Vec<String>,
    /// A run that reports refer to.
    pub talked_of: String,
    /// Ids of jobs, of paths, of runs.
    pub numbers: Vec<i64>,
}

/// Makes values.
pub struct Maker<'a> {
    rng: StdRng,
    known: &'a Known,
    declared: &'a Declared,
}

/// JSON that does not match the type, and bytes that are not JSON.
const WILD: [&[u8]; 30] = [
    b"null",
    b"true",
    b"0",
    b"-0",
    b"-1",
    b"1.5",
    b"1e308",
    b"1e400",
    b"-1e400",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"340282366920938463463374607431768211456",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"\"\"",
    b"\"NaN\"",
    b"[]",
    b"{}",
    b"[null]",
    b"{\"\":null}",
    b"\"\\ud800\"",
    b"\"\\udc00\\ud800\"",
    b"\"\xed\xa0\x80\"",
    b"\"\xff\xfe\"",
    b"\"",
    b"[",
    b"{\"a\":",
    b"",
];
const WHOLE: [i64; 17] = [
    i64::MIN,
    i64::MIN + 1,
    i64::MIN / 2,
    -62_135_596_800_001,
    -2_147_483_649,
    -1,
    0,
    1,
    7,
    999,
    2_147_483_647,
    4_294_967_296,
    1 << 53,
    1_790_000_000_000,
    253_402_300_800_000,
    i64::MAX - 1,
    i64::MAX,
];
/// Texts that mean something somewhere, or would break code that trusts them.
const TEXTS: [&str; 50] = [
    "map",
    "merge",
    "S1",
    "sample",
    "run.log",
    "out/a.txt",
    "out",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "/proc/self/mem",
    "/",
    "~",
    "status:failed,lost user:ana",
    "after:9999999w before:0001-01-01",
    "duration:>99999999999d",
    "-tag:\"a b\" is:retry",
    "rule:map",
    "%",
    "_%\\",
    "started:asc",
    "duration:desc",
    "w.sample:desc",
    "w.",
    "job",
    "reported:asc",
    "failed",
    "failed,running,success,,",
    "broken",
    "name",
    "time",
    "0~-",
    "1~=S1",
    "9223372036854775807~9223372036854775807",
    "-9223372036854775808~.ff",
    "x~.zz",
    "~",
    "18446744073709551616",
    "-1",
    "1e9",
    "NaN",
    "2026-11-21T08:00:00Z",
    "9223372036854775807-99-99T99:99",
    "jobs",
    "a\u{0}b",
    "\u{202e}\u{feff}",
    "\u{1f9ec}é\n\r\t",
    "'; drop table users; --",
    "",
];
/// Words in URLs: tabs, forms, scopes.
const WORDS: [&str; 22] = [
    "jobs",
    "timeline",
    "results",
    "logs",
    "code",
    "files",
    "history",
    "info",
    "matrix",
    "graph",
    "table",
    "runs",
    "run:",
    "lr",
    "skip",
    "newest",
    "all",
    "run",
    "./out/a.txt",
    "=run.log",
    "1",
    "0~1000",
];
const NAMES: [&str; 31] = [
    "q",
    "sort",
    "limit",
    "after",
    "rule",
    "status",
    "find",
    "attempts",
    "scope",
    "file",
    "save",
    "key",
    "why",
    "at",
    "tab",
    "form",
    "by",
    "from",
    "span",
    "job",
    "dir",
    "tree",
    "path",
    "errors",
    "idle",
    "id",
    "name",
    "cli_device_code",
    "cli_user_code",
    "token",
    "before",
];
/// Fields that accept only a few words, with such words.
const FEW: [(&str, &[&str]); 3] = [
    ("sort", &["", "started", "name:desc", "duration:asc", "w.sample"]),
    ("by", &["sample"]),
    ("status", &["", "failed", "running,success"]),
];
/// Letters of a text that is far too long.
const HUGE: usize = 1_000_000;

impl<'a> Maker<'a> {
    pub fn new(seed: u64, known: &'a Known, declared: &'a Declared) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), known, declared }
    }

    pub fn one_in(&mut self, times: u32) -> bool {
        self.rng.random_ratio(1, times)
    }

    pub fn below(&mut self, most: u32) -> u32 {
        self.rng.random_range(0..most)
    }

    pub fn of<'b, T>(&mut self, list: &'b [T]) -> &'b T {
        list.choose(&mut self.rng).expect("something to choose from")
    }

    pub fn whole(&mut self) -> i64 {
        match self.rng.random_range(0..10) {
            0..4 => *self.of(&WHOLE),
            4 => self.rng.random(),
            5 => self.rng.random_range(-100_000..100_000),
            _ => {
                let known = self.known;
                *self.of(&known.numbers)
            }
        }
    }

    pub fn text(&mut self) -> String {
        match self.rng.random_range(0..400) {
            0 => "a".repeat(HUGE),
            1 => ",".repeat(20_000),
            2..10 => "ä,".repeat(2_000),
            10..40 => self.whole().to_string(),
            40..60 => (0..self.rng.random_range(1..40)).map(|_| char::from_u32(self.rng.random_range(0..0x3000)).unwrap_or('x')).collect(),
            60..90 => self.run(),
            90..120 => (*self.of(&WORDS)).to_owned(),
            _ => (*self.of(&TEXTS)).to_owned(),
        }
    }

    /// A run id, mostly of an existing run.
    pub fn run(&mut self) -> String {
        let known = self.known;
        match self.rng.random_range(0..20) {
            0 => uuid::Uuid::from_u128(self.rng.random()).to_string(),
            1 => (*self.of(&TEXTS)).to_owned(),
            2 => known.talked_of.clone(),
            _ => self.of(&known.runs).clone(),
        }
    }

    /// A value that is hardly ever valid.
    pub fn wild(&mut self) -> Vec<u8> {
        match self.rng.random_range(0..60) {
            0 => nested(b"[", b"]", 200),
            1 => nested(b"{\"a\":", b"}", 127),
            2 => nested(b"[", b"", 100_000),
            3 => quoted(&self.text()),
            4 => self.whole().to_string().into_bytes(),
            _ => self.of(&WILD).to_vec(),
        }
    }

    /// JSON of a type, as Rust writes it.
    pub fn value(&mut self, kind: &str) -> Vec<u8> {
        if self.one_in(25) {
            return self.wild();
        }
        if let Some(inner) = inside(kind, "Option<") {
            return if self.one_in(3) { b"null".to_vec() } else { self.value(inner) };
        }
        if let Some(inner) = inside(kind, "Vec<") {
            let length = *self.of(&[0, 0, 1, 1, 2, 3, 50, 301, 3_000]);
            let items: Vec<Vec<u8>> = (0..length).map(|_| self.value(inner)).collect();
            // Many long items make one long body, which is refused before it is read.
            return list(if items.iter().map(Vec::len).sum::<usize>() > 900_000 { &items[..1] } else { &items });
        }
        if let Some(inner) = kind.strip_prefix('(').and_then(|kind| kind.strip_suffix(')')) {
            let items: Vec<Vec<u8>> = parts(inner).iter().map(|kind| self.value(kind.trim())).collect();
            return list(&items);
        }
        match kind {
            "RunId" => quoted(&self.run()),
            "Encoding" if self.one_in(2) => {
                quoted(["utf-8", "utf-16le", "utf-32be", "windows-1252", "shift_jis"][self.rng.random_range(0..5)])
            }
            "String" | "Encoding" => quoted(&self.text()),
            "bool" => if self.one_in(2) { "true" } else { "false" }.into(),
            "i64" | "JobKey" | "AsOf" | "Place" | "Millis" => self.whole().to_string().into_bytes(),
            "u64" | "usize" => self.natural(u64::MAX).to_string().into_bytes(),
            "u32" => self.natural(u32::MAX.into()).to_string().into_bytes(),
            "Level" => quoted(["debug", "warning", "error", "Fatal"][self.rng.random_range(0..4)]),
            "Direction" => quoted(if self.one_in(2) { "Down" } else { "Right" }),
            "FileRef" => match self.rng.random_range(0..6) {
                0 => b"\"Log\"".to_vec(),
                1..3 => tagged("Known", &self.value("i64")),
                3..5 => tagged("Named", &self.value("String")),
                _ => tagged("Under", &self.value("String")),
            },
            "LogPart" => match self.rng.random_range(0..3) {
                0 => b"\"End\"".to_vec(),
                1 => tagged("Before", &self.value("u64")),
                _ => tagged("From", &self.value("u64")),
            },
            other => {
                let declared = self.declared;
                let fields = declared.structs.get(other).unwrap_or_else(|| panic!("no value of the type {other} can be generated"));
                self.object(fields)
            }
        }
    }

    fn natural(&mut self, most: u64) -> u64 {
        let ends = [0, 1, 2, most / 2, most - 1, most, 1 << 31, 1_000_000_000_000 % most];
        if self.one_in(3) { *self.of(&ends) } else { self.whole().unsigned_abs() % most }
    }

    /// A value of a type; for fields that accept only a few words, sometimes one of these.
    fn named(&mut self, name: &str, kind: &str) -> Vec<u8> {
        let words = FEW.iter().find(|(field, _)| *field == name).map(|(_, words)| *words);
        if let Some(words) = words
            && self.one_in(2)
        {
            let word: &&str = self.of(words);
            return quoted(word);
        }
        self.value(kind)
    }

    fn object(&mut self, fields: &[(String, String)]) -> Vec<u8> {
        let mut pairs: Vec<(String, Vec<u8>)> = fields.iter().map(|(name, kind)| (name.clone(), self.named(name, kind))).collect();
        if self.one_in(40) && !pairs.is_empty() {
            let at = self.rng.random_range(0..pairs.len());
            match self.rng.random_range(0..3) {
                0 => drop(pairs.remove(at)),
                1 => pairs.push(pairs[at].clone()),
                _ => pairs.push(("unheard_of".to_owned(), self.wild())),
            }
        }
        let pairs: Vec<Vec<u8>> = pairs.iter().map(|(name, value)| glued(&[&quoted(name), b":", value])).collect();
        glued(&[b"{", &pairs.join(&b","[..]), b"}"])
    }

    /// The body of a call of a server function, mostly of the right form.
    pub fn body(&mut self, function: &Function) -> Vec<u8> {
        let mut body = self.object(&function.arguments);
        match self.rng.random_range(0..100) {
            0 => body.truncate(body.len() / 2),
            1 => body = self.wild(),
            2 => {
                let at = self.rng.random_range(0..body.len().max(1)).min(body.len().saturating_sub(1));
                if let Some(byte) = body.get_mut(at) {
                    *byte = self.rng.random();
                }
            }
            _ => {}
        }
        body
    }

    /// An object with some of these names, each with any value.
    pub fn record(&mut self, names: &[&str]) -> Vec<u8> {
        let count = self.rng.random_range(0..names.len() + 1);
        let mut fields = Vec::new();
        for _ in 0..count {
            let kind = *self.of(&["i64", "String", "Vec<i64>", "Vec<String>", "Option<String>", "bool", "Option<i64>"]);
            fields.push(((*self.of(names)).to_owned(), kind.to_owned()));
        }
        self.object(&fields)
    }

    /// A query string.
    pub fn query(&mut self) -> String {
        let count = *self.of(&[0, 0, 1, 1, 2, 3, 6]);
        let pair = |maker: &mut Self| format!("{}={}", maker.of(&NAMES), maker.part());
        let mut pairs = Vec::new();
        for _ in 0..count {
            pairs.push(pair(self));
        }
        pairs.join("&")
    }

    /// Text for a part of a URL; at most as long as what clients send.
    pub fn part(&mut self) -> String {
        let text = if self.one_in(3) { (*self.of(&WORDS)).to_owned() } else { self.text() };
        let text: String = text.chars().take(5_000).collect();
        if self.one_in(20) {
            // Invalid escapes, and escapes that are not UTF-8.
            return (*self.of(&["%", "%zz", "%00", "%ff%fe", "%ed%a0%80", "%2e%2e%2f", "+", "%c0%af"])).to_owned();
        }
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    }
}

fn inside<'a>(kind: &'a str, wrapper: &str) -> Option<&'a str> {
    kind.strip_prefix(wrapper)?.strip_suffix('>')
}

fn glued(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

fn tagged(tag: &str, value: &[u8]) -> Vec<u8> {
    glued(&[b"{", &quoted(tag), b":", value, b"}"])
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    glued(&[b"[", &items.join(&b","[..]), b"]"])
}

fn nested(open: &[u8], close: &[u8], deep: usize) -> Vec<u8> {
    [open.repeat(deep), b"1".to_vec(), close.repeat(deep)].concat()
}
