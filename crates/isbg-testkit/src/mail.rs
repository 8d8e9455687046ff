//! Mail that we wrote: some messages by hand, others made up by a seed, and odd ones as only the network brings them. All
//! names and addresses are invented. Judges nothing.

mod bulk;
mod hostile;
mod odd;

pub use bulk::{Numbers, SPAM_PHRASE, ham, sized, spam};
pub use hostile::hostile;
pub use odd::odd;

use crate::mailbox::with_crlf;

/// A message written by hand, as a mail server would have received it in the spring of 2026.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// What it is, in a few words; its file's name.
    pub name: &'static str,
    /// Whether its recipient would call it spam.
    pub spam: bool,
    raw: &'static [u8],
}

impl Sample {
    /// Its bytes, with CRLF.
    pub fn bytes(&self) -> Vec<u8> {
        with_crlf(self.raw)
    }
}

macro_rules! samples {
    ($($class:literal $spam:literal: $($name:literal)*;)*) => {
        &[$($(Sample {
            name: $name,
            spam: $spam,
            raw: include_bytes!(concat!("../mail/", $class, "/", $name, ".eml")),
        },)*)*]
    };
}

/// All that was written by hand.
pub const SAMPLES: &[Sample] = samples! {
    "ham" false:
        "about-spam-itself"
        "bank-statement-ready"
        "conference-call"
        "dentist-reminder"
        "family-weekend"
        "forwarded-message"
        "html-only-gallery"
        "invoice-hosting"
        "italian-recipe"
        "japanese-order"
        "library-overdue"
        "list-tiles"
        "newsletter-garden"
        "parcel-on-its-way"
        "polish-friend"
        "receipt-bookshop"
        "school-trip"
        "security-new-device"
        "short-reply"
        "software-release"
        "spanish-landlord"
        "train-ticket"
        "work-minutes"
    ;
    "spam" true:
        "advance-fee-german-inheritance"
        "advance-fee-lottery"
        "advance-fee-widow"
        "casino-bonus"
        "crypto-investment"
        "dating"
        "domain-renewal"
        "extortion-bitcoin"
        "fake-invoice-attachment"
        "fake-parcel-customs"
        "fake-subscription-renewal"
        "fake-voicemail"
        "gift-card-boss"
        "gtube"
        "loan-offer"
        "malformed"
        "pharma"
        "phishing-french-tax"
        "phishing-german-bank"
        "phishing-mailbox-full"
        "phishing-spanish-parcel"
        "seo-offer"
    ;
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_the_table() {
        for (folder, spam) in [("ham", false), ("spam", true)] {
            let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("mail")
                .join(folder);
            let mut files: Vec<String> = std::fs::read_dir(path)
                .unwrap()
                .map(|entry| {
                    entry
                        .unwrap()
                        .file_name()
                        .into_string()
                        .unwrap()
                        .replace(".eml", "")
                })
                .collect();
            files.sort();
            let table: Vec<&str> = SAMPLES
                .iter()
                .filter(|sample| sample.spam == spam)
                .map(|sample| sample.name)
                .collect();
            assert_eq!(files, table);
        }
    }

    #[test]
    fn all_addresses_are_invented() {
        for sample in SAMPLES {
            let text = String::from_utf8_lossy(sample.raw).into_owned();
            for domain in text
                .split('@')
                .skip(1)
                .filter_map(|rest| rest.split(['>', ' ', '\n', ',', ';', '?', '"']).next())
            {
                let invented = [
                    ".example",
                    "example.net",
                    "example.org",
                    "example.com",
                    "unknown",
                    "zhiq",
                ];
                assert!(
                    !domain.contains('.') || invented.iter().any(|end| domain.contains(end)),
                    "{}: {domain}",
                    sample.name
                );
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_message() {
        for seed in 0..50 {
            assert_eq!(ham(seed), ham(seed));
            assert_eq!(hostile(seed), hostile(seed));
            assert_ne!(spam(seed), spam(seed + 1));
            assert!(String::from_utf8(spam(seed)).unwrap().contains(SPAM_PHRASE));
            assert!(!String::from_utf8(ham(seed)).unwrap().contains(SPAM_PHRASE));
        }
    }

    #[test]
    fn sizes_are_exact() {
        for size in [400, 1000, 100_000] {
            assert_eq!(sized(1, size).len(), size);
        }
    }
}
