//! Reads a rule.

use winnow::ascii::{digit1, multispace0};
use winnow::combinator::{Infix, Prefix, alt, delimited, expression, fail, opt, peek, preceded, separated, terminated};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{one_of, take_till, take_while};

use super::syntax::{Arithmetic, Comparison, Expression, Fault, Function, Kind, Operator, Side};
use super::{MAX_RULE, MAX_TEXT};

/// Deeper than anybody reads; it keeps the stack of whoever parses and evaluates small.
const MAX_NESTING: u32 = 32;

/// The text, and how deep in it we are.
type Input<'a> = Stateful<LocatingSlice<&'a str>, u32>;

type Parsed<T> = ModalResult<T, Fault>;

/// Reads a rule.
///
/// # Errors
/// The first thing in it that nothing can be made of.
pub(super) fn parse(rule: &str) -> Result<Expression, Fault> {
    if rule.chars().count() > MAX_RULE {
        return Err(Fault::new(0, format!("a rule has at most {MAX_RULE} characters")));
    }
    let mut input = Input { input: LocatingSlice::new(rule), state: 0 };
    let parsed = preceded(multispace0, any_expression).parse_next(&mut input);
    let rule = parsed.map_err(|error| error.into_inner().unwrap_or_else(|_| Fault::new(0, "ends too early")))?;
    if input.eof_offset() > 0 {
        let message = match operator.parse_next(&mut input.clone()) {
            Ok(Operator::Compare(_) | Operator::In) => "comparisons do not chain: join them with `and`".to_owned(),
            _ => found(&input, "an operator or the end"),
        };
        return Err(Fault::new(input.current_token_start(), message));
    }
    Ok(rule)
}

impl<'a> ParserError<Input<'a>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        Fault::new(input.current_token_start(), found(input, "a value"))
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// `expected X, found Y`.
fn found(input: &Input<'_>, expected: &str) -> String {
    match input.input.chars().next() {
        Some(character) => format!("expected {expected}, found `{character}`"),
        None => format!("expected {expected}, but the rule ends"),
    }
}

/// A complaint that no other way of reading can heal.
fn refuse<T>(at: usize, message: impl Into<String>) -> Parsed<T> {
    Err(ErrMode::Cut(Fault::new(at, message)))
}

/// Goes on, or says that something else was expected.
fn expect<'a, T>(
    mut parser: impl Parser<Input<'a>, T, ErrMode<Fault>>,
    what: &'static str,
) -> impl Parser<Input<'a>, T, ErrMode<Fault>> {
    move |input: &mut Input<'a>| match opt(parser.by_ref()).parse_next(input)? {
        Some(value) => Ok(value),
        None => refuse(input.current_token_start(), found(input, what)),
    }
}

/// Runs a parser one level deeper.
fn deeper<'a, T>(input: &mut Input<'a>, parser: impl FnOnce(&mut Input<'a>) -> Parsed<T>) -> Parsed<T> {
    descend(input)?;
    let parsed = parser(input)?;
    input.state -= 1;
    Ok(parsed)
}

fn descend(input: &mut Input<'_>) -> Parsed<()> {
    input.state += 1;
    if input.state > MAX_NESTING {
        return refuse(input.current_token_start(), format!("a rule is nested at most {MAX_NESTING} deep"));
    }
    Ok(())
}

fn any_expression(input: &mut Input<'_>) -> Parsed<Expression> {
    expression(operand).prefix(prefix).infix(infix).parse_next(input)
}

/// A value without operators around it; backtracks where a prefix stands.
fn operand(input: &mut Input<'_>) -> Parsed<Expression> {
    let at = input.current_token_start();
    let kind = match input.input.chars().next() {
        Some('(') => {
            deeper(input, |input| delimited(symbol("("), any_expression, closing(")")).parse_next(input))?.kind
        }
        Some('[') => Kind::List(deeper(input, |input| enclosed("[", "]").parse_next(input))?),
        Some('0'..='9') => Kind::Number(number(input)?),
        Some(quote @ ('\'' | '"')) => Kind::Text(text(input, quote)?),
        Some('a'..='z' | 'A'..='Z' | '_') => named(input)?,
        Some('-') => return fail.parse_next(input),
        _ => return refuse(at, found(input, VALUE)),
    };
    Ok(Expression { at, kind })
}

