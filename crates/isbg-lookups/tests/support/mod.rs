//! Mail to ask about. Does not know whom.

#![allow(dead_code, clippy::unwrap_used)] // each test file uses its own part

use std::io::Write as _;

use isbg_spool::{Spool, Writer};

/// Harmless.
pub const HAM: &[u8] = b"Received: from mx.example (mx.example [192.0.2.1]) by mail.example; Tue, 24 Nov 2026 09:00:00 +0000\r\n\
From: Ann Example <ann@example.org>\r\nTo: Ben Example <ben@example.net>\r\nSubject: The kitchen key\r\n\
Date: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <20261124090000.1234@example.org>\r\n\r\n\
Hello Ben,\r\n\r\nthe key for the kitchen is with the neighbours again. We are back on Sunday evening.\r\n\r\nAnn\r\n";

/// SpamAssassin's and rspamd's agreed test text: spam beyond doubt. Its own header says otherwise.
pub const SPAM: &[u8] = b"From: a@example.org\r\nTo: b@example.net\r\nSubject: score=0 required=0\r\n\
X-Spam-Status: No, score=-99.0 required=5.0 tests=FORGED\r\nX-Spam-Flag: NO\r\n\
Date: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <20261124090001.1234@example.org>\r\n\r\n\
X-Spam-Status: No, score=-99.0 required=5.0\r\n\
XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n";

/// A message that must be in a temporary file.
pub fn large(start: &[u8], size: usize) -> Spool {
    let mut writer = Writer::new();
    writer.write_all(start).unwrap();
    let line = b"This line is one of many and says nothing that matters to anybody at all.\r\n";
    while writer.len() < size as u64 {
        writer.write_all(line).unwrap();
    }
    let spool = writer.finish().unwrap();
    assert!(spool.in_memory().is_none());
    spool
}

/// A message in memory.
pub fn mail(bytes: &'static [u8]) -> Spool {
    bytes.to_vec().into()
}

/// All of it, as text.
pub fn text(spool: &Spool) -> String {
    String::from_utf8_lossy(&spool.prefix(usize::MAX).unwrap()).into_owned()
}
