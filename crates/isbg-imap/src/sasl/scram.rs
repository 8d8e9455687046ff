//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677). Does not know whether the connection is encrypted: it
//! is told the channel binding, or that there is none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use rand::RngCore as _;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::oauth::escape;
use super::{ChannelBinding, Error, Mechanism, Secret, sendable};

/// RFC 7677 §4: a server should ask for no less. A server that does would make the password easy to guess for whoever
/// sees the exchange.
pub(super) const MIN_ITERATIONS: u64 = 4096;
/// A server that asks for more wants to keep us busy (CVE-2026-42256).
pub(super) const MAX_ITERATIONS: u64 = 1_000_000;
const MAX_SALT: usize = 1024;
const NONCE_BYTES: usize = 18;

type Key = Zeroizing<[u8; 32]>;

#[derive(Debug)]
pub(super) struct Scram {
    mechanism: Mechanism,
    password: Secret,
    /// `gs2-header` and channel binding data, as the final message repeats them.
    binding: Vec<u8>,
    gs2_header: String,
    client_first_bare: String,
    nonce: String,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    ExpectServerFirst,
    ExpectServerFinal { server_signature: [u8; 32] },
    Verified,
    Failed,
}

impl Scram {
    pub(super) fn new(
        mechanism: Mechanism,
        user: &str,
        password: &Secret,
        binding: Option<&ChannelBinding>,
        plus_offered: bool,
    ) -> Result<Self, Error> {
        let mut bytes = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self::with_nonce(
            mechanism,
            user,
            password,
            binding,
            plus_offered,
            BASE64.encode(bytes),
        )
    }

    fn with_nonce(
        mechanism: Mechanism,
        user: &str,
        password: &Secret,
        binding: Option<&ChannelBinding>,
        plus_offered: bool,
        nonce: String,
    ) -> Result<Self, Error> {
        sendable(user.as_bytes(), &[0], "user name", mechanism)?;
        sendable(password.expose(), &[0], "password", mechanism)?;
        let plus = mechanism == Mechanism::ScramSha256Plus;
        let gs2_header = match binding {
            Some(binding) if plus => format!("p={},,", binding.kind.name()),
            None if plus => return Err(Error::WrongCredentials(mechanism)),
            Some(_) if !plus_offered => "y,,".to_owned(),
            _ => "n,,".to_owned(),
        };
        let mut binding_input = gs2_header.clone().into_bytes();
        if let (true, Some(binding)) = (plus, binding) {
            binding_input.extend_from_slice(&binding.data);
        }
        let user = prepared(user);
        Ok(Self {
            mechanism,
            password: match std::str::from_utf8(password.expose()) {
                Ok(text) => Secret::from(prepared(text)),
                Err(_) => password.clone(),
            },
            binding: binding_input,
            client_first_bare: format!("n={},r={nonce}", escape(&user)),
            gs2_header,
            nonce,
            stage: Stage::ExpectServerFirst,
        })
    }

    pub(super) fn client_first(&self) -> Secret {
        Secret::from(format!("{}{}", self.gs2_header, self.client_first_bare))
    }

    pub(super) fn verified(&self) -> bool {
        matches!(self.stage, Stage::Verified)
    }

    pub(super) fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        let text = std::str::from_utf8(challenge).map_err(|_| Error::Malformed("it is not UTF-8"));
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::ExpectServerFirst => self.client_final(text?),
            Stage::ExpectServerFinal { server_signature } => {
                verify(text?, &server_signature)?;
                self.stage = Stage::Verified;
                Ok(Secret::default())
            }
            Stage::Verified | Stage::Failed => Err(Error::OneTooMany(self.mechanism)),
        }
    }

    fn client_final(&mut self, server_first: &str) -> Result<Secret, Error> {
        if let Some(error) = server_first.strip_prefix("e=") {
            return Err(refusal(error));
        }
        let first = ServerFirst::parse(server_first)?;
        // The nonce must be ours plus something of the server's own, or an old exchange could be replayed.
        if first
            .nonce
            .strip_prefix(self.nonce.as_str())
            .is_none_or(str::is_empty)
        {
            return Err(Error::Nonce);
        }
        let without_proof = format!("c={},r={}", BASE64.encode(&self.binding), first.nonce);
        let message = format!("{},{server_first},{without_proof}", self.client_first_bare);

        let salted = salted_password(self.password.expose(), &first.salt, first.iterations);
        let client_key = keyed(&salted, b"Client Key");
        let stored_key: Key = Zeroizing::new(Sha256::digest(client_key.as_slice()).into());
        let client_signature = keyed(&stored_key, message.as_bytes());
        let server_key = keyed(&salted, b"Server Key");
        let mut proof = client_key;
        for (byte, mask) in proof.iter_mut().zip(client_signature.iter()) {
            *byte ^= mask;
        }
        self.stage = Stage::ExpectServerFinal {
            server_signature: *keyed(&server_key, message.as_bytes()),
        };
        Ok(Secret::from(format!(
            "{without_proof},p={}",
            BASE64.encode(proof.as_slice())
        )))
    }
}

