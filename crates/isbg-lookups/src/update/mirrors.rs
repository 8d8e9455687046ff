//! A channel's list of mirrors: a file with an address a line, and how much of the load each wants. Does not fetch
//! anything.

use rand::Rng;

/// So many mirrors of a list are looked at.
const MAX_MIRRORS: usize = 100;

/// A place that has a channel's archives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    /// Where, without the last `/`.
    pub url: String,
    /// How often it is to be taken, compared with the others.
    weight: u32,
}

/// Reads the list: `URL [weight=N] [KEY=VALUE]...` a line, `#` begins a comment. Other lines are passed over.
pub(super) fn read(list: &[u8]) -> Vec<Mirror> {
    let text = String::from_utf8_lossy(list);
    let mut mirrors: Vec<Mirror> = Vec::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(url) = words.next().filter(|word| is_http(word)) else {
            continue;
        };
        let url = url.trim_end_matches('/');
        let weight = words
            .filter_map(|word| word.strip_prefix("weight="))
            .find_map(|weight| weight.parse().ok());
        if mirrors.len() < MAX_MIRRORS && mirrors.iter().all(|known| known.url != url) {
            mirrors.push(Mirror {
                url: url.to_owned(),
                weight: weight.unwrap_or(1),
            });
        }
    }
    mirrors
}

/// Whether the text begins like the address of something on the web.
pub(super) fn is_http(text: &str) -> bool {
    let lower = text
        .get(..8.min(text.len()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// The mirrors in the order in which to try them: by lot, the heavier ones more often in front.
pub(super) fn by_lot(mut mirrors: Vec<Mirror>, random: &mut impl Rng) -> Vec<Mirror> {
    let mut order = Vec::with_capacity(mirrors.len());
    while !mirrors.is_empty() {
        let total: u64 = mirrors.iter().map(|mirror| u64::from(mirror.weight)).sum();
        let mut lot = if total == 0 {
            0
        } else {
            random.random_range(0..total)
        };
        let drawn = mirrors.iter().position(|mirror| {
            let weight = u64::from(mirror.weight);
            let hit = lot < weight;
            lot = lot.saturating_sub(weight);
            hit
        });
        order.push(mirrors.remove(drawn.unwrap_or(0)));
    }
    order
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn lists() {
        let list = b"# mirrors\nhttp://a.example/x/ weight=10\n\n  HTTPS://b.example/ location=DE weight=3 # good\n\
                     ftp://c.example/\nhttp://a.example/x weight=1\nhttp://d.example weight=lots\n\xff\xfe\nhttp\n";
        let mirror = |url: &str, weight| Mirror {
            url: url.into(),
            weight,
        };
        assert_eq!(
            read(list),
            [
                mirror("http://a.example/x", 10),
                mirror("HTTPS://b.example", 3),
                mirror("http://d.example", 1),
            ]
        );
        assert_eq!(read(b""), []);
        let many: String = (0..1_000).map(|n| format!("http://{n}.example\n")).collect();
        assert_eq!(read(many.as_bytes()).len(), MAX_MIRRORS);
    }

    #[test]
    fn the_heavier_ones_come_first_more_often_and_all_come() {
        let list = b"http://a weight=9\nhttp://b\nhttp://c weight=0\n";
        let mut random = StdRng::seed_from_u64(1);
        let mut first = 0;
        for _ in 0..1_000 {
            let order = by_lot(read(list), &mut random);
            assert_eq!((order.len(), order[2].url.as_str()), (3, "http://c"));
            first += usize::from(order[0].url == "http://a");
        }
        assert!((850..950).contains(&first), "{first}");
    }
}
