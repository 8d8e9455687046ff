//! Hosts written as numbers, brought to the usual form of an IP address as browsers do. Does not know names.

/// Four numbers with dots, some of them octal or hexadecimal.
pub(super) fn dotted_form(host: &[u8]) -> Option<Vec<u8>> {
    let chunks: Vec<&[u8]> = host.split(|byte| *byte == b'.').collect();
    let number = |chunk: &&[u8]| {
        let hex = chunk
            .get(..2)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"0x"));
        let digits = if hex { &chunk[2..] } else { chunk };
        !digits.is_empty()
            && digits.iter().all(|byte| {
                if hex {
                    byte.is_ascii_hexdigit()
                } else {
                    byte.is_ascii_digit()
                }
            })
    };
    if chunks.len() != 4 || !chunks.iter().all(number) {
        return None;
    }
    let decimal: Vec<Vec<u8>> = chunks.into_iter().map(decimal).collect();
    Some(decimal.join(&b'.'))
}

/// One number in decimal, leading zeros off.
fn decimal(chunk: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(chunk).to_ascii_lowercase();
    let mut number = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap_or(u64::MAX).to_string(),
        None => text,
    };
    let digits = number.trim_start_matches('0');
    let octal = match digits.as_bytes() {
        [b'1'..=b'3', rest @ ..] => rest.len() <= 2,
        [b'4'..=b'7', rest @ ..] => rest.len() <= 1,
        _ => false,
    };
    if number.starts_with('0') && octal && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7')) {
        number = u32::from_str_radix(digits, 8).unwrap_or(0).to_string();
    }
    number.trim_start_matches('0').as_bytes().to_vec()
}

/// A single number, decimal or hexadecimal.
pub(super) fn number_form(host: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(host).ok()?.to_ascii_lowercase();
    let number = match text.strip_prefix("0x") {
        Some(hex) if !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u64::from_str_radix(&hex[hex.len().saturating_sub(8)..], 16).ok()?
        }
        None if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().unwrap_or(u64::MAX)
        }
        _ => return None,
    };
    let hex = format!("{number:08x}");
    let bytes: Vec<String> = (0..4)
        .map(|index| {
            u8::from_str_radix(&hex[2 * index..2 * index + 2], 16)
                .unwrap_or(0)
                .to_string()
        })
        .collect();
    Some(bytes.join(".").into_bytes())
}
