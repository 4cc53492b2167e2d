//! Stricter typing than SQL engines have: a text is not a number, and nobody compares them by
//! accident. The library would insert casts that fail record by record, long after the mistake.
//!
//! It runs on the planned expression before coercion. What it lets pass is coerced as usual:
//! int32 with float64, date with timestamp, a quoted date with a date.

use arrow::array::{Array, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, TimeUnit};
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion_common::{DFSchema, Result, ScalarValue};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::{Expr, ExprSchemable, Operator};

use crate::ExprError;
use crate::message::plain_message;
use crate::resolve::Names;
use crate::types::{Family, family};
use weir_records::type_name;

pub(crate) const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

pub(crate) fn check(expr: &Expr, schema: &DFSchema, names: &Names) -> Result<(), ExprError> {
    let mut checker = Checker { schema, names, found: None };
    // The visitor itself never fails: it stops and keeps what it found.
    let _ = expr.visit(&mut checker);
    checker.found.map_or(Ok(()), Err)
}

struct Checker<'a> {
    schema: &'a DFSchema,
    names: &'a Names,
    found: Option<ExprError>,
}

impl<'n> TreeNodeVisitor<'n> for Checker<'_> {
    type Node = Expr;

    fn f_up(&mut self, node: &'n Expr) -> Result<TreeNodeRecursion> {
        self.found = self.node(node).err().map(|it| it.at(first_column(node)));
        Ok(match self.found {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    }
}

impl Checker<'_> {
    fn node(&self, node: &Expr) -> Result<(), ExprError> {
        match node {
            Expr::BinaryExpr(it) => self.binary(&it.left, it.op, &it.right),
            Expr::Between(it) => {
                self.comparable(&it.expr, &it.low)?;
                self.comparable(&it.expr, &it.high)
            }
            Expr::InList(it) => it.list.iter().try_for_each(|one| self.comparable(&it.expr, one)),
            Expr::Like(it) | Expr::SimilarTo(it) => {
                self.needs(&it.expr, Family::Text, "LIKE")?;
                self.needs(&it.pattern, Family::Text, "LIKE")
            }
            Expr::Not(it) => self.needs(it, Family::Truth, "NOT"),
            Expr::Negative(it) => self.negative(it),
            Expr::Case(it) => {
                for (when, _) in &it.when_then_expr {
                    match &it.expr {
                        Some(value) => self.comparable(value, when)?,
                        None => self.needs(when, Family::Truth, "WHEN")?,
                    }
                }
                Ok(())
            }
            Expr::ScalarFunction(it) => self.call(node, it),
            _ => Ok(()),
        }
    }

    fn data_type(&self, expr: &Expr) -> Option<DataType> {
        expr.get_type(self.schema).ok()
    }

    fn binary(&self, left: &Expr, op: Operator, right: &Expr) -> Result<(), ExprError> {
        match op {
            Operator::And | Operator::Or => {
                self.needs(left, Family::Truth, &op.to_string())?;
                self.needs(right, Family::Truth, &op.to_string())
            }
            Operator::Plus
            | Operator::Minus
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo => self.arithmetic(left, op, right),
            Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch => {
                self.needs(left, Family::Text, &op.to_string())?;
                self.needs(right, Family::Text, &op.to_string())
            }
            Operator::StringConcat => self.joined(left, right),
            it if it.supports_propagation() || it == Operator::NotEq => {
                self.comparable(left, right)
            }
            Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => self.comparable(left, right),
            _ => Ok(()),
        }
    }

    fn needs(&self, expr: &Expr, wanted: Family, what: &str) -> Result<(), ExprError> {
        let Some(data_type) = self.data_type(expr) else { return Ok(()) };
        if data_type == DataType::Null || family(&data_type) == wanted {
            return Ok(());
        }
        let name = if wanted == Family::Truth { "boolean" } else { "string" };
        let found = type_name(&data_type);
        let error =
            ExprError::of_type(format!("{what} needs {name}, but {} is {found}", short(expr)));
        Err(match wanted {
            Family::Truth => error.with_fix("compare it with something, for instance … > 0"),
            _ => error.with_fix("turn it into a text with CAST(… AS STRING)"),
        })
    }

    fn joined(&self, left: &Expr, right: &Expr) -> Result<(), ExprError> {
        let (Some(l), Some(r)) = (self.data_type(left), self.data_type(right)) else {
            return Ok(());
        };
        let joins = |it: &DataType| matches!(family(it), Family::Text | Family::Else);
        if joins(&l) || joins(&r) {
            return Ok(());
        }
        let message =
            format!("|| joins texts, but here are {} and {}", type_name(&l), type_name(&r));
        let error = ExprError::of_type(message);
        Err(if family(&l) == Family::Truth {
            error.with_fix("write OR between conditions")
        } else {
            error.with_fix("turn one of them into a text with CAST(… AS STRING)")
        })
    }

    fn negative(&self, expr: &Expr) -> Result<(), ExprError> {
        match self.data_type(expr) {
            Some(it) if matches!(family(&it), Family::Text | Family::Truth | Family::Time) => {
                let message =
                    format!("- needs a number, but {} is {}", short(expr), type_name(&it));
                Err(ExprError::of_type(message))
            }
            _ => Ok(()),
        }
    }

    fn arithmetic(&self, left: &Expr, op: Operator, right: &Expr) -> Result<(), ExprError> {
        let (Some(l), Some(r)) = (self.data_type(left), self.data_type(right)) else {
            return Ok(());
        };
        let wrong = |it: &DataType| matches!(family(it), Family::Text | Family::Truth);
        if !wrong(&l) && !wrong(&r) {
            return Ok(());
        }
        let message = format!("cannot compute {} {op} {}", type_name(&l), type_name(&r));
        let texts = family(&l) == Family::Text || family(&r) == Family::Text;
        let fix = match (texts, op) {
            (true, Operator::Plus) => {
                "join texts with ||, or cast to a number with CAST(… AS BIGINT)"
            }
            (true, _) => "cast the text to a number, for instance CAST(… AS BIGINT)",
            _ => "turn the boolean into a number, for instance CAST(… AS INT)",
        };
        Err(ExprError::of_type(message).with_fix(fix))
    }

    fn comparable(&self, left: &Expr, right: &Expr) -> Result<(), ExprError> {
        let (Some(l), Some(r)) = (self.data_type(left), self.data_type(right)) else {
            return Ok(());
        };
        let (a, b) = (family(&l), family(&r));
        if a == b || a == Family::Else || b == Family::Else {
            return Ok(());
        }
        match (a, b, literal(left), literal(right)) {
            (Family::Text, Family::Time, Some(text), _) => literal_fits(text, &r),
            (Family::Time, Family::Text, _, Some(text)) => literal_fits(text, &l),
            _ => {
                let message = format!("cannot compare {} with {}", type_name(&l), type_name(&r));
                Err(ExprError::of_type(message).with_fix(comparison_fix(left, a, right, b)))
            }
        }
    }

    fn call(&self, node: &Expr, call: &ScalarFunction) -> Result<(), ExprError> {
        let Err(error) = node.get_type(self.schema) else { return Ok(()) };
        let types: Option<Vec<_>> = call.args.iter().map(|it| self.data_type(it)).collect();
        let Some(types) = types else { return Ok(()) };
        let types: Vec<_> = types.iter().map(type_name).collect();
        let name = call.name();
        let at = self.names.calls.iter().find(|(it, _)| it == name).and_then(|(_, at)| *at);
        let given = if types.is_empty() { "no arguments".into() } else { types.join(", ") };
        Err(ExprError::of_type(format!("{name} does not take ({given})"))
            .with_fix(plain_message(&error))
            .at(at))
    }
}

