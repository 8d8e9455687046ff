//! Text and numbers from outside. Does not know which scorer they came from.

use isbg_types::{Score, Untrusted};

/// Foreign text is cut to this many terminal columns.
const MAX_COLUMNS: usize = 160;

/// Foreign text, safe to print and short.
pub(crate) fn foreign(text: &str) -> String {
    Untrusted(text.trim()).clipped(MAX_COLUMNS)
}

/// A plain decimal number: neither `inf` nor `1e9`, which no scorer means.
pub(crate) fn points(text: &str) -> Option<Score> {
    let text = text.trim();
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers() {
        assert_eq!(points(" -2.6 "), Some(Score(-2_600)));
        assert_eq!(points("+5"), Some(Score(5_000)));
        for text in ["", "-", ".", "5,0", "inf", "NaN", "1e3", "0x5", "5 5"] {
            assert_eq!(points(text), None, "{text}");
        }
    }
}
