//! Writes the conversation down for people. What belongs to a login cannot be in it: commands marked as secret and
//! everything said during one never reach the sink. Does not know where the lines go.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use isbg_types::Untrusted;

use crate::protocol::command::Piece;
use crate::protocol::raw::{Content, Raw};

/// Shown in place of what is kept out.
const HIDDEN: &str = "(hidden)";

/// Longer lines are cut.
const COLUMNS: usize = 1000;

/// Takes lines that are safe to print: `C: ...` what we sent, `S: ...` what the server sent.
#[derive(Clone)]
pub struct Transcript {
    sink: Arc<dyn Fn(&str) + Send + Sync>,
    messages: bool,
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript")
            .field("messages", &self.messages)
            .finish_non_exhaustive()
    }
}

impl Transcript {
    /// A transcript without the contents of messages.
    pub fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            sink: Arc::new(sink),
            messages: false,
        }
    }

    /// The same with the contents of messages.
    pub fn with_messages(self) -> Self {
        Self {
            messages: true,
            ..self
        }
    }

    fn line(&self, who: &str, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        (self.sink)(&format!("{who}: {}", Untrusted(&text).clipped(COLUMNS)));
    }

    /// A command of ours.
    pub(crate) fn sent(&self, tag: &str, verb: &str, secret: bool, pieces: &[Piece]) {
        if secret {
            return self.line("C", format!("{tag} {verb} {HIDDEN}").as_bytes());
        }
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => {
                    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                        self.line("C", line.trim_ascii_end());
                    }
                }
                Piece::Await => {}
                Piece::Message(spool) => {
                    self.line("C", format!("(a message of {} bytes)", spool.len()).as_bytes());
                    if let (true, Some(bytes)) = (self.messages, spool.in_memory()) {
                        self.line("C", bytes);
                    }
                }
            }
        }
    }

    /// An answer of ours within a login, or the end of IDLE.
    pub(crate) fn continued(&self, text: Option<&str>) {
        self.line("C", text.unwrap_or(HIDDEN).as_bytes());
    }

    /// A response.
    pub(crate) fn received(&self, raw: &Raw, secret: bool) {
        if secret {
            // The tag and the status word are shown, what the server says about the login is not.
            let mut words = raw.text.splitn(3, |&byte| byte == b' ');
            let mut shown = words.next().unwrap_or_default().to_vec();
            if let Some(second) = words.next().filter(|_| shown != b"+") {
                shown.push(b' ');
                shown.extend_from_slice(second);
            }
            shown.extend_from_slice(format!(" {HIDDEN}").as_bytes());
            return self.line("S", &shown);
        }
        let mut shown = String::new();
        let mut from = 0;
        for literal in &raw.literals {
            let text = raw.text.get(from..literal.at).unwrap_or_default();
            shown.push_str(&String::from_utf8_lossy(text));
            from = literal.at;
            self.show_literal(&mut shown, raw, &literal.content);
            if shown.len() > COLUMNS {
                break;
            }
        }
        let rest = raw.text.get(from..).unwrap_or_default();
        shown.push_str(&String::from_utf8_lossy(&rest[..rest.len().min(COLUMNS)]));
        self.line("S", shown.as_bytes());
    }

    fn show_literal(&self, shown: &mut String, raw: &Raw, content: &Content) {
        let (size, bytes) = match content {
            Content::Stored(range) => (range.len() as u64, raw.store.get(range.clone())),
            Content::Spooled(spool) => (spool.len(), spool.in_memory().map(|bytes| &bytes[..])),
            Content::Omitted(size) => (*size, None),
        };
        // Writing to a String cannot fail.
        write!(shown, "{{{size}}}").unwrap_or_default();
        if let (true, Some(bytes)) = (self.messages, bytes) {
            shown.push_str(&String::from_utf8_lossy(&bytes[..bytes.len().min(COLUMNS)]));
        }
    }
}
