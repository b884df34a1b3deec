//! The text of a rule, read without knowing any column: is it one SQL expression, of the form that a rule has?

use std::ops::ControlFlow;

use crds::valid::Over;
use datafusion_sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query,
    Spanned, Value, Visit, Visitor,
};
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::parser::{Parser, ParserError};
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Tokenizer};

use super::functions::{Role, functions};
use super::{Fault, Position, RuleError};

/// Most operators of an expression.
const OPERATORS: usize = 200;

/// How deep an expression may be. Planning one needs a stack that grows with its depth, in a build without optimisation by 20 KB:
/// of the two megabytes that a thread has, this takes less than one and a half.
const DEPTH: usize = 64;

/// An expression that a rule can be, as far as can be told without columns.
#[derive(Clone, Debug)]
pub struct Expression {
    ast: Expr,
    over: Over,
    aggregates: Vec<Expr>,
    columns: Vec<String>,
    looks_back: bool,
}

impl Expression {
    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong with it, and where: the syntax, a function, or an aggregate.
    pub fn parse(text: &str, over: Over) -> Result<Self, RuleError> {
        let ast = parse(text)?;
        let mut form = Form {
            over,
            depth: 0,
            inside: Vec::new(),
            columns: Vec::new(),
            aggregates: Vec::new(),
            looks_back: false,
        };
        if let ControlFlow::Break(error) = ast.visit(&mut form) {
            return Err(error);
        }
        if over == Over::Window && form.aggregates.is_empty() {
            return Err(RuleError::new(
                Fault::Aggregate,
                None,
                "the rule is over the window and has no aggregate",
                "write one, such as count(*) or avg(age), or over: Rows",
            ));
        }
        form.columns.sort();
        form.columns.dedup();
        Ok(Self {
            ast,
            over,
            aggregates: form.aggregates,
            columns: form.columns,
            looks_back: form.looks_back,
        })
    }

    /// What it says.
    pub(super) fn ast(&self) -> &Expr {
        &self.ast
    }

    /// Its aggregates, from left to right, each as often as it is there.
    pub(super) fn aggregates(&self) -> &[Expr] {
        &self.aggregates
    }

    /// What it is over.
    pub fn over(&self) -> Over {
        self.over
    }

    /// The columns that it names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether it asks for the window before.
    pub fn looks_back(&self) -> bool {
        self.looks_back
    }
}

fn parse(text: &str) -> Result<Expr, RuleError> {
    let tokens = Tokenizer::new(&GenericDialect {}, text)
        .tokenize_with_location()
        .map_err(|error| syntax(error.into(), text))?;
    short(&tokens)?;
    let mut parser = Parser::new(&GenericDialect {}).with_tokens_with_locations(tokens);
    let ast = parser.parse_expr().map_err(|error| syntax(error, text))?;
    let next = parser.peek_token();
    match next.token {
        Token::EOF => Ok(ast),
        token => Err(RuleError::new(
            Fault::Syntax,
            position(next.span),
            format!("the expression has ended, and {token} follows"),
            "write one expression",
        )),
    }
}

/// Refuses a text with many operators before it is parsed: `a + a + …` becomes as deep as it is long, and whoever walks through it
/// needs a stack of that depth, also to find out how deep it is.
fn short(tokens: &[TokenWithSpan]) -> Result<(), RuleError> {
    let mut operators = tokens.iter().filter(|token| is_operator(&token.token));
    match operators.nth(OPERATORS) {
        Some(token) => Err(RuleError::new(
            Fault::Syntax,
            position(token.span),
            format!("the expression has more than {OPERATORS} operators"),
            "write several rules, or a list: x in (…)",
        )),
        None => Ok(()),
    }
}

