//! Splits an expression into tokens. Does not know how they go together.

use super::{Binary, MAX_TOKENS, MetaError};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Name(String),
    Open,
    Close,
    Not,
    Plus,
    Minus,
    Question,
    Colon,
    Binary(Binary),
}

pub(super) fn split(text: &str) -> Result<Vec<Token>, MetaError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if tokens.len() >= MAX_TOKENS {
            return Err(MetaError::TooLong);
        }
        if first.is_ascii_whitespace() {
            rest = &rest[1..];
            continue;
        }
        let (token, len) = one(rest, first)?;
        tokens.push(token);
        rest = &rest[len..];
    }
    Ok(tokens)
}

fn one(rest: &str, first: char) -> Result<(Token, usize), MetaError> {
    if first.is_ascii_digit() || first == '.' {
        let len = run(rest, |c| c.is_ascii_digit() || c == '.');
        let number = rest[..len].parse().map_err(|_| refused(&rest[..len]))?;
        return Ok((Token::Number(number), len));
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let len = run(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        // A colon at the end belongs to `a ? b : c` written without blanks.
        let name = rest[..len].trim_end_matches(':');
        return Ok((Token::Name(name.to_owned()), name.len()));
    }
    let two = rest.get(..2).unwrap_or_default();
    let token = match two {
        "&&" => Token::Binary(Binary::And),
        "||" => Token::Binary(Binary::Or),
        ">=" => Token::Binary(Binary::GreaterEqual),
        "<=" => Token::Binary(Binary::LessEqual),
        "==" => Token::Binary(Binary::Equal),
        "!=" => Token::Binary(Binary::NotEqual),
        _ => return single(first, rest).map(|token| (token, 1)),
    };
    Ok((token, 2))
}

fn single(first: char, rest: &str) -> Result<Token, MetaError> {
    Ok(match first {
        '(' => Token::Open,
        ')' => Token::Close,
        '!' => Token::Not,
        '+' => Token::Plus,
        '-' => Token::Minus,
        '*' => Token::Binary(Binary::Multiply),
        '/' => Token::Binary(Binary::Divide),
        '<' => Token::Binary(Binary::Less),
        '>' => Token::Binary(Binary::Greater),
        '^' => Token::Binary(Binary::Xor),
        '?' => Token::Question,
        ':' => Token::Colon,
        _ => return Err(refused(rest)),
    })
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn refused(text: &str) -> MetaError {
    MetaError::Token(text.chars().take(20).collect())
}
