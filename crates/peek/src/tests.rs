//! Every format, whole and in windows, and files that do not match their name.

mod cuts;
mod notebooks;
mod parts;

use super::*;
use model::clock::MockClock;
use model::encoding::Encoding;
use model::preview::{Kind, Node, Sequences, Table, Value};
use proptest::prelude::*;
use std::{fmt::Write as _, io::Write as _};

fn at(name: &str, bytes: &[u8], at: u64) -> Preview {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("room");
    peek(&file, &Ask { name: name.to_owned(), at, ..Ask::default() }, &MockClock::new(0).clock()).expect("a preview")
}

fn whole(name: &str, bytes: &[u8]) -> Preview {
    at(name, bytes, 0)
}

#[track_caller]
fn table(preview: Preview) -> Table {
    match preview {
        Preview::Table(table) => table,
        other => panic!("no table: {other:?}"),
    }
}

fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("room");
    packed.finish().expect("room")
}

#[test]
fn tables_have_kinds_and_say_how_their_numbers_lie() {
    let found = table(whole("a.tsv", b"gene\tlfc\tn\tok\tnote\nTP53\t-1.5e3\t1\tyes\tx\nMYC\tNA\t30\tno\t\"a\tb\"\nodd\n"));
    assert_eq!(names(&found), ["gene", "lfc", "n", "ok", "note"]);
    let kinds: Vec<Kind> = found.columns.iter().map(|column| column.kind).collect();
    assert_eq!(kinds, [Kind::Text, Kind::Number, Kind::Whole, Kind::YesNo, Kind::Text]);
    assert_eq!(found.rows, [vec!["TP53", "-1.5e3", "1", "yes", "x"], vec!["MYC", "NA", "30", "no", "a\tb"], vec!["odd"]]);
    assert_eq!((found.columns[1].missing, found.columns[0].distinct), (1, 3));
    assert_eq!(found.columns[2].range, Some(("1".into(), "30".into())));
    assert_eq!((found.columns[2].shape.first(), found.columns[2].shape.last()), (Some(&100), Some(&100)));
    assert_eq!((found.next, found.ends), (None, Ends::Whole));
    assert!(matches!(whole("one.csv", b"only\n1\n"), Preview::Text(_)), "one column is not a table");
    assert_eq!(table(whole("latin.csv", b"a,b\n\xe9\xe8,1\n")).rows, [["\u{e9}\u{e8}", "1"]]);
    assert_eq!(names(&table(whole("marked.csv", b"\xef\xbb\xbfa,b\n1,2\n"))), ["a", "b"]);
    assert_eq!(names(&table(whole("eu.csv", b"a;b\n1,5;2\n"))), ["a", "b"]);
}

#[test]
fn texts_are_read_whatever_their_encoding() {
    let text = "name,value\nalpha,1\n\u{4e0a}\u{f6},2\n";
    for encoding in [Encoding::UTF_16LE, Encoding::UTF_16BE, Encoding::UTF_32LE, Encoding::UTF_32BE, Encoding::UTF_8] {
        let bytes = encoding::encoded(&format!("\u{feff}{text}"), encoding).expect("letters");
        for (name, bytes) in [("x.csv", bytes.clone()), ("x.csv.gz", gzip(&bytes))] {
            let found = table(whole(name, &bytes));
            assert_eq!(
                (names(&found), &found.rows),
                (vec!["name", "value"], &vec![vec!["alpha".to_owned(), "1".into()], vec!["\u{4e0a}\u{f6}".into(), "2".into()]]),
                "{name} {encoding}"
            );
        }
        let Preview::Text(found) = whole("x.log", &bytes) else { panic!("a text") };
        assert_eq!(found.code.text, text, "{encoding}");
    }
    let cyrillic = encoding::encoded("\u{434}\u{430}\n", "KOI8-R".parse().expect("an encoding")).expect("letters");
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&cyrillic).expect("room");
    let ask = Ask { name: "x.txt".into(), encoding: "koi8-r".parse().ok(), ..Ask::default() };
    let Preview::Text(found) = peek(&file, &ask, &MockClock::new(0).clock()).expect("a preview") else { panic!("a text") };
    assert_eq!(found.code.text, "\u{434}\u{430}\n", "as the reader chose");
    assert_eq!(read_as(&file, &ask).expect("read").map(|read| read.encoding.as_str()), Some("KOI8-R"));
    let Preview::Text(found) = whole("nul.log", b"before\nwith \0\0 nul\nafter\n") else { panic!("a text") };
    assert_eq!(found.code.text, "before\nwith \u{2400}\u{2400} nul\nafter\n");
}

