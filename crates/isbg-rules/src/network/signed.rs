//! What rules ask of a message's DKIM signatures: by whom, for whom, and how the author's domain signs (ADSP, RFC 5617).
//! Does not verify any.

use isbg_types::auth::{Signature, SignatureState};
use isbg_types::dns::{Heard, Inquiry, Kind, Question};

use crate::load::text::{glob_matches, to_bytes};

use super::Context;

/// RSA keys below this many bits do not count for welcome lists unless `dkim_minimum_key_bits` says otherwise.
const LEAST_BITS: u32 = 1024;

/// A message's signatures and authors.
pub(super) struct Signed<'c> {
    context: &'c Context<'c>,
    authors: Vec<String>,
    least_bits: u32,
}

/// The signing domain, taken from the identity.
fn signer(signature: &Signature) -> Option<String> {
    let (_, domain) = signature.identity.split_once('@')?;
    let domain = domain.split_whitespace().next()?;
    Some(domain.to_ascii_lowercase())
}

/// Whether a domain is the one that a rule names; `*.example` and `.example` include it and all below.
fn is_named(domain: &str, named: &str) -> bool {
    let named = named.to_ascii_lowercase();
    match named.strip_prefix("*.").or_else(|| named.strip_prefix('.')) {
        Some(above) => domain == above || domain.strip_suffix(above).is_some_and(|rest| rest.ends_with('.')),
        None => domain == named,
    }
}

impl<'c> Signed<'c> {
    pub fn of(context: &'c Context<'c>) -> Self {
        let bits = context.settings.other("dkim_minimum_key_bits");
        Self {
            context,
            authors: context.subject.author_domains(),
            least_bits: bits.and_then(|text| text.parse().ok()).unwrap_or(LEAST_BITS),
        }
    }