const VALUE: &str = "a value (`self.<property>`, a number, a string, `abs`, `min`, `max`, `has` or a parenthesis)";

/// What starts with a word.
fn named(input: &mut Input<'_>) -> Parsed<Kind> {
    let at = input.current_token_start();
    let function = match word(input)? {
        "self" => return Ok(Kind::Property(Side::Own, property(input)?)),
        "other" => return Ok(Kind::Property(Side::Other, property(input)?)),
        "has" => return delimited(opening, has, closing(")")).parse_next(input),
        "not" => return fail.parse_next(input),
        "abs" => Function::Abs,
        "min" => Function::Min,
        "max" => Function::Max,
        other => return refuse(at, format!("expected {VALUE}, found `{other}`")),
    };
    let arguments = deeper(input, |input| preceded(peek(opening), enclosed("(", ")")).parse_next(input))?;
    Ok(Kind::Call(function, arguments))
}

/// `self.name` between the parentheses of `has`.
fn has(input: &mut Input<'_>) -> Parsed<Kind> {
    let at = input.current_token_start();
    let side = match opt(word).parse_next(input)? {
        Some("self") => Side::Own,
        Some("other") => Side::Other,
        _ => return refuse(at, "`has` takes a property: `has(self.<property>)` or `has(other.<property>)`"),
    };
    Ok(Kind::Has(side, property(input)?))
}

/// `.name`.
fn property(input: &mut Input<'_>) -> Parsed<String> {
    expect(".", "`.` and the name of a property").parse_next(input)?;
    let name = expect(take_while(1.., word_character), "the name of a property").parse_next(input)?;
    multispace0.parse_next(input)?;
    Ok(name.to_owned())
}

/// One or more expressions between brackets, with commas between them.
fn enclosed<'a>(open: &'static str, close: &'static str) -> impl Parser<Input<'a>, Vec<Expression>, ErrMode<Fault>> {
    delimited(symbol(open), separated(1.., any_expression, symbol(",")), closing(close))
}

fn opening<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    expect(symbol("("), "`(`").parse_next(input)
}

fn closing<'a>(close: &'static str) -> impl Parser<Input<'a>, &'a str, ErrMode<Fault>> {
    move |input: &mut Input<'a>| match opt(symbol(close)).parse_next(input)? {
        Some(close) => Ok(close),
        None => refuse(input.current_token_start(), found(input, &format!("an operator or `{close}`"))),
    }
}

/// A mark, and the space after it.
fn symbol<'a>(mark: &'static str) -> impl Parser<Input<'a>, &'a str, ErrMode<Fault>> {
    terminated(mark, multispace0)
}

const fn word_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// A word, and the space after it.
fn word<'a>(input: &mut Input<'a>) -> Parsed<&'a str> {
    terminated(take_while(1.., word_character), multispace0).parse_next(input)
}

fn number(input: &mut Input<'_>) -> Parsed<f64> {
    let at = input.current_token_start();
    let digits = (digit1, opt(('.', digit1))).take().parse_next(input)?;
    if opt(one_of(word_character)).parse_next(input)?.is_some() {
        return refuse(at, "a number is written in digits, with a point if need be: `12` or `0.5`");
    }
    multispace0.parse_next(input)?;
    match digits.parse() {
        Ok(number) if f64::is_finite(number) => Ok(number),
        _ => refuse(at, "this number is too large"),
    }
}

