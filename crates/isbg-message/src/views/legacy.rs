//! Charsets that SpamAssassin's Perl library reads more narrowly than the Encoding Standard of browsers, or that the
//! latter does not know. Does not guess charsets.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, ISO_2022_JP, SHIFT_JIS, WINDOWS_874, WINDOWS_1254};

/// Decoded text.
pub(super) struct Decoded {
    pub text: String,
    /// Whether all of it was well formed.
    pub clean: bool,
    /// Whether Perl would hold it as characters; see [`super::text::Text`].
    pub wide: bool,
}

/// A charset of one or two bytes a character, as a part of a wider one.
struct Narrow {
    wide: &'static Encoding,
    single: fn(u8) -> bool,
    lead: fn(u8) -> bool,
    trail: fn(u8) -> bool,
    /// Japanese: some signs are other characters than on Windows.
    japanese: bool,
}

fn upper(byte: u8) -> bool {
    (0xa1..=0xfe).contains(&byte)
}

fn narrow(label: &str) -> Option<Narrow> {
    let pairs = |wide: &'static Encoding, lead: fn(u8) -> bool| Narrow {
        wide,
        single: |byte| byte.is_ascii(),
        lead,
        trail: upper,
        japanese: false,
    };
    Some(match label {
        "gb2312" => pairs(GBK, |byte| matches!(byte, 0xa1..=0xa9 | 0xb0..=0xf7)),
        "euc-kr" => pairs(EUC_KR, upper),
        "big5" => Narrow {
            trail: |byte| upper(byte) || (0x40..=0x7e).contains(&byte),
            ..pairs(BIG5, |byte| (0xa1..=0xf9).contains(&byte))
        },
        "shift_jis" | "x-sjis" | "sjis" => Narrow {
            wide: SHIFT_JIS,
            single: |byte| byte.is_ascii() || (0xa1..=0xdf).contains(&byte),
            lead: |byte| matches!(byte, 0x81..=0x84 | 0x88..=0x9f | 0xe0..=0xea),
            trail: |byte| matches!(byte, 0x40..=0x7e | 0x80..=0xfc),
            japanese: true,
        },
        _ => return None,
    })
}

/// Decodes text of a charset that needs this; `None` for all others. `label` is in lower case.
pub(super) fn decode(label: &str, text: &[u8]) -> Option<Decoded> {
    match label {
        "iso-8859-1" => {
            return Some(Decoded {
                text: text.iter().map(|byte| char::from(*byte)).collect(),
                clean: true,
                wide: true,
            });
        }
        // Browsers read these as Windows' code pages, which have signs where these have control characters.
        "iso-8859-9" | "iso-8859-11" => return Some(iso_8859(label, text)),
        "utf-7" | "utf7" | "unicode-1-1-utf-7" => return Some(utf_7(text)),
        "iso-2022-jp" | "csiso2022jp" | "7bit-jis" | "jis" => return Some(iso_2022_jp(text)),
        "euc-jp" | "ujis" => {
            let (decoded, _, malformed) = EUC_JP.decode(text);
            return Some(Decoded {
                text: japanese(&decoded),
                clean: !malformed,
                wide: true,
            });
        }
        _ => {}
    }
    let narrow = narrow(label)?;
    let mut out = Decoded {
        text: String::new(),
        clean: true,
        wide: true,
    };
    // The well-formed run that is not decoded yet.
    let mut run = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let next = text.get(at + 1);
        if (narrow.single)(*byte) {
            at += 1;
        } else if (narrow.lead)(*byte) && next.is_some_and(|byte| (narrow.trail)(*byte)) {
            at += 2;
        } else {
            narrow.run(&text[run..at], &mut out);
            out.text.push(char::REPLACEMENT_CHARACTER);
            out.clean = false;
            at += if (narrow.lead)(*byte) { 2 } else { 1 };
            run = at;
        }
    }
    narrow.run(text.get(run..).unwrap_or_default(), &mut out);
    if narrow.japanese {
        out.text = japanese(&out.text);
    }
    Some(out)
}

