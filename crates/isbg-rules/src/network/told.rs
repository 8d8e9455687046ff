//! What the receiving side's own relays have written into the header about SPF. Does not check anything itself.

use isbg_types::auth::Spf;

/// Results for the sender of the envelope and for the name in HELO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    pub sender: Option<Spf>,
    pub helo: Option<Spf>,
}

enum Whom {
    Sender,
    Helo,
}

impl Told {
    /// Reads the fields (`Name: value`) that internal relays added, the newest first. Of several results the oldest
    /// counts, unless `newest_first`.
    pub fn read(fields: &[String], newest_first: bool) -> Self {
        let mut told = Self::default();
        let results = fields.iter().map(|field| result(field));
        let results: Vec<(Whom, Spf)> = if newest_first {
            results.flatten().collect()
        } else {
            results.rev().flatten().collect()
        };
        for (whom, result) in results {
            let known = match whom {
                Whom::Sender => &mut told.sender,
                Whom::Helo => &mut told.helo,
            };
            known.get_or_insert(result);
        }
        told
    }
}

fn result(field: &str) -> Option<(Whom, Spf)> {
    let lower = field.to_ascii_lowercase();
    let (name, value) = lower.split_once(':')?;
    match name {
        "received-spf" => received(value),
        "authentication-results" | "arc-authentication-results" => authentication(value),
        _ => None,
    }
}

/// RFC 7208 §9.1.
fn received(value: &str) -> Option<(Whom, Spf)> {
    let value = value.trim_start();
    let found = spf(word(value))?;
    let whom = match value.rsplit_once("identity=") {
        Some((_, identity)) => whom(word(identity))?,
        None => Whom::Sender,
    };
    Some((whom, found))
}

/// RFC 8601 §2.2.
fn authentication(value: &str) -> Option<(Whom, Spf)> {
    let mut statements = value.split(';').skip(1).collect::<Vec<_>>();
    statements.reverse();
    for statement in statements {
        let Some(rest) = statement.trim_start().strip_prefix("spf") else {
            continue;
        };
        let Some(rest) = rest.trim_start().strip_prefix('=') else {
            continue;
        };
        let rest = rest.trim_start();
        let found = spf(word(rest))?;
        let property = rest.split_once("smtp.").map(|(_, property)| word(property));
        let whom = property.map_or(Some(Whom::Sender), whom)?;
        return Some((whom, found));
    }
    None
}

fn word(text: &str) -> &str {
    let len = text
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count();
    &text[..len]
}

fn whom(identity: &str) -> Option<Whom> {
    match identity {
        "mfrom" | "mailfrom" => Some(Whom::Sender),
        "helo" => Some(Whom::Helo),
        _ => None,
    }
}

fn spf(word: &str) -> Option<Spf> {
    Some(match word {
        "pass" => Spf::Pass,
        "neutral" => Spf::Neutral,
        "fail" | "hardfail" => Spf::Fail,
        "softfail" => Spf::SoftFail,
        "temperror" => Spf::TempError,
        "permerror" => Spf::PermError,
        "none" => Spf::None,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_internal_relays() {
        let of = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            let told = Told::read(&fields, false);
            (told.sender, told.helo)
        };
        for (field, wanted) in [
            (
                "Received-SPF: pass (mx.example: a is allowed)",
                (Some(Spf::Pass), None),
            ),
            (
                "Received-SPF:  softfail (x) identity=mailfrom; client-ip=192.0.2.1",
                (Some(Spf::SoftFail), None),
            ),
            ("Received-SPF: Fail (x) identity=helo;", (None, Some(Spf::Fail))),
            ("Received-SPF: pass (x) identity=pra;", (None, None)),
            ("Received-SPF: perhaps", (None, None)),
            (
                "Authentication-Results: mx.example; dkim=pass; spf=hardfail smtp.mailfrom=a.example",
                (Some(Spf::Fail), None),
            ),
            (
                "Authentication-Results: mx.example; spf=pass smtp.helo=a.example",
                (None, Some(Spf::Pass)),
            ),
            (
                "Authentication-Results: mx.example; spf=none",
                (Some(Spf::None), None),
            ),
            ("Authentication-Results: mx.example; none", (None, None)),
        ] {
            assert_eq!(of(&[field]), wanted, "{field}");
        }
        assert_eq!(
            of(&["Received-SPF: fail", "Received-SPF: pass"]).0,
            Some(Spf::Pass),
            "the oldest counts"
        );
    }
}
