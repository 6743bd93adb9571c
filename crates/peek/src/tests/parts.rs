//! Files of several parts, and truncated files: the readable part is shown, and the page says what is missing.

use super::{at, bam_of, gzip, sequences, table, whole};
use model::preview::{Ends, Preview};
use std::fmt::Write as _;

const GFF: &str = "##gff-version 3\nc1\tx\tgene\t1\t9\t.\t+\t.\tID=a\n###\nc1\tx\tgene\t11\t19\t.\t+\t.\tID=b\n";

#[test]
fn sequences_behind_the_features_of_a_gff_file_are_sequences() {
    let letters = "ACGTACGTAC\n".repeat(40);
    for text in [format!("{GFF}##FASTA\n>c1 first\n{letters}>c2\nAC\n"), format!("{GFF}>c1 first\n{letters}>c2\nAC\n")] {
        for (name, bytes) in [("a.gff3", text.clone().into_bytes()), ("a.gff3.gz", gzip(text.as_bytes()))] {
            let found = table(whole(name, &bytes));
            assert_eq!(found.rows.iter().map(|row| row[8].as_str()).collect::<Vec<_>>(), ["ID=a", "ID=b"], "{name}");
            assert_eq!((found.next, found.ends), (None, Ends::Whole));
            let behind = found.sequences.expect("sequences");
            assert_eq!(
                behind.records.iter().map(|record| (record.name.as_str(), record.length)).collect::<Vec<_>>(),
                [("c1", 400), ("c2", 2)]
            );
        }
    }
    assert_eq!(table(whole("a.gff3", GFF.as_bytes())).sequences, None);
    let only = table(whole("a.gff3", b"##gff-version 3\n##FASTA\n>c1\nACGT\n"));
    assert_eq!((only.rows.len(), only.sequences.expect("sequences").records.len()), (0, 1));
}

#[test]
fn many_features_and_many_sequences_are_gone_on_with() {
    let mut text = "##gff-version 3\n".to_owned();
    for n in 0..450 {
        let _ = writeln!(text, "c1\tx\tgene\t{n}\t9\t.\t+\t.\tID={n}");
    }
    text.push_str("##FASTA\n");
    for n in 0..90 {
        let _ = write!(text, ">s{n}\nACGT\n");
    }
    let (mut from, mut rows, mut names) = (0, 0, Vec::new());
    let mut behind = loop {
        let found = table(at("a.gff3", text.as_bytes(), from));
        rows += found.rows.len();
        match found.next {
            Some(next) => from = next,
            None => break found.sequences.expect("sequences"),
        }
    };
    loop {
        names.extend(behind.records.into_iter().map(|record| record.name));
        match behind.next {
            Some(next) => behind = sequences(at("a.gff3", text.as_bytes(), next)),
            None => break,
        }
    }
    assert_eq!(rows, 450);
    assert_eq!(names, (0..90).map(|n| format!("s{n}")).collect::<Vec<_>>());
}

#[track_caller]
fn text(preview: Preview) -> (String, Ends) {
    match preview {
        Preview::Text(text) => (text.code.text, text.ends),
        other => panic!("no text: {other:?}"),
    }
}

#[test]
fn packed_texts_that_lack_their_end_say_so() {
    let lines = "one\ntwo\nthree\n".repeat(5_000);
    let packed = gzip(lines.as_bytes());
    let (found, ends) = text(whole("truncated.txt.gz", &packed[..60]));
    assert!(ends == Ends::Early && lines.starts_with(&found) && !found.is_empty(), "{ends:?} {found}");
    let packed = zstd::encode_all(lines.as_bytes(), 1).expect("room");
    assert_eq!(text(whole("x.txt.zst", &packed[..packed.len() - 3])).1, Ends::Early);
    let mut damaged = gzip("a,b\n1,2\n".repeat(90).as_bytes());
    let last = damaged.len() - 5;
    damaged[last] ^= 0xff; // A byte of the checksum over all packed data.
    assert_eq!(table(whole("x.csv.gz", &damaged)).ends, Ends::Broken);
    assert_eq!(text(whole("x.txt.gz", &gzip(b"whole\n"))), ("whole\n".to_owned(), Ends::Whole));
    assert_eq!(text(whole("x.txt", "long\n".repeat(90_000).as_bytes())).1, Ends::More);
}

