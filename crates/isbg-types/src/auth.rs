//! What is known about who sent a message: SPF and DKIM, as plain data. Does not verify.

use std::net::IpAddr;

/// The result of an SPF check (RFC 7208 §2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the RFC")]
pub enum Spf {
    None,
    Neutral,
    Pass,
    Fail,
    SoftFail,
    TempError,
    PermError,
}

/// Whom an SPF check is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpfRequest {
    /// The address of the relay that delivered the message.
    pub ip: IpAddr,
    /// The name it gave itself; empty where not told.
    pub helo: String,
    /// The address or the domain to be checked.
    pub identity: String,
}

/// How a DKIM signature was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureState {
    /// It holds.
    Pass,
    /// It does not: changed text, or a key that is gone or of no use.
    Fail,
    /// The key could not be had: unknown.
    Unknown,
}

/// One DKIM signature of a message (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The domain that signed, in lower case.
    pub domain: String,
    /// Its selector.
    pub selector: String,
    /// On whose behalf it signed: an address, or a domain after an `@`.
    pub identity: String,
    /// Whether it holds.
    pub state: SignatureState,
    /// The size of an RSA key in bits; `None` for another kind of key.
    pub key_bits: Option<u32>,
}

/// All that is known about a message's sender.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authentication {
    /// SPF for the sender of the envelope. `None`: not checked or not known yet.
    pub sender: Option<Spf>,
    /// SPF for the name in HELO.
    pub helo: Option<Spf>,
    /// The DKIM signatures in the order of the header. `None`: not known yet.
    pub signatures: Option<Vec<Signature>>,
}
