//! What went through the proxy. Judges nothing.

use super::plan::Side;

/// One thing that a side sent. From the client all that it sent, passed on or not; from the server what reached the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The number of the connection, from 0 in the order in which they were made.
    pub connection: usize,
    /// Who sent it.
    pub from: Side,
    /// Whether it is a line that begins a command or response, not a literal or what follows one.
    pub first: bool,
    /// The bytes: a whole line with its end, or a part of a literal.
    pub bytes: Vec<u8>,
}

/// A command as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The number of the connection.
    pub connection: usize,
    /// Its tag.
    pub tag: String,
    /// The first line behind the tag, without its end.
    pub text: String,
}

/// All that went through.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    /// Everything, in order.
    pub events: Vec<Event>,
}

impl Transcript {
    /// The commands of all connections, in order. Lines that a client sends within a command (`DONE`, SASL answers) are
    /// not among them.
    pub fn commands(&self) -> Vec<Command> {
        self.events
            .iter()
            .filter(|event| event.from == Side::Client && event.first)
            .filter_map(|event| {
                let line = String::from_utf8_lossy(&event.bytes);
                let (tag, text) = line.trim_end_matches(['\r', '\n']).split_once(' ')?;
                Some(Command {
                    connection: event.connection,
                    tag: tag.to_owned(),
                    text: text.to_owned(),
                })
            })
            .collect()
    }

    /// How many commands begin thus, in whatever letter case.
    pub fn count(&self, prefix: &str) -> usize {
        self.commands()
            .iter()
            .filter(|command| begins(&command.text, prefix))
            .count()
    }

    /// The commands that change a mailbox.
    pub fn changing(&self) -> Vec<Command> {
        const CHANGING: [&str; 14] = [
            "STORE",
            "COPY",
            "MOVE",
            "EXPUNGE",
            "CLOSE",
            "APPEND",
            "CREATE",
            "DELETE",
            "RENAME",
            "SUBSCRIBE",
            "UNSUBSCRIBE",
            "REPLACE",
            "SETACL",
            "SETMETADATA",
        ];
        self.commands()
            .into_iter()
            .filter(|command| {
                let mut words = command.text.split(' ');
                let verb = match words.next() {
                    Some(word) if word.eq_ignore_ascii_case("UID") => words.next().unwrap_or_default(),
                    word => word.unwrap_or_default(),
                };
                CHANGING
                    .iter()
                    .any(|changing| changing.eq_ignore_ascii_case(verb))
            })
            .collect()
    }

    /// All bytes that this side sent over this connection.
    pub fn bytes(&self, connection: usize, from: Side) -> Vec<u8> {
        let own = |event: &&Event| event.connection == connection && event.from == from;
        self.events
            .iter()
            .filter(own)
            .flat_map(|event| event.bytes.iter().copied())
            .collect()
    }

    /// How many bytes this side sent over all connections.
    pub fn len(&self, from: Side) -> u64 {
        self.events
            .iter()
            .filter(|event| event.from == from)
            .map(|event| event.bytes.len() as u64)
            .sum()
    }

    /// The lines as text, for a failing test to show. Literals show as their sizes.
    pub fn show(&self) -> String {
        let mut text = String::new();
        for event in &self.events {
            let arrow = if event.from == Side::Client { '>' } else { '<' };
            let what = if event.first {
                String::from_utf8_lossy(&event.bytes).trim_end().to_owned()
            } else {
                format!("  … {} bytes", event.bytes.len())
            };
            text += &format!("{}{arrow} {what}\n", event.connection);
        }
        text
    }
}

/// Whether the text begins thus, in whatever letter case.
pub(super) fn begins(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