fn comparison_fix(left: &Expr, a: Family, right: &Expr, b: Family) -> String {
    let (text, other) = if a == Family::Text { (left, b) } else { (right, a) };
    let is_text = a == Family::Text || b == Family::Text;
    match (is_text, other, literal(text)) {
        (true, Family::Number, Some(it)) if it.trim().parse::<f64>().is_ok() => {
            format!("write the number without quotes: {}", it.trim())
        }
        (true, Family::Number, _) => "cast the text, for instance TRY_CAST(… AS BIGINT)".into(),
        (true, Family::Time, _) => {
            "turn the text into a time, for instance to_timestamp(…, '%Y-%m-%d %H:%M')".into()
        }
        (true, _, _) => "write true or false without quotes, or compare texts".into(),
        _ => "cast one of them to the type of the other".into(),
    }
}

/// Whether a quoted text can be read as the type that it is compared with.
pub(crate) fn literal_fits(text: &str, data_type: &DataType) -> Result<(), ExprError> {
    let array = StringArray::from(vec![text]);
    let options = CastOptions { safe: true, ..CastOptions::default() };
    match cast_with_options(&array, data_type, &options) {
        Ok(it) if it.null_count() == 0 => Ok(()),
        _ => Err(ExprError::of_type(format!("'{text}' is no {}", type_name(data_type)))
            .with_fix("write '2001-01-31' for a date, '2001-01-31 12:35:00' for a timestamp")),
    }
}

fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(
            ScalarValue::Utf8(Some(it))
            | ScalarValue::LargeUtf8(Some(it))
            | ScalarValue::Utf8View(Some(it)),
            _,
        ) => Some(it),
        _ => None,
    }
}

/// The operand as a message names it: a field by its name, anything else by what it is.
fn short(expr: &Expr) -> String {
    match expr {
        Expr::Column(it) => it.name.clone(),
        Expr::Literal(ScalarValue::Utf8(Some(it)), _) => format!("'{it}'"),
        Expr::Literal(it, _) => it.to_string(),
        _ => "the operand".into(),
    }
}

/// The place of the first field below the node: the nearest thing to the node's own place.
fn first_column(node: &Expr) -> Option<(u32, u32)> {
    let mut found = None;
    let _ = node.apply(|it| {
        Ok(match it {
            Expr::Column(column) if let Some(span) = column.spans().first() => {
                let number = |it: u64| u32::try_from(it).unwrap_or(0);
                found = Some((number(span.start.line), number(span.start.column)));
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Continue,
        })
    });
    found
}
