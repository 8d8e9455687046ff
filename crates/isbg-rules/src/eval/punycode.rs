//! Labels of international domain names back to letters (RFC 3492). Does not check that a label may be registered.

/// Longer labels do not exist (RFC 1035 §2.3.4).
const LABEL: usize = 63;

/// What stands behind `xn--`, decoded; `None` where it is no Punycode.
pub(super) fn decode(encoded: &str) -> Option<String> {
    if encoded.len() > LABEL || !encoded.is_ascii() {
        return None;
    }
    let (basic, rest) = encoded.rsplit_once('-').unwrap_or(("", encoded));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut code, mut at, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = rest.bytes();
    while digits.len() > 0 {
        let before = at;
        let (mut weight, mut k) = (1u32, 36u32);
        loop {
            let digit = u32::from(match digits.next()? {
                b @ b'a'..=b'z' => b - b'a',
                b @ b'A'..=b'Z' => b - b'A',
                b @ b'0'..=b'9' => b - b'0' + 26,
                _ => return None,
            });
            at = at.checked_add(digit.checked_mul(weight)?)?;
            let threshold = k.saturating_sub(bias).clamp(1, 26);
            if digit < threshold {
                break;
            }
            weight = weight.checked_mul(36 - threshold)?;
            k += 36;
        }
        let len = u32::try_from(out.len()).ok()? + 1;
        bias = adapted(at - before, len, before == 0);
        code = code.checked_add(at / len)?;
        at %= len;
        out.insert(at as usize, char::from_u32(code)?);
        at += 1;
    }
    Some(out.into_iter().collect())
}

/// RFC 3492 §6.1.
fn adapted(delta: u32, len: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / 700 } else { delta / 2 };
    delta += delta / len;
    let mut k = 0;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    k + 36 * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (encoded, label) in [
            ("mller-kva", Some("müller")),
            ("80ak6aa92e", Some("аррӏе")),
            ("bcher-kva", Some("bücher")),
            ("", Some("")),
            ("99999999999", None),
            ("ü", None),
        ] {
            assert_eq!(decode(encoded).as_deref(), label, "{encoded}");
        }
    }
}
