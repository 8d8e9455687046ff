//! Links of an HTML part: which attributes hold them, and what they are against the document's base (RFC 3986 §5.2, in
//! SpamAssassin's reading). Does not fetch or judge them.

use super::tokens::Attribute;

/// Longer ones are cut.
pub(crate) const URI_BYTES: usize = 8_192;

/// Blanks around a URI do not belong to it.
pub(super) fn trimmed(uri: &str) -> &str {
    uri.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}')
}

/// The value of an attribute.
pub(super) fn value<'a>(attributes: &'a [Attribute<'_>], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .map(|attribute| &*attribute.value)
}

/// The same, where the name may also be glued to others with a slash, as in `<a foo/href=…>`.
pub(super) fn lax_value<'a>(attributes: &'a [Attribute<'_>], name: &str) -> Option<&'a str> {
    let glued = attributes.iter().find(|attribute| {
        attribute.name.match_indices(name).any(|(at, _)| {
            let mut before = attribute.name[..at].chars().rev();
            before.next() == Some('/') && before.next().is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    });
    glued
        .map(|attribute| &*attribute.value)
        .or_else(|| value(attributes, name))
}

/// A URI in pieces.
struct Pieces<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

fn pieces(uri: &str) -> Pieces<'_> {
    let (scheme, rest) = match uri.find([':', '/', '?', '#']) {
        Some(at) if at > 0 && uri.as_bytes()[at] == b':' => (Some(&uri[..at]), &uri[at + 1..]),
        _ => (None, uri),
    };
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            (Some(authority), rest)
        }
        None => (None, rest),
    };
    let (path, rest) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (query, rest) = match rest.strip_prefix('?') {
        Some(rest) => {
            let (query, rest) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
            (Some(query), rest)
        }
        None => (None, rest),
    };
    // A line end ends a fragment.
    let fragment = rest
        .strip_prefix('#')
        .map(|rest| rest.split('\n').next().unwrap_or_default());
    Pieces {
        scheme,
        authority,
        path,
        query,
        fragment,
    }
}

/// RFC 3986 §5.2.4.
fn without_dots(path: &str) -> String {
    let mut rest = path;
    if let Some(after) = rest.strip_prefix("../").or_else(|| rest.strip_prefix("./")) {
        rest = &rest[rest.len() - after.len() - 1..];
    }
    let mut out = String::new();
    // Perl takes "0" for nothing.
    while !matches!(rest, "" | "0") {
        if rest == "/." || rest.starts_with("/./") {
            rest = if rest.len() == 2 { "/" } else { &rest[2..] };
        } else if rest == "/.." || rest.starts_with("/../") {
            rest = if rest.len() == 3 { "/" } else { &rest[3..] };
            out.truncate(out.rfind('/').unwrap_or(0));
        } else {
            let slash = usize::from(rest.starts_with('/'));
            let end = rest[slash..].find('/').map_or(rest.len(), |at| at + slash);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    out
}

/// `uri` as it is meant in a document with the given base (empty: none).
pub(super) fn resolve(base: &str, uri: &str) -> String {
    let relative = pieces(uri);
    let base = pieces(base);
    let scheme = relative.scheme.filter(|scheme| Some(*scheme) != base.scheme);
    let (authority, path, query);
    if scheme.is_some() || relative.authority.is_some() {
        authority = relative.authority;
        path = without_dots(relative.path);
        query = relative.query;
    } else {
        authority = base.authority;
        if relative.path.is_empty() {
            path = base.path.to_owned();
            query = relative.query.or(base.query);
        } else if relative.path.starts_with('/') {
            path = without_dots(relative.path);
            query = relative.query;
        } else {
            path = without_dots(&merged(&base, relative.path));
            query = relative.query;
        }
    }
    let mut result = String::new();
    match (scheme.or(base.scheme).filter(|scheme| *scheme != "0"), authority) {
        (Some(scheme), _) => {
            result.push_str(scheme);
            result.push(':');
        }
        (None, Some(authority)) => {
            let numbered = |name: &str| {
                authority
                    .get(..name.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(name))
                    && authority[name.len()..]
                        .trim_start_matches(|c: char| c.is_ascii_digit())
                        .starts_with('.')
            };
            if numbered("www") {
                result.push_str("http:");
            } else if numbered("ftp") {
                result.push_str("ftp:");
            }
        }
        (None, None) => {}
    }
    if let Some(authority) = authority {
        result.push_str("//");
        result.push_str(authority);
    }
    result.push_str(&path);
    for (mark, piece) in [('?', query), ('#', relative.fragment)] {
        if let Some(piece) = piece {
            result.push(mark);
            result.push_str(piece);
        }
    }
    result
}

fn merged(base: &Pieces<'_>, path: &str) -> String {
    if base.authority.is_some() && matches!(base.path, "" | "0") {
        return format!("/{path}");
    }
    let folder = base.path.rfind('/').map_or("", |slash| &base.path[..=slash]);
    format!("{folder}{path}")
}

/// What relative links are relative to, where `href` of a `base` tag can be used: without the file name, with a slash.
pub(super) fn base(href: &str) -> Option<String> {
    let scheme = href.find(':').map(|at| href[..at].to_ascii_lowercase())?;
    if !matches!(scheme.as_str(), "http" | "https" | "ftp") {
        return None;
    }
    let mut base = href.to_owned();
    let after_scheme = scheme.len() + 1;
    let slashes = href[after_scheme..]
        .bytes()
        .take_while(|byte| *byte == b'/')
        .count()
        .min(2);
    let host_start = after_scheme + slashes;
    if let (Some(first), Some(last)) = (href[host_start..].find('/'), href.rfind('/'))
        && first > 0
    {
        let (name, extension) = href[last + 1..].split_once('.').unwrap_or(("", ""));
        let is_file =
            !name.is_empty() && (2..=4).contains(&extension.chars().count()) && !extension.contains('.');
        if is_file {
            base.truncate(last + 1);
        }
    }
    if !base.ends_with('/') {
        base.push('/');
    }
    Some(base)
}

/// The target in the `content` of a refreshing `meta` tag.
pub(super) fn refresh(content: &str) -> Option<&str> {
    let lower = content.to_ascii_lowercase();
    let at = lower.rmatch_indices("url").find_map(|(at, _)| {
        let word = lower[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        let rest = content[at + 3..].trim_start();
        let rest = rest.strip_prefix('=')?;
        (!word).then(|| content.len() - rest.trim_start().len())
    })?;
    let uri = content[at..].split(';').next().unwrap_or_default();
    Some(uri.trim_end())
}
