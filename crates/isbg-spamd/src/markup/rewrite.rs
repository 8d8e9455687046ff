//! Messages rewritten: marked in their headers, or attached to a report. Does not decide which messages are spam.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use isbg_message::header::{Field, fields};
use isbg_message::{AttachAs, wrap};
use isbg_spool::{Spool, Writer};

use super::tags::now;
use super::{Facts, Markup, Safe, VERSION, fold};

/// So much of a message is looked at for its header.
const HEADER: usize = 1 << 20;

/// Bytes kept of each field that a report repeats.
const FIELD: usize = 4_096;

/// The fields that a report repeats, as they are then written.
const REPEATED: [&str; 6] = ["From", "To", "Cc", "Subject", "Date", "Message-Id"];

/// What is noted where a field that was to be rewritten did not exist.
const NONEXISTENT: &str = "(nonexistent)";

impl Markup {
    /// The message with what was found out about it: in its header, or around it if it is spam and `report_safe` says so.
    /// Line ends are those of the message's first line. `X-Spam-…` fields that it came with are left out of its header,
    /// except those that keep what another server has rewritten.
    ///
    /// # Errors
    /// When a temporary file cannot be read or written.
    pub fn rewrite(&self, mail: &Spool, facts: &Facts<'_>) -> io::Result<Spool> {
        let start = mail.prefix(HEADER)?;
        let first = start
            .split_inclusive(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let line_end = if first.ends_with(b"\r\n") { "\r\n" } else { "\n" };
        let mut all: Vec<Field<'_>> = fields(&start).collect();
        let seen: usize = all.iter().map(|field| field.raw.len()).sum();
        if seen == start.len() && (seen as u64) < mail.len() {
            // A field that reaches the limit may go on beyond it.
            all.pop();
        }
        let attach = match self.safe {
            Safe::InPlace => None,
            _ if !facts.verdict.spam => None,
            Safe::Message => Some(AttachAs::Message),
            Safe::Text => Some(AttachAs::Text),
        };
        match attach {
            None => self.in_place(mail, &all, facts, line_end),
            Some(attach) => {
                let header = self.report_header(&all, facts, line_end);
                wrap(mail, &header, &self.report(facts), attach, line_end)
            }
        }
    }

    fn in_place(
        &self,
        mail: &Spool,
        all: &[Field<'_>],
        facts: &Facts<'_>,
        line_end: &str,
    ) -> io::Result<Spool> {
        let mut out = Writer::with_expected(mail.len() + 4_096);
        let (mbox, all_but) = all.split_at(usize::from(begins_mbox(all)));
        mbox.iter().try_for_each(|line| out.write_all(line.raw))?;
        out.write_all(self.marks(facts, line_end).as_bytes())?;
        let rewritten = |field: &Field<'_>| {
            let spam = facts.verdict.spam;
            self.rewritten.iter().find(|(name, _)| spam && field.is(name))
        };
        let mut former = Vec::new();
        for field in all_but.iter().filter(|field| !is_mark(field)) {
            match rewritten(field) {
                None => out.write_all(field.raw)?,
                Some((name, text)) => {
                    let value = trimmed(field.value);
                    out.write_all(&self.put_before(name, text, value, facts, false))?;
                    out.write_all(line_end.as_bytes())?;
                    let old = former_value(value);
                    former.push((*name, old));
                }
            }
        }
        if facts.verdict.spam {
            let subject = self
                .rewritten
                .get("Subject")
                .filter(|_| !all.iter().any(|field| field.is("Subject")));
            if let Some(text) = subject {
                out.write_all(&self.put_before("Subject", text, b"", facts, false))?;
                out.write_all(line_end.as_bytes())?;
                former.push(("Subject", NONEXISTENT.as_bytes().to_vec()));
            }
        }
        for (name, value) in former {
            write!(out, "X-Spam-Prev-{name}: ")?;
            out.write_all(&value)?;
            out.write_all(line_end.as_bytes())?;
        }
        let mut offset: u64 = all.iter().map(|field| field.raw.len() as u64).sum();
        while offset < mail.len() {
            let chunk = mail.chunk(offset)?;
            out.write_all(&chunk)?;
            offset += chunk.len() as u64;
        }
        out.finish()
    }

    /// The header of a report: who made it, the original's best known fields, and what was found out.
    fn report_header(&self, all: &[Field<'_>], facts: &Facts<'_>, line_end: &str) -> Vec<u8> {
        let mut out = Vec::new();
        if begins_mbox(all) {
            out.extend_from_slice(all[0].raw);
        }
        let received = format!(
            "Received: from {} by {}\n\twith isbg (version {VERSION});\n\t{}\n",
            facts.remote.0,
            self.hostname,
            now()
        );
        out.extend_from_slice(received.replace('\n', line_end).as_bytes());
        for name in REPEATED {
            let Some(field) = all.iter().find(|field| field.is(name)) else {
                continue;
            };
            let value = trimmed(&field.value[..field.value.len().min(FIELD)]);
            let line = match self.rewritten.get(name) {
                Some(text) => self.put_before(name, text, value, facts, true),
                None => [name.as_bytes(), b": ", value].concat(),
            };
            push_folded(&mut out, &line, line_end);
        }
        out.extend_from_slice(self.marks(facts, line_end).as_bytes());
        for name in &self.copied {
            for field in all.iter().filter(|field| field.is(name)) {
                let value = trimmed(&field.value[..field.value.len().min(FIELD)]);
                push_folded(&mut out, &[name.as_bytes(), b": ", value].concat(), line_end);
            }
        }
        out
    }

    /// The `X-Spam-…` fields.
    fn marks(&self, facts: &Facts<'_>, line_end: &str) -> String {
        let mut out = String::new();
        for added in self
            .added
            .iter()
            .filter(|added| added.on.holds(facts.verdict.spam))
        {
            let value = self.expand(&added.template, facts).replace(['\r', '\0'], "");
            let mut field = format!("X-Spam-{}: ", added.name);
            if !value.contains('\n') {
                field.push_str(&value);
                if self.fold {
                    field = fold::header(&field);
                }
            } else {
                // Lines that the template itself has. An empty one would end the header.
                let between = if self.fold { "\n\t" } else { " " };
                let lines: Vec<&str> = value
                    .split('\n')
                    .enumerate()
                    .filter(|(at, line)| *at == 0 || !line.trim().is_empty())
                    .map(|(_, line)| line)
                    .collect();
                field.push_str(&lines.join(between));
            }
            // Writing to a string cannot fail.
            write!(out, "{}{line_end}", field.replace('\n', line_end)).unwrap_or_default();
        }
        out
    }

    /// A field with the text that marks spam: before a subject, and as a comment beside an address.
    fn put_before(
        &self,
        name: &str,
        text: &str,
        value: &[u8],
        facts: &Facts<'_>,
        in_report: bool,
    ) -> Vec<u8> {
        let text = self.expand(text, facts);
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let comment = || format!("({})", text.replace('(', "[").replace(')', "]"));
        let parts: [&[u8]; 3] = match name {
            "Subject" => [text.as_bytes(), b" ", value],
            _ if in_report => [value, b"\t", &comment().into_bytes()],
            _ => [&comment().into_bytes(), b" ", value],
        };
        [name.as_bytes(), b": ", &parts.concat()].concat()
    }
}

/// A separator line of an mbox on top.
fn begins_mbox(all: &[Field<'_>]) -> bool {
    all.first()
        .is_some_and(|first| first.name.is_empty() && first.raw.starts_with(b"From "))
}

/// What a scorer wrote into the header before. What it has rewritten is not taken away.
fn is_mark(field: &Field<'_>) -> bool {
    let begins = |text: &[u8]| {
        field
            .name
            .get(..text.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(text))
    };
    begins(b"x-spam-") && !begins(b"x-spam-prev-")
}

/// Without the blanks before it.
fn trimmed(value: &[u8]) -> &[u8] {
    value.trim_ascii_start()
}

/// A field's value as `X-Spam-Prev-…` keeps it.
fn former_value(value: &[u8]) -> Vec<u8> {
    if value.is_empty() {
        NONEXISTENT.as_bytes().to_vec()
    } else {
        value.to_vec()
    }
}

/// Appends a field that may be folded, its line ends made uniform. A line of blanks only, which some take for the end of
/// the header, is left out.
fn push_folded(out: &mut Vec<u8>, field: &[u8], line_end: &str) {
    for (at, line) in field.split(|byte| *byte == b'\n').enumerate() {
        let clean: Vec<u8> = line
            .iter()
            .copied()
            .filter(|byte| !matches!(byte, 0 | b'\r'))
            .collect();
        if at > 0 && clean.trim_ascii().is_empty() {
            continue;
        }
        if at > 0 && !matches!(clean.first(), Some(b' ' | b'\t')) {
            out.push(b'\t');
        }
        out.extend_from_slice(&clean);
        out.extend_from_slice(line_end.as_bytes());
    }
}
