//! OpenPGP signatures of rule archives (RFC 9580): which keys are trusted, and whether one of them signed. Does not know
//! what was signed, and asks no key server.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use isbg_types::Untrusted;
use pgp::composed::{Deserializable as _, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, Tag};

/// The key that the updates of SpamAssassin's own rules are signed with.
const SPAMASSASSIN: &[u8] = include_bytes!("keys/updates.spamassassin.org.asc");

/// A file of keys or signatures may be this large, in bytes.
pub const MAX_FILE: usize = 1 << 20;

/// So many keys of one file are read.
const MAX_KEYS: usize = 64;

/// So many signatures of one file are looked at.
const MAX_SIGNATURES: usize = 16;

/// A signer's clock may be so far ahead of ours.
const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// Digests that a signature may rest on. SHA-1 only because old signing machines still use it; a message of a known
/// collision attack is told by it and refused.
const DIGESTS: [HashAlgorithm; 7] = [
    HashAlgorithm::Sha1,
    HashAlgorithm::Sha224,
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
    HashAlgorithm::Sha3_256,
    HashAlgorithm::Sha3_512,
];

/// A key's fingerprint, as upper-case hexadecimal digits: 40 of them, or 64 for keys of version 6.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    fn of(key: &impl KeyDetails) -> Self {
        Self(format!("{:X}", key.fingerprint()))
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Reads the digits in either case, with spaces among them or not.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits: String = text.split_whitespace().collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits).to_ascii_uppercase();
        if matches!(digits.len(), 40 | 64) && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            Ok(Self(digits))
        } else {
            Err(NotAFingerprint)
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the fingerprint of an OpenPGP key, which has 40 hexadecimal digits (64 for keys of version 6)")]
pub struct NotAFingerprint;

/// A file holds no key.
#[derive(Debug, thiserror::Error)]
#[error("no OpenPGP public key, as text or binary ({why})")]
pub struct NotAKey {
    why: String,
}

/// Keys whose signatures count.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<SignedPublicKey>);

/// A good signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The fingerprint of the signer's primary key.
    pub by: Fingerprint,
    /// When, in seconds since 1970, as the signer says.
    pub at: u64,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature in the file.
    #[error("the file of the signature holds none ({0})")]
    NotASignature(String),
    /// Nobody who is trusted has signed.
    #[error("it is signed with a key that is not trusted for this channel ({})", Untrusted(.0))]
    UnknownKey(String),
    /// The signature is not one of these bytes.
    #[error("its signature does not fit: it was changed or damaged on the way")]
    Bad,
    /// The signature rests on a digest that is broken, or is not of the kind for files.
    #[error("its signature is of a kind that proves nothing")]
    Weak,
    /// The signer's key must not be used any more.
    #[error("the key {0} that it is signed with has expired")]
    KeyExpired(Fingerprint),
    /// The signer's key was withdrawn.
    #[error("the key {0} that it is signed with was revoked by its owner")]
    KeyRevoked(Fingerprint),
    /// The key is not one for signatures, or its own parts are not bound to it.
    #[error("the key {0} that it is signed with is not for signatures")]
    NotForSigning(Fingerprint),
    /// The signature is not valid at this time.
    #[error("its signature has expired, or is from the future; see whether this machine's clock is right")]
    NotNow,
}

impl Keys {
    /// The key of SpamAssassin's own channel, which comes with this program.
    ///
    /// # Errors
    /// Never, unless the program was built wrong.
    pub fn of_spamassassin() -> Result<Self, NotAKey> {
        Self::read(SPAMASSASSIN)
    }

