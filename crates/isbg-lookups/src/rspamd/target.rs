//! An rspamd's address as people write it. Does not connect.

use http::Uri;

use crate::{Address, NotAnAddress};

/// The port of rspamd's controller, which judges and learns.
pub const DEFAULT_PORT: u16 = 11334;

/// Where an rspamd answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its address.
    pub address: Address,
    /// Whether it speaks TLS (`https://`).
    pub tls: bool,
    /// What stands before `/checkv2`, for an rspamd behind a web server: empty, or with a slash in front and none at
    /// the end.
    pub prefix: String,
}

impl Target {
    /// Reads `http://HOST[:PORT][/PREFIX]`, `https://…`, or without a scheme what [`Address::parse`] reads, with port
    /// 11334 unless given. With a scheme the port is the scheme's unless given.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        if !text.contains("://") {
            return Ok(Self {
                address: Address::parse(text, DEFAULT_PORT)?,
                tls: false,
                prefix: String::new(),
            });
        }
        let uri: Uri = text.parse().map_err(|_| NotAnAddress)?;
        let (tls, port) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(NotAnAddress),
        };
        let authority = uri.authority().ok_or(NotAnAddress)?;
        // A password in a URL would end in logs and process lists; there are other ways to give it.
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(NotAnAddress);
        }
        Ok(Self {
            address: Address::parse(authority.as_str(), port)?,
            tls,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (text, address, tls, prefix) in [
            ("http://localhost:11334", "localhost:11334", false, ""),
            ("http://localhost/", "localhost:80", false, ""),
            (
                "https://mail.example/rspamd/",
                "mail.example:443",
                true,
                "/rspamd",
            ),
            ("https://[::1]:8443", "[::1]:8443", true, ""),
            ("localhost", "localhost:11334", false, ""),
            ("/run/rspamd/rspamd.sock", "/run/rspamd/rspamd.sock", false, ""),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(
                (target.address.to_string(), target.tls),
                (address.to_owned(), tls),
                "{text}"
            );
            assert_eq!(target.prefix, prefix);
        }
        for text in [
            "ftp://x",
            "http://",
            "http://user:secret@host",
            "http://host/?q",
            "https://ho st",
            "",
        ] {
            assert_eq!(Target::parse(text), Err(NotAnAddress), "{text}");
        }
    }
}
