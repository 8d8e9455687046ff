//! Reads single option values, with messages that say what is expected. Does not know which option a value belongs to.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use isbg_types::Score;

use crate::secrets::Secret;

/// A count of at least one.
pub fn at_least_one(text: &str) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(0) | Err(_) => Err("must be a whole number of at least 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A number of folds.
pub fn folds(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(0 | 1) | Err(_) => Err("must be a whole number of at least 2".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A count, zero allowed.
pub fn count(text: &str) -> Result<u64, String> {
    text.trim()
        .parse()
        .map_err(|_| "must be a whole number of at least 0".to_owned())
}

/// A model's name.
pub fn model(text: &str) -> Result<String, String> {
    if isbg_store::is_model_name(text) {
        Ok(text.to_owned())
    } else {
        Err("must be 64 letters, digits, - or _ at most".to_owned())
    }
}

/// The address of a DNS server, with its port if it is not 53.
pub fn dns_server(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let bare = text
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    match (bare, text.parse()) {
        (Ok(ip), _) => Ok((ip, isbg_lookups::dns::PORT).into()),
        (_, Ok(address)) => Ok(address),
        _ => Err(
            "must be an IP address, or one with a port: 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"
                .to_owned(),
        ),
    }
}

/// A file's mode, as chmod takes it.
pub fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text.trim(), 8) {
        Ok(mode @ 0..=0o777) => Ok(mode),
        _ => Err("must be an octal number up to 777".to_owned()),
    }
}

/// A TCP port.
pub fn port(text: &str) -> Result<u16, String> {
    match text.trim().parse() {
        Ok(0) | Err(_) => Err("must be a port number from 1 to 65535".to_owned()),
        Ok(port) => Ok(port),
    }
}

/// A score in points.
pub fn score(text: &str) -> Result<Score, String> {
    text.parse().map_err(|_| "must be a number of points".to_owned())
}

/// A score of at least one point, as isbg has always demanded before it removes mail.
pub fn removal_score(text: &str) -> Result<Score, String> {
    match score(text)? {
        score if score < Score(1000) => Err("must be at least 1 point".to_owned()),
        score => Ok(score),
    }
}

/// A lifetime in minutes, fractions allowed.
pub fn minutes(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(minutes) if minutes.is_finite() && minutes >= 0.0 => Ok(minutes),
        _ => Err("must be a number of minutes".to_owned()),
    }
}

/// A password; any text is one.
pub fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::from(text.to_owned()))
}

/// The unsure band: scores from the first to the second, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band(pub Score, pub Score);

impl FromStr for Band {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (low, high) = text
            .split_once(',')
            .ok_or("must be two scores with a comma between, such as 4.0,6.0")?;
        Self::new(score(low)?, score(high)?)
    }
}

impl Band {
    /// A band whose ends are in order.
    ///
    /// # Errors
    /// When the first score is above the second.
    pub fn new(low: Score, high: Score) -> Result<Self, String> {
        if low > high {
            return Err("the first score must not be above the second".to_owned());
        }
        Ok(Self(low, high))
    }
}

/// How many messages one run may call spam before it stops and moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlastLimit {
    /// No limit.
    Off,
    /// This many.
    Messages(u64),
}

impl FromStr for BlastLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Self::Off);
        }
        at_least_one(text)
            .map(Self::Messages)
            .map_err(|_| "must be a whole number of at least 1, or off".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_isbg_2() {
        assert!(at_least_one("0").is_err() && at_least_one("many").is_err() && at_least_one("-1").is_err());
        assert_eq!(at_least_one("120000"), Ok(120_000));
        assert_eq!(count("0"), Ok(0));
        assert!(count("-5").is_err());
        assert!(removal_score("0.9").is_err() && removal_score("nan").is_err());
        assert_eq!(removal_score("15"), Ok(Score(15_000)));
        assert_eq!(minutes("240.0"), Ok(240.0));
        assert!(minutes("inf").is_err() && minutes("-1").is_err());
        assert!(port("0").is_err() && port("65536").is_err());
    }

    #[test]
    fn bands() {
        assert_eq!("4, 6.5".parse(), Ok(Band(Score(4000), Score(6500))));
        assert!("6,4".parse::<Band>().is_err());
        assert!("6".parse::<Band>().is_err());
        assert_eq!("OFF".parse(), Ok(BlastLimit::Off));
        assert_eq!("30".parse(), Ok(BlastLimit::Messages(30)));
        assert!("0".parse::<BlastLimit>().is_err());
    }
}
