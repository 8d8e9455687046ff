//! Judging and teaching behind one trait, whoever does it. Knows neither IMAP nor what is done about a verdict.

mod default;
mod native;
mod outage;
mod program;
mod report;
mod rspamd;
mod scorer;
mod spamd;

pub use default::pick_default;
pub use native::{
    Change, Grounds, MOST_BYTES, Memory, ModelHome, Native, NativeSettings, NotSenders, People, Senders,
    Stamp, Standing, Total, total,
};
pub use outage::{Consequence, consequence, weigh};
pub use program::SpamAssassin;
pub use rspamd::Rspamd;
pub use scorer::{Learned, Scored, Scorer, Taught, Unknown, UnknownKind, Wish};
pub use spamd::Spamd;

/// What a probe has scored: short, harmless, and complete enough that no scorer stumbles over it.
const PROBE: &[u8] =
    b"Received: from localhost (localhost [127.0.0.1]) by localhost; Thu, 01 Jan 2026 00:00:00 +0000\r\n\
From: isbg <isbg@localhost>\r\n\
To: isbg <isbg@localhost>\r\n\
Subject: A probe\r\n\
Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n\
Message-ID: <probe@localhost>\r\n\
MIME-Version: 1.0\r\n\
Content-Type: text/plain; charset=us-ascii\r\n\
\r\n\
This message is never delivered. It shows whether the scorer works.\r\n";

/// A lesson's outcome, from whether the scorer changed anything.
fn taught(outcome: Result<bool, Unknown>) -> Result<Taught, Unknown> {
    match outcome {
        Ok(true) => Ok(Taught::Learned),
        Ok(false) => Ok(Taught::AlreadyKnown),
        Err(unknown) if unknown.kind == UnknownKind::TooLarge => Ok(Taught::TooLarge),
        Err(unknown) => Err(unknown),
    }
}
