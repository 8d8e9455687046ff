//! Whom the user knows, welcomes or blocks, and what it counts for that a message says it is from them. Does not know
//! where the lists come from.

use std::collections::HashSet;

use isbg_message::{authentication, header, senders};
use isbg_types::Score;

/// Entries of one list.
const MOST: usize = 10_000;
/// Characters of an entry: an address has no more (RFC 5321 §4.5.3.1).
const LONGEST: usize = 254;

/// What the user knows of people. Empty: nothing is said of anybody.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Addresses that the user has written to, in lower case.
    pub known: HashSet<String>,
    /// Senders whose mail is always wanted.
    pub welcome: Senders,
    /// Senders whose mail never is.
    pub block: Senders,
    /// How the server that took the mail in calls itself in Authentication-Results. Without it no message is
    /// authenticated: anybody can write such a field.
    pub authserv_id: Option<String>,
}

/// A list of senders: `ann@example.org`, `*@example.org`, `news-*@example.org`, `example.org` (with what is below it).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders(Vec<String>);

/// An entry that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSenders {
    /// It is neither an address nor a domain.
    #[error("{0:?} is neither an address, such as ann@example.org or *@example.org, nor a domain")]
    Entry(String),
    /// There are too many.
    #[error("a list of senders has no more than {MOST} entries")]
    TooMany,
}

/// How the user stands to whoever a message says it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// On the block list, authenticated or not.
    Blocked,
    /// On the welcome list, and authenticated.
    Welcome,
    /// Somebody the user has written to, and authenticated.
    Known,
    /// Known or welcome, and the trusted server does not vouch for it.
    Unproven,
}

impl Standing {
    /// The name it has among the rules that hit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocked => "ISBG_BLOCKED_SENDER",
            Self::Welcome => "ISBG_WELCOME_SENDER",
            Self::Known => "ISBG_KNOWN_SENDER",
            Self::Unproven => "ISBG_UNPROVEN_SENDER",
        }
    }

    /// What it says, for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::Blocked => "The sender is on your block list",
            Self::Welcome => "The sender is on your welcome list, and authenticated",
            Self::Known => "You have written to the sender, who is authenticated",
            Self::Unproven => "You know the sender, but the server does not vouch for it",
        }
    }

    /// What it counts for. The lists decide; having written to somebody only weighs, since accounts are taken over and
    /// whole address books with them.
    pub fn points(self) -> Score {
        match self {
            Self::Blocked => Score(100_000),
            Self::Welcome => Score(-100_000),
            Self::Known => Score(-1_500),
            Self::Unproven => Score(500),
        }
    }
}

impl Senders {
    /// Reads a list.
    ///
    /// # Errors
    /// [`NotSenders`] for the first entry that is none.
    pub fn read<'t>(entries: impl IntoIterator<Item = &'t str>) -> Result<Self, NotSenders> {
        let list: Vec<String> = entries
            .into_iter()
            .take(MOST + 1)
            .map(entry)
            .collect::<Result<_, _>>()?;
        if list.len() > MOST {
            return Err(NotSenders::TooMany);
        }
        Ok(Self(list))
    }

    fn has(&self, address: &str) -> bool {
        let domain = address.rsplit('@').next().unwrap_or_default();
        self.0.iter().any(|entry| match entry.contains('@') {
            true => matches(entry.as_bytes(), address.as_bytes()),
            false => domain
                .strip_suffix(entry.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
        })
    }
}

fn entry(text: &str) -> Result<String, NotSenders> {
    let lower = text.trim().to_lowercase();
    let entry = lower.strip_prefix("*.").unwrap_or(&lower);
    let is_text = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
    };
    let good = match entry.rsplit_once('@') {
        // A star for the domain would be everybody.
        Some((local, domain)) => {
            is_text(local) && is_text(domain) && domain.contains(|c: char| c.is_alphanumeric())
        }
        None => is_text(entry) && entry.contains('.') && !entry.contains('*'),
    };
    if good && entry.len() <= LONGEST {
        Ok(entry.to_owned())
    } else {
        Err(NotSenders::Entry(text.chars().take(LONGEST).collect()))
    }
}

