//! Colours as HTML and CSS write them, and which text they make invisible. Does not know tags.

/// A colour as far as it is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    /// Red, green, blue.
    Rgb(u32),
    /// A bare `#`.
    Nothing,
    /// Nothing that a browser would take for a colour.
    Invalid,
}

/// The names of CSS Color Module 3, section 4.3, sorted.
#[rustfmt::skip]
const NAMES: [(&str, u32); 147] = [
    ("aliceblue", 0xf0f8ff), ("antiquewhite", 0xfaebd7), ("aqua", 0x00ffff), ("aquamarine", 0x7fffd4),
    ("azure", 0xf0ffff), ("beige", 0xf5f5dc), ("bisque", 0xffe4c4), ("black", 0x000000),
    ("blanchedalmond", 0xffebcd), ("blue", 0x0000ff), ("blueviolet", 0x8a2be2), ("brown", 0xa52a2a),
    ("burlywood", 0xdeb887), ("cadetblue", 0x5f9ea0), ("chartreuse", 0x7fff00), ("chocolate", 0xd2691e),
    ("coral", 0xff7f50), ("cornflowerblue", 0x6495ed), ("cornsilk", 0xfff8dc), ("crimson", 0xdc143c),
    ("cyan", 0x00ffff), ("darkblue", 0x00008b), ("darkcyan", 0x008b8b), ("darkgoldenrod", 0xb8860b),
    ("darkgray", 0xa9a9a9), ("darkgreen", 0x006400), ("darkgrey", 0xa9a9a9), ("darkkhaki", 0xbdb76b),
    ("darkmagenta", 0x8b008b), ("darkolivegreen", 0x556b2f), ("darkorange", 0xff8c00),
    ("darkorchid", 0x9932cc), ("darkred", 0x8b0000), ("darksalmon", 0xe9967a), ("darkseagreen", 0x8fbc8f),
    ("darkslateblue", 0x483d8b), ("darkslategray", 0x2f4f4f), ("darkslategrey", 0x2f4f4f),
    ("darkturquoise", 0x00ced1), ("darkviolet", 0x9400d3), ("deeppink", 0xff1493),
    ("deepskyblue", 0x00bfff), ("dimgray", 0x696969), ("dimgrey", 0x696969), ("dodgerblue", 0x1e90ff),
    ("firebrick", 0xb22222), ("floralwhite", 0xfffaf0), ("forestgreen", 0x228b22), ("fuchsia", 0xff00ff),
    ("gainsboro", 0xdcdcdc), ("ghostwhite", 0xf8f8ff), ("gold", 0xffd700), ("goldenrod", 0xdaa520),
    ("gray", 0x808080), ("green", 0x008000), ("greenyellow", 0xadff2f), ("grey", 0x808080),
    ("honeydew", 0xf0fff0), ("hotpink", 0xff69b4), ("indianred", 0xcd5c5c), ("indigo", 0x4b0082),
    ("ivory", 0xfffff0), ("khaki", 0xf0e68c), ("lavender", 0xe6e6fa), ("lavenderblush", 0xfff0f5),
    ("lawngreen", 0x7cfc00), ("lemonchiffon", 0xfffacd), ("lightblue", 0xadd8e6), ("lightcoral", 0xf08080),
    ("lightcyan", 0xe0ffff), ("lightgoldenrodyellow", 0xfafad2), ("lightgray", 0xd3d3d3),
    ("lightgreen", 0x90ee90), ("lightgrey", 0xd3d3d3), ("lightpink", 0xffb6c1), ("lightsalmon", 0xffa07a),
    ("lightseagreen", 0x20b2aa), ("lightskyblue", 0x87cefa), ("lightslategray", 0x778899),
    ("lightslategrey", 0x778899), ("lightsteelblue", 0xb0c4de), ("lightyellow", 0xffffe0),
    ("lime", 0x00ff00), ("limegreen", 0x32cd32), ("linen", 0xfaf0e6), ("magenta", 0xff00ff),
    ("maroon", 0x800000), ("mediumaquamarine", 0x66cdaa), ("mediumblue", 0x0000cd),
    ("mediumorchid", 0xba55d3), ("mediumpurple", 0x9370db), ("mediumseagreen", 0x3cb371),
    ("mediumslateblue", 0x7b68ee), ("mediumspringgreen", 0x00fa9a), ("mediumturquoise", 0x48d1cc),
    ("mediumvioletred", 0xc71585), ("midnightblue", 0x191970), ("mintcream", 0xf5fffa),
    ("mistyrose", 0xffe4e1), ("moccasin", 0xffe4b5), ("navajowhite", 0xffdead), ("navy", 0x000080),
    ("oldlace", 0xfdf5e6), ("olive", 0x808000), ("olivedrab", 0x6b8e23), ("orange", 0xffa500),
    ("orangered", 0xff4500), ("orchid", 0xda70d6), ("palegoldenrod", 0xeee8aa), ("palegreen", 0x98fb98),
    ("paleturquoise", 0xafeeee), ("palevioletred", 0xdb7093), ("papayawhip", 0xffefd5),
    ("peachpuff", 0xffdab9), ("peru", 0xcd853f), ("pink", 0xffc0cb), ("plum", 0xdda0dd),
    ("powderblue", 0xb0e0e6), ("purple", 0x800080), ("red", 0xff0000), ("rosybrown", 0xbc8f8f),
    ("royalblue", 0x4169e1), ("saddlebrown", 0x8b4513), ("salmon", 0xfa8072), ("sandybrown", 0xf4a460),
    ("seagreen", 0x2e8b57), ("seashell", 0xfff5ee), ("sienna", 0xa0522d), ("silver", 0xc0c0c0),
    ("skyblue", 0x87ceeb), ("slateblue", 0x6a5acd), ("slategray", 0x708090), ("slategrey", 0x708090),
    ("snow", 0xfffafa), ("springgreen", 0x00ff7f), ("steelblue", 0x4682b4), ("tan", 0xd2b48c),
    ("teal", 0x008080), ("thistle", 0xd8bfd8), ("tomato", 0xff6347), ("turquoise", 0x40e0d0),
    ("violet", 0xee82ee), ("wheat", 0xf5deb3), ("white", 0xffffff), ("whitesmoke", 0xf5f5f5),
    ("yellow", 0xffff00), ("yellowgreen", 0x9acd32),
];