impl Narrow {
    fn run(&self, run: &[u8], out: &mut Decoded) {
        let (decoded, malformed) = self.wide.decode_without_bom_handling(run);
        out.text.push_str(&decoded);
        out.clean &= !malformed;
    }
}

fn iso_8859(label: &str, text: &[u8]) -> Decoded {
    let wide = if label == "iso-8859-9" {
        WINDOWS_1254
    } else {
        WINDOWS_874
    };
    let decoded = wide.decode_without_bom_handling(text).0;
    let control = |byte: &u8| (0x80..=0x9f).contains(byte);
    Decoded {
        wide: true,
        clean: !decoded.contains(char::REPLACEMENT_CHARACTER),
        text: text
            .iter()
            .zip(decoded.chars())
            .map(|(byte, c)| if control(byte) { char::from(*byte) } else { c })
            .collect(),
    }
}

/// JIS X 0208's signs as Unicode's own table has them.
fn japanese(text: &str) -> String {
    let standard = |c: char| match c {
        '\u{ff5e}' => '\u{301c}',
        '\u{2225}' => '\u{2016}',
        '\u{ff0d}' => '\u{2212}',
        '\u{ffe0}' => '\u{a2}',
        '\u{ffe1}' => '\u{a3}',
        '\u{ffe2}' => '\u{ac}',
        c => c,
    };
    text.chars().map(standard).collect()
}

/// A 7-bit charset: what stands behind the first 8-bit byte is lost. Shifts that nothing follows mean nothing.
fn iso_2022_jp(text: &[u8]) -> Decoded {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii())
        .unwrap_or(text.len());
    let text = &text[..end];
    let mut kept = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let shift = text[at] == 0x1b && matches!(text.get(at + 1), Some(b'(' | b'$'));
        let another = text.get(at + 3) == Some(&0x1b) && matches!(text.get(at + 4), Some(b'(' | b'$'));
        if shift && (another || at + 3 >= text.len()) {
            at += 3;
            continue;
        }
        kept.push(text[at]);
        at += 1;
    }
    Decoded {
        text: japanese(&ISO_2022_JP.decode_without_bom_handling(&kept).0),
        clean: true,
        wide: true,
    }
}

/// RFC 2152: runs of base64 between `+` and `-` are UTF-16.
fn utf_7(text: &[u8]) -> Decoded {
    const BASE64: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    // Bytes outside of the runs, 8-bit ones too, are characters of the same number.
    let plain = |bytes: &[u8]| -> String { bytes.iter().map(|byte| char::from(*byte)).collect() };
    let mut out = Decoded {
        text: String::new(),
        clean: true,
        wide: false,
    };
    let mut rest = text;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        out.text.push_str(&plain(&rest[..plus]));
        rest = &rest[plus + 1..];
        let run = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
            .count();
        if run == 0 {
            out.text.push('+');
        }
        let bytes = BASE64.decode(&rest[..run]).unwrap_or_default();
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        out.text.push_str(&String::from_utf16_lossy(&units));
        out.wide |= run > 0;
        rest = rest[run..].strip_prefix(b"-").unwrap_or(&rest[run..]);
    }
    out.text.push_str(&plain(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_in_its_own_way() {
        for (label, text, decoded) in [
            ("utf-7", &b"a+APw-b +- +4pgx"[..], "aüb + \u{e298}"),
            ("gb2312", b"\xc4\xe3\x8c\xc2x", "你\u{fffd}\u{fffd}"),
            ("shift_jis", b"\x82\xa0\x81\x60\x87\x40", "あ〜\u{fffd}@"),
            ("iso-2022-jp", b"\x1b$B$\"\x1b(B\x1b$B$$\x1b(B!\xffx", "あい!"),
            ("euc-jp", b"\xa4\xa2\xa1\xc1", "あ〜"),
        ] {
            assert_eq!(decode(label, text).unwrap().text, decoded, "{label}");
        }
        assert!(decode("utf-8", b"x").is_none());
        assert!(!decode("euc-kr", b"\x81\x41").unwrap().clean);
    }
}
