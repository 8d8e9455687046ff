//! What is known about a connection: capabilities, the selected folder, commands under way. Does no I/O.

use std::collections::{BTreeSet, HashMap, VecDeque};

use isbg_types::{Flags, FolderName, ModSeq, Uid, UidSet, UidValidity};

use crate::protocol::code::{Code, Status, StatusKind};
use crate::protocol::command::{Literals, Style};
use crate::protocol::data::Capabilities;
use crate::protocol::mailbox::{self, Encoding};
use crate::protocol::response::{Kind, Response};

/// More warnings for the user than this are not kept.
const ALERTS: usize = 20;

/// A folder that is open on this connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Its name.
    pub name: FolderName,
    /// Whether it can only be looked at.
    pub read_only: bool,
    /// How many messages it has, by the latest word of the server.
    pub exists: u32,
    /// Its UIDVALIDITY. A few servers tell none.
    pub uid_validity: Option<UidValidity>,
    /// The UID that the next new message will get at least. Some servers (Courier,
    /// Winmail Pro, 163.com) do not tell; Courier does by STATUS.
    pub uid_next: Option<Uid>,
    /// The highest modification sequence when it was opened. `None` where the folder keeps none.
    pub highest_modseq: Option<ModSeq>,
    /// The flags that can be changed for good. `None` where the server does not say, which means all (RFC 9051 §7.1).
    pub permanent_flags: Option<Flags>,
    /// Its lasting identifier (RFC 8474).
    pub mailbox_id: Option<String>,
    /// UIDs that have gone since the state named when it was opened (RFC 7162 §3.2.5.2).
    pub vanished: UidSet,
    /// The messages that have changed since then, as far as they were known.
    pub changed: Vec<crate::fetch::Facts>,
}

impl Mailbox {
    fn new(name: FolderName) -> Self {
        Self {
            name,
            read_only: false,
            exists: 0,
            uid_validity: None,
            uid_next: None,
            highest_modseq: None,
            permanent_flags: None,
            mailbox_id: None,
            vanished: UidSet::new(),
            changed: Vec::new(),
        }
    }
}

/// The state of one connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub capabilities: Capabilities,
    pub enabled: BTreeSet<String>,
    pub authenticated: bool,
    /// Whether the server let us in without a login.
    pub preauth: bool,
    pub selected: Option<Mailbox>,
    /// The server's words on closing.
    pub bye: Option<String>,
    pub alerts: Vec<String>,
    /// Tags of commands whose end has not come yet, oldest first.
    pub in_flight: VecDeque<String>,
    /// Names that our encoding would not give back as the server wrote them.
    odd_names: HashMap<FolderName, Vec<u8>>,
    tags: u64,
}

impl Session {
    /// A tag for a new command.
    pub fn tag(&mut self) -> String {
        self.tags += 1;
        format!("A{}", self.tags)
    }

    /// How names are written.
    pub fn encoding(&self) -> Encoding {
        let only_rev2 = self.capabilities.has("IMAP4REV2") && !self.capabilities.has("IMAP4REV1");
        let enabled = self.enabled.contains("UTF8=ACCEPT") || self.enabled.contains("IMAP4REV2");
        if enabled || only_rev2 {
            Encoding::Utf8
        } else {
            Encoding::Utf7
        }
    }

    /// How commands are written.
    pub fn style(&self) -> Style {
        let literals = if self.capabilities.has("LITERAL+") {
            Literals::Plus
        } else if self.capabilities.has("LITERAL-") || self.capabilities.has("IMAP4REV2") {
            Literals::Minus
        } else {
            Literals::Synchronising
        };
        Style {
            literals,
            encoding: self.encoding(),
            utf8_quoted: self.enabled.contains("UTF8=ACCEPT"),
        }
    }