#[test]
fn the_start_of_a_text_is_text_or_nothing() {
    assert_eq!(start_of_text("gr\u{f6}\u{df}e\n".as_bytes(), false).as_deref(), Some("gr\u{f6}\u{df}e\n"));
    assert_eq!(start_of_text(&"gr\u{f6}\u{df}e\n".as_bytes()[..3], true).as_deref(), Some("gr"), "not half a letter");
    assert_eq!(start_of_text(&[0, 159, 146, 150], false), None);
    assert_eq!(start_of_text(b"some a\0b\n", false).as_deref(), Some("some a\u{2400}b\n"));
    assert_eq!(start_of_text(b"\xff\xfea\0b\0", false).as_deref(), Some("ab"));
}

#[test]
fn what_stands_before_a_table_is_kept() {
    let found = table(whole("counts.txt", b"# Program:featureCounts v2\nGeneid\tChr\tn\ng1\tchr1\t4\ng2\tchr2\t5\n"));
    assert_eq!((names(&found), found.about.as_deref()), (vec!["Geneid", "Chr", "n"], Some("# Program:featureCounts v2\n")));
    let found = table(whole("x.tsv", b"#chrom\tpos\nchr1\t4\n"));
    assert_eq!((names(&found), found.about.as_deref()), (vec!["chrom", "pos"], None));
    assert!(matches!(whole("notes.txt", b"a\tb\nplain words\n"), Preview::Text(_)));
}

