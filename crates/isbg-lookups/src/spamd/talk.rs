//! One request to spamd and its answer, over one connection. Does not judge the answer's meaning.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use isbg_spool::{CHUNK, Spool, Writer};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter};

use super::answer::{Head, bad, status};
use crate::Unknown;
use crate::endpoint::{Stream, broken};

/// Status line and headers together; spamd's have some hundred bytes.
const MAX_HEAD: usize = 16 * 1024;

/// A request, ready to be sent.
pub(super) struct Request {
    verb: &'static str,
    headers: String,
    body: Option<Spool>,
    /// spamd reads whole lines, or compressed data to the end: after a message that does not end with a line end it
    /// waits for more until our side is closed. In other cases closing does harm: with TLS spamd leaves that unread,
    /// and the system then throws its answer away.
    open_ended: bool,
}

impl Request {
    pub(super) fn new(verb: &'static str) -> Self {
        Self {
            verb,
            headers: String::new(),
            body: None,
            open_ended: false,
        }
    }

    /// Adds a header. The value has no control characters.
    pub(super) fn header(&mut self, name: &str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.headers.push_str(part);
        }
    }

    /// Adds the message.
    pub(super) async fn attach(&mut self, mail: &Spool, compress: bool) -> io::Result<()> {
        let body = if compress {
            self.header("Compress", "zlib");
            let mail = mail.clone();
            tokio::task::spawn_blocking(move || compressed(&mail))
                .await
                .map_err(io::Error::other)??
        } else {
            mail.clone()
        };
        self.header("Content-length", &body.len().to_string());
        let last = body.chunk(body.len().saturating_sub(1))?;
        self.open_ended = compress || last.first() != Some(&b'\n');
        self.body = Some(body);
        Ok(())
    }
}

fn compressed(mail: &Spool) -> io::Result<Spool> {
    let mut encoder = ZlibEncoder::new(Writer::new(), Compression::fast());
    io::copy(&mut mail.reader(), &mut encoder)?;
    encoder.finish()?.finish()
}

/// Sends the request and reads the answer, whose body may have `most` bytes.
pub(super) async fn converse(
    stream: Box<dyn Stream>,
    request: &Request,
    most: u64,
) -> Result<(Head, Spool), Unknown> {
    let mut stream = BufWriter::with_capacity(CHUNK, stream);
    // A server that refuses may answer and close before it has read everything: its words are worth more than the
    // error of writing to it.
    let written = send(&mut stream, request).await;
    let mut reader = BufReader::with_capacity(CHUNK, stream.into_inner());
    match (receive(&mut reader, request, most).await, written) {
        (Ok(answer), Ok(())) => Ok(answer),
        (Ok(_), Err(error)) => Err(broken("spamd", &error)),
        (Err(Failure::Broken(_)), Err(error)) => Err(broken("spamd", &error)),
        (Err(Failure::Broken(error)), Ok(())) => Err(broken("spamd", &error)),
        (Err(Failure::Unknown(unknown)), _) => Err(unknown),
    }
}

async fn send(stream: &mut BufWriter<Box<dyn Stream>>, request: &Request) -> io::Result<()> {
    let head = format!("{} SPAMC/1.5\r\n{}\r\n", request.verb, request.headers);
    stream.write_all(head.as_bytes()).await?;
    let Some(body) = &request.body else {
        return stream.flush().await;
    };
    let mut offset = 0;
    while offset < body.len() {
        let chunk = body.chunk(offset)?;
        stream.write_all(&chunk).await?;
        offset += chunk.len() as u64;
    }
    stream.flush().await?;
    if request.open_ended {
        // Fails where the server has answered and closed already, which is no loss.
        stream.shutdown().await.or(Ok(()))
    } else {
        Ok(())
    }
}

enum Failure {
    Broken(io::Error),
    Unknown(Unknown),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Unknown> for Failure {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

type Reader = BufReader<Box<dyn Stream>>;

async fn receive(reader: &mut Reader, request: &Request, most: u64) -> Result<(Head, Spool), Failure> {
    let mut room = MAX_HEAD;
    status(&line(reader, &mut room).await?, request.verb == "TELL")?;
    let mut head = Head::default();
    if request.body.is_none() {
        return Ok((head, Spool::from(Vec::new()))); // PING: nothing follows, not even an empty line
    }
    loop {
        let line = line(reader, &mut room).await?;
        if line.is_empty() {
            break;
        }
        head.line(&line)?;
    }
    let body = match head.content_length {
        _ if most == 0 => Spool::from(Vec::new()),
        Some(length) if length > most => {
            return Err(bad(format!("its body is to have {length} bytes, more than {most}")).into());
        }
        length => body(reader, length, most).await?,
    };
    Ok((head, body))
}

/// One line without its end. Takes its bytes from `room`.
async fn line(reader: &mut Reader, room: &mut usize) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let got = (&mut *reader)
        .take(*room as u64)
        .read_until(b'\n', &mut bytes)
        .await?;
    *room -= got;
    if bytes.pop() != Some(b'\n') {
        return Err(if *room == 0 {
            bad(format!("its head has more than {MAX_HEAD} bytes")).into()
        } else {
            io::Error::new(io::ErrorKind::UnexpectedEof, "it closed the connection").into()
        });
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `length` bytes, or all until the connection closes: at most `most`.
async fn body(reader: &mut Reader, length: Option<u64>, most: u64) -> Result<Spool, Failure> {
    let mut out = Writer::with_expected(length.unwrap_or(0));
    let mut part = reader.take(length.unwrap_or(most + 1));
    loop {
        let bytes = part.fill_buf().await?;
        if bytes.is_empty() {
            break;
        }
        out.write_all(bytes)?;
        let taken = bytes.len();
        part.consume(taken);
    }
    match length {
        Some(length) if out.len() < length => {
            let why = format!("it closed the connection after {} of {length} bytes", out.len());
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, why).into())
        }
        None if out.len() > most => Err(bad(format!("its body does not end after {most} bytes")).into()),
        _ => Ok(out.finish()?),
    }
}
