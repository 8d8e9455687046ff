//! What a client may not say, whatever comes of it. Does not look into mailboxes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::proxy::Transcript;

/// The commands in the transcript that could touch mail which is not the client's to touch: EXPUNGE and CLOSE, changes
/// by sequence number, and changes to whole folders.
pub fn dangers_in(transcript: &Transcript) -> Vec<String> {
    const DANGERS: [&str; 7] = ["EXPUNGE", "CLOSE", "STORE", "COPY", "MOVE", "DELETE", "RENAME"];
    let commands = transcript.changing().into_iter();
    commands
        .map(|command| command.text)
        .filter(|text| {
            let verb = text.split(' ').next().unwrap_or_default();
            DANGERS.iter().any(|danger| danger.eq_ignore_ascii_case(verb))
        })
        .collect()
}

/// The commands in the transcript that change anything at all. A second run has none.
pub fn changes_in(transcript: &Transcript) -> Vec<String> {
    transcript
        .changing()
        .into_iter()
        .map(|command| command.text)
        .collect()
}

/// Where `text` (a log, a report, a file) shows the user's secret, plainly or as SASL mechanisms write it: short excerpts.
pub fn secrets_in(text: &[u8], user: &str, secret: &str) -> Vec<String> {
    let forms = [
        secret.to_owned(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("\0{user}\0{secret}")),
        STANDARD.encode(format!("user={user}\x01auth=Bearer {secret}\x01\x01")),
        format!("{secret:?}").trim_matches('"').to_owned(),
    ];
    let text = String::from_utf8_lossy(text);
    text.lines()
        .filter(|line| forms.iter().any(|form| line.contains(form.trim_end_matches('='))))
        .map(|line| line.chars().take(200).collect())
        .collect()
}
