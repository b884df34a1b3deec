//! A gzip stream whose long first part was compressed ahead.
//!
//! A scrape is the snapshot's text, which changes with an evaluation, and the process' counters, which change
//! all the time. The first part is deflated once and ends on a byte boundary (Z_FULL_FLUSH, RFC 1951); each
//! scrape deflates only the second part behind it. CRC-32 combines, so the result is one ordinary gzip
//! member (RFC 1952), which every client reads, unlike several members in a row.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Header of a gzip member: deflate, no name, no time, fastest algorithm, system unknown.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// The compressed first part.
#[derive(Debug)]
pub struct Prefix {
    deflated: Vec<u8>,
    crc: Crc,
}

impl Prefix {
    /// Compresses the first part.
    pub fn new(text: &[u8]) -> Self {
        Prefix {
            deflated: deflate(text, FlushCompress::Full),
            crc: crc(text),
        }
    }

    /// The whole member, with `rest` behind the first part.
    pub fn with(&self, rest: &[u8]) -> Vec<u8> {
        let rest_deflated = deflate(rest, FlushCompress::Finish);
        let mut total = Crc::new();
        total.combine(&self.crc);
        total.combine(&crc(rest));
        [
            HEADER.as_slice(),
            &self.deflated,
            &rest_deflated,
            &total.sum().to_le_bytes(),
            &total.amount().to_le_bytes(),
        ]
        .concat()
    }
}

fn crc(text: &[u8]) -> Crc {
    let mut crc = Crc::new();
    crc.update(text);
    crc
}

/// Deflates all of `text` and ends as `flush` says.
fn deflate(text: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut out = Vec::with_capacity(text.len() / 8 + 256);
    loop {
        let consumed = usize::try_from(compress.total_in()).unwrap_or(text.len());
        // Compression has no error but a wrong call order, which this loop does not have.
        let status = compress.compress_vec(&text[consumed..], &mut out, flush);
        let all_read = usize::try_from(compress.total_in()).is_ok_and(|read| read == text.len());
        let done = match flush {
            FlushCompress::Finish => matches!(status, Ok(Status::StreamEnd) | Err(_)),
            _ => all_read && out.len() < out.capacity(),
        };
        if done {
            return out;
        }
        out.reserve(out.capacity().max(4096));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn check(first: &str, rest: &str) {
        let member = Prefix::new(first.as_bytes()).with(rest.as_bytes());
        let mut text = String::new();
        let mut decoder = GzDecoder::new(member.as_slice());
        decoder.read_to_string(&mut text).unwrap();
        assert!(text == [first, rest].concat());
        assert!(decoder.into_inner().is_empty(), "one member, and no more");
    }

    #[test]
    fn both_parts_are_one_member() {
        check("", "");
        check("first\n", "");
        check("", "rest\n");
        check("first\n", "rest\n");
        let long: String = (0..200_000)
            .map(|i: u64| format!("{}\n", i.wrapping_mul(2_654_435_761)))
            .collect();
        check(&long, "rest\n");
        check(&long, &long);
        check(&"a".repeat(1_000_000), "b");
    }
}
