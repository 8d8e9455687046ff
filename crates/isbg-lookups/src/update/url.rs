//! Addresses of files on the web, and of the proxies on the way to them. Does not fetch anything.

use http::Uri;
use http::uri::Scheme;

use crate::Address;

/// A longer address is none.
const MAX_URL: usize = 2_048;

/// An `http` or `https` address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub tls: bool,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// With what follows a `?`.
    pub path: String,
}

impl Url {
    /// Reads an absolute address. One with a user name in it is none: nothing is to be told to mirrors.
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.get(..MAX_URL).unwrap_or(text).parse().ok()?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() || authority.as_str().contains('@') || text.len() > MAX_URL {
            return None;
        }
        Some(Self {
            tls,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri
                .path_and_query()
                .map_or_else(|| "/".into(), |path| path.as_str().to_owned()),
        })
    }

    /// Where a redirection leads: an absolute address, or one on the same server (RFC 3986 section 4.2).
    pub fn join(&self, location: &str) -> Option<Self> {
        if location.contains("://") {
            return Self::parse(location);
        }
        let path = if location.starts_with("//") {
            return Self::parse(&format!("{}:{location}", self.scheme()));
        } else if location.starts_with('/') {
            location.to_owned()
        } else {
            let folder = self.path.split('?').next().unwrap_or_default();
            let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{location}")
        };
        Self::parse(&format!("{}://{}{path}", self.scheme(), self.authority()))
    }

    /// Host and port as they stand in an address.
    pub fn authority(&self) -> String {
        Address::Tcp {
            host: self.host.clone(),
            port: self.port,
        }
        .to_string()
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme(), self.authority(), self.path)
    }
}

/// Which proxies to go through, as the usual environment variables say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// `http_proxy`: for addresses without TLS.
    pub http: Option<String>,
    /// `https_proxy`: for those with TLS, which stays end to end.
    pub https: Option<String>,
    /// `no_proxy`: hosts and domains that are reached without, with commas between; `*` for all.
    pub exceptions: Option<String>,
}

impl Proxies {
    /// The proxy to go through to an address, if any.
    ///
    /// # Errors
    /// When what is named is no proxy that we can use; the text of it.
    pub(super) fn proxy(&self, url: &Url) -> Result<Option<Address>, String> {
        let named = if url.tls { &self.https } else { &self.http };
        let text = named.as_deref().unwrap_or_default().trim();
        if text.is_empty() || self.is_exception(&url.host) {
            return Ok(None);
        }
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        match Url::parse(&whole) {
            Some(proxy) if !proxy.tls => Ok(Some(Address::Tcp {
                host: proxy.host,
                port: proxy.port,
            })),
            _ => Err(text.to_owned()),
        }
    }

    fn is_exception(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.exceptions
            .iter()
            .flat_map(|list| list.split(','))
            .any(|entry| {
                let entry = entry.trim().to_ascii_lowercase();
                let domain = entry.trim_start_matches("*.").trim_start_matches('.');
                entry == "*"
                    || !domain.is_empty()
                        && host
                            .strip_suffix(domain)
                            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn addresses() {
        for (text, whole) in [
            ("http://a.example", "http://a.example:80/"),
            ("HTTPS://A.example/x?y", "https://A.example:443/x?y"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"),
        ] {
            assert_eq!(url(text).to_string(), whole);
        }
        let long = format!("http://a.example/{}", "x".repeat(MAX_URL));
        for text in [
            "",
            "/x",
            "ftp://a/",
            "file:///etc/passwd",
            "http://",
            "http://u:p@a/",
            "http://a b/",
            &long,
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn redirections() {
        let from = url("https://a.example/x/y.gz?z");
        for (location, to) in [
            ("http://b.example/", "http://b.example:80/"),
            ("//b.example/z", "https://b.example:443/z"),
            ("/z", "https://a.example:443/z"),
            ("z", "https://a.example:443/x/z"),
        ] {
            assert_eq!(from.join(location), Some(url(to)), "{location}");
        }
        assert_eq!(from.join("ftp://b.example/"), None);
        assert_eq!(from.join("http://b\n"), None);
    }

    #[test]
    fn proxies() {
        let proxies = Proxies {
            http: Some("http://proxy.example:3128/".into()),
            https: Some("proxy.example".into()),
            exceptions: Some("localhost, .local.example,*.lan".into()),
        };
        let proxy = |of: &str| {
            proxies
                .proxy(&url(of))
                .unwrap()
                .map(|address| address.to_string())
        };
        assert_eq!(proxy("http://a.example/").as_deref(), Some("proxy.example:3128"));
        assert_eq!(proxy("https://a.example/").as_deref(), Some("proxy.example:80"));
        for host in ["localhost", "x.local.example", "LOCAL.example", "a.lan"] {
            assert_eq!(proxy(&format!("http://{host}/")), None, "{host}");
        }
        assert!(proxy("http://notlocal.example/").is_some());
        let all = Proxies {
            exceptions: Some("*".into()),
            ..proxies
        };
        assert_eq!(all.proxy(&url("http://a.example/")), Ok(None));
        for unusable in [
            "https://proxy.example",
            "socks5://proxy.example",
            "http://me:secret@proxy.example",
        ] {
            let proxies = Proxies {
                http: Some(unusable.into()),
                ..Proxies::default()
            };
            assert_eq!(proxies.proxy(&url("http://a/")), Err(unusable.to_owned()));
        }
    }
}
