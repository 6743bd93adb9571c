//! Parses what arrives: the envelope in each of its encodings, and the message in it.

use super::literal;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The envelope of an update.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Update {
    pub msg: Value,
    /// As the client wrote it; nothing depends on its value.
    pub timestamp: String,
    /// The number that `create_workflow` returned.
    pub id: Option<i64>,
}

/// How many fields of a form are read; clients send three.
const MOST_FIELDS: usize = 64;
/// The key under which the number of unread fields is reported.
const LEFT_OUT: &str = "left_out";

/// What is wrong with an envelope: error texts by field.
pub type Errors = Map<String, Value>;

/// The fields of a body. It is parsed as JSON if it declares and is JSON, or if it declares nothing and begins with a
/// brace; otherwise as a form. Of a form, only the first 64 fields are read, and `left_out` is the number of the others.
pub fn fields(content_type: Option<&str>, body: &[u8]) -> Result<Map<String, Value>, Errors> {
    let braced = is_braced(body);
    if may_be_json(content_type, body) {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => return Ok(fields),
            Ok(_) => return Err(errors([("_schema", "Invalid input type.")])),
            Err(_) if braced => return Err(errors([("_schema", "Not readable as JSON.")])),
            Err(_) => {}
        }
    }
    let mut form = form_urlencoded::parse(body);
    let pairs = form.by_ref().take(MOST_FIELDS).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
    let mut fields: Map<String, Value> = pairs.collect();
    let more = form.count();
    if more > 0 {
        fields.entry(LEFT_OUT).or_insert_with(|| json!(more));
    }
    Ok(fields)
}

/// Whether parsing a body as JSON is tried.
pub fn may_be_json(content_type: Option<&str>, body: &[u8]) -> bool {
    let kind = content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    kind != "application/x-www-form-urlencoded" && (is_braced(body) || kind.ends_with("json"))
}

fn is_braced(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The envelope; unknown fields are ignored.
///
/// # Errors
/// The missing fields, and those of the wrong kind.
pub fn update(mut fields: Map<String, Value>) -> Result<Update, Errors> {
    let mut wrong = Vec::new();
    let msg = match fields.remove("msg") {
        Some(msg @ (Value::String(_) | Value::Object(_))) => msg,
        Some(_) => {
            wrong.push(("msg", "Not a valid string."));
            Value::Null
        }
        None => {
            wrong.push(("msg", "Missing data for required field."));
            Value::Null
        }
    };
    let timestamp = match fields.remove("timestamp") {
        Some(Value::String(text)) => text,
        Some(_) => {
            wrong.push(("timestamp", "Not a valid string."));
            String::new()
        }
        None => {
            wrong.push(("timestamp", "Missing data for required field."));
            String::new()
        }
    };
    let id = match fields.remove("id") {
        None => None,
        Some(Value::Number(number)) if number.is_i64() => number.as_i64(),
        Some(Value::String(text)) if text.trim().parse::<i64>().is_ok() => text.trim().parse().ok(),
        Some(_) => {
            wrong.push(("id", "Not a valid integer."));
            None
        }
    };
    if wrong.is_empty() { Ok(Update { msg, timestamp, id }) } else { Err(errors(wrong)) }
}

fn errors<'a>(all: impl IntoIterator<Item = (&'a str, &'a str)>) -> Errors {
    all.into_iter().map(|(field, why)| (field.to_owned(), json!([why]))).collect()
}

/// A message: JSON, or a Python literal.
///
/// # Errors
/// Why it is neither; the message is then stored as it was received.
pub fn message(msg: &Value) -> Result<Cow<'_, Map<String, Value>>, String> {
    let text = match msg {
        Value::Object(fields) => return Ok(Cow::Borrowed(fields)),
        Value::String(text) => text,
        _ => return Err("no text".into()),
    };
    let read = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => literal::parse(text).map_err(|error| format!("neither JSON nor a Python literal: {error}"))?,
    };
    match read {
        Value::Object(fields) => Ok(Cow::Owned(fields)),
        _ => Err("neither a JSON object nor a Python dictionary".into()),
    }
}