fn text(input: &mut Input<'_>, quote: char) -> Parsed<String> {
    let at = input.current_token_start();
    let text = preceded(quote, take_till(0.., quote)).parse_next(input)?;
    if opt(quote).parse_next(input)?.is_none() {
        return refuse(at, format!("this string is not closed: put `{quote}` behind it"));
    }
    if text.chars().count() > MAX_TEXT {
        return refuse(at, format!("a string has at most {MAX_TEXT} characters"));
    }
    multispace0.parse_next(input)?;
    Ok(text.to_owned())
}

fn prefix<'a>(input: &mut Input<'a>) -> Parsed<Prefix<Input<'a>, Expression, ErrMode<Fault>>> {
    let sign = opt(symbol("-")).parse_next(input)?;
    if sign.is_none() && word(input)? != "not" {
        return fail.parse_next(input);
    }
    descend(input)?;
    Ok(match sign {
        Some(_) => Prefix(14, |input, of| Ok(wrap(input, of, Kind::Negative))),
        None => Prefix(6, |input, of| Ok(wrap(input, of, Kind::Not))),
    })
}

fn wrap(input: &mut Input<'_>, of: Expression, kind: fn(Box<Expression>) -> Kind) -> Expression {
    input.state -= 1;
    Expression { at: of.at, kind: kind(Box::new(of)) }
}

fn operator(input: &mut Input<'_>) -> Parsed<Operator> {
    use Operator::{Compare, Compute};
    let comparison = alt((
        "==".value(Comparison::Equal),
        "!=".value(Comparison::NotEqual),
        "<=".value(Comparison::AtMost),
        ">=".value(Comparison::AtLeast),
        "<".value(Comparison::Less),
        ">".value(Comparison::Greater),
    ));
    let arithmetic = alt((
        "+".value(Arithmetic::Add),
        "-".value(Arithmetic::Subtract),
        "*".value(Arithmetic::Multiply),
        "/".value(Arithmetic::Divide),
    ));
    let spelled = take_while(1.., word_character).verify_map(|word| match word {
        "or" => Some(Operator::Or),
        "and" => Some(Operator::And),
        "in" => Some(Operator::In),
        _ => None,
    });
    terminated(alt((comparison.map(Compare), arithmetic.map(Compute), spelled)), multispace0).parse_next(input)
}

/// The fold of an operator is a plain function, so that each has its own.
fn infix<'a>(input: &mut Input<'a>) -> Parsed<Infix<Input<'a>, Expression, ErrMode<Fault>>> {
    use Infix::{Left, Neither};
    use Operator::{Compare, Compute};
    macro_rules! fold {
        ($operator:expr) => {
            |_, left, right| Ok(binary($operator, left, right))
        };
    }
    Ok(match operator(input)? {
        Operator::Or => Left(2, fold!(Operator::Or)),
        Operator::And => Left(4, fold!(Operator::And)),
        Operator::In => Neither(8, fold!(Operator::In)),
        Compare(Comparison::Equal) => Neither(8, fold!(Compare(Comparison::Equal))),
        Compare(Comparison::NotEqual) => Neither(8, fold!(Compare(Comparison::NotEqual))),
        Compare(Comparison::Less) => Neither(8, fold!(Compare(Comparison::Less))),
        Compare(Comparison::AtMost) => Neither(8, fold!(Compare(Comparison::AtMost))),
        Compare(Comparison::Greater) => Neither(8, fold!(Compare(Comparison::Greater))),
        Compare(Comparison::AtLeast) => Neither(8, fold!(Compare(Comparison::AtLeast))),
        Compute(Arithmetic::Add) => Left(10, fold!(Compute(Arithmetic::Add))),
        Compute(Arithmetic::Subtract) => Left(10, fold!(Compute(Arithmetic::Subtract))),
        Compute(Arithmetic::Multiply) => Left(12, fold!(Compute(Arithmetic::Multiply))),
        Compute(Arithmetic::Divide) => Left(12, fold!(Compute(Arithmetic::Divide))),
    })
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    Expression { at: left.at, kind: Kind::Binary(operator, Box::new(left), Box::new(right)) }
}