    /// Reads a file of public keys, as text (RFC 9580 section 6.2) or binary.
    ///
    /// # Errors
    /// When it holds no key, or one that cannot be read.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAKey> {
        let failed = |why: &str| NotAKey {
            why: Untrusted(why).clipped(120),
        };
        if bytes.len() > MAX_FILE {
            return Err(failed("it is too large"));
        }
        let (keys, _) =
            SignedPublicKey::from_reader_many_buf(bytes).map_err(|error| failed(&error.to_string()))?;
        let keys: Result<Vec<_>, _> = keys.take(MAX_KEYS).collect();
        match keys {
            Ok(keys) if keys.is_empty() => Err(failed("it holds none")),
            Ok(keys) => Ok(Self(keys)),
            Err(error) => Err(failed(&error.to_string())),
        }
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Keeps only those keys that have one of these fingerprints, themselves or one of their subkeys.
    pub fn keep_only(&mut self, fingerprints: &[Fingerprint]) {
        self.0.retain(|key| {
            let parts = key.public_subkeys.iter().map(|part| Fingerprint::of(&part.key));
            std::iter::once(Fingerprint::of(&key.primary_key))
                .chain(parts)
                .any(|one| fingerprints.contains(&one))
        });
    }

    /// The keys as a file that [`Self::read`] reads.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|key| key.to_bytes().unwrap_or_default())
            .collect()
    }

    /// The fingerprints of the primary keys.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.0
            .iter()
            .map(|key| Fingerprint::of(&key.primary_key))
            .collect()
    }

    /// Whether `signature`, a detached one as text or binary, is a good one over `data` by one of these keys.
    ///
    /// # Errors
    /// When it is not. Of several signatures one good one is enough; otherwise the first one's error is told.
    pub fn verify(&self, data: &[u8], signature: &[u8], now: SystemTime) -> Result<Signed, SignatureError> {
        let unreadable = |error: pgp::errors::Error| {
            SignatureError::NotASignature(Untrusted(&error.to_string()).clipped(120))
        };
        if signature.len() > MAX_FILE {
            return Err(SignatureError::NotASignature("it is too large".into()));
        }
        let (signatures, _) = DetachedSignature::from_reader_many_buf(signature).map_err(unreadable)?;
        let mut first = None;
        for signature in signatures.take(MAX_SIGNATURES) {
            let result = signature
                .map_err(unreadable)
                .and_then(|signature| self.verify_one(data, &signature.signature, now));
            match result {
                Ok(signed) => return Ok(signed),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        Err(first.unwrap_or_else(|| SignatureError::NotASignature("it is empty".into())))
    }

    fn verify_one(
        &self,
        data: &[u8],
        signature: &Signature,
        now: SystemTime,
    ) -> Result<Signed, SignatureError> {
        let kind = signature.typ() == Some(SignatureType::Binary);
        if !kind
            || !signature
                .hash_alg()
                .is_some_and(|digest| DIGESTS.contains(&digest))
        {
            return Err(SignatureError::Weak);
        }
        let mut seen = None;
        for key in &self.0 {
            let primary = is_issuer(signature, &key.primary_key)
                .then(|| (signature.verify(&key.primary_key, data), primary_state(key, now)));
            let parts = key.public_subkeys.iter().find_map(|part| {
                is_issuer(signature, &part.key)
                    .then(|| (signature.verify(&part.key, data), part_state(key, part, now)))
            });
            let Some((fits, state)) = primary.or(parts) else {
                continue;
            };
            let fingerprint = Fingerprint::of(&key.primary_key);
            let result = match (fits, state) {
                (Err(_), _) => Err(SignatureError::Bad),
                (_, State::Revoked) => Err(SignatureError::KeyRevoked(fingerprint)),
                (_, State::Expired) => Err(SignatureError::KeyExpired(fingerprint)),
                (_, State::NotForSigning) => Err(SignatureError::NotForSigning(fingerprint)),
                (Ok(()), State::Good) => made(signature, now).map(|at| Signed { by: fingerprint, at }),
            };
            if result.is_ok() {
                return result;
            }
            seen.get_or_insert(result);
        }
        seen.unwrap_or_else(|| Err(SignatureError::UnknownKey(issuers(signature))))
    }
}

/// Whether a key may be used now.
enum State {
    Good,
    Expired,
    Revoked,
    NotForSigning,
}

/// Whether the signature says that this key made it.
fn is_issuer(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprint = key.fingerprint();
    let id = key.legacy_key_id();
    signature.issuer_fingerprint().contains(&&fingerprint) || signature.issuer_key_id().contains(&&id)
}

fn issuers(signature: &Signature) -> String {
    let fingerprints = signature.issuer_fingerprint();
    let ids = signature.issuer_key_id();
    let texts: Vec<String> = match fingerprints[..] {
        [] => ids.iter().map(|id| id.to_string().to_uppercase()).collect(),
        _ => fingerprints.iter().map(|one| format!("{one:X}")).collect(),
    };
    match texts[..] {
        [] => "it does not say which".into(),
        _ => texts.join(", "),
    }
}

/// When the signature was made, if it counts now.
fn made(signature: &Signature, now: SystemTime) -> Result<u64, SignatureError> {
    let created = SystemTime::from(signature.created().ok_or(SignatureError::NotNow)?);
    let expired = signature
        .signature_expiration_time()
        .map(Duration::from)
        .is_some_and(|life| !life.is_zero() && created + life <= now);
    let since = created.duration_since(UNIX_EPOCH);
    match since {
        Ok(since) if !expired && created <= now + AHEAD => Ok(since.as_secs()),
        _ => Err(SignatureError::NotNow),
    }
}

/// The state of a primary key as its own newest word about itself has it (RFC 9580 section 5.2.3.10).
fn primary_state(key: &SignedPublicKey, now: SystemTime) -> State {
    let primary = &key.primary_key;
    let details = &key.details;
    let revoked = |signature: &Signature| {
        signature.typ() == Some(SignatureType::KeyRevocation) && signature.verify_key(primary).is_ok()
    };
    if details.revocation_signatures.iter().any(revoked) {
        return State::Revoked;
    }
    let of_users = details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(|signature| {
            signature.is_certification()
                && signature
                    .verify_certification(primary, Tag::UserId, &user.id)
                    .is_ok()
        })
    });
    let direct = details.direct_signatures.iter().filter(|signature| {
        signature.typ() == Some(SignatureType::Key) && signature.verify_key(primary).is_ok()
    });
    let newest = of_users.chain(direct).max_by_key(|signature| signature.created());
    newest.map_or(State::NotForSigning, |word| usable(primary, word, true, now))
}

