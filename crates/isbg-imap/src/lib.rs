//! isbg-imap

pub mod sasl;