impl Color {
    /// A colour name, `#` with hexadecimal digits, or `rgb(…)`. Damaged digits are mended as SpamAssassin does.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim_matches(|c: char| c.is_whitespace()).to_lowercase();
        if let Ok(found) = NAMES.binary_search_by(|(name, _)| (*name).cmp(&text)) {
            return Self::Rgb(NAMES[found].1);
        }
        let hex = match rgb_function(&text) {
            Some(hex) => hex,
            None if text.bytes().all(|byte| byte == b'#' || is_hex(byte)) => text,
            None => return Self::Invalid,
        };
        let Some(digits) = hex.strip_prefix('#') else {
            return Self::Invalid;
        };
        let mut digits: String = digits.chars().filter(char::is_ascii_hexdigit).collect();
        digits.truncate(if matches!(digits.len(), 4 | 5) { 3 } else { 6 });
        while !digits.len().is_multiple_of(3) {
            digits.push('0');
        }
        if digits.len() == 3 {
            digits = digits.chars().flat_map(|digit| [digit, digit]).collect();
        }
        u32::from_str_radix(&digits, 16).map_or(Self::Nothing, Self::Rgb)
    }

    /// The value of a CSS `color` that has `rgb` in it: its numbers, whatever is around them.
    pub(super) fn from_numbers(text: &str) -> Self {
        let kept: String = text.chars().filter(|c| c.is_ascii_digit() || *c == ',').collect();
        let mut numbers = kept.split(',').map(|digits| {
            digits
                .parse::<u32>()
                .unwrap_or(if digits.is_empty() { 0 } else { 255 })
                .min(255)
        });
        let mut next = || numbers.next().unwrap_or(0);
        Self::Rgb((next() << 16) | (next() << 8) | next())
    }

    /// Whether text of this colour on `background` can hardly be seen.
    pub(super) fn is_near(self, background: Self) -> bool {
        let (Self::Rgb(one), Self::Rgb(other)) = (self, background) else {
            return self == background;
        };
        let difference = |shift: u32, weight: f64| {
            let channel = |color: u32| f64::from((color >> shift) & 255);
            ((channel(one) - channel(other)) * weight).powi(2)
        };
        // Weighted by how bright the eye finds each; 191.15 is the most there is.
        (difference(16, 0.2126) + difference(8, 0.7152) + difference(0, 0.0722)).sqrt() < 12.0
    }
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// `rgb(1, 2, 3)` or `rgb(1%, 2%, 3%)` somewhere in the text, as `#` and digits. What is inside but no three numbers
/// stays as it is.
fn rgb_function(text: &str) -> Option<String> {
    let at = text.find("rgb(")?;
    let inner = &text[at + 4..at + text[at..].find(')')?];
    if !inner
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'%' | b',' | b' '))
    {
        return None;
    }
    let mut numbers = Vec::new();
    for piece in inner.split(',') {
        let piece = piece.trim();
        let percent = piece.strip_suffix('%');
        let number: u64 = percent.unwrap_or(piece).parse().ok()?;
        numbers.push(if percent.is_some() {
            number.saturating_mul(255) / 100
        } else {
            number
        });
    }
    match numbers[..] {
        [red, green, blue] => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        _ => None,
    }
}

/// The colour in a CSS `background` value, if there is one in its last layer.
pub(super) fn of_background(value: &str) -> Option<Color> {
    let mut layers = vec![Vec::new()];
    let mut token = String::new();
    // Open brackets and quotes.
    let mut open: Vec<char> = Vec::new();
    for c in value.chars() {
        match (open.last(), c) {
            (None, ' ' | ',') => {
                if let Some(layer) = layers.last_mut()
                    && !token.is_empty()
                {
                    layer.push(std::mem::take(&mut token));
                }
                if c == ',' {
                    layers.push(Vec::new());
                }
                continue;
            }
            (None | Some('('), '(' | '"' | '\'') if open.is_empty() || c != '(' => open.push(c),
            (Some('('), ')') | (Some('"'), '"') | (Some('\''), '\'') => {
                open.pop();
            }
            _ => {}
        }
        token.push(c);
        if c == ')' && open.is_empty() {
            layers.last_mut()?.push(std::mem::take(&mut token));
        }
    }
    if !token.is_empty() {
        layers.last_mut()?.push(token);
    }
    let last = layers.iter().rev().find(|layer| !layer.is_empty())?;
    last.iter()
        .map(|token| Color::parse(token))
        .find(|color| *color != Color::Invalid)
}
