//! JSON parsed from bytes, as server functions do it. Parsing the page's embedded data from text would link every
//! deserialiser a second time.

use codee::{Decoder, Encoder};
use serde::{Serialize, de::DeserializeOwned};

/// The codec of data embedded in the page.
#[derive(Debug)]
pub struct Json;

impl<T: Serialize> Encoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, serde_json::Error> {
        serde_json::to_string(value)
    }
}

impl<T: DeserializeOwned> Decoder<T> for Json {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, serde_json::Error> {
        serde_json::from_slice(text.as_bytes())
    }
}
