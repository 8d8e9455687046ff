//! Words written so that a reader sees them and a program does not: scripts mixed, letters from odd alphabets, invisible
//! characters, text hidden by its look. Does not know what the words mean.

use super::{Call, Function, fold, links};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[("check_isbg_disguise", check)];

/// So much of a text is looked at.
const TEXT_BYTES: usize = 30_000;

/// Words in which a capital I stands for a small l, or a digit for a letter, once that is undone.
const SENSITIVE: &[&str] = &[
    "account",
    "accounts",
    "alert",
    "activity",
    "amazon",
    "apple",
    "billing",
    "cancel",
    "click",
    "confirm",
    "could",
    "customer",
    "delivery",
    "email",
    "facebook",
    "fidelity",
    "final",
    "gmail",
    "google",
    "help",
    "ledger",
    "locked",
    "log",
    "login",
    "logged",
    "mail",
    "mailbox",
    "microsoft",
    "netflix",
    "notification",
    "official",
    "online",
    "outlook",
    "password",
    "paypal",
    "please",
    "policy",
    "portal",
    "reward",
    "security",
    "support",
    "unlock",
    "update",
    "urgent",
    "validate",
    "verify",
    "wallet",
    "will",
    "id",
    "is",
    "rewards",
    "payment",
    "bitcoin",
];

fn check(call: &Call<'_, '_>) -> bool {
    match call.argument(0) {
        "subject" => heading(call).split(char::is_whitespace).any(is_mixed),
        "name" => name(call).split(char::is_whitespace).any(is_mixed),
        "body" => {
            body(call)
                .split(char::is_whitespace)
                .filter(|word| is_mixed(word))
                .count()
                >= 2
        }
        "invisible" => {
            broken_words(&heading(call)) > 0 || broken_words(&name(call)) > 0 || broken_words(&body(call)) > 2
        }
        "styled" => styled(&heading(call)) >= 6 || styled(&name(call)) >= 4,
        "capital_i" => {
            let text = format!("{} {} {}", heading(call), name(call), body(call));
            text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_swapped)
        }
        "accented" => {
            let text = format!("{} {} {}", heading(call), name(call), body(call));
            text.split(|c: char| !c.is_alphanumeric()).any(is_accented)
        }
        "spaced" => is_spaced(&body(call)) || is_spaced(&heading(call)),
        "hidden" => hidden(call),
        "double_encoded" => double_encoded(&body(call)) >= 2,
        "short" => said(call) <= call.number(1) as usize,
        _ => false,
    }
}

fn heading(call: &Call<'_, '_>) -> String {
    call.views
        .header("Subject")
        .map_or_else(String::new, |value| String::from_utf8_lossy(value).into_owned())
}

fn name(call: &Call<'_, '_>) -> String {
    super::sender::sender(call).name.clone()
}

fn body<'a>(call: &'a Call<'_, '_>) -> std::borrow::Cow<'a, str> {
    let text = &call.state.body(call.views).text;
    String::from_utf8_lossy(&text[..text.len().min(TEXT_BYTES)])
}

/// A word of Latin letters with look-alikes of another script among them.
fn is_mixed(word: &str) -> bool {
    if word.is_ascii() {
        return false;
    }
    let (mut latin, mut alike, mut other) = (0, 0, 0);
    for c in word.chars().filter(|c| c.is_alphabetic()) {
        let lower = c.to_lowercase().next().unwrap_or(c);
        let is_foreign = matches!(lower, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}');
        match is_foreign {
            true if fold::alike(lower).is_some() => alike += 1,
            true => other += 1,
            false if c.is_ascii() => latin += 1,
            false => {}
        }
    }
    latin >= 2 && alike >= 1 && other == 0
}

/// Places where an invisible character stands between two Latin letters.
fn broken_words(text: &str) -> usize {
    if text.is_ascii() {
        return 0;
    }
    let (mut before, mut hidden, mut found) = (' ', false, 0);
    for c in text.chars() {
        if fold::is_invisible(c) {
            hidden = true;
            continue;
        }
        found += usize::from(hidden && before.is_ascii_alphabetic() && c.is_ascii_alphabetic());
        (before, hidden) = (c, false);
    }
    found
}

fn styled(text: &str) -> usize {
    text.chars().filter(|c| fold::styled(*c).is_some()).count()
}

