//! Blocks on a line: VT, content, FS, CR. It knows nothing of what is in them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;
const CR: u8 = 0x0D;

/// The content of the next block; `None` once the line has ended. What stands before VT is passed over.
pub async fn next_block(line: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut content: Option<Vec<u8>> = None;
    let mut ends = false;
    loop {
        let byte = match line.read_u8().await {
            Ok(byte) => byte,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        match (&mut content, byte) {
            (Some(_), CR) if ends => return Ok(content),
            (_, VT) => content = Some(Vec::new()),
            (Some(_), FS) => {}
            (Some(content), byte) => content.push(byte),
            (None, _) => {}
        }
        ends = byte == FS;
    }
}

/// Writes one block.
pub async fn write_block(line: &mut (impl AsyncWrite + Unpin), content: &[u8]) -> io::Result<()> {
    let mut block = vec![VT];
    block.extend_from_slice(content);
    block.extend([FS, CR]);
    line.write_all(&block).await?;
    line.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn blocks_are_read_as_they_are_written() {
        let (mut near, mut far) = tokio::io::duplex(64);
        far.write_all(b"noise").await.unwrap();
        write_block(&mut far, b"MSH|a\r").await.unwrap();
        write_block(&mut far, b"b").await.unwrap();
        far.write_all(b"\x0bcut").await.unwrap();
        drop(far);
        let mut read = Vec::new();
        while let Some(block) = next_block(&mut near).await.unwrap() {
            read.push(block);
        }
        assert_eq!(read, [&b"MSH|a\r"[..], b"b"]);
    }
}
