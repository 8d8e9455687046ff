//! The targets. Each takes any bytes, must return in time and memory that libFuzzer limits, and checks what must hold
//! for every input: no panic, and the invariants that its function states. Does not know libFuzzer.

mod classifier;
mod imap;
mod message;
mod rules;
mod spamd;

/// Every target by name. `xtask/src/fuzz.rs` has the same names.
pub const ALL: &[(&str, fn(&[u8]))] = &[
    ("views", message::views),
    ("html", message::html),
    ("uris", message::uris),
    ("received", message::received),
    ("mime", message::mime),
    ("unwrap", message::unwrap),
    ("rules", rules::files),
    ("pattern", rules::pattern),
    ("evals", rules::evals),
    ("imap", imap::server),
    ("imap-words", imap::words),
    ("classifier", classifier::classifier),
    ("model-file", classifier::file),
    ("spamd-client", spamd::client),
    ("spamd-server", spamd::server),
];