    /// Whether the server offers this or has it as part of IMAP4rev2 (RFC 9051 appendix E).
    pub fn offers(&self, name: &str) -> bool {
        const IN_REV2: [&str; 13] = [
            "NAMESPACE",
            "UNSELECT",
            "UIDPLUS",
            "ESEARCH",
            "ENABLE",
            "IDLE",
            "SASL-IR",
            "LIST-EXTENDED",
            "LIST-STATUS",
            "MOVE",
            "LITERAL-",
            "SPECIAL-USE",
            "STATUS=SIZE",
        ];
        let rev2 = self.capabilities.has("IMAP4REV2") && IN_REV2.contains(&name);
        self.capabilities.has(name) || rev2
    }

    /// Whether our encoding would not give this name back as the server wrote it.
    pub fn is_odd(&self, name: &FolderName, wire: &[u8]) -> bool {
        let inbox = name.is_inbox() && wire.eq_ignore_ascii_case(b"INBOX");
        !inbox && mailbox::encode(name, self.encoding()).as_bytes() != wire
    }

    /// Remembers how the server writes a name.
    pub fn remember_name(&mut self, name: &FolderName, wire: &[u8]) {
        const KEPT: usize = 10_000;
        if !self.is_odd(name, wire) {
            self.odd_names.remove(name);
        } else if self.odd_names.len() < KEPT {
            self.odd_names.insert(name.clone(), wire.to_vec());
        }
    }

    /// The bytes that the server knows a folder by, where they are not what our encoding yields.
    pub fn odd_name(&self, name: &FolderName) -> Option<&[u8]> {
        self.odd_names.get(name).map(Vec::as_slice)
    }

    /// From here on the server speaks of this folder.
    pub fn selecting(&mut self, name: &FolderName) {
        self.selected = Some(Mailbox::new(name.clone()));
    }

    /// Takes in what a response says about the connection.
    pub fn absorb(&mut self, response: &Response) {
        match &response.kind {
            Kind::Capability(capabilities) => self.capabilities = capabilities.clone(),
            Kind::Enabled(names) => self.enabled.extend(names.iter().cloned()),
            Kind::Tagged(_, status) | Kind::Status(status) => self.absorb_status(status),
            _ => {}
        }
        let Some(selected) = &mut self.selected else {
            return;
        };
        match &response.kind {
            Kind::Exists(number) => selected.exists = *number,
            Kind::Expunge(_) => selected.exists = selected.exists.saturating_sub(1),
            Kind::Vanished(gone, false) => {
                let gone = u32::try_from(gone.len()).unwrap_or(u32::MAX);
                selected.exists = selected.exists.saturating_sub(gone);
            }
            _ => {}
        }
    }

    fn absorb_status(&mut self, status: &Status) {
        if status.kind == StatusKind::Bye {
            self.bye = Some(status.text.clone());
        }
        if status.has("ALERT") && self.authenticated && self.alerts.len() < ALERTS {
            self.alerts.push(status.text.clone());
        }
        if let Some(Code::Capability(capabilities)) = &status.code {
            self.capabilities = capabilities.clone();
        }
        let (Some(selected), Some(code)) = (&mut self.selected, &status.code) else {
            return;
        };
        match code {
            Code::UidValidity(validity) => {
                selected.uid_validity = Some(*validity).filter(|validity| validity.0 > 0)
            }
            Code::UidNext(next) => selected.uid_next = Uid::new(*next),
            Code::HighestModSeq(modseq) => {
                selected.highest_modseq = Some(*modseq).filter(|modseq| modseq.0 > 0)
            }
            Code::PermanentFlags(flags) => selected.permanent_flags = Some(flags.clone()),
            Code::MailboxId(id) => selected.mailbox_id = Some(id.clone()),
            // What came before belonged to the folder that was open until now (RFC 7162 §3.2.11).
            code if code.is("CLOSED") => *selected = Mailbox::new(selected.name.clone()),
            code if code.is("READ-ONLY") => selected.read_only = true,
            code if code.is("READ-WRITE") => selected.read_only = false,
            _ => {}
        }
    }
}
