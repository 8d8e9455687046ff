//! Which mechanisms there are and in which order they are tried. Does not run them.

use std::fmt;

use super::Secret;

/// Who logs in, and by what.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A user name and a password.
    Password {
        /// The login name.
        user: String,
        /// The password. UTF-8 where the server has it so; other bytes are sent as they are.
        password: Secret,
    },
    /// An OAuth 2.0 access token (RFC 7628; Google's and Microsoft's XOAUTH2).
    OAuth {
        /// The mailbox, as a rule a mail address.
        user: String,
        /// The access token.
        token: Secret,
        /// The server's name, as the user gave it.
        host: String,
        /// The server's port.
        port: u16,
    },
    /// The certificate that TLS has shown to the server (RFC 4422 appendix A).
    External {
        /// On whose behalf, where the certificate does not tell.
        user: Option<String>,
    },
}

/// What ties a login to the TLS connection that it came over (RFC 5929, RFC 9266).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelBinding {
    /// Which kind.
    pub kind: ChannelBindingKind,
    /// The binding data. No secret: both ends compute it.
    pub data: Vec<u8>,
}

/// The two kinds that are sound with TLS 1.2 and 1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBindingKind {
    /// `tls-exporter` (RFC 9266), for TLS 1.3.
    TlsExporter,
    /// `tls-server-end-point` (RFC 5929 §4), a hash of the server's certificate.
    TlsServerEndPoint,
}

impl ChannelBindingKind {
    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
        }
    }
}

/// A mechanism that we speak. The order is that of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mechanism {
    /// RFC 7677 with channel binding.
    ScramSha256Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 4616.
    Plain,
    /// The obsolete LOGIN, which some servers have instead of PLAIN.
    Login,
    /// RFC 7628.
    OAuthBearer,
    /// Google's forerunner of it, also Microsoft's.
    XOAuth2,
    /// RFC 4422 appendix A.
    External,
}

impl Mechanism {
    const ALL: [Self; 7] = [
        Self::ScramSha256Plus,
        Self::ScramSha256,
        Self::Plain,
        Self::Login,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::External,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
        }
    }

    fn fits(self, credentials: &Credentials, binding: Option<&ChannelBinding>) -> bool {
        match self {
            Self::ScramSha256Plus => matches!(credentials, Credentials::Password { .. }) && binding.is_some(),
            Self::ScramSha256 | Self::Plain | Self::Login => {
                matches!(credentials, Credentials::Password { .. })
            }
            Self::OAuthBearer | Self::XOAuth2 => matches!(credentials, Credentials::OAuth { .. }),
            Self::External => matches!(credentials, Credentials::External { .. }),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The mechanisms to try with these credentials, best first. `offered` holds the names behind `AUTH=` in the server's
/// capabilities, in any letter case. Empty where there is none: the caller is left with IMAP's LOGIN command.
///
/// After a plain refusal none of the others is tried, or a wrong password would be counted several times and, worse,
/// be sent in the clear to a server that could not prove itself. The next one has its turn only when the server says
/// that it cannot do the mechanism at all (a BAD) or when [`super::Error::try_next`] says so.
pub fn choose<S: AsRef<str>>(
    offered: impl IntoIterator<Item = S>,
    credentials: &Credentials,
    binding: Option<&ChannelBinding>,
) -> Vec<Mechanism> {
    let mut known = [false; Mechanism::ALL.len()];
    for name in offered {
        for (mechanism, known) in Mechanism::ALL.iter().zip(&mut known) {
            *known |= mechanism.name().eq_ignore_ascii_case(name.as_ref());
        }
    }
    Mechanism::ALL
        .into_iter()
        .zip(known)
        .filter(|(mechanism, known)| *known && mechanism.fits(credentials, binding))
        .map(|(mechanism, _)| mechanism)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_first_and_only_what_fits() {
        let password = Credentials::Password {
            user: "tim".into(),
            password: Secret::from("x".to_owned()),
        };
        let token = Credentials::OAuth {
            user: "tim".into(),
            token: Secret::from("x".to_owned()),
            host: "h".into(),
            port: 993,
        };
        let binding = ChannelBinding {
            kind: ChannelBindingKind::TlsExporter,
            data: vec![1],
        };
        let all = [
            "LOGIN",
            "plain",
            "GSSAPI",
            "XOAUTH2",
            "OAuthBearer",
            "SCRAM-SHA-1",
            "SCRAM-SHA-256",
            "SCRAM-SHA-256-PLUS",
            "EXTERNAL",
            "PLAIN",
        ];
        use Mechanism::*;
        assert_eq!(
            choose(all, &password, Some(&binding)),
            [ScramSha256Plus, ScramSha256, Plain, Login]
        );
        assert_eq!(choose(all, &password, None), [ScramSha256, Plain, Login]);
        assert_eq!(choose(all, &token, None), [OAuthBearer, XOAuth2]);
        assert_eq!(
            choose(all, &Credentials::External { user: None }, None),
            [External]
        );
        assert_eq!(choose(["GSSAPI"], &password, None), []);
    }
}