/// RFC 5802 §7 `server-first-message`.
struct ServerFirst<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> ServerFirst<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        // A mandatory extension would come first (`m=`) and must be refused: it fails as a missing nonce.
        let mut fields = text.split(',');
        let mut field = |name: &str, missing| {
            let value = fields.next().and_then(|field| field.strip_prefix(name));
            value.ok_or(Error::Malformed(missing))
        };
        let nonce = field("r=", "the nonce is missing")?;
        let salt = field("s=", "the salt is missing")?;
        let iterations = field("i=", "the iteration count is missing")?;
        if !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Malformed("the nonce is not printable"));
        }
        let salt = BASE64
            .decode(salt)
            .map_err(|_| Error::Malformed("the salt is not base64"))?;
        if salt.is_empty() || salt.len() > MAX_SALT {
            return Err(Error::Malformed("the salt has no sensible length"));
        }
        Ok(Self {
            nonce,
            salt,
            iterations: count(iterations)?,
        })
    }
}

fn count(text: &str) -> Result<u32, Error> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Malformed("the iteration count is not a number"));
    }
    // A number too long for u64 is in any case too large.
    let count = text.parse().unwrap_or(u64::MAX);
    if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&count) {
        return Err(Error::Iterations(count));
    }
    u32::try_from(count).map_err(|_| Error::Iterations(count))
}

/// Looks at RFC 5802 §7 `server-final-message`.
fn verify(server_final: &str, expected: &[u8; 32]) -> Result<(), Error> {
    if let Some(error) = server_final.strip_prefix("e=") {
        return Err(refusal(error));
    }
    let signature = server_final
        .split(',')
        .next()
        .and_then(|field| field.strip_prefix("v="))
        .ok_or(Error::Malformed("the server's signature is missing"))?;
    let signature = BASE64
        .decode(signature)
        .map_err(|_| Error::Malformed("the server's signature is not base64"))?;
    if bool::from(signature.ct_eq(expected.as_slice())) {
        Ok(())
    } else {
        Err(Error::ServerSignature)
    }
}

fn refusal(error: &str) -> Error {
    match error.split(',').next().unwrap_or_default() {
        "channel-bindings-dont-match" => Error::BindingMismatch,
        "unsupported-channel-binding-type" | "channel-binding-not-supported" => Error::BindingUnsupported,
        // The server has PLUS and had offered it, and our message says that it had not.
        "server-does-support-channel-binding" => Error::BindingMismatch,
        other => Error::Refused(other.chars().take(100).collect()),
    }
}

/// SASLprep (RFC 4013). Text that it forbids stays as it is: a server that has such a password did not prepare it
/// either, and most of them (Dovecot among them) never do.
fn prepared(text: &str) -> String {
    match stringprep::saslprep(text) {
        Ok(prepared) if !prepared.is_empty() => prepared.into_owned(),
        _ => text.to_owned(),
    }
}

fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, key.as_mut_slice());
    key
}

fn keyed(key: &[u8; 32], message: &[u8]) -> Key {
    // A key shorter than the hash's block is padded with zeros (RFC 2104 §2).
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block[..key.len()].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as Mac>::new(&block);
    block.as_mut_slice().zeroize();
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
#[path = "scram_tests.rs"]
mod tests;
