//! Replace tags: short names in angle brackets that stand for pieces of pattern. Does not know what the pieces mean.

use super::draft::Draft;

/// Tags inside tags are replaced this often over.
const PASSES: usize = 6;
/// The text may grow to this many bytes.
const MAX_LENGTH: usize = crate::pattern::MAX_LENGTH;

/// The pattern with its tags replaced. Text that grows over all limits stays as it was at that point.
pub fn expand(draft: &Draft, body: &str) -> String {
    // What stands first is never empty, so no insertion happens before it.
    let mut text = format!("\u{0}{body}");
    for _ in 0..PASSES {
        let pre = take_directive(draft, &mut text, "pre");
        let post = take_directive(draft, &mut text, "post");
        let inter = take_directive(draft, &mut text, "inter");
        let mut pieces = split(&text);
        surround(draft, &mut pieces, pre, post, inter);
        let mut again = false;
        for piece in &mut pieces {
            again |= replace(draft, piece);
        }
        text = pieces.concat();
        if !again || text.len() > MAX_LENGTH {
            break;
        }
    }
    text.split_off(1)
}

/// Takes the first `<pre X>` out of the text; what `X` stands for.
fn take_directive(draft: &Draft, text: &mut String, kind: &'static str) -> Option<String> {
    let opening = format!("{}{kind} ", draft.replace_start);
    let start = text.find(&opening)?;
    let name_at = start + opening.len();
    // The name has at least one character.
    let first = text[name_at..].chars().next()?.len_utf8();
    let len = text[name_at + first..].find(&draft.replace_end)? + first;
    let name = text[name_at..name_at + len].to_owned();
    text.replace_range(start..name_at + len + draft.replace_end.len(), "");
    draft
        .replace_around
        .get(&(kind, name))
        .filter(|value| !value.is_empty() && *value != "0")
        .cloned()
}

/// Pieces of text and `<…>` in turn, beginning with text; an empty text between two tags is a piece too.
fn split(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut plain_from = 0;
    let mut at = 0;
    while let Some(open) = rest[at..].find('<').map(|found| at + found) {
        let inside = &rest[open + 1..];
        let end = inside.find(['<', '>']);
        match end {
            Some(len) if len > 0 && inside.as_bytes().get(len) == Some(&b'>') => {
                pieces.push(rest[plain_from..open].to_owned());
                pieces.push(rest[open..open + len + 2].to_owned());
                rest = &rest[open + len + 2..];
                plain_from = 0;
                at = 0;
            }
            _ => at = open + 1,
        }
    }
    if !rest.is_empty() {
        pieces.push(rest[plain_from..].to_owned());
    }
    pieces
}

fn surround(
    draft: &Draft,
    pieces: &mut [String],
    pre: Option<String>,
    post: Option<String>,
    inter: Option<String>,
) {
    for piece in pieces {
        if let Some(pre) = &pre
            && let Some((start, _)) = find_tag(draft, piece)
        {
            piece.insert_str(start, pre);
        }
        if let Some(post) = &post
            && let Some((_, end)) = find_tag(draft, piece)
        {
            piece.insert_str(end, post);
        }
        if let Some(inter) = &inter
            && piece.is_empty()
        {
            piece.clone_from(inter);
        }
    }
}

/// Where the first tag of a piece begins and ends.
fn find_tag(draft: &Draft, piece: &str) -> Option<(usize, usize)> {
    let start = piece.find(&draft.replace_start)?;
    let inside = start + draft.replace_start.len();
    let first = piece[inside..].chars().next()?.len_utf8();
    let end = piece[inside + first..].find(&draft.replace_end)? + inside + first;
    Some((start, end + draft.replace_end.len()))
}

/// Replaces the first tag of a piece wherever it stands in it; whether new tags came in.
fn replace(draft: &Draft, piece: &mut String) -> bool {
    let Some((start, end)) = find_tag(draft, piece) else {
        return false;
    };
    let tag = piece[start..end].to_owned();
    let name = &tag[draft.replace_start.len()..tag.len() - draft.replace_end.len()];
    match draft.replace_tags.get(name) {
        Some(value) if !value.is_empty() => {
            *piece = piece.replace(&tag, value);
            value
                .find('<')
                .is_some_and(|at| value[at + 1..].find('>').is_some_and(|len| len > 0))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Sources;

    fn draft() -> Draft {
        let mut draft = Draft::new(&Sources::of(Vec::new()));
        for (name, value) in [("A", "[a@4]"), ("B", "(?:b|<A>8)"), ("LOOP", "x<LOOP>")] {
            draft.replace_tags.insert(name.to_owned(), value.to_owned());
        }
        for (kind, name, value) in [("inter", "W", "\\W?"), ("post", "P", "+"), ("pre", "Q", "\\b")] {
            draft
                .replace_around
                .insert((kind, name.to_owned()), value.to_owned());
        }
        draft
    }

    #[test]
    fn tags() {
        let draft = draft();
        for (text, expected) in [
            ("x<A>y", "x[a@4]y"),
            ("<A><A>", "[a@4][a@4]"),
            ("<inter W><A><A>", "[a@4]\\W?[a@4]"),
            ("<post P>z<A>", "z[a@4]+"),
            ("<pre Q><A>", "\\b[a@4]"),
            ("<B>", "(?:b|[a@4]8)"),
            ("(?<name>x)<NONE>", "(?<name>x)<NONE>"),
            ("a<b", "a<b"),
        ] {
            assert_eq!(expand(&draft, text), expected, "{text}");
        }
    }

    #[test]
    fn endless_tags_end() {
        assert_eq!(expand(&draft(), "<LOOP>"), "xxxxxx<LOOP>");
    }
}
