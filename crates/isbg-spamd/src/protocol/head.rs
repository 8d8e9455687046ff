//! A request's first line and headers. Does not read from anywhere.

use isbg_types::Class;

use super::Fault;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The verdict alone.
    Check,
    /// The verdict and the names of the rules.
    Symbols,
    /// The verdict and the report.
    Report,
    /// The verdict, and the report if it is spam.
    ReportIfSpam,
    /// The verdict and the rewritten message.
    Process,
    /// The verdict and the rewritten message's header.
    Headers,
    /// A lesson.
    Tell,
    /// Whether anybody is there.
    Ping,
    /// Nothing after all.
    Skip,
}

/// The words on the wire.
const VERBS: [(&str, Verb); 9] = [
    ("CHECK", Verb::Check),
    ("SYMBOLS", Verb::Symbols),
    ("REPORT", Verb::Report),
    ("REPORT_IFSPAM", Verb::ReportIfSpam),
    ("PROCESS", Verb::Process),
    ("HEADERS", Verb::Headers),
    ("TELL", Verb::Tell),
    ("PING", Verb::Ping),
    ("SKIP", Verb::Skip),
];

impl Verb {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        VERBS
            .iter()
            .find(|(_, verb)| *verb == self)
            .map_or("", |(word, _)| word)
    }
}

/// The version of the protocol that the client speaks, which decides what an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Version(f64);

impl Version {
    /// Reads the number that `text` begins with; 0 where there is none, as spamd does.
    fn read(text: &str) -> Self {
        let whole = text.bytes().take_while(u8::is_ascii_digit).count();
        let fraction = text[whole..]
            .strip_prefix('.')
            .map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_digit).count());
        Self(text[..whole + fraction].parse().unwrap_or_default())
    }

    /// Whether requests have headers. Without, the message begins after the first line.
    pub fn has_headers(self) -> bool {
        self.0 > 1.0
    }

    /// Whether a rewritten message comes with its length.
    pub fn has_length(self) -> bool {
        self.0 >= 1.2
    }

    /// Whether every body comes with its length, and a rewritten message with the verdict.
    pub fn has_verdict(self) -> bool {
        self.0 >= 1.3
    }
}

/// What a request says before its message.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// What is asked for.
    pub verb: Verb,
    /// The client's version.
    pub version: Version,
    /// Bytes of the message as it is sent; without it the message ends where the client stops sending.
    pub content_length: Option<u64>,
    /// Whose mail it is, as the client says. Without control characters.
    pub user: Option<String>,
    /// Whether the message is compressed with zlib.
    pub compressed: bool,
    /// The class to learn the message as.
    pub class: Class,
    /// Whether the local and the remote databases are to learn it.
    pub set: Databases,
    /// Whether they are to forget it.
    pub remove: Databases,
}

/// Where a lesson goes: what learns here, and what others keep together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Databases {
    /// This server's.
    pub local: bool,
    /// Those elsewhere; there are none here.
    pub remote: bool,
}

impl Databases {
    fn read(value: &str) -> Self {
        let names = |wanted: &str| value.split(',').any(|name| name.trim() == wanted);
        Self {
            local: names("local"),
            remote: names("remote"),
        }
    }
}

/// Reads the first line, without its line end. The verb may stand anywhere in it, as for spamd.
///
/// # Errors
/// [`Fault::Protocol`] where there is no request in it.
pub fn request_line(line: &[u8]) -> Result<Head, Fault> {
    let line = String::from_utf8_lossy(line);
    let found = line.match_indices(" SPAMC/").find_map(|(at, mark)| {
        // Of the words that end alike the longest is meant.
        let verb = VERBS
            .iter()
            .filter(|(word, _)| line[..at].ends_with(word))
            .max_by_key(|(word, _)| word.len())?;
        Some((verb.1, Version::read(&line[at + mark.len()..])))
    });
    let (verb, version) = found.ok_or_else(|| Fault::Protocol(line.into_owned()))?;
    Ok(Head {
        verb,
        version,
        content_length: None,
        user: None,
        compressed: false,
        class: Class::Ham,
        set: Databases::default(),
        remove: Databases::default(),
    })
}