#[test]
fn files_of_blocks_without_the_last_one_say_so() {
    use noodles_bgzf as bgzf;
    use std::io::Write as _;
    let mut writer = bgzf::io::Writer::new(Vec::new());
    writer.write_all(b"a,b\n1,2\n").expect("room");
    let packed = writer.finish().expect("room");
    assert_eq!(table(whole("x.csv.gz", &packed)).ends, Ends::Whole);
    let found = table(whole("x.csv.gz", &packed[..packed.len() - 28]));
    assert_eq!((found.rows.len(), found.ends), (1, Ends::Early));

    let file = bam_of(10, 0);
    let found = table(whole("x.bam", &file[..file.len() - 28]));
    assert_eq!((found.rows.len(), found.ends), (10, Ends::Early));
    assert_eq!(table(whole("x.bam", &file)).ends, Ends::Whole);
    assert!(matches!(whole("x.bam", &file[..40]), Preview::Bytes(found) if found.ends == Ends::Early));
}

#[test]
fn reads_that_are_cut_are_shown_as_far_as_they_go() {
    let found = sequences(whole("truncated.fastq", b"@r1\nACGT\n+\nIIII\n@r2\nAC"));
    let shown: Vec<_> = found.records.iter().map(|record| (record.name.as_str(), record.letters.as_str(), record.cut)).collect();
    assert_eq!((shown, found.ends), (vec![("r1", "ACGT", false), ("r2", "AC", true)], Ends::Early));
    for (end, ends) in [
        ("@r\nACGT\n+\nII", Ends::Early),
        ("@r\nACGT\n+\nIIII", Ends::Whole),
        ("@r\nACGT\n+\nIIII\n\n", Ends::Whole),
        ("@r\nAC\n+\nII\nwords\n", Ends::Broken),
    ] {
        assert_eq!(sequences(whole("x.fq", end.as_bytes())).ends, ends, "{end}");
    }
    let packed = gzip("@r1\nACGT\n+\nIIII\n".repeat(3).as_bytes());
    assert_eq!(sequences(whole("x.fq.gz", &packed[..packed.len() - 4])).ends, Ends::Early);
}

#[test]
fn values_that_are_cut_are_shown_as_far_as_they_go() {
    let Preview::Tree(found) = whole("x.json", br#"{"a": 1, "b": [1, 2, {"c": "d"#) else { panic!("a tree") };
    assert_eq!((found.nodes.len(), found.ends), (6, Ends::Early));
    assert_eq!(text(whole("x.json", b"{")), ("{".to_owned(), Ends::Early));
    assert_eq!(text(whole("x.ipynb", br#"{"cells": [{"cell_type""#)).1, Ends::Early);
    assert_eq!(text(whole("x.json", b"{oops")).1, Ends::Whole);
}

#[test]
fn archives_without_their_list_show_the_members_that_are_whole() {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for name in ["a.txt", "b.txt", "c.txt"] {
        zip.start_file(name, stored).expect("a member");
        zip.write_all(&[b'x'; 100]).expect("room");
    }
    let zip = zip.finish().expect("closed").into_inner();
    let list = zip.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a list");

    let found = table(whole("x.zip", &zip[..list - 10]));

    assert_eq!(
        (found.rows, found.ends),
        (vec![vec!["a.txt".to_owned(), "100".into(), "100".into()], vec!["b.txt".into(), "100".into(), "100".into()]], Ends::Early)
    );
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2_000);
    header.set_cksum();
    for name in ["a.txt", "b.txt"] {
        tar.append_data(&mut header, name, &[0; 2_000][..]).expect("room");
    }
    let tar = tar.into_inner().expect("closed");
    let found = table(whole("x.tar", &tar[..4_000]));
    assert_eq!((found.rows.len(), found.ends), (2, Ends::Early), "the second member has only its header");
}

#[test]
fn what_keeps_its_list_at_its_end_says_that_the_end_is_missing() {
    for (bytes, ends) in [
        (&b"PAR1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..], Ends::Early),
        (b"PAR1\0\0\0\0\0\0\0\0\0\0\0\0\0\0PAR1", Ends::Whole),
        (b"\0\0", Ends::Whole),
    ] {
        let Preview::Bytes(found) = whole("x.parquet", bytes) else { panic!("bytes") };
        assert_eq!(found.ends, ends);
    }
}
