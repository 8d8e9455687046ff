//! Breaks long lines. Does not know what is written in them.

/// A tab counts as so many columns.
const TAB: usize = 8;

/// Columns of a header line.
const HEADER_COLUMNS: usize = 79;

/// A header field in lines of at most 79 columns where it can be broken, after blanks and commas; each further line begins
/// with a tab.
pub fn header(field: &str) -> String {
    lines(field, "\t", HEADER_COLUMNS, true)
}

/// Text in lines of at most so many columns, broken after blanks; each further line begins with `indent`.
pub fn text(text: &str, indent: &str, columns: usize) -> String {
    lines(text, indent, columns, false)
}

fn lines(text: &str, indent: &str, columns: usize, at_commas: bool) -> String {
    let is_end = |c: char| c == ' ' || (at_commas && c == ',');
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut used = 0;
    let mut empty = true;
    for piece in text.split_inclusive(is_end) {
        let width = |text: &str| {
            text.chars()
                .map(|c| if c == '\t' { TAB } else { 1 })
                .sum::<usize>()
        };
        if !empty && used + width(piece) > columns {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(indent);
            used = width(indent);
            empty = true;
        }
        out.push_str(piece);
        used += width(piece);
        empty &= piece.trim().is_empty();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_break_after_blanks_and_commas() {
        let field = "X-Spam-Status: No, score=-0.0 required=5.0 tests=MSGID_SHORT,NO_RECEIVED,NO_RELAYS autolearn=no \
                     version=4.0.1";
        assert_eq!(
            header(field),
            "X-Spam-Status: No, score=-0.0 required=5.0 tests=MSGID_SHORT,NO_RECEIVED,\n\tNO_RELAYS autolearn=no \
             version=4.0.1"
        );
        let fits = format!("X: {},b", "a".repeat(74)); // 79 columns
        assert_eq!(header(&fits).lines().count(), 1);
        assert_eq!(header(&format!("{fits}c")).lines().count(), 2);
    }

    #[test]
    fn what_cannot_be_broken_stays() {
        let long = "y".repeat(300);
        assert_eq!(header(&long), long);
        assert_eq!(
            text(&format!("a {long} b"), "  ", 40),
            format!("a\n  {long}\n  b")
        );
        assert_eq!(header("X-Spam-Level: "), "X-Spam-Level: ");
        assert_eq!(header(""), "");
    }
}
