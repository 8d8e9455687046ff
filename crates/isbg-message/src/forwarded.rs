//! The messages that somebody forwarded as attachments, to learn from them. Does not know what they are to be learned as.

use std::io::{self, Write};
use std::ops::Range;

use isbg_spool::{Spool, Writer};

use crate::Limits;
use crate::header::hex_pair;
use crate::mime::{Part, Structure, TransferEncoding, split};

/// The messages attached to this one, one after another: parts of type message/rfc822 in multiparts, base64 and
/// quoted-printable undone (RFC 2046 forbids them there; some webmail uses them). What such a message has attached in turn is not
/// given, and neither is the returned message in a delivery report (RFC 6522). They are cut out as they are asked for.
///
/// # Errors
/// When a temporary file cannot be read or written.
pub fn forwarded(message: &Spool) -> io::Result<impl Iterator<Item = io::Result<Spool>> + use<'_>> {
    let structure = split(message, &Limits::default())?;
    let attached: Vec<(TransferEncoding, Range<u64>)> = structure
        .parts
        .iter()
        .filter(|part| part.content_type.is_message() && only_in_multiparts(&structure, part))
        .map(|part| (part.encoding, part.body.clone()))
        .collect();
    Ok(attached
        .into_iter()
        .map(|(encoding, range)| decoded(message, encoding, range)))
}

fn only_in_multiparts(structure: &Structure, part: &Part) -> bool {
    let mut parent = part.parent;
    let mut inside = false;
    while let Some(container) = parent.and_then(|index| structure.parts.get(index)) {
        let kind = &container.content_type;
        if !kind.is_multipart() || kind.essence == "multipart/report" {
            return false;
        }
        inside = true;
        parent = container.parent;
    }
    inside
}

fn decoded(message: &Spool, encoding: TransferEncoding, range: Range<u64>) -> io::Result<Spool> {
    let part = message.slice(range.start, range.end)?;
    let mut out = Writer::with_expected(part.len());
    match encoding {
        TransferEncoding::Identity => return Ok(part),
        TransferEncoding::Base64 => base64(&part, &mut out)?,
        TransferEncoding::QuotedPrintable => quoted_printable(&part, &mut out)?,
    }
    out.finish()
}

/// RFC 2045 §6.8: bytes outside the alphabet are skipped, padding ends the data.
fn base64(part: &Spool, out: &mut Writer) -> io::Result<()> {
    let (mut bits, mut held) = (0u32, 0u32);
    let mut offset = 0;
    let mut bytes = Vec::new();
    loop {
        let chunk = part.chunk(offset)?;
        offset += chunk.len() as u64;
        bytes.clear();
        for byte in &chunk[..] {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => return out.write_all(&bytes),
                _ => continue,
            };
            bits = (bits << 6 | u32::from(value)) & 0xffff;
            held += 6;
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held) as u8);
            }
        }
        out.write_all(&bytes)?;
        if chunk.is_empty() {
            return Ok(());
        }
    }
}

/// RFC 2045 §6.7. What is no valid escape stays as it is.
fn quoted_printable(part: &Spool, out: &mut Writer) -> io::Result<()> {
    let mut escape: Vec<u8> = Vec::with_capacity(3);
    let mut offset = 0;
    let mut bytes = Vec::new();
    loop {
        let chunk = part.chunk(offset)?;
        offset += chunk.len() as u64;
        bytes.clear();
        for byte in &chunk[..] {
            if escape.is_empty() && *byte != b'=' {
                bytes.push(*byte);
                continue;
            }
            escape.push(*byte);
            match escape.as_slice() {
                b"=" | b"=\r" => continue,
                b"=\n" | b"=\r\n" => {}
                [b'=', digit] if digit.is_ascii_hexdigit() => continue,
                [b'=', pair @ ..] => match hex_pair(pair) {
                    Some(decoded) => bytes.push(decoded),
                    None if *byte == b'=' => {
                        bytes.extend_from_slice(&escape[..escape.len() - 1]);
                        escape.truncate(1);
                        continue;
                    }
                    None => bytes.extend_from_slice(&escape),
                },
                _ => {}
            }
            escape.clear();
        }
        if chunk.is_empty() {
            bytes.extend_from_slice(&escape);
            return out.write_all(&bytes);
        }
        out.write_all(&bytes)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: &str) -> Vec<String> {
        let spool = Spool::from(message.as_bytes().to_vec());
        let texts = forwarded(&spool)
            .unwrap()
            .map(|part| part.unwrap().in_memory().unwrap().to_vec());
        texts.map(|text| String::from_utf8(text).unwrap()).collect()
    }

    #[test]
    fn attached_messages_only() {
        let mixed = "Content-Type: multipart/mixed; boundary=a\n\n--a\n\nlook at these\n--a\n";
        let message = "Content-Type: message/rfc822\n\n";
        let encoded = "--a\nContent-Type: message/rfc822\nContent-Transfer-Encoding:";
        assert_eq!(
            found(&format!(
                "{mixed}{message}Subject: one\n\nx\n\n{encoded} base64\n\nU3ViamVjdDogd\nHdvCgp4Cg==\nAAAA\n\
                 {encoded} quoted-printable\n\nSubject: =3D=\nthree=4\n\n--a--\n"
            )),
            [
                "Subject: one\n\nx\n",
                "Subject: two\n\nx\n",
                "Subject: =three=4\n"
            ]
        );
        assert_eq!(found(&format!("{message}Subject: no multipart\n\n")), [""; 0]);
        let nested = found(&format!("{mixed}{message}{mixed}{message}Subject: deep\n\n"));
        assert_eq!(nested.len(), 1, "{nested:?}");
        assert_eq!(
            found(&mixed.replace("mixed", "report").replace("look", message)),
            [""; 0]
        );
    }
}
