//! BAM: the header, and the records as SAM text. A window can start at any record, by its position among the blocks.

use crate::{ROWS, about::About, delimited, ends, source::Source};
use model::preview::{Ends, Preview};
use noodles_bam as bam;
use noodles_bgzf::io::Seek as _;
use noodles_sam::{self as sam, alignment::io::Write as _};

/// `None` if the file is not BAM; for a damaged file, the records before the damage.
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
    let end = loop {
        match reader.read_record(&mut record) {
            Ok(0) if source.lacks_end() => break Ends::Early,
            Ok(0) => break Ends::Whole,
            Ok(_) => {}
            Err(error) => break ends::of_error(&error),
        }
        if rows == ROWS {
            more = true;
            break Ends::Whole;
        }
        writer.write_alignment_record(&header, &record).ok()?;
        rows += 1;
        next = Some(reader.get_ref().virtual_position().into());
    };
    let mut table = delimited::sam(&String::from_utf8_lossy(writer.get_ref()));
    table.next = next.filter(|_| more);
    table.ends = end;
    let mut head = sam::io::Writer::new(Vec::new());
    head.write_header(&header).ok()?;
    let mut about = About::default();
    String::from_utf8_lossy(head.get_ref()).split_inclusive('\n').for_each(|line| about.push(line));
    (table.about, table.more_about) = about.finish();
    Some(Preview::Table(table))
}
