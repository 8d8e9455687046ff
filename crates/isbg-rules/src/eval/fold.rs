//! Text as a reader sees it: look-alike letters made Latin, invisible characters gone. Does not know where text stands.

/// Letters of other scripts, and what Latin letter each is taken for.
const ALIKE: &[(char, char)] = &[
    ('а', 'a'),
    ('в', 'b'),
    ('е', 'e'),
    ('ё', 'e'),
    ('к', 'k'),
    ('м', 'm'),
    ('н', 'h'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('т', 't'),
    ('у', 'y'),
    ('х', 'x'),
    ('ѕ', 's'),
    ('і', 'i'),
    ('ї', 'i'),
    ('ј', 'j'),
    ('ԁ', 'd'),
    ('ԛ', 'q'),
    ('ԝ', 'w'),
    ('һ', 'h'),
    ('ӏ', 'l'),
    ('г', 'r'),
    ('п', 'n'),
    ('ь', 'b'),
    ('α', 'a'),
    ('β', 'b'),
    ('γ', 'y'),
    ('ε', 'e'),
    ('η', 'n'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('μ', 'm'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('σ', 'o'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
    ('ω', 'w'),
    ('ı', 'i'),
    ('ɑ', 'a'),
    ('ɡ', 'g'),
    ('ɩ', 'i'),
    ('ո', 'n'),
    ('օ', 'o'),
    ('ս', 'u'),
    ('հ', 'h'),
    ('ց', 'g'),
    ('զ', 'q'),
    ('ɢ', 'g'),
    ('ɪ', 'i'),
    ('ɴ', 'n'),
    ('ʀ', 'r'),
    ('ʟ', 'l'),
    ('ꓲ', 'l'),
    ('ǀ', 'l'),
];

/// Characters that take no room, marks of Semitic scripts among them: between the letters of a word they serve only to break it for programs. The soft hyphen
/// is not among them, which honest newsletters are full of.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
        | '\u{feff}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180e}' | '\u{e0000}'..='\u{e007f}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}'
        | '\u{730}'..='\u{74a}' | '\u{7a6}'..='\u{7b0}')
}

/// The Latin letter that one of the mathematical or full-width alphabets stands for.
pub(super) fn styled(c: char) -> Option<char> {
    let code = u32::from(c);
    let at = match code {
        0x1_d400..=0x1_d6a3 => (code - 0x1_d400) % 26,
        0x1_f130..=0x1_f149 => code - 0x1_f130,
        0x1_f150..=0x1_f169 => code - 0x1_f150,
        0x1_f170..=0x1_f189 => code - 0x1_f170,
        0x24b6..=0x24cf => code - 0x24b6,
        0x24d0..=0x24e9 => code - 0x24d0,
        0xff21..=0xff3a => code - 0xff21,
        0xff41..=0xff5a => code - 0xff41,
        _ => return None,
    };
    char::from_u32(u32::from(b'a') + at)
}

/// The Latin letter that a letter of another script is taken for.
pub(super) fn alike(c: char) -> Option<char> {
    ALIKE
        .iter()
        .find(|(other, _)| *other == c)
        .map(|(_, latin)| *latin)
}

/// A letter with an accent as the bare one.
fn bare(c: char) -> char {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' | 'į' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'š' | 'ś' | 'ş' | 'ș' => 's',
        'ž' | 'ź' | 'ż' => 'z',
        'ğ' => 'g',
        'ł' => 'l',
        'ď' => 'd',
        'ţ' | 'ț' | 'ť' => 't',
        'ř' => 'r',
        c => c,
    }
}

/// Lower case, without accents, invisible and combining characters, look-alikes made Latin, and every run of what is
/// neither letter nor digit one blank.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(c.to_ascii_lowercase());
            continue;
        }
        if c.is_ascii() {
            gap = true;
            continue;
        }
        if is_invisible(c) || matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{fe00}'..='\u{fe0f}') {
            continue;
        }
        let letter = styled(c).unwrap_or_else(|| {
            let lower = c.to_lowercase().next().unwrap_or(c);
            alike(lower).unwrap_or_else(|| bare(lower))
        });
        if letter.is_alphanumeric() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            out.push(letter);
        } else {
            gap = true;
        }
    }
    out
}

/// Whether `text`, folded, holds these folded words next to each other.
pub(super) fn has_words(text: &str, words: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memmem::find_iter(bytes, words.as_bytes()).any(|at| {
        let end = at + words.len();
        (at == 0 || bytes[at - 1] == b' ') && (end == bytes.len() || bytes[end] == b' ')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding() {
        for (text, folded) in [
            ("PayPal — Support!", "paypal support"),
            ("Aܿmܿaܿzܿoܿn", "amazon"),
            ("Раураl", "paypal"),
            ("𝗔𝗺𝗮𝘇𝗼𝗻 ＵＰＳ", "amazon ups"),
            ("Net\u{200b}flix", "netflix"),
            ("Crédit Agricole", "credit agricole"),
            ("  ", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn words() {
        assert!(has_words("your paypal account", "paypal") && has_words("trust wallet", "trust wallet"));
        assert!(!has_words("paypals", "paypal") && !has_words("groups", "ups") && !has_words("", "ups"));
    }
}
