//! SASL mechanisms as pure state machines (RFC 4422). Knows nothing of IMAP's base64, tags or continuations: it is
//! handed a challenge's bytes and returns a response's bytes.
//!
//! The caller asks [`choose`] what to try, starts an [`Exchange`], sends [`Exchange::initial`] (with the command
//! where the server has SASL-IR, else in answer to its first, empty challenge), answers each further challenge with
//! [`Exchange::step`], and believes the server's OK only when [`Exchange::finish`] agrees.

mod mechanism;
mod oauth;
mod scram;
mod secret;

pub use mechanism::{ChannelBinding, ChannelBindingKind, Credentials, Mechanism, choose};
pub use secret::Secret;

use scram::Scram;

/// Longer challenges are refused. Real ones have less than a kibibyte.
pub const MAX_CHALLENGE: usize = 16 * 1024;

/// Why an exchange cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// These credentials cannot be used with this mechanism. [`choose`] never proposes such a pair.
    #[error("{0} cannot be used with these credentials")]
    WrongCredentials(Mechanism),
    /// A control character (or nothing at all) where the mechanism's syntax allows none.
    #[error(
        "the {what} is empty or has a character that {mechanism} cannot carry; check for stray control characters"
    )]
    Unsendable {
        /// Which of the credentials.
        what: &'static str,
        /// The mechanism.
        mechanism: Mechanism,
    },
    /// A challenge longer than [`MAX_CHALLENGE`].
    #[error("the server sent a login challenge of {0} bytes, too long to be one")]
    TooLong(usize),
    /// A challenge after everything was said.
    #[error("the server asked for more than {0} has to say")]
    OneTooMany(Mechanism),
    /// A SCRAM message that breaks RFC 5802's grammar.
    #[error("the server's SCRAM answer cannot be read: {0}")]
    Malformed(&'static str),
    /// The server's nonce does not extend ours: somebody replays an old exchange.
    #[error("the server's SCRAM answer belongs to another login; somebody may be in between")]
    Nonce,
    /// An iteration count outside what we are ready to compute.
    #[error(
        "the server asks for {0} SCRAM iterations; between {min} and {max} are accepted",
        min = scram::MIN_ITERATIONS,
        max = scram::MAX_ITERATIONS
    )]
    Iterations(u64),
    /// The server does not know the password's key: it is not the server that the password was set on.
    #[error("the server could not prove that it knows the password; it may be an impostor, nothing was done")]
    ServerSignature,
    /// The server refused by a SCRAM error (RFC 5802 §7) or an OAuth error document (RFC 7628 §3.2.2).
    #[error("the server refused the login: {}", isbg_types::Untrusted(.0))]
    Refused(String),
    /// What the server saw of the TLS connection is not what we saw.
    #[error(
        "the server sees another TLS connection than this one; somebody may be in between, nothing was done"
    )]
    BindingMismatch,
    /// The server offers channel binding but not of the kind that this connection has.
    #[error("the server cannot use this connection's kind of channel binding")]
    BindingUnsupported,
    /// The server reported success before the mechanism was through.
    #[error("the server ended {0} early, without proving who it is; nothing was done")]
    Unfinished(Mechanism),
}

impl Error {
    /// Whether the next mechanism of [`choose`] may be tried: the refusal was about the mechanism, said nothing
    /// about the password and is no sign of an attack.
    pub fn try_next(&self) -> bool {
        matches!(
            self,
            Self::WrongCredentials(_) | Self::Unsendable { .. } | Self::BindingUnsupported
        )
    }
}

/// One run of one mechanism.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    initial: Option<Secret>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Whatever comes next is one challenge too many.
    Said,
    /// LOGIN: the responses still to give, the next one last.
    Login(Vec<Secret>),
    /// XOAUTH2 or OAUTHBEARER: a challenge would be an error document, which wants this answer.
    OAuth {
        farewell: &'static [u8],
    },
    /// The server sent an error document.
    OAuthFailed(String),
    Scram(Scram),
}

