//! Mail made up by a seed, in any number and size. The same seed gives the same message on every machine.

/// Stands in every message that [`spam`] makes and in none that [`ham`] and [`sized`] make.
pub const SPAM_PHRASE: &str = "at a price you will not find elsewhere";

const WORDS: [&str; 64] = [
    "about",
    "after",
    "again",
    "apple",
    "autumn",
    "bench",
    "bread",
    "bridge",
    "carpet",
    "chair",
    "church",
    "clock",
    "coffee",
    "corner",
    "cousin",
    "dinner",
    "early",
    "evening",
    "ferry",
    "garden",
    "green",
    "harbour",
    "height",
    "house",
    "kitchen",
    "ladder",
    "letter",
    "lunch",
    "market",
    "meeting",
    "minute",
    "Monday",
    "morning",
    "museum",
    "neighbour",
    "number",
    "orchard",
    "paper",
    "pencil",
    "photo",
    "picture",
    "platform",
    "quiet",
    "rain",
    "repair",
    "river",
    "road",
    "school",
    "shelf",
    "spring",
    "station",
    "stone",
    "summer",
    "table",
    "theatre",
    "ticket",
    "train",
    "tunnel",
    "visit",
    "walk",
    "water",
    "weather",
    "window",
    "yesterday",
];

const BAIT: [&str; 16] = [
    "act now",
    "best offer",
    "bonus",
    "cash prize",
    "cheap pills",
    "click below",
    "earn from home",
    "exclusive deal",
    "free trial",
    "guaranteed",
    "limited time",
    "lowest price",
    "no risk",
    "special promotion",
    "winner",
    "unlock",
];

const NAMES: [&str; 8] = ["Anna", "Bela", "Carla", "Dario", "Edda", "Farid", "Greta", "Hugo"];

/// A small generator of numbers from a seed (SplitMix64), so that no other version of a crate gives other mail.
#[derive(Debug, Clone)]
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to and without `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(super) fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }

    fn words(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| self.pick(&WORDS))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A harmless letter.
pub fn ham(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let subject = numbers.words(3);
    let mut message = head(&mut numbers, seed, "friends.example.org", &subject);
    message += "Content-Type: text/plain; charset=us-ascii\r\n\r\n";
    message += &lines(&mut numbers, seed as usize % 20 + 3);
    message.into_bytes()
}

/// A piece of advertising that nobody asked for.
pub fn spam(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(!seed);
    let subject = format!("{}: {}", numbers.pick(&BAIT), numbers.words(2));
    let mut message = head(&mut numbers, seed, "offers.example.com", &subject);
    message += "Content-Type: text/html; charset=us-ascii\r\n\r\n<html><body>\r\n";
    for _ in 0..numbers.below(6) + 3 {
        message += &format!("<p>{}! {}</p>\r\n", numbers.pick(&BAIT), numbers.words(4));
    }
    message += &format!("<p>{SPAM_PHRASE}</p>\r\n<a href=\"http://192.0.2.99/{seed}\">go</a>\r\n");
    message += "</body></html>\r\n";
    message.into_bytes()
}

/// A harmless letter of exactly so many bytes, 400 at least.
pub fn sized(seed: u64, size: usize) -> Vec<u8> {
    let mut numbers = Numbers(seed ^ 0x5151);
    let mut message = head(&mut numbers, seed, "friends.example.org", "a letter");
    message += "Content-Type: text/plain; charset=us-ascii\r\n\r\n";
    let mut line = lines(&mut numbers, 1);
    while message.len() + line.len() < size {
        message += &line;
        line = lines(&mut numbers, 1);
    }
    while message.len() + 2 < size {
        message.push('.');
    }
    message += "\r\n";
    message.into_bytes()
}

fn head(numbers: &mut Numbers, seed: u64, domain: &str, subject: &str) -> String {
    let name = numbers.pick(&NAMES);
    let from = format!("{name} <{}@{domain}>", name.to_ascii_lowercase());
    let (day, hour, minute) = (seed % 28 + 1, numbers.below(24), numbers.below(60));
    let date = format!("{day} May 2026 {hour:02}:{minute:02}:00 +0000");
    format!(
        "Received: from mail.{domain} (mail.{domain} [192.0.2.{}]) by mx1.example.net; {date}\r\n\
         From: {from}\r\nTo: me@example.net\r\nSubject: {subject}\r\nDate: {date}\r\n\
         Message-ID: <{seed}.{:x}@{domain}>\r\nMIME-Version: 1.0\r\n",
        numbers.below(250) + 1,
        numbers.next() >> 32,
    )
}

fn lines(numbers: &mut Numbers, count: usize) -> String {
    (0..count).map(|_| format!("{}.\r\n", numbers.words(9))).collect()
}
