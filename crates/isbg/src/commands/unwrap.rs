//! `isbg unwrap`: takes the original out of a SpamAssassin report. Does not judge what comes out.

use std::fs::File;
use std::io::{self, Read, Write, stdin, stdout};
use std::path::Path;

use anyhow::Result;
use isbg_message::originals;
use isbg_spool::{Spool, Writer};

use crate::args::Unwrap;
use crate::exit::{Failure, Status};
use crate::report::Terminal;
use crate::secrets::shown;

/// Writes every original in the report, one after another; nothing and a line on standard error if it is no report.
///
/// # Errors
/// When a file cannot be read or written.
pub fn unwrap(typed: &Unwrap, terminal: &Terminal) -> Result<Status> {
    let message = match &typed.from {
        Some(path) => File::open(path)
            .and_then(spooled)
            .map_err(|error| cannot("read", path, &error))?,
        None => spooled(stdin().lock())?,
    };
    let mut originals = originals(&message)?.peekable();
    if originals.peek().is_none() {
        terminal.say("isbg: the message is not a SpamAssassin report; there is nothing to unwrap");
        return Ok(Status::Fine);
    }
    match &typed.to {
        Some(path) => File::create(path)
            .and_then(|file| write_all(originals, file))
            .map_err(|error| cannot("write", path, &error))?,
        None => write_all(originals, stdout().lock())?,
    }
    Ok(Status::Fine)
}

fn spooled(mut from: impl Read) -> io::Result<Spool> {
    let mut writer = Writer::new();
    io::copy(&mut from, &mut writer)?;
    writer.finish()
}

fn write_all(originals: impl Iterator<Item = io::Result<Spool>>, mut to: impl Write) -> io::Result<()> {
    for original in originals {
        io::copy(&mut original?.reader(), &mut to)?;
    }
    to.flush()
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(Status::Other, format!("cannot {verb} {}: {error}", shown(path)))
}
