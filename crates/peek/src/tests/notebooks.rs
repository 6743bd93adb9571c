//! Notebooks of both formats, and the outputs of their cells.

use super::whole;
use model::preview::{Cell, Output, Preview};

#[track_caller]
fn cells(book: &str) -> Vec<Cell> {
    match whole("n.ipynb", book.as_bytes()) {
        Preview::Notebook(cells) => cells,
        other => panic!("no notebook: {other:?}"),
    }
}

/// The outputs of a notebook's only cell.
#[track_caller]
fn outputs(outputs: &str) -> Vec<Output> {
    let book = format!(r#"{{"nbformat": 4, "cells": [{{"cell_type": "code", "source": "", "outputs": [{outputs}]}}]}}"#);
    match cells(&book).remove(0) {
        Cell::Code { outputs, .. } => outputs,
        other @ Cell::Rich(_) => panic!("no code: {other:?}"),
    }
}

#[test]
fn notebooks_show_cells_and_what_they_put_out() {
    let book = br##"{"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "cells": [
        {"cell_type": "markdown", "source": ["# Hi\n", "<b onclick=x()>there</b>"]},
        {"cell_type": "code", "execution_count": 3, "source": "print(1)", "outputs": [
            {"output_type": "stream", "text": ["1\n", "\u001b[31mred\u001b[0m\n"]},
            {"output_type": "display_data", "data": {"image/png": "aGVs\nbG8=", "text/plain": "x"}},
            {"output_type": "execute_result", "data": {"text/html": "<table><tr><td>5</td></tr></table><script>1</script>"}},
            {"output_type": "display_data", "data": {"application/javascript": "alert(1)"}},
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\u001b[1mTrace", "back"]}
        ]}]}"##;
    let Preview::Notebook(cells) = whole("n.ipynb", book) else { panic!("a notebook") };
    assert!(matches!(&cells[0], Cell::Rich(html) if html.contains("<h1>Hi</h1>") && !html.contains("onclick")));
    let Cell::Code { count: Some(3), code, outputs } = &cells[1] else { panic!("code") };
    assert_eq!((code.text.as_str(), code.language.as_str()), ("print(1)", "python"));
    assert_eq!(outputs[0], Output::Text("1\nred\n".into()));
    assert_eq!(outputs[1], Output::Picture("data:image/png;base64,aGVsbG8=".into()));
    assert!(matches!(&outputs[2], Output::Rich(html) if html.contains("<td>5</td>") && !html.contains("script")));
    assert!(matches!(&outputs[3], Output::Other(_)));
    assert_eq!(outputs[4], Output::Error("Trace\nback".into()));
    assert!(matches!(whole("n.ipynb", b"{}"), Preview::Text(_)));
}

#[test]
fn notebooks_of_the_old_format_are_read_like_new_ones() {
    let found = cells(
        r#"{"nbformat": 3, "metadata": {"name": "old"}, "worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": ["Old\n", "one"]},
            {"cell_type": "markdown", "source": "*words*"},
            {"cell_type": "code", "input": ["1+1"], "language": "julia", "prompt_number": 7, "outputs": [
                {"output_type": "pyout", "prompt_number": 7, "text": ["2"]},
                {"output_type": "stream", "stream": "stdout", "text": "a\n"},
                {"output_type": "display_data", "png": "aGVsbG8=", "text": "x"},
                {"output_type": "display_data", "html": "<b>bold</b><script>1</script>"},
                {"output_type": "pyerr", "ename": "E", "evalue": "v", "traceback": []}
            ]}
        ]}]}"#,
    );
    assert_eq!(found[0], Cell::Rich("<h2>Old one</h2>\n".into()));
    assert_eq!(found[1], Cell::Rich("<p><em>words</em></p>\n".into()));
    let Cell::Code { count: Some(7), code, outputs } = &found[2] else { panic!("code: {:?}", found[2]) };
    assert_eq!((code.text.as_str(), code.language.as_str()), ("1+1", "julia"));
    assert_eq!(
        outputs[..],
        [
            Output::Text("2".into()),
            Output::Text("a\n".into()),
            Output::Picture("data:image/png;base64,aGVsbG8=".into()),
            Output::Rich("<b>bold</b>".into()),
            Output::Error("E: v".into()),
        ]
    );
}

#[test]
fn outputs_are_what_a_terminal_shows_in_the_end() {
    let stream = |name: &str, text: &str| format!(r#"{{"output_type": "stream", "name": "{name}", "text": {text}}}"#);
    let progress = stream("stderr", r#"["\r  0%|     | 0/3", "\r 33%|#    | 1/3"]"#);
    let end = stream("stderr", r#""\r100%|#####| 3/3\n""#);
    let other = stream("stdout", r#""done""#);

    assert_eq!(outputs(&format!("{progress},{end},{other}")), [Output::Text("100%|#####| 3/3\n".into()), Output::Text("done".into())]);
}

#[test]
fn what_is_left_out_of_a_notebook_is_counted() {
    let stream = |letters: usize| format!(r#"{{"output_type": "stream", "name": "o", "text": "{}"}}"#, "x".repeat(letters));
    let long = outputs(&stream(20_005));
    assert!(matches!(&long[0], Output::Text(text) if text.ends_with("x\u{2026} (5 more letters)")), "{long:?}");
    // Overwritten text does not count.
    let over = format!(r#"{{"output_type": "stream", "name": "o", "text": "{}end"}}"#, "0 of 1\\r".repeat(5_000));
    assert_eq!(outputs(&over), [Output::Text("endf 1".into())]);
    let data = r#"{"output_type": "display_data", "data": {"text/plain": "x"}}"#;
    let many = outputs(&vec![data; 45].join(","));
    assert_eq!(many.last(), Some(&Output::Other("5 more outputs are not shown. Download the file for them.".into())));
}