impl Exchange {
    /// Begins an exchange. `plus_offered`: whether the server offers a SCRAM mechanism with channel binding; a
    /// SCRAM exchange without it then tells the server so, and a man in the middle who struck PLUS off the list is
    /// found out (RFC 5802 §6).
    ///
    /// # Errors
    /// When credentials and mechanism do not fit or the credentials hold something unsendable.
    pub fn start(
        mechanism: Mechanism,
        credentials: &Credentials,
        binding: Option<&ChannelBinding>,
        plus_offered: bool,
    ) -> Result<Self, Error> {
        let (initial, state) = match (mechanism, credentials) {
            (
                Mechanism::ScramSha256 | Mechanism::ScramSha256Plus,
                Credentials::Password { user, password },
            ) => {
                let scram = Scram::new(mechanism, user, password, binding, plus_offered)?;
                (Some(scram.client_first()), State::Scram(scram))
            }
            (Mechanism::Plain, Credentials::Password { user, password }) => {
                let user = sendable(user.as_bytes(), &[0], "user name", mechanism)?;
                let password = sendable(password.expose(), &[0], "password", mechanism)?;
                (Some(Secret::join(&[b"\0", user, b"\0", password])), State::Said)
            }
            (Mechanism::Login, Credentials::Password { user, password }) => {
                sendable(user.as_bytes(), &[0], "user name", mechanism)?;
                sendable(password.expose(), &[0], "password", mechanism)?;
                let responses = vec![password.clone(), Secret::from(user.clone())];
                (None, State::Login(responses))
            }
            (
                Mechanism::OAuthBearer | Mechanism::XOAuth2,
                Credentials::OAuth {
                    user,
                    token,
                    host,
                    port,
                },
            ) => {
                let (initial, farewell) = oauth::initial(mechanism, user, token, host, *port)?;
                (Some(initial), State::OAuth { farewell })
            }
            (Mechanism::External, Credentials::External { user }) => {
                let user = user.clone().unwrap_or_default();
                if user.contains('\0') {
                    return Err(Error::Unsendable {
                        what: "user name",
                        mechanism,
                    });
                }
                (Some(Secret::from(user)), State::Said)
            }
            _ => return Err(Error::WrongCredentials(mechanism)),
        };
        Ok(Self {
            mechanism,
            initial,
            state,
        })
    }

    /// The mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The first message, where the client speaks first (all but LOGIN). It may be empty, which is not the same as
    /// absent (RFC 4959 §3 writes it `=`).
    pub fn initial(&self) -> Option<&Secret> {
        self.initial.as_ref()
    }

    /// Answers a challenge. SCRAM derives the key here: up to a second of processor time at the highest iteration
    /// count.
    ///
    /// # Errors
    /// When the challenge is hostile, broken, or more than the mechanism has to say. The exchange is over then, and
    /// the caller cancels it (in IMAP: `*`).
    pub fn step(&mut self, challenge: &[u8]) -> Result<Secret, Error> {
        if challenge.len() > MAX_CHALLENGE {
            return Err(Error::TooLong(challenge.len()));
        }
        match &mut self.state {
            State::Login(responses) => responses.pop().ok_or(Error::OneTooMany(self.mechanism)),
            State::OAuth { farewell } => {
                let answer = Secret::from(farewell.to_vec());
                self.state = State::OAuthFailed(oauth::reason(challenge));
                Ok(answer)
            }
            State::Scram(scram) => scram.step(challenge),
            State::Said | State::OAuthFailed(_) => Err(Error::OneTooMany(self.mechanism)),
        }
    }

