//! Dates as mail spells them, read as SpamAssassin reads them: leniently. Knows no clock.

use super::Call;

const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// Zones by name, in minutes east of Greenwich.
const ZONES: &[(&[u8], i64)] = &[
    (b"UT", 0),
    (b"UTC", 0),
    (b"NDT", -150),
    (b"AST", -240),
    (b"ADT", -180),
    (b"NST", -210),
    (b"EST", -300),
    (b"EDT", -240),
    (b"CST", -360),
    (b"CDT", -300),
    (b"MST", -420),
    (b"MDT", -360),
    (b"PST", -480),
    (b"PDT", -420),
    (b"HST", -600),
    (b"AKST", -540),
    (b"AKDT", -480),
    (b"HADT", -540),
    (b"HAST", -600),
    (b"GMT", 0),
    (b"BST", 60),
    (b"IST", 60),
    (b"WET", 0),
    (b"WEST", 60),
    (b"CET", 60),
    (b"CEST", 120),
    (b"EET", 120),
    (b"EEST", 180),
    (b"MSK", 180),
    (b"MSD", 240),
    (b"MET", 60),
    (b"MEZ", 60),
    (b"MEST", 120),
    (b"MESZ", 120),
    (b"BRST", -120),
    (b"BRT", -180),
    (b"AEST", 600),
    (b"AEDT", 660),
    (b"ACST", 570),
    (b"ACDT", 630),
    (b"AWST", 480),
    (b"NZST", 720),
    (b"NZDT", 780),
    (b"JST", 540),
    (b"KST", 540),
    (b"HKT", 480),
    (b"SGT", 480),
    (b"PHT", 480),
    (b"IDT", 180),
];

/// Words of a date: blanks and commas separate.
fn words(date: &[u8]) -> Vec<&[u8]> {
    let blank = |b: &u8| matches!(b, b' ' | b'\t'..=b'\r');
    let mut words: Vec<&[u8]> = Vec::new();
    for piece in date.split(blank) {
        let mut rest = piece;
        // A comma parts words like a blank.
        while let Some(comma) = rest.iter().position(|b| *b == b',') {
            words.push(&rest[..comma]);
            rest = &rest[comma + 1..];
        }
        words.push(rest);
    }
    words.retain(|word| !word.is_empty());
    words
}

fn number(word: &[u8]) -> Option<i64> {
    let digits = !word.is_empty() && word.len() <= 9 && word.iter().all(u8::is_ascii_digit);
    digits.then(|| word.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0')))
}

fn month(word: &[u8]) -> Option<i64> {
    let word = word.to_ascii_lowercase();
    MONTHS
        .iter()
        .position(|month| *month == word)
        .map(|at| at as i64 + 1)
}

/// Seconds since 1970; `None` where there is no date in it.
pub(super) fn seconds(date: &[u8]) -> Option<i64> {
    let words = words(date);
    let (day, month, year, used) = day_of(&words).filter(|(day, ..)| *day > 0)?;
    let rest: Vec<&[u8]> = words
        .iter()
        .enumerate()
        .filter(|(at, _)| !used.contains(at))
        .map(|(_, w)| *w)
        .collect();
    let clock = rest.iter().find_map(|word| time(word));
    let [hour, minute, second] = clock.unwrap_or([0, 0, 0]);
    let clock = [hour.min(23), minute.min(59), second.min(59)];
    Some(shifted(epoch(year, month, day, clock), zone(&rest)))
}

fn shifted(local: i64, minutes: i64) -> i64 {
    (local - minutes * 60).max(if minutes > 0 { 0 } else { i64::MIN })
}

/// Day, month, year, and the words they were read from.
fn day_of(words: &[&[u8]]) -> Option<(i64, i64, i64, std::ops::Range<usize>)> {
    let year_of = |word: &[u8], lens: std::ops::RangeInclusive<usize>| {
        number(word).filter(|_| lens.contains(&word.len()))
    };
    for lens in [4..=4, 2..=3] {
        for (at, three) in words.windows(3).enumerate() {
            if let (Some(day), Some(month), Some(year)) =
                (number(three[0]), month(three[1]), year_of(three[2], lens.clone()))
            {
                return Some((day, month, full_year(year, three[2].len()), at..at + 3));
            }
        }
        if *lens.start() == 4 {
            for (at, four) in words.windows(4).enumerate() {
                let clock = four[2]
                    .split(|b| *b == b':')
                    .filter(|part| number(part).is_some())
                    .count()
                    == 3;
                if let (Some(month), Some(day), true, Some(year)) =
                    (month(four[0]), number(four[1]), clock, year_of(four[3], 4..=4))
                {
                    return Some((day, month, year, at..at + 4));
                }
            }
        }
    }
    None
}

fn full_year(year: i64, digits: usize) -> i64 {
    match digits {
        2 if year < 50 => year + 2000,
        4 => year,
        _ => year + 1900,
    }
}

fn time(word: &[u8]) -> Option<[i64; 3]> {
    let parts: Vec<&[u8]> = word.split(|b| *b == b':').collect();
    let fits = (2..=3).contains(&parts.len())
        && (1..=2).contains(&parts[0].len())
        && parts[1..].iter().all(|part| part.len() == 2);
    if !fits {
        return None;
    }
    Some([
        number(parts[0])?,
        number(parts[1])?,
        parts.get(2).map_or(Some(0), |part| number(part))?,
    ])
}

/// Minutes east of Greenwich: a number with sign, else the first word in capitals if it is a known zone.
fn zone(words: &[&[u8]]) -> i64 {
    for word in words {
        if let [sign @ (b'+' | b'-'), digits @ ..] = word
            && digits.len() == 4
            && let Some(value) = number(digits)
        {
            let minutes = value / 100 * 60 + value % 100;
            return if *sign == b'-' { -minutes } else { minutes };
        }
    }
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    let mut named = words
        .iter()
        .flat_map(|word| word.split(move |b| !is_word(b)))
        .filter(|name| (2..=4).contains(&name.len()) && name.iter().all(u8::is_ascii_uppercase));
    let first = named.next();
    first
        .and_then(|name| ZONES.iter().find(|(known, _)| *known == name))
        .map_or(0, |(_, minutes)| *minutes)
}

fn epoch(year: i64, month: i64, day: i64, [hour, minute, second]: [i64; 3]) -> i64 {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    };
    let (mut year, mut month, mut day) = (year, month, day);
    if day > longest {
        (day, month) = (1, month + 1);
        if month > 12 {
            (month, year) = (1, year + 1);
        }
    }
    let year = year.clamp(1970, 2037);
    // Days from 1970-01-01, by counting years that begin in March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    ((days * 24 + hour) * 60 + minute) * 60 + second
}

