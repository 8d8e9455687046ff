//! Shapes of links that honest mail seldom has: hosts that nobody named, sites that pass on, paths that count. Does not know
//! the sender.

use super::links::Link;
use super::{domain, fold, punycode};

/// A host named after its IP address, as rented machines are by default.
pub(super) fn is_numbered(host: &str) -> bool {
    let parts: Vec<&str> = host.split(['.', '-']).collect();
    let byte = |part: &&str| part.len() <= 3 && part.parse::<u8>().is_ok();
    !domain::is_ip(host) && parts.windows(4).any(|four| four.iter().all(byte))
}

/// Sites that pass on whoever comes to wherever the link says.
pub(super) fn is_redirector(link: &Link) -> bool {
    const SITES: &[(&str, &[&str])] = &[
        ("google", &["/url?", "/amp/", "/pagead/aclk"]),
        ("bing", &["/ck/a"]),
        ("youtube", &["/redirect"]),
        ("linkedin", &["/slink", "/redir"]),
        ("facebook", &["/l.php", "/flx/warn"]),
        ("baidu", &["/link?"]),
        ("doubleclick", &["/pcs/click", "/ddm/", "/clk"]),
        ("googleadservices", &["/pagead"]),
        ("yahoo", &["/RU="]),
        ("yandex", &["/clck/"]),
    ];
    let label = domain::label(&link.host);
    SITES
        .iter()
        .any(|(site, paths)| *site == label && paths.iter().any(|path| link.path.contains(path)))
}

/// A label that is all look-alikes of Latin letters.
pub(super) fn is_disguised(label: &str) -> bool {
    let decoded = match label.strip_prefix("xn--") {
        Some(encoded) => punycode::decode(encoded),
        None if label.is_ascii() => None,
        None => Some(label.to_owned()),
    };
    decoded.is_some_and(|label| {
        label
            .chars()
            .any(|c| fold::alike(c).is_some() || fold::styled(c).is_some())
            && label
                .chars()
                .all(|c| c.is_ascii() || fold::alike(c).is_some() || fold::styled(c).is_some())
    })
}

pub(super) fn has_login(link: &Link) -> bool {
    const WORDS: &[&str] = &[
        "login",
        "logon",
        "signin",
        "sign-in",
        "verify",
        "verification",
        "validate",
        "confirm",
        "webmail",
        "password",
        "passwort",
        "secure-",
        "unlock",
        "auth.",
        "wallet",
        "sso.",
        "owa/",
        "roundcube",
        "mailbox",
        "recover",
        "kyc",
    ];
    let path = link
        .path
        .split('?')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    WORDS
        .iter()
        .any(|word| path.contains(word) || link.host.contains(word))
}

/// Numbers one behind the other, as those who are paid for clicks count them.
pub(super) fn is_counted(link: &Link) -> bool {
    let path = link.path.split(['?', '#']).next().unwrap_or_default();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let (mut run, mut longest) = (0, 0);
    for part in path.split('/') {
        run = if number(part.trim_end_matches("_md")) {
            run + 1
        } else {
            0
        };
        longest = longest.max(run);
    }
    longest >= 4
}

/// The path is one long mixture of letters and digits.
pub(super) fn has_token(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let upper = part.bytes().filter(u8::is_ascii_uppercase).count();
        part.len() >= 30 && part.bytes().all(|b| b.is_ascii_alphanumeric()) && digits >= 4 && upper >= 4
    })
}

#[cfg(test)]
mod tests {
    use isbg_message::views::Uri;

    use super::*;

    fn link(url: &str) -> Link {
        Link::new(&Uri {
            raw: url.into(),
            ..Uri::default()
        })
    }

    #[test]
    fn shapes_of_paths() {
        assert!(is_counted(&link("http://example.com/cl/3945_md/1995/721/1444")));
        assert!(!is_counted(&link("http://example.com/2024/05/12/title")));
        assert!(
            has_login(&link("http://example.com/app/signin.php"))
                && !has_login(&link("http://example.com/?q=login"))
        );
        assert!(
            is_redirector(&link("https://www.google.co.uk/url?q=x"))
                && !is_redirector(&link("https://example.com/url?q=x"))
        );
    }

    #[test]
    fn rented_machines() {
        assert!(is_numbered("26.190.205.92.host.example.net") && is_numbered("ec2-3-138-125-44.example.com"));
        assert!(!is_numbered("192.0.2.7") && !is_numbered("a-1-2-3.example.com"));
    }

    #[test]
    fn disguised_labels() {
        assert!(is_disguised("xn--80ak6aa92e") && is_disguised("p\u{430}ypal"));
        assert!(!is_disguised("xn--mller-kva") && !is_disguised("paypal") && !is_disguised("xn--"));
    }
}
