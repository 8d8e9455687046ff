//! The messages of OAUTHBEARER (RFC 7628) and XOAUTH2. Does not know how a token is got or renewed.

use super::{Error, Mechanism, Secret, sendable};

/// Longer error documents are cut off.
const MAX_REASON: usize = 500;

/// The first message, and the answer that an error document wants before the server says NO.
pub(super) fn initial(
    mechanism: Mechanism,
    user: &str,
    token: &Secret,
    host: &str,
    port: u16,
) -> Result<(Secret, &'static [u8]), Error> {
    sendable(user.as_bytes(), &[0, 1], "user name", mechanism)?;
    // RFC 6750 §2.1 allows less, but a control character or a space is what would be another field.
    let stray: Vec<u8> = (0..=b' ').chain([0x7f]).collect();
    sendable(token.expose(), &stray, "access token", mechanism)?;
    if mechanism == Mechanism::XOAuth2 {
        let message = Secret::join(&[
            b"user=",
            user.as_bytes(),
            b"\x01auth=Bearer ",
            token.expose(),
            b"\x01\x01",
        ]);
        return Ok((message, b""));
    }
    sendable(host.as_bytes(), &[0, 1], "server name", mechanism)?;
    let head = format!(
        "n,a={},\x01host={host}\x01port={port}\x01auth=Bearer ",
        escape(user)
    );
    let message = Secret::join(&[head.as_bytes(), token.expose(), b"\x01\x01"]);
    Ok((message, b"\x01"))
}

/// The error document as text for people, or what to do when there is none.
pub(super) fn reason(challenge: &[u8]) -> String {
    let text = String::from_utf8_lossy(challenge);
    let text: String = text.trim().chars().take(MAX_REASON).collect();
    if text.is_empty() {
        "the access token was not accepted".into()
    } else {
        text
    }
}

/// RFC 5801 §4 `saslname`.
pub(super) fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

#[cfg(test)]
mod tests {
    use super::super::{Credentials, Exchange};
    use super::*;

    fn token(user: &str, token: &str) -> Credentials {
        Credentials::OAuth {
            user: user.into(),
            token: Secret::from(token.to_owned()),
            host: "server.example.com".into(),
            port: 143,
        }
    }

    #[test]
    fn oauthbearer_as_in_rfc_7628() {
        let credentials = token("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
        let mut exchange = Exchange::start(Mechanism::OAuthBearer, &credentials, None, false).unwrap();
        assert_eq!(
            exchange.initial().unwrap().expose(),
            b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer \
              vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
        assert_eq!(exchange.finish(), Ok(()));
        let refused = exchange.step(br#"{"status":"invalid_token"}"#).unwrap();
        assert_eq!(refused.expose(), b"\x01");
        assert_eq!(exchange.reason(), Some(r#"{"status":"invalid_token"}"#));
        assert!(matches!(exchange.finish(), Err(Error::Refused(_))));
        assert!(matches!(exchange.step(b""), Err(Error::OneTooMany(_))));
    }

    #[test]
    fn xoauth2() {
        let credentials = token("someuser@example.com", "ya29.vF9dft4q");
        let mut exchange = Exchange::start(Mechanism::XOAuth2, &credentials, None, false).unwrap();
        assert_eq!(
            exchange.initial().unwrap().expose(),
            b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4q\x01\x01"
        );
        assert_eq!(exchange.step(b"{}").unwrap().expose(), b"");
    }

    #[test]
    fn no_field_can_be_smuggled_in() {
        for (user, secret) in [
            ("a\x01auth=Bearer x", "t"),
            ("a", "t\x01host=evil"),
            ("a", "t t"),
            ("a", "t\n"),
            ("a", ""),
        ] {
            for mechanism in [Mechanism::OAuthBearer, Mechanism::XOAuth2] {
                let error = Exchange::start(mechanism, &token(user, secret), None, false).unwrap_err();
                assert!(matches!(error, Error::Unsendable { .. }));
            }
        }
        assert_eq!(escape("a=b,c"), "a=3Db=2Cc");
    }
}