fn is_operator(token: &Token) -> bool {
    use Keyword::{
        AND, AT, BETWEEN, COLLATE, DIV, ILIKE, IN, IS, LIKE, NOT, OR, REGEXP, RLIKE, SIMILAR, XOR,
    };
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            AND | AT
                | BETWEEN
                | COLLATE
                | DIV
                | ILIKE
                | IN
                | IS
                | LIKE
                | NOT
                | OR
                | REGEXP
                | RLIKE
                | SIMILAR
                | XOR
        ),
        Token::EOF
        | Token::Number(..)
        | Token::Char(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Comma
        | Token::Whitespace(_)
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::RBracket => false,
        // Signs, and texts with a letter before them, of which few are written.
        _ => true,
    }
}

/// The parser's words, with the place that it appends to them as a field.
fn syntax(error: ParserError, expression: &str) -> RuleError {
    const PLACE: &str = " at Line: ";
    const END: &str = "found: EOF";
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
    };
    let split = text.rsplit_once(PLACE).and_then(|(found, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let position = Position {
            line: line.parse().ok()?,
            column: column.parse().ok()?,
        };
        Some((found, (position.line > 0).then_some(position)))
    });
    let (found, position) = split.unwrap_or((&text, None));
    // The parser appends no place to what it misses at the end.
    let position = position.or_else(|| found.ends_with(END).then(|| end(expression)));
    RuleError::new(
        Fault::Syntax,
        position,
        format!("no SQL expression: {found}"),
        "write a boolean SQL expression, such as monetary_28d >= 0",
    )
}

/// Where a text ends: behind the last character that is no blank.
fn end(text: &str) -> Position {
    let text = text.trim_end();
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        line: text.matches('\n').count() as u64 + 1,
        column: last.chars().count() as u64 + 1,
    }
}

/// Where a part begins; nothing for a part that the parser gives no place.
pub(super) fn position(span: Span) -> Option<Position> {
    (span.start.line > 0).then_some(Position {
        line: span.start.line,
        column: span.start.column,
    })
}

/// Walks through an expression and refuses what a rule cannot be.
struct Form {
    over: Over,
    /// The parts around the one that is looked at, and itself.
    depth: usize,
    /// The aggregates and calls of `previous` around the part that is looked at.
    inside: Vec<Inside>,
    columns: Vec<String>,
    /// Calls of aggregates so far.
    aggregates: Vec<Expr>,
    looks_back: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Aggregate,
    /// With the number of aggregates before it.
    Previous(usize),
}

impl Visitor for Form {
    type Break = RuleError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<RuleError> {
        ControlFlow::Break(RuleError::new(
            Fault::Syntax,
            position(query.span()),
            "a query inside of the expression",
            "write an expression over the columns of the source alone",
        ))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<RuleError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return ControlFlow::Break(RuleError::new(
                Fault::Syntax,
                position(expr.span()),
                format!(
                    "the expression is nested more than {DEPTH} deep, one for each operator in a row too"
                ),
                "write several rules, or a list: x in (…)",
            ));
        }
        match self.enter(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<RuleError> {
        self.depth -= 1;
        if let Expr::Function(function) = expr
            && matches!(role(function), Role::Aggregate | Role::Previous)
            && let Some(Inside::Previous(before)) = self.inside.pop()
            && before == self.aggregates.len()
        {
            return ControlFlow::Break(RuleError::new(
                Fault::Aggregate,
                position(expr.span()),
                "previous without an aggregate in it",
                "write previous(…) around an aggregate, such as previous(count(*))",
            ));
        }
        ControlFlow::Continue(())
    }
}

impl Form {
    fn enter(&mut self, expr: &Expr) -> Result<(), RuleError> {
        let refuse = |fault, found: String, write: &str| {
            Err(RuleError::new(fault, position(expr.span()), found, write))
        };
        match expr {
            Expr::Identifier(column) => {
                if self.over == Over::Window && !self.inside.contains(&Inside::Aggregate) {
                    let found = format!("the column {} is outside of an aggregate", column.value);
                    let write = format!(
                        "write one around it, such as avg({column}), or over: Rows for a rule about each row"
                    );
                    return refuse(Fault::Aggregate, found, &write);
                }
                self.columns.push(column.value.clone());
                Ok(())
            }
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                let name = parts.join(".");
                let write =
                    format!("write \"{name}\", in double quotes, where that is a column's name");
                refuse(
                    Fault::Column,
                    format!("{name} is no name of a column"),
                    &write,
                )
            }
            Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => refuse(
                Fault::Syntax,
                format!("{} is a placeholder", value.value),
                "write the value",
            ),
            Expr::Function(function) => self.call(function, expr),
            _ => Ok(()),
        }
    }

