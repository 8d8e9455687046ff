//! isbg's IMAP client. Knows mailboxes, not what spam is, and is handed its connection: it opens no sockets and has no
//! TLS of its own.
//!
//! [`Client::greet`] takes a connection, [`Client::login`] logs in; folders are looked at by [`Client::list`],
//! [`Client::examine`] and [`Client::search`], messages are read by [`Client::look`] and [`Client::fetch`]. None of
//! these changes anything on the server. Everything that does is in [`transfer`].

mod budget;
mod client;
mod connect;
mod error;
mod fetch;
mod find;
mod folders;
mod login;
pub mod protocol;
pub mod sasl;
mod select;
mod session;
mod settings;
mod stream;
mod transcript;
pub mod transfer;
mod watch;
mod wire;

pub use budget::{ByteBudget, Permit};
pub use client::Client;
pub use error::{Error, Refusal, RefusalKind};
pub use fetch::{Facts, FetchReport, Fetched};
pub use folders::{Folder, SpecialUse};
pub use protocol::Limits;
pub use protocol::code::Code;
pub use protocol::data::{Capabilities, Counts, Namespace, Namespaces};
pub use protocol::fetch::InternalDate;
pub use protocol::response::Response;
pub use protocol::search::Key;
pub use sasl::{ChannelBinding, ChannelBindingKind, Credentials, Secret};
pub use select::Known;
pub use session::Mailbox;
pub use settings::{Observer, Settings, Timeouts};
pub use stream::{BoxedStream, Secured, Stream, Transport, Upgrade};
pub use transcript::Transcript;
pub use transfer::Outcome;
pub use watch::Wake;
