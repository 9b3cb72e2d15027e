//! A rule as it was written, before anybody knows whether it makes sense.

/// A part of a rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    /// Where it starts, in bytes.
    pub(super) at: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Number(f64),
    Text(String),
    List(Vec<Expression>),
    Property(Side, String),
    Has(Side, String),
    Call(Function, Vec<Expression>),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
}

/// Whose property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Own,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Min,
    Max,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    In,
    Compare(Comparison),
    Compute(Arithmetic),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Something in a rule that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where, in bytes.
    pub(super) at: usize,
    /// What is allowed there.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// For the person who wrote the rule: characters count from 1.
    pub(super) fn tell(self, rule: &str) -> String {
        let before = rule.char_indices().take_while(|(at, _)| *at < self.at).count();
        format!("at character {}: {}", before + 1, self.message)
    }
}

impl Side {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Side::Own => "self",
            Side::Other => "other",
        }
    }
}

impl Function {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Function::Abs => "abs",
            Function::Min => "min",
            Function::Max => "max",
        }
    }
}

impl Operator {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Operator::Or => "or",
            Operator::And => "and",
            Operator::In => "in",
            Operator::Compare(Comparison::Equal) => "==",
            Operator::Compare(Comparison::NotEqual) => "!=",
            Operator::Compare(Comparison::Less) => "<",
            Operator::Compare(Comparison::AtMost) => "<=",
            Operator::Compare(Comparison::Greater) => ">",
            Operator::Compare(Comparison::AtLeast) => ">=",
            Operator::Compute(Arithmetic::Add) => "+",
            Operator::Compute(Arithmetic::Subtract) => "-",
            Operator::Compute(Arithmetic::Multiply) => "*",
            Operator::Compute(Arithmetic::Divide) => "/",
        }
    }
}
