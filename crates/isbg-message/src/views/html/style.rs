//! How text looks while a document is read: a stack of open elements with colours, size and visibility. Does not know
//! the text.

use std::collections::HashMap;

use super::color::{Color, of_background};
use super::tokens::Attribute;

/// Elements that can change how text looks.
const STYLED: [&str; 13] = [
    "a", "basefont", "big", "body", "div", "font", "marquee", "p", "small", "span", "table", "td", "tr",
];

/// How text looks inside an element.
#[derive(Debug, Clone, Copy)]
struct Look {
    tag: &'static str,
    foreground: Color,
    background: Color,
    size: i64,
    displayed: bool,
    visible: bool,
}

/// Why text cannot be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    LowContrast,
    InvalidColor,
    Otherwise,
}

/// The open elements.
#[derive(Debug)]
pub(super) struct Styles {
    stack: Vec<Look>,
    /// How many of each are open, so that the end tag of none costs nothing.
    open: HashMap<&'static str, usize>,
    base_size: i64,
    pub min_size: i64,
    pub max_size: i64,
}

impl Styles {
    pub(super) fn new() -> Self {
        let default = Look {
            tag: "",
            foreground: Color::Rgb(0),
            background: Color::Rgb(0xff_ffff),
            size: 3,
            displayed: true,
            visible: true,
        };
        Self {
            stack: vec![default],
            open: HashMap::new(),
            base_size: 3,
            min_size: 3,
            max_size: 3,
        }
    }

    fn top(&self) -> Look {
        // The default look at the bottom is never taken off.
        self.stack[self.stack.len() - 1]
    }

    /// An element begins.
    pub(super) fn start(&mut self, tag: &str, attributes: &[Attribute<'_>]) {
        let Some(tag) = styled(tag) else {
            return;
        };
        let size = attributes.iter().find(|attribute| attribute.name == "size");
        if tag == "basefont"
            && let Some(size) = size.and_then(|size| leading_number(size.value.trim_start_matches(is_space)))
        {
            self.base_size = size;
            return;
        }
        match tag {
            "td" => self.close_while("td", &["font", "td"]),
            "tr" => self.close_while("tr", &["font", "td", "tr"]),
            _ => {}
        }
        let mut look = self.top();
        look.tag = tag;
        match tag {
            "big" => look.size = look.size.saturating_add(1),
            "small" => look.size = look.size.saturating_sub(1),
            _ => {
                for attribute in attributes {
                    self.apply(&mut look, attribute);
                }
            }
        }
        *self.open.entry(tag).or_default() += 1;
        self.stack.push(look);
    }

    fn apply(&mut self, look: &mut Look, attribute: &Attribute<'_>) {
        let value = &attribute.value;
        match (look.tag, &*attribute.name) {
            ("body", "text") | ("font" | "basefont", "color") => look.foreground = Color::parse(value),
            ("font" | "basefont", "size") => {
                let value = value.trim_start_matches(is_space);
                let relative = value.starts_with(['+', '-']);
                if let Some(number) = leading_number(value.strip_prefix('+').unwrap_or(value)) {
                    look.size = if relative {
                        self.base_size.saturating_add(number)
                    } else {
                        number
                    };
                }
            }
            ("table" | "td" | "tr" | "span" | "p" | "div" | "a", "style") => self.apply_style(look, value),
            // These count, though nothing is made of them here.
            ("font" | "basefont", "face")
            | ("body", "bgcolor" | "link" | "alink" | "vlink" | "background")
            | ("marquee", "bgcolor" | "background")
            | ("table" | "td" | "tr", "bgcolor") => {}
            _ => return,
        }
        self.max_size = self.max_size.max(look.size);
        self.min_size = self.min_size.min(look.size);
    }

    fn apply_style(&self, look: &mut Look, style: &str) {
        let parent = self.top();
        // "transparent" stands for colours that are only known when all of the style is read.
        let (mut clear_fore, mut clear_back) = (false, false);
        for declaration in style.split(';') {
            let Some((name, value)) = declaration.trim_start_matches(is_space).split_once(':') else {
                continue;
            };
            let blank = !value.is_empty() && value.chars().all(is_space);
            let trimmed = value.trim_matches(is_space);
            if trimmed.contains('\n') || (trimmed.is_empty() && !blank) {
                continue;
            }
            let back = name.eq_ignore_ascii_case("background-color");
            if back || name.eq_ignore_ascii_case("color") {
                let (color, clear) = if back {
                    (&mut look.background, &mut clear_back)
                } else {
                    (&mut look.foreground, &mut clear_fore)
                };
                if let Some(set) = css_color(&trimmed.to_lowercase(), clear) {
                    *color = set;
                }
                continue;
            }
            match name.trim_end_matches(is_space) {
                "background" if name == "background" => {
                    if let Some(color) = of_background(&trimmed.to_lowercase()) {
                        look.background = color;
                        clear_back = false;
                    }
                }
                "display" if !blank => look.displayed = !trimmed.eq_ignore_ascii_case("none"),
                "visibility" if !blank => look.visible = !trimmed.eq_ignore_ascii_case("hidden"),
                _ => {}
            }
        }
        if clear_back {
            look.background = parent.background;
        }
        if clear_fore {
            look.foreground = look.background;
        }
    }

    /// An element ends, and with it everything inside that is still open.
    pub(super) fn end(&mut self, tag: &str) {
        // Browsers show text behind the end of the body as inside it.
        let Some(tag) = styled(tag).filter(|tag| *tag != "body") else {
            return;
        };
        if self.open.get(tag).is_none_or(|count| *count == 0) {
            return;
        }
        while self.stack.len() > 1 {
            let closed = self.pop();
            if closed == tag {
                break;
            }
        }
    }

    /// A cell or row ends the one before it.
    fn close_while(&mut self, tag: &str, closing: &[&str]) {
        if self.open.get(tag).is_none_or(|count| *count == 0) {
            return;
        }
        while closing.contains(&self.top().tag) {
            self.pop();
        }
    }

    fn pop(&mut self) -> &'static str {
        let tag = self.top().tag;
        self.stack.pop();
        if let Some(count) = self.open.get_mut(tag) {
            *count -= 1;
        }
        tag
    }

