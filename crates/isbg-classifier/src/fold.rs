//! Folds text to what a reader sees: compatibility forms, accents, look-alike letters and invisible characters. Does not
//! know languages: the folded text is for counting, never for showing.

use unicode_normalization::char::decompose_compatible;

/// `text` folded and in lower case, at most `cap` bytes of it (cut between characters), white space as single spaces.
pub(crate) fn fold(text: &str, cap: usize) -> String {
    let mut out = Folded {
        text: String::with_capacity(text.len().min(cap)),
        cap,
        after_space: true,
    };
    for letter in text.chars() {
        if out.text.len() >= out.cap {
            break;
        }
        if letter.is_ascii() {
            out.push(letter.to_ascii_lowercase());
        } else {
            // One at a time: what a combination of letters would change is dropped below.
            decompose_compatible(letter, |part| {
                visible(part)
                    .into_iter()
                    .flat_map(char::to_lowercase)
                    .for_each(|letter| out.push(letter));
            });
        }
    }
    out.text
}

struct Folded {
    text: String,
    cap: usize,
    after_space: bool,
}

impl Folded {
    fn push(&mut self, letter: char) {
        let space = letter.is_whitespace() || letter.is_control();
        if self.text.len() + letter.len_utf8() > self.cap {
            self.cap = self.text.len();
        } else if !space {
            self.text.push(letter);
        } else if !self.after_space {
            self.text.push(' ');
        }
        self.after_space = space;
    }
}

/// The letter as a reader sees it; nothing for one that is not seen.
fn visible(letter: char) -> Option<char> {
    match letter {
        // Combining marks, soft hyphen, joiners and directions, variation selectors, tags.
        '\u{300}'..='\u{36f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{e0000}'..='\u{e01ef}' => None,
        _ => Some(look_alike(letter)),
    }
}

/// The Latin letter that a Greek, Cyrillic, Armenian or Cherokee one is drawn like, after the "confusables" of Unicode
/// Technical Standard 39: only pairs that are the same glyph in common fonts.
fn look_alike(letter: char) -> char {
    match letter {
        'а' | 'α' | 'ɑ' => 'a',
        'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'є' => 'e',
        'ɡ' | 'ց' => 'g',
        'һ' | 'հ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' | 'ϳ' => 'j',
        'κ' | 'к' => 'k',
        'ӏ' | 'ⅼ' => 'l',
        'ո' => 'n',
        'о' | 'ο' | 'օ' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'А' | 'Α' | 'Ꭺ' => 'A',
        'В' | 'Β' | 'Ᏼ' => 'B',
        'С' | 'Ϲ' | 'Ꮯ' => 'C',
        'Е' | 'Ε' | 'Ꭼ' => 'E',
        'Н' | 'Η' | 'Ꮋ' => 'H',
        'І' | 'Ι' | 'Ӏ' => 'I',
        'Ј' | 'Ꭻ' => 'J',
        'К' | 'Κ' | 'Ꮶ' => 'K',
        'М' | 'Μ' | 'Ꮇ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' | 'Օ' => 'O',
        'Р' | 'Ρ' | 'Ꮲ' => 'P',
        'Ѕ' | 'Ꮪ' => 'S',
        'Т' | 'Τ' | 'Ꭲ' => 'T',
        'Ս' => 'U',
        'Ѵ' | 'Ꮩ' => 'V',
        'Ԝ' | 'Ꮃ' => 'W',
        'Х' | 'Χ' => 'X',
        'У' | 'Υ' => 'Y',
        'Ζ' | 'Ꮓ' => 'Z',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguises_fall_together() {
        for disguised in [
            "V\u{200b}iа\u{ad}gra",
            "Ｖｉａｇｒａ",
            "𝐕𝐢𝐚𝐠𝐫𝐚",
            "Víágrà",
            "Vιagra",
        ] {
            assert_eq!(fold(disguised, 100), "viagra", "{disguised:?}");
        }
    }

    #[test]
    fn white_space_and_caps() {
        assert_eq!(fold(" a \r\n\t b\u{a0}\u{3000}c ", 100), "a b c ");
        assert_eq!(fold("ÄÖÜ", 2), "ao");
        assert_eq!(fold("日本語", 7), "日本");
    }
}
