//! Expressions over rules: metas and the conditions of `if` lines. Read without recursion into postfix form and evaluated
//! on a stack. Does not know which names exist.

mod lexer;
mod parser;

pub use parser::parse;

/// An expression may have this many tokens.
pub const MAX_TOKENS: usize = 50_000;

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// Something that belongs to no expression.
    #[error("{0:?} does not belong into an expression")]
    Token(String),
    /// The pieces do not fit together.
    #[error("the expression is not complete or its parentheses do not match")]
    Syntax,
    /// Two comparisons in a row.
    #[error("two comparisons follow each other; put one into parentheses")]
    Chained,
    /// With no rule hitting it would divide by zero.
    #[error("a division by zero is possible")]
    DivisionByZero,
    /// More than [`MAX_TOKENS`] tokens.
    #[error("the expression is too long")]
    TooLong,
}

/// One step of an expression in postfix form, over names of type `N`.
#[derive(Debug, Clone, PartialEq)]
pub enum Op<N> {
    /// A number.
    Number(f64),
    /// The value of a name.
    Name(N),
    /// A name applied to a name, as in `can(X)`.
    Call(N, N),
    /// `!`.
    Not,
    /// Unary minus.
    Negate,
    /// An operator on the two values below.
    Binary(Binary),
    /// `condition ? a : b` on the three values below.
    Select,
}

/// Operators with two sides. Both sides are always computed; a division by zero gives a value that spoils whatever it
/// reaches, but does not reach through the branch of `&&`, `||` or `?:` that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    Xor,
    And,
    Or,
}

/// Evaluates; names and calls get their values from `value`. NaN where a division by zero decides.
pub fn evaluate<N>(ops: &[Op<N>], mut value: impl FnMut(&N, Option<&N>) -> f64) -> f64 {
    let mut stack: Vec<f64> = Vec::with_capacity(8);
    for op in ops {
        let result = match op {
            Op::Number(number) => *number,
            Op::Name(name) => value(name, None),
            Op::Call(function, argument) => value(function, Some(argument)),
            Op::Not => match stack.pop().unwrap_or(0.0) {
                poisoned if poisoned.is_nan() => poisoned,
                operand => truth(operand == 0.0),
            },
            Op::Negate => -stack.pop().unwrap_or(0.0),
            Op::Binary(operator) => {
                let right = stack.pop().unwrap_or(0.0);
                let left = stack.pop().unwrap_or(0.0);
                binary(*operator, left, right)
            }
            Op::Select => {
                let otherwise = stack.pop().unwrap_or(0.0);
                let then = stack.pop().unwrap_or(0.0);
                match stack.pop().unwrap_or(0.0) {
                    poisoned if poisoned.is_nan() => poisoned,
                    0.0 => otherwise,
                    _ => then,
                }
            }
        };
        stack.push(result);
    }
    stack.pop().unwrap_or(0.0)
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn binary(operator: Binary, left: f64, right: f64) -> f64 {
    match operator {
        Binary::And if left == 0.0 => return left,
        Binary::Or if left != 0.0 => return left,
        Binary::And | Binary::Or if !left.is_nan() => return right,
        _ if left.is_nan() || right.is_nan() => return f64::NAN,
        _ => {}
    }
    match operator {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide if right == 0.0 => f64::NAN,
        Binary::Divide => left / right,
        Binary::Less => truth(left < right),
        Binary::LessEqual => truth(left <= right),
        Binary::Greater => truth(left > right),
        Binary::GreaterEqual => truth(left >= right),
        Binary::Equal => truth(left == right),
        Binary::NotEqual => truth(left != right),
        Binary::Xor => ((left as i64) ^ (right as i64)) as f64,
        Binary::And | Binary::Or => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> f64 {
        evaluate(&parse(text).unwrap(), |name, _| match name.as_str() {
            "ONE" => 1.0,
            "THREE" => 3.0,
            _ => 0.0,
        })
    }

    #[test]
    fn values_as_in_perl() {
        for (text, expected) in [
            ("ONE && THREE", 3.0),
            ("ZERO || THREE", 3.0),
            ("!ZERO", 1.0),
            ("!ONE > 0", 0.0),
            ("ONE + THREE > 3", 1.0),
            ("(ONE+THREE>=4)&&!ZERO", 1.0),
            ("ONE + THREE * 2", 7.0),
            ("THREE - 1", 2.0),
            ("THREE -1", 2.0),
            ("THREE-1-1", 1.0),
            ("-1 + THREE", 2.0),
            ("ONE == 1 && THREE != 1", 1.0),
            ("ONE ^ THREE", 2.0),
            ("ZERO ? 5 : THREE ? 6 : 7", 6.0),
            ("ZERO && ONE || THREE", 3.0),
            ("ONE || ZERO && ZERO", 1.0),
            ("!(ONE || ZERO)", 0.0),
            ("!!THREE", 1.0),
            ("ZERO && 1 / ZERO", 0.0),
            ("1.5 * 2", 3.0),
            ("( )", 0.0),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
        assert!(value("1 / ZERO").is_nan());
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "ONE &&",
            "(ONE",
            "ONE)",
            "ONE THREE",
            "&& ONE",
            "ONE ? 2",
            "A::B",
            "1 < 2 < 3",
            "A $x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let text = format!("{}ONE{}", "(".repeat(20_000), ")".repeat(20_000));
        assert_eq!(value(&text), 1.0);
        assert_eq!(parse(&"!".repeat(60_000)), Err(MetaError::TooLong));
    }
}