    /// Whether text could be seen here.
    pub(super) fn hidden(&self) -> Option<Hidden> {
        let look = self.top();
        if look.foreground.is_near(look.background) {
            return Some(Hidden::LowContrast);
        }
        if look.foreground == Color::Invalid || look.background == Color::Invalid {
            return Some(Hidden::InvalidColor);
        }
        (look.size <= 1 || !look.displayed || !look.visible).then_some(Hidden::Otherwise)
    }
}

fn styled(tag: &str) -> Option<&'static str> {
    let tag = if tag == "th" { "td" } else { tag };
    STYLED.binary_search(&tag).ok().map(|found| STYLED[found])
}

/// Perl's `\s` in ASCII.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

fn leading_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number =
        digits[..count]
            .parse::<i64>()
            .unwrap_or(if count > 0 { i64::MAX / 4 } else { return None });
    Some(if digits.len() < text.len() {
        -number
    } else {
        number
    })
}

/// The value of a CSS colour in lower case; `None` keeps what is there. `clear` tells whether it is `transparent`.
fn css_color(value: &str, clear: &mut bool) -> Option<Color> {
    let value = match value
        .strip_suffix("important")
        .map(|rest| rest.trim_end_matches(is_space))
    {
        Some(rest) => rest
            .strip_suffix('!')
            .map_or(value, |rest| rest.trim_end_matches(is_space)),
        None => value,
    };
    if value == "inherit" {
        return None;
    }
    *clear = value == "transparent";
    if *clear {
        return None;
    }
    Some(if value.contains("rgb") {
        Color::from_numbers(value)
    } else {
        Color::parse(value)
    })
}
