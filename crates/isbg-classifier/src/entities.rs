//! Character references of HTML. Knows the few names that mail uses, and all numbers.

use memchr::memchr;

/// Appends `text` with its character references decoded.
pub(crate) fn push_text(out: &mut String, mut text: &str) {
    while let Some(start) = memchr(b'&', text.as_bytes()) {
        out.push_str(&text[..start]);
        text = &text[start..];
        match reference(text) {
            Some((letter, length)) => {
                out.push(letter);
                text = &text[length..];
            }
            None => {
                out.push('&');
                text = &text[1..];
            }
        }
    }
    out.push_str(text);
}

/// The character that the reference at the start of `text` stands for, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    let bytes = &text.as_bytes()[1..text.len().min(12)];
    let end = bytes
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'#');
    let end = end.unwrap_or(bytes.len());
    let semicolon = usize::from(bytes.get(end) == Some(&b';'));
    let name = &text[1..=end];
    let letter = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        char::from_u32(code).unwrap_or('\u{fffd}')
    } else {
        match name {
            "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" | "rsquo" | "lsquo" => '\'',
            "shy" | "zwnj" | "zwj" => '\u{200b}',
            "euro" => '€',
            "copy" => '©',
            "reg" => '®',
            "auml" => 'ä',
            "ouml" => 'ö',
            "uuml" => 'ü',
            "szlig" => 'ß',
            "eacute" => 'é',
            "egrave" => 'è',
            "agrave" => 'à',
            "ntilde" => 'ñ',
            "ccedil" => 'ç',
            "ndash" | "mdash" => '-',
            _ => return None,
        }
    };
    Some((letter, 1 + end + semicolon))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_what_is_none() {
        let mut out = String::new();
        push_text(
            &mut out,
            "a&amp;b &#66;&#x43 &euro; & &; &#; &#xffffffff; &nosuch; &#0; é&",
        );
        assert_eq!(out, "a&b BC € & &; &#; \u{fffd} &nosuch; \0 é&");
    }
}
