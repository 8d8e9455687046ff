//! Whether one message holds another to the byte. Identities are for finding; before anything is removed, bytes are
//! compared. Does not know where the messages lie.

use isbg_message::{fingerprint_of, originals, strip_markup};
use isbg_spool::Spool;
use isbg_types::Fingerprint;

use crate::error::Result;

/// Whether this copy holds the original: it is the same to the byte, or the original lies in it as a scorer's report
/// has it, or beneath a scorer's marks.
pub(crate) fn holds(copy: &Spool, original: &Spool) -> Result<bool> {
    if copy.same_bytes(original)? {
        return Ok(true);
    }
    for candidate in inside(copy)? {
        if candidate.same_bytes(original)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The original of this identity in a report, or beneath a scorer's marks.
pub(crate) fn original_in(report: &Spool, print: Fingerprint) -> Result<Option<Spool>> {
    for candidate in inside(report)? {
        if fingerprint_of(&candidate)? == print {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

fn inside(report: &Spool) -> Result<Vec<Spool>> {
    let mut inside: Vec<Spool> = originals(report)?.take(1).collect::<std::io::Result<_>>()?;
    inside.push(strip_markup(report)?);
    Ok(inside)
}
