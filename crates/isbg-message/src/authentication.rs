//! What a server found out about who sent a message: its Authentication-Results field (RFC 8601). Does not decide which
//! server is believed, and verifies nothing itself.

use crate::header::{BLOCK_LIMIT, fields};

/// Results of one field that are looked at, and bytes of its value.
const RESULTS: usize = 50;
const VALUE: usize = 16 * 1024;

/// The results that one server wrote down.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authentication(Vec<Passed>);

/// A method that passed, for a domain in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Passed {
    Dkim(String),
    Dmarc(String),
}

/// The results in the topmost field of the server that calls itself `server` (its authserv-id, in any case). Others may
/// be anybody's, also those further down that claim to be of the same server. `None` where the server has written none.
pub fn authentication(block: &[u8], server: &str) -> Option<Authentication> {
    let block = &block[..block.len().min(BLOCK_LIMIT)];
    fields(block)
        .filter(|field| field.is("Authentication-Results"))
        .find_map(|field| {
            let value = field.unfolded();
            read(&plain(&value[..value.len().min(VALUE)]), server)
        })
}

impl Authentication {
    /// Whether the server vouches for it that a message with this domain in its From comes from there: it passed DMARC
    /// for the domain, or has a good DKIM signature of it or of one above it.
    pub fn vouches_for(&self, domain: &str) -> bool {
        let domain = domain.to_ascii_lowercase();
        self.0.iter().any(|passed| match passed {
            Passed::Dmarc(from) => *from == domain,
            Passed::Dkim(signer) => {
                let above = || domain.strip_suffix(signer.as_str())?.strip_suffix('.');
                *signer == domain || (signer.contains('.') && above().is_some())
            }
        })
    }
}

fn read(value: &str, server: &str) -> Option<Authentication> {
    let mut results = value.split(';');
    // A version number may follow the name.
    let name = results.next()?.split_ascii_whitespace().next()?;
    if !name.eq_ignore_ascii_case(server) {
        return None;
    }
    Some(Authentication(results.take(RESULTS).filter_map(passed).collect()))
}

/// `dkim=pass header.d=example.org header.s=a`, `dmarc=pass header.from=example.org`.
fn passed(result: &str) -> Option<Passed> {
    let mut words = result.split_ascii_whitespace();
    let (method, outcome) = words.next()?.split_once('=')?;
    let method = method.split('/').next().unwrap_or_default();
    if !outcome.eq_ignore_ascii_case("pass") {
        return None;
    }
    let properties: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
    let property = |name: &str| {
        properties
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_ascii_lowercase())
    };
    let host = |value: String| value.rsplit('@').next().unwrap_or_default().to_owned();
    match method.to_ascii_lowercase().as_str() {
        // Some servers name the signer's identity alone.
        "dkim" => property("header.d")
            .or_else(|| property("header.i").map(host))
            .map(Passed::Dkim),
        "dmarc" => property("header.from").map(host).map(Passed::Dmarc),
        _ => None,
    }
    .filter(|passed| !matches!(passed, Passed::Dkim(domain) | Passed::Dmarc(domain) if domain.is_empty()))
}

/// Without comments, with quoted strings as one harmless word each, so that neither can hold a result.
fn plain(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for &byte in value {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if depth == 0 => {
                quoted = !quoted;
                text.push('"');
            }
            _ if quoted => {}
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ => text.push(if byte.is_ascii_graphic() {
                char::from(byte)
            } else {
                ' '
            }),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vouched(fields: &str, domain: &str) -> Option<bool> {
        authentication(fields.as_bytes(), "mx.example.net").map(|found| found.vouches_for(domain))
    }

    #[test]
    fn aligned_results_vouch() {
        for (result, domain, vouches) in [
            (
                "dmarc=pass (p=none dis=none) header.from=example.org",
                "Example.ORG",
                true,
            ),
            ("dmarc=pass header.from=example.org", "a.example.org", false),
            ("dmarc=fail header.from=example.org", "example.org", false),
            ("spf=pass smtp.mailfrom=a@example.org", "example.org", false),
            ("dkim=pass header.d=example.org header.s=a", "example.org", true),
            ("dkim=pass header.d=example.org", "lists.example.org", true),
            ("dkim=pass header.d=example.org", "badexample.org", false),
            ("dkim=pass header.d=a.example.org", "example.org", false),
            ("dkim=pass header.d=org", "example.org", false),
            ("dkim=pass header.d=", "example.org", false),
            (
                "dkim=pass header.i=ann@example.org header.s=a",
                "example.org",
                true,
            ),
            (
                "dkim/1=pass (good; dkim=x) header.d=example.org",
                "example.org",
                true,
            ),
            (
                "dkim=neutral; DKIM=PASS HEADER.D=EXAMPLE.org",
                "example.org",
                true,
            ),
            ("dkim=fail (dkim=pass header.d=example.org)", "example.org", false),
            (
                "dkim=fail reason=\"; dmarc=pass header.from=example.org\"",
                "example.org",
                false,
            ),
            ("none", "example.org", false),
        ] {
            let field = format!("Authentication-Results: mx.example.net;\r\n {result}\r\n\r\n");
            assert_eq!(vouched(&field, domain), Some(vouches), "{result}");
        }
    }

    #[test]
    fn only_the_topmost_field_of_the_trusted_server_counts() {
        let field = |server: &str, result: &str| format!("Authentication-Results: {server}; {result}\n");
        let good = "dmarc=pass header.from=example.org";
        assert_eq!(vouched(&field("mx.example.com", good), "example.org"), None);
        assert_eq!(
            vouched(&field("MX.example.net 1", good), "example.org"),
            Some(true)
        );
        let forged_below = field("mx.example.net", "dmarc=fail") + &field("mx.example.net", good);
        assert_eq!(vouched(&forged_below, "example.org"), Some(false));
        let another_above = field("inner", "dmarc=fail") + &field("mx.example.net", good);
        assert_eq!(vouched(&another_above, "example.org"), Some(true));
        assert_eq!(
            vouched("Authentication-Results:\nAuthentication-Results: ;;=;\n", "a"),
            None
        );
    }
}
