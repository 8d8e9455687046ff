//! What servers wrote into Authentication-Results fields (RFC 8601), read as SpamAssassin's AuthRes plugin reads them: a
//! field with anything unexpected in it is left out whole. Verifies nothing.

use isbg_message::views::{Selector, Views};

use crate::ruleset::AuthRes;

/// Fields and results that are looked at.
const MOST: usize = 100;

/// The results of the servers that are believed, in the order of the header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Results(Vec<Found>);

/// One result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The server that says so, in lower case.
    pub server: String,
    /// `spf`, `dkim`, `dmarc`, …
    pub method: String,
    /// `pass`, `fail`, …
    pub result: String,
    /// Type, name and value of each property, such as `header`, `d` and a domain.
    pub properties: Vec<(String, String, String)>,
}

impl Results {
    /// Reads the fields that the settings let count.
    pub fn read(views: &Views<'_>, settings: &AuthRes) -> Self {
        let block = match settings.networks.as_str() {
            "trusted" => "ALL-TRUSTED",
            "all" => "ALL",
            _ => "ALL-INTERNAL",
        };
        let block = views.get(&Selector::parse(block)).unwrap_or_default();
        let mut results = Vec::new();
        for line in block.split(|byte| *byte == b'\n').take(10_000) {
            let line = String::from_utf8_lossy(line);
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let name = name.to_ascii_lowercase();
            let arc = name == "arc-authentication-results";
            if (arc || name == "authentication-results") && results.len() < MOST {
                let mut reader = Reader::new(value.trim_start());
                results.extend(reader.field(arc, settings).unwrap_or_default());
            }
        }
        Self(results)
    }

    /// All results of a method.
    pub fn all<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Found> {
        self.0.iter().filter(move |found| found.method == method)
    }

    /// The result that counts for a method: `pass` if there is one, else the first.
    pub fn result<'a>(&'a self, method: &'a str) -> Option<&'a str> {
        let passed = self.all(method).find(|found| found.result == "pass");
        passed
            .or_else(|| self.all(method).next())
            .map(|found| found.result.as_str())
    }
}

/// The types of property of a method, with their names; `*` stands for any.
type Properties = &'static [(&'static str, &'static str)];

/// Methods, their results and their properties.
#[rustfmt::skip]
const METHODS: &[(&str, &str, Properties)] = &[
    ("arc", "fail none pass", &[("smtp", "remote-ip"), ("header", "oldest-pass"), ("arc", "chain")]),
    ("auth", "fail none pass permerror temperror", &[("smtp", "auth mailfrom")]),
    ("dkim", "fail neutral none pass permerror policy temperror", &[("header", "d i b a s")]),
    ("dkim-adsp", "discard fail none nxdomain pass permerror temperror unknown", &[("header", "from")]),
    ("dkim-atps", "fail none pass permerror temperror neutral", &[("header", "from")]),
    ("dmarc", "bestguesspass fail none pass permerror temperror", &[("header", "from"), ("policy", "dmarc")]),
    ("dnswl", "none pass permerror temperror", &[("dns", "zone sec"), ("policy", "ip txt")]),
    ("domainkeys", "fail neutral none permerror policy pass temperror", &[("header", "d from sender")]),
    ("iprev", "fail pass permerror temperror", &[("policy", "iprev")]),
    ("rrvs", "fail none pass permerror temperror unknown", &[("smtp", "rcptto")]),
    ("sender-id", "fail hardfail neutral none pass permerror policy softfail temperror", &[("header", "*")]),
    ("smime", "fail neutral none pass permerror policy temperror",
        &[("body", "smime-part smime-identifer smime-serial smime-issuer")]),
    ("spf", "fail hardfail neutral none pass permerror policy softfail temperror",
        &[("smtp", "mailfrom mfrom helo rcpttodomain")]),
    ("vbr", "fail none pass permerror temperror", &[("header", "md mv")]),
];