/// A word that becomes a sensitive one once a capital I is a small l, or a digit the letter it looks like.
fn is_swapped(word: &str) -> bool {
    let odd = word.bytes().skip(1).any(|b| b == b'I') && word.bytes().any(|b| b.is_ascii_lowercase())
        || word.starts_with('I') && word.len() > 2 && !word.ends_with(|c: char| c.is_ascii_uppercase())
        || word == "lD"
        || word.bytes().any(|b| matches!(b, b'0' | b'1' | b'3' | b'5'))
            && word.bytes().filter(u8::is_ascii_alphabetic).count() >= 4;
    if !odd || word.len() > 14 {
        return false;
    }
    let plain = |c: char| match c {
        'I' | '1' => 'l',
        '0' => 'o',
        '3' => 'e',
        '5' => 's',
        c => c.to_ascii_lowercase(),
    };
    let read: String = if word == "lD" {
        "id".to_owned()
    } else {
        word.chars().map(plain).collect()
    };
    SENSITIVE.contains(&read.as_str()) && !SENSITIVE.contains(&word.to_ascii_lowercase().as_str())
        || word == "lD"
}

/// A sensitive English word with an accent in it. Words that other languages write so are too short to count.
fn is_accented(word: &str) -> bool {
    const OTHERS: &[&str] = &[
        "final", "portal", "online", "official", "policy", "locked", "activity", "urgent", "validate",
        "fidelity", "email",
    ];
    if word.is_ascii() || word.chars().count() < 5 {
        return false;
    }
    let folded = fold::fold(word);
    let latin = word
        .chars()
        .all(|c| c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}'));
    latin && SENSITIVE.contains(&folded.as_str()) && !OTHERS.contains(&folded.as_str())
}

/// Six single letters one by one: a word with blanks in it.
fn is_spaced(text: &str) -> bool {
    let (mut run, mut found) = (0, false);
    for word in text.split(' ') {
        let single = word.len() == 1 && word.bytes().all(|b| b.is_ascii_lowercase());
        run = if single { run + 1 } else { 0 };
        found |= run >= 4;
    }
    found
}

/// UTF-8 that was taken for Latin-1 and encoded once more.
fn double_encoded(text: &str) -> usize {
    [
        "\u{c3}\u{a4}",
        "\u{c3}\u{bc}",
        "\u{c3}\u{b6}",
        "\u{c3}\u{a9}",
        "\u{c3}\u{a3}",
        "\u{c3}\u{192}",
        "\u{e2}\u{201a}",
        "\u{e2}\u{20ac}",
        "\u{c3}\u{a7}",
    ]
    .iter()
    .map(|broken| text.matches(broken).count())
    .sum()
}

/// More text is hidden than can be seen. A hidden preview line, and what is there twice for wide and narrow screens, stay
/// below that.
fn hidden(call: &Call<'_, '_>) -> bool {
    let (hidden, all) = call.views.html().fold((0, 0), |(hidden, all), html| {
        (hidden + html.hidden_length, all + html.non_space_len)
    });
    hidden > 600 && hidden * 2 > all
}

/// Letters and digits of the text without the subject.
fn said(call: &Call<'_, '_>) -> usize {
    let subject = fold::fold(&heading(call));
    let text = links::text(call);
    let rest = text.strip_prefix(subject.as_str()).unwrap_or(text);
    rest.chars().filter(|c| c.is_alphanumeric()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_words() {
        for (word, is) in [
            ("p\u{430}ypal", true),
            ("Micr\u{43e}soft", true),
            ("\u{43f}\u{440}\u{438}\u{432}\u{435}\u{442}", false),
            ("paypal", false),
            ("\u{3bc}Torrent\u{434}", false),
            ("Müller", false),
        ] {
            assert_eq!(is_mixed(word), is, "{word}");
        }
    }

    #[test]
    fn invisible_characters() {
        assert_eq!(broken_words("pay\u{200b}pal Ama\u{73f}zon"), 2);
        assert_eq!(broken_words("preview \u{200c} \u{200c} text\u{ad}teil"), 0);
    }

    #[test]
    fn swapped_letters() {
        for word in [
            "Iogin", "Iog", "CouId", "PayPaI", "supp0rt", "acc0unt", "lD", "EmaiI",
        ] {
            assert!(is_swapped(word), "{word}");
        }
        for word in [
            "login", "ID", "Is", "LinkedIn", "IBM", "I", "Il", "2024", "covid19", "ILL", "Ill",
        ] {
            assert!(!is_swapped(word), "{word}");
        }
    }

    #[test]
    fn accented_words() {
        assert!(is_accented("w\u{e1}llet") && is_accented("Acc\u{f6}unt"));
        for word in [
            "wallet",
            "p\u{f3}rtal",
            "\u{e9}mail",
            "validat\u{e9}",
            "Konto\u{fc}bersicht",
        ] {
            assert!(!is_accented(word), "{word}");
        }
    }

    #[test]
    fn spaced_words() {
        assert!(is_spaced("a w i n n e r") && !is_spaced("S A L E") && !is_spaced("a b c"));
    }
}
