//! The names in a syntax tree: every field and function must exist, and what is SQL but not for
//! one record at a time is refused here, where the place in the text is still known.
//!
//! It also normalises: `a.b` and `a[1].b` become `a['b']` and `a[1]['b']`, which the planner reads
//! the same way everywhere, and `now()` becomes a column that the evaluation provides.

use std::ops::ControlFlow;

use arrow::datatypes::{DataType, Schema};
use datafusion_sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType as SqlType, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, LambdaFunction, Query, Spanned, Subscript,
    TypedString, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion_sql::sqlparser::tokenizer::Span;
use weir_domain::did_you_mean;

use crate::fields::{Step, step, unknown, unknown_path};
use crate::functions::{FUNCTIONS, Functions};
use crate::parse::place;
use crate::{ExprError, ExprErrorKind};

/// The column that holds the time of evaluation. No text can name it: it has a control character.
pub(crate) const NOW: &str = "\u{1}now";

/// Longest chain of operators, deepest tree. Measured: compiling and evaluating it fits into the
/// stack of a worker thread with room to spare.
const DEPTH_MAX: usize = 120;

/// What the names of an expression refer to.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Top-level fields, in order of first use.
    pub(crate) columns: Vec<String>,
    pub(crate) uses_now: bool,
    /// Calls in order, by lowercase name, with their place.
    pub(crate) calls: Vec<(String, Option<(u32, u32)>)>,
}

