//! BAM: the header, and records as the SAM they stand for. From any record on, by its place among the blocks.

use crate::{ROWS, delimited, source::Source};
use model::preview::Preview;
use noodles_bam as bam;
use noodles_bgzf::io::Seek as _;
use noodles_sam::{self as sam, alignment::io::Write as _};

/// Bytes of the header that are shown.
const ABOUT: usize = 64 << 10;

/// `None` for what is no BAM; of a broken one, what stands before the break.
pub fn bam(source: &Source<'_>, at: u64) -> Option<Preview> {
    let mut reader = bam::io::Reader::new(source.raw().ok()?);
    let header = reader.read_header().ok()?;
    if at > 0 {
        reader.get_mut().seek_to_virtual_position(at.into()).ok()?;
    }
    let mut writer = sam::io::Writer::new(Vec::new());
    let mut record = bam::Record::default();
    let mut rows = 0;
    let mut more = false;
    let mut next = None;
    while let Ok(1..) = reader.read_record(&mut record) {
        if rows == ROWS {
            more = true;
            break;
        }
        writer.write_alignment_record(&header, &record).ok()?;
        rows += 1;
        next = Some(reader.get_ref().virtual_position().into());
    }
    let mut table = delimited::sam(&String::from_utf8_lossy(writer.get_ref()));
    table.next = next.filter(|_| more);
    let mut about = sam::io::Writer::new(Vec::new());
    about.write_header(&header).ok()?;
    let about = about.into_inner();
    let end = about.len().min(ABOUT);
    table.about = Some(String::from_utf8_lossy(&about[..end]).into_owned()).filter(|about| !about.is_empty());
    Some(Preview::Table(table))
}
