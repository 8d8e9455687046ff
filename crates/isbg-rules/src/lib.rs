//! The SpamAssassin rule language: rule files are loaded, their patterns compiled, and the rules evaluated over the views
//! of a message. Knows no network and no clock, and no disk beyond reading rule files.

pub mod authres;
pub mod builtin;
mod eval;
pub mod lint;
pub mod load;
pub mod matcher;
pub mod meta;
pub mod network;
pub mod pattern;
pub mod ruleset;
