//! Whatever a preview leaves out is noted with its amount; counts refer to the whole content.

use super::*;

#[test]
fn a_long_cell_says_how_much_of_it_is_missing() {
    let long = |end: &str| format!("{}{end}", "x".repeat(1_600));
    let vcf = format!("##fileformat=VCFv4.2\n#CHROM\tPOS\tINFO\nchr1\t1\t{}\n", long("y"));
    let found = table(whole("a.vcf", vcf.as_bytes()));
    assert!(found.rows[0][2].ends_with("x\u{2026} (1\u{202f}401 more letters)"), "{}", found.rows[0][2]);
    let sam = format!("@HD\tVN:1.6\nr\t0\tc\t1\t60\t4M\t*\t0\t0\t{}\tI\tNM:i:0\tMD:Z:{}\n", long(""), long(""));
    let found = table(whole("a.sam", sam.as_bytes()));
    assert!(
        found.rows[0][9].ends_with(" (1\u{202f}400 more letters)") && found.rows[0][11].ends_with(" more letters)"),
        "{:?}",
        found.rows
    );
    let named = table(whole("a.csv", format!("{},b\n1,2\n", "n".repeat(203)).as_bytes()));
    assert!(named.columns[0].name.ends_with("n\u{2026} (3 more letters)"), "{:?}", named.columns);
}

#[test]
fn columns_are_told_apart_by_whole_cells() {
    let begin = "x".repeat(300);
    let found =
        table(whole("a.tsv", format!("a\tn\n{begin}1\t{}1\n{begin}2\t{}2\n{begin}2\tNA\n", "0".repeat(250), "0".repeat(250)).as_bytes()));
    assert_eq!((found.columns[0].distinct, found.columns[1].distinct), (2, 2));
    assert_eq!((found.columns[1].kind, found.columns[1].missing), (Kind::Whole, 1), "a long number is a number");
}

#[test]
fn lines_before_the_rows_that_are_not_shown_are_counted() {
    let contig = |n: usize| format!("##contig=<ID=c{n:06},length=1000>\n");
    let contigs = (0..4_000).map(contig).collect::<Vec<_>>().concat();
    let vcf = format!("##fileformat=VCFv4.2\n{contigs}#CHROM\tPOS\tINFO\nchr1\t1\tx\n");
    let found = table(whole("a.vcf", vcf.as_bytes()));
    let about = found.about.expect("a beginning");
    assert!(about.ends_with('\n') && about.lines().all(|line| line.starts_with("##") && line.ends_with(['>', '2'])), "whole lines");
    assert_eq!(about.lines().count() as u64 + found.more_about, 4_001);
    // After a long line that is left out, later lines are left out as well.
    let odd = format!("##fileformat=VCFv4.2\n##x={}\n##last\n#CHROM\tPOS\tINFO\nchr1\t1\tx\n", "x".repeat(70 << 10));
    let found = table(whole("a.vcf", odd.as_bytes()));
    assert_eq!((found.about.as_deref(), found.more_about), (Some("##fileformat=VCFv4.2\n"), 2));
    assert_eq!(names(&found), ["CHROM", "POS", "INFO"]);
}

#[test]
fn the_head_of_alignments_ends_with_a_whole_line() {
    let found = table(whole("a.bam", &bam_of(1, 4_000)));
    let about = found.about.expect("a head");
    assert!(about.ends_with('\n'), "{}", &about[about.len() - 40..]);
    assert_eq!(about.lines().count() as u64 + found.more_about, 4_002);
}

#[test]
fn names_of_sequences_and_members_say_how_much_of_them_is_missing() {
    let Preview::Sequences(found) = whole("a.fa", format!(">{} {}\nACGT\n", "n".repeat(203), "a".repeat(402)).as_bytes()) else {
        panic!("sequences")
    };
    let record = &found.records[0];
    assert!(record.name.ends_with(" (3 more letters)") && record.about.ends_with(" (2 more letters)"), "{record:?}");
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_cksum();
    tar.append_data(&mut header, "d/".repeat(153), [].as_slice()).expect("room");
    let found = table(whole("x.tar", &tar.into_inner().expect("closed")));
    assert!(found.rows[0][0].ends_with(" more letters)"), "{:?}", found.rows);
}

#[test]
fn a_file_too_large_for_its_hash_says_so() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(b"\0ab\xff").expect("room");
    file.set_len((64 << 20) + 1).expect("room");
    let found = peek(&file, &Ask { name: "x.rds".to_owned(), ..Ask::default() }, &MockClock::new(0).clock()).expect("a preview");
    let Preview::Bytes(bytes) = &found else { panic!("bytes: {found:?}") };
    assert_eq!(bytes.hash, None);
    let model::preview::Shown::Still(shown) = still::shown(found) else { panic!("HTML") };
    assert!(shown.html.contains("not computed above 64 MiB"), "{}", shown.html);
}
