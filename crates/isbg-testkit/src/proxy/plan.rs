//! What the proxy is to do to the traffic. Does not do it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Who sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The program under test.
    Client,
    /// The server behind the proxy.
    Server,
}

/// A point in the traffic. Texts are compared without regard to letter case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A command that begins thus after its tag, such as `UID MOVE`.
    Command(&'static str),
    /// The first line that the server says after having been sent such a command.
    Response(&'static str),
    /// The tagged line that ends the answer to such a command.
    Tagged(&'static str),
    /// A line that begins thus, such as `+` or `* BYE`.
    Line(Side, &'static str),
}

/// What is done at such a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Closes both connections instead of passing the line on.
    Cut,
    /// Passes that many bytes of the line on, then closes both connections.
    CutWithin(usize),
    /// Passes the line on, then closes both connections.
    CutAfter,
    /// Passes nothing more on in this direction, and keeps the connection open.
    Stall,
    /// From here on passes one byte at a time in this direction, with such a pause after each.
    Slow(Duration),
    /// Sends these bytes before the line, in the line's direction.
    Inject(Vec<u8>),
    /// Sends these bytes in the line's place. For lines that announce no literal.
    Replace(Vec<u8>),
    /// Keeps the command from the server and answers it with this text after its tag, such as `NO [OVERQUOTA] full`.
    Answer(&'static str),
}

pub(super) type Edit = Arc<dyn Fn(Side, &[u8]) -> Vec<u8> + Send + Sync>;

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) when: When,
    /// The how manieth time, from 1 and over all connections; `None` for every time.
    pub(super) nth: Option<usize>,
    pub(super) act: Act,
    pub(super) met: usize,
}

/// All that the proxy is to do. An empty plan passes everything on.
#[derive(Clone, Default)]
pub struct Plan {
    pub(super) rules: Vec<Rule>,
    pub(super) cuts: Vec<(Side, u64)>,
    pub(super) edits: Vec<Edit>,
    pub(super) split: bool,
    pub(super) opaque: bool,
    pub(super) refusing: bool,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rules, cuts, .. } = self;
        write!(f, "Plan {{ rules: {rules:?}, cuts: {cuts:?} }}")
    }
}

impl Plan {
    /// Passes everything on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does this at the `nth` such point, counted from 1 over all connections, and never again.
    #[must_use]
    pub fn at(mut self, when: When, nth: usize, act: Act) -> Self {
        self.push(when, Some(nth), act);
        self
    }

    /// Does this at every such point.
    #[must_use]
    pub fn every(mut self, when: When, act: Act) -> Self {
        self.push(when, None, act);
        self
    }

    fn push(&mut self, when: When, nth: Option<usize>, act: Act) {
        self.rules.push(Rule {
            when,
            nth,
            act,
            met: 0,
        });
    }

    /// Closes both connections once so many bytes of this side have passed, counted over all connections; once.
    #[must_use]
    pub fn cut_after_bytes(mut self, from: Side, bytes: u64) -> Self {
        self.cuts.push((from, bytes));
        self
    }

    /// Sends every byte in a packet of its own.
    #[must_use]
    pub fn split_every_byte(mut self) -> Self {
        self.split = true;
        self
    }

    /// Takes the traffic for bytes without lines: for TLS, HTTP and SPAMC. Only byte counts apply.
    #[must_use]
    pub fn opaque(mut self) -> Self {
        self.opaque = true;
        self
    }

    /// Closes every new connection at once.
    #[must_use]
    pub fn refuse_connections(mut self) -> Self {
        self.refusing = true;
        self
    }

