//! The translator against perl itself: the same patterns over the same texts must match equally often. Uses the perl
//! on the machine; where there is none these tests have nothing to say.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use super::ast::Node;
use super::{Pattern, PatternError, Program, set::other_case};
use crate::load::{Sources, load};
use crate::ruleset::{Source, Test};

/// Counts matches as SpamAssassin would: patterns compiled with `/aa`, on strings of bytes, warnings being errors.
const SCRIPT: &str = r#"
use strict; use warnings; binmode STDIN; binmode STDOUT;
my ($last, $re, $bad) = ("\0", undef, 0);
while (my $line = <STDIN>) {
    chomp $line;
    my ($pattern, $text) = map { pack("H*", $_) } split(/ /, $line, -1);
    if ($pattern ne $last) {
        $last = $pattern;
        local $SIG{__WARN__} = sub { die $_[0] unless $_[0] =~ /deprecated/i };
        $bad = !eval { $re = qr/$pattern/aa; 1 };
    }
    if ($bad) { print "E\n"; next }
    my $count = () = $text =~ /$re/g;
    print "$count\n";
}
"#;

/// What perl says of each pair: `None` where it refuses the pattern.
fn ask_perl(pairs: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<Option<usize>>> {
    let mut perl = Command::new("perl")
        .args(["-e", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = perl.stdin.take()?;
    let mut output = perl.stdout.take()?;
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let request: String = pairs
        .iter()
        .map(|(pattern, text)| format!("{} {}\n", hex(pattern), hex(text)))
        .collect();
    let writer = std::thread::spawn(move || input.write_all(request.as_bytes()));
    let mut answer = String::new();
    output.read_to_string(&mut answer).unwrap();
    writer.join().unwrap().unwrap();
    perl.wait().unwrap();
    let counts: Vec<Option<usize>> = answer.lines().map(|line| line.parse().ok()).collect();
    assert_eq!(counts.len(), pairs.len(), "perl stopped early");
    Some(counts)
}

/// A small generator of numbers that needs no seed from outside.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }
}

/// A text that the piece is likely to match.
fn sample(node: &Node, dice: &mut Dice, out: &mut Vec<u8>) {
    if out.len() > 2_000 {
        return;
    }
    match node {
        Node::Empty | Node::Assert(_) | Node::Look { .. } | Node::Backreference { .. } | Node::Keep => {}
        Node::Bytes(set) => {
            let members: Vec<u8> = set.iter().collect();
            let printable: Vec<u8> = members.iter().copied().filter(u8::is_ascii_graphic).collect();
            let pool = if printable.is_empty() || dice.roll(8) == 0 {
                &members
            } else {
                &printable
            };
            out.extend(pool.get(dice.roll(pool.len())));
        }
        Node::Concat(nodes) => {
            for node in nodes {
                sample(node, dice, out);
            }
        }
        Node::Alternate(nodes) => sample(&nodes[dice.roll(nodes.len())], dice, out),
        Node::Repeat { node, min, max, .. } => {
            let spare = max.map_or(3, |max| (max - min).min(3)) as usize;
            for _ in 0..(*min as usize).min(300) + dice.roll(spare + 1) {
                sample(node, dice, out);
            }
        }
        Node::Capture { node, .. } | Node::Atomic(node) => sample(node, dice, out),
    }
}

fn texts(pattern: &Pattern, dice: &mut Dice, how_many: usize) -> Vec<Vec<u8>> {
    (0..how_many)
        .map(|round| {
            let mut text = Vec::new();
            sample(&pattern.node, dice, &mut text);
            let at = dice.roll(text.len());
            match round % 8 {
                1 => text.push(b'\n'),
                2 if !text.is_empty() => drop(text.remove(at)),
                3 => text.iter_mut().for_each(|b| *b = other_case(*b)),
                4 => text.insert(0, [b'x', b' ', b'<', 0xe9][dice.roll(4)]),
                5 => text.extend([b'z', b' ', b'\n', 0xc9].get(dice.roll(4))),
                6 if !text.is_empty() => text[at] = [b'\n', b'_', 0xd7, b'0'][dice.roll(4)],
                7 => text = [text.as_slice(), b"\n", text.as_slice()].concat(),
                _ => {}
            }
            text
        })
        .collect()
}

/// Compares over generated texts and tells what differs.
fn differences(patterns: &[Vec<u8>], texts_each: usize) -> Vec<String> {
    let mut dice = Dice(7);
    let mut pairs = Vec::new();
    for pattern in patterns {
        match Pattern::plain(pattern, Default::default()) {
            Ok(read) => {
                let texts = texts(&read, &mut dice, texts_each);
                pairs.extend(texts.into_iter().map(|text| (pattern.clone(), text)));
            }
            Err(_) => pairs.push((pattern.clone(), Vec::new())),
        }
    }
    let Some(theirs) = ask_perl(&pairs) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut last: Option<(&Vec<u8>, Result<Program, PatternError>)> = None;
    for (pair, theirs) in pairs.iter().zip(theirs) {
        let (pattern, text) = pair;
        let compiled = match &last {
            Some((known, compiled)) if *known == pattern => compiled,
            _ => {
                let read = Pattern::plain(pattern, Default::default());
                &last.insert((pattern, read.and_then(|p| p.compile()))).1
            }
        };
        let ours = compiled
            .as_ref()
            .ok()
            .map(|program| program.count(text, usize::MAX));
        let same = match (&ours, theirs) {
            (Some(Ok(ours)), Some(theirs)) => *ours == theirs,
            (None, None) => true,
            _ => false,
        };
        if !same {
            found.push(format!(
                "{} on {:?}: perl {theirs:?}, ours {ours:?} {:?}",
                String::from_utf8_lossy(&pattern[..pattern.len().min(300)]),
                String::from_utf8_lossy(text),
                compiled.as_ref().err()
            ));
        }
    }
    found
}

#[test]
fn dialect_as_perl_reads_it() {
    let patterns: Vec<Vec<u8>> = DIALECT.iter().map(|text| text.to_vec()).collect();
    let found = differences(&patterns, 40);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Every pattern of the rule files on this machine, its tags replaced, with texts that it is likely to match.
#[test]
fn rule_files_as_perl_reads_them() {
    let folders = ["/usr/share/spamassassin", "/etc/spamassassin"].map(std::path::PathBuf::from);
    let Ok(rules) = load(&Sources::of(folders.to_vec())) else {
        return;
    };
    let patterns: Vec<Vec<u8>> = rules.rules.iter().filter_map(|rule| source(&rule.test)).collect();
    assert!(patterns.len() > 1_000);
    let found = differences(&patterns, 3);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// The pattern of a rule with its modifiers in front; none where it holds what another rule captures.
fn source(test: &Test) -> Option<Vec<u8>> {
    let source: &Source = match test {
        Test::Header(test) | Test::MimeHeader(test) => &test.pattern,
        Test::Text { pattern, .. } => pattern,
        _ => return None,
    };
    let flags = [
        (source.flags.ignore_case, "i"),
        (source.flags.multi_line, "m"),
        (source.flags.dot_all, "s"),
        (source.flags.extended, "x"),
    ];
    let letters: String = flags
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, letter)| *letter)
        .collect();
    let front = if letters.is_empty() {
        String::new()
    } else {
        format!("(?{letters})")
    };
    source
        .templates
        .is_empty()
        .then(|| [front.as_bytes(), &source.text].concat())
}

/// One pattern for each thing of the dialect that could go wrong.
const DIALECT: &[&[u8]] = &[
    b"a\\<b\\>c",
    b"\\bfoo\\b",
    b"x$",
    b"x\\Z",
    b"x\\z",
    b"^x$",
    b"(?m)^x$",
    b"(?m)x$y?",
    b"(?m)^$",
    b"(?m)^",
    b"x$\n?",
    b"(?:a|b$)c?",
    b"[\\w.-]+@",
    b"[]a]",
    b"[^]a]",
    b"[a\\]b]",
    b"[[]",
    b"[a&&b]",
    b"[a~~b]",
    b"[a--b]",
    b"[+--]",
    b"[[:alpha:]]+[[:^digit:]]",
    b"[[:punct:]]",
    b"(?i)[[:upper:]]",
    b"[\\d-]",
    b"a{2}",
    b"a{2,}",
    b"a{,2}b",
    b"a{2,3}b",
    b"a{b}",
    b"a{2",
    b"{x}",
    b"a{ 1, 2 }b",
    b"x\\x41\\x{42}",
    b"\\x4",
    b"\\101\\0\\07",
    b"\\e\\a\\t\\f\\r\\cA\\c[",
    b"[\\b]",
    b"\\_\\-\\@\\%",
    b"(?i)\xe9t\xe9",
    b"(?i)[\xc0-\xc5]x",
    b"(?i)\xd7\xf7\xdf\xff\xb5",
    b"(?i)[^\xe9]",
    b"\\s\\S\\v\\h",
    b"[\\s\\x0b]",
    b"\\H\\V\\D\\W",
    b".",
    b"(?s).",
    b"\\N",
    b"\\R",
    b"a.c",
    b"(?x) a b # comment\n c",
    b"(?x)[a b]",
    b"(?xx)[a b]",
    b"(?#note)a",
    b"a(?i)b(?-i)c",
    b"(?i:a)b",
    b"(?:a(?i)b|c)d",
    b"(?^i:a)b",
    b"(a)\\1",
    b"(a|b)\\1",
    b"(?i)(ab)\\1",
    b"(?<n>a)\\k<n>",
    b"(?P<n>a)(?P=n)",
    b"(a)\\g1\\g{1}\\g{-1}",
    b"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10",
    b"(a)\\10",
    b"a(?=b)",
    b"a(?!b)",
    b"(?<=a)b",
    b"(?<!a)b",
    b"(?>a+)b",
    b"a++b",
    b"a?+a",
    b"a*?b",
    b"(?:a|ab)(?:c|bcd)",
    b"(?:ab){2,3}",
    b"(a*)*",
    b"(?:a?){3}b",
    b"\\Aab",
    b"a\\Kb",
    b"(?n)(a)b",
    b"a|",
    b"(?:|a)b",
    b"()a",
    b"(?i)k\\x{212a}",
    b"\\x{100}|a",
    b"a**",
    b"*a",
    b"a{2}{3}",
    b"(a",
    b"a)",
    b"[a",
    b"[z-a]",
    b"[\\w-z]",
    b"\\y",
    b"[\\y]",
    b"\\2(a)",
    b"[[:foo:]]",
    b"(?<1>a)",
    b"\\",
    b"a{3,2}",
    b"(?i)[\\xe0-\\xe5]{2}$",
    b"\\$\\^\\|",
    b"[$^|]",
    b"a#b",
    b"[#]",
    b"\\#",
    b"[\\x00-\\x1f\\x7f-\\xff]",
    b"(?s)a.{0,5}b",
    b"^(?:\\s|$)",
    b"\\w+\\W+\\w",
    b"(?<!\\w)a",
    b"(?=.*a)(?=.*b)",
    b"(?!^a)b",
    b"(.)\\1{2}",
    b"[\\[\\]]",
    b"[a-]",
    b"[-a]",
    b"[^-]",
];
