//! Which character sets a reader of certain languages expects. Does not convert anything.

use crate::ruleset::Settings;

/// The locales of `ok_locales`; `None` where all are fine.
pub(super) fn locales(settings: &Settings) -> Option<Vec<String>> {
    let words: Vec<String> = settings
        .ok_locales
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect();
    (!words.iter().any(|word| word == "all")).then_some(words)
}

const JAPANESE: &[&str] = &[
    "EUCJP",
    "JISX020119760",
    "JISX020819830",
    "JISX020819900",
    "JISX020819970",
    "JISX021219900",
    "JISX021320001",
    "JISX021320002",
    "SHIFT_JIS",
    "SHIFTJIS",
    "ISO2022JP",
    "SJIS",
    "JIS7",
    "JISX0201",
    "JISX0208",
    "JISX0212",
];
const KOREAN: &[&str] = &["EUCKR", "KSC56011987"];
const CYRILLIC: &[&str] = &[
    "KOI8R",
    "KOI8U",
    "KOI8T",
    "ISOIR111",
    "CP1251",
    "GEORGIANPS",
    "PT154",
    "CP866",
];
const THAI: &[&str] = &["TIS620"];
const CHINESE: &[&str] = &[
    "GB1988",
    "GB2312",
    "GB231219800",
    "GB18030",
    "GBK",
    "BIG5HKSCS",
    "BIG5",
    "EUCTW",
    "ISO2022CN",
];

/// Whether a character set is one that everybody uses, or one of these locales.
pub(super) fn is_expected(charset: &[u8], locales: &[String]) -> bool {
    let name: String = charset
        .iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .map(|b| char::from(b.to_ascii_uppercase()))
        .collect();
    let name = name.strip_prefix("3D").unwrap_or(&name);
    let everywhere = [
        "ISO8859",
        "ISO10646",
        "UTF",
        "UCS",
        "CP125",
        "WINDOWS",
        "UNICODE11UTF7",
        "UNICODE11UTF8",
    ];
    if matches!(name, "USASCII" | "ASCII" | "IBM852" | "XUNKNOWN" | "ISO")
        || everywhere.iter().any(|start| name.starts_with(start))
    {
        return true;
    }
    locales.iter().any(|locale| {
        let known = match locale.get(..2) {
            Some("ja") => JAPANESE,
            Some("ko") => KOREAN,
            Some("ru" | "ka" | "tg" | "be" | "uk" | "bg") => CYRILLIC,
            Some("th") => THAI,
            Some("zh") => CHINESE,
            _ => &[],
        };
        known.contains(&name)
    })
}

/// Whether text in this character set tends to look like capitals.
pub(super) fn looks_like_capitals(charset: &[u8]) -> bool {
    super::is_match!(
        "(?i)^[-_a-z0-9]*(?:koi|jp|jis|euc|gb|big5|isoir|cp1251|windows-1251|georgianps|pt154|tis)[-_a-z0-9]*$",
        charset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations() {
        let german = ["de".to_owned()];
        assert!(is_expected(b"utf-8", &german));
        assert!(!is_expected(b"koi8-r", &german));
        assert!(is_expected(b"KOI8-R", &["ru_RU".to_owned()]));
        assert!(is_expected(b"gb2312", &["zh".to_owned()]));
        assert!(looks_like_capitals(b"iso-2022-jp"));
        assert!(!looks_like_capitals(b"utf-8"));
    }
}
