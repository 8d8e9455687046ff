//! The named character references of HTML 4, sorted by name (<https://www.w3.org/TR/html4/sgml/entities.html>), and their
//! decoding. Does not know where text ends and markup begins.

use std::borrow::Cow;

use memchr::memchr;

/// Name and character. A name with its semicolon is only known with it.
#[rustfmt::skip]
const NAMES: [(&str, u16); 253] = [
    ("AElig", 198), ("Aacute", 193), ("Acirc", 194), ("Agrave", 192), ("Alpha;", 913), ("Aring", 197),
    ("Atilde", 195), ("Auml", 196), ("Beta;", 914), ("Ccedil", 199), ("Chi;", 935), ("Dagger;", 8225),
    ("Delta;", 916), ("ETH", 208), ("Eacute", 201), ("Ecirc", 202), ("Egrave", 200), ("Epsilon;", 917),
    ("Eta;", 919), ("Euml", 203), ("Gamma;", 915), ("Iacute", 205), ("Icirc", 206), ("Igrave", 204),
    ("Iota;", 921), ("Iuml", 207), ("Kappa;", 922), ("Lambda;", 923), ("Mu;", 924), ("Ntilde", 209),
    ("Nu;", 925), ("OElig;", 338), ("Oacute", 211), ("Ocirc", 212), ("Ograve", 210), ("Omega;", 937),
    ("Omicron;", 927), ("Oslash", 216), ("Otilde", 213), ("Ouml", 214), ("Phi;", 934), ("Pi;", 928),
    ("Prime;", 8243), ("Psi;", 936), ("Rho;", 929), ("Scaron;", 352), ("Sigma;", 931), ("THORN", 222),
    ("Tau;", 932), ("Theta;", 920), ("Uacute", 218), ("Ucirc", 219), ("Ugrave", 217), ("Upsilon;", 933),
    ("Uuml", 220), ("Xi;", 926), ("Yacute", 221), ("Yuml;", 376), ("Zeta;", 918), ("aacute", 225),
    ("acirc", 226), ("acute", 180), ("aelig", 230), ("agrave", 224), ("alefsym;", 8501), ("alpha;", 945),
    ("amp", 38), ("and;", 8743), ("ang;", 8736), ("apos", 39), ("aring", 229), ("asymp;", 8776),
    ("atilde", 227), ("auml", 228), ("bdquo;", 8222), ("beta;", 946), ("brvbar", 166), ("bull;", 8226),
    ("cap;", 8745), ("ccedil", 231), ("cedil", 184), ("cent", 162), ("chi;", 967), ("circ;", 710),
    ("clubs;", 9827), ("cong;", 8773), ("copy", 169), ("crarr;", 8629), ("cup;", 8746), ("curren", 164),
    ("dArr;", 8659), ("dagger;", 8224), ("darr;", 8595), ("deg", 176), ("delta;", 948), ("diams;", 9830),
    ("divide", 247), ("eacute", 233), ("ecirc", 234), ("egrave", 232), ("empty;", 8709), ("emsp;", 8195),
    ("ensp;", 8194), ("epsilon;", 949), ("equiv;", 8801), ("eta;", 951), ("eth", 240), ("euml", 235),
    ("euro;", 8364), ("exist;", 8707), ("fnof;", 402), ("forall;", 8704), ("frac12", 189), ("frac14", 188),
    ("frac34", 190), ("frasl;", 8260), ("gamma;", 947), ("ge;", 8805), ("gt", 62), ("hArr;", 8660),
    ("harr;", 8596), ("hearts;", 9829), ("hellip;", 8230), ("iacute", 237), ("icirc", 238), ("iexcl", 161),
    ("igrave", 236), ("image;", 8465), ("infin;", 8734), ("int;", 8747), ("iota;", 953), ("iquest", 191),
    ("isin;", 8712), ("iuml", 239), ("kappa;", 954), ("lArr;", 8656), ("lambda;", 955), ("lang;", 9001),
    ("laquo", 171), ("larr;", 8592), ("lceil;", 8968), ("ldquo;", 8220), ("le;", 8804), ("lfloor;", 8970),
    ("lowast;", 8727), ("loz;", 9674), ("lrm;", 8206), ("lsaquo;", 8249), ("lsquo;", 8216), ("lt", 60),
    ("macr", 175), ("mdash;", 8212), ("micro", 181), ("middot", 183), ("minus;", 8722), ("mu;", 956),
    ("nabla;", 8711), ("nbsp", 160), ("ndash;", 8211), ("ne;", 8800), ("ni;", 8715), ("not", 172),
    ("notin;", 8713), ("nsub;", 8836), ("ntilde", 241), ("nu;", 957), ("oacute", 243), ("ocirc", 244),
    ("oelig;", 339), ("ograve", 242), ("oline;", 8254), ("omega;", 969), ("omicron;", 959),
    ("oplus;", 8853), ("or;", 8744), ("ordf", 170), ("ordm", 186), ("oslash", 248), ("otilde", 245),
    ("otimes;", 8855), ("ouml", 246), ("para", 182), ("part;", 8706), ("permil;", 8240), ("perp;", 8869),
    ("phi;", 966), ("pi;", 960), ("piv;", 982), ("plusmn", 177), ("pound", 163), ("prime;", 8242),
    ("prod;", 8719), ("prop;", 8733), ("psi;", 968), ("quot", 34), ("rArr;", 8658), ("radic;", 8730),
    ("rang;", 9002), ("raquo", 187), ("rarr;", 8594), ("rceil;", 8969), ("rdquo;", 8221), ("real;", 8476),
    ("reg", 174), ("rfloor;", 8971), ("rho;", 961), ("rlm;", 8207), ("rsaquo;", 8250), ("rsquo;", 8217),
    ("sbquo;", 8218), ("scaron;", 353), ("sdot;", 8901), ("sect", 167), ("shy", 173), ("sigma;", 963),
    ("sigmaf;", 962), ("sim;", 8764), ("spades;", 9824), ("sub;", 8834), ("sube;", 8838), ("sum;", 8721),
    ("sup1", 185), ("sup2", 178), ("sup3", 179), ("sup;", 8835), ("supe;", 8839), ("szlig", 223),
    ("tau;", 964), ("there4;", 8756), ("theta;", 952), ("thetasym;", 977), ("thinsp;", 8201),
    ("thorn", 254), ("tilde;", 732), ("times", 215), ("trade;", 8482), ("uArr;", 8657), ("uacute", 250),
    ("uarr;", 8593), ("ucirc", 251), ("ugrave", 249), ("uml", 168), ("upsih;", 978), ("upsilon;", 965),
    ("uuml", 252), ("weierp;", 8472), ("xi;", 958), ("yacute", 253), ("yen", 165), ("yuml", 255),
    ("zeta;", 950), ("zwj;", 8205), ("zwnj;", 8204),
];

