//! A server that speaks spamd's protocol (SPAMC/1.0 to 1.5), so that `spamc` and whatever else asks a spamd can ask a
//! [`Scorer`](isbg_engine::Scorer) instead. Knows neither command line nor signals, and not which scorer it asks.
//!
//! [`protocol`] reads requests and writes answers without any input or output, [`markup`] makes reports and rewrites
//! messages, and [`Server`] does the talking. What it answers is what spamd 4.0.1 answers, down to blank lines and error
//! texts, except where that would mean waiting for ever or answering wrongly.

mod body;
mod conversation;
pub mod markup;
pub mod protocol;
mod server;

pub use markup::Markup;
pub use server::{Judge, Log, Peer, Server, Settings, hostname};
