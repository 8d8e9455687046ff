//! Names of charsets as they are found in mail, brought to one form each. Does not decode.

/// One name of a charset for the many that Perl's library takes for it; in lower case. Others stay as they are.
pub(super) fn canonical(declared: &str) -> String {
    let label = declared.trim().to_ascii_lowercase();
    let digits = |text: &str, range: std::ops::RangeInclusive<usize>| {
        range.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let Some(at) = label.find("gb") {
        let rest = without_separator(&label[at + 2..]);
        if let Some(rest) = rest.strip_prefix("2312")
            && !rest.trim_start_matches('-').starts_with("raw")
        {
            return "gb2312".to_owned();
        }
    }
    for (start, end, name) in [
        ("euc", "cn", "gb2312"),
        ("cn", "euc", "gb2312"),
        ("euc", "jp", "euc-jp"),
        ("jp", "euc", "euc-jp"),
        ("euc", "kr", "euc-kr"),
        ("kr", "euc", "euc-kr"),
        ("shift", "jis", "shift_jis"),
    ] {
        if label
            .find(start)
            .is_some_and(|at| label[at + start.len()..].ends_with(end))
        {
            return name.to_owned();
        }
    }
    if let Some(page) = code_page(&label) {
        return page;
    }
    if let Some(at) = label.rfind("iso") {
        let rest = without_separator(&label[at + 3..]);
        if let Some(part) = rest.strip_prefix("8859").map(without_separator)
            && digits(&part, 1..=2)
        {
            return format!("iso-8859-{part}");
        }
    }
    match label.as_str() {
        "uhc" | "x-uhc" => "ks_c_5601-1987",
        "big-5" | "big5-et" | "big5-eten" | "tca-big5" => "big5",
        "tis620" | "tis-620" => "iso-8859-11",
        "latin1" | "l1" | "iso-latin-1" => "iso-8859-1",
        "gb 18030" | "gb18030-2000" | "gb18030-2005" => "gb18030",
        "hkscs-big5" | "big5hk-scs" | "big5-hk" => "big5-hkscs",
        "cp936" => "gbk",
        "koi8r" | "koi8_r" | "koi8" => "koi8-r",
        other => other,
    }
    .to_owned()
}

fn without_separator(text: &str) -> String {
    text.strip_prefix(['-', '_', ' ']).unwrap_or(text).to_owned()
}

/// A code page of Windows or DOS.
fn code_page(label: &str) -> Option<String> {
    for page in ["windows", "cp", "ibm", "ms"] {
        if let Some(at) = label.rfind(page) {
            let number = without_separator(&label[at + page.len()..]);
            if (2..=4).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Some(match number.as_str() {
                    "932" => "windows-31j".to_owned(),
                    "936" => "gbk".to_owned(),
                    "949" => "ks_c_5601-1987".to_owned(),
                    "950" => "big5-page".to_owned(),
                    "866" => "ibm866".to_owned(),
                    _ => format!("windows-{number}"),
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn many_names_one_charset() {
        for (declared, name) in [
            ("GB2312_CHARSET", "gb2312"),
            ("gb2312-raw", "gb2312-raw"),
            ("CP1251", "windows-1251"),
            ("_iso-2022-jp", "_iso-2022-jp"),
            ("ISO8859-2", "iso-8859-2"),
            ("iso_8859_15", "iso-8859-15"),
            ("x-EUC-JP", "euc-jp"),
            ("ks_c_5601-1987", "ks_c_5601-1987"),
        ] {
            assert_eq!(canonical(declared), name);
        }
    }
}