/// How many seconds the Date is ahead of the Received field that it agrees with best; 0 where nothing is known.
pub(super) fn shift(call: &Call<'_, '_>) -> i64 {
    *call.state.date_shift.get_or_init(|| {
        let dates = ["Resent-Date", "Date"].iter().flat_map(|name| fields(call, name));
        let Some(date) = dates
            .filter(|date| !date.is_empty())
            .find_map(|date| seconds(&date))
        else {
            return 0;
        };
        let mut differences: Vec<i64> = received_times(call).into_iter().map(|time| date - time).collect();
        if differences.len() > 1 && differences.last() == Some(&0) {
            differences.pop();
        }
        differences.sort_by_key(|difference| difference.abs());
        differences.first().copied().unwrap_or(0)
    })
}

fn fields(call: &Call<'_, '_>, name: &str) -> Vec<Vec<u8>> {
    let fields = call
        .views
        .headers()
        .iter()
        .filter(|header| header.is(name.as_bytes()));
    fields.map(|header| header.decoded().to_vec()).collect()
}

/// The piece of a Received field that looks like a date.
pub(super) fn in_received(line: &[u8]) -> Option<&[u8]> {
    super::capture!("(\\s.?\\d+ \\S\\S\\S \\d+ \\d+:\\d+:\\d+ \\S+)", line)
}

fn received_times(call: &Call<'_, '_>) -> Vec<i64> {
    let text = call.header("Received");
    let mut lines: Vec<&[u8]> = text
        .split(|b| *b == b'\n')
        .filter(|line| line.iter().any(|b| !b.is_ascii_whitespace()))
        .collect();
    let first = |lines: &[&[u8]]| lines.first().copied().unwrap_or_default().to_vec();
    let local = super::is_match!(
        "\\bfrom (?:localhost\\s|(?:\\S+ ){1,2}\\S*\\b127\\.0\\.0\\.1\\b)|qmail \\d+ invoked by uid \\d+",
        &first(&lines)
    );
    let fetchmail = |line: &[u8]| super::is_match!("\\bby localhost with \\w+ \\(fetchmail-[\\d.]+", line);
    // Fields that a local program put on top do not tell when the message came in.
    let skip = usize::from(local);
    let next = lines.get(skip).copied().unwrap_or_default().to_vec();
    if fetchmail(&next) {
        lines.drain(..=skip);
    }
    lines
        .iter()
        .filter_map(|line| seconds(in_received(line)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:10 +0000", Some(10)),
            ("Sat, 9 Sep 2001 01:46:40 GMT", Some(1_000_000_000)),
            ("9 Sep 01 03:46:40 +0200 (CEST)", Some(1_000_000_000)),
            // In this form the time of day goes with the date and is lost.
            ("Sun Sep  9 01:46:40 2001", Some(999_993_600)),
            ("Sat, 8 Sep 2001 18:46:40 PDT", Some(1_000_000_000)),
            ("31 Feb 2001 00:00:00 +0000", Some(983_404_800)),
            ("tomorrow", None),
            ("1 Jan 2040 99:99:99", Some(2_114_467_199)),
        ] {
            assert_eq!(seconds(text.as_bytes()), expected, "{text}");
        }
    }
}