#[test]
fn windows_follow_each_other_without_a_gap() {
    let mut text = "id,words\n".to_owned();
    for row in 0..20_000 {
        let _ = write!(text, "{row},\"a,\nb{row}\"\n");
    }
    let (mut from, mut rows) = (0, 0);
    loop {
        let found = table(at("big.csv", text.as_bytes(), from));
        assert_eq!(names(&found), ["id", "words"]);
        for row in &found.rows {
            assert_eq!(row, &[rows.to_string(), format!("a,\nb{rows}")]);
            rows += 1;
        }
        match found.next {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(rows, 20_000);
}

#[test]
fn windows_follow_each_other_in_texts_of_another_encoding() {
    let latin: Encoding = "windows-1252".parse().expect("an encoding");
    for (encoding, end) in
        [(latin, "\n"), (latin, "\r\n"), (Encoding::UTF_16LE, "\n"), (Encoding::UTF_16BE, "\r\n"), (Encoding::UTF_32LE, "\n")]
    {
        let marked = if encoding == latin { "" } else { "\u{feff}" };
        let mut text = format!("{marked}id\twords{end}");
        for row in 0..2_000 {
            let _ = write!(text, "{row}\t\u{e9}\u{e8} caf\u{e9}{end}");
        }
        let bytes = encoding::encoded(&text, encoding).expect("letters");
        let (mut from, mut rows) = (0, 0);
        loop {
            let found = table(at("latin.tsv", &bytes, from));
            for row in &found.rows {
                assert_eq!(row, &[rows.to_string(), "\u{e9}\u{e8} caf\u{e9}".to_owned()], "{encoding} {end:?}");
                rows += 1;
            }
            match found.next {
                Some(next) => from = next,
                None => break,
            }
        }
        assert_eq!(rows, 2_000, "{encoding} {end:?}");
    }
}

#[test]
fn packed_files_are_what_is_in_them_also_when_cut() {
    let text = b"a,b\n1,2\n".repeat(50_000);
    let packed = gzip(&text);
    let found = table(whole("x.csv.gz", &packed));
    assert!(found.ends == Ends::More && found.next.is_none() && found.rows.len() == ROWS);
    assert_eq!(table(whole("x.csv.gz", &packed[..packed.len() / 2])).ends, Ends::More);
    let packed = zstd::encode_all(text.as_slice(), 1).expect("room");
    assert_eq!(table(whole("x.csv.zst", &packed)).ends, Ends::More);
    assert_eq!(table(whole("x.csv.bgz", &gzip(b"a,b\n1,2\n"))).rows, [["1", "2"]]);
    assert!(matches!(whole("x.csv.gz", b"not packed"), Preview::Text(_)));
    assert!(matches!(whole("x.csv.gz", &[0x1f, 0x8b, 0, 0]), Preview::Bytes(_) | Preview::Text(_)));
}

#[test]
fn formats_of_biology_have_the_names_of_their_columns() {
    let vcf = b"##fileformat=VCFv4.2\n##contig=<ID=1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tG\t30\tPASS\tDP=3\n";
    let found = table(whole("x.vcf.gz", &gzip(vcf)));
    assert_eq!(names(&found)[..2], ["CHROM", "POS"]);
    assert_eq!(found.about.as_deref(), Some("##fileformat=VCFv4.2\n##contig=<ID=1>\n"));
    assert_eq!((found.columns[2].missing, found.columns[5].kind), (1, Kind::Whole));
    let mut long = b"##fileformat=VCFv4.2\n".to_vec();
    long.extend(b"##contig=<ID=chrUn_KI270302v1,length=2274>\n".repeat(20_000));
    long.extend(b"#CHROM\tPOS\n1\t5\n1\t6\n");
    assert_eq!(table(whole("long.vcf", &long)).rows, [["1", "5"], ["1", "6"]]);

    let found = table(whole("x.bed", b"track name=x\nchr1\t1\t20\tpeak\n"));
    assert_eq!((names(&found), found.rows.len()), (vec!["chrom", "start", "end", "name"], 1));
    let found = table(whole("x.gtf", b"#!genome-build\nchr1\thavana\tgene\t1\t9\t.\t+\t.\tgene_id \"x\"; a\n"));
    assert_eq!((found.columns.len(), found.rows[0][8].as_str()), (9, "gene_id \"x\"; a"));
    let found = table(whole("x.sam", b"@HD\tVN:1.6\nr1\t0\tchr1\t5\t60\t4M\t*\t0\t0\tACGT\tIIII\tNM:i:0\tAS:i:4\n"));
    assert_eq!((found.about.as_deref(), found.rows[0][11].as_str()), (Some("@HD\tVN:1.6\n"), "NM:i:0 AS:i:4"));
}

#[track_caller]
fn sequences(preview: Preview) -> Sequences {
    match preview {
        Preview::Sequences(found) => found,
        other => panic!("no sequences: {other:?}"),
    }
}

#[test]
fn sequences_are_counted_and_gone_on_with() {
    let found = sequences(whole("x.fa", b">chr1 a test\nACGT\nGG\n>chr2\nNN\n"));
    assert_eq!(found.records.len(), 2);
    let first = &found.records[0];
    assert_eq!((first.name.as_str(), first.about.as_str(), first.length, first.letters.as_str()), ("chr1", "a test", 6, "ACGTGG"));
    assert_eq!((first.gc, found.records[1].gc, found.protein), (Some(666), None, false));
    assert!(sequences(whole("x.fasta", b">p\nMEEPQSDPSV\n")).protein);
    let mut many = String::new();
    for n in 0..100 {
        let _ = write!(many, ">s{n}\nACGT\n");
    }
    let (mut from, mut seen) = (0, Vec::new());
    loop {
        let found = sequences(at("many.fa", many.as_bytes(), from));
        seen.extend(found.records.into_iter().map(|record| record.name));
        match found.next {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(seen, (0..100).map(|n| format!("s{n}")).collect::<Vec<_>>());
    let mut long = b">long\n".to_vec();
    long.extend(b"ACGT\n".repeat(1 << 20));
    let found = sequences(whole("long.fa", &long));
    assert!(found.ends == Ends::More && found.records[0].cut && found.records[0].length > 3_000_000);

    let found = sequences(whole("x.fastq.gz", &gzip(b"@r1 x\nACGT\n+\nIIII\n@r2\nGG\n+\n!!\n")));
    assert_eq!((found.records.len(), found.records[0].quality, found.records[1].quality), (2, Some(400), Some(0)));
    assert!(matches!(whole("x.fq", b"no reads\n"), Preview::Text(_)));
}

#[track_caller]
fn tree(name: &str, bytes: &[u8]) -> Vec<Node> {
    match whole(name, bytes) {
        Preview::Tree(tree) => tree.nodes,
        other => panic!("no tree: {other:?}"),
    }
}

fn node(deep: u32, name: &str, value: Value) -> Node {
    Node { deep, name: (!name.is_empty()).then(|| name.to_owned()), value }
}

#[test]
fn trees_keep_their_order_and_end_somewhere() {
    assert!(matches!(whole("x.json", br#"{"n": 1e400}"#), Preview::Text(_)), "a number out of range");
    assert_eq!(
        tree("x.json", br#"{"z": 1.0, "a": [true, null, "x"], "e": {}}"#),
        [
            node(0, "", Value::Map(3)),
            node(1, "z", Value::Number("1.0".into())),
            node(1, "a", Value::List(3)),
            node(2, "", Value::Flag(true)),
            node(2, "", Value::Null),
            node(2, "", Value::Text("x".into(), 0)),
            node(1, "e", Value::Map(0)),
        ]
    );
    let found = tree("c.yaml", b"samples: s.tsv\nref:\n  build: 38\n  on: yes\n");
    assert_eq!(found[1], node(1, "samples", Value::Text("s.tsv".into(), 0)));
    let found = tree("two.yml", b"a: 1\n---\nb: 2\n");
    assert_eq!((&found[0], &found[4]), (&node(0, "", Value::List(2)), &node(2, "b", Value::Number("2".into()))));
    let many = tree("many.json", format!("[{}]", vec!["1"; 10_000].join(",")).as_bytes());
    assert_eq!(many[0], node(0, "", Value::List(10_000)), "all are counted");
    assert!(matches!(many.last(), Some(Node { value: Value::More(more), .. }) if *more as usize + many.len() - 2 == 10_000));
    assert_eq!(tree("long.json", format!("[\"{}\"]", "x".repeat(2_007)).as_bytes())[1], node(1, "", Value::Text("x".repeat(2_000), 7)));
    assert!(matches!(whole("bad.json", b"{oops"), Preview::Text(_)));
    assert!(matches!(whole("words.yaml", b"just words"), Preview::Text(_)));
    let laughs = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let _ = whole("laughs.yaml", laughs.as_bytes());
}

#[test]
fn what_lies_too_deep_in_a_tree_is_kept_as_text() {
    let nested = |deep: usize, inner: &str| format!("{}{inner}{}", "[".repeat(deep), "]".repeat(deep));
    let found = tree("nested.json", nested(100, "").as_bytes());
    assert_eq!((found.len(), &found[99]), (100, &node(99, "", Value::List(0))), "all of it is drawn");
    let found = tree("nested.json", nested(101, r#"{"a": 1, "b": ["x\"y", null]}"#).as_bytes());
    assert_eq!(found[100], node(100, "", Value::Deeper(r#"[{"a":1,"b":["x\"y",null]}]"#.into(), 0)));
    let found = tree("deep.json", nested(100_000, "").as_bytes());
    assert_eq!(found[100], node(100, "", Value::Deeper(format!("{}\u{2026}{}", "[".repeat(20), "]".repeat(20)), 0)));
    let long = tree("long.json", nested(101, &format!("\"{}\"", "x".repeat(3_000))).as_bytes());
    assert!(matches!(&long[100].value, Value::Deeper(text, 1_004) if text.len() == 2_000), "{:?}", long[100]);
    assert!(matches!(whole("nested.yaml", nested(101, "1").as_bytes()), Preview::Tree(tree) if tree.nodes.len() == 101));
    let mut phylogeny = r#"{"name":"leaf"}"#.to_owned();
    for level in 0..40 {
        phylogeny = format!(r#"{{"name":"node {level}","children":[{phylogeny},{{"name":"tip {level}"}}]}}"#);
    }
    let found = tree("tree.json", format!(r#"{{"meta":{{}},"tree":{phylogeny}}}"#).as_bytes());
    assert_eq!(found.iter().map(|node| node.deep).max(), Some(82));
    assert!(!found.iter().any(|node| matches!(node.value, Value::Deeper(..) | Value::More(_))));
}

#[test]
fn markup_is_shown_without_what_acts() {
    let Preview::Rich(html) = whole("r.md", b"# T\n\n- [x] done\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[x](javascript:alert(1)) <script>alert(1)</script> <img src=x onerror=alert(1)> ![p](https://a.example/t.png) [ok](https://a.example) [d](data:text/html,x) [r](/api/x)") else {
        panic!("markup")
    };
    assert!(
        html.contains("<h1>T</h1>")
            && html.contains("\u{2611} done")
            && html.contains("<table>")
            && html.contains("href=\"https://a.example\""),
        "{html}"
    );
    let Preview::Rich(hidden) = whole("r.md", b"<a href=\"da\tta:text/html,x\">a</a> <a href=\"\x01data:text/html,x\">b</a>") else {
        panic!("markup")
    };
    assert!(!hidden.contains("href"), "{hidden}");
    for bad in ["script", "onerror", "t.png", "data:", "/api"] {
        assert!(!html.contains(bad), "{bad} in {html}");
    }
    assert!(html.contains("rel=\"noopener noreferrer nofollow\""));
}

#[cfg(feature = "parquet")]
mod parquet_files {
    use super::*;
    use parquet::{
        column::writer::ColumnWriter,
        data_type::ByteArray,
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    use std::sync::Arc;

    fn numbers(rows: i64, group: i64) -> Vec<u8> {
        let schema =
            parse_message_type("message t { required int64 id; optional binary name (UTF8); required double x; }").expect("a schema");
        let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(WriterProperties::default())).expect("a writer");
        let mut begin = 0;
        while begin < rows {
            let ids: Vec<i64> = (begin..rows.min(begin + group)).collect();
            let mut part = writer.next_row_group().expect("a group");
            while let Some(mut column) = part.next_column().expect("a column") {
                match column.untyped() {
                    ColumnWriter::Int64ColumnWriter(out) => out.write_batch(&ids, None, None).map(drop),
                    ColumnWriter::DoubleColumnWriter(out) => {
                        out.write_batch(&ids.iter().map(|id| *id as f64 / 4.0).collect::<Vec<_>>(), None, None).map(drop)
                    }
                    ColumnWriter::ByteArrayColumnWriter(out) => {
                        let there: Vec<i16> = ids.iter().map(|id| i16::from(id % 2 == 0)).collect();
                        let texts: Vec<ByteArray> =
                            ids.iter().filter(|id| *id % 2 == 0).map(|id| ByteArray::from(format!("<n{id}>").as_str())).collect();
                        out.write_batch(&texts, Some(&there), None).map(drop)
                    }
                    _ => unreachable!("three columns"),
                }
                .expect("written");
                column.close().expect("closed");
            }
            part.close().expect("closed");
            begin += group;
        }
        writer.into_inner().expect("a file")
    }

    #[test]
    fn rows_are_read_from_any_row_on() {
        let file = numbers(1_050, 500);
        let found = table(whole("x.parquet", &file));
        assert_eq!((names(&found), found.total, found.next, found.rows.len()), (vec!["id", "name", "x"], Some(1_050), Some(200), 200));
        assert_eq!(found.rows[2], ["2", "<n2>", "0.5"]);
        assert_eq!((found.rows[3][1].as_str(), found.columns[1].missing), ("", 100));
        assert_eq!((found.columns[0].kind, found.columns[2].kind), (Kind::Whole, Kind::Number));
        let found = table(at("x.parquet", &file, 400));
        assert_eq!((found.rows[0][0].as_str(), found.rows[199][0].as_str(), found.next), ("400", "599", Some(600)), "across groups");
        let found = table(at("x.parquet", &file, 1_000));
        assert_eq!((found.rows.len(), found.next), (50, None));
        assert!(matches!(whole("x.parquet", b"PAR1 no PAR1"), Preview::Text(_) | Preview::Bytes(_)));
    }
}

/// A BAM file with `reads` reads after `remarks` header comments.
fn bam_of(reads: usize, remarks: usize) -> Vec<u8> {
    use noodles_bam as bam;
    use noodles_sam::{self as sam, alignment::io::Write as _};
    let mut text = "@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:1000\n".to_owned();
    for n in 0..remarks {
        let _ = writeln!(text, "@CO\tremark {n} of many");
    }
    for n in 0..reads {
        let _ = writeln!(text, "read{n}\t0\tchr1\t{}\t60\t4M\t*\t0\t0\tACGT\tIIII\tNM:i:0", n + 1);
    }
    let mut reader = sam::io::Reader::new(text.as_bytes());
    let header = reader.read_header().expect("a header");
    let mut writer = bam::io::Writer::new(Vec::new());
    writer.write_header(&header).expect("written");
    for record in reader.records() {
        writer.write_alignment_record(&header, &record.expect("a record")).expect("written");
    }
    writer.try_finish().expect("closed");
    writer.into_inner().into_inner()
}

#[test]
fn alignments_are_read_from_any_record_on() {
    let file = bam_of(450, 0);
    let (mut from, mut seen) = (0, 0);
    loop {
        let found = table(at("x.bam", &file, from));
        assert!(found.about.as_deref().is_some_and(|about| about.contains("SN:chr1")));
        for row in &found.rows {
            assert_eq!(
                (row[0].as_str(), row[3].as_str(), row[11].as_str()),
                (format!("read{seen}").as_str(), (seen + 1).to_string().as_str(), "NM:i:0")
            );
            seen += 1;
        }
        match found.next {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(seen, 450);
    assert!(matches!(whole("x.bam", b"no alignments"), Preview::Text(_)));
}

#[test]
fn archives_are_listed() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("a/<img src=x>.txt", stored).expect("a member");
    zip.write_all(b"hello").expect("room");
    let zip = zip.finish().expect("closed").into_inner();
    assert_eq!(table(whole("x.zip", &zip)).rows, [["a/<img src=x>.txt", "5", "5"]]);
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    header.set_cksum();
    tar.append_data(&mut header, "b/c.txt", b"abc".as_slice()).expect("room");
    let tar = tar.into_inner().expect("closed");
    for (name, bytes) in [("x.tar", tar.clone()), ("x.tar.gz", gzip(&tar)), ("x.tgz", gzip(&tar))] {
        assert_eq!(table(whole(name, &bytes)).rows, [["b/c.txt", "3", "file"]], "{name}");
    }
    assert!(matches!(whole("x.zip", b"no archive"), Preview::Text(_)));
}

#[test]
fn what_is_no_text_is_shown_as_bytes() {
    let Preview::Bytes(found) = whole("x.rds", b"\0ab\xff") else { panic!("bytes") };
    assert!(found.head.starts_with("00000000  00 61 62 ff "), "{}", found.head);
    assert_eq!(found.hash.as_deref(), Some("eadfeb852f6d1fe404db725be8ecc2f6f9e8da1449d7e670c923e35da41e25f2"));
    let Preview::Bytes(found) = whole("noname", b"\x89PNG\r\n\x1a\n\0\0") else { panic!("bytes") };
    assert_eq!(found.kind.as_deref(), Some("image/png"));
    assert_eq!(whole("p.SVG", b"<svg onload=alert(1)>"), Preview::Image);
    assert_eq!(whole("r.html", b"<p>"), Preview::Page);
    assert_eq!(whole("r.pdf", b"%PDF"), Preview::Pdf);
    assert!(matches!(whole("x.txt", b""), Preview::Text(_)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// No content makes a preview fail or grow without bound.
    #[test]
    fn any_bytes_under_any_name_have_a_preview(
        ending in prop::sample::select(vec!["csv", "tsv", "txt", "vcf", "sam", "bed", "gff", "fa", "fq", "json", "yaml", "md", "ipynb", "bam", "zip", "tar", "parquet", "gz", "x"]),
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..600), "[@>#\\+\"ACGT,;\t\n a-z0-9{}\\[\\]:|*<&-]{0,600}".prop_map(String::into_bytes)],
        from in prop_oneof![Just(0_u64), 0_u64..700, any::<u64>()],
        ) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let found = peek(&file, &Ask { name: format!("x.{ending}"), at: from, ..Ask::default() }, &MockClock::new(0).clock());
        prop_assert!(found.is_ok(), "{found:?}");
        if let Ok(Preview::Table(table)) = found {
            prop_assert!(table.next.is_none_or(|next| next > from), "it goes on");
        }
    }
}