    /// Changes each line, with its end, in whatever way.
    #[must_use]
    pub fn edit(mut self, edit: impl Fn(Side, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.edits.push(Arc::new(edit));
        self
    }

    /// Takes these words out of every list of capabilities.
    #[must_use]
    pub fn hide_capabilities(self, hidden: &[&'static str]) -> Self {
        let hidden = hidden.to_vec();
        self.edit_capabilities(move |words| {
            words.retain(|word| !hidden.iter().any(|hidden| hidden.eq_ignore_ascii_case(word)));
        })
    }

    /// Adds these words to every list of capabilities.
    #[must_use]
    pub fn claim_capabilities(self, claimed: &[&'static str]) -> Self {
        let claimed = claimed.to_vec();
        self.edit_capabilities(move |words| words.extend(claimed.iter().map(|word| (*word).to_owned())))
    }

    fn edit_capabilities(self, change: impl Fn(&mut Vec<String>) + Send + Sync + 'static) -> Self {
        self.edit(move |from, line| {
            if from == Side::Client {
                return line.to_vec();
            }
            let text = String::from_utf8_lossy(line);
            let Some((head, list, tail)) = capability_list(&text) else {
                return line.to_vec();
            };
            let mut words: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
            change(&mut words);
            format!("{head}{}{tail}", words.join(" ")).into_bytes()
        })
    }

    /// Makes the server one that never heard of these extensions: not announced, their commands answered with BAD, their
    /// response codes taken out. Knows MOVE, UIDPLUS and SPECIAL-USE-like extensions without commands of their own.
    #[must_use]
    pub fn lacking(self, extensions: &[&'static str]) -> Self {
        let mut plan = self.hide_capabilities(extensions);
        for extension in extensions {
            plan = match *extension {
                "MOVE" => plan
                    .every(When::Command("UID MOVE"), Act::Answer("BAD Unknown command"))
                    .every(When::Command("MOVE"), Act::Answer("BAD Unknown command")),
                "UIDPLUS" => plan
                    .every(When::Command("UID EXPUNGE"), Act::Answer("BAD Unknown command"))
                    .edit(without_uid_codes),
                "UNSELECT" | "NAMESPACE" | "ENABLE" | "IDLE" | "ID" => {
                    plan.every(When::Command(extension), Act::Answer("BAD Unknown command"))
                }
                _ => plan,
            };
        }
        plan
    }
}

/// Parts a line into what stands before, in and behind its list of capabilities.
fn capability_list(line: &str) -> Option<(&str, &str, &str)> {
    let start = if line.starts_with("* CAPABILITY ") {
        "* CAPABILITY ".len()
    } else {
        line.find(" [CAPABILITY ")? + " [CAPABILITY ".len()
    };
    let (head, rest) = line.split_at(start);
    let end = rest.find([']', '\r', '\n'])?;
    let (list, tail) = rest.split_at(end);
    Some((head, list, tail))
}

/// The line without a COPYUID or APPENDUID code (RFC 4315 §3).
fn without_uid_codes(from: Side, line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    for code in ["[COPYUID ", "[APPENDUID "] {
        if let (Side::Server, Some(start)) = (from, text.find(code))
            && let Some(length) = text[start..].find("] ")
        {
            return format!("{}{}", &text[..start], &text[start + length + 2..]).into_bytes();
        }
    }
    line.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(plan: &Plan, line: &str) -> String {
        let bytes = plan
            .edits
            .iter()
            .fold(line.as_bytes().to_vec(), |line, edit| edit(Side::Server, &line));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_extension_is_hidden_wherever_it_shows() {
        let plan = Plan::new().lacking(&["MOVE", "UIDPLUS"]);
        for (line, expected) in [
            (
                "* CAPABILITY IMAP4rev1 MOVE UIDPLUS ID\r\n",
                "* CAPABILITY IMAP4rev1 ID\r\n",
            ),
            (
                "a1 OK [CAPABILITY IMAP4rev1 UIDPLUS MOVE] in\r\n",
                "a1 OK [CAPABILITY IMAP4rev1] in\r\n",
            ),
            ("a1 OK [COPYUID 1 2:3 4:5] done\r\n", "a1 OK done\r\n"),
            ("* OK [COPYUID 1 2 4] Moved.\r\n", "* OK Moved.\r\n"),
            ("* 1 FETCH (FLAGS ())\r\n", "* 1 FETCH (FLAGS ())\r\n"),
        ] {
            assert_eq!(edited(&plan, line), expected);
        }
    }
}
