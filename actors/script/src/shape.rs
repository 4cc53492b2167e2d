//! The fields of a row and of the ports, joined: worked out once for each schema that comes in.
//!
//! A row has the fields of the input and those that the ports add. A name has one type everywhere, so
//! that what is set in a row fits whichever port it leaves by.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use weir_domain::{PortName, did_you_mean};
use weir_formats::declared;
use weir_stream::type_name;

use crate::config::{JavaScriptConfig, OutputConfig};

/// What is wrong with the outputs: where below the configuration, why, and what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) path: String,
    pub(crate) cause: String,
    pub(crate) fix: String,
}

impl Wrong {
    fn new(path: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { path: path.into(), cause: cause.into(), fix: fix.into() }
    }
}

/// A port with the place of each of its columns among the fields of a row.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) name: PortName,
    pub(crate) schema: SchemaRef,
    pub(crate) columns: Vec<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Those of the input first.
    pub(crate) fields: Vec<FieldRef>,
    pub(crate) inputs: usize,
    pub(crate) ports: Vec<Port>,
    by_name: HashMap<String, usize>,
    /// Where what `onMessage` returns goes.
    pub(crate) returned: Option<usize>,
}

impl Shape {
    pub(crate) fn of(config: &JavaScriptConfig, input: &SchemaRef) -> Result<Self, Vec<Wrong>> {
        let mut shape = Self::default();
        for field in input.fields() {
            shape.by_name.entry(field.name().clone()).or_insert(shape.fields.len());
            shape.fields.push(Arc::clone(field));
        }
        shape.inputs = shape.fields.len();
        let mut wrong = Vec::new();
        for (name, schema) in outputs(config, Some(input), &mut wrong) {
            let Some(schema) = schema else { continue };
            let columns = shape.columns(&name, &schema, &mut wrong);
            shape.ports.push(Port { name, schema, columns });
        }
        let out = shape.ports.iter().position(|it| it.name == PortName::out());
        shape.returned = out.or((shape.ports.len() == 1).then_some(0));
        if wrong.is_empty() { Ok(shape) } else { Err(wrong) }
    }

    fn columns(&mut self, port: &PortName, schema: &Schema, wrong: &mut Vec<Wrong>) -> Vec<usize> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let next = self.fields.len();
            let at = *self.by_name.entry(field.name().clone()).or_insert(next);
            if at == next {
                self.fields.push(Arc::clone(field));
            } else if self.fields[at].data_type() != field.data_type() {
                let other = type_name(self.fields[at].data_type());
                let here = type_name(field.data_type());
                let name = field.name();
                let cause = format!("the field {name} is {here} here and {other} elsewhere");
                let fix = "give both the same type, or one of them another name";
                wrong.push(Wrong::new(format!("outputs.{port}"), cause, fix));
            }
            columns.push(at);
        }
        columns
    }

    pub(crate) fn port(&self, name: &str) -> Option<usize> {
        self.ports.iter().position(|it| it.name.as_str() == name)
    }

    /// Why there is no field of this name.
    pub(crate) fn no_field(&self, name: &str) -> String {
        let names = self.fields.iter().map(|it| it.name().as_str());
        match did_you_mean(name, names) {
            Some(near) => format!("there is no field {name}: did you mean {near}?"),
            None => format!("there is no field {name}: declare it in outputs, below add"),
        }
    }

    /// Why there is no port of this name.
    pub(crate) fn no_port(&self, name: &str) -> String {
        let names: Vec<_> = self.ports.iter().map(|it| it.name.as_str()).collect();
        match did_you_mean(name, names.iter().copied()) {
            Some(near) => format!("there is no port {name}: did you mean {near}?"),
            None => format!("there is no port {name}: the ports are {}", names.join(", ")),
        }
    }
}

/// The ports with their schemas; `None` while that depends on an input that is not known.
pub(crate) fn outputs(
    config: &JavaScriptConfig,
    input: Option<&SchemaRef>,
    wrong: &mut Vec<Wrong>,
) -> Vec<(PortName, Option<SchemaRef>)> {
    if config.outputs.is_empty() {
        return vec![(PortName::out(), input.cloned())];
    }
    let ports = config.outputs.iter();
    ports.map(|(name, output)| (name.clone(), schema(name, output, input, wrong))).collect()
}

fn schema(
    port: &PortName,
    output: &OutputConfig,
    input: Option<&SchemaRef>,
    wrong: &mut Vec<Wrong>,
) -> Option<SchemaRef> {
    let path = format!("outputs.{port}");
    let (key, fields) = match (&output.add[..], &output.schema[..]) {
        ([], []) => return input.cloned(),
        (fields, []) => ("add", fields),
        ([], fields) => ("schema", fields),
        (_, _) => {
            let cause = "add and schema stand side by side";
            let fix = "use schema for all fields of the port, or add for some besides the input's";
            wrong.push(Wrong::new(path, cause, fix));
            return None;
        }
    };
    let fields = match declared(&format!("{path}.{key}"), fields) {
        Ok(fields) => fields,
        Err(errors) => {
            wrong.extend(errors.into_iter().map(|it| Wrong::new(it.path, it.cause, it.fix)));
            return None;
        }
    };
    if key == "schema" {
        return Some(Arc::new(Schema::new(fields)));
    }
    let input = input?;
    for (at, field) in fields.iter().enumerate() {
        if input.field_with_name(field.name()).is_ok() {
            let cause = format!("the input has a field {} already", field.name());
            let fix = "a script may set it as it is: leave it out here, or name this one otherwise";
            wrong.push(Wrong::new(format!("{path}.add[{at}].name"), cause, fix));
        }
    }
    let all: Vec<Arc<Field>> = input.fields().iter().chain(fields.iter()).cloned().collect();
    Some(Arc::new(Schema::new(all)))
}
