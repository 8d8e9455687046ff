//! Functions over the size of attached images, as their headers tell it. Decodes no image.

use std::collections::BTreeSet;

use super::{Call, Function};

pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("image_count", |call| {
        within(call, 1, f64::from(images(call).count(call.argument(0))))
    }),
    ("pixel_coverage", |call| {
        within(call, 1, images(call).pixels(call.argument(0)) as f64)
    }),
    ("image_to_text_ratio", to_text_ratio),
    ("image_named", |call| {
        images(call).names.contains(call.argument(0).as_bytes())
    }),
    ("image_name_regex", |call| {
        images(call)
            .names
            .iter()
            .any(|name| call.matches_delimited(0, name))
    }),
    ("image_size_exact", |call| {
        let size = (call.number(1) as u64, call.number(2) as u64);
        images(call).of(call.argument(0)).any(|image| image.size == size)
    }),
    ("image_size_range", |call| {
        images(call).of(call.argument(0)).any(|image| {
            let (height, width) = (image.size.0 as f64, image.size.1 as f64);
            height >= call.number(1)
                && width >= call.number(2)
                && call.limit(3).is_none_or(|max| height <= max)
                && call.limit(4).is_none_or(|max| width <= max)
        })
    }),
];

/// The images of a message.
#[derive(Debug, Default)]
pub(super) struct Images {
    sized: Vec<Image>,
    /// Parts by kind, sized or not.
    counts: [u32; 3],
    names: BTreeSet<Vec<u8>>,
}

#[derive(Debug)]
struct Image {
    kind: &'static str,
    /// Height and width.
    size: (u64, u64),
}

const KINDS: [&str; 3] = ["gif", "png", "jpeg"];

impl Images {
    fn of<'i>(&'i self, kind: &'i str) -> impl Iterator<Item = &'i Image> {
        self.sized
            .iter()
            .filter(move |image| kind == "all" || image.kind == kind)
    }

    fn count(&self, kind: &str) -> u32 {
        KINDS
            .iter()
            .zip(self.counts)
            .filter(|(known, _)| kind == "all" || **known == kind)
            .map(|(_, n)| n)
            .sum()
    }

    fn pixels(&self, kind: &str) -> u64 {
        self.of(kind)
            .map(|image| image.size.0.saturating_mul(image.size.1))
            .fold(0, u64::saturating_add)
    }
}

fn within(call: &Call<'_, '_>, at: usize, value: f64) -> bool {
    value >= call.number(at) && call.limit(at + 1).is_none_or(|max| value <= max)
}

fn to_text_ratio(call: &Call<'_, '_>) -> bool {
    let text = call.body().text.len() as f64;
    let pixels = images(call).pixels(call.argument(0)) as f64;
    let ratio = text / pixels;
    text > 0.0 && pixels > 0.0 && ratio >= call.number(1) && call.limit(2).is_some_and(|max| ratio < max)
}

fn images<'a>(call: &'a Call<'_, '_>) -> &'a Images {
    call.state.images.get_or_init(|| {
        let mut images = Images::default();
        for part in call.views.parts().iter().filter(|part| part.is_leaf) {
            let kind = match part.kind.as_str() {
                "image/gif" => 0,
                "image/png" => 1,
                "image/jpeg" | "image/jpg" => 2,
                _ => continue,
            };
            let encoding = part.header("content-transfer-encoding");
            if !encoding.is_some_and(|value| value.eq_ignore_ascii_case(b"base64")) {
                continue;
            }
            images.counts[kind] += 1;
            let data = part.decoded();
            let size = match kind {
                0 => gif(data),
                1 => png(data),
                _ => jpeg(data),
            };
            if let Some(size) = size.filter(|(height, width)| *height > 0 && *width > 0) {
                images.sized.push(Image {
                    kind: KINDS[kind],
                    size,
                });
                images
                    .names
                    .extend(part.name.clone().filter(|name| !name.is_empty()));
            }
        }
        images
    })
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, b| sum << 8 | u64::from(*b))
}

fn gif(data: &[u8]) -> Option<(u64, u64)> {
    let rest = data
        .strip_prefix(b"GIF87a")
        .or_else(|| data.strip_prefix(b"GIF89a"))?;
    let two = |at: usize| Some(u64::from(*rest.get(at)?) | u64::from(*rest.get(at + 1)?) << 8);
    Some((two(2)?, two(0)?))
}

fn png(data: &[u8]) -> Option<(u64, u64)> {
    let rest = data.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    // The header is the first piece; in a damaged file it may stand a few eights of bytes further on.
    rest.chunks(8)
        .take_while(|piece| piece.get(4..8) != Some(b"IEND"))
        .zip(0..)
        .find_map(|(piece, at)| {
            let header = piece == b"\0\0\0\x0dIHDR";
            let sizes = header.then(|| rest.get(at * 8 + 8..at * 8 + 16)).flatten()?;
            Some((big_endian(&sizes[4..]), big_endian(&sizes[..4])))
        })
}

fn jpeg(data: &[u8]) -> Option<(u64, u64)> {
    let mut rest = data.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, mark, high, low, after @ ..] = rest else {
            return None;
        };
        let length = usize::from(*high) << 8 | usize::from(*low);
        if matches!(mark, 0xda | 0xd9) || length < 2 {
            return None;
        }
        if matches!(mark, 0xc0..=0xcf) && !matches!(mark, 0xc4 | 0xc8 | 0xcc) {
            return Some((big_endian(after.get(1..3)?), big_endian(after.get(3..5)?)));
        }
        rest = after.get(length - 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(gif(b"GIF89a\x08\x01\x7f\0\0\0\0"), Some((127, 264)));
        assert_eq!(
            png(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\0\0\0\0\x20"),
            Some((32, 256))
        );
        assert_eq!(
            jpeg(b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x10\0\x20\x03"),
            Some((16, 32))
        );
        for data in [
            &b""[..],
            b"GIF89a",
            b"\xff\xd8",
            b"\xff\xd8\xff\xe0\xff\xff",
            b"\x89PNG\r\n\x1a\n",
        ] {
            assert_eq!((gif(data), png(data), jpeg(data)), (None, None, None));
        }
    }
}
