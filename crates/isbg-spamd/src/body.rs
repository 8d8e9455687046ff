//! A request's bytes off a connection: lines, and the message. Does not know what is asked for.

use std::io::{self, Write as _};

use flate2::write::ZlibDecoder;
use isbg_spool::{Spool, Writer};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use crate::protocol::Fault;

/// Why a request could not be read.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client can be told.
    Fault(Fault),
    /// The connection is gone.
    Gone,
    /// This machine cannot keep the message.
    Disk(io::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// One line with its line end, or what there is of it when the client stops. Takes its bytes from `room`.
pub(crate) async fn line(
    reader: &mut (impl AsyncBufRead + Unpin),
    room: &mut usize,
) -> Result<Vec<u8>, Failure> {
    let mut line = Vec::new();
    let read = (&mut *reader)
        .take(*room as u64)
        .read_until(b'\n', &mut line)
        .await
        .map_err(|_| Failure::Gone)?;
    *room -= read;
    if *room == 0 && line.last() != Some(&b'\n') {
        return Err(Fault::Protocol("(headers too long)".to_owned()).into());
    }
    Ok(line)
}

/// The message: `length` bytes, or all until the client stops; compressed or not. What it becomes may have `most` bytes.
pub(crate) async fn message(
    reader: &mut (impl AsyncBufRead + Unpin),
    length: Option<u64>,
    compressed: bool,
    most: u64,
) -> Result<Spool, Failure> {
    if length.is_some_and(|length| length > most) {
        return Err(Fault::TooBig(most).into());
    }
    if compressed && length.is_none() {
        return Err(Fault::Unavailable("Compress requires Content-length header".to_owned()).into());
    }
    let claimed = length.unwrap_or(0);
    let mut sink = Sink::new(compressed, claimed, most);
    // One more byte than is allowed shows that there are more.
    let mut part = reader.take(length.unwrap_or(most.saturating_add(1)));
    let mut read = 0;
    loop {
        let bytes = part.fill_buf().await.map_err(|_| Failure::Gone)?;
        if bytes.is_empty() {
            break;
        }
        read += bytes.len() as u64;
        let taken = bytes.len();
        sink.write(bytes)?;
        part.consume(taken);
    }
    if !compressed && read < claimed {
        let why = format!("(Content-Length mismatch: Expected {claimed} bytes, got {read} bytes)");
        return Err(Fault::Protocol(why).into());
    }
    sink.finish()
}

/// Where a message's bytes go.
enum Sink {
    Plain(Capped),
    Zlib(Box<ZlibDecoder<Capped>>),
}

impl Sink {
    fn new(compressed: bool, expected: u64, most: u64) -> Self {
        let to = Capped {
            writer: Writer::with_expected(expected),
            most,
            full: false,
        };
        if compressed {
            Self::Zlib(Box::new(ZlibDecoder::new(to)))
        } else {
            Self::Plain(to)
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Plain(to) => to.write_all(bytes).map_err(|error| to.failure(error)),
            // What follows the end of the stream is no part of the message.
            Self::Zlib(from) => match from.write_all(bytes) {
                Err(error) if error.kind() != io::ErrorKind::WriteZero => Err(zlib(from.get_ref(), error)),
                _ => Ok(()),
            },
        }
    }

    fn finish(self) -> Result<Spool, Failure> {
        let to = match self {
            Self::Plain(to) => to,
            Self::Zlib(mut from) => {
                if let Err(error) = from.try_finish() {
                    return Err(zlib(from.get_ref(), error));
                }
                from.finish().map_err(Failure::Disk)?
            }
        };
        to.writer.finish().map_err(Failure::Disk)
    }
}

fn zlib(to: &Capped, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            if !to.full =>
        {
            Fault::Unavailable("zlib: the compressed message is damaged or not complete".to_owned()).into()
        }
        _ => to.failure(error),
    }
}

/// A spool of at most so many bytes.
struct Capped {
    writer: Writer,
    most: u64,
    full: bool,
}

impl Capped {
    fn failure(&self, error: io::Error) -> Failure {
        if self.full {
            Fault::TooBig(self.most).into()
        } else {
            Failure::Disk(error)
        }
    }
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.writer.len() + bytes.len() as u64 > self.most {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    async fn read(
        bytes: &[u8],
        length: Option<u64>,
        compressed: bool,
        most: u64,
    ) -> Result<Vec<u8>, Failure> {
        let spool = message(&mut &bytes[..], length, compressed, most).await?;
        Ok(spool.prefix(usize::MAX).unwrap().to_vec())
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[tokio::test]
    async fn with_and_without_a_length() {
        assert_eq!(read(b"hello", Some(5), false, 9).await.unwrap(), b"hello");
        assert_eq!(read(b"hello, more", Some(5), false, 9).await.unwrap(), b"hello");
        assert_eq!(read(b"hello", None, false, 5).await.unwrap(), b"hello");
        assert_eq!(read(b"", Some(0), false, 9).await.unwrap(), b"");
        assert!(matches!(
            read(b"hell", Some(5), false, 9).await,
            Err(Failure::Fault(Fault::Protocol(_)))
        ));
        for (bytes, length) in [(&b"hello!"[..], None), (b"", Some(6)), (b"", Some(u64::MAX))] {
            assert!(matches!(
                read(bytes, length, false, 5).await,
                Err(Failure::Fault(Fault::TooBig(5)))
            ));
        }
    }

    #[tokio::test]
    async fn compressed() {
        let whole = packed(b"hello hello hello");
        let length = Some(whole.len() as u64);
        assert_eq!(
            read(&whole, length, true, 90).await.unwrap(),
            b"hello hello hello"
        );
        let more = [&whole[..], b"xyz"].concat();
        assert_eq!(
            read(&more, Some(more.len() as u64), true, 90).await.unwrap(),
            b"hello hello hello"
        );
        // As with spamd, a length that promises more than a whole stream does no harm.
        assert_eq!(
            read(&whole, Some(80), true, 90).await.unwrap(),
            b"hello hello hello"
        );
        assert!(matches!(
            read(&whole, None, true, 90).await,
            Err(Failure::Fault(Fault::Unavailable(_)))
        ));
        for broken in [&b"abcde"[..], &whole[..whole.len() - 6], b""] {
            let read = read(broken, Some(broken.len() as u64), true, 90).await;
            assert!(
                matches!(read, Err(Failure::Fault(Fault::Unavailable(_)))),
                "{read:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_bomb_goes_off_at_the_limit() {
        let bomb = packed(&vec![0; 4 << 20]);
        assert!(bomb.len() < 8_000);
        let read = read(&bomb, Some(bomb.len() as u64), true, 100_000).await;
        assert!(
            matches!(read, Err(Failure::Fault(Fault::TooBig(100_000)))),
            "{read:?}"
        );
    }

    #[tokio::test]
    async fn lines_end_with_their_room() {
        let mut room = 10;
        let mut bytes = &b"ab\r\ncd"[..];
        assert_eq!(line(&mut bytes, &mut room).await.unwrap(), b"ab\r\n");
        assert_eq!(line(&mut bytes, &mut room).await.unwrap(), b"cd");
        assert_eq!(room, 4);
        assert!(line(&mut &b"abcdef"[..], &mut room).await.is_err());
    }
}
