//! The addresses in a header block: who a message says it is from, and to whom it was written. Does not know whom the
//! user knows.

use crate::header::{BLOCK_LIMIT, Field, fields};
use crate::views::addresses;

/// A longer address is none (RFC 5321 §4.5.3.1).
const LONGEST: usize = 254;

/// Addresses that are taken of one message.
const MOST: usize = 200;

/// The addresses in From, in lower case. With more than one, nobody can say who the sender is.
pub fn senders(block: &[u8]) -> Vec<String> {
    of(block, &["From"])
}

/// The addresses that a message was written to, in lower case: To, Cc and Bcc. None for what a program answered by
/// itself (RFC 3834) or sent in bulk.
pub fn recipients(block: &[u8]) -> Vec<String> {
    let block = &block[..block.len().min(BLOCK_LIMIT)];
    let by_a_program = |field: Field<'_>| {
        let value = field.value.trim_ascii();
        let is = |words: &[&str]| {
            words
                .iter()
                .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
        };
        (field.is("Auto-Submitted") && !is(&["no"]))
            || (field.is("Precedence") && is(&["bulk", "junk", "auto_reply"]))
            || field.is("X-Autoreply")
    };
    if fields(block).any(by_a_program) {
        return Vec::new();
    }
    of(block, &["To", "Cc", "Bcc"])
}

fn of(block: &[u8], names: &[&str]) -> Vec<String> {
    let block = &block[..block.len().min(BLOCK_LIMIT)];
    let mut found = Vec::new();
    for field in fields(block).filter(|field| names.iter().any(|name| field.is(name))) {
        for address in addresses(&field.unfolded()) {
            let Ok(address) = String::from_utf8(address) else {
                continue;
            };
            let address = address.to_lowercase();
            if address.len() <= LONGEST && found.len() < MOST && !found.contains(&address) {
                found.push(address);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_and_recipients() {
        let block = b"From: \"Ann, the first\" <Ann@Example.ORG>\r\nTo: bob@example.net,\r\n Carl <carl@example.net>\r\n\
            CC: dora@example.net (Dora)\r\nBcc: bob@example.net\r\n\r\nTo: none@example.net\r\n";
        let block = &block[..crate::header::block_len(block)];
        assert_eq!(senders(block), ["ann@example.org"]);
        assert_eq!(
            recipients(block),
            ["bob@example.net", "carl@example.net", "dora@example.net"]
        );
    }

    #[test]
    fn two_senders_are_two() {
        assert_eq!(senders(b"From: a@example.org\nFrom: b@example.org\n\n").len(), 2);
        assert_eq!(senders(b"From: a@example.org, b@example.org\n\n").len(), 2);
        assert!(senders(b"From: nobody\n\n").is_empty());
    }

    #[test]
    fn what_a_program_sent_makes_nobody_known() {
        for field in [
            "Auto-Submitted: auto-replied",
            "Precedence: Bulk",
            "X-Autoreply: yes",
        ] {
            let block = format!("To: a@example.org\n{field}\n\n");
            assert!(recipients(block.as_bytes()).is_empty(), "{field}");
        }
        assert_eq!(recipients(b"To: a@example.org\nAuto-Submitted: no\n\n").len(), 1);
    }
}
