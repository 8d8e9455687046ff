//! DKIM signatures (RFC 6376, 8301, 8463): found in a message, then held against the keys. Does not fetch keys.

mod canonical;
mod key;
mod tags;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    UnparsedPublicKey,
};
use isbg_message::header::{self, Field};
use isbg_types::auth::{Signature, SignatureState};
use isbg_types::dns::{Heard, Inquiry, Kind, Question};

use canonical::Form;
use key::Key;
use tags::Tags;

/// So many signatures of a message are looked at; more is no honest mail.
const MOST_SIGNATURES: usize = 10;

/// The signatures of one message, as far as they can be judged without their keys.
#[derive(Debug, Clone, Default)]
pub struct Signatures(Vec<Prepared>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    RsaSha1,
    RsaSha256,
    Ed25519,
}

#[derive(Debug, Clone)]
struct Prepared {
    domain: String,
    selector: String,
    identity: String,
    /// What a key can confirm; `None` where no key can: a tag is wrong, or the body was changed.
    claim: Option<Claim>,
}

#[derive(Debug, Clone)]
struct Claim {
    algorithm: Algorithm,
    /// The header fields as they were signed.
    signed: Vec<u8>,
    signature: Vec<u8>,
    /// Seconds since 1970 after which it does not count.
    expires: Option<u64>,
}

impl Signatures {
    /// Finds the signatures of a message and checks the body against them. Takes time linear in the message for each
    /// form of the body that is signed.
    pub fn of(message: &[u8]) -> Self {
        let (block, body) = header::split(message);
        let fields: Vec<Field<'_>> = header::fields(block).collect();
        let mut hashes = Hashes {
            body,
            bodies: BTreeMap::new(),
        };
        let ours = fields.iter().filter(|field| field.is("DKIM-Signature"));
        let found = ours
            .take(MOST_SIGNATURES)
            .map(|field| prepared(field, &fields, &mut hashes));
        Self(found.collect())
    }

    /// Judges them as far as the answers go; `now` in seconds since 1970. `None` while answers are missing.
    pub fn judge(&self, now: u64, inquiry: &mut Inquiry<'_>) -> Option<Vec<Signature>> {
        let judged: Vec<Option<Signature>> = self.0.iter().map(|found| found.judge(now, inquiry)).collect();
        judged.into_iter().collect()
    }
}

/// The body in its canonical forms, each made once.
struct Hashes<'a> {
    body: &'a [u8],
    bodies: BTreeMap<Form, Vec<u8>>,
}

impl Hashes<'_> {
    /// The hash of the first `length` bytes of the body; `None` if it has fewer.
    fn of(&mut self, form: Form, length: Option<usize>, algorithm: Algorithm) -> Option<Vec<u8>> {
        let body = self
            .bodies
            .entry(form)
            .or_insert_with(|| canonical::body(self.body, form));
        let part = match length {
            Some(length) => body.get(..length)?,
            None => body,
        };
        let hash = match algorithm {
            Algorithm::RsaSha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Algorithm::RsaSha256 | Algorithm::Ed25519 => &digest::SHA256,
        };
        Some(digest(hash, part).as_ref().to_vec())
    }
}