    fn call(&mut self, function: &Function, expr: &Expr) -> Result<(), RuleError> {
        let name = function.name.to_string();
        let refuse = |fault, found: String, write: &str| {
            Err(RuleError::new(fault, position(expr.span()), found, write))
        };
        if function.over.is_some() {
            let found = format!("{name} has a clause OVER");
            return refuse(Fault::Syntax, found, "write an aggregate without it");
        }
        let in_aggregate = self.inside.contains(&Inside::Aggregate);
        match role(function) {
            Role::Scalar => Ok(()),
            Role::Unstable => refuse(
                Fault::Function,
                format!("{name} gives another answer every time"),
                "write a fixed value: a window is judged once, and alike whenever that is",
            ),
            Role::Unknown if matches!(function.args, FunctionArguments::None) => refuse(
                Fault::Column,
                format!("{name} is a word of SQL"),
                &format!("write \"{name}\", in double quotes, where that is a column's name"),
            ),
            Role::Unknown => {
                let write = match functions().nearest(&name.to_lowercase()) {
                    Some(near) => format!("write {near}, if that is meant"),
                    None => "write one of those that the documentation of rules names".to_owned(),
                };
                refuse(
                    Fault::Function,
                    format!("there is no function {name}"),
                    &write,
                )
            }
            Role::Unbounded => refuse(
                Fault::Aggregate,
                format!("{name} keeps every value, or depends on the order of rows"),
                "write an aggregate with bounded memory, such as avg, approx_median or approx_percentile_cont",
            ),
            Role::Aggregate | Role::Previous if self.over == Over::Rows => refuse(
                Fault::Aggregate,
                format!("{name} is about all rows of a window, and the rule is over Rows"),
                "write over: Window, or an expression about one row",
            ),
            Role::Aggregate if in_aggregate => refuse(
                Fault::Aggregate,
                format!("{name} is inside of another aggregate"),
                "write one aggregate after the other, each over columns",
            ),
            Role::Aggregate => {
                if !plain(function) {
                    let found = format!("{name} keeps every value with DISTINCT, or orders rows");
                    let write = "write it without DISTINCT and ORDER BY, such as approx_distinct(…) for count(distinct …)";
                    return refuse(Fault::Aggregate, found, write);
                }
                self.aggregates.push(expr.clone());
                self.inside.push(Inside::Aggregate);
                Ok(())
            }
            Role::Previous if !self.inside.is_empty() => refuse(
                Fault::Aggregate,
                format!("{name} is inside of an aggregate or of another {name}"),
                "write previous(…) around an aggregate: only one window before is remembered",
            ),
            Role::Previous => {
                if arguments(function).len() != 1 {
                    let found = format!("{name} has one argument");
                    return refuse(
                        Fault::Function,
                        found,
                        "write one, such as previous(count(*))",
                    );
                }
                self.looks_back = true;
                self.inside.push(Inside::Previous(self.aggregates.len()));
                Ok(())
            }
        }
    }
}

fn role(function: &Function) -> Role {
    functions().role(&function.name.to_string().to_lowercase())
}

/// Whether an aggregate needs no other memory than its own: no distinct values, no order.
fn plain(function: &Function) -> bool {
    match &function.args {
        FunctionArguments::List(list) => {
            list.duplicate_treatment != Some(DuplicateTreatment::Distinct)
                && list.clauses.is_empty()
        }
        FunctionArguments::None | FunctionArguments::Subquery(_) => true,
    }
}

/// The arguments that are expressions.
fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else {
        return Vec::new();
    };
    let expressions = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    expressions.collect()
}