/// Without a schema, fields are not looked for: all else is checked.
pub(crate) fn resolve(expr: &mut Expr, schema: Option<&Schema>) -> Result<Names, ExprError> {
    let mut resolver =
        Resolver { schema, names: Names::default(), parameters: Vec::new(), depth: 0 };
    match VisitMut::visit(expr, &mut resolver) {
        ControlFlow::Continue(()) => Ok(resolver.names),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Resolver<'a> {
    schema: Option<&'a Schema>,
    names: Names,
    /// Parameters of the lambdas around the present place.
    parameters: Vec<Vec<String>>,
    depth: usize,
}

impl VisitorMut for Resolver<'_> {
    type Break = ExprError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<ExprError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("the expression chains more than {DEPTH_MAX} operators");
            return ControlFlow::Break(
                ExprError::other(message).with_fix("use IN (…), or compute it in several fields"),
            );
        }
        match self.node(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<ExprError> {
        self.depth -= 1;
        if matches!(expr, Expr::Lambda(_)) {
            self.parameters.pop();
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<ExprError> {
        ControlFlow::Break(
            ExprError::other("an expression sees one record: it can't hold a query")
                .at(start(query.span())),
        )
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<ExprError> {
        match &value.value {
            Value::Placeholder(name) => ControlFlow::Break(
                ExprError::other(format!("there is no parameter {name}"))
                    .at(start(value.span))
                    .with_fix("use ${env:NAME} for values from the environment"),
            ),
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Resolver<'_> {
    fn node(&mut self, expr: &mut Expr) -> Result<(), ExprError> {
        match expr {
            Expr::Identifier(name) => self.identifier(name),
            Expr::CompoundIdentifier(path) => {
                let path = std::mem::take(path);
                self.check_head(&path)?;
                *expr = access(path);
                self.node(expr)
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                access_chain.iter_mut().for_each(dot_to_subscript);
                self.check_path(root, access_chain)
            }
            Expr::Function(call) => {
                if let Some(now) = self.call(call)? {
                    *expr = now;
                }
                Ok(())
            }
            Expr::Lambda(LambdaFunction { params, .. }) => {
                self.parameters.push(params.iter().map(|it| it.name.value.clone()).collect());
                Ok(())
            }
            Expr::TypedString(literal) => check_literal(literal),
            Expr::BinaryOp { op: BinaryOperator::PGOverlap, left, .. } => {
                let error = ExprError::syntax("there is no operator &&").at(start(left.span()));
                Err(error.with_fix("write AND"))
            }
            Expr::Wildcard(_) | Expr::QualifiedWildcard(_, _) => Err(wildcard()),
            _ => Ok(()),
        }
    }

    fn identifier(&mut self, name: &Ident) -> Result<(), ExprError> {
        if name.value == NOW || self.is_parameter(&name.value) {
            return Ok(());
        }
        if let Some(schema) = self.schema
            && schema.field_with_name(&name.value).is_err()
        {
            let quoted = name.quote_style.is_some();
            return Err(unknown(&name.value, quoted, schema).at(start(name.span)));
        }
        if !self.names.columns.contains(&name.value) {
            self.names.columns.push(name.value.clone());
        }
        Ok(())
    }

    fn is_parameter(&self, name: &str) -> bool {
        self.parameters.iter().flatten().any(|it| it == name)
    }

    fn check_head(&self, path: &[Ident]) -> Result<(), ExprError> {
        let (head, Some(schema)) = (&path[0], self.schema) else { return Ok(()) };
        if self.is_parameter(&head.value) || schema.field_with_name(&head.value).is_ok() {
            return Ok(());
        }
        let path: Vec<_> = path.iter().map(|it| it.value.as_str()).collect();
        Err(unknown_path(&path, schema).at(start(head.span)))
    }

    /// Walks as far as the types are known from the schema alone.
    fn check_path(&self, root: &Expr, chain: &[AccessExpr]) -> Result<(), ExprError> {
        let (Expr::Identifier(head), Some(schema)) = (root, self.schema) else { return Ok(()) };
        if self.is_parameter(&head.value) {
            return Ok(());
        }
        let Ok(field) = schema.field_with_name(&head.value) else { return Ok(()) };
        let (mut data_type, mut path) = (field.data_type(), head.value.clone());
        for access in chain {
            let AccessExpr::Subscript(subscript) = access else { return Ok(()) };
            let at = start(access_span(access));
            let taken = match field_name(subscript) {
                Some(name) => Step::Field(name),
                None if matches!(subscript, Subscript::Slice { .. }) => Step::Slice,
                None => Step::Element,
            };
            match step(data_type, &taken, &path).map_err(|it| it.at(at))? {
                Some(inner) => data_type = inner,
                None => return Ok(()),
            }
            match taken {
                Step::Field(name) => path = format!("{path}.{name}"),
                Step::Element | Step::Slice => path.push_str(&format!("[{subscript}]")),
            }
        }
        Ok(())
    }

    /// Checks a call, and gives what stands in its place if it asks for the time.
    fn call(&mut self, call: &Function) -> Result<Option<Expr>, ExprError> {
        let written = call.name.to_string();
        let name = written.to_lowercase();
        let at = start(call.name.span());
        if call.over.is_some() {
            let message = format!("{written} … OVER looks at many records, an expression sees one");
            return Err(ExprError::other(message).at(at));
        }
        if !FUNCTIONS.knows(&name) {
            return Err(unknown_function(&name).at(at));
        }
        if call.filter.is_some() || !call.within_group.is_empty() {
            let message = format!("{written} takes neither FILTER nor WITHIN GROUP");
            return Err(ExprError::other(message).at(at));
        }
        let bare = match &call.args {
            FunctionArguments::None => true,
            FunctionArguments::List(list) if list.args.iter().any(is_wildcard) => {
                return Err(wildcard().at(at));
            }
            FunctionArguments::List(list) => list.args.is_empty(),
            FunctionArguments::Subquery(_) => false,
        };
        if bare && let Some(now) = time_of_evaluation(&name) {
            self.names.uses_now = true;
            return Ok(Some(now));
        }
        self.names.calls.push((name, at));
        Ok(None)
    }
}

fn wildcard() -> ExprError {
    ExprError::other("* stands for all fields, but here one value is needed")
        .with_fix("name a field")
}

fn is_wildcard(arg: &FunctionArg) -> bool {
    matches!(arg, FunctionArg::Unnamed(FunctionArgExpr::Wildcard))
}

fn unknown_function(name: &str) -> ExprError {
    if Functions::is_aggregate(name) {
        let message = format!("{name} looks at many records, an expression sees one");
        let fix = match name {
            "max" | "min" => {
                let other = if name == "max" { "greatest" } else { "least" };
                format!("for the values of one record use {other}(a, b), or array_{name}(list)")
            }
            "sum" | "avg" => format!("for a list in one record use array_{name}(list)"),
            _ => "compute it in a stage that aggregates".into(),
        };
        return ExprError::other(message).with_fix(fix);
    }
    let suggestion = did_you_mean(name, FUNCTIONS.names()).map(str::to_owned);
    let fix = suggestion.as_ref().map(|it| format!("did you mean {it}?"));
    let message = format!("there is no function {name}");
    let kind = ExprErrorKind::UnknownFunction { name: name.to_owned(), suggestion };
    ExprError::new(kind, message)
        .with_fix(fix.unwrap_or_else(|| "the functions are listed in docs/expressions.md".into()))
}

fn time_of_evaluation(name: &str) -> Option<Expr> {
    let now = Expr::Identifier(Ident::with_quote('"', NOW));
    let cast = |data_type| Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(now.clone()),
        data_type,
        array: false,
        format: None,
    };
    match name {
        "now" | "current_timestamp" => Some(now),
        "current_date" | "today" => Some(cast(SqlType::Date)),
        "current_time" => {
            Some(cast(SqlType::Time(None, datafusion_sql::sqlparser::ast::TimezoneInfo::None)))
        }
        _ => None,
    }
}

/// `DATE '2001-02-30'` is wrong for every record, so it is refused before any.
fn check_literal(literal: &TypedString) -> Result<(), ExprError> {
    let target = match literal.data_type {
        SqlType::Date => DataType::Date32,
        SqlType::Timestamp(..) => crate::check::TIMESTAMP,
        _ => return Ok(()),
    };
    let Value::SingleQuotedString(text) = &literal.value.value else { return Ok(()) };
    crate::check::literal_fits(text, &target).map_err(|it| it.at(start(literal.value.span)))
}

/// `a.b.c` as `a['b']['c']`.
fn access(path: Vec<Ident>) -> Expr {
    let mut path = path.into_iter();
    let root = path.next().map_or(Expr::Identifier(Ident::new("")), Expr::Identifier);
    let access_chain = path.map(|it| AccessExpr::Subscript(subscript(it))).collect();
    Expr::CompoundFieldAccess { root: Box::new(root), access_chain }
}

fn dot_to_subscript(access: &mut AccessExpr) {
    if let AccessExpr::Dot(Expr::Identifier(name)) = access {
        let name = std::mem::replace(name, Ident::new(""));
        *access = AccessExpr::Subscript(subscript(name));
    }
}

fn subscript(name: Ident) -> Subscript {
    let value = ValueWithSpan { value: Value::SingleQuotedString(name.value), span: name.span };
    Subscript::Index { index: Expr::Value(value) }
}

fn field_name(subscript: &Subscript) -> Option<&str> {
    match subscript {
        Subscript::Index {
            index: Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(name), .. }),
        } => Some(name),
        _ => None,
    }
}

fn access_span(access: &AccessExpr) -> Span {
    match access {
        AccessExpr::Dot(expr) | AccessExpr::Subscript(Subscript::Index { index: expr }) => {
            expr.span()
        }
        AccessExpr::Subscript(Subscript::Slice { .. }) => Span::empty(),
    }
}

fn start(span: Span) -> Option<(u32, u32)> {
    place(span.start)
}
