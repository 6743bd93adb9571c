//! Views that hydrate in the browser: what the server writes must be parsed exactly as written, whatever letters a file
//! contains.

use super::{sequences::SequencesView, table::TableView};
use leptos::prelude::*;
use model::{
    RunId,
    clock::MockClock,
    file::FileRef,
    preview::{Ask, Preview},
};
use peek::{fuzzed::scratch, peek};
use proptest::prelude::*;
use std::io::Write as _;

#[path = "../../../../crates/peek/tests/shapes/html.rs"]
mod html;

/// Deepest nesting of elements: a table in its scroller, and the picture in its head.
const DEEPEST: usize = 10;

/// The HTML that the server writes for a view.
fn written(name: &str, bytes: &[u8]) -> Option<String> {
    let mut file = scratch();
    file.write_all(bytes).expect("room");
    let found = peek(&file, &Ask { name: name.to_owned(), ..Ask::default() }, &MockClock::new(0).clock()).expect("a preview");
    let id: RunId = "0193a4c2-0000-7000-8000-000000000001".parse().expect("an id");
    let (file, label) = (FileRef::Known(1), format!("Content of {name}"));
    Owner::new().with(|| {
        Some(match found {
            Preview::Table(table) => view! { <TableView id file table label/> }.into_any().to_html(),
            Preview::Sequences(found) => view! { <SequencesView id file found label/> }.into_any().to_html(),
            _ => return None,
        })
    })
}

#[test]
fn tables_and_sequences_are_parsed_as_they_are_written() {
    for (name, text) in [
        ("a.csv", "a,b\n1,\"\u{7f}\"\n2,\"\r\"\n3,\"\n\"\n4,\n5, \n"),
        ("a.csv", "<b>,&amp;\n</td>,<table>\n"),
        ("a.tsv", "# about\r\n#\n\r\t\u{1}\n\u{c}\t\u{b}\n"),
        ("a.csv", "a,b\n"),
        ("a.fa", ">\n\n>\0\r\nAC<GT\n>x y\n"),
        ("a.fq", "@\0\nACGT\n+\nIIII\n"),
        ("a.gff3", "##gff-version 3\nc1\tx\tgene\t1\t9\t.\t+\t.\tID=a\n##FASTA\n>c1\nACGT\n"),
    ] {
        let written = written(name, text.as_bytes()).unwrap_or_else(|| panic!("{text:?} is of {name}"));
        assert_eq!(html::fault(&written, DEEPEST), None, "{text:?}");
    }
}

#[test]
fn a_table_says_of_which_rows_its_figures_are_and_what_is_left_out_before_them() {
    let rows = |rows: usize| format!("a,b\n{}", "1,x\n".repeat(rows));
    let figures = "The figures under the names cover only the first 200 rows.";
    assert!(written("a.csv", rows(250).as_bytes()).is_some_and(|html| html.contains(figures)));
    assert!(written("a.csv", rows(200).as_bytes()).is_some_and(|html| !html.contains("Figures")), "they are of all");
    let contigs = (0..4_000).map(|n| format!("##contig=<ID=c{n:06},length=1000>\n")).collect::<Vec<_>>().concat();
    let vcf = format!("##fileformat=VCFv4.2\n{contigs}#CHROM\tPOS\tINFO\nchr1\t1\tx\n");
    let html = written("a.vcf", vcf.as_bytes()).expect("a table");
    assert!(html.contains("4\u{202f}001 lines before the rows, the first 1\u{202f}"), "{}", &html[..900]);
    assert!(html.contains(" more lines") && html.contains("&amp;save=1"), "a way to the rest");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn tables_and_sequences_of_any_letters_are_parsed_as_they_are_written(
        name in prop::sample::select(vec!["a.csv", "a.tsv", "a.bed", "a.gff3", "a.sam", "a.fa", "a.fq"]),
        text in "[a-z0-9,\t\n\r\0\"<>&>@#+ \u{b}\u{c}\u{85}\u{a0}\u{feff}]{0,120}",
    ) {
        if let Some(written) = written(name, text.as_bytes()) {
            prop_assert_eq!(html::fault(&written, DEEPEST), None);
        }
    }
}
