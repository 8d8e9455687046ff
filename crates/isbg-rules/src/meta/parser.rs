//! Turns tokens into postfix form with Perl's precedences. Does not know values.

use super::lexer::{self, Token};
use super::{Binary, MetaError, Op};

/// Reads an expression.
///
/// # Errors
/// See [`MetaError`].
pub fn parse(text: &str) -> Result<Vec<Op<String>>, MetaError> {
    let mut tokens = lexer::split(text)?.into_iter().peekable();
    let mut parser = Parser::default();
    while let Some(token) = tokens.next() {
        match token {
            Token::Name(function) if tokens.peek() == Some(&Token::Open) && is_function(&function) => {
                tokens.next();
                let Some(Token::Name(argument)) = tokens.next() else {
                    return Err(MetaError::Syntax);
                };
                if tokens.next() != Some(Token::Close) {
                    return Err(MetaError::Syntax);
                }
                parser.operand(Op::Call(function, argument))?;
            }
            Token::Name(name) if name.contains(':') => return Err(MetaError::Token(name)),
            Token::Name(name) => parser.operand(Op::Name(name))?,
            Token::Number(number) => parser.operand(Op::Number(number))?,
            Token::Open if tokens.peek() == Some(&Token::Close) => {
                tokens.next();
                parser.operand(Op::Number(0.0))?;
            }
            other => parser.other(other)?,
        }
    }
    parser.finish()
}

fn is_function(name: &str) -> bool {
    matches!(name, "plugin" | "can" | "has")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Open,
    Not,
    Negate,
    Plus,
    Binary(Binary),
    Question,
    Select,
}

impl Pending {
    /// The higher, the tighter it binds.
    fn binds(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Question | Self::Select => 1,
            Self::Binary(operator) => match operator {
                Binary::Or => 2,
                Binary::And => 3,
                Binary::Xor => 4,
                Binary::Equal | Binary::NotEqual => 5,
                Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => 6,
                Binary::Add | Binary::Subtract => 7,
                Binary::Multiply | Binary::Divide => 8,
            },
            Self::Not | Self::Negate | Self::Plus => 9,
        }
    }
}

#[derive(Default)]
struct Parser {
    output: Vec<Op<String>>,
    pending: Vec<Pending>,
    /// Whether the last thing was a value, so that an operator must follow.
    after_value: bool,
}

impl Parser {
    fn operand(&mut self, op: Op<String>) -> Result<(), MetaError> {
        if std::mem::replace(&mut self.after_value, true) {
            return Err(MetaError::Syntax);
        }
        self.output.push(op);
        Ok(())
    }

    fn other(&mut self, token: Token) -> Result<(), MetaError> {
        if !self.after_value {
            self.pending.push(match token {
                Token::Open => Pending::Open,
                Token::Not => Pending::Not,
                Token::Minus => Pending::Negate,
                Token::Plus => Pending::Plus,
                _ => return Err(MetaError::Syntax),
            });
            return Ok(());
        }
        match token {
            Token::Close => {
                self.reduce(1)?;
                if self.pending.pop() != Some(Pending::Open) {
                    return Err(MetaError::Syntax);
                }
                return Ok(());
            }
            Token::Question => {
                self.reduce(2)?;
                self.pending.push(Pending::Question);
            }
            Token::Colon => {
                // Everything up to the question mark this colon belongs to.
                self.reduce(2)?;
                while self.pending.last() == Some(&Pending::Select) {
                    self.pending.pop();
                    self.output.push(Op::Select);
                }
                match self.pending.last_mut() {
                    Some(top) if *top == Pending::Question => *top = Pending::Select,
                    _ => return Err(MetaError::Syntax),
                }
            }
            Token::Plus => self.binary(Binary::Add)?,
            Token::Minus => self.binary(Binary::Subtract)?,
            Token::Binary(operator) => self.binary(operator)?,
            Token::Open | Token::Not | Token::Name(_) | Token::Number(_) => return Err(MetaError::Syntax),
        }
        self.after_value = false;
        Ok(())
    }

    fn binary(&mut self, operator: Binary) -> Result<(), MetaError> {
        let operator = Pending::Binary(operator);
        self.reduce(operator.binds() + 1)?;
        let comparison = |pending: &Pending| matches!(pending.binds(), 5 | 6);
        if self
            .pending
            .last()
            .is_some_and(|top| comparison(top) && top.binds() == operator.binds())
        {
            return Err(MetaError::Chained);
        }
        self.reduce(operator.binds())?;
        self.pending.push(operator);
        Ok(())
    }

    /// Moves everything to the output that binds at least as tightly as `least`.
    fn reduce(&mut self, least: u8) -> Result<(), MetaError> {
        while let Some(top) = self.pending.last().copied() {
            if top == Pending::Open || top.binds() < least {
                break;
            }
            self.pending.pop();
            self.output.push(match top {
                Pending::Not => Op::Not,
                Pending::Negate => Op::Negate,
                Pending::Binary(operator) => Op::Binary(operator),
                Pending::Select => Op::Select,
                Pending::Plus => continue,
                Pending::Open | Pending::Question => return Err(MetaError::Syntax),
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Op<String>>, MetaError> {
        self.reduce(1)?;
        if !self.after_value || !self.pending.is_empty() {
            return Err(MetaError::Syntax);
        }
        Ok(self.output)
    }
}