fn prepared(field: &Field<'_>, fields: &[Field<'_>], hashes: &mut Hashes<'_>) -> Prepared {
    let tags = Tags::read(field.value);
    let text = |name: &str| {
        tags.get(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let domain = text("d").unwrap_or_default().to_ascii_lowercase();
    let selector = text("s").unwrap_or_default();
    let identity = text("i").unwrap_or_else(|| format!("@{domain}"));
    Prepared {
        claim: claim(field, fields, &tags, hashes)
            .filter(|_| !domain.is_empty() && !selector.is_empty() && is_below(&identity, &domain)),
        selector,
        domain,
        identity,
    }
}

/// Whether an identity's domain is the signer's or below it.
fn is_below(identity: &str, domain: &str) -> bool {
    let of_identity = identity
        .rsplit_once('@')
        .map(|(_, domain)| domain.to_ascii_lowercase());
    of_identity
        .as_deref()
        .and_then(|ours| ours.strip_suffix(domain))
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn claim(field: &Field<'_>, fields: &[Field<'_>], tags: &Tags, hashes: &mut Hashes<'_>) -> Option<Claim> {
    if tags.get("v") != Some(b"1") {
        return None;
    }
    let algorithm = match tags.get("a")?.to_ascii_lowercase().as_slice() {
        b"rsa-sha1" => Algorithm::RsaSha1,
        b"rsa-sha256" => Algorithm::RsaSha256,
        b"ed25519-sha256" => Algorithm::Ed25519,
        _ => return None,
    };
    let (head_form, body_form) = canonical::forms(tags.get("c").unwrap_or(b"simple/simple"))?;
    let length = match tags.get("l") {
        Some(text) => Some(std::str::from_utf8(text).ok()?.parse().ok()?),
        None => None,
    };
    let number = |name: &str| {
        tags.get(name)
            .map(|text| std::str::from_utf8(text).ok()?.parse::<u64>().ok())
    };
    let expires = match number("x") {
        Some(number) => Some(number?),
        None => None,
    };
    if hashes.of(body_form, length, algorithm)? != tags.base64("bh")? {
        return None;
    }
    let names: Vec<&[u8]> = tags
        .get("h")?
        .split(|byte| *byte == b':')
        .map(<[u8]>::trim_ascii)
        .collect();
    if !names.iter().any(|name| name.eq_ignore_ascii_case(b"from")) {
        return None;
    }
    Some(Claim {
        algorithm,
        signed: canonical::head(field, fields, &names, head_form),
        signature: tags.base64("b")?,
        expires,
    })
}

impl Prepared {
    fn judge(&self, now: u64, inquiry: &mut Inquiry<'_>) -> Option<Signature> {
        let (state, key_bits) = match &self.claim {
            Some(claim) if claim.expires.is_none_or(|expires| now <= expires) => {
                self.confirm(claim, inquiry)?
            }
            _ => (SignatureState::Fail, None),
        };
        Some(Signature {
            domain: self.domain.clone(),
            selector: self.selector.clone(),
            identity: self.identity.clone(),
            state,
            key_bits,
        })
    }

    fn confirm(&self, claim: &Claim, inquiry: &mut Inquiry<'_>) -> Option<(SignatureState, Option<u32>)> {
        let name = format!("{}._domainkey.{}", self.selector, self.domain);
        let Some(question) = Question::new(&name, Kind::Txt) else {
            return Some((SignatureState::Fail, None));
        };
        match inquiry.ask(question) {
            Heard::Waiting => None,
            Heard::Silence | Heard::Denied => Some((SignatureState::Unknown, None)),
            Heard::Reply(reply) => {
                let key = reply.texts().next().and_then(Key::read);
                let fits = key.filter(|key| key.may_sign(&self.identity, &self.domain, claim.algorithm));
                if !fits.is_some_and(|key| claim.is_by(&key.bytes)) {
                    return Some((SignatureState::Fail, None));
                }
                // A signature is as long as the key that made it (RFC 8017 §8.2.1).
                let bits = u32::try_from(claim.signature.len() * 8).ok();
                Some((
                    SignatureState::Pass,
                    bits.filter(|_| claim.algorithm != Algorithm::Ed25519),
                ))
            }
        }
    }
}

impl Claim {
    fn is_by(&self, key: &[u8]) -> bool {
        let verified = match self.algorithm {
            Algorithm::RsaSha1 => UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, key)
                .verify(&self.signed, &self.signature),
            Algorithm::RsaSha256 => {
                UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, key)
                    .verify(&self.signed, &self.signature)
            }
            // What is signed is the hash (RFC 8463 §3).
            Algorithm::Ed25519 => UnparsedPublicKey::new(&ED25519, key)
                .verify(digest(&digest::SHA256, &self.signed).as_ref(), &self.signature),
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests;