/// Whether `text` is the pattern, in which `*` stands for anything. Linear in the length of the text for each star.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if *byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((before, from)) = star else { return false };
                star = Some((before, from + 1));
                (at, read) = (before + 1, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

impl People {
    /// How the user stands to the sender of a message; `None`: a stranger, or nothing is known of anybody.
    pub fn standing(&self, mail: &[u8]) -> Option<Standing> {
        if self.known.is_empty() && self.welcome.0.is_empty() && self.block.0.is_empty() {
            return None;
        }
        let block = header::split(mail).0;
        let senders = senders(block);
        if senders.iter().any(|sender| self.block.has(sender)) {
            return Some(Standing::Blocked);
        }
        // Which of several senders is the real one, nobody can say.
        let [sender] = &senders[..] else { return None };
        let standing = match () {
            () if self.welcome.has(sender) => Standing::Welcome,
            () if self.known.contains(sender) => Standing::Known,
            () => return None,
        };
        let results = authentication(block, self.authserv_id.as_deref()?)?;
        let domain = sender.rsplit('@').next().unwrap_or_default();
        Some(if results.vouches_for(domain) {
            standing
        } else {
            Standing::Unproven
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Senders {
        Senders::read(entries.iter().copied()).unwrap()
    }

    #[test]
    fn lists_of_senders() {
        let senders = list(&[
            "Ann@Example.org",
            "*@shop.example",
            "news-*@*.example.net",
            "bank.example",
            "*.post.example",
        ]);
        for (address, is_on) in [
            ("ann@example.org", true),
            ("joann@example.org", false),
            ("ann@example.org.evil.example", false),
            ("anybody@shop.example", true),
            ("anybody@a.shop.example", false),
            ("news-1@a.example.net", true),
            ("news@a.example.net", false),
            ("a@bank.example", true),
            ("a@mail.bank.example", true),
            ("a@notbank.example", false),
            ("a@post.example", true),
        ] {
            assert_eq!(senders.has(address), is_on, "{address}");
        }
        for wrong in [
            "",
            "*",
            "*@*",
            "ann",
            "@example.org",
            "a b@example.org",
            "ann@",
            "*.*",
        ] {
            assert!(Senders::read([wrong]).is_err(), "{wrong}");
        }
        let many: Vec<String> = (0..=MOST)
            .map(|number| format!("a{number}@example.org"))
            .collect();
        assert_eq!(
            Senders::read(many.iter().map(String::as_str)),
            Err(NotSenders::TooMany)
        );
        let stars = "*a".repeat(100) + "@example.org";
        assert!(!list(&[&stars]).has(&("a".repeat(200) + "b@example.com")));
    }

    #[test]
    fn who_is_who() {
        let people = People {
            known: ["bob@example.net".to_owned()].into(),
            welcome: list(&["ann@example.org"]),
            block: list(&["spam.example"]),
            authserv_id: Some("mx.example.net".to_owned()),
        };
        let mail = |from: &str, results: &str| {
            let results = match results {
                "" => String::new(),
                _ => format!("Authentication-Results: mx.example.net; {results}\r\n"),
            };
            people.standing(format!("{results}From: {from}\r\n\r\nHello.\r\n").as_bytes())
        };
        let pass = "dmarc=pass header.from=example.org; dkim=pass header.d=example.net";
        for (from, results, standing) in [
            ("Ann <ann@example.org>", pass, Some(Standing::Welcome)),
            ("BOB@example.net", pass, Some(Standing::Known)),
            (
                "bob@example.net",
                "dmarc=fail header.from=example.net",
                Some(Standing::Unproven),
            ),
            ("ann@example.org", "spf=pass", Some(Standing::Unproven)),
            // The server says nothing of this message: so do we.
            ("ann@example.org", "", None),
            ("carl@example.org", pass, None),
            ("bob@example.net, ann@example.org", pass, None),
            ("x@a.spam.example", "", Some(Standing::Blocked)),
            ("ann@example.org, x@spam.example", pass, Some(Standing::Blocked)),
            ("ann@example.org\r\nFrom: bob@example.net", pass, None),
        ] {
            assert_eq!(mail(from, results), standing, "{from}: {results}");
        }
        let untrusting = People {
            authserv_id: None,
            ..people
        };
        let forged =
            format!("Authentication-Results: mx.example.net; {pass}\r\nFrom: ann@example.org\r\n\r\n");
        assert_eq!(untrusting.standing(forged.as_bytes()), None);
        assert_eq!(People::default().standing(forged.as_bytes()), None);
    }
}
