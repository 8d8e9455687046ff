//! Text from outside made safe for a terminal or a log line. Does not interpret the text in any other way.

use std::fmt;

use unicode_width::UnicodeWidthChar;

/// Text from a message, a server or a file. Its `Display` escapes everything that could act on a terminal or forge a
/// line (C0 and C1 controls, DEL, line and paragraph separators, bidi and zero-width controls), so it is the only way
/// such text is printed.
#[derive(Clone, Copy)]
pub struct Untrusted<'a>(pub &'a str);

impl Untrusted<'_> {
    /// The escaped text, cut to `columns` terminal columns (with `…` as the last one where something was cut off).
    pub fn clipped(&self, columns: usize) -> String {
        let full = self.to_string();
        let width = |c: char| c.width().unwrap_or(0);
        if full.chars().map(width).sum::<usize>() <= columns {
            return full;
        }
        let mut used = 1;
        let mut text: String = full
            .chars()
            .take_while(|c| {
                used += width(*c);
                used <= columns
            })
            .collect();
        if columns > 0 {
            text.push('…');
        }
        text
    }
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}'               // line, paragraph separator
            | '\u{200b}'..='\u{200f}'             // zero width, LRM, RLM
            | '\u{202a}'..='\u{202e}'             // bidi embeddings and overrides
            | '\u{2060}'..='\u{206f}'             // word joiner, bidi isolates
            | '\u{061c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}') // tags
}

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for c in self.0.chars() {
            match c {
                '\t' => f.write_char(' ')?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                c if acts(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_controls_are_spelled_out() {
        for text in [
            "\x1b[2J",
            "\x1b]52;c;aGk=\x07",
            "a\rb",
            "a\nb",
            "\u{202e}gpj",
            "\u{9b}2J",
            "\x7f",
            "\u{200b}",
        ] {
            let shown = Untrusted(text).to_string();
            assert!(shown.chars().all(|c| !acts(c)), "{shown:?}");
        }
        assert_eq!(Untrusted("Grüße, 世界").to_string(), "Grüße, 世界");
    }

    #[test]
    fn clipped_by_width() {
        assert_eq!(Untrusted("abcdef").clipped(6), "abcdef");
        assert_eq!(Untrusted("abcdefg").clipped(6), "abcde…");
        assert_eq!(Untrusted("世界世界").clipped(5), "世界…");
    }
}