fn holds(list: &str, word: &str) -> bool {
    list.split(' ').any(|known| known == word)
}

/// A place in the text of a field.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The results of a field; `None` if it is not to be believed or cannot be read whole.
    fn field(&mut self, arc: bool, settings: &AuthRes) -> Option<Vec<Found>> {
        if arc {
            self.word("i")?;
            self.blanks()?;
            self.exactly('=')?;
            self.blanks()?;
            let number: u32 = self.while_(|c| c.is_ascii_digit()).parse().ok()?;
            if !(1..=50).contains(&number) {
                return None;
            }
            self.blanks()?;
            self.exactly(';')?;
            self.blanks()?;
        }
        let named = self.token()?;
        let server = named.to_ascii_lowercase();
        let trusted = settings.trusted.is_empty() || settings.trusted.contains(&server);
        if self.rest.starts_with('=') || !trusted || settings.ignored.contains(&server) {
            return None;
        }
        self.blanks()?;
        if !self.while_(|c| c.is_ascii_digit()).is_empty() {
            self.blanks()?;
        }
        self.exactly(';')?;
        self.blanks()?;
        let mut results = Vec::new();
        while !self.rest.is_empty() {
            if results.len() >= MOST {
                return None;
            }
            results.push(self.one(&server)?);
        }
        Some(results)
    }

    fn one(&mut self, server: &str) -> Option<Found> {
        if let Some(rest) = self.rest.strip_prefix(server)
            && let Some(rest) = rest.trim_start().strip_prefix(';')
        {
            self.rest = rest;
            self.blanks()?;
        }
        let method = self.name()?;
        let (_, results, types) = METHODS.iter().find(|(known, ..)| *known == method)?;
        self.blanks()?;
        if self.exactly('/').is_some() {
            self.blanks()?;
            self.some(|c| c.is_ascii_digit())?;
            self.blanks()?;
        }
        self.exactly('=')?;
        self.blanks()?;
        let result = self.some(is_word)?;
        if !holds(results, result) {
            return None;
        }
        self.blanks()?;
        for aside in ["reason", "action"] {
            if self.word(aside).is_some() {
                self.blanks()?;
                self.exactly('=')?;
                self.blanks()?;
                self.quoted().or_else(|| self.token().map(str::to_owned))?;
                self.blanks()?;
            }
        }
        let mut properties = Vec::new();
        while !self.rest.is_empty() && !self.ended()? {
            properties.push(self.property(types)?);
            if self.ended()? {
                break;
            }
        }
        Some(Found {
            server: server.to_owned(),
            method,
            result: result.to_owned(),
            properties,
        })
    }

    /// Takes the sign between two results.
    fn ended(&mut self) -> Option<bool> {
        let ended = self.rest.is_empty() || self.exactly(';').is_some();
        if ended {
            self.blanks()?;
        }
        Some(ended)
    }

    fn property(&mut self, types: Properties) -> Option<(String, String, String)> {
        let kind = self.name()?;
        let (_, names) = types.iter().find(|(known, _)| *known == kind)?;
        self.blanks()?;
        self.exactly('.')?;
        self.blanks()?;
        let name = self.name()?;
        if *names != "*" && !holds(names, &name) {
            return None;
        }
        self.blanks()?;
        self.exactly('=')?;
        self.blanks()?;
        let value = self.quoted().or_else(|| self.value())?;
        self.blanks()?;
        Some((kind, name, value))
    }

    fn name(&mut self) -> Option<String> {
        self.some(|c| is_word(c) || c == '-').map(str::to_ascii_lowercase)
    }

    /// A value without quotes, up to a blank or the end of the result.
    fn value(&mut self) -> Option<String> {
        let atom = |c: char| c.is_ascii_alphanumeric() || "@!#$%&\\'*+-/=?^_`{|}~.".contains(c);
        let ends =
            |rest: &str| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace() || c == ';');
        let before = self.rest;
        let word = self.while_(atom);
        let dots = word.is_empty() || word.starts_with('.') || word.ends_with('.') || word.contains("..");
        if !dots && ends(self.rest) {
            return Some(word.to_owned());
        }
        self.rest = before;
        let word = self.token()?;
        ends(self.rest).then(|| word.to_owned())
    }

    fn quoted(&mut self) -> Option<String> {
        let inside = self.rest.strip_prefix('"')?;
        let mut end = inside.len();
        let mut escaped = false;
        for (at, c) in inside.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        let (text, rest) = inside.split_at(end);
        self.rest = rest.strip_prefix('"').unwrap_or(rest);
        Some(text.to_owned())
    }

    fn token(&mut self) -> Option<&'t str> {
        self.some(|c| c.is_ascii_graphic() && !"()<>@,;:/[]?=\"".contains(c))
    }

    /// A word in any case, not the beginning of a longer one.
    fn word(&mut self, word: &str) -> Option<()> {
        let start = self.rest.get(..word.len())?;
        let rest = &self.rest[word.len()..];
        let whole = start.eq_ignore_ascii_case(word) && !rest.starts_with(is_word);
        whole.then(|| self.rest = rest)
    }

    fn exactly(&mut self, sign: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(sign)?;
        Some(())
    }

    fn while_(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn some(&mut self, wanted: impl Fn(char) -> bool) -> Option<&'t str> {
        Some(self.while_(wanted)).filter(|word| !word.is_empty())
    }

    /// Skips blanks and one comment; `None` if that does not end.
    fn blanks(&mut self) -> Option<()> {
        self.rest = self.rest.trim_ascii_start();
        if !self.rest.starts_with('(') {
            return Some(());
        }
        let mut depth = 0usize;
        for (at, c) in self.rest.char_indices() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = self.rest[at + 1..].trim_ascii_start();
                return Some(());
            }
        }
        None
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str, settings: &AuthRes) -> Option<Vec<String>> {
        let results = Reader::new(value).field(value.starts_with("i="), settings)?;
        Some(results.into_iter().map(|found| format!("{found:?}")).collect())
    }

    fn brief(value: &str) -> Option<Vec<(String, String)>> {
        let results = Reader::new(value).field(value.starts_with("i="), &AuthRes::default())?;
        let pair = |found: Found| (found.method, found.result);
        Some(results.into_iter().map(pair).collect())
    }

    #[test]
    fn whole_fields_only() {
        let pair = |method: &str, result: &str| (method.to_owned(), result.to_owned());
        for (value, expected) in [
            (
                "mx.example.net; spf=pass (good) smtp.mailfrom=a@example.org; dkim=fail reason=\"no; key\" header.d=example.org",
                Some(vec![pair("spf", "pass"), pair("dkim", "fail")]),
            ),
            (
                "i=1; mx.example.net; dmarc=pass header.from=example.org",
                Some(vec![pair("dmarc", "pass")]),
            ),
            ("mx.example.net 1; dkim/1=pass", Some(vec![pair("dkim", "pass")])),
            ("mx.example.net; none", None),
            ("mx.example.net; spf=excellent", None),
            ("mx.example.net; bogus=pass", None),
            ("mx.example.net; spf=pass smtp.colour=red", None),
            ("mx.example.net; spf=pass (never ends", None),
            ("mx.example.net", None),
            ("=x; spf=pass", None),
            ("", None),
        ] {
            assert_eq!(brief(value), expected, "{value}");
        }
    }

    #[test]
    fn servers_are_believed_by_name() {
        let mut settings = AuthRes::default();
        settings.ignored.insert("evil.example".to_owned());
        assert!(read("Evil.Example; spf=pass", &settings).is_none());
        assert!(read("other.example; spf=pass", &settings).is_some());
        settings.trusted.insert("mx.example.net".to_owned());
        assert!(read("other.example; spf=pass", &settings).is_none());
        assert!(read("MX.example.net; spf=pass", &settings).is_some());
    }
}