fn named(name: &str) -> Option<char> {
    let found = NAMES.binary_search_by(|(own, _)| (*own).cmp(name)).ok()?;
    char::from_u32(u32::from(NAMES[found].1))
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A name may be followed directly by other letters; then the longest known beginning of it counts.
    Content,
    /// A name counts as a whole or not at all.
    Attribute,
}

/// `text` with its character references replaced.
pub(super) fn decode(text: &str, place: Place) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', text.as_bytes()) else {
        return Cow::Borrowed(text);
    };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    loop {
        match reference(&rest[1..], place) {
            Some((c, len)) => {
                out.push(c);
                rest = &rest[1 + len..];
                rest = rest.strip_prefix(';').unwrap_or(rest);
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
        let plain = memchr(b'&', rest.as_bytes()).unwrap_or(rest.len());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        if rest.is_empty() {
            return Cow::Owned(out);
        }
    }
}

/// The character that a reference stands for, and how long the reference is without `&` and `;`.
fn reference(text: &str, place: Place) -> Option<(char, usize)> {
    if let Some(number) = text.strip_prefix('#') {
        return numeric(number).map(|(c, len)| (c, len + 1));
    }
    let length = text
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        .count()
        .min(32);
    let name = &text[..length];
    let with_semicolon = || {
        text.as_bytes()
            .get(length)
            .filter(|byte| **byte == b';')
            .and_then(|_| named(&text[..=length]))
    };
    if let Some(c) = named(name).or_else(with_semicolon) {
        return Some((c, length));
    }
    if place == Place::Attribute {
        return None;
    }
    (2..length)
        .rev()
        .find_map(|shorter| named(&name[..shorter]).map(|c| (c, shorter)))
}

fn numeric(text: &str) -> Option<(char, usize)> {
    let (radix, prefix) = if text.starts_with(['x', 'X']) {
        (16, 1)
    } else {
        (10, 0)
    };
    let digits = text[prefix..]
        .bytes()
        .take_while(|byte| char::from(*byte).is_digit(radix))
        .count();
    let code = text[prefix..prefix + digits]
        .bytes()
        .try_fold(0u32, |code, byte| {
            Some(code * radix + char::from(byte).to_digit(radix)?).filter(|code| *code <= 0x10_ffff)
        })?;
    if digits == 0 || code == 0 || matches!(code, 0xfffe | 0xffff) {
        return None;
    }
    if (0xd800..0xdc00).contains(&code) {
        return low_surrogate(&text[prefix + digits..]).map(|(low, len)| {
            let joined = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            (
                char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER),
                prefix + digits + len,
            )
        });
    }
    Some((
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
        prefix + digits,
    ))
}

/// `;&#xDC00` right behind a high surrogate, as some programs write characters beyond U+FFFF.
fn low_surrogate(text: &str) -> Option<(u32, usize)> {
    let rest = text.strip_prefix(';').unwrap_or(text);
    let number = rest.strip_prefix("&#")?;
    let (radix, prefix) = if number.starts_with(['x', 'X']) {
        (16, 1)
    } else {
        (10, 0)
    };
    let digits = number[prefix..]
        .bytes()
        .take_while(|byte| char::from(*byte).is_digit(radix))
        .count();
    let code = u32::from_str_radix(number[prefix..].get(..digits)?, radix).ok()?;
    (0xdc00..0xe000)
        .contains(&code)
        .then_some((code, text.len() - number.len() + prefix + digits))
}
