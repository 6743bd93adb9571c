//! Puts a report in a frame, for browsers that do not send the purpose of a request; over plain HTTP, none does. The
//! page around the frame is ours and does nothing, so the report never becomes a page of its own, however it was
//! opened.

use bytes::{Bytes, BytesMut};
use futures::{
    Stream,
    stream::{self, StreamExt as _},
};
use std::{future::ready, io};

/// The `base` element keeps links to parts of the report within the report.
const BEFORE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Report</title>\
    <style>html,body,iframe{box-sizing:border-box;width:100%;height:100%;margin:0;border:0;display:block}</style>\
    <iframe title=\"Report\" sandbox=\"allow-scripts\" referrerpolicy=\"no-referrer\" srcdoc=\"&lt;base href=&quot;about:srcdoc&quot;&gt;";
const AFTER: &str = "\"></iframe></html>";

/// The page, streamed while the report is read.
pub fn framed(report: impl Stream<Item = io::Result<Bytes>> + Send) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let text = |text: &'static str| stream::once(ready(Ok(Bytes::from_static(text.as_bytes()))));
    text(BEFORE).chain(report.map(|piece| piece.map(|piece| quoted(&piece)))).chain(text(AFTER))
}

/// Escapes bytes for an attribute value, so that they cannot end it.
fn quoted(bytes: &[u8]) -> Bytes {
    let mut quoted = BytesMut::with_capacity(bytes.len() + bytes.len() / 8);
    for byte in bytes {
        match byte {
            b'&' => quoted.extend_from_slice(b"&amp;"),
            b'"' => quoted.extend_from_slice(b"&quot;"),
            other => quoted.extend_from_slice(&[*other]),
        }
    }
    quoted.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_in_a_report_ends_its_frame() {
        let report = ["<p class=\"a\">&amp;", "\"></iframe><script>", "'>--></html>"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));

        let pieces: Vec<_> = framed(stream::iter(report)).collect().await;

        let page: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap()).collect();
        let page = String::from_utf8(page).unwrap();
        let (before, rest) = page.split_once("srcdoc=\"").unwrap();
        let (report, after) = rest.split_once('"').unwrap();
        assert!(!before.contains("script>") && after == "></iframe></html>", "{page}");
        assert!(report.ends_with("<p class=&quot;a&quot;>&amp;amp;&quot;></iframe><script>'>--></html>"), "{report}");
    }
}