    /// Whether the server's OK may be believed.
    ///
    /// # Errors
    /// When the exchange was not completed, the server has not proved itself (SCRAM), or it had reported a failure.
    pub fn finish(&self) -> Result<(), Error> {
        match &self.state {
            State::Said | State::OAuth { .. } => Ok(()),
            State::Login(left) if left.is_empty() => Ok(()),
            State::Scram(scram) if scram.verified() => Ok(()),
            State::Login(_) | State::Scram(_) => Err(Error::Unfinished(self.mechanism)),
            State::OAuthFailed(reason) => Err(Error::Refused(reason.clone())),
        }
    }

    /// What the server gave as reason before it says NO, where the mechanism has a place for it (OAuth).
    pub fn reason(&self) -> Option<&str> {
        match &self.state {
            State::OAuthFailed(reason) => Some(reason),
            _ => None,
        }
    }
}

/// `bytes`, if there are any and none of them is `forbidden`.
fn sendable<'a>(
    bytes: &'a [u8],
    forbidden: &[u8],
    what: &'static str,
    mechanism: Mechanism,
) -> Result<&'a [u8], Error> {
    if bytes.is_empty() || bytes.iter().any(|byte| forbidden.contains(byte)) {
        return Err(Error::Unsendable { what, mechanism });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password() -> Credentials {
        Credentials::Password {
            user: "tim".into(),
            password: Secret::from("tanstaaftanstaaf".to_owned()),
        }
    }

    #[test]
    fn plain() {
        let mut exchange = Exchange::start(Mechanism::Plain, &password(), None, false).unwrap();
        assert_eq!(exchange.initial().unwrap().expose(), b"\0tim\0tanstaaftanstaaf");
        assert_eq!(exchange.finish(), Ok(()));
        assert!(matches!(exchange.step(b"more?"), Err(Error::OneTooMany(_))));
    }

    #[test]
    fn login() {
        let mut exchange = Exchange::start(Mechanism::Login, &password(), None, false).unwrap();
        assert!(exchange.initial().is_none());
        assert_eq!(exchange.step(b"Username:").unwrap().expose(), b"tim");
        assert!(matches!(exchange.finish(), Err(Error::Unfinished(_))));
        assert_eq!(exchange.step(b"Password:").unwrap().expose(), b"tanstaaftanstaaf");
        assert_eq!(exchange.finish(), Ok(()));
        assert!(matches!(
            exchange.step(b"Mother's maiden name:"),
            Err(Error::OneTooMany(_))
        ));
    }

    #[test]
    fn external_may_be_empty() {
        let nobody = Credentials::External { user: None };
        let exchange = Exchange::start(Mechanism::External, &nobody, None, false).unwrap();
        assert_eq!(exchange.initial().unwrap().expose(), b"");
        let somebody = Credentials::External {
            user: Some("tim".into()),
        };
        let exchange = Exchange::start(Mechanism::External, &somebody, None, false).unwrap();
        assert_eq!(exchange.initial().unwrap().expose(), b"tim");
    }

    #[test]
    fn a_nul_cannot_shift_the_fields_of_plain() {
        for (user, secret) in [("tim\0admin", "x"), ("tim", "x\0y"), ("", "x"), ("tim", "")] {
            let credentials = Credentials::Password {
                user: user.into(),
                password: Secret::from(secret.to_owned()),
            };
            for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256] {
                let error = Exchange::start(mechanism, &credentials, None, false).unwrap_err();
                assert!(matches!(error, Error::Unsendable { .. }), "{user:?} {mechanism}");
            }
        }
    }

    #[test]
    fn an_endless_challenge_is_refused() {
        let mut exchange = Exchange::start(Mechanism::Login, &password(), None, false).unwrap();
        assert_eq!(
            exchange.step(&vec![b'a'; MAX_CHALLENGE + 1]).unwrap_err(),
            Error::TooLong(MAX_CHALLENGE + 1)
        );
    }

    #[test]
    fn nothing_shows_the_password() {
        for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256] {
            let exchange = Exchange::start(mechanism, &password(), None, false).unwrap();
            assert!(!format!("{exchange:?} {:?}", password()).contains("tanstaaf"));
        }
    }
}