/// Takes in one header line, which ends with CR LF as its sender must know. `false`: it is the empty line at their end.
///
/// # Errors
/// [`Fault::Protocol`] where it is no header, or has no usable value.
pub fn header(head: &mut Head, line: &[u8]) -> Result<bool, Fault> {
    let fault = |why: &str| Fault::Protocol(format!("({why})"));
    let no_header = || fault("header not in 'Name: value' format");
    let line = line.strip_suffix(b"\r\n").ok_or_else(no_header)?;
    if line.is_empty() {
        return Ok(false);
    }
    let line = String::from_utf8_lossy(line);
    let (name, value) = line
        .split_once(':')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(no_header)?;
    let value = value.trim_start_matches([' ', '\t']);
    match name {
        "Content-length" => {
            if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(fault("Content-Length contains non-numeric bytes"));
            }
            // More than 2^64 bytes are too many as well.
            head.content_length = Some(value.parse().unwrap_or(u64::MAX));
        }
        "User" if value.chars().any(char::is_control) => {
            return Err(fault("User header contains control chars"));
        }
        "User" => head.user = Some(value.to_owned()).filter(|user| !user.is_empty()),
        "Compress" if value == "zlib" => head.compressed = true,
        "Compress" => return Err(fault(&format!("compression type not supported: {value}"))),
        "Message-class" => head.class = if value == "spam" { Class::Spam } else { Class::Ham },
        "Set" => head.set = Databases::read(value),
        "Remove" => head.remove = Databases::read(value),
        _ => {}
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Head, Fault> {
        let mut head = request_line(lines[0].as_bytes())?;
        for line in &lines[1..] {
            assert!(header(&mut head, format!("{line}\r\n").as_bytes())?);
        }
        Ok(head)
    }

    #[test]
    fn the_verb_may_stand_anywhere() {
        for (line, verb) in [
            ("CHECK SPAMC/1.5", Verb::Check),
            ("xyzCHECK SPAMC/1.5 foo", Verb::Check),
            ("REPORT SPAMC/1.2", Verb::Report),
            ("REPORT_IFSPAM SPAMC/1.2", Verb::ReportIfSpam),
            ("X SPAMC/1 TELL SPAMC/1.5", Verb::Tell),
        ] {
            assert_eq!(read(&[line]).unwrap().verb, verb, "{line}");
        }
        for line in [
            "",
            "CHECK",
            "check SPAMC/1.5",
            "CHECK  SPAMC/1.5",
            "CHECKED SPAMC/1.5",
            "FROB SPAMC/1.5",
        ] {
            assert_eq!(read(&[line]), Err(Fault::Protocol(line.to_owned())));
        }
    }

    #[test]
    fn versions_are_numbers() {
        let version = |text: &str| read(&[&format!("CHECK SPAMC/{text}")]).unwrap().version;
        assert!(!version("1.0").has_headers() && !version("1").has_headers() && !version("x").has_headers());
        assert!(version("1.1").has_headers() && !version("1.1").has_length());
        assert!(version("1.2").has_length() && !version("1.2").has_verdict());
        assert!(version("1.3").has_verdict() && version("2").has_verdict() && version("1.5 x").has_verdict());
        assert!(version(&"9".repeat(1_000)).has_verdict());
    }

    #[test]
    fn headers() {
        let head = read(&[
            "TELL SPAMC/1.5",
            "Content-length:\t 17",
            "User: a b",
            "Compress: zlib",
            "Message-class: spam",
            "Set: local, remote",
            "Remove: remote",
            "content-length: 5",
            "X: y",
        ])
        .unwrap();
        assert_eq!(
            (head.content_length, head.user.as_deref()),
            (Some(17), Some("a b"))
        );
        assert!(head.compressed && head.class == Class::Spam);
        assert!(head.set.local && head.set.remote && !head.remove.local && head.remove.remote);
        assert_eq!(
            read(&["CHECK SPAMC/1.5", "Message-class: SPAM"]).unwrap().class,
            Class::Ham
        );
        let huge = read(&["CHECK SPAMC/1.5", "Content-length: 99999999999999999999"]).unwrap();
        assert_eq!(huge.content_length, Some(u64::MAX));
    }

    #[test]
    fn what_is_no_header() {
        for line in [
            "foo",
            ": x",
            "Content-length: x",
            "Content-length: ",
            "Content-length: -5",
            "Content-length: 5 ",
            "User: a\u{1}b",
            "Compress: gzip",
        ] {
            assert!(
                matches!(read(&["CHECK SPAMC/1.5", line]), Err(Fault::Protocol(_))),
                "{line}"
            );
        }
        let mut head = request_line(b"CHECK SPAMC/1.5").unwrap();
        assert!(
            header(&mut head, b"User: x\n").is_err(),
            "a lone LF ends no header"
        );
        assert_eq!(header(&mut head, b"\r\n"), Ok(false));
    }
}
