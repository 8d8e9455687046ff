//! Text in the two forms in which Perl holds it, as SpamAssassin's rules see the difference. Does not know charsets.

/// Text, and whether Perl would hold it as characters. If not, it came from 7-bit bytes, its characters above them from
/// references like `&eacute;`, and rules see those as single Latin-1 bytes; and only ASCII blanks are blanks in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Whether it is characters.
    pub wide: bool,
}

impl Text {
    /// The bytes that rules see.
    pub fn bytes(&self) -> Vec<u8> {
        encoded(&self.text, self.wide)
    }
}

/// Whether text that belongs to a wide document, or not, is wide itself: one wide character makes it so.
pub(crate) fn is_wide(text: &str, document_is: bool) -> bool {
    document_is || text.chars().any(|c| c > '\u{ff}')
}

/// The bytes that rules see.
pub(crate) fn encoded(text: &str, document_is_wide: bool) -> Vec<u8> {
    if text.is_ascii() || is_wide(text, document_is_wide) {
        return text.as_bytes().to_vec();
    }
    text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
}

/// Perl's `\s`, on characters or on bytes.
pub(crate) fn is_space(c: char, wide: bool) -> bool {
    c.is_whitespace() && (wide || c.is_ascii())
}
