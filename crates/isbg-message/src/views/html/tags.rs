//! Which tags exist, which stand for blanks, and small facts in their attributes. Does not know the document.

/// Elements of HTML 4 and a few others that mail programs make, sorted.
#[rustfmt::skip]
const ELEMENTS: [&str; 94] = [
    "a", "abbr", "acronym", "address", "applet", "area", "b", "base", "basefont", "bdo", "big", "blockquote", "body",
    "br", "button", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "dir", "div", "dl",
    "dt", "em", "fieldset", "font", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "hr",
    "html", "i", "iframe", "img", "input", "ins", "isindex", "kbd", "label", "legend", "li", "link", "map", "menu",
    "meta", "nobr", "noframes", "noscript", "object", "ol", "optgroup", "option", "p", "param", "pre", "q", "s",
    "samp", "script", "select", "small", "span", "strike", "strong", "style", "sub", "sup", "table", "tbody", "td",
    "textarea", "tfoot", "th", "thead", "title", "tr", "tt", "u", "ul", "var", "x-sigsep", "x-tab",
];

pub(super) fn is_element(tag: &str) -> bool {
    ELEMENTS.binary_search(&tag).is_ok()
}

/// No elements of HTML 4, but browsers take them.
pub(super) fn is_trick(tag: &str) -> bool {
    matches!(tag, "bgsound" | "embed" | "listing" | "plaintext" | "xmp")
}

/// `o:p`, `st1:city` and the like, which Microsoft's programs write.
pub(super) fn is_office_namespace(tag: &str) -> bool {
    let Some((space, name)) = tag.split_once(':') else {
        return false;
    };
    let numbered = space
        .strip_prefix("st")
        .is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit());
    let name = name.strip_suffix('/').unwrap_or(name);
    (space == "o" || numbered)
        && !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// The blanks or line breaks that a tag stands for.
pub(super) fn whitespace(tag: &str) -> Option<&'static str> {
    match tag {
        "br" | "div" => Some("\n"),
        "li" | "td" | "th" | "dd" | "dt" | "embed" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => Some(" "),
        "p" | "hr" | "blockquote" | "pre" | "listing" | "plaintext" | "xmp" | "title" => Some("\n\n"),
        _ => None,
    }
}

/// Perl's `\w`, as far as it occurs: letters, digits, `_`, and the commoner marks that join them.
pub(super) fn is_word(c: char) -> bool {
    let counted = |c: char| {
        c.is_numeric()
            && !matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{bc}'..='\u{be}' | '\u{2070}'..='\u{2182}'
        | '\u{2185}'..='\u{218b}' | '\u{2460}'..='\u{24b5}' | '\u{24ea}'..='\u{2793}' | '\u{3192}'..='\u{3195}' | '\u{3220}'..='\u{32bf}')
    };
    c.is_alphabetic()
        || counted(c)
        || matches!(c, '_' | '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}'
            | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
            | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}'
            | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{e0100}'..='\u{e01ef}')
}

/// A width or height, `percent` pixels for each percent of the screen; 200 where nothing usable is said.
pub(super) fn pixels(value: &str, percent: f64) -> f64 {
    let value = value.strip_suffix('\n').unwrap_or(value);
    let (digits, factor) = match value.strip_suffix('%') {
        Some(digits) => (digits, percent),
        None => (value, 1.0),
    };
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let pixels = if valid {
        digits.parse::<f64>().unwrap_or(0.0) * factor
    } else {
        0.0
    };
    if pixels > 0.0 { pixels } else { 200.0 }
}

/// Whether a list of font names looks like one that people write.
pub(super) fn is_good_face(face: &str) -> bool {
    let is_space = |c: char| c.is_whitespace();
    let face = face.strip_suffix('\n').unwrap_or(face);
    let face = face.strip_suffix(';').unwrap_or(face);
    face.split(',').enumerate().all(|(index, name)| {
        let trimmed = name.trim_start_matches(is_space);
        let quotes: &[char] = if index == 0 {
            &['"', '\'', '.']
        } else {
            &['"', '\'']
        };
        let unquoted = trimmed.strip_prefix(quotes);
        let core = unquoted.unwrap_or(trimmed);
        let core = core.strip_suffix(['"', '\'']).unwrap_or(core);
        let core = core.strip_suffix(|c: char| c.is_ascii_digit()).unwrap_or(core);
        let letter = |byte: u8| byte.is_ascii_alphabetic();
        let inner = |byte: u8| letter(byte) || matches!(byte, b' ' | b'-');
        let blank_first = index == 0 && (unquoted.is_some() || name.starts_with(' '));
        match core.as_bytes() {
            [one] => letter(*one) && blank_first && unquoted.is_none(),
            [first, middle @ .., last] => {
                let good_first = letter(*first) || (*first == b' ' && blank_first);
                good_first && middle.iter().all(|byte| inner(*byte)) && letter(*last)
            }
            [] => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(ELEMENTS.is_sorted());
        assert!(is_element("x-tab") && is_element("a") && !is_element("xmp"));
    }

    #[test]
    fn faces() {
        for good in [
            "Arial",
            "Arial, Helvetica, sans-serif",
            "\"Tahoma\", Verdana;",
            ".SFUIDisplay",
            "hirakakupro-w3",
        ] {
            assert!(is_good_face(good), "{good}");
        }
        for bad in ["", "a", "Arial,", "12px", "Times!", "Arial,,x", "宋体"] {
            assert!(!is_good_face(bad), "{bad}");
        }
    }
}
