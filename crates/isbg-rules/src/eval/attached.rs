//! What hangs on a message, by the names of the files and of those inside archives. Opens nothing but the list of names.

use isbg_message::views::Part;

use super::{Call, Function};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[("check_isbg_attached", check)];

/// So many names in an archive are read.
const NAMES: usize = 200;

/// Papers.
const DOCUMENT: &[&str] = &["pdf", "doc", "docx", "rtf", "xls", "xlsx"];
/// Files that do something when they are opened.
const RUN: &[&str] = &[
    "bat",
    "chm",
    "cmd",
    "com",
    "cpl",
    "exe",
    "hta",
    "jar",
    "js",
    "jse",
    "lnk",
    "msi",
    "pif",
    "ps1",
    "reg",
    "scr",
    "url",
    "vbe",
    "vbs",
    "wsf",
    "wsh",
    "xll",
    "one",
    "appx",
    "library-ms",
    "searchconnector-ms",
];
/// Pages and pictures that carry scripts.
const PAGE: &[&str] = &["htm", "html", "mht", "mhtml", "shtml", "svg", "xhtml", "xht"];
/// Images of disks, which keep programs from being marked as foreign.
const DISK: &[&str] = &["img", "iso", "vhd", "vhdx", "udf"];
/// Archives that mail programs do not open and that offices do not send.
const ODD: &[&str] = &[
    "ace", "arj", "cab", "gz", "lzh", "r00", "rar", "tar", "uue", "xz", "z", "7z", "tgz",
];
/// Documents with macros.
const MACRO: &[&str] = &["docm", "dotm", "pptm", "xlam", "xlsb", "xlsm", "xltm"];

fn check(call: &Call<'_, '_>) -> bool {
    let wanted = call.argument(0);
    call.views.parts().iter().filter(|part| part.is_leaf).any(|part| {
        let name = part
            .name
            .as_deref()
            .map(|name| String::from_utf8_lossy(name).trim().to_lowercase());
        let Some(name) = name else { return false };
        let end = extension(&name);
        match wanted {
            "run" => RUN.contains(&end),
            "page" => PAGE.contains(&end) && is_attachment(part),
            "disk" => DISK.contains(&end),
            "odd" => ODD.contains(&end),
            "macro" => MACRO.contains(&end),
            "document" => DOCUMENT.contains(&end),
            "random" => DOCUMENT.contains(&end) && is_random(&name),
            "double" => is_double(&name, end),
            "inside" => {
                end == "zip"
                    && names_in_zip(part.decoded()).iter().any(|inside| {
                        let end = extension(inside);
                        RUN.contains(&end) || DISK.contains(&end) || PAGE.contains(&end)
                    })
            }
            _ => false,
        }
    })
}

/// A name drawn at random. The case of its letters is gone here, which only makes fewer look so.
fn is_random(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.split(['_', '-', ' ', '.', '$', '%'])
        .any(super::domain::looks_random)
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, end)| end.trim())
}

/// Hung on rather than shown: a picture that the text shows has a Content-ID.
fn is_attachment(part: &Part) -> bool {
    let shown = part
        .header("content-disposition")
        .is_some_and(|value| value.to_ascii_lowercase().starts_with(b"inline"));
    !shown && part.header("content-id").is_none()
}

/// `invoice.pdf.html`: the true ending behind a false one.
fn is_double(name: &str, end: &str) -> bool {
    let acts = RUN.contains(&end) || PAGE.contains(&end) || DISK.contains(&end);
    let before = name.rsplit_once('.').map_or("", |(before, _)| extension(before));
    acts && [
        "pdf", "doc", "docx", "xls", "xlsx", "jpg", "png", "txt", "mp3", "wav",
    ]
    .contains(&before)
}

/// The names in a ZIP archive's local headers (APPNOTE §4.3.7), in lower case.
fn names_in_zip(bytes: &[u8]) -> Vec<String> {
    memchr::memmem::find_iter(bytes, b"PK\x03\x04")
        .take(NAMES)
        .filter_map(|at| {
            let len = bytes.get(at + 26..at + 28)?;
            let len = usize::from(u16::from_le_bytes([len[0], len[1]]));
            let name = bytes.get(at + 30..at + 30 + len)?;
            Some(String::from_utf8_lossy(name).to_lowercase())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        assert!(
            is_double("invoice.pdf.html", "html")
                && !is_double("report.v2.pdf", "pdf")
                && !is_double("page.html", "html")
        );
    }

    #[test]
    fn names_inside() {
        let mut zip = b"PK\x03\x04".to_vec();
        zip.extend([0; 22]);
        zip.extend([9, 0, 0, 0]);
        zip.extend(b"Order.JS!PK\x03\x04");
        assert_eq!(names_in_zip(&zip), ["order.js!"]);
        assert_eq!(names_in_zip(b"PK\x03\x04"), Vec::<String>::new());
    }
}
