//! Text made safe to stand in an HTML page. Does not know where it will stand.

use isbg_types::Untrusted;

/// The text with HTML's special characters as references (HTML, §13.1.4), and with what could act on a reader spelt out.
pub fn escaped(text: &str) -> String {
    let shown = Untrusted(text).to_string();
    let mut escaped = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(
            escaped("<img src='x' onerror=\"a()\">&\u{202e}"),
            "&lt;img src=&#39;x&#39; onerror=&quot;a()&quot;&gt;&amp;\\u{202e}"
        );
    }
}