/// The state of a subkey, and of the primary key that it stands and falls with.
fn part_state(key: &SignedPublicKey, part: &SignedPublicSubKey, now: SystemTime) -> State {
    match primary_state(key, now) {
        // A primary key often only certifies.
        State::Good | State::NotForSigning => {}
        other => return other,
    }
    let primary = &key.primary_key;
    let bound = |signature: &&Signature| signature.verify_subkey_binding(primary, &part.key).is_ok();
    let words: Vec<&Signature> = part.signatures.iter().filter(bound).collect();
    let revocation = Some(SignatureType::SubkeyRevocation);
    if words.iter().any(|word| word.typ() == revocation) {
        return State::Revoked;
    }
    let newest = words.into_iter().max_by_key(|word| word.created());
    let Some(word) = newest else {
        return State::NotForSigning;
    };
    // The subkey must agree to belong to this key, or anybody could claim another's signatures (section 10.1.5).
    let agreed = word
        .embedded_signature()
        .is_some_and(|back| back.verify_primary_key_binding(&part.key, primary).is_ok());
    if agreed {
        usable(&part.key, word, false, now)
    } else {
        State::NotForSigning
    }
}

/// What a key's word about itself means now. `unsaid`: whether it may sign where the word says nothing about that.
fn usable(key: &impl KeyDetails, word: &Signature, unsaid: bool, now: SystemTime) -> State {
    let created = SystemTime::from(key.created_at());
    let life = word.key_expiration_time().map(Duration::from);
    if life.is_some_and(|life| !life.is_zero() && created + life <= now) {
        return State::Expired;
    }
    let says = word.config().is_some_and(|config| {
        config
            .hashed_subpackets()
            .any(|packet| matches!(packet.data, SubpacketData::KeyFlags(_)))
    });
    let may_sign = if says { word.key_flags().sign() } else { unsaid };
    if may_sign && created <= now + AHEAD {
        State::Good
    } else {
        State::NotForSigning
    }
}

#[cfg(test)]
mod tests;
