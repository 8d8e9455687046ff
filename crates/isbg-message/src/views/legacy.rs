//! Charsets that SpamAssassin's Perl library reads more narrowly than the Encoding Standard of browsers, or that the
//! latter does not know. Does not guess charsets.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GBK, ISO_2022_JP, SHIFT_JIS, WINDOWS_874, WINDOWS_1254};

/// What the upper half of two code pages of DOS stands for.
const PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴\
     ┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
const PAGE_850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─\
     ┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// Decoded text.
pub(super) struct Decoded {
    pub text: String,
    /// Whether all of it was well formed.
    pub clean: bool,
    /// Whether Perl would hold it as characters; see [`super::text::Text`].
    pub wide: bool,
}

/// A charset of up to three bytes a character, as a part of a wider one.
struct Narrow {
    wide: &'static Encoding,
    single: fn(u8) -> bool,
    lead: fn(u8) -> bool,
    trail: fn(u8) -> bool,
    /// A character of the wider charset as this one has it; `None` if it does not.
    own: fn(char) -> Option<char>,
}

/// What stands at a place of a text.
enum Step {
    /// A character of so many bytes, as far as their ranges tell.
    Character(usize),
    /// The beginning of one at the end of the text.
    Incomplete,
    /// No character.
    Bad,
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
        own: Some,
    };
    let wider: fn(u8) -> bool = |byte| matches!(byte, 0x40..=0x7e | 0x80..=0xfe);
    Some(match label {
        "gb2312" => Narrow {
            own: chinese,
            ..pairs(GBK, |byte| matches!(byte, 0xa1..=0xa9 | 0xb0..=0xf7))
        },
        "gbk" | "gb18030" => Narrow {
            single: |byte| byte <= 0x80,
            trail: wider,
            ..pairs(GBK, |byte| (0x81..=0xfe).contains(&byte))
        },
        "euc-kr" => pairs(
            EUC_KR,
            |byte| matches!(byte, 0xa1..=0xac | 0xb0..=0xc8 | 0xca..=0xfd),
        ),
        "ks_c_5601-1987" => Narrow {
            trail: |byte| matches!(byte, 0x41..=0x5a | 0x61..=0x7a | 0x81..=0xfe),
            ..pairs(EUC_KR, |byte| (0x81..=0xfd).contains(&byte))
        },
        "big5" => Narrow {
            trail: |byte| upper(byte) || (0x40..=0x7e).contains(&byte),
            ..pairs(BIG5, |byte| (0xa1..=0xf9).contains(&byte))
        },
        "big5-hkscs" | "big5-page" => Narrow {
            trail: |byte| upper(byte) || (0x40..=0x7e).contains(&byte),
            ..pairs(BIG5, |byte| (0x81..=0xfe).contains(&byte))
        },
        "shift_jis" | "x-sjis" | "sjis" => Narrow {
            wide: SHIFT_JIS,
            single: |byte| byte.is_ascii() || (0xa1..=0xdf).contains(&byte),
            lead: |byte| matches!(byte, 0x81..=0x84 | 0x88..=0x9f | 0xe0..=0xea),
            trail: wider,
            own: japanese,
        },
        "windows-31j" => Narrow {
            single: |byte| byte.is_ascii() || (0xa1..=0xdf).contains(&byte),
            trail: wider,
            ..pairs(SHIFT_JIS, |byte| matches!(byte, 0x81..=0x9f | 0xe0..=0xfc))
        },
        "euc-jp" | "ujis" => Narrow {
            own: japanese,
            ..pairs(EUC_JP, |byte| matches!(byte, 0x8e | 0xa1..=0xa8 | 0xb0..=0xf4))
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
        "windows-437" => return Some(code_page(PAGE_437, text)),
        "windows-850" => return Some(code_page(PAGE_850, text)),
        "utf-7" | "utf7" | "unicode-1-1-utf-7" => return Some(utf_7(text)),
        "iso-2022-jp" | "iso-2022-jp-1" | "csiso2022jp" | "7bit-jis" | "jis" => {
            return Some(iso_2022_jp(text));
        }
        _ => {}
    }
    let narrow = narrow(label)?;
    let mut out = Decoded {
        text: String::new(),
        clean: true,
        wide: true,
    };
    // The run of what may be characters that is not decoded yet.
    let mut run = 0;
    let mut at = 0;
    while at < text.len() {
        match narrow.step(&text[at..]) {
            Step::Character(len) => at += len,
            // What is cut off at the end is lost, and no fault.
            Step::Incomplete => {
                narrow.run(&text[run..at], &mut out);
                run = text.len();
                break;
            }
            Step::Bad => {
                narrow.run(&text[run..at], &mut out);
                out.bad();
                at += 1;
                run = at;
            }
        }
    }
    narrow.run(text.get(run..).unwrap_or_default(), &mut out);
    Some(out)
}

impl Decoded {
    /// One byte that is no character.
    fn bad(&mut self) {
        self.text.push(char::REPLACEMENT_CHARACTER);
        self.clean = false;
    }
}

impl Narrow {
    fn step(&self, rest: &[u8]) -> Step {
        let Some(first) = rest.first().copied() else {
            return Step::Incomplete;
        };
        if (self.single)(first) {
            return Step::Character(1);
        }
        // JIS X 0212 has a prefix.
        let len = if self.wide == EUC_JP && first == 0x8f {
            3
        } else {
            2
        };
        if len == 2 && !(self.lead)(first) {
            return Step::Bad;
        }
        let trails = rest.iter().skip(1).take(len - 1);
        match trails.clone().all(|byte| (self.trail)(*byte)) {
            false => Step::Bad,
            true if trails.len() + 1 < len => Step::Incomplete,
            true => Step::Character(len),
        }
    }

    /// A run of whole characters, if all of them exist.
    fn characters(&self, run: &[u8]) -> Option<String> {
        let decoded = self
            .wide
            .decode_without_bom_handling_and_without_replacement(run)?;
        decoded.chars().map(self.own).collect()
    }

    /// Decodes what may be characters by their ranges; of one that is none, a single byte counts as damage.
    fn run(&self, run: &[u8], out: &mut Decoded) {
        if let Some(decoded) = self.characters(run) {
            out.text.push_str(&decoded);
            return;
        }
        let mut at = 0;
        while at < run.len() {
            let len = match self.step(&run[at..]) {
                Step::Character(len) => len,
                Step::Incomplete => return,
                Step::Bad => 1,
            };
            match self.characters(&run[at..at + len]) {
                Some(decoded) => {
                    out.text.push_str(&decoded);
                    at += len;
                }
                None => {
                    out.bad();
                    at += 1;
                }
            }
        }
    }
}

fn code_page(upper: &str, text: &[u8]) -> Decoded {
    let upper: Vec<char> = upper.chars().collect();
    let decoded = |byte: &u8| match byte.checked_sub(0x80) {
        None => char::from(*byte),
        Some(at) => upper
            .get(usize::from(at))
            .copied()
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    Decoded {
        text: text.iter().map(decoded).collect(),
        clean: true,
        wide: true,
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
fn japanese(c: char) -> Option<char> {
    Some(match c {
        '\u{ff5e}' => '\u{301c}',
        '\u{2225}' => '\u{2016}',
        '\u{ff0d}' => '\u{2212}',
        '\u{ffe0}' => '\u{a2}',
        '\u{ffe1}' => '\u{a3}',
        '\u{ffe2}' => '\u{ac}',
        c => c,
    })
}

/// GB 2312 without what GBK added among its signs.
fn chinese(c: char) -> Option<char> {
    match c {
        '\u{b7}' => Some('\u{30fb}'),
        '\u{2014}' => Some('\u{2015}'),
        '\u{2170}'..='\u{2179}' | '\u{fe10}'..='\u{fe4f}' | '\u{e000}'..='\u{f8ff}' => None,
        '\u{251}' | '\u{261}' | '\u{144}' | '\u{148}' | '\u{1f9}' | '\u{1e3f}' => None,
        c => Some(c),
    }
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
        text: ISO_2022_JP
            .decode_without_bom_handling(&kept)
            .0
            .chars()
            .filter_map(japanese)
            .collect(),
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
            ("gb2312", b"\xc4\xe3\x8c\xc2x\xc4", "你\u{fffd}\u{fffd}x"),
            ("gb2312", b"\xa1\xa4\xa2\xa1x", "・\u{fffd}\u{fffd}x"),
            ("big5", b"\xa4@\xb0 \xa8\xd3", "一\u{fffd} 來"),
            ("shift_jis", b"\x82\xa0\x81\x60\x87\x40", "あ〜\u{fffd}@"),
            ("iso-2022-jp", b"\x1b$B$\"\x1b(B\x1b$B$$\x1b(B!\xffx", "あい!"),
            ("euc-jp", b"\xa4\xa2\xa1\xc1", "あ〜"),
            ("windows-437", b"\x80\xa0\xff", "Çá\u{a0}"),
            ("windows-850", b"x\x9b\xf0", "xø\u{ad}"),
        ] {
            assert_eq!(decode(label, text).unwrap().text, decoded, "{label}");
        }
        assert!(decode("utf-8", b"x").is_none());
        assert!(!decode("euc-kr", b"\x81\x41").unwrap().clean);
    }
}
