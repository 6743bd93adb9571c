//! The server functions as their sources declare them: names, and types of arguments. A new function is called from
//! then on, and one with arguments that cannot be generated fails the test.

use std::{collections::HashMap, fs, path::Path};

/// A name and a type, as in the source.
pub type Field = (String, String);

/// A server function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Below `/_fn/`.
    pub endpoint: String,
    pub arguments: Vec<Field>,
}

/// The functions in `app/src/api` and the data types in `crates/view`.
#[derive(Debug, Default)]
pub struct Declared {
    pub functions: Vec<Function>,
    /// The fields of structs by their names.
    pub structs: HashMap<String, Vec<Field>>,
}

impl Declared {
    pub fn read() -> Self {
        let mut declared = Self::default();
        for place in ["../app/src/api", "../crates/view/src"] {
            let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
            for entry in fs::read_dir(place).expect("the sources of the server functions and of their data") {
                let path = entry.expect("an entry").path();
                if path.extension().is_some_and(|ending| ending == "rs") {
                    declared.take(&fs::read_to_string(path).expect("a source"));
                }
            }
        }
        declared.functions.sort_by(|one, other| one.endpoint.cmp(&other.endpoint));
        declared
    }

    fn take(&mut self, source: &str) {
        for part in source.split("#[server(").skip(1) {
            let endpoint = between(part, "endpoint = \"", "\"").expect("a server function has an endpoint");
            let arguments = between(part, "pub async fn ", ") ->").and_then(|head| head.split_once('(')).expect("a signature").1;
            self.functions.push(Function { endpoint: endpoint.to_owned(), arguments: fields(arguments) });
        }
        for part in source.split("\npub struct ").skip(1) {
            let Some((name, rest)) = part.split_once(" {\n") else { continue };
            let Some(body) = rest.split("\n}").next().filter(|_| !name.contains(['\n', '(', ';', '<'])) else { continue };
            let lines = body.lines().map(str::trim).filter_map(|line| line.strip_prefix("pub ")).collect::<String>();
            self.structs.insert(name.to_owned(), fields(&lines));
        }
    }
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// Splits `name: Type, other: Option<Type>` into fields.
fn fields(text: &str) -> Vec<Field> {
    let field = |part: String| {
        let (name, kind) = part.split_once(':')?;
        Some((name.trim().to_owned(), kind.trim().to_owned()))
    };
    parts(text).into_iter().filter_map(field).collect()
}

/// Splits at commas that are not inside brackets.
pub fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut deep) = (vec![String::new()], 0_i32);
    for letter in text.chars() {
        match letter {
            '<' | '(' | '[' => deep += 1,
            '>' | ')' | ']' => deep -= 1,
            _ => {}
        }
        if letter == ',' && deep == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[test]
fn what_is_declared_is_read_with_its_types() {
    let declared = Declared::read();
    let sums = declared.functions.iter().find(|function| function.endpoint == "timeline/sums").expect("a function that is there");
    let written: Vec<String> = sums.arguments.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
    assert_eq!(written, ["id: RunId", "arrangement: Arrangement", "from: Place", "to: Place"]);
    assert!(declared.structs["Ask"].contains(&("span".to_owned(), "Option<(Place, Place)>".to_owned())), "{:?}", declared.structs["Ask"]);
    let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src/api");
    let files = fs::read_dir(api).expect("sources").map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    let sources = files.map(|path| fs::read_to_string(path).expect("a source"));
    assert_eq!(sources.map(|source| source.matches("#[server(").count()).sum::<usize>(), declared.functions.len());
}