    /// The signatures, once they are known.
    pub fn known(&self) -> Option<&'c [Signature]> {
        self.context.authentication.signatures.as_deref()
    }

    /// Whether some signature passes the test. If not and one that might is of unknown validity: not known.
    fn holds(&self, test: impl Fn(&Signature) -> bool) -> Option<bool> {
        let mut doubt = false;
        for signature in self.known()?.iter().filter(|signature| test(signature)) {
            match signature.state {
                SignatureState::Pass => return Some(true),
                SignatureState::Unknown => doubt = true,
                SignatureState::Fail => {}
            }
        }
        (!doubt).then_some(false)
    }

    fn is_strong(&self, signature: &Signature) -> bool {
        signature.key_bits.is_none_or(|bits| bits >= self.least_bits)
    }

    /// Whether it is signed at all, valid or not.
    pub fn any(&self, domains: &[String]) -> Option<bool> {
        let by = |signature: &Signature| {
            signer(signature).is_some_and(|by| domains.iter().any(|named| is_named(&by, named)))
        };
        let mut signatures = self.known()?.iter();
        Some(signatures.any(|signature| domains.is_empty() || by(signature)))
    }

    /// Whether a signature is valid, by anybody or by one of these domains.
    pub fn valid(&self, domains: &[String]) -> Option<bool> {
        if domains.is_empty() {
            return self.holds(|_| true);
        }
        self.valid_by(domains)
    }

    /// Whether a signature of one of these domains is valid and its key is strong enough.
    pub fn valid_by(&self, domains: &[String]) -> Option<bool> {
        self.holds(|signature| {
            let by = signer(signature);
            self.is_strong(signature) && by.is_some_and(|by| domains.iter().any(|named| is_named(&by, named)))
        })
    }

    /// Whether a signature of an author's own domain is valid. Only RSA keys count here.
    pub fn valid_by_author(&self, domains: &[String]) -> Option<bool> {
        self.holds(|signature| {
            let by = signer(signature).filter(|by| self.authors.contains(by));
            let large = signature.key_bits.is_some_and(|bits| bits >= self.least_bits);
            let named = |by: &str| domains.is_empty() || domains.iter().any(|named| is_named(by, named));
            large && by.is_some_and(|by| named(&by))
        })
    }

    /// Whether an author is in one of the lists, and a signature shows that it is the author.
    pub fn welcome(&self, with_signers: &str, plain: &str) -> Option<bool> {
        let settings = self.context.settings;
        let mut wanted: Vec<(String, &str)> = Vec::new();
        for author in self.context.subject.authors() {
            let domain = author
                .rsplit_once('@')
                .map_or("", |(_, domain)| domain)
                .to_owned();
            let matches = |glob: &str| glob_matches(&to_bytes(glob), author.as_bytes());
            for (_, signers) in settings
                .relayed
                .get(with_signers)
                .into_iter()
                .flatten()
                .filter(|(glob, _)| matches(glob))
            {
                wanted.extend(signers.iter().map(|by| (domain.clone(), by.as_str())));
            }
            let plain = settings.addresses.get(plain);
            if plain.into_iter().flatten().any(|glob| matches(glob)) {
                wanted.push((domain, ""));
            }
        }
        if wanted.is_empty() {
            return Some(false);
        }
        self.holds(|signature| {
            let by = signer(signature);
            let meant = |by: &str| {
                wanted
                    .iter()
                    .any(|(author, named)| is_accepted(by, author, named))
            };
            self.is_strong(signature) && by.is_some_and(|by| meant(&by))
        })
    }

    /// Whether the signing practices of an author's domain, which has not signed validly, are among these letters: Nxdomain,
    /// All, Discardable, Unknown, 1 to 3 for the rule files' own judgement; `*` for all but Unknown.
    pub fn practices(&self, letters: &str, domains: &[String], inquiry: &mut Inquiry<'_>) -> Option<bool> {
        let letters = if letters == "*" { "NAD123" } else { letters };
        let signatures = self.known()?;
        let mut hit = false;
        let mut doubt = false;
        for author in self.authors.iter().filter(|author| is_full(author)) {
            let own = |signature: &&Signature| signer(signature).as_ref() == Some(author);
            let mut own = signatures.iter().filter(own);
            let settled = own.any(|signature| match signature.state {
                SignatureState::Pass => signature.key_bits.is_some_and(|bits| bits >= self.least_bits),
                SignatureState::Unknown => true,
                SignatureState::Fail => false,
            });
            if settled {
                continue;
            }
            match self.practice(author, inquiry) {
                Some(letter) => hit |= letters.contains(letter),
                None => doubt = true,
            }
        }
        let named = |named: &String| self.authors.iter().any(|author| is_named(author, named));
        match hit {
            true => Some(domains.is_empty() || domains.iter().any(named)),
            false => (!doubt).then_some(false),
        }
    }

    fn practice(&self, author: &str, inquiry: &mut Inquiry<'_>) -> Option<char> {
        if let Some(letter) = self.overridden(author) {
            return Some(letter);
        }
        let question = Question::new(&format!("_adsp._domainkey.{author}"), Kind::Txt);
        if let Some(question) = question {
            match inquiry.ask(question) {
                Heard::Reply(reply) => {
                    let text = reply
                        .texts()
                        .last()
                        .map(|text| String::from_utf8_lossy(text).into_owned());
                    if let Some(practice) = text.as_deref().and_then(published) {
                        return Some(practice);
                    }
                }
                Heard::Denied => {}
                Heard::Silence | Heard::Waiting => return None,
            }
        }
        match Question::new(author, Kind::Mx).map(|question| inquiry.ask(question)) {
            Some(Heard::Reply(reply)) if !reply.exists => Some('N'),
            Some(Heard::Silence | Heard::Waiting) => None,
            _ => Some('U'),
        }
    }

    /// What `adsp_override` says of the domain, or of one above it with `*.` before it.
    fn overridden(&self, author: &str) -> Option<char> {
        let above = author
            .match_indices('.')
            .map(|(at, _)| format!("*{}", &author[at..]));
        let names = std::iter::once(author.to_owned())
            .chain(above)
            .chain(["*".to_owned()]);
        let mut names = names.map(|name| self.context.settings.other_of("adsp_override", &name));
        names.find_map(|value| {
            Some(match value?.trim().to_ascii_lowercase().as_str() {
                "nxdomain" => 'N',
                "unknown" => 'U',
                "all" => 'A',
                "custom_low" => '1',
                "custom_med" => '2',
                "custom_high" => '3',
                _ => 'D',
            })
        })
    }
}

/// Whether a signer is one that a welcome list accepts: the author's own domain where it names none.
fn is_accepted(by: &str, author: &str, named: &str) -> bool {
    let named = named.rsplit_once('@').map_or(named, |(_, domain)| domain);
    match named.strip_prefix("*.").or_else(|| named.strip_prefix('.')) {
        _ if named.is_empty() => by == author,
        Some(above) => by.strip_suffix(above).is_some_and(|rest| rest.ends_with('.')),
        None => by == named,
    }
}

/// Whether a domain ends in letters, as public ones do.
fn is_full(domain: &str) -> bool {
    let last = domain.rsplit_once('.').filter(|(before, _)| !before.is_empty());
    last.is_some_and(|(_, top)| top.len() > 1 && top.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'))
}

/// The practice in an ADSP record: `dkim=all` and the like.
fn published(text: &str) -> Option<char> {
    let tags = text.split(';').filter_map(|tag| tag.split_once('='));
    let mut tags = tags.filter(|(name, _)| name.trim() == "dkim");
    Some(match tags.next()?.1.trim() {
        "all" => 'A',
        "discardable" | "strict" => 'D',
        _ => 'U',
    })
}