/// The kind of a message that could not be parsed: the value after the first `level` in it.
pub fn level_of(text: &str) -> Option<&str> {
    let after = ["'level':", "\"level\":"].iter().find_map(|word| text.find(word).map(|at| &text[at + word.len()..]))?;
    let after = after.trim_start();
    let quote = after.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    after[1..].split(quote).next().filter(|word| word.len() <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: Option<&str>, body: &str) -> Result<Update, Errors> {
        fields(content_type, body.as_bytes()).and_then(update)
    }

    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

    #[test]
    fn every_encoding_is_read() {
        let wanted = Update { msg: json!("{\"level\": \"x\"}"), timestamp: "Sat".into(), id: Some(13) };
        let form = "msg=%7B%22level%22%3A+%22x%22%7D&timestamp=Sat&id=13";
        assert_eq!(read(FORM, form), Ok(wanted.clone()));
        assert_eq!(read(None, form), Ok(wanted.clone()));
        let text = json!({"msg": "{\"level\": \"x\"}", "timestamp": "Sat", "id": 13}).to_string();
        for kind in [None, Some("application/json"), Some("application/json; charset=utf-8"), Some("text/plain")] {
            assert_eq!(read(kind, &text), Ok(wanted.clone()), "{kind:?}");
        }
        assert_eq!(read(Some("application/json"), "msg=a&timestamp="), Ok(Update { msg: json!("a"), timestamp: String::new(), id: None }));
    }

    #[test]
    fn fields_beyond_those_that_are_read_are_counted() {
        let form = (0..70).map(|n| format!("f{n}=x")).collect::<Vec<_>>().join("&");
        let read = fields(FORM, form.as_bytes()).expect("fields");
        assert_eq!((read.len(), &read[LEFT_OUT]), (MOST_FIELDS + 1, &json!(6)));
    }

    #[test]
    fn what_is_wrong_is_named_by_field() {
        let wrong = |kind, body: &str| read(kind, body).unwrap_err().keys().cloned().collect::<Vec<_>>();
        assert_eq!(wrong(FORM, ""), ["msg", "timestamp"]);
        assert_eq!(wrong(FORM, "msg=a&timestamp=b&id="), ["id"]);
        assert_eq!(wrong(FORM, "msg=a&timestamp=b&id=x"), ["id"]);
        assert_eq!(wrong(None, "{\"msg\": 1, \"timestamp\": 2, \"id\": 1.5}"), ["id", "msg", "timestamp"]);
        assert_eq!(wrong(Some("application/json"), "[]"), ["_schema"]);
        assert_eq!(wrong(Some("application/json"), "{"), ["_schema"]);
        assert!(read(FORM, "msg=a&timestamp=b&id=1&more=2").is_ok(), "unknown fields are ignored");
    }

    #[test]
    fn a_message_that_cannot_be_read_still_says_its_kind() {
        assert_eq!(level_of("{'level': 'job_info', 'x': ["), Some("job_info"));
        assert_eq!(level_of("{\"level\":\"error\", "), Some("error"));
        assert_eq!(level_of("{'level': x"), None);
        assert_eq!(level_of("nothing"), None);
    }

    #[test]
    fn the_kept_corpus_is_read_without_a_crash() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/envelope");
        let mut seen = 0;
        for entry in std::fs::read_dir(corpus).expect("a corpus") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
            for kind in [None, Some("application/json"), FORM] {
                let Ok(update) = fields(kind, &bytes).and_then(update) else { continue };
                let read = message(&update.msg);
                if let (Err(_), Some(text)) = (read, update.msg.as_str()) {
                    let _ = level_of(text);
                }
            }
            seen += 1;
        }
        assert!(seen >= 20, "{seen}");
    }
}
