//! A `.tar.gz` of a few small texts.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

const BLOCK: usize = 512;

/// The archive's bytes: each file's name and content, in their order, made at this second since 1970.
pub(super) fn archive(files: &[(String, Vec<u8>)], made: u64) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    for (name, content) in files {
        out.write_all(&header(name, content.len(), made)?)?;
        out.write_all(content)?;
        let rest = content.len() % BLOCK;
        if rest > 0 {
            out.write_all(&vec![0; BLOCK - rest])?;
        }
    }
    out.write_all(&[0; 2 * BLOCK])?;
    out.finish()
}

/// As POSIX has it (ustar): name, mode, owner, size, time, checksum and kind, numbers in octal digits.
fn header(name: &str, size: usize, made: u64) -> io::Result<[u8; BLOCK]> {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = header.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    if name.len() > 99 {
        return Err(io::Error::other("the name of a file in the archive is too long"));
    }
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, format!("{made:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(place) = header.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    Ok(header)
}
