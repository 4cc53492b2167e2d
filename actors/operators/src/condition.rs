//! Conditions on records that pass, for who looks at them: the same expressions as in filters.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use weir_domain::Clock;
use weir_expr::Predicate;
use weir_stream::{Conditions, Matcher};

/// A record for which the condition can't be evaluated does not fit it.
pub fn conditions(clock: Arc<dyn Clock>) -> Conditions {
    Arc::new(move |text: &str, schema: &SchemaRef| -> Result<Matcher, String> {
        let predicate = Predicate::compile(text, schema).map_err(|it| it.to_string())?;
        let clock = clock.clone();
        let matches = move |it: &RecordBatch| predicate.matches_isolating(it, clock.now()).matches;
        Ok(Box::new(matches))
    })
}
